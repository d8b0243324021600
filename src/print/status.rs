//! `status`: everything known at one moment, as a table or as `watchfire/status/v1`.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::table;
use crate::domain::slo::Verdict;
use crate::domain::{
    Assessment, Events, FaultKind, Freshness, Incident, IncidentStatus, Observation, OnCall,
    Origin, Phase, Reading, Release, ReleaseStatus, Severity, State, Suppression, Window, window,
};
use crate::store::{Feed, Offers, Store};
use crate::text::{Shown, Untrusted};

/// The answer of `status`; its JSON form is a contract: fields are added, never changed.
#[derive(Serialize)]
pub struct Status<'a> {
    schema: &'static str,
    generated_at: Timestamp,
    /// The past moment that it speaks of, with `--at`.
    at: Option<Timestamp>,
    verdict: Verdict,
    slos: Vec<SloRow<'a>>,
    releases: Vec<ReleaseRow<'a>>,
    incidents: Vec<IncidentRow<'a>>,
    on_call: Vec<OnCallRow<'a>>,
    sources: Vec<SourceRow<'a>>,
    /// What some source could speak of and has not: then an empty list is not "none".
    #[serde(skip)]
    unanswered: Offers,
}

#[derive(Serialize)]
struct SloRow<'a> {
    id: Untrusted,
    service: &'a Untrusted,
    name: &'a Untrusted,
    source: &'a str,
    origin: Origin,
    objective: f64,
    period: String,
    state: State,
    phase: Option<Phase>,
    stale: bool,
    partial: bool,
    observed_at: Option<Timestamp>,
    error_ratio: ByWindow<Option<f64>>,
    burn_rate: ByWindow<Option<f64>>,
    events: ByWindow<Option<Events>>,
    budget_remaining: Option<f64>,
    exhausted: Option<bool>,
    exhausts_in_s: Option<i64>,
    rules: Vec<RuleRow>,
    onset: Option<Timestamp>,
    suspects: [(); 0],
    notes: &'a [String],
}

#[derive(Serialize)]
struct RuleRow {
    severity: Severity,
    long: Window,
    short: Window,
    factor: f64,
    firing: Option<bool>,
}

#[derive(Serialize)]
struct ReleaseRow<'a> {
    id: &'a Untrusted,
    service: Option<&'a Untrusted>,
    version: &'a Untrusted,
    environment: Option<&'a Untrusted>,
    status: ReleaseStatus,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    actor: Option<&'a Untrusted>,
    commit: Option<&'a Untrusted>,
    url: Option<&'a Untrusted>,
    source: &'a str,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    id: &'a Untrusted,
    title: &'a Untrusted,
    service: Option<&'a Untrusted>,
    severity: Severity,
    status: IncidentStatus,
    suppressed_by: Option<Suppression>,
    opened_at: Option<Timestamp>,
    acknowledged_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    assignees: &'a [Untrusted],
    alerts: usize,
    url: Option<&'a Untrusted>,
    source: &'a str,
}

#[derive(Serialize)]
struct OnCallRow<'a> {
    schedule: &'a Untrusted,
    who: &'a Untrusted,
    until: Option<Timestamp>,
    source: &'a str,
}

#[derive(Serialize)]
struct SourceRow<'a> {
    name: &'a str,
    kind: &'static str,
    freshness: Freshness,
    last_success: Option<Timestamp>,
    latency_ms: Option<i128>,
    fault: Option<&'a Untrusted>,
    warnings: &'a [Untrusted],
}

/// A JSON object whose keys are windows, shortest first, the period last.
struct ByWindow<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for ByWindow<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(window, value)| (window, value)))
    }
}

fn said(text: &Untrusted) -> Option<&Untrusted> {
    (!text.is_empty()).then_some(text)
}

impl<'a> Status<'a> {
    /// Reads the store at `now`, of one service or of all.
    pub fn of(
        store: &'a Store,
        service: Option<&str>,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let concerns = |name: &Untrusted| service.is_none_or(|service| name.raw() == service);
        let mut slos: Vec<_> = store
            .slos()
            .filter(|(_, row)| concerns(&row.slo.service))
            .map(|(feed, row)| SloRow::of(feed, row, now))
            .collect();
        slos.sort_by(|a, b| {
            let rank = |row: &SloRow<'_>| (row.state, row.phase);
            rank(b).cmp(&rank(a)).then_with(|| a.id.cmp(&b.id))
        });
        let mut releases: Vec<_> = store
            .releases()
            .filter(|(_, row)| concerns(&row.service))
            .collect();
        releases.sort_by_key(|(_, row)| std::cmp::Reverse(row.dated()));
        let mut incidents: Vec<_> = store
            .incidents()
            .filter(|(_, row)| concerns(&row.service))
            .collect();
        incidents.sort_by(|(_, a), (_, b)| {
            let rank = |row: &Incident| (row.is_open(), row.severity, row.opened_at);
            rank(b).cmp(&rank(a))
        });
        let blind = store.feeds().iter().any(|feed| {
            feed.fault
                .as_ref()
                .is_some_and(|fault| fault.kind != FaultKind::NoHistory)
        });
        Self {
            schema: "watchfire/status/v1",
            generated_at: now,
            at,
            verdict: Verdict::of(slos.iter().map(|row| row.state), blind),
            slos,
            releases: releases
                .into_iter()
                .map(|(feed, row)| ReleaseRow::of(feed, row))
                .collect(),
            incidents: incidents
                .into_iter()
                .map(|(feed, row)| IncidentRow::of(feed, row))
                .collect(),
            on_call: store
                .on_call()
                .map(|(feed, row)| OnCallRow::of(feed, row))
                .collect(),
            sources: store
                .feeds()
                .iter()
                .map(|feed| SourceRow::of(feed, now))
                .collect(),
            unanswered: unanswered(store),
        }
    }

