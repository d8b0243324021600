//! Text for the clipboard, and its result: "copied" only where a program confirmed it.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::model::Model;
use super::model::jump::{Clip, Copied, CopiedTo};

/// For how long a text stays that has to be copied by hand; any key ends it.
pub(super) const BY_HAND: SignedDuration = SignedDuration::from_mins(2);

/// Copies a text that is on the screen, `what` in words.
pub(super) fn copy(model: &mut Model, what: impl Into<String>, text: String) -> Vec<Effect> {
    model.clip = Some(Clip {
        what: what.into(),
        text: text.clone(),
        is_on_screen: true,
    });
    vec![Effect::Copy(text)]
}

/// Copies a line that is on no screen: an address, or a summary of a row by its id.
pub(super) fn copy_line(model: &mut Model, what: impl Into<String>, line: String) -> Vec<Effect> {
    let effects = copy(model, what, line);
    if let Some(clip) = &mut model.clip {
        clip.is_on_screen = false;
    }
    effects
}

/// Says where a text is. A line that could not be copied is shown; longer texts are on the screen already.
pub(super) fn copied(model: &mut Model, copied: Copied, now: Timestamp) {
    let Some(clip) = model.clip.take() else {
        return;
    };
    let Clip {
        what,
        text,
        is_on_screen,
    } = clip;
    let cut = if copied.is_whole {
        ""
    } else {
        " (cut: too long for a clipboard)"
    };
    match copied.to {
        CopiedTo::Clipboard => model.tell(format!("copied {what}{cut}"), now),
        CopiedTo::Terminal => model.tell(format!("sent to the terminal: {what}{cut}"), now),
        CopiedTo::Nowhere if is_on_screen => model.tell(
            format!("this terminal has no clipboard: select {what} on the screen"),
            now,
        ),
        CopiedTo::Nowhere => model.tell_for(BY_HAND, format!("no clipboard here: {text}"), now),
    }
}
