//! Fewer rows: `svc:checkout sev:page some words`, all of which have to hold.

use crate::pane::Facets;

/// A filter as it was typed, and what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// One word of a filter, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Service(String),
    Severity(String),
    State(String),
    Source(String),
    Word(String),
}

/// The longest filter that can be typed.
const LONGEST: usize = 80;

impl Filter {
    /// Reads a filter; every text is one.
    pub fn new(text: &str) -> Self {
        let terms = text.split_whitespace().filter_map(Term::read).collect();
        Self {
            text: text.to_owned(),
            terms,
        }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when every row passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// With one more character at its end.
    #[must_use]
    pub fn typed(&self, letter: char) -> Self {
        if letter.is_control() || self.text.chars().count() >= LONGEST {
            return self.clone();
        }
        Self::new(&format!("{}{letter}", self.text))
    }

    /// Without its last character.
    #[must_use]
    pub fn rubbed_out(&self) -> Self {
        let mut letters = self.text.chars();
        letters.next_back();
        Self::new(letters.as_str())
    }

    /// Whether a row passes: every term is found in its place, whatever the case.
    pub fn passes(&self, source: &str, facets: &Facets<'_>) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Service(text) => contains(facets.service, text),
            Term::Severity(text) => contains(facets.severity, text),
            Term::State(text) => facets.states.iter().any(|state| contains(state, text)),
            Term::Source(text) => contains(source, text),
            Term::Word(text) => {
                contains(facets.service, text)
                    || facets.words.iter().any(|word| contains(word, text))
            }
        })
    }
}

impl Term {
    /// A term; a place without a text asks for nothing yet.
    fn read(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let (place, text) = word.split_once(':').unwrap_or(("", &word));
        let make = match place {
            "svc" | "service" => Self::Service,
            "sev" | "severity" => Self::Severity,
            "state" | "status" => Self::State,
            "src" | "source" => Self::Source,
            _ => return Some(Self::Word(word)),
        };
        (!text.is_empty()).then(|| make(text.to_owned()))
    }
}

/// Whether `text` holds `needle`, which is in lower case.
fn contains(text: &str, needle: &str) -> bool {
    if text.is_ascii() {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        let Some(first) = needle.first() else {
            return false;
        };
        // Most places are told by one byte.
        return text.windows(needle.len()).any(|part| {
            part[0].to_ascii_lowercase() == *first && part.eq_ignore_ascii_case(needle)
        });
    }
    text.to_lowercase().contains(needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_has_to_hold_in_its_place() {
        let facets = Facets {
            service: "checkout",
            severity: "page",
            states: vec!["triggered", "open"],
            words: vec!["Burns its error budget", "支払い"],
        };
        for (text, passes) in [
            ("", true),
            ("svc:", true),
            ("svc:check", true),
            ("SVC:Checkout", true),
            ("svc:cart", false),
            ("sev:page", true),
            ("sev:page svc:cart", false),
            ("state:open burns", true),
            ("state:acked", false),
            ("src:am", true),
            ("src:pd", false),
            ("budget checkout", true),
            ("page", false),
            ("支払", true),
            ("a:b", false),
        ] {
            assert_eq!(Filter::new(text).passes("am", &facets), passes, "{text}");
        }
    }

    #[test]
    fn typing_and_rubbing_out_go_by_characters() {
        let filter = Filter::new("支").typed('払').typed('\u{1b}');
        assert_eq!(filter.text(), "支払");
        assert_eq!(filter.rubbed_out().rubbed_out().rubbed_out().text(), "");
        let long = (0..200).fold(Filter::default(), |filter, _| filter.typed('x'));
        assert_eq!(long.text().len(), LONGEST);
    }
}
