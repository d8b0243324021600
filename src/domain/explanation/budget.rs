//! The arithmetic of the error budget, spelled out with its numbers.

use super::super::{Assessment, Observation, Period};
use super::lasting;

/// A number with six significant digits and no zeros at the end.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0" } else { "not known" }.to_owned();
    }
    let magnitude = value.abs().log10().floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=15"
    )]
    let decimals = (5.0 - magnitude).clamp(0.0, 15.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return text.to_owned();
    }
    text
}

/// `1 - 0.00069 / (1 - 0.999) = 0.31`; `None` while the period's ratio is not known.
pub fn budget_left(seen: &Observation, verdict: &Assessment) -> Option<String> {
    let ratio = seen.period?.reading.ratio()?;
    let left = verdict.budget_remaining?;
    let objective = number(seen.slo.objective);
    Some(format!(
        "1 - {} / (1 - {objective}) = {}",
        number(ratio),
        number(left)
    ))
}

/// `0.31 x 2592000s / 18.4 = 43670s`: budget left × period / burn rate; or why there is no such time.
pub fn exhaustion(seen: &Observation, verdict: &Assessment) -> String {
    let slo = &seen.slo;
    let Some(left) = verdict.budget_remaining else {
        return "not known: the period's ratio is not".to_owned();
    };
    if left <= 0.0 {
        return "none: nothing of the budget is left".to_owned();
    }
    let Some(pace) = slo.pace_window() else {
        return "not known: no rule has a window to tell the pace by".to_owned();
    };
    let Some(burn) = verdict.burn_rates.get(&pace).copied().flatten() else {
        return format!("not known: the burn rate of {pace} is not");
    };
    match verdict.exhausts_in {
        Some(time) => format!(
            "{} x {}s / {} (burn of {pace}) = {}s",
            number(left),
            seen.period_length.as_secs(),
            number(burn),
            time.as_secs()
        ),
        None => format!("none: nothing burns over {pace}"),
    }
}

/// The time to exhaustion for a reader, with its formula. Below 1x of the shortest window there is
/// none, nor beyond the period: a fire that is out does not end the budget.
pub fn exhaustion_in_words(seen: &Observation, verdict: &Assessment) -> String {
    let Some(time) = verdict.exhausts_in else {
        return exhaustion(seen, verdict);
    };
    if seen.gone_in(verdict).is_some() {
        return format!("{}: {}", lasting(time), exhaustion(seen, verdict));
    }
    let short = seen.windows.keys().next();
    match (short, seen.short_burn()) {
        (Some(short), Some(burn)) if burn < 1.0 => {
            format!(
                "none at this rate: {short} burns {}x, below 1x",
                number(burn)
            )
        }
        (Some(short), None) => format!("not known: the burn rate of {short} is not"),
        _ => format!("none at this rate: the {} ends before", seen.slo.period),
    }
}

/// `(1 - 0.7 x 0.43) / (1 - 0.43) = 1.23`: the burn rate that ends a calendar period within budget.
pub fn held_rate(seen: &Observation, verdict: &Assessment) -> Option<String> {
    if matches!(seen.slo.period, Period::Rolling(_)) {
        return None;
    }
    let burn = verdict.period_burn?;
    let held = verdict.hold_burn_rate?;
    let passed = number(seen.period_elapsed.as_secs_f64() / seen.period_length.as_secs_f64());
    Some(format!(
        "(1 - {} x {passed}) / (1 - {passed}) = {}",
        number(burn),
        number(held)
    ))
}
