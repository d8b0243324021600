//! Connections that cannot be made safe are refused, and the reason is named.
//!
//! The certificates in `fixtures` are signed by its `ca.pem`, for 127.0.0.1 (`loopback`), for another
//! name (`elsewhere`) and for one day of 2020 (`expired`). Their keys protect nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::domain::{Fault, FaultKind};
use crate::http::Answer;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/http/fixtures")
        .join(name)
}

/// Serves one connection with a certificate; `picky` asks for one in turn. Returns the URL.
fn serve(certificate: &str, picky: bool) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if picky {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(fixture("ca.pem")).unwrap())
            .unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let pem = fixture(certificate);
    let config = builder
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&pem).unwrap()],
            PrivateKeyDer::from_pem_file(&pem).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        // A refused handshake ends here.
        if stream.read(&mut [0; 4096]).is_ok() {
            let _ = stream.write_all(&answer(200, &[], "{}"));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    format!("https://{address}")
}

async fn ask(url: &str, change: impl FnOnce(&mut HttpSettings)) -> Result<Answer, Fault> {
    let mut settings = settings(url);
    settings.http.ca_file = Some(fixture("ca.pem"));
    change(&mut settings.http);
    Http::new(&settings, None).unwrap().get("").send().await
}

async fn refused(url: &str, change: impl FnOnce(&mut HttpSettings)) -> String {
    let fault = ask(url, change).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Tls, "{fault:?}");
    fault.message.raw().to_owned()
}

#[tokio::test]
async fn an_own_authority_is_trusted_instead_of_the_systems() {
    let answer = ask(&serve("loopback.pem", false), |_| {}).await.unwrap();
    assert_eq!(answer.body, b"{}");
    let words = refused(&serve("loopback.pem", false), |http| http.ca_file = None).await;
    assert!(words.contains("not trusted; set `ca_file`"), "{words}");
}

#[tokio::test]
async fn a_bad_certificate_is_refused_by_name() {
    let words = refused(&serve("expired.pem", false), |_| {}).await;
    assert!(words.ends_with("has expired; renew it"), "{words}");
    let words = refused(&serve("elsewhere.pem", false), |_| {}).await;
    assert!(
        words.ends_with("is for another name; check `url`"),
        "{words}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let speaking = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&answer(400, &[], "")).await.unwrap();
        let _ = stream.read_u8().await;
    });
    let words = refused(&url, |_| {}).await;
    assert!(
        words.ends_with("is `url` meant to begin with http://?"),
        "{words}"
    );
    speaking.await.unwrap();
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_those_who_ask() {
    let folder = tempfile::tempdir().unwrap();
    let pem = std::fs::read_to_string(fixture("loopback.pem")).unwrap();
    let SecretRef::File(mine) = secret_file(folder.path(), &pem) else {
        unreachable!("it is a file");
    };
    let answer = ask(&serve("loopback.pem", true), |http| {
        http.client_cert = Some(mine.clone());
    })
    .await
    .unwrap();
    assert_eq!(answer.status, 200);

    std::fs::set_permissions(&mine, std::fs::Permissions::from_mode(0o644)).unwrap();
    let fault = ask(&serve("loopback.pem", true), |http| {
        http.client_cert = Some(mine);
    })
    .await
    .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Secret);
    assert!(fault.message.raw().contains("chmod 600"));

    let words = refused(&serve("loopback.pem", true), |_| {}).await;
    assert!(words.ends_with("does it want a `client_cert`?"), "{words}");
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_named() {
    let words = refused("https://127.0.0.1:1", |http| {
        http.ca_file = Some(fixture("zeros-1MiB.gz"));
    })
    .await;
    assert!(
        words.ends_with("holds no certificate; it must be PEM"),
        "{words}"
    );
}
