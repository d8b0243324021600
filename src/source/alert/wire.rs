//! What Alertmanager's API v2 sends: the fields that are read, all but the labels optional.
//!
//! Shapes: `api/v2/openapi.yaml` of prometheus/alertmanager. Version 0.25 has no `mutedBy`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Expiry, Matcher};
use crate::source::kit::lenient_wire::or_default;

/// One row of `GET /api/v2/alerts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct Alert {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) annotations: BTreeMap<String, String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    updated_at: Option<String>,
    pub(in crate::source) fingerprint: String,
    #[serde(rename = "generatorURL")]
    pub(in crate::source) generator_url: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) receivers: Vec<Receiver>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) status: AlertStatus,
}

/// Who is told of an alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::source) struct Receiver {
    pub(in crate::source) name: String,
}

/// Where an alert stands, and which silences, alerts or time intervals hold it back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct AlertStatus {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) state: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) silenced_by: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) inhibited_by: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) muted_by: Vec<String>,
}

/// One row of `GET /api/v2/silences`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct Silence {
    pub(in crate::source) id: String,
    pub(in crate::source) created_by: String,
    pub(in crate::source) comment: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::source) matchers: Vec<WireMatcher>,
    #[serde(deserialize_with = "or_default")]
    status: SilenceStatus,
    starts_at: Option<String>,
    ends_at: Option<String>,
    updated_at: Option<String>,
}

/// Where a silence stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SilenceStatus {
    state: String,
}

/// One condition of a silence; `isEqual` came with version 0.22.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::source) struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    is_equal: Option<bool>,
}

impl Alert {
    /// An alert that fires, as Prometheus itself knows it.
    pub(in crate::source) fn firing(
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
        since: Option<Timestamp>,
    ) -> Self {
        Self {
            labels,
            annotations,
            starts_at: since.map(|since| since.to_string()),
            ..Self::default()
        }
    }

    /// When it began; `None` when the server's word is no time.
    pub(in crate::source) fn started(&self) -> Option<Timestamp> {
        self.starts_at.as_deref()?.parse().ok()
    }

    /// When it ends unless its sender repeats it; `None` when the server's words are no times.
    pub(in crate::source) fn expiry(&self) -> Option<Expiry> {
        let at: Timestamp = self.ends_at.as_deref()?.parse().ok()?;
        let updated: Timestamp = self.updated_at.as_deref()?.parse().ok()?;
        let lifetime = at.duration_since(updated);
        lifetime.is_positive().then_some(Expiry { at, lifetime })
    }

    /// True when it is kept from notifying. A state this program does not know counts as active,
    /// so that the alert is seen.
    pub(in crate::source) fn is_suppressed(&self) -> bool {
        self.status.state == "suppressed"
    }

    /// The first of `names` that is among its labels and says something.
    pub(in crate::source) fn label(&self, names: &[impl AsRef<str>]) -> &str {
        names
            .iter()
            .filter_map(|name| self.labels.get(name.as_ref()))
            .find(|value| !value.is_empty())
            .map_or("", String::as_str)
    }

    /// The first of `names` that is among its annotations and says something.
    pub(in crate::source) fn annotation(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|&name| self.annotations.get(name))
            .map(|value| value.trim())
            .find(|value| !value.is_empty())
    }
}

impl Silence {
    /// True when it is over, and listed for the record only.
    pub(in crate::source) fn is_over(&self) -> bool {
        self.status.state == "expired"
    }

    /// True when it hides alerts now, and not only later.
    pub(in crate::source) fn is_in_force(&self) -> bool {
        self.status.state == "active"
    }

    /// When it was last changed; `None` when the server's word is no time.
    pub(in crate::source) fn updated(&self) -> Option<Timestamp> {
        self.updated_at.as_deref()?.parse().ok()
    }

    /// When it begins; `None` when the server's word is no time.
    pub(in crate::source) fn starts(&self) -> Option<Timestamp> {
        self.starts_at.as_deref()?.parse().ok()
    }

    /// When it ends; `None` when the server's word is no time.
    pub(in crate::source) fn ends(&self) -> Option<Timestamp> {
        self.ends_at.as_deref()?.parse().ok()
    }
}

impl From<&WireMatcher> for Matcher {
    fn from(wire: &WireMatcher) -> Self {
        Self {
            name: wire.name.clone(),
            value: wire.value.clone(),
            is_regex: wire.is_regex,
            is_equal: wire.is_equal.unwrap_or(true),
        }
    }
}

impl From<&Matcher> for WireMatcher {
    fn from(matcher: &Matcher) -> Self {
        Self {
            name: matcher.name.clone(),
            value: matcher.value.clone(),
            is_regex: matcher.is_regex,
            is_equal: Some(matcher.is_equal),
        }
    }
}
