//! Who we say we are: headers and credentials, fetched when first needed and marked as sensitive.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Auth, HeaderSetting, Problem, SourceSettings, Step};
use crate::domain::{Fault, FaultKind};

/// Headers that would break the framing of a request.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];
/// Shorter words are not looked for in foreign text: they occur by chance.
const SHORTEST_SECRET: usize = 4;

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

    /// A server's words without our secrets, should it repeat them.
    pub(super) fn redact(&self, text: &str) -> String {
        self.words
            .iter()
            .map(ExposeSecret::expose_secret)
            .filter(|word| word.len() >= SHORTEST_SECRET)
            .fold(text.to_owned(), |text, word| {
                text.replace(word, "[redacted]")
            })
    }
}

fn key(auth: &Auth) -> &'static str {
    match auth {
        Auth::None => "",
        Auth::Bearer(_) => "bearer_token",
        Auth::Token(_) => "token",
        Auth::Basic { .. } => "basic",
    }
}
