//! The past that charts are drawn from: how much of it is looked at, and what sources said of it.

use jiff::{SignedDuration, Timestamp};

use super::before_after::Stretch;
use crate::domain::past::{PastEvents, Recalled, Steps};
use crate::domain::{Fault, Observation, SourceName};
use crate::text::Untrusted;

/// The times that a burn chart can show, beside the whole period.
const TIMES: [SignedDuration; 6] = [
    SignedDuration::from_hours(1),
    RECENT,
    SignedDuration::from_hours(12),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(3 * 24),
    SignedDuration::from_hours(7 * 24),
];
/// Every poll tells so much of the past; more has to be asked for.
const RECENT: SignedDuration = SignedDuration::from_hours(3);
/// Steps of one question.
const STEPS: i32 = 180;
/// The shortest step: sources are rarely scraped more often.
const SHORTEST_STEP: SignedDuration = SignedDuration::from_mins(1);
/// An answer is asked for anew after one step, but no earlier and no later than this.
const REFRESH: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(1), SignedDuration::from_mins(15));
/// Answers that are kept.
const MAX_HELD: usize = 24;
/// The steps of the time around releases.
const AROUND_STEP: SignedDuration = SignedDuration::from_mins(5);

/// Which part of the past charts show, and what is known of it.
#[derive(Clone, Debug)]
pub struct Charts {
    /// The place in [`times`] of the shown time.
    zoom: usize,
    /// The last answers, the newest at the end.
    held: Vec<Recalled>,
}

impl Default for Charts {
    fn default() -> Self {
        Self {
            zoom: 1,
            held: Vec::new(),
        }
    }
}

/// The times that the chart of an SLO can show, the shortest first; the last is its period so far.
fn times(seen: &Observation) -> Vec<SignedDuration> {
    let period = seen.period_elapsed;
    let times = TIMES.into_iter().filter(|time| *time < period);
    times.chain([period]).collect()
}

impl Charts {
    /// The time that the burn chart of an SLO shows.
    pub fn shown(&self, seen: &Observation) -> SignedDuration {
        let times = times(seen);
        let last = times.len().saturating_sub(1);
        times.get(self.zoom.min(last)).copied().unwrap_or(RECENT)
    }

    /// A shorter time, or a longer one; false where there is none.
    pub fn zoom(&mut self, seen: &Observation, is_in: bool) -> bool {
        let last = times(seen).len().saturating_sub(1);
        let from = self.zoom.min(last);
        self.zoom = if is_in {
            from.saturating_sub(1)
        } else {
            (from + 1).min(last)
        };
        self.zoom != from
    }

    /// True where the polls do not tell as much of the past as is shown.
    pub fn is_beyond_polls(time: SignedDuration) -> bool {
        time > RECENT
    }

    /// What is to be asked of an SLO's source now for its charts: the time that is shown, then the whole
    /// period. `None` while all of it is known well enough.
    pub fn question(
        &self,
        source: &SourceName,
        id: &Untrusted,
        seen: &Observation,
        now: Timestamp,
    ) -> Option<Steps> {
        let shown = Some(self.shown(seen)).filter(|time| Self::is_beyond_polls(*time));
        let wanted = shown.into_iter().chain([seen.period_elapsed]);
        let mut stale = wanted.filter(|time| {
            let held = self.find(source, id, *time);
            held.is_none_or(|held| now.duration_since(held.at) >= refresh(held.steps))
        });
        let time = stale.next()?;
        let from = now.checked_sub(time).ok()?;
        Some(Steps::new(from, now, step(time)))
    }

    /// Takes in what a source said, in place of what it said before.
    pub fn hear(&mut self, recalled: Recalled) {
        self.held.retain(|held| {
            let is_same = held.source == recalled.source && held.id == recalled.id;
            let is_beyond = held.steps.from() < recalled.steps.from()
                && !is_as_long(held.steps, length_of(recalled.steps));
            !is_same || held.steps.step() != recalled.steps.step() || is_beyond
        });
        if self.held.len() == MAX_HELD {
            self.held.remove(0);
        }
        self.held.push(recalled);
    }

    /// The answer about so much of an SLO's past; `None` while it was not asked for.
    pub fn past(
        &self,
        source: &SourceName,
        id: &Untrusted,
        time: SignedDuration,
    ) -> Option<Result<&PastEvents, &Fault>> {
        let held = self.find(source, id, time)?;
        Some(held.outcome.as_ref())
    }

    /// Whether the time around releases of an SLO has to be asked for. An answer that is too short is asked
    /// for again after a step.
    pub fn lacks_around(
        &self,
        source: &SourceName,
        id: &Untrusted,
        (from, until): Stretch,
        now: Timestamp,
    ) -> bool {
        let held = self.around_from(source, id, from);
        !held
            .into_iter()
            .any(|held| ends_by(held, until) || now.duration_since(held.at) < AROUND_STEP)
    }

    /// The answer that covers a time around a release.
    pub fn around(
        &self,
        source: &SourceName,
        id: &Untrusted,
        (from, until): Stretch,
    ) -> Option<&PastEvents> {
        let held = self.around_from(source, id, from).into_iter();
        let known = held.filter_map(|held| Some((held, held.outcome.as_ref().ok()?)));
        let newest = known.max_by_key(|(held, _)| held.steps.until());
        newest
            .filter(|(held, _)| ends_by(held, until))
            .map(|(_, past)| past)
    }

    /// The steps of the time around releases.
    pub fn steps_around((from, until): Stretch) -> Steps {
        Steps::new(from, until, AROUND_STEP)
    }

