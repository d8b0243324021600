//! What went wrong, in one sentence with a next step. Foreign errors are never printed: theirs repeat
//! the URL with its query.

pub(super) mod tls;

use std::error::Error;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::auth::Credentials;
use super::proxy::{Between, TunnelError};
use super::{MAX_BODY, client, limits};
use crate::domain::{Fault, FaultKind};

/// The most characters of a server's own words that are repeated.
const MAX_REASON_CHARS: usize = 160;

/// The most characters of a plain text that is taken for a server's reason.
const MAX_PLAIN_REASON: usize = 512;

/// How an answer breaks the rules of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// It has more or longer headers than are read.
    Headers,
    /// It is not HTTP.
    Protocol,
    /// Its body does not say where it ends.
    Framing,
}

impl Breach {
    /// Reads an error of the HTTP client; `None` where the connection was lost.
    pub(crate) fn of(error: &hyper::Error) -> Option<Self> {
        if error.is_parse_too_large() {
            return Some(Self::Headers);
        }
        if error.is_parse() {
            return Some(Self::Protocol);
        }
        let kind = cause::<io::Error>(error).map(io::Error::kind);
        let is_malformed = matches!(
            kind,
            Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        );
        is_malformed.then_some(Self::Framing)
    }
}

/// What faults say about the endpoint.
pub(super) struct Endpoint {
    /// Host and port.
    pub(super) authority: String,
    /// The longest a request may take.
    pub(super) timeout: Duration,
    /// The proxy in between.
    pub(super) between: Option<Between>,
    /// True for `http://`.
    pub(super) is_plain: bool,
    /// The setting that holds the credential; empty when there is none.
    pub(super) credential: &'static str,
}

