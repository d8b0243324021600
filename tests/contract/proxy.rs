//! The proxy that every exchange passes on its way, and what it saw.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::description::Description;
use crate::exchange::{Exchange, Message};

/// The longest request and answer that pass.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// What concerns one connection only, and what is counted anew.
const HOP_BY_HOP: [&str; 5] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
];

/// A stand-in whose every exchange is held to a description.
pub(crate) struct Checked {
    /// Where it is asked.
    pub(crate) url: String,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

/// What passed.
#[derive(Default)]
struct Log {
    operations: Vec<String>,
    violations: Vec<String>,
}

/// What the proxy needs to know.
struct Gate {
    description: Description,
    client: Client,
    stand_in: String,
    url: String,
    log: Arc<Mutex<Log>>,
}

impl Checked {
    /// Stands before a server at `stand_in`, `http://host:port`.
    pub(crate) async fn start(description: Description, stand_in: &str) -> Self {
        // Another test may have been faster: that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::default();
        let gate = Gate {
            description,
            client: Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .no_gzip()
                .build()
                .unwrap(),
            stand_in: stand_in.trim_end_matches('/').to_owned(),
            url: url.clone(),
            log: Arc::clone(&log),
        };
        let router = Router::new().fallback(pass).with_state(Arc::new(gate));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { url, log, task }
    }

    /// The operations that were asked for, in their order.
    ///
    /// # Panics
    /// When an exchange was against the description.
    pub(crate) fn kept(&self) -> Vec<String> {
        let violations = self.violations();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        self.log.lock().unwrap().operations.clone()
    }

    /// What was against the description.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.log.lock().unwrap().violations.clone()
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes one exchange on and notes what is wrong with it.
async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap();
    let url = gate.target(&head.uri);
    let mut headers = head.headers.clone();
    // Answers are read here.
    headers.insert("accept-encoding", HeaderValue::from_static("identity"));
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    let sent = gate.client.request(head.method.clone(), url.clone());
    let answer = match sent.headers(headers).body(body.clone()).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let words = format!(
                "{} {}: the stand-in fails: {error}",
                head.method,
                url.path()
            );
            gate.log.lock().unwrap().violations.push(words);
            return StatusCode::BAD_GATEWAY.into_response();
        }
    };
    let exchange = Exchange {
        method: head.method,
        url,
        request: Message {
            headers: head.headers,
            body: body.into(),
        },
        status: answer.status(),
        answer: Message {
            headers: answer.headers().clone(),
            body: whole(answer).await.into(),
        },
    };
    let (operation, violations) = gate.description.check(&exchange);
    {
        let mut log = gate.log.lock().unwrap();
        log.operations.push(operation);
        log.violations.extend(violations);
    }
    gate.give_back(&exchange)
}

async fn whole(answer: reqwest::Response) -> Bytes {
    answer.bytes().await.unwrap_or_default()
}

impl Gate {
    /// The same path and query at the stand-in.
    fn target(&self, uri: &Uri) -> Url {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Url::parse(&format!("{}{path}", self.stand_in)).unwrap()
    }

    /// The answer as it came, save that links to the stand-in lead here.
    fn give_back(&self, exchange: &Exchange) -> Response {
        let mut response = Response::new(Body::from(self.with_our_address(&exchange.answer.body)));
        *response.status_mut() = exchange.status;
        let mut headers = HeaderMap::new();
        for (name, value) in &exchange.answer.headers {
            if !HOP_BY_HOP.contains(&name.as_str()) {
                let value = self.with_our_address(value.as_bytes());
                headers.append(
                    HeaderName::clone(name),
                    HeaderValue::from_bytes(&value).unwrap(),
                );
            }
        }
        *response.headers_mut() = headers;
        response
    }

    fn with_our_address(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.replace(&self.stand_in, &self.url).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    }
}
