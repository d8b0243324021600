//! `x` on the screen: every number of one SLO, what is known at once and what its source adds.
#![expect(clippy::expect_used, reason = "a test may panic")]

#[path = "screens"]
mod screens {
    pub(crate) mod facts;
    #[expect(dead_code, reason = "the screens' own tests use the rest")]
    pub(crate) mod stage;
    #[expect(dead_code, reason = "the screens' own tests use the rest")]
    pub(crate) mod worlds;
}

use jiff::SignedDuration;
use watchfire::app::{Effect, Msg, Size};
use watchfire::domain::explanation::{Basis, Data, Gap, Samples, Told};
use watchfire::domain::{Explanation, Fault, FaultKind, Observation, SourceName};

use screens::facts::{DAY, HOUR, MINUTE, ago, burning_slos};
use screens::stage::{SIZES, Stage, now};
use screens::worlds;

/// The SLO that burns.
fn burning() -> Observation {
    let slos = burning_slos();
    let burning = slos
        .into_iter()
        .find(|seen| seen.slo.service.raw() == "checkout");
    burning.expect("it")
}

/// What a source that looks behind its numbers says.
fn explained() -> Explanation {
    let mut explained = Explanation::of(burning());
    explained.seen.since = Some(ago(9 * DAY + HOUR));
    for span in &mut explained.spans {
        let series = 4.0;
        let fullest = f64::from(span.window.seconds() / 15).min(51_840.0);
        span.basis = Basis::Computed;
        span.samples = Some(Samples {
            count: fullest * series,
            series,
            fullest: fullest - 2.0,
        });
        let query = format!(
            "sum(increase(http_requests_total{{service=\"checkout\",code=~\"5..\"}}[{}]))",
            span.window
        );
        span.queries = vec![(format!("bad {}", span.window), query.into())];
    }
    explained.data = Some(Data {
        interval: Some(SignedDuration::from_secs(15)),
        newest: Some(ago(12)),
        present: Some(now()),
        gap: Some(Gap {
            from: ago(3 * HOUR),
            until: ago(3 * HOUR - 40 * MINUTE),
        }),
        resolution: Some(SignedDuration::from_mins(1)),
    });
    explained
}

fn told(outcome: Result<Explanation, Fault>) -> Msg {
    Msg::Told(Box::new(Told {
        source: SourceName::new("prom-eu"),
        id: "checkout/availability".into(),
        at: now(),
        outcome,
    }))
}

fn with_answer(width: u16, height: u16, keys: &str) -> Stage {
    let mut stage = Stage::new(worlds::burning(), width, height).keys(keys);
    stage.tell(told(Ok(explained())));
    stage
}

#[test]
fn what_is_known_is_explained_at_once_while_the_source_is_asked() {
    for (width, height) in SIZES {
        let stage = Stage::new(worlds::burning(), width, height).keys("x");
        let name = format!("asking_{width}x{height}");
        insta::assert_snapshot!(name, stage.picture());
    }
    let text = Stage::new(worlds::burning(), 120, 70).keys("x").text();
    assert!(text.contains("the page rule fires"), "{text}");
    assert!(text.contains("asking prom-eu"), "{text}");
}

#[test]
fn what_the_source_adds_is_filled_in() {
    for (width, height) in SIZES {
        let stage = with_answer(width, height, "x");
        insta::assert_snapshot!(format!("told_{width}x{height}"), stage.picture());
    }
    insta::assert_snapshot!("told_whole", with_answer(100, 110, "x").text());
    let end = with_answer(80, 24, "x").keys("G").text();
    assert!(end.contains("[30d]))"), "{end}");
}

#[test]
fn a_source_that_cannot_tell_says_why_and_the_rest_stays() {
    let mut stage = Stage::new(worlds::burning(), 120, 70).keys("x");
    let fault = Fault::new(FaultKind::Timeout, "no answer within 10s");
    stage.tell(told(Err(fault)));
    let text = stage.text();
    assert!(text.contains("not known: no answer within 10s"), "{text}");
    assert!(text.contains("the page rule fires"), "{text}");
}

