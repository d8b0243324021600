//! Why an SLO is in its state, and what of its numbers is an estimate.

use super::super::slo::RuleVerdict;
use super::super::{
    Assessment, Observation, Origin, Period, Phase, Reading, Severity, State, Window, window,
};
use super::{Basis, Data, Explanation, difference, lasting, number};

/// Why the SLO is in its state, one reason a sentence, the decisive one first.
pub fn because(seen: &Observation, verdict: &Assessment) -> Vec<String> {
    let mut reasons: Vec<String> = verdict
        .rules
        .iter()
        .filter_map(|rule| rule_reason(seen, rule))
        .collect();
    match verdict.state {
        State::Page | State::Ticket => {}
        State::Ok => {
            if let Some(calm) = closest(verdict) {
                reasons.push(calm);
            }
        }
        State::NoData | State::Unknown => {
            let why = seen.why_unknown().into_iter();
            let why = why.map(|reason| reason.text.raw().to_owned());
            reasons = why.chain(reasons).collect();
        }
    }
    reasons
}

/// What a rule has to do with the state; nothing when it is calm.
fn rule_reason(seen: &Observation, row: &RuleVerdict) -> Option<String> {
    let rule = row.rule;
    let burn = |burn: Option<f64>| {
        burn.map_or_else(
            || "at a rate that is not known".to_owned(),
            |burn| format!("{}x", number(burn)),
        )
    };
    let (severity, factor) = (rule.severity.word(), number(rule.factor));
    let both = format!(
        "{} burns {} and {} burns {}",
        rule.long,
        burn(row.long),
        rule.short,
        burn(row.short)
    );
    if let Some(bad) = row.held_back {
        return Some(format!(
            "the {severity} rule is held back: {both}, above {factor}x, but {} of {} bad events \
             were seen in {}",
            number(bad),
            number(seen.slo.min_bad_events),
            rule.long
        ));
    }
    match (row.firing, row.phase()) {
        (Some(true), _) => Some(format!(
            "the {severity} rule fires: {both}, both above {factor}x"
        )),
        (None, _) => Some(format!(
            "the {severity} rule of {} and {} cannot be decided: {both}",
            rule.long, rule.short
        )),
        (Some(false), Phase::Recovering) => Some(format!(
            "the {severity} rule fires no more: {both}, only {} above {factor}x",
            rule.long
        )),
        (Some(false), Phase::Rising) => Some(format!(
            "the {severity} rule may fire soon: {both}, only {} above {factor}x",
            rule.short
        )),
        (Some(false), _) => None,
    }
}

/// The rule that is closest to firing, told as how far it is.
fn closest(verdict: &Assessment) -> Option<String> {
    let share = |row: &RuleVerdict| {
        let burns = [row.long, row.short].into_iter().flatten();
        burns.fold(f64::INFINITY, f64::min) / row.rule.factor
    };
    let nearest = verdict
        .rules
        .iter()
        .filter(|row| share(row).is_finite())
        .max_by(|a, b| share(a).total_cmp(&share(b)))?;
    let burns = [nearest.long, nearest.short].into_iter().flatten();
    let least = burns.fold(f64::INFINITY, f64::min);
    Some(format!(
        "no rule fires; the closest is the {} rule of {} and {}, at {}x of {}x",
        nearest.rule.severity.word(),
        nearest.rule.long,
        nearest.rule.short,
        number(least),
        number(nearest.rule.factor)
    ))
}

