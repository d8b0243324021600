//! Error ratios of an SLO before and after a release.
//!
//! An hour before the release, or since the release before it; an hour after it, or until the next one.
//! Where samples are missing there is no number.

use jiff::{SignedDuration, Timestamp};

use super::cell::{Line, Role};
use super::{Sight, burn, figures, suspects};
use crate::domain::past::PastEvents;
use crate::domain::slo::Course;
use crate::domain::{Events, Observation, Release, ReleaseStatus};
use crate::insight::percent;
use crate::store::Feed;

/// The time that is compared on each side of a release.
const SIDE: SignedDuration = SignedDuration::from_hours(1);
/// The shortest time that is compared.
pub(super) const SHORTEST: SignedDuration = SignedDuration::from_mins(5);
/// The share of a side that has to be known.
const COVERED: f64 = 0.8;

/// A stretch of time.
pub type Stretch = (Timestamp, Timestamp);

/// The errors of an SLO on one side of a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Errors {
    /// The error ratio.
    Ratio {
        /// Bad events of all, between 0 and 1.
        ratio: f64,
        /// The events behind it, where they were counted.
        events: Option<Events>,
        /// True for a mean of windows, or where samples are missing.
        is_rough: bool,
    },
    /// No events.
    NoEvents,
    /// Less time than is needed has passed.
    TooEarly,
    /// Not known.
    Unknown,
}

/// The errors of an SLO before and after a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BeforeAfter {
    pub(super) before: Errors,
    pub(super) after: Errors,
    /// True while the source of the SLO does not answer.
    is_old: bool,
}

/// The times that are compared: before the release and after it. `None` of a release without a date; no
/// second time of one that has not arrived.
pub fn stretches(sight: Sight<'_>, release: &Release) -> Option<(Stretch, Option<Stretch>)> {
    let began = release.dated()?;
    let ended = match release.status {
        ReleaseStatus::Running | ReleaseStatus::Pending => None,
        _ => Some(release.finished_at.unwrap_or(began)),
    };
    let others = sight.store.releases().map(|(_, other)| other);
    let others = others.filter(|other| other.service == release.service && other.id != release.id);
    let others: Vec<_> = others.collect();
    let earlier = others.iter().filter_map(|other| {
        let arrived = other.finished_at.or(other.started_at)?;
        (arrived <= began).then_some(arrived)
    });
    let earliest = began.saturating_sub(SIDE).unwrap_or(began);
    let from = earlier.max().map_or(earliest, |at| at.max(earliest));
    let after = ended.map(|ended| {
        let later = others.iter().filter_map(|other| other.dated());
        let next = later.filter(|at| *at > ended).min();
        let until = ended.saturating_add(SIDE).unwrap_or(ended).min(sight.now);
        (ended, next.map_or(until, |next| next.min(until)))
    });
    Some(((from, began), after))
}

impl BeforeAfter {
    /// Those of one SLO; `None` of a release without a date.
    pub(super) fn of(
        sight: Sight<'_>,
        (feed, seen): (&Feed, &Observation),
        release: &Release,
    ) -> Option<Self> {
        let (before, after) = stretches(sight, release)?;
        if let Some(known) = of_suspect(sight, (feed, seen), release) {
            return Some(known);
        }
        let errors = |stretch| errors(sight, (feed, seen), stretch);
        Some(Self {
            before: errors(before),
            after: after.map_or(Errors::TooEarly, errors),
            is_old: !feed.freshness(sight.now).is_current(),
        })
    }

    /// True where the errors after it are known.
    pub(super) fn is_compared(self) -> bool {
        matches!(self.after, Errors::Ratio { .. })
    }

    /// True where neither side is known.
    fn is_unknown(self) -> bool {
        let is_ratio = |errors| matches!(errors, Errors::Ratio { .. });
        !is_ratio(self.before) && !is_ratio(self.after)
    }

    /// `0.02% → 2.2%`; `None` where neither is known.
    pub(super) fn line(self, seen: &Observation) -> Option<Line> {
        if self.is_unknown() {
            return None;
        }
        let line = Line::of(words(self.before), Role::Dim).text(" → ", Role::Dim);
        Some(line.text(words(self.after), self.role(seen)))
    }

