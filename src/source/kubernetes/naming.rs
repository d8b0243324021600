//! What a workload is called by those who watch it, and where it is.

use super::wire::Metadata;
use crate::text::Untrusted;

/// The labels that name a service where the settings name none, the recommended one first:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>.
const SERVICE_LABELS: [&str; 2] = ["app.kubernetes.io/name", "app"];

/// The labels that the settings name.
#[derive(Debug, Default)]
pub(super) struct Naming {
    pub(super) service_label: Option<String>,
    pub(super) environment_label: Option<String>,
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

    /// The environment of an object: what a label says, else the namespace it deploys to.
    pub(super) fn environment<'a>(&self, metadata: &'a Metadata, namespace: &'a str) -> &'a str {
        let label = self.environment_label.as_deref();
        label
            .and_then(|label| metadata.label(label))
            .unwrap_or(namespace)
    }
}

/// One detail of a release.
pub(super) fn detail(name: impl AsRef<str>, value: impl Into<String>) -> (Untrusted, Untrusted) {
    (name.as_ref().into(), value.into().into())
}
