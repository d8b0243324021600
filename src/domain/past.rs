//! Bad and total events of an SLO in consecutive steps of past time: what policies, verdicts on
//! releases and reports are computed from.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Events, Fault, Reason, Slo, SourceName};
use crate::text::Untrusted;

/// Consecutive stretches of time of one length. Each begins right after the moment that the one
/// before it ends at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    from: Timestamp,
    step: SignedDuration,
    count: usize,
}

impl Steps {
    /// The most steps of one question: twice a quarter in steps of 5 minutes.
    pub const MAX: usize = 60_000;

    /// The whole steps between two moments, the last of which ends at `until`: what is left over lies
    /// before the first. None where `until` is not after `from`; [`Steps::MAX`] at most, the newest.
    ///
    /// Moments are whole seconds, and a step is 1 second at least.
    pub fn new(from: Timestamp, until: Timestamp, step: SignedDuration) -> Self {
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        let (from, until) = (whole(from), whole(until));
        let step = SignedDuration::from_secs(step.as_secs().max(1));
        let length = from.duration_until(until).as_secs();
        let count = usize::try_from(length / step.as_secs()).unwrap_or(0);
        let count = count.min(Self::MAX);
        let back = step.checked_mul(i32::try_from(count).unwrap_or(0));
        let from = back.and_then(|back| until.checked_sub(back).ok());
        Self {
            from: from.unwrap_or(until),
            step,
            count,
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.count
    }

    /// True when there is none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// How long each is.
    pub fn step(self) -> SignedDuration {
        self.step
    }

    /// Where the first begins.
    pub fn from(self) -> Timestamp {
        self.from
    }

    /// Where the last ends.
    pub fn until(self) -> Timestamp {
        self.moment(self.count)
    }

    /// Where the step with this number ends, counted from 0.
    pub fn end(self, number: usize) -> Timestamp {
        self.moment(number + 1)
    }

    /// The number of the step that ends at a moment, to half a step; `None` outside of all.
    pub fn ending_at(self, at: Timestamp) -> Option<usize> {
        let step = self.step.as_millis();
        let after = self.from.duration_until(at).as_millis() + step / 2;
        let number = usize::try_from(after.div_euclid(step))
            .ok()?
            .checked_sub(1)?;
        (number < self.count).then_some(number)
    }

    fn moment(self, steps: usize) -> Timestamp {
        let after = i32::try_from(steps)
            .ok()
            .and_then(|steps| self.step.checked_mul(steps));
        let moment = after.and_then(|after| self.from.checked_add(after).ok());
        moment.unwrap_or(Timestamp::MAX)
    }
}

/// A question for the past of some SLOs of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct PastQuestion {
    /// Each by the ids it may go by in its source; the first that is known there counts. What is
    /// asked for every step is kept for each, so a question names tens of SLOs at most.
    pub slos: Vec<Vec<Untrusted>>,
    /// The time that is asked for.
    pub steps: Steps,
}

/// The past of one SLO as it was asked for, and what its source said.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// Who was asked.
    pub source: SourceName,
    /// The SLO, by the first id it was asked by.
    pub id: Untrusted,
    /// When the answer was complete.
    pub at: Timestamp,
    /// The time that was asked for.
    pub steps: Steps,
    /// Its answer.
    pub outcome: Result<PastEvents, Fault>,
}

