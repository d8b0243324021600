//! `watchfire demo`: a small world inside the program, served over real HTTP on loopback.
//!
//! Nothing of it takes a short cut: the world answers as Prometheus, Alertmanager and a home-grown
//! deploy service do, and the same sources poll it as in production, by a configuration that any
//! user could have written ([`config_text`]).
//!
//! ```text
//!   cast (who, what goes wrong) ─► world (counters, burn, alarms at any moment) ─► series, rules
//!                                          │                                          │
//!                        deploys, alertmanager (JSON) ◄────┘        promql ─► prometheus (JSON)
//!                                          └──────────────► server ◄──────────────────┘
//! ```
//!
//! # The story, in seconds after the start
//!
//! | at | what |
//! |---|---|
//! | before | `search` burns slowly since its release 2.5 days ago: a ticket. `payments` lost half its budget 12 days ago. `loyalty` has no traffic, `mail` never failed, an alert of `mail` is silenced |
//! | 20 | a release of `checkout` begins; at 30 it has arrived, and requests begin to fail |
//! | 43 | a symptom alert fires: more than 5 % of five minutes' requests failed |
//! | 62 | the page rule fires, by the true arithmetic: more than 1.44 % of the last hour's requests failed. The symptom is inhibited from now on |
//! | 150 | the release is rolled back; from 155 nothing fails |
//! | 455 | the last failure leaves the 5m window: the page ends, the burn is recovering; after an hour it is calm |
//!
//! `--speed N` divides the waits of the script, 20 to 155, by N, and squeezes the failing requests
//! into that time: N times as many come. The windows of the rules are real time and stay so, thus
//! the recovery still takes five minutes from the rollback at any speed.

mod alertmanager;
mod cast;
mod deploys;
mod prometheus;
mod promql;
mod rules;
mod series;
mod server;
mod silences;
mod story;
#[cfg(test)]
mod tests;
mod world;

pub use story::chapters;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

/// How many times faster than written the script runs: 1 to 60.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

/// Not a speed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no speed; give a number from 1 (as written) to 60")]
pub struct NotASpeed(String);

/// The ports of the demo's servers, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Of the Prometheus.
    pub prometheus: u16,
    /// Of the Alertmanager.
    pub alertmanager: u16,
    /// Of the deploy service.
    pub deploys: u16,
}

/// A demo whose ports are taken and whose story has begun; it answers once it is served.
pub struct Demo {
    ports: Ports,
    listeners: [TcpListener; 3],
    stage: Arc<server::Stage>,
}

/// The demo's servers at work; they stop when this is dropped.
pub struct Serving(
    #[expect(dead_code, reason = "held for its drop, which stops the servers")]
    tokio::task::JoinSet<()>,
);

impl Default for Speed {
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for Speed {
    type Err = NotASpeed;

    fn from_str(text: &str) -> Result<Self, NotASpeed> {
        let speed = text
            .parse()
            .ok()
            .filter(|speed| (1.0..=60.0).contains(speed));
        speed.map(Self).ok_or_else(|| NotASpeed(text.to_owned()))
    }
}

impl Demo {
    /// Takes three free ports on loopback; the story begins at `start`. Without `rules` its Prometheus
    /// has nothing but counters.
    ///
    /// # Errors
    /// When a port cannot be had.
    pub fn open(speed: Speed, rules: bool, start: Timestamp) -> io::Result<Self> {
        let open = || -> io::Result<(u16, TcpListener)> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?.port(), listener))
        };
        let [prometheus, alertmanager, deploys] = [open()?, open()?, open()?];
        let mut world = world::World::new(start, speed.0);
        if !rules {
            world = world.without_rules();
        }
        Ok(Self {
            ports: Ports {
                prometheus: prometheus.0,
                alertmanager: alertmanager.0,
                deploys: deploys.0,
            },
            listeners: [prometheus.1, alertmanager.1, deploys.1],
            stage: Arc::new(server::Stage::new(world)),
        })
    }

    /// Where its servers listen.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Serves it on the current tokio runtime.
    ///
    /// # Errors
    /// When there is no runtime that could take the sockets.
    pub fn serve(self) -> io::Result<Serving> {
        let mut tasks = tokio::task::JoinSet::new();
        let routers = [
            server::prometheus(Arc::clone(&self.stage)),
            server::alertmanager(Arc::clone(&self.stage)),
            server::deploys(self.stage),
        ];
        for (listener, router) in self.listeners.into_iter().zip(routers) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            // It ends only with the task: `axum::serve` takes failed connections in its stride.
            tasks.spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        }
        Ok(Serving(tasks))
    }
}

/// The same without its `[[slo]]`.
fn without_slos(text: &str) -> String {
    let mut in_slo = false;
    let mut rest = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            in_slo = line == "[[slo]]";
        }
        if !in_slo {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    rest
}

/// The demo's configuration, as a user could have written it. What is done in it is written to
/// `audit_log`.
pub fn config_text(ports: Ports, rules: bool, audit_log: &Path) -> String {
    let url = |port: u16| format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
    let text = include_str!("demo/config.toml");
    let text = if rules {
        text.to_owned()
    } else {
        without_slos(text)
    };
    text.replace("{prometheus}", &url(ports.prometheus))
        .replace("{alertmanager}", &url(ports.alertmanager))
        .replace("{deploys}", &url(ports.deploys))
        // A string of JSON is one of TOML.
        .replace(
            "{audit_log}",
            &serde_json::json!(audit_log.to_string_lossy()).to_string(),
        )
}
