//! Times that count neither good nor bad in an error budget: load tests, excused outages.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Observation, Reading, Sample};
use crate::domain::past::{PastEvents, Tally};
use crate::domain::policy::BudgetAdjustment;

impl BudgetAdjustment {
    /// The part of it that lies between two moments; `None` where none does.
    pub fn within(&self, from: Timestamp, until: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, until) = (self.from.max(from), self.to.min(until));
        (from < until).then_some((from, until))
    }

    /// What it does, in one sentence.
    pub fn sentence(&self) -> String {
        let moment = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        format!(
            "the budget leaves out {} to {} UTC: {} ({})",
            moment(self.from),
            moment(self.to),
            self.reason,
            self.by
        )
    }
}

impl PastEvents {
    /// Has the steps between two moments count no event: neither good nor bad.
    pub fn leave_out(&mut self, (from, until): (Timestamp, Timestamp)) {
        let half = self.steps.step() / 2;
        for (number, events) in self.events.iter_mut().enumerate() {
            let middle = self.steps.end(number) - half;
            if (from..until).contains(&middle) {
                *events = Some(super::Events {
                    bad: 0.0,
                    total: 0.0,
                });
            }
        }
    }
}

impl Observation {
    /// When the period so far began.
    pub fn period_begin(&self) -> Timestamp {
        let begin = self.at.checked_sub(self.period_elapsed);
        begin.unwrap_or(Timestamp::MIN)
    }

    /// Leaves a time out of the period, of which these events are known; `counted` is false where only
    /// their share is. What is left out is said.
    pub fn leave_out(
        &mut self,
        adjustment: &BudgetAdjustment,
        (tally, length): (Tally, SignedDuration),
        counted: bool,
    ) {
        if let Some(sample) = self.period {
            self.period = Some(without(
                sample,
                (tally, counted),
                length,
                self.period_elapsed,
            ));
        }
        let slo = Arc::make_mut(&mut self.slo);
        slo.note(adjustment.sentence());
        let known = slo.adjustments.iter().cloned();
        slo.adjustments = known.chain([adjustment.clone()]).collect();
    }
}

/// A sample of a period without a part of it.
fn without(
    sample: Sample,
    (tally, counted): (Tally, bool),
    length: SignedDuration,
    period: SignedDuration,
) -> Sample {
    let Some(ratio) = sample.reading.ratio() else {
        return sample;
    };
    if let (Some(mut events), true) = (sample.events, counted) {
        events.bad = (events.bad - tally.events.bad).max(0.0);
        events.total = (events.total - tally.events.total).max(0.0);
        return Sample {
            reading: Reading::from_events(Some(events.bad), Some(events.total)),
            events: Some(events),
            ..sample
        };
    }
    // Without counts every moment weighs the same.
    let (whole, part) = (period.as_secs_f64(), length.as_secs_f64());
    let rest = whole - part;
    let Some(left_out) = tally.ratio().filter(|_| rest > 0.0) else {
        return sample;
    };
    let reading = ((ratio * whole - left_out * part) / rest).clamp(0.0, 1.0);
    Sample {
        reading: Reading::Ratio(reading),
        ..sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Events, Origin, Period, Slo, SourceName, Window};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
    }

    fn adjustment(from: i64, to: i64) -> BudgetAdjustment {
        BudgetAdjustment {
            slo: "checkout/availability".to_owned(),
            from: at(from),
            to: at(to),
            reason: "load test".to_owned(),
            by: "mara".to_owned(),
        }
    }

    fn observed(events: Option<Events>, ratio: f64) -> Observation {
        let slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::hours(10)),
            Origin::Config,
        );
        let sample = Sample {
            reading: Reading::Ratio(ratio),
            events,
            at: at(0),
        };
        Observation {
            period: Some(sample),
            ..Observation::unknown(Arc::new(slo), at(0))
        }
    }

    fn tally(bad: f64, total: f64) -> Tally {
        Tally {
            events: Events { bad, total },
            known: 12,
            of: 12,
        }
    }

    #[test]
    fn a_time_that_is_left_out_counts_neither_good_nor_bad() {
        let hour = SignedDuration::from_hours(1);
        let mut seen = observed(
            Some(Events {
                bad: 90.0,
                total: 1_000.0,
            }),
            0.09,
        );
        seen.leave_out(&adjustment(-120, -60), (tally(80.0, 100.0), hour), true);
        let ratio = seen.period.unwrap().reading.ratio().unwrap();
        assert!((ratio - 10.0 / 900.0).abs() < 1e-12);
        assert_eq!(seen.slo.adjustments.len(), 1);
        assert!(seen.slo.notes[0].contains("load test (mara)"));
        // Where only ratios are known, by time.
        let mut seen = observed(None, 0.1);
        seen.leave_out(&adjustment(-120, -60), (tally(1.0, 1.0), hour), false);
        let ratio = seen.period.unwrap().reading.ratio().unwrap();
        assert!(ratio.abs() < 1e-12, "{ratio}");
        // Nothing is left: no traffic, and not a good ratio.
        let mut seen = observed(
            Some(Events {
                bad: 1.0,
                total: 10.0,
            }),
            0.1,
        );
        seen.leave_out(&adjustment(-600, 0), (tally(1.0, 10.0), hour * 10), true);
        assert_eq!(seen.period.unwrap().reading, Reading::NoTraffic);
    }

    #[test]
    fn only_the_part_within_a_period_is_left_out_of_it() {
        let one = adjustment(-60, -30);
        assert_eq!(one.within(at(-45), at(0)), Some((at(-45), at(-30))));
        assert_eq!(one.within(at(-30), at(0)), None);
        assert_eq!(one.within(at(-90), at(-40)), Some((at(-60), at(-40))));
    }
}
