//! Who we say we are: headers and credentials, fetched when first needed and marked as sensitive.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
#[cfg(feature = "kubernetes")]
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::Regex;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::{Auth, HeaderSetting, Problem, SourceSettings, Step};
use crate::domain::{Fault, FaultKind};

/// Headers that would break the framing of a request.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];
/// Shorter secrets are looked for in error texts as whole words alone: parts of words are them by
/// chance.
const SHORTEST_PART: usize = 4;
/// Shorter secrets are not looked for in data, where a chance hit would change a row.
const SHORTEST_IN_DATA: usize = 6;
/// Shorter secrets of lower-case letters alone are not looked for in data either: `prometheus` may be
/// a password, and is a job.
const SHORTEST_WORD_IN_DATA: usize = 16;
/// Stands for a secret that a server repeated.
const REDACTED: &str = "[redacted]";

/// Where the headers come from.
pub(super) struct Identity {
    auth: Auth,
    headers: BTreeMap<String, HeaderSetting>,
    token_name: &'static str,
    token_prefix: &'static str,
}

/// The headers themselves.
pub(super) struct Credentials {
    /// What every request carries, all marked as sensitive.
    pub(super) headers: HeaderMap,
    words: Vec<SecretString>,
    /// Every form of a secret that is looked for in data.
    in_data: Option<Regex>,
    /// Every form of any secret, for texts that say what is wrong.
    in_errors: Option<Regex>,
    /// True when one of them is not looked for in data.
    has_weak: bool,
}

impl Identity {
    /// Checks names and plain values.
    pub(super) fn new(settings: &SourceSettings) -> Result<Self, Problem> {
        let http = &settings.http;
        for (name, setting) in &http.headers {
            let problem = |message: &str| {
                let mut problem = settings.problem("headers", message);
                problem.path.push(Step::Key(name.clone()));
                problem
            };
            let Ok(parsed) = HeaderName::try_from(name) else {
                return Err(problem(
                    "is not a header name; use letters, digits and dashes",
                ));
            };
            if FRAMING.contains(&parsed.as_str()) {
                return Err(problem("is set by the client itself; remove it"));
            }
            if parsed == AUTHORIZATION && !matches!(http.auth, Auth::None) {
                return Err(problem(&format!(
                    "says the same as `{}`; keep one of them",
                    key(&http.auth)
                )));
            }
            if let HeaderSetting::Plain(value) = setting
                && HeaderValue::try_from(value).is_err()
            {
                return Err(problem(
                    "has a value that cannot be sent; use one line of ASCII text",
                ));
            }
        }
        if let Auth::Basic { username, .. } = &http.auth
            && username.contains(':')
        {
            return Err(
                settings.problem("basic", "has a colon in its username; that cannot be sent")
            );
        }
        Ok(Self {
            auth: http.auth.clone(),
            headers: http.headers.clone(),
            token_name: "authorization",
            token_prefix: "Bearer ",
        })
    }

    pub(super) fn token_header(&mut self, name: &'static str, prefix: &'static str) {
        self.token_name = name;
        self.token_prefix = prefix;
    }

    /// The setting that holds the credential, to name it when it is refused.
    pub(super) fn setting(&self) -> &'static str {
        let secret_header = self
            .headers
            .values()
            .any(|setting| matches!(setting, HeaderSetting::Secret(_)));
        if secret_header && matches!(self.auth, Auth::None) {
            return "headers";
        }
        key(&self.auth)
    }

    /// Fetches the secrets.
    pub(super) async fn credentials(&self) -> Result<Credentials, Fault> {
        let mut credentials = Credentials {
            headers: HeaderMap::new(),
            words: Vec::new(),
            in_data: None,
            in_errors: None,
            has_weak: false,
        };
        for (name, setting) in &self.headers {
            match setting {
                HeaderSetting::Plain(value) => credentials.add(name, value)?,
                HeaderSetting::Secret(secret) => {
                    let secret = secret.resolve().await?;
                    credentials.add(name, secret.expose_secret())?;
                    credentials.words.push(secret);
                }
            }
        }
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(secret) => {
                let secret = secret.resolve().await?;
                let value = format!("Bearer {}", secret.expose_secret());
                credentials.add("authorization", &value)?;
                credentials.words.push(secret);
            }
            Auth::Token(secret) => {
                let secret = secret.resolve().await?;
                let value = format!("{}{}", self.token_prefix, secret.expose_secret());
                credentials.add(self.token_name, &value)?;
                credentials.words.push(secret);
            }
            Auth::Basic { username, password } => {
                let secret = password.resolve().await?;
                let pair = STANDARD.encode(format!("{username}:{}", secret.expose_secret()));
                credentials.add("authorization", &format!("Basic {pair}"))?;
                credentials.words.push(secret);
                credentials.words.push(SecretString::from(pair));
            }
        }
        credentials.learn();
        Ok(credentials)
    }
}

