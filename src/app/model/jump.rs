//! Jumps that can be taken back, and text on its way to the clipboard.

use super::mode::Modes;
use crate::app::filter::Filter;
use crate::app::layout::View;
use crate::pane::RowKey;

/// Where a jump began, and what it changed where it ended.
#[derive(Clone, Debug)]
pub(in crate::app) struct Jump {
    pub(in crate::app) focus: usize,
    pub(in crate::app) view: View,
    pub(in crate::app) modes: Modes,
    /// The row that was selected.
    pub(in crate::app) selected: Option<RowKey>,
    /// The filter that held there.
    pub(in crate::app) filter: Filter,
    /// True while the detail that the jump opened is the lowest mode: closing it leads back.
    pub(in crate::app) is_opened: bool,
}

/// A text on its way to the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Clip {
    /// What it is, in words.
    pub(in crate::app) what: String,
    pub(in crate::app) text: String,
    /// True where the text is on the screen as well.
    pub(in crate::app) is_on_screen: bool,
}

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
