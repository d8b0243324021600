//! The published JSON Schemas, closed: a field that none of them describes is a mistake.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The folder that they lie in.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference")
}

/// A schema as it is published.
pub(crate) fn published(name: &str) -> Value {
    let path = folder().join(format!("{name}.schema.json"));
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The same with the schemas that it refers to in it, and no room for other fields.
fn closed(name: &str) -> Value {
    let mut schema = published(name);
    if name == "source-test" {
        schema["$defs"]["status_schema"] = published("status");
    }
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// What is wrong with an output by its schema; nothing of one that is described whole.
pub(crate) fn faults(name: &str, output: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&closed(name)).unwrap();
    let faults = validator.iter_errors(output);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}
