//! How long a server asks us to stay away.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

/// Below this many seconds a reset is a wait, above it a moment: some vendors send the one, some the
/// other under the same name.
const EPOCH_FROM: i64 = 1_000_000_000;

/// How long a server asks us to stay away: `Retry-After` as seconds or date, clamped to 1 s … 1 h.
///
/// `None` when it is neither. All three date forms of RFC 9110 section 5.6.7 are read.
pub fn retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        let seconds = value.parse().unwrap_or(i64::MAX);
        return Some(clamped(SignedDuration::from_secs(seconds)));
    }
    Some(clamped(http_date(value)?.duration_since(now)))
}

/// How long the headers of an answer ask us to stay away.
///
/// Reads `Retry-After`, `RateLimit-Reset` (seconds) and `X-RateLimit-Reset` (epoch seconds). Dates are
/// measured against the server's own clock, where the answer tells it.
pub(super) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let now = text("date").and_then(http_date).unwrap_or(now);
    if let Some(wait) = text("retry-after").and_then(|value| retry_after(value, now)) {
        return Some(wait);
    }
    ["ratelimit-reset", "x-ratelimit-reset"]
        .into_iter()
        .find_map(|name| {
            let seconds: i64 = text(name)?.trim().parse().ok()?;
            let wait = if seconds < EPOCH_FROM {
                seconds
            } else {
                seconds.saturating_sub(now.as_second())
            };
            Some(clamped(SignedDuration::from_secs(wait)))
        })
}

/// True when the answer says that nothing is left of an allowance.
pub(super) fn exhausted(headers: &HeaderMap) -> bool {
    ["x-ratelimit-remaining", "ratelimit-remaining"]
        .into_iter()
        .any(|name| headers.get(name).is_some_and(|left| left == "0"))
}

fn clamped(wait: SignedDuration) -> SignedDuration {
    wait.clamp(SignedDuration::from_secs(1), SignedDuration::from_hours(1))
}

fn http_date(value: &str) -> Option<Timestamp> {
    let preferred = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(moment) = preferred.parse_timestamp(value) {
        return Some(moment);
    }
    let (_, rfc850) = value.split_once(", ").unwrap_or_default();
    let obsolete: Option<DateTime> = strtime::parse("%d-%b-%y %H:%M:%S GMT", rfc850)
        .or_else(|_| {
            let (_, asctime) = value.split_once(' ').unwrap_or_default();
            strtime::parse("%b %e %H:%M:%S %Y", asctime)
        })
        .and_then(|parts| parts.to_datetime())
        .ok();
    let zoned = obsolete?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}
