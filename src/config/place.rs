//! Points at a setting: file, line and column, the variable, or the flag it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::excerpt::{Excerpt, Quote, is_secretive};
use super::{Problem, Step};
use crate::dialect::{Converted, File, Finding, Place};
use crate::text::Shown;

/// The most mistakes that are reported in one run.
const MOST: usize = 20;

/// Why the settings cannot be used. Its `Display` is the whole message, several lines long.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: Shown,
        /// Why, and what to do.
        reason: Shown,
    },
    /// Settings that are wrong.
    #[error("{}", listed(.first, *.more))]
    Mistakes {
        /// The first of them, in the order of the file; at least one.
        first: Vec<Mistake>,
        /// How many more there are.
        more: usize,
    },
}

/// One wrong setting, ready to be printed.
#[derive(Debug)]
pub struct Mistake {
    origin: Shown,
    /// Line and column in the file that `origin` is.
    place: Option<(usize, usize)>,
    key: Shown,
    message: Shown,
    excerpt: Option<Excerpt>,
}

/// Where the settings came from: enough to point at any of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// The file, and what is in it.
    pub(super) file: Option<(PathBuf, String)>,
    /// Variables, the keys they set, and their values.
    pub(super) variables: Vec<(String, Vec<String>, String)>,
    /// Numbers of the sources that flags added, and those flags.
    pub(super) flags: Vec<(usize, &'static str)>,
    /// The files that further SLOs came from.
    pub(super) documents: Documents,
}

/// The files that SLOs came from, and what is to be said of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    pub(super) files: Vec<File>,
    /// The number of the first SLO that came from them.
    pub(super) first: usize,
    pub(super) imported: Vec<Imported>,
    pub(super) findings: Vec<Finding>,
}

/// Where an SLO came from.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    pub(super) origin: String,
    pub(super) place: Place,
    pub(super) places: BTreeMap<String, Place>,
}

impl Imported {
    pub(super) fn of(slo: &Converted) -> Self {
        Self {
            origin: slo.origin.clone(),
            place: slo.place.clone(),
            places: slo.places.clone(),
        }
    }
}

impl Documents {
    /// Where the SLO of that number came from, when it came from a file.
    fn of(&self, index: usize) -> Option<&Imported> {
        self.imported.get(index.checked_sub(self.first)?)
    }

    /// `slos/checkout.yaml:3`, likewise.
    pub(super) fn line_of(&self, index: usize) -> Option<String> {
        let place = &self.of(index)?.place;
        let file = self.files.get(place.file)?;
        Some(format!(
            "{}:{}",
            file.name,
            line_number(&file.text, place.span.start)
        ))
    }

    /// Points at the value of a `[[slo]]` that came from a document.
    pub(super) fn mistake(&self, problem: &Problem) -> Option<Mistake> {
        let [Step::Key(list), Step::Index(index), rest @ ..] = problem.path.as_slice() else {
            return None;
        };
        let imported = self.of(*index).filter(|_| list == "slo")?;
        let place = rest.iter().find_map(|step| match step {
            Step::Key(key) | Step::Name(key) => imported.places.get(key),
            Step::Index(_) => None,
        });
        // Documents have a placeholder of their own.
        let message = problem.message.replace("$window", "{{.window}}");
        let message = match dotted(rest) {
            key if key.is_empty() => message,
            key => format!("{key}: {message}"),
        };
        Some(self.at(place.unwrap_or(&imported.place), &imported.origin, &message))
    }

    /// What keeps documents from being converted.
    pub(super) fn refusals(&self) -> Vec<Mistake> {
        self.say(true)
    }

    /// What was converted and means something else here.
    pub(super) fn warnings(&self) -> Vec<Mistake> {
        self.say(false)
    }

    fn at(&self, place: &Place, origin: &str, message: &str) -> Mistake {
        match self.files.get(place.file) {
            Some(file) => Mistake::in_text(
                &file.name,
                &file.text,
                place.span.clone(),
                origin,
                message,
                Quote::Whole,
            ),
            None => Mistake::elsewhere("settings", origin, message),
        }
    }

