//! Moments of the past: all panes together as they were, loudly marked, and the way back.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::app::{Effect, Keymap, Memory, Model, Msg, Playback, Size};
use watchfire::config::{Opening, Settings, UiSettings};
use watchfire::domain::{Event, Fault, FaultKind, SourceName, State, What, When};
use watchfire::store::{Past, Store, World};

use super::facts::ago;
use super::stage::{Stage, now};
use super::worlds;
use crate::at_every_size;

const MINUTE: i64 = 60;

/// What a store knows, as a journal would give it back.
fn world(store: &Store, at: Timestamp, events: Vec<Event>) -> World {
    let past = store.feeds().iter().map(|feed| Past {
        source: feed.name.clone(),
        facts: Arc::clone(&feed.facts),
        // As fresh as it is now.
        last_success: feed
            .last_success
            .map(|heard| heard - at.duration_until(now())),
        answering_since: feed.answering_since,
        failed_at: None,
        latency: feed.latency,
        fault: feed.fault.clone(),
        failures: feed.failures,
    });
    World {
        at,
        since: Some(ago(8 * 60 * MINUTE)),
        past: past.collect(),
        events: Arc::new(events.into_iter().map(Arc::new).collect()),
    }
}

fn event(minutes: i64) -> Event {
    Event {
        at: ago(minutes * MINUTE + 7),
        seen: ago(minutes * MINUTE),
        source: Some(SourceName::new("prom-eu")),
        service: "checkout".into(),
        subject: "checkout/availability".into(),
        what: What::Slo {
            from: Some(State::Ok),
            to: State::Page,
            name: "availability".into(),
            budget: Some(0.31),
        },
    }
}

/// A screen with a journal, which burns now.
fn burning(width: u16, height: u16) -> Stage {
    let mut stage = Stage::new(worlds::burning(), width, height);
    stage.model.recollect(Memory::Journal);
    stage
}

/// The moments that were asked for since.
fn asked(stage: &mut Stage) -> Vec<Timestamp> {
    let asked = stage.effects.drain(..).filter_map(|effect| match effect {
        Effect::Recall(at) => Some(at),
        _ => None,
    });
    asked.collect()
}

/// Answers the last moment that was asked for with a calm world.
pub(crate) fn told(mut stage: Stage, store: &Store) -> Stage {
    let at = *asked(&mut stage).last().expect("a moment was asked for");
    let world = world(store, at, vec![event(40), event(3)]);
    stage.tell(Msg::Recalled(at, Box::new(Ok(world))));
    stage
}

#[test]
fn the_world_as_it_was_is_shown_in_all_panes_and_loudly_marked() {
    at_every_size("past", |width, height| {
        told(burning(width, height).keys("["), &worlds::calm())
    });
}

#[test]
fn steps_add_up_also_before_the_first_is_answered() {
    let mut stage = burning(120, 40).keys("[ [ [ ]");
    let minutes: Vec<_> = asked(&mut stage)
        .iter()
        .map(|at| now().duration_since(*at).as_secs() / 60)
        .collect();
    assert_eq!(minutes, [1, 2, 3, 2]);
    // An answer that nobody waits for any more is let go.
    let late = world(&worlds::calm(), ago(MINUTE), Vec::new());
    stage.tell(Msg::Recalled(late.at, Box::new(Ok(late))));
    assert!(!stage.text().contains("PAST"));
}

#[test]
fn the_present_comes_back_by_a_key_and_by_walking_into_it() {
    for keys in ["0", "]"] {
        let stage = told(burning(120, 40).keys("["), &worlds::burning());
        assert!(
            stage.text().contains(" PAST 14:01:31, 1m ago "),
            "{}",
            stage.text()
        );
        let stage = stage.keys(keys);
        // A key has chosen the row that is selected.
        let present = burning(120, 40).keys("k").text();
        assert_eq!(stage.text(), present, "{keys}");
    }
    assert!(
        burning(120, 40)
            .keys("]")
            .text()
            .contains("this is the present")
    );
}

