//! The one place that writes into the frame: clipped, in the theme, and in 7 bits where asked.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::{Theme, in_ascii};
use crate::app::layout::Area;
use crate::app::wall::pieces::Ground;
use crate::pane::cell::{Line, Role, Span};

/// Writes into a frame.
pub(super) struct Brush<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: &'a Theme,
    /// True while the selected row is drawn.
    pub(super) is_selected: bool,
    /// The ground of a banner that is drawn on.
    pub(super) ground: Option<Ground>,
    /// True while everything is drawn dim.
    pub(super) is_dim: bool,
}

impl Brush<'_> {
    /// The style of a role here and now.
    pub(super) fn style(&self, role: Role) -> Style {
        if let Some(ground) = self.ground {
            return self.theme.on_ground(ground, role);
        }
        if self.is_selected {
            self.theme.selected(role)
        } else if self.is_dim {
            let style = self.theme.style(role);
            style
                .remove_modifier(Modifier::BOLD)
                .add_modifier(Modifier::DIM)
        } else {
            self.theme.style(role)
        }
    }

    /// Writes text at a place, at most `room` columns of it; returns the columns it took.
    pub(super) fn text(&mut self, (x, y): (u16, u16), room: u16, text: &str, style: Style) -> u16 {
        if text.width() <= usize::from(room) {
            return self.put((x, y), room, text, style);
        }
        let Some(kept) = room.checked_sub(1) else {
            return 0;
        };
        let used = self.put((x, y), kept, text, style);
        used + self.put((x + used, y), 1, "…", style)
    }

    /// Writes what fits, without a mark for what does not.
    fn put(&mut self, (x, y): (u16, u16), room: u16, text: &str, style: Style) -> u16 {
        let style = Style::reset().patch(style);
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let room = room.min(area.right() - x);
        let mut used = 0;
        for cluster in text.graphemes(true) {
            let width = u16::try_from(cluster.width()).unwrap_or(u16::MAX);
            if width == 0 {
                continue;
            }
            if width > room - used {
                break;
            }
            if self.theme.is_ascii() && !cluster.is_ascii() {
                let plain = in_ascii(cluster, usize::from(width));
                self.buffer.set_string(x + used, y, plain, style);
            } else {
                self.buffer.set_string(x + used, y, cluster, style);
            }
            used += width;
        }
        used
    }

    /// Writes a line of pieces; returns the columns it took. A line that does not fit ends in a mark,
    /// wherever the cut is: at the end of a piece as well.
    pub(super) fn line(&mut self, (x, y): (u16, u16), room: u16, line: &Line) -> u16 {
        // A space at the end that does not fit is nothing cut: wrapping leaves one behind each line.
        let blank = match line.0.last() {
            Some(Span::Text(text, _)) => text.width() - text.as_str().trim_end().width(),
            Some(Span::Mark(..)) | None => 0,
        };
        let is_cut = usize::from(self.width(line)) - blank > usize::from(room);
        let Some(room) = room.checked_sub(u16::from(is_cut)) else {
            return 0;
        };
        let mut used = 0;
        let mut end = Style::new();
        for span in &line.0 {
            let (at, left) = ((x + used, y), room - used);
            if left == 0 {
                break;
            }
            let (Span::Text(_, role) | Span::Mark(_, role)) = span;
            end = self.style(*role);
            match span {
                Span::Text(text, _) => {
                    used += self.put(at, left, text.as_str(), end);
                    if text.width() > usize::from(left) {
                        break;
                    }
                }
                Span::Mark(mark, _) => {
                    let shape = self.theme.mark(*mark);
                    let wide = self.put(at, left, shape, end);
                    used += wide + self.put((at.0 + wide, y), left - wide, " ", end);
                }
            }
        }
        if is_cut {
            used += self.put((x + used, y), 1, "…", end);
        }
        used
    }

    /// How many columns a line takes in this theme.
    pub(super) fn width(&self, line: &Line) -> u16 {
        let width: usize = line
            .0
            .iter()
            .map(|span| match span {
                Span::Text(text, _) => text.width(),
                Span::Mark(mark, _) => self.theme.mark(*mark).width() + 1,
            })
            .sum();
        u16::try_from(width).unwrap_or(u16::MAX)
    }

    /// Repeats a glyph of one column.
    pub(super) fn repeat(&mut self, (x, y): (u16, u16), count: u16, glyph: &str, style: Style) {
        let right = self.buffer.area.right();
        for x in x..x.saturating_add(count).min(right) {
            self.put((x, y), 1, glyph, style);
        }
    }

    /// Empties an area, so that nothing shines through what lies on it.
    ///
    /// A wide character of which the area covers one half goes as a whole: a terminal cannot show
    /// the other half, and what is drawn is compared character by character.
    pub(super) fn clear(&mut self, area: Area) {
        for y in area.y..area.y.saturating_add(area.height) {
            if let Some(before) = area.x.checked_sub(1)
                && let Some(cell) = self.buffer.cell_mut((before, y))
                && cell.symbol().width() > 1
            {
                cell.set_symbol(" ");
            }
            self.repeat((area.x, y), area.width, " ", Style::reset());
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;
    use crate::config::ThemeChoice;

    /// A line as it is drawn in five columns.
    fn drawn(pieces: &[&str]) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let theme = Theme::new(ThemeChoice::Auto, false, false);
        let line = pieces
            .iter()
            .fold(Line::new(), |line, piece| line.text(piece, Role::Plain));
        let mut brush = Brush {
            buffer: &mut buffer,
            theme: &theme,
            is_selected: false,
            ground: None,
            is_dim: false,
        };
        brush.line((0, 0), 5, &line);
        let cells = buffer.content.iter().map(ratatui::buffer::Cell::symbol);
        cells.collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn a_line_is_marked_as_cut_only_when_something_to_read_is_cut() {
        assert_eq!(drawn(&["a ", "next "]), "a ne…");
        assert_eq!(drawn(&["an ", "xy"]), "an xy");
        // What wrapping leaves at the end of a line.
        assert_eq!(drawn(&["a ", "try "]), "a try");
    }
}
