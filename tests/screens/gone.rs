//! Incidents that are gone, that grow, that are to come; and how the header counts them.

use jiff::SignedDuration;
use watchfire::domain::{Facts, FaultKind, Incident, Severity, SourceName};
use watchfire::store::{Feed, Store};

use super::bell::{page, rings};
use super::facts::{
    MINUTE, RELAYED, ago, answer, facts_of_incidents, failure, incident, incidents,
};
use super::stage::Stage;
use super::worlds;

/// The terminals of a status bar, a pane, a laptop and a desk.
const SIZES: [(u16, u16); 4] = [(28, 5), (40, 12), (80, 24), (120, 40)];

/// The burning world after Prometheus died and its alerts ended by themselves.
fn unheard(width: u16, height: u16) -> Stage {
    let stage = Stage::new(worlds::burning(), width, height);
    let stage = stage.report(failure("prom-eu", FaultKind::Connect, "connection refused"));
    stage.report(answer("am", 0, facts_of_incidents(Vec::new())))
}

/// An Alertmanager alone, with these incidents.
fn alone(rows: Vec<Incident>, width: u16, height: u16) -> Stage {
    let (every, down) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));
    let feed = Feed::new(SourceName::new("am"), "alertmanager", RELAYED, every, down);
    let mut store = Store::new(vec![feed]);
    store.absorb(answer("am", 1, facts_of_incidents(rows)));
    Stage::new(store, width, height)
}

fn pages(count: usize) -> Vec<Incident> {
    let page = |number| page(&format!("p{number}"), &format!("shop{number}"));
    (0..count).map(page).collect()
}

fn header(stage: &Stage) -> String {
    stage.text().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn alerts_that_end_while_prometheus_is_silent_are_gone_and_not_none() {
    for (width, height) in [(40, 12), (80, 24), (120, 40)] {
        let stage = unheard(width, height).keys("3");
        let text = stage.text();
        assert!(!text.contains("no open incidents"), "{text}");
        assert!(text.contains("gone"), "{text}");
        assert!(header(&stage).contains('?'), "{text}");
        assert_eq!(rings(&stage), 0);
    }
    let detail = unheard(120, 40).keys("3 enter").text();
    assert!(
        detail.contains("no longer listed, not known to be resolved"),
        "{detail}"
    );
}

#[test]
fn what_is_gone_is_found_by_its_state_and_returns_without_a_sound() {
    let shown = |state: &str| {
        let keys = format!("state:{state}");
        let stage = unheard(120, 40).keys("3 f /").types(&keys).keys("enter");
        stage.text().matches("gone ").count()
    };
    assert!(shown("gone") >= incidents().len());
    assert_eq!(shown("open"), 0);
    let back = unheard(120, 40).report(answer("am", 0, facts_of_incidents(incidents())));
    assert_eq!(rings(&back), 0);
    let text = back.keys("3 f").text();
    assert!(!text.contains("gone "), "{text}");
}

#[test]
fn what_pages_is_counted_in_the_header_at_every_size() {
    for (width, height) in SIZES {
        let stage = alone(pages(5), width, height);
        let text = stage.text();
        assert!(header(&stage).contains("● 5"), "{width}x{height}: {text}");
        assert!(!text.contains("0 ok") && !text.contains("SLOs"), "{text}");
        let mut store = worlds::calm();
        store.absorb(answer("am", 0, facts_of_incidents(pages(3))));
        let stage = Stage::new(store, width, height);
        assert!(header(&stage).contains("● 3"), "{}", stage.text());
        assert!(header(&stage).contains("ok"), "{}", stage.text());
    }
    let quiet = Stage::new(worlds::calm(), 120, 40);
    assert!(!header(&quiet).contains("incidents"), "{}", quiet.text());
}

#[test]
fn without_a_source_of_slos_their_pane_folds_away_and_its_key_still_shows_it() {
    for (width, height) in [(80, 24), (120, 40)] {
        let text = alone(pages(2), width, height).text();
        let row = text.lines().position(|line| line.contains("shop0"));
        assert!(row.is_some_and(|row| row < 8), "{text}");
        let text = alone(pages(2), width, height).keys("1").text();
        assert!(text.contains("SLOs"), "{text}");
    }
}

#[test]
fn an_untaken_page_that_grows_rings_and_says_by_how_many() {
    let of = |alerts: usize| {
        let row = Incident {
            alerts,
            ..page("b1", "node-exporter")
        };
        answer("am", 0, facts_of_incidents(vec![row]))
    };
    let start = || alone(Vec::new(), 120, 40).later(MINUTE + 1).report(of(1));
    assert_eq!(rings(&start()), 1);
    let grown = start().report(of(6));
    assert_eq!(rings(&grown), 2);
    let text = grown.clone().keys("3").text();
    assert!(text.contains("6 alerts, 5 new"), "{text}");
    let small = alone(Vec::new(), 40, 12).later(MINUTE + 1);
    let small = small.report(of(1)).report(of(6)).keys("3").text();
    assert!(small.contains("5 new"), "{small}");
    // One that comes and goes is new once, and what is taken makes no sound.
    assert_eq!(rings(&grown.clone().report(of(5)).report(of(6))), 2);
    let later = grown.later(11 * MINUTE).report(of(6)).keys("3").text();
    assert!(!later.contains("new"), "{later}");
    let taken = |alerts: usize| {
        let row = Incident {
            alerts,
            status: watchfire::domain::IncidentStatus::Silenced,
            ..page("b1", "node-exporter")
        };
        answer("am", 0, facts_of_incidents(vec![row]))
    };
    assert_eq!(rings(&start().report(taken(1)).report(taken(6))), 1);
}

#[test]
fn an_alert_that_is_to_begin_has_not_begun() {
    let row = Incident {
        opened_at: Some(ago(-10 * MINUTE)),
        ..incident("1", "planned", "shop", Severity::Page, 0)
    };
    let text = alone(vec![row], 120, 40).text();
    assert!(text.contains("in 10m"), "{text}");
}

#[test]
fn an_answer_in_part_takes_no_row_away() {
    let part = Facts {
        fault: Some(watchfire::domain::Fault::new(
            FaultKind::Timeout,
            "page 2: no answer within 10s",
        )),
        ..facts_of_incidents(Vec::new())
    };
    let text = Stage::new(worlds::burning(), 120, 40)
        .report(answer("am", 0, part))
        .keys("3")
        .text();
    assert!(text.contains("gone"), "{text}");
}
