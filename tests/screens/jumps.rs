//! Jumps: every way back leads to the very frame that it began on.

use watchfire::app::Effect;
use watchfire::domain::Service;

use super::stage::{SIZES, Stage};
use super::suspects::world;

#[test]
fn one_level_back_from_a_jump_is_where_it_began() {
    let beginnings = [
        "",
        "enter",
        "enter x",
        "f",
        "/ c h e c k enter",
        "2 / a v a i l enter 1",
    ];
    let jumps = [
        "d esc",
        "d q",
        "d j esc",
        "d J esc",
        "d f esc",
        "t esc",
        "t t",
        "4 esc",
        "4 j q",
        "d t esc esc",
        "d ? esc esc",
        "4 t esc esc",
    ];
    for (width, height) in SIZES {
        let world = Stage::new(world(17), width, height);
        for beginning in beginnings {
            let began = world.clone().keys(beginning);
            for jump in jumps {
                let back = began.clone().keys(jump).text();
                let at = format!("`{beginning}` then `{jump}` at {width}x{height}");
                assert_eq!(back, began.text(), "{at}");
            }
        }
    }
}

#[test]
fn a_filter_that_a_jump_removed_is_there_again() {
    let stage = Stage::new(world(17), 120, 40).keys("2 / a v a i l enter 1");
    assert!(stage.text().contains("/avail "), "{}", stage.text());
    let jumped = stage.keys("d");
    assert!(!jumped.text().contains("/avail "), "{}", jumped.text());
    let back = jumped.keys("esc");
    assert!(back.text().contains("/avail "), "{}", back.text());
}

#[test]
fn a_pane_that_was_chosen_by_its_key_leads_nowhere_else() {
    let world = Stage::new(world(17), 120, 40);
    let title = |keys: &str| {
        let text = world.clone().keys(keys).keys("?").text();
        let line = text.lines().find(|line| line.contains("Keys · "));
        line.map(|line| {
            line.split("Keys · ")
                .nth(1)
                .unwrap_or_default()
                .split(' ')
                .next()
                .map(str::to_owned)
        })
    };
    for (keys, pane) in [
        ("d 3 esc", "Incidents"),
        ("t 2 esc", "Changes"),
        ("d tab esc", "Incidents"),
    ] {
        assert_eq!(title(keys).flatten().as_deref(), Some(pane), "{keys}");
    }
    // Rows that were looked for after a jump are rows, not the detail that it opened.
    let looked = world.clone().keys("d / c h e c k enter enter esc").text();
    assert!(looked.contains("/check"), "{looked}");
}

#[test]
fn links_carry_the_time_of_the_burn() {
    let service = Service {
        name: "checkout".to_owned(),
        links: [
            ("dashboard", "https://graphs.example/d?from={from}&to={to}"),
            (
                "logs",
                "https://logs.example/?q={a}&start={from:iso}&end={to:s}",
            ),
        ]
        .map(|(name, url)| (name.to_owned(), url.to_owned()))
        .into(),
        ..Service::default()
    };
    let store = world(17).with_services(vec![service]);
    let opened = |keys: &str| {
        let stage = Stage::new(store.clone(), 120, 40).keys(keys);
        let urls = stage.effects.into_iter().filter_map(|effect| match effect {
            Effect::Open(url) => Some(url),
            _ => None,
        });
        urls.collect::<Vec<_>>()
    };
    // Since 13:45:31, now 14:02:31.
    let dashboard = "https://graphs.example/d?from=1795355131000&to=1795356151000";
    assert_eq!(opened("o"), [dashboard]);
    let logs = "https://logs.example/?q={a}&start=2026-11-22T13:45:31Z&end=1795356151";
    assert_eq!(opened(": l o g s enter"), [logs]);
}