#[test]
fn events_are_stepped_to_at_the_moment_that_they_were_seen() {
    let mut stage = burning(120, 40);
    stage.tell(Msg::Happened(vec![event(40), event(3)]));
    let stage = told(stage.keys("{"), &worlds::calm());
    assert!(stage.text().contains("PAST 13:59:31"), "{}", stage.text());
    let mut stage = stage.keys("{");
    assert_eq!(asked(&mut stage), [ago(40 * MINUTE)]);
    let mut stage = stage.keys("}");
    assert_eq!(asked(&mut stage), [ago(3 * MINUTE)]);
}

#[test]
fn what_was_unknown_then_is_unknown_in_the_past() {
    let text = told(burning(120, 40).keys("["), &worlds::blind()).text();
    assert!(text.contains("BLIND") && text.contains("DOWN"), "{text}");
    let nothing = told(burning(120, 40).keys("["), &worlds::waiting()).text();
    assert!(
        nothing.contains("nothing is remembered of it") && !nothing.contains("asking"),
        "{nothing}"
    );
}

#[test]
fn before_anything_was_remembered_there_is_nothing_to_show() {
    let mut stage = burning(120, 40).keys("[");
    let at = asked(&mut stage)[0];
    let young = World {
        since: Some(ago(30)),
        ..world(&worlds::calm(), at, Vec::new())
    };
    stage.tell(Msg::Recalled(at, Box::new(Ok(young))));
    let text = stage.text();
    assert!(
        text.contains("nothing is remembered before 14:02"),
        "{text}"
    );
    assert!(!text.contains("PAST"), "{text}");
    let mut stage = burning(120, 40).keys("[");
    let at = asked(&mut stage)[0];
    let fault = Fault::new(
        FaultKind::Crash,
        "the journal cannot be used: disk I/O error",
    );
    stage.tell(Msg::Recalled(at, Box::new(Err(fault))));
    assert!(stage.text().contains("disk I/O error"));
    let bare = Stage::new(worlds::burning(), 120, 40).keys("[").text();
    assert!(bare.contains("there is no journal"), "{bare}");
}

#[test]
fn nothing_is_done_to_the_past_and_the_present_still_comes_in() {
    let past = told(burning(120, 40).acting(&[]).keys("["), &worlds::calm());
    for key in ["a", "s", "n"] {
        let stage = past.clone().keys("3").keys(key);
        assert!(
            stage.text().contains("this is the past"),
            "{}",
            stage.text()
        );
        assert!(
            !stage
                .effects
                .iter()
                .any(|it| matches!(it, Effect::Preview(_)))
        );
    }
    let stage = past.clone().keys("x");
    assert!(
        stage.text().contains("explain SLO --at"),
        "{}",
        stage.text()
    );
    let stage = past.report(worlds::one_more_release());
    let kept = |effect: &Effect| matches!(effect, Effect::Keep(_));
    assert!(
        stage.effects.iter().any(kept),
        "what came meanwhile is kept"
    );
    let text = stage.keys("0").text();
    assert!(text.contains("1 PAGE"), "{text}");
}

#[test]
fn a_journal_that_keeps_nothing_is_told_of_until_it_does() {
    for (width, height) in [(200, 50), (120, 40), (80, 24), (40, 12)] {
        let mut stage = burning(width, height);
        let fault = Fault::new(FaultKind::Crash, "the journal /x cannot be used: disk full");
        stage.tell(Msg::Forgetful(Some(fault)));
        assert!(stage.text().contains("the jour"), "{}", stage.text());
        stage.tell(Msg::Forgetful(None));
        assert!(!stage.text().contains("the jour"), "{}", stage.text());
    }
}

#[test]
fn the_last_known_world_is_there_before_anything_answers_and_dated() {
    let mut stage = Stage::new(worlds::waiting(), 120, 40);
    stage.model.recollect(Memory::Journal);
    let mut known = world(&worlds::burning(), now(), Vec::new());
    for past in &mut known.past {
        past.last_success = past.last_success.map(|_| ago(4 * 60 * MINUTE));
    }
    stage.tell(Msg::Known(Box::new(known)));
    let text = stage.text();
    assert!(
        text.contains("checkout") && text.contains("was PAGE 4h"),
        "{text}"
    );
    assert!(
        text.contains("STALE 4h") && text.contains("BLIND 4h"),
        "{text}"
    );
    // The first answer is the present, and nothing of it is new.
    let text = stage.report(worlds::search_worse()).text();
    assert!(
        text.contains("prom-eu live") || text.contains("live · "),
        "{text}"
    );
}

