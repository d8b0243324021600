//! What a report, a key and a frame cost with 100 and with 10,000 SLOs on the screen.
//!
//! `cargo bench --bench screen`; the two sizes of a benchmark should differ where all rows are
//! ranked or filtered, and nowhere else.
#![expect(clippy::expect_used, reason = "a benchmark may panic")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use watchfire::app::screen;
use watchfire::app::{Keymap, Model, Msg, Size, update};
use watchfire::config::{Settings, ThemeChoice};
use watchfire::domain::slo::Point;
use watchfire::domain::{
    Facts, Observation, Origin, Period, Reading, Report, Sample, Slo, SourceName, Window,
};
use watchfire::store::{Feed, Offers, Store};
use watchfire::ui::{draw, theme::Theme};

const SIZES: [u32; 2] = [100, 10_000];

fn now() -> Timestamp {
    Timestamp::from_second(1_795_356_000).expect("a moment")
}

/// An SLO among many: one in a thousand burns, the rest lies between calm and half spent.
fn observation(number: u32, poll: u32) -> Observation {
    let slo = Slo::new(
        format!("team-{:02}-service-{number:05}", number % 40),
        "availability",
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Sloth,
    );
    let at = now();
    let spread = f64::from(number.wrapping_mul(2_654_435_761).wrapping_add(poll) % 1_000) / 1_000.0;
    let ratio = if number % 1_000 == 7 {
        0.03
    } else {
        spread * 0.000_5
    };
    let sample = Sample {
        reading: Reading::Ratio(ratio),
        events: None,
        at,
    };
    let points = (0..61_i32).map(|back| Point {
        at: at - SignedDuration::from_mins(3) * (60 - back),
        ratio,
    });
    Observation {
        windows: slo
            .windows()
            .into_iter()
            .map(|window| (window, sample))
            .collect(),
        period: Some(sample),
        history: points.collect(),
        ..Observation::unknown(Arc::new(slo), at)
    }
}

fn report(count: u32, poll: u32) -> Msg {
    let slos = (0..count).map(|number| observation(number, poll)).collect();
    Msg::Report(Box::new(Report {
        source: SourceName::new("prod"),
        at: now(),
        latency: SignedDuration::from_millis(12),
        next_try: None,
        outcome: Ok(Facts {
            slos: Some(slos),
            ..Facts::default()
        }),
    }))
}

fn model(count: u32) -> Model {
    let offers = Offers {
        slos: true,
        ..Offers::default()
    };
    let (every, down) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));
    let feed = Feed::new(SourceName::new("prod"), "prometheus", offers, every, down);
    let ui = Settings::empty().ui;
    let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
    let size = Size {
        width: 200,
        height: 50,
    };
    let mut model = Model::new(&ui, keymap, Store::new(vec![feed]), size);
    update(&mut model, report(count, 0), now());
    model
}

fn press(model: &mut Model, key: &str) {
    let key = key.parse().expect("a key");
    update(model, Msg::Key(key), now());
}

/// The same model as after these keys.
fn after(count: u32, keys: &str) -> Model {
    let mut model = model(count);
    for key in keys.split_whitespace() {
        press(&mut model, key);
    }
    model
}

fn screens(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("screen");
    group.sample_size(30);
    for count in SIZES {
        let id = |what: &str| BenchmarkId::new(what, count);
        group.bench_function(id("report to rank"), |bencher| {
            let mut model = model(count);
            let mut poll = 0;
            bencher.iter_batched(
                || {
                    poll += 1;
                    report(count, poll)
                },
                |report| {
                    update(&mut model, report, now());
                    // Given back on another thread, and here after the clock has stopped.
                    model.take_spent()
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function(id("letter of a filter"), |bencher| {
            let mut model = after(count, "/ s v c : t e a m - 0");
            bencher.iter(|| {
                press(&mut model, "7");
                press(&mut model, "backspace");
            });
        });
        group.bench_function(id("key to screen"), |bencher| {
            let mut model = after(count, "j");
            bencher.iter(|| {
                press(&mut model, "j");
                black_box(screen(&model, now()))
            });
        });
        group.bench_function(id("key to screen, filtered"), |bencher| {
            let mut model = after(count, "/ s v c : t e a m - 0 enter j");
            bencher.iter(|| {
                press(&mut model, "j");
                black_box(screen(&model, now()))
            });
        });
        group.bench_function(id("key to screen, in detail"), |bencher| {
            let mut model = after(count, "G enter");
            bencher.iter(|| {
                press(&mut model, "pgdn");
                black_box(screen(&model, now()))
            });
        });
        group.bench_function(id("pause and go on"), |bencher| {
            let mut model = model(count);
            bencher.iter(|| {
                press(&mut model, "p");
                press(&mut model, "p");
            });
        });
        group.bench_function(id("second to screen"), |bencher| {
            let mut model = after(count, "j");
            bencher.iter(|| {
                update(&mut model, Msg::Tick, now());
                black_box(screen(&model, now()))
            });
        });
        group.bench_function(id("draw"), |bencher| {
            let screen = screen(&model(count), now());
            let theme = Theme::new(ThemeChoice::Auto, false, false);
            let mut terminal = Terminal::new(TestBackend::new(200, 50)).expect("a terminal");
            bencher.iter(|| {
                terminal
                    .draw(|frame| draw(frame, &screen, &theme))
                    .expect("a frame");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, screens);
criterion_main!(benches);
