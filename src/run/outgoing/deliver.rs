//! Delivery of messages to one target: joined, at a limited rate, with a limited number of attempts.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::changes::Change;
use super::message;
use crate::app::Msg;
use crate::config::{
    Auth, HeaderSetting, HttpSettings, NotifyKind, NotifyTarget, SourceSettings, Table,
};
use crate::domain::{Fault, FaultKind, SourceName};
use crate::http::{Http, Method};
use crate::text::Untrusted;

/// The most requests to one target within [`WITHIN`].
pub(super) const MAX_MESSAGES: usize = 30;
/// See [`MAX_MESSAGES`].
pub(super) const WITHIN: Duration = Duration::from_mins(10);
/// The longest wait that a target may ask for.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// How long a delivery waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// For more changes of the same moment.
    pub(super) gather: Duration,
    /// Before each repetition; so many are made.
    pub(super) retries: [Duration; 3],
}

const PACE: Pace = Pace {
    gather: Duration::from_secs(1),
    retries: [
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(25),
    ],
};

/// Delivers what comes until nothing can come any more.
pub(super) async fn all(
    target: (usize, NotifyTarget),
    inbox: mpsc::Receiver<Change>,
    say: mpsc::Sender<Msg>,
) {
    at_pace(PACE, target, inbox, say).await;
}

pub(super) async fn at_pace(
    pace: Pace,
    (index, target): (usize, NotifyTarget),
    mut inbox: mpsc::Receiver<Change>,
    say: mpsc::Sender<Msg>,
) {
    let mut delivery = Delivery {
        pace,
        target,
        sent: VecDeque::new(),
        burns: HashMap::new(),
    };
    while let Some(first) = inbox.recv().await {
        sleep(pace.gather).await;
        delivery.wait_for_room().await;
        let mut changes = vec![first];
        while let Ok(more) = inbox.try_recv() {
            changes.push(more);
        }
        if let Err(fault) = delivery.deliver(&changes).await {
            let words = format!("notify[{index}] not sent: {}", why(&fault));
            // Nobody shows it any more once the screen is gone.
            let _ = say.send(Msg::Remark(words)).await;
        }
    }
}

/// Why a message was not sent. The text of an answer may repeat an address that is a secret, so the kind of
/// the fault stands for it.
fn why(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Secret => fault.message.shown().to_string(),
        FaultKind::Decode => "its url cannot be used".to_owned(),
        kind => format!("{}; check the target and its url", kind.word()),
    }
}

struct Delivery {
    pace: Pace,
    target: NotifyTarget,
    /// When the last requests were made.
    sent: VecDeque<Instant>,
    /// Annotations of burns that are not over, by SLO.
    burns: HashMap<(SourceName, Untrusted), u64>,
}

/// The answer of Grafana to a new annotation.
#[derive(Deserialize)]
struct Created {
    id: u64,
}

impl Delivery {
    /// Waits until another request is allowed.
    async fn wait_for_room(&mut self) {
        while self.sent.front().is_some_and(|at| at.elapsed() >= WITHIN) {
            self.sent.pop_front();
        }
        if self.sent.len() >= MAX_MESSAGES
            && let Some(oldest) = self.sent.pop_front()
        {
            sleep_until(oldest + WITHIN).await;
        }
    }

    async fn deliver(&mut self, changes: &[Change]) -> Result<(), Fault> {
        match self.target.kind {
            NotifyKind::Webhook => {
                let body = message::webhook(&self.target.template, changes);
                self.send(Method::POST, "", &body).await.map(drop)
            }
            NotifyKind::Grafana => {
                for change in changes {
                    self.wait_for_room().await;
                    self.annotate(change).await?;
                }
                Ok(())
            }
        }
    }

    /// Marks a change in Grafana. The end of a burn makes a region of its mark.
    async fn annotate(&mut self, change: &Change) -> Result<(), Fault> {
        let burning = match change {
            Change::Slo(slo) => Some(((slo.source.clone(), slo.id.clone()), slo)),
            Change::Release { .. } => None,
        };
        let is_end = |state| !message::burns(state);
        if let Some((key, slo)) = burning.as_ref().filter(|(_, slo)| is_end(slo.state))
            && let Some(id) = self.burns.remove(key)
        {
            let path = format!("api/annotations/{id}");
            let body = json!({ "timeEnd": slo.at.as_millisecond() });
            return self.send(Method::PATCH, &path, &body).await.map(drop);
        }
        let body = message::annotation(change);
        let answer = self.send(Method::POST, "api/annotations", &body).await?;
        if let Some((key, slo)) = burning
            && message::burns(slo.state)
            && let Ok(created) = serde_json::from_slice::<Created>(&answer)
        {
            self.burns.entry(key).or_insert(created.id);
        }
        Ok(())
    }

    /// Sends a request, and again where the fault may pass.
    async fn send(&mut self, method: Method, path: &str, body: &Value) -> Result<Vec<u8>, Fault> {
        let mut waits = self.pace.retries.into_iter();
        loop {
            self.sent.push_back(Instant::now());
            let fault = match once(&self.target, method.clone(), path, body).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let Some(wait) = waits.next().filter(|_| may_pass(fault.kind)) else {
                return Err(fault);
            };
            let asked = fault
                .retry_after
                .and_then(|wait| Duration::try_from(wait).ok());
            sleep(wait.max(asked.unwrap_or_default()).min(MAX_WAIT)).await;
        }
    }
}

/// True for faults after which another attempt may succeed. A message that may have arrived is sent again:
/// twice is better than never.
fn may_pass(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Timeout
            | FaultKind::Connect
            | FaultKind::RateLimited
            | FaultKind::Server
            | FaultKind::Unsure
    )
}

async fn once(
    target: &NotifyTarget,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Vec<u8>, Fault> {
    let url = match &target.url {
        HeaderSetting::Plain(url) => url.clone(),
        HeaderSetting::Secret(place) => place.resolve().await?.expose_secret().to_owned(),
    };
    let token = target.token.clone();
    let settings = SourceSettings {
        name: SourceName::new("notify"),
        kind: "notify".to_owned(),
        index: 0,
        interval: SignedDuration::from_mins(1),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: Some(url),
            auth: token.map_or(Auth::None, Auth::Bearer),
            is_guarded: true,
            ..HttpSettings::default()
        },
        folder: None,
        table: Table::new(),
    };
    let http = Http::new(&settings, None)
        .map_err(|problem| Fault::new(FaultKind::Decode, format!("url {}", problem.message)))?;
    let answer = http.ask(method, path).json(body).send().await?;
    Ok(answer.body)
}
