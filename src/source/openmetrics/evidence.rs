//! What lies behind the numbers of one SLO: how many samples, how new, and where some are missing.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::evaluate::millis;
use super::history::{HOUR, History, MINUTE, Tier, floor};
use super::segment::Segment;
use super::selector::{Formula, Role};
use super::walk::{Floors, Index, Walk};
use crate::domain::Window;
use crate::domain::explanation::{Data, Gap, Samples};
use crate::state::database::Trouble;

/// The longest window in which the usual distance of two samples is looked for.
const RECENT: Window = Window::hours(1);

/// What is known of the samples behind an SLO.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Those of each window that was asked for.
    pub(super) samples: Vec<(Window, Samples)>,
    pub(super) data: Data,
}

/// Looks at the samples of all events of a formula over these windows up to a moment.
pub(super) fn look(
    history: &History,
    index: &Index,
    formula: &Formula,
    windows: &[Window],
    at: Timestamp,
) -> Result<Evidence, Trouble> {
    let totals = totals(formula);
    let is_counted: Vec<_> = index
        .series()
        .iter()
        .map(|series| series.selectors.iter().any(|one| totals.contains(one)))
        .collect();
    let end = at.as_millisecond();
    let floors = Floors::of(history)?;
    let mut walk = Walk::from(history, index, floors, end);
    let mut sorted = windows.to_vec();
    sorted.sort_unstable();
    let mut samples = Vec::new();
    let (mut newest, mut interval) = (None, None);
    for window in sorted {
        walk.back_to(end - millis(window.duration()))?;
        let both = walk.held().iter().zip(&is_counted);
        let held: Vec<_> = both
            .filter_map(|(held, is_counted)| held.filter(|_| *is_counted))
            .collect();
        samples.push((window, counted(&held)));
        newest = held.iter().map(|one| one.last_at).max();
        if window <= RECENT || interval.is_none() {
            interval = distance(&held).or(interval);
        }
    }
    let least = interval.map_or(MINUTE, |usual| (2 * millis(usual)).max(MINUTE));
    let longest = windows.iter().max().copied().unwrap_or(RECENT);
    let begin = end - millis(longest.duration());
    let is_mine = |id| index.place(id).is_some_and(|place| is_counted[place]);
    let fine = floors.minutes().clamp(begin, end);
    let (gap, resolution) = gap(history, is_mine, (begin, fine, end), least)?;
    Ok(Evidence {
        samples,
        data: Data {
            interval,
            newest: newest.and_then(moment),
            present: Some(at),
            gap,
            resolution: Some(SignedDuration::from_millis(resolution.max(least))),
        },
    })
}

/// The selectors of all events.
fn totals(formula: &Formula) -> Vec<usize> {
    let roles = formula.roles().into_iter();
    let totals = roles.filter(|(role, _)| *role == Role::Total);
    totals.map(|(_, index)| index).collect()
}

fn counted(held: &[Segment]) -> Samples {
    let mut samples = Samples {
        count: 0.0,
        series: 0.0,
        fullest: 0.0,
    };
    for one in held {
        samples.count += f64::from(one.count);
        samples.series += 1.0;
        samples.fullest = samples.fullest.max(f64::from(one.count));
    }
    samples
}

/// The usual distance of two samples: that of the series which has most.
fn distance(held: &[Segment]) -> Option<SignedDuration> {
    let fullest = held.iter().max_by_key(|one| one.count)?;
    let steps = i64::from(fullest.count) - 1;
    let span = fullest.last_at - fullest.first_at;
    (steps > 0).then(|| SignedDuration::from_millis(span / steps))
}

/// The longest time without a sample of any of these series that is longer than `least`, and how
/// exactly gaps are known: by the minute from `fine` on, by the hour before. Milliseconds.
fn gap(
    history: &History,
    is_mine: impl Fn(i64) -> bool,
    (begin, fine, end): (i64, i64, i64),
    least: i64,
) -> Result<(Option<Gap>, i64), Trouble> {
    let mut spells = Vec::new();
    for (tier, from, to) in [
        (Tier::Minutes, floor(fine, MINUTE), end + 1),
        (Tier::Hours, floor(begin, HOUR), fine),
    ] {
        history.scan(tier, (from, to), end + 1, |id, one| {
            if is_mine(id) {
                spells.push((Reverse(one.last_at), one.first_at));
            }
        })?;
        // Those of many series are mostly one.
        spells = joined(spells, least);
    }
    let pairs = spells.windows(2).map(|pair| (pair[1].0.0, pair[0].1));
    let longest = pairs.max_by_key(|(from, until)| until - from);
    let gap = longest.and_then(|(from, until)| {
        Some(Gap {
            from: moment(from)?,
            until: moment(until)?,
        })
    });
    Ok((gap, if fine > begin { HOUR } else { MINUTE }))
}

/// Spells of samples, newest first, of which those are one that are not far apart.
fn joined(mut spells: Vec<(Reverse<i64>, i64)>, least: i64) -> Vec<(Reverse<i64>, i64)> {
    spells.sort_unstable();
    let mut joined: Vec<(Reverse<i64>, i64)> = Vec::new();
    for spell in spells {
        match joined.last_mut() {
            Some(later) if later.1 - spell.0.0 <= least => later.1 = later.1.min(spell.1),
            _ => joined.push(spell),
        }
    }
    joined
}

fn moment(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}
