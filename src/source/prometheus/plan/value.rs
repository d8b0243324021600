//! The answer to one query of a formula.

use super::Role;
use crate::source::prometheus::promql;

/// The answer to one query of a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::source::prometheus) enum Value {
    /// A number.
    Number(f64),
    /// No series, which means that nothing was counted.
    Zero,
    /// No series, nor any of what the query is made of.
    Nothing,
    /// No series where some are needed: the value is unknown.
    Missing,
}

impl Value {
    /// An answer without series, of which nothing was looked up.
    pub(in crate::source::prometheus) fn absent(role: Role, query: &str) -> Self {
        match role {
            Role::Total | Role::Ratio => Self::Nothing,
            Role::Bad | Role::Good
                if promql::is_between_vectors(query) || promql::names_bound(query) =>
            {
                Self::Missing
            }
            Role::Bad | Role::Good => Self::Zero,
        }
    }

    /// The number, where there is one.
    pub(in crate::source::prometheus) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Zero => Some(0.0),
            Self::Nothing | Self::Missing => None,
        }
    }
}
