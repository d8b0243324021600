//! Connections that cannot be made safe are refused, and the reason is named.
//!
//! The certificates in `fixtures` are signed by its `ca.pem`, for 127.0.0.1 (`loopback`), for another
//! name (`elsewhere`) and for one day of 2020 (`expired`). Their keys protect nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
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

/// A certificate that signs itself, and its key, in one file: made for `name`, as an authority's or
/// not, and valid until a year.
fn self_signed(folder: &Path, name: &str, is_ca: IsCa, until: i32) -> PathBuf {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "own");
    params.is_ca = is_ca;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let number = std::fs::read_dir(folder).unwrap().count();
    let path = folder.join(format!("{number}.pem"));
    let pem = certificate.pem() + &key.serialize_pem();
    std::fs::write(&path, pem).unwrap();
    path
}

#[tokio::test]
async fn a_certificate_of_the_file_itself_is_trusted_for_its_name_and_time_as_by_curl() {
    let folder = tempfile::tempdir().unwrap();
    let kinds: [fn() -> IsCa; 3] = [
        || IsCa::Ca(BasicConstraints::Unconstrained),
        || IsCa::ExplicitNoCa,
        || IsCa::NoCa,
    ];
    for kind in kinds {
        let own = |name, until| self_signed(folder.path(), name, kind(), until);
        let good = own("127.0.0.1", 2099);
        let trusting = |path: &Path| {
            let path = path.to_owned();
            move |http: &mut HttpSettings| http.ca_file = Some(path)
        };
        let url = serve(good.to_str().unwrap(), false);
        let answer = ask(&url, trusting(&good)).await.unwrap();
        assert_eq!(answer.body, b"{}", "{:?}", kind());

        // Beside others in one file as well.
        let bundle = folder.path().join("bundle");
        let texts = [fixture("ca.pem"), good.clone()].map(|path| std::fs::read(path).unwrap());
        std::fs::write(&bundle, texts.concat()).unwrap();
        let url = serve(good.to_str().unwrap(), false);
        assert!(ask(&url, trusting(&bundle)).await.is_ok(), "{:?}", kind());

        for (served, listed, want) in [
            (
                own("elsewhere.example", 2099),
                None,
                "is for another name; check `url`",
            ),
            (own("127.0.0.1", 2021), None, "has expired; renew it"),
            // One of the same name that is not the one in the file.
            (own("127.0.0.1", 2099), Some(&good), ""),
            (good.clone(), Some(&fixture("ca.pem")), ""),
        ] {
            let listed = listed.unwrap_or(&served);
            let url = serve(served.to_str().unwrap(), false);
            let words = refused(&url, trusting(listed)).await;
            assert!(words.ends_with(want), "{:?}: {words}", kind());
            assert!(!want.is_empty() || words.contains("`ca_file`"), "{words}");
        }
    }
}

#[tokio::test]
async fn of_a_certificate_of_the_file_that_has_no_other_name_the_common_name_counts() {
    let folder = tempfile::tempdir().unwrap();
    for (is_ca, name, is_trusted) in [
        (true, "127.0.0.1", true),
        (false, "127.0.0.1", true),
        (true, "elsewhere.example", false),
        (false, "127.0.0.10", false),
        (true, "", false),
    ] {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "127.0.0.1");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = if is_ca {
            IsCa::Ca(BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
        let path = folder.path().join("named.pem");
        std::fs::write(&path, pem).unwrap();
        let trusting = |http: &mut HttpSettings| http.ca_file = Some(path.clone());
        let url = serve(path.to_str().unwrap(), false);
        if is_trusted {
            assert!(ask(&url, trusting).await.is_ok(), "{name}, {is_ca}");
        } else {
            let words = refused(&url, trusting).await;
            assert!(words.contains("names no host"), "{name}: {words}");
        }
    }
}

/// A server that answers the first bytes of a handshake with these.
async fn answering(bytes: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        stream.write_all(bytes).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    url
}

#[tokio::test]
async fn a_server_of_old_tls_is_named() {
    let alert: &[u8] = &[0x15, 3, 1, 0, 2, 2, 70];
    // A ServerHello of TLS 1.0: version, random, no session, a cipher suite, no compression.
    let hello: &[u8] = &[
        0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0xc0, 0x13, 0,
    ];
    for bytes in [alert, hello] {
        let words = refused(&answering(bytes).await, |_| {}).await;
        assert!(words.contains("offers only TLS 1.0 or 1.1"), "{words}");
    }
    let name: &[u8] = &[0x15, 3, 3, 0, 2, 2, 112];
    let words = refused(&answering(name).await, |_| {}).await;
    assert!(words.contains("no host of that name (TLS)"), "{words}");
}
