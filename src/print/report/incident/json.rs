//! A report on one incident for programs: `watchfire/incident-report/v1`.

use jiff::Timestamp;
use serde::Serialize;

use super::{IncidentPage, chart};
use crate::domain::{Incident, Release, Rule, SourceName};
use crate::insight::report::incident::{By, Change, Cost, Moment};
use crate::print::status::SuspectRow;
use crate::print::timeline::GapJson;
use crate::text::Untrusted;

/// A report on one incident as JSON; fields are added, never changed. An unknown value is null.
#[derive(Serialize)]
pub struct IncidentJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    timezone: String,
    slo: SloJson<'a>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset_earliest: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset_latest: Option<Timestamp>,
    detected: Option<MomentJson<'a>>,
    acknowledged: Option<MomentJson<'a>>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    mitigated: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    mitigated_earliest: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    mitigated_latest: Option<Timestamp>,
    recovered: Option<MomentJson<'a>>,
    to_detect_s: Option<i64>,
    to_acknowledge_s: Option<i64>,
    to_mitigate_s: Option<i64>,
    to_recover_s: Option<i64>,
    rule: Option<RuleJson>,
    whole: CostJson,
    burned: Option<CostJson>,
    period_coverage: Option<f64>,
    peak: Option<PeakJson>,
    suspects: Vec<SuspectRow<'a>>,
    rollback: Option<RollbackJson<'a>>,
    incidents: Vec<IncidentRow<'a>>,
    releases: Vec<ReleaseRow<'a>>,
    notes: Vec<NoteJson<'a>>,
    course: Vec<PointJson>,
    chart: String,
    blind: Vec<GapJson<'a>>,
    unknown: &'a [String],
}

#[derive(Serialize)]
struct SloJson<'a> {
    id: &'a Untrusted,
    service: &'a Untrusted,
    source: &'a str,
    objective: f64,
    period: String,
}

#[derive(Serialize)]
struct MomentJson<'a> {
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    by: &'static str,
    source: Option<&'a str>,
    id: Option<&'a Untrusted>,
    who: &'a [Untrusted],
}

/// The alert rule, with the times at which it fired first, and from which none of its severity fired.
#[derive(Serialize)]
struct RuleJson {
    severity: &'static str,
    long: String,
    short: String,
    factor: f64,
    #[serde(serialize_with = "crate::print::seconds")]
    fired: Timestamp,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    cleared: Option<Timestamp>,
}

#[derive(Serialize)]
struct CostJson {
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    bad: Option<f64>,
    total: Option<f64>,
    error_ratio: Option<f64>,
    burn_rate: Option<f64>,
    budget_spent: Option<f64>,
    coverage: f64,
    estimate: bool,
}

#[derive(Serialize)]
struct PeakJson {
    burn_rate: f64,
    window: String,
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
}

#[derive(Serialize)]
struct RollbackJson<'a> {
    release: Option<&'a Untrusted>,
    version: &'a Untrusted,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    at: Option<Timestamp>,
    takes_back: &'a [Untrusted],
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    id: &'a Untrusted,
    source: &'a str,
    title: &'a Untrusted,
    severity: &'static str,
    status: &'static str,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    opened_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: &'a [Untrusted],
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    resolved_at: Option<Timestamp>,
    url: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct ReleaseRow<'a> {
    id: &'a Untrusted,
    source: &'a str,
    version: &'a Untrusted,
    status: &'static str,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    finished_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct NoteJson<'a> {
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    text: &'a Untrusted,
}

#[derive(Serialize)]
struct PointJson {
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    burn_rate: Option<f64>,
}

