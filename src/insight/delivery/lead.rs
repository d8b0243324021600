//! Lead time for changes: from a commit to the first deployment that carried it.

use std::collections::HashSet;

use super::{Deployment, LeadTime, seconds};

/// The lead times of the commits that the deployments at `counted` carried first; `carries` says which of
/// all did carry anything. A roll-back carries nothing, and neither does what a deployment before has
/// carried already.
pub(super) fn of(
    all: &[Deployment],
    counted: &[usize],
    carries: impl Fn(usize) -> bool,
) -> LeadTime {
    let mut lead = LeadTime {
        commits: Vec::new(),
        excluded: 0,
        head_only: 0,
        unknown: 0,
    };
    let counted: HashSet<_> = counted.iter().copied().collect();
    let mut known = HashSet::new();
    for (place, one) in all.iter().enumerate() {
        if !carries(place) || !one.takes_back.is_empty() {
            continue;
        }
        let is_counted = counted.contains(&place);
        let Some(commits) = &one.carried.commits else {
            lead.unknown += usize::from(is_counted);
            continue;
        };
        lead.head_only += usize::from(is_counted && one.carried.is_head_only);
        for commit in commits.iter().filter(|commit| !commit.is_merge) {
            if !known.insert(commit.sha.clone()) || !is_counted {
                continue;
            }
            let Some(committed) = commit.committed_at else {
                continue;
            };
            let took = seconds(committed, one.at);
            if took < 0.0 {
                lead.excluded += 1;
            } else {
                let row = (commit.sha.clone(), one.id.clone(), took);
                lead.commits.push(row);
            }
        }
    }
    lead
}
