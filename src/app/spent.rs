//! What nobody looks at any more: giving back ten thousand rows takes as long as ranking them.

use std::sync::Arc;

use crate::domain::Facts;
use crate::pane::Board;

/// Facts and rows that newer ones have replaced. To be dropped where no key has to wait for it.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    facts: Vec<Arc<Facts>>,
    boards: Vec<Board>,
}

impl Spent {
    /// True when there is nothing to give back.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.boards.is_empty()
    }

    pub(super) fn facts(&mut self, facts: Arc<Facts>) {
        self.facts.push(facts);
    }

    pub(super) fn board(&mut self, board: Board) {
        if !board.entries.is_empty() {
            self.boards.push(board);
        }
    }
}
