//! Text for the clipboard, and its result: "copied" only where a program confirmed it.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::model::Model;
use super::model::jump::{Clip, Copied, CopiedTo};

/// For how long a text stays that has to be copied by hand; any key ends it.
pub(super) const BY_HAND: SignedDuration = SignedDuration::from_mins(2);

/// Copies a text, `what` in words.
pub(super) fn copy(model: &mut Model, what: impl Into<String>, text: String) -> Vec<Effect> {
    model.clip = Some(Clip {
        what: what.into(),
        text: text.clone(),
    });
    vec![Effect::Copy(text)]
}

/// Says where a text is. One that could not be copied is shown; longer ones are on the screen already.
pub(super) fn copied(model: &mut Model, copied: Copied, now: Timestamp) {
    let Some(Clip { what, text }) = model.clip.take() else {
        return;
    };
    let cut = if copied.is_whole {
        ""
    } else {
        " (cut: too long for a clipboard)"
    };
    match copied.to {
        CopiedTo::Clipboard => model.tell(format!("copied {what}{cut}"), now),
        CopiedTo::Terminal => model.tell(format!("sent to the terminal: {what}{cut}"), now),
        CopiedTo::Nowhere if what != text => model.tell(
            format!("this terminal has no clipboard: select {what} on the screen"),
            now,
        ),
        CopiedTo::Nowhere => model.tell_for(BY_HAND, format!("no clipboard here: {text}"), now),
    }
}
