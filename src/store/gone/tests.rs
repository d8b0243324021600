//! What becomes of an incident that an answer no longer has, by who was heard meanwhile.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::*;
use crate::domain::{Expiry, Gone, IncidentStatus, Report, Severity};

const AM: &str = "am";
const PROM: &str = "prom";
const INTERVAL: i64 = 15;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn feed(name: &str, offers: Offers) -> Feed {
    let interval = SignedDuration::from_secs(INTERVAL);
    let identity = format!("kind http://{name}:9090/");
    let feed = Feed::new(
        SourceName::new(name),
        "kind",
        offers,
        interval,
        SignedDuration::from_mins(5),
    );
    feed.identified_by(identity)
}

fn relay() -> Feed {
    feed(
        AM,
        Offers {
            incidents: true,
            relays: true,
            ..Offers::default()
        },
    )
}

fn prometheus(name: &str) -> Feed {
    feed(
        name,
        Offers {
            slos: true,
            rules: true,
            ..Offers::default()
        },
    )
}

fn store() -> Store {
    Store::new(vec![prometheus(PROM), relay()])
}

/// An alert that is repeated every minute, for four minutes each, as of a moment.
fn alert(id: &str, repeated: i64) -> Incident {
    let lifetime = SignedDuration::from_mins(4);
    Incident {
        opened_at: Some(at(-600)),
        expiry: Some(Expiry {
            at: at(repeated) + lifetime,
            lifetime,
        }),
        ..Incident::new(id, "it burns", Severity::Page, IncidentStatus::Triggered)
    }
}

fn say(store: &mut Store, source: &str, seconds: i64, outcome: Result<Facts, Fault>) {
    store.absorb(Report {
        source: SourceName::new(source),
        at: at(seconds),
        latency: SignedDuration::ZERO,
        next_try: None,
        outcome,
    });
}

fn lists(store: &mut Store, seconds: i64, rows: &[Incident]) {
    let facts = Facts {
        incidents: Some(rows.to_vec()),
        ..Facts::default()
    };
    say(store, AM, seconds, Ok(facts));
}

fn lives(store: &mut Store, seconds: i64) {
    say(
        store,
        PROM,
        seconds,
        Ok(Facts {
            slos: Some(Vec::new()),
            ..Facts::default()
        }),
    );
}

fn fails(store: &mut Store, source: &str, seconds: i64) {
    say(
        store,
        source,
        seconds,
        Err(Fault::new(FaultKind::Connect, "connection refused")),
    );
}

/// The status of the one incident; `None` when there is none.
fn status(store: &Store) -> Option<IncidentStatus> {
    store.incidents().next().map(|(_, row)| row.status)
}

const GONE: Option<IncidentStatus> = Some(IncidentStatus::Gone);

#[test]
fn an_alert_that_ends_while_all_are_heard_is_over() {
    let mut store = store();
    lives(&mut store, 0);
    lists(&mut store, 1, &[alert("a", 0)]);
    lives(&mut store, 15);
    lists(&mut store, 16, &[]);
    assert_eq!(status(&store), None);
}

#[test]
fn an_alert_that_ends_after_its_evaluator_died_is_gone_and_over_once_that_is_heard_for_long() {
    let mut store = store();
    lives(&mut store, 0);
    lists(&mut store, 1, &[alert("a", 0)]);
    for poll in 1..=16 {
        fails(&mut store, PROM, poll * INTERVAL);
        lists(&mut store, poll * INTERVAL + 1, &[alert("a", 0)]);
    }
    lists(&mut store, 256, &[]);
    assert_eq!(status(&store), GONE);
    let (_, row) = store.incidents().next().expect("a row");
    let gone = row.gone.expect("what is known");
    assert_eq!(
        (gone.last_seen, gone.was),
        (at(241), IncidentStatus::Triggered)
    );
    // However often it is asked: nobody evaluates it.
    lists(&mut store, 1_000, &[]);
    assert_eq!(status(&store), GONE);
    // It answers again, and may not have evaluated it yet.
    for poll in 0..=16 {
        lives(&mut store, 1_005 + poll * INTERVAL);
        lists(&mut store, 1_006 + poll * INTERVAL, &[]);
        let is_settled = 1 + poll * INTERVAL >= 240;
        assert_eq!(status(&store).is_none(), is_settled, "{poll}");
    }
}

