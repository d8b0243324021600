//! How often frames are drawn: at once while the window has the keyboard, every few seconds else.

use std::time::Duration;

use tokio::time::Instant;

/// The time between two frames while the window does not have the keyboard.
const AWAY: Duration = Duration::from_secs(5);

/// Whether a frame is due. Terminals without focus reports always have the keyboard.
#[derive(Debug)]
pub(super) struct Pace {
    has_focus: bool,
    drawn: Option<Instant>,
    /// The number of alarms in the last frame.
    alarms: usize,
    is_urgent: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            has_focus: true,
            drawn: None,
            alarms: 0,
            is_urgent: true,
        }
    }

    /// The window has the keyboard now, or no longer.
    pub(super) fn focus(&mut self, has_focus: bool) {
        self.has_focus = has_focus;
        self.hurry();
    }

    /// Something must be drawn at once: a key was pressed, the size changed, or a bell is to ring.
    pub(super) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// True where a frame is to be drawn now; `alarms` counts what pages.
    pub(super) fn is_due(&self, alarms: usize) -> bool {
        let is_old = self.drawn.is_none_or(|drawn| drawn.elapsed() >= AWAY);
        self.has_focus || self.is_urgent || is_old || alarms != self.alarms
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, alarms: usize) {
        self.drawn = Some(Instant::now());
        self.alarms = alarms;
        self.is_urgent = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn away_from_the_keyboard_frames_are_rare_and_alarms_are_not() {
        let mut pace = Pace::new();
        assert!(pace.is_due(0));
        pace.drawn(0);
        assert!(pace.is_due(0), "every frame while it has the keyboard");
        pace.focus(false);
        assert!(pace.is_due(0));
        pace.drawn(0);
        assert!(!pace.is_due(0));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(!pace.is_due(0));
        assert!(pace.is_due(1), "a page is drawn at once");
        pace.hurry();
        assert!(pace.is_due(0), "and so is a key");
        pace.drawn(0);
        tokio::time::advance(AWAY).await;
        assert!(pace.is_due(0));
        pace.drawn(0);
        pace.focus(true);
        pace.drawn(0);
        assert!(pace.is_due(0));
    }
}
