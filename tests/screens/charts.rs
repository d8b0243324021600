//! Charts of a detail: zoom, the past that is asked for them, and the budget over the period.

use jiff::SignedDuration;
use watchfire::app::{Effect, Msg};
use watchfire::domain::past::{PastEvents, PastQuestion, Recalled};
use watchfire::domain::{Events, Fault, FaultKind, SourceName};

use super::stage::{SIZES, Stage, now};
use super::suspects::world;
use crate::at_every_size;

/// The step of questions about the time around releases.
const AROUND: SignedDuration = SignedDuration::from_mins(5);

/// The questions about the past of charts that have gone out since.
fn asked(stage: &Stage) -> Vec<(SourceName, PastQuestion)> {
    let effects = stage.effects.iter();
    let asked = effects.filter_map(|effect| match effect {
        // Not those about the time around releases.
        Effect::Past(source, question) if question.steps.step() != AROUND => {
            Some((source.clone(), question.clone()))
        }
        _ => None,
    });
    asked.collect()
}

/// With the last question answered: half of the steps with errors, the second not known.
fn answered(stage: Stage) -> Stage {
    let mut stage = stage;
    let (source, question) = asked(&stage).pop().expect("a question");
    let steps = question.steps;
    let id = question.slos[0][0].clone();
    let seen = world(17);
    let slo = seen.slos().find(|(_, seen)| seen.slo.id() == id);
    let slo = slo.expect("the SLO").1.slo.clone();
    let events = (0..steps.len()).map(|step| {
        let bad = if step % 2 == 0 { 130.0 } else { 0.0 };
        (step != 1).then_some(Events {
            bad,
            total: 100_000.0,
        })
    });
    let past = PastEvents {
        slo,
        steps,
        events: events.collect(),
        width: steps.step(),
        counted: true,
        partial: false,
        present: None,
        answered: None,
        newest: None,
        queries: Vec::new(),
        reasons: Vec::new(),
    };
    stage.tell(Msg::Past(Box::new(Recalled {
        source,
        id,
        at: now(),
        steps,
        outcome: Ok(past),
    })));
    stage
}

#[test]
fn an_open_detail_asks_for_the_period_once_and_shows_the_budget_over_it() {
    let stage = Stage::new(world(17), 120, 70).keys("enter");
    assert!(
        asked(&stage).is_empty(),
        "a detail that is only passed asks nothing"
    );
    let stage = stage.later(1).later(1);
    let questions = asked(&stage);
    assert_eq!(questions.len(), 1);
    let (source, question) = &questions[0];
    assert_eq!(source.as_str(), "prom-eu");
    assert_eq!(question.slos[0][0].raw(), "checkout/availability");
    assert_eq!(question.steps.step(), SignedDuration::from_hours(4));
    assert_eq!(question.steps.len(), 180);
    let stage = stage.later(1).later(30);
    assert_eq!(asked(&stage).len(), 1, "one question at a time");
    let text = answered(stage.clone()).text();
    // 90 steps of 130 bad events in 179 of 100,000 at 99.9 %.
    assert!(
        text.contains("budget over 30d rolling, from 100% to 31%"),
        "{text}"
    );
    let later = answered(stage).later(60).later(60);
    assert_eq!(asked(&later).len(), 1, "it is known well enough");
}

#[test]
fn a_cursor_that_runs_through_rows_asks_nothing() {
    let stage = Stage::new(world(17), 200, 50);
    let stage = (0..6).fold(stage, |stage, _| stage.keys("j").later(1));
    assert!(asked(&stage).is_empty());
    assert_eq!(asked(&stage.later(1)).len(), 1, "it rests");
}

#[test]
fn plus_and_minus_zoom_the_burn_chart() {
    let stage = Stage::new(world(17), 120, 70).keys("enter");
    assert!(stage.text().contains("last 3h"), "{}", stage.text());
    let near = stage.clone().keys("+");
    assert!(near.text().contains("last 1h"), "{}", near.text());
    assert!(near.keys("+").text().contains("this is the shortest time"));
    let far = stage.keys("- -");
    let text = far.text();
    assert!(text.contains("asking for 24h"), "{text}");
    let far = far.later(1).later(1);
    let (_, question) = asked(&far).pop().expect("a question");
    assert_eq!(question.steps.step(), SignedDuration::from_mins(8));
    let text = answered(far.clone()).text();
    assert!(text.contains("burn rate (8m window), last 24h"), "{text}");
    let mut failed = far;
    let (source, question) = asked(&failed).pop().expect("a question");
    failed.tell(Msg::Past(Box::new(Recalled {
        source,
        id: question.slos[0][0].clone(),
        at: now(),
        steps: question.steps,
        outcome: Err(Fault::new(FaultKind::NoHistory, "it keeps none")),
    })));
    let text = failed.text();
    assert!(
        text.contains("24h not known") && text.contains("it keeps none"),
        "{text}"
    );
}

#[test]
fn a_detail_with_its_charts_at_every_size() {
    at_every_size("charts", |width, height| {
        answered(
            Stage::new(world(17), width, height)
                .keys("enter")
                .later(1)
                .later(1),
        )
    });
    for (width, height) in SIZES {
        let stage = Stage::new(world(17), width, height).keys("enter J K");
        assert_eq!(
            stage.text(),
            Stage::new(world(17), width, height).keys("enter").text()
        );
    }
}
