//! Requests that change something: sent once, whatever comes back.

use super::*;
use crate::config::Auth;
use crate::domain::FaultKind;
use crate::http::Method;

#[tokio::test]
async fn after_a_401_only_a_question_is_sent_again_and_a_change_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        let renewed = request.contains("authorization: Bearer new\r\n");
        Reply::Bytes(answer(if renewed { 200 } else { 401 }, &[], "{}"))
    })
    .await;
    let mut settings = settings(&server.url);
    for asks in [false, true] {
        settings.http.auth = Auth::Bearer(secret_file(folder.path(), "old"));
        let http = Http::new(&settings, None).unwrap();
        http.get("").send().await.unwrap_err();
        secret_file(folder.path(), "new");
        let before = server.seen().len();
        let request = http.ask(Method::POST, "x").json(&[1]);
        if asks {
            request.only_asks().send().await.unwrap();
            assert_eq!(server.seen().len() - before, 2);
        } else {
            let fault = request.send().await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Auth);
            assert_eq!(server.seen().len() - before, 1, "a change is sent once");
            let later = http.get("").send().await;
            assert!(later.is_ok(), "the next request has the renewed secret");
        }
    }
}

#[tokio::test]
async fn a_change_that_breaks_off_after_it_was_sent_is_unsure_and_one_never_sent_is_not() {
    let mut cut = answer(200, &[], "{}");
    cut.pop();
    for (reply, change, question) in [
        (Reply::Hang, FaultKind::Unsure, FaultKind::Timeout),
        (Reply::Reset, FaultKind::Unsure, FaultKind::Connect),
        (Reply::Bytes(cut), FaultKind::Unsure, FaultKind::Connect),
        (
            Reply::Bytes(answer(502, &[], "")),
            FaultKind::Unsure,
            FaultKind::Server,
        ),
        (
            Reply::Bytes(answer(504, &[], "")),
            FaultKind::Unsure,
            FaultKind::Server,
        ),
        (
            Reply::Bytes(answer(503, &[], "")),
            FaultKind::Server,
            FaultKind::Server,
        ),
        (
            Reply::Bytes(answer(400, &[], "")),
            FaultKind::Query,
            FaultKind::Query,
        ),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let http = hasty(&server, 300);
        let fault = http.ask(Method::POST, "x").send().await.unwrap_err();
        assert_eq!(fault.kind, change, "{fault:?}");
        assert_eq!(server.seen().len(), 1, "{fault:?}");
        let request = http.ask(Method::POST, "x").only_asks();
        let fault = request.send().await.unwrap_err();
        assert_eq!(fault.kind, question, "{fault:?}");
    }
    let gone = Server::saying("").await;
    let url = gone.url.clone();
    drop(gone);
    let http = Http::new(&settings(&url), None).unwrap();
    let unsent = async {
        loop {
            let fault = http.ask(Method::DELETE, "x").send().await.unwrap_err();
            if fault.kind == FaultKind::Connect {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), unsent)
        .await
        .expect("a port that nobody listens on refuses");
}
