//! What an SLO's definition and numbers show to be weak, without asking anybody.

use super::{Observation, Reading, Reason, ReasonCode};
use crate::domain::explanation::number;
use crate::domain::{Finding, Grade, Severity};

/// Rules that can never fire, traffic too low to be judged, and windows that hold nothing.
pub fn weaknesses(seen: &Observation) -> Vec<Finding> {
    let mut found: Vec<_> = never_firing(seen).collect();
    found.extend(low_traffic(seen));
    found.extend(without_traffic(seen));
    found.extend(doubts(seen));
    found
}

/// The error ratio is 1 at most, so the burn rate is 1 / error budget at most.
fn never_firing(seen: &Observation) -> impl Iterator<Item = Finding> {
    let most = 1.0 / seen.slo.error_budget();
    let rules = seen.slo.rules.iter();
    rules
        .filter(move |rule| rule.factor >= most)
        .map(move |rule| {
            let what = format!(
                "its {} rule of {} and {} can never fire: it asks for {}x, and {}x is the most",
                rule.severity,
                rule.long,
                rule.short,
                number(rule.factor),
                number(most)
            );
            Finding::new(Grade::Warning, "rules", what)
                .because(format!(
                    "with an objective of {}%, an outage of everything burns {}x",
                    number(seen.slo.objective * 100.0),
                    number(most)
                ))
                .advise("give it rules of its own with lower factors")
        })
}

/// Where one bad event alone burns above the factor of a page, the SLO is judged by chance.
fn low_traffic(seen: &Observation) -> Option<Finding> {
    let pages = seen.slo.rules.iter();
    let rule = pages
        .filter(|rule| rule.severity == Severity::Page)
        .max_by_key(|rule| rule.long)?;
    let total = seen.windows.get(rule.long)?.events?.total;
    let alone = seen.slo.burn_rate(1.0 / total);
    if total <= 0.0 || alone <= rule.factor {
        return None;
    }
    let what = format!(
        "{} events in {}: one bad event alone burns {}x, above the factor of {}x",
        number(total.round()),
        rule.long,
        number(alone),
        number(rule.factor)
    );
    let floor = seen.slo.min_bad_events;
    let (grade, why) = if floor > 1.0 {
        let why = format!(
            "a page waits for {} bad events; tickets do not",
            number(floor)
        );
        (Grade::Note, why)
    } else {
        let why = "single failures page somebody".to_owned();
        (Grade::Warning, why)
    };
    Some(
        Finding::new(grade, "traffic", what)
            .because(why)
            .advise("a lower objective, longer windows, or synthetic traffic"),
    )
}

fn without_traffic(seen: &Observation) -> Option<Finding> {
    let mut windows = seen.windows.values().chain(seen.period).peekable();
    windows.peek()?;
    let is_silent = windows.all(|one| one.reading == Reading::NoTraffic);
    is_silent.then(|| {
        Finding::new(
            Grade::Warning,
            "traffic",
            "no window holds any event: every ratio is 0 of 0",
        )
        .because("an SLO without events is neither kept nor broken")
        .advise("check that the total counts what is served, or take the SLO out")
    })
}

/// Numbers that are known not to be what they seem, by the reasons that their source gave.
fn doubts(seen: &Observation) -> impl Iterator<Item = Finding> {
    let finding = |reason: &Reason| {
        let (grade, check) = match reason.code {
            ReasonCode::TooFewSamples => (Grade::Warning, "samples"),
            ReasonCode::Replicas | ReasonCode::PossibleReplicas => (Grade::Warning, "replicas"),
            ReasonCode::Uneven | ReasonCode::TargetsDown => (Grade::Warning, "targets"),
            ReasonCode::LowerBound => (Grade::Note, "series"),
            _ => return None,
        };
        Some(Finding::new(grade, check, reason.text.raw()))
    };
    seen.reasons.iter().filter_map(finding)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Events, Origin, Period, Sample, Slo, SourceName, Window};

    fn observed(objective: f64, reading: Reading, total: f64, floor: f64) -> Observation {
        let at = Timestamp::UNIX_EPOCH;
        let slo = Slo {
            min_bad_events: floor,
            ..Slo::new(
                "checkout",
                "availability",
                SourceName::new("prod"),
                objective,
                Period::Rolling(Window::days(30)),
                Origin::Config,
            )
        };
        let sample = Sample {
            reading,
            events: (total > 0.0).then_some(Events { bad: 0.0, total }),
            at,
        };
        Observation {
            windows: slo.windows().into_iter().map(|w| (w, sample)).collect(),
            period: Some(sample),
            ..Observation::unknown(Arc::new(slo), at)
        }
    }

    #[test]
    fn a_rule_that_asks_for_more_than_an_outage_burns_is_told_of() {
        let found = weaknesses(&observed(0.9, Reading::Ratio(0.0), 1e6, 3.0));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0]
                .what
                .raw()
                .contains("asks for 14.4x, and 10x is the most")
        );
        assert_eq!(
            weaknesses(&observed(0.99, Reading::Ratio(0.0), 1e6, 3.0)),
            []
        );
    }

    #[test]
    fn traffic_that_one_failure_decides_is_low() {
        let grade = |floor| {
            let found = weaknesses(&observed(0.999, Reading::Ratio(0.0), 60.0, floor));
            found.first().map(|finding| finding.grade)
        };
        assert_eq!(grade(3.0), Some(Grade::Note));
        assert_eq!(grade(0.0), Some(Grade::Warning));
    }

    #[test]
    fn an_slo_without_any_event_is_told_of() {
        let found = weaknesses(&observed(0.999, Reading::NoTraffic, 0.0, 3.0));
        assert!(found[0].what.raw().contains("0 of 0"), "{found:?}");
    }
}
