//! Which past has to be asked for before policies can be judged.

use jiff::SignedDuration;

use super::facts::{Facts, STEP, ServiceFacts, SloFacts};
use super::judge::period_of;
use crate::domain::policy::{Condition, Effect, Policy};
use crate::domain::{Observation, Period, Window};

/// How far back the past of a service's SLOs is needed to judge its policies; `None` where none is. With `all` it is enough to tell when each policy applied, too.
pub fn lookback(
    facts: &Facts,
    service: &ServiceFacts,
    environment: Option<&str>,
    all: bool,
) -> Option<SignedDuration> {
    let policies = facts.policies_of(service, environment);
    let mut most = None;
    for policy in &policies {
        let is_walked = policy.until.is_some() || (all && policy.effect == Effect::Freeze);
        let reach = service
            .slos
            .iter()
            .filter_map(|slo| of_policy(policy, slo, is_walked))
            .max();
        let walk = if is_walked {
            period_of(service)
        } else {
            SignedDuration::ZERO
        };
        most = most.max(reach.map(|reach| reach + walk));
    }
    most
}

/// How far back the dated rows of a service, releases and incidents, are needed to judge its policies;
/// `None` where what is listed today is enough. With `all` it is enough to tell when each policy applied,
/// too.
pub fn rows_lookback(
    facts: &Facts,
    service: &ServiceFacts,
    environment: Option<&str>,
    all: bool,
) -> Option<SignedDuration> {
    let period = period_of(service);
    let of_leaf = |leaf: &Condition| match leaf {
        Condition::FailedRelease(within) => Some(*within),
        Condition::BudgetSpent {
            by: Some(_), over, ..
        } => Some(over.map_or(period, Window::duration)),
        Condition::Incident { .. } | Condition::RunningRelease => Some(SignedDuration::ZERO),
        _ => None,
    };
    let policies = facts.policies_of(service, environment);
    let lookbacks = policies.iter().filter_map(|policy| {
        let is_walked = policy.until.is_some() || (all && policy.effect == Effect::Freeze);
        let conditions = [Some(&policy.when), policy.until.as_ref()];
        let leaves = conditions.into_iter().flatten().flat_map(Condition::leaves);
        let reach = leaves.filter_map(of_leaf).max()?;
        Some(if is_walked { reach + period } else { reach })
    });
    lookbacks.max().filter(SignedDuration::is_positive)
}

/// How far back one moment reaches, where the numbers of the observation are not enough.
fn of_policy(policy: &Policy, slo: &SloFacts, is_walked: bool) -> Option<SignedDuration> {
    let conditions = [Some(&policy.when), policy.until.as_ref()];
    let leaves = conditions.into_iter().flatten().flat_map(Condition::leaves);
    leaves
        .filter_map(|leaf| of_leaf(leaf, &slo.seen, is_walked))
        .max()
}

fn of_leaf(leaf: &Condition, seen: &Observation, is_walked: bool) -> Option<SignedDuration> {
    let period = || match seen.slo.period {
        Period::Rolling(window) => window.duration(),
        _ => seen.period_length,
    };
    match leaf {
        // Whether the period has a gap is told by the past alone.
        Condition::BudgetRemaining { over, .. } | Condition::BudgetSpent { over, .. } => {
            Some(over.map_or_else(period, Window::duration))
        }
        Condition::BurnRate { window, .. } => {
            let is_known = seen.windows.get(*window).is_some();
            (is_walked || !is_known).then(|| window.duration().max(STEP))
        }
        Condition::State(_) if is_walked => {
            let longest = seen.slo.windows().last().copied();
            longest.map(Window::duration)
        }
        _ => None,
    }
}
