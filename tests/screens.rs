//! Key scripts against whole frames: what a person sees after pressing these keys.
#![expect(clippy::expect_used, reason = "a test may panic")]

mod screens {
    mod acting;
    mod alerts;
    mod awake;
    mod bell;
    mod bytes;
    mod charts;
    mod commands;
    mod delivery;
    pub(crate) mod duty;
    pub(crate) mod facts;
    mod filters;
    mod gone;
    mod handoff;
    mod hostile;
    mod jumps;
    mod keeping;
    mod offers;
    mod past;
    mod picture;
    mod questions;
    mod rows;
    pub(crate) mod stage;
    mod suspects;
    mod timeline;
    mod tour;
    mod views;
    mod wall;
    mod whose;
    pub(crate) mod worlds;
}

use std::collections::BTreeMap;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use watchfire::app::screen::Gutter;
use watchfire::app::{Effect, Msg, Size};
use watchfire::domain::{Service, SourceName};

use screens::stage::{SIZES, Stage, squeezed, text as text_of};
use screens::worlds;

/// One snapshot per size: the text of the whole frame and, below it, its styles.
pub(crate) fn at_every_size(name: &str, stage: impl Fn(u16, u16) -> Stage) {
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
fn a_configured_slo_that_was_never_measured_is_unknown_without_a_number() {
    at_every_size("refused", |width, height| {
        Stage::new(worlds::refused(), width, height)
    });
    let asking = Stage::new(worlds::unheard(), 120, 40).text();
    assert!(asking.contains("◌ checkout"), "{asking}");
    assert_eq!(asking.matches("–  asking").count(), 2, "{asking}");
    let refused = Stage::new(worlds::refused(), 120, 40);
    assert_eq!(refused.text().matches("–  no connection").count(), 2);
    let detail = refused.keys("enter").text();
    assert!(detail.contains("budget not known"), "{detail}");
    for text in [asking, detail] {
        assert!(!text.contains("100%") && !text.contains("0.0x"), "{text}");
    }
}

#[test]
fn what_an_incident_says_of_a_silent_source_is_what_it_was() {
    let text = Stage::new(worlds::blind(), 120, 40).keys("3 enter").text();
    let slo = text.lines().find(|line| line.contains("availability"));
    let slo = slo.expect("the SLO of the incident's service");
    assert!(
        slo.contains("◌ UNKNOWN") && slo.contains("was PAGE 4m"),
        "{slo}"
    );
}

#[test]
fn a_long_link_does_not_push_what_burns_out_of_view() {
    let store = worlds::linking_to(&format!(
        "https://prom.example/?expr={}",
        "%28x".repeat(300)
    ));
    let text = Stage::new(store, 80, 24).keys("3 enter").text();
    assert!(text.contains("SLOs of this service"), "{text}");
    assert!(text.contains("v2.31.0"), "{text}");
}

#[test]
fn in_little_room_the_next_try_outlasts_the_reason() {
    let text = Stage::new(worlds::refused(), 80, 24).text();
    let sources = text.lines().nth(22).expect("what sources say");
    assert!(sources.contains("prom-eu DOWN: connection refused"));
    assert!(sources.contains("… next try 20s · 2 more"), "{sources}");
}

#[test]
fn an_incident_is_shown_with_its_service_once() {
    for (width, height) in [(40, 12), (80, 24), (120, 40), (200, 50)] {
        let stage = Stage::new(worlds::burning(), width, height).keys("3");
        let text = squeezed(&stage.text());
        assert!(text.contains("stock disk"), "{text}");
        assert!(text.contains("checkout burns"), "{text}");
        assert!(!text.contains("search search"), "{text}");
    }
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

#[test]
fn what_is_an_estimate_or_held_back_says_so() {
    at_every_size("honest", |width, height| {
        Stage::new(worlds::honest(), width, height)
    });
    let ascii = Stage {
        is_ascii: true,
        ..Stage::new(worlds::honest(), 80, 24)
    };
    insta::assert_snapshot!("honest_ascii", ascii.picture());
    let detail = |service: &str| {
        let stage = Stage::new(worlds::honest(), 120, 60).keys("/");
        stage.types(service).keys("enter enter").text()
    };
    for (service, words) in [
        ("checkout", "~ window 30d, data 9d: an estimate"),
        ("newcomer", "~ window 30d, data 5h: an estimate"),
        ("newcomer", "~ data 5h"),
        ("billing", "2 of 3 events"),
        ("orders", "hold <= 1.3x to end the month within budget"),
        ("orders", "at this rate the month ends within it"),
        (
            "returns",
            "over budget: even 0x will not end the month within it",
        ),
    ] {
        let detail = detail(service);
        assert!(detail.contains(words), "{words} in {detail}");
    }
    assert!(!detail("orders").contains("estimate"));
    insta::assert_snapshot!("honest_detail", detail("newcomer"));
    insta::assert_snapshot!("honest_held_back", detail("billing"));
}

#[test]
fn a_page_that_is_held_back_is_not_in_the_colour_of_one() {
    // Without a chart, whose factor lines have the colour of their rules.
    let stage = Stage::new(worlds::honest(), 80, 24);
    let buffer = stage.draw_at(80, 24);
    // What was above a factor in the last hours is red in the trend.
    let is_trend = |cell: &Cell| cell.symbol().starts_with(|c| ('▁'..='█').contains(&c));
    let red = |cell: &&Cell| cell.fg == Color::Red && !is_trend(cell);
    assert_eq!(buffer.content().iter().find(red), None);
}

#[test]
fn long_names_with_one_beginning_do_not_look_alike() {
    for (width, height) in SIZES {
        let text = Stage::new(worlds::honest(), width, height).keys("f").text();
        let rows = text.lines().filter(|line| line.contains("pay"));
        let names: Vec<String> = rows.map(|row| row.chars().take(32).collect()).collect();
        assert_eq!(names.len(), 2, "{text}");
        assert_ne!(names[0], names[1], "{text}");
    }
}

#[test]
fn the_detail_of_a_release_explains_it() {
    at_every_size("release_detail", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("2 j j enter")
    });
}

#[test]
fn the_detail_of_an_incident_explains_it() {
    at_every_size("incident_detail", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("3 enter")
    });
}