#[test]
fn a_recording_plays_stops_and_ends() {
    let playback = Playback {
        from: ago(60 * MINUTE),
        to: ago(50 * MINUTE),
        speed: 60,
        was: 60,
    };
    let mut stage = Stage::new(worlds::waiting(), 120, 40);
    stage.model.recollect(Memory::Recording(playback));
    stage.tell(Msg::Tick);
    let stage = told(stage, &worlds::calm());
    assert!(
        stage.text().contains("REPLAY 13:02:31 60x"),
        "{}",
        stage.text()
    );
    let stage = told(stage.later(1), &worlds::burning());
    assert!(stage.text().contains("REPLAY 13:03:31"), "{}", stage.text());
    let mut stage = stage.keys("p").later(1);
    assert!(stage.text().contains("stopped"), "{}", stage.text());
    assert_eq!(asked(&mut stage), []);
    let mut stage = stage.keys("p").later(1);
    assert_eq!(asked(&mut stage), [ago(58 * MINUTE)]);
    let stage = told(stage.keys("0"), &worlds::calm());
    assert!(
        stage.text().contains("REPLAY 13:12:31 end"),
        "{}",
        stage.text()
    );
    let mut stage = stage.later(5);
    assert_eq!(asked(&mut stage), []);
    assert!(!stage.effects.iter().any(|it| matches!(it, Effect::Keep(_))));
    let minute = SignedDuration::from_secs(MINUTE);
    let mut stage = stage.keys("[");
    assert_eq!(asked(&mut stage), [playback.to - minute]);
}

/// A screen that was started with a moment and a row, and a journal.
fn opened(at: Option<When>, select: &str) -> Stage {
    let mut stage = Stage::new(worlds::burning(), 120, 40);
    let ui = UiSettings {
        opening: Opening {
            at,
            select: Some(select.to_owned()),
        },
        ..Settings::empty().ui
    };
    let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
    let size = Size {
        width: 120,
        height: 40,
    };
    stage.model = Model::new(&ui, keymap, worlds::burning(), size);
    stage.model.recollect(Memory::Journal);
    stage.tell(Msg::Tick);
    stage
}

/// What the row that keys act on copies.
fn copied(stage: Stage) -> String {
    let stage = stage.keys("y");
    let Some(Effect::Copy(text)) = stage.effects.last() else {
        panic!("{:?}", stage.effects);
    };
    text.clone()
}

#[test]
fn y_in_the_past_copies_a_command_that_opens_that_moment_and_row() {
    let live = copied(burning(120, 40));
    assert!(!live.starts_with("watchfire"), "{live}");
    let stage = told(burning(120, 40).keys("["), &worlds::burning()).keys("j");
    let row = stage.text();
    let link = copied(stage);
    let words: Vec<_> = link.split(' ').collect();
    let ["watchfire", "--at", at, "--select", id] = words[..] else {
        panic!("{link}");
    };
    assert!(
        row.contains(id.split('/').next().unwrap_or_default()),
        "{id}"
    );
    // The command leads back to where it was copied.
    let when = When::parse(at).expect("a moment");
    let stage = told(opened(Some(when), id), &worlds::burning()).later(1);
    assert!(
        stage.text().contains(" PAST 14:01:31, "),
        "{}",
        stage.text()
    );
    assert_eq!(copied(stage), link);
}

#[test]
fn a_row_of_the_start_is_selected_in_the_present_and_an_unknown_one_is_said() {
    let present = opened(None, "cart/checkout-flow");
    assert!(copied(present).starts_with("cart/checkout-flow"));
    let incident = copied(opened(None, "a2"));
    assert!(incident.starts_with("a2"), "{incident}");
    let stage = opened(None, "nothing/there");
    assert!(
        stage.text().contains("no row has the id nothing/there"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_moment_that_no_journal_can_show_is_said() {
    let hour = When::Ago(SignedDuration::from_hours(-1));
    let stage = opened(Some(hour), "cart/checkout-flow");
    assert!(stage.text().contains("yet to come"), "{}", stage.text());
    assert!(
        stage
            .effects
            .iter()
            .all(|effect| !matches!(effect, Effect::Recall(_)))
    );
}
