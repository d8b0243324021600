//! Cells to terminal bytes: the fewest that turn what the terminal shows into what it should show.
//!
//! Cursor, pen and shown characters are remembered across frames, so that an unchanged frame costs
//! nothing and a clock's second five bytes. Only cursor moves, SGR, erasing, three private
//! modes and the bell are ever sent; nothing asks the terminal a question.
//!
//! The sequences are crossterm's commands; which of them are sent is ours. Each way of sending less has
//! its measured worth. Without it the frames of `tests/screens/bytes.rs` are larger by, at 40x12, 80x24,
//! 120x40 and 200x50:
//!
//! - a few cells written again instead of moving over them: 8, 7, 8, 5 %;
//! - blanks that keep a pen whose colour they do not show: 8, 8, 6, 6 %;
//! - moves within a row by the distance: 3, 3, 5, 6 %;
//! - a reset of the pen where that is shorter than its change: 6, 4, 3, 3 %;
//! - the 16 colours by their short numbers: 4, 3, 2, 2 %;
//! - tails that become empty erased: 8, 4, 0, 0 %.
//!
//! The same test compares the whole with ratatui's backend for crossterm.

use std::io;

use crossterm::cursor::{Hide, MoveLeft, MoveRight, MoveTo, MoveToColumn, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::buffer::Cell;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::pen::Pen;

/// The most bytes one cell may cost: the last line of defence behind [`crate::text`].
const MAX_SYMBOL_BYTES: usize = 32;
/// A frame larger than this is wrapped into a synchronised update (mode 2026), so that it appears
/// at once, where the terminal knows the mode.
const LARGE_FRAME: usize = 1024;
/// The most cells that are written again instead of moving over them, which takes four bytes or more.
const MAX_REPEATED: u16 = 4;
/// What rings a terminal's bell.
const BELL: u8 = 0x07;

/// What a terminal can be trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charset {
    /// Nothing above 0x7f is sent.
    pub ascii: bool,
    /// Characters of ambiguous width may be two columns wide: East Asian locales.
    pub wide_ambiguous: bool,
    /// The terminal does not know synchronised updates.
    pub is_unsynchronised: bool,
}

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Here.
    Cell(u16, u16),
    /// In this row; the column depends on what the terminal makes of the last character.
    Row(u16),
    /// Anywhere.
    Lost,
}

/// One cell as it is shown.
#[derive(Clone, Copy, Debug)]
struct Glyph {
    /// The character when it is one of ASCII's printable ones, else one of the two below: those
    /// are never repeated.
    symbol: u8,
    pen: Pen,
}

/// Anything that is not one ASCII character.
const OTHER: u8 = 0;
/// The right half of a wide character.
const RIGHT_HALF: u8 = 1;

impl Glyph {
    const BLANK: Self = Self {
        symbol: b' ',
        pen: Pen::PLAIN,
    };
    fn is_empty(self) -> bool {
        self.symbol == b' ' && self.pen.blank_is_empty()
    }
}

/// The bytes of a frame in the making, and the state the terminal is in after them.
#[derive(Debug)]
pub(super) struct Encoder {
    out: Vec<u8>,
    charset: Charset,
    width: u16,
    height: u16,
    at: At,
    pen: Pen,
    shown: Vec<Glyph>,
    cursor_shown: bool,
}

impl Encoder {
    /// For a terminal just cleared, its cursor hidden and its pen plain.
    pub(super) fn new(width: u16, height: u16, charset: Charset) -> Self {
        let mut encoder = Self {
            out: Vec::with_capacity(16 * 1024),
            charset,
            width,
            height,
            at: At::Lost,
            pen: Pen::PLAIN,
            shown: Vec::new(),
            cursor_shown: false,
        };
        encoder.forget();
        encoder
    }

    /// Starts over after the terminal was cleared and its modes set anew by somebody else.
    pub(super) fn restart(&mut self) {
        self.out.clear();
        self.pen = Pen::PLAIN;
        self.cursor_shown = false;
        self.forget();
    }

