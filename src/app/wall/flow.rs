//! Rows from top to bottom in the room there is: what matters least goes first, and what is left over
//! becomes space between them.

use super::pieces::{Content, Ground, Piece, Scale, cut};
use crate::app::layout::Area;
use crate::pane::{Line, Role};
use crate::text::Shown;

/// Columns between two texts in one row of letters of half size.
const LETTER_GAP: u16 = 6;

/// One row of a wall.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// 0 for one that stays; of the others the highest goes first.
    pub(super) rank: u8,
    /// Blank rows above it, where there is room.
    pub(super) gap: u16,
    height: u16,
    /// What stands in it, from its left end.
    items: Vec<(Area, Content)>,
}

impl Row {
    fn new(rank: u8, height: u16) -> Self {
        Self {
            rank,
            gap: 0,
            height,
            items: Vec::new(),
        }
    }

    /// The same with blank rows above.
    pub(super) fn spaced(self, gap: u16) -> Self {
        Self { gap, ..self }
    }

    /// The same with something more in it.
    pub(super) fn with(mut self, area: Area, content: Content) -> Self {
        self.height = self.height.max(area.y + area.height);
        self.items.push((area, content));
        self
    }

    /// The same with words at the right end of its last line.
    pub(super) fn right(self, line: Line, width: u16) -> Self {
        let columns = u16::try_from(line.width()).unwrap_or(width).min(width);
        let area = Area {
            x: width - columns,
            y: self.height.saturating_sub(1),
            width: columns,
            height: 1,
        };
        self.with(area, Content::Right(line))
    }

    /// A line of text.
    pub(super) fn words(rank: u8, line: Line, width: u16) -> Self {
        let area = line_of(width);
        Self::new(rank, 1).with(area, Content::Words(line))
    }

    /// A line across.
    pub(super) fn rule(rank: u8, width: u16) -> Self {
        Self::new(rank, 1).with(line_of(width), Content::Rule)
    }

    /// A band of stripes.
    pub(super) fn stripes(rank: u8, width: u16) -> Self {
        Self::new(rank, 1).with(line_of(width), Content::Stripes)
    }

    /// Texts side by side in the largest letters that fit; the first is cut where they fit in none, and a
    /// text without letters stands there as words. `None` where nothing fits.
    pub(super) fn letters(rank: u8, texts: &[(String, Role)], room: (u16, u16)) -> Option<Self> {
        let (first, rest) = texts.split_first()?;
        for scale in Scale::all() {
            let gap = gap(scale);
            let tail: Option<u16> = rest
                .iter()
                .map(|(text, _)| Some(scale.width(text)? + gap))
                .sum();
            let tail = tail?;
            let height = texts.iter().map(|(text, _)| scale.height(text)).max();
            if height.unwrap_or(0) > room.1 || tail >= room.0 {
                continue;
            }
            let is_last = scale == Scale::Half;
            let text = if is_last {
                cut(&first.0, scale, room.0 - tail)
            } else {
                scale
                    .width(&first.0)
                    .filter(|width| width + tail <= room.0)
                    .map(|_| first.0.clone())
            };
            let Some(text) = text else { continue };
            let all = std::iter::once((text, first.1)).chain(rest.iter().cloned());
            return Some(Self::at_scale(rank, scale, all, room.0));
        }
        None
    }

    fn at_scale(
        rank: u8,
        scale: Scale,
        texts: impl Iterator<Item = (String, Role)>,
        width: u16,
    ) -> Self {
        let (mut row, mut x) = (Self::new(rank, 0), 0);
        for (text, role) in texts {
            let columns = scale.width(&text).unwrap_or(0);
            let area = Area {
                x,
                y: 0,
                width: columns.min(width.saturating_sub(x)),
                height: scale.height(&text),
            };
            row = row.with(area, Content::Letters(Shown::new(&text), scale, role));
            x += columns + gap(scale);
        }
        row
    }

    /// The same with its left end at the right, in so many columns.
    pub(super) fn mirrored(mut self, width: u16) -> Self {
        for (area, content) in &mut self.items {
            area.x = width.saturating_sub(area.x + area.width);
            *content = match std::mem::replace(content, Content::Rule) {
                Content::Words(line) => Content::Right(line),
                Content::Right(line) => Content::Words(line),
                other => other,
            };
        }
        self
    }

