//! What frames cost on the way to a terminal: our encoder against ratatui's backend for crossterm.
//!
//! Bytes of the same frames, ours and crossterm's, as measured:
//!
//! | terminal | all scenes | first frame | a second |
//! |---|---|---|---|
//! | 40x12 | 3122, 5276 (-41 %) | 662, 1111 | 9, 33 |
//! | 80x24 | 10754, 16229 (-34 %) | 2478, 3748 | 32, 67 |
//! | 120x40 | 24108, 34255 (-30 %) | 6039, 8816 | 58, 99 |
//! | 200x50 | 34625, 46799 (-26 %) | 10105, 13301 | 70, 113 |

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::Backend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use ratatui_crossterm::CrosstermBackend;
use watchfire::app::Size;
use watchfire::config::ThemeChoice;
use watchfire::term::{Charset, Output, Paint};
use watchfire::ui::{draw, theme::Theme};

use super::stage::{SIZES, Stage};
use super::worlds;

/// Counts the bytes that a terminal would be sent.
#[derive(Clone, Default)]
struct Count(Rc<Cell<usize>>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Count {
    fn send(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.write_all(frame)?;
        Ok(frame.len())
    }
}

/// What each scene of a night costs a frame through a backend that writes to `count`.
fn costs(backend: impl Backend<Error = io::Error>, count: &Count, size: Size) -> Vec<usize> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.width, size.height));
    let options = TerminalOptions { viewport };
    let mut terminal = Terminal::with_options(backend, options).expect("a terminal");
    let theme = Theme::new(ThemeChoice::Auto, false, false);
    let mut stage = Stage::new(worlds::burning(), size.width, size.height);
    let mut play = |times: usize, act: &dyn Fn(Stage) -> Stage| {
        let before = count.0.get();
        for _ in 0..times {
            stage = act(stage.clone());
            let screen = stage.screen();
            terminal
                .draw(|frame| draw(frame, &screen, &theme))
                .expect("a frame");
        }
        (count.0.get() - before) / times
    };
    vec![
        play(1, &|stage| stage),
        play(60, &|stage| stage.later(1)),
        play(3, &|stage| stage.keys("j")),
        play(1, &|stage| stage.report(worlds::search_worse())),
        play(1, &|stage| stage.keys("enter")),
        play(1, &|stage| stage.keys("esc")),
        play(1, &|stage| stage.keys("2")),
        play(1, &|stage| stage.keys("3")),
        play(1, &|stage| stage.keys("?")),
    ]
}

#[test]
fn every_frame_is_smaller_than_crossterms_and_a_night_by_a_quarter() {
    for (width, height) in SIZES {
        let size = Size { width, height };
        let count = Count::default();
        let ours = Paint::new(size, Charset::default(), count.clone());
        let ours = costs(ours, &count, size);
        let count = Count::default();
        let crossterms = costs(CrosstermBackend::new(count.clone()), &count, size);
        let told = format!("{width}x{height}: {ours:?}, crossterm {crossterms:?}");
        assert!(ours.iter().zip(&crossterms).all(|(o, c)| o < c), "{told}");
        let (all, of) = (ours.iter().sum::<usize>(), crossterms.iter().sum::<usize>());
        assert!(all * 4 <= of * 3, "{all} of {of}; {told}");
        assert!(ours[1] * 10 <= crossterms[1] * 7, "a second: {told}");
    }
}
