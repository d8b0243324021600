//! What a hand-over leaves for the next one, and what has changed since.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::objectives::NOTICEABLE;
use super::{Handoff, Objective, Open};
use crate::domain::{IncidentStatus, Severity, SourceName, State};
use crate::text::Untrusted;

/// What is kept of a hand-over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The moment that was handed over.
    pub until: Timestamp,
    /// What was open.
    #[serde(default)]
    pub open: Vec<Incident>,
    /// How the SLOs stood.
    #[serde(default)]
    pub slos: Vec<Slo>,
}

/// An incident that was open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    source: SourceName,
    id: Untrusted,
    title: Untrusted,
    service: Untrusted,
    severity: Severity,
    status: IncidentStatus,
    who: Vec<Untrusted>,
}

/// An SLO as it stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    source: SourceName,
    id: Untrusted,
    state: State,
    budget: Option<f64>,
    /// The moment the budget was evaluated for; files of before do not say.
    #[serde(default)]
    budget_at: Option<Timestamp>,
}

/// What has changed since the last hand-over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// When that was.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub at: Timestamp,
    /// Incidents that were not open then.
    pub new: Vec<Turned>,
    /// Incidents that were open then and are no more.
    pub gone: Vec<Turned>,
    /// Incidents and SLOs that stand otherwise.
    pub changed: Vec<Turned>,
    /// Budgets that are noticeably other than then.
    pub budgets: Vec<Moved>,
    /// What was open then and nobody can tell of now.
    pub unknown: Vec<Turned>,
}

/// A row that stands otherwise, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turned {
    /// Who tells of it.
    pub source: SourceName,
    /// Its id there.
    pub id: Untrusted,
    /// What it is called.
    pub title: Untrusted,
    /// Whom it concerns; empty when nobody says, and for an SLO.
    #[serde(serialize_with = "super::said")]
    pub service: Untrusted,
    /// How it stood; empty for a new one.
    #[serde(serialize_with = "super::said")]
    pub from: Untrusted,
    /// How it stands; empty for one that is gone.
    #[serde(serialize_with = "super::said")]
    pub to: Untrusted,
}

/// A budget that moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Who measures it.
    pub source: SourceName,
    /// Of which SLO.
    pub id: Untrusted,
    /// What was left, 1 for all of it.
    pub from: f64,
    /// What is left.
    pub to: f64,
}

impl Kept {
    /// What is kept of a hand-over.
    pub fn of(handoff: &Handoff) -> Self {
        let open = handoff.open.iter().map(|one| Incident {
            source: one.source.clone(),
            id: one.id.clone(),
            title: one.title.clone(),
            service: one.service.clone(),
            severity: one.severity,
            status: one.status,
            who: one.who.clone(),
        });
        let slos = handoff.slos.rows.iter().map(|one| Slo {
            source: one.source.clone(),
            id: one.id.clone(),
            state: one.state,
            budget: one.budget_remaining,
            budget_at: one.budget_at,
        });
        Self {
            until: handoff.until,
            open: open.collect(),
            slos: slos.collect(),
        }
    }
}

impl Kept {
    /// The budget of an SLO as it was told, with the moment it was evaluated for.
    pub fn budget(&self, source: &SourceName, slo: &Untrusted) -> Option<(Timestamp, f64)> {
        let mut slos = self.slos.iter();
        let one = slos.find(|one| one.source == *source && one.id == *slo)?;
        Some((one.budget_at?, one.budget?))
    }
}

impl Changes {
    /// What has changed from a hand-over to a later one.
    pub(super) fn between(last: &Kept, now: &Handoff) -> Self {
        let mut changes = Self {
            at: last.until,
            new: Vec::new(),
            gone: Vec::new(),
            changed: Vec::new(),
            budgets: Vec::new(),
            unknown: Vec::new(),
        };
        changes.incidents(last, now);
        changes.slos(last, now);
        changes
    }

    /// True when everything is as it was.
    pub fn is_empty(&self) -> bool {
        let lists = [&self.new, &self.gone, &self.changed, &self.unknown];
        lists.iter().all(|list| list.is_empty()) && self.budgets.is_empty()
    }

