//! What was asked of the journal and of the sources, and what they answered.

use jiff::Timestamp;

use crate::domain::{Explanation, Fault, SourceName};
use crate::pane::RowKey;
use crate::pane::burn::Point;
use crate::text::Untrusted;

/// What is remembered beyond the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    None,
    /// What a journal is given to keep.
    Journal,
    /// A recording: nothing else is asked, and nothing is kept.
    Recording(Playback),
}

/// A recording that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// How many seconds of it go by in one second; 0 while it stands still.
    pub speed: u32,
    /// How many did before it was stopped.
    pub was: u32,
}

/// A hand-over as it is shown and copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// Markdown, harmless to paste.
    pub text: String,
    /// False when it was cut to what a terminal takes.
    pub is_whole: bool,
}

/// What the chart of the timeline was told.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Course {
    /// What the journal was asked for last.
    pub(in crate::app) asked: Option<Wanted>,
    /// What it said of that SLO last.
    pub(in crate::app) sampled: Option<(SourceName, Untrusted, Vec<Point>)>,
}

/// A course of burn that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Wanted {
    pub(in crate::app) source: SourceName,
    pub(in crate::app) slo: Untrusted,
    pub(in crate::app) span: (i64, i64),
}

/// What was asked about the numbers of one SLO, and what was said.
#[derive(Clone, Debug)]
pub(in crate::app) struct Inquiry {
    pub(in crate::app) source: SourceName,
    pub(in crate::app) id: Untrusted,
    /// What was said last, and when; it stays while the question is asked anew.
    pub(in crate::app) said: Option<(Timestamp, Result<Explanation, Fault>)>,
}

impl Inquiry {
    pub(in crate::app) fn is_about(&self, key: &RowKey) -> bool {
        self.source == key.source && self.id == key.id
    }
}