    /// What a pipeline acts on.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// True when no SLO, release or incident is left to show.
    pub fn is_empty(&self) -> bool {
        self.slos.is_empty() && self.releases.is_empty() && self.incidents.is_empty()
    }

    /// Writes it for a person.
    pub fn table(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = self.verdict.word().to_uppercase();
        match self.at {
            Some(at) => writeln!(out, "{verdict} at {at}")?,
            None => writeln!(out, "{verdict}")?,
        }
        writeln!(out)?;
        let rows: Vec<_> = self.slos.iter().map(SloRow::cells).collect();
        let heading = [
            "STATE",
            "SERVICE",
            "SLO",
            "OBJECTIVE",
            "BURN",
            "BUDGET",
            "NOTE",
        ];
        let lack = none("SLOs", self.unanswered.slos);
        section(out, &lack, &heading, &rows)?;
        let rows: Vec<_> = self
            .incidents
            .iter()
            .map(|row| row.cells(self.generated_at))
            .collect();
        let heading = ["INCIDENT", "SEVERITY", "STATUS", "SERVICE", "AGE", "SOURCE"];
        let lack = none("incidents", self.unanswered.incidents);
        section(out, &lack, &heading, &rows)?;
        let rows: Vec<_> = self
            .releases
            .iter()
            .map(|row| row.cells(self.generated_at))
            .collect();
        let heading = ["RELEASE", "SERVICE", "ENVIRONMENT", "STATUS", "AGE", "BY"];
        let lack = none("releases", self.unanswered.releases);
        section(out, &lack, &heading, &rows)?;
        let rows: Vec<_> = self.sources.iter().map(SourceRow::cells).collect();
        section(
            out,
            "no sources",
            &["SOURCE", "KIND", "FRESHNESS", "FAULT"],
            &rows,
        )
    }
}

/// What some source offers and has never answered.
fn unanswered(store: &Store) -> Offers {
    let feeds = store.feeds();
    let any = |is_open: fn(&Feed) -> bool| feeds.iter().any(is_open);
    Offers {
        slos: any(|feed| feed.offers.slos && feed.facts.slos.is_none()),
        releases: any(|feed| feed.offers.releases && feed.facts.releases.is_none()),
        incidents: any(|feed| feed.offers.incidents && feed.facts.incidents.is_none()),
    }
}

/// What stands in place of rows.
fn none(what: &str, is_unanswered: bool) -> String {
    if is_unanswered {
        format!("{what} not known")
    } else {
        format!("no {what}")
    }
}

fn section(
    out: &mut impl Write,
    none: &str,
    heading: &[&str],
    rows: &[Vec<Shown>],
) -> io::Result<()> {
    if rows.is_empty() {
        writeln!(out, "{none}")?;
    } else {
        table::write(out, heading, rows)?;
    }
    writeln!(out)
}

impl<'a> SloRow<'a> {
    fn of(feed: &'a Feed, row: &'a Observation, now: Timestamp) -> Self {
        let slo = &row.slo;
        let assessment = row.assess();
        let stale = !feed.freshness(now).is_current();
        let period = slo.period.to_string();
        let period_reading = row.period.map_or(Reading::Unknown, |sample| sample.reading);
        let windows = slo.windows();
        let spread = |value: &dyn Fn(Window) -> Option<f64>, last: Option<f64>| {
            let values = windows
                .iter()
                .map(|&window| (window.to_string(), value(window)));
            ByWindow(values.chain([(period.clone(), last)]).collect())
        };
        let events = windows
            .iter()
            .map(|window| {
                (
                    window.to_string(),
                    row.windows.get(window).and_then(|s| s.events),
                )
            })
            .chain([(period.clone(), row.period.and_then(|sample| sample.events))])
            .collect();
        Self {
            id: slo.id(),
            service: &slo.service,
            name: &slo.name,
            source: slo.source.as_str(),
            origin: slo.origin,
            objective: slo.objective,
            state: if stale {
                State::Unknown
            } else {
                assessment.state
            },
            phase: assessment.phase.filter(|_| !stale),
            stale,
            partial: row.partial,
            observed_at: feed.last_success.map(|_| row.at),
            error_ratio: spread(
                &|window| row.reading(window).ratio(),
                period_reading.ratio(),
            ),
            burn_rate: spread(
                &|window| assessment.burn_rates.get(&window).copied().flatten(),
                assessment.period_burn,
            ),
            events: ByWindow(events),
            budget_remaining: assessment.budget_remaining,
            exhausted: assessment.exhausted(),
            exhausts_in_s: assessment.exhausts_in.map(|left| left.as_secs()),
            rules: rules(&assessment),
            onset: None,
            suspects: [],
            notes: &slo.notes,
            period,
        }
    }

