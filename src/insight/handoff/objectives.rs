//! SLOs of a shift: how they stand, what burned meanwhile, and what it cost.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Balance, Began, Shift, Suspicion, Witness};
use crate::domain::{Observation, Period, Phase, SourceName, State, What};
use crate::text::Untrusted;

/// A budget that lost less than this share of itself is not worth a line.
pub const NOTICEABLE: f64 = 0.01;
/// The age up to which the last sample of a budget stands for a moment: numbers are sampled every ten
/// minutes while nothing burns, and a period is evaluated as seldom.
pub const SAMPLED: SignedDuration = SignedDuration::from_mins(25);
/// A budget that is older than this at the moment it is told of is told with its date.
pub const DATED: SignedDuration = SignedDuration::from_mins(2);

/// How the SLOs stand, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Objectives {
    /// Every one, worst first.
    #[serde(rename = "slos")]
    pub rows: Vec<Objective>,
    /// Those that burned in the shift and do no more, oldest first.
    pub burned: Vec<Burned>,
    /// Budgets that lost noticeably, the largest loss first.
    pub budgets_lost: Vec<Lost>,
    /// How many lost less than that, or nothing.
    pub budgets_kept: usize,
    /// The date of the oldest budget of these.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub budgets_kept_as_of: Option<Timestamp>,
    /// Those of which it is not known what they lost.
    pub budgets_unknown: Vec<Untrusted>,
}

/// How an SLO stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// Which.
    pub id: Untrusted,
    /// Who measures it.
    pub source: SourceName,
    /// The verdict; unknown when its source has not answered of late.
    pub state: State,
    /// Which way it is going.
    pub phase: Option<Phase>,
    /// Since when the verdict is that; `None` for longer than the shift.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub turned_at: Option<Timestamp>,
    /// When the present burn began, where that is known: before the verdict turned.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub onset: Option<Timestamp>,
    /// When the numbers are of.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub observed_at: Timestamp,
    /// What it was then, of one that is unknown since.
    pub last_state: Option<State>,
    /// The budget left, 1 for all of it.
    pub budget_remaining: Option<f64>,
    /// The moment that was evaluated for: up to ten minutes before `observed_at`, or after it where the
    /// source was asked for the hand-over.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub budget_at: Option<Timestamp>,
    /// Whether that is an estimate, as data covers too little of the period.
    pub estimate: bool,
    /// The release that may be behind it, and why.
    pub suspect: Option<Untrusted>,
    /// How long the source has been silent, when it is.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub stale_since: Option<Timestamp>,
}

/// An SLO that burned in the shift and does no more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Burned {
    /// Which.
    pub id: Untrusted,
    /// Who measures it.
    pub source: SourceName,
    /// The worst that it came to.
    pub worst: State,
    /// When it began: the onset where that is known, else when it was first seen; `None` when neither
    /// is.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub since: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub until: Timestamp,
    /// What it was then: perhaps nobody knows.
    pub then: State,
    /// How often.
    pub times: usize,
    /// The release that may have been behind it, and why.
    pub suspect: Option<Untrusted>,
}

/// What a budget lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lost {
    /// Of which SLO.
    pub id: Untrusted,
    /// Who measures it.
    pub source: SourceName,
    /// What was left at first, 1 for all of it.
    pub from: f64,
    /// When that was; later than the shift's beginning where nothing was known before.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub from_at: Timestamp,
    /// What was left at last.
    pub to: f64,
    /// When that was.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub to_at: Timestamp,
    /// Whether it is an estimate, as data covers too little of the period.
    pub estimate: bool,
}

