//! Awake mode: more of the fire that woke somebody folds and does not ring; anything else does.

use std::sync::Arc;

use watchfire::domain::{Incident, IncidentStatus, Me, OnCall, Report, Service, Severity};
use watchfire::store::Store;

use super::bell::{also, page, rings};
use super::facts::{
    Burns, MINUTE, answer, burning_slos, calm_slos, facts_of_incidents, facts_of_slos, incidents,
    observe, slo,
};
use super::stage::{SIZES, Stage, squeezed};
use super::{suspects, worlds};
use crate::at_every_size;

const HALF_AN_HOUR: i64 = 30 * MINUTE;

/// More of what burns already.
fn more(id: &str, severity: Severity) -> Incident {
    Incident {
        severity,
        title: format!("checkout symptom {id}").into(),
        ..page(id, "checkout")
    }
}

fn three() -> Vec<Incident> {
    vec![
        more("b1", Severity::Page),
        more("b2", Severity::Page),
        more("b3", Severity::Ticket),
    ]
}

/// The burning world, in which somebody woke.
fn awake(width: u16, height: u16) -> Stage {
    Stage::new(worlds::burning(), width, height).keys("3 w")
}

/// The rows of the incident pane that name a symptom.
fn symptoms(stage: &Stage) -> usize {
    let text = stage.text();
    // Left of the detail, which lists what is folded.
    let lines = text.lines().filter_map(|line| line.split('│').next());
    lines.filter(|line| line.contains("symptom")).count()
}

#[test]
fn more_of_the_same_fire_folds_under_its_first_incident_and_does_not_ring() {
    at_every_size("awake", |width, height| {
        let stage = awake(width, height).report(also(three()));
        assert_eq!(rings(&stage), 0);
        assert_eq!(symptoms(&stage), 0);
        stage
    });
}

#[test]
fn the_footer_says_how_long_it_lasts_and_how_many_are_folded_at_every_size() {
    for (width, height) in SIZES {
        let stage = awake(width, height).later(2 * MINUTE + 1);
        let last = |stage: &Stage| stage.text().lines().last().unwrap_or_default().to_owned();
        let words = last(&stage);
        assert!(
            words.contains("muted 28m") && !words.contains("folded"),
            "{words}"
        );
        let words = last(&stage.report(also(three())));
        assert!(words.contains("muted 28m · 3 folded"), "{words}");
    }
}

#[test]
fn without_awake_mode_the_same_incidents_have_rows_and_ring() {
    let stage = Stage::new(worlds::burning(), 120, 40).keys("3");
    let stage = stage.report(also(three()));
    assert_eq!((rings(&stage), symptoms(&stage)), (1, 3));
}

#[test]
fn what_is_folded_is_told_in_the_detail_of_what_it_is_under() {
    at_every_size("awake_detail", |width, height| {
        awake(width, height).report(also(three())).keys("enter")
    });
    let text = awake(120, 40).report(also(three())).keys("enter").text();
    assert!(text.contains("folded under it"), "{text}");
    for id in ["b1", "b2", "b3"] {
        assert_eq!(text.matches(&format!("symptom {id}")).count(), 1, "{text}");
    }
}

#[test]
fn a_filter_finds_what_is_folded_and_its_detail_says_under_what() {
    let stage = awake(120, 40).report(also(three())).keys("/");
    let stage = stage.types("state:folded").keys("enter");
    assert_eq!(symptoms(&stage), 3);
    assert!(stage.text().contains("3 of 7"), "{}", stage.text());
    let detail = stage.keys("enter").text();
    let under = "folded under checkout burns its error budget";
    assert!(detail.contains(under), "{detail}");
    let stage = awake(120, 40).report(also(three())).keys("/");
    assert_eq!(symptoms(&stage.types("b2").keys("enter")), 1);
}

#[test]
fn what_is_folded_is_counted_wherever_incidents_are_counted() {
    for (width, height) in SIZES {
        for keys in ["3 w", "3"] {
            let stage = Stage::new(worlds::burning(), width, height).keys(keys);
            let text = stage.report(also(three())).text();
            let title = text.lines().find(|line| line.contains("3 Incidents"));
            let title = title.expect("a title");
            assert!(title.contains(" 7 "), "{keys}: {title}");
        }
    }
}

#[test]
fn a_different_service_rings_and_has_its_row() {
    let stage = awake(120, 40).report(also(vec![page("b1", "cart")]));
    assert_eq!(rings(&stage), 1);
    assert!(squeezed(&stage.text()).contains("cart answers with errors"));
}

