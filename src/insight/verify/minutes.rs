//! Events around a release in steps of one length, numbered from the first one that is known.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use crate::domain::past::{PastEvents, Steps, Tally};
use crate::domain::slo::{Course, Slice};
use crate::domain::{Events, Window};
use crate::insight::strand::Strand;

/// Events behind a share of which no counts are known, where too few steps tell how it varies.
const UNCOUNTED: f64 = 300.0;

/// The steps before and after a release.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    /// Oldest first; `None` where nothing is known.
    events: Vec<Option<Events>>,
    /// The sums of the steps before each, and of all.
    sums: Vec<Tally>,
    /// The number of the first step after the release.
    pub(super) released: usize,
    at: Timestamp,
    step: SignedDuration,
    /// False where only the share of bad events is known.
    pub(super) counted: bool,
    /// Events that each counted or weighed one stands for: see [`Minutes::weighted`].
    weight: f64,
}

impl Minutes {
    /// Joins what is known up to a release and since. What was measured over a time that reaches into
    /// the one before the release is not known of the time after it.
    pub(super) fn new(
        released: Timestamp,
        before: Option<&PastEvents>,
        since: &PastEvents,
    ) -> Self {
        let step = since.steps.step();
        let before = before.filter(|past| past.steps.step() == step);
        let mut events = before.map_or_else(Vec::new, |past| past.events.clone());
        let first = events.len();
        events.extend(since.events.iter().enumerate().map(|(number, events)| {
            let reaches_back = since.steps.end(number) - since.width < released - step;
            events.filter(|_| !reaches_back)
        }));
        Self {
            sums: sums(&events),
            events,
            released: first,
            at: released,
            step,
            counted: since.counted && before.is_none_or(|past| past.counted),
            weight: 1.0,
        }
    }

    /// Steps that were asked for.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Every step.
    pub(super) fn events(&self) -> &[Option<Events>] {
        &self.events
    }

    /// What shares were multiplied by; 1 where events are counted.
    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    /// How long a step is.
    pub(super) fn step(&self) -> SignedDuration {
        self.step
    }

    /// When the step before this number ends.
    pub(super) fn moment(&self, number: usize) -> Timestamp {
        let steps = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        self.at + self.step * (steps(number) - steps(self.released))
    }

    /// The number of the first step that begins at a moment or later.
    pub(super) fn number(&self, at: Timestamp) -> usize {
        let step = self.step.as_secs().max(1);
        let after = self.at.duration_until(at).as_secs();
        let steps = after.div_euclid(step) + i64::from(after.rem_euclid(step) > 0);
        let steps = isize::try_from(steps).unwrap_or(isize::MAX);
        self.released.saturating_add_signed(steps).min(self.len())
    }

    /// Steps that a window holds.
    pub(super) fn of_window(&self, window: Window) -> usize {
        let step = self.step.as_secs().max(1);
        let seconds = i64::from(window.seconds());
        ((seconds + step - 1) / step).max(1) as usize
    }

    /// The events of some steps.
    pub(super) fn tally(&self, steps: Range<usize>) -> Tally {
        let end = steps.end.min(self.len()).max(steps.start.min(self.len()));
        let (before, after) = (self.sums[steps.start.min(end)], self.sums[end]);
        Tally {
            events: Events {
                bad: (after.events.bad - before.events.bad).max(0.0),
                total: (after.events.total - before.events.total).max(0.0),
            },
            known: after.known - before.known,
            of: after.of - before.of,
        }
    }

    /// The events that steps before the release may have had which are not known: as many as the known
    /// ones had. A service that is not there yet has none.
    pub(super) fn unseen_before(&self, steps: Range<usize>) -> f64 {
        let known = self.events.iter().position(Option::is_some);
        let Some(begins) = known.filter(|&begins| begins < self.released) else {
            return 0.0;
        };
        let gap = self.tally(steps.start.max(begins)..steps.end);
        let near = Some(gap).filter(|gap| gap.known > 0);
        let like = near.unwrap_or_else(|| self.tally(begins..self.released));
        let mean = like.events.total / like.known.max(1) as f64;
        mean * (gap.of - gap.known) as f64
    }

    /// The same with events where only shares are known: as many as make the shares vary as they do.
    pub(super) fn weighted(&self) -> Self {
        if self.counted {
            return self.clone();
        }
        let strand = Strand::of(&self.course());
        let weight = strand.and_then(|strand| Some(strand.knots.first()?.total));
        let weight = weight.unwrap_or(UNCOUNTED);
        let mut weighted = self.clone();
        for events in weighted.events.iter_mut().flatten() {
            events.bad *= weight;
            events.total *= weight;
        }
        weighted.sums = sums(&weighted.events);
        weighted.weight = weight;
        weighted
    }

    /// The steps as a course, in which the beginning of a burn is found.
    pub(super) fn course(&self) -> Course {
        let slices = self.events.iter().enumerate();
        let slices = slices.filter_map(|(number, events)| {
            let events = events.filter(|events| events.total > 0.0)?;
            Some(Slice {
                at: self.moment(number + 1),
                bad: events.bad,
                total: events.total,
            })
        });
        Course {
            slices: slices.collect(),
            from: self.moment(0),
            step: self.step,
            width: self.step,
            counted: self.counted,
        }
    }
}

/// No step at all.
const NOTHING: Tally = Tally {
    events: Events {
        bad: 0.0,
        total: 0.0,
    },
    known: 0,
    of: 0,
};

/// A sum and one step more.
fn with(sum: Tally, step: Option<Events>) -> Tally {
    let events = step.unwrap_or(NOTHING.events);
    Tally {
        events: Events {
            bad: sum.events.bad + events.bad,
            total: sum.events.total + events.total,
        },
        known: sum.known + usize::from(step.is_some()),
        of: sum.of + 1,
    }
}

fn sums(steps: &[Option<Events>]) -> Vec<Tally> {
    let mut sum = NOTHING;
    let sums = steps.iter().map(|&step| {
        sum = with(sum, step);
        sum
    });
    std::iter::once(NOTHING).chain(sums).collect()
}

/// The sum of some steps.
pub(super) fn tally(steps: &[Option<Events>]) -> Tally {
    steps.iter().fold(NOTHING, |sum, &step| with(sum, step))
}

/// The whole steps of a time after a release; none of one that is over before it begins.
pub fn steps_since(released: Timestamp, until: Timestamp, step: SignedDuration) -> Steps {
    let seconds = step.as_secs().max(1);
    let whole = released.duration_until(until).as_secs() / seconds * seconds;
    let until = released + SignedDuration::from_secs(whole.max(0));
    Steps::new(released, until, step)
}
