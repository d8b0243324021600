//! Key scripts against whole frames: what a person sees after pressing these keys.
#![expect(clippy::expect_used, reason = "a test may panic")]

mod screens {
    pub mod stage;
    pub mod worlds;
}

use screens::stage::{SIZES, Stage};
use screens::worlds;

/// One snapshot per size: the text of the whole frame and, below it, its styles.
fn at_every_size(name: &str, stage: impl Fn(u16, u16) -> Stage) {
    for (width, height) in SIZES {
        let picture = stage(width, height).picture();
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture);
    }
}

#[test]
fn a_burning_world_leads_the_eye_to_what_burns() {
    at_every_size("burning", |width, height| {
        Stage::new(worlds::burning(), width, height)
    });
}

#[test]
fn a_calm_world_is_quiet() {
    at_every_size("calm", |width, height| {
        Stage::new(worlds::calm(), width, height)
    });
}

#[test]
fn a_blind_world_says_so_and_claims_nothing() {
    at_every_size("blind", |width, height| {
        Stage::new(worlds::blind(), width, height)
    });
}

#[test]
fn nothing_answered_yet_is_not_nothing_wrong() {
    at_every_size("waiting", |width, height| {
        Stage::new(worlds::waiting(), width, height)
    });
}

#[test]
fn answered_that_there_is_none_is_explained() {
    at_every_size("none", |width, height| {
        Stage::new(worlds::none(), width, height)
    });
}

#[test]
fn the_detail_of_an_slo_explains_it() {
    at_every_size("slo_detail", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("enter")
    });
}