    fn around_from(&self, source: &SourceName, id: &Untrusted, from: Timestamp) -> Vec<&Recalled> {
        let held = self.held.iter().filter(|held| {
            let is_its = held.source == *source && held.id == *id;
            let early = held.steps.from().duration_until(from);
            is_its && held.steps.step() == AROUND_STEP && early > -AROUND_STEP
        });
        held.collect()
    }

    fn find(&self, source: &SourceName, id: &Untrusted, time: SignedDuration) -> Option<&Recalled> {
        let mut held = self.held.iter();
        held.find(|held| {
            let is_its = held.source == *source && held.id == *id;
            is_its && held.steps.step() == step(time) && is_as_long(held.steps, time)
        })
    }
}

/// How long steps are together.
fn length_of(steps: Steps) -> SignedDuration {
    steps.from().duration_until(steps.until())
}

/// True where an answer reaches to a moment, to a step.
fn ends_by(held: &Recalled, until: Timestamp) -> bool {
    held.steps.until().duration_until(until) < AROUND_STEP
}

/// True where steps are as long as a time, to two steps.
fn is_as_long(steps: Steps, time: SignedDuration) -> bool {
    length_of(steps).saturating_sub(time).abs() <= steps.step().saturating_mul(2)
}

/// The step that so much of the past is asked for in: whole minutes.
fn step(time: SignedDuration) -> SignedDuration {
    let minutes = (time / STEPS).as_secs() / 60;
    SignedDuration::from_mins(minutes).max(SHORTEST_STEP)
}

fn refresh(steps: Steps) -> SignedDuration {
    steps.step().clamp(REFRESH.0, REFRESH.1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{FaultKind, Origin, Period, Slo, Window};

    fn seen() -> Observation {
        let source = SourceName::new("prod");
        let period = Period::Rolling(Window::days(30));
        let slo = Slo::new("a", "b", source, 0.999, period, Origin::Config);
        Observation::unknown(Arc::new(slo), now())
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_356_000).expect("a moment")
    }

    #[test]
    fn zoom_goes_from_an_hour_to_the_period_and_no_further() {
        let (mut charts, seen) = (Charts::default(), seen());
        assert_eq!(charts.shown(&seen), SignedDuration::from_hours(3));
        assert!(charts.zoom(&seen, true) && !charts.zoom(&seen, true));
        assert_eq!(charts.shown(&seen), SignedDuration::from_hours(1));
        let longer = std::iter::from_fn(|| charts.zoom(&seen, false).then(|| charts.shown(&seen)));
        let hours: Vec<_> = longer.map(|time| time.as_hours()).collect();
        assert_eq!(hours, [3, 12, 24, 72, 168, 720]);
    }

    #[test]
    fn what_is_known_is_not_asked_for_again_before_its_time() {
        let (mut charts, seen) = (Charts::default(), seen());
        let (source, id) = (SourceName::new("prod"), seen.slo.id());
        let asked = |charts: &Charts, after: i64| {
            let now = now() + SignedDuration::from_mins(after);
            let steps = charts.question(&source, &id, &seen, now)?;
            Some((steps, now))
        };
        let answer = |charts: &mut Charts, (steps, at): (Steps, Timestamp)| {
            let fault = Fault::new(FaultKind::Timeout, "late");
            charts.hear(Recalled {
                source: source.clone(),
                id: id.clone(),
                at,
                steps,
                outcome: Err(fault),
            });
        };
        // The polls tell of three hours; the period has to be asked for.
        let first = asked(&charts, 0).expect("a question");
        assert_eq!((first.0.len(), first.0.step().as_hours()), (180, 4));
        answer(&mut charts, first);
        assert_eq!(asked(&charts, 14), None);
        assert!(asked(&charts, 15).is_some());
        charts.zoom(&seen, false);
        let shown = asked(&charts, 1).expect("a question");
        assert_eq!((shown.0.len(), shown.0.step().as_mins()), (180, 4));
        answer(&mut charts, shown);
        assert_eq!(asked(&charts, 2), None);
        assert!(
            charts
                .past(&source, &id, SignedDuration::from_hours(12))
                .is_some()
        );
        assert!(
            charts
                .past(&source, &"other".into(), SignedDuration::from_hours(12))
                .is_none()
        );
    }

    #[test]
    fn the_time_around_a_release_is_asked_for_once_and_again_while_it_goes_on() {
        let (mut charts, source, id) =
            (Charts::default(), SourceName::new("prod"), seen().slo.id());
        let minutes = SignedDuration::from_mins;
        let (from, until) = (now() - minutes(80), now());
        assert!(charts.lacks_around(&source, &id, (from, until), now()));
        let steps = Charts::steps_around((from, until));
        assert_eq!((steps.len(), steps.step()), (16, minutes(5)));
        charts.hear(Recalled {
            source: source.clone(),
            id: id.clone(),
            at: now(),
            steps,
            outcome: Err(Fault::new(FaultKind::Timeout, "late")),
        });
        let lacks = |until: i64, after: i64| {
            let stretch = (from, now() + minutes(until));
            charts.lacks_around(&source, &id, stretch, now() + minutes(after))
        };
        // What failed is asked again no sooner than what goes on.
        assert!(!lacks(0, 60) && !lacks(4, 4));
        assert!(lacks(20, 6));
        let earlier = (from - minutes(30), until);
        assert!(charts.lacks_around(&source, &id, earlier, now()));
        assert_eq!(charts.around(&source, &id, (from, until)), None);
        // It is no answer for a chart that has steps of the same length.
        assert!(
            charts
                .past(&source, &id, SignedDuration::from_hours(15))
                .is_none()
        );
    }
}
