//! What ratatui draws on: one write a frame, none for a frame that changes nothing.
//!
//! A terminal may stop taking bytes at any moment, in the middle of a frame too. What it did not take
//! waits here, and no other frame is drawn before that is gone.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size as Area};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::stdio::stdout;

use super::encode::{Charset, Encoder};
use super::write_all;
use crate::app::Size;

/// Where a frame's bytes go.
pub trait Output {
    /// Takes as much of a frame as goes without waiting; gives how many bytes that is.
    fn send(&mut self, frame: &[u8]) -> io::Result<usize>;
}

/// Standard output.
#[derive(Debug)]
pub struct Sent {
    /// The terminal opened anew, which never waits: the descriptor that others share stays as it is.
    /// `None` where it cannot be opened; then a write waits.
    terminal: Option<OwnedFd>,
}

impl Sent {
    /// The terminal that standard output is.
    pub fn open() -> Self {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open("/proc/self/fd/1", flags, Mode::empty());
        Self {
            terminal: terminal.ok(),
        }
    }
}

impl Output for Sent {
    fn send(&mut self, frame: &[u8]) -> io::Result<usize> {
        let Some(terminal) = &self.terminal else {
            write_all(stdout().as_fd(), frame)?;
            return Ok(frame.len());
        };
        let mut sent = 0;
        while sent < frame.len() {
            match rustix::io::write(terminal, &frame[sent..]) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(written) => sent += written,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }
}

impl Output for Vec<u8> {
    fn send(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(frame);
        Ok(frame.len())
    }
}

/// A [`Backend`] that knows what the terminal shows, and sends the difference.
#[derive(Debug)]
pub struct Paint<O> {
    encoder: Encoder,
    output: O,
    /// What the terminal did not take yet.
    waiting: Vec<u8>,
}

impl<O: Output> Paint<O> {
    /// Draws on a terminal of this size that was just cleared.
    pub fn new(size: Size, charset: Charset, output: O) -> Self {
        Self {
            encoder: Encoder::new(size.width, size.height, charset),
            output,
            waiting: Vec::new(),
        }
    }

    /// Believes the terminal to have this size from the next frame on.
    pub fn resize(&mut self, size: Size) {
        self.encoder.resize(size.width, size.height);
    }

    /// Forgets what the terminal shows: it was taken anew, and cleared.
    pub fn restart(&mut self) {
        self.waiting.clear();
        self.encoder.restart();
    }

    /// Sends what waits; true when nothing does any more.
    pub fn catch_up(&mut self) -> io::Result<bool> {
        if !self.waiting.is_empty() {
            let sent = self.output.send(&self.waiting)?;
            self.waiting.drain(..sent);
        }
        Ok(self.waiting.is_empty())
    }

    /// Rings the terminal's bell with the next frame, which is sent even if nothing changed on it.
    pub fn ring(&mut self) {
        self.encoder.ring();
    }

    /// Sends a whole sequence, such as a notification, with the next frame.
    pub fn announce(&mut self, sequence: &[u8]) {
        self.encoder.announce(sequence);
    }

