//! How an SLO burned in a time, from its events in steps: rise, fall, alert rules, peak.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use crate::domain::past::{PastEvents, PastSums};
use crate::domain::slo::{Course, Slice};
use crate::domain::{Events, Rule, Severity, Slo, Window};
use crate::insight::{Onset, onset};

/// Steps that are read as one in search of a change: fine ones first, long ones for what rises slowly.
const SCALES: [i32; 3] = [1, 5, 15];
/// Slices on the calm side of a change, and on that of the burn: what a fit can read.
const CALM: i32 = 150;
const BURN: i32 = 120;
/// Steps without errors after which a burn is over, where no fall is found.
const CALM_STEPS: usize = 5;
/// Points of the course.
const POINTS: usize = 240;

/// A change of the error ratio, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The likeliest moment.
    pub at: Timestamp,
    /// The earliest believable moment.
    pub earliest: Timestamp,
    /// The latest believable moment.
    pub latest: Timestamp,
}

/// The first firing of an alert rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fired {
    /// The moment.
    pub at: Timestamp,
    /// The rule.
    pub rule: Rule,
}

/// The highest burn rate of a short window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The burn rate.
    pub burn: f64,
    /// The window.
    pub window: Window,
    /// End of the window.
    pub at: Timestamp,
}

/// A point of the burn over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnPoint {
    /// End of its stretch.
    pub at: Timestamp,
    /// Burn rate of its stretch; `None` without events, or where they are unknown.
    pub burn: Option<f64>,
}

/// How an SLO burned in a time.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnTime {
    /// The rise of the error ratio; `None` where none is found.
    pub onset: Option<Change>,
    /// The fall of the error ratio, of the last burn in the time; `None` while it burns.
    pub mitigated: Option<Change>,
    /// The first alert rule that fired: of those that page, else of tickets.
    pub fired: Option<Fired>,
    /// Since when no rule of that severity fires; `None` while one does.
    pub cleared: Option<Timestamp>,
    /// The highest burn rate.
    pub peak: Option<Peak>,
    /// Burn rates over the time.
    pub course: Vec<BurnPoint>,
    /// A moment at which the first burn is judged best: late in it.
    pub judged: Option<Timestamp>,
}

impl BurnTime {
    /// How the SLO burned between two moments; its events begin before, by the longest window of its rules.
    pub fn of(past: &PastEvents, (from, until): (Timestamp, Timestamp)) -> Self {
        let steps = Grid::new(past, (from, until));
        let pages = steps.firing(Severity::Page);
        let firing = if pages.iter().any(Option::is_some) {
            pages
        } else {
            steps.firing(Severity::Ticket)
        };
        let first = stretch(&firing, firing.iter().position(Option::is_some));
        let last = firing.iter().rposition(Option::is_some);
        let fired = first.as_ref().and_then(|first| {
            let rule = firing[first.start]?;
            let at = steps.end(first.start);
            Some(Fired { at, rule })
        });
        let cleared = last.filter(|last| last + 1 < firing.len());
        let onset = steps.onset(first.clone(), fired);
        let mitigated = steps.mitigated(&firing, last, onset);
        let judged = first.map(|first| {
            let late = fired.map_or(until, |fired| fired.at + SignedDuration::from_mins(30));
            steps.end(first.end.saturating_sub(1)).min(late)
        });
        Self {
            mitigated,
            fired,
            cleared: cleared.map(|last| steps.end(last + 1)),
            peak: steps.peak(),
            course: steps.course(),
            judged,
            onset,
        }
    }

    /// The end of the burn, as far as it is known: no rule fires any more.
    pub(super) fn ended(&self) -> Option<Timestamp> {
        self.cleared.max(self.mitigated.map(|one| one.latest))
    }
}

/// The neighbours of a place at which a rule fires as well.
fn stretch(firing: &[Option<Rule>], place: Option<usize>) -> Option<Range<usize>> {
    let place = place?;
    let is_silent = |one: &Option<Rule>| one.is_none();
    let end = firing[place..].iter().position(is_silent);
    let begin = firing[..place].iter().rposition(is_silent);
    let begin = begin.map_or(0, |before| before + 1);
    Some(begin..end.map_or(firing.len(), |length| place + length))
}

/// The steps of the time, numbered from 0, with all that are known before it.
struct Grid<'a> {
    past: &'a PastEvents,
    sums: PastSums,
    from: Timestamp,
    until: Timestamp,
    /// Number of the first step of the time among all steps.
    offset: usize,
    count: usize,
}

