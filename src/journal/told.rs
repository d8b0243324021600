//! Releases and incidents that sources reported between two moments, each as it was reported last.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::frame::{Frame, Part, Row, RowId, parsed};
use super::{Journal, ms, recall};
use crate::domain::{Event, Incident, Release, SourceName, State, What};
use crate::insight::delivery::Burned;
use crate::state::database::Trouble;
use crate::store::Store;
use crate::text::Untrusted;

/// The most events of one time that are read.
const EVENTS: usize = 500_000;
/// So many burns that ended are looked at for what was suspected, the last ones.
const BURNS: usize = 2_000;

/// The rows that one source told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Which source.
    pub source: SourceName,
    /// Its releases.
    pub releases: Vec<Release>,
    /// Its incidents.
    pub incidents: Vec<Incident>,
}

/// A burn with its suspect, and the service of the SLO.
pub type Suspected = (Untrusted, Burned);

impl Journal {
    /// The releases and incidents that watched sources told of from one moment to another, each as it
    /// was told last: also those that are not listed any more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn told(
        &self,
        (from, until): (Timestamp, Timestamp),
        is_wanted: impl Fn(&SourceName) -> bool,
    ) -> Result<Vec<Told>, Trouble> {
        let mut all = Vec::new();
        for track in self.tracks.iter().filter(|track| is_wanted(&track.name)) {
            let is_listed = |id: &RowId| matches!(id.0, Part::Release | Part::Incident);
            let before = recall::rows(&self.db, track.id, ms(from))?;
            let before = before.map(|(.., rows)| rows.0).unwrap_or_default();
            let mut kept: BTreeMap<RowId, Row> =
                before.into_iter().filter(|(id, _)| is_listed(id)).collect();
            let mut statement = self.db.prepare_cached(
                "SELECT body FROM frame WHERE source = ?1 AND at > ?2 AND at <= ?3 ORDER BY at, id",
            )?;
            let mut frames = statement.query([track.id, ms(from), ms(until)])?;
            while let Some(frame) = frames.next()? {
                let body = frame.get_ref(0)?.as_blob().map_err(|_| Trouble::Damaged)?;
                let rows = Frame::read(body)?.rows();
                kept.extend(rows.filter(|(id, _)| is_listed(id)));
            }
            let mut told = Told {
                source: track.name.clone(),
                releases: Vec::new(),
                incidents: Vec::new(),
            };
            for ((part, _), row) in &kept {
                match part {
                    Part::Release => told.releases.push(parsed(row)?),
                    _ => told.incidents.push(parsed(row)?),
                }
            }
            all.push(told);
        }
        Ok(all)
    }

    /// Events between two moments, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn happened(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Event>, Trouble> {
        let before = from.saturating_sub(jiff::SignedDuration::from_millis(1));
        let mut events = self.events_after(before.unwrap_or(from), EVENTS)?;
        events.retain(|event| event.at <= until);
        Ok(events)
    }

    /// The burns among some events that had a suspect while they lasted, with when they ended; and
    /// those that go on in a store.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn suspected(&self, now: &Store, events: &[Event]) -> Result<Vec<Suspected>, Trouble> {
        let burns = |state: State| matches!(state, State::Page | State::Ticket);
        let ended = events.iter().filter(|event| {
            matches!(event.what, What::Slo { from: Some(from), to, .. } if burns(from) && !burns(to))
        });
        let ended: Vec<_> = ended.collect();
        let mut all = Vec::new();
        for event in &ended[ended.len().saturating_sub(BURNS)..] {
            let before = super::shift::before_the_end(event.at);
            let then = now.as_of(&self.world(before)?);
            let own = suspects(&then).filter(|(source, _, burn)| {
                event.source.as_ref() == Some(source) && burn.slo == event.subject
            });
            all.extend(own.map(|(_, service, burn)| {
                let ended = Some(event.at);
                (service, Burned { ended, ..burn })
            }));
        }
        Ok(all)
    }
}

/// The burns of a store that have a suspect, by who measures them and the service.
pub fn suspects(store: &Store) -> impl Iterator<Item = (SourceName, Untrusted, Burned)> {
    store.slos().filter_map(|(feed, seen)| {
        let slo = seen.slo.id();
        let insight = store.insights().slo(&feed.name, &slo)?;
        let suspect = insight.suspect()?;
        let burned = Burned {
            slo,
            onset: insight.onset?.at,
            ended: None,
            release: (suspect.source.clone(), suspect.release.clone()),
            score: suspect.score,
        };
        Some((feed.name.clone(), suspect.service.clone(), burned))
    })
}
