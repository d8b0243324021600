//! What sources answer when `init` asks them once.

use jiff::{SignedDuration, Timestamp};

use crate::command::waiting::Several;
use crate::config::SourceSettings;
use crate::domain::{Facts, Fault, Finding, Report};
use crate::poll;
use crate::source::{Ask, Source};

/// The longest that one source is looked at.
const MAX_LOOK: SignedDuration = SignedDuration::from_secs(40);

/// One source, asked once.
pub(super) struct Looked {
    pub(super) kind: String,
    report: Report,
    /// What keeps its answers from being right, of one that measures.
    pub(super) findings: Vec<Finding>,
}

impl Looked {
    pub(super) fn name(&self) -> &str {
        self.report.source.as_str()
    }

    pub(super) fn facts(&self) -> Option<&Facts> {
        self.report.outcome.as_ref().ok()
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.report.outcome.as_ref().err()
    }

    /// Whether it answered, in words.
    pub(super) fn words(&self) -> String {
        let (name, kind) = (self.name(), &self.kind);
        let of_kind = if name == kind {
            String::new()
        } else {
            format!(" ({kind})")
        };
        match self.fault() {
            None => format!(
                "{name}{of_kind} answers in {}ms",
                self.report.latency.as_millis()
            ),
            Some(fault) => format!("{name}{of_kind} does not answer: {}", fault.message.raw()),
        }
    }
}

/// Asks every source at once.
pub(super) async fn all(sources: Vec<(SourceSettings, Box<dyn Source>)>) -> Vec<Looked> {
    let names = sources.iter().map(|(one, _)| one.name.to_string());
    let several = Several::new("asking the servers", names.collect());
    let several = &several;
    let looks = sources
        .into_iter()
        .map(|(settings, mut source)| async move {
            let ask = Ask {
                now: Timestamp::now(),
                at: None,
                history: false,
                since: None,
            };
            let limit = poll::limit(&settings).min(MAX_LOOK);
            let report = poll::poll_once(&settings.name, source.as_mut(), &ask, limit).await;
            let measures = report
                .outcome
                .as_ref()
                .is_ok_and(|facts| facts.slos.is_some());
            let findings = if measures {
                poll::examine_once(source.as_mut(), &ask, limit).await
            } else {
                Vec::new()
            };
            several.done(settings.name.as_str());
            Looked {
                kind: settings.kind,
                report,
                findings,
            }
        });
    futures_util::future::join_all(looks).await
}
