//! The sentences of a verdict on a release.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::{Firing, LeftOut, Rise, SloVerdict, Trial};
use crate::domain::Rule;
use crate::domain::window::brief;
use crate::insight::reason::percent;

/// A length of time in minutes and seconds: `15m`, `1h30m`, `45s`.
pub(super) fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (count, unit) in [(hours, "h"), (minutes, "m"), (rest, "s")] {
        // Seconds do not matter beside hours.
        if count > 0 && !(unit == "s" && hours > 0) {
            let _ = write!(text, "{count}{unit}");
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// A whole number in groups of three: `15,000`.
pub fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A burn rate: `22x`, `0.4x`.
pub(super) fn burn(rate: f64) -> String {
    if rate >= 10.0 {
        format!("{rate:.0}x")
    } else {
        format!("{rate:.1}x")
    }
}

/// A rule: `page rule 14.4x (1h and 5m)`.
pub(super) fn rule(rule: &Rule) -> String {
    let factor = format!("{:.1}", rule.factor);
    let factor = factor.trim_end_matches('0').trim_end_matches('.');
    format!("page rule {factor}x ({} and {})", rule.long, rule.short)
}

/// `errors 0.02% → 16%`, as far as both are known.
fn errors(verdict: &SloVerdict) -> String {
    let ratio = |measured: Option<super::Measured>| measured.and_then(|one| one.ratio);
    match (ratio(verdict.before), ratio(verdict.after)) {
        (Some(before), Some(after)) => {
            format!("errors {} → {}", percent(before), percent(after))
        }
        (None, Some(after)) => format!("errors {}", percent(after)),
        (_, None) => "no events".to_owned(),
    }
}

/// Why a release burns by a page rule.
pub(super) fn page_rule(verdict: &SloVerdict, firing: &Firing, after: SignedDuration) -> String {
    format!(
        "{} fires {} after the release, with the errors before it left out ({} and {}): {}",
        rule(&firing.rule),
        brief(after),
        burn(firing.long),
        burn(firing.short),
        errors(verdict)
    )
}

/// Why a release burns by a rise.
pub(super) fn rise(verdict: &SloVerdict) -> String {
    let rate = verdict.burn_rate.unwrap_or(0.0);
    format!(
        "{}, more than chance: the time since the release burns at {}",
        errors(verdict),
        burn(rate)
    )
}

/// Why a release is healthy.
pub(super) fn held(verdict: &SloVerdict, trial: &Trial) -> String {
    let rate = verdict.burn_rate.unwrap_or(0.0);
    format!(
        "{} over {}, burn rate {}",
        errors(verdict),
        length(trial.length()),
        burn(rate)
    )
}

/// Why a burn says nothing of the release.
pub(super) fn baseline_burned(verdict: &SloVerdict) -> String {
    let rate = |ratio: f64| burn(verdict.slo.burn_rate(ratio));
    let before = verdict.before.and_then(|before| before.ratio);
    format!(
        "it burns at {}, and it burned at {} before the release: whether the release changed that \
         cannot be told",
        burn(verdict.burn_rate.unwrap_or(0.0)),
        rate(before.unwrap_or(0.0))
    )
}

/// That the time before the release burned itself.
pub(super) fn burned_before(verdict: &SloVerdict) -> Option<String> {
    let ratio = verdict.before.and_then(|before| before.ratio)?;
    (verdict.before_left_out == Some(LeftOut::Burned)).then(|| {
        format!(
            "the time before the release burned itself ({}) and is not compared with",
            burn(verdict.slo.burn_rate(ratio))
        )
    })
}

/// Notes beside the verdict.
pub(super) fn notes(verdict: &SloVerdict) -> Vec<String> {
    let mut notes = Vec::new();
    match verdict.before_left_out {
        Some(LeftOut::Burned) => notes.extend(burned_before(verdict)),
        Some(LeftOut::NoData) => notes.push(
            "no events are known from before the release: judged by its page rules alone"
                .to_owned(),
        ),
        _ => {}
    }
    let left_out = match verdict.day_before_left_out {
        Some(LeftOut::NoData | LeftOut::NotAsked) => Some("its history is shorter"),
        Some(LeftOut::Gap) => Some("most of it is not known"),
        Some(LeftOut::Overlaps) => Some("the time is longer than a day"),
        Some(LeftOut::Failed) => Some("its source failed"),
        Some(LeftOut::Burned) | None => None,
    };
    if let Some(why) = left_out {
        notes.push(format!(
            "the same hour of the day before is left out: {why}"
        ));
    }
    notes.extend(rise_note(verdict));
    notes
}

/// A rise that decides nothing, and a burn that is no rise.
fn rise_note(verdict: &SloVerdict) -> Option<String> {
    let comparison = verdict.comparison?;
    let rate = burn(verdict.burn_rate?);
    if verdict.has_risen() {
        return None;
    }
    if !verdict.burns() {
        let words = format!("errors rose more than chance, within the budget: burn rate {rate}");
        return comparison.is_beyond_chance().then_some(words);
    }
    let whole = &comparison.whole;
    let is_none = |rise: Option<Rise>| !rise.is_some_and(Rise::is_beyond_chance);
    let why = if whole.before.is_none() {
        return None;
    } else if is_none(whole.before) || is_none(whole.hours_before) {
        "no more than chance after the time before the release"
    } else if whole.day_before.is_some() && is_none(whole.day_before) {
        "no more than at the same hour of the day before"
    } else {
        "one minute alone"
    };
    Some(format!("the time since the release burns at {rate}: {why}"))
}