/// What of the numbers is an estimate, or differs from what a reader may expect, and why.
pub fn estimates(explained: &Explanation) -> Vec<String> {
    let seen = &explained.seen;
    let mut told = Vec::new();
    if let Some(coverage) = seen.shortfall() {
        told.push(format!(
            "the period asks for {}, the oldest sample is {} old: its ratio and the budget left \
             are an estimate, of those {} alone",
            lasting(coverage.wanted),
            lasting(coverage.data),
            lasting(coverage.data)
        ));
    }
    for (window, coverage) in short_windows(seen) {
        told.push(format!("window {window}, data {coverage}: an estimate"));
    }
    let caveats = seen.caveats();
    told.extend(caveats.map(|reason| reason.text.raw().to_owned()));
    if let Some(data) = &explained.data {
        told.extend(gaps(data));
    }
    if explained.never_failed {
        told.push(
            "no bad series exists, and 0 bad events are counted, as of a service that never failed; \
             `watchfire doctor` tells whether the selector is mistaken"
                .to_owned(),
        );
    }
    if has_fractions(seen) {
        told.push(
            "counts are extrapolated to the edges of a window, so they need not be whole; a \
             ratio of two of them is off by less"
                .to_owned(),
        );
    }
    if seen.slo.min_bad_events > 0.0 && counts_nothing(seen) {
        told.push(format!(
            "only ratios are known, so the low-traffic rule ({} bad events for a page) holds \
             nothing back",
            number(seen.slo.min_bad_events)
        ));
    }
    if !matches!(seen.slo.period, Period::Rolling(_))
        && matches!(
            seen.slo.origin,
            Origin::Config | Origin::Mapped | Origin::Suggested
        )
    {
        told.push(format!(
            "factors are scaled to {}, whatever the length of this {}, so that no alert changes \
             with the calendar",
            seen.slo.period.nominal(),
            seen.slo.period
        ));
    }
    if seen.partial {
        told.push("parts of the data did not answer, so any number may be too small".to_owned());
    }
    told.extend(older(seen));
    told.extend(difference(seen.slo.origin).map(str::to_owned));
    if explained
        .spans
        .iter()
        .any(|one| one.basis == Basis::Recorded)
    {
        told.push(
            "recorded numbers are as old as the last evaluation of their rule, not as the question"
                .to_owned(),
        );
    }
    told
}

/// The windows of the rules that reach further back than the data.
fn short_windows(seen: &Observation) -> Vec<(Window, String)> {
    let windows = seen.windows.keys();
    windows
        .filter_map(|window| {
            let coverage = seen.shortfall_of(window)?;
            Some((window, lasting(coverage.data)))
        })
        .collect()
}

fn gaps(data: &Data) -> Option<String> {
    let gap = data.gap?;
    Some(format!(
        "no sample for at least {} from {}: what happened then is guessed from the samples around it",
        lasting(gap.length()),
        gap.from
    ))
}

/// True where a count of events is no whole number.
fn has_fractions(seen: &Observation) -> bool {
    let samples = seen.windows.values().chain(seen.period);
    let mut events = samples.filter_map(|sample| sample.events);
    events.any(|events| events.total.fract() != 0.0 || events.bad.fract() != 0.0)
}

/// True when no window of a page rule knows its events.
fn counts_nothing(seen: &Observation) -> bool {
    let mut pages = seen.slo.rules.iter();
    let mut any = false;
    let all = pages.by_ref().all(|rule| {
        any |= rule.severity == Severity::Page;
        let long = seen.windows.get(rule.long);
        let is_bare = long.is_some_and(|one| one.events.is_none() && one.reading.ratio().is_some());
        rule.severity != Severity::Page || is_bare
    });
    any && all
}

/// The numbers that were measured a while before the observation.
fn older(seen: &Observation) -> Option<String> {
    let windows = seen.windows.iter();
    let named = windows.map(|(window, sample)| (window.to_string(), sample));
    let period = seen.period.map(|sample| ("the period".to_owned(), sample));
    let old: Vec<_> = named
        .chain(period)
        .filter(|(_, sample)| sample.reading != Reading::Unknown)
        .filter_map(|(name, sample)| {
            let age = window::age(sample.at, seen.at);
            (age.as_secs() >= 5).then(|| format!("{name} {} ago", lasting(age)))
        })
        .collect();
    (!old.is_empty()).then(|| {
        format!(
            "long windows move slowly and are measured less often: {}",
            old.join(", ")
        )
    })
}
