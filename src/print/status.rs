//! `status`: everything known at one moment, as a table or as `watchfire/status/v1`.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use self::columns::{
    FITTED_SLO_COLUMNS, INCIDENT_COLUMNS, ON_CALL_COLUMNS, RELEASE_COLUMNS, SLO_COLUMNS,
    SOURCE_COLUMNS,
};
use self::slo::{SloRow, name_sources};
use super::table::{self, Column, Tone};
use crate::domain::slo::Verdict;
use crate::domain::{
    FaultKind, Freshness, Incident, IncidentStatus, OnCall, Release, ReleaseStatus, Severity,
    State, Suppression, window,
};
use crate::store::{Feed, Offers, Store};
use crate::text::{Shown, Untrusted};

mod columns;
mod machine;
mod slo;

pub(in crate::print) use self::slo::SuspectRow;
pub use super::table::Look;

/// Which rows a status shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Of these services alone; of all when there are none.
    pub services: &'a [String],
    /// These SLOs alone, by source and id there.
    pub slos: &'a [(String, Untrusted)],
}

impl Scope<'_> {
    fn has(self, service: &Untrusted) -> bool {
        self.services.is_empty() || self.services.iter().any(|one| service.raw() == one)
    }

    fn has_slo(self, feed: &Feed, id: &Untrusted) -> bool {
        let mut slos = self.slos.iter();
        self.slos.is_empty()
            || slos.any(|(source, known)| feed.name.as_str() == source && known == id)
    }
}

/// The rows of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// SLOs.
    Slos,
    /// Incidents.
    Incidents,
    /// Releases.
    Releases,
}

/// The answer of `status`; its JSON form is a contract: fields are added, never changed.
#[derive(Serialize)]
pub struct Status<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    /// The past moment that it speaks of, with `--at`.
    #[serde(serialize_with = "crate::print::maybe_seconds")]
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
    /// What was looked for to suggest SLOs from, where there are none.
    #[serde(skip)]
    nothing_suggested: Option<String>,
}

#[derive(Serialize)]
struct ReleaseRow<'a> {
    id: &'a Untrusted,
    service: Option<&'a Untrusted>,
    version: &'a Untrusted,
    environment: Option<&'a Untrusted>,
    status: ReleaseStatus,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    finished_at: Option<Timestamp>,
    actor: Option<&'a Untrusted>,
    commit: Option<&'a Untrusted>,
    url: Option<&'a Untrusted>,
    source: &'a str,
    #[serde(rename = "ref")]
    git_ref: Option<&'a Untrusted>,
    labels: &'a [Untrusted],
    /// Null where its source does not say.
    commits: Option<Vec<CommitRow<'a>>>,
    /// True when `commits` is the newest alone, and there may be more.
    head_only: bool,
}

#[derive(Serialize)]
struct CommitRow<'a> {
    sha: &'a Untrusted,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    committed_at: Option<Timestamp>,
    merge: bool,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    id: &'a Untrusted,
    title: &'a Untrusted,
    service: Option<&'a Untrusted>,
    severity: Severity,
    status: IncidentStatus,
    suppressed_by: Option<Suppression>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    opened_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    acknowledged_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    resolved_at: Option<Timestamp>,
    acknowledged_by: &'a [Untrusted],
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    silenced_until: Option<Timestamp>,
    silenced_by: &'a [Untrusted],
    assignees: &'a [Untrusted],
    teams: &'a [Untrusted],
    alerts: usize,
    /// Of one that is gone, when its source listed it last.
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    last_seen: Option<Timestamp>,
    url: Option<&'a Untrusted>,
    source: &'a str,
}

#[derive(Serialize)]
struct OnCallRow<'a> {
    schedule: &'a Untrusted,
    who: &'a Untrusted,
    /// When a shift that is to come begins; null for one that has begun.
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    from: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    until: Option<Timestamp>,
    level: Option<u32>,
    services: &'a [Untrusted],
    source: &'a str,
}

