//! Freezes of releases in the journal: each beginning and each end once, whoever writes it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::keep::write;
use super::{Journal, ms};
use crate::domain::{Event, What};
use crate::state::database::Trouble;
use crate::text::Untrusted;

/// The last freeze event of each service.
pub(super) type LastFreezes = HashMap<Untrusted, Event>;

impl Journal {
    /// Keeps the freezes that began or ended, as far as the journal does not hold that yet; gives those
    /// that were kept.
    ///
    /// # Errors
    /// When they are not in the file.
    pub fn note_freezes(&mut self, events: &[Event]) -> Result<Vec<Event>, Trouble> {
        self.unlocked()?;
        let writing = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut last = last_freezes(&writing, Timestamp::MAX)?;
        let mut kept = Vec::new();
        for event in events {
            let mut event = event.clone();
            if is_news(last.get(&event.service), &mut event) {
                write(&writing, None, &event)?;
                last.insert(event.service.clone(), event.clone());
                kept.push(event);
            }
        }
        writing.commit()?;
        Ok(kept)
    }

    /// The freezes that had begun before a moment and not ended.
    pub(super) fn frozen_at(&self, at: Timestamp) -> Result<Vec<Event>, Trouble> {
        let last = last_freezes(&self.db, at)?;
        let frozen = |event: &Event| {
            let What::Freeze { is_frozen, .. } = event.what else {
                return false;
            };
            is_frozen
        };
        let mut all: Vec<_> = last.into_values().filter(frozen).collect();
        all.sort_by(|one, other| (one.at, &one.service).cmp(&(other.at, &other.service)));
        Ok(all)
    }
}

/// Whether an event says something else than the last one of its service. An end names the policy that
/// the journal knows.
fn is_news(last: Option<&Event>, event: &mut Event) -> bool {
    let last = last.map(|last| &last.what);
    let What::Freeze {
        is_frozen, policy, ..
    } = &mut event.what
    else {
        return false;
    };
    match last {
        Some(What::Freeze {
            is_frozen: true,
            policy: known,
            ..
        }) => {
            if !*is_frozen {
                policy.clone_from(known);
                event.subject.clone_from(known);
                return true;
            }
            policy != known
        }
        _ => *is_frozen,
    }
}

/// The last freeze event of each service before a moment.
fn last_freezes(db: &Connection, before: Timestamp) -> Result<LastFreezes, Trouble> {
    let mut statement = db.prepare_cached(
        "SELECT body FROM event WHERE at < ?1 AND source IS NULL AND instr(body, '\"freeze\":') > 0
         ORDER BY at, id",
    )?;
    let mut rows = statement.query([ms(before)])?;
    let mut last = LastFreezes::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(0)?.as_str().map_err(|_| Trouble::Damaged)?;
        let event: Event = serde_json::from_str(body).map_err(|_| Trouble::Damaged)?;
        if matches!(event.what, What::Freeze { .. }) {
            last.insert(event.service.clone(), event);
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Limits, Place};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_356_000 + minute * 60).unwrap()
    }

    fn turn(service: &str, policy: &str, is_frozen: bool, minute: i64) -> Event {
        let words = (&Untrusted::from(policy), &Untrusted::from("budget -4 %"));
        Event::freeze(&service.into(), words, is_frozen, at(minute))
    }

    fn said(events: &[Event]) -> Vec<String> {
        let words = |event: &Event| match &event.what {
            What::Freeze {
                is_frozen, policy, ..
            } => format!("{} {is_frozen} {}", event.service.raw(), policy.raw()),
            _ => "other".to_owned(),
        };
        events.iter().map(words).collect()
    }

    #[test]
    fn a_freeze_is_kept_once_by_several_writers_and_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::File(dir.path().join("journal.db"));
        let open = || Journal::open(&place, Limits::default(), false).unwrap().0;
        let (mut one, mut other) = (open(), open());
        // A service that is free at first is no event.
        assert!(
            one.note_freezes(&[turn("cart", "", false, 0)])
                .unwrap()
                .is_empty()
        );
        let began = [turn("checkout", "budget", true, 1)];
        assert_eq!(
            said(&one.note_freezes(&began).unwrap()),
            ["checkout true budget"]
        );
        assert!(other.note_freezes(&began).unwrap().is_empty());
        drop((one, other));
        // Whoever begins to watch later does not know the policy that froze it before.
        let mut later = open();
        assert!(
            later
                .note_freezes(&[turn("checkout", "budget", true, 2)])
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            said(&later.frozen_at(at(3)).unwrap()),
            ["checkout true budget"]
        );
        assert!(later.frozen_at(at(1)).unwrap().is_empty());
        let other = [turn("checkout", "week end", true, 4)];
        assert_eq!(
            said(&later.note_freezes(&other).unwrap()),
            ["checkout true week end"]
        );
        let ended = [turn("checkout", "", false, 5)];
        assert_eq!(
            said(&later.note_freezes(&ended).unwrap()),
            ["checkout false week end"]
        );
        assert!(later.note_freezes(&ended).unwrap().is_empty());
        assert!(later.frozen_at(at(9)).unwrap().is_empty());
    }
}