    fn incidents(&mut self, last: &Kept, now: &Handoff) {
        let open: HashMap<_, _> = now
            .open
            .iter()
            .map(|one| ((&one.source, &one.id), one))
            .collect();
        let gone: HashSet<_> = now.gone.iter().map(|one| (&one.source, &one.id)).collect();
        let told: HashSet<_> = now
            .sources
            .iter()
            .filter(|source| source.told.incidents)
            .map(|source| &source.name)
            .collect();
        for was in &last.open {
            let from = incident(was.status, &was.who);
            match open.get(&(&was.source, &was.id)) {
                Some(is) if incident(is.status, &is.who) == from => {}
                Some(is) => self
                    .changed
                    .push(was.turned(from, incident(is.status, &is.who))),
                None if gone.contains(&(&was.source, &was.id)) => {
                    self.unknown.push(was.turned(from, String::new()));
                }
                None if told.contains(&was.source) => {
                    self.gone.push(was.turned(from, String::new()));
                }
                None => self.unknown.push(was.turned(from, String::new())),
            }
        }
        let known: HashSet<_> = last.open.iter().map(|was| (&was.source, &was.id)).collect();
        let new = now.open.iter();
        self.new = new
            .filter(|one| !known.contains(&(&one.source, &one.id)))
            .map(Turned::new)
            .collect();
    }

    fn slos(&mut self, last: &Kept, now: &Handoff) {
        let before: HashMap<_, _> = last
            .slos
            .iter()
            .map(|was| ((&was.source, &was.id), was))
            .collect();
        for is in &now.slos.rows {
            let Some(was) = before.get(&(&is.source, &is.id)) else {
                continue;
            };
            if was.state != is.state {
                self.changed.push(Turned::slo(was, is));
            }
            if let (Some(from), Some(to)) = (was.budget, is.budget_remaining)
                && (from - to).abs() >= NOTICEABLE
            {
                self.budgets.push(Moved {
                    source: is.source.clone(),
                    id: is.id.clone(),
                    from,
                    to,
                });
            }
        }
        let there: HashSet<_> = now
            .slos
            .rows
            .iter()
            .map(|is| (&is.source, &is.id))
            .collect();
        let missing = last.slos.iter();
        let missing = missing.filter(|was| !there.contains(&(&was.source, &was.id)));
        self.unknown.extend(missing.map(Turned::lost));
    }
}

impl Incident {
    fn turned(&self, from: String, to: String) -> Turned {
        Turned {
            source: self.source.clone(),
            id: self.id.clone(),
            title: self.title.clone(),
            service: self.service.clone(),
            from: from.into(),
            to: to.into(),
        }
    }
}

impl Turned {
    fn new(one: &Open) -> Self {
        Self {
            source: one.source.clone(),
            id: one.id.clone(),
            title: one.title.clone(),
            service: one.service.clone(),
            from: Untrusted::default(),
            to: incident(one.status, &one.who).into(),
        }
    }

    fn slo(was: &Slo, is: &Objective) -> Self {
        Self {
            to: is.state.word().into(),
            ..Self::lost(was)
        }
    }

    /// An SLO that nobody measures any more, or that nobody has told of.
    fn lost(was: &Slo) -> Self {
        Self {
            source: was.source.clone(),
            id: was.id.clone(),
            title: was.id.clone(),
            service: Untrusted::default(),
            from: was.state.word().into(),
            to: Untrusted::default(),
        }
    }
}

/// How an incident stands, and with whom.
fn incident(status: IncidentStatus, who: &[Untrusted]) -> String {
    let names: Vec<_> = who.iter().map(Untrusted::raw).collect();
    match (status, names.is_empty()) {
        (status, true) => status.word().to_owned(),
        (IncidentStatus::Acknowledged, false) => format!("acknowledged by {}", names.join(", ")),
        (status, false) => format!("{}, for {}", status.word(), names.join(", ")),
    }
}