    fn cells(&self) -> Vec<Shown> {
        let burns: Vec<_> = self
            .burn_rate
            .0
            .iter()
            .filter_map(|(window, burn)| burn.map(|burn| format!("{window} {burn:.1}x")))
            .collect();
        let budget = self
            .budget_remaining
            .map_or("-".into(), |left| format!("{:.1}%", left * 100.0));
        let note = match (self.exhausted, self.exhausts_in_s, self.phase) {
            (Some(true), ..) => "exhausted".to_owned(),
            (_, Some(left), Some(phase)) if phase != Phase::Calm => {
                let left = window::brief(jiff::SignedDuration::from_secs(left));
                format!("{}, gone in {left}", phase.word())
            }
            (_, _, Some(phase)) if phase != Phase::Calm => phase.word().to_owned(),
            _ => String::new(),
        };
        vec![
            Shown::new(self.state.word().to_uppercase().replace('_', " ")),
            self.service.shown(),
            self.name.shown(),
            Shown::new(percent(self.objective * 100.0)),
            Shown::new(if burns.is_empty() {
                "-".to_owned()
            } else {
                burns.join("  ")
            }),
            Shown::new(budget),
            Shown::new(note),
        ]
    }
}

/// A percentage with as many decimals as it needs, three at most.
fn percent(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

fn rules(assessment: &Assessment) -> Vec<RuleRow> {
    assessment
        .rules
        .iter()
        .map(|verdict| RuleRow {
            severity: verdict.rule.severity,
            long: verdict.rule.long,
            short: verdict.rule.short,
            factor: verdict.rule.factor,
            firing: verdict.firing,
        })
        .collect()
}

impl<'a> ReleaseRow<'a> {
    fn of(feed: &'a Feed, row: &'a Release) -> Self {
        Self {
            id: &row.id,
            service: said(&row.service),
            version: &row.version,
            environment: said(&row.environment),
            status: row.status,
            started_at: row.started_at,
            finished_at: row.finished_at,
            actor: row.actor.as_ref(),
            commit: row.commit.as_ref(),
            url: row.url.as_ref(),
            source: feed.name.as_str(),
        }
    }

    fn cells(&self, now: Timestamp) -> Vec<Shown> {
        vec![
            self.version.shown(),
            shown(self.service),
            shown(self.environment),
            Shown::new(self.status.word()),
            age(self.started_at.or(self.finished_at), now),
            shown(self.actor),
        ]
    }
}

impl<'a> IncidentRow<'a> {
    fn of(feed: &'a Feed, row: &'a Incident) -> Self {
        Self {
            id: &row.id,
            title: &row.title,
            service: said(&row.service),
            severity: row.severity,
            status: row.status,
            suppressed_by: row.suppression,
            opened_at: row.opened_at,
            acknowledged_at: row.acknowledged_at,
            resolved_at: row.resolved_at,
            assignees: &row.assignees,
            alerts: row.alerts,
            url: row.url.as_ref(),
            source: feed.name.as_str(),
        }
    }

    fn cells(&self, now: Timestamp) -> Vec<Shown> {
        let status = self
            .suppressed_by
            .map_or(self.status.word(), Suppression::word);
        vec![
            self.title.shown(),
            Shown::new(self.severity.word()),
            Shown::new(status),
            shown(self.service),
            age(self.opened_at, now),
            Shown::new(self.source),
        ]
    }
}

impl<'a> OnCallRow<'a> {
    fn of(feed: &'a Feed, row: &'a OnCall) -> Self {
        Self {
            schedule: &row.schedule,
            who: &row.who,
            until: row.until,
            source: feed.name.as_str(),
        }
    }
}

impl<'a> SourceRow<'a> {
    fn of(feed: &'a Feed, now: Timestamp) -> Self {
        Self {
            name: feed.name.as_str(),
            kind: feed.kind,
            freshness: feed.freshness(now),
            last_success: feed.last_success,
            latency_ms: feed.latency.map(|latency| latency.as_millis()),
            fault: feed.fault.as_ref().map(|fault| &fault.message),
            warnings: &feed.facts.warnings,
        }
    }

    fn cells(&self) -> Vec<Shown> {
        let fault = self.fault.or(self.warnings.first());
        vec![
            Shown::new(self.name),
            Shown::new(self.kind),
            Shown::new(self.freshness.word()),
            shown(fault),
        ]
    }
}

fn shown(text: Option<&Untrusted>) -> Shown {
    text.map_or_else(|| Shown::new("-"), Untrusted::shown)
}

fn age(then: Option<Timestamp>, now: Timestamp) -> Shown {
    Shown::new(then.map_or("-".to_owned(), |then| window::brief(window::age(then, now))))
}
