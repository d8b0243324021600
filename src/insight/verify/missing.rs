//! Reasons why a release is not known to be healthy.

use jiff::{SignedDuration, Timestamp};

use super::minutes::Minutes;
use super::{
    Cause, Evidence, LEAST_COVERAGE, LeftOut, Missing, Rise, SloVerdict, Trial, rules, words,
};
use crate::domain::past::PastEvents;
use crate::domain::window::brief;
use crate::domain::{Fault, Observation, Reason, ReasonCode, Severity, State};

/// How late a sample may be, beside the time between two of them.
const LATE: SignedDuration = SignedDuration::from_secs(15);

/// The time is not over.
pub(super) fn waiting(trial: &Trial, now: Timestamp) -> Missing {
    let passed = trial.released.duration_until(now);
    let passed = passed.clamp(SignedDuration::ZERO, trial.length());
    let text = format!(
        "{} of {} have passed",
        words::length(passed),
        words::length(trial.length())
    );
    Missing::new(Cause::Waiting, text)
}

/// A source failed.
pub(super) fn failed(fault: &Fault) -> Missing {
    Missing::new(Cause::Failed, fault.message.raw())
}

/// Reasons why the time after a release cannot be judged at all.
pub(super) fn unusable(trial: &Trial, evidence: &Evidence, minutes: &Minutes) -> Vec<Missing> {
    let mut all = Vec::new();
    for past in [&evidence.before, &evidence.since] {
        if let Some(Err(fault)) = past {
            all.push(failed(fault));
        }
    }
    let Some(Ok(since)) = &evidence.since else {
        return all;
    };
    let after = minutes.tally(minutes.released..minutes.len());
    all.extend(stale(trial, minutes, since));
    if after.of > 0 && after.coverage() < LEAST_COVERAGE {
        let why = since.reasons.first().map(|reason| reason.text.raw());
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let text = format!(
            "{} of {} minutes since the release are not known{why}",
            after.of - after.known,
            after.of
        );
        all.push(Missing::new(Cause::Gap, text));
    }
    all
}

/// The newest sample, where it does not reach the end.
fn stale(trial: &Trial, minutes: &Minutes, since: &PastEvents) -> Option<Missing> {
    let step = minutes.step();
    let wanted = trial.steps(step);
    let end = minutes.moment(minutes.released + wanted);
    let is_long = wanted > 0 && minutes.len() >= minutes.released + wanted;
    let known = minutes.events().iter().rposition(Option::is_some);
    let is_known = known.is_some_and(|known| known + 1 >= minutes.released + wanted);
    let interval = interval(since);
    let is_late = |newest: Timestamp| newest + interval + interval / 2 + LATE < end;
    if is_long && is_known && !since.newest.is_some_and(is_late) {
        return None;
    }
    let last = known.map(|known| minutes.moment(known + 1));
    let newest = since.newest.or(last).filter(|newest| *newest < end);
    let text = match newest {
        Some(newest) => format!(
            "the newest sample is {} older than the end: see whether the service is scraped, and its \
             server answers",
            brief(newest.duration_until(end))
        ),
        None => {
            "the data do not reach the end: see whether the service is scraped, and its server \
                 answers"
                .to_owned()
        }
    };
    Some(Missing::new(Cause::Stale, text))
}

/// How far two samples are apart, by the time that a step was measured over.
fn interval(past: &PastEvents) -> SignedDuration {
    let step = past.steps.step();
    if past.width > step * 2 {
        past.width / 2
    } else {
        (past.width - step).max(SignedDuration::ZERO)
    }
}

/// Reasons why a time without a rise is not known to be healthy.
pub(super) fn doubtful(
    verdict: &SloVerdict,
    evidence: &Evidence,
    minutes: &Minutes,
) -> Vec<Missing> {
    let mut all = Vec::new();
    all.extend(burns_since_before(evidence, minutes));
    if verdict.before_left_out == Some(LeftOut::Burned) && verdict.burns() {
        let text = words::baseline_burned(verdict);
        all.push(Missing::new(Cause::BaselineBurned, text));
    }
    all.extend(not_clear(verdict));
    all.extend(unknown_numbers(evidence));
    all.extend(too_few(verdict));
    all
}

