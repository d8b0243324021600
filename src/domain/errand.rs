//! An errand: a command of the user's own, bound to one row.

use jiff::SignedDuration;

use crate::text::Untrusted;

/// A command that is to be run, every placeholder already in place. No shell reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What the configuration calls it.
    pub label: String,
    /// The row it was given for, by id.
    pub target: Untrusted,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How long it may take.
    pub timeout: SignedDuration,
    /// True when it gets the terminal until it ends, without a time limit.
    pub takes_terminal: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It took too long and was ended.
    TimedOut,
    /// It could not be started.
    NotStarted(Untrusted),
}

impl Ending {
    /// How it ended, in the word of the audit log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exited(0) => "done",
            Self::Exited(_) | Self::Signalled(_) => "failed",
            Self::TimedOut => "unsure",
            Self::NotStarted(_) => "refused",
        }
    }
}

/// A command that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Which one.
    pub errand: Errand,
    /// How it ended.
    pub ending: Ending,
    /// The end of what it printed on both streams, in the order it came.
    pub output: Untrusted,
}
