//! Upkeep of an unattended wall: its configuration is read again, its heartbeat is sent, and a loop
//! that stands still is replaced.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime;
use tokio::sync::mpsc;

use super::Urgent;
use crate::app::Msg;
use crate::domain::Freshness;
use crate::poll::Ears;
use crate::store::Store;
use crate::term::Handle;

mod heartbeat;
pub mod pulse;
mod reload;
mod service_manager;

pub use reload::{Reload, Renewal};

use heartbeat::Heartbeat;
use pulse::Pulse;
use service_manager::ServiceManager;

/// How long the loop may stand still before the program begins anew.
const STALL: Duration = Duration::from_secs(15);

/// How a wall is kept going.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// The configuration that is read again when it changes; `None` for one that is no file.
    pub reload: Option<Reload>,
    /// True where a program that stands still begins anew.
    pub restarts: bool,
}

/// The ways to what a wall needs.
pub(super) struct Lines {
    pub(super) urgent: mpsc::Sender<Urgent>,
    pub(super) say: mpsc::Sender<Msg>,
    pub(super) ears: Ears,
    pub(super) polling: runtime::Handle,
}

/// Companions of the loop of a wall.
pub(super) struct Attendant {
    pub(super) began: Timestamp,
    pub(super) lines: Lines,
    pub(super) heartbeat: Heartbeat,
    pulse: Option<Pulse>,
    manager: ServiceManager,
}

impl Attendant {
    /// Begins to look after a wall on a terminal.
    pub(super) fn start(
        upkeep: Upkeep,
        settings: &crate::config::WallSettings,
        lines: Lines,
        terminal: Handle,
    ) -> io::Result<Self> {
        if let Some(reload) = upkeep.reload {
            reload.start(lines.urgent.clone(), lines.say.clone())?;
        }
        let pulse = upkeep
            .restarts
            .then(|| Pulse::start(STALL, move || pulse::begin_anew(terminal)));
        Ok(Self {
            began: Timestamp::now(),
            heartbeat: Heartbeat::new(settings, lines.say.clone()),
            lines,
            pulse: pulse.transpose()?,
            manager: ServiceManager::of_environment(),
        })
    }

    /// Notes that the loop goes round.
    pub(super) fn beat(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.beat();
        }
    }

    /// Does what is due once a second.
    pub(super) fn tick(&mut self, store: &Store) {
        self.manager.alive();
        let now = Timestamp::now();
        let mut feeds = store.feeds().iter();
        if feeds.any(|feed| feed.freshness(now) == Freshness::Live) {
            self.heartbeat.send_when_due();
        }
    }
}
