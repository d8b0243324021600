//! The way to an endpoint: its URL, TLS, proxy and time-outs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};
use rustls::crypto::{CryptoProvider, ring};

use super::proxy::Between;
use super::{guard, trust};
use crate::config::secret::read_private;
use crate::config::{Problem, SourceSettings};
use crate::domain::{Fault, FaultKind};
use crate::text::clipped;

/// The longest a request may take, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest it may take to connect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How we introduce ourselves.
const USER_AGENT: &str = concat!("watchfire/", env!("CARGO_PKG_VERSION"));

/// How a client is built; checked, but not yet built.
#[derive(Clone)]
pub(super) struct Transport {
    /// The longest a request may take.
    pub(super) timeout: Duration,
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    route: Route,
    local: bool,
    plain: bool,
    guarded: bool,
    between: Option<Between>,
}

/// Whether a proxy stands in between.
#[derive(Clone)]
enum Route {
    /// As the environment says.
    Environment,
    /// None.
    Direct,
    /// This one.
    Proxy(Url),
}

impl Transport {
    /// Checks the settings; files must exist, and are read when the client is built.
    pub(super) fn new(settings: &SourceSettings, base: &Url) -> Result<Self, Problem> {
        let http = &settings.http;
        let timeout = match http.timeout {
            None => TIMEOUT,
            Some(timeout) => Duration::try_from(timeout)
                .ok()
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| settings.problem("timeout", "must be longer than nothing"))?,
        };
        for (key, path) in [
            ("ca_file", &http.ca_file),
            ("client_cert", &http.client_cert),
        ] {
            if let Some(path) = path
                && !path.is_file()
            {
                return Err(settings.problem(
                    key,
                    format!("there is no file {}; give a PEM file", path.display()),
                ));
            }
        }
        if http.is_guarded && !guard::is_allowed_url(base) {
            let message = "has an address that no message is sent to".to_owned();
            return Err(settings.problem("url", message));
        }
        let local = is_loopback(base);
        let route = route(settings, local)?;
        Ok(Self {
            timeout,
            ca_file: http.ca_file.clone(),
            client_cert: http.client_cert.clone(),
            between: match &route {
                Route::Environment => Between::of_environment(base),
                Route::Direct => None,
                Route::Proxy(url) => Some(Between::of_setting(url)),
            },
            route,
            local,
            plain: base.scheme() == "http",
            guarded: http.is_guarded,
        })
    }

    /// True when the client of another endpoint of the same source serves this one too.
    pub(super) fn goes_like(&self, other: &Self) -> bool {
        let kind = |one: &Self| (one.local, one.plain, one.guarded);
        kind(self) == kind(other)
    }

    /// The proxy that requests go through.
    pub(super) fn between(&self) -> Option<&Between> {
        self.between.as_ref()
    }

    /// Builds the client; reads certificates from disk.
    pub(super) fn build(&self) -> Result<Client, Fault> {
        if CryptoProvider::get_default().is_none() {
            // Losing the race to another source is as good.
            let _ = ring::default_provider().install_default();
        }
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(self.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(self.timeout))
            .redirect(Policy::none())
            .referer(false)
            .gzip(true);
        if self.local {
            // Compressing costs more than it saves where no wire is.
            let identity = HeaderValue::from_static("identity");
            builder = builder.default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, identity)]));
        }
        if self.guarded {
            builder = builder.dns_resolver(Arc::new(guard::Guard));
        }
        builder = match &self.route {
            Route::Environment => builder,
            Route::Direct => builder.no_proxy(),
            Route::Proxy(url) => builder.proxy(
                Proxy::all(url.clone())
                    .map_err(|_| tls_fault("`proxy` cannot be used; check its URL"))?,
            ),
        };
        if self.plain && matches!(self.route, Route::Direct) {
            // Nothing here will speak TLS: spare the loading of the system's certificates.
            return finish(builder.tls_backend_preconfigured(without_roots()));
        }
        if let (Some(path), Some(provider)) = (&self.ca_file, CryptoProvider::get_default()) {
            let tls = trust::configured(path, self.client_cert.as_deref(), provider)?;
            return finish(builder.tls_backend_preconfigured(tls));
        }
        if let Some(path) = &self.client_cert {
            let pem = read_private(path)?;
            let identity =
                reqwest::Identity::from_pem(&pem).map_err(|_| trust::not_an_identity(path))?;
            builder = builder.identity(identity);
        }
        finish(builder)
    }
}

fn finish(builder: reqwest::ClientBuilder) -> Result<Client, Fault> {
    builder.build().map_err(|_| {
        tls_fault(
            "TLS cannot be set up; check `ca_file`, `client_cert` and the system's certificates",
        )
    })
}

fn without_roots() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

fn tls_fault(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Tls, message)
}

fn route(settings: &SourceSettings, local: bool) -> Result<Route, Problem> {
    match settings.http.proxy.as_deref() {
        // A proxy in the environment is for the outside; nobody means it to fetch from this machine.
        None if local => Ok(Route::Direct),
        None => Ok(Route::Environment),
        Some("none") => Ok(Route::Direct),
        Some(text) => Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .map(Route::Proxy)
            .ok_or_else(|| {
                settings.problem("proxy", "must be an http:// or https:// URL, or \"none\"")
            }),
    }
}

/// The base URL, checked. The problem does not repeat it, for it may hold a credential.
pub(super) fn base_url(
    settings: &SourceSettings,
    default_url: Option<&str>,
) -> Result<Url, Problem> {
    let problem = |message: String| Err(settings.problem("url", message));
    let Some(text) = settings.http.url.as_deref().or(default_url) else {
        return problem("is missing; say where to ask, as in \"https://host.example\"".to_owned());
    };
    if let Some((_, rest)) = text.split_once("${") {
        let name: String = rest.chars().take_while(|&c| c != '}').collect();
        return problem(format!(
            "holds `${{{}}}`: variables are not filled in here; write the address itself",
            clipped(&name)
        ));
    }
    let Ok(mut url) = Url::parse(text) else {
        return problem("is not a URL; write it as \"https://host.example\"".to_owned());
    };
    if !matches!(url.scheme(), "http" | "https") {
        return problem(format!(
            "begins with `{}:`; write http:// or https:// before the host",
            url.scheme()
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return problem(
            "holds a user or password; use `basic`, `bearer_token` or `token`".to_owned(),
        );
    }
    url.set_fragment(None);
    Ok(url)
}

/// Scheme, host and port, as they are named in faults.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
