//! Pyrra: series `metric:burnrate5m{slo="…"}`, which are error ratios whatever their name says.
//!
//! Objective and factors come from its alert rules, else from its generic rules. Its windows are
//! those of 28 days scaled to the SLO's own and rounded to the minute, and its factors are 14, 7,
//! 2 and 1: pyrra-dev/pyrra, `slo/rules.go`, `Windows`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use self::rules::{Definition, Namesake, namesakes, records_ratio};
use super::grouped::{labels_of, of_group};
use super::promise::{settle_objective, settle_period};
use super::{Context, Found, Recorded, agree, fill_gaps, qualified, rates};
use crate::config::Part;
use crate::domain::{Origin, Period, Rule, Severity, Slo, Window};
use crate::source::prometheus::api::{Labels, Series};
use crate::source::prometheus::plan::{Doubt, Formula, Given, Plan, Ratio, Recorder, Span};
use crate::source::prometheus::promql;

mod rules;

pub(super) use self::rules::read_severity;

const RECORD: &str = ":burnrate";

/// Severity, long and short window in minutes for a period of 28 days, factor.
const TIERS: [(Severity, u64, u64, f64); 4] = [
    (Severity::Page, 60, 5, 14.0),
    (Severity::Page, 360, 30, 7.0),
    (Severity::Ticket, 1_440, 120, 2.0),
    (Severity::Ticket, 5_760, 360, 1.0),
];

pub(super) fn discover(series: &[Series], context: &Context<'_>, found: &mut Found) {
    let mut members: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for series in series {
        let is_pyrra = series.name.contains(RECORD) || series.name.starts_with("pyrra_");
        if let Some(slo) = series.labels.get("slo").filter(|_| is_pyrra) {
            members.entry(slo).or_default().push(series);
        }
    }
    let defined = context
        .rules
        .pyrra
        .iter()
        .filter(|(_, rules)| rules.iter().any(records_ratio))
        .map(|(slo, _)| slo.as_str());
    let names: BTreeSet<&str> = members.keys().copied().chain(defined).collect();
    for name in names {
        let rules = context.rules.pyrra.get(name).map_or(&[][..], Vec::as_slice);
        let members = members.get(name).map_or(&[][..], Vec::as_slice);
        let namesakes = namesakes(members, rules, &context.rules.groups);
        let all: Vec<_> = namesakes.iter().flat_map(|one| one.groups.keys()).collect();
        for one in &namesakes {
            match plans(name, one, &all, context) {
                Ok(plans) => found.plans.extend(plans),
                Err(lack) => found
                    .left_out
                    .push(format!("Pyrra's `{name}` is left out: {lack}")),
            }
        }
    }
}

/// Pyrra's tiers for a period, for when its alert rules are not to be seen.
fn tiers(period: Window) -> Arc<[Rule]> {
    let scaled = |minutes: u64| {
        let seconds =
            minutes * 60 * u64::from(period.seconds()) / u64::from(Window::days(28).seconds());
        Window::from_seconds((seconds + 30) / 60 * 60).unwrap_or(Window::minutes(1))
    };
    TIERS
        .iter()
        .map(|&(severity, long, short, factor)| Rule {
            severity,
            long: scaled(long),
            short: scaled(short),
            factor,
        })
        .collect()
}

fn plans(
    name: &str,
    namesake: &Namesake<'_>,
    all: &[&Labels],
    context: &Context<'_>,
) -> Result<Vec<Plan>, &'static str> {
    let definition = &namesake.definition;
    let recorder = definition.burn_rates.first_key_value();
    let by = recorder
        .map(|(_, query)| labels_of(query))
        .unwrap_or_default();
    let notes = "Pyrra's burnrate series are error ratios, not yet divided by the budget";
    let notes = Arc::new(vec![notes.to_owned()]);
    let plan = |(labels, recorded): (&Labels, &Vec<&Series>)| {
        let generic = Generic::of(namesake, labels);
        let Promised {
            objective,
            period,
            doubt,
        } = generic.promised(definition)?;
        let rules = if definition.rules.is_empty() {
            tiers(period)
        } else {
            definition.rules.as_slice().into()
        };
        let mut labels_of_service = context.service_labels.iter();
        let service = labels_of_service.find_map(|label| labels.get(label));
        let slo = Slo {
            rules,
            notes: Arc::clone(&notes),
            ..Slo::new(
                service.unwrap_or(name),
                qualified(name, labels, all, &by),
                context.source.clone(),
                objective,
                Period::Rolling(period),
                Origin::Pyrra,
            )
        };
        let availability = generic
            .availability()
            .filter(|_| namesake.groups.len() == 1);
        Ok(Plan {
            doubt,
            ..one(slo, labels, recorded, definition, availability)
        })
    };
    namesake.groups.iter().map(plan).collect()
}

/// The generic series of one SLO.
struct Generic<'a>(Vec<&'a Series>);

