//! The JSON Schema of the configuration, for editors: made from the commented example, which tests
//! hold to name every setting.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::wire::COMMON;

/// What every comment that describes a setting begins with.
const COMMENT: &str = "# ";

/// The schema, in draft 7 as the editors' TOML plugins read it. `example` is the commented example.
///
/// # Errors
/// When the example is not TOML, which tests keep from happening.
pub fn schema(example: &str) -> Result<String, toml::de::Error> {
    let tables: toml::Table = toml::from_str(&uncommented(example))?;
    let words = Descriptions::of(example);
    let mut properties = Map::new();
    for (section, value) in &tables {
        let table = match (section.as_str(), value) {
            ("keys", _) => json!({"type": "object", "additionalProperties": one_or_more()}),
            ("source", toml::Value::Array(sources)) => {
                json!({"type": "array", "items": {"oneOf": kinds(sources, &words)}})
            }
            (_, toml::Value::Array(entries)) => {
                let all = entries.iter().filter_map(toml::Value::as_table);
                json!({"type": "array", "items": table(section, all, &[], &words)})
            }
            (_, toml::Value::Table(one)) => table(section, [one].into_iter(), &[], &words),
            (_, other) => of_value(section, other),
        };
        properties.insert(section.clone(), table);
    }
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "watchfire configuration",
        "description": "The settings of watchfire; `watchfire config` prints a commented example.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": {"secret": secret()},
    });
    Ok(format!("{schema:#}\n"))
}

/// The example with every `#` removed that has no space behind it, as its first lines say.
fn uncommented(example: &str) -> String {
    let lines = example.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', ':']) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A schema of each kind of source.
fn kinds(sources: &[toml::Value], words: &Descriptions) -> Vec<Value> {
    let mut by_kind: BTreeMap<&str, Vec<&toml::Table>> = BTreeMap::new();
    for source in sources.iter().filter_map(toml::Value::as_table) {
        let kind = source.get("kind").and_then(toml::Value::as_str);
        by_kind
            .entry(kind.unwrap_or_default())
            .or_default()
            .push(source);
    }
    let of_kind = |(kind, all): (&str, Vec<&toml::Table>)| {
        let mut schema = table("source", all.into_iter(), &COMMON, words);
        schema["title"] = json!(kind);
        schema["properties"]["kind"] = json!({"const": kind});
        schema["required"] = json!(["name", "kind"]);
        schema
    };
    by_kind.into_iter().map(of_kind).collect()
}

/// A table with the settings of all its examples, and with `more`.
fn table<'a>(
    section: &str,
    examples: impl Iterator<Item = &'a toml::Table>,
    more: &[&str],
    words: &Descriptions,
) -> Value {
    let mut properties = Map::new();
    let mut add = |key: &str, schema: Value| {
        let schema = match (properties.remove(key), schema) {
            (Some(known), schema) if known != schema => json!({"anyOf": [known, schema]}),
            (_, schema) => schema,
        };
        properties.insert(key.to_owned(), schema);
    };
    for key in more {
        add(key, of_common(key));
    }
    for (key, value) in examples.flatten() {
        if !more.contains(&key.as_str()) {
            add(key, of_value(key, value));
        }
    }
    for (key, schema) in &mut properties {
        let description = words.get(section, key);
        if let (Some(schema), Some(description)) = (schema.as_object_mut(), description) {
            schema.insert("description".to_owned(), json!(description));
        }
    }
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// The settings that every source takes.
fn of_common(key: &str) -> Value {
    match key {
        "bearer_token" | "token" => json!({"allOf": [{"$ref": "#/definitions/secret"}]}),
        "basic" => json!({
            "type": "object",
            "properties": {"username": {"type": "string"}, "password": {"$ref": "#/definitions/secret"}},
            "required": ["username", "password"],
            "additionalProperties": false,
        }),
        "headers" => json!({
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/secret"}]},
        }),
        _ => json!({"type": "string"}),
    }
}

/// What a setting may be, by its example.
fn of_value(key: &str, value: &toml::Value) -> Value {
    match value {
        // A body is sent as it is, or as JSON.
        _ if key == "body" => json!({"type": ["object", "string"]}),
        toml::Value::String(_) => json!({"type": "string"}),
        toml::Value::Integer(_) | toml::Value::Float(_) => json!({"type": "number"}),
        toml::Value::Boolean(_) => json!({"type": "boolean"}),
        toml::Value::Datetime(_) => json!({}),
        toml::Value::Table(_) => json!({"type": "object"}),
        toml::Value::Array(list) => {
            let is_plain = list.iter().all(toml::Value::is_str);
            let is_of_numbers = list.iter().all(toml::Value::is_integer);
            let items = if is_plain {
                json!({"type": "string"})
            } else if is_of_numbers {
                json!({"type": "number"})
            } else {
                json!({"type": ["object", "string"]})
            };
            json!({"type": "array", "items": items})
        }
    }
}

fn one_or_more() -> Value {
    json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
}

/// Where a secret is: in a variable, a file, or what a program prints.
fn secret() -> Value {
    let place = |name: &str, schema: Value| json!({"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": false});
    json!({"oneOf": [
        place("env", json!({"type": "string", "minLength": 1})),
        place("file", json!({"type": "string", "minLength": 1})),
        place("command", json!({"type": "array", "items": {"type": "string"}, "minItems": 1})),
    ]})
}

/// The comments above settings, by section and setting; those of the first example.
struct Descriptions(BTreeMap<(String, String), String>);

impl Descriptions {
    fn of(example: &str) -> Self {
        let mut found = BTreeMap::new();
        let (mut section, mut comment) = (String::new(), Vec::new());
        for line in example.lines() {
            if let Some(text) = line.strip_prefix(COMMENT) {
                comment.push(text.trim());
                continue;
            }
            let setting = line.strip_prefix('#').unwrap_or(line).trim();
            if setting.starts_with('[') {
                setting.trim_matches(['[', ']']).clone_into(&mut section);
            } else if let Some((key, _)) = setting.split_once('=')
                && !comment.is_empty()
            {
                let key = (section.clone(), key.trim().to_owned());
                found.entry(key).or_insert_with(|| comment.join(" "));
            }
            comment.clear();
        }
        Self(found)
    }

    fn get(&self, section: &str, key: &str) -> Option<&String> {
        self.0.get(&(section.to_owned(), key.to_owned()))
    }
}
