//! JSON as vendors write it: `null` for what is empty, and times as text.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// Reads `null` as the empty value: a nil slice or map of Go, or a value that is not there.
pub(in crate::source) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A moment, if it is one: RFC 3339 with any offset.
pub(in crate::source) fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// A moment as APIs take it: in UTC, without fractions of a second.
pub(in crate::source) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