#[test]
fn one_that_ran_out_is_gone_although_everything_answers() {
    // The link from what evaluates to what relays is broken.
    let mut store = store();
    for poll in 0..=17 {
        lives(&mut store, poll * INTERVAL);
        let rows = [alert("a", 0)];
        lists(
            &mut store,
            poll * INTERVAL + 1,
            if poll < 16 { &rows } else { &[] },
        );
    }
    assert_eq!(status(&store), GONE);
    // And without a source of metrics, nobody can know why.
    let mut alone = Store::new(vec![relay()]);
    lists(&mut alone, 226, &[alert("a", 0)]);
    lists(&mut alone, 241, &[]);
    assert_eq!(status(&alone), GONE);
    lists(&mut alone, 10_000, &[]);
    assert_eq!(status(&alone), GONE);
    // Ended by its sender before that, it is over.
    let mut alone = Store::new(vec![relay()]);
    lists(&mut alone, 1, &[alert("a", 0)]);
    lists(&mut alone, 16, &[]);
    assert_eq!(status(&alone), None);
}

#[test]
fn what_went_while_its_source_was_blind_or_answered_in_part_is_gone_and_returns_as_itself() {
    let mut store = store();
    lives(&mut store, 0);
    lists(&mut store, 1, &[alert("a", 0)]);
    fails(&mut store, AM, 16);
    lives(&mut store, 30);
    // Restarted: it knows nothing until it is told again.
    lists(&mut store, 31, &[]);
    assert_eq!(status(&store), GONE);
    lists(&mut store, 46, &[alert("a", 40)]);
    assert_eq!(status(&store), Some(IncidentStatus::Triggered));
    let part = Facts {
        incidents: Some(Vec::new()),
        fault: Some(Fault::new(FaultKind::Timeout, "page 2: no answer")),
        ..Facts::default()
    };
    lives(&mut store, 60);
    say(&mut store, AM, 61, Ok(part));
    assert_eq!(status(&store), GONE);
}

#[test]
fn an_alert_depends_on_the_server_that_its_link_names_and_else_on_all() {
    let from = |url: &str| Incident {
        url: Some(url.into()),
        ..alert("a", 0)
    };
    for (url, want) in [
        ("http://prom:9090/graph?g0.expr=up", None),
        ("http://other:9090/graph", GONE),
        ("http://elsewhere/graph", GONE),
    ] {
        let mut store = Store::new(vec![prometheus(PROM), prometheus("other"), relay()]);
        lives(&mut store, 0);
        fails(&mut store, "other", 0);
        lists(&mut store, 1, &[from(url)]);
        lives(&mut store, 15);
        lists(&mut store, 16, &[]);
        assert_eq!(status(&store), want, "{url}");
    }
}

#[test]
fn a_record_is_over_when_a_whole_answer_lacks_it() {
    let pager = feed(
        AM,
        Offers {
            incidents: true,
            ..Offers::default()
        },
    );
    let mut store = Store::new(vec![prometheus(PROM), pager]);
    let record = Incident {
        expiry: None,
        ..alert("a", 0)
    };
    lists(&mut store, 1, &[record]);
    fails(&mut store, PROM, 2);
    fails(&mut store, AM, 16);
    lists(&mut store, 31, &[]);
    assert_eq!(status(&store), None);
}

#[test]
fn one_that_is_gone_for_a_day_is_forgotten() {
    let mut store = store();
    lists(&mut store, 1, &[alert("a", 0)]);
    lists(&mut store, 16, &[]);
    assert_eq!(status(&store), GONE);
    let day = Gone::KEPT.as_secs();
    lists(&mut store, day, &[]);
    assert_eq!(status(&store), GONE);
    lists(&mut store, day + 1, &[]);
    assert_eq!(status(&store), None);
}

