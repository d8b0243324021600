//! A release: a version of a service reaching an environment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Carried;
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
    /// The source said nothing, or a word that this program does not know.
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

    /// Reads the words of deploy systems, in any case and with any separators (`TimedOut`,
    /// `TIMED_OUT`, `timed-out`). A word of none of them is `Unknown`, never an error.
    ///
    /// Read are the statuses of GitHub, GitLab, Argo CD, Flux, Helm, Spinnaker, Octopus Deploy,
    /// `CircleCI`, Harness, Jenkins, Buildkite, Azure DevOps, AWS `CodeDeploy` and `CodePipeline`,
    /// Google Cloud Deploy, Bitbucket, Vercel, Netlify, Render, `TeamCity`, `GoCD` and Tekton. What
    /// never ran is `Pending`: asked for, and nothing has changed.
    pub fn from_word(word: &str) -> Self {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        let plain = plain.to_lowercase();
        let table = [
            (Self::Pending, PENDING),
            (Self::Pending, NEVER_RAN),
            (Self::Running, RUNNING),
            (Self::Succeeded, SUCCEEDED),
            (Self::Failed, FAILED),
            (Self::RolledBack, ROLLED_BACK),
        ];
        let known = table
            .into_iter()
            .find(|(_, words)| words.contains(&&*plain));
        known.map_or(Self::Unknown, |(status, _)| status)
    }
}

/// Asked for, and not begun.
const PENDING: &[&str] = &[
    "pending",
    "queued",
    "enqueued",
    "waiting",
    "created",
    "creating",
    "scheduled",
    "blocked",
    "new",
    "requested",
    "preparing",
    "prepared",
    "initializing",
    "manual",
    "actionrequired",
    "needsapproval",
    "waitingforapproval",
    "waitingforresource",
    "waitingforcallback",
    "waitingondependencies",
    "approvalwaiting",
    "interventionwaiting",
    "inputwaiting",
    "resourcewaiting",
    "pausedpendinginput",
    "pendingapproval",
    "pendingrelease",
    "pendingreview",
    "queuedlicenselimitreached",
    "queuedexecutionconcurrencyreached",
    "limiting",
    "limited",
    "platformlimiting",
    "platformlimited",
    "assigned",
    "onhold",
    "buffered",
    "notstarted",
    "notrunning",
    "postponed",
    "notdeployed",
];
/// Over before it began.
const NEVER_RAN: &[&str] = &[
    "skipped",
    "notrun",
    "notbuilt",
    "notexecuted",
    "rejected",
    "approvalrejected",
    "declined",
    "abortedbyfreeze",
    "unauthorized",
    "broken",
    "waitingfailed",
    "blockedfailed",
    "unblockedfailed",
];
/// On its way, also while it is being stopped or stands still half-way.
const RUNNING: &[&str] = &[
    "running",
    "inprogress",
    "started",
    "progressing",
    "deploying",
    "executing",
    "building",
    "working",
    "baking",
    "paused",
    "pausing",
    "suspended",
    "failing",
    "cancelling",
    "canceling",
    "stopping",
    "terminating",
    "discontinuing",
    "timingout",
    "asyncwaiting",
    "taskwaiting",
    "timedwaiting",
    "waitsteprunning",
    "unblocked",
    "accepted",
    "retry",
    "retrying",
    "buildinprogress",
    "updateinprogress",
    "predeployinprogress",
    "rollbackinprogress",
    "uploading",
    "processing",
];
/// Arrived, also where something beside it went wrong.
const SUCCEEDED: &[&str] = &[
    "succeeded",
    "success",
    "successful",
    "ok",
    "done",
    "active",
    "finished",
    "completed",
    "complete",
    "deployed",
    "passed",
    "ready",
    "live",
    "healthy",
    "neutral",
    "fixed",
    "unstable",
    "partiallysucceeded",
    "succeededwithissues",
    "ignorefailed",
];
/// Begun, and did not arrive.
const FAILED: &[&str] = &[
    "failed",
    "failure",
    "fail",
    "error",
    "errored",
    "aborted",
    "canceled",
    "cancelled",
    "terminal",
    "terminated",
    "failedcontinue",
    "stopped",
    "halted",
    "killed",
    "crashed",
    "degraded",
    "expired",
    "timeout",
    "timedout",
    "infrastructurefail",
    "startupfailure",
    "stale",
    "fault",
    "internalerror",
    "terminatedunknown",
    "buildfailed",
    "updatefailed",
    "predeployfailed",
    "pipelineruntimeout",
    "rollbackfailed",
];
/// Taken back.
const ROLLED_BACK: &[&str] = &[
    "rolledback",
    "rollback",
    "reverted",
    "rollbacksuccessful",
    "rollbacksucceeded",
    "rollbackcomplete",
    "updaterollbackcomplete",
];

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
    /// Its ref, labels and commits.
    #[serde(default, skip_serializing_if = "Carried::is_empty")]
    pub carried: Carried,
}

