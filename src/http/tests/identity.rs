//! Settings that are refused, credentials that are sent, and secrets that are never told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::config::{Auth, HeaderSetting, Step};
use crate::domain::FaultKind;

const CANARY: &str = "CANARY-5f3a";

#[test]
fn a_wrong_setting_is_a_problem_at_its_place() {
    type Change = fn(&mut HttpSettings);
    let cases: [(&str, Change); 12] = [
        ("url", |http| http.url = None),
        ("url", |http| http.url = Some("prom.example:9090".into())),
        ("url", |http| http.url = Some("ftp://prom.example".into())),
        ("url", |http| http.url = Some("nonsense".into())),
        ("url", |http| {
            http.url = Some("http://a:CANARY-5f3a@prom.example".into());
        }),
        ("timeout", |http| http.timeout = Some(SignedDuration::ZERO)),
        ("timeout", |http| {
            http.timeout = Some(SignedDuration::from_secs(-1));
        }),
        ("ca_file", |http| {
            http.ca_file = Some("/no/such/ca.pem".into());
        }),
        ("client_cert", |http| {
            http.client_cert = Some("/no/such/me.pem".into());
        }),
        ("proxy", |http| {
            http.proxy = Some("socks5://proxy.example".into());
        }),
        ("proxy", |http| http.proxy = Some("proxy.example".into())),
        ("basic", |http| {
            http.auth = Auth::Basic {
                username: "a:b".into(),
                password: SecretRef::Env("A".into()),
            };
        }),
    ];
    for (key, change) in cases {
        let mut settings = settings("https://prom.example");
        change(&mut settings.http);
        let problem = Http::new(&settings, None).unwrap_err();
        let place = [
            Step::Key("source".into()),
            Step::Index(2),
            Step::Key(key.into()),
        ];
        assert_eq!(problem.path, place, "{}", problem.message);
        assert!(!problem.message.contains(CANARY));
    }
    for (name, value) in [
        ("a b", "x"),
        ("Content-Length", "1"),
        ("X-Ok", "a\nb"),
        ("Authorization", "x"),
    ] {
        let mut settings = settings("https://prom.example");
        settings.http.auth = Auth::Bearer(SecretRef::Env("A".into()));
        let header = HeaderSetting::Plain(value.into());
        settings.http.headers = BTreeMap::from([(name.to_owned(), header)]);
        let problem = Http::new(&settings, None).unwrap_err();
        assert_eq!(
            problem.path[2..],
            [Step::Key("headers".into()), Step::Key(name.into())]
        );
    }
}

#[test]
fn a_vendor_has_a_default_url() {
    let mut settings = settings("");
    settings.http.url = None;
    let http = Http::new(&settings, Some("https://api.vendor.example")).unwrap();
    assert_eq!(format!("{http:?}"), "Http(https://api.vendor.example)");
}

#[tokio::test]
async fn every_way_of_proving_who_we_are_reaches_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "s3cret\n");
    let basic = Auth::Basic {
        username: "mara".into(),
        password: secret.clone(),
    };
    for (auth, prefix, line) in [
        (
            Auth::Bearer(secret.clone()),
            "",
            "authorization: Bearer s3cret\r\n",
        ),
        (
            Auth::Token(secret.clone()),
            "",
            "authorization: Bearer s3cret\r\n",
        ),
        (
            Auth::Token(secret.clone()),
            "Token token=",
            "x-key: Token token=s3cret\r\n",
        ),
        (basic, "", "authorization: Basic bWFyYTpzM2NyZXQ=\r\n"),
    ] {
        let server = Server::saying(answer(200, &[], "{}")).await;
        let mut settings = settings(&server.url);
        settings.http.auth = auth;
        settings.http.headers = BTreeMap::from([
            (
                "X-Scope-OrgID".to_owned(),
                HeaderSetting::Plain("acme".into()),
            ),
            (
                "X-Api-Key".to_owned(),
                HeaderSetting::Secret(secret.clone()),
            ),
        ]);
        let mut http = Http::new(&settings, None).unwrap();
        if !prefix.is_empty() {
            http = http.token_header("X-Key", prefix);
        }
        http.get("").send().await.unwrap();
        let request = &server.seen()[0];
        for line in [line, "x-scope-orgid: acme\r\n", "x-api-key: s3cret\r\n"] {
            assert!(request.contains(line), "{line} in {request}");
        }
    }
}

