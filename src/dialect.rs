//! SLOs as others write them: `OpenSLO` v1, Sloth v1 and Pyrra documents to tables of `[[slo]]`.
//!
//! A dialect gives what a `[[slo]]` would say, and nothing else: the same check reads both, and what
//! is imported means what it would mean in place. Each value keeps the [`Place`] it came from.
//!
//! The formats: <https://github.com/OpenSLO/OpenSLO> (README, v1), <https://sloth.dev>
//! (`pkg/prometheus/api/v1`, `pkg/kubernetes/api/sloth/v1`) and
//! <https://github.com/pyrra-dev/pyrra> (`kubernetes/api/v1alpha1`, `slo/rules.go`).

mod alerting;
mod draft;
mod events;
mod foreign;
mod kind;
mod node;
mod openslo;
mod promql;
mod pyrra;
mod sloth;
pub mod write;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use self::kind::Kind;
use self::node::Node;
pub use self::promql::Groups;

/// The most that is said of all documents together.
const MOST_FINDINGS: usize = 200;

/// A text that may hold documents.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is called in messages: its path.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A place in one of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number of the file.
    pub file: usize,
    /// The bytes in it.
    pub span: Range<usize>,
}

/// An SLO as a `[[slo]]` would say it.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The keys of the `[[slo]]`; never `source`, which no document knows.
    pub table: toml::Table,
    /// What it was: ``OpenSLO SLO `checkout` ``.
    pub origin: String,
    /// Where it was.
    pub place: Place,
    /// Where the values of the table came from, those that came from somewhere.
    pub places: BTreeMap<String, Place>,
}

/// Something to say about a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What it is about: ``OpenSLO SLO `checkout` ``; empty for a file that cannot be read at all.
    pub origin: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// True when it keeps an SLO from being converted; false when it was, with a difference.
    pub is_refusal: bool,
}

/// What the documents of several files come to.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// The SLOs, in the order of the files.
    pub slos: Vec<Converted>,
    /// What could not be converted, and what differs.
    pub findings: Vec<Finding>,
}

impl Conversion {
    fn refuse(&mut self, place: &Place, origin: &str, message: impl Into<String>) {
        self.findings.push(Finding {
            place: place.clone(),
            origin: origin.to_owned(),
            message: message.into(),
            is_refusal: true,
        });
    }

    /// Says everything once, what is refused first, and no more than anybody reads.
    fn settle(&mut self) {
        let mut said = HashSet::new();
        self.findings.retain(|finding| said.insert(finding.clone()));
        self.findings.sort_by_key(|finding| !finding.is_refusal);
        self.findings.truncate(MOST_FINDINGS);
    }
}

/// Converts every SLO of the files. A document may refer to any other, in whichever file.
pub fn convert(files: &[File]) -> Conversion {
    let mut conversion = Conversion::default();
    let mut documents = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let place = |at: usize| Place {
            file: number,
            span: at..at + 2,
        };
        // What a chart makes is not there yet, even where its text is YAML.
        if let Some((at, message)) = foreign::helm(&file.text) {
            conversion.refuse(&place(at), "", message);
            continue;
        }
        match node::documents(number, &file.text) {
            Ok(found) if found.is_empty() => {
                let place = Place {
                    file: number,
                    span: 0..0,
                };
                let message = format!("holds no document: expected {}", kind::EXPECTED);
                conversion.refuse(&place, "", message);
            }
            Ok(found) => documents.extend(found),
            Err(wrong) => {
                if let Some((at, message)) = foreign::template(&file.text) {
                    conversion.refuse(&place(at), "", message);
                } else {
                    let message = format!("cannot be read as YAML: {}", wrong.message);
                    conversion.refuse(&wrong.place, "", message);
                }
            }
        }
    }
    let mut sorted: Vec<(Kind, &Node)> = Vec::new();
    for document in &documents {
        let members = kind::members(document).unwrap_or_else(|wrong| {
            conversion.refuse(&wrong.place, "", wrong.message);
            Vec::new()
        });
        for member in members {
            match Kind::of(member) {
                Ok(kind) => sorted.push((kind, member)),
                Err(message) => conversion.refuse(&member.place, "", message),
            }
        }
    }
    let objects = openslo::Objects::of(&sorted);
    let windows = sloth::Windows::of(&sorted, &mut conversion);
    for (kind, document) in &sorted {
        match kind {
            Kind::OpenSlo("SLO") => openslo::slo(document, &objects, &mut conversion),
            Kind::OpenSlo(_) | Kind::SlothWindows => {}
            Kind::Sloth(spelling) => sloth::service(document, *spelling, &windows, &mut conversion),
            Kind::Pyrra => pyrra::slo(document, &mut conversion),
        }
    }
    conversion.settle();
    conversion
}