impl Objectives {
    pub(super) fn of(shift: &Shift<'_>) -> Self {
        let mut all = Self::default();
        let balances: HashMap<_, _> = shift
            .balances
            .iter()
            .map(|one| ((&one.source, &one.slo), one))
            .collect();
        let turned = turned(shift);
        for (witness, seen) in rows(shift) {
            let id = seen.slo.id();
            let key = (witness.name, &id);
            let turned = turned.get(&key).copied();
            let balance = balances.get(&key).copied();
            all.rows
                .push(stands(shift, witness, seen, (turned, balance)));
            match balance.and_then(|one| lost(shift, seen, one)) {
                None => all.budgets_unknown.push(id),
                Some(lost) if lost.from - lost.to >= NOTICEABLE => all.budgets_lost.push(lost),
                // What it cost since is not known.
                Some(lost) if burned_after(shift, witness.name, seen, lost.to_at) => {
                    all.budgets_unknown.push(id);
                }
                Some(lost) => {
                    all.budgets_kept += 1;
                    let oldest = all.budgets_kept_as_of.get_or_insert(lost.to_at);
                    *oldest = lost.to_at.min(*oldest);
                }
            }
        }
        let left = |one: &Objective| one.budget_remaining.unwrap_or(f64::INFINITY);
        all.rows.sort_by(|a, b| {
            // Of those that nobody knows of, what paged when it was heard last comes first.
            (b.state, b.last_state, b.phase)
                .cmp(&(a.state, a.last_state, a.phase))
                .then_with(|| left(a).total_cmp(&left(b)))
                .then_with(|| a.id.cmp(&b.id))
        });
        all.burned = burned(shift, &all.rows);
        all.budgets_lost
            .sort_by(|a, b| (b.from - b.to).total_cmp(&(a.from - a.to)));
        all
    }

    /// How many stand so.
    pub fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|one| one.state == state).count()
    }

    /// Those that do not hold, that nobody knows of, or that are about to turn; worst first.
    pub fn standing_out(&self) -> impl Iterator<Item = &Objective> {
        self.rows.iter().filter(|one| !one.is_calm())
    }
}

impl Objective {
    /// True when nothing is to be said of it.
    fn is_calm(&self) -> bool {
        self.state == State::Ok && matches!(self.phase, None | Some(Phase::Calm))
    }
}

fn rows<'a>(shift: &'a Shift<'_>) -> impl Iterator<Item = (&'a Witness<'a>, &'a Observation)> {
    shift.witnesses.iter().flat_map(|witness| {
        let rows = witness.facts.slos.iter().flatten();
        rows.map(move |row| (witness, row))
    })
}

/// The last turn of each SLO: when, and to what.
fn turned<'a>(
    shift: &'a Shift<'_>,
) -> HashMap<(&'a SourceName, &'a Untrusted), (Timestamp, State)> {
    let turns = shift.events.iter().filter_map(|event| match &event.what {
        What::Slo { to, .. } => Some(((event.source.as_ref()?, &event.subject), (event.at, *to))),
        _ => None,
    });
    turns.collect()
}

fn stands(
    shift: &Shift<'_>,
    witness: &Witness<'_>,
    seen: &Observation,
    (turned, balance): (Option<(Timestamp, State)>, Option<&Balance>),
) -> Objective {
    let id = seen.slo.id();
    let standing = seen.standing();
    let kept = standing.budget_remaining;
    let kept = kept.map(|left| (seen.period.map_or(seen.at, |period| period.at), left));
    let newest = balance.and_then(|one| last(one, shift.until));
    let budget = newest.filter(|new| kept.is_none_or(|old| old.0 <= new.0));
    let budget = budget.or(kept);
    let burns = matches!(standing.state, State::Page | State::Ticket);
    let is_current = witness.is_current();
    let state = if is_current {
        standing.state
    } else {
        State::Unknown
    };
    Objective {
        suspect: suspect(shift, witness.name, &id),
        source: witness.name.clone(),
        state,
        phase: standing.phase.filter(|_| is_current),
        turned_at: turned
            .filter(|(_, to)| *to == standing.state && is_current)
            .map(|(at, _)| at),
        onset: onset(shift, (witness.name, &id), shift.until).filter(|_| burns),
        observed_at: seen.at,
        last_state: (!is_current).then_some(standing.state),
        budget_remaining: budget.map(|(_, left)| left),
        budget_at: budget.map(|(at, _)| at),
        estimate: seen.shortfall().is_some(),
        stale_since: witness.last_success.filter(|_| !is_current),
        id,
    }
}

/// When the burn of an SLO began that was seen at a moment: as was known then or, of one that went on,
/// later.
fn onset(
    shift: &Shift<'_>,
    (source, slo): (&SourceName, &Untrusted),
    seen: Timestamp,
) -> Option<Timestamp> {
    let mut all = shift.onsets.iter();
    let is_it = |one: &&Began| one.source == *source && one.slo == *slo && one.at <= seen;
    // The end of a burn is looked at shortly before it was seen.
    let earliest = seen.saturating_sub(DATED).unwrap_or(Timestamp::MIN);
    all.find(|one| is_it(one) && one.known_at >= earliest)
        .map(|one| one.at)
}

