//! What a document is, by its own words.

use super::foreign;
use super::node::{Node, Value, Wrong};
use crate::text::clipped;

/// What is understood.
pub(super) const EXPECTED: &str = "OpenSLO v1 (`apiVersion: openslo/v1`), Sloth v1 (`version: prometheus/v1`, or `kind: PrometheusServiceLevel`) or Pyrra (`kind: ServiceLevelObjective` of pyrra.dev/v1alpha1)";

/// What `apiVersion` of Sloth's Kubernetes objects says.
const SLOTH: &str = "sloth.slok.dev/v1";

/// What it says of Pyrra's.
pub(super) const PYRRA: &str = "pyrra.dev/v1alpha1";

/// How Sloth's keys are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `error_query`, at the top of the document.
    Snake,
    /// `errorQuery`, under `spec`.
    Camel,
}

/// One kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An object of `OpenSLO` v1, by its own kind.
    OpenSlo(&'static str),
    /// The SLOs of a service, for Sloth.
    Sloth(Spelling),
    /// Sloth's period and alert windows.
    SlothWindows,
    /// An SLO of Pyrra.
    Pyrra,
}

/// The objects of `OpenSLO` v1.
const OPENSLO: [&str; 7] = [
    "SLO",
    "SLI",
    "Service",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
    "DataSource",
];

/// The documents in a document: those of a list, or itself.
pub(super) fn members(document: &Node) -> Result<Vec<&Node>, Wrong> {
    if let Value::List(members) = &document.value {
        return Ok(members.iter().collect());
    }
    let kind = document.text_of("kind").ok().flatten();
    let is_list = kind.is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").filter(|_| is_list) {
        Some(items) => Ok(items.list()?.iter().collect()),
        None => Ok(vec![document]),
    }
}

impl Kind {
    /// What a document says it is, or why that is nothing to be converted.
    pub(super) fn of(document: &Node) -> Result<Self, String> {
        let word = |key| document.text_of(key).ok().flatten().unwrap_or_default();
        let (api, kind, version) = (word("apiVersion"), word("kind"), word("version"));
        match (api.as_str(), kind.as_str()) {
            ("openslo/v1", kind) => OPENSLO
                .into_iter()
                .find(|known| *known == kind)
                .map(Self::OpenSlo)
                .ok_or_else(|| format!("OpenSLO v1 has no kind `{}`", clipped(kind))),
            (SLOTH, "PrometheusServiceLevel") => Ok(Self::Sloth(Spelling::Camel)),
            (SLOTH, "AlertWindows") => Ok(Self::SlothWindows),
            // Pyrra reads files without looking at it.
            (PYRRA | "v1alpha1" | "", "ServiceLevelObjective") => Ok(Self::Pyrra),
            ("", "") if version == "prometheus/v1" => Ok(Self::Sloth(Spelling::Snake)),
            (api, kind) => Err(foreign::document(document, api, kind)
                .unwrap_or_else(|| unexpected(api, kind, &version))),
        }
    }
}

/// Why a document of this version and kind is not read.
fn unexpected(api: &str, kind: &str, version: &str) -> String {
    if api.starts_with("openslo") {
        return format!(
            "this is of `{}`, another shape than OpenSLO v1: bring it to `apiVersion: openslo/v1`",
            clipped(api)
        );
    }
    match (api, kind) {
        ("", "") if !version.is_empty() => format!(
            "this is of version `{}`: expected {EXPECTED}",
            clipped(version)
        ),
        ("", "") => format!("this does not say what it is: expected {EXPECTED}"),
        (api, kind) => format!(
            "this is a `{}` of `{}`: expected {EXPECTED}",
            clipped(kind),
            clipped(api)
        ),
    }
}
