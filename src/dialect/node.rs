//! YAML as a tree that knows where everything in it came from.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Location, Options, Spanned};

use super::Place;

/// The deepest nesting that is read.
const DEEPEST: usize = 64;
/// The most parts a file may have, and what its aliases may add: a million of neither fits.
const MOST_NODES: usize = 200_000;

/// The most documents that a file may hold.
const MOST_DOCUMENTS: usize = 10_000;

/// A part of a document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What a part is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// True or false, and how it was written.
    Flag(bool, String),
    /// A number, and how it was written.
    Number(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Place, Node)>),
}

/// Something that is wrong in a document.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) place: Place,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn at(place: &Place, message: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            message: message.into(),
        }
    }
}

/// The documents of a file that are not empty.
pub(super) fn documents(file: usize, text: &str) -> Result<Vec<Node>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read: Vec<Raw> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| {
            let at = error.location().map_or(0, |at| byte_of(text, at));
            Wrong {
                place: Place {
                    file,
                    span: at..at + 1,
                },
                message: reason(&error.to_string()),
            }
        })?;
    let nodes = read.into_iter().map(|raw| raw.placed(file, text));
    Ok(nodes
        .filter(|node| !matches!(node.value, Value::Null))
        .collect())
}

/// Bounds for what a few lines of aliases could grow to.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_nodes: MOST_NODES,
            max_documents: MOST_DOCUMENTS,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_NODES,
        },
        // Only `true` and `false`: `n` and `on` are names.
        strict_booleans: true,
        // One such number is told of where it is, and keeps no other document back.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// The parser's sentence without the place, which is told otherwise.
fn reason(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
    {
        Some((place, rest)) if place.contains("column") => rest,
        _ => line,
    };
    let (line, _) = line
        .split_once(", set DuplicateKeyPolicy")
        .unwrap_or((line, ""));
    match line {
        line if line.starts_with("alias replay limit") => {
            "its aliases repeat more than any document needs".to_owned()
        }
        line if line.starts_with("recursive references") => {
            "this alias is a part of what it stands for".to_owned()
        }
        line if line.contains("Documents {") => {
            format!("the file holds more than {MOST_DOCUMENTS} documents: split it")
        }
        line if line.contains("Depth {") || line.starts_with("recursion limit") => {
            format!("this is nested deeper than {DEEPEST} levels: flatten it")
        }
        line if line.contains("Nodes {") => {
            format!("the file has more than {MOST_NODES} values: split it")
        }
        line if line.contains("budget breached") => {
            "the file has more than any document needs: split it".to_owned()
        }
        line => line.to_owned(),
    }
}

/// The byte that a place in characters is at.
fn byte_of(text: &str, at: Location) -> usize {
    let characters = usize::try_from(at.span().offset()).unwrap_or(usize::MAX);
    text.char_indices()
        .nth(characters)
        .map_or(text.len(), |(byte, _)| byte)
}

/// A part as the parser gives it.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn placed(self, file: usize, text: &str) -> Node {
        let place = place(file, self.0.referenced);
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Flag(flag) => {
                let written = Self::written(text, self.0.defined);
                Value::Flag(flag, written.unwrap_or_else(|| flag.to_string()))
            }
            RawValue::Number(number) => {
                let written = Self::written(text, self.0.defined);
                Value::Number(number, written.unwrap_or_else(|| number.to_string()))
            }
            RawValue::Text(text) => Value::Text(text),
            RawValue::List(list) => {
                let list = list.into_iter().map(|raw| raw.placed(file, text));
                Value::List(list.collect())
            }
            RawValue::Map(map) => {
                let map = map.into_iter().map(|(key, raw)| {
                    let at = super::node::place(file, key.referenced);
                    (key.value, at, raw.placed(file, text))
                });
                Value::Map(map.collect())
            }
        };
        Node { value, place }
    }

    /// A scalar as it stands in the text.
    fn written(text: &str, at: Location) -> Option<String> {
        let place = place(0, at);
        text.get(place.span).map(|text| text.trim().to_owned())
    }
}

fn place(file: usize, at: Location) -> Place {
    let bytes = |number: Option<u64>| usize::try_from(number.unwrap_or(0)).unwrap_or(0);
    let start = bytes(at.span().byte_offset());
    Place {
        file,
        span: start..start + bytes(at.span().byte_len()),
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<RawValue, E> {
        Ok(RawValue::Flag(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "no such number is that exact")]
    fn visit_i64<E>(self, number: i64) -> Result<RawValue, E> {
        Ok(RawValue::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no such number is that exact")]
    fn visit_u64<E>(self, number: u64) -> Result<RawValue, E> {
        Ok(RawValue::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<RawValue, E> {
        Ok(RawValue::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(RawValue::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(RawValue::Map(entries))
    }
}

impl Node {
    /// What is under a key; nothing is the same as no key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let (.., node) = entries.iter().find(|(name, ..)| name == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// What is at the end of several keys.
    pub(super) fn find(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// What has to be under a key.
    pub(super) fn need(&self, key: &str) -> Result<&Self, Wrong> {
        if !matches!(self.value, Value::Map(_)) {
            let message = format!(
                "expected keys and values, among them `{key}`, found {}",
                self.what()
            );
            return Err(Wrong::at(&self.place, message));
        }
        let missing = || Wrong::at(&self.place, format!("`{key}` is missing: add it"));
        self.get(key).ok_or_else(missing)
    }

    /// Its keys and values; it may be absent or empty.
    pub(super) fn entries(&self) -> Result<&[(String, Place, Self)], Wrong> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.expected("keys and values")),
        }
    }

    /// Its members; it may be absent or empty.
    pub(super) fn list(&self) -> Result<&[Self], Wrong> {
        match &self.value {
            Value::List(list) => Ok(list),
            Value::Null => Ok(&[]),
            _ => Err(self.expected("a list")),
        }
    }

    /// A scalar as text.
    pub(super) fn text(&self) -> Result<String, Wrong> {
        match &self.value {
            Value::Text(text) | Value::Number(_, text) | Value::Flag(_, text) => Ok(text.clone()),
            _ => Err(self.expected("a text")),
        }
    }

    /// The text under a key, if it is there.
    pub(super) fn text_of(&self, key: &str) -> Result<Option<String>, Wrong> {
        self.get(key).map(Self::text).transpose()
    }

    /// A number, quoted or not.
    pub(super) fn number(&self) -> Result<f64, Wrong> {
        let number = match &self.value {
            Value::Number(number, _) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.expected("a number"))
    }

    /// True or false, also in the other words that YAML 1.1 has for them.
    pub(super) fn flag(&self) -> Result<bool, Wrong> {
        let word = match &self.value {
            Value::Flag(flag, _) => return Ok(*flag),
            Value::Text(text) => text.to_ascii_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "yes" | "on" => Ok(true),
            "no" | "off" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// The flag under a key, if it is there.
    pub(super) fn flag_of(&self, key: &str) -> Result<Option<bool>, Wrong> {
        self.get(key).map(Self::flag).transpose()
    }

    fn expected(&self, wanted: &str) -> Wrong {
        let message = format!("expected {wanted}, found {}", self.what());
        Wrong::at(&self.place, message)
    }

    fn what(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Flag(..) => "true or false",
            Value::Number(number, _) if !number.is_finite() => "one that is not finite",
            Value::Number(..) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "keys and values",
        }
    }
}
