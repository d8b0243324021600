//! Colours and modifiers as the terminal holds them, and the shortest SGR from one state to another.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// What the terminal draws the next character with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Modifiers that can be seen on a blank cell.
const SEEN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK);

/// Each modifier with the SGR parameters that switch it on and off (ECMA-48, 8.3.117).
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

impl Pen {
    /// The terminal's own colours, nothing else.
    pub(super) const PLAIN: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    /// What a cell asks for.
    pub(super) fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// True when a blank drawn with either looks the same: its colour of writing cannot be seen.
    pub(super) fn blank_looks_like(self, other: Self) -> bool {
        self == other
            || (self.bg == other.bg && !(self.modifier | other.modifier).intersects(SEEN_ON_BLANK))
    }

    /// True when a blank drawn with it is what erasing leaves.
    pub(super) fn blank_is_empty(self) -> bool {
        self.blank_looks_like(Self::PLAIN)
    }

    /// Appends what turns this pen into `next`: the change alone, or a reset and the whole,
    /// whichever is shorter.
    pub(super) fn change(self, next: Self, out: &mut Vec<u8>) {
        if self == next {
            return;
        }
        let change = self.difference(next);
        let mut anew = Self::PLAIN.difference(next);
        if !anew.is_empty() {
            anew.insert(0, b';');
        }
        let shorter = if anew.len() < change.len() {
            anew
        } else {
            change
        };
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(&shorter);
        out.push(b'm');
    }

    /// The SGR parameters that turn this pen into `next` without a reset.
    fn difference(self, next: Self) -> Vec<u8> {
        let mut list = Vec::with_capacity(16);
        let mut held = self.modifier;
        for (modifier, _, off) in MODIFIERS {
            if held.contains(modifier) && !next.modifier.contains(modifier) {
                parameter(&mut list, off);
                for (other, _, same) in MODIFIERS {
                    if same == off {
                        held.remove(other);
                    }
                }
            }
        }
        for (modifier, on, _) in MODIFIERS {
            if next.modifier.contains(modifier) && !held.contains(modifier) {
                parameter(&mut list, on);
            }
        }
        if self.fg != next.fg {
            colour(&mut list, next.fg, 0);
        }
        if self.bg != next.bg {
            colour(&mut list, next.bg, 10);
        }
        list
    }
}

fn parameter(list: &mut Vec<u8>, value: u8) {
    if !list.is_empty() {
        list.push(b';');
    }
    list.extend_from_slice(value.to_string().as_bytes());
}

/// Adds the parameters of a colour; `ground` is 0 for writing and 10 for what is behind it.
fn colour(list: &mut Vec<u8>, colour: Color, ground: u8) {
    let dark = 30 + ground;
    let bright = 90 + ground;
    let one = match colour {
        Color::Reset => 39 + ground,
        Color::Black => dark,
        Color::Red => dark + 1,
        Color::Green => dark + 2,
        Color::Yellow => dark + 3,
        Color::Blue => dark + 4,
        Color::Magenta => dark + 5,
        Color::Cyan => dark + 6,
        Color::Gray => dark + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(index) => {
            for value in [38 + ground, 5, index] {
                parameter(list, value);
            }
            return;
        }
        Color::Rgb(red, green, blue) => {
            for value in [38 + ground, 2, red, green, blue] {
                parameter(list, value);
            }
            return;
        }
    };
    parameter(list, one);
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn pen(style: Style) -> Pen {
        Pen::of(Cell::default().set_style(style))
    }

    fn change(from: Style, to: Style) -> String {
        let mut out = Vec::new();
        pen(from).change(pen(to), &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn only_what_changes_is_sent_and_a_reset_when_that_is_shorter() {
        let plain = Style::new();
        for (from, to, want) in [
            (plain, plain, ""),
            (plain, plain.red(), "\x1b[31m"),
            (plain.red(), plain.red().bold(), "\x1b[1m"),
            (plain.red().bold(), plain, "\x1b[m"),
            (plain.bold().red(), plain.dim().red(), "\x1b[22;2m"),
            (
                plain.bold().dim().red().on_blue(),
                plain.dim().red().on_blue(),
                "\x1b[22;2m",
            ),
            (
                plain.bold().italic().underlined().red(),
                plain.cyan(),
                "\x1b[;36m",
            ),
            (
                plain.red(),
                plain.light_red().on_dark_gray(),
                "\x1b[91;100m",
            ),
            (plain, plain.fg(Color::Indexed(208)), "\x1b[38;5;208m"),
            (plain, plain.bg(Color::Rgb(1, 2, 3)), "\x1b[48;2;1;2;3m"),
        ] {
            assert_eq!(change(from, to), want, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn a_blank_needs_no_new_pen_for_what_nobody_sees() {
        let plain = Style::new();
        assert!(pen(plain.red().bold()).blank_looks_like(pen(plain.dim())));
        assert!(!pen(plain.red()).blank_looks_like(pen(plain.on_red())));
        assert!(!pen(plain.red().reversed()).blank_looks_like(pen(plain.reversed())));
        assert!(!pen(plain.underlined()).blank_is_empty());
    }
}