#[test]
fn the_numbers_of_a_silent_source_are_explained_as_old_ones() {
    let stage = Stage::new(worlds::blind(), 120, 40).keys("x");
    insta::assert_snapshot!("stale_120x40", stage.picture());
    let text = stage.text();
    assert!(text.contains("UNKNOWN · was PAGE"), "{text}");
    assert!(text.contains("prom-eu STALE 4m"), "{text}");
    assert!(text.contains("when it was last heard:"), "{text}");
}

#[test]
fn keys_explain_scroll_copy_and_lead_back() {
    let explain = Effect::Explain(
        SourceName::new("prom-eu"),
        vec!["checkout/availability".into()],
    );
    let copy = |text: &str| Effect::Copy(text.to_owned());
    let effects = |keys: &str| {
        let stage = Stage::new(worlds::burning(), 80, 24).keys(keys);
        stage.effects_by_id()
    };
    assert_eq!(effects("x"), std::slice::from_ref(&explain));
    assert_eq!(effects("enter x"), std::slice::from_ref(&explain));
    assert_eq!(effects("x x"), [explain.clone(), explain.clone()]);
    assert_eq!(
        effects("x j y"),
        [explain.clone(), copy("checkout/availability")]
    );
    assert_eq!(effects("x esc q"), [explain.clone(), Effect::Quit]);
    assert_eq!(effects("x q q"), [explain.clone(), Effect::Quit]);
    assert_eq!(effects("2 x"), []);
    let elsewhere = Stage::new(worlds::burning(), 80, 24).keys("2 x").text();
    assert!(
        elsewhere.contains("only the numbers of an SLO"),
        "{elsewhere}"
    );
    // Scrolling moves the lines, not the selection below.
    let top = with_answer(80, 24, "x").text();
    let down = with_answer(80, 24, "x").keys("j j").text();
    assert_ne!(top, down);
    let back = Stage::new(worlds::burning(), 80, 24).keys("x j j esc y");
    assert_eq!(
        back.effects_by_id().last(),
        Some(&copy("checkout/availability"))
    );
    let detail = Stage::new(worlds::burning(), 80, 24).keys("enter");
    let again = Stage::new(worlds::burning(), 80, 24).keys("enter x esc");
    assert_eq!(detail.text(), again.text());
}

#[test]
fn the_queries_can_be_copied() {
    let stage = Stage::new(worlds::burning(), 80, 24).keys("x Y");
    let Some(Effect::Copy(text)) = stage.effects.last() else {
        panic!("nothing was copied: {:?}", stage.effects);
    };
    let queries: Vec<_> = burning()
        .slo
        .queries
        .iter()
        .map(|(_, query)| query.raw().to_owned())
        .collect();
    assert_eq!(*text, queries.join("\n"));
}

#[test]
fn an_answer_to_another_question_is_let_go() {
    let mut stage = Stage::new(worlds::burning(), 120, 70).keys("j x");
    stage.tell(told(Ok(explained())));
    assert!(stage.text().contains("asking prom-eu"), "{}", stage.text());
}

#[test]
fn a_row_that_is_gone_says_so() {
    let stage = with_answer(80, 24, "x").report(worlds::no_slos());
    assert!(stage.text().contains("prom-eu reports this no more."));
}

#[test]
fn hostile_answers_steer_no_terminal_at_any_size() {
    for text in worlds::hostile() {
        let mut stage = Stage::new(worlds::saying(&text), 80, 24).keys("x");
        let Some(Effect::Explain(source, ids)) = stage.effects.last().cloned() else {
            panic!("nothing was asked");
        };
        let mut hostile = explained();
        hostile.lacks = vec![text.as_str().into()];
        hostile.spans[0].queries = vec![(text.clone(), text.as_str().into())];
        stage.tell(Msg::Told(Box::new(Told {
            source,
            id: ids[0].clone(),
            at: now(),
            outcome: Ok(hostile),
        })));
        for (width, height) in [(1, 1), (30, 6), (40, 12), (59, 17), (80, 24), (160, 50)] {
            stage.tell(Msg::Resize(Size { width, height }));
            for keys in ["g", "G"] {
                stage = stage.keys(keys);
                let buffer = stage.draw_at(width, height);
                for cell in buffer.content() {
                    let symbol = cell.symbol();
                    assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
                    assert!(!symbol.contains('\u{202e}'), "{symbol:?}");
                }
            }
        }
    }
}
