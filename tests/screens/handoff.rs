//! The hand-over from the screen: asked for by name, made elsewhere, shown, copied from there.

use jiff::SignedDuration;
use watchfire::app::{Copied, CopiedTo, Effect, Memory, Msg, Notes};
use watchfire::domain::{Fault, FaultKind};

use super::stage::{Stage, now};
use super::worlds;

fn asked(memory: Memory) -> Stage {
    let mut stage = Stage::new(worlds::burning(), 120, 40);
    stage.model.recollect(memory);
    stage.keys(":").types("hand-over").keys("enter")
}

#[test]
fn it_is_of_the_eight_hours_until_now_and_is_shown_before_it_is_copied() {
    let mut stage = asked(Memory::Journal);
    let Some(Effect::HandOver(store, (since, until))) = stage.effects.pop() else {
        panic!("nothing was asked for: {}", stage.text());
    };
    assert_eq!(store.feeds().len(), worlds::burning().feeds().len());
    assert_eq!(
        (since, until),
        (now() - SignedDuration::from_hours(8), now())
    );
    let rows = (0..100).map(|row| format!("- row {row}\n"));
    let text = format!("# Hand-over: the shift\n\n{}", rows.collect::<String>());
    for (is_whole, want) in [
        (true, "copied the hand-over of 8h"),
        (false, "`watchfire handoff` prints all"),
    ] {
        let notes = Notes {
            text: text.clone(),
            is_whole,
        };
        stage.effects.clear();
        stage.tell(Msg::HandedOver(Ok(notes)));
        assert_eq!(stage.effects, []);
        let shown = stage.text();
        assert!(shown.contains("# Hand-over: the shift"), "{shown}");
        assert!(shown.contains("y copy"), "{shown}");
        assert!(!shown.contains("- row 99"), "{shown}");
        stage = stage.keys("y");
        assert_eq!(stage.effects.pop(), Some(Effect::Copy(text.clone())));
        stage.tell(Msg::Copied(Copied {
            to: CopiedTo::Clipboard,
            is_whole: true,
        }));
        assert!(stage.text().contains(want), "{}", stage.text());
        // It scrolls, and is closed by one key.
        stage = stage.keys("G");
        assert!(stage.text().contains("- row 99"), "{}", stage.text());
        stage = stage.keys("esc");
        assert!(!stage.text().contains("- row 99"), "{}", stage.text());
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