impl<'a> Grid<'a> {
    fn new(past: &'a PastEvents, (from, until): (Timestamp, Timestamp)) -> Self {
        let all = past.steps;
        let ends = (0..all.len()).map(|number| all.end(number));
        let offset = ends.take_while(|end| *end <= from).count();
        Self {
            sums: past.sums(),
            from,
            until,
            offset,
            count: all.len().saturating_sub(offset),
            past,
        }
    }

    fn slo(&self) -> &Slo {
        &self.past.slo
    }

    /// Where a step of the time ends.
    fn end(&self, number: usize) -> Timestamp {
        self.past.steps.end(self.offset + number)
    }

    /// Burn rate and bad events of a window that ends with a step.
    fn burn(&self, number: usize, window: Window) -> Option<(f64, f64)> {
        let end = self.end(number);
        let begin = end.checked_sub(window.duration()).ok()?;
        let tally = self.sums.between(begin, end);
        let ratio = tally.ratio()?;
        Some((self.slo().burn_rate(ratio), tally.events.bad))
    }

    /// The rule of a severity that fires at the end of each step.
    fn firing(&self, severity: Severity) -> Vec<Option<Rule>> {
        let rules = self.slo().rules.iter();
        let rules: Vec<_> = rules.filter(|rule| rule.severity == severity).collect();
        let fires = |number: usize| {
            let fires = |rule: &&&Rule| {
                let (Some((long, bad)), Some((short, _))) =
                    (self.burn(number, rule.long), self.burn(number, rule.short))
                else {
                    return false;
                };
                // Steps are measured apart, so 2.9 of 3 events are three.
                let is_enough = severity != Severity::Page
                    || !self.past.counted
                    || bad.round() >= self.slo().min_bad_events;
                rule.is_exceeded_by(long) && rule.is_exceeded_by(short) && is_enough
            };
            rules.iter().find(fires).map(|rule| **rule)
        };
        (0..self.count).map(fires).collect()
    }

    /// The events between two moments, so many steps as one slice.
    fn slices(&self, scale: i32, from: Timestamp, until: Timestamp) -> Vec<Slice> {
        let steps = self.past.steps;
        let length = steps.step() * scale;
        let mut slices = Vec::new();
        let mut at = until.min(steps.until());
        while let Ok(begin) = at.checked_sub(length)
            && begin >= from.max(steps.from())
        {
            let Events { bad, total } = self.sums.between(begin, at).events;
            if total > 0.0 {
                slices.push(Slice { at, bad, total });
            }
            at = begin;
        }
        slices.reverse();
        slices
    }

    fn course_of(&self, scale: i32, slices: Vec<Slice>, from: Timestamp) -> Course {
        let step = self.past.steps.step() * scale;
        Course {
            slices,
            from,
            step,
            width: step,
            counted: self.past.counted,
        }
    }

    /// A moment so many steps later; earlier where they are negative.
    fn later(&self, at: Timestamp, steps: i32) -> Timestamp {
        at.saturating_add(self.past.steps.step() * steps)
            .unwrap_or(at)
    }

    /// The rise of the first burn. Without a rule that fires it is a rise above the budget.
    fn onset(&self, first: Option<Range<usize>>, fired: Option<Fired>) -> Option<Change> {
        let budget = self.slo().error_budget();
        let (begin, end, level) = if let (Some(first), Some(fired)) = (first, fired) {
            let end = self.end(first.end.saturating_sub(1));
            (fired.at, end, fired.rule.factor * budget)
        } else {
            let peak = self.peak().filter(|peak| peak.burn > 1.0)?;
            (peak.at, self.until, budget)
        };
        let courses = SCALES.map(|scale| {
            let from = self.later(begin, -CALM * scale);
            let until = end.min(self.later(begin, BURN * scale));
            self.course_of(scale, self.slices(scale, from, until), from)
        });
        let found = onset(&courses, level)?;
        // A burn that was over before the time is another one.
        (found.latest >= self.from || fired.is_some()).then(|| Change::from(&found))
    }

