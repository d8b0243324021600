//! A vendor's description of its API, and what in an exchange is against it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::exchange::{Exchange, Message};
use crate::parameter::{Parameter, declared};
use crate::part::Part;
use crate::schema::{Side, rewritten};
use crate::swagger::modernised;

/// How many errors of one body are told.
const TOLD: usize = 5;

/// A description that exchanges can be held to.
pub(crate) struct Description {
    whole: Value,
    /// What stands before every path.
    base: String,
    draft: Draft,
    allowed: Vec<&'static str>,
    validators: Mutex<HashMap<(Side, String), Arc<Validator>>>,
}

impl Description {
    /// One of `descriptions/`.
    pub(crate) fn named(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/descriptions");
        Self::load(&folder.join(format!("{name}.json")))
    }

    /// A description as a JSON file.
    pub(crate) fn load(path: &Path) -> Self {
        let text =
            std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::new(serde_json::from_slice(&text).expect("the description is JSON"))
    }

    /// A description.
    pub(crate) fn new(whole: Value) -> Self {
        let version = whole.get("openapi").and_then(Value::as_str).unwrap_or("");
        let draft = match version.get(..3) {
            Some("3.1") => Draft::Draft202012,
            _ => Draft::Draft4,
        };
        let base = match whole.get("basePath").and_then(Value::as_str) {
            Some(base) => base.to_owned(),
            None => server_path(&whole),
        };
        let is_swagger = whole.get("swagger").is_some();
        Self {
            whole: if is_swagger { modernised(whole) } else { whole },
            base: base.trim_end_matches('/').to_owned(),
            draft,
            allowed: Vec::new(),
            validators: Mutex::default(),
        }
    }

    /// Lets violations pass that contain these words: what the server is known to do otherwise.
    #[must_use]
    pub(crate) fn allowing(mut self, words: &'static str) -> Self {
        self.allowed.push(words);
        self
    }

    /// Which operation this is, and what in it is against the description.
    pub(crate) fn check(&self, exchange: &Exchange) -> (String, Vec<String>) {
        let path = exchange.url.path();
        let Some((name, item)) = self.path_item(path) else {
            let asked = format!("{} {path}", exchange.method);
            return (asked.clone(), vec![format!("{asked}: no such path")]);
        };
        let called = format!("{} {name}", exchange.method);
        let method = exchange.method.as_str().to_ascii_lowercase();
        let Some(operation) = item.get(&method) else {
            return (called.clone(), vec![format!("{called}: no such method")]);
        };
        let mut found = self.parameters(exchange, &name, &item, &operation);
        found.extend(self.request_body(&exchange.request, &operation));
        found.extend(self.answer(exchange, &operation));
        let violations = found.into_iter().map(|words| format!("{called}: {words}"));
        let is_allowed =
            |words: &String| self.allowed.iter().any(|allowed| words.contains(allowed));
        (
            called.clone(),
            violations.filter(|words| !is_allowed(words)).collect(),
        )
    }

    /// Every reference that leads nowhere.
    pub(crate) fn dangling(&self) -> Vec<String> {
        let mut open = vec![&self.whole];
        let mut found = Vec::new();
        while let Some(value) = open.pop() {
            match value {
                Value::Array(list) => open.extend(list),
                Value::Object(fields) => {
                    if let Some(Value::String(at)) = fields.get("$ref")
                        && self.whole.pointer(at.trim_start_matches('#')).is_none()
                    {
                        found.push(at.clone());
                    }
                    open.extend(fields.values());
                }
                _ => {}
            }
        }
        found
    }

