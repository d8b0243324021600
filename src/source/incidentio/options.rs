//! What can be configured, and the mistakes in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::wire::Incident;
use crate::config::{Problem, SourceSettings, Step};
use crate::domain::Severity;
use crate::source::grade;

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
    severities: BTreeMap<String, Severity>,
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
            if let Some(at) = words.iter().position(|word| word.trim().is_empty()) {
                let mut problem =
                    settings.problem(key, "is empty: write a name as incident.io shows it");
                problem.path.push(Step::Index(at));
                return Err(problem);
            }
        }
        Ok(())
    }

    /// How severe an incident is: by what its severity is called, else by its place among `ranks`, the
    /// ranks of all severities, the worst first.
    pub(super) fn severity(&self, row: &Incident, ranks: &[i64]) -> Severity {
        let Some(severity) = &row.severity else {
            // Nobody has said yet how bad it is.
            return Severity::Ticket;
        };
        let name = severity.name.as_deref().unwrap_or_default();
        let mut known = self.severities.iter();
        if let Some((_, severity)) = known.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return *severity;
        }
        if let Some(number) = grade::number(name) {
            return grade::by_place(number);
        }
        let place = ranks.iter().position(|rank| Some(*rank) == severity.rank);
        match place {
            // The least of them pages nobody, however few there are.
            Some(place) if place > 0 && place + 1 == ranks.len() => {
                grade::by_place(place + 1).min(Severity::Ticket)
            }
            Some(place) => grade::by_place(place + 1),
            None => Severity::from_label(name).max(Severity::Ticket),
        }
    }

    /// True when a service is watched.
    pub(super) fn has_service(&self, name: &str) -> bool {
        let is_named = |service: &String| service.eq_ignore_ascii_case(name);
        self.services.is_empty() || self.services.iter().any(is_named)
    }
}
