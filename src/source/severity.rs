//! Severity words of a source: its own `severities` above the default table, and the words that
//! neither knows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::domain::Severity;
use crate::text::Untrusted;

/// The severity of a place in an account's own order of severities, 0 for the worst: the worst two
/// page. A place alone makes nothing information.
pub(super) fn by_place(place: usize) -> Severity {
    if place < PAGING_PLACES {
        Severity::Page
    } else {
        Severity::Ticket
    }
}

/// How many of an account's own severities page.
const PAGING_PLACES: usize = 2;

/// How many unknown words are reported one by one.
const MAX_REPORTED: usize = 10;
/// The most characters of an unknown word that are reported.
const MAX_WORD: usize = 40;

/// The setting `severities` of a source, above the default table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Severity>")]
pub(super) struct Severities(BTreeMap<String, Severity>);

impl From<BTreeMap<String, Severity>> for Severities {
    fn from(words: BTreeMap<String, Severity>) -> Self {
        let words = words.into_iter();
        Self(
            words
                .map(|(word, severity)| (Severity::normal(&word), severity))
                .collect(),
        )
    }
}

impl Severities {
    /// The severity that the setting gives a word; the empty word stands for none at all.
    pub(super) fn own(&self, word: &str) -> Option<Severity> {
        self.0.get(&Severity::normal(word)).copied()
    }

    /// The severity of a word; `None` for one that nobody has mapped.
    pub(super) fn known(&self, word: &str) -> Option<Severity> {
        self.own(word).or_else(|| Severity::from_word(word))
    }

    /// The severity of a word or of none; what nobody has mapped is a ticket, and is noted.
    pub(super) fn read(&self, word: &str, unknown: &mut UnknownSeverities) -> Severity {
        self.known(word).unwrap_or_else(|| {
            unknown.note(word);
            Severity::Ticket
        })
    }
}

/// The severity words of one answer that nobody has mapped, each once.
#[derive(Debug, Default)]
pub(super) struct UnknownSeverities {
    words: BTreeSet<String>,
    /// How many had none at all.
    missing: usize,
}

impl UnknownSeverities {
    fn note(&mut self, word: &str) {
        match word.trim() {
            "" => self.missing += 1,
            word => {
                self.words.insert(word.chars().take(MAX_WORD).collect());
            }
        }
    }

    /// What is reported beside the source: each word once.
    pub(super) fn warnings(&self) -> Vec<Untrusted> {
        let words = self.words.iter().take(MAX_REPORTED);
        let mut warnings: Vec<Untrusted> = words
            .map(|word| format!("severity `{word}` is not known; map it under `severities`").into())
            .collect();
        if let Some(more) = self
            .words
            .len()
            .checked_sub(MAX_REPORTED)
            .filter(|more| *more > 0)
        {
            warnings.push(
                format!("{more} more severities are not known; map them under `severities`").into(),
            );
        }
        if self.missing > 0 {
            let rows = match self.missing {
                1 => "1 row has no severity and is a ticket".to_owned(),
                rows => format!("{rows} rows have no severity and are tickets"),
            };
            warnings.push(format!("{rows}; map `\"\"` under `severities`").into());
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(words: &[(&str, Severity)]) -> Severities {
        let words = words.iter();
        words
            .map(|(word, severity)| ((*word).to_owned(), *severity))
            .collect::<BTreeMap<_, _>>()
            .into()
    }

    fn reported(unknown: &UnknownSeverities) -> Vec<String> {
        let warnings = unknown.warnings();
        warnings.iter().map(|one| one.raw().to_owned()).collect()
    }

    #[test]
    fn own_words_count_before_the_table_in_every_spelling() {
        let words = own(&[
            ("SEV-1", Severity::Info),
            ("kritisch", Severity::Page),
            ("", Severity::Info),
        ]);
        let mut unknown = UnknownSeverities::default();
        for (word, want) in [
            ("sev1", Severity::Info),
            ("Sev_1", Severity::Info),
            ("Kritisch", Severity::Page),
            ("sev2", Severity::Ticket),
            ("critical", Severity::Page),
            ("", Severity::Info),
        ] {
            assert_eq!(words.read(word, &mut unknown), want, "{word}");
        }
        assert!(reported(&unknown).is_empty());
    }

    #[test]
    fn an_unknown_word_is_reported_once_and_a_missing_one_is_counted() {
        let words = Severities::default();
        let mut unknown = UnknownSeverities::default();
        for word in ["odd", "odd", "", " ", "kritisch"] {
            assert_eq!(words.read(word, &mut unknown), Severity::Ticket, "{word}");
        }
        assert_eq!(
            reported(&unknown),
            [
                "severity `kritisch` is not known; map it under `severities`",
                "severity `odd` is not known; map it under `severities`",
                "2 rows have no severity and are tickets; map `\"\"` under `severities`",
            ]
        );
    }

    #[test]
    fn a_thousand_unknown_words_are_a_few_lines() {
        let mut unknown = UnknownSeverities::default();
        for number in 0..1_000 {
            Severities::default().read(&format!("odd {number}"), &mut unknown);
        }
        let lines = reported(&unknown);
        assert_eq!(lines.len(), MAX_REPORTED + 1);
        assert!(lines[MAX_REPORTED].starts_with("990 more severities"));
    }

    proptest! {
        /// Nothing that nobody has mapped is ever information, and it is always reported.
        #[test]
        fn a_word_is_known_or_a_reported_ticket(word in "\\PC{0,50}") {
            let mut unknown = UnknownSeverities::default();
            let severity = Severities::default().read(&word, &mut unknown);
            let is_known = Severity::from_word(&word).is_some();
            prop_assert_eq!(reported(&unknown).is_empty(), is_known);
            prop_assert!(is_known || severity == Severity::Ticket);
        }
    }
}
