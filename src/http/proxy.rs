//! The proxy on the way to an endpoint: where it is, and why it lets nothing through.

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use tower_service::Service;

use super::authority;
use crate::domain::{Fault, FaultKind};

/// Why a proxy made no tunnel for `CONNECT`. The type has no public name of its own.
pub(super) type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// The proxy between this machine and an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Between {
    /// Host and port.
    address: String,
    /// Where it is configured, for a message.
    setting: &'static str,
    has_password: bool,
}

impl Between {
    /// The proxy of the setting `proxy`.
    pub(super) fn of_setting(url: &Url) -> Self {
        Self {
            address: authority(url),
            setting: "`proxy`",
            has_password: !url.username().is_empty() || url.password().is_some(),
        }
    }

    /// The proxy that the environment names for an endpoint, by the rules that the client obeys.
    pub(super) fn of_environment(base: &Url) -> Option<Self> {
        Self::by(&Matcher::from_system(), base)
    }

    fn by(matcher: &Matcher, base: &Url) -> Option<Self> {
        let proxy = matcher.intercept(&base.as_str().parse().ok()?)?;
        let uri = proxy.uri();
        let standard = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16());
        Some(Self {
            address: format!("{host}:{}", port.unwrap_or(standard)),
            setting: if base.scheme() == "https" {
                "HTTPS_PROXY or ALL_PROXY"
            } else {
                "HTTP_PROXY or ALL_PROXY"
            },
            has_password: proxy.basic_auth().is_some() || proxy.raw_auth().is_some(),
        })
    }

    /// Its name in a message: `the proxy 10.0.0.1:3128 (HTTPS_PROXY or ALL_PROXY)`.
    pub(super) fn name(&self) -> String {
        format!("the proxy {} ({})", self.address, self.setting)
    }

    /// The fault of a 407: the proxy wants a password, or another one.
    pub(super) fn wants_password(&self) -> Fault {
        let name = self.name();
        let message = if self.has_password {
            format!("{name} refused the user or password (407); correct them there")
        } else {
            format!(
                "{name} wants a user and password (407); write them as http://USER:PASSWORD@HOST"
            )
        };
        Fault::new(FaultKind::Auth, message)
    }

    /// The fault of a tunnel that was refused; `None` where the connection was lost.
    pub(super) fn tunnel_fault(&self, error: &TunnelError, authority: &str) -> Option<Fault> {
        let name = self.name();
        let message = match error {
            TunnelError::ProxyAuthRequired => return Some(self.wants_password()),
            TunnelError::TunnelUnsuccessful | TunnelError::ProxyHeadersTooLong => {
                format!(
                    "{name} refused to connect to {authority}; does it allow that host and port?"
                )
            }
            TunnelError::TunnelUnexpectedEof => {
                format!("{name} closed the connection without an answer; is it a proxy?")
            }
            TunnelError::ConnectFailed(_) | TunnelError::Io(_) | TunnelError::MissingHost => {
                return None;
            }
        };
        Some(Fault::new(FaultKind::Connect, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_of_the_environment_is_found_by_the_rules_of_the_client() {
        let matcher = Matcher::builder()
            .http("http://plain.example:3128")
            .https("http://mara:secret@tls.example")
            .no("inside.example")
            .build();
        for (url, want) in [
            (
                "http://prom.example/api",
                Some("the proxy plain.example:3128 (HTTP_PROXY or ALL_PROXY)"),
            ),
            (
                "https://prom.example/api",
                Some("the proxy tls.example:80 (HTTPS_PROXY or ALL_PROXY)"),
            ),
            ("https://prom.inside.example", None),
        ] {
            let url: Url = url.parse().expect("a URL");
            let found = Between::by(&matcher, &url);
            assert_eq!(found.as_ref().map(Between::name).as_deref(), want, "{url}");
            let has_password = found.is_some_and(|found| found.has_password);
            assert_eq!(
                has_password,
                url.as_str() == "https://prom.example/api",
                "{url}"
            );
        }
    }

    #[test]
    fn a_password_of_a_proxy_is_in_no_message() {
        let url: Url = "http://mara:s3cret@proxy.example:3128"
            .parse()
            .expect("a URL");
        let between = Between::of_setting(&url);
        let words = between.wants_password().message.raw().to_owned();
        assert_eq!(
            words,
            "the proxy proxy.example:3128 (`proxy`) refused the user or password (407); correct them there"
        );
    }
}
