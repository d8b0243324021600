//! Asks github.

use jiff::SignedDuration;

use super::{Built, Kind};
use crate::config::{Problem, Settings, SourceSettings};

/// `kind = "github"`.
pub const KIND: Kind = Kind {
    name: "github",
    interval: SignedDuration::from_secs(60),
    build,
};

fn build(_settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    todo!()
}
