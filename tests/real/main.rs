//! Against real servers: Debian's Prometheus and Alertmanager, which `./test` installs.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod alertmanager;
mod history;
mod incidents;
mod program;
mod prometheus;
mod rules;
mod server;
