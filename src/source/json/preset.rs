//! Settings for vendors' APIs whose answers are known: a preset is what a user would have written.
//!
//! Each is a table of settings in `presets/`; what the user sets beside it counts instead.

use crate::config::{Problem, SourceSettings};

/// A vendor's API.
pub(super) struct Preset {
    /// What `preset = "…"` says.
    pub(super) name: &'static str,
    /// The settings, as TOML.
    settings: &'static str,
    /// Its public address, where it has just one.
    pub(super) url: Option<&'static str>,
    /// How a `token` is sent, where it is not `Authorization: Bearer …`.
    pub(super) token: Option<(&'static str, &'static str)>,
    /// What it is asked to answer.
    pub(super) accept: &'static str,
}

const JSON: &str = "application/json";

/// Every preset there is, by name.
pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "buildkite",
        settings: include_str!("presets/buildkite.toml"),
        url: None,
        token: None,
        accept: JSON,
    },
    Preset {
        name: "firehydrant",
        settings: include_str!("presets/firehydrant.toml"),
        url: Some("https://api.firehydrant.io/v1"),
        token: None,
        accept: JSON,
    },
    Preset {
        name: "grafana-annotations",
        settings: include_str!("presets/grafana-annotations.toml"),
        url: None,
        token: None,
        accept: JSON,
    },
    Preset {
        name: "jenkins",
        settings: include_str!("presets/jenkins.toml"),
        url: None,
        token: None,
        accept: JSON,
    },
    Preset {
        name: "opsgenie",
        settings: include_str!("presets/opsgenie.toml"),
        url: Some("https://api.opsgenie.com"),
        token: Some(("authorization", "GenieKey ")),
        accept: JSON,
    },
    Preset {
        name: "rootly",
        settings: include_str!("presets/rootly.toml"),
        url: Some("https://api.rootly.com"),
        token: None,
        accept: "application/vnd.api+json",
    },
    Preset {
        name: "servicenow",
        settings: include_str!("presets/servicenow.toml"),
        url: None,
        token: None,
        accept: JSON,
    },
    Preset {
        name: "statuspage",
        settings: include_str!("presets/statuspage.toml"),
        url: None,
        token: None,
        accept: JSON,
    },
];

/// The preset that the settings name, if any.
pub(super) fn chosen(settings: &SourceSettings) -> Result<Option<&'static Preset>, Problem> {
    let Some(name) = settings.table.get("preset") else {
        return Ok(None);
    };
    let found = name
        .as_str()
        .and_then(|name| PRESETS.iter().find(|preset| preset.name == name));
    found.map(Some).ok_or_else(|| {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        let message = format!("is none of those there are: {}", names.join(", "));
        settings.problem("preset", message)
    })
}

impl Preset {
    /// The settings of the preset, and above them the user's own; parameters of the query one by one.
    pub(super) fn beneath(&self, own: toml::Table) -> toml::Table {
        // A test reads every preset, so that none is ever missing here.
        let mut settings: toml::Table = self.settings.parse().unwrap_or_default();
        for (key, value) in own {
            match (settings.get_mut(&key), value) {
                (Some(toml::Value::Table(known)), toml::Value::Table(more)) if key == "query" => {
                    known.extend(more);
                }
                (_, value) => {
                    settings.insert(key, value);
                }
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests;
