//! Gathers what a hand-over is made of, and keeps what the next one compares itself with.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Journal, ms};
use crate::domain::{Event, State, What};
use crate::insight::handoff::{Balance, Handoff, Kept, SAMPLED, Shift, Suspicion, Topics, Witness};
use crate::state::database::Trouble;
use crate::store::{Feed, Store};

/// So many events of one shift are looked at, the first of it.
const EVENTS: usize = 20_000;
/// So many burns that ended are looked at once more for what was suspected, the last ones.
const BURNS: usize = 32;
/// A burn that ended still burned so long before, as what burns is sampled every minute.
const BEFORE_THE_END: SignedDuration = SignedDuration::from_secs(15);

/// Why there can be no hand-over: of that time the journal holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// From when to when it knows anything of the watched sources, if it does.
    pub reach: Option<(Timestamp, Timestamp)>,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reach {
            None => f.write_str(
                "the journal holds nothing of these sources yet; it is written while the screen \
                 runs: start `watchfire` with this configuration, or name another file as `path` \
                 in [journal]",
            ),
            Some((first, last)) => {
                let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC");
                write!(
                    f,
                    "the journal holds nothing of that time, only from {} to {}; it is written \
                     while the screen runs: ask for a time in which it ran (--since, --until)",
                    day(first),
                    day(last)
                )
            }
        }
    }
}

impl Journal {
    /// The hand-over of a time, of the watched sources and of a store that knows them; or why there
    /// is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn handoff(
        &self,
        store: &Store,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Result<Handoff, Lack>, Trouble> {
        if !self.holds(since, until)? {
            let reach = self.reach()?;
            return Ok(Err(Lack { reach }));
        }
        let now = store.as_of(&self.world(until)?);
        let just_before = earlier(since, SignedDuration::from_millis(1));
        let mut events = self.events_after(just_before, EVENTS)?;
        // What was learned later was not known at its end.
        events.retain(|event| event.at <= until && event.seen <= until);
        let blind = self.blind(since, until)?;
        let balances = self.balances(&now, (since, until))?;
        let suspicions = self.suspicions(&now, &events)?;
        let last = self.last_handoff(until)?;
        let shift = Shift {
            since,
            until,
            me: now.me(),
            witnesses: now
                .feeds()
                .iter()
                .map(|feed| witness(feed, until))
                .collect(),
            events: &events,
            blind: &blind,
            balances: &balances,
            suspicions: &suspicions,
            last: last.as_ref(),
        };
        Ok(Ok(Handoff::of(&shift)))
    }

    /// Keeps a hand-over for the next one to compare itself with.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_handoff(&self, handoff: &Handoff) -> Result<(), Trouble> {
        let kept = serde_json::to_string(&Kept::of(handoff))
            .map_err(|error| Trouble::Other(format!("it cannot be written: {error}")))?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO handoff VALUES (?1, ?2)")?
            .execute(params![ms(handoff.until), kept])?;
        Ok(())
    }

    /// The last hand-over before a moment. One that cannot be understood any more is none.
    fn last_handoff(&self, before: Timestamp) -> Result<Option<Kept>, Trouble> {
        let body: Option<String> = self
            .db
            .prepare_cached("SELECT body FROM handoff WHERE at < ?1 ORDER BY at DESC LIMIT 1")?
            .query_row([ms(before)], |row| row.get(0))
            .optional()?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
    }

    /// Whether any source was asked in a time.
    fn holds(&self, since: Timestamp, until: Timestamp) -> Result<bool, Trouble> {
        for track in &self.tracks {
            let mut statement = self.db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM answer
                 WHERE source = ?1 AND since <= ?3 AND until >= ?2)",
            )?;
            let times = [track.id, ms(since), ms(until)];
            if statement.query_row(times, |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The budgets of all SLOs over a time.
    fn balances(
        &self,
        now: &Store,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Balance>, Trouble> {
        let from = earlier(since, SAMPLED);
        now.slos()
            .map(|(feed, seen)| {
                let slo = seen.slo.id();
                let burns = self.burns(&feed.name, &slo, (from, until))?;
                let points = burns
                    .iter()
                    .filter_map(|burn| Some((burn.at, burn.budget?)));
                Ok(Balance {
                    source: feed.name.clone(),
                    points: points.collect(),
                    slo,
                })
            })
            .collect()
    }

    /// The releases that are suspected now, and that were while something burned that does no more.
    fn suspicions(&self, now: &Store, events: &[Event]) -> Result<Vec<Suspicion>, Trouble> {
        let burns = |state: State| matches!(state, State::Page | State::Ticket);
        let ended = events.iter().filter(|event| {
            matches!(event.what, What::Slo { from: Some(from), to, .. } if burns(from) && !burns(to))
        });
        let mut moments: Vec<_> = ended
            .map(|event| earlier(event.at, BEFORE_THE_END))
            .collect();
        moments.dedup();
        let mut all = Vec::new();
        for at in &moments[moments.len().saturating_sub(BURNS)..] {
            suspected(&now.as_of(&self.world(*at)?), &mut all);
        }
        suspected(now, &mut all);
        Ok(all)
    }
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// Adds what is suspected in a store.
fn suspected(store: &Store, all: &mut Vec<Suspicion>) {
    for (feed, seen) in store.slos() {
        let slo = seen.slo.id();
        let insight = store.insights().slo(&feed.name, &slo);
        if let Some(suspect) = insight.and_then(|insight| insight.suspect()) {
            all.push(Suspicion {
                source: suspect.source.clone(),
                release: suspect.release.clone(),
                service: suspect.service.clone(),
                version: suspect.version.clone(),
                measured_by: feed.name.clone(),
                slo,
                reason: suspect.reason.clone(),
            });
        }
    }
}

fn witness(feed: &Feed, at: Timestamp) -> Witness<'_> {
    Witness {
        name: &feed.name,
        freshness: feed.freshness(at),
        last_success: feed.last_success,
        fault: feed.fault.as_ref().map(|fault| &fault.message),
        facts: &feed.facts,
        topics: Topics {
            slos: feed.offers.slos,
            releases: feed.offers.releases,
            incidents: feed.offers.incidents,
        },
    }
}