    /// The path that fits best: the one with the most steps that are not parameters.
    fn path_item(&self, path: &str) -> Option<(String, Part<'_>)> {
        let path = path.strip_prefix(&self.base)?;
        let paths = Part::of(&self.whole).get("paths")?;
        let fitting = paths.fields().filter(|(template, _)| fits(template, path));
        fitting
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(template, item)| (template.to_owned(), item))
    }

    fn parameters(
        &self,
        exchange: &Exchange,
        template: &str,
        item: &Part<'_>,
        operation: &Part<'_>,
    ) -> Vec<String> {
        let known = declared(item, operation);
        let mut found = Vec::new();
        let query: Vec<(String, String)> = exchange.url.query_pairs().into_owned().collect();
        for (name, _) in &query {
            let is_it = |parameter: &Parameter<'_>| parameter.takes(name);
            if !known.iter().any(is_it) {
                found.push(format!("query parameter `{name}` is not known"));
            }
        }
        let steps = template
            .split('/')
            .zip(exchange.url.path()[self.base.len()..].split('/'));
        let steps: Vec<(&str, &str)> = steps.collect();
        for parameter in &known {
            let name = parameter.name.as_str();
            let values: Vec<String> = match parameter.place {
                "query" => {
                    let given = query.iter().filter(|(name, _)| parameter.takes(name));
                    given.map(|(_, value)| value.clone()).collect()
                }
                // OpenAPI 3.0, Parameter Object: definitions of these headers are to be ignored.
                "header" if ["Accept", "Content-Type", "Authorization"].contains(&name) => continue,
                "header" => exchange
                    .request
                    .headers
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                "path" => {
                    let braced = format!("{{{name}}}");
                    let given = steps.iter().filter(|(step, _)| *step == braced);
                    given.map(|(_, value)| (*value).to_owned()).collect()
                }
                _ => continue,
            };
            if values.is_empty() {
                if parameter.is_required && parameter.place != "path" {
                    found.push(format!("{} `{name}` is missing", parameter.place));
                }
            } else if let Some(words) = self.parameter_fault(parameter, &values) {
                found.push(format!("{} `{name}` {words}", parameter.place));
            }
        }
        found
    }

    /// What is wrong with the values of a parameter, if they are wrong whichever way they are read.
    fn parameter_fault(&self, parameter: &Parameter<'_>, values: &[String]) -> Option<String> {
        let schema = parameter.schema.as_ref()?;
        let is_list = schema.get("type").is_some_and(|kind| kind.value == "array");
        let split = |text: &String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let texts: Vec<String> = if is_list && !parameter.explode {
            values.iter().flat_map(split).collect()
        } else {
            values.to_vec()
        };
        let as_text = |text: &String| Value::String(text.clone());
        let as_value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| as_text(text));
        let instances: [Value; 2] = if is_list {
            [
                texts.iter().map(as_text).collect(),
                texts.iter().map(as_value).collect(),
            ]
        } else if texts.len() > 1 {
            return Some(format!("is given {} times", texts.len()));
        } else {
            [as_text(&texts[0]), as_value(&texts[0])]
        };
        let faults = instances.map(|instance| self.faults(Side::Asked, schema, &instance));
        let [first, second] = faults;
        (!first.is_empty() && !second.is_empty()).then(|| second.join("; "))
    }

    fn request_body(&self, request: &Message, operation: &Part<'_>) -> Vec<String> {
        let Some(body) = operation.get("requestBody") else {
            if request.body.is_empty() {
                return Vec::new();
            }
            return vec!["the request has a body, and none is described".to_owned()];
        };
        if request.body.is_empty() {
            let is_required = body.get("required").is_some_and(|part| part.value == true);
            return is_required
                .then(|| "the request lacks its body".to_owned())
                .into_iter()
                .collect();
        }
        self.body(Side::Asked, request, &body)
            .into_iter()
            .map(|words| format!("the request {words}"))
            .collect()
    }

    fn answer(&self, exchange: &Exchange, operation: &Part<'_>) -> Vec<String> {
        let code = exchange.status.as_u16();
        let response = operation.get("responses").and_then(|responses| {
            [
                code.to_string(),
                format!("{}XX", code / 100),
                "default".to_owned(),
            ]
            .into_iter()
            .find_map(|key| responses.get(&key))
        });
        let Some(response) = response else {
            return vec![format!("status {code} is not described")];
        };
        let answer = &exchange.answer;
        if response.get("content").is_none() {
            if answer.body.is_empty() {
                return Vec::new();
            }
            return vec![format!(
                "the answer {code} has a body, and none is described"
            )];
        }
        self.body(Side::Answered, answer, &response)
            .into_iter()
            .map(|words| format!("the answer {code} {words}"))
            .collect()
    }

    fn body(&self, side: Side, message: &Message, described: &Part<'_>) -> Vec<String> {
        let media_type = message.media_type();
        let Some(content) = described.get("content") else {
            return Vec::new();
        };
        let mut fitting = content
            .fields()
            .filter(|(name, _)| covers(name, &media_type));
        let Some((_, media)) = fitting.next() else {
            return vec![format!(
                "is of the type `{media_type}`, which is not described"
            )];
        };
        let is_json = media_type.ends_with("json");
        let Some(schema) = media.get("schema").filter(|_| is_json) else {
            return Vec::new();
        };
        match message.json() {
            Ok(instance) => self.faults(side, &schema, &instance),
            Err(words) => vec![words],
        }
    }

    /// What in a value is against a schema.
    fn faults(&self, side: Side, schema: &Part<'_>, instance: &Value) -> Vec<String> {
        let validator = self.validator(side, &schema.at);
        let errors = validator.iter_errors(instance).take(TOLD);
        errors
            .map(|error| format!("at `{}`: {}", error.instance_path(), error.masked()))
            .collect()
    }

    fn validator(&self, side: Side, at: &str) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap();
        let key = (side, at.to_owned());
        let validator = known.entry(key).or_insert_with(|| {
            let mut root: Map<String, Value> = match rewritten(&self.whole, side) {
                Value::Object(fields) => fields,
                _ => Map::new(),
            };
            root.insert("$ref".to_owned(), json!(format!("#{}", fragment(at))));
            let options = jsonschema::options().with_draft(self.draft);
            let validator = options
                .should_validate_formats(true)
                .build(&Value::Object(root))
                .unwrap_or_else(|error| panic!("{at} is no schema: {error}"));
            Arc::new(validator)
        });
        Arc::clone(validator)
    }
}

/// An address within the document as a fragment of a URI, RFC 6901 section 6.
fn fragment(at: &str) -> String {
    let mut text = String::new();
    for byte in at.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The path of the first server; variables have their default values.
fn server_path(whole: &Value) -> String {
    let server = whole.pointer("/servers/0");
    let url = server.and_then(|server| server.get("url")?.as_str());
    let mut url = url.unwrap_or("").to_owned();
    let variables = server.and_then(|server| server.get("variables")?.as_object());
    for (name, variable) in variables.into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str);
        url = url.replace(&format!("{{{name}}}"), default.unwrap_or(""));
    }
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]).to_owned(),
        None => url,
    }
}

/// True when a path is of this template: `/silence/{silenceID}`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(step, given)| match step.split_once('{') {
                None => step == given,
                Some((before, rest)) => {
                    let after = rest.split_once('}').map_or("", |(_, after)| after);
                    given.len() > before.len() + after.len()
                        && given.starts_with(before)
                        && given.ends_with(after)
                }
            })
}

/// True when a described media type, or range of such, covers one that was sent.
fn covers(described: &str, sent: &str) -> bool {
    let described = described.split(';').next().unwrap_or("").trim();
    let described = described.to_ascii_lowercase();
    described == sent
        || described == "*/*"
        || described
            .strip_suffix("/*")
            .is_some_and(|kind| sent.split('/').next() == Some(kind))
}
