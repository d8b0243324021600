//! Inputs that are noted beside the answer to a condition.

use super::facts::{Input, SloFacts};
use crate::domain::policy::Truth;
use crate::text::Untrusted;

/// Inputs beside an answer: none on the way through the past.
pub(super) struct Notes(Option<Vec<Input>>);

impl Notes {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn new() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn add(&mut self, input: impl FnOnce() -> Input) {
        if let Some(inputs) = &mut self.0 {
            inputs.push(input());
        }
    }

    pub(super) fn take(self) -> Vec<Input> {
        self.0.unwrap_or_default()
    }
}

impl Input {
    /// An input of which nothing but its words is known.
    pub(super) fn new(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            outcome: Truth::Unknown,
            slo: None,
            value: None,
            bounds: None,
            threshold: None,
            observed_at: None,
            source: None,
            query: None,
            text: text.into(),
            lack: None,
        }
    }

    /// One about an SLO.
    pub(super) fn of_slo(
        what: &'static str,
        slo: &SloFacts,
        text: impl Into<String>,
        query: Option<Untrusted>,
    ) -> Self {
        Self {
            slo: Some(slo.name().clone()),
            observed_at: slo.newest.or(slo.observed_at),
            source: Some(slo.source.clone()),
            query,
            ..Self::new(what, text)
        }
    }
}