/// The last point of a budget until a moment.
fn last(balance: &Balance, until: Timestamp) -> Option<(Timestamp, f64)> {
    let mut points = balance.points.iter();
    points.rfind(|(at, _)| *at <= until).copied()
}

/// Whether an SLO burned later than a moment, as far as that is known.
fn burned_after(shift: &Shift<'_>, source: &SourceName, seen: &Observation, at: Timestamp) -> bool {
    let burns = |state: State| matches!(state, State::Page | State::Ticket);
    let id = seen.slo.id();
    let is_late = |then: Timestamp| at.duration_until(then) > DATED;
    let is_burning = !matches!(seen.standing().phase, None | Some(Phase::Calm));
    (is_burning && is_late(shift.until))
        || shift.events.iter().any(|event| {
            let What::Slo { from, to, .. } = &event.what else {
                return false;
            };
            let is_it = event.source.as_ref() == Some(source) && event.subject == id;
            is_it && is_late(event.at) && (burns(*to) || from.is_some_and(burns))
        })
}

/// The release that may be behind the burn of an SLO, in words.
fn suspect(shift: &Shift<'_>, source: &SourceName, id: &Untrusted) -> Option<Untrusted> {
    let mut all = shift.suspicions.iter();
    let is_it = |one: &&Suspicion| one.measured_by == *source && one.slo == *id;
    all.rfind(is_it).map(|one| {
        let words = [&one.service, &one.version, &one.reason].map(Untrusted::raw);
        format!("{} {}, {}", words[0], words[1], words[2]).into()
    })
}

/// What burned and does no more, from the turns of the verdicts.
fn burned(shift: &Shift<'_>, now: &[Objective]) -> Vec<Burned> {
    let mut found: Vec<Burned> = Vec::new();
    let burns = |state: State| matches!(state, State::Page | State::Ticket);
    for event in shift.events {
        let (Some(source), What::Slo { from, to, .. }) = (&event.source, &event.what) else {
            continue;
        };
        let place = found
            .iter()
            .position(|one| one.source == *source && one.id == event.subject);
        let began = burns(*to) && !from.is_some_and(burns);
        let ended = from.is_some_and(burns) && !burns(*to);
        let worst = from.filter(|from| burns(*from)).unwrap_or(*to).max(*to);
        match place.map(|place| &mut found[place]) {
            Some(one) => {
                one.times += usize::from(began);
                if burns(worst) {
                    one.worst = one.worst.max(worst);
                }
                one.then = *to;
                if ended {
                    one.until = event.at;
                }
            }
            None if began || ended => found.push(Burned {
                id: event.subject.clone(),
                source: source.clone(),
                worst: if burns(*to) { *to } else { from.unwrap_or(*to) },
                since: onset(shift, (source, &event.subject), event.at)
                    .or_else(|| began.then_some(event.at)),
                until: event.at,
                then: *to,
                times: 1,
                suspect: suspect(shift, source, &event.subject),
            }),
            None => {}
        }
    }
    let is_over = |one: &Burned| {
        let mut now = now.iter();
        !burns(one.then)
            && !now.any(|row| row.source == one.source && row.id == one.id && burns(row.state))
    };
    found.retain(is_over);
    found.sort_by_key(|one| (Reverse(one.worst), one.until));
    found
}

/// What a budget lost over the shift; `None` when it is known at one moment or none.
fn lost(shift: &Shift<'_>, seen: &Observation, balance: &Balance) -> Option<Lost> {
    let points = &balance.points;
    let before =
        last(balance, shift.since).filter(|(at, _)| at.duration_until(shift.since) <= SAMPLED);
    let first = before.or_else(|| points.iter().find(|(at, _)| *at > shift.since).copied());
    let (mut from_at, mut from) = first?;
    let (to_at, to) = last(balance, shift.until)?;
    // A calendar's period that began meanwhile began with all of its budget.
    let began = seen.at.saturating_sub(seen.period_elapsed);
    if let Ok(began) = began
        && !matches!(seen.slo.period, Period::Rolling(_))
        && began > from_at
        && began <= to_at
    {
        (from_at, from) = (began, 1.0);
    }
    (to_at > from_at).then(|| Lost {
        id: seen.slo.id(),
        source: balance.source.clone(),
        from,
        from_at,
        to,
        to_at,
        estimate: seen.shortfall().is_some(),
    })
}