#[test]
fn the_sources_show_how_the_watch_itself_is() {
    at_every_size("sources", |width, height| {
        Stage::new(worlds::blind(), width, height).keys("4")
    });
}

#[test]
fn the_detail_of_a_source_explains_its_fault() {
    at_every_size("source_detail", |width, height| {
        Stage::new(worlds::blind(), width, height).keys("4 j enter")
    });
}

#[test]
fn the_help_names_every_key_of_what_has_focus() {
    at_every_size("help", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("3 ?")
    });
}

#[test]
fn a_filter_says_what_it_hides_while_it_is_typed() {
    at_every_size("filter", |width, height| {
        Stage::new(worlds::burning(), width, height)
            .keys("/")
            .types("state:ticket cart")
    });
}

#[test]
fn a_paused_view_is_loud() {
    at_every_size("paused", |width, height| {
        Stage::new(worlds::burning(), width, height)
            .keys("p")
            .later(95)
            .report(worlds::search_worse())
    });
}

#[test]
fn a_pane_can_have_the_screen_for_itself() {
    at_every_size("full_screen", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("2 f")
    });
}

#[test]
fn seven_bits_say_the_same() {
    at_every_size("ascii", |width, height| Stage {
        is_ascii: true,
        ..Stage::new(worlds::burning(), width, height)
    });
    let stage = Stage {
        is_ascii: true,
        ..Stage::new(worlds::burning(), 120, 40)
    };
    insta::assert_snapshot!("ascii_detail", stage.keys("enter").picture());
}

#[test]
fn a_selection_follows_its_row_when_ranks_change() {
    let before = Stage::new(worlds::burning(), 120, 40).keys("y");
    let after = before.report(worlds::search_worse()).keys("y");
    assert_eq!(
        after.effects_by_id(),
        [
            Effect::Copy("checkout/availability".to_owned()),
            // `search` begins to page.
            Effect::Ring,
            Effect::Copy("checkout/availability".to_owned()),
        ]
    );
    let rows = &after.screen().tables[0].rows;
    assert_eq!(rows[0].gutter, Gutter::Nothing);
    assert_eq!(rows[1].gutter, Gutter::Selected);
}

#[test]
fn an_open_detail_stays_with_its_row_and_says_when_it_is_gone() {
    let stage = Stage::new(worlds::burning(), 80, 24)
        .keys("enter")
        .report(worlds::search_worse());
    assert!(stage.text().contains("checkout / availability"));
    let gone = stage.report(worlds::no_slos());
    assert!(gone.text().contains("prom-eu reports this no more."));
    assert!(!gone.text().contains("search"));
}

