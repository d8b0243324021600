//! A suggested SLO as lines of the configuration: shown, and appended to the file on request.

use jiff::Timestamp;

use super::Effect;
use super::action::Action;
use super::key::{Code, Key};
use super::model::Model;
use super::model::mode::Mode;
use super::scroll::scroll;
use crate::config::ProposedSlo;
use crate::domain::{Origin, Suggestion};
use crate::pane::block::{Block, Detail};
use crate::pane::{Line, Role, SLOS};
use crate::text::Untrusted;

/// Shows the lines that keep the suggested SLO of the row that keys act on.
pub(super) fn open(model: &mut Model, now: Timestamp) {
    if let Some(reason) = obstacle(model, now) {
        model.tell(reason, now);
        return;
    }
    let found = suggestion(model, now);
    let entry = found.map(|(suggestion, source)| ProposedSlo::of(suggestion, source).text());
    if let Some(entry) = entry {
        model.modes.push(Mode::Keep { entry, scroll: 0 });
    }
}

/// Why the row that keys act on cannot be kept.
pub(super) fn obstacle(model: &Model, now: Timestamp) -> Option<&'static str> {
    if suggestion(model, now).is_none() {
        return Some("only a suggested SLO can be kept");
    }
    if model.is_past() {
        return Some("this is the past");
    }
    let is_nowhere = model.file.is_none();
    is_nowhere.then_some("there is no configuration file: `watchfire init` writes one")
}

/// The suggestion that the row that keys act on comes from, and its source.
fn suggestion(model: &Model, now: Timestamp) -> Option<(&Suggestion, &str)> {
    let entry = model.target().filter(|_| model.focus == SLOS)?;
    let feed = model.sight(now).store.feeds().get(entry.feed)?;
    let slo = &feed.facts.slos.as_ref()?.get(entry.item)?.slo;
    let suggestions = feed.facts.suggestions.as_ref()?;
    let mut all = suggestions
        .all
        .iter()
        .filter(|_| slo.origin == Origin::Suggested);
    let found = all.find(|one| one.service == slo.service && slo.name.raw() == one.name)?;
    Some((found, feed.name.as_str()))
}

/// A key while the lines are shown.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    match (key.code, model.keymap.resolve(key)) {
        (Code::Enter, _) => {
            let entry = match model.modes.top() {
                Mode::Keep { entry, .. } => entry.clone(),
                _ => return Vec::new(),
            };
            model.modes.pop();
            return vec![Effect::AppendSlo(entry)];
        }
        (Code::Esc, _) | (_, Some(Action::Back | Action::Quit)) => {
            model.modes.pop();
        }
        (_, Some(action)) => scroll(model, action),
        _ => {}
    }
    Vec::new()
}

/// The lines, and what the keys do with them.
pub(super) fn detail(model: &Model, entry: &str) -> Detail {
    let mut detail = Detail {
        title: Line::of("keep a suggested SLO", Role::Title),
        ..Detail::default()
    };
    let file = model.file.as_deref().unwrap_or_default();
    let keys = Line::of("enter", Role::Accent).text(" append to ", Role::Dim);
    let keys = keys.foreign(&file.into(), Role::Plain);
    detail.line(keys.text("  esc", Role::Accent).text(" back", Role::Dim));
    detail.blocks.push(Block::Gap);
    for line in entry.lines() {
        let role = if line.starts_with('#') {
            Role::Dim
        } else {
            Role::Plain
        };
        detail.line(Line::new().foreign(&Untrusted::from(line), role));
    }
    detail.blocks.push(Block::Gap);
    let after =
        "From the next start on, its source suggests no other SLO unless it has `suggest = true`.";
    detail.line(Line::of(after, Role::Dim));
    detail
}
