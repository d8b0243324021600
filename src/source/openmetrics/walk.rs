//! Reads a history backwards in time, and has what every series did since each moment on the way.

use std::collections::{HashMap, HashSet};

use super::absence::{Trait, WITNESS, witnessed};
use super::history::{HOUR, History, MINUTE, Tier, ceil, floor};
use super::segment::Segment;
use super::selector::{NAME, Selectors};
use crate::source::target::TARGET_LABELS;
use crate::state::database::Trouble;

/// How far back single samples are read; before that, minutes and hours are.
const FINE: i64 = HOUR;
/// Later than all there is: of an empty table.
const NEVER: i64 = i64::MAX / 2;
/// A window is measured where it is at least so many times as long as what its ends are known by.
const SHARP: i64 = 5;

/// The series of a history that matter.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The number of the last series that was looked at.
    last: i64,
    places: HashMap<i64, usize>,
    series: Vec<Indexed>,
    /// The metrics and labels that any series has, of those that selectors name.
    exposed: HashSet<Trait>,
    /// The numbers of targets, by the values of [`TARGET_LABELS`].
    homes: HashMap<Vec<String>, usize>,
}

/// One series that matters.
#[derive(Debug)]
pub(super) struct Indexed {
    /// The numbers of the selectors that select it.
    pub(super) selectors: Vec<usize>,
    /// The labels of a target, when this is the series that says whether that answers.
    pub(super) target: Option<Vec<(String, String)>>,
    /// The number of the target that exposes it.
    pub(super) home: usize,
}

impl Index {
    /// Looks at the series that were added since.
    pub(super) fn refresh(
        &mut self,
        history: &History,
        selectors: &Selectors,
    ) -> Result<(), Trouble> {
        for (id, text) in history.series_after(self.last)? {
            self.last = id;
            let labels: HashMap<&str, String> = serde_json::from_str(&text).unwrap_or_default();
            let label = |name: &str| labels.get(name).map(String::as_str);
            let name = label(NAME).unwrap_or_default();
            if name == WITNESS {
                self.exposed.insert(witnessed(label));
                continue;
            }
            if let Some(wanted) = selectors.labels_of(name) {
                let has = wanted
                    .iter()
                    .filter(|wanted| labels.contains_key(wanted.as_str()));
                let has = has.map(|label| (name.to_owned(), label.clone()));
                self.exposed
                    .extend(has.chain([(name.to_owned(), String::new())]));
            }
            let selecting: Vec<_> = selectors.matching(label).collect();
            let is_up = label(NAME) == Some("up");
            if selecting.is_empty() && !is_up {
                continue;
            }
            let target = is_up.then(|| {
                let labels = labels.iter().filter(|(name, _)| **name != NAME);
                labels
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect()
            });
            let part = |name: &str| label(name).unwrap_or_default().to_owned();
            let known = self.homes.len();
            let home = *self
                .homes
                .entry(TARGET_LABELS.iter().map(|name| part(name)).collect())
                .or_insert(known);
            self.places.insert(id, self.series.len());
            self.series.push(Indexed {
                selectors: selecting,
                target,
                home,
            });
        }
        Ok(())
    }

    /// The series, in the order of [`Walk::held`].
    pub(super) fn series(&self) -> &[Indexed] {
        &self.series
    }

    /// True where any series has this.
    pub(super) fn exposes(&self, it: &Trait) -> bool {
        self.exposed.contains(it)
    }

    /// The place of a series in that order.
    pub(super) fn place(&self, id: i64) -> Option<usize> {
        self.places.get(&id).copied()
    }
}

/// Since when a history has what, in Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floors {
    /// All samples since this minute.
    samples: i64,
    /// All minutes since this hour.
    minutes: i64,
    /// When the first of all samples was taken.
    first: i64,
}

impl Floors {
    pub(super) fn of(history: &History) -> Result<Self, Trouble> {
        let first = |tier| match history.begins(tier)? {
            Some(start) => history.first_in(tier, start),
            None => Ok(None),
        };
        // The first minute or hour of which all is known: its coarser row may say that some went.
        let whole = |first: Option<i64>, coarser, width| {
            let Some(first) = first else { return Ok(NEVER) };
            let start = floor(first, width);
            let all = history.first_in(coarser, start)?;
            let is_whole = all.is_none_or(|all| all >= first);
            Ok::<_, Trouble>(if is_whole { start } else { start + width })
        };
        let minutes = whole(first(Tier::Minutes)?, Tier::Hours, HOUR)?;
        let samples = whole(first(Tier::Samples)?, Tier::Minutes, MINUTE)?;
        Ok(Self {
            samples: samples.max(minutes),
            minutes,
            first: first(Tier::Hours)?.unwrap_or(NEVER),
        })
    }

