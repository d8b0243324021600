//! What a workload is called by those who watch it, and where it is.

use super::wire::Metadata;
use crate::domain::{Production, Release};
use crate::source::place;
use crate::text::Untrusted;

/// The labels that name a service where the settings name none, the recommended one first:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>.
const SERVICE_LABELS: [&str; 2] = ["app.kubernetes.io/name", "app"];

/// What the settings say of names.
#[derive(Debug, Default)]
pub(super) struct Naming {
    pub(super) service_label: Option<String>,
    pub(super) environment_label: Option<String>,
    /// Which names are those of production.
    pub(super) production: Production,
}

impl Naming {
    /// The service an object belongs to; its own name where no label tells.
    pub(super) fn service<'a>(&self, metadata: &'a Metadata) -> &'a str {
        let own = self.service_label.as_deref();
        own.into_iter()
            .chain(SERVICE_LABELS)
            .find_map(|label| metadata.label(label))
            .unwrap_or(&metadata.name)
    }

    /// Says where a release of an object went: the environment that a label names, else the namespace
    /// it deploys to, as an environment where it is called like one.
    pub(super) fn set_place(&self, release: &mut Release, metadata: &Metadata, namespace: &str) {
        let label = self.environment_label.as_deref();
        let label = label.and_then(|label| metadata.label(label));
        release.environment = place::environment(label, namespace, &self.production).into();
        if !namespace.is_empty() {
            release.details.push(detail("namespace", namespace));
        }
    }
}

/// One detail of a release.
pub(super) fn detail(name: impl AsRef<str>, value: impl Into<String>) -> (Untrusted, Untrusted) {
    (name.as_ref().into(), value.into().into())
}