#[test]
fn what_was_there_at_the_key_press_keeps_its_row() {
    let stage = Stage::new(worlds::burning(), 120, 40).report(also(three()));
    let stage = stage.keys("3 w").report(also(three()));
    assert_eq!(symptoms(&stage), 3);
}

#[test]
fn what_somebody_took_or_silenced_has_a_row_of_its_own() {
    for status in [IncidentStatus::Acknowledged, IncidentStatus::Silenced] {
        let taken = Incident {
            status,
            ..more("b1", Severity::Page)
        };
        let stage = awake(120, 40).report(also(three()));
        assert_eq!(symptoms(&stage), 0);
        assert_eq!(symptoms(&stage.report(also(vec![taken]))), 1, "{status:?}");
    }
}

#[test]
fn nothing_folds_under_what_is_less_severe_silenced_or_over() {
    let first = |severity, status| Incident {
        status,
        title: "checkout is slow".into(),
        ..Incident {
            severity,
            ..page("a1", "checkout")
        }
    };
    let report = |rows: Vec<Incident>| answer("am", 0, facts_of_incidents(rows));
    for (severity, status) in [
        (Severity::Ticket, IncidentStatus::Triggered),
        (Severity::Page, IncidentStatus::Silenced),
        (Severity::Page, IncidentStatus::Resolved),
    ] {
        let first = first(severity, status);
        let stage = Stage::new(worlds::burning(), 120, 40);
        let stage = stage.report(report(vec![first.clone()])).keys("3 w");
        let two = vec![more("b1", Severity::Page), more("b2", Severity::Page)];
        let rows = two.into_iter().chain([first]).collect();
        let stage = stage.report(report(rows));
        // The worst is lifted, and the other one is under that.
        assert_eq!(
            symptoms(&stage),
            1,
            "{severity} {status:?}\n{}",
            stage.text()
        );
        assert!(stage.text().contains("symptom b1 +1 folded"));
        assert_eq!(rings(&stage), 0);
    }
}

/// The world of a suspect, in which `search` needs `checkout`.
fn dependent() -> Store {
    let service = Service {
        name: "search".to_owned(),
        depends_on: vec!["checkout".to_owned()],
        ..Service::default()
    };
    suspects::world(17).with_services(vec![service])
}

/// What burns by the release of what it needs.
fn by_the_same_release() -> Report {
    let mut slos = burning_slos();
    for seen in &mut slos {
        if ["checkout", "search"].contains(&seen.slo.service.raw()) {
            seen.courses = Arc::from([suspects::course(17)]);
        }
    }
    answer("prom-eu", 0, facts_of_slos(slos))
}

#[test]
fn an_incident_whose_suspect_is_the_release_of_the_fire_folds_and_does_not_ring() {
    let rows = || also(vec![page("b1", "search"), page("b2", "cart")]);
    let stage = Stage::new(dependent(), 120, 40).report(by_the_same_release());
    let stage = stage.keys("3 w").report(rows());
    let text = squeezed(&stage.text());
    assert!(text.contains("+1 folded"), "{text}");
    assert!(!text.contains("search answers"), "{text}");
    assert!(text.contains("cart answers"), "{text}");
    assert_eq!(rings(&stage), 1, "for the cart");
    // Also when the release is suspected only after the key press.
    let stage = Stage::new(dependent(), 120, 40).keys("3 w");
    let stage = stage.report(by_the_same_release()).report(rows());
    assert!(
        !squeezed(&stage.text()).contains("search answers"),
        "{}",
        stage.text()
    );
    // Without a suspect of its own it is a fire of its own.
    let stage = Stage::new(dependent(), 120, 40).keys("3 w").report(rows());
    assert!(
        squeezed(&stage.text()).contains("search answers"),
        "{}",
        stage.text()
    );
}

#[test]
fn what_is_mine_is_not_folded_under_what_is_not_shown_to_me() {
    let me = Me {
        name: "mara".to_owned(),
        ..Me::default()
    };
    let shift = OnCall {
        who: "mara".into(),
        services: vec!["search".into()],
        ..OnCall::default()
    };
    let rows = incidents().into_iter().chain([page("b1", "search")]);
    let mut facts = facts_of_incidents(rows.collect());
    facts.on_call = Some(vec![shift]);
    let stage = Stage::new(dependent().with_me(me), 120, 40);
    let stage = stage.report(by_the_same_release()).keys("3 w");
    let stage = stage.report(answer("am", 0, facts));
    assert!(
        !squeezed(&stage.text()).contains("search answers"),
        "{}",
        stage.text()
    );
    let text = squeezed(&stage.keys("u").text());
    assert!(text.contains("search answers"), "{text}");
}

