//! `report`: what SLOs attained and how services deliver, as Markdown, as one page of HTML, or as
//! `watchfire/report/v1`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::window;
use crate::insight::delivery::{self, Delivery, Failure, LeadTime};
use crate::insight::report::{Attained, OfService, Spent};
use crate::text::Untrusted;

mod chart;
mod html;
pub mod incident;
mod json;
mod markdown;
#[cfg(test)]
mod tests;

pub use html::html;
pub use json::ReportJson;
pub use markdown::markdown;

/// The time of a report.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Whose clocks it shows.
    pub zone: &'a TimeZone,
    /// When it was made.
    pub now: Timestamp,
}

impl Heading<'_> {
    /// The name of the zone.
    fn zone_name(&self) -> String {
        let name = self.zone.iana_name().map(str::to_owned);
        name.unwrap_or_else(|| {
            self.until
                .to_zoned(self.zone.clone())
                .strftime("%Z")
                .to_string()
        })
    }
}

/// Placeholder of an unknown value.
const NOTHING: &str = "–";
/// So many causes of a budget are listed.
const CAUSES: usize = 5;
/// So many ids are listed.
const IDS: usize = 12;

/// One measure in words: its value, and the rows behind it, ours and foreign texts apart.
struct Measure {
    name: &'static str,
    value: String,
    rows: Vec<Part>,
}

/// A part of a line.
enum Part {
    /// Our words.
    Ours(String),
    /// Somebody else's.
    Foreign(Untrusted),
}

fn ours(words: impl Into<String>) -> Part {
    Part::Ours(words.into())
}

/// The first of some ids in a row.
fn ids<'a>(ids: impl IntoIterator<Item = &'a Untrusted>) -> Vec<Part> {
    let ids: Vec<_> = ids.into_iter().collect();
    let mut parts = Vec::new();
    for (place, id) in ids.iter().take(IDS).enumerate() {
        if place > 0 {
            parts.push(ours(", "));
        }
        parts.push(Part::Foreign((*id).clone()));
    }
    if ids.len() > IDS {
        parts.push(ours(format!(" and {} more", ids.len() - IDS)));
    }
    parts
}

