//! `:tour`: the screen in a few steps, each with its key.

use super::Effect;
use super::action::Action;
use super::key::{Code, Key};
use super::model::Model;
use super::model::mode::Mode;
use crate::pane::block::{Block, Detail};
use crate::pane::{Line, Role};

/// A step: what it is about, and the keys for it.
type Step = (&'static str, &'static [Action]);

const STEPS: [Step; 8] = [
    (
        "The lines on top say what burns worst: since when, how fast, the budget left, the suspect release, and \
         who has it.",
        &[],
    ),
    (
        "Rows are sorted worst first. The selection follows its row when ranks change; open shows it in detail.",
        &[Action::Down, Action::Up, Action::Open, Action::Back],
    ),
    (
        "When something pages, this leads to the release that may be behind it, and back to the row.",
        &[Action::Suspect, Action::Back],
    ),
    (
        "Every number can be explained: its queries, counts, windows and samples.",
        &[Action::Explain],
    ),
    (
        "Releases, incidents, state changes and faults stand on one time axis. You can step back in it.",
        &[
            Action::Timeline,
            Action::Earlier,
            Action::Later,
            Action::Live,
        ],
    ),
    (
        "Actions show first what they would do, and ask once.",
        &[Action::Acknowledge, Action::Silence, Action::Note],
    ),
    (
        "Anything can be reached by its name: a service, an SLO, a release, a view, a theme, a moment.",
        &[Action::Palette, Action::Filter],
    ),
    (
        "The help has every key. The wall is for a screen that all can see.",
        &[Action::Help, Action::Wall],
    ),
];

/// Opens it at its first step.
pub(super) fn open(model: &mut Model) {
    model.modes.push(Mode::Tour(0));
}

/// A key while it is shown: the next step, the one before, or its end.
pub(super) fn press(model: &mut Model, step: usize, key: Key) -> Vec<Effect> {
    let next = match (key.code, model.keymap.resolve(key)) {
        (Code::Esc, _) | (_, Some(Action::Back | Action::Quit)) => None,
        (Code::Left | Code::Backspace, _) | (_, Some(Action::Up)) => Some(step.saturating_sub(1)),
        (Code::Enter | Code::Right | Code::Char(' '), _) | (_, Some(Action::Down)) => {
            Some(step + 1).filter(|step| *step < STEPS.len())
        }
        _ => Some(step),
    };
    model.modes.pop();
    if let Some(step) = next {
        model.modes.push(Mode::Tour(step));
    }
    Vec::new()
}

/// A step as it is shown.
pub(super) fn detail(model: &Model, step: usize) -> Detail {
    let step = step.min(STEPS.len() - 1);
    let (words, actions) = STEPS[step];
    let mut detail = Detail {
        title: Line::of("tour", Role::Title),
        origin: Line::of(format!("{} of {}", step + 1, STEPS.len()), Role::Dim),
        ..Detail::default()
    };
    detail
        .blocks
        .push(Block::Prose(crate::text::Shown::new(words), Role::Plain));
    let bound = actions.iter().filter_map(|action| {
        let key = model.keymap.hint(*action)?;
        Some((key, action.help()))
    });
    let keys = bound.fold(Line::new(), |line, (key, help)| {
        line.text(key, Role::Accent)
            .text(format!(" {help}   "), Role::Plain)
    });
    if !keys.is_empty() {
        detail.line(keys);
    }
    detail.blocks.push(Block::Gap);
    let last = step + 1 == STEPS.len();
    let next = if last { " close   " } else { " next   " };
    detail.line(
        Line::of("enter", Role::Accent)
            .text(next, Role::Dim)
            .text("backspace", Role::Accent)
            .text(" back   ", Role::Dim)
            .text("esc", Role::Accent)
            .text(" leave", Role::Dim),
    );
    detail
}
