//! The burn history of an SLO, kept in pieces: what lies behind does not change, so a sample costs
//! the newest piece alone.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::frame::{Part, Rows, parsed};
use super::{millis, moment, ms};
use crate::domain::slo::{Course, Slice};
use crate::state::database::Trouble;

/// A piece is as long as so many steps of its course.
const SLICES: i64 = 60;
/// Separates the parts of a row's id.
const MARK: char = '\u{1}';

/// A course without its slices. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub(super) struct Outline {
    from: i64,
    step: i64,
    width: i64,
    counted: bool,
}

/// Which piece of an SLO: the place of its course among all of them, and which one of that.
pub(super) type Place = (usize, i64);

/// A part of a course.
pub(super) struct Piece {
    pub(super) place: Place,
    /// True when its beginning lies before that of the course, and it is not the newest: older slices of it
    /// were known once.
    pub(super) is_cut: bool,
    pub(super) slices: Vec<Kept>,
}

/// A slice as it is kept: milliseconds since the slice before it in the piece (of the first one,
/// since the piece began), bad events, all events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept(i64, f64, f64);

impl Outline {
    pub(super) fn of(course: &Course) -> Self {
        Self {
            from: ms(course.from),
            step: millis(course.step),
            width: millis(course.width),
            counted: course.counted,
        }
    }

    /// How long its pieces are.
    fn piece(&self) -> i64 {
        self.step.max(1).saturating_mul(SLICES)
    }
}

/// A course in pieces, oldest first.
pub(super) fn pieces(place: usize, course: &Course) -> Vec<Piece> {
    let outline = Outline::of(course);
    let length = outline.piece();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last = 0;
    for slice in &course.slices {
        let at = ms(slice.at);
        let index = at.div_euclid(length);
        let start = index.saturating_mul(length);
        let is_next = pieces.last().is_none_or(|piece| piece.place.1 != index);
        if is_next {
            pieces.push(Piece {
                place: (place, index),
                is_cut: start < outline.from,
                slices: Vec::new(),
            });
            last = start;
        }
        if let Some(piece) = pieces.last_mut() {
            let (bad, total) = (rounded(slice.bad), rounded(slice.total));
            piece.slices.push(Kept(at - last, bad, total));
        }
        last = at;
    }
    // The newest grows, however short the course is.
    if let Some(newest) = pieces.last_mut() {
        newest.is_cut = false;
    }
    pieces
}

/// The id of the row that a piece is kept in; `name` is that of the SLO's rows.
pub(super) fn id(name: &str, (place, index): Place) -> String {
    format!("{name}{MARK}{place}{MARK}{index}")
}

/// The name and the place that an id is made of.
pub(super) fn place_of(id: &str) -> Option<(&str, Place)> {
    let (rest, index) = id.rsplit_once(MARK)?;
    let (name, place) = rest.rsplit_once(MARK)?;
    Some((name, (place.parse().ok()?, index.parse().ok()?)))
}

/// The courses of an SLO, put together from their pieces.
pub(super) fn courses(
    rows: &Rows,
    name: &str,
    outlines: &[Outline],
) -> Result<Vec<Course>, Trouble> {
    let mut courses = Vec::with_capacity(outlines.len());
    for (place, outline) in outlines.iter().enumerate() {
        let start = format!("{name}{MARK}{place}{MARK}");
        let mut slices = Vec::new();
        let first = (Part::Slices, start.clone());
        for ((part, id), row) in rows.0.range(first..) {
            let Some(index) = id.strip_prefix(&start).filter(|_| *part == Part::Slices) else {
                break;
            };
            let Ok(index) = index.parse::<i64>() else {
                continue;
            };
            let mut at = index.saturating_mul(outline.piece());
            for Kept(after, bad, total) in parsed::<Vec<Kept>>(row)? {
                at = at.saturating_add(after);
                if at >= outline.from {
                    let at = moment(at);
                    slices.push(Slice { at, bad, total });
                }
            }
        }
        slices.sort_by_key(|slice| slice.at);
        courses.push(Course {
            slices,
            from: moment(outline.from),
            step: SignedDuration::from_millis(outline.step),
            width: SignedDuration::from_millis(outline.width),
            counted: outline.counted,
        });
    }
    Ok(courses)
}

/// A number with nine digits: the rest is noise of a division, and no compression makes it small.
pub(super) fn rounded(number: f64) -> f64 {
    let short = format!("{number:.8e}").parse();
    short.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nine_digits_are_kept() {
        for (number, want) in [
            (0.0, 0.0),
            (0.05, 0.05),
            (1.0 / 3.0, 0.333_333_333),
            (123_456_789.0, 123_456_789.0),
            (-2.5e-17, -2.5e-17),
        ] {
            assert!((rounded(number) - want).abs() <= f64::EPSILON * want.abs());
        }
        assert!(rounded(f64::NAN).is_nan());
    }

    #[test]
    fn an_id_is_taken_apart_as_it_was_made() {
        for name in ["checkout/availability", "twin\0 1", "odd\u{1}2", ""] {
            let id = id(name, (2, -7));
            assert_eq!(place_of(&id), Some((name, (2, -7))));
        }
        assert_eq!(place_of("checkout/availability"), None);
    }

    proptest! {
        /// A course in pieces is the same course again, whatever its grid is.
        #[test]
        fn pieces_make_the_course_they_were_made_of(
            begin in 0_i64..200_000, step in 1_i64..700,
            gaps in prop::collection::vec((1_i64..5, 0_u32..99), 0..200),
        ) {
            let mut at = begin;
            let slices = gaps.iter().map(|(steps, bad)| {
                at += steps * step;
                let at = Timestamp::from_second(at).unwrap_or_default();
                Slice { at, bad: f64::from(*bad), total: 100.0 }
            });
            let course = Course {
                slices: slices.collect(),
                from: Timestamp::from_second(begin).unwrap_or_default(),
                step: SignedDuration::from_secs(step),
                width: SignedDuration::from_secs(step * 2),
                counted: true,
            };
            let mut rows = Rows::default();
            for piece in pieces(1, &course) {
                let row = serde_json::value::to_raw_value(&piece.slices);
                rows.0.insert((Part::Slices, id("a", piece.place)), row.expect("JSON"));
            }
            let outlines = [Outline::of(&Course { slices: Vec::new(), ..course.clone() }), Outline::of(&course)];
            let made = courses(&rows, "a", &outlines);
            prop_assert_eq!(made.expect("readable").pop(), Some(course));
        }
    }
}
