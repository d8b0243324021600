//! What lies over the screen while something is asked, shown or chosen.

use jiff::Timestamp;

use super::desk::{self, show_ask, show_errands, show_orders};
use super::handoff;
use super::keep;
use super::layout::{Area, Border};
use super::model::Model;
use super::model::ask::Ask;
use super::model::mode::Mode;
use super::model::mode::Palette;
use super::palette;
use super::screen::Sheet;
use super::{sheet, tour};
use crate::pane::block::{Block, Detail};
use crate::pane::{Cell, Line, Role};
use crate::text::Shown;

/// The widest that lies over the screen, and the widest that a command's output does.
const WIDEST: (u16, u16) = (78, 140);
/// Lines of the palette, with its border.
const PALETTE: u16 = 18;

/// What lies over the screen now, and where in it the cursor stands.
pub(super) fn overlay(model: &Model, now: Timestamp) -> Option<(Sheet, Option<(u16, u16)>)> {
    match model.modes.top() {
        Mode::Ask(ask) => Some(prompt(model, ask, now)),
        Mode::Palette(palette) => Some(list(model, palette, now)),
        Mode::Orders { scroll }
        | Mode::Errands { scroll }
        | Mode::Keep { scroll, .. }
        | Mode::Handoff { scroll } => {
            let (detail, area) = page(model, now)?;
            Some((sheet::in_view(detail, area, Border::Box, *scroll), None))
        }
        Mode::Tour(step) => Some((tour(model, *step), None)),
        _ => None,
    }
}

/// A step of the tour, low on the screen so that most of it stays in view.
fn tour(model: &Model, step: usize) -> Sheet {
    let width = model.size.width.min(WIDEST.0);
    let detail = tour::detail(model, step);
    let count = sheet::line_count(&detail, width.saturating_sub(2));
    let area = centred(model, width, count);
    let lowest = model.size.height.saturating_sub(area.height + 2);
    let area = Area {
        y: lowest.max(area.y),
        ..area
    };
    sheet::in_view(detail, area, Border::Box, 0)
}

/// The furthest that orders, an output or a hand-over can be scrolled.
pub(super) fn last_scroll(model: &Model, now: Timestamp) -> usize {
    let page = page(model, now);
    page.map_or(0, |(detail, area)| {
        sheet::out_of_view(&detail, area, Border::Box)
    })
}

/// Orders, commands or a hand-over, and the room they take.
fn page(model: &Model, now: Timestamp) -> Option<(Detail, Area)> {
    let (detail, widest) = match model.modes.top() {
        Mode::Orders { .. } => (show_orders(model, now).detail, WIDEST.0),
        Mode::Errands { .. } => (show_errands(model).detail, WIDEST.1),
        Mode::Handoff { .. } => (handoff::detail(model), WIDEST.1),
        Mode::Keep { entry, .. } => (keep::detail(model, entry), WIDEST.1),
        _ => return None,
    };
    let width = model.size.width.min(widest);
    let mut count = sheet::line_count(&detail, width.saturating_sub(2));
    if matches!(model.modes.top(), Mode::Handoff { .. }) {
        // The last line of the screen says what became of a copy.
        count = count.min(usize::from(model.size.height.saturating_sub(4)));
    }
    Some((detail, centred(model, width, count)))
}

/// An area in the middle for that many lines within a border.
fn centred(model: &Model, width: u16, lines: usize) -> Area {
    let lines = u16::try_from(lines).unwrap_or(u16::MAX);
    let height = lines.saturating_add(2).min(model.size.height);
    Area {
        x: (model.size.width - width) / 2,
        y: (model.size.height - height) / 2,
        width,
        height,
    }
}