impl Endpoint {
    /// Why there is no answer.
    pub(super) fn transport_fault(&self, error: &reqwest::Error) -> Fault {
        let Self { authority, .. } = self;
        if let (Some(error), Some(between)) = (cause::<TunnelError>(error), &self.between)
            && let Some(fault) = between.tunnel_fault(error, authority)
        {
            return fault;
        }
        if let Some(error) = cause::<rustls::Error>(error) {
            return Fault::new(FaultKind::Tls, tls::words(error, authority));
        }
        let place = self.place();
        if error.is_timeout() {
            return self.timeout_fault(&place, error.is_connect());
        }
        if error.is_dns() {
            let words = match &self.between {
                Some(between) => format!("no such host for {}; check it and DNS", between.name()),
                None => format!("no such host for {place}; check `url` and DNS"),
            };
            return Fault::new(FaultKind::Connect, words);
        }
        if let Some(error) = cause::<hyper::Error>(error)
            && let Some(fault) = self.protocol_fault(error)
        {
            return fault;
        }
        let kind = cause::<io::Error>(error).map(io::Error::kind);
        let damaged = match kind {
            Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => true,
            // What flate2 says, while a lost connection has a kind of its own.
            Some(io::ErrorKind::Other) => error.is_decode(),
            _ => false,
        };
        if damaged {
            let words = "the answer's gzip is damaged; is a proxy in between?";
            return Fault::new(FaultKind::Decode, words);
        }
        let words = match kind {
            Some(io::ErrorKind::ConnectionRefused) => match &self.between {
                Some(between) => format!(
                    "connection to {authority} refused at {}; is it running?",
                    between.name()
                ),
                None => format!("connection refused at {place}; is it running?"),
            },
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                format!("no route to {place}; is the network or VPN up?")
            }
            Some(io::ErrorKind::PermissionDenied) => {
                format!("this machine forbids connections to {place}; check its firewall")
            }
            _ if error.is_connect() => {
                format!("no connection to {place}; is it reachable from here?")
            }
            _ if self.is_plain && error.is_request() => format!(
                "{place} closed the connection without an answer; is it up, and is its port one for \
                 http and not https?"
            ),
            _ => format!("{place} broke off before its answer was whole; is it restarting?"),
        };
        Fault::new(FaultKind::Connect, words)
    }

    /// The endpoint and the proxy before it.
    fn place(&self) -> String {
        let authority = &self.authority;
        match &self.between {
            None => authority.clone(),
            Some(between) => format!("{authority} through {}", between.name()),
        }
    }

    /// What an answer that breaks the rules of HTTP means; `None` where the connection was lost.
    fn protocol_fault(&self, error: &hyper::Error) -> Option<Fault> {
        let authority = &self.authority;
        let words = match Breach::of(error)? {
            Breach::Headers => {
                format!("{authority} sent larger headers than are read; is a proxy in between?")
            }
            Breach::Protocol if self.is_plain => {
                format!("{authority} did not answer in HTTP; is its port one for https?")
            }
            Breach::Protocol => {
                format!("{authority} did not answer in HTTP; check the port of `url`")
            }
            Breach::Framing => {
                format!(
                    "{authority} sent a body that breaks HTTP's framing; is a proxy in between?"
                )
            }
        };
        Some(Fault::new(FaultKind::Decode, words))
    }

    fn timeout_fault(&self, place: &str, connecting: bool) -> Fault {
        if connecting {
            let limit = client::CONNECT_TIMEOUT.min(self.timeout);
            let words =
                format!("no connection to {place} within {limit:?}; is it reachable from here?");
            return Fault::new(FaultKind::Connect, words);
        }
        let limit = self.timeout;
        let words = format!("no answer within {limit:?}; raise `timeout` if it is just slow");
        Fault::new(FaultKind::Timeout, words)
    }

    /// What a status besides 2xx means. `reason` is what the server says in the body, `path` what was asked.
    pub(super) fn status_fault(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        (reason, body): (&str, &[u8]),
        path: &str,
        now: Timestamp,
    ) -> Fault {
        let code = status.as_u16();
        let because = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        let wait = limits::wait(headers, body, now);
        let limited = code == 429
            || (code == 403 && (limits::exhausted(headers) || headers.contains_key("retry-after")));
        let (kind, message) = match code {
            _ if limited => {
                let wait = wait.map_or_else(String::new, |wait| format!(", wait {wait:#}"));
                let advice = "raise `interval` if this repeats";
                let message = format!("rate limit reached ({code}){wait}; {advice}");
                (FaultKind::RateLimited, message)
            }
            401 => (FaultKind::Auth, self.unauthorised(&because)),
            403 => {
                let message = format!("not allowed (403{because}); check the credential's rights");
                (FaultKind::Forbidden, message)
            }
            404 | 410 => {
                let place = match path {
                    "" | "/" => "at `url`".to_owned(),
                    path => format!("for {path}"),
                };
                let message = format!("nothing there ({code} {place}{because}); check `url`");
                (FaultKind::NotFound, message)
            }
            407 => {
                if let Some(between) = &self.between {
                    return between.wants_password();
                }
                let message = "asks for the password of a proxy (407), and none is configured; \
                                   check `url` and `proxy`";
                (FaultKind::Auth, message.to_owned())
            }
            500.. => (FaultKind::Server, format!("answered {code}{because}")),
            _ => (
                FaultKind::Query,
                format!("question refused ({code}{because})"),
            ),
        };
        let mut fault = Fault::new(kind, message);
        if matches!(kind, FaultKind::RateLimited) || code == 503 {
            fault.retry_after = wait;
        }
        fault
    }

    fn unauthorised(&self, because: &str) -> String {
        if self.credential.is_empty() {
            return format!(
                "a credential is needed (401{because}); set `bearer_token`, `token`, `basic` or `headers`"
            );
        }
        let key = self.credential;
        format!("credential refused (401{because}); check `{key}`")
    }
}

/// What a 3xx says: where it points, without the query.
pub(super) fn moved(response: &Response, credentials: &Credentials) -> Fault {
    let code = response.status().as_u16();
    let target = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|location| response.url().join(location).ok())
        .filter(Url::has_host);
    let message = match target {
        Some(url) if is_same(&url, response.url()) => format!(
            "answered {code} to its own address; check `url`, and what stands before the server"
        ),
        Some(url) if is_login(&url) => format!(
            "answered {code} to the login page {}; a credential is missing or `url` is not the API's",
            place(&url, credentials)
        ),
        Some(url) => format!(
            "moved to {} ({code}); set `url` to that",
            place(&url, credentials)
        ),
        None => format!("answered {code} without saying where to go; check `url`"),
    };
    Fault::new(FaultKind::Redirect, message)
}

/// The decoded body was over the limit.
pub(super) fn too_large() -> Fault {
    let limit = MAX_BODY / (1024 * 1024);
    Fault::new(
        FaultKind::TooLarge,
        format!("answer exceeds {limit} MiB; ask for less"),
    )
}