/// Finds secrets that another client has sent in what a server repeats.
#[cfg(feature = "kubernetes")]
pub(crate) struct Secrets(Box<Credentials>);

#[cfg(feature = "kubernetes")]
impl Secrets {
    /// Of these words.
    pub(crate) fn new(words: Vec<SecretString>) -> Self {
        let mut known = Credentials {
            headers: HeaderMap::new(),
            words,
            in_data: None,
            in_errors: None,
            has_weak: false,
        };
        known.learn();
        Self(Box::new(known))
    }

    /// A server's words about what is wrong without the secrets. A login that is repeated whole is found
    /// without being known: one that a command made is in no configuration.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.0.redact(text);
        match LOGIN.as_ref() {
            Some(login) => {
                let redacted = login.replace_all(known.as_bytes(), &b"$1 [redacted]"[..]);
                String::from_utf8_lossy(&redacted).into_owned()
            }
            None => known,
        }
    }

    /// An answer's body without the secrets.
    pub(crate) fn redact_data(&self, body: Vec<u8>) -> Vec<u8> {
        self.0.redact_data(body, super::REFUSAL_FIELDS)
    }
}

/// The value of an `Authorization` header.
#[cfg(feature = "kubernetes")]
static LOGIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}").ok());

impl Credentials {
    fn add(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let unusable = || {
            Fault::new(
                FaultKind::Secret,
                format!("the secret for header `{name}` cannot be sent; it must be plain ASCII"),
            )
        };
        let name = HeaderName::try_from(name).map_err(|_| unusable())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Makes what finds the secrets, however a server may write them.
    fn learn(&mut self) {
        let words = || self.words.iter().map(ExposeSecret::expose_secret);
        let in_data = words().filter(|word| is_found_in_data(word));
        self.has_weak = !words().all(is_found_in_data);
        self.in_data = any_of(in_data.flat_map(forms).map(|form| regex::escape(&form)));
        self.in_errors = any_of(words().flat_map(|word| {
            let is_whole = word.len() < SHORTEST_PART;
            forms(word).map(|form| {
                if is_whole {
                    whole(&form)
                } else {
                    regex::escape(&form)
                }
            })
        }));
    }

    /// A server's words about what is wrong without our secrets, should it repeat them.
    pub(super) fn redact(&self, text: &str) -> String {
        let Some(pattern) = &self.in_errors else {
            return text.to_owned();
        };
        let redacted = pattern.replace_all(text.as_bytes(), REDACTED.as_bytes());
        String::from_utf8_lossy(&redacted).into_owned()
    }

    /// An answer's body without our secrets: whatever is read from it, a message or a row, has none.
    ///
    /// A secret that may be a word of the data, `abc` or `prometheus`, is replaced only where the answer
    /// says what is wrong, so that no row changes: in the `named` fields of its object.
    pub(super) fn redact_data(&self, body: Vec<u8>, named: &[&str]) -> Vec<u8> {
        let body = replaced(self.in_data.as_ref(), body);
        match &self.in_errors {
            Some(pattern) if self.has_weak && pattern.is_match(&body) => {
                self.without_in(&body, named).unwrap_or(body)
            }
            _ => body,
        }
    }

    /// An object whose named fields repeat no secret; `None` where nothing has to change.
    fn without_in(&self, body: &[u8], named: &[&str]) -> Option<Vec<u8>> {
        let mut fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
        let mut changed = Vec::new();
        for name in named {
            let Some(field) = fields.get(*name) else {
                continue;
            };
            let mut value: Value = serde_json::from_str(field.get()).ok()?;
            if self.redact_texts(&mut value) {
                changed.push((*name, serde_json::value::to_raw_value(&value).ok()?));
            }
        }
        if changed.is_empty() {
            return None;
        }
        for (name, value) in &changed {
            fields.insert((*name).to_owned(), value);
        }
        serde_json::to_vec(&fields).ok()
    }

    /// Replaces secrets in every text of each of these values; true when there was one.
    fn redact_all<'a>(&self, values: impl Iterator<Item = &'a mut Value>) -> bool {
        let changed = values.map(|value| self.redact_texts(value));
        changed.filter(|is_changed| *is_changed).count() > 0
    }

    /// Replaces secrets in every text of a value; true when there was one.
    fn redact_texts(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let redacted = self.redact(text);
                let is_changed = redacted != *text;
                *text = redacted;
                is_changed
            }
            Value::Array(list) => self.redact_all(list.iter_mut()),
            Value::Object(map) => self.redact_all(map.values_mut()),
            _ => false,
        }
    }
}

fn replaced(pattern: Option<&Regex>, body: Vec<u8>) -> Vec<u8> {
    let Some(pattern) = pattern else { return body };
    match pattern.replace_all(&body, REDACTED.as_bytes()) {
        Cow::Borrowed(_) => body,
        Cow::Owned(redacted) => redacted,
    }
}

