//! Against real servers: Debian's Prometheus and Alertmanager, which `./test` installs.

mod history;
mod prometheus;
mod rules;
mod server;