    /// The hour since which all minutes are known.
    pub(super) fn minutes(self) -> i64 {
        self.minutes
    }

    /// How far a moment may lie from what is known of it, in milliseconds. Before the history
    /// begins nothing is known, and that exactly.
    pub(super) fn blur(self, at: i64) -> i64 {
        let at = at.max(self.first);
        if at >= self.samples {
            0
        } else if at >= self.minutes {
            MINUTE
        } else {
            HOUR
        }
    }

    /// True when a window that begins at `start` is known sharply enough to be shown.
    pub(super) fn are_sharp(self, start: i64, end: i64) -> bool {
        end - start >= SHARP * self.blur(start).max(self.blur(end))
    }
}

/// One stretch of time to read from one table: everything in `from..to` that ends before `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    tier: Tier,
    from: i64,
    to: i64,
    before: i64,
}

/// A way back in time from a moment.
pub(super) struct Walk<'a> {
    history: &'a History,
    index: &'a Index,
    floors: Floors,
    /// Before this nothing is read sample by sample but the ends of windows.
    fine: i64,
    /// Everything from here on has been read.
    cursor: i64,
    held: Vec<Option<Segment>>,
}

impl<'a> Walk<'a> {
    /// Begins at a moment; samples of that very moment count.
    pub(super) fn from(history: &'a History, index: &'a Index, floors: Floors, at: i64) -> Self {
        Self {
            history,
            index,
            floors,
            fine: floor(at - FINE, MINUTE).max(floors.samples),
            cursor: at + 1,
            held: vec![None; index.series.len()],
        }
    }

    /// The series, in the order of [`Self::held`].
    pub(super) fn series(&self) -> &'a [Indexed] {
        &self.index.series
    }

    /// What each series did since the last boundary, in the order of [`Index::series`].
    pub(super) fn held(&self) -> &[Option<Segment>] {
        &self.held
    }

    /// Goes on to an earlier boundary. Where only minutes or hours are known, it stops at the first
    /// that lies in the window as a whole.
    pub(super) fn back_to(&mut self, boundary: i64) -> Result<(), Trouble> {
        for stretch in self.stretches(boundary) {
            let (held, index) = (&mut self.held, self.index);
            let span = (stretch.from, stretch.to);
            self.history
                .scan(stretch.tier, span, stretch.before, |id, earlier| {
                    if let Some(place) = index.place(id) {
                        let later = held[place];
                        held[place] = Some(later.map_or(earlier, |later| earlier.then(later)));
                    }
                })?;
        }
        Ok(())
    }

    /// What has to be read to get to a boundary, from new to old; moves the cursor.
    fn stretches(&mut self, boundary: i64) -> Vec<Stretch> {
        let mut way = Vec::new();
        let Floors {
            samples, minutes, ..
        } = self.floors;
        if self.cursor > self.fine {
            self.step(&mut way, Tier::Samples, boundary.max(self.fine));
        }
        // Within a minute: sample by sample to its start, or all of it.
        let minute = floor(self.cursor, MINUTE);
        if self.cursor > boundary && minute < self.cursor {
            if minute >= samples {
                self.step(&mut way, Tier::Samples, boundary.max(minute));
            } else if minute >= minutes && minute >= boundary {
                self.step(&mut way, Tier::Minutes, minute);
            }
        }
        if self.cursor <= boundary {
            return way;
        }
        let hour = ceil(boundary, HOUR);
        if floor(self.cursor, HOUR) >= minutes {
            if hour < floor(self.cursor, HOUR) {
                let full = floor(self.cursor, HOUR);
                self.step(&mut way, Tier::Minutes, full);
                self.step(&mut way, Tier::Hours, hour);
            }
            self.step(&mut way, Tier::Minutes, ceil(boundary, MINUTE).max(minutes));
        }
        if self.cursor > hour && self.cursor <= minutes {
            self.step(&mut way, Tier::Hours, hour);
        }
        if self.cursor > boundary && self.cursor - boundary < MINUTE && boundary >= samples {
            self.step(&mut way, Tier::Samples, boundary);
        }
        way
    }

    /// Reads back to `from`, unless that is read already.
    fn step(&mut self, way: &mut Vec<Stretch>, tier: Tier, from: i64) {
        if from < self.cursor {
            let to = match tier {
                Tier::Samples => self.cursor,
                Tier::Minutes => ceil(self.cursor, MINUTE),
                Tier::Hours => ceil(self.cursor, HOUR),
            };
            way.push(Stretch {
                tier,
                from,
                to,
                before: self.cursor,
            });
            self.cursor = from;
        }
    }
}
