//! Rows of SLOs whose numbers are easily misread.

use watchfire::domain::{Observation, Reading};

use super::facts::{HOUR, ago, calm_slo};
use super::stage::Stage;
use super::worlds;

/// The row of a service on a wide screen that shows nothing but these.
fn row(slos: Vec<Observation>, service: &str) -> String {
    let text = Stage::new(worlds::of_slos(slos), 200, 50).text();
    let mut rows = text.lines().filter(|line| line.contains(service));
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