    fn say(&self, refusals: bool) -> Vec<Mistake> {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.is_refusal == refusals)
            .map(|finding| self.at(&finding.place, &finding.origin, &finding.message))
            .collect()
    }
}

impl Mistake {
    /// Points at a variable.
    pub(super) fn of_variable(name: &str, message: &str) -> Self {
        Self::elsewhere(name, "", message)
    }

    /// Points at a part of a text; `name` is that of its file.
    fn in_text(
        name: &str,
        text: &str,
        span: Range<usize>,
        key: &str,
        message: &str,
        quote: Quote,
    ) -> Self {
        let start = text.floor_char_boundary(span.start);
        let begin = line_start(text, start);
        let number = line_number(text, start);
        let column = text[begin..start].chars().count() + 1;
        let line = text[begin..].lines().next().unwrap_or_default();
        let marked = start - begin..span.end.saturating_sub(begin);
        Self {
            origin: Shown::new(name),
            place: Some((number, column)),
            key: Shown::new(key),
            message: Shown::new(message),
            excerpt: Some(Excerpt::new(number, line, marked, quote)),
        }
    }

    /// Points at something that is in no file.
    fn elsewhere(origin: &str, key: &str, message: &str) -> Self {
        Self {
            origin: Shown::new(origin),
            place: None,
            key: Shown::new(key),
            message: Shown::new(message),
            excerpt: None,
        }
    }

    /// The file it is in, with line and column, from 1; or the variable or flag, without.
    pub fn origin(&self) -> (&str, Option<(usize, usize)>) {
        (self.origin.as_str(), self.place)
    }

    /// The setting, or what the document is; often empty.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// What is wrong and what would be right.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }
}

impl Origins {
    /// The error for these problems, in the order of the file, after `others`.
    pub(super) fn refused(&self, problems: &[Problem], others: Vec<Mistake>) -> ConfigError {
        let total = others.len() + problems.len();
        let mistakes = self.mistakes(problems);
        let first: Vec<_> = others.into_iter().chain(mistakes).take(MOST).collect();
        ConfigError::Mistakes {
            more: total - first.len(),
            first,
        }
    }

    /// What is wrong and where, in the order of the file.
    pub(super) fn mistakes(&self, problems: &[Problem]) -> Vec<Mistake> {
        let text = self.file.as_ref().map(|(_, text)| text);
        let document = text.and_then(|text| DeTable::parse(text).ok());
        let place = |problem: &Problem| match &document {
            Some(document) if self.elsewhere(problem).is_none() => locate(document, &problem.path),
            _ => 0..0,
        };
        let mut places: Vec<_> = problems
            .iter()
            .map(|problem| (place(problem), problem))
            .collect();
        places.sort_by_key(|(span, _)| span.start);
        let table = document.as_ref().map(Spanned::get_ref);
        places
            .into_iter()
            .map(|(span, problem)| self.mistake(problem, table, span))
            .collect()
    }

    fn mistake(
        &self,
        problem: &Problem,
        document: Option<&DeTable<'_>>,
        span: Range<usize>,
    ) -> Mistake {
        if let Some(mistake) = self.documents.mistake(problem) {
            return mistake;
        }
        let key = dotted(&problem.path);
        let elsewhere = self.elsewhere(problem);
        let (None, Some(document)) = (elsewhere, document) else {
            let origin = elsewhere.unwrap_or("settings");
            // A flag gives nothing but the URL, and has no number.
            let key = self.flag(problem).map_or(key.as_str(), |_| "");
            return Mistake::elsewhere(origin, key, &problem.message);
        };
        let key = match entry_name(document, &problem.path) {
            Some(name) => format!("{key} (\"{name}\")"),
            None => key,
        };
        let is_secret = problem.path.iter().any(|step| match step {
            Step::Key(key) | Step::Name(key) => is_secretive(key),
            Step::Index(_) => false,
        });
        let quote = if is_secret { Quote::Key } else { Quote::Whole };
        self.at(span, &key, &problem.message, quote)
    }

