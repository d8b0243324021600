//! Everything there is to go to: commands by any letters of their names, rows by theirs, moments.

use jiff::Timestamp;

use super::action::{Action, Group};
use super::model::Model;
use super::{Memory, follow, possible};
use crate::config::ThemeChoice;
use crate::domain::When;
use crate::pane::{INCIDENTS, PANES, RELEASES, RowKey, SERVICES, SLOS, links};
use crate::text::{Shown, Untrusted};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    Action(Action),
    /// One of the user's own commands.
    Command(usize),
    /// A row of a pane, by its place in `PANES`.
    Row(usize, RowKey),
    /// A moment of the past.
    Moment(Timestamp),
    /// Colours.
    Theme(ThemeChoice),
    /// A note on the moment that is shown.
    Note(String),
    /// A saved view, by its number.
    View(usize),
    /// An address of the web.
    Link(String),
    /// A release and an incident, by id, that are taken apart or put together.
    Pair(String, String, bool),
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
    let only = moment(model, typed, now)
        .or_else(|| note(model, typed))
        .or_else(|| pair(model, typed));
    if let Some(only) = only {
        return vec![only];
    }
    let mut found: Vec<(bool, i32, Choice)> = all(model, now)
        .into_iter()
        .filter_map(|choice| {
            let by_name = score(typed, &choice.name).map(|score| score + 4);
            let by_help = score(typed, &choice.help);
            let score = by_name.max(by_help)?;
            Some((choice.why_not.is_some(), -score, choice))
        })
        .collect();
    found.extend(rows(model, typed));
    found.sort_by_key(|(is_last, score, _)| (*is_last, *score));
    found.into_iter().map(|(_, _, choice)| choice).collect()
}

/// The moment of `at 03:12`; clocks are those of the screen's zone.
fn moment(model: &Model, typed: &str, now: Timestamp) -> Option<Choice> {
    let text = typed.trim_start().strip_prefix("at ")?;
    let when = When::parse(text);
    let at = when.as_ref().ok().map(|when| when.moment(now, &model.zone));
    let help = match (&when, at) {
        (Ok(_), Some(at)) => model.sight(now).moment(at),
        (Err(forms), _) => forms.clone(),
        (Ok(_), None) => String::new(),
    };
    let why_not = match (&when, at) {
        (Err(_), _) | (_, None) => {
            Some("no moment yet: at 03:12, at -2h, at yesterday 14:00".to_owned())
        }
        _ if model.memory == Memory::None => Some("there is no journal".to_owned()),
        (_, Some(at)) if at >= now => Some("that moment is yet to come".to_owned()),
        _ => None,
    };
    Some(Choice {
        pick: Pick::Moment(at.unwrap_or(now)),
        name: format!("at {text}"),
        help,
        key: String::new(),
        why_not,
    })
}

/// The note of `note drained eu-1`, on the moment that is shown.
fn note(model: &Model, typed: &str) -> Option<Choice> {
    let text = typed.trim_start().strip_prefix("note ")?.trim();
    let why_not = match model.memory {
        _ if text.is_empty() => Some("no words yet: note drained eu-1".to_owned()),
        Memory::Journal => None,
        Memory::None | Memory::Recording(_) => Some("there is no journal".to_owned()),
    };
    let when = if model.is_past() { "then" } else { "now" };
    Some(Choice {
        pick: Pick::Note(text.to_owned()),
        name: format!("note {text}"),
        help: format!("keeps it in the journal, on {when}"),
        key: String::new(),
        why_not,
    })
}

