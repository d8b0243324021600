//! Severity: how urgently somebody has to look, and the words that systems have for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How urgently somebody has to look: the one scale of alerts, rules and incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look in working hours.
    Ticket,
    /// Somebody has to look now.
    Page,
}

/// The words with a default meaning, as [`normal`] writes them.
const WORDS: [(Severity, &[&str]); 3] = [
    (
        Severity::Page,
        &[
            "page",
            "critical",
            "crit",
            "fatal",
            "emergency",
            "disaster",
            "blocker",
            "urgent",
            "p0",
            "p1",
            "sev0",
            "sev1",
        ],
    ),
    (
        Severity::Ticket,
        &[
            "ticket", "warning", "warn", "error", "high", "major", "medium", "moderate", "p2",
            "p3", "sev2", "sev3",
        ],
    ),
    (
        Severity::Info,
        &[
            "info",
            "informational",
            "notice",
            "debug",
            "none",
            "low",
            "minor",
            "p4",
            "p5",
            "sev4",
            "sev5",
        ],
    ),
];

impl Severity {
    /// The default meaning of a free-text severity, in any case and with `-`, `_` and blanks ignored;
    /// `None` for a word without one.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = Self::normal(word);
        let known = WORDS
            .iter()
            .find(|(_, words)| words.contains(&word.as_str()))?;
        Some(known.0)
    }

    /// The meaning of a word on a burn-rate alert. Who labels them has two severities, so that `high`
    /// on an alert of a fast burn pages, as its rule does.
    pub fn from_burn_word(word: &str, is_fast: bool) -> Option<Self> {
        if is_fast && Self::normal(word) == "high" {
            return Some(Self::Page);
        }
        Self::from_word(word)
    }

    /// The form in which words are compared: lower case, without `-`, `_` and blanks, and the long
    /// forms before a number shortened (`Severity 1` is `sev1`, `Priority-2` is `p2`).
    pub fn normal(word: &str) -> String {
        let is_kept = |c: &char| !matches!(c, '-' | '_') && !c.is_whitespace();
        let word: String = word.to_lowercase().chars().filter(is_kept).collect();
        let Some(number) = word.find(|c: char| c.is_ascii_digit()) else {
            return word;
        };
        match word.split_at(number) {
            ("severity" | "s", number) => format!("sev{number}"),
            ("priority" | "prio", number) => format!("p{number}"),
            _ => word,
        }
    }

    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "page critical crit fatal emergency disaster blocker urgent p0 p1 sev0 sev1";
    const TICKET: &str = "ticket warning warn error high major medium moderate p2 p3 sev2 sev3";
    const INFO: &str = "info informational notice debug none low minor p4 p5 sev4 sev5";

    #[test]
    fn the_default_words_have_their_severity_in_every_spelling() {
        for (words, want) in [
            (PAGE, Severity::Page),
            (TICKET, Severity::Ticket),
            (INFO, Severity::Info),
        ] {
            for word in words.split(' ') {
                let (first, rest) = word.split_at(1);
                for spelled in [
                    word.to_owned(),
                    word.to_uppercase(),
                    format!("{}{rest}", first.to_uppercase()),
                    format!(" {first}-{rest} "),
                    format!("{first}_{rest}"),
                    format!("{first} {rest}"),
                ] {
                    assert_eq!(Severity::from_word(&spelled), Some(want), "{spelled}");
                }
            }
        }
        for (word, want) in [
            ("SEV-1", Severity::Page),
            ("Sev 2", Severity::Ticket),
            ("Severity 4", Severity::Info),
            ("Priority-1", Severity::Page),
        ] {
            assert_eq!(Severity::from_word(word), Some(want), "{word}");
        }
        for word in ["", "1", "5", "p6", "sev9", "P1 (EU)", "kritisch", "tier 1"] {
            assert_eq!(Severity::from_word(word), None, "{word}");
        }
    }

    #[test]
    fn high_pages_on_a_fast_burn_alone() {
        for (word, is_fast, want) in [
            ("high", true, Some(Severity::Page)),
            ("HIGH", true, Some(Severity::Page)),
            ("high", false, Some(Severity::Ticket)),
            ("medium", true, Some(Severity::Ticket)),
            ("sev1", false, Some(Severity::Page)),
            ("odd", true, None),
        ] {
            assert_eq!(Severity::from_burn_word(word, is_fast), want, "{word}");
        }
    }

    proptest! {
        #[test]
        fn a_word_of_no_table_has_no_severity(word in "\\PC{0,12}") {
            let normal = Severity::normal(&word);
            let is_known = [PAGE, TICKET, INFO]
                .iter()
                .any(|words| words.split(' ').any(|known| known == normal));
            prop_assert_eq!(Severity::from_word(&word).is_some(), is_known);
        }
    }
}