    /// The fall of the last burn: its rise, seen from the end of the time.
    fn mitigated(
        &self,
        firing: &[Option<Rule>],
        last: Option<usize>,
        onset_at: Option<Change>,
    ) -> Option<Change> {
        let onset_at = onset_at?;
        let budget = self.slo().error_budget();
        let (begin, end, level, is_over) = if let Some(last) = stretch(firing, last) {
            let rule = firing[last.end - 1]?;
            let at = self.end(last.start);
            let begin = at.saturating_sub(rule.short.duration()).unwrap_or(at);
            let newest = self.burn(self.count.checked_sub(1)?, rule.short)?.0;
            let end = self.end(last.end - 1);
            let is_over = !rule.is_exceeded_by(newest);
            (begin, end, rule.factor * budget, is_over)
        } else {
            let (end, _) = self.last_above_budget(onset_at.at)?;
            (onset_at.at, end, budget, true)
        };
        let begin = begin.max(onset_at.at);
        let calm = self.last_above_budget(begin);
        let calm = calm.filter(|(_, steps)| is_over && *steps >= CALM_STEPS);
        let is_over = is_over && (last.is_some() || calm.is_some());
        let found = self.fall((begin, end), level).filter(|_| is_over);
        found.filter(|one| one.at >= onset_at.at).or_else(|| {
            let (at, _) = calm?;
            Some(Change {
                at,
                earliest: at,
                latest: at,
            })
        })
    }

    /// The fall at the end of a burn: a rise, where time goes backwards.
    fn fall(&self, (begin, end): (Timestamp, Timestamp), level: f64) -> Option<Change> {
        let turned = |at: Timestamp| {
            let after = at.duration_until(self.until);
            self.until.saturating_add(after).unwrap_or(self.until)
        };
        let courses = SCALES.map(|scale| {
            let from = begin.max(self.later(end, -BURN * scale));
            let until = self.until.min(self.later(end, CALM * scale));
            let slices = self.slices(scale, from, until);
            let length = self.past.steps.step() * scale;
            let back = slices.iter().rev().map(|slice| Slice {
                at: turned(slice.at.saturating_sub(length).unwrap_or(slice.at)),
                ..*slice
            });
            self.course_of(scale, back.collect(), turned(until))
        });
        onset(&courses, level).map(|found| Change {
            at: turned(found.at),
            earliest: turned(found.latest),
            latest: turned(found.earliest),
        })
    }

    /// The end of the last step since a moment that is above the budget, and the known steps after it.
    fn last_above_budget(&self, begin: Timestamp) -> Option<(Timestamp, usize)> {
        let steps = self.past.steps;
        let budget = self.slo().error_budget();
        let mut calm = 0;
        for number in (0..steps.len()).rev() {
            let Some(events) = self.past.events[number] else {
                continue;
            };
            let is_above = events.total > 0.0 && events.bad / events.total > budget;
            if steps.end(number) <= begin {
                return None;
            }
            if is_above {
                return Some((steps.end(number), calm));
            }
            calm += 1;
        }
        None
    }

    /// The highest burn rate of the shortest window within the time.
    fn peak(&self) -> Option<Peak> {
        let windows = self.slo().rules.iter().map(|rule| rule.short);
        let window = windows.min().unwrap_or(Window::minutes(5));
        let length = self.from.duration_until(self.until);
        let window = if window.duration() > length {
            Window::from_seconds(length.as_secs().unsigned_abs())?
        } else {
            window
        };
        let step = self.past.steps.step().as_millis();
        let half = window.duration().as_millis() / step.max(1) / 2;
        let burns = (0..self.count).filter_map(|number| {
            let at = self.end(number);
            let begin = at.checked_sub(window.duration()).ok()?;
            let tally = self.sums.between(begin, at);
            let is_within = begin >= self.from && tally.known as i128 >= half;
            let ratio = tally.ratio().filter(|_| is_within)?;
            Some(Peak {
                burn: self.slo().burn_rate(ratio),
                window,
                at,
            })
        });
        // Of equal ones the first.
        burns.reduce(|most, one| if one.burn > most.burn { one } else { most })
    }

    /// Burn rates over the time, in stretches of one step or more.
    fn course(&self) -> Vec<BurnPoint> {
        let each = self.count.div_ceil(POINTS).max(1);
        let step = self.past.steps.step();
        let points = (0..self.count.div_ceil(each)).map(|place| {
            let last = ((place + 1) * each).min(self.count) - 1;
            let at = self.end(last);
            let begin = self.end(place * each).saturating_sub(step).unwrap_or(at);
            let ratio = self.sums.between(begin, at).ratio();
            BurnPoint {
                at,
                burn: ratio.map(|ratio| self.slo().burn_rate(ratio)),
            }
        });
        points.collect()
    }
}

impl From<&Onset> for Change {
    fn from(onset: &Onset) -> Self {
        Self {
            at: onset.at,
            earliest: onset.earliest,
            latest: onset.latest,
        }
    }
}
