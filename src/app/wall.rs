//! The wall: the faces of [`crate::pane::wall`] laid out in large letters, and the few keys there are.
//!
//! Nothing on a wall acts: its keys leave, repaint and suspend.

use jiff::Timestamp;

use super::Effect;
use super::action::Action;
use super::key::Key;
use super::layout::Area;
use super::model::Model;
use super::model::wall::WallView;
use super::screen::Screen;
use crate::pane::wall::{Face, Look, Wall as Facts};
use crate::pane::{INCIDENTS, Line, Role, SLOS};
use crate::text::Shown;

mod banner;
mod calm;
mod flow;
pub mod font;
pub mod pieces;
mod tail;

use pieces::Wall;

/// Narrower or lower than this, a wall is one line.
pub(super) const SMALLEST: (u16, u16) = (30, 6);

/// A wall to be laid out.
#[derive(Clone, Copy)]
struct Canvas<'a> {
    facts: &'a Facts,
    view: &'a WallView,
    /// The time of day and its zone.
    clock: (&'a str, &'a str),
    /// The sign of the drawing loop.
    beat: &'a str,
    /// Faults of the program itself.
    notices: &'a [Shown],
    width: u16,
    height: u16,
    margin: u16,
}

impl Canvas<'_> {
    /// Columns between the margins.
    fn room(self) -> u16 {
        self.width.saturating_sub(2 * self.margin)
    }
}

/// Shows or leaves the wall.
pub(super) fn toggle(model: &mut Model, now: Timestamp) {
    if model.wall.take().is_some() {
        return;
    }
    let began = model.bell.began.unwrap_or(now);
    model.wall = Some(WallView::new(model.wall_settings.clone(), false, began));
    settle(model, now);
}

/// Takes in a key: a wall can be left, repainted and suspended, and nothing else.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let is_alone = model.wall.as_ref().is_some_and(|wall| wall.is_alone);
    match model.keymap.resolve(key) {
        Some(Action::Exit) => vec![Effect::Quit],
        Some(Action::Quit) if is_alone => vec![Effect::Quit],
        Some(Action::Quit | Action::Back | Action::Wall) if !is_alone => {
            model.wall = None;
            Vec::new()
        }
        Some(Action::Repaint) if key.ctrl => vec![Effect::Repaint],
        Some(Action::Suspend) if key.ctrl => vec![Effect::Suspend],
        _ => Vec::new(),
    }
}

/// Brings face and page up to date.
pub(super) fn settle(model: &mut Model, now: Timestamp) {
    let Some(mut view) = model.wall.take() else {
        return;
    };
    let (face, known) = look(model, view.began, now, |look| (look.face(), look.known()));
    view.settle(face, known, now);
    model.wall = Some(view);
}

/// The present, whatever else is looked at.
fn look<T>(
    model: &Model,
    began: Timestamp,
    now: Timestamp,
    use_it: impl FnOnce(&Look<'_>) -> T,
) -> T {
    let (slos, incidents) = (model.newest_board(SLOS), model.newest_board(INCIDENTS));
    let sight = model.present(now);
    use_it(&Look::new(sight, (&slos, &incidents), began))
}

/// The wall as a frame.
pub(super) fn screen(model: &Model, view: &WallView, now: Timestamp) -> Screen {
    let facts = look(model, view.began, now, |look| look.wall(&view.memory));
    let zoned = now.to_zoned(model.zone.clone());
    let time = zoned.strftime("%H:%M").to_string();
    let zone = zoned.strftime("%Z").to_string();
    let forgetful = model.forgetful.as_ref().map(|fault| fault.message.shown());
    let notices: Vec<_> = view
        .notices
        .iter()
        .flatten()
        .cloned()
        .chain(forgetful)
        .collect();
    let canvas = Canvas {
        facts: &facts,
        view,
        clock: (&time, &zone),
        beat: beat(model.is_ascii, now),
        notices: &notices,
        width: model.size.width,
        height: model.size.height,
        margin: match model.size.width {
            0..60 => 1,
            60..100 => 2,
            _ => 3,
        },
    };
    let is_night = view
        .settings
        .dim
        .is_some_and(|dim| dim.contains(zoned.time()));
    let wall = match facts.face {
        Face::Calm => Wall {
            is_dim: is_night,
            ..calm::wall(canvas)
        },
        Face::Page => banner::page(canvas, view.is_moved(now)),
        Face::Blind => banner::blind(canvas, view.is_moved(now)),
        Face::BlindAndPage => banner::both(canvas, view.is_moved(now)),
    };
    Screen {
        wall: Some(wall),
        ..Screen::default()
    }
}

/// Changes every other second: a drawing loop that stands still is seen.
fn beat(is_ascii: bool, now: Timestamp) -> &'static str {
    match (is_ascii, now.as_second().rem_euclid(4) == 0) {
        (false, false) => "▪ alive",
        (false, true) => "▫ alive",
        (true, false) => "* alive",
        (true, true) => "- alive",
    }
}

/// Two halves of the screen, the first one above unless it has moved.
fn halves(canvas: Canvas<'_>, is_moved: bool) -> (Area, Area) {
    let upper = Area {
        x: 0,
        y: 0,
        width: canvas.width,
        height: canvas.height / 2,
    };
    let lower = Area {
        y: upper.height,
        height: canvas.height - upper.height,
        ..upper
    };
    if is_moved {
        (lower, upper)
    } else {
        (upper, lower)
    }
}

/// Lines side by side with a gap, as many as fit.
fn side_by_side(lines: &[Line], gap: &str, width: u16) -> Line {
    let mut all = Line::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let between = if all.is_empty() { "" } else { gap };
        let needed = all.width() + between.len() + line.width();
        if !all.is_empty() && needed > usize::from(width) {
            let rest = Line::of(" …", Role::Dim);
            return if all.width() + rest.width() <= usize::from(width) {
                all.join(rest)
            } else {
                all
            };
        }
        all = all.text(between, Role::Plain).join(line.clone());
    }
    all
}
