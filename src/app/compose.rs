//! The whole screen, composed of its parts.

use jiff::Timestamp;

use super::layout::{Area, Layout};
use super::model::Model;
use super::model::mode::Mode;
use super::screen::Screen;
use super::{
    Size, explain, fire, footer, header, help, overlay, sheet, strip, table, timeline, wall,
};

/// Shows the model as a frame of its size at `now`.
pub fn screen(model: &Model, now: Timestamp) -> Screen {
    if let Some(view) = &model.wall
        && model.size.width >= wall::SMALLEST.0
        && model.size.height >= wall::SMALLEST.1
    {
        return wall::screen(model, view, now);
    }
    let layout = model.layout();
    let arrangement = match &layout {
        Layout::Line => return one_line(model, now),
        Layout::Panes(arrangement) => arrangement,
    };
    let mut screen = Screen::default();
    screen
        .bars
        .push(header::bar(model, arrangement.header, now));
    if let Some(area) = arrangement.tabs {
        screen.bars.push(header::tabs(model, area, now));
    }
    for (place, area) in &arrangement.panes {
        let table = table::table(model, *place, arrangement.border, *area, now);
        screen.tables.push(table);
    }
    screen.fire = fire::sheets(model, arrangement, now);
    screen.chart = timeline::sheet(model, arrangement, now);
    screen.strip = strip::sheet(model, arrangement, now);
    screen.sheet = sheet::sheet(model, arrangement, now);
    if let Some(area) = arrangement.sources {
        screen.bars.push(footer::sources(model, area, now));
    }
    screen.bars.push(footer::keys(model, arrangement, now));
    if model.modes.explained().is_some() {
        screen.sheet = explain::sheet(model, arrangement, now);
        screen.tables.clear();
        screen.fire.clear();
        screen.chart = None;
        screen.strip = None;
    }
    match model.modes.top() {
        Mode::Help { scroll } => screen.overlay = Some(help::overlay(model, *scroll, now)),
        Mode::Filter(_) => screen.cursor = footer::cursor(model, arrangement.hints),
        Mode::Browse
        | Mode::Detail { .. }
        | Mode::Alert { .. }
        | Mode::Explain { .. }
        | Mode::Export => {}
        Mode::Ask(_)
        | Mode::Palette(_)
        | Mode::Tour(_)
        | Mode::Orders { .. }
        | Mode::Errands { .. }
        | Mode::Keep { .. }
        | Mode::Handoff { .. } => {
            if let Some((sheet, cursor)) = overlay::overlay(model, now) {
                screen.overlay = Some(sheet);
                screen.cursor = cursor;
            }
        }
    }
    screen
}

/// A terminal too small for rows: the verdict and how old it is.
fn one_line(model: &Model, now: Timestamp) -> Screen {
    let Size { width, height } = model.size;
    let area = Area {
        x: 0,
        y: 0,
        width,
        height: height.min(1),
    };
    Screen {
        bars: vec![header::smallest(model, area, now)],
        ..Screen::default()
    }
}
