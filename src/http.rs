//! The one HTTP client: auth, TLS, time-outs, a cap on decoded bytes, no redirects, redaction.

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use crate::config::{Problem, SourceSettings};
use crate::domain::Fault;

/// The most decoded bytes of one answer that are read.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// A client for one endpoint.
pub struct Http {}

/// One request in the making.
pub struct Request<'a> {
    http: &'a Http,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Http {
    /// A client for a source; `default_url` is the vendor's public API, where there is one.
    pub fn new(settings: &SourceSettings, default_url: Option<&str>) -> Result<Self, Problem> {
        todo!()
    }

    /// Begins a GET of `path` below the base URL.
    pub fn get(&self, path: &str) -> Request<'_> {
        todo!()
    }

    /// Begins a POST that only asks (a query too long for a URL); nothing here writes.
    pub fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Request<'_> {
        todo!()
    }
}

impl Request<'_> {
    /// Adds a query parameter.
    #[must_use]
    pub fn query(self, name: &str, value: &str) -> Self {
        todo!()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        todo!()
    }

    /// Statuses besides 2xx that come back as an answer instead of a fault.
    #[must_use]
    pub fn accept(self, statuses: &'static [u16]) -> Self {
        todo!()
    }

    /// Sends it and reads the answer.
    pub async fn send(self) -> Result<Answer, Fault> {
        todo!()
    }
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        todo!()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        todo!()
    }
}

/// How long a server asks us to stay away: `Retry-After` as seconds or date, clamped to 1 s … 1 h.
pub fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    todo!()
}
