//! The one HTTP client: auth, TLS, time-outs, a cap on decoded bytes, no redirects, redaction.

mod address;
mod auth;
mod body;
mod client;
mod fault;
mod guard;
mod limits;
mod proxy;
mod rows;
pub mod trace;
mod trust;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU16, AtomicUsize, Ordering};
use std::sync::{self, Arc};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OnceCell};

use crate::config::{Problem, SourceSettings};
use crate::domain::{Fault, FaultKind};
use auth::{Credentials, Identity};
use body::Body;
use client::Transport;
use fault::Endpoint;

#[cfg(feature = "kubernetes")]
pub(crate) use auth::Secrets;
#[cfg(feature = "kubernetes")]
pub(crate) use fault::{Breach, cause, encoded, foreign_encoding};
pub use limits::{Limits, retry_after};
pub use reqwest::Method;
pub use rows::RowLimit;

/// The most decoded bytes that are read of one answer, and of all answers that a source is reading
/// at the same time.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// The most bytes of a refusal that are read, in search of its reason.
const MAX_REASON: usize = 16 * 1024;

/// The fields of an answer that say what is wrong with a part of it: Prometheus' and GraphQL's.
const WARNING_FIELDS: &[&str] = &["error", "errors", "warnings", "infos"];
/// The fields of a refusal that say why.
const REFUSAL_FIELDS: &[&str] = &[
    "error",
    "errors",
    "warnings",
    "infos",
    "message",
    "messages",
    "detail",
    "details",
    "title",
    "description",
    "reason",
];

/// A client for one endpoint.
///
/// It follows no redirect and asks no other origin than its base URL's, so that a credential reaches
/// nobody else. It never retries, save once, when it only asked and a 401 shows that a cached secret
/// was renewed. A request that may change something is sent once and never again.
pub struct Http {
    base: Url,
    endpoint: Endpoint,
    identity: Arc<Identity>,
    transport: Transport,
    client: Arc<OnceCell<Client>>,
    credentials: Arc<Mutex<Option<Arc<Credentials>>>>,
    /// Decoded bytes of the answers that are being read.
    held: AtomicUsize,
    /// Milliseconds that the server's clock is ahead, by its last dated answer; [`UNDATED`] for none.
    ahead: AtomicI64,
    /// How often its source is asked, and what the server has left for it.
    interval: SignedDuration,
    limits: sync::Mutex<Limits>,
}

/// No answer had a date yet.
const UNDATED: i64 = i64::MIN;

/// One request in the making.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    http: &'a Http,
    method: Method,
    url: Url,
    content: Content,
    headers: HeaderMap,
    accepted: &'static [u16],
    rows: RowLimit,
    mistake: Option<Fault>,
    /// True when it changes nothing anywhere, so that it may be sent again.
    asks: bool,
    /// The status that was answered last, for [`trace`]; 0 for none.
    answered: AtomicU16,
}

/// What a request carries.
enum Content {
    Nothing,
    Form(Vec<(String, String)>),
    Bytes(Vec<u8>),
}

impl Content {
    /// About how many bytes it is, for [`trace`].
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Form(form) => form
                .iter()
                .map(|(name, value)| name.len() + value.len() + 2)
                .sum(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// An answer, read whole.
#[derive(Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
    /// How many rows of it are read.
    rows: RowLimit,
}

impl Http {
    /// A client for a source; `default_url` is the vendor's public API, where there is one.
    ///
    /// Reaches for no network and no secret: TLS and credentials are set up by the first request.
    /// The problem names the setting that is wrong.
    pub fn new(settings: &SourceSettings, default_url: Option<&str>) -> Result<Self, Problem> {
        let base = client::base_url(settings, default_url)?;
        let transport = client::Transport::new(settings, &base)?;
        let identity = Identity::new(settings)?;
        let endpoint = Endpoint {
            authority: authority(&base),
            timeout: transport.timeout,
            between: transport.between().cloned(),
            is_plain: base.scheme() == "http",
            credential: identity.setting(),
        };
        Ok(Self {
            base,
            endpoint,
            identity: Arc::new(identity),
            transport,
            client: Arc::default(),
            credentials: Arc::default(),
            held: AtomicUsize::new(0),
            ahead: AtomicI64::new(UNDATED),
            interval: settings.interval,
            limits: sync::Mutex::default(),
        })
    }