    /// The same as burn rates.
    pub(super) fn burn_line(self, seen: &Observation) -> Option<Line> {
        if self.is_unknown() {
            return None;
        }
        let word = |errors| match errors {
            Errors::Ratio {
                ratio, is_rough, ..
            } => {
                let rough = if is_rough { "~" } else { "" };
                let rate = seen.slo.burn_rate(ratio);
                format!("{rough}{}", figures::burn_in_words(rate))
            }
            _ => "–".to_owned(),
        };
        let line = Line::of(word(self.before), Role::Dim).text(" → ", Role::Dim);
        Some(line.text(word(self.after), self.role(seen)))
    }

    /// The burn rate after it; the lowest where it is not known.
    pub(super) fn burn_after(self, seen: &Observation) -> f64 {
        match self.after {
            Errors::Ratio { ratio, .. } => seen.slo.burn_rate(ratio),
            _ => f64::NEG_INFINITY,
        }
    }

    /// The errors after it, beside the factors of the rules.
    fn role(self, seen: &Observation) -> Role {
        let Errors::Ratio { ratio, .. } = self.after else {
            return Role::Dim;
        };
        let levels = burn::levels(&seen.slo);
        match burn::role_at(&levels, seen.slo.burn_rate(ratio)) {
            _ if self.is_old => Role::Old,
            Role::Dim => Role::Plain,
            role => role,
        }
    }

    /// `662 bad of 30,000 after it`, where events were counted.
    pub(super) fn evidence(self) -> Line {
        match self.after {
            Errors::Ratio {
                events: Some(events),
                ..
            } => Line::of(
                format!(
                    "{} bad of {} after it",
                    figures::events(events.bad),
                    figures::events(events.total)
                ),
                Role::Dim,
            ),
            _ => Line::new(),
        }
    }
}

/// The ratios at the onset, of the release that is the suspect: one value everywhere.
fn of_suspect(
    sight: Sight<'_>,
    (feed, seen): (&Feed, &Observation),
    release: &Release,
) -> Option<BeforeAfter> {
    let insight = suspects::insight(sight.store, feed, seen)?;
    let suspect = insight.suspect()?;
    let onset = insight.onset.as_ref()?;
    let of_onset = |ratio| Errors::Ratio {
        ratio,
        events: None,
        is_rough: false,
    };
    (suspect.release == release.id).then(|| BeforeAfter {
        before: of_onset(onset.before),
        after: of_onset(onset.after),
        is_old: !feed.freshness(sight.now).is_current(),
    })
}

fn words(errors: Errors) -> String {
    match errors {
        Errors::Ratio {
            ratio, is_rough, ..
        } => format!("{}{}", if is_rough { "~" } else { "" }, percent(ratio)),
        Errors::NoEvents => "no events".to_owned(),
        Errors::TooEarly => "too early".to_owned(),
        Errors::Unknown => "–".to_owned(),
    }
}

/// The errors of a stretch: from the past that was asked for, else from what polls keep of a burn, else from
/// the recent past of the shortest window.
fn errors(sight: Sight<'_>, (feed, seen): (&Feed, &Observation), (from, until): Stretch) -> Errors {
    if from.duration_until(until) < SHORTEST {
        return Errors::TooEarly;
    }
    let past = sight
        .charts
        .around(&feed.name, &seen.slo.id(), (from, until));
    let of_past = past.map(|past| in_past(past, (from, until)));
    let known = |errors: &Errors| *errors != Errors::Unknown;
    let of_course = || {
        let courses = seen.courses.iter();
        let mut each = courses.map(|course| in_course(course, (from, until)));
        each.find(known)
    };
    of_past
        .filter(known)
        .or_else(of_course)
        .unwrap_or_else(|| in_history(seen, (from, until)))
}

