//! The wall: its faces at every size, which of them is shown when, and what a day of it costs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use watchfire::app::{Effect, Msg, Size};
use watchfire::config::{DimHours, ThemeChoice, WallSettings};
use watchfire::domain::{Facts, Fault, FaultKind, Report, SourceName};
use watchfire::store::Store;
use watchfire::term::{Charset, Paint};
use watchfire::ui::{draw, theme::Theme};

use super::facts::{
    burning_slos, calm_slo, calm_slos, facts_of_incidents, facts_of_releases, facts_of_slos,
    incidents, releases,
};
use super::stage::{Stage, text};
use super::{suspects, worlds};

/// From the smallest panel to a large screen of an operations room.
const WALLS: [(u16, u16); 6] = [
    (40, 12),
    (80, 24),
    (120, 40),
    (200, 50),
    (60, 20),
    (300, 80),
];

fn wall(store: Store, (width, height): (u16, u16)) -> Stage {
    Stage::new(store, width, height).on_the_wall(&WallSettings::default())
}

/// A frame's text, and below it the ground and ink of each cell.
fn picture(stage: &Stage, (width, height): (u16, u16)) -> String {
    let buffer = stage.draw_at(width, height);
    let mut styles = String::new();
    for y in 0..height {
        let row: String = (0..width).map(|x| ink(&buffer, x, y)).collect();
        styles.push_str(row.trim_end());
        styles.push('\n');
    }
    format!("{}\n~~~\n{styles}", text(&buffer))
}

fn ink(buffer: &Buffer, x: u16, y: u16) -> char {
    let cell = &buffer[(x, y)];
    match (cell.bg, cell.fg, cell.modifier) {
        (Color::Red, ..) => 'R',
        (Color::Magenta, ..) => 'M',
        (_, _, modifier) if modifier.contains(Modifier::REVERSED) => '#',
        _ if cell.symbol() == " " => ' ',
        (_, Color::Red, _) => 'r',
        (_, Color::Yellow, _) => 'y',
        (_, Color::Green, _) => 'g',
        (_, Color::Magenta, _) => 'm',
        (_, Color::Cyan, _) => 'c',
        (_, _, modifier) if modifier.contains(Modifier::DIM) => '-',
        _ => '.',
    }
}

fn all_is_well() -> Store {
    worlds::calm()
}

#[test]
fn the_three_faces_at_every_size() {
    for size in WALLS {
        let (width, height) = size;
        for (name, store) in [
            ("page", suspects::world(17)),
            ("calm", all_is_well()),
            ("blind", worlds::blind()),
            ("waiting", worlds::waiting()),
        ] {
            let stage = wall(store, size);
            insta::assert_snapshot!(
                format!("wall_{name}_{width}x{height}"),
                picture(&stage, size)
            );
        }
    }
}

