//! A suggested SLO is kept: its lines are shown first, and nothing else can be.

use std::sync::Arc;

use watchfire::app::Effect;
use watchfire::domain::suggestion::{Counts, Suggestion, SuggestionStanding, Suggestions};
use watchfire::domain::{Facts, Observation, Origin, Period, Slo, SourceName, Window};
use watchfire::store::Store;

use super::facts::{answer, feeds};
use super::stage::{Stage, now};

fn store() -> Store {
    let period = Period::Rolling(Window::days(30));
    let source = SourceName::new("prom-eu");
    let slo = |service: &str, origin| {
        Slo::new(
            service,
            "availability",
            source.clone(),
            0.999,
            period,
            origin,
        )
    };
    let seen = [
        slo("checkout", Origin::Suggested),
        slo("written", Origin::Config),
    ]
    .map(|slo| Observation::unknown(Arc::new(slo), now()));
    let suggestion = Suggestion {
        service: "checkout".into(),
        name: "availability",
        counts: Counts::Bad {
            total: "http_requests_total{service=\"checkout\"}".into(),
            bad: "http_requests_total{service=\"checkout\",code=~\"5..\"}".into(),
        },
        objective: 0.999,
        period,
        absent_is_zero: true,
        standing: SuggestionStanding::Shown,
        ratio: Some(0.000_1),
        because: "requests by status".into(),
        recipe: "http".to_owned(),
    };
    let facts = Facts {
        slos: Some(seen.to_vec()),
        suggestions: Some(Arc::new(Suggestions {
            all: vec![suggestion],
            ..Suggestions::default()
        })),
        ..Facts::default()
    };
    let mut store = Store::new(feeds());
    store.absorb(answer("prom-eu", 3, facts));
    store
}

#[test]
fn its_lines_are_shown_and_appended_on_request() {
    let stage = Stage::new(store(), 120, 40).with_file("/etc/watchfire.toml");
    let shown = stage.clone().keys("A");
    let text = shown.text();
    for line in [
        "append to /etc/watchfire.toml",
        "[[slo]]",
        "objective = 99.9",
        "absent = \"zero\"",
        "# Suggested: requests by status.",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let appended = |stage: &Stage| {
        let effects = stage.effects.iter();
        let entries = effects.filter_map(|effect| match effect {
            Effect::AppendSlo(entry) => Some(entry.clone()),
            _ => None,
        });
        entries.collect::<Vec<_>>()
    };
    assert!(appended(&shown.clone().keys("esc")).is_empty());
    let entries = appended(&shown.keys("enter"));
    assert!(
        matches!(&*entries, [entry] if entry.contains("service = \"checkout\"")),
        "{entries:?}"
    );
    let other = stage.keys("j A");
    assert!(
        other.text().contains("only a suggested SLO can be kept"),
        "{}",
        other.text()
    );
}

#[test]
fn without_a_file_init_is_named() {
    let stage = Stage::new(store(), 120, 40).keys("A");
    let text = stage.text();
    assert!(text.contains("`watchfire init` writes one"), "{text}");
}
