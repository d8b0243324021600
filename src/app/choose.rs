//! Keys within the command palette.

use jiff::Timestamp;

use super::filter::Filter;
use super::key::{Code, Key};
use super::model::Model;
use super::model::mode::{Mode, Palette};
use super::palette::{Choice, Pick, choices};
use super::{Effect, desk, jump, past, prompt};

/// A key within the palette.
pub(super) fn press(
    model: &mut Model,
    mut palette: Palette,
    key: Key,
    now: Timestamp,
) -> Vec<Effect> {
    let found = choices(model, &palette.input.text(), now);
    let last = found.len().saturating_sub(1);
    match (key.code, key.ctrl) {
        (Code::Esc, _) => return Vec::new(),
        (Code::Enter, _) => {
            return match found.into_iter().nth(palette.chosen) {
                Some(choice) => perform(model, choice, now),
                None => Vec::new(),
            };
        }
        (Code::Down | Code::Tab, _) | (Code::Char('n'), true) => {
            palette.chosen = (palette.chosen + 1).min(last);
        }
        (Code::Up | Code::BackTab, _) | (Code::Char('p'), true) => {
            palette.chosen = palette.chosen.saturating_sub(1);
        }
        (Code::Backspace, _) if palette.input.is_empty() => return Vec::new(),
        _ => {
            palette.input.press(key);
            palette.chosen = 0;
        }
    }
    model.modes.push(Mode::Palette(palette));
    Vec::new()
}

fn perform(model: &mut Model, choice: Choice, now: Timestamp) -> Vec<Effect> {
    if let Some(why) = choice.why_not {
        model.tell(why, now);
        return Vec::new();
    }
    match choice.pick {
        Pick::Action(action) => super::update::act(model, action, now),
        Pick::Command(number) => desk::errand::begin(model, number, now),
        Pick::Row(place, key) => {
            jump::to_row(model, place, &key, now);
            Vec::new()
        }
        Pick::Link(url) => vec![Effect::Open(url)],
        Pick::Moment(at) => past::recall(model, at),
        Pick::Theme(theme) => vec![Effect::Theme(theme)],
        Pick::Note(text) => past::note_on(model, &text, now),
        Pick::View(number) => {
            if let Some(view) = model.views.get(number).cloned() {
                model.query.filter = Filter::new(&view.filter);
                model.query.sort = view.sort;
                model.close_detail();
                prompt::keep(model);
                let unknown = model.query.filter.unknown_field();
                let words = match unknown {
                    Some(name) => format!("view {}: no field {name}", view.name),
                    None => format!("view {}", view.name),
                };
                model.tell(words, now);
            }
            Vec::new()
        }
        Pick::Pair(release, incident, is_apart) => {
            past::link(model, (&release, &incident), is_apart, now)
        }
    }
}
