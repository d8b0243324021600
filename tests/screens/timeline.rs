//! What has happened on one axis, the burn above it, and the ways there and back.

use std::sync::Arc;

use jiff::SignedDuration;
use ratatui::style::Modifier;
use watchfire::app::screen::{Chart, SheetLine};
use watchfire::app::{Effect, Memory, Msg, Playback, Size};
use watchfire::domain::{
    Burn, Event, Fault, FaultKind, ReleaseStatus, Severity, SourceName, State, Turn, What,
};
use watchfire::store::{Past, Store, World};
use watchfire::text::Untrusted;

use super::facts::{DAY, HOUR, MINUTE, ago, burning_slos, facts_of_slos};
use super::stage::Stage;
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
        by: None,
        last_seen: None,
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

/// The same, where a journal remembers more than the sources tell.
fn remembering() -> Stage {
    let mut stage = Stage::new(world(), 120, 40);
    stage.model.recollect(Memory::Journal);
    stage
}

fn chart(stage: &Stage) -> Arc<Chart> {
    let sheet = stage.screen().chart.expect("a chart");
    match &sheet.lines[0] {
        SheetLine::Chart(chart, _) => Arc::clone(chart),
        other => panic!("no chart: {other:?}"),
    }
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

#[test]
fn the_timeline_says_the_same_in_seven_bits() {
    at_every_size("timeline_ascii", |width, height| {
        let stage = Stage {
            is_ascii: true,
            ..Stage::new(world(), width, height)
        };
        stage.keys("t")
    });
}

#[test]
fn the_key_leads_to_what_happened_last_to_the_row_and_hides_nothing() {
    for (keys, wanted) in [
        ("t", "availability ok -> PAGE"),
        // The very release, not what happened to its service since.
        ("2 j j t", "v2.31.0 to production"),
        ("3 t", "opened: checkout is not well"),
        ("3 j t", "silence search"),
        ("4 j j t", "answers again after 2m"),
        ("2 j j enter t", "v2.31.0 to production"),
    ] {
        let stage = Stage::new(world(), 120, 40).keys(keys);
        let row = selected(&stage);
        assert!(row.contains(wanted), "{keys}: {row}");
        assert!(stage.text().contains("2026.11.4"), "{keys}");
    }
    // Nothing has happened to it: the newest of all is selected, and that is said.
    let text = Stage::new(worlds::burning(), 80, 24).keys("t").text();
    assert!(text.contains("nothing has happened to this row"), "{text}");
}

#[test]
fn every_way_back_leads_to_the_row_one_came_from() {
    let id = || Effect::Copy("github:acme/checkout:991".to_owned());
    for back in ["t", "esc", "q", "5"] {
        let stage = Stage::new(world(), 120, 40).keys("2 j j t j");
        let stage = stage.keys(back).keys("y");
        assert_eq!(stage.effects_by_id(), [id()], "{back}");
    }
    let other = Stage::new(world(), 120, 40).keys("t 3 y");
    assert_eq!(other.effects_by_id(), [Effect::Copy("a1".to_owned())]);
}

#[test]
fn a_filter_asks_of_events_what_it_asks_of_rows() {
    for (filter, count) in [
        ("svc:checkout", 3),
        ("sev:page", 4),
        ("state:failed", 1),
        ("state:release", 6),
        ("state:resolved", 1),
        ("state:lost", 1),
        ("src:github", 6),
        ("mara svc:search", 2),
        ("svc:nobody", 0),
    ] {
        let stage = Stage::new(world(), 120, 40).keys("t /").types(filter);
        let stage = stage.keys("enter");
        let rows = stage.screen().tables[0].rows.len();
        assert_eq!(rows, count, "{filter}:\n{}", stage.text());
        let back = stage.keys("esc");
        assert_eq!(back.screen().tables[0].rows.len(), 17, "{filter}");
    }
}

#[test]
fn a_selection_stays_on_its_event_when_more_happens() {
    let stage = Stage::new(world(), 120, 40).keys("t");
    let before = selected(&stage);
    let mut stage = stage;
    stage.tell(Msg::Happened(vec![
        release(5, "cart", "999", "v9.9.9", ReleaseStatus::Succeeded),
        // Told late, and of before.
        incident(20 * HOUR, "cart", "a9", Turn::Opened, Severity::Info),
    ]));
    assert!(stage.text().contains("v9.9.9"));
    assert_eq!(selected(&stage), before);
    assert_eq!(stage.screen().tables[0].rows.len(), 19);
}

#[test]
fn the_chart_is_of_what_the_selected_event_is_about() {
    for (keys, wanted) in [
        ("t", "burn checkout / availability over 5m"),
        // The SLO itself; a release of its service; a service of which nothing is measured.
        ("t / l a t e n c y enter", "burn search / latency over 5m"),
        ("t / 9 f 3 enter", "burn search / latency over 5m"),
        ("t / v 1 . 9 . 2 enter", "burn auth / "),
        // Of no service: what is worst.
        ("t / l o s t enter", "burn checkout / availability"),
    ] {
        let text = Stage::new(world(), 120, 40).keys(keys).text();
        assert!(text.contains(wanted), "{keys}: {text}");
    }
    let nobody = release(60, "fax", "1", "v1", ReleaseStatus::Succeeded);
    let text = Stage::new(with(worlds::burning(), vec![nobody]), 120, 40)
        .keys("t")
        .text();
    assert!(text.contains("no SLO of fax is measured"), "{text}");
}

#[test]
fn the_journal_is_asked_once_for_the_part_of_the_chart_that_no_source_tells() {
    let asked = |stage: &Stage| {
        let effects = stage.effects.iter();
        let asks = effects.filter_map(|effect| match effect {
            Effect::Burns(slos, time) => Some((slos.clone(), *time)),
            _ => None,
        });
        asks.collect::<Vec<_>>()
    };
    let stage = remembering().keys("t j k k j").later(5);
    let asks = asked(&stage);
    let slo = |source, id: &str| vec![(SourceName::new(source), Untrusted::from(id))];
    assert_eq!(asks[0].0, slo("prom-eu", "checkout/availability"));
    let (from, to) = asks[0].1;
    assert_eq!(to.duration_since(from), SignedDuration::from_hours(6));
    assert!(from < ago(5 * HOUR) && to > ago(0));
    // Other events of it, a second, a poll: nothing is asked again.
    let of_checkout = asks.iter().filter(|ask| ask.0 == asks[0].0);
    assert_eq!(of_checkout.count(), 1, "{asks:?}");
    // Without a journal nobody is asked.
    let without = Stage::new(world(), 120, 40).keys("t");
    assert_eq!(asked(&without), []);
}

#[test]
fn what_the_journal_sampled_is_drawn_and_what_it_did_not_is_a_gap() {
    let mut stage = remembering().keys("t");
    let source = SourceName::new("prom-eu");
    let burn = |minutes: i64| Burn {
        at: ago(minutes * MINUTE),
        short: Some(20.0),
        long: None,
        budget: None,
        budget_at: None,
    };
    let sampled: Vec<_> = (24..33).rev().map(|ten| burn(ten * 10)).collect();
    let other = (source.clone(), "search/latency".into(), vec![burn(200)]);
    let own = (source, "checkout/availability".into(), sampled);
    stage.tell(Msg::Burned((ago(6 * HOUR), ago(0)), vec![other, own]));
    let curve = &chart(&stage).curve;
    // Six hours in half columns: a sample every ten minutes is a line, an hour without one is none.
    let at = |minutes: usize| curve[curve.len() * (375 - minutes) / 375];
    assert!(at(300).is_some_and(|height| height > 0.7), "{:?}", at(300));
    assert_eq!(at(200), None);
    assert_eq!(at(350), None);
    assert!(at(100).is_some());
}

#[test]
fn of_a_past_moment_what_was_not_known_then_is_dim_and_the_moment_is_marked() {
    let mut stage = remembering().keys("t [");
    let asked = stage.effects.iter().find_map(|effect| match effect {
        Effect::Recall(at) => Some(*at),
        _ => None,
    });
    let world = World {
        at: ago(20 * MINUTE),
        since: Some(ago(26 * HOUR)),
        past: Vec::new(),
        events: Arc::new(history().into_iter().map(Arc::new).collect()),
    };
    let asked = asked.expect("a moment that is asked for");
    stage.tell(Msg::Recalled(asked, Box::new(Ok(world))));
    let text = stage.text();
    assert!(text.contains("PAST 13:42:31"), "{text}");
    assert!(text.contains('┋'), "{text}");
    // What the SLO is by now is drawn, also where the past knew nothing of it.
    assert!(text.contains("burn checkout / availability"), "{text}");
    let buffer = stage.draw_at(120, 40);
    let is_dim = |words: &str| {
        let y = text.lines().position(|line| line.contains(words));
        let y = u16::try_from(y.expect("a row")).expect("a line");
        buffer[(4, y)].modifier.contains(Modifier::DIM)
    };
    assert!(is_dim("opened: checkout"));
    assert!(!is_dim("v2.31.0 to production"));
}

#[test]
fn of_a_recording_what_was_kept_is_drawn_and_is_not_called_stale() {
    let mut stage = Stage::new(world(), 120, 40);
    let playback = Playback {
        from: ago(HOUR),
        to: ago(0),
        speed: 1,
        was: 1,
    };
    stage.model.recollect(Memory::Recording(playback));
    let mut stage = stage.later(DAY);
    let past = Past {
        source: SourceName::new("prom-eu"),
        facts: Arc::new(facts_of_slos(burning_slos())),
        last_success: Some(ago(20 * MINUTE)),
        answering_since: None,
        failed_at: None,
        latency: None,
        fault: None,
        failures: 0,
    };
    let world = World {
        at: ago(20 * MINUTE),
        since: Some(ago(26 * HOUR)),
        past: vec![past],
        events: Arc::new(history().into_iter().map(Arc::new).collect()),
    };
    stage.tell(Msg::Recalled(ago(HOUR), Box::new(Ok(world))));
    let text = stage.keys("t").text();
    assert!(text.contains("REPLAY"), "{text}");
    let title = text.lines().nth(1).expect("the title of the chart");
    assert!(title.contains("burn checkout") && title.contains("prom-eu"));
    assert!(!title.contains("STALE"), "{title}");
}

#[test]
fn of_four_thousand_events_only_those_in_view_get_cells() {
    let many = (0..4_000).map(|minute| {
        let id = minute.to_string();
        release(minute * MINUTE, "cart", &id, &id, ReleaseStatus::Succeeded)
    });
    let stage = Stage::new(with(worlds::calm(), many.collect()), 120, 40).keys("t G");
    let screen = stage.screen();
    assert!(screen.tables[0].rows.len() < 30);
    assert!(stage.text().contains("3999 to production"));
    assert!(chart(&stage).events.len() <= 6 * 60);
}

#[test]
fn rows_stay_where_there_is_no_room_for_a_chart() {
    let mut stage = Stage::new(world(), 40, 12).keys("t");
    for (width, height) in (6..=40).flat_map(|height| [(30, height), (79, height), (140, height)]) {
        stage.tell(Msg::Resize(Size { width, height }));
        let screen = stage.screen();
        let rows = screen.tables[0].rows.len();
        assert!(rows >= 3, "{width}x{height}: {rows}");
        assert!(selected(&stage).contains(':'), "{width}x{height}");
    }
}

/// The freezes that are given to the journal.
fn kept_freezes(stage: &Stage) -> Vec<Event> {
    let events = stage.effects.iter().filter_map(|effect| match effect {
        Effect::KeepFreezes(events) => Some(events.clone()),
        _ => None,
    });
    events.flatten().collect()
}

#[test]
fn a_freeze_begins_and_ends_on_the_timeline_once() {
    use watchfire::domain::policy::{Condition, Effect as PolicyEffect, Policy, PolicyScope};
    use watchfire::store::policy::Policies;
    let policy = Policy {
        name: "no release while it pages".to_owned(),
        scope: PolicyScope::default(),
        when: Condition::State(vec![State::Page]),
        until: None,
        effect: PolicyEffect::Freeze,
        except: Vec::new(),
        say: None,
    };
    let policies = Policies {
        policies: vec![policy],
        ..Policies::default()
    };
    let store = Store::new(super::facts::feeds()).with_policies(policies);
    let mut stage = Stage::new(store, 120, 40);
    stage.model.recollect(Memory::Journal);
    let answer = |slos| super::facts::answer("prom-eu", 0, facts_of_slos(slos));
    let is_of = |event: &&Event, wanted: bool| {
        let What::Freeze { is_frozen, .. } = event.what else {
            return false;
        };
        is_frozen == wanted && event.service.raw() == "checkout"
    };
    stage.effects.clear();
    let mut stage = stage.report(answer(burning_slos()));
    let events = kept_freezes(&stage);
    assert_eq!(
        events.iter().filter(|event| is_of(event, true)).count(),
        1,
        "{events:?}"
    );
    // The journal keeps those that begin.
    let began = events
        .into_iter()
        .filter(|event| is_of(&event, true))
        .collect();
    stage.tell(Msg::Happened(began));
    stage.effects.clear();
    stage = stage.report(answer(burning_slos()));
    assert_eq!(kept_freezes(&stage), [], "it is no news");
    let text = stage.text();
    assert!(text.contains("frozen"), "{text}");
    let mut stage = stage.keys("t");
    let text = stage.text();
    let line = "releases frozen: availability state page, policy no release while it pages";
    assert!(text.contains(line), "{text}");
    stage.effects.clear();
    let slos = super::facts::calm_slos();
    stage = stage.report(answer(slos));
    let events = kept_freezes(&stage);
    let ended = events.iter().filter(|event| is_of(event, false)).count();
    let has_checkout = super::facts::calm_slos()
        .iter()
        .any(|seen| seen.slo.service.raw() == "checkout");
    assert_eq!(ended, usize::from(has_checkout), "{events:?}");
}
