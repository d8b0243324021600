//! What is recorded of an SLO beside its windows: objective, budget, period, burn rates, and the
//! series that tells of it by labels.

use jiff::tz::TimeZone;

use super::file::Rule;
use super::{
    DEFINITION, INFO, MIN_BAD_EVENTS, PERIOD, RATIO, RULES, Recording, RuleLabels, WINDOW, ZONE,
};
use crate::domain::Period;
use crate::domain::slo::rounded;

/// Matches the constants of an SLO to what is recorded of its windows, as Sloth does.
const MATCH: &str = "/ on(sloth_id, sloth_slo, sloth_service) group_left\n";

/// The rules, in Sloth's order.
pub(super) fn rules(recording: &Recording) -> Vec<Rule> {
    let slo = &recording.slo;
    let record = |name: &str, expr: String| Rule::record(name, expr, recording.labels.clone());
    let budget = recording.selector("slo:error_budget:ratio");
    let burn = |window| {
        let ratio = recording.selector(&format!("{RATIO}{window}"));
        format!("{ratio}\n{MATCH}{budget}")
    };
    let constant = |value: f64| format!("vector({})", rounded(value));
    let days = f64::from(slo.period.nominal().seconds()) / 86_400.0;
    let shortest = recording.windows.first_key_value();
    let mut rules = vec![
        record("slo:objective:ratio", constant(slo.objective)),
        record("slo:error_budget:ratio", constant(1.0 - slo.objective)),
        record("slo:time_period:days", constant(days)),
    ];
    rules.extend(shortest.map(|(window, _)| record("slo:current_burn_rate:ratio", burn(*window))));
    if let Some(period) = recording.period() {
        let spent = recording.selector("slo:period_burn_rate:ratio");
        rules.extend([
            record("slo:period_burn_rate:ratio", burn(period)),
            record(
                "slo:period_error_budget_remaining:ratio",
                format!("1 - {spent}"),
            ),
        ]);
    }
    let mut info = recording.labels.clone();
    info.extend(told(recording));
    rules.push(Rule::record(INFO, "vector(1)".to_owned(), info));
    rules
}

/// All that a reader without the configuration has to know.
fn told(recording: &Recording) -> RuleLabels {
    let slo = &recording.slo;
    let rules = slo.rules.iter().map(|rule| {
        let severity = rule.severity.word();
        format!("{severity}:{}:{}:{}", rule.long, rule.short, rule.factor)
    });
    let mut told = vec![
        ("sloth_mode", "watchfire".to_owned()),
        (
            "sloth_objective",
            rounded(slo.objective * 100.0).to_string(),
        ),
        ("sloth_spec", "watchfire/v1".to_owned()),
        ("sloth_version", env!("CARGO_PKG_VERSION").to_owned()),
        (DEFINITION, recording.definition.clone()),
        (MIN_BAD_EVENTS, slo.min_bad_events.to_string()),
        (PERIOD, slo.period.to_string()),
        (RULES, rules.collect::<Vec<_>>().join(",")),
    ];
    if !matches!(slo.period, Period::Rolling(_)) {
        told.push((ZONE, zone(&slo.timezone)));
    }
    told.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The name of a zone; UTC for one without a name, which a local zone may be.
fn zone(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The labels that only tell windows and definitions apart: alerts do without them.
pub(super) fn without() -> String {
    format!("without ({WINDOW}, {DEFINITION})")
}