    /// Where the bytes went.
    pub fn output(&self) -> &O {
        &self.output
    }
}

impl<O: Output> Backend for Paint<O> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.encoder.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.encoder.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.encoder.show_cursor()
    }

    /// Where the cursor is believed to be; the terminal is not asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        let (x, y) = self.encoder.cursor();
        Ok(Position { x, y })
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.encoder.place_cursor(x, y)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.encoder.clear()
    }

    /// Clears everything: a full screen never asks for less.
    fn clear_region(&mut self, _clear_type: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Area> {
        let (width, height) = self.encoder.size();
        Ok(Area { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Area::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = self.encoder.take_frame()?;
        let sent = if self.catch_up()? && !frame.is_empty() {
            self.output.send(&frame)?
        } else {
            0
        };
        self.waiting.extend_from_slice(&frame[sent..]);
        self.encoder.reuse(frame);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_terminal_does_not_take_waits_and_goes_out_before_the_next_frame() {
        /// Takes so many bytes and then none.
        struct Slow(Vec<u8>, usize);

        impl Output for Slow {
            fn send(&mut self, frame: &[u8]) -> io::Result<usize> {
                let taken = frame.len().min(self.1);
                self.0.extend_from_slice(&frame[..taken]);
                self.1 -= taken;
                Ok(taken)
            }
        }

        let size = Size {
            width: 20,
            height: 2,
        };
        let mut whole = Paint::new(size, Charset::default(), Vec::new());
        let mut slow = Paint::new(size, Charset::default(), Slow(Vec::new(), 3));
        let frames = ["one", "two", "three"];
        for text in frames {
            let cells: Vec<_> = text.chars().map(Cell::from).collect();
            let content = || {
                let cells = cells.iter().zip(0..);
                cells.map(|(cell, x)| (x, 0, cell)).collect::<Vec<_>>()
            };
            whole.draw(content().into_iter()).unwrap();
            whole.flush().unwrap();
            slow.draw(content().into_iter()).unwrap();
            slow.flush().unwrap();
            assert!(!slow.catch_up().unwrap());
        }
        slow.output.1 = usize::MAX;
        assert!(slow.catch_up().unwrap());
        assert_eq!(slow.output.0, *whole.output());
    }

    use ratatui::Terminal;
    use ratatui::text::Line;

    use super::*;

    fn terminal(width: u16, height: u16) -> Terminal<Paint<Vec<u8>>> {
        let size = Size { width, height };
        Terminal::new(Paint::new(size, Charset::default(), Vec::new())).expect("terminal")
    }

    fn draw(terminal: &mut Terminal<Paint<Vec<u8>>>, text: &str) -> String {
        terminal
            .draw(|frame| frame.render_widget(Line::from(text), frame.area()))
            .expect("drawn");
        let all = String::from_utf8(std::mem::take(&mut terminal.backend_mut().output));
        all.expect("UTF-8")
    }

    #[test]
    fn drawing_the_same_again_writes_nothing_at_all() {
        let mut terminal = terminal(40, 3);
        assert_eq!(draw(&mut terminal, "14:02:31"), "\u{1b}[1;1H14:02:31");
        assert_eq!(draw(&mut terminal, "14:02:31"), "");
        assert_eq!(draw(&mut terminal, "14:02:32"), "\u{1b}[1D2");
    }

    #[test]
    fn a_frame_rings_once_and_the_next_one_not_at_all() {
        let mut terminal = terminal(40, 3);
        draw(&mut terminal, "14:02:31");
        terminal.backend_mut().ring();
        terminal.backend_mut().ring();
        assert_eq!(draw(&mut terminal, "14:02:32"), "\u{7}\u{1b}[1D2");
        assert_eq!(draw(&mut terminal, "14:02:33"), "\u{1b}[1D3");
    }

    #[test]
    fn a_bell_needs_no_change_on_the_screen() {
        let mut terminal = terminal(40, 3);
        draw(&mut terminal, "14:02:31");
        terminal.backend_mut().ring();
        terminal.backend_mut().flush().expect("sent");
        assert_eq!(terminal.backend().output(), b"\x07");
    }

    #[test]
    fn a_resize_and_a_repaint_draw_everything() {
        let mut terminal = terminal(40, 3);
        draw(&mut terminal, "abc");
        terminal.backend_mut().resize(Size {
            width: 50,
            height: 4,
        });
        assert_eq!(draw(&mut terminal, "abc"), "\u{1b}[2J\u{1b}[1;1Habc");
        terminal.clear().expect("cleared");
        assert_eq!(
            draw(&mut terminal, "abc"),
            "\u{1b}[2J\u{1b}[1;4H\u{1b}[3Dabc"
        );
        terminal.backend_mut().restart();
        terminal.clear().expect("cleared");
        assert_eq!(draw(&mut terminal, "abc"), "\u{1b}[2J\u{1b}[1;1Habc");
    }

    #[test]
    fn one_column_and_one_row_are_enough() {
        for (width, height) in [(1, 1), (1, 5), (5, 1), (500, 200)] {
            let mut terminal = terminal(width, height);
            draw(&mut terminal, "支払い abc");
            terminal.backend_mut().resize(Size {
                width: 1,
                height: 1,
            });
            draw(&mut terminal, "支払い abc");
        }
    }
}
