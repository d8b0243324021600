//! What a server says of its limits: how long to stay away, what is left, and how to make that last.
//!
//! Read are `Retry-After` (RFC 9110, section 10.2.3), the pairs `RateLimit-Remaining` and
//! `RateLimit-Reset` with their older names `X-RateLimit-…` and `X-Rate-Limit-…` (`PagerDuty`, GitHub,
//! GitLab, Atlassian), and the one field `RateLimit` of draft-ietf-httpapi-ratelimit-headers, which
//! may tell of several limits at once.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Below this a reset is seconds to wait, from here on a moment in seconds: some vendors send the
/// one, some the other under the same name.
const EPOCH_FROM: i64 = 1_000_000_000;
/// From here on it is a moment in milliseconds.
const MILLIS_FROM: i64 = 100_000_000_000;
/// How many limits of one server are kept in mind; no vendor tells of so many.
const MOST: usize = 8;

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

/// How long the headers of a refusal ask us to stay away: what `Retry-After` says, else until a limit
/// that is used up is renewed, else the moment in the body that incident APIs put there.
///
/// A limit that has something left is not the one that refused: GitHub tells of the hour's limit also
/// when it is another that was reached. Dates are measured against the server's own clock, where the
/// answer tells it.
pub(super) fn wait(headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<SignedDuration> {
    let now = server_time(headers, now);
    if let Some(wait) = text(headers, "retry-after").and_then(|value| retry_after(value, now)) {
        return Some(wait);
    }
    stated(headers, now)
        .into_iter()
        .filter(|limit| limit.left.is_none_or(|left| left == 0))
        .filter_map(|limit| limit.reset)
        .max()
        .or_else(|| {
            let body: Value = serde_json::from_slice(body).ok()?;
            let renewed = body.pointer("/rate_limit/retry_after")?.as_str()?;
            Some(renewed.parse::<Timestamp>().ok()?.duration_since(now))
        })
        .map(clamped)
}

/// True when the answer says that nothing is left of an allowance.
pub(super) fn exhausted(headers: &HeaderMap) -> bool {
    stated(headers, Timestamp::UNIX_EPOCH)
        .iter()
        .any(|limit| limit.left == Some(0))
}

/// What a server has left for us, by its own answers.
#[derive(Debug, Default)]
pub struct Limits {
    known: Vec<Allowance>,
}

/// What is left of one limit.
#[derive(Debug)]
struct Allowance {
    /// Which limit, where the server has several.
    name: String,
    left: u64,
    /// When it is renewed, by our clock.
    renewed: Timestamp,
    /// What was left when [`Limits::rest`] was last asked.
    before: Option<u64>,
    /// How many answers since then counted against it, and whether there were any at all.
    spent: u64,
    told: bool,
}

impl Limits {
    /// Notes what an answer with this status, which came at `now`, says of them.
    pub fn note(&mut self, status: u16, headers: &HeaderMap, now: Timestamp) {
        let theirs = server_time(headers, now);
        for stated in stated(headers, theirs) {
            let (Some(left), Some(reset)) = (stated.left, stated.reset) else {
                continue;
            };
            let Ok(renewed) = now.checked_add(clamped(reset)) else {
                continue;
            };
            // An answer that has not changed is free of charge at GitHub. Where it is not, what is
            // left tells.
            let spent = u64::from(status != 304);
            let known = self
                .known
                .iter_mut()
                .find(|known| known.name == stated.name);
            if let Some(known) = known {
                known.left = left;
                known.renewed = renewed;
                known.spent += spent;
                known.told = true;
            } else if self.known.len() < MOST {
                self.known.push(Allowance {
                    name: stated.name,
                    left,
                    renewed,
                    before: None,
                    spent,
                    told: true,
                });
            }
        }
    }

    /// How many more requests the server will answer, by what it has said since the last
    /// [`Self::rest`]; `None` where it said nothing, or where that is over.
    pub fn left(&self, now: Timestamp) -> Option<u64> {
        let current = |known: &&Allowance| known.told && known.renewed > now;
        self.known
            .iter()
            .filter(current)
            .map(|known| known.left)
            .min()
    }

    /// How long to leave the server alone after a poll that ended at `now`, so that what is left
    /// lasts until it is renewed; `None` when `interval` is fine. To be asked once a poll.
    ///
    /// With `left` requests for the time `T` until they are renewed, and `cost` for a poll, that is
    /// `T / floor((left - cost) / cost)`, or `T` where that would be no poll at all. `cost` is the
    /// larger of what this poll sent and of what is gone since the one before, so that others who
    /// spend from the same allowance (a second watcher, a pipeline with the same token) are reckoned
    /// with. One poll's cost is never spent: it is there for orders, and for a poll that needs more.
    pub fn rest(&mut self, interval: SignedDuration, now: Timestamp) -> Option<SignedDuration> {
        self.known.retain(|known| known.renewed > now);
        let mut longest = None;
        for known in self.known.iter_mut().filter(|known| known.told) {
            let gone = known
                .before
                .map_or(0, |before| before.saturating_sub(known.left));
            let cost = known.spent.max(gone).max(1);
            let polls = known.left.saturating_sub(cost) / cost;
            let polls = i32::try_from(polls).unwrap_or(i32::MAX).max(1);
            longest = longest.max(Some(known.renewed.duration_since(now) / polls));
            known.before = Some(known.left);
            known.spent = 0;
            known.told = false;
        }
        longest.filter(|rest| *rest > interval)
    }
}

/// What one answer says of one limit.
struct Stated {
    name: String,
    left: Option<u64>,
    reset: Option<SignedDuration>,
}

/// Everything that an answer says of limits; `now` is the server's time.
fn stated(headers: &HeaderMap, now: Timestamp) -> Vec<Stated> {
    let mut stated: Vec<_> = ["ratelimit", "x-ratelimit", "x-rate-limit"]
        .into_iter()
        .filter_map(|prefix| {
            let of = |field: &str| text(headers, &format!("{prefix}-{field}"));
            let left = of("remaining").and_then(|value| value.trim().parse().ok());
            let reset = of("reset").and_then(|value| until(value, now));
            // GitHub counts REST, GraphQL and searches apart, GitLab kinds of paths.
            let name = of("resource").or_else(|| of("name")).unwrap_or(prefix);
            (left.is_some() || reset.is_some()).then(|| Stated {
                name: name.to_owned(),
                left,
                reset,
            })
        })
        .collect();
    if let Some(field) = text(headers, "ratelimit") {
        stated.extend(drafted(field));
    }
    stated
}

/// The field of the draft: `"hour";r=50;t=30, "day";r=900;t=7200`, or as it was up to the seventh
/// `limit=100, remaining=50, reset=30`.
fn drafted(field: &str) -> Vec<Stated> {
    let number = |text: &str, key: &str| {
        text.split([',', ';'])
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| *name == key)
            .and_then(|(_, value)| value.trim().parse::<u32>().ok())
    };
    let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
    if let Some(left) = number(field, "remaining") {
        return vec![Stated {
            name: "ratelimit".to_owned(),
            left: Some(left.into()),
            reset: number(field, "reset").map(seconds),
        }];
    }
    field
        .split(',')
        .filter_map(|member| {
            let (name, _) = member.split_once(';')?;
            Some(Stated {
                name: name.trim().trim_matches('"').to_owned(),
                left: number(member, "r").map(u64::from),
                reset: number(member, "t").map(seconds),
            })
        })
        .collect()
}

/// How long it is until a reset: seconds, or a moment in seconds or milliseconds since 1970, or one
/// that is written out (Atlassian).
fn until(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    let whole = value.split('.').next().unwrap_or_default();
    let moment = match whole.parse::<i64>() {
        Ok(seconds) if seconds < EPOCH_FROM => return Some(SignedDuration::from_secs(seconds)),
        Ok(seconds) if seconds < MILLIS_FROM => Timestamp::from_second(seconds).ok()?,
        Ok(millis) => Timestamp::from_millisecond(millis).ok()?,
        Err(_) => value.parse().ok()?,
    };
    Some(moment.duration_since(now))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The server's clock, where its answer tells it.
fn server_time(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    text(headers, "date").and_then(http_date).unwrap_or(now)
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

#[cfg(test)]
mod tests;
