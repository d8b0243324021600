//! Draws a finished screen: looks at what is decided, decides nothing but how it looks.

mod brush;
mod cells;
mod chart;
mod chrome;
pub mod picture;
mod sheet;
mod table;
pub mod theme;
mod wall;

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::{Frame, Terminal};

use crate::app::screen::Screen;
use brush::Brush;
use theme::Theme;

/// A screen as cells of that size.
pub fn buffer(screen: &Screen, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = match Terminal::new(TestBackend::new(width, height)) {
        Ok(terminal) => terminal,
        Err(never) => match never {},
    };
    match terminal.draw(|frame| draw(frame, screen, theme)) {
        Ok(drawn) => drawn.buffer.clone(),
        Err(never) => match never {},
    }
}

/// Draws a screen into a frame; what lies outside the frame is left out.
pub fn draw(frame: &mut Frame<'_>, screen: &Screen, theme: &Theme) {
    let mut brush = Brush {
        buffer: frame.buffer_mut(),
        theme,
        is_selected: false,
        ground: None,
        is_dim: false,
    };
    if let Some(screen) = &screen.wall {
        wall::wall(&mut brush, screen);
    }
    for bar in &screen.bars {
        chrome::bar(&mut brush, bar);
    }
    for table in &screen.tables {
        table::table(&mut brush, table);
    }
    for sheet in screen.fire.iter().chain(&screen.chart).chain(&screen.strip) {
        sheet::sheet(&mut brush, sheet, false);
    }
    for sheet in screen.sheet.iter().chain(&screen.overlay) {
        sheet::sheet(&mut brush, sheet, true);
    }
    let area = frame.area();
    if let Some(at) = screen.cursor
        && at.0 < area.width
        && at.1 < area.height
    {
        frame.set_cursor_position(at);
    }
}
