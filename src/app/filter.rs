//! Fewer rows: `svc:checkout sev:page,ticket some words`, all of which have to hold.
//!
//! A word may list alternatives behind commas, `=` before a text asks for the whole of it, and quotes
//! hold blanks together. A row that has no such field (a release has no severity) passes.

use crate::pane::Facets;

/// A filter as it was typed, and what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// One word of a filter: any of its texts has to be found in its field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: Field,
    texts: Vec<Text>,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Service,
    Severity,
    State,
    Source,
    /// Names, titles, ids, people.
    Any,
}

/// A text to find, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    text: String,
    /// True where the field has to be this text and no more.
    is_whole: bool,
}

/// The fields by the names that can be typed, the short one first.
const FIELDS: [(&str, &str, Field); 4] = [
    ("svc", "service", Field::Service),
    ("sev", "severity", Field::Severity),
    ("state", "status", Field::State),
    ("src", "source", Field::Source),
];

impl Filter {
    /// Reads a filter; every text is one.
    pub fn new(text: &str) -> Self {
        let terms = words(text).into_iter().filter_map(|word| Term::read(&word));
        Self {
            text: text.to_owned(),
            terms: terms.collect(),
        }
    }

    /// The filter that only these services pass; empty without any.
    pub fn of_services(names: &[String]) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let names: Vec<_> = names
            .iter()
            .map(|name| {
                let is_plain = !name.contains([' ', ',', '"']);
                if is_plain {
                    format!("={name}")
                } else {
                    format!("=\"{}\"", name.replace('"', ""))
                }
            })
            .collect();
        Self::new(&format!("svc:{}", names.join(",")))
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True when every row passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The first name before a colon that is no field: its word is looked for as it stands.
    pub fn unknown_field(&self) -> Option<&str> {
        self.text.split_whitespace().find_map(|word| {
            let (name, _) = word.split_once(':')?;
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
            (is_name && Field::named(name).is_none()).then_some(name)
        })
    }

    /// Whether a row passes: every term is found in its field, whatever the case.
    pub fn passes(&self, source: &str, facets: &Facets<'_>) -> bool {
        self.terms.iter().all(|term| match term.field {
            Field::Service => facets.service.is_none_or(|service| term.finds(service)),
            Field::Severity => facets.severity.is_none_or(|severity| term.finds(severity)),
            Field::State => facets.states.iter().any(|state| term.finds(state)),
            Field::Source => term.finds(source),
            Field::Any => {
                facets.service.is_some_and(|service| term.finds(service))
                    || facets.words.iter().any(|word| term.finds(word))
            }
        })
    }
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        let is_it = |word: &str| word.eq_ignore_ascii_case(name);
        let known = FIELDS
            .iter()
            .find(|(short, long, _)| is_it(short) || is_it(long));
        known.map(|(_, _, field)| *field)
    }
}

/// The fields that can be named, for a prompt.
pub fn fields() -> String {
    FIELDS.map(|(short, _, _)| format!("{short}:")).join(" ")
}

impl Term {
    /// A term; a field without a text asks for nothing yet.
    fn read(word: &str) -> Option<Self> {
        let named = word.split_once(':');
        let named = named.and_then(|(name, texts)| Some((Field::named(name)?, texts)));
        let (field, texts) = named.unwrap_or((Field::Any, word));
        let texts: Vec<_> = alternatives(texts)
            .iter()
            .filter_map(|text| Text::read(text))
            .collect();
        (!texts.is_empty()).then_some(Self { field, texts })
    }

    fn finds(&self, field: &str) -> bool {
        self.texts.iter().any(|text| text.is_in(field))
    }
}

impl Text {
    fn read(text: &str) -> Option<Self> {
        let (text, is_whole) = match text.strip_prefix('=') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let text = text.replace('"', "").to_lowercase();
        (!text.is_empty()).then_some(Self { text, is_whole })
    }

    fn is_in(&self, field: &str) -> bool {
        if self.is_whole {
            field.to_lowercase() == self.text
        } else {
            contains(field, &self.text)
        }
    }
}

/// The words of a filter; quotes hold blanks together and stay.
fn words(text: &str) -> Vec<String> {
    parts(text, char::is_whitespace)
}

/// The texts between commas outside quotes.
fn alternatives(text: &str) -> Vec<String> {
    parts(text, |letter| letter == ',')
}

fn parts(text: &str, is_gap: impl Fn(char) -> bool) -> Vec<String> {
    let mut is_quoted = false;
    let parts = text.split(|letter: char| {
        is_quoted ^= letter == '"';
        !is_quoted && is_gap(letter)
    });
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
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
    fn every_term_has_to_hold_in_its_field() {
        let incident = Facets {
            service: Some("checkout"),
            severity: Some("page"),
            states: vec!["triggered", "open"],
            words: vec!["Burns its error budget", "支払い"],
        };
        for (text, passes) in [
            ("", true),
            ("svc:", true),
            ("svc:check", true),
            ("SVC:Checkout", true),
            ("svc:cart", false),
            ("svc:cart,check", true),
            ("svc:cart,mail", false),
            ("svc:=check", false),
            ("svc:=Checkout", true),
            ("svc:cart,=checkout", true),
            ("sev:page", true),
            ("sev:page svc:cart", false),
            ("state:open burns", true),
            ("state:acked", false),
            ("src:am", true),
            ("src:pd", false),
            ("budget checkout", true),
            ("\"error budget\"", true),
            ("\"budget error\"", false),
            ("page", false),
            ("支払", true),
            ("a:b", false),
            ("\"", true),
            (",", true),
        ] {
            assert_eq!(Filter::new(text).passes("am", &incident), passes, "{text}");
        }
    }

    #[test]
    fn a_row_without_such_a_field_passes() {
        let release = Facets {
            service: Some("checkout"),
            severity: None,
            states: vec!["succeeded"],
            words: Vec::new(),
        };
        assert!(Filter::new("sev:page svc:checkout").passes("ci", &release));
        let source = Facets {
            states: vec!["live"],
            ..Facets::default()
        };
        assert!(Filter::new("svc:checkout").passes("ci", &source));
        assert!(!Filter::new("state:down").passes("ci", &source));
    }

    #[test]
    fn services_of_any_name_are_themselves_and_no_other() {
        let names = ["cart", "check out", "a,b", "支払い"].map(str::to_owned);
        let filter = Filter::of_services(&names);
        let passes = |service: &str| {
            filter.passes(
                "",
                &Facets {
                    service: Some(service),
                    ..Facets::default()
                },
            )
        };
        assert!(names.iter().all(|name| passes(name)), "{filter:?}");
        assert!(!passes("cart-api") && !passes("check") && !passes("a"));
        assert!(Filter::of_services(&[]).is_empty());
    }

    #[test]
    fn a_name_that_is_no_field_is_named() {
        for (text, unknown) in [
            ("team:shop", Some("team")),
            ("svc:a Sev:page status:open source:b", None),
            ("nginx:1.25 12:30", Some("nginx")),
            ("12:30", None),
        ] {
            assert_eq!(Filter::new(text).unknown_field(), unknown, "{text}");
        }
    }
}
