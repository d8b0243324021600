//! The terminal's bell: what rings it, and what does not.

use watchfire::app::Effect;
use watchfire::config::{BellChoice, NotifyChoice, Settings, UiSettings};
use watchfire::domain::{
    Fault, FaultKind, Incident, IncidentStatus, OnCall, Report, Severity, SourceName,
};
use watchfire::store::Store;

use super::facts::{
    Burns, HOUR, MINUTE, answer, burning_slos, calm_slos, facts_of_incidents, facts_of_slos,
    failure, feeds, incident, incidents, observe, slo,
};
use super::stage::Stage;
use super::worlds;

/// A page of a service that was quiet so far.
pub(crate) fn page(id: &str, service: &str) -> Incident {
    let title = format!("{service} answers with errors");
    incident(id, &title, service, Severity::Page, 5)
}

/// The incidents of the small worlds, and these.
pub(crate) fn also(more: Vec<Incident>) -> Report {
    let all = incidents().into_iter().chain(more);
    answer("am", 0, facts_of_incidents(all.collect()))
}

/// How often the bell rang.
pub(crate) fn rings(stage: &Stage) -> usize {
    let rings = stage.effects.iter();
    rings.filter(|effect| **effect == Effect::Ring).count()
}

fn burning() -> Stage {
    Stage::new(worlds::burning(), 120, 40)
}

#[test]
fn a_new_page_rings_once_and_no_later_answer_rings_for_it_again() {
    let stage = burning().report(also(Vec::new()));
    assert_eq!(rings(&stage), 0, "nothing new");
    let stage = stage.report(also(vec![page("b1", "cart")]));
    assert_eq!(rings(&stage), 1);
    let again = also(vec![page("b1", "cart")]);
    let stage = stage.report(again.clone()).later(600).report(again);
    assert_eq!(rings(&stage), 1);
}

#[test]
fn what_rings_is_shown_on_the_desktop_where_that_is_asked_for() {
    let ui = UiSettings {
        bell: BellChoice::Off,
        notify: NotifyChoice::Osc9,
        ..Settings::empty().ui
    };
    let stage = Stage::with_settings(worlds::burning(), 120, 40, &ui);
    let stage = stage.report(also(vec![page("b1", "cart"), page("b2", "stock")]));
    let [Effect::Notify(NotifyChoice::Osc9, text)] = stage.effects.as_slice() else {
        panic!("{:?}", stage.effects);
    };
    assert!(
        text.starts_with("b1 PAGE cart: cart answers with errors"),
        "{text}"
    );
    assert!(text.ends_with("(+1 more)"), "{text}");
    let stage = stage.report(also(vec![page("b1", "cart"), page("b2", "stock")]));
    assert_eq!(stage.effects.len(), 1, "once");
}

#[test]
fn any_number_of_new_pages_of_an_answer_are_one_ring() {
    let more = ["auth", "cart", "stock"].map(|service| page(service, service));
    assert_eq!(rings(&burning().report(also(more.to_vec()))), 1);
}

#[test]
fn what_is_no_page_or_what_somebody_has_or_silenced_does_not_ring() {
    let of = |status| Incident {
        status,
        ..page("b1", "cart")
    };
    let ticket = Incident {
        severity: Severity::Ticket,
        ..page("b1", "cart")
    };
    let quiet = [
        of(IncidentStatus::Acknowledged),
        of(IncidentStatus::Silenced),
        of(IncidentStatus::Resolved),
        ticket,
    ];
    for row in quiet {
        let stage = burning().report(also(vec![row.clone()]));
        assert_eq!(rings(&stage), 0, "{row:?}");
        // And when that changes it is a page that nobody has heard.
        let stage = stage.report(also(vec![page("b1", "cart")]));
        assert_eq!(rings(&stage), 1, "{row:?}");
    }
    let stage = burning().report(also(vec![page("b1", "cart")]));
    let stage = stage.report(also(vec![of(IncidentStatus::Silenced)]));
    let stage = stage.report(also(vec![page("b1", "cart")]));
    assert_eq!(rings(&stage), 1, "a silence that ends is no second page");
}

#[test]
fn what_burns_when_somebody_comes_to_the_screen_does_not_ring() {
    let stage = Stage::new(Store::new(feeds()), 120, 40);
    let stage = stage.later(10).report(also(Vec::new()));
    let slos = answer("prom-eu", 0, facts_of_slos(burning_slos()));
    assert_eq!(rings(&stage.report(slos)), 0);
}

#[test]
fn the_rest_of_a_first_answer_does_not_ring_either() {
    let mut part = facts_of_slos(calm_slos());
    part.more = true;
    let stage = Stage::new(Store::new(feeds()), 120, 40);
    let stage = stage.report(answer("prom-eu", 0, part));
    let slos = answer("prom-eu", 0, facts_of_slos(burning_slos()));
    assert_eq!(rings(&stage.report(slos)), 0);
}

