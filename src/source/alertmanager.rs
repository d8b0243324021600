//! Asks alertmanager.

use super::{Built, Kind};
use crate::config::{Problem, Settings, SourceSettings};

/// `kind = "alertmanager"`.
pub const KIND: Kind = Kind {
    name: "alertmanager",
    build,
};

fn build(_settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    todo!()
}