impl Release {
    /// Where it went: its environment, or the namespace or destination that its source knows instead.
    pub fn place(&self) -> &Untrusted {
        let is_place = |name: &str| matches!(name, "namespace" | "destination");
        let mut places = self.details.iter().filter(|(name, _)| is_place(name.raw()));
        let place = places.next().filter(|_| self.environment.is_empty());
        place.map_or(&self.environment, |(_, place)| place)
    }

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

#[cfg(test)]
mod tests {
    use super::ReleaseStatus::{self, Failed, Pending, RolledBack, Running, Succeeded, Unknown};

    /// Words of vendors, separated by spaces.
    const WORDS: &[(&str, ReleaseStatus, &str)] = &[
        ("Spinnaker", Pending, "NOT_STARTED BUFFERED SKIPPED"),
        ("Spinnaker", Running, "RUNNING PAUSED SUSPENDED"),
        ("Spinnaker", Succeeded, "SUCCEEDED"),
        (
            "Spinnaker",
            Failed,
            "FAILED_CONTINUE TERMINAL CANCELED STOPPED",
        ),
        ("Octopus", Pending, "Queued"),
        ("Octopus", Running, "Executing Cancelling"),
        ("Octopus", Succeeded, "Success"),
        ("Octopus", Failed, "Failed Canceled TimedOut"),
        (
            "CircleCI",
            Pending,
            "not_run on_hold queued not_running blocked unauthorized",
        ),
        ("CircleCI", Running, "running failing"),
        ("CircleCI", Succeeded, "success"),
        (
            "CircleCI",
            Failed,
            "failed error canceled timedout infrastructure_fail terminated-unknown",
        ),
        (
            "Harness",
            Pending,
            "NotStarted Queued Skipped ApprovalRejected ApprovalWaiting InterventionWaiting InputWaiting ResourceWaiting AbortedByFreeze QueuedLicenseLimitReached",
        ),
        (
            "Harness",
            Running,
            "Running AsyncWaiting TaskWaiting TimedWaiting Paused Pausing Discontinuing WaitStepRunning",
        ),
        ("Harness", Succeeded, "Success IgnoreFailed"),
        ("Harness", Failed, "Failed Errored Expired Aborted"),
        (
            "Jenkins",
            Pending,
            "NOT_BUILT NOT_EXECUTED QUEUED PAUSED_PENDING_INPUT",
        ),
        ("Jenkins", Running, "IN_PROGRESS"),
        ("Jenkins", Succeeded, "SUCCESS UNSTABLE"),
        ("Jenkins", Failed, "FAILURE FAILED ABORTED"),
        (
            "Buildkite",
            Pending,
            "creating scheduled blocked skipped not_run limited assigned waiting",
        ),
        (
            "Buildkite",
            Running,
            "running failing canceling accepted timing_out",
        ),
        ("Buildkite", Succeeded, "passed finished"),
        ("Buildkite", Failed, "failed canceled timed_out expired"),
        (
            "GitLab",
            Pending,
            "created blocked skipped manual preparing waiting_for_resource",
        ),
        ("GitLab", Running, "running canceling"),
        (
            "GitHub",
            Pending,
            "queued pending waiting requested action_required",
        ),
        (
            "GitHub",
            Failed,
            "failure error cancelled timed_out startup_failure stale",
        ),
        (
            "Azure DevOps",
            Pending,
            "notDeployed notStarted postponed rejected",
        ),
        (
            "Azure DevOps",
            Succeeded,
            "partiallySucceeded succeededWithIssues",
        ),
        (
            "Google Cloud Deploy",
            Pending,
            "PENDING_APPROVAL APPROVAL_REJECTED",
        ),
        (
            "AWS",
            RolledBack,
            "ROLLBACK_SUCCESSFUL UPDATE_ROLLBACK_COMPLETE",
        ),
        (
            "any",
            Unknown,
            "anything superseded undefined 42 teleported",
        ),
    ];

    #[test]
    fn the_words_of_deploy_systems_are_understood() {
        for (vendor, status, words) in WORDS {
            for word in words.split(' ') {
                assert_eq!(ReleaseStatus::from_word(word), *status, "{vendor}: {word}");
            }
        }
        assert_eq!(ReleaseStatus::from_word(""), Unknown);
    }

    #[test]
    fn a_word_means_the_same_however_it_is_written() {
        for word in [
            "TimedOut",
            "TIMED_OUT",
            "timed-out",
            "timed out",
            "Timedout",
        ] {
            assert_eq!(ReleaseStatus::from_word(word), Failed, "{word}");
        }
    }

    #[test]
    fn no_word_stands_in_two_lists_and_every_status_is_read_by_its_own_word() {
        let all = [
            super::PENDING,
            super::NEVER_RAN,
            super::RUNNING,
            super::SUCCEEDED,
            super::FAILED,
            super::ROLLED_BACK,
        ];
        let mut words: Vec<_> = all.into_iter().flatten().collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        for status in [Pending, Running, Succeeded, Failed, RolledBack, Unknown] {
            assert_eq!(ReleaseStatus::from_word(status.word()), status);
        }
    }
}
