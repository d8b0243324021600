//! The past that charts are drawn from: how much of it is looked at, and what sources said of it.

use jiff::{SignedDuration, Timestamp};

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
const MAX_HELD: usize = 12;

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
            !is_same || held.steps.step() != recalled.steps.step()
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

    fn find(&self, source: &SourceName, id: &Untrusted, time: SignedDuration) -> Option<&Recalled> {
        let mut held = self.held.iter();
        held.find(|held| {
            held.source == *source && held.id == *id && held.steps.step() == step(time)
        })
    }
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
}
