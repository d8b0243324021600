//! SLOs of one service and name that several sources have: one SLO seen twice, or two of one name.

use std::collections::BTreeMap;

use super::Store;
use crate::domain::{Observation, Slo};
use crate::text::Untrusted;

/// How far apart numbers of one SLO from two servers may be: their scrapes are moments apart.
const TOLERANCE: f64 = 0.02;

/// An SLO that several sources have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twins {
    /// Its id.
    pub id: Untrusted,
    /// The sources that have it, in their order.
    pub sources: Vec<String>,
    /// True where all count the same events; false where they differ or count none.
    pub is_same: bool,
}

impl Twins {
    fn of(id: Untrusted, rows: &[(&str, &Observation)]) -> Option<Self> {
        let pairs = || rows.windows(2).map(|pair| (pair[0].1, pair[1].1));
        (rows.len() > 1).then(|| Self {
            id,
            is_same: pairs().all(|(one, other)| counts_the_same(one, other)),
            sources: rows
                .iter()
                .map(|(source, _)| (*source).to_owned())
                .collect(),
        })
    }

    /// What a reader of one of them should know.
    pub fn note(&self, source: &str) -> Option<String> {
        if !self.sources.iter().any(|name| name == source) {
            return None;
        }
        let others: Vec<_> = self
            .sources
            .iter()
            .filter(|name| *name != source)
            .cloned()
            .collect();
        let others = others.join(", ");
        Some(if self.is_same {
            format!(
                "the same SLO comes from {others} as well, with the same numbers: it is counted twice"
            )
        } else {
            format!("an SLO of this name comes from {others} as well, with other numbers")
        })
    }
}

impl Store {
    /// The SLOs that several sources have, by id.
    pub fn twins(&self) -> Vec<Twins> {
        let mut by_id: BTreeMap<Untrusted, Vec<(&str, &Observation)>> = BTreeMap::new();
        for (feed, seen) in self.slos() {
            let rows = by_id.entry(seen.slo.id()).or_default();
            rows.push((feed.name.as_str(), seen));
        }
        let twins = by_id.into_iter();
        twins
            .filter_map(|(id, rows)| Twins::of(id, &rows))
            .collect()
    }

    /// The sources that have this SLO, where several do.
    pub fn twins_of(&self, slo: &Slo) -> Option<Twins> {
        let is_it =
            |seen: &Observation| (&seen.slo.service, &seen.slo.name) == (&slo.service, &slo.name);
        let rows = self.slos().filter(|(_, seen)| is_it(seen));
        let rows: Vec<_> = rows
            .map(|(feed, seen)| (feed.name.as_str(), seen))
            .collect();
        Twins::of(slo.id(), &rows)
    }
}

/// True where two observations promise the same and count about the same events, or where no events are
/// known, have about the same ratios.
fn counts_the_same(one: &Observation, other: &Observation) -> bool {
    if (one.slo.objective - other.slo.objective).abs() > f64::EPSILON {
        return false;
    }
    let both = |seen: &Observation| {
        let mut samples: Vec<_> = seen.windows.values().chain(seen.period).collect();
        // The longest counts the most.
        samples.reverse();
        let total = samples
            .iter()
            .find_map(|sample| sample.events.map(|events| events.total));
        let ratio = samples.iter().find_map(|sample| sample.reading.ratio());
        (
            total.filter(|total| *total > 0.0),
            ratio.filter(|ratio| *ratio > 0.0),
        )
    };
    let is_near = |one: f64, other: f64| (one - other).abs() <= TOLERANCE * one.max(other);
    match (both(one), both(other)) {
        ((Some(one), _), (Some(other), _)) | ((None, Some(one)), (None, Some(other))) => {
            is_near(one, other)
        }
        _ => false,
    }
}
