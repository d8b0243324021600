//! A status for programs other than readers of JSON: a monitoring plugin, a textfile collector, a
//! spreadsheet.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::columns::{INCIDENT_COLUMNS, RELEASE_COLUMNS, SLO_COLUMNS};
use super::{IncidentRow, ReleaseRow, Rows, SloRow, Status};
use crate::domain::{Severity, State};
use crate::print::json;
use crate::print::table::Column;
use crate::text::Shown;

/// The window whose burn rate tells most about what is at hand.
const HOUR: &str = "1h";

/// The rows of one kind, as `status` has them.
#[derive(Serialize)]
struct List<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    slos: Option<&'a [SloRow<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<&'a [IncidentRow<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<&'a [ReleaseRow<'a>]>,
}

impl Status<'_> {
    /// Writes one line and its performance data, as monitoring plugins do: the verdict, the worst SLO,
    /// the counts; for each SLO its burn rate over an hour and its budget.
    /// <https://www.monitoring-plugins.org/doc/guidelines.html>
    pub fn nagios(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = self.verdict.word().to_uppercase();
        let burning = |row: &&SloRow<'_>| matches!(row.state, State::Page | State::Ticket);
        let worst = self.slos.iter().find(burning).map(|row| {
            let burn = row.hour().map(|burn| format!(" {burn:.1}x"));
            format!(
                "{}{}{}, ",
                plugin_text(&row.id.shown()),
                burn.unwrap_or_default(),
                if row.is_suggested() {
                    " (suggested)"
                } else {
                    ""
                }
            )
        });
        let counts = STATES
            .map(|state| (self.count(state), state.word().replace('_', " ")))
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"));
        let counts: Vec<_> = counts.collect();
        let counts = if counts.is_empty() {
            "no SLOs".to_owned()
        } else {
            counts.join(" ")
        };
        let faults = self.sources.iter().filter_map(|source| {
            let fault = source.fault?.shown();
            Some(format!(", {}: {}", source.name, plugin_text(&fault)))
        });
        let faults: String = faults.collect();
        write!(
            out,
            "{verdict} - {}{counts}{faults} |",
            worst.unwrap_or_default()
        )?;
        for state in STATES {
            write!(out, " {}={};;;0", state.word(), self.count(state))?;
        }
        for row in &self.slos {
            let id = plugin_label(&row.id.shown());
            if let Some(burn) = row.hour() {
                write!(out, " '{id} burn {HOUR}'={burn:.3};;;0")?;
            }
            if let Some(left) = row.budget_remaining {
                write!(out, " '{id} budget'={:.2}%;;;;100", left * 100.0)?;
            }
        }
        writeln!(out)
    }

    /// Writes metrics in the text format of Prometheus.
    pub fn metrics(&self, out: &mut impl Write) -> io::Result<()> {
        let mut metrics = Metrics { out };
        metrics.head("watchfire_verdict", "1 for the verdict of all SLOs.")?;
        let verdict = [("verdict", self.verdict.word())];
        metrics.sample("watchfire_verdict", &verdict, 1.0)?;
        metrics.head("watchfire_slo_state", "1 for the state of an SLO.")?;
        for row in &self.slos {
            for state in STATES {
                let is = f64::from(u8::from(row.state == state));
                row.sample(
                    &mut metrics,
                    "watchfire_slo_state",
                    ("state", state.word()),
                    is,
                )?;
            }
        }
        let help =
            "Error ratio of a window over the objective's; 1 spends the budget in its period.";
        metrics.head("watchfire_slo_burn_rate", help)?;
        for row in &self.slos {
            for (window, burn) in &row.burn_rate.0 {
                if let Some(burn) = burn {
                    row.sample(
                        &mut metrics,
                        "watchfire_slo_burn_rate",
                        ("window", window),
                        *burn,
                    )?;
                }
            }
        }
        let help = "Share of the error budget that is left; negative when overspent.";
        metrics.head("watchfire_slo_budget_remaining_ratio", help)?;
        for row in &self.slos {
            if let Some(left) = row.budget_remaining {
                let labels = row.labels();
                metrics.sample(
                    "watchfire_slo_budget_remaining_ratio",
                    &as_strs(&labels),
                    left,
                )?;
            }
        }
        metrics.head("watchfire_incidents", "Incidents by severity and status.")?;
        for (severity, status, count) in self.incident_counts() {
            let labels = [("severity", severity.word()), ("status", status)];
            metrics.sample("watchfire_incidents", &labels, count)?;
        }
        metrics.head(
            "watchfire_source_live",
            "1 for a source whose newest answer is fresh.",
        )?;
        for source in &self.sources {
            let labels = [("source", source.name), ("kind", source.kind)];
            let is_live = source.freshness == crate::domain::Freshness::Live;
            metrics.sample(
                "watchfire_source_live",
                &labels,
                f64::from(u8::from(is_live)),
            )?;
        }
        metrics.head(
            "watchfire_generated_timestamp_seconds",
            "When this was written.",
        )?;
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let written = self.generated_at.as_second() as f64;
        metrics.sample("watchfire_generated_timestamp_seconds", &[], written)
    }

    /// Writes the rows of one kind with tabs between the columns, the id first, below a heading line.
    pub fn tsv(&self, rows: Rows, out: &mut impl Write) -> io::Result<()> {
        let (columns, cells) = self.rows(rows);
        let ids: Vec<_> = match rows {
            Rows::Slos => self.slos.iter().map(|row| row.id.shown()).collect(),
            Rows::Incidents => self.incidents.iter().map(|row| row.id.shown()).collect(),
            Rows::Releases => self.releases.iter().map(|row| row.id.shown()).collect(),
        };
        let heading: Vec<_> = columns
            .iter()
            .map(|(word, _)| word.to_lowercase())
            .collect();
        writeln!(out, "id\t{}", heading.join("\t"))?;
        for (id, row) in ids.iter().zip(cells) {
            let row: Vec<_> = std::iter::once(id)
                .chain(&row)
                .map(ToString::to_string)
                .collect();
            writeln!(out, "{}", row.join("\t"))?;
        }
        Ok(())
    }

    /// Writes the rows of one kind as JSON, as `status` has them.
    pub fn list_json(&self, rows: Rows, out: &mut impl Write) -> io::Result<()> {
        let mut list = List {
            schema: "watchfire/slos/v1",
            generated_at: self.generated_at,
            slos: None,
            incidents: None,
            releases: None,
        };
        match rows {
            Rows::Slos => list.slos = Some(&self.slos),
            Rows::Incidents => {
                list.schema = "watchfire/incidents/v1";
                list.incidents = Some(&self.incidents);
            }
            Rows::Releases => {
                list.schema = "watchfire/releases/v1";
                list.releases = Some(&self.releases);
            }
        }
        json(out, &list)
    }

    fn rows(&self, rows: Rows) -> (&'static [Column], Vec<Vec<Shown>>) {
        let now = self.generated_at;
        match rows {
            Rows::Slos => {
                let cells = self.slos.iter().map(SloRow::cells);
                (SLO_COLUMNS, cells.collect())
            }
            Rows::Incidents => {
                let cells = self.incidents.iter().map(|row| row.cells(now));
                (INCIDENT_COLUMNS, cells.collect())
            }
            Rows::Releases => {
                let cells = self.releases.iter().map(|row| row.cells(now));
                (RELEASE_COLUMNS, cells.collect())
            }
        }
    }

    fn count(&self, state: State) -> usize {
        self.slos.iter().filter(|row| row.state == state).count()
    }

    fn incident_counts(&self) -> Vec<(Severity, &'static str, f64)> {
        let mut counts: Vec<(Severity, &'static str, f64)> = Vec::new();
        for row in &self.incidents {
            let status = row.status.word();
            let mut known = counts.iter_mut();
            match known.find(|(severity, known, _)| (*severity, *known) == (row.severity, status)) {
                Some((_, _, count)) => *count += 1.0,
                None => counts.push((row.severity, status, 1.0)),
            }
        }
        counts
    }
}

