//! A report for programs: `watchfire/report/v1`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Number;

use super::Heading;
use crate::insight::delivery::{self, Delivery, Failure, Frequency, LeadTime, Recovery};
use crate::insight::report::{Attained, OfService, OfTeam, Report, Spent};
use crate::print::timeline::GapJson;
use crate::text::Untrusted;

/// Why the time of freezes is null.
const UNJUDGED: &str = "freeze time: what its policies look at is not known throughout";

/// A report as JSON; fields are added, never changed. What is not known is null.
#[derive(Serialize)]
pub struct ReportJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    timezone: String,
    services: Vec<ServiceJson<'a>>,
    teams: Vec<TeamJson<'a>>,
    blind: Vec<GapJson<'a>>,
}

#[derive(Serialize)]
struct TeamJson<'a> {
    team: &'a str,
    services: &'a [Untrusted],
    unknown: &'a [Untrusted],
    delivery: DeliveryJson<'a>,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    service: &'a Untrusted,
    team: Option<&'a str>,
    slos: Vec<SloJson<'a>>,
    delivery: DeliveryJson<'a>,
    /// How long releases of it were frozen by a policy.
    frozen_s: Option<i64>,
    /// The exceptions that were in force.
    exceptions: Option<&'a [Untrusted]>,
    /// Why something is null.
    unknown: Vec<&'a str>,
}

#[derive(Serialize)]
struct SloJson<'a> {
    id: &'a Untrusted,
    source: &'a str,
    objective: f64,
    attainment: Option<f64>,
    budget_spent: Option<f64>,
    spent_by: Vec<SpentJson<'a>>,
    bad: Option<f64>,
    total: Option<f64>,
    coverage: f64,
    estimate: bool,
    note: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct SpentJson<'a> {
    kind: &'static str,
    id: &'a Untrusted,
    name: &'a Untrusted,
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    share: Option<f64>,
}

#[derive(Serialize)]
struct DeliveryJson<'a> {
    deployments: Deployments<'a>,
    lead_time: Lead,
    change_fail_rate: FailRate<'a>,
    recovery_time: RecoveryTime<'a>,
    rework_rate: Rework<'a>,
    /// Releases that failed without anybody outside seeing it.
    attempts: Option<&'a [Untrusted]>,
}

#[derive(Serialize)]
struct Deployments<'a> {
    count: Option<usize>,
    per_day: Option<f64>,
    days: Option<usize>,
    ids: Option<&'a [Untrusted]>,
    weeks: Option<Vec<Week>>,
    median_days_per_week: Option<f64>,
}

#[derive(Serialize)]
struct Week {
    #[serde(rename = "week")]
    name: String,
    count: usize,
    days: usize,
    whole: bool,
}

#[derive(Serialize)]
struct Lead {
    median_s: Option<Number>,
    p90_s: Option<Number>,
    n: Option<usize>,
    excluded: Option<usize>,
    head_only: Option<usize>,
    unknown: Option<usize>,
}

#[derive(Serialize)]
struct FailRate<'a> {
    value: Option<f64>,
    failed: Option<usize>,
    of: Option<usize>,
    pending: Option<usize>,
    unseen: Option<usize>,
    ids: Option<Vec<&'a Untrusted>>,
    links: Option<Vec<Link<'a>>>,
}

#[derive(Serialize)]
struct Link<'a> {
    release: &'a Untrusted,
    rule: &'static str,
    by: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct RecoveryTime<'a> {
    median_s: Option<Number>,
    n: Option<usize>,
    open: Option<Vec<Open<'a>>>,
    undated: Option<&'a [Untrusted]>,
}

#[derive(Serialize)]
struct Open<'a> {
    id: &'a Untrusted,
    age_s: Number,
}

#[derive(Serialize)]
struct Rework<'a> {
    value: Option<f64>,
    count: Option<usize>,
    of: Option<usize>,
    ids: Option<&'a [Untrusted]>,
}

impl<'a> ReportJson<'a> {
    /// A report under its heading.
    pub fn new(report: &'a Report, heading: &Heading<'_>) -> Self {
        Self {
            schema: "watchfire/report/v1",
            generated_at: heading.now,
            from: heading.from,
            until: heading.until,
            timezone: heading.zone_name(),
            services: report.services.iter().map(ServiceJson::from).collect(),
            teams: report.teams.iter().map(TeamJson::from).collect(),
            blind: report.blind.iter().map(GapJson::from).collect(),
        }
    }
}

impl<'a> From<&'a OfTeam> for TeamJson<'a> {
    fn from(one: &'a OfTeam) -> Self {
        Self {
            team: &one.team,
            services: &one.services,
            unknown: &one.unknown,
            delivery: DeliveryJson::from(&one.delivery),
        }
    }
}

impl<'a> From<&'a OfService> for ServiceJson<'a> {
    fn from(one: &'a OfService) -> Self {
        Self {
            service: &one.service,
            team: one.team.as_deref(),
            slos: one.slos.iter().map(SloJson::from).collect(),
            delivery: DeliveryJson::from(&one.delivery),
            frozen_s: one.frozen.map(|frozen| frozen.as_secs()),
            exceptions: one.exceptions.as_deref(),
            unknown: one
                .unknown
                .iter()
                .map(String::as_str)
                .chain(one.frozen.is_none().then_some(UNJUDGED))
                .collect(),
        }
    }
}

