//! Rows of SLOs whose numbers are easily misread.

use std::sync::Arc;

use watchfire::domain::{Events, Observation, Reading, Slo};

use super::facts::{Burns, HOUR, ago, calm_slo, observe, slo};
use super::stage::Stage;
use super::worlds;

/// The row of a service on a wide screen that shows nothing but these.
fn row(slos: Vec<Observation>, service: &str) -> String {
    let text = Stage::new(worlds::of_slos(slos), 200, 50).text();
    // Left of the detail, and not the title of a pane.
    let lines = text.lines().filter_map(|line| line.split('│').next());
    let mut rows = lines.filter(|line| line.contains(service) && !line.starts_with('─'));
    rows.next().expect("its row").to_owned()
}

/// Where the curve of a row begins and ends, in columns.
fn curve(row: &str) -> (usize, usize) {
    let is_curve = |c: &char| ('▁'..='█').contains(c);
    // What the bar of the budget is drawn with comes before its percent.
    let after = row.chars().position(|c| c == '%').expect("a budget");
    let columns = || row.chars().enumerate().skip(after);
    let mut curve = columns().filter(|(_, c)| is_curve(c)).map(|(at, _)| at);
    let first = curve.next().expect("a curve");
    (first, curve.last().unwrap_or(first))
}

#[test]
fn the_trend_of_what_died_is_empty_since_then() {
    let mut dead = calm_slo("dead", "availability", 0.999, 0.9);
    dead.windows.change(|_, sample| {
        sample.reading = Reading::NoTraffic;
        sample.events = None;
    });
    let history = dead.history.iter().filter(|point| point.at < ago(2 * HOUR));
    dead.history = history.collect();
    let slos = vec![calm_slo("alive", "availability", 0.999, 0.9), dead];
    let (begin, end) = curve(&row(slos.clone(), "alive"));
    let (died_from, died_at) = curve(&row(slos, "dead"));
    assert_eq!(died_from, begin);
    let (lived, whole) = (died_at - begin, end - begin);
    assert!(lived * 5 < whole * 2, "{lived} of {whole} columns");
}

#[test]
fn a_page_that_is_held_back_is_told_beside_a_ticket_that_fires() {
    let mut sparse = observe(
        Slo {
            min_bad_events: 3.0,
            ..slo("billing", "invoices", 0.99, "30d")
        },
        &Burns([50.0, 30.0, 20.0, 5.0, 8.0, 4.0, 2.0], 0.53),
        |_| 0.0,
    );
    let few = Events {
        bad: 2.0,
        total: 10.0,
    };
    sparse.windows.change(|_, sample| sample.events = Some(few));
    let found = row(vec![sparse.clone()], "billing");
    assert!(found.contains('▲'), "{found}");
    assert!(found.contains("2 of 3 events"), "{found}");
    // With enough events it pages, and what matters is when nothing is left.
    let mut busy = sparse;
    busy.slo = Arc::new(Slo {
        min_bad_events: 2.0,
        ..(*busy.slo).clone()
    });
    let found = row(vec![busy], "billing");
    assert!(found.contains('●') && !found.contains("events"), "{found}");
}

#[test]
fn a_budget_overspent_beyond_three_digits_says_so() {
    let mut guess = calm_slo("guess", "availability", 0.999, -700.0);
    guess.since = Some(ago(9 * 24 * HOUR));
    let slos = vec![
        calm_slo("beyond", "availability", 0.999, -18.96),
        calm_slo("within", "availability", 0.999, -9.5),
        guess,
    ];
    for (service, budget) in [
        ("beyond", " <-999%"),
        ("within", " -950%"),
        ("guess", "~<-999%"),
    ] {
        let found = row(slos.clone(), service);
        assert!(found.contains(budget), "{found}");
    }
}
