//! `report --slo`: one incident, as Markdown, as one page of HTML, or as `watchfire/incident-report/v1`.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::{Heading, NOTHING, Part, known, length, ours, percent, span};
use crate::domain::{Clock, Event, Rule, Slo};
use crate::insight::report::incident::{By, Change, Cost, IncidentReport, Moment, Rollback};
use crate::insight::report::{Gap, Measured};
use crate::insight::{SUSPICION, Suspect};
use crate::print::handoff::words;
use crate::text::Untrusted;

mod chart;
mod html;
mod json;

pub use html::html;
pub use json::IncidentJson;

/// Everything that a report on one incident shows.
#[derive(Clone, Debug)]
pub struct IncidentPage<'a> {
    /// The SLO.
    pub slo: &'a Slo,
    /// Its source and id.
    pub measured: &'a Measured,
    /// The incident.
    pub report: &'a IncidentReport<'a>,
    /// Notes on moments of the time.
    pub notes: &'a [(&'a Event, &'a Untrusted)],
    /// Times in which sources were blind.
    pub blind: &'a [Gap],
    /// Why something may be missing.
    pub unknown: Vec<String>,
    /// The time.
    pub heading: &'a Heading<'a>,
}

/// A row of a table: a name, a value, and its evidence.
struct Row {
    name: &'static str,
    value: String,
    by: Vec<Part>,
}

impl IncidentPage<'_> {
    fn clock(&self) -> Clock<'_> {
        Clock {
            zone: self.heading.zone,
            now: self.heading.until,
        }
    }

    /// The moments of the incident in their order.
    fn moments(&self) -> Vec<Row> {
        let report = self.report;
        let change = |name, change: Option<Change>| Row {
            name,
            value: known(change.map(|one| self.clock().full(one.at))),
            by: change.map_or_else(Vec::new, |one| vec![ours(self.between(one))]),
        };
        let moment = |name, moment: Option<&Moment>| Row {
            name,
            value: known(moment.map(|one| self.clock().full(one.at))),
            by: moment.map_or_else(Vec::new, evidence),
        };
        vec![
            change("onset", report.burn.onset),
            moment("detected", report.detected.as_ref()),
            moment("acknowledged", report.acknowledged.as_ref()),
            change("mitigated", report.burn.mitigated),
            moment("recovered", report.recovered.as_ref()),
        ]
    }

    fn between(&self, change: Change) -> String {
        if change.earliest == change.latest {
            return String::new();
        }
        let [earliest, latest] = [change.earliest, change.latest].map(|at| self.clock().second(at));
        format!("between {earliest} and {latest}")
    }

    /// The times between the moments.
    fn lengths(&self) -> [(&'static str, Option<SignedDuration>); 4] {
        let report = self.report;
        let at = |moment: &Option<Moment>| moment.as_ref().map(|one| one.at);
        [
            (
                "onset to detected",
                report.since_onset(at(&report.detected)),
            ),
            ("detected to acknowledged", report.to_acknowledge()),
            (
                "onset to mitigated",
                report.since_onset(report.burn.mitigated.map(|one| one.at)),
            ),
            (
                "onset to recovered",
                report.since_onset(at(&report.recovered)),
            ),
        ]
    }

    /// The cost of the incident.
    fn costs(&self) -> Vec<Row> {
        let report = self.report;
        let mut rows = Vec::new();
        let parts = [
            ("from onset to mitigation", report.burned),
            ("all of the time", Some(report.whole)),
        ];
        for (name, cost) in parts {
            let value = cost.map(|cost| self.cost(&cost));
            let by = cost.map_or_else(Vec::new, |cost| vec![ours(events(&cost))]);
            rows.push(Row {
                name,
                value: known(value),
                by,
            });
        }
        let peak = report.burn.peak;
        rows.push(Row {
            name: "peak burn rate",
            value: known(peak.map(|peak| format!("{}x", factor(peak.burn)))),
            by: peak.map_or_else(Vec::new, |peak| {
                let at = self.clock().second(peak.at);
                vec![ours(format!("{} window to {at}", peak.window))]
            }),
        });
        rows
    }

    /// The spent budget in words, of the period where it is known.
    fn cost(&self, cost: &Cost) -> String {
        let is_short = self.report.period_coverage.is_none_or(|share| share < 0.99);
        let mark = |is_estimate| if is_estimate { "~" } else { "" };
        match (cost.of_period, cost.of_time) {
            (Some(share), _) => format!(
                "{}{:.1} % of the budget of {}",
                mark(is_short || cost.is_estimate()),
                share * 100.0,
                self.slo.period
            ),
            (None, Some(burn)) => format!("{}{}x", mark(cost.is_estimate()), factor(burn)),
            (None, None) => NOTHING.to_owned(),
        }
    }

    /// The suspects in words.
    fn suspects(&self) -> Vec<Vec<Part>> {
        self.report.suspects.iter().map(suspect).collect()
    }

    fn rollback(&self) -> Option<Vec<Part>> {
        let back = self.report.rollback.as_ref()?;
        Some(self.rolled_back(back))
    }

    fn rolled_back(&self, back: &Rollback) -> Vec<Part> {
        let at = known(back.at.map(|at| self.clock().full(at)));
        let mut parts = vec![ours(format!("{at}: "))];
        match &back.release {
            Some(id) => {
                parts.push(Part::Foreign(back.version.clone()));
                parts.push(ours(" ("));
                parts.push(Part::Foreign(id.clone()));
                parts.push(ours(") took back "));
            }
            None => parts.push(ours("taken back by its source: ")),
        }
        parts.extend(super::ids(&back.takes_back));
        parts
    }
}

