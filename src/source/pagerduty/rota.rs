//! Who is on call, who is next, and for which services.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::PAGING;
use super::scope::{Scope, each};
use super::wire::{Named, Shift};
use crate::domain::{Fault, OnCall};
use crate::http::Http;
use crate::source::Ask;
use crate::source::kit::cached::Answered;
use crate::source::kit::lenient_wire::stamp;
use crate::source::kit::list::Listed;
use crate::text::Untrusted;

/// How many shifts are looked at.
const MAX_SHIFTS: usize = 1_000;
/// How far ahead the next shift is looked for; the API looks 90 days ahead at most.
const AHEAD: SignedDuration = SignedDuration::from_hours(21 * 24);
/// More policies than these are not named in a request: a URL has its limits.
const MAX_POLICIES: usize = 50;
/// Asks who has it at the moment that is asked for, and who is next after that.
pub(super) async fn read(
    http: &Http,
    scope: &Scope,
    is_narrow: bool,
    ask: &Ask,
    deadline: Instant,
) -> Answered<Vec<OnCall>> {
    let no_policies = BTreeMap::new();
    let policies = scope.policies.as_ref().unwrap_or(&no_policies);
    let wanted = is_narrow.then_some(policies);
    if wanted.is_some_and(BTreeMap::is_empty) {
        let words = "nobody is on call for what is watched here";
        let warnings = match scope.policies {
            Some(_) => Vec::new(),
            None => vec![format!("{words}: the services could not be listed").into()],
        };
        return Ok((Vec::new(), warnings));
    }
    let moment = ask.moment();
    let span = ask.at.map(|at| (at, at));
    let present = shifts(http, wanted, span, false, deadline).await?;
    let mut rows: Vec<OnCall> = Vec::new();
    for shift in &present.rows {
        add(&mut rows, on_call(shift, policies, false), wanted, shift);
    }
    let mut warnings = present.warnings;
    let until = moment.checked_add(AHEAD).unwrap_or(moment);
    let later = shifts(http, wanted, Some((moment, until)), true, deadline).await?;
    for shift in next(&present.rows, &later.rows, moment) {
        add(&mut rows, on_call(shift, policies, true), wanted, shift);
    }
    warnings.extend(later.warnings);
    rows.sort_by_cached_key(|row| (row.from, row.schedule.clone(), row.level));
    Ok((rows, warnings))
}

/// Asks for the shifts that touch a span of time, the present if there is none.
async fn shifts(
    http: &Http,
    wanted: Option<&BTreeMap<String, BTreeSet<String>>>,
    span: Option<(Timestamp, Timestamp)>,
    earliest: bool,
    deadline: Instant,
) -> Result<Listed<Shift>, Fault> {
    let ids: Vec<String> = wanted
        .into_iter()
        .flatten()
        .map(|(id, _)| id.clone())
        .collect();
    let mut query = match ids.len() {
        0..=MAX_POLICIES => each("escalation_policy_ids[]", &ids),
        _ => Vec::new(),
    };
    for include in ["users", "schedules", "escalation_policies"] {
        query.push(("include[]", include.to_owned()));
    }
    query.push(("time_zone", "UTC".to_owned()));
    if let Some((since, until)) = span {
        query.push(("since", stamp(since)));
        query.push(("until", stamp(until)));
    }
    if earliest {
        query.push(("earliest", "true".to_owned()));
    }
    let list = PAGING
        .list(
            "/oncalls",
            if earliest { "coming shifts" } else { "shifts" },
            MAX_SHIFTS,
            deadline,
        )
        .with(query);
    list.all(http).await
}

/// Who takes each step of a schedule over: the first shift there that begins later.
fn next<'a>(present: &[Shift], later: &'a [Shift], moment: Timestamp) -> Vec<&'a Shift> {
    let place = |shift: &Shift| {
        let policy = shift.escalation_policy.as_ref()?.id.clone()?;
        let schedule = shift.schedule.as_ref()?.id.clone()?;
        Some((policy, schedule, shift.escalation_level))
    };
    let places: BTreeSet<_> = present.iter().chain(later).filter_map(place).collect();
    let first = |wanted| {
        later
            .iter()
            .filter(|shift| place(shift).as_ref() == Some(&wanted))
            .filter(|shift| shift.start().is_some_and(|start| start > moment))
            .min_by_key(|shift| shift.start())
    };
    places.into_iter().filter_map(first).collect()
}

fn on_call(
    shift: &Shift,
    policies: &BTreeMap<String, BTreeSet<String>>,
    is_next: bool,
) -> Option<OnCall> {
    let policy = shift.escalation_policy.as_ref();
    let id = policy.and_then(|policy| policy.id.as_ref());
    let mut services: BTreeSet<&str> = BTreeSet::new();
    services.extend(
        id.and_then(|id| policies.get(id))
            .into_iter()
            .flatten()
            .map(String::as_str),
    );
    // The settings may name some of the services that the policy answers for.
    if services.is_empty() {
        let included = policy.into_iter().flat_map(Named::services);
        services.extend(included.filter_map(Named::called));
    }
    let rota = shift.schedule.as_ref().or(policy);
    Some(OnCall {
        schedule: rota.and_then(Named::called).unwrap_or_default().into(),
        who: shift.user.as_ref().and_then(Named::called)?.into(),
        from: shift.start().filter(|_| is_next),
        until: shift.end(),
        level: shift.escalation_level,
        services: services.into_iter().map(Untrusted::from).collect(),
    })
}

/// Adds a shift of a policy that is wanted. One schedule can stand behind several policies: that is
/// one shift, for the services of all of them.
fn add(
    rows: &mut Vec<OnCall>,
    row: Option<OnCall>,
    wanted: Option<&BTreeMap<String, BTreeSet<String>>>,
    shift: &Shift,
) {
    let policy = shift
        .escalation_policy
        .as_ref()
        .and_then(|policy| policy.id.as_ref());
    let is_wanted = wanted.is_none_or(|wanted| policy.is_some_and(|id| wanted.contains_key(id)));
    let Some(row) = row.filter(|_| is_wanted) else {
        return;
    };
    let is_same = |known: &&mut OnCall| {
        known.schedule == row.schedule
            && known.who == row.who
            && known.level == row.level
            && known.from == row.from
            && known.until == row.until
    };
    match rows.iter_mut().find(is_same) {
        Some(known) => {
            known.services.extend(row.services);
            known.services.sort();
            known.services.dedup();
        }
        None => rows.push(row),
    }
}