    /// The terminal has another size now.
    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.width = width;
        self.height = height;
        self.forget();
    }

    /// The size the terminal is believed to have.
    pub(super) fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// The cursor's place, as far as it is known.
    pub(super) fn cursor(&self) -> (u16, u16) {
        match self.at {
            At::Cell(x, y) => (x, y),
            At::Row(y) => (0, y),
            At::Lost => (0, 0),
        }
    }

    fn forget(&mut self) {
        self.at = At::Lost;
        self.shown.clear();
        self.shown.resize(
            usize::from(self.width) * usize::from(self.height),
            Glyph::BLANK,
        );
    }

    /// Empties the screen.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.set_pen(Pen::PLAIN);
        self.forget();
        queue!(self.out, Clear(ClearType::All))
    }

    /// Hides the cursor, once.
    pub(super) fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.cursor_shown, false) {
            queue!(self.out, Hide)?;
        }
        Ok(())
    }

    /// Shows the cursor, once.
    pub(super) fn show_cursor(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.cursor_shown, true) {
            queue!(self.out, Show)?;
        }
        Ok(())
    }

    /// Puts the cursor somewhere for people to see it.
    pub(super) fn place_cursor(&mut self, x: u16, y: u16) -> io::Result<()> {
        if x < self.width && y < self.height {
            self.go_to(x, y)?;
        }
        Ok(())
    }

    /// Rings with the frame that is sent next, once however often it is asked for.
    pub(super) fn ring(&mut self) {
        if !self.out.contains(&BELL) {
            self.out.push(BELL);
        }
    }

    /// Sends a whole sequence with the next frame: before it, so that it is within no other one.
    pub(super) fn announce(&mut self, sequence: &[u8]) {
        self.out.splice(0..0, sequence.iter().copied());
    }

    /// The bytes of the frame, whole; the next one begins empty.
    pub(super) fn take_frame(&mut self) -> io::Result<Vec<u8>> {
        if self.out.len() > LARGE_FRAME && !self.charset.is_unsynchronised {
            let mut begin = Vec::new();
            queue!(begin, BeginSynchronizedUpdate)?;
            self.out.splice(0..0, begin);
            queue!(self.out, EndSynchronizedUpdate)?;
        }
        Ok(std::mem::take(&mut self.out))
    }

    /// Gives a frame's buffer back for the next one.
    pub(super) fn reuse(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.out = buffer;
    }

    /// Draws cells that changed, in reading order.
    pub(super) fn draw<'a>(
        &mut self,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) -> io::Result<()> {
        let mut row: Vec<(u16, &Cell)> = Vec::with_capacity(usize::from(self.width));
        let mut row_y = 0;
        for (x, y, cell) in cells {
            if x >= self.width || y >= self.height {
                continue;
            }
            if y != row_y {
                self.draw_row(row_y, &row)?;
                row.clear();
                row_y = y;
            }
            row.push((x, cell));
        }
        self.draw_row(row_y, &row)
    }

    /// Draws the changed cells of one row; a tail that becomes empty is erased, not overwritten.
    fn draw_row(&mut self, y: u16, row: &[(u16, &Cell)]) -> io::Result<()> {
        let tail = self.empty_tail(y, row);
        let erased = row.len() - tail;
        // Erasing costs three bytes (EL), and a move that a blank would cost as well.
        let drawn = if erased > 3 { tail } else { row.len() };
        for (x, cell) in &row[..drawn] {
            self.put(*x, y, cell)?;
        }
        if drawn < row.len() {
            let (x, _) = row[drawn];
            self.go_to(x, y)?;
            if !self.pen.blank_is_empty() {
                self.set_pen(Pen::PLAIN);
            }
            queue!(self.out, Clear(ClearType::UntilNewLine))?;
            let start = self.index(x, y);
            let end = self.index(self.width - 1, y);
            self.shown[start..=end].fill(Glyph::BLANK);
        }
        Ok(())
    }

    /// The first of a row's changed cells from which on everything to the right edge is empty.
    fn empty_tail(&self, y: u16, row: &[(u16, &Cell)]) -> usize {
        let mut tail = row.len();
        for x in (0..self.width).rev() {
            match tail.checked_sub(1).map(|last| row[last]) {
                Some((at, cell)) if at == x => {
                    if cell.symbol() != " " || !Pen::of(cell).blank_is_empty() {
                        break;
                    }
                    tail -= 1;
                }
                _ if self.shown[self.index(x, y)].is_empty() => {}
                _ => break,
            }
        }
        tail
    }

    /// Draws one cell.
    fn put(&mut self, x: u16, y: u16, cell: &Cell) -> io::Result<()> {
        let pen = Pen::of(cell);
        let room = self.width - x;
        let (symbol, width) = printable(cell.symbol(), room, self.charset.ascii);
        self.go_to(x, y)?;
        if !(symbol == " " && self.pen.blank_looks_like(pen)) {
            self.set_pen(pen);
        }
        self.out.extend_from_slice(symbol.as_bytes());
        let next = x + width;
        let is_torn = next < self.width && self.shown[self.index(next, y)].symbol == RIGHT_HALF;
        let index = self.index(x, y);
        let symbol_shown = match symbol.as_bytes() {
            [byte] => *byte,
            _ => OTHER,
        };
        self.shown[index].symbol = symbol_shown;
        self.shown[index].pen = pen;
        if width == 2 {
            self.shown[index + 1].symbol = RIGHT_HALF;
        }
        self.at = if self.is_certain(symbol) {
            // Beyond the last column the cursor waits to wrap, and counts from there differ.
            if next < self.width {
                At::Cell(next, y)
            } else {
                At::Row(y)
            }
        } else if next + 2 < self.width {
            At::Row(y)
        } else {
            At::Lost
        };
        if is_torn {
            // Half of a wide character was overwritten, and terminals differ in what they leave of
            // the other half. ratatui holds that cell for blank already.
            self.put(next, y, &Cell::EMPTY)?;
        }
        Ok(())
    }

    /// True when every terminal moves its cursor by the same number of columns for `symbol`.
    ///
    /// Wide characters, emoji and clusters are where terminals disagree; after one of those the
    /// cursor is placed anew, so that a disagreement stays within its cell.
    fn is_certain(&self, symbol: &str) -> bool {
        let mut chars = symbol.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else {
            return symbol.is_ascii();
        };
        c.is_ascii()
            || (c.width() == Some(1) && (c.width_cjk() == Some(1) || !self.charset.wide_ambiguous))
    }

    fn set_pen(&mut self, pen: Pen) {
        self.pen.change(pen, &mut self.out);
        self.pen = pen;
    }

    /// Moves the cursor the cheapest way.
    fn go_to(&mut self, x: u16, y: u16) -> io::Result<()> {
        match self.at {
            At::Cell(column, row) if row == y => match self.repeated(column, x, y) {
                Some(symbols) => self.out.extend(symbols),
                None if x > column => queue!(self.out, MoveRight(x - column))?,
                None => queue!(self.out, MoveLeft(column - x))?,
            },
            At::Row(row) if row == y => queue!(self.out, MoveToColumn(x))?,
            _ => queue!(self.out, MoveTo(x, y))?,
        }
        self.at = At::Cell(x, y);
        Ok(())
    }

    /// What writes again the few cells on the way right, none at the place itself.
    fn repeated(&self, from: u16, to: u16, y: u16) -> Option<Vec<u8>> {
        if to < from || to - from > MAX_REPEATED {
            return None;
        }
        self.shown[self.index(from, y)..self.index(to, y)]
            .iter()
            .map(|glyph| match glyph.symbol {
                OTHER | RIGHT_HALF => None,
                b' ' if self.pen.blank_looks_like(glyph.pen) => Some(b' '),
                symbol if self.pen == glyph.pen => Some(symbol),
                _ => None,
            })
            .collect()
    }

    fn index(&self, x: u16, y: u16) -> usize {
        usize::from(y) * usize::from(self.width) + usize::from(x)
    }
}

/// A symbol that is safe to send, and its width: 1 or 2 columns.
fn printable(symbol: &str, room: u16, ascii: bool) -> (&str, u16) {
    if let [byte] = symbol.as_bytes() {
        let safe = (0x20..0x7f).contains(byte);
        return (if safe { symbol } else { "?" }, 1);
    }
    let width = symbol.width();
    let is_safe = (1..=usize::from(room.min(2))).contains(&width)
        && symbol.len() <= MAX_SYMBOL_BYTES
        && !symbol.chars().any(char::is_control);
    if is_safe && !ascii {
        (symbol, if width == 2 { 2 } else { 1 })
    } else if is_safe && width == 2 {
        ("? ", 2)
    } else {
        ("?", 1)
    }
}

#[cfg(test)]
mod tests;
