//! The tour of the screen, the caption of a demo, and themes that are chosen by name.

use jiff::SignedDuration;
use watchfire::app::{Effect, Msg, Story};
use watchfire::config::ThemeChoice;
use watchfire::demo::chapters;
use watchfire::store::Store;

use super::stage::{Stage, now};
use super::worlds;

#[test]
fn the_tour_goes_through_its_steps_and_keys_do_nothing_else_meanwhile() {
    let mut stage = Stage::new(worlds::burning(), 120, 40)
        .keys(":")
        .types("tour")
        .keys("enter");
    let mut seen = Vec::new();
    while stage.text().contains(" of 8") {
        let text = stage.text();
        let step = text
            .lines()
            .find(|line| line.contains("tour"))
            .expect("its title")
            .to_owned();
        assert!(!seen.contains(&step), "{step}");
        seen.push(step);
        stage = stage.keys("a s x enter");
    }
    assert_eq!(seen.len(), 8);
    assert_eq!(stage.effects, Vec::new());
    let closed = Stage::new(worlds::burning(), 120, 40);
    let left = closed
        .clone()
        .keys(":")
        .types("tour")
        .keys("enter down esc");
    assert_eq!(left.text(), closed.text());
}

#[test]
fn the_caption_of_a_demo_follows_its_story_at_every_speed() {
    for word in ["1", "5", "60"] {
        let speed: watchfire::demo::Speed = word.parse().expect("a speed");
        let factor: f64 = word.parse().expect("a number");
        let chapters = chapters(speed);
        let story = Story::new(now(), chapters);
        let mut stage = Stage::new(Store::new(Vec::new()), 120, 40);
        stage.model = stage.model.with_story(story);
        let caption = |at: f64| {
            let mut stage = stage.clone();
            stage.now += SignedDuration::from_secs_f64(at / factor);
            let text = stage.text();
            let line = text.lines().find(|line| line.contains(" demo "));
            line.map(str::to_owned).unwrap_or_default()
        };
        for (at, words) in [
            (5.0, "all is calm"),
            (
                25.0,
                "checkout v2.38.0 is rolling out · press d when it pages",
            ),
            (40.0, "requests fail"),
            (80.0, "checkout pages · d suspect release"),
            (151.0, "rolled back"),
        ] {
            let shown = caption(at);
            assert!(shown.contains(words), "{speed:?} {at}: {shown}");
        }
    }
    let stage = Stage::new(worlds::blind(), 120, 40);
    let story = Story::new(now(), chapters(watchfire::demo::Speed::default()));
    let mut told = stage.clone();
    told.model = told.model.with_story(story);
    assert_eq!(
        told.text(),
        stage.text(),
        "what is wrong with a source is said first"
    );
}

#[test]
fn a_theme_is_chosen_by_its_name() {
    for (word, theme) in ThemeChoice::ALL {
        let stage = Stage::new(worlds::calm(), 120, 40);
        let stage = stage
            .keys(":")
            .types(&format!("theme {word}"))
            .keys("enter");
        assert_eq!(stage.effects, [Effect::Theme(theme)], "{word}");
    }
    let mut stage = Stage::new(worlds::calm(), 120, 40).keys(":");
    stage.tell(Msg::Paste("theme\nlight\u{7}\n".to_owned()));
    assert_eq!(stage.effects, Vec::new(), "a paste never acts");
    assert!(stage.text().contains(":theme light"), "{}", stage.text());
}
