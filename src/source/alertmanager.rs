//! Asks alertmanager.

use jiff::SignedDuration;

use super::{Built, Kind};
use crate::config::{Problem, Settings, SourceSettings};

/// `kind = "alertmanager"`.
pub const KIND: Kind = Kind {
    name: "alertmanager",
    interval: SignedDuration::from_secs(15),
    build,
};

fn build(_settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    todo!()
}
