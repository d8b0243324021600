//! One filter and one order for all panes: kept, called back, saved with a name.

use watchfire::config::{SavedView, Settings, UiSettings};
use watchfire::domain::Sort;

use super::stage::{SIZES, Stage};
use super::worlds;

fn rows(stage: &Stage) -> Vec<usize> {
    let screen = stage.screen();
    screen.tables.iter().map(|table| table.rows.len()).collect()
}

/// The services of the rows of the first pane, in their order.
fn services(stage: &Stage) -> Vec<String> {
    let text = stage.text();
    let lines = text.lines().skip_while(|line| !line.contains("1 SLOs"));
    let rows = lines.skip(2).take_while(|line| !line.contains("2 Changes"));
    let is_name = |word: &&str| word.len() > 3 && word.is_ascii();
    rows.filter_map(|line| line.split_whitespace().find(is_name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_filter_holds_for_all_panes_wherever_it_is_typed() {
    let all = rows(&Stage::new(worlds::burning(), 200, 50));
    for pane in ["1", "2", "3", "6"] {
        let stage = Stage::new(worlds::burning(), 200, 50).keys(pane);
        let stage = stage.keys("/").types("svc:=checkout").keys("enter 1");
        let text = stage.text();
        assert!(text.contains("SLOs /svc:=checkout"), "{pane}: {text}");
        assert!(text.contains("Incidents /svc:=checkout"), "{pane}: {text}");
        let few = rows(&stage);
        assert!(few.iter().zip(&all).all(|(few, all)| few <= all) && few != all);
        assert_eq!(rows(&stage.keys("esc")), all, "esc clears it");
    }
}

#[test]
fn a_filter_by_severity_keeps_what_has_none() {
    let stage = Stage::new(worlds::burning(), 200, 50)
        .keys("/")
        .types("sev:page");
    let releases = |stage: &Stage| rows(stage)[1];
    let all = Stage::new(worlds::burning(), 200, 50);
    assert_eq!(releases(&stage), releases(&all), "{}", stage.text());
}

#[test]
fn kept_filters_are_called_back_in_the_prompt() {
    let stage = Stage::new(worlds::burning(), 120, 40);
    let stage = stage.keys("/").types("cart").keys("enter esc");
    let stage = stage.keys("/").types("sev:page").keys("enter esc");
    let prompt = |stage: &Stage| {
        let text = stage.text();
        text.lines()
            .last()
            .unwrap_or_default()
            .trim_start()
            .to_owned()
    };
    // Nothing is newer than what is typed.
    let typed = stage.clone().keys("/").types("dra").keys("down");
    assert!(prompt(&typed).starts_with("/dra"), "{}", prompt(&typed));
    let stage = stage.keys("/").types("dra").keys("up");
    assert!(
        prompt(&stage).starts_with("/sev:page"),
        "{}",
        prompt(&stage)
    );
    let stage = stage.keys("up up up");
    assert!(prompt(&stage).starts_with("/cart"), "{}", prompt(&stage));
    let stage = stage.keys("down down down");
    assert!(prompt(&stage).starts_with("/dra"), "{}", prompt(&stage));
}

#[test]
fn a_name_that_is_no_field_is_said() {
    for (width, height) in SIZES.into_iter().filter(|(width, _)| *width >= 80) {
        let stage = Stage::new(worlds::burning(), width, height)
            .keys("/")
            .types("team:shop");
        let text = stage.text();
        assert!(text.contains("no field team"), "{text}");
    }
}

#[test]
fn rows_are_sorted_as_wished_and_their_title_says_so() {
    let stage = Stage::new(worlds::burning(), 120, 50);
    let urgent = services(&stage);
    let stage = stage.keys("S");
    assert!(stage.text().contains("by service"), "{}", stage.text());
    let by_name = services(&stage);
    let mut sorted = urgent.clone();
    sorted.sort_unstable();
    assert_eq!(by_name, sorted);
    let stage = stage.keys("S");
    assert!(
        stage.text().contains("least budget first"),
        "{}",
        stage.text()
    );
    let stage = stage.keys("S");
    assert!(
        stage.text().contains("highest burn first"),
        "{}",
        stage.text()
    );
    // The fire line stays with what was selected first: the worst.
    assert!(stage.text().contains(&urgent[0]), "{}", stage.text());
    assert_eq!(services(&stage.keys("S")), urgent);
}

#[test]
fn a_saved_view_is_found_by_its_name() {
    let view = SavedView {
        name: "the shop".to_owned(),
        filter: "svc:checkout,cart".to_owned(),
        sort: Sort::Budget,
    };
    let ui = UiSettings {
        views: vec![view],
        ..Settings::empty().ui
    };
    let stage = Stage::with_settings(worlds::burning(), 120, 40, &ui);
    let stage = stage.keys(":").types("shop");
    assert!(
        stage.text().contains("view: svc:checkout,cart"),
        "{}",
        stage.text()
    );
    let text = stage.keys("enter").text();
    assert!(text.contains("SLOs /svc:checkout,cart"), "{text}");
    assert!(text.contains("least budget first"), "{text}");
}

#[test]
fn a_start_with_services_shows_these_and_no_other() {
    let ui = UiSettings {
        services: vec!["checkout".to_owned()],
        ..Settings::empty().ui
    };
    let stage = Stage::with_settings(worlds::burning(), 120, 40, &ui);
    assert!(stage.text().contains("/svc:=checkout"), "{}", stage.text());
    assert!(services(&stage).iter().all(|service| service == "checkout"));
    assert!(!stage.keys("esc").text().contains("/svc:"));
}
