//! Who we say we are: headers and credentials, fetched when first needed and marked as sensitive.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::Regex;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Auth, HeaderSetting, Problem, SourceSettings, Step};
use crate::domain::{Fault, FaultKind};

/// Headers that would break the framing of a request.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];
/// Shorter secrets are not looked for in a server's messages: they occur by chance.
const SHORTEST_SECRET: usize = 4;
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
        credentials.in_data = credentials.pattern();
        Ok(credentials)
    }
}

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

    /// Finds the secrets in data, however a server may write them; `None` where none is looked for.
    fn pattern(&self) -> Option<Regex> {
        let words = self.words.iter().map(ExposeSecret::expose_secret);
        let forms: BTreeSet<String> = words
            .filter(|word| is_found_in_data(word))
            .flat_map(forms)
            .collect();
        if forms.is_empty() {
            return None;
        }
        let forms: Vec<_> = forms.iter().rev().map(|form| regex::escape(form)).collect();
        Regex::new(&forms.join("|")).ok()
    }

    /// A server's words without our secrets, should it repeat them.
    pub(super) fn redact(&self, text: &str) -> String {
        self.words
            .iter()
            .map(ExposeSecret::expose_secret)
            .filter(|word| word.len() >= SHORTEST_SECRET)
            .flat_map(forms)
            .fold(text.to_owned(), |text, form| text.replace(&form, REDACTED))
    }

    /// An answer's body without our secrets: whatever is read from it, a message or a row, has none.
    pub(super) fn redact_data(&self, body: Vec<u8>) -> Vec<u8> {
        let Some(pattern) = &self.in_data else {
            return body;
        };
        match pattern.replace_all(&body, REDACTED.as_bytes()) {
            Cow::Borrowed(_) => body,
            Cow::Owned(redacted) => redacted,
        }
    }
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
        };
        credentials.in_data = credentials.pattern();
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
                let redacted = known.redact_data(body.into_bytes());
                let redacted = String::from_utf8(redacted).expect("UTF-8");
                assert_eq!(
                    redacted, "{\"error\":\"before [redacted] after\"}",
                    "{form}"
                );
            }
        }
        let body = b"nothing of it is here: \xff".to_vec();
        assert_eq!(
            knowing(&["glpat-Abc123xyz"]).redact_data(body.clone()),
            body
        );
    }

    #[test]
    fn a_password_that_is_a_common_word_changes_no_row_and_stays_out_of_messages() {
        let known = knowing(&["prometheus"]);
        let body = b"{\"job\":\"prometheus\"}".to_vec();
        assert_eq!(known.redact_data(body.clone()), body);
        assert_eq!(known.redact("no prometheus here"), "no [redacted] here");
    }
}
