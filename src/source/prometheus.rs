//! Asks prometheus.

use super::{Built, Kind};
use crate::config::{Problem, Settings, SourceSettings};

/// `kind = "prometheus"`.
pub const KIND: Kind = Kind {
    name: "prometheus",
    build,
};

fn build(_settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    todo!()
}
