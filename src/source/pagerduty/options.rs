//! What can be configured, and the mistakes in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::wire::{Incident, Named};
use crate::config::{Problem, SourceSettings, Step};
use crate::domain::Severity;
use crate::source::grade;

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
    priorities: BTreeMap<String, Severity>,
    #[serde(default)]
    urgencies: BTreeMap<String, Severity>,
}

impl Options {
    /// Refuses what can only be a slip.
    pub(super) fn check(&self, settings: &SourceSettings) -> Result<(), Problem> {
        for (key, words) in [("teams", &self.teams), ("services", &self.services)] {
            if let Some(at) = words.iter().position(|word| word.trim().is_empty()) {
                let mut problem = settings.problem(
                    key,
                    "is empty: write a name or an id as PagerDuty shows it, such as `PQ9K7I8`",
                );
                problem.path.push(Step::Index(at));
                return Err(problem);
            }
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
        let lower = |map: &BTreeMap<String, Severity>| {
            map.iter()
                .map(|(word, severity)| (word.to_lowercase(), *severity))
                .collect()
        };
        Severities {
            priorities: lower(&self.priorities),
            urgencies: lower(&self.urgencies),
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
    priorities: BTreeMap<String, Severity>,
    urgencies: BTreeMap<String, Severity>,
    /// The ids of the account's priorities, the most severe first.
    pub(super) ranked: Vec<String>,
}

impl Severities {
    /// What an incident is to us.
    pub(super) fn of(&self, row: &Incident) -> Severity {
        let priority = row
            .priority
            .as_ref()
            .and_then(|priority| self.priority(priority));
        priority.unwrap_or_else(|| self.urgency(row.urgency.as_deref().unwrap_or_default()))
    }

    /// True when only the account's order of priorities can tell.
    pub(super) fn needs_rank(&self, row: &Incident) -> bool {
        let priority = row.priority.as_ref();
        priority.is_some_and(|priority| self.priority(priority).is_none())
    }

    fn priority(&self, priority: &Named) -> Option<Severity> {
        let named = |name: &str| self.priorities.get(&name.to_lowercase()).copied();
        let rank = |id: &String| self.ranked.iter().position(|known| known == id);
        let by_number = || priority.names().find_map(grade::number);
        let by_rank = || priority.id.as_ref().and_then(rank).map(|rank| rank + 1);
        let by_place = || by_number().or_else(by_rank).map(grade::by_place);
        priority.names().find_map(named).or_else(by_place)
    }

    /// An urgency that nobody has told us of pages, so that it is seen.
    fn urgency(&self, urgency: &str) -> Severity {
        let urgency = urgency.to_lowercase();
        let known = self.urgencies.get(&urgency).copied();
        known.unwrap_or(match urgency.as_str() {
            "low" => Severity::Ticket,
            _ => Severity::Page,
        })
    }
}
