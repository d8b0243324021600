//! Releases near an onset that are no candidates: what would have been looked at, and why it is not.

use super::kin::Tie;
use super::onset::Onset;
use super::suspects::{Candidate, Court, timing};
use crate::domain::{Release, ReleaseStatus, SourceName};

/// How well a release must fit an onset to be worth naming.
const FITS: f64 = 0.5;

/// A release that is no candidate.
pub(super) struct LeftOut<'a> {
    /// As if it were one.
    candidate: Candidate<'a>,
}

impl<'a> LeftOut<'a> {
    /// A release that did not run, or not in production; `None` without a date.
    pub(super) fn new(source: &'a SourceName, release: &'a Release) -> Option<Self> {
        let start = release.dated()?;
        Some(Self {
            candidate: Candidate {
                source,
                release,
                start,
                end: release.finished_at.unwrap_or(start).max(start),
            },
        })
    }

    /// Which release, and why it is left out.
    fn words(&self) -> String {
        let Release {
            version,
            environment,
            status,
            ..
        } = self.candidate.release;
        let version = version.raw();
        if *status == ReleaseStatus::Pending {
            return format!("{version} did not run");
        }
        let place = environment.raw();
        format!("{version} went to {place}, which is not taken for production")
    }
}

impl Court<'_> {
    /// Of the service and of what it needs, the release that fits the onset best without being a
    /// candidate, in words.
    pub(super) fn left_out(&self, service: &str, onset: &Onset) -> Option<String> {
        let near = self.left_out.iter().filter_map(|one| {
            let owner = one.candidate.release.service.raw();
            let steps = match self.kin.tie(service, owner) {
                Tie::Own => 0,
                Tie::Needed(steps) => steps,
                Tie::Team | Tie::Stranger => return None,
            };
            let fit = timing(&one.candidate, onset).filter(|fit| *fit >= FITS)?;
            Some((steps, fit, one))
        });
        let ran = |one: &LeftOut<'_>| one.candidate.release.status != ReleaseStatus::Pending;
        let best = near.max_by(|(a_steps, a_fit, a), (b_steps, b_fit, b)| {
            let order = ran(a).cmp(&ran(b));
            let order = order.then_with(|| b_steps.cmp(a_steps));
            order.then_with(|| a_fit.total_cmp(b_fit))
        });
        best.map(|(_, _, one)| one.words())
    }
}
