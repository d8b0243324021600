//! Page rules in steps of a minute, with or without the bad events before a release.

use std::ops::Range;

use super::minutes::Minutes;
use crate::domain::{Rule, Severity, Slo};

/// A page rule that fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Firing {
    /// Which.
    pub rule: Rule,
    /// Burn rate of its long window.
    pub long: f64,
    /// Burn rate of its short window.
    pub short: f64,
}

/// The page rule that fires at the end of the step before `end`, with bad events from the step `since` on.
/// Events before that are good ones; where they are not known, as many are taken as in the known steps,
/// so that no window becomes shorter.
pub(super) fn firing(slo: &Slo, minutes: &Minutes, end: usize, since: usize) -> Option<Firing> {
    let rules = slo.rules.iter();
    let mut pages = rules.filter(|rule| rule.severity == Severity::Page);
    pages.find_map(|&rule| {
        let burn = |window| burn(slo, minutes, window, since);
        let window = |window| end.saturating_sub(minutes.of_window(window))..end;
        let (long, bad) = burn(window(rule.long))?;
        let (short, _) = burn(window(rule.short))?;
        let is_above = rule.is_exceeded_by(long) && rule.is_exceeded_by(short);
        // Steps are measured apart, so 2.9 of 3 events are three.
        let is_enough = !minutes.counted || bad.round() >= slo.min_bad_events;
        (is_above && is_enough).then_some(Firing { rule, long, short })
    })
}

/// The burn rate of some steps, and their bad events; `None` without any event.
fn burn(slo: &Slo, minutes: &Minutes, steps: Range<usize>, since: usize) -> Option<(f64, f64)> {
    let since = since.clamp(steps.start, steps.end);
    let before = minutes.tally(steps.start..since);
    let after = minutes.tally(since..steps.end);
    let (bad, mut total) = (after.events.bad, before.events.total + after.events.total);
    if since == minutes.released {
        total += minutes.unseen_before(steps.start..since);
    }
    (total > 0.0).then(|| (slo.burn_rate((bad / total).min(1.0)), bad))
}
