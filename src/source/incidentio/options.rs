//! What can be configured, and the mistakes in it.

use serde::Deserialize;

use super::wire::Incident;
use crate::config::{Problem, SourceSettings};
use crate::domain::Severity;
use crate::source::no_blanks;
use crate::source::severity::{self, Severities, UnknownSeverities};

/// incident.io's own API.
pub(super) const DEFAULT_URL: &str = "https://api.incident.io";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) services: Vec<String>,
    #[serde(default = "service_fields")]
    pub(super) service_fields: Vec<String>,
    #[serde(default)]
    severities: Severities,
    pub(super) resolved_status: Option<String>,
}

/// What accounts call the field that names the service.
fn service_fields() -> Vec<String> {
    [
        "Service",
        "Services",
        "Affected service",
        "Affected services",
    ]
    .map(str::to_owned)
    .to_vec()
}

impl Options {
    /// Refuses what can only be a slip.
    pub(super) fn check(&self, settings: &SourceSettings) -> Result<(), Problem> {
        let lists = [
            ("teams", &self.teams),
            ("services", &self.services),
            ("service_fields", &self.service_fields),
        ];
        for (key, words) in lists {
            no_blanks(
                settings,
                key,
                words,
                "is empty: write a name as incident.io shows it",
            )?;
        }
        Ok(())
    }

    /// The severity of an incident: by the name of its severity, else by its place among `ranks`, the
    /// ranks of all severities, the worst first.
    pub(super) fn severity(
        &self,
        row: &Incident,
        ranks: &[i64],
        unknown: &mut UnknownSeverities,
    ) -> Severity {
        let Some(severity) = &row.severity else {
            // Nobody has said yet how bad it is.
            return self.severities.own("").unwrap_or(Severity::Ticket);
        };
        let name = severity.name.as_deref().unwrap_or_default();
        if let Some(known) = self.severities.known(name) {
            return known;
        }
        let place = ranks.iter().position(|rank| Some(*rank) == severity.rank);
        match place {
            // The least of them pages nobody, however few there are.
            Some(place) if place > 0 && place + 1 == ranks.len() => Severity::Ticket,
            Some(place) => severity::by_place(place),
            None => self.severities.read(name, unknown),
        }
    }

    /// True when a service is watched.
    pub(super) fn has_service(&self, name: &str) -> bool {
        let is_named = |service: &String| service.eq_ignore_ascii_case(name);
        self.services.is_empty() || self.services.iter().any(is_named)
    }
}