#[test]
fn a_new_row_is_marked_for_half_a_minute_and_no_longer() {
    let mark = |stage: &Stage| stage.screen().tables[1].rows[0].gutter;
    let stage = Stage::new(worlds::burning(), 120, 40).report(worlds::one_more_release());
    assert!(stage.text().contains("v5.0.0"));
    assert_eq!(mark(&stage), Gutter::New);
    let stage = stage.later(29);
    assert_eq!(mark(&stage), Gutter::New);
    assert_eq!(mark(&stage.later(1)), Gutter::Nothing);
}

#[test]
fn a_paused_view_stands_still_and_shows_everything_when_it_goes_on() {
    let stage = Stage::new(worlds::burning(), 120, 40);
    let before = stage.screen().tables;
    let stage = stage.keys("p").later(20).report(worlds::search_worse());
    let mut paused = stage.screen().tables;
    // The first key binds the selection to its row; nothing else differs.
    assert_eq!(paused.remove(0).rows, before[0].rows);
    assert!(stage.text().contains("PAUSED"));
    let stage = stage.keys("p");
    assert!(!stage.text().contains("PAUSED"));
    assert!(stage.text().contains("2 PAGE"));
}

#[test]
fn a_live_screen_at_rest_changes_nothing_but_its_clock() {
    let stage = Stage::new(worlds::calm(), 120, 40);
    let mut last = stage.screen();
    let mut changed = 0;
    let mut stage = stage;
    for _ in 0..15 {
        stage = stage.later(1);
        let next = stage.screen();
        changed += usize::from(next.tables != last.tables);
        assert_eq!(next.bars.len(), last.bars.len());
        assert_eq!(next.bars[1..], last.bars[1..]);
        last = next;
    }
    // Two releases pass from one step of age to the next.
    assert!(changed <= 3, "{changed} of 15 seconds repainted a pane");
}

#[test]
fn keys_do_what_the_contract_says() {
    let effects = |keys: &str| {
        let stage = Stage::new(worlds::burning(), 120, 40).keys(keys);
        stage.effects_by_id()
    };
    let poll = |name: &str| Effect::Poll(Some(SourceName::new(name)));
    for (keys, wanted) in [
        ("esc", vec![]),
        ("q", vec![Effect::Quit]),
        ("enter q", vec![]),
        ("enter q q", vec![Effect::Quit]),
        ("? q", vec![]),
        ("/ q", vec![]),
        ("/ ctrl-c", vec![Effect::Quit]),
        ("4 q", vec![]),
        ("f esc esc esc", vec![]),
        ("r", vec![poll("prom-eu")]),
        ("2 r", vec![poll("github"), poll("argocd")]),
        ("4 j r", vec![poll("github")]),
        ("R", vec![Effect::Poll(None)]),
        ("ctrl-l", vec![Effect::Repaint]),
        ("ctrl-z", vec![Effect::Suspend]),
        ("o Y", vec![]),
        (
            "b",
            vec![Effect::Open("https://runbooks.example/checkout".to_owned())],
        ),
        ("3 y", vec![Effect::Copy("a1".to_owned())]),
        ("3 j enter y", vec![Effect::Copy("a2".to_owned())]),
        ("tab tab y", vec![Effect::Copy("a1".to_owned())]),
        ("shift-tab y", vec![Effect::Copy("a1".to_owned())]),
        (
            "2 G o",
            vec![Effect::Open(
                "https://github.example/acme/payments/deployments/986".to_owned(),
            )],
        ),
        (
            "j pgdn pgup k k g y",
            vec![Effect::Copy("checkout/availability".to_owned())],
        ),
        (
            "/ c a r t enter y",
            vec![Effect::Copy("cart/checkout-flow".to_owned())],
        ),
        (
            "/ c a r t esc y",
            vec![Effect::Copy("cart/checkout-flow".to_owned())],
        ),
    ] {
        assert_eq!(effects(keys), wanted, "{keys}");
    }
}

