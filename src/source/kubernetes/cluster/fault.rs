//! Why a cluster does not answer, in one sentence with a next step, without a word of what the
//! kubeconfig holds.

use std::error::Error as StdError;
use std::io;

use http_body_util::LengthLimitError;
use hyper_util::client::legacy;
use kube::client::AuthError;
use kube::config::{KubeconfigError, LoadDataError};

use crate::domain::{Fault, FaultKind};
use crate::http::{Breach, MAX_BODY, cause};

/// What is wrong with a kubeconfig, without a word of what it holds.
pub(super) fn kubeconfig_fault(error: &KubeconfigError) -> Fault {
    let words = match error {
        KubeconfigError::CurrentContextNotSet => {
            "the kubeconfig has no current context; set `context`".to_owned()
        }
        KubeconfigError::LoadContext(name) => {
            format!(
                "the kubeconfig has no context \"{name}\"; `kubectl config get-contexts` lists them"
            )
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("the kubeconfig has no cluster \"{name}\", which its context names")
        }
        KubeconfigError::FindPath => "there is no ~/.kube/config; set `kubeconfig`".to_owned(),
        KubeconfigError::ReadConfig(error, path) => {
            format!(
                "the kubeconfig {} cannot be read: {}",
                path.display(),
                error.kind()
            )
        }
        KubeconfigError::Parse(_) => {
            "the kubeconfig is not YAML of a kubeconfig's shape".to_owned()
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "the kubeconfig's cluster has no usable `server`".to_owned()
        }
        KubeconfigError::LoadCertificateAuthority(error) => {
            format!(
                "the kubeconfig's certificate authority {}",
                load_words(error)
            )
        }
        KubeconfigError::LoadClientCertificate(error) => {
            format!("the kubeconfig's client certificate {}", load_words(error))
        }
        KubeconfigError::LoadClientKey(error) => {
            format!("the kubeconfig's client key {}", load_words(error))
        }
        _ => {
            "the kubeconfig cannot be used; does `kubectl get deployments` work with it?".to_owned()
        }
    };
    Fault::new(FaultKind::Secret, words)
}

fn load_words(error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => "is not base64".to_owned(),
        LoadDataError::ReadFile(error, path) => {
            format!("cannot be read at {}: {}", path.display(), error.kind())
        }
        LoadDataError::NoBase64DataOrFile => "is missing".to_owned(),
    }
}

/// Why there is no answer. The client's own words are not repeated: they hold what a login command
/// has printed.
pub(super) fn fault(error: &kube::Error) -> Fault {
    match error {
        kube::Error::Auth(error) => return Fault::new(FaultKind::Secret, auth_words(error)),
        kube::Error::InferKubeconfig(error) => return kubeconfig_fault(error),
        kube::Error::RustlsTls(_) => {
            let words = "the kubeconfig's certificates or keys cannot be used; are they PEM, and of one pair?";
            return Fault::new(FaultKind::Tls, words);
        }
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => {
            let words = "the kubeconfig's `proxy-url` is of a kind that cannot be used; http and socks5 can";
            return Fault::new(FaultKind::Connect, words);
        }
        _ => {}
    }
    if let Some(error) = cause::<AuthError>(error) {
        return Fault::new(FaultKind::Secret, auth_words(error));
    }
    if let Some(error) = cause::<rustls::Error>(error) {
        return Fault::new(FaultKind::Tls, tls_words(error));
    }
    if let Some(fault) = breach_fault(error) {
        return fault;
    }
    let was_sent = cause::<legacy::Error>(error).is_some_and(|error| !error.is_connect());
    let words = match cause::<io::Error>(error).map(io::Error::kind) {
        _ if was_sent => {
            "the API server closed the connection without an answer; is it up, and is its port one \
             for http and not https?"
        }
        Some(io::ErrorKind::ConnectionRefused) => "connection refused; is the API server running?",
        Some(io::ErrorKind::TimedOut) => {
            "no connection in time; is the cluster reachable from here, VPN included?"
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "no route to the API server; is the network or VPN up?"
        }
        _ => "no connection to the API server; does `kubectl get deployments` work from here?",
    };
    Fault::new(FaultKind::Connect, words)
}

/// The fault of an answer that breaks the rules of HTTP.
fn breach_fault(error: &(dyn StdError + 'static)) -> Option<Fault> {
    let words = match Breach::of(cause::<hyper::Error>(error)?)? {
        Breach::Headers => {
            "the API server sent larger headers than are read; is a proxy in between?"
        }
        Breach::Protocol => {
            "the API server did not answer in HTTP; check the port of the kubeconfig's `server`"
        }
        Breach::Framing => {
            "the API server sent a body that breaks HTTP's framing; is a proxy in between?"
        }
    };
    Some(Fault::new(FaultKind::Decode, words))
}

fn auth_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!(
            "the kubeconfig's login command cannot be run: {}; is it installed?",
            error.kind()
        ),
        AuthError::AuthExecRun { out, .. } => format!(
            "the kubeconfig's login command failed ({}); log in by hand",
            out.status
        ),
        AuthError::ReadTokenFile(error, path) => format!(
            "the kubeconfig's token file {} cannot be read: {}",
            path.display(),
            error.kind()
        ),
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            "the kubeconfig's credential cannot be sent; it must be plain ASCII".to_owned()
        }
        _ => {
            "the kubeconfig's login gave no usable credential; does `kubectl get deployments` work?"
                .to_owned()
        }
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error as Tls};
    match error {
        Tls::InvalidCertificate(Bad::UnknownIssuer) => {
            "the API server's certificate is from an authority that the kubeconfig does not name"
        }
        Tls::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the API server's certificate has expired; renew it"
        }
        Tls::InvalidCertificate(_) => {
            "the API server's certificate is not valid for it; check the kubeconfig's `server`"
        }
        Tls::AlertReceived(_) => {
            "the API server refused the TLS handshake; has the client certificate expired?"
        }
        _ => "TLS with the API server failed; check the kubeconfig's `server` and certificates",
    }
    .to_owned()
}

pub(super) fn body_fault(error: &(dyn StdError + 'static)) -> Fault {
    if cause::<LengthLimitError>(error).is_some() {
        let limit = MAX_BODY / (1024 * 1024);
        let words = format!("answer exceeds {limit} MiB; narrow it by `namespaces`");
        return Fault::new(FaultKind::TooLarge, words);
    }
    if let Some(fault) = breach_fault(error) {
        return fault;
    }
    // What the decoder of a compressed body says; a lost connection has a kind of its own.
    let is_damaged = cause::<io::Error>(error).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other
        )
    });
    if is_damaged {
        let words = "the answer's gzip is damaged; is a proxy in between?";
        return Fault::new(FaultKind::Decode, words);
    }
    let words = "the API server broke off before its answer was whole; is it restarting?";
    Fault::new(FaultKind::Connect, words)
}
