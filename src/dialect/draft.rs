//! One `[[slo]]` in the making: its values, where each came from, and what is to be said of it.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::node::{Node, Wrong};
use super::{Conversion, Converted, Finding, Place};
use crate::domain::nearest_name::nearest;
use crate::text::clipped;

/// A `[[slo]]` in the making.
#[derive(Clone)]
pub(super) struct Draft {
    origin: String,
    place: Place,
    table: Table,
    places: BTreeMap<String, Place>,
    findings: Vec<Finding>,
    /// What it was begun from is refused already.
    is_blocked: bool,
}

impl Draft {
    /// Begins one; `origin` is what it was.
    pub(super) fn new(origin: String, place: &Place) -> Self {
        Self {
            origin,
            place: place.clone(),
            table: Table::new(),
            places: BTreeMap::new(),
            findings: Vec::new(),
            is_blocked: false,
        }
    }

    /// Another one that begins like this, of which nothing is said yet.
    pub(super) fn fork(&self) -> Self {
        Self {
            findings: Vec::new(),
            is_blocked: self.is_refused(),
            ..self.clone()
        }
    }

    /// Hands over what is said of it alone.
    pub(super) fn report(&self, into: &mut Conversion) {
        into.findings.extend(self.findings.iter().cloned());
    }

    /// A text that was set.
    pub(super) fn text(&self, key: &str) -> &str {
        self.table
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// True when it cannot be converted.
    pub(super) fn is_refused(&self) -> bool {
        self.is_blocked || self.findings.iter().any(|finding| finding.is_refusal)
    }

    /// Sets a key that came from somewhere.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>, place: &Place) {
        self.table.insert(key.to_owned(), value.into());
        self.places.insert(key.to_owned(), place.clone());
    }

    /// Sets texts by name, when there are any.
    pub(super) fn set_labels(&mut self, labels: BTreeMap<String, String>, place: &Place) {
        if !labels.is_empty() {
            let labels = labels.into_iter();
            let labels: Table = labels.map(|(key, value)| (key, value.into())).collect();
            self.set("labels", labels, place);
        }
    }

    /// Sets the description, when there is one.
    pub(super) fn describe(&mut self, text: Option<&Node>) {
        let Some(node) = text else {
            return;
        };
        match node.text() {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => self.set("description", text.trim(), &node.place),
            Err(wrong) => self.wrong(wrong),
        }
    }

    /// Notes what keeps it from being converted.
    pub(super) fn refuse(&mut self, place: &Place, message: impl Into<String>) {
        self.find(place, message.into(), true);
    }

    /// The same of something that is wrong in the document.
    pub(super) fn wrong(&mut self, wrong: Wrong) {
        self.find(&wrong.place, wrong.message, true);
    }

    /// What a step gives, or nothing and a note why.
    pub(super) fn or_refuse<T>(&mut self, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.wrong(wrong)).ok()
    }

    /// Notes that it means something else here.
    pub(super) fn warn(&mut self, place: &Place, message: impl Into<String>) {
        self.find(place, message.into(), false);
    }

    /// Warns of keys that are not of the format: a slip there would have no effect. What has no keys
    /// at all is wrong.
    pub(super) fn expect_keys(&mut self, node: &Node, known: &[&str]) -> Result<(), Wrong> {
        for (key, place, _) in node.entries()? {
            if !known.contains(&key.as_str()) {
                let near = nearest(key, known.iter().copied());
                let advice = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                let message = format!("`{}` is unknown and has no effect{advice}", clipped(key));
                self.warn(place, message);
            }
        }
        Ok(())
    }

    /// Hands over what is said of it, and the SLO itself when nothing keeps it back.
    pub(super) fn finish(self, into: &mut Conversion) {
        let is_refused = self.is_refused();
        into.findings.extend(self.findings);
        if !is_refused {
            into.slos.push(Converted {
                table: self.table,
                origin: self.origin,
                place: self.place,
                places: self.places,
            });
        }
    }

    fn find(&mut self, place: &Place, message: String, is_refusal: bool) {
        self.findings.push(Finding {
            place: place.clone(),
            origin: self.origin.clone(),
            message,
            is_refusal,
        });
    }
}

/// A share of 1 in percent, as people write it.
pub(super) fn percent(share: f64) -> f64 {
    crate::domain::slo::rounded(share * 100.0)
}

/// A name of theirs as a name of ours, which has no `/`.
pub(super) fn named(name: &str) -> String {
    name.trim().replace('/', "-")
}

/// A name of theirs as the name of a label.
pub(super) fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let label: String = name.chars().map(plain).collect();
    match label.chars().next() {
        Some(first) if first.is_ascii_digit() || label.starts_with("__") => format!("l{label}"),
        _ => label,
    }
}
