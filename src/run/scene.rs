//! What is shown: the present of sources, or a recording.

use std::path::PathBuf;

use crate::app::{Memory, Playback, Story};
use crate::config::{Settings, SourceSettings};
use crate::journal::Place;
use crate::source::Source;
use crate::store::Store;
use crate::watch::Watch;

/// What is shown.
pub enum Scene {
    /// The present of these sources.
    Watch(Watch),
    /// The same of a demo, with its story.
    Demo(Watch, Story),
    /// A recording of these, and how it is played.
    Recording(Store, PathBuf, Playback),
}

/// What a scene consists of: the store to begin with, the sources that are asked, the journal, and
/// what that is for.
pub(super) type Parts = (Store, Vec<(SourceSettings, Box<dyn Source>)>, Place, Memory);

impl Scene {
    /// The story of a demo.
    pub(super) fn story(&self) -> Option<Story> {
        match self {
            Self::Demo(_, story) => Some(story.clone()),
            Self::Watch(_) | Self::Recording(..) => None,
        }
    }

    /// What it consists of, by these settings.
    pub(super) fn parts(self, settings: &Settings) -> Parts {
        match self {
            Self::Watch(watch) | Self::Demo(watch, _) => {
                let place = Place::of(&settings.journal);
                (watch.store, watch.sources, place, Memory::Journal)
            }
            Self::Recording(store, path, playback) => {
                let memory = Memory::Recording(playback);
                (store, Vec::new(), Place::Recording(path), memory)
            }
        }
    }
}
