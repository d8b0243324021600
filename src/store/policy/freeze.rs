//! Which services may not be released now, by the numbers that are on the screen.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Held, Judging, Skews, Told};
use crate::domain::policy::{Effect, Truth};
use crate::insight::policy::{Change, Facts};
use crate::store::Store;
use crate::text::Untrusted;

/// That a service is frozen, or is not known to be free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// True where a policy is known to freeze it; false where that cannot be told.
    pub is_known: bool,
    /// True for a policy of the configuration, false for the default one.
    pub is_configured: bool,
    /// The policy.
    pub policy: Untrusted,
    /// Its cause and what ends it: `budget -4 %, until above 25 %`.
    pub cause: Untrusted,
    /// The decision in one line: `releases frozen: budget -4 %, policy tier-1 budget`.
    pub line: Untrusted,
}

/// The services that are frozen, or not known to be free.
pub type Freezes = HashMap<Untrusted, Freeze>;

impl Store {
    /// Why a service may not be released now; `None` where it may, as far as policies go.
    pub fn freeze(&self, service: &Untrusted) -> Option<&Freeze> {
        self.freezes.get(service)
    }

    /// How many services a policy of the configuration freezes.
    pub fn frozen_count(&self) -> usize {
        let freezes = self.freezes.values();
        freezes
            .filter(|freeze| freeze.is_known && freeze.is_configured)
            .count()
    }

    /// Judges anew which services are frozen.
    pub(in crate::store) fn judge_freezes(&mut self, now: Timestamp) {
        let mut facts = self.policy_facts(&self.services_with_slos(), now);
        facts.is_brief = true;
        let judging = Judging {
            at: now,
            now,
            max_age: self.policies.max_age,
            is_past: false,
        };
        self.judge_facts(&mut facts, &Told::new(), &Skews::new(), judging);
        let mut held = std::mem::take(&mut self.held);
        held.begin();
        let mut turns = std::mem::take(&mut self.turns);
        let mut freezes = Freezes::new();
        for service in &facts.services {
            let name = Untrusted::from(service.name.as_str());
            let freeze = self.freeze_of(&facts, &service.name, &mut held);
            if !self.policies.policies.is_empty() {
                turns.note(&name, freeze.as_ref(), now);
            }
            freezes.extend(freeze.map(|freeze| (name, freeze)));
        }
        self.freezes = Arc::new(freezes);
        self.held = held;
        self.turns = turns;
    }

    fn services_with_slos(&self) -> Vec<String> {
        let slos = self.slos();
        let names: BTreeSet<_> = slos.map(|(_, seen)| seen.slo.service.raw()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn freeze_of(&self, facts: &Facts, name: &str, held: &mut Held) -> Option<Freeze> {
        let decision = facts.decide(name, &Change::default());
        let policies = &self.policies.policies;
        let is_configured = |name: &str| policies.iter().any(|policy| policy.name == name);
        let mut open = None;
        for one in &decision.policies {
            let outcome = held.of(name, one);
            if one.policy.effect != Effect::Freeze || one.passes {
                continue;
            }
            match outcome {
                Truth::Yes => {
                    return Some(Freeze {
                        is_known: true,
                        is_configured: is_configured(&one.policy.name),
                        policy: one.policy.name.as_str().into(),
                        cause: one.cause_and_end().into(),
                        line: one.line().into(),
                    });
                }
                Truth::Unknown => {
                    open.get_or_insert(one);
                }
                Truth::No => {}
            }
        }
        let one = open?;
        let line = format!(
            "releases: cannot tell: {}, policy {}",
            one.lack(),
            one.policy.name
        );
        Some(Freeze {
            is_known: false,
            is_configured: is_configured(&one.policy.name),
            policy: one.policy.name.as_str().into(),
            cause: one.lack().into(),
            line: line.into(),
        })
    }
}
