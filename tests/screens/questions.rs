//! The twelve questions of a person who was just paged, each answered within two keys at 80x24: while one
//! source is down and another stale, and while the source of the SLOs is the one that is down.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::app::{Effect, Memory, Msg};
use watchfire::domain::{FaultKind, OnCall, Service};
use watchfire::store::Store;

use super::facts::{
    HOUR, MINUTE, ago, answer, burning_slos, facts_of_incidents, facts_of_releases, facts_of_slos,
    failure, feeds, incidents, releases,
};
use super::past::told;
use super::stage::{Stage, now, squeezed};
use super::suspects::course;
use super::worlds;

/// What depends on `checkout`, of which `cart` began to burn two minutes after it and `search` burns for
/// longer than is known.
fn services() -> Vec<Service> {
    let service = |name: &str, depends_on: &[&str]| Service {
        name: name.to_owned(),
        depends_on: depends_on.iter().map(|&name| name.to_owned()).collect(),
        ..Service::default()
    };
    vec![
        service("checkout", &["payments", "stock"]),
        service("cart", &["checkout"]),
        service("gateway", &["checkout"]),
    ]
}

/// `checkout` pages since 17 minutes, three minutes after a release.
pub(crate) fn paging(prometheus: i64) -> Store {
    let mut slos = burning_slos();
    for seen in &mut slos {
        match seen.slo.id().raw() {
            "checkout/availability" => seen.courses = Arc::from([course(17)]),
            "cart/checkout-flow" => seen.courses = Arc::from([course(15)]),
            _ => {}
        }
    }
    let mut of_incidents = facts_of_incidents(incidents());
    of_incidents.on_call = Some(vec![OnCall {
        schedule: "shop".into(),
        who: "mara".into(),
        from: None,
        until: Some(now() + SignedDuration::from_secs(4 * HOUR)),
        level: Some(1),
        services: vec!["checkout".into()],
    }]);
    let mut store = Store::new(feeds()).with_services(services());
    for report in [
        answer("prom-eu", prometheus, facts_of_slos(slos)),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 4 * MINUTE, of_incidents),
        failure("argocd", FaultKind::Timeout, "no answer within 10s."),
    ] {
        store.absorb(report);
    }
    store
}

/// The same, of which Prometheus does not answer since four minutes.
fn blind() -> Store {
    let mut store = paging(4 * MINUTE);
    let why = "connection refused";
    store.absorb(failure("prom-eu", FaultKind::Connect, why));
    store
}

/// What is on the screen after these keys, two at most.
fn shown(store: Store, keys: &str) -> String {
    assert!(keys.split_whitespace().count() <= 2, "{keys}");
    squeezed(&Stage::new(store, 80, 24).keys(keys).text())
}

/// The screen after a command was chosen by its words.
fn commanded(store: Store, words: &str) -> Stage {
    let mut stage = Stage::new(store, 80, 24);
    stage.model.recollect(Memory::Journal);
    stage.keys(":").types(words).keys("enter")
}

fn assert_answers(store: &Store, keys: &str, words: &[&str]) {
    let text = shown(store.clone(), keys);
    for word in words {
        assert!(text.contains(word), "`{keys}` shows no `{word}`:\n{text}");
    }
}

#[test]
fn what_burns_worst() {
    assert_answers(&paging(3), "", &["▎ ● checkout availability burning"]);
    assert_answers(&blind(), "", &["▎ ◌ checkout availability was PAGE 4m"]);
}

#[test]
fn since_when() {
    assert_answers(&paging(3), "", &["burning 17m"]);
    assert_answers(&paging(3), "enter", &["17m since 13:45"]);
    assert_answers(&blind(), "", &["since 13:45"]);
}

