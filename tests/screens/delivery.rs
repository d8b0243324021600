//! The delivery view: its numbers, the rows behind them, and pairs that are taken apart.

use watchfire::app::{Effect, Memory, Msg};
use watchfire::domain::{Event, What};

use super::facts::{answer, facts_of_releases};
use super::stage::Stage;
use super::worlds;

const RELEASE: &str = "github:acme/checkout:991";

fn stage() -> Stage {
    let mut stage = Stage::new(worlds::burning(), 120, 40);
    stage.model.recollect(Memory::Journal);
    // While a source of releases is down, no number of deployments is known.
    let down = stage.keys("7");
    assert!(!line(&down, "checkout").contains('%'), "{}", down.text());
    down.report(answer("argocd", 2, facts_of_releases(Vec::new())))
}

/// The line of a service in the view.
fn line(stage: &Stage, service: &str) -> String {
    let text = stage.text();
    let mut lines = text.lines().map(str::to_owned);
    let found = lines.find(|line| line.trim_start_matches(['▌', ' ']).starts_with(service));
    found.unwrap_or_else(|| panic!("no {service} in\n{text}"))
}

/// The notes that were made since.
fn notes(stage: &mut Stage) -> Vec<Event> {
    let notes = stage.effects.drain(..).filter_map(|effect| match effect {
        Effect::Note(event) => Some(*event),
        _ => None,
    });
    notes.collect()
}

/// Gives a command to the palette.
fn command(stage: Stage, words: &str) -> Stage {
    stage.keys(":").types(words).keys("enter")
}

#[test]
fn numbers_are_those_of_the_rows_and_what_is_not_known_is_a_dash() {
    let stage = stage();
    let checkout = line(&stage, "checkout");
    let words: Vec<_> = checkout.split_whitespace().collect();
    assert!(words.contains(&"1"), "one deployment: {checkout}");
    // Its page opened nine minutes after the release.
    assert!(
        words.iter().any(|word| word.ends_with("100%")),
        "{checkout}"
    );
    assert!(
        words.contains(&"–"),
        "no commits, so no lead time: {checkout}"
    );
    // A service that never released has no number at all.
    let stock = line(&stage, "stock");
    assert_eq!(stock.matches('–').count(), 6, "{stock}");
}

#[test]
fn every_number_is_one_key_from_its_rows() {
    let stage = stage().keys("/").types("svc:=checkout").keys("enter enter");
    let text = stage.text();
    for words in [
        "deployment frequency",
        "change fail rate",
        RELEASE,
        "lead time",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_pair_is_taken_apart_and_put_together_by_a_command_that_the_journal_keeps() {
    let mut stage = command(stage(), &format!("unlink {RELEASE} a1"));
    let apart = notes(&mut stage);
    let linked = |event: &Event| match &event.what {
        What::Linked {
            release,
            incident,
            is_apart,
            ..
        } => (
            release.raw().to_owned(),
            incident.raw().to_owned(),
            *is_apart,
        ),
        other => panic!("{other:?}"),
    };
    assert_eq!(apart.len(), 1);
    assert_eq!(
        linked(&apart[0]),
        (RELEASE.to_owned(), "a1".to_owned(), true)
    );
    assert_eq!(apart[0].service.raw(), "checkout");
    // What the journal tells counts: the release is no failure any more.
    stage.tell(Msg::Happened(apart));
    assert!(
        !line(&stage, "checkout").contains("100%"),
        "{}",
        stage.text()
    );
    let mut stage = command(stage, &format!("link {RELEASE} a1"));
    let together = notes(&mut stage);
    assert_eq!(together.len(), 1);
    assert!(!linked(&together[0]).2);
    stage.tell(Msg::Happened(together));
    assert!(
        line(&stage, "checkout").contains("100%"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_pair_that_names_no_listed_release_is_refused() {
    for words in [
        "unlink nothing a1",
        "unlink github:acme/checkout:991",
        "link nothing a1 more",
    ] {
        let mut stage = command(stage(), words);
        assert_eq!(notes(&mut stage), [], "{words}");
    }
    let mut forgetful = Stage::new(worlds::burning(), 120, 40).keys("7");
    forgetful = command(forgetful, &format!("unlink {RELEASE} a1"));
    assert_eq!(notes(&mut forgetful), []);
}
