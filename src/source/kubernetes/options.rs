//! What can be configured, and the mistakes in it.

#[cfg(feature = "kubernetes")]
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use super::api::Api;
use super::naming::Naming;
use crate::config::{Auth, Problem, Settings, SourceSettings, Step};
use crate::http::Http;

/// A kind of object that tells of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Resource {
    Deployments,
    StatefulSets,
    DaemonSets,
    Rollouts,
    Kustomizations,
    HelmReleases,
}

/// All of them, in the order they are asked for.
const ALL: [Resource; 6] = [
    Resource::Deployments,
    Resource::StatefulSets,
    Resource::DaemonSets,
    Resource::Rollouts,
    Resource::Kustomizations,
    Resource::HelmReleases,
];

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    context: Option<String>,
    kubeconfig: Option<PathBuf>,
    #[serde(default)]
    namespaces: Vec<String>,
    resources: Option<Vec<Resource>>,
    service_label: Option<String>,
    environment_label: Option<String>,
}

/// The same, checked.
pub(super) struct Options {
    pub(super) api: Api,
    pub(super) namespaces: Vec<String>,
    pub(super) resources: Vec<Resource>,
    pub(super) naming: Naming,
}

/// Reads the settings of a source.
pub(super) fn read(settings: &SourceSettings, all: &Settings) -> Result<Options, Problem> {
    let written: Written = settings.options()?;
    for (at, name) in written.namespaces.iter().enumerate() {
        if !is_namespace(name) {
            let mut problem = settings.problem(
                "namespaces",
                format!("has \"{name}\", which is no name of a namespace: use a-z, 0-9 and dashes, or leave `namespaces` out for all"),
            );
            problem.path.push(Step::Index(at));
            return Err(problem);
        }
    }
    let mut resources = written.resources.clone().unwrap_or_else(|| ALL.to_vec());
    resources.sort_by_key(|one| ALL.iter().position(|known| known == one));
    resources.dedup();
    if resources.is_empty() {
        return Err(settings.problem(
            "resources",
            "is empty: name what to watch, or leave it out for all kinds",
        ));
    }
    Ok(Options {
        api: api(settings, &written)?,
        namespaces: written.namespaces,
        resources,
        naming: Naming {
            service_label: written.service_label,
            environment_label: written.environment_label,
            production: all.delivery.production.clone(),
        },
    })
}

/// Where to ask: at `url`, else where the kubeconfig or the pod says.
fn api(settings: &SourceSettings, written: &Written) -> Result<Api, Problem> {
    if settings.http.url.is_none() {
        return cluster(settings, written);
    }
    let beside = [
        ("context", written.context.is_some()),
        ("kubeconfig", written.kubeconfig.is_some()),
    ];
    if let Some((key, _)) = beside.into_iter().find(|(_, is_set)| *is_set) {
        return Err(settings.problem(
            key,
            "stands beside `url`: a kubeconfig has the address itself, so keep one of the two",
        ));
    }
    Ok(Api::Address(Box::new(Http::new(settings, None)?)))
}

/// The settings of a server at `url` mean nothing for a kubeconfig, which has its own.
fn only_with_url(settings: &SourceSettings) -> Result<(), Problem> {
    let http = &settings.http;
    let login = match http.auth {
        Auth::None => None,
        Auth::Bearer(_) => Some("bearer_token"),
        Auth::Token(_) => Some("token"),
        Auth::Basic { .. } => Some("basic"),
    };
    let keys = [
        login,
        http.ca_file.as_ref().map(|_| "ca_file"),
        http.client_cert.as_ref().map(|_| "client_cert"),
        http.proxy.as_ref().map(|_| "proxy"),
        (!http.headers.is_empty()).then_some("headers"),
    ];
    match keys.into_iter().flatten().next() {
        Some(key) => Err(settings.problem(
            key,
            "is for an API server at `url`; a kubeconfig has its own: set `url`, or remove this",
        )),
        None => Ok(()),
    }
}

#[cfg(feature = "kubernetes")]
fn cluster(settings: &SourceSettings, written: &Written) -> Result<Api, Problem> {
    use std::time::Duration;

    use super::cluster::Cluster;

    /// The longest that one request may take where the settings do not say.
    const TIMEOUT: Duration = Duration::from_secs(10);

    only_with_url(settings)?;
    let timeout = match settings.http.timeout {
        None => TIMEOUT,
        Some(timeout) => Duration::try_from(timeout)
            .ok()
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| settings.problem("timeout", "must be longer than nothing"))?,
    };
    let path = written.kubeconfig.as_deref();
    let path = path.map(|path| file(path, settings.folder.as_deref()));
    Ok(Api::Cluster(Cluster::new(
        path,
        written.context.clone(),
        timeout,
    )))
}

#[cfg(not(feature = "kubernetes"))]
fn cluster(settings: &SourceSettings, _written: &Written) -> Result<Api, Problem> {
    only_with_url(settings)?;
    Err(settings.problem(
        "kind",
        "\"kubernetes\" reads no kubeconfig in this build: install it by `cargo install watchfire --features kubernetes`, or set `url` to an API server or to `kubectl proxy`",
    ))
}

/// A path as the writer of the file means it: `~/` is home, and others begin at the file.
#[cfg(feature = "kubernetes")]
fn file(path: &Path, folder: Option<&Path>) -> PathBuf {
    if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), std::env::home_dir()) {
        return home.join(rest);
    }
    folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
}

/// RFC 1123 labels, as Kubernetes wants them for namespaces.
fn is_namespace(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_plain)
}
