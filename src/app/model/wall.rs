//! State of the wall between two messages.

use jiff::{SignedDuration, Timestamp};

use crate::config::WallSettings;
use crate::pane::wall::{Face, Memory};
use crate::text::Shown;

/// A banner that stays longer than this moves.
const BANNER_STAYS: SignedDuration = SignedDuration::from_mins(30);

/// The wall while it is shown.
#[derive(Clone, Debug)]
pub(in crate::app) struct WallView {
    pub(in crate::app) settings: WallSettings,
    /// True for `watchfire wall`, which has no screen to go back to.
    pub(in crate::app) is_alone: bool,
    /// When it began.
    pub(in crate::app) began: Timestamp,
    /// Its face, and since when it is that.
    pub(in crate::app) face: (Face, Timestamp),
    /// How many pages were turned, and when the last one was.
    pub(in crate::app) turn: (usize, Timestamp),
    /// The last good answer of each source of SLOs.
    pub(in crate::app) memory: Memory,
    /// Faults of the program itself: its configuration, its heartbeat.
    pub(in crate::app) notices: [Option<Shown>; 2],
}

impl WallView {
    pub(in crate::app) fn new(settings: WallSettings, is_alone: bool, began: Timestamp) -> Self {
        Self {
            settings,
            is_alone,
            began,
            face: (Face::Calm, began),
            turn: (0, began),
            memory: Memory::new(),
            notices: [None, None],
        }
    }

    /// Takes in the face that holds now, and turns a page when that is due: while it is calm.
    pub(in crate::app) fn settle(&mut self, face: Face, known: Memory, now: Timestamp) {
        // An answer in which nothing is known takes nothing away.
        let telling = known
            .into_iter()
            .filter(|(_, said)| said.counts.is_any_known());
        self.memory.extend(telling);
        if face != self.face.0 {
            self.face = (face, now);
            self.turn.1 = now;
        }
        let stood = now.duration_since(self.turn.1);
        if face == Face::Calm && (stood >= self.settings.rotate || stood.is_negative()) {
            self.turn = (self.turn.0.wrapping_add(1), now);
        }
    }

    /// True while a banner stands in its second place.
    pub(in crate::app) fn is_moved(&self, now: Timestamp) -> bool {
        let stood = now.duration_since(self.face.1).as_secs().max(0);
        stood / BANNER_STAYS.as_secs() % 2 == 1
    }
}
