//! How many questions about single rows one poll may ask.

use std::time::{Duration, Instant};

use crate::source::Ask;

/// The longest that a poll asks them.
const MAX_POLL_TIME: Duration = Duration::from_secs(20);
/// Requests of the allowance that are left to others.
const SPARED: u64 = 1;

/// What one poll may spend.
pub(in crate::source) struct Budget {
    began: Instant,
    most: usize,
}

impl Budget {
    /// So many questions for a poll of the screen; a one-shot command asks all of them.
    pub(in crate::source) fn new(ask: &Ask, a_poll: usize) -> Self {
        Self {
            began: Instant::now(),
            most: if ask.history { a_poll } else { usize::MAX },
        }
    }

    /// True when no more is asked, where so much of the server's allowance is `left`.
    pub(in crate::source) fn is_spent(&self, asked: usize, left: Option<u64>) -> bool {
        let is_used_up = left.is_some_and(|left| left <= SPARED);
        asked == self.most || is_used_up || self.began.elapsed() > MAX_POLL_TIME
    }
}