#[test]
fn a_source_that_is_heard_for_the_first_time_later_on_brings_news() {
    let stage = Stage::new(Store::new(feeds()), 120, 40).later(61);
    assert_eq!(rings(&stage.report(also(Vec::new()))), 1);
}

#[test]
fn a_source_that_was_down_rings_for_what_is_new_and_not_for_what_was_there() {
    let down = || {
        let stage = burning().report(failure("am", FaultKind::Connect, "connection refused"));
        stage.later(HOUR)
    };
    assert_eq!(rings(&down().report(also(Vec::new()))), 0);
    let stage = down().report(also(vec![page("b1", "cart")]));
    assert_eq!(rings(&stage), 1);
}

#[test]
fn a_row_that_is_missing_in_half_an_answer_does_not_ring_when_it_comes_back() {
    let mut half = facts_of_slos(Vec::new());
    half.fault = Some(Fault::new(FaultKind::Timeout, "discovery: no answer"));
    let whole = || answer("prom-eu", -HOUR, facts_of_slos(burning_slos()));
    let stage = burning().report(answer("prom-eu", 0, half)).later(HOUR);
    assert_eq!(rings(&stage.report(whole())), 0);
    // Of a whole answer that it is not in, it is over, and it begins anew.
    let none = answer("prom-eu", 0, facts_of_slos(calm_slos()));
    let stage = burning().report(none).later(HOUR).report(whole());
    assert_eq!(rings(&stage), 1);
}

#[test]
fn an_alert_that_fires_anew_rings_and_one_that_flaps_does_not() {
    let began = |seconds| Incident {
        opened_at: Some(super::facts::ago(seconds)),
        ..page("b1", "cart")
    };
    let first = || {
        burning()
            .report(also(vec![began(5)]))
            .report(also(Vec::new()))
    };
    let flaps = first().later(MINUTE).report(also(vec![began(-50)]));
    assert_eq!(rings(&flaps), 1);
    let anew = first().later(HOUR).report(also(vec![began(-HOUR)]));
    assert_eq!(rings(&anew), 2);
    let back = first().later(HOUR).report(also(vec![began(5)]));
    assert_eq!(rings(&back), 1, "it began when it began");
}

#[test]
fn an_slo_that_begins_to_page_rings() {
    let stage = Stage::new(worlds::calm(), 120, 40);
    let slos = || answer("prom-eu", 0, facts_of_slos(burning_slos()));
    let stage = stage.report(slos()).report(slos());
    assert_eq!(rings(&stage), 1);
    let mut worse = burning_slos();
    let burns = Burns([30.0; 7], 0.1);
    worse[1] = observe(slo("search", "latency", 0.99, "30d"), &burns, |_| 30.0);
    let stage = stage.report(answer("prom-eu", 0, facts_of_slos(worse)));
    assert_eq!(rings(&stage), 2);
}

#[test]
fn a_view_that_stands_still_or_is_filtered_rings_for_the_present() {
    for keys in ["p", "3 / n o t h i n g enter", "enter"] {
        let stage = burning().keys(keys).report(also(vec![page("b1", "cart")]));
        assert_eq!(rings(&stage), 1, "{keys}");
    }
}

#[test]
fn who_looks_at_their_own_rows_is_not_rung_for_others() {
    let me = watchfire::domain::Me {
        name: "mara".to_owned(),
        ..watchfire::domain::Me::default()
    };
    let shift = OnCall {
        who: "mara".into(),
        services: vec!["checkout".into()],
        ..OnCall::default()
    };
    let report = |service: &str| {
        let mut facts = facts_of_incidents(vec![page("b1", service)]);
        facts.on_call = Some(vec![shift.clone()]);
        answer("am", 0, facts)
    };
    for (service, keys, count) in [("cart", "u", 0), ("checkout", "u", 1), ("cart", "", 1)] {
        let stage = Stage::new(worlds::burning().with_me(me.clone()), 120, 40);
        let stage = stage.keys(keys).report(report(service));
        assert_eq!(rings(&stage), count, "{service} after {keys:?}");
    }
}

#[test]
fn a_bell_that_is_off_never_rings() {
    let stage = Stage::with_bell(worlds::burning(), BellChoice::Off);
    assert_eq!(rings(&stage.report(also(vec![page("b1", "cart")]))), 0);
}

#[test]
fn a_source_that_nobody_configured_rings_for_nothing() {
    let mut report = also(vec![page("b1", "cart")]);
    report.source = SourceName::new("stranger");
    assert_eq!(rings(&burning().report(report)), 0);
}
