//! What has happened on one axis, the burn above it, and the ways there and back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::app::screen::{Gutter, SheetLine};
use watchfire::app::{Effect, Msg};
use watchfire::domain::{
    Burn, Event, Fault, FaultKind, ReleaseStatus, Severity, SourceName, State, Turn, What,
};
use watchfire::store::Store;

use super::facts::{HOUR, MINUTE, ago};
use super::stage::{SIZES, Stage};
use super::worlds;
use crate::at_every_size;

fn event(source: &str, seconds: i64, service: &str, subject: &str, what: What) -> Event {
    Event {
        at: ago(seconds),
        seen: ago(seconds),
        source: (!source.is_empty()).then(|| SourceName::new(source)),
        service: service.into(),
        subject: subject.into(),
        what,
    }
}

fn release(seconds: i64, service: &str, id: &str, version: &str, status: ReleaseStatus) -> Event {
    let what = What::Release {
        status,
        version: version.into(),
        environment: "production".into(),
        actor: Some("mara".into()),
    };
    let id = format!("github:acme/{service}:{id}");
    event("github", seconds, service, &id, what)
}

fn incident(seconds: i64, service: &str, id: &str, turn: Turn, severity: Severity) -> Event {
    let what = What::Incident {
        turn,
        severity,
        title: format!("{service} is not well").into(),
        who: vec!["lee".into()],
    };
    event("am", seconds, service, id, what)
}

fn verdict(seconds: i64, (service, name): (&str, &str), from: State, to: State) -> Event {
    let what = What::Slo {
        from: Some(from),
        to,
        name: name.into(),
        budget: Some(0.31),
    };
    let id = format!("{service}/{name}");
    event("prom-eu", seconds, service, &id, what)
}

/// Two days, the end of which is the burning world.
fn history() -> Vec<Event> {
    use ReleaseStatus::{Failed, RolledBack, Running, Succeeded};
    let checkout = ("checkout", "availability");
    let lost = What::Lost {
        fault: Fault::new(FaultKind::Timeout, "no answer within 10s."),
    };
    let back = What::Back {
        after: SignedDuration::from_mins(2),
    };
    let silenced = What::Done {
        verb: "silence".into(),
        target: "search p99 above 250 ms".into(),
        who: "mara".into(),
        result: "done".to_owned(),
        said: "until 16:00".into(),
    };
    let mut events = vec![
        release(26 * HOUR, "gateway", "987", "2026.11.4", Succeeded),
        incident(9 * HOUR, "stock", "a3", Turn::Opened, Severity::Ticket),
        release(6 * HOUR, "auth", "988", "v1.9.1", RolledBack),
        release(5 * HOUR, "auth", "989", "v1.9.2", Failed),
        release(3 * HOUR, "search", "990", "9f3c1d2", Succeeded),
        incident(
            3 * HOUR - 60,
            "search",
            "a2",
            Turn::Opened,
            Severity::Ticket,
        ),
        verdict(
            170 * MINUTE,
            ("search", "latency"),
            State::Ok,
            State::Ticket,
        ),
        incident(
            2 * HOUR,
            "search",
            "a2",
            Turn::Acknowledged,
            Severity::Ticket,
        ),
        event("", 118 * MINUTE, "search", "a2", silenced),
        incident(45 * MINUTE, "payments", "a0", Turn::Opened, Severity::Page),
        incident(
            38 * MINUTE,
            "payments",
            "a0",
            Turn::Resolved,
            Severity::Page,
        ),
        release(21 * MINUTE, "checkout", "991", "v2.31.0", Succeeded),
        verdict(17 * MINUTE, checkout, State::Ok, State::Page),
        incident(12 * MINUTE, "checkout", "a1", Turn::Opened, Severity::Page),
        event("am", 6 * MINUTE, "", "", lost),
        event("am", 4 * MINUTE, "", "", back),
        release(90, "catalog", "992", "v7.0.0-rc.1", Running),
    ];
    events.sort_by_key(|event| event.at);
    events
}

fn with(mut store: Store, events: Vec<Event>) -> Store {
    store.chronicle(events.into_iter().map(Arc::new));
    store
}

fn world() -> Store {
    with(worlds::burning(), history())
}

/// The row that is selected, as text.
fn selected(stage: &Stage) -> String {
    let text = stage.text();
    let row = text.lines().find(|line| line.contains('▌'));
    row.unwrap_or_default().to_owned()
}

#[test]
fn everything_that_happened_stands_on_one_axis_below_the_burn() {
    at_every_size("timeline", |width, height| {
        Stage::new(world(), width, height).keys("t")
    });
}

#[test]
fn the_detail_of_an_event_says_what_its_row_is_now() {
    at_every_size("timeline_detail", |width, height| {
        Stage::new(world(), width, height).keys("2 t enter")
    });
}

#[test]
fn where_nothing_happened_that_is_said() {
    at_every_size("timeline_empty", |width, height| {
        Stage::new(worlds::calm(), width, height).keys("5")
    });
}
