//! Every view in a paging moment: its text at every size, and its styles in every theme.

use watchfire::app::{Memory, Msg, Notes};
use watchfire::config::ThemeChoice;

use super::alerts::filling;
use super::questions::paging;
use super::stage::Stage;

/// From a phone to a wall.
const SIZES: [(u16, u16); 5] = [(40, 12), (80, 24), (120, 40), (200, 50), (300, 80)];
const THEMES: [(&str, ThemeChoice); 3] = [
    ("dark", ThemeChoice::Dark),
    ("light", ThemeChoice::Light),
    ("mono", ThemeChoice::Mono),
];
/// Each view with the keys that lead there.
const VIEWS: [(&str, &str); 11] = [
    ("default", ""),
    ("slo", "enter"),
    ("release", "d"),
    ("incident", "3 enter"),
    ("alert", "3 j enter enter"),
    ("sources", "4"),
    ("timeline", "t"),
    ("services", "6"),
    ("delivery", "7"),
    ("palette", ":"),
    ("hand_over", ": h a n d - o v e r enter"),
];

/// The view that these keys lead to, with an answer to what was asked of the journal.
fn view((name, keys): (&str, &str), (width, height): (u16, u16)) -> Stage {
    let mut store = paging(3);
    if name == "alert" {
        let filling = filling(&["node-1", "node-2", "node-3"]);
        let feed = filling
            .feeds()
            .iter()
            .find(|feed| feed.name.as_str() == "am");
        let facts = feed.expect("the source of alerts").facts.as_ref().clone();
        store.absorb(super::facts::answer("am", 2, facts));
    }
    let mut stage = Stage::new(store, width, height);
    stage.model.recollect(Memory::Journal);
    let mut stage = stage.keys(keys);
    if name == "hand_over" {
        stage.tell(Msg::HandedOver(Ok(Notes {
            text: "# Hand-over\n\n## Still open\n\n- checkout pages since 13:45\n".to_owned(),
            is_whole: true,
        })));
    }
    stage
}

#[test]
fn every_view_at_every_size() {
    for (name, keys) in VIEWS {
        for (width, height) in SIZES {
            let text = view((name, keys), (width, height)).text();
            insta::assert_snapshot!(format!("view_{name}_{width}x{height}"), text);
        }
    }
}

#[test]
fn every_view_in_every_theme_and_in_seven_bits() {
    for (name, keys) in VIEWS {
        let stage = view((name, keys), (80, 24));
        let styles = THEMES.map(|(theme, choice)| format!("{theme}\n{}", stage.styles(choice)));
        let ascii = Stage {
            is_ascii: true,
            ..stage
        };
        let ascii = ascii.text();
        assert!(ascii.is_ascii(), "{name}: {ascii}");
        insta::assert_snapshot!(
            format!("view_{name}_themes"),
            format!("{}\n{ascii}", styles.join("\n"))
        );
    }
}
