//! One GET a minute while the wall works, so that a check from outside notices when it does not.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::{Msg, Notice};
use crate::config::{HeaderSetting, HttpSettings, SourceSettings, Table, WallSettings};
use crate::domain::{Fault, FaultKind, SourceName};
use crate::http::Http;
use crate::pane::fresh;

/// How often a heartbeat is sent.
const EVERY: Duration = Duration::from_mins(1);

/// Sends heartbeats; none without a URL.
#[derive(Debug)]
pub(in crate::run) struct Heartbeat {
    url: Option<HeaderSetting>,
    due: Instant,
    say: mpsc::Sender<Msg>,
}

impl Heartbeat {
    /// Those of these settings; the first one is due at once.
    pub(in crate::run) fn new(settings: &WallSettings, say: mpsc::Sender<Msg>) -> Self {
        Self {
            url: settings.heartbeat_url.clone(),
            due: Instant::now(),
            say,
        }
    }

    /// Goes on by changed settings; when the next one is due stays.
    pub(in crate::run) fn follow(&mut self, settings: &WallSettings) {
        self.url.clone_from(&settings.heartbeat_url);
    }

    /// Sends one when it is due. What goes wrong is shown, and the next one is sent all the same.
    pub(in crate::run) fn send_when_due(&mut self) {
        let Some(url) = self.url.clone().filter(|_| Instant::now() >= self.due) else {
            return;
        };
        self.due = Instant::now() + EVERY;
        let say = self.say.clone();
        tokio::spawn(async move {
            let fault = send(&url).await.err();
            let words =
                fault.map(|fault| format!("heartbeat not sent: {}", fresh::fault_words(&fault)));
            // Nobody shows it any more once the wall is gone.
            let _ = say.send(Msg::Notice(Notice::Heartbeat, words)).await;
        });
    }
}

async fn send(url: &HeaderSetting) -> Result<(), Fault> {
    let url = match url {
        HeaderSetting::Plain(url) => url.clone(),
        HeaderSetting::Secret(place) => place.resolve().await?.expose_secret().to_owned(),
    };
    let settings = SourceSettings {
        name: SourceName::new("heartbeat"),
        kind: "heartbeat".to_owned(),
        index: 0,
        interval: SignedDuration::from_mins(1),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: Some(url.clone()),
            ..HttpSettings::default()
        },
        folder: None,
        table: Table::new(),
    };
    let http = Http::new(&settings, None)
        .map_err(|problem| Fault::new(FaultKind::Decode, problem.message))?;
    http.get_url(&url)?.send().await.map(drop)
}
