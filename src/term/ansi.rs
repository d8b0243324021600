//! A frame as text with the escape sequences of its colours, for a file or a pipe.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

use super::pen::Pen;

/// The lines of a frame, each of which ends in the terminal's own colours; blanks at its end are left out.
pub fn ansi(buffer: &Buffer) -> Vec<u8> {
    let mut out = Vec::new();
    for y in 0..buffer.area.height {
        let row = |x: u16| &buffer[(x, y)];
        let is_empty =
            |x: &u16| row(*x).symbol().trim().is_empty() && Pen::of(row(*x)).blank_is_empty();
        let end = (0..buffer.area.width).rev().find(|x| !is_empty(x));
        let mut pen = Pen::PLAIN;
        let mut x = 0;
        while end.is_some_and(|end| x <= end) {
            let next = Pen::of(row(x));
            pen.change(next, &mut out);
            pen = next;
            out.extend_from_slice(row(x).symbol().as_bytes());
            x += u16::try_from(row(x).symbol().width()).unwrap_or(1).max(1);
        }
        pen.change(Pen::PLAIN, &mut out);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn each_line_begins_and_ends_in_the_colours_of_the_terminal() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "支払 ok", Style::new().fg(Color::Red).bold());
        buffer.set_string(3, 1, "x", Style::new());
        let text = String::from_utf8(ansi(&buffer)).expect("UTF-8");
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("\u{1b}[") && lines[0].ends_with('m'),
            "{text:?}"
        );
        assert!(lines[0].contains("支払 ok"), "{text:?}");
        assert_eq!(lines[1], "   x");
        assert_eq!(text.matches('\u{1b}').count(), 2, "{text:?}");
    }
}