/// The past of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct PastEvents {
    /// Whose it is.
    pub slo: Arc<Slo>,
    /// The time that was asked for.
    pub steps: Steps,
    /// The events of each step; `None` where nothing is known of them: no sample, no answer, or
    /// something that is needed is missing. No traffic is `Some` of 0 of 0.
    ///
    /// Where [`Self::counted`] is false, `total` is 1 and `bad` their share.
    pub events: Vec<Option<Events>>,
    /// The time that each step was measured over: longer than a step by the distance of two samples,
    /// so that what grew between two steps counts once; much longer where samples are rarer than
    /// steps.
    pub width: SignedDuration,
    /// False where only the share of bad events is known.
    pub counted: bool,
    /// True where the source said that parts of the data did not answer.
    pub partial: bool,
    /// When the newest sample behind all events was taken; `None` where there is none of the last
    /// hour before the end, or the source cannot tell.
    pub newest: Option<Timestamp>,
    /// The present by the clock of the source, where the present was asked about.
    pub present: Option<Timestamp>,
    /// The moment that the last answer about the present was of; older than [`Self::present`] where
    /// something between keeps answers.
    pub answered: Option<Timestamp>,
    /// The queries of each step by their names, as evidence.
    pub queries: Vec<(String, Untrusted)>,
    /// Why steps are not known, or not exact; the decisive reason first.
    pub reasons: Vec<Reason>,
}

/// The events of several steps together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// Those of the steps that are known.
    pub events: Events,
    /// How many steps are known.
    pub known: usize,
    /// Of how many.
    pub of: usize,
}

impl Tally {
    /// The share of steps that is known, 0 of none.
    #[expect(clippy::cast_precision_loss, reason = "steps are thousands")]
    pub fn coverage(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        self.known as f64 / self.of as f64
    }

    /// Bad over all events of what is known; `None` without any event.
    pub fn ratio(self) -> Option<f64> {
        let Events { bad, total } = self.events;
        (total > 0.0).then(|| (bad / total).clamp(0.0, 1.0))
    }

    /// The least and the most that the ratio of all steps can be: without any error, and with nothing
    /// but errors, in the steps that are not known, at the traffic of those that are. `None` without
    /// any event.
    pub fn bounds(self) -> Option<(f64, f64)> {
        let (ratio, covered) = (self.ratio()?, self.coverage());
        let least = ratio * covered;
        Some((least, least + (1.0 - covered)))
    }
}

