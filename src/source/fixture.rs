//! Settings and questions for the tests of sources.

use jiff::{SignedDuration, Timestamp};

use super::{Ask, Built, Kind};
use crate::config::{HttpSettings, Problem, Settings, SourceSettings};
use crate::domain::SourceName;

/// Builds a source of a kind from a URL and the kind's own settings as TOML.
pub(super) fn build(kind: &Kind, url: Option<&str>, options: &str) -> Result<Built, Problem> {
    (kind.build)(&settings(kind, url, options), &Settings::empty())
}

/// The settings of one source.
pub(super) fn settings(kind: &Kind, url: Option<&str>, options: &str) -> SourceSettings {
    SourceSettings {
        name: SourceName::new("trial"),
        kind: kind.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: url.map(str::to_owned),
            ..HttpSettings::default()
        },
        folder: None,
        table: options.parse().expect("the options are TOML"),
    }
}

/// The present, as far as a test is concerned.
pub(super) fn now() -> Timestamp {
    "2026-11-22T14:02:31Z".parse().expect("time")
}

/// The question for the present.
pub(super) fn ask() -> Ask {
    Ask {
        now: now(),
        at: None,
        history: false,
        since: None,
    }
}

/// The question for a past moment.
pub(super) fn ask_at(at: &str) -> Ask {
    Ask {
        now: now(),
        at: Some(at.parse().expect("time")),
        history: false,
        since: None,
    }
}
