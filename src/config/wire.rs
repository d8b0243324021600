//! Settings as they are written, before anything is checked but their types and names.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU8;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{HeaderSetting, SecretRef};
use crate::domain::Window;
use crate::text::clipped;

/// The tables that a configuration consists of.
pub(super) const SECTIONS: [&str; 18] = [
    "ui",
    "keys",
    "me",
    "journal",
    "actions",
    "delivery",
    "wall",
    "gate",
    "source",
    "slo",
    "slo_files",
    "service",
    "policy",
    "exception",
    "budget_adjustment",
    "notify",
    "action",
    "view",
];

/// The settings that every source takes: the fields of [`Source`].
pub(super) const COMMON: [&str; 13] = [
    "name",
    "kind",
    "url",
    "interval",
    "timeout",
    "stale_after",
    "headers",
    "bearer_token",
    "token",
    "basic",
    "ca_file",
    "client_cert",
    "proxy",
];

/// `[ui]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ui {
    pub(super) context: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) theme: Option<String>,
    pub(super) ascii: Option<bool>,
    pub(super) bell: Option<String>,
    pub(super) notify: Option<String>,
    pub(super) mouse: Option<bool>,
}

/// `[keys]`.
pub(super) type Keys = BTreeMap<String, Chords>;

/// One key, or several.
#[derive(Debug)]
pub(super) struct Chords(pub(super) Vec<String>);

/// `[me]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Me {
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) teams: Vec<String>,
}

/// `[journal]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) enabled: Option<bool>,
    pub(super) path: Option<PathBuf>,
    pub(super) keep: Option<Span>,
    pub(super) max_size: Option<String>,
}

/// `[actions]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    pub(super) enabled: Option<bool>,
    pub(super) require_comment: Option<bool>,
    pub(super) work_days: Option<Vec<String>>,
    pub(super) work_start: Option<String>,
    pub(super) audit_log: Option<PathBuf>,
}

/// `[delivery]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delivery {
    pub(super) production: Option<Vec<String>>,
    pub(super) link_within: Option<Span>,
    pub(super) observe: Option<Span>,
}

/// `[wall]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wall {
    pub(super) rotate: Option<Span>,
    pub(super) dim: Option<String>,
    pub(super) heartbeat_url: Option<HeaderSetting>,
}

/// `[[view]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedView {
    pub(super) name: String,
    #[serde(default)]
    pub(super) filter: String,
    pub(super) sort: Option<String>,
}

/// `[[notify]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    pub(super) kind: Option<String>,
    pub(super) url: HeaderSetting,
    pub(super) token: Option<SecretRef>,
    pub(super) on: Option<Vec<String>>,
    pub(super) template: Option<String>,
}

/// `[[action]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserCommand {
    pub(super) key: Option<String>,
    pub(super) label: String,
    pub(super) scope: String,
    pub(super) command: Vec<String>,
    pub(super) confirm: Option<bool>,
    pub(super) timeout: Option<Span>,
    pub(super) terminal: Option<bool>,
}

/// What every `[[source]]` may hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) interval: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) stale_after: Option<Span>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, HeaderSetting>,
    pub(super) bearer_token: Option<SecretRef>,
    pub(super) token: Option<SecretRef>,
    pub(super) basic: Option<Basic>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) client_cert: Option<PathBuf>,
    pub(super) proxy: Option<String>,
}

/// `basic = { … }`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ username = \"…\", password = { env = \"NAME\" } }"
)]
pub(super) struct Basic {
    pub(super) username: String,
    pub(super) password: SecretRef,
}

/// A duration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Window);

/// `[[slo]]`. What is measured takes one of several forms, of which the keys are optional here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slo {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) objective: Number,
    pub(super) period: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) source: Option<String>,
    pub(super) total: Option<String>,
    pub(super) bad: Option<String>,
    pub(super) good: Option<String>,
    pub(super) gauge: Option<String>,
    pub(super) histogram: Option<String>,
    pub(super) within: Option<Number>,
    pub(super) error_ratio: Option<String>,
    pub(super) success_ratio: Option<String>,
    pub(super) parts: Option<Vec<Part>>,
    pub(super) slice: Option<Span>,
    pub(super) slice_target: Option<Number>,
    pub(super) rules: Option<Vec<Rule>>,
    pub(super) min_bad_events: Option<Number>,
    pub(super) absent: Option<String>,
    #[serde(default)]
    pub(super) by: Vec<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

/// An entry of `parts`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ slo = \"service/name\", weight = 2 }"
)]
pub(super) struct Part {
    pub(super) slo: String,
    pub(super) weight: Option<Number>,
}