/// What is promised, and why it may be something else.
struct Promised {
    objective: f64,
    period: Window,
    doubt: Option<Doubt>,
}

impl<'a> Generic<'a> {
    /// Those that say nothing else than these labels do.
    fn of(namesake: &Namesake<'a>, labels: &Labels) -> Self {
        let all = namesake.generic.iter().copied();
        Self(all.filter(|one| agree(one.labels.iter(), labels)).collect())
    }

    fn values(&self, record: &str) -> impl Iterator<Item = f64> {
        let named = self.0.iter().filter(move |one| one.name == record);
        named.map(|one| one.value)
    }

    fn promised(&self, definition: &Definition<'_>) -> Result<Promised, &'static str> {
        let alerted = definition.objectives.iter().copied();
        let objective = settle_objective(self.values("pyrra_objective"), alerted)
            .ok_or("neither its alerts nor pyrra_objective tell the objective (--generic-rules)")?;
        let windows = self
            .values("pyrra_window")
            .filter_map(Window::from_seconds_f64);
        let of_rules = definition.period.map(|(_, window)| window);
        let recorded = settle_period(windows);
        // Where several are recorded, the one that its rules count over holds.
        let recorded = recorded.filter(|it| it.doubt.is_none() || of_rules.is_none());
        let period = recorded.or_else(|| settle_period(of_rules));
        let period = period.ok_or("its period is not recorded")?;
        let doubt = objective.doubt.or(period.doubt);
        Ok(Promised {
            objective: objective.value,
            period: period.value,
            doubt: doubt.or_else(|| definition.clash.clone()),
        })
    }

    fn availability(&self) -> Option<Given> {
        let mut all = self.0.iter().filter(|one| one.name == "pyrra_availability");
        match (all.next(), all.next()) {
            (Some(one), None) => Some(Given::recorded(one, true)),
            _ => None,
        }
    }
}

fn one(
    mut slo: Slo,
    labels: &Labels,
    recorded: &[&Series],
    definition: &Definition<'_>,
    availability: Option<Given>,
) -> Plan {
    let recorded = Recorded::of(recorded.iter().copied(), RECORD, false);
    let mut given = recorded.readings(&slo.windows());
    if let Some(availability) = availability {
        given.insert(Span::Period, availability);
    }
    let spans = slo
        .windows()
        .into_iter()
        .map(Span::Window)
        .chain([Span::Period]);
    let asked = fill_gaps(&given, spans, |span| match span {
        Span::Window(window) => rates(definition.burn_rates.get(&window)?, None),
        Span::Period => period_increases(definition, slo_label(labels)?),
    });
    let shortest = definition.burn_rates.first_key_value();
    if let Some((window, query)) = shortest {
        slo.queries.push((window.to_string(), (*query).into()));
    }
    Plan {
        slo: Arc::new(slo),
        zone: TimeZone::UTC,
        labels: labels.clone(),
        given,
        asked,
        trend: recorded.trend(),
        counted: shortest.and_then(|(_, query)| counted(definition, query, labels)),
        rule: shortest.map(|(_, query)| Recorder {
            query: (*query).to_owned(),
            success: false,
        }),
        doubt: None,
        recounted: false,
        absent_is_zero: false,
        silent: Vec::new(),
    }
}

/// The window of a record; `None` for what is no error ratio of Pyrra's.
pub(super) fn window(record: &str) -> Option<Window> {
    record.split_once(RECORD)?.1.parse().ok()
}

/// What the increases of the period count, whose samples are older than the records; `None` where
/// they are sums of records themselves.
fn counted(definition: &Definition<'_>, query: &str, labels: &Labels) -> Option<String> {
    if definition.period.is_none() || definition.is_summed {
        return None;
    }
    of_group(query, labels)
}

fn slo_label(labels: &Labels) -> Option<&str> {
    labels.get("slo")
}

/// The period's events, from the increases that Pyrra records for it.
fn period_increases(definition: &Definition<'_>, slo: &str) -> Option<Formula> {
    let (_, query) = definition.burn_rates.first_key_value()?;
    let (spelled, _) = definition.period?;
    let (bad, total) = promql::quotient(query)?;
    let recorded =
        |expr| promql::whichever_spelling(&promql::over_recorded_period(expr, spelled, slo));
    Some(Formula::Events(Ratio {
        part: Part::Bad(recorded(&bad)),
        total: recorded(&total),
        counts: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_scale_with_the_period_and_round_to_the_minute() {
        let windows = |days| {
            tiers(Window::days(days))
                .iter()
                .flat_map(|rule| [rule.short.to_string(), rule.long.to_string()])
                .collect::<Vec<_>>()
        };
        assert_eq!(
            windows(28),
            ["5m", "1h", "30m", "6h", "2h", "1d", "6h", "4d"]
        );
        assert_eq!(
            windows(30),
            [
                "5m", "1h4m", "32m", "6h26m", "2h9m", "1d1h43m", "6h26m", "4d6h51m"
            ]
        );
    }
}