    /// True where a text stands in it whole: in letters, or as words.
    pub(super) fn has_whole(&self, text: &str) -> bool {
        self.items.iter().any(|(_, content)| match content {
            Content::Letters(letters, ..) => letters.as_str() == text,
            Content::Words(line) => line.words() == text,
            _ => false,
        })
    }

    /// True for a line across.
    pub(super) fn is_rule(&self) -> bool {
        self.items
            .iter()
            .any(|(_, content)| *content == Content::Rule)
    }

    /// True where nothing stands in it.
    pub(super) fn is_blank(&self) -> bool {
        self.items.iter().all(|(_, content)| match content {
            Content::Words(line) | Content::Right(line) => line.is_empty(),
            _ => false,
        })
    }

    /// A text in large letters at the left end, and another one in letters of half size at the right end
    /// where there is room for it.
    pub(super) fn headline(
        (text, role): (&str, Role),
        clock: (&str, Role),
        room: (u16, u16),
    ) -> Option<Self> {
        let small = Scale::Half
            .width(clock.0)
            .filter(|width| width + 24 <= room.0);
        for aside in [small, None] {
            let left = room.0 - aside.map_or(0, |width| width + LETTER_GAP);
            let Some(scale) = Scale::fitting(text, (left, room.1)) else {
                continue;
            };
            let texts = std::iter::once((text.to_owned(), role));
            let row = Self::at_scale(0, scale, texts, left);
            let Some(columns) = aside else {
                return Some(row);
            };
            let area = Area {
                x: room.0 - columns,
                y: 0,
                width: columns,
                height: Scale::Half.height(clock.0),
            };
            let letters = Content::Letters(Shown::new(clock.0), Scale::Half, clock.1);
            return Some(row.with(area, letters));
        }
        None
    }
}

fn gap(scale: Scale) -> u16 {
    match scale {
        Scale::Half => LETTER_GAP,
        Scale::Rows(rows) => LETTER_GAP * 2 * rows,
    }
}

fn line_of(width: u16) -> Area {
    Area {
        x: 0,
        y: 0,
        width,
        height: 1,
    }
}

/// Places rows within an area on a ground, with a margin on either side.
pub(super) fn place(
    mut rows: Vec<Row>,
    area: Area,
    margin: u16,
    ground: Option<Ground>,
) -> Vec<Piece> {
    while rows.iter().map(|row| row.height).sum::<u16>() > area.height {
        let ranks = rows
            .iter()
            .enumerate()
            .map(|(place, row)| (row.rank, place));
        match ranks.max() {
            Some((_, place)) if rows.len() > 1 => rows.remove(place),
            _ => break,
        };
    }
    let heights: u16 = rows.iter().map(|row| row.height).sum();
    let gaps = shared(&rows, area.height.saturating_sub(heights));
    let mut pieces = Vec::new();
    let mut y = area.y;
    for (row, gap) in rows.into_iter().zip(gaps) {
        y += gap;
        for (at, content) in row.items {
            let x = area.x + margin + at.x;
            let right = (area.x + area.width).saturating_sub(margin.min(1));
            let bottom = area.y + area.height;
            if x >= right || y + at.y >= bottom {
                continue;
            }
            let area = Area {
                x,
                y: y + at.y,
                width: at.width.min(right - x),
                height: at.height.min(bottom - y - at.y),
            };
            pieces.push(Piece {
                area,
                ground,
                content,
            });
        }
        y += row.height;
    }
    pieces
}

/// The blank rows above each row: one to each in turn for as long as it wants more.
fn shared(rows: &[Row], mut room: u16) -> Vec<u16> {
    let mut gaps = vec![0; rows.len()];
    let most = rows.iter().map(|row| row.gap).max().unwrap_or(0);
    for step in 1..=most {
        for (gap, row) in gaps.iter_mut().zip(rows) {
            if row.gap >= step && room > 0 {
                *gap += 1;
                room -= 1;
            }
        }
    }
    gaps
}
