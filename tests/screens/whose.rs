//! Who has it: the pager, who took what, what must not be forgotten, and whose rows are shown.

use watchfire::domain::Me;

use super::duty::{night, paged, pager};
use super::stage::{SIZES, Stage, squeezed};
use super::worlds;
use crate::at_every_size;

#[test]
fn a_night_shows_who_has_what_at_every_size() {
    at_every_size("duty", |width, height| {
        Stage::new(night(), width, height).keys("3")
    });
    at_every_size("duty_alone", |width, height| {
        Stage::new(night(), width, height).keys("3 f")
    });
}

#[test]
fn my_rota_is_named_first_with_its_end_and_who_follows() {
    let header = |width| {
        let text = Stage::new(night(), width, 40).text();
        text.lines().next().expect("a header").to_owned()
    };
    assert!(
        header(160).contains("on call mara (you) until 15:02, then lee +1"),
        "{}",
        header(160)
    );
    for width in [80, 120, 200] {
        assert!(header(width).contains("on call mara"), "{}", header(width));
    }
    // A name of any length leaves the rest of the header in its place.
    let long = Stage::new(worlds::saying(&"x".repeat(20_000)), 120, 40).text();
    assert!(
        long.lines()
            .next()
            .is_some_and(|line| line.contains("PAGE")),
        "{long}"
    );
}

#[test]
fn details_name_who_has_the_pager_of_the_service() {
    for keys in [
        "1 enter",
        "2 / c h e c k o u t enter enter",
        "3 / c h e c k enter enter",
    ] {
        let text = Stage::new(night(), 120, 50).keys(keys).text();
        assert!(
            text.contains("mara (you) until 15:02, then lee (shop primary)"),
            "{keys}: {text}"
        );
    }
    // Where no rota is known, the team.
    let text = Stage::new(night(), 120, 50)
        .keys("3")
        .keys("/")
        .types("Queue");
    let text = text.keys("enter enter").text();
    assert!(text.contains("team shop"), "{text}");
}

#[test]
fn what_is_mine_and_what_will_wake_up_can_be_found_at_once() {
    for (filter, words, others) in [
        ("state:mine", "yours, 50m", "burns its"),
        ("state:ending", "ends in 72m", "DiskFills"),
    ] {
        for (width, height) in SIZES {
            let stage = Stage::new(night(), width, height).keys("3 /").types(filter);
            let text = stage.keys("enter f").text();
            assert!(text.contains(words), "{text}");
            assert!(!text.contains(others), "{text}");
        }
    }
    let detail = Stage::new(night(), 120, 50).keys("3 /").types("Raid");
    let detail = detail.keys("enter enter").text();
    for words in [
        "its silence ends within 2h",
        "silenced until",
        "2026-11-22 15:14",
        "by lee",
    ] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
}

#[test]
fn mine_team_and_all_count_what_they_hide_and_never_hide_a_page_silently() {
    at_every_size("duty_mine", |width, height| {
        Stage::new(night(), width, height).keys("3 u").later(5)
    });
    let incidents = |keys: &str| {
        let stage = Stage::new(night(), 200, 50).keys(keys).later(5);
        let screen = stage.screen();
        let titles = screen.tables[2].rows.len();
        (titles, stage.text())
    };
    let (all, text) = incidents("3");
    assert!(all == 7 && !text.contains("others"), "{text}");
    let (mine, text) = incidents("3 u");
    assert_eq!(mine, 2, "{text}");
    assert!(text.contains("2 · 5 others"), "{text}");
    // The warehouse burns and nobody has it: somebody else's, and said all the same.
    assert!(text.contains("1 PAGE"), "{text}");
    assert!(
        text.lines()
            .next()
            .is_some_and(|line| line.contains("mine")),
        "{text}"
    );
    let (team, text) = incidents("3 u u");
    assert_eq!(team, 3, "{text}");
    assert!(
        text.lines()
            .next()
            .is_some_and(|line| line.contains("team")),
        "{text}"
    );
    assert_eq!(incidents("3 u u u").0, 7);
}

#[test]
fn what_becomes_mine_is_shown_without_a_key() {
    let stage = Stage::new(night(), 120, 40).keys("3 u").later(5);
    let mut rows = paged();
    rows[2].assignees = vec!["mara".into()];
    let text = squeezed(&stage.report(pager(rows)).text());
    assert!(text.contains("warehouse import is late"), "{text}");
}

#[test]
fn without_me_nothing_is_hidden_and_the_setting_is_named() {
    let store = night().with_me(Me::default());
    let stage = Stage::new(store, 120, 40).keys("3 u");
    assert!(stage.text().contains("under [me]"));
    assert_eq!(stage.screen().tables[2].rows.len(), 7);
}

#[test]
fn the_order_of_incidents_is_the_same_whatever_the_time() {
    let titles = |stage: &Stage| -> Vec<String> {
        let text = stage.text();
        let lines = text
            .lines()
            .skip(1)
            .filter(|line| line.contains("PAGE") || line.contains("TICKET"));
        lines
            .map(|line| line.chars().skip(2).take(30).collect())
            .collect()
    };
    let stage = Stage::new(night(), 120, 40).keys("3 f");
    let before = titles(&stage);
    let reports = stage.later(30 * 60);
    let mut after = titles(&reports);
    after.retain(|line| before.contains(line));
    assert_eq!(after.len(), before.len());
    assert_eq!(after, before);
}
