//! The README's picture: the screen of the burning world, drawn as SVG.
//!
//! `INSTA_UPDATE=always cargo test --test screens` (or `UPDATE=1`) draws it again.

use std::path::Path;
use std::{env, fs};

use watchfire::ui::picture::svg;

use super::facts::{answer, facts_of_releases};
use super::stage::Stage;
use super::suspects::world;

/// The size of the terminal, in cells.
const TERMINAL: (u16, u16) = (120, 36);
/// What the picture shows, for those who cannot see it; the README says the same.
const LABEL: &str = "watchfire in a terminal: checkout pages, 31 % of its budget is left; its release \
                     v2.31.0 is the suspect, and an incident of the same service is open";

#[test]
fn the_picture_of_the_readme_is_the_screen_of_today() {
    let mut store = world(17);
    store.absorb(answer("argocd", 6, facts_of_releases(Vec::new())));
    let stage = Stage::new(store, TERMINAL.0, TERMINAL.1);
    let picture = svg(&stage.draw_at(TERMINAL.0, TERMINAL.1), LABEL);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screen.svg");
    let is_update = env::var("INSTA_UPDATE").is_ok_and(|how| how == "always");
    if is_update || env::var_os("UPDATE").is_some() {
        fs::write(path, picture).expect("the picture is written");
        return;
    }
    let drawn = fs::read_to_string(path).expect("the picture is there");
    assert!(
        drawn == picture,
        "INSTA_UPDATE=always draws the picture again"
    );
    let readme = include_str!("../../README.md");
    assert!(readme.contains(LABEL.split_once(": ").expect("a label").1));
}
