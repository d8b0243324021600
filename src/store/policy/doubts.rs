//! Why the numbers of an SLO do not count: silent sources, missing parts, assumed zeros, old samples.

use jiff::Timestamp;

use super::{Judging, Told, why_incomplete};
use crate::domain::past::PastEvents;
use crate::domain::{Fault, FaultKind, Observation, ReasonCode, window};
use crate::insight::policy::{Facts, SloFacts};
use crate::store::{Feed, Store};

/// Notes for each SLO why its numbers do not count, and how new its newest sample is.
pub(super) fn note(store: &Store, facts: &mut Facts, told: &Told, judging: Judging) {
    for (number, service) in facts.services.iter_mut().enumerate() {
        for (place, slo) in service.slos.iter_mut().enumerate() {
            let told = told.get(&(number, place));
            slo.newest = told.and_then(|told| told.as_ref().ok()?.newest);
            let feed = store.feed(&slo.source);
            slo.lack = feed
                .and_then(|feed| of_feed(feed, slo, judging))
                .or_else(|| of_numbers(&slo.seen))
                .or_else(|| of_past(&slo.seen, told?, judging));
        }
    }
}

/// A source that does not answer.
fn of_feed(feed: &Feed, slo: &SloFacts, judging: Judging) -> Option<String> {
    if feed.last_success.is_none() {
        return why_incomplete(feed);
    }
    if judging.is_past || feed.freshness(judging.now).is_current() {
        return None;
    }
    let reasons = feed.why_unknown(&slo.seen, judging.now);
    Some(reasons.first().map_or_else(
        || format!("{} does not answer", feed.name),
        |reason| reason.text.raw().to_owned(),
    ))
}

/// Numbers of which parts are missing or assumed.
fn of_numbers(seen: &Observation) -> Option<String> {
    if seen.partial {
        return Some("parts of the data did not answer".to_owned());
    }
    let mut reasons = seen.reasons.iter();
    let refused = reasons.find(|reason| {
        matches!(
            reason.code,
            ReasonCode::AssumedZero | ReasonCode::Uneven | ReasonCode::Conflict
        )
    });
    refused.map(|reason| reason.text.raw().to_owned())
}

/// Samples that are too old, or whose labels are gone.
fn of_past(
    seen: &Observation,
    told: &Result<PastEvents, Fault>,
    judging: Judging,
) -> Option<String> {
    let too_old = |what: &str, at: Timestamp| {
        let age = at.duration_until(judging.at);
        (age > judging.max_age).then(|| format!("{what} is {} old", window::brief(age)))
    };
    let past = match told {
        Ok(past) => past,
        Err(fault) if fault.kind == FaultKind::NoHistory => {
            return too_old("the last measurement", seen.at);
        }
        Err(fault) => return Some(fault.message.raw().to_owned()),
    };
    if past.partial {
        return Some("parts of the data did not answer".to_owned());
    }
    let mut reasons = past.reasons.iter();
    if let Some(reason) = reasons.find(|reason| reason.code.is_missing()) {
        return Some(reason.text.raw().to_owned());
    }
    if let (Some(present), Some(answered)) = (past.present, past.answered) {
        let age = answered.duration_until(present);
        if age > judging.max_age {
            let age = window::brief(age);
            return Some(format!(
                "the answers of its source are {age} old: something between keeps them"
            ));
        }
    }
    match past.newest {
        Some(newest) => too_old("the newest sample", newest),
        None => Some("there is no sample of the last hour".to_owned()),
    }
}