#[derive(Serialize)]
struct SourceRow<'a> {
    name: &'a str,
    kind: &'static str,
    freshness: Freshness,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    last_success: Option<Timestamp>,
    latency_ms: Option<i128>,
    fault: Option<&'a Untrusted>,
    /// The kind of the fault as a word for programs.
    fault_code: Option<&'static str>,
    warnings: &'a [Untrusted],
    /// True for a source that keeps no history: its rows are those of the journal.
    from_journal: bool,
}

fn said(text: &Untrusted) -> Option<&Untrusted> {
    (!text.is_empty()).then_some(text)
}

impl<'a> Status<'a> {
    /// Reads the store at `now`, within a scope.
    pub fn of(store: &'a Store, scope: Scope<'_>, at: Option<Timestamp>, now: Timestamp) -> Self {
        let concerns = |name: &Untrusted| scope.has(name);
        let mut slos: Vec<_> = store
            .slos()
            .filter(|(feed, row)| concerns(&row.slo.service) && scope.has_slo(feed, &row.slo.id()))
            .map(|(feed, row)| SloRow::of(feed, row, store.insights(), now))
            .collect();
        name_sources(&mut slos, &store.twins());
        slos.sort_by(|a, b| {
            let rank = |row: &SloRow<'_>| (row.state, row.phase);
            let left = |row: &SloRow<'_>| row.budget_remaining.unwrap_or(f64::INFINITY);
            rank(b)
                .cmp(&rank(a))
                .then_with(|| left(a).total_cmp(&left(b)))
                .then_with(|| a.id.cmp(&b.id))
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
            let rank = |row: &Incident| (row.is_open(), row.is_gone(), row.severity, row.opened_at);
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
            verdict: if knows_slos(store) {
                Verdict::of(slos.iter().filter_map(SloRow::counted_state), blind)
            } else {
                Verdict::of(incident_states(store, &incidents), blind)
            },
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
                .filter(|(_, row)| row.services.is_empty() || row.services.iter().any(concerns))
                .map(|(feed, row)| OnCallRow::of(feed, row))
                .collect(),
            sources: store
                .feeds()
                .iter()
                .map(|feed| SourceRow::of(feed, now))
                .collect(),
            unanswered: unanswered(store),
            nothing_suggested: store.nothing_suggested(),
        }
    }

    /// What a pipeline acts on.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// True when any SLO, release or incident is of a service.
    pub fn knows(&self, service: &str) -> bool {
        let is_it = |name: Option<&Untrusted>| name.is_some_and(|name| name.raw() == service);
        self.slos.iter().any(|row| is_it(Some(row.service)))
            || self.releases.iter().any(|row| is_it(row.service))
            || self.incidents.iter().any(|row| is_it(row.service))
    }

    /// Writes it for a person.
    pub fn table(&self, out: &mut impl Write, look: Look) -> io::Result<()> {
        let word = self.verdict.word().to_uppercase();
        let tone = match self.verdict {
            Verdict::Ok => Tone::Ok,
            Verdict::Ticket => Tone::Ticket,
            Verdict::Page => Tone::Page,
            Verdict::Unknown => Tone::Unknown,
        };
        let word = tone.paint(&word, look);
        match self.at {
            Some(at) => writeln!(out, "{word} at {at}")?,
            None => writeln!(out, "{word}")?,
        }
        writeln!(out)?;
        for rows in [Rows::Slos, Rows::Incidents, Rows::Releases] {
            self.list(rows, look, out)?;
        }
        if !self.on_call.is_empty() {
            let rows: Vec<_> = self.on_call.iter().map(OnCallRow::cells).collect();
            section(out, "", ON_CALL_COLUMNS, &rows, (look, &|_| Tone::Plain))?;
        }
        let rows: Vec<_> = self.sources.iter().map(SourceRow::cells).collect();
        let tone = |row: usize| match self.sources[row].freshness {
            Freshness::Live => Tone::Plain,
            Freshness::Late | Freshness::Stale | Freshness::Down => Tone::Unknown,
        };
        section(out, "no sources", SOURCE_COLUMNS, &rows, (look, &tone))
    }

    /// Writes the rows of one kind for a person, or none.
    pub fn list(&self, rows: Rows, look: Look, out: &mut impl Write) -> io::Result<()> {
        let now = self.generated_at;
        let is_fitted = look.width.is_some();
        match rows {
            Rows::Slos => {
                let cells = self.slos.iter().map(|row| {
                    if is_fitted {
                        row.fitted_cells()
                    } else {
                        row.cells()
                    }
                });
                let columns = if is_fitted {
                    FITTED_SLO_COLUMNS
                } else {
                    SLO_COLUMNS
                };
                let cells: Vec<_> = cells.collect();
                let mut none = none("SLOs", self.unanswered.slos);
                if let (Some(words), false) = (&self.nothing_suggested, self.unanswered.slos) {
                    none = format!("{none} yet: {words}");
                }
                let tone = |row: usize| state_tone(self.slos[row].state);
                section(out, &none, columns, &cells, (look, &tone))
            }
            Rows::Incidents => {
                let cells = self.incidents.iter().map(|row| row.cells(now));
                let cells: Vec<_> = cells.collect();
                let none = none("incidents", self.unanswered.incidents);
                let tone = |row: usize| self.incidents[row].tone();
                section(out, &none, INCIDENT_COLUMNS, &cells, (look, &tone))
            }
            Rows::Releases => {
                let cells = self.releases.iter().map(|row| row.cells(now));
                let cells: Vec<_> = cells.collect();
                let none = none("releases", self.unanswered.releases);
                let plain = |_| Tone::Plain;
                section(out, &none, RELEASE_COLUMNS, &cells, (look, &plain))
            }
        }
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::Page => Tone::Page,
        State::Ticket => Tone::Ticket,
        State::Ok => Tone::Ok,
        State::NoData | State::Unknown => Tone::Unknown,
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
        ..Offers::default()
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
    columns: &[Column],
    rows: &[Vec<Shown>],
    style: (Look, &dyn Fn(usize) -> Tone),
) -> io::Result<()> {
    if rows.is_empty() {
        writeln!(out, "{none}")?;
    } else {
        table::write(out, columns, rows, style)?;
    }
    writeln!(out)
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
            git_ref: row.carried.git_ref.as_ref(),
            labels: &row.carried.labels,
            commits: row.carried.commits.as_ref().map(|commits| {
                let commits = commits.iter().map(|one| CommitRow {
                    sha: &one.sha,
                    committed_at: one.committed_at,
                    merge: one.is_merge,
                });
                commits.collect()
            }),
            head_only: row.carried.is_head_only,
        }
    }

