//! One request and its answer, as they went over the wire.

use axum::http::{HeaderMap, Method, StatusCode};
use reqwest::Url;
use serde_json::Value;

/// One request and its answer.
pub(crate) struct Exchange {
    /// The method.
    pub(crate) method: Method,
    /// The address; only its path and query count.
    pub(crate) url: Url,
    /// What was asked.
    pub(crate) request: Message,
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What was answered.
    pub(crate) answer: Message,
}

/// Headers and body.
pub(crate) struct Message {
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, decoded.
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The media type without its parameters, in small letters; empty for none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.headers.get("content-type");
        let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = text.split(';').next().unwrap_or("");
        media_type.trim().to_ascii_lowercase()
    }

    /// The body as JSON, or why it is none.
    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("is no JSON: {error}"))
    }
}