/// The pair of `unlink d2 i1`, or of `link d2 i1`.
fn pair(model: &Model, typed: &str) -> Option<Choice> {
    let typed = typed.trim_start();
    let (rest, is_apart) = match typed.strip_prefix("unlink ") {
        Some(rest) => (rest, true),
        None => (typed.strip_prefix("link ")?, false),
    };
    let mut ids = rest.split_whitespace();
    let (release, incident) = (ids.next().unwrap_or_default(), ids.next());
    let is_listed = |id: &str| {
        let rows = model.newest().releases();
        let mut ids = rows.map(|(_, row)| row.id.raw());
        ids.any(|known| known == id)
    };
    let why_not = match (incident, model.memory) {
        (None, _) => Some("two ids: unlink RELEASE INCIDENT".to_owned()),
        _ if ids.next().is_some() => Some("two ids, without blanks in them".to_owned()),
        (Some(_), Memory::None | Memory::Recording(_)) => Some("there is no journal".to_owned()),
        (Some(_), _) if !is_listed(release) => Some(format!("no release `{release}` is listed")),
        (Some(_), Memory::Journal) => None,
    };
    let incident = incident.unwrap_or_default();
    let help = if is_apart {
        "counts them as nothing to each other; kept in the journal"
    } else {
        "takes an unlink back; kept in the journal"
    };
    Some(Choice {
        pick: Pick::Pair(release.to_owned(), incident.to_owned(), is_apart),
        name: typed.to_owned(),
        help: help.to_owned(),
        key: String::new(),
        why_not,
    })
}

/// The panes whose rows can be gone to, with the word for one.
const GOALS: [(usize, &str); 4] = [
    (SERVICES, "service"),
    (SLOS, "SLO"),
    (INCIDENTS, "incident"),
    (RELEASES, "release"),
];
/// At most so many rows of a pane are found.
const MAX_ROWS: usize = 5;

/// Rows whose name holds what is typed, services first.
fn rows(model: &Model, typed: &str) -> Vec<(bool, i32, Choice)> {
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (rank, (place, word)) in GOALS.into_iter().enumerate() {
        let sight = model.sight(Timestamp::UNIX_EPOCH);
        let entries = model.rosters[place].board.entries.iter();
        let named = entries.filter_map(|entry| {
            let facets = PANES[place].facets(sight, entry);
            let words: Vec<_> = facets
                .service
                .into_iter()
                .chain(facets.words)
                .filter(|word| !word.is_empty())
                .take(2)
                .collect();
            let name = Shown::new(words.join(" "));
            let begins = name.as_str().to_lowercase().find(&typed)? == 0;
            Some((begins, name, entry.key.clone()))
        });
        for (begins, name, key) in named.take(MAX_ROWS) {
            // A whole word typed stands before commands that have its letters somewhere.
            let score = if begins { 40 } else { 20 } - i32::try_from(rank).unwrap_or(0);
            let choice = Choice {
                pick: Pick::Row(place, key),
                name: name.to_string(),
                help: word.to_owned(),
                key: String::new(),
                why_not: None,
            };
            found.push((false, -score, choice));
        }
    }
    found
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
    let views = model.views.iter().enumerate().map(|(number, view)| {
        let filter = if view.filter.is_empty() {
            "all rows"
        } else {
            view.filter.as_str()
        };
        Choice {
            pick: Pick::View(number),
            name: view.name.clone(),
            help: format!("view: {filter}, {}", view.sort.first()),
            key: String::new(),
            why_not: None,
        }
    });
    let themes = ThemeChoice::ALL.into_iter().map(|(word, theme)| Choice {
        pick: Pick::Theme(theme),
        name: format!("theme {word}"),
        help: "colours of the screen".to_owned(),
        key: String::new(),
        why_not: None,
    });
    views
        .chain(links(model, now))
        .chain(commands)
        .chain(actions)
        .chain(themes)
        .collect()
}

/// The links of the service of the row that keys act on.
fn links(model: &Model, now: Timestamp) -> Vec<Choice> {
    let sight = model.sight(now);
    let service = model
        .target()
        .and_then(|entry| model.pane().facets(sight, entry).service);
    let service = service.map(Untrusted::from).unwrap_or_default();
    let links = links::of_service(sight, &service);
    let links = links.filter_map(|(name, url)| Some((name, follow::web_address(&url)?)));
    let links = links.map(|(name, url)| Choice {
        name: format!("open {name}"),
        help: url.clone(),
        pick: Pick::Link(url),
        key: String::new(),
        why_not: None,
    });
    links.collect()
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
