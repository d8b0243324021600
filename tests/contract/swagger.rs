//! Swagger 2.0 in the shape of `OpenAPI` 3, so that only one shape is checked.

use serde_json::{Map, Value, json};

/// What a parameter of Swagger 2.0 says of its value, beside its name and place.
const OF_THE_VALUE: [&str; 14] = [
    "type",
    "format",
    "items",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
];
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Moves bodies to `requestBody` and `content`, and the types of parameters to `schema`; references
/// stay where they are.
pub(crate) fn modernised(mut whole: Value) -> Value {
    let consumes = media_types(&whole, "consumes", None);
    let produces = media_types(&whole, "produces", None);
    let shared = whole.get("parameters").cloned().unwrap_or_default();
    for response in fields_of(whole.get_mut("responses")) {
        modernise_response(response, &produces);
    }
    for parameter in fields_of(whole.get_mut("parameters")) {
        modernise_parameter(parameter);
    }
    for path in fields_of(whole.get_mut("paths")) {
        for parameter in items_of(path.get_mut("parameters")) {
            modernise_parameter(parameter);
        }
        for method in METHODS {
            let Some(operation) = path.get_mut(method) else {
                continue;
            };
            let consumes = media_types(operation, "consumes", Some(&consumes));
            let produces = media_types(operation, "produces", Some(&produces));
            modernise_operation(operation, &shared, &consumes, &produces);
        }
    }
    whole
}

fn modernise_operation(
    operation: &mut Value,
    shared: &Value,
    consumes: &[String],
    produces: &[String],
) {
    let mut body = None;
    if let Some(Value::Array(parameters)) = operation.get_mut("parameters") {
        parameters.retain(|parameter| {
            let name = parameter.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|name| name.strip_prefix("#/parameters/"));
            let parameter = name.and_then(|name| shared.get(name)).unwrap_or(parameter);
            let is_body = parameter.get("in") == Some(&json!("body"));
            if is_body {
                body = Some(parameter.clone());
            }
            !is_body
        });
        parameters.iter_mut().for_each(modernise_parameter);
    }
    if let Some(body) = body {
        operation["requestBody"] = json!({
            "required": body.get("required").unwrap_or(&Value::Bool(false)),
            "content": content(consumes, body.get("schema").unwrap_or(&Value::Bool(true))),
        });
    }
    for response in fields_of(operation.get_mut("responses")) {
        modernise_response(response, produces);
    }
}

fn modernise_parameter(parameter: &mut Value) {
    let Value::Object(fields) = parameter else {
        return;
    };
    if !fields.contains_key("type") {
        return;
    }
    let schema: Map<String, Value> = OF_THE_VALUE
        .into_iter()
        .filter_map(|word| Some((word.to_owned(), fields.get(word)?.clone())))
        .collect();
    let is_repeated = fields.get("collectionFormat") == Some(&json!("multi"));
    fields.insert("schema".to_owned(), Value::Object(schema));
    fields.insert("explode".to_owned(), Value::Bool(is_repeated));
}

fn modernise_response(response: &mut Value, produces: &[String]) {
    if let Some(schema) = response.get("schema").cloned() {
        response["content"] = content(produces, &schema);
    }
}

fn content(media_types: &[String], schema: &Value) -> Value {
    let one = |name: &String| (name.clone(), json!({ "schema": schema }));
    Value::Object(media_types.iter().map(one).collect())
}

fn media_types(of: &Value, word: &str, else_these: Option<&[String]>) -> Vec<String> {
    match of.get(word).and_then(Value::as_array) {
        Some(list) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        None => else_these.map_or_else(|| vec!["application/json".to_owned()], <[_]>::to_vec),
    }
}

fn fields_of(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    let fields = value.and_then(Value::as_object_mut).into_iter();
    fields.flat_map(|fields| fields.values_mut())
}

fn items_of(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}