    fn cells(&self, now: Timestamp) -> Vec<Shown> {
        vec![
            table::name(self.version),
            name(self.service),
            name(self.environment),
            Shown::new(self.status.word()),
            age(self.started_at.or(self.finished_at), now),
            shown(self.actor),
        ]
    }
}

/// Whether any source is one of SLOs, or none is one of incidents either.
fn knows_slos(store: &Store) -> bool {
    let mut feeds = store.feeds().iter();
    let offers_slos = feeds.any(|feed| feed.offers.slos);
    offers_slos || !store.feeds().iter().any(|feed| feed.offers.incidents)
}

/// Without a source of SLOs the incidents are all there is: what notifies, and whether each source of
/// incidents has answered.
fn incident_states(store: &Store, incidents: &[(&Feed, &Incident)]) -> Vec<State> {
    let feeds = store.feeds().iter().filter(|feed| feed.offers.incidents);
    let answers = feeds.map(|feed| match feed.facts.incidents {
        Some(_) => State::Ok,
        None => State::Unknown,
    });
    let notify = |row: &Incident| {
        matches!(
            row.status,
            IncidentStatus::Triggered | IncidentStatus::Acknowledged
        )
    };
    let rows = incidents.iter().filter(|(_, row)| notify(row));
    let rows = rows.map(|(_, row)| match row.severity {
        Severity::Page => State::Page,
        Severity::Ticket => State::Ticket,
        Severity::Info => State::Ok,
    });
    answers.chain(rows).collect()
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
            acknowledged_by: &row.acknowledged_by,
            silenced_until: row.silenced_until,
            silenced_by: &row.silenced_by,
            assignees: &row.assignees,
            teams: &row.teams,
            alerts: row.alerts,
            last_seen: row.gone.map(|gone| gone.last_seen),
            url: row.url.as_ref(),
            source: feed.name.as_str(),
        }
    }

    /// By its severity; of one that is over or silenced nothing.
    fn tone(&self) -> Tone {
        match (self.status, self.severity) {
            (IncidentStatus::Gone, _) => Tone::Unknown,
            (IncidentStatus::Resolved | IncidentStatus::Silenced, _) | (_, Severity::Info) => {
                Tone::Plain
            }
            (_, Severity::Page) => Tone::Page,
            (_, Severity::Ticket) => Tone::Ticket,
        }
    }

    fn cells(&self, now: Timestamp) -> Vec<Shown> {
        let status = self
            .suppressed_by
            .map_or(self.status.word(), Suppression::word);
        vec![
            table::name(self.title),
            Shown::new(self.severity.word()),
            Shown::new(status),
            name(self.service),
            began(self.opened_at, now),
            Shown::new(self.source),
        ]
    }
}

