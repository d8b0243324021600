//! Whether a source has missed a poll: stricter than its freshness, for a wall that is read from afar.

use jiff::{SignedDuration, Timestamp};

use super::Feed;

/// Time beyond the time-out after which an answer counts as overdue.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

impl Feed {
    /// When its next answer is overdue: one interval and one time-out after the last one, or after `began`,
    /// the start of the program. A poll that was planned for a moment later, as the one after the first
    /// answer, or on the server's wish, has until it times out.
    fn overdue_at(&self, began: Timestamp) -> Timestamp {
        let add = |at: Timestamp, span| at.saturating_add(span).unwrap_or(Timestamp::MAX);
        let patience = self.timeout.saturating_add(TOLERANCE);
        let last = match self.last_success {
            Some(at) if !self.is_unconfirmed => at,
            _ => began,
        };
        let usual = add(add(last, self.interval), patience);
        let is_first = self.answering_since == self.last_success;
        let is_planned = is_first || self.facts.rest.is_some();
        match self.next_try.filter(|_| is_planned && !self.is_unconfirmed) {
            Some(next) => usual.max(add(next, patience)),
            None => usual,
        }
    }

    /// True until its first answer since `began`, while that is not overdue.
    pub fn is_awaited(&self, now: Timestamp, began: Timestamp) -> bool {
        let has_not_answered = self.last_success.is_none() || self.is_unconfirmed;
        let has_failed = self.failures > 0 || self.fault.is_some();
        has_not_answered && !has_failed && now < self.overdue_at(began)
    }

    /// True when its newest poll failed, or its answer is overdue.
    pub fn is_lost(&self, now: Timestamp, began: Timestamp) -> bool {
        if self.is_awaited(now, began) {
            return false;
        }
        self.failures > 0 || now >= self.overdue_at(began) || !self.freshness(now).is_current()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Facts, Fault, FaultKind, Report, SourceName};
    use crate::store::{Offers, Store};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("time")
    }

    fn store(interval: i64, timeout: i64) -> Store {
        let span = SignedDuration::from_secs;
        let feed = Feed::new(
            SourceName::new("prom"),
            "prometheus",
            Offers::default(),
            span(interval),
            span(300),
        );
        Store::new(vec![feed.answering_within(Some(span(timeout)))])
    }

    fn tell(store: &mut Store, second: i64, outcome: Result<Facts, Fault>) {
        store.absorb(Report {
            source: SourceName::new("prom"),
            at: at(second),
            latency: SignedDuration::from_millis(5),
            next_try: None,
            outcome,
        });
    }

    #[test]
    fn one_lost_poll_is_enough_and_a_poll_that_hangs_is_lost_within_the_time_out() {
        for (interval, timeout) in [(5, 2), (15, 10), (60, 10), (20, 30)] {
            let mut store = store(interval, timeout);
            let lost = |store: &Store, second| store.feeds()[0].is_lost(at(second), at(0));
            assert!(!lost(&store, interval + timeout));
            assert!(lost(&store, interval + timeout + 1), "never answered");
            tell(&mut store, 100, Ok(Facts::default()));
            tell(&mut store, 100 + interval, Ok(Facts::default()));
            let newest = 100 + interval;
            assert!(!lost(&store, newest + interval + timeout));
            assert!(
                lost(&store, newest + interval + timeout + 1),
                "{interval} {timeout}"
            );
            tell(
                &mut store,
                newest + interval,
                Err(Fault::new(FaultKind::Connect, "refused")),
            );
            assert!(lost(&store, newest + interval), "one lost poll");
            tell(&mut store, newest + 2 * interval, Ok(Facts::default()));
            assert!(!lost(&store, newest + 2 * interval));
        }
    }

    #[test]
    fn after_the_very_first_answer_a_poll_that_hangs_is_lost_as_early_as_ever() {
        for (interval, timeout) in [(5, 2), (15, 10), (60, 10)] {
            // Its next poll is planned for one interval and a second at most.
            for delay in 1..=interval + 1 {
                let mut store = store(interval, timeout);
                store.absorb(Report {
                    source: SourceName::new("prom"),
                    at: at(3),
                    latency: SignedDuration::from_millis(5),
                    next_try: Some(at(3 + delay)),
                    outcome: Ok(Facts::default()),
                });
                let lost = |second| store.feeds()[0].is_lost(at(second), at(0));
                assert!(
                    lost(3 + interval + timeout + 2),
                    "{interval} {timeout} {delay}"
                );
                // And never while the planned poll may still answer.
                assert!(!lost(3 + delay + timeout), "{interval} {timeout} {delay}");
            }
        }
    }

    #[test]
    fn the_first_answer_is_awaited_and_what_a_step_of_the_clock_left_is_not_for_ever() {
        let mut store = store(15, 10);
        assert!(store.feeds()[0].is_awaited(at(1), at(0)));
        tell(&mut store, 2, Ok(Facts::default()));
        assert!(!store.feeds()[0].is_awaited(at(3), at(0)));
        store.clock_stepped(SignedDuration::from_hours(2));
        assert!(store.feeds()[0].is_lost(at(7_300), at(0)));
    }
}
