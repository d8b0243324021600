//! The hand-over from the screen: asked for by name, made elsewhere, copied.

use jiff::SignedDuration;
use watchfire::app::{Effect, Memory, Msg, Notes};
use watchfire::domain::{Fault, FaultKind};

use super::stage::{Stage, now};
use super::worlds;

fn asked(memory: Memory) -> Stage {
    let mut stage = Stage::new(worlds::burning(), 120, 40);
    stage.model.recollect(memory);
    stage.keys(":").types("copy hand").keys("enter")
}

#[test]
fn it_is_of_the_eight_hours_until_now_and_ends_on_the_clipboard() {
    let mut stage = asked(Memory::Journal);
    let Some(Effect::HandOver(store, (since, until))) = stage.effects.pop() else {
        panic!("nothing was asked for: {}", stage.text());
    };
    assert_eq!(store.feeds().len(), worlds::burning().feeds().len());
    assert_eq!(
        (since, until),
        (now() - SignedDuration::from_hours(8), now())
    );
    for (is_whole, want) in [
        (true, "copied the hand-over of 8h"),
        (false, "`watchfire handoff` prints all"),
    ] {
        let notes = Notes {
            text: "# Hand-over".to_owned(),
            is_whole,
        };
        stage.tell(Msg::HandedOver(Ok(notes)));
        let copied = Effect::Copy("# Hand-over".to_owned());
        assert_eq!(stage.effects.pop(), Some(copied));
        assert!(stage.text().contains(want), "{}", stage.text());
    }
}

#[test]
fn why_there_is_none_is_said_and_nothing_is_copied() {
    let mut stage = asked(Memory::Journal);
    stage.effects.clear();
    let fault = Fault::new(
        FaultKind::NoHistory,
        "the journal holds nothing of that time",
    );
    stage.tell(Msg::HandedOver(Err(fault)));
    let text = stage.text();
    assert!(
        text.contains("no hand-over: the journal holds nothing of that time"),
        "{text}"
    );
    assert_eq!(stage.effects, []);

    let stage = asked(Memory::None);
    assert!(
        stage.text().contains("there is no journal"),
        "{}",
        stage.text()
    );
    let is_asked = |effect: &Effect| matches!(effect, Effect::HandOver(..));
    assert!(!stage.effects.iter().any(is_asked));
}
