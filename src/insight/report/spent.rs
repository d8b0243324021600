//! Attainment of an SLO, and the causes of its spent budget.

use jiff::Timestamp;

use super::Measured;
use crate::domain::past::{PastEvents, PastSums, Tally};
use crate::domain::{Events, Incident, Release, SourceName};
use crate::insight::delivery::{Terms, rollouts};
use crate::text::Untrusted;

/// With so much of the time known, the numbers are those of all of it.
const KNOWN: f64 = 0.99;
/// Points of the course.
const POINTS: usize = 120;

/// How an SLO did.
#[derive(Clone, Debug, PartialEq)]
pub struct Attained {
    /// Its id.
    pub id: Untrusted,
    /// Who measures it.
    pub source: SourceName,
    /// Its objective, a share.
    pub objective: f64,
    /// Bad over all events of the time; `None` where that is not known, or nothing happened.
    pub ratio: Option<f64>,
    /// The events; `None` where only their ratio is known.
    pub events: Option<Events>,
    /// The share of the time that is known.
    pub coverage: f64,
    /// True where so little is known that the numbers are those of a part.
    pub is_estimate: bool,
    /// Its causes, the largest share first.
    pub spent_by: Vec<Spent>,
    /// The budget spent over the time, from 0 to what it came to.
    pub course: Vec<Point>,
    /// Why it is not known, or not exact.
    pub why: Option<Untrusted>,
}

/// A point of the course of a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// The budget of the whole time that was spent by then; `None` in a gap.
    pub spent: Option<f64>,
    /// The error ratio since the point before.
    pub ratio: Option<f64>,
}

/// A cause of spent budget, with its share.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// What it is.
    pub cause: Cause,
    /// Its id.
    pub id: Untrusted,
    /// The title of an incident, the version of a release.
    pub name: Untrusted,
    /// From when to when it counts.
    pub from: Timestamp,
    /// Likewise.
    pub until: Timestamp,
    /// The share of the budget of the time that was spent in between; `None` where that is not known.
    pub share: Option<f64>,
}

/// Kind of a cause of spent budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The time of an incident.
    Incident,
    /// The time from a release to the next.
    Release,
}

impl Cause {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Release => "release",
        }
    }
}

impl Attained {
    pub(super) fn of(
        terms: &Terms<'_>,
        slo: &Measured,
        incidents: &[(&SourceName, &Incident)],
        releases: &[(&SourceName, &Release)],
    ) -> Self {
        let mut attained = Self {
            id: slo.id.clone(),
            source: slo.source.clone(),
            objective: slo.objective,
            ratio: None,
            events: None,
            coverage: 0.0,
            is_estimate: false,
            spent_by: Vec::new(),
            course: Vec::new(),
            why: None,
        };
        let past = match &slo.past {
            Ok(past) => past,
            Err(why) => {
                attained.why = Some(why.clone());
                return attained;
            }
        };
        let sums = past.sums();
        let tally = sums.between(terms.from, terms.until);
        attained.coverage = tally.coverage();
        attained.ratio = tally.ratio();
        attained.is_estimate = tally.coverage() < KNOWN;
        attained.why = why(past, tally);
        let Some(budget) = Budget::of(slo, tally) else {
            return attained;
        };
        attained.events = past.counted.then_some(tally.events);
        attained.course = budget.course(terms, &sums);
        let causes = causes(terms, incidents, releases).into_iter();
        let mut spent: Vec<_> = causes
            .map(|mut one| {
                one.share = budget.share(sums.between(one.from, one.until));
                one
            })
            .filter(|one| one.share.is_none_or(|share| share > 0.0))
            .collect();
        spent.sort_by(|a, b| {
            let share = |one: &Spent| one.share.unwrap_or(-1.0);
            share(b).total_cmp(&share(a)).then_with(|| a.id.cmp(&b.id))
        });
        attained.spent_by = spent;
        attained
    }

    /// The share of events that were good.
    pub fn attainment(&self) -> Option<f64> {
        self.ratio.map(|ratio| 1.0 - ratio)
    }

    /// The budget of the time that was spent, 1 for all of it.
    pub fn budget_spent(&self) -> Option<f64> {
        let budget = 1.0 - self.objective;
        self.ratio
            .map(|ratio| ratio / budget)
            .filter(|spent| spent.is_finite())
    }
}

fn why(past: &PastEvents, tally: Tally) -> Option<Untrusted> {
    let reason = past.reasons.first().map(|reason| reason.text.clone());
    if tally.ratio().is_some() && tally.coverage() >= KNOWN {
        return reason;
    }
    reason.or_else(|| {
        let words = if tally.known == 0 {
            "nothing is known of that time".to_owned()
        } else if tally.ratio().is_none() {
            "no events in that time".to_owned()
        } else {
            format!("{:.0} % of that time is known", tally.coverage() * 100.0)
        };
        Some(words.into())
    })
}

/// The events that may be bad in the time.
struct Budget(f64);

impl Budget {
    /// Where only ratios are known each step weighs the same.
    fn of(slo: &Measured, tally: Tally) -> Option<Self> {
        let allowed = tally.events.total * (1.0 - slo.objective);
        (allowed > 0.0).then_some(Self(allowed))
    }

    fn share(&self, tally: Tally) -> Option<f64> {
        let is_known = tally.of == 0 || tally.known > 0;
        is_known.then(|| tally.events.bad / self.0)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "seconds of a time, far below 2^52"
    )]
    fn course(&self, terms: &Terms<'_>, sums: &PastSums) -> Vec<Point> {
        let length = terms.from.duration_until(terms.until).as_secs_f64();
        let moment = |place: usize| {
            let after = length * place as f64 / POINTS as f64;
            let after = jiff::SignedDuration::from_secs(after.round() as i64);
            terms.from.saturating_add(after).unwrap_or(terms.until)
        };
        let points = (1..=POINTS).map(|place| {
            let (before, at) = (moment(place - 1), moment(place));
            let slice = sums.between(before, at);
            let all = sums.between(terms.from, at);
            let is_known = slice.known > 0 || slice.of == 0;
            Point {
                at,
                spent: is_known.then(|| all.events.bad / self.0),
                ratio: slice.ratio(),
            }
        });
        points.collect()
    }
}

/// What a budget can have been spent on within a time: incidents while they were open, and each release
/// to production until the next.
fn causes(
    terms: &Terms<'_>,
    incidents: &[(&SourceName, &Incident)],
    releases: &[(&SourceName, &Release)],
) -> Vec<Spent> {
    let mut all = Vec::new();
    let mut add = |cause, id: &Untrusted, name: &Untrusted, from: Timestamp, until: Timestamp| {
        let (from, until) = (from.max(terms.from), until.min(terms.until));
        if from < until {
            all.push(Spent {
                cause,
                id: id.clone(),
                name: name.clone(),
                from,
                until,
                share: None,
            });
        }
    };
    for (_, row) in incidents {
        let Some(opened) = row.opened_at else {
            continue;
        };
        let is_dated = row.resolved_at.is_some() || row.is_open() || row.is_gone();
        if is_dated {
            let until = row.resolved_at.unwrap_or(terms.until);
            add(Cause::Incident, &row.id, &row.title, opened, until);
        }
    }
    let arrived = rollouts(releases, terms.production);
    let arrived: Vec<_> = arrived.iter().filter(|one| !one.is_attempt).collect();
    for (place, one) in arrived.iter().enumerate() {
        let next = arrived.get(place + 1).map_or(terms.until, |next| next.at);
        add(Cause::Release, &one.id, &one.version, one.at, next);
    }
    all
}