#[test]
fn the_first_stays_the_first_when_somebody_takes_it() {
    let first = |status| Incident {
        status,
        ..more("b0", Severity::Page)
    };
    let report = |status, rest: Vec<Incident>| {
        let all = rest.into_iter().chain([first(status)]);
        also(all.collect())
    };
    let stage = Stage::new(worlds::burning(), 120, 40);
    let stage = stage.report(report(IncidentStatus::Triggered, Vec::new()));
    let stage = stage.keys("3 w");
    let stage = stage.report(report(IncidentStatus::Triggered, three()));
    let stage = stage.report(report(IncidentStatus::Acknowledged, three()));
    assert!(
        stage.text().contains("symptom b0 +3 folded"),
        "{}",
        stage.text()
    );
}

#[test]
fn an_slo_of_the_same_fire_does_not_ring() {
    let again = |stage: Stage| {
        let mut slos = burning_slos();
        let burns = Burns([30.0; 7], 0.1);
        let errors = slo("checkout", "errors", 0.99, "30d");
        slos.push(observe(errors, &burns, |_| 30.0));
        stage.report(answer("prom-eu", 0, facts_of_slos(slos)))
    };
    assert_eq!(rings(&again(awake(120, 40))), 0);
    assert_eq!(rings(&again(Stage::new(worlds::burning(), 120, 40))), 1);
}

#[test]
fn after_half_an_hour_rows_unfold_quietly_and_the_next_page_rings() {
    let stage = awake(120, 40).report(also(three()));
    let stage = stage.later(HALF_AN_HOUR - 1);
    assert_eq!(symptoms(&stage), 0);
    assert!(
        stage.text().contains("muted 1m · 3 folded"),
        "{}",
        stage.text()
    );
    let stage = stage.later(1);
    assert!(stage.text().contains("mute is over: 3 unfolded"));
    let stage = stage.report(also(three()));
    assert_eq!((rings(&stage), symptoms(&stage)), (0, 3));
    let rows = three().into_iter().chain([more("b4", Severity::Page)]);
    let stage = stage.report(also(rows.collect()));
    assert_eq!((rings(&stage), symptoms(&stage)), (1, 4));
}

#[test]
fn a_second_press_ends_it_quietly_and_says_so() {
    let stage = awake(120, 40);
    let said = "muted 30m: checkout (new incidents fold, no bell)";
    assert!(stage.text().contains(said), "{}", stage.text());
    let stage = stage.report(also(three())).keys("w");
    assert!(stage.text().contains("mute is off: 3 unfolded"));
    assert!(!stage.text().contains("muted 30m"));
    let stage = stage.report(also(three()));
    assert_eq!((rings(&stage), symptoms(&stage)), (0, 3));
}

#[test]
fn where_nothing_pages_it_does_not_start() {
    let stage = Stage::new(worlds::calm(), 120, 40).keys("w");
    assert!(stage.text().contains("nothing pages"), "{}", stage.text());
    let stage = stage.report(also(vec![more("b1", Severity::Page)]));
    assert_eq!(rings(&stage), 1);
}

#[test]
fn where_what_pages_names_no_service_it_does_not_start() {
    let nameless = answer("am", 0, facts_of_incidents(vec![page("b1", "")]));
    let stage = Stage::new(worlds::calm(), 120, 40).report(nameless);
    let text = stage.keys("w").text();
    assert!(text.contains("what pages has no service"), "{text}");
}

#[test]
fn an_incident_is_judged_when_it_comes_also_while_the_view_stands_still() {
    let stage = Stage::new(dependent(), 120, 40).keys("3 w p");
    let stage = stage.report(by_the_same_release());
    let stage = stage.report(also(vec![page("b1", "search")]));
    // What burned by the release is over before anybody looks.
    let stage = stage.report(answer("prom-eu", 0, facts_of_slos(calm_slos())));
    let text = stage.keys("p").text();
    assert!(text.contains("+1 folded"), "{text}");
}

#[test]
fn a_clock_that_is_set_does_not_keep_it_on() {
    for seconds in [-2 * HALF_AN_HOUR, 2 * HALF_AN_HOUR] {
        let text = awake(120, 40).later(seconds).text();
        assert!(text.contains("mute is over"), "{text}");
    }
}

#[test]
fn a_view_that_stands_still_folds_what_came_meanwhile_when_it_goes_on() {
    let stage = awake(120, 40).keys("p").report(also(three()));
    assert_eq!((rings(&stage), symptoms(&stage)), (0, 0));
    let stage = stage.keys("p");
    assert_eq!(symptoms(&stage), 0);
    assert!(stage.text().contains("+3 folded"), "{}", stage.text());
}
