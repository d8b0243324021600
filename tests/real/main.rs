//! Against real servers: Debian's Prometheus and Alertmanager, which `./test` installs.

mod history;
mod program;
mod prometheus;
mod rules;
mod server;
