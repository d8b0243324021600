//! Keys within the filter prompt: the line that is typed, and the filters that were kept before.

use super::filter::Filter;
use super::input::Input;
use super::key::{Code, Key};
use super::model::Model;
use super::model::mode::{FilterPrompt, Mode};

/// The most filters that are kept; the oldest is dropped.
const MAX_KEPT: usize = 50;

/// Opens the prompt with the filter that holds.
pub(super) fn open(model: &mut Model) {
    let prompt = FilterPrompt::new(model.query.filter.text());
    model.modes.push(Mode::Filter(prompt));
}

/// A key within the prompt; the panes follow every letter.
pub(super) fn press(model: &mut Model, mut prompt: FilterPrompt, key: Key) {
    match (key.code, key.ctrl) {
        (Code::Enter, _) => {
            keep(model);
            return;
        }
        (Code::Esc, _) => {
            model.query.filter = Filter::default();
            return;
        }
        (Code::Up, _) | (Code::Char('p'), true) => recall(model, &mut prompt, 1),
        (Code::Down, _) | (Code::Char('n'), true) => recall(model, &mut prompt, -1),
        _ => {
            prompt.back = 0;
            prompt.input.press(key);
        }
    }
    model.query.filter = Filter::new(&prompt.input.text());
    model.modes.push(Mode::Filter(prompt));
}

/// The kept filter that is so many steps older than the one that stands there.
fn recall(model: &Model, prompt: &mut FilterPrompt, steps: isize) {
    let back = prompt
        .back
        .saturating_add_signed(steps)
        .min(model.kept.len());
    if back == prompt.back {
        return;
    }
    if prompt.back == 0 && back > 0 {
        prompt.typed = prompt.input.text();
    }
    let older = model
        .kept
        .len()
        .checked_sub(back)
        .and_then(|at| model.kept.get(at));
    let text = if back == 0 {
        Some(&prompt.typed)
    } else {
        older
    };
    if let Some(text) = text {
        prompt.input = Input::new(text);
        prompt.back = back;
    }
}

/// Keeps the filter for later, each once and the last one at the end.
pub(super) fn keep(model: &mut Model) {
    let text = model.query.filter.text().trim().to_owned();
    if text.is_empty() {
        return;
    }
    model.kept.retain(|kept| *kept != text);
    if model.kept.len() == MAX_KEPT {
        model.kept.remove(0);
    }
    model.kept.push(text);
}