/// A share in percent, with as many decimals as are needed to tell it from 100 %.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let from_all = (100.0 - percent).abs();
    let decimals = match from_all {
        far if far >= 1.0 => 1,
        near if near >= 0.1 => 2,
        near if near >= 0.01 => 3,
        _ => 4,
    };
    let text = format!("{percent:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// A length of seconds in at most two units.
#[expect(clippy::cast_possible_truncation, reason = "seconds, far below 2^53")]
fn length(seconds: f64) -> String {
    let seconds = seconds.round() as i64;
    let (days, hours, minutes) = (
        seconds / 86_400,
        seconds % 86_400 / 3_600,
        seconds % 3_600 / 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| NOTHING.to_owned())
}

/// The five measures of a service.
fn measures(delivery: &Delivery) -> [Measure; 5] {
    [
        frequency(delivery),
        lead_time(delivery),
        change_fail_rate(delivery),
        recovery_time(delivery),
        rework_rate(delivery),
    ]
}

fn frequency(delivery: &Delivery) -> Measure {
    let often = delivery.deployments.as_ref();
    let mut rows = Vec::new();
    if let Some(often) = often {
        rows.push(ours(format!(
            "{} in all, on {}",
            often.ids.len(),
            days(often.days)
        )));
        if let Some(median) = often.median_days_per_week {
            rows.push(ours(format!(", {median} days in the median week")));
        }
        if !often.ids.is_empty() {
            rows.push(ours(": "));
            rows.extend(ids(&often.ids));
        }
        if !delivery.attempts.is_empty() {
            rows.push(ours("; failed before users saw it: "));
            rows.extend(ids(&delivery.attempts));
        }
    }
    Measure {
        name: "deployment frequency",
        value: known(often.map(|often| format!("{:.2} a day", often.per_day))),
        rows,
    }
}

fn days(days: usize) -> String {
    let ending = if days == 1 { "" } else { "s" };
    format!("{days} day{ending}")
}

fn lead_time(delivery: &Delivery) -> Measure {
    let lead = delivery.lead_time.as_ref();
    let seconds = lead.map(LeadTime::seconds).unwrap_or_default();
    let mut rows = Vec::new();
    if let Some(lead) = lead {
        let p90 = delivery::quantile(&seconds, 0.9);
        if let Some(p90) = p90 {
            rows.push(ours(format!("90 % within {}; ", length(p90))));
        }
        let commits = lead.commits.len();
        rows.push(ours(format!(
            "{commits} commit{}",
            if commits == 1 { "" } else { "s" }
        )));
        for (count, words) in [
            (lead.excluded, "excluded: dated after the deployment"),
            (lead.head_only, "deployments with the head commit only"),
            (lead.unknown, "deployments do not say their commits"),
        ] {
            if count > 0 {
                rows.push(ours(format!("; {count} {words}")));
            }
        }
    }
    Measure {
        name: "lead time for changes",
        value: known(delivery::median(&seconds).map(length)),
        rows,
    }
}

fn change_fail_rate(delivery: &Delivery) -> Measure {
    let fails = delivery.failures.as_ref();
    let mut rows = Vec::new();
    if let Some(fails) = fails {
        rows.push(ours(format!("{} of {}", fails.failed.len(), fails.of)));
        for (count, word) in [
            (fails.pending.len(), "pending"),
            (fails.unseen.len(), "unseen"),
        ] {
            if count > 0 {
                rows.push(ours(format!(", {count} {word}")));
            }
        }
        for (place, (id, by)) in fails.failed.iter().take(IDS).enumerate() {
            rows.push(ours(if place == 0 { ": " } else { ", " }));
            rows.push(Part::Foreign(id.clone()));
            rows.extend(blamed(by));
        }
        if fails.failed.len() > IDS {
            rows.push(ours(format!(" and {} more", fails.failed.len() - IDS)));
        }
    }
    let value = fails.and_then(|fails| delivery::rate(fails.failed.len(), fails.of));
    Measure {
        name: "change fail rate",
        value: known(value.map(percent)),
        rows,
    }
}

/// The evidence that a deployment failed, in brackets.
fn blamed(by: &[Failure]) -> Vec<Part> {
    let mut parts = Vec::new();
    for one in by {
        parts.push(ours(if parts.is_empty() { " (" } else { ", " }));
        match (one.rule, one.by.is_empty()) {
            (delivery::Rule::RolledBack, true) => parts.push(ours("rolled back")),
            (delivery::Rule::RolledBack, false) => {
                parts.push(ours("rolled back by "));
                parts.push(Part::Foreign(one.by.clone()));
            }
            (delivery::Rule::Burn, _) => {
                parts.push(ours("burn of "));
                parts.push(Part::Foreign(one.by.clone()));
            }
            (delivery::Rule::Named | delivery::Rule::Incident, _) => {
                parts.push(Part::Foreign(one.by.clone()));
            }
        }
    }
    if !parts.is_empty() {
        parts.push(ours(")"));
    }
    parts
}

fn recovery_time(delivery: &Delivery) -> Measure {
    let recovery = delivery.recovery.as_ref();
    let mut rows = Vec::new();
    if let Some(recovery) = recovery {
        let all = recovery.recovered.len() + recovery.open.len() + recovery.undated.len();
        if all > 0 {
            rows.push(ours(format!("{} of {all}", recovery.recovered.len())));
        }
        for (id, took) in recovery.recovered.iter().take(IDS) {
            rows.push(ours(", "));
            rows.push(Part::Foreign(id.clone()));
            rows.push(ours(format!(" {}", length(*took))));
        }
        for (id, age) in recovery.open.iter().take(IDS) {
            rows.push(ours("; "));
            rows.push(Part::Foreign(id.clone()));
            rows.push(ours(format!(" open for {}", length(*age))));
        }
        for id in recovery.undated.iter().take(IDS) {
            rows.push(ours("; "));
            rows.push(Part::Foreign(id.clone()));
            rows.push(ours(" is over, not known since when"));
        }
    }
    let median = recovery.and_then(|one| delivery::median(&one.seconds()));
    Measure {
        name: "failed deployment recovery time",
        value: known(median.map(length)),
        rows,
    }
}

fn rework_rate(delivery: &Delivery) -> Measure {
    let rework = delivery.rework.as_ref();
    let mut rows = Vec::new();
    if let Some(rework) = rework.filter(|rework| rework.of > 0) {
        rows.push(ours(format!("{} of {}", rework.ids.len(), rework.of)));
        if !rework.ids.is_empty() {
            rows.push(ours(": "));
            rows.extend(ids(&rework.ids));
        }
    }
    let value = rework.and_then(|rework| delivery::rate(rework.ids.len(), rework.of));
    Measure {
        name: "rework rate",
        value: known(value.map(percent)),
        rows,
    }
}

/// Effects of policies on the releases of a service: the time of freezes, and exceptions.
fn policies(one: &OfService) -> [Measure; 2] {
    let exceptions = one.exceptions.as_ref();
    let mut rows = Vec::new();
    for exception in exceptions.into_iter().flatten().take(IDS) {
        if !rows.is_empty() {
            rows.push(ours("; "));
        }
        rows.push(Part::Foreign(exception.clone()));
    }
    let frozen = one.frozen.map(|frozen| length(frozen.as_secs_f64()));
    [
        Measure {
            name: "releases frozen",
            value: known(frozen),
            rows: Vec::new(),
        },
        Measure {
            name: "exceptions",
            value: known(exceptions.map(|all| all.len().to_string())),
            rows,
        },
    ]
}

/// How an SLO did, in words.
fn attained(slo: &Attained) -> String {
    let mark = if slo.is_estimate { "~" } else { "" };
    known(
        slo.attainment()
            .map(|share| format!("{mark}{}", percent(share))),
    )
}

/// How much of the budget was spent.
fn spent(slo: &Attained) -> String {
    let mark = if slo.is_estimate { "~" } else { "" };
    known(
        slo.budget_spent()
            .map(|share| format!("{mark}{:.1} %", share * 100.0)),
    )
}

/// The causes of spent budget.
fn spent_on(slo: &Attained) -> Vec<Part> {
    let mut parts = Vec::new();
    for one in slo.spent_by.iter().take(CAUSES) {
        if !parts.is_empty() {
            parts.push(ours("; "));
        }
        parts.extend(cause(one));
    }
    if slo.spent_by.len() > CAUSES {
        parts.push(ours(format!("; {} more", slo.spent_by.len() - CAUSES)));
    }
    parts
}

fn cause(one: &Spent) -> Vec<Part> {
    let share = known(one.share.map(|share| format!("{:.1} %", share * 100.0)));
    vec![
        ours(format!("{share} {} ", one.cause.word())),
        Part::Foreign(if one.name.is_empty() {
            one.id.clone()
        } else {
            one.name.clone()
        }),
    ]
}

/// The name of a service with its team.
fn title(one: &OfService) -> Vec<Part> {
    let mut parts = vec![Part::Foreign(one.service.clone())];
    if let Some(team) = &one.team {
        parts.push(ours(", team "));
        parts.push(Part::Foreign(team.as_str().into()));
    }
    parts
}

/// How long a time is.
fn span(from: Timestamp, until: Timestamp) -> String {
    window::brief(from.duration_until(until))
}
