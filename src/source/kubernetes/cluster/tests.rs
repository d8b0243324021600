//! What a kubeconfig promises is kept: who to be, how to get there, and what is said when it fails.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::{header, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const LIST: &str = "/apis/apps/v1/deployments";

/// A kubeconfig with the contexts `prod`, as this user, and `nowhere`, whose cluster is missing.
fn kubeconfig(folder: &TempDir, cluster: &str, user: &str) -> PathBuf {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n\
         clusters:\n- name: eu\n  cluster: {cluster}\n\
         users:\n- name: mara\n  user: {user}\n\
         contexts:\n- name: prod\n  context: {{cluster: eu, user: mara, namespace: shop}}\n\
         - name: nowhere\n  context: {{cluster: none, user: mara}}\n"
    );
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    path
}

fn cluster(path: &Path, context: &str) -> Cluster {
    let context = Some(context.to_owned()).filter(|context| !context.is_empty());
    Cluster::new(Some(path.to_owned()), context, Duration::from_secs(5))
}

async fn ask(cluster: &mut Cluster) -> Result<Answer, Fault> {
    cluster.page(LIST, 250, "").await
}

async fn serve(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let mock = Mock::given(path(LIST)).respond_with(answer);
    mock.mount(&server).await;
    server
}

/// A server that knows one token, and a folder for what leads to it.
async fn known(token: &str) -> (MockServer, TempDir) {
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .and(header("authorization", format!("Bearer {token}")))
        .and(query_param("limit", "250"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"items": []})))
        .mount(&server)
        .await;
    (server, tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_token_of_the_kubeconfig_goes_along() {
    let (server, folder) = known("s3cret").await;
    let to = format!("{{server: {:?}}}", server.uri());
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    for user in [
        "{token: s3cret}".to_owned(),
        format!("{{tokenFile: {file:?}}}"),
    ] {
        let path = kubeconfig(&folder, &to, &user);
        let mut cluster = cluster(&path, "prod");
        let answer = ask(&mut cluster).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, &b"{\"items\":[]}"[..])
        );
        assert!(cluster.skew().is_some());
    }
}

#[tokio::test]
async fn a_login_command_gives_the_token_and_may_not_ask_at_the_terminal() {
    let (server, folder) = known("of-the-command").await;
    let to = format!("{{server: {:?}}}", server.uri());
    // `cat` ends at once, since there is nothing to read for it.
    let script = "cat; echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"of-the-command\"}}'";
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", script], "interactiveMode": "Always"}});
    let path = kubeconfig(&folder, &to, &user.to_string());
    assert_eq!(ask(&mut cluster(&path, "prod")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_login_command_that_fails_is_told_without_what_it_printed() {
    let (server, folder) = known("x").await;
    let to = format!("{{server: {:?}}}", server.uri());
    for (command, script, words) in [
        (
            "sh",
            "echo hunter2; echo hunter2 >&2; exit 3",
            "login command failed (exit status: 3)",
        ),
        ("sh", "echo hunter2", "gave no usable credential"),
        ("/no/such/command", "hunter2", "cannot be run"),
    ] {
        let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": command, "args": ["-c", script], "interactiveMode": "Never"}});
        let path = kubeconfig(&folder, &to, &user.to_string());
        let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Secret);
        assert!(fault.message.raw().contains(words), "{fault:?}");
        assert!(!fault.message.raw().contains("hunter2"), "{fault:?}");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let good = "{server: \"http://127.0.0.1:9\"}";
    let user = "{token: hunter2}";
    for (to, user, context, words) in [
        (good, user, "staging", "has no context \"staging\""),
        (good, user, "", "has no cluster \"none\""),
        ("{}", user, "prod", "no usable `server`"),
        ("[hunter2]", user, "prod", "is not YAML"),
        (
            "{server: \"https://127.0.0.1:9\", certificate-authority-data: \"%%%\"}",
            user,
            "prod",
            "certificate authority is not base64",
        ),
        (
            "{server: \"https://127.0.0.1:9\", certificate-authority: /no/such/ca.pem}",
            user,
            "prod",
            "certificate authority cannot be read at /no/such/ca.pem",
        ),
        (
            good,
            "{tokenFile: /no/such/token}",
            "prod",
            "token file /no/such/token cannot be read",
        ),
    ] {
        let path = kubeconfig(&folder, to, user);
        let fault = ask(&mut cluster(&path, context)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Secret, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        assert!(!fault.message.raw().contains("hunter2"), "{fault:?}");
    }
    let fault = ask(&mut cluster(Path::new("/no/such/config"), ""))
        .await
        .unwrap_err();
    assert_eq!(
        fault.message.raw(),
        "the kubeconfig /no/such/config cannot be read: entity not found"
    );
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (status, kind, words) in [
        (
            401,
            FaultKind::Auth,
            "credential of context \"prod\" refused (401: no); log in",
        ),
        (403, FaultKind::Forbidden, "not allowed (403: no)"),
        (429, FaultKind::RateLimited, "raise `interval`"),
        (503, FaultKind::Server, "answered 503: no"),
        (
            302,
            FaultKind::Redirect,
            "is the kubeconfig's server the API server?",
        ),
        (422, FaultKind::Query, "question refused (422: no)"),
    ] {
        let body = json!({"kind": "Status", "message": "no", "code": status});
        let answer = ResponseTemplate::new(status).insert_header("retry-after", "7");
        let server = serve(answer.set_body_json(body)).await;
        let to = format!("{{server: {:?}}}", server.uri());
        let path = kubeconfig(&folder, &to, "{token: s3cret}");
        let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        let wait = matches!(status, 429 | 503).then(|| SignedDuration::from_secs(7));
        assert_eq!(fault.retry_after, wait);
        // It is asked once, whatever it answers.
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
    for status in [404, 410] {
        let server = serve(ResponseTemplate::new(status)).await;
        let to = format!("{{server: {:?}}}", server.uri());
        let path = kubeconfig(&folder, &to, "{}");
        assert_eq!(
            ask(&mut cluster(&path, "prod")).await.unwrap().status,
            status
        );
    }
}

#[tokio::test]
async fn a_token_that_was_renewed_is_read_after_a_refusal() {
    let (server, folder) = known("new").await;
    Mock::given(path(LIST))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&server)
        .await;
    let to = format!("{{server: {:?}}}", server.uri());
    let path = kubeconfig(&folder, &to, "{token: old}");
    let mut cluster = cluster(&path, "prod");
    assert_eq!(ask(&mut cluster).await.unwrap_err().kind, FaultKind::Auth);
    kubeconfig(&folder, &to, "{token: new}");
    assert_eq!(ask(&mut cluster).await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_there_too_late_and_too_much_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let path = kubeconfig(
        &folder,
        &format!("{{server: \"http://127.0.0.1:{port}\"}}"),
        "{}",
    );
    let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Connect);
    assert!(
        fault.message.raw().starts_with("connection refused"),
        "{fault:?}"
    );

    let server = serve(ResponseTemplate::new(200).set_delay(Duration::from_mins(1))).await;
    let path = kubeconfig(&folder, &format!("{{server: {:?}}}", server.uri()), "{}");
    let mut hasty = Cluster::new(
        Some(path),
        Some("prod".to_owned()),
        Duration::from_millis(50),
    );
    let fault = ask(&mut hasty).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout, "{fault:?}");

    let vast = ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_BODY + 1]);
    let server = serve(vast).await;
    let path = kubeconfig(&folder, &format!("{{server: {:?}}}", server.uri()), "{}");
    let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge, "{fault:?}");
}

