//! The release that may be behind a burn: its mark, the key that leads there, and why.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::slo::{Course, Point, Slice};
use watchfire::store::Store;

use super::facts::{
    MINUTE, ago, answer, burning_slos, facts_of_incidents, facts_of_releases, facts_of_slos, feeds,
    incidents, releases,
};
use super::stage::{SIZES, Stage};
use crate::at_every_size;

/// Six hours by the minute, of which the last ones burn.
pub(crate) fn course(minutes: i64) -> Course {
    let slice = |minute: i64| Slice {
        at: ago(minute * MINUTE),
        bad: if minute < minutes { 22.0 } else { 0.2 },
        total: 1_000.0,
    };
    Course {
        slices: (0..=360).rev().map(slice).collect(),
        from: ago(360 * MINUTE),
        step: SignedDuration::from_mins(1),
        width: SignedDuration::from_mins(1),
        counted: true,
    }
}

/// The burning world, in which `checkout` burns for so many minutes.
pub(crate) fn world(minutes: i64) -> Store {
    let mut slos = burning_slos();
    for seen in &mut slos {
        if seen.slo.service.raw() == "checkout" {
            seen.courses = Arc::from([course(minutes)]);
        }
    }
    let mut store = Store::new(feeds());
    for report in [
        answer("prom-eu", 3, facts_of_slos(slos)),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 12, facts_of_incidents(incidents())),
    ] {
        store.absorb(report);
    }
    store
}

#[test]
fn the_suspect_is_marked_at_every_size() {
    at_every_size("suspect", |width, height| {
        Stage::new(world(17), width, height)
    });
}

#[test]
fn the_detail_says_since_when_it_burns_and_why_a_release_is_suspected() {
    at_every_size("suspect_detail", |width, height| {
        Stage::new(world(17), width, height).keys("enter")
    });
}

#[test]
fn a_key_leads_from_what_burns_to_the_suspect_even_through_a_filter() {
    // The smallest has no room for the title of a detail.
    for (width, height) in SIZES.into_iter().skip(1) {
        for keys in ["d", "enter d", "2 / a v a i l enter 1 d"] {
            let text = Stage::new(world(17), width, height).keys(keys).text();
            assert!(
                text.contains("checkout v2.31.0") && text.contains("suspect"),
                "{keys} at {width}x{height}:\n{text}"
            );
        }
    }
}

#[test]
fn where_no_release_explains_a_burn_none_is_marked() {
    // The release came while it burned already.
    let stage = Stage::new(world(60), 120, 40);
    assert!(!stage.text().contains('◀'), "{}", stage.text());
    let detail = stage.keys("enter").text();
    assert!(detail.contains("no release explains this"), "{detail}");
    let text = Stage::new(world(60), 120, 40).keys("d").text();
    assert!(text.contains("no release is a suspect of this"), "{text}");
}

#[test]
fn an_onset_that_is_not_found_is_older_only_where_it_always_burned() {
    let began = |burns: &dyn Fn(Timestamp) -> bool| {
        let mut slos = burning_slos();
        let checkout = slos
            .iter_mut()
            .find(|seen| seen.slo.id().raw() == "checkout/availability");
        let seen = checkout.expect("the SLO that burns");
        let history = seen.history.iter().map(|point| Point {
            ratio: if burns(point.at) { 0.05 } else { 0.000_01 },
            ..point
        });
        seen.history = history.collect();
        // The same all the time: no beginning can be found in it.
        let mut flat = course(17);
        let slices = flat.slices.iter().map(|slice| Slice {
            bad: slice.total * 0.05,
            ..*slice
        });
        flat.slices = slices.collect();
        seen.courses = Arc::from([flat]);
        let stage = Stage::new(world(17), 80, 24);
        let text = stage
            .report(answer("prom-eu", 0, facts_of_slos(slos)))
            .text();
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    let always = began(&|_| true);
    assert!(always.contains("burning >"), "{always}");
    let just_now = began(&|at| at > ago(5 * 60));
    assert!(just_now.contains("burning  "), "{just_now}");
}
