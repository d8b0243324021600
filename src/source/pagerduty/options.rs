//! What can be configured, and the mistakes in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::wire::{Incident, Named};
use crate::config::{Problem, SourceSettings};
use crate::domain::Severity;
use crate::source::no_blanks;
use crate::source::severity::{self, UnknownSeverities};

/// `PagerDuty`'s own API; that of accounts in Europe is `https://api.eu.pagerduty.com`.
pub(super) const DEFAULT_URL: &str = "https://api.pagerduty.com";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) services: Vec<String>,
    pub(super) user_email: Option<String>,
    #[serde(default)]
    severities: severity::Severities,
    #[serde(default)]
    priorities: BTreeMap<String, Severity>,
    #[serde(default)]
    urgencies: BTreeMap<String, Severity>,
}

impl Options {
    /// Refuses what can only be a slip.
    pub(super) fn check(&self, settings: &SourceSettings) -> Result<(), Problem> {
        for (key, words) in [("teams", &self.teams), ("services", &self.services)] {
            let message =
                "is empty: write a name or an id as PagerDuty shows it, such as `PQ9K7I8`";
            no_blanks(settings, key, words, message)?;
        }
        if let Some(email) = &self.user_email
            && !is_address(email)
        {
            return Err(settings.problem(
                "user_email",
                "is no address: write that of your user in PagerDuty, such as `mara@acme.example`",
            ));
        }
        Ok(())
    }

    /// How severe incidents are.
    pub(super) fn severities(&self) -> Severities {
        Severities {
            words: self.severities.clone(),
            priorities: self.priorities.clone().into(),
            urgencies: self.urgencies.clone().into(),
            ranked: Vec::new(),
        }
    }
}

/// True for what can stand in a `From` header.
pub(super) fn is_address(email: &str) -> bool {
    let is_plain = email.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && email
            .split_once('@')
            .is_some_and(|(who, host)| !who.is_empty() && !host.is_empty())
}

/// How severe an incident is: by its priority if it has one, else by its urgency.
#[derive(Debug)]
pub(super) struct Severities {
    /// The setting `severities`, of priorities and urgencies alike.
    words: severity::Severities,
    /// The settings of either alone, which count before.
    priorities: severity::Severities,
    urgencies: severity::Severities,
    /// The ids of the account's priorities, the most severe first.
    pub(super) ranked: Vec<String>,
}

impl Severities {
    /// The severity of an incident: by its priority, else by its urgency. A priority that nobody has
    /// mapped is noted, and is at least a ticket.
    pub(super) fn of(&self, row: &Incident, unknown: &mut UnknownSeverities) -> Severity {
        let urgency = || self.urgency(row.urgency.as_deref().unwrap_or_default());
        let Some(priority) = &row.priority else {
            return urgency();
        };
        self.priority(priority).unwrap_or_else(|| {
            let word = priority.names().next().unwrap_or_default();
            self.words.read(word, unknown).max(urgency())
        })
    }

    /// True when only the account's order of priorities can tell.
    pub(super) fn needs_rank(&self, row: &Incident) -> bool {
        let priority = row.priority.as_ref();
        priority.is_some_and(|priority| self.priority(priority).is_none())
    }

    /// By its names, else by its place in the account's order of priorities.
    fn priority(&self, priority: &Named) -> Option<Severity> {
        let own = |name: &str| self.priorities.own(name).or_else(|| self.words.own(name));
        let rank = |id: &String| self.ranked.iter().position(|known| known == id);
        let by_rank = || priority.id.as_ref().and_then(rank).map(severity::by_place);
        let named = priority.names().find_map(own);
        named
            .or_else(|| priority.names().find_map(Severity::from_word))
            .or_else(by_rank)
    }

    /// An urgency is `PagerDuty`'s own word: high pages, low is a ticket. An unknown one pages, so that
    /// it is seen.
    fn urgency(&self, urgency: &str) -> Severity {
        let own = self
            .urgencies
            .own(urgency)
            .or_else(|| self.words.own(urgency));
        own.unwrap_or_else(|| match urgency.to_lowercase().as_str() {
            "low" => Severity::Ticket,
            _ => Severity::Page,
        })
    }
}