#[test]
fn a_summary_for_a_chat_says_what_somebody_who_joins_has_to_know() {
    let copied = |keys: &str| {
        let mut effects = Stage::new(worlds::burning(), 120, 40).keys(keys).effects;
        match effects.pop() {
            Some(Effect::Copy(text)) => text,
            other => unreachable!("{keys}: {other:?}"),
        }
    };
    let slo = copied("y");
    for words in [
        "checkout/availability PAGE: burning",
        "22x 5m",
        "31% left, gone in 12h",
        "v2.31.0",
        "nobody has it, 12m",
    ] {
        assert!(slo.contains(words), "{words}: {slo}");
    }
    let incident = copied("3 y");
    assert!(incident.starts_with("a1 PAGE checkout: "), "{incident}");
    assert!(incident.contains("12m, nobody; https://"), "{incident}");
    let release = copied("2 j j y");
    assert!(
        release.contains("checkout v2.31.0 to production: done, 21m ago by mara"),
        "{release}"
    );
    // One line, whatever the texts of servers hold.
    for text in [slo, incident, release] {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

#[test]
fn the_palette_goes_to_rows_by_name_and_to_moments() {
    let stage = || Stage::new(worlds::burning(), 120, 40);
    let selected = |stage: &Stage| stage.clone().keys("y").effects_by_id().pop();
    let copy = |id: &str| Some(Effect::Copy(id.to_owned()));
    let service = stage().keys(":").types("cart").keys("enter");
    assert!(service.text().contains("6 Services"), "{}", service.text());
    assert_eq!(selected(&service), copy("cart"));
    // `esc` leads back to the row that it began with.
    assert_eq!(
        selected(&service.keys("esc")),
        copy("checkout/availability")
    );
    let slo = stage().keys(":").types("search latency").keys("enter");
    assert_eq!(selected(&slo), copy("search/latency"));
    let release = stage().keys(":").types("v2.31").keys("enter");
    assert!(selected(&release).is_none_or(|effect| effect != copy("a1").expect("an id")));
    // Commands keep their place before rows that hold their letters somewhere.
    let help = stage().keys(":").types("help").keys("enter");
    assert!(help.text().contains("Keys"), "{}", help.text());
    let mut at = stage();
    at.model.recollect(watchfire::app::Memory::Journal);
    let at = at.keys(":").types("at -2h").keys("enter");
    let wanted = screens::stage::now() - jiff::SignedDuration::from_hours(2);
    assert!(matches!(at.effects.last(), Some(Effect::Recall(at)) if *at == wanted));
    let wrong = stage().keys(":").types("at noon").text();
    assert!(wrong.contains("at 03:12"), "{wrong}");
}

#[test]
fn no_filter_hides_a_fire_and_what_is_not_known_is_never_said_to_hold() {
    for (width, height) in [(80, 24), (120, 40)] {
        let stage = Stage::new(worlds::burning(), width, height);
        let text = stage.clone().keys("/").types("email").keys("enter").text();
        assert!(
            text.contains("checkout availability (hidden by /email)"),
            "{text}"
        );
        assert!(!text.contains("SLOs hold"), "{text}");
        let nothing = stage.keys("/").types("nothing is called so").text();
        assert!(
            nothing.contains("checkout availability (hidden by"),
            "{nothing}"
        );
        assert!(!nothing.contains("SLOs hold"), "{nothing}");
    }
    // Keys act on the selected row, which the fire line is not about.
    let text = Stage::new(worlds::burning(), 80, 24).keys("3").text();
    let fire: Vec<_> = text.lines().skip(1).take(3).collect();
    assert!(!fire.join(" ").contains("runbook"), "{text}");
    let calm = Stage::new(worlds::calm(), 80, 24).text();
    assert!(calm.contains("17 of 17 SLOs hold"), "{calm}");
}

#[test]
fn services_are_rows_with_all_that_is_known_of_each() {
    at_every_size("services", |width, height| {
        Stage::new(worlds::burning(), width, height).keys("6")
    });
    let text = Stage::new(worlds::burning(), 120, 40).keys("6").text();
    let row = text
        .lines()
        .find(|line| line.starts_with('▌'))
        .expect("a row");
    for words in ["checkout", "● ○", "18x", "31%", "21m v2.31.0", "● 12m"] {
        assert!(row.contains(words), "{words}: {row}");
    }
    let blind = Stage::new(worlds::blind(), 120, 40).keys("6").text();
    let row = blind
        .lines()
        .find(|line| line.starts_with('▌'))
        .expect("a row");
    assert!(row.contains('◌') && !row.contains('○'), "{row}");
}

#[test]
fn a_configured_service_lends_its_page_and_runbook_to_its_rows() {
    let service = |name: &str| Service {
        name: name.to_owned(),
        team: Some("shop".to_owned()),
        runbook: Some(format!("https://runbooks.example/of/{name}")),
        links: BTreeMap::from([
            ("board".to_owned(), "https://board.example".to_owned()),
            (
                "dashboard".to_owned(),
                format!("https://grafana.example/{name}"),
            ),
        ]),
        ..Service::default()
    };
    let store = worlds::burning().with_services(vec![service("checkout"), service("cart")]);
    let stage = Stage::new(store, 120, 50).keys("o b enter");
    let open = |url: &str| Effect::Open(url.to_owned());
    assert_eq!(
        stage.effects,
        [
            open("https://grafana.example/checkout"),
            open("https://runbooks.example/of/checkout"),
        ]
    );
    let detail = stage.keys("G").text();
    assert!(
        detail.contains("shop") && detail.contains("board.example"),
        "{detail}"
    );
}

#[test]
fn times_of_day_follow_the_zone() {
    let stage = Stage::in_zone(worlds::burning(), 120, 40, "Europe/Berlin");
    assert!(stage.text().contains("15:02:31 CET"));
    assert!(stage.keys("z").text().contains("14:02:31 UTC"));
}

#[test]
fn hostile_text_never_steers_the_terminal() {
    for text in worlds::hostile() {
        for keys in [
            "",
            "enter",
            "2 enter",
            "3 enter",
            "4 G enter",
            "/ x",
            "t",
            "t enter",
            "t G j j enter",
        ] {
            for (width, height, is_ascii) in [(40, 12, false), (120, 40, false), (80, 24, true)] {
                let stage = Stage {
                    is_ascii,
                    ..Stage::new(worlds::saying(&text), width, height)
                };
                let buffer = stage.keys(keys).draw_at(width, height);
                for cell in buffer.content() {
                    let symbol = cell.symbol();
                    assert!(symbol.len() <= 32, "{symbol:?}");
                    assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
                    assert!(!symbol.contains('\u{202e}'), "{symbol:?}");
                    assert!(!is_ascii || symbol.is_ascii(), "{symbol:?}");
                }
            }
        }
    }
}

#[test]
fn every_size_draws() {
    for world in [worlds::burning(), worlds::saying("支払い")] {
        for keys in ["", "enter", "?", "4", "t"] {
            let mut stage = Stage::new(world.clone(), 80, 24).keys(keys);
            for (width, height) in (1..=130).flat_map(|width| {
                let heights: [u16; 8] = [1, 5, 6, 7, 12, 17, 18, 50];
                heights.map(|height| (width, height))
            }) {
                stage.tell(Msg::Resize(Size { width, height }));
                stage.draw_at(width, height);
                // A frame that was made for another size is cut, and harms nothing.
                if width % 10 == 0 {
                    stage.draw_at(height, 20);
                }
            }
        }
    }
}

#[test]
fn an_overlay_is_whole_whatever_it_lies_on() {
    let text = "支払い決済".repeat(20);
    let mut stage = Stage::new(worlds::saying(&text), 80, 24).keys("?");
    for width in 60..=160 {
        stage.tell(Msg::Resize(Size { width, height: 40 }));
        let area = stage.screen().overlay.expect("the help").area;
        let buffer = stage.draw_at(width, 40);
        for y in area.y..area.y + area.height {
            let left = buffer[(area.x, y)].symbol();
            assert!("╭│╰".contains(left), "{left:?} in {}", text_of(&buffer));
        }
    }
}

#[test]
fn of_ten_thousand_slos_only_those_in_view_get_cells() {
    let stage = Stage::new(worlds::crowded(10_000), 120, 40).keys("G");
    let table = stage.screen().tables.remove(0);
    assert!(table.rows.len() < 40);
    assert_eq!(
        table.rows.last().map(|row| row.gutter),
        Some(Gutter::Selected)
    );
    assert!(stage.text().contains("service-09999"));
    assert!(stage.text().contains("10000 ok"));
}

#[test]
fn a_filter_for_what_is_unknown_follows_time_and_facts_without_a_key() {
    let rows = |stage: &Stage| stage.screen().tables[0].rows.len();
    let stage = Stage::new(worlds::crowded(20), 120, 40).keys("/");
    let stage = stage.types("state:unknown").keys("enter f");
    assert_eq!(rows(&stage), 0);
    // Its source falls silent, and speaks again.
    let stage = stage.later(600);
    assert_eq!(rows(&stage), 20);
    let mut again = worlds::search_worse();
    again.at = stage.now;
    assert_eq!(rows(&stage.report(again)), 0);
}

#[test]
fn nothing_of_a_silent_source_is_shown_in_a_colour_of_severity() {
    for keys in ["", "enter", "2 enter", "3 enter", "4 enter"] {
        for (width, height) in SIZES {
            let stage = Stage::new(worlds::silent(), width, height).keys(keys);
            let buffer = stage.draw_at(width, height);
            // A page that is not known any more is in a dim red.
            let loud = |cell: &&Cell| match cell.fg {
                Color::Red => !cell.modifier.contains(Modifier::DIM),
                colour => matches!(colour, Color::Yellow | Color::Green),
            };
            let found = buffer.content().iter().find(loud);
            assert_eq!(found, None, "{keys} at {width}x{height}");
        }
    }
}