/// An authority, and a certificate with its key that it has signed for `name`, as PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// An API server that speaks to those alone whom this authority knows.
    async fn serve(&self) -> u16 {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let (certificate, key) = self.issue("127.0.0.1");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"items\":[]}";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }
}

#[tokio::test]
async fn a_client_certificate_of_the_kubeconfig_is_shown_and_the_server_has_to_be_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let port = ours.serve().await;
    let data = |pem: String| STANDARD.encode(pem);
    let to = |authority: &Authority| {
        let pem = data(authority.0.pem());
        format!("{{server: \"https://127.0.0.1:{port}\", certificate-authority-data: {pem}}}")
    };
    let user = |authority: &Authority| {
        let (certificate, key) = authority.issue("mara");
        let (certificate, key) = (data(certificate.pem()), data(key.serialize_pem()));
        format!("{{client-certificate-data: {certificate}, client-key-data: {key}}}")
    };
    let path = kubeconfig(&folder, &to(&ours), &user(&ours));
    assert_eq!(ask(&mut cluster(&path, "prod")).await.unwrap().status, 200);

    let path = kubeconfig(&folder, &to(&theirs), &user(&ours));
    let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Tls, "{fault:?}");
    assert!(
        fault
            .message
            .raw()
            .contains("authority that the kubeconfig does not name"),
        "{fault:?}"
    );

    for user in [user(&theirs), "{}".to_owned()] {
        let path = kubeconfig(&folder, &to(&ours), &user);
        let fault = ask(&mut cluster(&path, "prod")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Tls, "{fault:?}");
        assert!(
            fault.message.raw().contains("client certificate"),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_credential_that_a_server_repeats_is_in_no_message_and_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "CANARY-5f3a9c71e2\n").unwrap();
    let script = "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"CANARY-5f3a9c71e2\"}}'";
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", script], "interactiveMode": "Never"}});
    for user in [
        "{token: CANARY-5f3a9c71e2}".to_owned(),
        format!("{{tokenFile: {file:?}}}"),
        "{username: mara, password: CANARY-5f3a9c71e2}".to_owned(),
        exec.to_string(),
    ] {
        for status in [200, 401, 403, 500] {
            let repeated = "Bearer CANARY-5f3a9c71e2";
            let body = json!({"message": format!("not {repeated}"), "items": []});
            let server = serve(ResponseTemplate::new(status).set_body_json(body)).await;
            let to = format!("{{server: {:?}}}", server.uri());
            let path = kubeconfig(&folder, &to, &user);
            let mut cluster = cluster(&path, "prod");
            let told = match ask(&mut cluster).await {
                Ok(answer) if user.contains("exec") => format!("{} rows", answer.body.len()),
                Ok(answer) => String::from_utf8(answer.body).unwrap(),
                Err(fault) => fault.message.raw().to_owned(),
            };
            assert!(!told.contains("5f3a"), "{status} {user}: {told}");
        }
    }
}