fn prompt(model: &Model, ask: &Ask, now: Timestamp) -> (Sheet, Option<(u16, u16)>) {
    let width = model.size.width.min(WIDEST.0);
    let inner = width.saturating_sub(2);
    let look = show_ask(model, ask, now, usize::from(inner.saturating_sub(2)));
    let count = sheet::line_count(&look.detail, inner);
    let area = centred(model, width, count);
    let inside = Border::Box.inside(area);
    let cursor = look.cursor.map(|(block, column)| {
        let before = Detail {
            blocks: look.detail.blocks[..block].to_vec(),
            ..Detail::default()
        };
        let line = sheet::line_count(&before, inner);
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        let last = inside.width.saturating_sub(1);
        (inside.x + column.min(last), inside.y.saturating_add(line))
    });
    let cursor = cursor.filter(|(_, y)| *y < inside.y + inside.height);
    let sheet = sheet::in_view(look.detail, area, Border::Box, 0);
    (sheet, cursor)
}

/// The palette: what is typed, and what is found, the chosen one always in view.
fn list(model: &Model, palette: &Palette, now: Timestamp) -> (Sheet, Option<(u16, u16)>) {
    let width = model.size.width.min(WIDEST.0);
    let height = model.size.height.min(PALETTE);
    let area = centred(model, width, usize::from(height.saturating_sub(2)));
    let inside = Border::Box.inside(area);
    let (text, column) = palette
        .input
        .shown(usize::from(inside.width.saturating_sub(4)));
    let mut detail = Detail {
        title: Line::of("go to anything", Role::Title),
        ..Detail::default()
    };
    detail.line(Line::of(":", Role::Accent).text(text.as_str(), Role::Strong));
    let found = palette::choices(model, &palette.input.text(), now);
    let room = usize::from(inside.height.saturating_sub(2)).max(1);
    let first = (palette.chosen + 1).saturating_sub(room);
    let rows: Vec<_> = found
        .iter()
        .enumerate()
        .skip(first)
        .take(room)
        .map(|(place, choice)| row(choice, place == palette.chosen))
        .collect();
    detail.origin = Line::of(format!("{} found", found.len()), Role::Dim);
    if rows.is_empty() {
        detail.line(Line::of("nothing is called that", Role::Dim));
    }
    detail.blocks.push(Block::Grid { rows, right: &[] });
    if let Some(why) = found
        .get(palette.chosen)
        .and_then(|choice| choice.why_not.as_ref())
    {
        detail.line(Line::of(why, Role::Dim));
    }
    let last = inside.width.saturating_sub(1);
    let cursor = (inside.x + (column + 2).min(last), inside.y);
    (sheet::in_view(detail, area, Border::Box, 0), Some(cursor))
}

fn row(choice: &palette::Choice, is_chosen: bool) -> Vec<Cell> {
    let role = match (is_chosen, choice.why_not.is_some()) {
        (true, _) => Role::Alarm,
        (false, true) => Role::Dim,
        (false, false) => Role::Plain,
    };
    let mark = if is_chosen { ">" } else { " " };
    let name = Shown::new(&choice.name).fit(24);
    vec![
        Cell::text(mark, Role::Accent),
        Cell::text(name.as_str(), role),
        Cell::text(Shown::new(&choice.key).fit(10).as_str(), Role::Accent),
        Cell::text(&choice.help, Role::Dim),
    ]
}

/// What the last line of the screen says of the keys.
pub(super) fn hint(model: &Model, now: Timestamp) -> Option<Line> {
    let keys: &[(&str, &str)] = match model.modes.top() {
        Mode::Ask(ask) if ask.has_fields() => &[
            ("enter", "preview"),
            ("tab", "other line"),
            ("esc", "leave it"),
        ],
        Mode::Ask(_) => &[("enter", "preview"), ("esc", "leave it")],
        Mode::Palette(_) => &[("enter", "do"), ("up down", "choose"), ("esc", "leave")],
        Mode::Orders { .. }
        | Mode::Errands { .. }
        | Mode::Handoff { .. }
        | Mode::Keep { .. }
        | Mode::Tour(_) => &[],
        _ => {
            let undo = desk::undo_hint(model, now)?;
            let key = model.keymap.hint(super::action::Action::Undo)?;
            let line = Line::of(format!(" {key}"), Role::Accent);
            return Some(line.text(format!(" {undo} "), Role::Plain));
        }
    };
    let line = keys
        .iter()
        .fold(Line::of(" ", Role::Plain), |line, (key, word)| {
            line.text(key, Role::Accent)
                .text(format!(" {word}  "), Role::Dim)
        });
    Some(line)
}
