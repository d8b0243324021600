//! What an examination found: how bad it is, why, and what to do about it.

use serde::Serialize;

use crate::text::Untrusted;

/// How bad a finding is, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Looked at, and well.
    Ok,
    /// Good to know; nothing is wrong.
    Note,
    /// Some number may be wrong, or soon will be.
    Warning,
    /// Some number is wrong or cannot be had.
    Error,
}

impl Grade {
    /// The word used in text and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// True for what has to be done something about.
    pub fn is_trouble(self) -> bool {
        self >= Self::Warning
    }
}

/// One thing that an examination looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was looked at, a word for programs: `reach`, `clock`, `series`.
    pub check: &'static str,
    /// The id of the SLO it is about; `None` for the source itself.
    pub slo: Option<Untrusted>,
    /// What is so.
    pub what: Untrusted,
    /// Why that matters; empty where there is nothing to add.
    pub why: Untrusted,
    /// What to do; empty where there is nothing to do.
    pub advice: Untrusted,
}

impl Finding {
    /// A finding about a source.
    pub fn new(grade: Grade, check: &'static str, what: impl Into<String>) -> Self {
        Self {
            grade,
            check,
            slo: None,
            what: what.into().into(),
            why: Untrusted::default(),
            advice: Untrusted::default(),
        }
    }

    /// The same, about an SLO.
    #[must_use]
    pub fn of_slo(mut self, id: &Untrusted) -> Self {
        self.slo = Some(id.clone());
        self
    }

    /// The same, with its reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into().into();
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into().into();
        self
    }
}
