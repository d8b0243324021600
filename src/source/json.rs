//! Asks json.

use jiff::SignedDuration;

use super::{Built, Kind};
use crate::config::{Problem, Settings, SourceSettings};

/// `kind = "json"`.
pub const KIND: Kind = Kind {
    name: "json",
    interval: SignedDuration::from_secs(30),
    build,
};

fn build(_settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    todo!()
}