/// What a journal remembers of the two sources.
fn past(listed: i64, rows: &[Incident], prom: Result<i64, i64>) -> World {
    let past = |source: &str, facts, good: Option<i64>, failed: Option<i64>| Past {
        source: SourceName::new(source),
        facts: Arc::new(facts),
        last_success: good.or(failed).map(at),
        answering_since: good.map(|_| at(-10_000)),
        failed_at: failed.map(at),
        latency: None,
        fault: failed.map(|_| Fault::new(FaultKind::Connect, "connection refused")),
        failures: u32::from(failed.is_some()),
    };
    let rows = Facts {
        incidents: Some(rows.to_vec()),
        ..Facts::default()
    };
    World {
        at: at(listed),
        since: None,
        past: vec![
            past(AM, rows, Some(listed), None),
            past(PROM, Facts::default(), prom.ok(), prom.err()),
        ],
        events: Arc::default(),
    }
}

#[test]
fn what_the_journal_remembers_is_no_present_until_its_source_answers() {
    let mut store = store();
    store.remember(&past(-5, &[alert("a", -10)], Ok(-5)));
    for feed in store.feeds() {
        assert!(!feed.freshness(at(0)).is_current(), "{}", feed.name);
    }
    fails(&mut store, PROM, 1);
    assert!(!store.feeds()[0].freshness(at(2)).is_current());
    lives(&mut store, 16);
    assert_eq!(store.feeds()[0].freshness(at(17)), Freshness::Live);
    assert!(!store.feeds()[1].freshness(at(17)).is_current());
}

#[test]
fn a_journal_that_is_read_after_the_first_answers_still_knows_what_is_missing() {
    let mut store = store();
    fails(&mut store, PROM, 0);
    lists(&mut store, 1, &[]);
    store.remember(&past(-10, &[alert("a", -10)], Ok(-10)));
    assert_eq!(status(&store), GONE);
}

#[test]
fn who_asks_once_knows_what_is_gone_by_what_the_journal_says_of_before() {
    let asked = |world: World, prom: bool| {
        let mut store = store();
        if prom {
            lives(&mut store, 0);
        } else {
            fails(&mut store, PROM, 0);
        }
        lists(&mut store, 0, &[]);
        store.compare_with(&world);
        status(&store)
    };
    let rows = [alert("a", -900)];
    assert_eq!(asked(past(-600, &rows, Ok(-600)), false), GONE);
    assert_eq!(
        asked(past(-600, &rows, Err(-30)), true),
        GONE,
        "it answers for seconds"
    );
    assert_eq!(asked(past(-900, &rows, Err(-600)), true), None);
    assert_eq!(asked(past(-900, &rows, Ok(-900)), true), None);
}

proptest! {
    /// Whatever answers or fails in whatever order: a row leaves only when a whole answer of a source
    /// that was heard without a break lacks it, with its evaluator live, or after its grace.
    #[test]
    fn no_incident_is_over_while_its_evaluator_is_not_live(
        polls in prop::collection::vec((any::<bool>(), 0..3_u8), 1..80),
    ) {
        let mut store = store();
        lives(&mut store, 0);
        lists(&mut store, 1, &[alert("a", 0)]);
        for (place, (prom, am)) in polls.into_iter().enumerate() {
            let now = i64::try_from(place + 1).expect("a few") * INTERVAL;
            if prom {
                lives(&mut store, now);
            } else {
                fails(&mut store, PROM, now);
            }
            let before = status(&store);
            match am {
                0 => fails(&mut store, AM, now + 1),
                1 => lists(&mut store, now + 1, &[alert("a", now)]),
                _ => lists(&mut store, now + 1, &[]),
            }
            let is_over = before.is_some() && status(&store).is_none();
            prop_assert!(!is_over || (prom && am == 2), "{} {}", prom, am);
            if before == GONE && is_over {
                let since = store.feeds().iter().filter_map(|feed| feed.answering_since).max();
                prop_assert!(at(now + 1).duration_since(since.expect("both answer")) >= SignedDuration::from_mins(4));
            }
            if before.is_none() && status(&store).is_none() {
                break;
            }
        }
    }
}