fn in_past(past: &PastEvents, (from, until): Stretch) -> Errors {
    let steps = past.steps;
    let step = steps.step();
    let is_within = |number: &usize| {
        let end = steps.end(*number);
        end <= until && end.checked_sub(step).is_ok_and(|begin| begin >= from)
    };
    let within: Vec<_> = (0..steps.len()).filter(is_within).collect();
    let events = within.iter().filter_map(|number| past.events.get(*number));
    let known: Vec<Events> = events.copied().flatten().collect();
    let is_whole = known.len() == within.len() && !past.partial;
    of_events(&known, within.len(), past.counted, !is_whole)
}

fn in_course(course: &Course, (from, until): Stretch) -> Errors {
    if course.from > from {
        return Errors::Unknown;
    }
    let slices = course.slices.iter().filter(|slice| {
        let begin = slice.at.checked_sub(course.width);
        slice.at <= until && begin.is_ok_and(|begin| begin >= from)
    });
    let known: Vec<Events> = slices
        .map(|slice| Events {
            bad: slice.bad,
            total: slice.total,
        })
        .collect();
    let room = from.duration_until(until).saturating_sub(course.width);
    let wanted = room.as_secs() / course.step.as_secs().max(1);
    let wanted = usize::try_from(wanted.max(1)).unwrap_or(1);
    // Slices that overlap count an event several times: their ratio holds, their number does not.
    let is_counted = course.counted && course.width <= course.step;
    of_events(&known, wanted, is_counted, !course.counted)
}

fn in_history(seen: &Observation, (from, until): Stretch) -> Errors {
    let Some(window) = seen.slo.windows().first().map(|window| window.duration()) else {
        return Errors::Unknown;
    };
    let moments: Vec<_> = seen
        .history
        .iter()
        .map(|point| point.at.as_second())
        .collect();
    let step = burn::usual_step(&moments).max(1);
    let points = seen.history.iter().filter(|point| {
        let begin = point.at.checked_sub(window);
        point.at <= until && begin.is_ok_and(|begin| begin >= from)
    });
    let known: Vec<Events> = points
        .map(|point| Events {
            bad: point.ratio,
            total: 1.0,
        })
        .collect();
    let room = from.duration_until(until).saturating_sub(window);
    let wanted = usize::try_from(room.as_secs() / step).unwrap_or(0);
    of_events(&known, wanted.max(1), false, true)
}

/// The ratio of all events together, where enough of them are known.
fn of_events(known: &[Events], wanted: usize, is_counted: bool, is_rough: bool) -> Errors {
    if wanted == 0 || known.is_empty() || share(known.len(), wanted) < COVERED {
        return Errors::Unknown;
    }
    let total: f64 = known.iter().map(|events| events.total).sum();
    if total <= 0.0 {
        return Errors::NoEvents;
    }
    let bad: f64 = known.iter().map(|events| events.bad).sum();
    Errors::Ratio {
        ratio: (bad / total).clamp(0.0, 1.0),
        events: is_counted.then_some(Events { bad, total }),
        is_rough,
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps of two hours")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bad: f64) -> Events {
        Events { bad, total: 100.0 }
    }

    #[test]
    fn there_is_no_number_where_too_much_is_missing() {
        let of = |known: usize, wanted| of_events(&vec![events(5.0); known], wanted, true, false);
        assert_eq!(of(0, 12), Errors::Unknown);
        assert_eq!(of(9, 12), Errors::Unknown);
        assert_eq!(of(0, 0), Errors::Unknown);
        let whole = Errors::Ratio {
            ratio: 0.05,
            events: Some(Events {
                bad: 50.0,
                total: 1_000.0,
            }),
            is_rough: false,
        };
        assert_eq!(of(10, 12), whole);
        let nothing = Events {
            bad: 0.0,
            total: 0.0,
        };
        assert_eq!(of_events(&[nothing], 1, true, false), Errors::NoEvents);
    }

    #[test]
    fn an_unknown_side_is_a_dash_and_an_estimate_has_its_mark() {
        assert_eq!(words(Errors::Unknown), "–");
        assert_eq!(words(Errors::TooEarly), "too early");
        let rough = Errors::Ratio {
            ratio: 0.0002,
            events: None,
            is_rough: true,
        };
        assert_eq!(words(rough), "~0.02%");
    }
}