    /// A client for another endpoint of the same source, which its owner has named as well: with the
    /// same headers and credentials, fetched once for all of them.
    ///
    /// `settings` are the source's own; the problem names `url` when the new one is no address.
    pub fn beside(&self, settings: &SourceSettings, url: &str) -> Result<Self, Problem> {
        let mut settings = settings.clone();
        settings.http.url = Some(url.to_owned());
        let base = client::base_url(&settings, None)?;
        let transport = client::Transport::new(&settings, &base)?;
        let client = if transport.goes_like(&self.transport) {
            Arc::clone(&self.client)
        } else {
            Arc::default()
        };
        Ok(Self {
            endpoint: Endpoint {
                authority: authority(&base),
                timeout: transport.timeout,
                between: transport.between().cloned(),
                is_plain: base.scheme() == "http",
                credential: self.endpoint.credential,
            },
            base,
            identity: Arc::clone(&self.identity),
            transport,
            client,
            credentials: Arc::clone(&self.credentials),
            held: AtomicUsize::new(0),
            ahead: AtomicI64::new(UNDATED),
            interval: settings.interval,
            limits: sync::Mutex::default(),
        })
    }

    /// Sends a `token` as the vendor wants it: in the header `name`, after `prefix`.
    ///
    /// Without this a token goes as `Authorization: Bearer …`.
    #[must_use]
    pub fn token_header(mut self, name: &'static str, prefix: &'static str) -> Self {
        if let Some(identity) = Arc::get_mut(&mut self.identity) {
            identity.token_header(name, prefix);
        }
        self
    }

    /// How far the server's clock is ahead of ours, by the `Date` of its last answer: to the second,
    /// and to half the time that the answer took. `None` while no answer had a date.
    pub fn skew(&self) -> Option<SignedDuration> {
        let ahead = self.ahead.load(Ordering::Relaxed);
        (ahead != UNDATED).then(|| SignedDuration::from_millis(ahead))
    }

    /// How long the server should be left alone after this poll, so that what it still allows lasts
    /// until it allows more: for [`Facts::rest`](crate::domain::Facts::rest). `None` when the source's
    /// interval is fine. To be asked once, at the end of a poll; see [`Limits::rest`] for the formula.
    pub fn rest(&self) -> Option<SignedDuration> {
        self.limits().rest(self.interval, Timestamp::now())
    }

    /// How many more requests the server will answer, by what it said during this poll; `None` where
    /// it did not say. For loops that had better end before the server ends them.
    pub fn left(&self) -> Option<u64> {
        self.limits().left(Timestamp::now())
    }

    fn limits(&self) -> sync::MutexGuard<'_, Limits> {
        self.limits
            .lock()
            .unwrap_or_else(sync::PoisonError::into_inner)
    }

    /// Notes when an answer was dated that was asked for at `asked` and came at `came`.
    fn note_date(&self, headers: &HeaderMap, asked: Timestamp, came: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
            return;
        };
        // `Date` has no fraction: on average half a second of it is gone.
        let dated = date.timestamp().as_millisecond() + 500;
        let middle = i64::midpoint(asked.as_millisecond(), came.as_millisecond());
        self.ahead.store(dated - middle, Ordering::Relaxed);
    }

    /// Begins a GET of `path` below the base URL; an empty path asks the base URL itself.
    ///
    /// A query that the base URL has goes along.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(Method::GET, self.below(path))
    }

    /// Begins a GET of an address that a server gave, such as the next page's.
    ///
    /// A relative one is taken from the base URL. Any other origin (scheme, host, port) than the base
    /// URL's is refused, since credentials would go there.
    pub fn get_url(&self, url: &str) -> Result<Request<'_>, Fault> {
        self.ask_url(Method::GET, url)
    }

    /// The same by any other method than GET.
    pub fn ask_url(&self, method: Method, url: &str) -> Result<Request<'_>, Fault> {
        let target = self.base.join(url).map_err(|_| {
            Fault::new(
                FaultKind::Decode,
                "the link to the next page is not a URL; check the server",
            )
        })?;
        let named = !target.username().is_empty() || target.password().is_some();
        if named || target.origin() != self.base.origin() {
            return Err(Fault::new(
                FaultKind::Redirect,
                format!(
                    "the next page is at {}, not at {}; credentials go nowhere else, so check `url`",
                    client::origin(&target),
                    client::origin(&self.base),
                ),
            ));
        }
        Ok(self.request(method, target))
    }

    /// Begins a request by any other method than GET. It counts as one that changes something, unless
    /// [`Request::only_asks`] says otherwise: it is sent once, and when it breaks off after that the
    /// fault is [`FaultKind::Unsure`].
    pub fn ask(&self, method: Method, path: &str) -> Request<'_> {
        self.request(method, self.below(path))
    }

    /// Begins a POST that only asks: a query too long for a URL.
    pub fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Request<'_> {
        let mut request = self.request(Method::POST, self.below(path));
        let form = form.iter();
        let form = form.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        request.content = Content::Form(form.collect());
        request.only_asks()
    }

    fn request(&self, method: Method, url: Url) -> Request<'_> {
        Request {
            http: self,
            asks: method.is_safe(),
            method,
            url,
            content: Content::Nothing,
            headers: HeaderMap::new(),
            accepted: &[],
            rows: RowLimit::default(),
            mistake: None,
            answered: AtomicU16::new(0),
        }
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if !path.is_empty() {
            let whole = format!(
                "{}/{}",
                url.path().trim_end_matches('/'),
                path.trim_start_matches('/')
            );
            url.set_path(&whole);
        }
        url
    }

    async fn client(&self) -> Result<&Client, Fault> {
        let build = || async {
            let transport = self.transport.clone();
            // Reading certificates takes milliseconds of disk and CPU.
            tokio::task::spawn_blocking(move || transport.build())
                .await
                .map_err(|_| Fault::new(FaultKind::Crash, "the HTTP client was not built"))?
        };
        self.client.get_or_try_init(build).await
    }

    /// The credentials, and whether they were cached. Those that equal `refused` are fetched anew.
    async fn credentials(
        &self,
        refused: Option<&Arc<Credentials>>,
    ) -> Result<(Arc<Credentials>, bool), Fault> {
        let mut cached = self.credentials.lock().await;
        if let Some(known) = cached.as_ref()
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, known))
        {
            return Ok((Arc::clone(known), true));
        }
        let fetched = Arc::new(self.identity.credentials().await?);
        *cached = Some(Arc::clone(&fetched));
        Ok((fetched, false))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", client::origin(&self.base))
    }
}

