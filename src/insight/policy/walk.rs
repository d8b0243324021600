//! When a policy applied: one walk over the past in steps of five minutes.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Facts, STEP, ServiceFacts};
use super::judge::{Judge, Stack, period_of};
use super::notes::Notes;
use super::numbers::Moment;
use crate::domain::policy::{Effect, Policy, Truth};

/// When a policy applied, from one period back up to a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Where it begins.
    from: Timestamp,
    /// Each change, from which moment on, oldest first; the first is at the beginning.
    changes: Vec<(Timestamp, Truth)>,
}

/// Possible states of a policy: with an `until` they depend on the past.
#[derive(Clone, Copy)]
struct Possible {
    applied: bool,
    free: bool,
}

impl Possible {
    fn truth(self) -> Truth {
        match (self.applied, self.free) {
            (true, false) => Truth::Yes,
            (false, true) => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// What it may be after a step: it begins where `when` holds, and ends where `until` does and `when`
    /// does not.
    fn next(self, when: Truth, until: Truth) -> Self {
        let may_begin = when != Truth::No;
        let must_begin = when == Truth::Yes;
        let ends = Truth::all([until, when.negated()]);
        let (may_end, must_end) = (ends != Truth::No, ends == Truth::Yes);
        Self {
            applied: (self.applied && !must_end) || (self.free && may_begin) || must_begin,
            free: !must_begin && ((self.free && !must_begin) || (self.applied && may_end)),
        }
    }
}

impl Judge<'_> {
    /// The timeline of a policy, from one period before `begin` up to the moment that is judged.
    pub(super) fn timeline(
        &self,
        service: &ServiceFacts,
        policy: &Policy,
        begin: Timestamp,
        stack: Stack<'_>,
    ) -> Timeline {
        let now = self.facts.at;
        let length = period_of(service) + begin.min(now).duration_until(now);
        let steps = length.as_secs() / STEP.as_secs();
        let moment = |back: i64| {
            let back = STEP * i32::try_from(back).unwrap_or(i32::MAX);
            now.checked_sub(back).unwrap_or(Timestamp::MIN)
        };
        let mut line = Timeline {
            from: moment(steps),
            changes: Vec::new(),
        };
        let mut possible = Possible {
            applied: true,
            free: true,
        };
        for back in (0..=steps).rev() {
            let at = moment(back);
            let judged = if back == 0 {
                Moment::Now
            } else {
                Moment::Past(at)
            };
            let holds =
                |condition| self.judge(service, condition, judged, stack, &mut Notes::none());
            let when = holds(&policy.when);
            let truth = match &policy.until {
                None => when,
                Some(until) => {
                    possible = possible.next(when, holds(until));
                    possible.truth()
                }
            };
            line.push(at, truth);
        }
        line
    }
}

impl Facts {
    /// For how long releases of a service were frozen between two moments, by all of its policies, and
    /// for how long that is not known. The longest walk is one period back from [`Self::at`].
    pub fn frozen(
        &self,
        service: &str,
        environment: Option<&str>,
        (from, until): (Timestamp, Timestamp),
    ) -> Option<(SignedDuration, SignedDuration)> {
        let service = self.service(service)?;
        let judge = Judge::new(self, environment);
        let policies = self.policies_of(service, environment);
        let freezing = policies
            .iter()
            .filter(|policy| policy.effect == Effect::Freeze);
        let lines: Vec<_> = freezing
            .map(|policy| judge.timeline(service, policy, from.min(self.at), &[]))
            .collect();
        Some(together(&lines, (from, until)))
    }
}

impl Timeline {
    fn push(&mut self, at: Timestamp, truth: Truth) {
        if self.changes.last().is_none_or(|(_, last)| *last != truth) {
            self.changes.push((at, truth));
        }
    }

    /// Whether it applied at a moment; not known before the beginning.
    pub fn at(&self, at: Timestamp) -> Truth {
        let place = self.changes.partition_point(|(from, _)| *from <= at);
        match place
            .checked_sub(1)
            .and_then(|place| self.changes.get(place))
        {
            Some((_, truth)) => *truth,
            None => Truth::Unknown,
        }
    }