#[test]
fn a_page_says_what_burns_in_large_letters_and_in_words() {
    let size = (120, 40);
    let shown = text(&wall(suspects::world(17), size).draw_at(120, 40));
    for words in [
        "PAGE checkout availability 99.9%",
        "31% left",
        "burning 17m, since 13:45",
        "◀ v2.31.0 by mara",
        "errors 0.02% → 2.2%",
        "nobody has it",
        "TICKET",
        "▪ alive",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

#[test]
fn all_ok_is_said_only_where_everything_is_known_and_holds() {
    let calm = wall(all_is_well(), (120, 40));
    let picture_of_calm = picture(&calm, (120, 40));
    assert!(
        picture_of_calm.contains("SLOs hold · known"),
        "{picture_of_calm}"
    );
    assert!(
        picture_of_calm
            .split_once("\n~~~\n")
            .is_some_and(|(_, inks)| inks.contains('g')),
        "green"
    );
    for store in [
        worlds::burning(),
        worlds::blind(),
        worlds::waiting(),
        worlds::silent(),
        worlds::refused(),
    ] {
        for size in WALLS {
            let shown = picture(&wall(store.clone(), size), size);
            let inks = shown.split_once("\n~~~\n").map_or("", |(_, inks)| inks);
            assert!(!inks.contains('g'), "green at {size:?}\n{shown}");
        }
    }
}

#[test]
fn a_lost_source_is_named_with_what_was_known_and_is_never_calm() {
    for size in WALLS {
        let shown = picture(&wall(worlds::blind(), size), size);
        assert!(shown.contains("BLIND prom-eu"), "{size:?}\n{shown}");
        assert!(shown.contains('M'), "{size:?}");
        assert!(!shown.contains("SLOs hold"), "{shown}");
    }
    let shown = text(&wall(worlds::blind(), (120, 40)).draw_at(120, 40));
    for words in [
        "connection refused",
        "next try",
        "may be worse now",
        "paged: checkout",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

/// A poll of a source at the time of a stage.
fn poll(stage: &mut Stage, source: &str, outcome: Result<Facts, Fault>) {
    let interval = SignedDuration::from_secs(if source == "prom-eu" { 15 } else { 30 });
    stage.tell(Msg::Report(Box::new(Report {
        source: SourceName::new(source),
        at: stage.now,
        latency: SignedDuration::from_millis(40),
        next_try: Some(stage.now + interval),
        outcome,
    })));
}

fn poll_all(stage: &mut Stage) {
    poll(stage, "prom-eu", Ok(facts_of_slos(calm_slos())));
    poll(stage, "github", Ok(facts_of_releases(releases())));
    poll(stage, "am", Ok(facts_of_incidents(Vec::new())));
    poll(stage, "argocd", Ok(facts_of_releases(Vec::new())));
}

#[test]
fn a_source_that_hangs_is_blind_after_one_interval_and_one_time_out() {
    let mut stage = wall(all_is_well(), (120, 40));
    poll_all(&mut stage);
    stage = stage.later(15);
    poll_all(&mut stage);
    let is_blind = |stage: &Stage| text(&stage.draw_at(120, 40)).contains("BLIND");
    // 15 s of interval, 10 s of time-out.
    stage = stage.later(25);
    assert!(!is_blind(&stage));
    stage = stage.later(2);
    assert!(is_blind(&stage));
    poll_all(&mut stage);
    assert!(!is_blind(&stage));
    // One lost poll is enough.
    poll(
        &mut stage,
        "prom-eu",
        Err(Fault::new(FaultKind::Connect, "refused")),
    );
    assert!(is_blind(&stage));
}

#[test]
fn what_was_known_outlasts_an_answer_in_which_nothing_is() {
    let mut stage = wall(all_is_well(), (120, 40));
    poll_all(&mut stage);
    let unknown = calm_slos().into_iter().map(|seen| {
        let at = seen.at;
        watchfire::domain::Observation::unknown(seen.slo, at)
    });
    poll(&mut stage, "prom-eu", Ok(facts_of_slos(unknown.collect())));
    poll(
        &mut stage,
        "prom-eu",
        Err(Fault::new(FaultKind::Timeout, "no answer")),
    );
    let shown = text(&stage.draw_at(120, 40));
    assert!(
        shown.contains("last known: 0 PAGE, 0 TICKET, 17 ok"),
        "{shown}"
    );
}

#[test]
fn a_page_of_a_source_that_answers_keeps_half_of_a_blind_face() {
    let mut store = Store::new({
        let mut feeds = super::facts::feeds();
        let mut us = feeds[0].clone();
        us.name = SourceName::new("prom-us");
        feeds.push(us);
        feeds
    });
    for report in [
        super::facts::answer("prom-eu", 3, facts_of_slos(burning_slos())),
        super::facts::answer(
            "prom-us",
            90,
            facts_of_slos(vec![calm_slo("orders", "latency", 0.99, 0.5)]),
        ),
        super::facts::failure("prom-us", FaultKind::Timeout, "no answer within 10s"),
        super::facts::answer("am", 3, facts_of_incidents(incidents())),
    ] {
        store.absorb(report);
    }
    for size in WALLS {
        let shown = picture(&wall(store.clone(), size), size);
        assert!(shown.contains("BLIND prom-us"), "{shown}");
        assert!(shown.contains("PAGE checkout"), "{shown}");
        assert!(shown.contains('M') && shown.contains('R'), "{shown}");
    }
    insta::assert_snapshot!(
        "wall_both_120x40",
        picture(&wall(store, (120, 40)), (120, 40))
    );
}

#[test]
fn a_banner_moves_by_its_own_height_after_half_an_hour() {
    let mut stage = wall(worlds::burning(), (120, 40));
    let top = |stage: &Stage| {
        let buffer = stage.draw_at(120, 40);
        (0..40).find(|y| buffer[(0, *y)].bg == Color::Red)
    };
    let again = |stage: &mut Stage| {
        poll(stage, "prom-eu", Ok(facts_of_slos(burning_slos())));
    };
    assert_eq!(top(&stage), Some(0));
    for (minutes, row) in [(29, 0), (2, 20), (28, 20), (3, 0)] {
        stage.now += SignedDuration::from_mins(minutes);
        again(&mut stage);
        assert_eq!(top(&stage), Some(row), "after {minutes} more");
    }
}

#[test]
fn keys_leave_a_wall_and_do_nothing_else() {
    let mut stage = wall(worlds::burning(), (120, 40)).acting(&[]);
    let before = text(&stage.draw_at(120, 40));
    let letters = ('!'..='~')
        .filter(|letter| *letter != 'q')
        .map(String::from);
    let named = [
        "enter",
        "esc",
        "tab",
        "space",
        "up",
        "down",
        "pgdn",
        "backspace",
        "f5",
        "ctrl-a",
        "ctrl-\\",
    ];
    for key in letters.chain(named.map(str::to_owned)) {
        stage.tell(Msg::Key(key.parse().expect("a key")));
        stage.tell(Msg::Paste("a\n".to_owned()));
    }
    assert_eq!(stage.effects, Vec::new());
    assert_eq!(text(&stage.draw_at(120, 40)), before);
    for key in ["q", "ctrl-c"] {
        assert_eq!(stage.clone().keys(key).effects, [Effect::Quit]);
    }
}

#[test]
fn the_wall_of_a_screen_leads_back_to_it() {
    let screen = Stage::new(worlds::burning(), 120, 40);
    let before = text(&screen.draw_at(120, 40));
    for way_back in ["W", "q", "esc"] {
        let on_the_wall = screen.clone().keys("W");
        assert!(text(&on_the_wall.draw_at(120, 40)).contains("▪ alive"));
        let idle = on_the_wall.clone().keys("a j enter s");
        assert_eq!(idle.effects, Vec::new());
        let back = on_the_wall.keys(way_back);
        assert_eq!(text(&back.draw_at(120, 40)), before);
        assert_eq!(back.effects, Vec::new());
    }
}

#[test]
fn plain_characters_and_no_colours_still_tell_the_faces_apart() {
    let theme = Theme::new(ThemeChoice::Auto, true, true);
    for (name, store) in [
        ("page", worlds::burning()),
        ("calm", all_is_well()),
        ("blind", worlds::blind()),
    ] {
        for (width, height) in [(80, 24), (120, 40)] {
            let ui = watchfire::config::UiSettings {
                ascii: true,
                ..watchfire::config::Settings::empty().ui
            };
            let keymap = watchfire::app::Keymap::new(&BTreeMap::new()).expect("keys");
            let model =
                watchfire::app::Model::new(&ui, keymap, store.clone(), Size { width, height });
            let model = model.on_the_wall(super::stage::now());
            let screen = watchfire::app::screen(&model, super::stage::now());
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
            terminal
                .draw(|frame| draw(frame, &screen, &theme))
                .expect("a frame");
            let buffer = terminal.backend().buffer();
            let shown = text(buffer);
            assert!(shown.is_ascii(), "{shown}");
            assert!(
                buffer
                    .content()
                    .iter()
                    .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
            );
            insta::assert_snapshot!(format!("wall_plain_{name}_{width}x{height}"), shown);
        }
    }
}

#[test]
fn a_calm_wall_is_dim_at_night_and_a_page_never_is() {
    let settings = WallSettings {
        dim: DimHours::parse("14:00..15:00"),
        ..WallSettings::default()
    };
    let bold = |store: Store| {
        let stage = Stage::new(store, 120, 40).on_the_wall(&settings);
        let buffer = stage.draw_at(120, 40);
        let inked = buffer.content().iter().filter(|cell| cell.symbol() != " ");
        inked
            .filter(|cell| !cell.modifier.contains(Modifier::DIM))
            .count()
    };
    assert_eq!(bold(all_is_well()), 0);
    assert!(bold(worlds::burning()) > 100);
}

/// What a wall sends, as a terminal of its size would get it.
struct Sent {
    terminal: Terminal<Paint<Vec<u8>>>,
    theme: Theme,
    last: Option<watchfire::app::screen::Screen>,
    total: usize,
}

impl Sent {
    fn new((width, height): (u16, u16)) -> Self {
        let paint = Paint::new(Size { width, height }, Charset::default(), Vec::new());
        Self {
            terminal: Terminal::new(paint).expect("a terminal"),
            theme: Theme::new(ThemeChoice::Auto, false, false),
            last: None,
            total: 0,
        }
    }

    /// The bytes of one more frame.
    fn draw(&mut self, stage: &Stage) -> usize {
        let screen = stage.screen();
        if self.last.as_ref() == Some(&screen) {
            return 0;
        }
        self.terminal
            .draw(|frame| draw(frame, &screen, &self.theme))
            .expect("a frame");
        self.last = Some(screen);
        let all = self.terminal.backend().output().len();
        all - std::mem::replace(&mut self.total, all)
    }
}

/// A minute of seconds, with polls every 15 s: the bytes of each.
fn minute(stage: &mut Stage, sent: &mut Sent, facts: impl Fn(&mut Stage)) -> Vec<usize> {
    (0..60)
        .map(|second| {
            stage.now += SignedDuration::from_secs(1);
            if second % 15 == 7 {
                facts(stage);
            }
            stage.tell(Msg::Tick);
            sent.draw(stage)
        })
        .collect()
}

#[test]
fn a_calm_minute_takes_few_bytes_and_a_burning_one_no_more_than_a_slow_link_has() {
    let size = (120, 40);
    let mut stage = wall(all_is_well(), size);
    poll_all(&mut stage);
    let mut sent = Sent::new(size);
    minute(&mut stage, &mut sent, poll_all);
    for _ in 0..10 {
        let bytes = minute(&mut stage, &mut sent, poll_all);
        let all: usize = bytes.iter().sum();
        let turn = bytes.iter().max().copied().unwrap_or(0);
        assert!(
            all - turn <= 2_000,
            "{} besides the turn: {bytes:?}",
            all - turn
        );
        assert!(all <= 12_000, "{all}");
    }
    let mut stage = wall(worlds::burning(), size);
    let burn = |stage: &mut Stage| {
        poll(stage, "prom-eu", Ok(facts_of_slos(burning_slos())));
        poll(stage, "am", Ok(facts_of_incidents(incidents())));
    };
    let mut sent = Sent::new(size);
    minute(&mut stage, &mut sent, burn);
    let all: usize = minute(&mut stage, &mut sent, burn).iter().sum();
    assert!(all <= 12_000, "{all}");
}

#[test]
fn over_a_day_no_cell_of_a_calm_wall_glows_for_long_and_nothing_piles_up() {
    for size in WALLS {
        // A large wall has more places, and takes longer to draw.
        let turns: usize = if size.0 > 150 { 4 * 60 } else { 24 * 60 };
        let mut stage = wall(all_is_well(), size);
        let mut lit = vec![0_usize; usize::from(size.0) * usize::from(size.1)];
        let mut sizes = Vec::new();
        for turn in 0..turns {
            stage.now += SignedDuration::from_secs(60);
            poll_all(&mut stage);
            stage.effects.clear();
            drop(stage.model.take_spent());
            let buffer = stage.draw_at(size.0, size.1);
            for (count, cell) in lit.iter_mut().zip(buffer.content()) {
                *count += usize::from(cell.symbol() != " ");
            }
            if turn % (turns / 4) == turns / 8 {
                sizes.push(format!("{:?}", stage.model).len());
            }
        }
        let (place, most) = lit
            .iter()
            .enumerate()
            .max_by_key(|(_, count)| **count)
            .expect("cells");
        let place = (place % usize::from(size.0), place / usize::from(size.0));
        assert!(
            most * 100 <= turns * 60,
            "{place:?} is lit {most} of {turns} minutes at {size:?}"
        );
        let spread = sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0);
        assert!(spread * 50 < sizes[0], "{sizes:?}");
    }
}

/// The face that a moment has is that of the facts alone.
#[test]
fn the_beat_comes_from_the_time_and_the_age_from_the_polls() {
    let mut stage = wall(all_is_well(), (120, 40));
    poll_all(&mut stage);
    let shown = |stage: &Stage, now: Timestamp| {
        let screen = watchfire::app::screen(&stage.model, now);
        format!("{:?}", screen.wall)
    };
    let now = stage.now;
    let beats: std::collections::BTreeSet<bool> = (0..10)
        .map(|second| shown(&stage, now + SignedDuration::from_secs(second)).contains("▫ alive"))
        .collect();
    assert_eq!(beats.len(), 2, "a beat within ten seconds");
    let aged = shown(&stage, now + SignedDuration::from_secs(12));
    assert!(
        aged.contains("known 10 s ago")
            || aged.contains("known 11 s ago")
            || aged.contains("known 9 s ago"),
        "{aged}"
    );
}