impl<'a> OnCallRow<'a> {
    fn of(feed: &'a Feed, row: &'a OnCall) -> Self {
        Self {
            schedule: &row.schedule,
            who: &row.who,
            from: row.from,
            until: row.until,
            level: row.level,
            services: &row.services,
            source: feed.name.as_str(),
        }
    }
}

impl OnCallRow<'_> {
    fn cells(&self) -> Vec<Shown> {
        let moment = |at: Option<Timestamp>, none: &str| {
            Shown::new(at.map_or_else(
                || none.to_owned(),
                |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ))
        };
        let level = self
            .level
            .map_or_else(|| "-".to_owned(), |level| level.to_string());
        vec![
            table::name(self.who),
            name(said(self.schedule)),
            Shown::new(level),
            moment(self.from, "now"),
            moment(self.until, "-"),
            Shown::new(self.source),
        ]
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
            fault_code: feed.fault.as_ref().map(|fault| fault.kind.word()),
            warnings: &feed.facts.warnings,
            from_journal: feed.recalled_at.is_some(),
        }
    }

    fn cells(&self) -> Vec<Shown> {
        let fault = self.fault.or(self.warnings.first());
        let fault = match fault {
            None if self.from_journal => Shown::new("from the journal"),
            fault => shown(fault),
        };
        vec![
            Shown::new(self.name),
            Shown::new(self.kind),
            Shown::new(self.freshness.word()),
            fault,
        ]
    }
}

/// A name that may be missing, as [`table::name`].
fn name(text: Option<&Untrusted>) -> Shown {
    text.map_or_else(|| Shown::new("-"), table::name)
}

fn shown(text: Option<&Untrusted>) -> Shown {
    text.map_or_else(|| Shown::new("-"), Untrusted::shown)
}

/// How long ago something began; `in 5m` when it is to begin.
fn began(then: Option<Timestamp>, now: Timestamp) -> Shown {
    match then.filter(|then| window::is_to_come(*then, now)) {
        Some(then) => Shown::new(format!("in {}", window::brief(now.duration_until(then)))),
        None => age(then, now),
    }
}

fn age(then: Option<Timestamp>, now: Timestamp) -> Shown {
    Shown::new(then.map_or("-".to_owned(), |then| window::brief(window::age(then, now))))
}