    /// The flag or variable that a setting came from.
    fn elsewhere(&self, problem: &Problem) -> Option<&str> {
        self.flag(problem).or_else(|| self.variable(problem))
    }

    /// Points at a place that has no key: what is there is no TOML. It may be the middle of a long
    /// value, so anything secret above it in the same table hides the line.
    pub(super) fn syntax(&self, span: Range<usize>, message: &str) -> ConfigError {
        let text = self.file.as_ref().map_or("", |(_, text)| text);
        let begin = line_start(text, span.start);
        let table = text[..begin].rfind("\n[").unwrap_or_default();
        let is_secret = is_secretive(&text[table..begin]);
        let quote = if is_secret {
            Quote::Nothing
        } else {
            Quote::Whole
        };
        ConfigError::Mistakes {
            first: vec![self.at(span, "", message, quote)],
            more: 0,
        }
    }

    fn at(&self, span: Range<usize>, key: &str, message: &str, quote: Quote) -> Mistake {
        let (path, text) = match &self.file {
            Some((path, text)) => (path.display().to_string(), text.as_str()),
            None => (String::new(), ""),
        };
        Mistake::in_text(&path, text, span, key, message, quote)
    }

    fn flag(&self, problem: &Problem) -> Option<&'static str> {
        let [Step::Key(list), Step::Index(index), ..] = problem.path.as_slice() else {
            return None;
        };
        let (_, flag) = self.flags.iter().find(|(at, _)| at == index)?;
        (list == "source").then_some(*flag)
    }

    /// The variable that set this key, a part of it, or the whole that it is a part of.
    fn variable(&self, problem: &Problem) -> Option<&str> {
        let steps = problem.path.iter().map(|step| match step {
            Step::Key(key) | Step::Name(key) => key.as_str(),
            Step::Index(_) => "",
        });
        self.variables
            .iter()
            .find(|(_, path, _)| path.iter().zip(steps.clone()).all(|(set, key)| set == key))
            .map(|(name, ..)| name.as_str())
    }
}

fn listed(first: &[Mistake], more: usize) -> String {
    let mut text: Vec<_> = first.iter().map(Mistake::to_string).collect();
    if more > 0 {
        text.push(format!("and {more} more mistakes"));
    }
    text.join("\n\n")
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: ", self.origin)?,
            None => write!(f, "{}: ", self.origin)?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

/// The number of the line that this byte is on.
fn line_number(text: &str, at: usize) -> usize {
    text[..line_start(text, at)].matches('\n').count() + 1
}

/// Where the line begins that this byte is on.
fn line_start(text: &str, at: usize) -> usize {
    let before = &text[..text.floor_char_boundary(at)];
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// `source[1].basic.username`.
fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text = format!("{text}[{index}]"),
            Step::Key(key) | Step::Name(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
        }
    }
    text
}

/// The name of the source, SLO or service that the path leads into.
fn entry_name(document: &DeTable<'_>, path: &[Step]) -> Option<String> {
    let [Step::Key(list), Step::Index(index), ..] = path else {
        return None;
    };
    let entry = document.get(list.as_str())?.get_ref().get(*index)?;
    let name = entry.get_ref().get("name")?.get_ref().as_str()?;
    Some(name.to_owned())
}

/// The bytes of the setting that `path` leads to, or of the nearest table around it.
fn locate(document: &Spanned<DeTable<'_>>, path: &[Step]) -> Range<usize> {
    let mut table = Some(document.get_ref());
    let mut array = None;
    let mut span = 0..0;
    for step in path {
        let value: Option<&Spanned<DeValue<'_>>> = match step {
            Step::Key(key) => table.and_then(|table| table.get(key.as_str())),
            Step::Index(index) => array.and_then(|array: &toml::de::DeArray<'_>| array.get(*index)),
            Step::Name(name) => {
                let entry = table.and_then(|table| table.get_key_value(name.as_str()));
                return entry.map_or(span, |(key, _)| key.span());
            }
        };
        let Some(value) = value else {
            return span;
        };
        span = value.span();
        table = value.get_ref().as_table();
        array = value.get_ref().as_array();
    }
    span
}
