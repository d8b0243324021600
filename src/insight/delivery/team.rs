//! The measures of several services as one.

use super::{Delivery, FailRate, LeadTime, Recovery, Rework, Terms, days};

impl Delivery {
    /// The measures of all of these, whose deployments are known: each deployment, commit and failure
    /// counts once. What one of them does not know nobody knows of all.
    pub fn together(terms: &Terms<'_>, all: &[&Self]) -> Self {
        let mut each: Vec<_> = all
            .iter()
            .filter_map(|one| one.deployments.as_ref())
            .flat_map(|one| one.ids.iter().cloned().zip(one.times.iter().copied()))
            .collect();
        each.sort_by_key(|(_, at)| *at);
        let is_known = all.iter().any(|one| one.deployments.is_some());
        Self {
            deployments: is_known.then(|| days::frequency(terms, each.into_iter())),
            lead_time: whole(all, |one| one.lead_time.as_ref()).map(|all| lead_time(&all)),
            failures: whole(all, |one| one.failures.as_ref()).map(|all| failures(&all)),
            recovery: whole(all, |one| one.recovery.as_ref()).map(|all| recovery(&all)),
            rework: whole(all, |one| one.rework.as_ref()).map(|all| rework(&all)),
            attempts: all.iter().flat_map(|one| one.attempts.clone()).collect(),
        }
    }
}

/// A part of each; `None` where one lacks it, or there is none.
fn whole<'a, T>(
    all: &[&'a Delivery],
    part: impl Fn(&'a Delivery) -> Option<&'a T>,
) -> Option<Vec<&'a T>> {
    let parts: Option<Vec<_>> = all.iter().map(|one| part(one)).collect();
    parts.filter(|parts| !parts.is_empty())
}

fn lead_time(all: &[&LeadTime]) -> LeadTime {
    LeadTime {
        commits: all.iter().flat_map(|one| one.commits.clone()).collect(),
        excluded: all.iter().map(|one| one.excluded).sum(),
        head_only: all.iter().map(|one| one.head_only).sum(),
        unknown: all.iter().map(|one| one.unknown).sum(),
    }
}

fn failures(all: &[&FailRate]) -> FailRate {
    FailRate {
        failed: all.iter().flat_map(|one| one.failed.clone()).collect(),
        of: all.iter().map(|one| one.of).sum(),
        pending: all.iter().flat_map(|one| one.pending.clone()).collect(),
        unseen: all.iter().flat_map(|one| one.unseen.clone()).collect(),
    }
}

fn recovery(all: &[&Recovery]) -> Recovery {
    Recovery {
        recovered: all.iter().flat_map(|one| one.recovered.clone()).collect(),
        open: all.iter().flat_map(|one| one.open.clone()).collect(),
        undated: all.iter().flat_map(|one| one.undated.clone()).collect(),
    }
}

fn rework(all: &[&Rework]) -> Rework {
    Rework {
        ids: all.iter().flat_map(|one| one.ids.clone()).collect(),
        of: all.iter().map(|one| one.of).sum(),
    }
}
