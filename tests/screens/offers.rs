//! Footer and help offer what can be done here and now, and only that.

use watchfire::app::screen::Screen;
use watchfire::app::{Copied, CopiedTo, Memory, Msg, Playback};

use super::duty::night;
use super::stage::{Stage, now};
use super::suspects::world;
use super::worlds;

/// Keys whose use depends on the row, with their words in the help and in the footer.
const KEYS: [(&str, &str, &str); 18] = [
    ("a", "acknowledge", "acknowledge"),
    ("s", "silence, snooze", "silence, snooze"),
    ("n", " note ", "note"),
    ("o", "open link", "open link"),
    ("b", "runbook", "runbook"),
    ("d", "suspect release", "suspect"),
    ("x", "explain numbers", "explain"),
    ("y", "copy summary", "copy summary"),
    ("Y", "copy URL", "copy URL"),
    ("space", " mark ", "mark"),
    ("U", "undo, for 10s", "undo, for 10s"),
    ("[", "a minute back", "a minute back"),
    ("]", "a minute forward", "a minute forward"),
    ("{", "previous event", "previous event"),
    ("0", "back to live", "back to live"),
    ("u", "mine/team/all", "mine/team/all"),
    ("r", "poll pane", "poll pane"),
    ("R", "poll all", "poll all"),
];

/// What is drawn but for the line of short messages and of the keys.
fn drawn(stage: &Stage) -> Screen {
    let mut screen = stage.screen();
    screen.bars.pop();
    screen
}

/// True when a key does more than to say why it does nothing.
fn does_something(stage: &Stage, key: &str) -> bool {
    let mut before = stage.clone();
    before.effects.clear();
    let after = before.clone().keys(key);
    // A mark is on a row, which a detail may cover.
    !after.effects.is_empty()
        || drawn(&before) != drawn(&after)
        || drawn(&before.keys("esc")) != drawn(&after.keys("esc"))
}

/// The first rows of every pane, and one in detail.
fn places() -> Vec<String> {
    let panes = ["1", "2", "3", "4", "t"].iter();
    let rows = panes.flat_map(|pane| (0..4).map(move |row| format!("{pane}{}", " j".repeat(row))));
    let details = ["1 enter", "2 j j enter", "3 enter", "4 enter", "t enter"];
    rows.chain(details.map(str::to_owned)).collect()
}

fn check(stage: &Stage, name: &str) -> [bool; KEYS.len()] {
    let mut offered = [false; KEYS.len()];
    for place in places() {
        let stage = stage.clone().keys(&place);
        let help = stage.clone().keys("?").text();
        let text = stage.text();
        let footer = format!("  {}  ", text.lines().last().unwrap_or_default());
        for (at, (key, in_help, in_footer)) in KEYS.iter().enumerate() {
            let acts = does_something(&stage, key);
            let is_in_help = help.contains(in_help);
            assert_eq!(is_in_help, acts, "{name}, `{place}`, `{key}`:\n{help}");
            if footer.contains(&format!("  {key} {in_footer}  ")) {
                assert!(acts, "{name}, `{place}`, `{key}`: {footer}");
                offered[at] = true;
            }
        }
    }
    offered
}

#[test]
fn help_offers_exactly_what_can_be_done_and_the_footer_nothing_else() {
    let plain = |store| Stage::new(store, 120, 70);
    let with = |memory| {
        let mut stage = plain(world(17));
        stage.model.recollect(memory);
        stage
    };
    let played = Memory::Recording(Playback {
        from: now(),
        to: now(),
        speed: 1,
        was: 1,
    });
    let stages: [(&str, &dyn Fn() -> Stage); 10] = [
        ("suspects", &|| plain(world(17))),
        ("burning", &|| plain(worlds::burning())),
        ("silent", &|| plain(worlds::silent())),
        ("none", &|| plain(worlds::none())),
        ("waiting", &|| plain(worlds::waiting())),
        ("read-only night", &|| plain(night())),
        ("night", &|| plain(night()).acting(&[])),
        ("marked night", &|| {
            plain(night()).acting(&[]).keys("3 space 1")
        }),
        ("journal", &|| with(Memory::Journal)),
        ("recording", &|| with(played)),
    ];
    let mut offered = [false; KEYS.len()];
    for (name, stage) in stages {
        let here = check(&stage(), name);
        offered
            .iter_mut()
            .zip(here)
            .for_each(|(all, one)| *all |= one);
    }
    // No rule is kept by offering nothing.
    for key in ["a", "s", "o", "b", "d", "x", "y", "r"] {
        let at = KEYS.iter().position(|(known, ..)| *known == key);
        assert!(at.is_some_and(|at| offered[at]), "`{key}` is never offered");
    }
}

#[test]
fn a_screen_that_changes_nothing_says_why() {
    let help = |stage: Stage| stage.keys("3 ?").text();
    let words = "read-only: [actions] enabled = false";
    let read_only = help(Stage::new(night(), 120, 70));
    assert!(read_only.contains(words), "{read_only}");
    let acting = help(Stage::new(night(), 120, 70).acting(&[]));
    assert!(!acting.contains(words), "{acting}");
}

#[test]
fn copied_is_said_only_of_what_was_copied() {
    let id = "checkout/availability";
    for (to, is_whole, want) in [
        (CopiedTo::Clipboard, true, "copied checkout/availability"),
        (
            CopiedTo::Terminal,
            true,
            "sent to the terminal: checkout/availability",
        ),
        (
            CopiedTo::Terminal,
            false,
            "sent to the terminal: checkout/availability (cut",
        ),
        (
            CopiedTo::Nowhere,
            true,
            "no clipboard here: checkout/availability",
        ),
    ] {
        let mut stage = Stage::new(worlds::burning(), 120, 40).keys("y");
        let text = stage.text();
        let line = text.lines().last().unwrap_or_default();
        assert!(!line.contains(id), "nothing is known yet: {line}");
        stage.tell(Msg::Copied(Copied { to, is_whole }));
        let text = stage.text();
        let line = text.lines().last().unwrap_or_default();
        assert!(line.contains(want), "{line}");
        assert_eq!(line.contains("copied"), to == CopiedTo::Clipboard, "{line}");
        // What has to be copied by hand stays until a key is pressed.
        let stays = stage.later(30);
        let stays = stays
            .text()
            .lines()
            .last()
            .is_some_and(|line| line.contains(id));
        assert_eq!(stays, to == CopiedTo::Nowhere, "{want}");
    }
}

#[test]
fn queries_that_cannot_be_copied_are_left_on_the_screen() {
    let mut stage = Stage::new(worlds::burning(), 120, 40).keys("x Y");
    stage.tell(Msg::Copied(Copied {
        to: CopiedTo::Nowhere,
        is_whole: true,
    }));
    let text = stage.text();
    assert!(
        text.contains("this terminal has no clipboard: select"),
        "{text}"
    );
}

#[test]
fn an_address_that_no_browser_opens_is_shown() {
    let url = "https://runbooks.example/checkout";
    for (is_opened, want) in [(true, "opening https:"), (false, "no browser here: https:")] {
        let mut stage = Stage::new(worlds::burning(), 120, 40).keys("b");
        assert!(!stage.text().contains("opening"), "nothing is known yet");
        stage.tell(Msg::Opened(url.to_owned(), is_opened));
        let text = stage.text();
        assert!(text.contains(want) && text.contains(url), "{text}");
        let stays = stage.later(30).text().contains(want);
        assert_eq!(stays, !is_opened, "{want}");
    }
}