/// A burn of most minutes above the lowest factor of a page rule, where it may be chance after the time
/// before the release.
fn not_clear(verdict: &SloVerdict) -> Option<Missing> {
    let sustained = verdict.comparison?.sustained;
    let rules = verdict.slo.rules.iter();
    let pages = rules.filter(|rule| rule.severity == Severity::Page);
    let least = pages.min_by(|one, other| one.factor.total_cmp(&other.factor))?;
    let burn = sustained
        .burn_rate
        .filter(|&burn| least.is_exceeded_by(burn))?;
    let is_chance = |rise: Option<Rise>| rise.is_some_and(|rise| !rise.is_beyond_chance());
    let may_be = is_chance(sustained.before) || is_chance(sustained.hours_before);
    let text = format!(
        "most minutes since the release burn at {}, which may be chance: watch longer with --for",
        words::burn(burn)
    );
    let is_used = sustained.before.is_some();
    (is_used && (may_be || !sustained.is_highest)).then(|| Missing::new(Cause::NotClear, text))
}

/// A page rule that fires at the end, by errors from before the release too.
fn burns_since_before(evidence: &Evidence, minutes: &Minutes) -> Option<Missing> {
    let own = rules::firing(&evidence.slo, minutes, minutes.len(), 0).map(|firing| firing.rule);
    let seen = evidence.seen.as_ref().map(Observation::assess);
    let seen = seen.and_then(|verdict| {
        let mut rules = verdict.rules.into_iter();
        let fires =
            rules.find(|one| one.rule.severity == Severity::Page && one.firing == Some(true));
        fires.map(|one| one.rule)
    });
    let rule = own.or(seen)?;
    let fired = rules::firing(&evidence.slo, minutes, minutes.released, 0);
    let since = match fired {
        Some(_) => "fires since before the release",
        None => "fires at the end, by errors from before the release too",
    };
    let text = format!(
        "{} {since}: whether the release changed that cannot be told",
        words::rule(&rule)
    );
    Some(Missing::new(Cause::BurnsSinceBefore, text))
}

/// Numbers that are not whole, assumed, or not known.
fn unknown_numbers(evidence: &Evidence) -> Vec<Missing> {
    let mut all = Vec::new();
    let pasts = [&evidence.before, &evidence.since];
    let pasts = pasts.into_iter().flatten().flatten();
    let seen = evidence.seen.as_ref();
    let mut is_partial = seen.is_some_and(|seen| seen.partial);
    let mut reasons: Vec<&Reason> = Vec::new();
    for past in pasts {
        is_partial |= past.partial;
        reasons.extend(&past.reasons);
    }
    if is_partial {
        let text = "parts of the data did not answer, so there may be more errors";
        all.push(Missing::new(Cause::Partial, text));
    }
    let Some(seen) = seen else {
        all.push(Missing::new(
            Cause::NotKnown,
            "its present numbers are not known",
        ));
        return all;
    };
    reasons.extend(seen.reasons.iter());
    for (code, cause) in [
        (ReasonCode::AssumedZero, Cause::Assumed),
        (ReasonCode::TargetsDown, Cause::TargetsDown),
        (ReasonCode::MissingLabel, Cause::NotKnown),
        (ReasonCode::MissingOperand, Cause::NotKnown),
        (ReasonCode::MissingValue, Cause::NotKnown),
    ] {
        if let Some(reason) = reasons.iter().find(|reason| reason.code == code) {
            all.push(Missing::new(cause, reason.text.raw()));
        }
    }
    if seen.standing().state == State::Unknown && all.is_empty() {
        let why = seen.why_unknown();
        let why = why
            .first()
            .map_or("its numbers are not known", |why| why.text.raw());
        all.push(Missing::new(Cause::NotKnown, why));
    }
    all
}

/// Too few events, or none that are counted.
fn too_few(verdict: &SloVerdict) -> Option<Missing> {
    let after = verdict.after?;
    let Some(events) = after.events else {
        let text = "only ratios are recorded, so whether there were enough events to show a page-level \
                    burn is not known";
        return Some(Missing::new(Cause::NotCounted, text));
    };
    // Half an event is what steps that are measured apart may lack.
    if events.total + 0.5 >= verdict.events_needed {
        return None;
    }
    let text = format!(
        "{} of {} events that would show a page-level burn: watch longer with --for",
        words::count((events.total + 1e-6).floor()),
        words::count(verdict.events_needed)
    );
    Some(Missing::new(Cause::TooFewEvents, text))
}
