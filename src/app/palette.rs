//! Every command there is, found by any letters of its name or of what it does.

use jiff::Timestamp;

use super::action::{Action, Group};
use super::model::Model;
use super::possible;
use crate::pane::PANES;

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    Action(Action),
    /// One of the user's own commands.
    Command(usize),
}

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) pick: Pick,
    pub(super) name: String,
    pub(super) help: String,
    pub(super) key: String,
    /// Why it cannot be done to the row now.
    pub(super) why_not: Option<String>,
}

/// What matches, the best first; what cannot be done now comes last.
pub(super) fn choices(model: &Model, typed: &str, now: Timestamp) -> Vec<Choice> {
    let mut found: Vec<(bool, i32, Choice)> = all(model, now)
        .into_iter()
        .filter_map(|choice| {
            let by_name = score(typed, &choice.name).map(|score| score + 4);
            let by_help = score(typed, &choice.help);
            let score = by_name.max(by_help)?;
            Some((choice.why_not.is_some(), -score, choice))
        })
        .collect();
    found.sort_by_key(|(is_last, score, _)| (*is_last, *score));
    found.into_iter().map(|(_, _, choice)| choice).collect()
}

fn all(model: &Model, now: Timestamp) -> Vec<Choice> {
    let commands = model.desk.commands.iter().enumerate();
    let commands = commands.map(|(number, command)| {
        let of = PANES
            .iter()
            .find(|pane| pane.scope() == Some(command.scope));
        let is_here = model.pane().scope() == Some(command.scope);
        let why_not = model.desk.obstacle().map(str::to_owned);
        let elsewhere = || Some(format!("works on {}", of?.name()));
        Choice {
            pick: Pick::Command(number),
            name: command.label.clone(),
            help: command.command.join(" "),
            key: command.key.clone().unwrap_or_default(),
            why_not: why_not.or_else(|| (!is_here).then(elsewhere).flatten()),
        }
    });
    // First what can be done to the row: that is what somebody looks for here.
    let mut actions: Vec<_> = Action::ALL
        .iter()
        .filter(|action| **action != Action::Palette)
        .collect();
    actions.sort_by_key(|action| action.group() != Group::Act);
    let actions = actions.into_iter().map(|action| Choice {
        pick: Pick::Action(*action),
        name: action.name().replace('_', " "),
        help: action.help().to_owned(),
        key: model.keymap.hint(*action).unwrap_or_default(),
        why_not: possible::obstacle(model, *action, now),
    });
    commands.chain(actions).collect()
}

/// How well letters are found in a text in their order: words and runs count more. `None` when they
/// are not.
fn score(typed: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    // The beginning of a later word is mostly meant, unless the rest is not found behind it.
    walk(&typed, &text, true).max(walk(&typed, &text, false))
}

fn walk(typed: &[char], text: &[char], prefers_words: bool) -> Option<i32> {
    let begins = |at: usize| at == 0 || !text[at - 1].is_alphanumeric();
    let (mut total, mut from) = (0, 0);
    let mut last = None;
    for letter in typed.iter().filter(|letter| !letter.is_whitespace()) {
        let is_it = |at: &usize| text[*at] == *letter;
        let next = (from..text.len()).find(is_it)?;
        let is_run = last.is_some_and(|last| next == last + 1);
        let mut words = (next..text.len()).filter(|at| is_it(at) && begins(*at));
        let word = words.next().filter(|_| prefers_words && !is_run);
        let at = word.unwrap_or(next);
        total += match (is_run, begins(at)) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 0,
        };
        last = Some(at);
        from = at + 1;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_found_in_their_order_and_words_count_more() {
        assert_eq!(score("xyz", "acknowledge"), None);
        assert_eq!(score("", "acknowledge"), Some(0));
        assert!(score("ack", "acknowledge") > score("ack", "a back"));
        assert!(score("pa", "poll all") > score("pa", "repaint"));
        assert!(score("es", "escalate") > score("es", "releases"));
    }
}