/// An entry of `rules`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ severity = \"page\", long = \"1h\", short = \"5m\", factor = 14.4 }"
)]
pub(super) struct Rule {
    pub(super) severity: String,
    pub(super) long: Span,
    pub(super) short: Span,
    pub(super) factor: Option<Number>,
    pub(super) budget: Option<Number>,
}

/// `[[slo_files]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SloFiles {
    pub(super) path: String,
    pub(super) source: Option<String>,
}

/// A number, written with or without a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) f64);

/// `[[service]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    #[serde(default)]
    pub(super) depends_on: Vec<String>,
    pub(super) team: Option<String>,
    pub(super) tier: Option<NonZeroU8>,
    pub(super) runbook: Option<String>,
    #[serde(default)]
    pub(super) links: BTreeMap<String, String>,
}

/// How a secret is written.
const PLACE: &str = "the place of a secret, { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";

/// What to say to somebody who writes a secret into the file; the secret itself is not repeated.
pub(super) const NEVER_INLINE: &str = "a secret is never written here: say where it is, as { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";

/// What a list of keys, a header or a secret may be written as.
enum Written {
    Text(String),
    List(Vec<String>),
    Secret(SecretRef),
}

/// Reads any of these; `wanted` is what a message says instead.
struct Writing(&'static str);

impl<'de> Visitor<'de> for Writing {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(Written::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        const PLACES: [&str; 3] = ["env", "file", "command"];
        let one = || A::Error::custom("expected just one of `env`, `file` and `command`");
        let place: String = map.next_key()?.ok_or_else(one)?;
        let secret = match place.as_str() {
            "env" => SecretRef::Env(map.next_value()?),
            "file" => SecretRef::File(map.next_value()?),
            "command" => SecretRef::Command(map.next_value().map_err(|_| {
                A::Error::custom(
                    "expected a program and its arguments, as in [\"pass\", \"show\", \"prom\"]",
                )
            })?),
            other => return Err(A::Error::unknown_field(other, &PLACES)),
        };
        if map.next_entry::<String, IgnoredAny>()?.is_some() {
            return Err(one());
        }
        let is_empty = match &secret {
            SecretRef::Env(name) => name.is_empty(),
            SecretRef::File(path) => path.as_os_str().is_empty(),
            SecretRef::Command(command) => command.first().is_none_or(String::is_empty),
        };
        if is_empty {
            return Err(A::Error::custom(format!(
                "`{place}` is empty: say where the secret is"
            )));
        }
        Ok(Written::Secret(secret))
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Writing(PLACE))? {
            Written::Secret(secret) => Ok(secret),
            Written::Text(_) | Written::List(_) => Err(D::Error::custom(NEVER_INLINE)),
        }
    }
}

impl<'de> Deserialize<'de> for HeaderSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a string, or { env = \"NAME\" } for a secret";
        match deserializer.deserialize_any(Writing(wanted))? {
            Written::Text(text) => Ok(Self::Plain(text)),
            Written::Secret(secret) => Ok(Self::Secret(secret)),
            Written::List(_) => Err(D::Error::custom(format!("expected {wanted}, found a list"))),
        }
    }
}

impl<'de> Deserialize<'de> for Chords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a key such as \"q\", or a list of keys";
        match deserializer.deserialize_any(Writing(wanted))? {
            Written::Text(key) => Ok(Self(vec![key])),
            Written::List(keys) => Ok(Self(keys)),
            Written::Secret(_) => Err(D::Error::custom(format!(
                "expected {wanted}, found a table"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a duration such as \"15s\"";
        match deserializer.deserialize_any(Writing(wanted))? {
            Written::Text(text) if is_nothing(&text) => Err(D::Error::custom(format!(
                "`{}` is too short: write `1s` at least",
                clipped(&text)
            ))),
            Written::Text(text) => {
                let window = clipped(&text).parse().map(Self);
                window.map_err(D::Error::custom)
            }
            Written::List(_) | Written::Secret(_) => {
                Err(D::Error::custom(format!("expected {wanted}")))
            }
        }
    }
}

/// True for `0s` and its like.
fn is_nothing(duration: &str) -> bool {
    let digits = duration.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.bytes().all(|digit| digit == b'0')
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_every_source_are_those_that_its_struct_has() {
        let odd: toml::Table = [("~".to_owned(), toml::Value::Boolean(true))]
            .into_iter()
            .collect();
        let message = Source::deserialize(odd).unwrap_err().to_string();
        let (_, fields) = message.split_once("expected one of ").unwrap();
        let fields: Vec<_> = fields.split('`').skip(1).step_by(2).collect();
        assert_eq!(fields, COMMON);
    }
}
