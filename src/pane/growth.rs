//! Alerts that joined incidents lately.

use std::collections::HashMap;

use super::RowKey;

/// How many alerts of an incident are new, by its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    new: HashMap<RowKey, usize>,
}

impl Growth {
    /// Notes how many alerts of an incident are new; 0 takes the note away.
    pub fn set(&mut self, row: RowKey, new: usize) {
        if new == 0 {
            self.new.remove(&row);
        } else {
            self.new.insert(row, new);
        }
    }

    /// How many alerts of an incident are new.
    pub fn of(&self, row: &RowKey) -> usize {
        self.new.get(row).copied().unwrap_or(0)
    }
}
