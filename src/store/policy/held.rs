//! What policies with an `until` do where neither of their conditions holds now: told by the past once,
//! and by what happens since.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{Judging, Skews, Told};
use crate::domain::SourceName;
use crate::domain::past::{PastQuestion, Recalled, Steps};
use crate::domain::policy::Truth;
use crate::insight::policy::{Change, Outcome, STEP, SloPast, lookback};
use crate::store::Store;
use crate::text::Untrusted;

/// How often the past of a source is asked for.
const CADENCE: SignedDuration = SignedDuration::from_mins(10);
/// SLOs that one question names at most: the past of each is some hundred thousand bytes.
const MAX_ASKED: usize = 20;

/// What is known of policies with an `until`, by service and policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Whether each applies.
    known: HashMap<(String, String), bool>,
    /// Services whose past is to be asked for.
    open: Vec<String>,
    /// When it was asked for.
    asked: HashMap<SourceName, Timestamp>,
    /// What came of it so far.
    pasts: HashMap<(SourceName, Untrusted), SloPast>,
}

impl Held {
    /// Begins a round of judging.
    pub(super) fn begin(&mut self) {
        self.open.clear();
    }

    /// What a policy does, by its conditions now and what it did before. Notes where only the past can
    /// tell.
    pub(super) fn of(&mut self, service: &str, one: &Outcome) -> Truth {
        if one.policy.until.is_none() {
            return one.outcome;
        }
        let key = (service.to_owned(), one.policy.name.clone());
        match one.outcome {
            Truth::Yes | Truth::No => {
                self.known.insert(key, one.outcome == Truth::Yes);
                one.outcome
            }
            Truth::Unknown if one.is_known_now() => {
                if let Some(applies) = self.known.get(&key) {
                    return Truth::of(*applies);
                }
                self.open.push(key.0);
                Truth::Unknown
            }
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl Store {
    /// The past that has to be asked for before it can be told which services are frozen; at most one
    /// question a source.
    pub fn wanted_past(&mut self, now: Timestamp) -> Option<(SourceName, PastQuestion)> {
        let names = self.held.open.clone();
        if names.is_empty() {
            return None;
        }
        let facts = self.policy_facts(&names, now);
        let is_due = |source: &SourceName| {
            let asked = self.held.asked.get(source);
            asked.is_none_or(|asked| *asked > now || asked.duration_until(now) >= CADENCE)
        };
        let services = facts
            .services
            .iter()
            .filter(|one| names.contains(&one.name));
        let slos = services
            .clone()
            .flat_map(|service| &service.slos)
            .filter(|slo| is_due(&slo.source));
        let source = slos.clone().map(|slo| slo.source.clone()).next()?;
        let reach = services
            .filter_map(|service| lookback(&facts, service, None, false))
            .max()?;
        let mine = slos.filter(|slo| slo.source == source).take(MAX_ASKED);
        let question = PastQuestion {
            slos: mine.map(|slo| self.ids_of(&slo.seen.slo)).collect(),
            steps: Steps::new(now.checked_sub(reach).unwrap_or(now), now, STEP),
        };
        self.held.asked.insert(source.clone(), now);
        Some((source, question))
    }

    /// Takes in the past of an SLO: what policies do is told by it, once that of every SLO of the
    /// service is there.
    pub fn take_past(&mut self, recalled: &Recalled, now: Timestamp) {
        let is_ours = recalled.steps.step() == STEP && !self.held.open.is_empty();
        let Some(past) = recalled.outcome.as_ref().ok().filter(|_| is_ours) else {
            return;
        };
        let known = SloPast {
            sums: past.sums(),
            counted: past.counted,
            queries: past.queries.clone(),
        };
        let place = (recalled.source.clone(), past.slo.id());
        self.held.pasts.insert(place, known);
        let open = self.held.open.clone();
        let mut facts = self.policy_facts(&open, now);
        let judging = Judging {
            at: now,
            now,
            max_age: self.policies.max_age,
            is_past: false,
        };
        self.judge_facts(&mut facts, &Told::new(), &Skews::new(), judging);
        for slo in facts.services.iter_mut().flat_map(|one| &mut one.slos) {
            let ids = self.ids_of(&slo.seen.slo);
            let mut pasts = self.held.pasts.iter();
            let mine = pasts.find(|((source, id), _)| *source == slo.source && ids.contains(id));
            slo.past = mine.map(|(_, past)| past.clone());
        }
        for name in open {
            let service = facts.service(&name);
            let is_whole = service.is_some_and(|one| one.slos.iter().all(|slo| slo.past.is_some()));
            if !is_whole {
                continue;
            }
            let decision = facts.decide(&name, &Change::default());
            for one in &decision.policies {
                if one.policy.until.is_some() && one.outcome != Truth::Unknown {
                    let key = (name.clone(), one.policy.name.clone());
                    self.held.known.insert(key, one.outcome == Truth::Yes);
                }
            }
        }
        self.judge_freezes(now);
        if self.held.open.is_empty() {
            self.held.pasts.clear();
        }
    }
}
