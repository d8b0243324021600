//! What Alertmanager's API v2 sends: the fields that are read, all but the labels optional.
//!
//! Shapes: `api/v2/openapi.yaml` of prometheus/alertmanager. Version 0.25 has no `mutedBy`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// One row of `GET /api/v2/alerts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Alert {
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
    starts_at: Option<String>,
    pub(super) fingerprint: String,
    #[serde(rename = "generatorURL")]
    pub(super) generator_url: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) receivers: Vec<Receiver>,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: AlertStatus,
}

/// Who is told of an alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Receiver {
    pub(super) name: String,
}

/// Where an alert stands, and which silences, alerts or time intervals hold it back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AlertStatus {
    #[serde(deserialize_with = "or_default")]
    pub(super) state: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) silenced_by: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) inhibited_by: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) muted_by: Vec<String>,
}

/// One row of `GET /api/v2/silences`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Silence {
    pub(super) id: String,
    pub(super) created_by: String,
    pub(super) comment: String,
    ends_at: Option<String>,
}

impl Alert {
    /// When it began; `None` when the server's word is no time.
    pub(super) fn started(&self) -> Option<Timestamp> {
        self.starts_at.as_deref()?.parse().ok()
    }

    /// True when it is kept from notifying. A state this program does not know counts as active,
    /// so that the alert is seen.
    pub(super) fn is_suppressed(&self) -> bool {
        self.status.state == "suppressed"
    }

    /// The first of `names` that is among its labels and says something.
    pub(super) fn label(&self, names: &[impl AsRef<str>]) -> &str {
        names
            .iter()
            .filter_map(|name| self.labels.get(name.as_ref()))
            .find(|value| !value.is_empty())
            .map_or("", String::as_str)
    }

    /// The first of `names` that is among its annotations and says something.
    pub(super) fn annotation(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|&name| self.annotations.get(name))
            .map(|value| value.trim())
            .find(|value| !value.is_empty())
    }
}

impl Silence {
    /// When it ends; `None` when the server's word is no time.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.ends_at.as_deref()?.parse().ok()
    }
}

/// Reads `null` as nothing: a nil slice or map of Go.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
