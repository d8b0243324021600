//! The caption of a demo: what its story is at, in one line.

use jiff::{SignedDuration, Timestamp};

use crate::domain::window;
use crate::pane::{Line, Role};
use crate::text::Shown;

/// A story that began at a moment.
#[derive(Clone, Debug)]
pub struct Story {
    began: Timestamp,
    /// From when on each line holds, earliest first.
    chapters: Vec<(SignedDuration, Shown)>,
}

impl Story {
    /// A story of these lines, each with the time after the start from which on it holds.
    pub fn new(began: Timestamp, chapters: Vec<(SignedDuration, String)>) -> Self {
        let shown = chapters
            .into_iter()
            .map(|(at, text)| (at, Shown::new(text)));
        Self {
            began,
            chapters: shown.collect(),
        }
    }

    /// `demo 0:43 · checkout v2.38.0 is rolling out · press d when it pages`.
    pub(super) fn line(&self, now: Timestamp) -> Line {
        let age = window::age(self.began, now);
        let seconds = age.as_secs().max(0);
        let line = Line::of(
            format!(" demo {}:{:02}", seconds / 60, seconds % 60),
            Role::Dim,
        );
        let current = self.chapters.iter().rev().find(|(at, _)| *at <= age);
        match current {
            Some((_, text)) => line
                .text(" · ", Role::Dim)
                .text(text.as_str(), Role::Accent),
            None => line,
        }
    }
}