#[tokio::test]
async fn another_endpoint_of_a_source_gets_the_same_credential_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "s3cret\n");
    let first = Server::saying(answer(200, &[], "{}")).await;
    let second = Server::saying(answer(200, &[], "{}")).await;
    let mut settings = settings(&first.url);
    settings.http.auth = Auth::Bearer(secret);
    let http = Http::new(&settings, None).unwrap();
    let beside = http.beside(&settings, &second.url).unwrap();
    http.get("").send().await.unwrap();
    // Nobody can read it any more.
    drop(folder);
    beside.get("").send().await.unwrap();
    for server in [first, second] {
        assert!(server.seen()[0].contains("authorization: Bearer s3cret\r\n"));
    }
    let problem = http
        .beside(&settings, "http://a:CANARY-5f3a@b/")
        .unwrap_err();
    assert!(!problem.message.contains(CANARY), "{}", problem.message);
}

#[tokio::test]
async fn a_renewed_secret_is_read_after_a_401_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let valid = Arc::new(Mutex::new("old"));
    let checked = Arc::clone(&valid);
    let server = Server::start(move |request| {
        let wanted = format!("authorization: Bearer {}\r\n", checked.lock().unwrap());
        Reply::Bytes(if request.contains(&wanted) {
            answer(200, &[], "{}")
        } else {
            answer(401, &[], "{}")
        })
    })
    .await;
    let mut settings = settings(&server.url);
    settings.http.auth = Auth::Bearer(secret_file(folder.path(), "old"));
    let http = Http::new(&settings, None).unwrap();
    http.get("").send().await.unwrap();

    secret_file(folder.path(), "new");
    http.get("").send().await.unwrap();
    assert_eq!(server.seen().len(), 2, "a good secret is not read again");

    *valid.lock().unwrap() = "new";
    http.get("").send().await.unwrap();
    assert_eq!(server.seen().len(), 4);

    *valid.lock().unwrap() = "newest";
    let fault = http.get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Auth);
    assert_eq!(
        fault.message.raw(),
        "credential refused (401); check `bearer_token`"
    );
    assert_eq!(server.seen().len(), 5, "the same secret is not sent twice");
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_or_sent_is_a_fault_and_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::saying(answer(200, &[], "{}")).await;
    for secret in [
        SecretRef::Env("WATCHFIRE_TEST_UNSET".into()),
        secret_file(folder.path(), "CANARY-5f3a\u{7}é"),
    ] {
        let mut settings = settings(&server.url);
        settings.http.auth = Auth::Bearer(secret);
        let http = Http::new(&settings, None).unwrap();
        let fault = http.get("").send().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Secret);
        assert!(!fault.message.raw().contains(CANARY));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn no_secret_is_ever_told_even_when_the_server_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), CANARY);
    let encoded = "bWFyYTpDQU5BUlktNWYzYQ";
    let echo = format!("{{\"error\":\"{} {CANARY} {encoded}==\"}}", "a".repeat(140));
    let location = format!("Location: /{CANARY}/{encoded}==?q={CANARY}");
    let json = "Content-Type: application/json";
    let replies = [
        Reply::Bytes(answer(400, &[json], &echo)),
        Reply::Bytes(answer(401, &[json], &echo)),
        Reply::Bytes(answer(403, &[json], &echo)),
        Reply::Bytes(answer(500, &["Content-Type: text/plain"], &echo)),
        Reply::Bytes(answer(302, &[&location], "")),
        Reply::Bytes(answer(200, &[json], &echo)),
        Reply::Reset,
        Reply::Hang,
    ];
    let auths = [
        Auth::Bearer(secret.clone()),
        Auth::Token(secret.clone()),
        Auth::Basic {
            username: "mara".into(),
            password: secret,
        },
    ];
    for (reply, auth) in replies
        .iter()
        .flat_map(|reply| auths.iter().map(move |auth| (reply.clone(), auth.clone())))
    {
        let server = Server::start(move |_| reply.clone()).await;
        let mut settings = settings(&format!("{}/?key={CANARY}", server.url));
        let basic = matches!(auth, Auth::Basic { .. });
        settings.http.auth = auth;
        settings.http.timeout = Some(SignedDuration::from_millis(300));
        let http = Http::new(&settings, None).unwrap();
        let request = http.get("/x").query("q", CANARY);
        let mut told = format!("{http:?} {request:?}");
        let fault = match request.send().await {
            Err(fault) => fault,
            Ok(answer) => {
                write!(told, "{answer:?}").unwrap();
                answer.json::<Vec<u8>>().unwrap_err()
            }
        };
        write!(told, "{} {fault:?}", fault.message.raw()).unwrap();
        let seen = server.seen().concat();
        assert!(
            seen.contains(if basic { encoded } else { CANARY }),
            "the server knows it"
        );
        assert!(!seen.to_lowercase().contains("referer"));
        assert!(!told.contains("5f3a"), "{told}");
        assert!(!basic || !told.contains(encoded), "{told}");
    }
}