#[test]
fn what_changed_just_before() {
    let words = ["▎ ◀ v2.31.0 by mara, 3m before it began errors 0.02% → 2.2%"];
    assert_answers(&paging(3), "", &words);
    assert_answers(&blind(), "", &words);
    // The reason is whole in the list as well.
    let row = "◀ 21m checkout v2.31.0 suspect: 3m before it burned, 0.02% → 2.2%";
    assert_answers(&paging(3), "2", &[row]);
}

#[test]
fn who_has_it() {
    for store in [paging(3), blind()] {
        assert_answers(&store, "", &["nobody has it, 12m?", "on call mara"]);
    }
}

#[test]
fn is_it_acknowledged() {
    for store in [paging(3), blind()] {
        assert_answers(
            &store,
            "3",
            &["burns its error budget nobody", "p99 above 250 ms lee"],
        );
        assert_answers(&store, "3 enter", &["PAGE · nobody, not acked"]);
    }
}

#[test]
fn when_the_budget_is_gone() {
    assert_answers(&paging(3), "", &["31% left, gone in 12h"]);
    assert_answers(&paging(3), "enter", &["at this rate gone in 12h"]);
    // Nobody knows while nothing answers: what was left stays, without a forecast.
    let text = shown(blind(), "");
    let fire: String = text.lines().take(4).collect();
    assert!(
        fire.contains("31% left") && !fire.contains("gone in"),
        "{text}"
    );
}

#[test]
fn is_it_getting_better() {
    assert_answers(&paging(3), "", &["22x → steady"]);
    assert_answers(
        &blind(),
        "",
        &["was PAGE 4m, since 13:45 22x → steady 31% left"],
    );
}

#[test]
fn what_else_burns_because_of_it() {
    assert_answers(&paging(3), "", &["used by ▲ cart 4.1x gateway"]);
    assert_answers(
        &paging(3),
        "6",
        &["used by ▲ cart 4.1x gateway", "needs payments stock"],
    );
    assert_answers(&blind(), "", &["used by cart"]);
}

#[test]
fn what_the_last_release_did() {
    for store in [paging(3), blind()] {
        for keys in ["d", "2 enter"] {
            assert_answers(
                &store,
                keys,
                &[
                    "checkout v2.31.0",
                    "before → after",
                    "availability 0.02% → 2.2%",
                ],
            );
        }
    }
    // Also of one that nothing suspects: what polls know of the hours around it.
    assert_answers(&paging(3), "enter", &["0.02% → 2.2%"]);
}

#[test]
fn which_data_is_stale() {
    assert_answers(
        &paging(3),
        "",
        &["argocd DOWN: no answer within 10s", "am STALE 4m"],
    );
    assert_answers(&paging(3), "4", &["argocd", "DOWN", "am", "STALE 4m"]);
    assert_answers(&blind(), "", &["BLIND", "prom-eu", "connection refused"]);
}

#[test]
fn what_the_screen_was_at_a_time_of_day() {
    let at: Timestamp = "2026-11-22T09:12:00Z".parse().expect("a moment");
    for store in [paging(3), blind()] {
        let stage = commanded(store, "at 09:12");
        let asked = |effect: &Effect| matches!(effect, Effect::Recall(moment) if *moment == at);
        assert!(stage.effects.iter().any(asked), "{:?}", stage.effects);
        let text = told(stage, &worlds::calm()).text();
        assert!(text.contains("PAST 09:12"), "{text}");
    }
}

#[test]
fn what_to_hand_over() {
    for store in [paging(3), blind()] {
        let mut stage = commanded(store, "hand-over");
        let is_asked = |effect: &Effect| {
            let eight_hours = (ago(8 * HOUR), now());
            matches!(effect, Effect::HandOver(_, time) if *time == eight_hours)
        };
        assert!(stage.effects.iter().any(is_asked), "{:?}", stage.effects);
        stage.tell(Msg::HandedOver(Ok(watchfire::app::Notes {
            text: "# Hand-over\n\n- checkout pages\n".to_owned(),
            is_whole: true,
        })));
        assert!(stage.text().contains("checkout pages"), "{}", stage.text());
    }
}
