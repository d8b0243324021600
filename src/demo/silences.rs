//! The silences of the demo's Alertmanager: made, edited and expired as 0.25 does it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::series::Labels;
use super::world::{DAY, Moment, World};

/// The ID of the silence that is there from the beginning.
const SILENCE: &str = "3f0f21d8-6d1c-4c7e-9a53-5d0e7a1c2b90";
/// How long before the demo's start it was made.
pub(super) const SILENCED: Moment = -6.0 * DAY;
/// The most silences that are kept: nobody makes more by hand.
const MOST: usize = 10_000;

/// All there are, those over included.
pub(super) struct Silences(Mutex<Vec<Silence>>);

struct Silence {
    id: String,
    wanted: Wanted,
    matching: Vec<(String, Regex, bool)>,
    updated: Timestamp,
}

/// What `POST /api/v2/silences` carries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    #[serde(default)]
    id: String,
    matchers: Vec<Matcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    created_by: String,
    comment: String,
}

/// One condition.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

impl Silences {
    /// The one that somebody made before the demo began.
    pub(super) fn new(world: &World) -> Self {
        let wanted = Wanted {
            id: String::new(),
            matchers: vec![Matcher {
                name: "alertname".to_owned(),
                value: "CertificateExpires".to_owned(),
                is_regex: false,
                is_equal: true,
            }],
            starts_at: world.time(SILENCED),
            ends_at: world.time(3.0 * DAY),
            created_by: "lee".to_owned(),
            comment: "new certificate is ordered".to_owned(),
        };
        let updated = wanted.starts_at;
        let matching = wanted.matchers.iter().filter_map(compiled).collect();
        Self(Mutex::new(vec![Silence {
            id: SILENCE.to_owned(),
            wanted,
            matching,
            updated,
        }]))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Silence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `GET /api/v2/silences`.
    pub(super) fn list(&self, now: Timestamp) -> Value {
        let all = self.all();
        all.iter().map(|silence| silence.told(now)).collect()
    }

    /// `GET /api/v2/silence/{id}`.
    pub(super) fn one(&self, id: &str, now: Timestamp) -> (StatusCode, Value) {
        let all = self.all();
        match all.iter().find(|silence| silence.id == id) {
            Some(silence) => (StatusCode::OK, silence.told(now)),
            None => (StatusCode::NOT_FOUND, Value::Null),
        }
    }

    /// `POST /api/v2/silences`: a new one, or another end for one that is not over.
    pub(super) fn take(&self, mut wanted: Wanted, now: Timestamp) -> (StatusCode, Value) {
        let refused = |words: &str| (StatusCode::BAD_REQUEST, json!(words));
        if wanted.ends_at <= now {
            return refused("end time can't be in the past");
        }
        if wanted.starts_at >= wanted.ends_at {
            return refused("start time must not be after or equal to end");
        }
        let matching: Option<Vec<_>> = wanted.matchers.iter().map(compiled).collect();
        let Some(matching) = matching else {
            return refused("bad matcher");
        };
        if matching
            .iter()
            .all(|(_, regex, is_equal)| regex.is_match("") == *is_equal)
        {
            return refused("at least one matcher must not match the empty string");
        }
        let mut all = self.all();
        if all.len() >= MOST {
            return refused("demo: too many silences");
        }
        if !wanted.id.is_empty() {
            let known = all.iter_mut();
            let mut known = known.filter(|known| known.id == wanted.id && !known.is_over(now));
            let Some(known) = known.next() else {
                return (StatusCode::NOT_FOUND, json!("silence not found"));
            };
            known.wanted.ends_at = wanted.ends_at;
            known.wanted.comment = wanted.comment;
            known.updated = now;
            return (StatusCode::OK, json!({"silenceID": known.id}));
        }
        wanted.starts_at = wanted.starts_at.max(now);
        let id = id(all.len(), now);
        all.push(Silence {
            id: id.clone(),
            wanted,
            matching,
            updated: now,
        });
        (StatusCode::OK, json!({"silenceID": id}))
    }

    /// `DELETE /api/v2/silence/{id}`: it is over, and stays listed.
    pub(super) fn expire(&self, id: &str, now: Timestamp) -> StatusCode {
        let mut all = self.all();
        let Some(silence) = all.iter_mut().find(|silence| silence.id == id) else {
            return StatusCode::NOT_FOUND;
        };
        if !silence.is_over(now) {
            silence.wanted.ends_at = now;
            silence.updated = now;
        }
        StatusCode::OK
    }

    /// The IDs of those that hide an alert with these labels now.
    pub(super) fn hiding(&self, labels: &Labels, now: Timestamp) -> Vec<String> {
        let all = self.all();
        let hides = |silence: &&Silence| {
            silence.wanted.starts_at <= now
                && !silence.is_over(now)
                && matches(&silence.matching, labels)
        };
        let hiding = all.iter().filter(hides);
        hiding.map(|silence| silence.id.clone()).collect()
    }
}

impl Silence {
    fn is_over(&self, now: Timestamp) -> bool {
        self.wanted.ends_at <= now
    }

