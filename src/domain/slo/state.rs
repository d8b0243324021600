//! What an SLO comes to: its state and phase, and the verdict on many.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict on one SLO, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Known to hold.
    Ok,
    /// The source answered: no events.
    NoData,
    /// No fresh answer.
    Unknown,
    /// A ticket rule fires.
    Ticket,
    /// A page rule fires.
    Page,
}

impl State {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no_data",
            Self::Unknown => "unknown",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The verdict on many SLOs at once: what a pipeline acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All are known to hold.
    Ok,
    /// A ticket rule fires, and nothing worse is possible.
    Ticket,
    /// A page rule fires.
    Page,
    /// Something keeps it from being known.
    Unknown,
}

impl Verdict {
    /// A page that is known outranks what is not known; a ticket does not, since there may be a
    /// page behind it. `blind` says that a source failed. No SLO at all is nothing known.
    pub fn of(states: impl IntoIterator<Item = State>, blind: bool) -> Self {
        let mut any = false;
        let (mut page, mut ticket, mut silent) = (false, false, false);
        let mut unknown = blind;
        for state in states {
            any = true;
            match state {
                State::Page => page = true,
                State::Ticket => ticket = true,
                State::Unknown => unknown = true,
                State::NoData => silent = true,
                State::Ok => {}
            }
        }
        match (page, unknown || !any, ticket, silent) {
            (true, ..) => Self::Page,
            (_, true, ..) => Self::Unknown,
            (_, _, true, _) => Self::Ticket,
            (.., true) => Self::Unknown,
            _ => Self::Ok,
        }
    }

    /// The exit status, after the monitoring-plugin convention.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Ticket => 1,
            Self::Page => 2,
            Self::Unknown => 3,
        }
    }

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Ticket => "ticket",
            Self::Page => "page",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a burn is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// No window of any rule burns above its factor.
    Calm,
    /// Only a short window does: it may become a burn.
    Rising,
    /// Only a long window does: it was a burn.
    Recovering,
    /// Both do.
    Burning,
}

impl Phase {
    /// The words for a reader: of a rule whose short window alone is above its factor, which way the
    /// burn goes is not known by that.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rising => "short window only",
            Self::Calm | Self::Recovering | Self::Burning => self.word(),
        }
    }

    /// The word used in JSON and in filters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rising => "rising",
            Self::Recovering => "recovering",
            Self::Burning => "burning",
        }
    }
}
