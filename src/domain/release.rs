//! A release: a version of a service reaching an environment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Untrusted;

/// How a release is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseStatus {
    /// Asked for, not begun.
    Pending,
    /// On its way.
    Running,
    /// Arrived.
    Succeeded,
    /// Did not arrive.
    Failed,
    /// Taken back.
    RolledBack,
    /// The source said something this program does not know.
    Unknown,
}

impl ReleaseStatus {
    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the words deploy systems use; what none of them uses is `Unknown`, never an error.
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pending" | "queued" | "waiting" | "created" | "scheduled" | "blocked" => Self::Pending,
            "running" | "in_progress" | "inprogress" | "started" | "progressing" | "deploying" => {
                Self::Running
            }
            "succeeded" | "success" | "successful" | "ok" | "done" | "active" | "finished"
            | "completed" | "complete" | "deployed" | "passed" => Self::Succeeded,
            "failed" | "failure" | "error" | "errored" | "aborted" | "canceled" | "cancelled"
            | "terminal" => Self::Failed,
            "rolled_back" | "rolledback" | "rollback" | "reverted" => Self::RolledBack,
            _ => Self::Unknown,
        }
    }
}

/// A version of a service reaching an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Unique within its source, and stable from poll to poll.
    pub id: Untrusted,
    /// What was released; the join key with SLOs and incidents.
    pub service: Untrusted,
    /// Tag, commit or image: whatever names the version.
    pub version: Untrusted,
    /// Where it went, `production` for example; empty when the source does not say.
    pub environment: Untrusted,
    /// How it is going.
    pub status: ReleaseStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it arrived or failed.
    pub finished_at: Option<Timestamp>,
    /// Who released it.
    pub actor: Option<Untrusted>,
    /// The commit it was built from.
    pub commit: Option<Untrusted>,
    /// Where to read more.
    pub url: Option<Untrusted>,
    /// What else the source says of it, by name: sync and health, images, why it was made.
    pub details: Vec<(Untrusted, Untrusted)>,
}

impl Release {
    /// The moment it is dated by: when it began, else when it ended.
    pub fn dated(&self) -> Option<Timestamp> {
        self.started_at.or(self.finished_at)
    }

    /// The same as it stood at a past moment, as far as its dates tell; `None` when it was not yet
    /// there, or has no date that could tell.
    pub fn rewound(mut self, at: Timestamp) -> Option<Self> {
        if self.dated()? > at {
            return None;
        }
        if self.finished_at.is_some_and(|finished| finished > at) {
            self.finished_at = None;
            self.status = ReleaseStatus::Running;
        }
        Some(self)
    }
}
