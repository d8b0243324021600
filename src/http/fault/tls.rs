//! Reasons for which TLS fails, in words.

use rustls::{AlertDescription, CertificateError, Error as Tls, OtherError, PeerIncompatible};

/// The reason for which TLS with a server failed, and the next step.
pub(in crate::http) fn words(error: &Tls, authority: &str) -> String {
    match error {
        Tls::InvalidCertificate(reason) => certificate_words(reason, authority),
        Tls::InvalidMessage(_) => {
            format!("{authority} does not speak TLS; is `url` meant to begin with http://?")
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion)
        | Tls::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => format!(
            "{authority} offers only TLS 1.0 or 1.1, which are not safe; it must offer TLS 1.2 or newer"
        ),
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!("{authority} serves no host of that name (TLS); check `url`")
        }
        Tls::AlertReceived(alert) => format!(
            "{authority} refused the TLS handshake ({}); does it want a `client_cert`?",
            alert_words(*alert)
        ),
        Tls::PeerIncompatible(_) => {
            format!("{authority} speaks no TLS that is safe; it must offer TLS 1.2 or newer")
        }
        _ => format!("TLS with {authority} failed; check `ca_file` and the server's certificate"),
    }
}

/// The word of RFC 8446 for an alert that a server sends at the beginning.
fn alert_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => "handshake failure".to_owned(),
        AlertDescription::InsufficientSecurity => "insufficient security".to_owned(),
        AlertDescription::BadCertificate => "bad certificate".to_owned(),
        AlertDescription::CertificateRequired => "certificate required".to_owned(),
        AlertDescription::CertificateUnknown => "certificate unknown".to_owned(),
        AlertDescription::UnknownCA => "unknown authority".to_owned(),
        AlertDescription::AccessDenied => "access denied".to_owned(),
        alert => format!("alert {}", u8::from(alert)),
    }
}

fn certificate_words(reason: &CertificateError, authority: &str) -> String {
    use CertificateError as Bad;
    match reason {
        Bad::Expired | Bad::ExpiredContext { .. } => {
            format!("the certificate of {authority} has expired; renew it")
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            format!("the certificate of {authority} is not valid yet; check the clocks")
        }
        Bad::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the certificate of {authority} names no host; make it with \
             -addext subjectAltName=DNS:HOST"
        ),
        Bad::Other(other) if is_authority(other) => format!(
            "the certificate of {authority} is an authority's own (CA:TRUE); if it is the right one, \
             set `ca_file` to it"
        ),
        Bad::UnknownIssuer => format!(
            "the certificate of {authority} is from an authority that is not trusted; set `ca_file`"
        ),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            format!("the certificate of {authority} is for another name; check `url`")
        }
        Bad::BadSignature => format!(
            "the certificate of {authority} is not signed by the authority that it names; is \
             `ca_file` an older one of that name?"
        ),
        Bad::Revoked => format!("the certificate of {authority} is revoked; replace it"),
        _ => format!("the certificate of {authority} is not valid; replace it"),
    }
}

/// True where a server presents the certificate of an authority as its own.
pub(in crate::http) fn is_authority(error: &OtherError) -> bool {
    matches!(
        error.0.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}
