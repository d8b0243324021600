//! Trust in the certificates of `ca_file`: as authorities and, where a server presents one of them,
//! in that one itself.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::fault::tls::is_authority;
use crate::config::secret::read_private;
use crate::domain::{Fault, FaultKind};

/// TLS that trusts a `ca_file` in place of the system's authorities, and shows a `client_cert`.
///
/// # Errors
/// When a file cannot be read, or holds something else.
pub(super) fn configured(
    ca_file: &Path,
    client_cert: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<ClientConfig, Fault> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable("TLS cannot be set up"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(CaFile::read(ca_file, provider)?));
    let mut config = match client_cert {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let (chain, key) = identity(path)?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|_| not_an_identity(path))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A certificate with its chain, and its private key.
fn identity(path: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Fault> {
    let pem = read_private(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let key = PrivateKeyDer::from_pem_slice(&pem).ok();
    chain.zip(key).ok_or_else(|| not_an_identity(path))
}

/// A `client_cert` that is not one.
pub(super) fn not_an_identity(path: &Path) -> Fault {
    unusable(format!(
        "`client_cert` {} needs a certificate and its private key, both as PEM",
        path.display()
    ))
}

fn unusable(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Tls, message)
}

/// The certificates of a `ca_file`.
#[derive(Debug)]
struct CaFile {
    by_chain: Arc<WebPkiServerVerifier>,
    listed: Vec<CertificateDer<'static>>,
}

impl CaFile {
    fn read(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Self, Fault> {
        let shown = path.display();
        let pem = fs::read(path).map_err(|error| {
            let reason = error.kind().to_string().to_lowercase();
            unusable(format!("`ca_file` {shown} cannot be read: {reason}"))
        })?;
        let no_certificate = || {
            unusable(format!(
                "`ca_file` {shown} holds no certificate; it must be PEM"
            ))
        };
        let listed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let listed = listed.ok().filter(|listed| !listed.is_empty());
        let listed = listed.ok_or_else(no_certificate)?;
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(listed.iter().cloned());
        if added == 0 {
            return Err(no_certificate());
        }
        let by_chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let by_chain = by_chain.build().map_err(|_| no_certificate())?;
        Ok(Self { by_chain, listed })
    }

    /// True for a certificate that is in the file byte for byte.
    fn lists(&self, certificate: &CertificateDer<'_>) -> bool {
        self.listed
            .iter()
            .any(|listed| listed.as_ref() == certificate.as_ref())
    }
}

/// True where no chain leads to a certificate that is valid in itself: `webpki` looks at its dates and
/// its purpose first.
fn lacks_only_a_chain(error: &Error) -> bool {
    use CertificateError as Bad;
    match error {
        Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => true,
        Error::InvalidCertificate(Bad::Other(other)) => is_authority(other),
        _ => false,
    }
}

/// True where all is well but that a certificate names no host.
fn has_no_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
            if presented.is_empty()
    )
}

/// True where the common name of a certificate is the server's name.
fn is_common_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> bool {
    // A type (id-at-commonName, 2.5.4.3), the tag of a text, its length, the text.
    const TYPE: [u8; 5] = [6, 3, 0x55, 4, 3];
    const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];
    let Ok(anchor) = webpki::anchor_from_trusted_cert(certificate) else {
        return false;
    };
    let subject = anchor.subject.as_ref();
    let found = subject
        .windows(TYPE.len())
        .position(|window| window == TYPE);
    let value = found.and_then(|at| subject.get(at + TYPE.len()..));
    let Some([tag, length, rest @ ..]) = value else {
        return false;
    };
    let name = rest.get(..usize::from(*length)).unwrap_or_default();
    TEXTS.contains(tag) && name.eq_ignore_ascii_case(server_name.to_str().as_bytes())
}

impl ServerCertVerifier for CaFile {
    /// As `curl --cacert`: a server may present a certificate of the file itself, whether it is an
    /// authority's or was signed by one that is not in the file. Where that has no other name its common
    /// name counts, as older tools make it.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_chain = self.by_chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let error = match by_chain {
            Err(error) if self.lists(end_entity) => error,
            verified => return verified,
        };
        let named = if lacks_only_a_chain(&error) {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            verify_server_name(&certificate, server_name)
        } else {
            Err(error)
        };
        match named {
            Err(error) if !has_no_name(&error) || !is_common_name(end_entity, server_name) => {
                Err(error)
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_chain
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_chain.supported_verify_schemes()
    }
}