fn suspect(one: &Suspect) -> Vec<Part> {
    let word = if one.score >= SUSPICION {
        "suspect"
    } else {
        "weak"
    };
    vec![
        Part::Foreign(one.service.clone()),
        ours(" "),
        Part::Foreign(one.version.clone()),
        ours(" ("),
        Part::Foreign(one.release.clone()),
        ours(format!(", {word}, {:.2}): ", one.score)),
        Part::Foreign(one.reason.clone()),
    ]
}

/// The evidence of a moment.
fn evidence(moment: &Moment) -> Vec<Part> {
    let mut parts = match &moment.by {
        By::Incident { source, id } => vec![
            ours("incident "),
            Part::Foreign(id.clone()),
            ours(format!(" of {source}")),
        ],
        By::Rule(rule) => vec![ours(self::rule(rule))],
    };
    for (place, who) in moment.who.iter().enumerate() {
        parts.push(ours(if place == 0 { ", by " } else { ", " }));
        parts.push(Part::Foreign(who.clone()));
    }
    parts
}

fn rule(rule: &Rule) -> String {
    format!(
        "{} rule {}x over {} and {}",
        rule.severity.word(),
        factor(rule.factor),
        rule.long,
        rule.short
    )
}

/// A burn rate with at most one decimal.
fn factor(burn: f64) -> String {
    let text = format!("{burn:.1}");
    text.trim_end_matches(".0").to_owned()
}

fn events(cost: &Cost) -> String {
    let events = cost.tally.events;
    let ratio = cost
        .tally
        .ratio()
        .map(|ratio| format!(", {} bad", percent(ratio)));
    format!(
        "{:.0} of {:.0} events{}",
        events.bad,
        events.total,
        ratio.unwrap_or_default()
    )
}

fn lasted(length_of: Option<SignedDuration>) -> String {
    known(length_of.map(|one| length(one.as_secs_f64())))
}

fn line(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Ours(words) => words.clone(),
        Part::Foreign(text) => words::text(text),
    });
    texts.collect()
}

/// Writes a report on one incident for people, as Markdown.
///
/// # Errors
/// When it cannot be written.
pub fn markdown(out: &mut impl Write, page: &IncidentPage<'_>) -> io::Result<()> {
    let clock = page.clock();
    let heading = page.heading;
    let id = words::text(&page.measured.id);
    writeln!(
        out,
        "# Incident: {id}, {}\n",
        clock.period(heading.from, heading.until)
    )?;
    writeln!(
        out,
        "Objective {} over {}, measured by {}.\n",
        percent(page.slo.objective),
        page.slo.period,
        words::text(&page.measured.source.as_str().into())
    )?;
    writeln!(out, "| moment | when | evidence |\n|---|---|---|")?;
    for Row { name, value, by } in page.moments() {
        writeln!(out, "| {name} | {value} | {} |", line(&by))?;
    }
    writeln!(out, "\n| time | length |\n|---|---:|")?;
    for (name, length) in page.lengths() {
        writeln!(out, "| {name} | {} |", lasted(length))?;
    }
    writeln!(out, "\n| cost | | |\n|---|---:|---|")?;
    for Row { name, value, by } in page.costs() {
        writeln!(out, "| {name} | {value} | {} |", line(&by))?;
    }
    sections(out, page, &clock)
}

fn sections(out: &mut impl Write, page: &IncidentPage<'_>, clock: &Clock<'_>) -> io::Result<()> {
    let suspects = page.suspects();
    list(
        out,
        "Suspect releases",
        suspects.iter().map(|one| line(one)),
    )?;
    list(
        out,
        "Roll-back",
        page.rollback().iter().map(|one| line(one)),
    )?;
    let incidents = page.report.incidents.iter().map(|(source, row)| {
        format!(
            "{} {} ({}, {}): {}",
            dated(clock, row.opened_at),
            words::text(&row.title),
            words::text(&row.id),
            words::text(&source.as_str().into()),
            row.status.word()
        )
    });
    list(out, "Incidents", incidents)?;
    let releases = page.report.releases.iter().map(|(source, row)| {
        format!(
            "{} {} ({}, {}): {}",
            dated(clock, row.finished_at.or(row.started_at)),
            words::text(&row.version),
            words::text(&row.id),
            words::text(&source.as_str().into()),
            row.status.word()
        )
    });
    list(out, "Releases", releases)?;
    let notes = page.notes.iter();
    let notes =
        notes.map(|(event, text)| format!("{} {}", clock.full(event.at), words::text(text)));
    list(out, "Notes", notes)?;
    let gaps = page.blind.iter().map(|gap| blind(gap, clock, words::text));
    list(out, "Blind spots", gaps)?;
    let unknown = page.unknown.iter();
    list(
        out,
        "Not known",
        unknown.map(|why| words::text(&why.as_str().into())),
    )
}

fn blind(gap: &Gap, clock: &Clock<'_>, text: impl Fn(&Untrusted) -> String) -> String {
    format!(
        "{}: {} to {} ({})",
        text(&gap.source.as_str().into()),
        clock.full(gap.from),
        clock.full(gap.until),
        span(gap.from, gap.until)
    )
}

fn dated(clock: &Clock<'_>, at: Option<Timestamp>) -> String {
    known(at.map(|at| clock.full(at)))
}

/// A section with a list.
fn list(
    out: &mut impl Write,
    title: &str,
    rows: impl IntoIterator<Item = String>,
) -> io::Result<()> {
    let rows: Vec<_> = rows.into_iter().collect();
    writeln!(out, "\n## {title} ({})\n", rows.len())?;
    if rows.is_empty() {
        return writeln!(out, "None.");
    }
    for row in rows {
        writeln!(out, "- {row}")?;
    }
    Ok(())
}
