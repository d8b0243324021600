//! Text for the clipboard, and what is said of it: "copied" only where it was.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::model::Model;

/// For how long a text stays that has to be copied by hand; any key ends it.
const BY_HAND: SignedDuration = SignedDuration::from_mins(2);

/// What became of a text that was to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub to: CopiedTo,
    /// False when it was cut to what a clipboard takes.
    pub is_whole: bool,
}

/// Where a copied text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopiedTo {
    /// In the clipboard: a program took it and confirmed it.
    Clipboard,
    /// Sent to a terminal, which does not confirm it and may ignore it.
    Terminal,
    /// Nowhere: this terminal has no clipboard.
    Nowhere,
}

/// A text on its way to the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clip {
    /// What it is, in words.
    what: String,
    text: String,
}

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
