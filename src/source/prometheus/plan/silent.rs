//! Queries whose missing series count as 0 within an expression: no empty answer shows that they are
//! missing.

use super::{Formula, Ratio, Role};
use crate::config::Sli;
use crate::source::prometheus::promql;

/// A query for bad or good events whose missing series count as 0 within what is asked or recorded.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Silent {
    pub(in crate::source::prometheus) query: String,
    pub(in crate::source::prometheus) role: Role,
    /// The query for all events.
    pub(in crate::source::prometheus) total: String,
}

impl Silent {
    /// Those of the slices of an SLI.
    pub(in crate::source::prometheus) fn of_slices(sli: &Sli) -> Vec<Self> {
        match sli {
            Sli::Slices { of, width, .. } => {
                Self::of_formula(&Formula::written(of, &width.to_string()))
            }
            Sli::Weighted(parts) => parts
                .iter()
                .flat_map(|(_, part)| Self::of_slices(part))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Those of a record that a formula is recorded as.
    pub(in crate::source::prometheus) fn of_formula(formula: &Formula) -> Vec<Self> {
        match formula {
            Formula::Events(ratio) => Self::of_ratio(ratio).into_iter().collect(),
            Formula::Direct { .. } => Vec::new(),
            Formula::Weighted(parts) => parts
                .iter()
                .flat_map(|(_, part)| Self::of_formula(part))
                .collect(),
        }
    }

    /// Those of an expression that has 0 for bad or good events where it has none of their series.
    pub(in crate::source::prometheus) fn of_rule(query: &str, total: &str) -> Option<Self> {
        let (query, is_good) = promql::or_zero(query)?;
        Some(Self {
            query,
            role: if is_good { Role::Good } else { Role::Bad },
            total: total.to_owned(),
        })
    }

    fn of_ratio(ratio: &Ratio) -> Option<Self> {
        let query = ratio.part_query();
        let is_missing = promql::is_between_vectors(query) || promql::names_bound(query);
        (!is_missing).then(|| Self {
            query: query.to_owned(),
            role: ratio.role(),
            total: ratio.total.clone(),
        })
    }
}