/// All states, worst first.
const STATES: [State; 5] = [
    State::Page,
    State::Ticket,
    State::Ok,
    State::NoData,
    State::Unknown,
];

impl SloRow<'_> {
    /// The burn rate over an hour.
    fn hour(&self) -> Option<f64> {
        let mut windows = self.burn_rate.0.iter();
        windows.find(|(window, _)| window == HOUR)?.1
    }

    fn labels(&self) -> Vec<(&'static str, String)> {
        vec![
            ("service", self.service.shown().to_string()),
            ("slo", self.name.shown().to_string()),
            ("source", self.source.to_owned()),
        ]
    }

    fn sample<W: Write>(
        &self,
        metrics: &mut Metrics<'_, W>,
        name: &str,
        more: (&'static str, &str),
        value: f64,
    ) -> io::Result<()> {
        let mut labels = self.labels();
        labels.push((more.0, more.1.to_owned()));
        metrics.sample(name, &as_strs(&labels), value)
    }
}

fn as_strs<'a>(labels: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    labels
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// A text before the bar of a plugin's line.
fn plugin_text(text: &Shown) -> String {
    text.to_string().replace('|', "/")
}

/// A label of performance data, between its quotes: neither quotes nor `=` may be in it.
fn plugin_label(text: &Shown) -> String {
    plugin_text(text).replace(['\'', '='], "_")
}

/// The text format of Prometheus.
struct Metrics<'a, W> {
    out: &'a mut W,
}

impl<W: Write> Metrics<'_, W> {
    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) -> io::Result<()> {
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, value)| {
                let value = value
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                format!("{label}=\"{value}\"")
            })
            .collect();
        if labels.is_empty() {
            return writeln!(self.out, "{name} {value}");
        }
        writeln!(self.out, "{name}{{{}}} {value}", labels.join(","))
    }
}