impl Request<'_> {
    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a header. One of that name in the settings wins.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        match header {
            Some((name, value)) => {
                self.headers.insert(name, value);
            }
            None => {
                self.mistake = Some(Fault::new(
                    FaultKind::Query,
                    format!("header `{name}` has a value that cannot be sent"),
                ));
            }
        }
        self
    }

    /// Carries this as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.content = Content::Bytes(bytes),
            Err(error) => {
                let message = format!("the request cannot be written as JSON: {error}");
                self.mistake = Some(Fault::new(FaultKind::Query, message));
            }
        }
        self.headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        self
    }

    /// Says that it changes nothing, whatever its method: a query that is sent by POST.
    pub fn only_asks(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Statuses besides 2xx that come back as an answer instead of a fault.
    pub fn accept(mut self, statuses: &'static [u16]) -> Self {
        self.accepted = statuses;
        self
    }

    /// Sets how many rows of the answer [`Answer::json`] reads.
    pub fn rows(mut self, limit: RowLimit) -> Self {
        self.rows = limit;
        self
    }

    /// Sends it and reads the answer, within the source's `timeout`. Dropping the future ends it.
    ///
    /// Everything besides 2xx and [`Request::accept`] is a fault that says what to do next.
    pub async fn send(mut self) -> Result<Answer, Fault> {
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        let client = self.http.client().await?;
        let (credentials, cached) = self.http.credentials(None).await?;
        let refused = match self.watched(client, &credentials).await {
            Err(fault) if fault.kind == FaultKind::Auth && cached => fault,
            outcome => return outcome,
        };
        // Renewed in any case, so that the next request has them.
        let (renewed, _) = self.http.credentials(Some(&credentials)).await?;
        if !self.asks || renewed.headers == credentials.headers {
            return Err(refused);
        }
        self.watched(client, &renewed).await
    }

    async fn attempt(&self, client: &Client, credentials: &Credentials) -> Result<Answer, Fault> {
        let mut headers = self.headers.clone();
        for (name, value) in &credentials.headers {
            headers.insert(name, value.clone());
        }
        let mut request = client
            .request(self.method.clone(), self.url.clone())
            .headers(headers);
        request = match &self.content {
            Content::Nothing => request,
            Content::Form(form) => request.form(form),
            Content::Bytes(bytes) => request.body(bytes.clone()),
        };
        let endpoint = &self.http.endpoint;
        let asked = Timestamp::now();
        let response = request
            .send()
            .await
            .map_err(|error| self.broken_off(&error))?;
        let (status, came) = (response.status(), Timestamp::now());
        self.http.note_date(response.headers(), asked, came);
        self.http
            .limits()
            .note(status.as_u16(), response.headers(), came);
        self.answered.store(status.as_u16(), Ordering::Relaxed);
        if status.is_success() || self.accepted.contains(&status.as_u16()) {
            let read = read(response, endpoint, &self.http.held).await;
            let named = if status.is_success() {
                WARNING_FIELDS
            } else {
                REFUSAL_FIELDS
            };
            return read
                .map(|answer| Answer {
                    body: credentials.redact_data(answer.body, named),
                    rows: self.rows,
                    ..answer
                })
                .map_err(|fault| self.after_sending(fault));
        }
        if status.is_redirection() {
            return Err(fault::moved(&response, credentials));
        }
        let head = response.headers().clone();
        let body = if fault::foreign_encoding(&head).is_some() {
            Vec::new()
        } else {
            read_reason(response).await
        };
        // Redacted before it is cut: half a secret would not be recognised.
        let reason = fault::excerpt(&credentials.redact(&fault::reason(&head, &body)));
        let fault = endpoint.status_fault(
            status,
            &head,
            (&reason, &body),
            &credentials.redact(self.url.path()),
            Timestamp::now(),
        );
        if matches!(status.as_u16(), 502 | 504) {
            // Whoever stands in between did not hear what became of it.
            return Err(self.after_sending(fault));
        }
        Err(fault)
    }

    /// Why there is no answer; a request that changes something may have been carried out, unless no
    /// connection was made.
    fn broken_off(&self, error: &reqwest::Error) -> Fault {
        let fault = self.http.endpoint.transport_fault(error);
        if error.is_connect() || error.is_builder() {
            return fault;
        }
        self.after_sending(fault)
    }

    /// What a fault means once the request was sent.
    fn after_sending(&self, fault: Fault) -> Fault {
        if self.asks {
            return fault;
        }
        let message = format!(
            "sent, and not known to be done: {}; look before you repeat it",
            fault.message.raw()
        );
        Fault {
            message: message.into(),
            kind: FaultKind::Unsure,
            ..fault
        }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} to {:?})", self.method, self.http)
    }
}

