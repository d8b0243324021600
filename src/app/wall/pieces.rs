//! Pieces of a finished wall: letters, words and rules, each at its place on a ground.

use super::font;
use crate::app::layout::Area;
use crate::pane::{Line, Role};
use crate::text::Shown;

/// A finished wall.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wall {
    /// Parts with a ground of their own; the rest has that of the terminal.
    pub grounds: Vec<(Area, Ground)>,
    /// What stands on them.
    pub pieces: Vec<Piece>,
    /// True in the hours in which a calm wall is dim.
    pub is_dim: bool,
}

/// The ground of a banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Something pages.
    Page,
    /// A source of SLOs is lost.
    Blind,
}

/// Something at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Its place and the room it has.
    pub area: Area,
    /// What it stands on; `None` for the ground of the terminal.
    pub ground: Option<Ground>,
    /// What it is.
    pub content: Content,
}

/// Content of a piece.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text in large letters.
    Letters(Shown, Scale, Role),
    /// A line of text.
    Words(Line),
    /// The same at the right end.
    Right(Line),
    /// A line across.
    Rule,
    /// A share between 0 and 1 as a bar.
    Gauge(f64, Role),
    /// A band of stripes.
    Stripes,
}

/// How large letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A pixel is a column wide and half a row high: letters of four rows.
    Half,
    /// A pixel is so many rows high and twice as many columns wide.
    Rows(u16),
}

impl Scale {
    /// The largest that letters have.
    const LARGEST: u16 = 6;

    /// Columns of a text; `None` where it has a character without a letter.
    pub fn width(self, text: &str) -> Option<u16> {
        let pixels = font::text_width(text)?;
        match self {
            Self::Half => Some(pixels),
            Self::Rows(rows) => pixels.checked_mul(2 * rows),
        }
    }

    /// Rows of a text.
    pub fn height(self, text: &str) -> u16 {
        match self {
            Self::Half => font::ROWS / 2,
            Self::Rows(rows) => font::text_rows(text) * rows,
        }
    }

    /// Every scale, the largest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::LARGEST)
            .rev()
            .map(Self::Rows)
            .chain([Self::Half])
    }

    /// The largest in which a text fits; `None` where it fits in none.
    pub fn fitting(text: &str, (width, height): (u16, u16)) -> Option<Self> {
        Self::all().find(|scale| {
            let columns = scale.width(text);
            columns.is_some_and(|columns| columns <= width) && scale.height(text) <= height
        })
    }
}

/// A text cut to so many columns at a scale, with `…` in place of what is gone; `None` where nothing of it
/// fits.
pub(super) fn cut(text: &str, scale: Scale, width: u16) -> Option<String> {
    if scale.width(text)? <= width {
        return Some(text.to_owned());
    }
    let letters: Vec<char> = text.chars().collect();
    (2..letters.len()).rev().find_map(|count| {
        let kept: String = letters[..count].iter().chain(&['…']).collect();
        (scale.width(&kept)? <= width).then_some(kept)
    })
}
