//! A vendor's server for tests: a world that answers requests and remembers what was done.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::SignedDuration;
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::config::{Auth, SecretRef, SourceSettings};
use crate::domain::{Deed, IncidentStatus, Order, SourceName, Target};
use crate::source::{Kind, fixture};

/// What an account holds, and how its API answers.
pub(in crate::source) trait World: Send + 'static {
    fn answer(&mut self, request: &Request) -> ResponseTemplate;
}

/// A running server and its world.
pub(in crate::source) struct StandIn<W> {
    pub(in crate::source) server: MockServer,
    world: Arc<Mutex<W>>,
}

/// A path, and what it answers once instead: a status, a body and headers.
pub(in crate::source) type Broken = (&'static str, u16, Value, Vec<(&'static str, &'static str)>);

/// A part of a path, how many requests go well before, and what is answered then.
pub(in crate::source) type Instead = (String, usize, ResponseTemplate);

struct Answers<W>(Arc<Mutex<W>>);

impl<W: World> Respond for Answers<W> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().answer(request)
    }
}

impl<W: World> StandIn<W> {
    pub(in crate::source) async fn of(world: W) -> Self {
        let world = Arc::new(Mutex::new(world));
        let server = MockServer::start().await;
        let answers = Answers(Arc::clone(&world));
        Mock::given(any())
            .respond_with(answers)
            .mount(&server)
            .await;
        Self { server, world }
    }

    pub(in crate::source) fn world(&self) -> MutexGuard<'_, W> {
        self.world.lock().unwrap()
    }

    /// Settings of a source of it, which waits so many milliseconds for an answer.
    pub(in crate::source) fn settings(
        &self,
        kind: &Kind,
        options: &str,
        auth: Auth,
        timeout: i64,
    ) -> SourceSettings {
        let mut settings = fixture::settings(kind, Some(&self.server.uri()), options);
        settings.http.auth = auth;
        settings.http.timeout = Some(SignedDuration::from_millis(timeout));
        settings
    }

    /// What was requested: method, path and query, decoded.
    pub(in crate::source) async fn asked(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        requests.iter().map(line).collect()
    }

    /// Only what changes something.
    pub(in crate::source) async fn changes(&self) -> Vec<(String, Value)> {
        let requests = self.server.received_requests().await.unwrap();
        let changes = requests
            .iter()
            .filter(|request| request.method.as_str() != "GET");
        let change = |request: &Request| (line(request), request.body_json().unwrap());
        changes.map(change).collect()
    }
}

/// A token that a command prints.
pub(in crate::source) fn token(text: &str) -> Auth {
    let print = ["echo", text].map(str::to_owned).to_vec();
    Auth::Token(SecretRef::Command(print))
}

/// An order to an incident, seen so.
pub(in crate::source) fn order(
    id: &str,
    name: &str,
    seen: Option<IncidentStatus>,
    deed: Deed,
) -> Order {
    Order {
        source: SourceName::new("trial"),
        target: Target {
            id: id.into(),
            name: name.into(),
            service: "checkout".into(),
            seen,
        },
        deed,
    }
}

/// The values of a query parameter.
pub(in crate::source) fn values(request: &Request, name: &str) -> Vec<String> {
    let pairs = request.url.query_pairs();
    let named = pairs.filter(|(key, _)| key == name);
    named.map(|(_, value)| value.into_owned()).collect()
}

/// Takes what a path answers once instead.
pub(in crate::source) fn broken(all: &mut Vec<Broken>, path: &str) -> Option<ResponseTemplate> {
    let at = all.iter().position(|(broken, ..)| *broken == path)?;
    let (_, status, body, headers) = all.remove(at);
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Some(headers.into_iter().fold(answer, |answer, (name, value)| {
        answer.insert_header(name, value)
    }))
}

/// What is answered instead, where `is_meant` is true of a part and enough requests went well.
pub(in crate::source) fn instead(
    all: &mut [Instead],
    is_meant: impl Fn(&str) -> bool,
) -> Option<ResponseTemplate> {
    for (part, wait, answer) in all {
        if is_meant(part) {
            if *wait == 0 {
                return Some(answer.clone());
            }
            *wait -= 1;
        }
    }
    None
}

fn line(request: &Request) -> String {
    let pairs = request.url.query_pairs();
    let query: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let (method, path) = (&request.method, request.url.path());
    format!("{method} {path}?{}", query.join("&"))
}
