//! Against real servers: Debian's Prometheus, Alertmanager and VictoriaMetrics, which `./test`
//! fetches.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod acting;
mod alertmanager;
mod burn_alerts;
mod cluster;
mod defined;
mod doctor;
mod examples;
mod explain;
mod faults;
mod forms;
mod fresh;
mod gate;
mod histogram;
mod history;
mod idle;
mod imported;
mod incidents;
mod init;
mod live;
mod machine;
#[path = "../suspects/measure.rs"]
#[expect(dead_code, reason = "the trial without a server uses the rest")]
mod measure;
mod missing;
mod openmetrics;
mod page;
mod pair;
mod past;
mod planner;
mod program;
mod prometheus;
mod proxy;
#[path = "../terminal/pty.rs"]
#[expect(dead_code, reason = "the terminal's own tests use the rest")]
mod pty;
#[path = "../suspects/random.rs"]
mod random;
mod recorded;
mod report;
mod request;
mod rules;
#[path = "../reference/schema.rs"]
mod schema;
mod screen;
mod series;
mod server;
mod silence;
#[path = "../suspects/story.rs"]
mod story;
mod suggest;
mod suspects;
mod verify;
mod victoria;
mod wall;
mod worlds;