    fn told(&self, now: Timestamp) -> Value {
        let wanted = &self.wanted;
        let state = if self.is_over(now) {
            "expired"
        } else if wanted.starts_at > now {
            "pending"
        } else {
            "active"
        };
        let matchers: Vec<Value> = wanted
            .matchers
            .iter()
            .map(|one| {
                json!({
                    "name": one.name, "value": one.value,
                    "isRegex": one.is_regex, "isEqual": one.is_equal,
                })
            })
            .collect();
        json!({
            "id": self.id,
            "status": {"state": state},
            "comment": wanted.comment,
            "createdBy": wanted.created_by,
            "startsAt": wanted.starts_at.to_string(),
            "updatedAt": self.updated.to_string(),
            "endsAt": wanted.ends_at.to_string(),
            "matchers": matchers,
        })
    }
}

/// The matcher of a `filter`, `name="value"` with one of four operators; `None` when it is none.
pub(super) fn filter(text: &str) -> Option<(String, Regex, bool)> {
    let (name, rest) = text.split_at(text.find(['=', '!'])?);
    let operators = [
        ("=~", true, true),
        ("!~", true, false),
        ("!=", false, false),
        ("=", false, true),
    ];
    let (value, is_regex, is_equal) = operators
        .iter()
        .find_map(|(sign, regex, equal)| Some((rest.strip_prefix(sign)?, *regex, *equal)))?;
    compiled(&Matcher {
        name: name.to_owned(),
        // The escapes that Alertmanager knows are those of JSON.
        value: serde_json::from_str(value).ok()?,
        is_regex,
        is_equal,
    })
}

/// True when all conditions hold.
pub(super) fn matches(matching: &[(String, Regex, bool)], labels: &Labels) -> bool {
    matching.iter().all(|(name, regex, is_equal)| {
        regex.is_match(labels.get(name).map_or("", String::as_str)) == *is_equal
    })
}

fn compiled(matcher: &Matcher) -> Option<(String, Regex, bool)> {
    let pattern = if matcher.is_regex {
        matcher.value.clone()
    } else {
        regex::escape(&matcher.value)
    };
    let regex = Regex::new(&format!("^(?s:{pattern})$")).ok()?;
    Some((matcher.name.clone(), regex, matcher.is_equal))
}

/// An ID of the form that Alertmanager gives.
fn id(number: usize, now: Timestamp) -> String {
    let since = now
        .duration_since(Timestamp::UNIX_EPOCH)
        .max(SignedDuration::ZERO);
    let (number, time) = (number & 0xffff, since.as_millis() & 0xffff_ffff_ffff);
    format!("5117ce00-{number:04x}-4000-8000-{time:012x}")
}