#[tokio::test]
async fn a_proxy_of_the_settings_is_used_and_named() {
    let proxy = Server::saying(answer(407, &[], "")).await;
    let mut settings = settings("http://prom.example/api");
    settings.http.proxy = Some(proxy.url.clone());
    let http = Http::new(&settings, None).unwrap();
    let fault = http.get("x").send().await.unwrap_err();
    let name = format!(
        "the proxy {} (`proxy`)",
        proxy.url.trim_start_matches("http://")
    );
    assert_eq!(
        fault.message.raw(),
        format!("{name} wants a user and password (407); write them as http://USER:PASSWORD@HOST")
    );
    let request = &proxy.seen()[0];
    assert!(request.starts_with("GET http://prom.example/api/x HTTP/1.1\r\n"));
    assert!(request.contains("accept-encoding: gzip"));
}

#[tokio::test]
async fn a_proxy_that_lets_nothing_through_is_named_with_its_address() {
    let asked = |proxy: &str, user: &str| {
        let mut settings = settings("https://prom.example/api");
        settings.http.proxy = Some(proxy.replace("//", &format!("//{user}")));
        async move {
            Http::new(&settings, None)
                .unwrap()
                .get("x")
                .send()
                .await
                .unwrap_err()
        }
    };
    for (status, user, kind, words) in [
        (407, "", FaultKind::Auth, "wants a user and password (407)"),
        (
            407,
            "mara:pw@",
            FaultKind::Auth,
            "refused the user or password (407)",
        ),
        (
            403,
            "",
            FaultKind::Connect,
            "refused to connect to prom.example:443",
        ),
        (
            502,
            "",
            FaultKind::Connect,
            "refused to connect to prom.example:443",
        ),
    ] {
        // Words of its own decide nothing.
        let proxy = Server::saying(answer(status, &[], "proxy authentication required")).await;
        let fault = asked(&proxy.url, user).await;
        let name = format!(
            "the proxy {} (`proxy`)",
            proxy.url.trim_start_matches("http://")
        );
        let said = fault.message.raw();
        assert!(
            said.contains(&name) && said.contains(words),
            "{status}: {said}"
        );
        assert!(!said.contains("pw@"), "{said}");
        assert_eq!(fault.kind, kind, "{status}");
        assert!(proxy.seen()[0].starts_with("CONNECT prom.example:443"));
    }
    // One that is down is not the endpoint that is.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let fault = asked(&url, "").await;
    let want = format!("refused at the proxy {} (`proxy`)", &url["http://".len()..]);
    assert!(
        fault.message.raw().contains(&want),
        "{}",
        fault.message.raw()
    );
}

#[tokio::test]
async fn a_server_that_asks_for_the_password_of_no_proxy_is_not_called_one() {
    let server = Server::saying(answer(407, &[], "")).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    let words = fault.message.raw();
    assert!(words.contains("(407), and none is configured"), "{words}");
}