/// A form that a body is compressed in although nobody asked for it. What was asked for is unpacked
/// by now, and its header removed.
pub(crate) fn foreign_encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or_default();
    let encoding = encoding.trim().to_ascii_lowercase();
    (!encoding.is_empty() && encoding != "identity").then_some(encoding)
}

/// A body in such a form.
pub(crate) fn encoded(encoding: &str) -> Fault {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ',' | ' ');
    let encoding = if encoding.len() <= 20 && encoding.chars().all(is_name) {
        format!("compressed as `{encoding}`")
    } else {
        "compressed in an unknown way".to_owned()
    };
    let message = format!("answer is {encoding}, which was not asked for; is a proxy in between?");
    Fault::new(FaultKind::Decode, message)
}

/// Why a body is not the JSON that was expected. Repeats no value of it.
pub(super) fn decode<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    content_type: Option<&str>,
    error: &serde_json::Error,
) -> Fault {
    let trimmed = body.trim_ascii_start();
    let position = format!("at line {} column {}", error.line(), error.column());
    let message = if trimmed.is_empty() {
        "answered nothing where JSON was expected; check `url`".to_owned()
    } else if trimmed.starts_with(b"<") || content_type.is_some_and(is_html) {
        "answered HTML where JSON was expected; a login page or proxy?".to_owned()
    } else if error.classify() == Category::Data {
        let read = serde_path_to_error::deserialize::<_, T>(
            &mut serde_json::Deserializer::from_slice(body),
        );
        let path = read
            .err()
            .map_or_else(String::new, |error| excerpt(&error.path().to_string()));
        // serde quotes the offending value in every other message.
        let words = error.to_string();
        let missing = words
            .strip_prefix("missing field ")
            .and_then(|rest| rest.split_whitespace().next())
            .map_or_else(String::new, |field| format!(" lacks {field}"));
        format!(
            "answer is JSON of another shape: `{path}`{missing} {position}; is `url` the right API?"
        )
    } else {
        format!("answer is cut off or not JSON {position}; is `url` the right API?")
    };
    Fault::new(FaultKind::Decode, message)
}

/// What a refusal's body says, in one line; empty for HTML and other noise.
pub(super) fn reason(headers: &HeaderMap, body: &[u8]) -> String {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let body = body.trim_ascii();
    if is_html(kind) || body.starts_with(b"<") {
        return String::new();
    }
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        return json_reason(&json).unwrap_or_default().to_owned();
    }
    if kind.starts_with("text/plain") {
        return String::from_utf8_lossy(body).into_owned();
    }
    plain_reason(body).to_owned()
}

/// The first line of a short text that has no type, or a wrong one.
fn plain_reason(body: &[u8]) -> &str {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let is_text = text.len() <= MAX_PLAIN_REASON
        && !text.starts_with(['{', '['])
        && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    let first = text.lines().next().unwrap_or_default();
    if is_text { first } else { "" }
}

/// The one sentence in an error object, by the names that APIs give it; Alertmanager sends it bare.
fn json_reason(json: &Value) -> Option<&str> {
    if let Value::String(text) = json {
        return Some(text);
    }
    ["error", "message", "detail", "title", "errors"]
        .into_iter()
        .filter_map(|key| json.get(key))
        .find_map(|found| match found {
            Value::String(_) | Value::Object(_) => json_reason(found),
            Value::Array(list) => json_reason(list.first()?),
            _ => None,
        })
}

/// One line of bounded length.
pub(super) fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(MAX_REASON_CHARS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

fn is_html(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().contains("html")
}

/// True for two addresses of one resource.
fn is_same(target: &Url, asked: &Url) -> bool {
    let plain = |url: &Url| {
        let mut url = url.clone();
        url.set_fragment(None);
        url
    };
    plain(target) == plain(asked)
}

fn is_login(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    ["login", "signin", "sign_in", "oauth", "saml"]
        .into_iter()
        .any(|word| path.contains(word))
}

/// A URL without query, fragment and credentials.
fn place(url: &Url, credentials: &Credentials) -> String {
    excerpt(&credentials.redact(&format!("{}{}", client::origin(url), url.path())))
}

/// The first error of a type in a chain, also inside of I/O errors.
pub(crate) fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            && let Some(found) = cause::<T>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