impl Answer {
    /// An answer that came by another client, which brings its own way to log in.
    #[cfg(feature = "kubernetes")]
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
            rows: RowLimit::default(),
        }
    }

    /// A header's value; the name's case does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The same with another limit on the rows that [`Answer::json`] reads.
    #[cfg(feature = "kubernetes")]
    #[must_use]
    pub(crate) fn with_rows(self, rows: RowLimit) -> Self {
        Self { rows, ..self }
    }

    /// The body as JSON. The fault says where it stops being what was expected, or how many rows are
    /// too many.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        self.rows.check_text(&self.body)?;
        self.whole_json()
    }

    /// The same of any number of rows, for types that keep next to nothing of each.
    pub fn whole_json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body)
            .map_err(|error| fault::decode::<T>(&self.body, self.header("content-type"), &error))
    }
}

/// Holds answers that are read together to what one may hold: each alone is counted only until it has
/// come.
///
/// # Errors
/// When they are larger.
pub fn hold_together(answers: &[Answer]) -> Result<(), Fault> {
    let bytes: usize = answers.iter().map(|answer| answer.body.len()).sum();
    if bytes > MAX_BODY {
        return Err(fault::too_large());
    }
    Ok(())
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// The decoded bytes of an answer that is being read, counted with those of its source's other
/// answers; given back when it is read or given up.
struct Held<'a> {
    total: &'a AtomicUsize,
    mine: usize,
}

impl Held<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), Fault> {
        self.mine += bytes;
        let before = self.total.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > MAX_BODY {
            return Err(fault::too_large());
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.mine, Ordering::Relaxed);
    }
}

/// Reads a whole answer, counting decoded bytes.
async fn read(
    mut response: Response,
    endpoint: &Endpoint,
    total: &AtomicUsize,
) -> Result<Answer, Fault> {
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > MAX_BODY {
        return Err(fault::too_large());
    }
    let mut body = Body::default();
    let mut held = Held { total, mine: 0 };
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| endpoint.transport_fault(&error))?
    {
        held.take(chunk.len())?;
        body.extend(&chunk);
    }
    if held.mine > 0
        && let Some(encoding) = fault::foreign_encoding(response.headers())
    {
        return Err(fault::encoded(&encoding));
    }
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    Ok(Answer {
        status: response.status().as_u16(),
        body: body.whole(),
        headers,
        rows: RowLimit::default(),
    })
}

/// The beginning of a refusal's body; whatever goes wrong, the refusal itself is known.
async fn read_reason(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_REASON
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = MAX_REASON - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    body
}

/// Host and port, as they are named in faults.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests;