impl<'a> IncidentJson<'a> {
    /// The page as JSON.
    pub fn new(page: &'a IncidentPage<'a>) -> Self {
        let report = page.report;
        let burn = &report.burn;
        let earliest = |change: Option<Change>| change.map(|one| one.earliest);
        let latest = |change: Option<Change>| change.map(|one| one.latest);
        let at = |change: Option<Change>| change.map(|one| one.at);
        let [detect, acknowledge, mitigate, recover] = page
            .lengths()
            .map(|(_, length)| length.map(|one| one.as_secs()));
        let fired = burn.fired;
        Self {
            schema: "watchfire/incident-report/v1",
            generated_at: page.heading.now,
            from: page.heading.from,
            until: page.heading.until,
            timezone: page.heading.zone_name(),
            slo: slo(page),
            onset: at(burn.onset),
            onset_earliest: earliest(burn.onset),
            onset_latest: latest(burn.onset),
            detected: report.detected.as_ref().map(MomentJson::from),
            acknowledged: report.acknowledged.as_ref().map(MomentJson::from),
            mitigated: at(burn.mitigated),
            mitigated_earliest: earliest(burn.mitigated),
            mitigated_latest: latest(burn.mitigated),
            recovered: report.recovered.as_ref().map(MomentJson::from),
            to_detect_s: detect,
            to_acknowledge_s: acknowledge,
            to_mitigate_s: mitigate,
            to_recover_s: recover,
            rule: fired.map(|fired| rule(fired.rule, fired.at, burn.cleared)),
            whole: cost(page, &report.whole),
            burned: report.burned.map(|burned| cost(page, &burned)),
            period_coverage: report.period_coverage,
            peak: burn.peak.map(|peak| PeakJson {
                burn_rate: peak.burn,
                window: peak.window.to_string(),
                at: peak.at,
            }),
            suspects: report.suspects.iter().map(SuspectRow::of).collect(),
            rollback: report.rollback.as_ref().map(|back| RollbackJson {
                release: back.release.as_ref(),
                version: &back.version,
                at: back.at,
                takes_back: &back.takes_back,
            }),
            incidents: report
                .incidents
                .iter()
                .map(|row| incident(row.0, row.1))
                .collect(),
            releases: report
                .releases
                .iter()
                .map(|row| release(row.0, row.1))
                .collect(),
            notes: page
                .notes
                .iter()
                .map(|(event, text)| NoteJson { at: event.at, text })
                .collect(),
            course: burn
                .course
                .iter()
                .map(|point| PointJson {
                    at: point.at,
                    burn_rate: point.burn,
                })
                .collect(),
            chart: chart::burn(page),
            blind: page.blind.iter().map(GapJson::from).collect(),
            unknown: &page.unknown,
        }
    }
}

fn slo<'a>(page: &IncidentPage<'a>) -> SloJson<'a> {
    SloJson {
        id: &page.measured.id,
        service: &page.measured.service,
        source: page.measured.source.as_str(),
        objective: page.slo.objective,
        period: page.slo.period.to_string(),
    }
}

fn rule(rule: Rule, fired: Timestamp, cleared: Option<Timestamp>) -> RuleJson {
    RuleJson {
        severity: rule.severity.word(),
        long: rule.long.to_string(),
        short: rule.short.to_string(),
        factor: rule.factor,
        fired,
        cleared,
    }
}

/// Events are null where only their share is known, and where nothing is.
fn cost(page: &IncidentPage<'_>, cost: &Cost) -> CostJson {
    let is_counted = page.measured.past.as_ref().is_ok_and(|past| past.counted);
    let events = (is_counted && cost.tally.known > 0).then_some(cost.tally.events);
    CostJson {
        from: cost.from,
        until: cost.until,
        bad: events.map(|events| events.bad),
        total: events.map(|events| events.total),
        error_ratio: cost.tally.ratio(),
        burn_rate: cost.of_time,
        budget_spent: cost.of_period,
        coverage: cost.tally.coverage(),
        estimate: cost.is_estimate(),
    }
}

fn incident<'a>(source: &'a SourceName, row: &'a Incident) -> IncidentRow<'a> {
    IncidentRow {
        id: &row.id,
        source: source.as_str(),
        title: &row.title,
        severity: row.severity.word(),
        status: row.status.word(),
        opened_at: row.opened_at,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: &row.acknowledged_by,
        resolved_at: row.resolved_at,
        url: row.url.as_ref(),
    }
}

fn release<'a>(source: &'a SourceName, row: &'a Release) -> ReleaseRow<'a> {
    ReleaseRow {
        id: &row.id,
        source: source.as_str(),
        version: &row.version,
        status: row.status.word(),
        finished_at: row.finished_at,
    }
}

impl<'a> From<&'a Moment> for MomentJson<'a> {
    fn from(moment: &'a Moment) -> Self {
        let (by, source, id) = match &moment.by {
            By::Incident { source, id } => ("incident", Some(source.as_str()), Some(id)),
            By::Rule(_) => ("rule", None, None),
        };
        Self {
            at: moment.at,
            by,
            source,
            id,
            who: &moment.who,
        }
    }
}
