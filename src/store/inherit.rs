//! A store of a changed configuration that goes on with what the one before knew.

use std::sync::Arc;

use super::{Store, rename};

impl Store {
    /// The same, its sources knowing what those of `before` knew that are the same to a journal.
    #[must_use]
    pub fn inheriting(mut self, before: &Self) -> Self {
        for feed in &mut self.feeds {
            let is_same =
                |one: &&super::Feed| one.name == feed.name && one.identity == feed.identity;
            let Some(old) = before.feeds.iter().find(is_same) else {
                continue;
            };
            let mut facts = Arc::clone(&old.facts);
            if !self.aliases.is_empty() {
                rename(Arc::make_mut(&mut facts), &self.aliases);
            }
            feed.facts = facts;
            feed.last_success = old.last_success;
            feed.answering_since = old.answering_since;
            feed.latency = old.latency;
            feed.fault.clone_from(&old.fault);
            feed.failures = old.failures;
            feed.is_unconfirmed = old.is_unconfirmed;
        }
        self.events = Arc::clone(&before.events);
        self.think();
        self
    }
}
