//! What the keys work on: one mode on top of another, never a set of flags.

use super::ask::Ask;
use crate::app::input::Input;
use crate::pane::RowKey;
use crate::text::Untrusted;

/// What the keys work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum Mode {
    /// The rows of a pane.
    Browse,
    /// One row in detail, bound to who it is.
    Detail {
        /// The row.
        key: RowKey,
        /// The first line that is shown.
        scroll: usize,
    },
    /// One alert of the incident in detail, by the labels in which it differs from the others.
    Alert {
        /// Its labels.
        labels: Untrusted,
        /// The first line that is shown.
        scroll: usize,
    },
    /// Every number of one row explained, bound to who it is.
    Explain {
        /// The row.
        key: RowKey,
        /// The first line that is shown.
        scroll: usize,
    },
    /// The filter prompt.
    Filter(FilterPrompt),
    /// The help.
    Help {
        /// The first line that is shown.
        scroll: usize,
    },
    /// A prompt: until when, and why.
    Ask(Box<Ask>),
    /// Orders: what they would do, and what they came to.
    Orders {
        /// The first line that is shown.
        scroll: usize,
    },
    /// Commands of the user's own: what they would run, and what they said.
    Errands {
        /// The first line that is shown.
        scroll: usize,
    },
    /// The hand-over of this shift.
    Handoff {
        /// The first line that is shown.
        scroll: usize,
    },
    /// The command palette.
    Palette(Palette),
    /// The tour, at one of its steps.
    Tour(usize),
    /// A suggested SLO as lines of the configuration.
    Keep {
        /// The lines.
        entry: String,
        /// The first line that is shown.
        scroll: usize,
    },
    /// In which form to export the view.
    Export,
}

/// The filter that is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct FilterPrompt {
    pub(in crate::app) input: Input,
    /// How many steps back among the kept filters the shown one is; 0 for what was typed.
    pub(in crate::app) back: usize,
    /// The line that was typed before an older one was shown.
    pub(in crate::app) typed: String,
}

impl FilterPrompt {
    /// A prompt that begins with a text.
    pub(in crate::app) fn new(text: &str) -> Self {
        Self {
            input: Input::new(text),
            ..Self::default()
        }
    }
}

/// What is typed, and which of the found ones is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Palette {
    pub(in crate::app) input: Input,
    pub(in crate::app) chosen: usize,
}

/// The modes that lie on one another; `Browse` is always at the bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Modes(pub(in crate::app) Vec<Mode>);

impl Modes {
    /// The mode that keys go to.
    pub(in crate::app) fn top(&self) -> &Mode {
        self.0.last().unwrap_or(&Mode::Browse)
    }

    /// Opens a mode on top.
    pub(in crate::app) fn push(&mut self, mode: Mode) {
        self.0.push(mode);
    }

    /// Closes the top; false when there was nothing but `Browse`.
    pub(in crate::app) fn pop(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// The row whose detail is open, at the top or below the help, and how far it is scrolled.
    pub(in crate::app) fn detail(&self) -> Option<(&RowKey, usize)> {
        self.0.iter().rev().find_map(|mode| match mode {
            Mode::Detail { key, scroll } => Some((key, *scroll)),
            _ => None,
        })
    }

    /// The labels of the alert that is open, at the top or below the help, and how far it is scrolled.
    pub(in crate::app) fn alert(&self) -> Option<(&Untrusted, usize)> {
        self.0.iter().rev().find_map(|mode| match mode {
            Mode::Alert { labels, scroll } => Some((labels, *scroll)),
            _ => None,
        })
    }

    /// The row whose numbers are explained, at the top or below the help, and how far it is
    /// scrolled.
    pub(in crate::app) fn explained(&self) -> Option<(&RowKey, usize)> {
        self.0.iter().rev().find_map(|mode| match mode {
            Mode::Explain { key, scroll } => Some((key, *scroll)),
            _ => None,
        })
    }

    /// The scroll position of the top, where it has one.
    pub(in crate::app) fn scroll_mut(&mut self) -> Option<&mut usize> {
        match self.0.last_mut() {
            Some(
                Mode::Detail { scroll, .. }
                | Mode::Alert { scroll, .. }
                | Mode::Explain { scroll, .. }
                | Mode::Help { scroll }
                | Mode::Orders { scroll }
                | Mode::Errands { scroll }
                | Mode::Keep { scroll, .. }
                | Mode::Handoff { scroll },
            ) => Some(scroll),
            Some(
                Mode::Browse
                | Mode::Filter(_)
                | Mode::Ask(_)
                | Mode::Palette(_)
                | Mode::Tour(_)
                | Mode::Export,
            )
            | None => None,
        }
    }

    /// Closes a detail or an explanation and what lies on it: its row is not what is looked at any more.
    pub(in crate::app) fn close_detail(&mut self) {
        let at = self
            .0
            .iter()
            .position(|mode| matches!(mode, Mode::Detail { .. } | Mode::Explain { .. }));
        if let Some(at) = at {
            self.0.truncate(at);
        }
    }
}