    /// Since when it has done what it does at the end; `None` where that began before the walk.
    pub fn since(&self) -> Option<Timestamp> {
        let (since, _) = self.changes.last()?;
        (*since > self.from).then_some(*since)
    }

    /// The same where it is known that it did not before.
    pub fn began(&self) -> Option<Timestamp> {
        let before = self.changes.len().checked_sub(2)?;
        let (_, before) = self.changes.get(before)?;
        self.since().filter(|_| *before == Truth::No)
    }

    /// Each change, from which moment on, oldest first.
    pub fn changes(&self) -> &[(Timestamp, Truth)] {
        &self.changes
    }
}

/// For how long any of these applied between two moments, and for how long that is not known.
pub(super) fn together(
    lines: &[Timeline],
    (from, until): (Timestamp, Timestamp),
) -> (SignedDuration, SignedDuration) {
    let changes = lines.iter().flat_map(|line| line.changes.iter());
    let mut edges: Vec<_> = changes
        .map(|(at, _)| *at)
        .filter(|at| from < *at && *at < until)
        .chain([from, until])
        .collect();
    edges.sort_unstable();
    let (mut applied, mut unknown) = (SignedDuration::ZERO, SignedDuration::ZERO);
    for pair in edges.windows(2) {
        let [begin, end] = pair else { continue };
        let length = begin.duration_until(*end);
        match Truth::any(lines.iter().map(|line| line.at(*begin))) {
            Truth::Yes => applied += length,
            Truth::Unknown => unknown += length,
            Truth::No => {}
        }
    }
    (applied, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_begins_with_when_ends_with_until_and_stays_unknown_in_between() {
        use Truth::{No, Unknown, Yes};
        // Steps of when and until, and what follows from them.
        for (steps, wanted) in [
            (&[(No, No)][..], Unknown),
            (&[(Yes, No)], Yes),
            (&[(No, Yes)], No),
            (&[(Yes, No), (No, No)], Yes),
            (&[(Yes, No), (No, No), (No, Yes)], No),
            (&[(No, Yes), (No, No)], No),
            // More restrictive wins where both hold.
            (&[(Yes, Yes)], Yes),
            // What may have begun is not known until either is.
            (&[(No, Yes), (Unknown, No)], Unknown),
            (&[(No, Yes), (Unknown, No), (No, No)], Unknown),
            (&[(No, Yes), (Unknown, No), (No, Yes)], No),
            (&[(No, Yes), (Unknown, No), (Yes, No)], Yes),
            (&[(Yes, No), (No, Unknown)], Unknown),
            (&[(Yes, No), (Unknown, Yes)], Unknown),
            (&[(Yes, No), (Unknown, No)], Yes),
            (&[(Unknown, Unknown)], Unknown),
        ] {
            let mut possible = Possible {
                applied: true,
                free: true,
            };
            for (when, until) in steps {
                possible = possible.next(*when, *until);
            }
            assert_eq!(possible.truth(), wanted, "{steps:?}");
        }
    }

    #[test]
    fn time_is_added_up_once_however_many_policies_apply() {
        let at = |minutes: i64| Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap();
        let line = |changes: &[(i64, Truth)]| Timeline {
            from: at(0),
            changes: changes
                .iter()
                .map(|(at_, truth)| (at(*at_), *truth))
                .collect(),
        };
        let lines = [
            line(&[(0, Truth::Unknown), (10, Truth::Yes), (30, Truth::No)]),
            line(&[(0, Truth::No), (20, Truth::Yes), (50, Truth::No)]),
        ];
        let minutes = |(from, until)| {
            let (applied, unknown) = together(&lines, (at(from), at(until)));
            (applied.as_mins(), unknown.as_mins())
        };
        assert_eq!(minutes((0, 60)), (40, 10));
        assert_eq!(minutes((25, 35)), (10, 0));
        assert_eq!(minutes((-10, 10)), (0, 20));
        assert_eq!(lines[0].since(), Some(at(30)));
        assert_eq!(line(&[(0, Truth::Yes)]).since(), None);
    }
}
