//! `OpenAPI`'s schemas as JSON Schema: what differs is rewritten, what is checked is `jsonschema`'s.

use serde_json::{Map, Value, json};

/// Which way a body goes: a property that is read only need not be sent, one that is write only is
/// not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// In a request.
    Asked,
    /// In an answer.
    Answered,
}

/// Rewrites every schema of a whole document.
///
/// `nullable` is `OpenAPI` 3.0's (Schema Object), `x-nullable` go-swagger's word for what JSON Schema
/// says as the type `null`.
pub(crate) fn rewritten(value: &Value, side: Side) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|one| rewritten(one, side)).collect(),
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| (name.clone(), rewritten(value, side)))
                .collect();
            relax(&mut fields, side);
            let is_nullable = ["nullable", "x-nullable"]
                .into_iter()
                .any(|word| fields.get(word) == Some(&Value::Bool(true)));
            if is_nullable {
                nullable(fields)
            } else {
                Value::Object(fields)
            }
        }
        other => other.clone(),
    }
}

/// Takes what only the other side has out of `required`.
fn relax(fields: &mut Map<String, Value>, side: Side) {
    let word = match side {
        Side::Asked => "readOnly",
        Side::Answered => "writeOnly",
    };
    let others: Vec<String> = fields
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema.get(word) == Some(&Value::Bool(true)))
        .map(|(name, _)| name.clone())
        .collect();
    if let Some(Value::Array(required)) = fields.get_mut("required") {
        required.retain(|name| !others.iter().any(|other| name == other));
        // JSON Schema draft 4 wants one name at least.
        if required.is_empty() {
            fields.remove("required");
        }
    }
}

/// The same schema, or null.
fn nullable(mut fields: Map<String, Value>) -> Value {
    fields.retain(|word, _| word != "nullable" && word != "x-nullable");
    let is_plain = fields.get("type").is_some_and(Value::is_string)
        && !["$ref", "allOf", "anyOf", "oneOf"]
            .into_iter()
            .any(|word| fields.contains_key(word));
    if !is_plain {
        return json!({"anyOf": [fields, {"type": "null"}]});
    }
    if let Some(kind) = fields.get_mut("type") {
        *kind = json!([kind, "null"]);
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum")
        && !words.contains(&Value::Null)
    {
        words.push(Value::Null);
    }
    Value::Object(fields)
}