impl PastEvents {
    /// The past of an SLO of which nothing is known.
    pub fn unknown(slo: Arc<Slo>, steps: Steps) -> Self {
        Self {
            slo,
            steps,
            events: vec![None; steps.len()],
            width: steps.step(),
            counted: true,
            partial: false,
            newest: None,
            present: None,
            answered: None,
            queries: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// Sums up to the end of each step, so that any stretch is a difference of two.
    pub fn sums(&self) -> PastSums {
        let mut sums = Vec::with_capacity(self.events.len() + 1);
        let mut sum = Sum::default();
        sums.push(sum);
        for events in &self.events {
            if let Some(events) = events {
                sum.bad += events.bad;
                sum.total += events.total;
                sum.known += 1;
            }
            sums.push(sum);
        }
        PastSums {
            steps: self.steps,
            sums,
        }
    }

    /// The events between two moments: see [`PastSums::between`].
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Tally {
        self.sums().between(from, until)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    bad: f64,
    total: f64,
    known: usize,
}

/// Running sums of the steps of a [`PastEvents`].
#[derive(Clone, Debug, PartialEq)]
pub struct PastSums {
    steps: Steps,
    /// One more than there are steps.
    sums: Vec<Sum>,
}

impl PastSums {
    /// The time that they cover.
    pub fn steps(&self) -> Steps {
        self.steps
    }

    /// Where the first step begins of which anything is known.
    pub fn known_since(&self) -> Option<Timestamp> {
        let first = self.sums.iter().position(|sum| sum.known > 0)?;
        let step = self.steps.end(first.checked_sub(1)?);
        step.checked_sub(self.steps.step).ok()
    }

    /// The events of the steps of which at least half lies between two moments. Time outside of what
    /// was asked for counts as steps that are not known.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Tally {
        let (first, last) = (self.place(from), self.place(until));
        let most = i128::try_from(self.steps.count).unwrap_or(0);
        let at = |place: i128| {
            let place = usize::try_from(place.clamp(0, most)).unwrap_or(0);
            self.sums.get(place).copied().unwrap_or_default()
        };
        let (before, after) = (at(first), at(last.max(first)));
        Tally {
            events: Events {
                bad: (after.bad - before.bad).max(0.0),
                total: (after.total - before.total).max(0.0),
            },
            known: after.known - before.known,
            of: usize::try_from(last - first).unwrap_or(0),
        }
    }

    /// The boundary between two steps that is nearest to a moment; negative before the first.
    fn place(&self, at: Timestamp) -> i128 {
        let step = self.steps.step.as_millis().max(1);
        (self.steps.from.duration_until(at).as_millis() + step / 2).div_euclid(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Origin, Period, SourceName, Window};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
    }

    fn past(events: Vec<Option<Events>>) -> PastEvents {
        let slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        );
        let count = i64::try_from(events.len()).unwrap();
        let steps = Steps::new(at(0), at(5 * count), SignedDuration::from_mins(5));
        PastEvents {
            events,
            ..PastEvents::unknown(Arc::new(slo), steps)
        }
    }

    fn events(bad: f64, total: f64) -> Events {
        Events { bad, total }
    }

    #[test]
    fn steps_end_at_the_end_and_are_whole() {
        let five = SignedDuration::from_mins(5);
        for (from, until, count, first) in [
            (0, 30, 6, 0),
            (0, 33, 6, 3),
            (0, 4, 0, 4),
            (10, 10, 0, 10),
            (30, 0, 0, 0),
        ] {
            let steps = Steps::new(at(from), at(until), five);
            assert_eq!((steps.len(), steps.from()), (count, at(first)));
            assert_eq!(steps.until(), at(until));
            assert_eq!(steps.is_empty(), count == 0);
        }
        let steps = Steps::new(at(0), at(30), five);
        for number in 0..6 {
            assert_eq!(steps.ending_at(steps.end(number)), Some(number));
        }
        assert_eq!(steps.ending_at(at(0)), None);
        assert_eq!(steps.ending_at(at(35)), None);
        let most = Steps::new(Timestamp::MIN, at(0), SignedDuration::ZERO);
        assert_eq!((most.len(), most.until()), (Steps::MAX, at(0)));
    }

    #[test]
    fn what_is_not_known_is_never_counted_as_nothing() {
        let past = past(vec![
            Some(events(1.0, 100.0)),
            None,
            Some(events(0.0, 100.0)),
            Some(events(3.0, 100.0)),
        ]);
        let tally = past.between(at(0), at(20));
        assert_eq!((tally.known, tally.of), (3, 4));
        assert_eq!(
            tally.events,
            Events {
                bad: 4.0,
                total: 300.0
            }
        );
        let (least, most) = tally.bounds().unwrap();
        // None, or all, of the 100 events that the unknown step had at that traffic.
        assert!((least - 4.0 / 400.0).abs() < 1e-12 && (most - 104.0 / 400.0).abs() < 1e-12);
        let gap = past.between(at(5), at(10));
        assert_eq!((gap.known, gap.of, gap.ratio()), (0, 1, None));
        // What was not asked for is not known either.
        let before = past.between(at(-20), at(20));
        assert_eq!((before.known, before.of), (3, 8));
        let after = past.between(at(10), at(30));
        assert_eq!((after.known, after.of), (2, 4));
        assert_eq!(past.between(at(20), at(20)).coverage().to_bits(), 0);
    }

    #[test]
    fn any_stretch_is_the_sum_of_its_steps() {
        let all: Vec<_> = (0..60_u32)
            .map(|step| {
                (step % 7 != 3).then(|| Events {
                    bad: f64::from(step),
                    total: 100.0,
                })
            })
            .collect();
        let past = past(all.clone());
        let sums = past.sums();
        for first in 0..60_usize {
            for last in first..=60 {
                let minutes = |place: usize| at(5 * i64::try_from(place).unwrap());
                let tally = sums.between(minutes(first), minutes(last));
                let known: Vec<_> = all[first..last].iter().flatten().collect();
                let bad: f64 = known.iter().map(|events| events.bad).sum();
                assert!((tally.events.bad - bad).abs() < 1e-6);
                assert_eq!((tally.known, tally.of), (known.len(), last - first));
            }
        }
    }
}