impl<'a> From<&'a Attained> for SloJson<'a> {
    fn from(slo: &'a Attained) -> Self {
        Self {
            id: &slo.id,
            source: slo.source.as_str(),
            objective: slo.objective,
            attainment: slo.attainment(),
            budget_spent: slo.budget_spent(),
            spent_by: slo.spent_by.iter().map(SpentJson::from).collect(),
            bad: slo.events.map(|events| events.bad),
            total: slo.events.map(|events| events.total),
            coverage: slo.coverage,
            estimate: slo.is_estimate,
            note: slo.why.as_ref(),
        }
    }
}

impl<'a> From<&'a Spent> for SpentJson<'a> {
    fn from(spent: &'a Spent) -> Self {
        Self {
            kind: spent.cause.word(),
            id: &spent.id,
            name: &spent.name,
            from: spent.from,
            until: spent.until,
            share: spent.share,
        }
    }
}

impl<'a> From<&'a Delivery> for DeliveryJson<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        let often = delivery.deployments.as_ref();
        let fails = delivery.failures.as_ref();
        let rework = delivery.rework.as_ref();
        Self {
            deployments: Deployments::of(often),
            lead_time: Lead::of(delivery.lead_time.as_ref(), often),
            change_fail_rate: FailRate {
                value: fails.and_then(|one| delivery::rate(one.failed.len(), one.of)),
                failed: fails.map(|one| one.failed.len()),
                of: fails.map(|one| one.of),
                pending: fails.map(|one| one.pending.len()),
                unseen: fails.map(|one| one.unseen.len()),
                ids: fails.map(|one| one.failed.iter().map(|(id, _)| id).collect()),
                links: fails.map(|one| one.failed.iter().flat_map(links).collect()),
            },
            recovery_time: RecoveryTime::of(delivery.recovery.as_ref()),
            rework_rate: Rework {
                value: rework.and_then(|one| delivery::rate(one.ids.len(), one.of)),
                count: rework.map(|one| one.ids.len()),
                of: rework.map(|one| one.of),
                ids: rework.map(|one| &*one.ids),
            },
            attempts: often.map(|_| &*delivery.attempts),
        }
    }
}

fn links((release, failures): &(Untrusted, Vec<Failure>)) -> impl Iterator<Item = Link<'_>> {
    failures.iter().map(move |one| Link {
        release,
        rule: one.rule.word(),
        by: (!one.by.is_empty()).then_some(&one.by),
    })
}

impl<'a> Deployments<'a> {
    fn of(often: Option<&'a Frequency>) -> Self {
        let week = |week: &delivery::Week| Week {
            name: format!("{}-W{:02}", week.year, week.number),
            count: week.count,
            days: week.days,
            whole: week.is_whole,
        };
        Self {
            count: often.map(|one| one.ids.len()),
            per_day: often.map(|one| one.per_day),
            days: often.map(|one| one.days),
            ids: often.map(|one| &*one.ids),
            weeks: often.map(|one| one.weeks.iter().map(week).collect()),
            median_days_per_week: often.and_then(|one| one.median_days_per_week),
        }
    }
}

impl Lead {
    /// Where no deployment says what it carried, nothing is known of commits.
    fn of(lead: Option<&LeadTime>, often: Option<&Frequency>) -> Self {
        let says = |lead: &&LeadTime| {
            let deployments = often.map_or(0, |often| often.ids.len());
            lead.unknown == 0 || lead.unknown < deployments
        };
        let unknown = lead.map(|lead| lead.unknown);
        let lead = lead.filter(says);
        let seconds = lead.map(LeadTime::seconds).unwrap_or_default();
        Self {
            median_s: delivery::median(&seconds).and_then(number),
            p90_s: delivery::quantile(&seconds, 0.9).and_then(number),
            n: lead.map(|lead| lead.commits.len()),
            excluded: lead.map(|lead| lead.excluded),
            head_only: lead.map(|lead| lead.head_only),
            unknown,
        }
    }
}

impl<'a> RecoveryTime<'a> {
    fn of(recovery: Option<&'a Recovery>) -> Self {
        let open = |(id, age): &'a (Untrusted, f64)| {
            Some(Open {
                id,
                age_s: number(*age)?,
            })
        };
        Self {
            median_s: recovery
                .and_then(|one| delivery::median(&one.seconds()))
                .and_then(number),
            n: recovery.map(|one| one.recovered.len()),
            open: recovery.map(|one| one.open.iter().filter_map(open).collect()),
            undated: recovery.map(|one| &*one.undated),
        }
    }
}

/// A number without a fraction where it is whole.
#[expect(clippy::cast_possible_truncation, reason = "seconds, far below 2^53")]
fn number(value: f64) -> Option<Number> {
    let value = (value * 1e3).round() / 1e3;
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
