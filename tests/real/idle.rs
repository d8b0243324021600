//! What the screen costs while nothing happens.

use std::time::Instant;

use crate::history::{SERVICES, prometheus, this_minute};
use crate::program::{processor_time, screen};
use crate::prometheus::by_hand;
use crate::pty::{Pty, first_row};
use crate::rules;
use crate::server::{encoded, wait_until};

/// The most bytes that half a minute may cost.
const MAX_BYTES: usize = 2_000;
/// The most processor time it may cost, in percent of a core. What is promised is 0.5 of a release
/// build; this bound holds for a build without optimisation, and tells a busy loop from none.
const MAX_PROCESSOR: f64 = 3.0;

/// Waits until the clock on the screen has moved on by so many seconds.
fn let_pass(pty: &Pty, seconds: u32) {
    for _ in 0..seconds {
        let before = pty.first_row();
        pty.wait("another second", |screen| first_row(screen) != before);
    }
}

#[test]
fn half_a_minute_of_22_slos_costs_next_to_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let services: Vec<_> = SERVICES.iter().collect();
    let rules: String = services
        .iter()
        .map(|service| rules::sloth(service.name))
        .collect();
    // Rules over 30 days keep the server busy enough at this pace.
    let rules = rules.replace("\n  rules:", "\n  interval: 5s\n  rules:");
    let end = this_minute();
    let server = prometheus(dir.path(), &services, &format!("groups:\n{rules}"), end);
    for (series, count) in [("sloth_slo_info", 11), ("slo:sli_error:ratio_rate30d", 8)] {
        let query = encoded(&format!("count({series}) == {count}"));
        wait_until(
            &server.url,
            &format!("/api/v1/query?query={query}"),
            |answer| answer["data"]["result"][0].is_object(),
        );
    }
    by_hand(dir.path(), &server.url);
    let pty = screen(dir.path(), &["--config", "watchfire.toml"]);
    pty.wait_for(" 22 · worst first · prod live");
    let_pass(&pty, 5);

    pty.take_bytes();
    let (began, before) = (Instant::now(), processor_time(pty.pid()));
    let_pass(&pty, 30);
    let bytes = pty.take_bytes().len();
    let spent = processor_time(pty.pid()).saturating_sub(before);
    let share = 100.0 * spent.as_secs_f64() / began.elapsed().as_secs_f64();
    assert!(bytes < MAX_BYTES, "{bytes} bytes");
    assert!(share < MAX_PROCESSOR, "{share:.2} % of a core");
}