/// Finds any of these patterns, the longer of two with one beginning first; `None` of none.
fn any_of(patterns: impl Iterator<Item = String>) -> Option<Regex> {
    let patterns: BTreeSet<String> = patterns.collect();
    let patterns: Vec<_> = patterns.into_iter().rev().collect();
    (!patterns.is_empty()).then(|| Regex::new(&patterns.join("|")).ok())?
}

/// A pattern of a text that is no part of a longer word.
fn whole(text: &str) -> String {
    let is_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let edge = |byte| if is_word(byte) { "(?-u:\\b)" } else { "" };
    let bytes = text.as_bytes();
    let (before, after) = (edge(bytes.first()), edge(bytes.last()));
    format!("{before}{}{after}", regex::escape(text))
}

/// True for a secret that does not occur in data by chance.
fn is_found_in_data(secret: &str) -> bool {
    let is_word = secret.bytes().all(|byte| byte.is_ascii_lowercase());
    secret.len() >= SHORTEST_IN_DATA && (!is_word || secret.len() >= SHORTEST_WORD_IN_DATA)
}

/// A secret as it is, as JSON writes it, and as a URL does.
fn forms(secret: &str) -> [String; 4] {
    let quoted = serde_json::Value::from(secret).to_string();
    let escaped = quoted.trim_matches('"').to_owned();
    let slashed = escaped.replace('/', "\\/");
    let encoded = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [secret.to_owned(), escaped, slashed, encoded]
}

fn key(auth: &Auth) -> &'static str {
    match auth {
        Auth::None => "",
        Auth::Bearer(_) => "bearer_token",
        Auth::Token(_) => "token",
        Auth::Basic { .. } => "basic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(words: &[&str]) -> Credentials {
        let words = words.iter().map(|word| SecretString::from(*word));
        let mut credentials = Credentials {
            headers: HeaderMap::new(),
            words: words.collect(),
            in_data: None,
            in_errors: None,
            has_weak: false,
        };
        credentials.learn();
        credentials
    }

    #[test]
    fn a_secret_is_found_in_data_in_every_form_and_nothing_else_changes() {
        for secret in [
            "glpat-Abc123xyz",
            "a/b+c=\"d\\",
            "dXNlcjpwYXNz",
            "longerthansixteenletters",
        ] {
            let known = knowing(&[secret, "x"]);
            for form in forms(secret) {
                let body = format!("{{\"error\":\"before {form} after\"}}");
                let redacted = known.redact_data(body.into_bytes(), &[]);
                let redacted = String::from_utf8(redacted).expect("UTF-8");
                assert_eq!(
                    redacted, "{\"error\":\"before [redacted] after\"}",
                    "{form}"
                );
            }
        }
        let body = b"nothing of it is here: \xff".to_vec();
        assert_eq!(
            knowing(&["glpat-Abc123xyz"]).redact_data(body.clone(), &ERRORS),
            body
        );
    }

    /// The fields that say what is wrong.
    const ERRORS: [&str; 2] = ["error", "warnings"];

    #[test]
    fn a_weak_secret_stays_out_of_errors_and_changes_no_row() {
        for (secret, beside) in [
            ("prometheus", None),
            ("hunter", None),
            ("abcd", None),
            ("A1!x", None),
            // As parts of words these would be found everywhere.
            ("abc", Some("abcess")),
            ("x9", Some("ax9b")),
            ("e", Some("the server refused")),
            // Words of the answer's own form.
            ("error", None),
            ("null", None),
            ("true", None),
        ] {
            let known = knowing(&[secret]);
            let beside = beside.unwrap_or_default();
            let body = format!(
                "{{\"data\":[\"{secret}\",null,true],\"error\":{{\"message\":\"no {secret}, {beside}\"}},\
                 \"status\":\"error\",\"warnings\":[\"({secret})\",1]}}"
            );
            let redacted = known.redact_data(body.into_bytes(), &ERRORS);
            let value: Value = serde_json::from_slice(&redacted).expect("JSON");
            let want = serde_json::json!({
                "data": [secret, null, true],
                "error": {"message": format!("no [redacted], {beside}")},
                "status": "error",
                "warnings": ["([redacted])", 1],
            });
            assert_eq!(value, want, "{secret}");
            assert_eq!(
                known.redact(&format!("no {secret} here")),
                "no [redacted] here"
            );
            // Without such a field, and of what is no object, nothing changes.
            for body in [
                format!("{{\"job\":\"{secret}\"}}"),
                format!("[\"{secret}\"]"),
            ] {
                let body = body.into_bytes();
                assert_eq!(known.redact_data(body.clone(), &ERRORS), body, "{secret}");
            }
        }
    }
}
