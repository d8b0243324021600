//! Gathers what a hand-over is made of, and keeps what the next one compares itself with.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Journal, ms};
use crate::domain::{Event, State, What};
use crate::insight::handoff::{
    Balance, Began, Handoff, Kept, SAMPLED, Shift, Suspicion, Topics, Witness,
};
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
    /// is none. Budgets that the store has heard of itself count beside those of the journal.
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
        let frozen = self.frozen_at(since)?;
        let blind = self.blind(since, until)?;
        let last = self.last_handoff(until)?;
        let mut balances = self.balances(&now, (since, until))?;
        for balance in &mut balances {
            balance.add(store, last.as_ref());
        }
        let (suspicions, onsets) = self.suspicions(&now, (&events, until))?;
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
            frozen: &frozen,
            blind: &blind,
            balances: &balances,
            onsets: &onsets,
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
        self.unlocked()?;
        let kept = serde_json::to_string(&Kept::of(handoff))
            .map_err(|error| Trouble::Other(format!("it cannot be written: {error}")))?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO handoff VALUES (?1, ?2)")?
            .execute(params![ms(handoff.until), kept])?;
        // No screen may be running that would see to the size of the file.
        self.fit(handoff.until, false)
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

    /// Whether any of the watched sources was asked in a time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn holds(&self, since: Timestamp, until: Timestamp) -> Result<bool, Trouble> {
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
                    .filter_map(|burn| Some((burn.budget_at.unwrap_or(burn.at), burn.budget?)));
                let mut points: Vec<_> = points.collect();
                let row = seen.period.zip(seen.standing().budget_remaining);
                points.extend(row.map(|(period, left)| (period.at, left)));
                Ok(Balance {
                    source: feed.name.clone(),
                    points,
                    slo,
                })
            })
            .collect()
    }

    /// The releases that are suspected now, and that were while something burned that does no more; and
    /// when these burns began.
    fn suspicions(
        &self,
        now: &Store,
        (events, until): (&[Event], Timestamp),
    ) -> Result<(Vec<Suspicion>, Vec<Began>), Trouble> {
        let burns = |state: State| matches!(state, State::Page | State::Ticket);
        let ended = events.iter().filter(|event| {
            matches!(event.what, What::Slo { from: Some(from), to, .. } if burns(from) && !burns(to))
        });
        let mut moments: Vec<_> = ended.map(|event| before_the_end(event.at)).collect();
        moments.dedup();
        let (mut all, mut onsets) = (Vec::new(), Vec::new());
        for at in &moments[moments.len().saturating_sub(BURNS)..] {
            let then = now.as_of(&self.world(*at)?);
            suspected(&then, &mut all);
            onsets.extend(begun(&then, *at));
        }
        suspected(now, &mut all);
        onsets.extend(begun(now, until));
        Ok((all, onsets))
    }
}

impl Balance {
    /// Adds what a store has heard itself, and what the last hand-over told.
    fn add(&mut self, store: &Store, last: Option<&Kept>) {
        let mut rows = store.slos();
        let row = rows.find(|(feed, seen)| feed.name == self.source && seen.slo.id() == self.slo);
        let heard =
            row.and_then(|(_, seen)| Some((seen.period?.at, seen.standing().budget_remaining?)));
        let told = last.and_then(|last| last.budget(&self.source, &self.slo));
        self.points.extend(told.into_iter().chain(heard));
        self.points.sort_by_key(|(at, _)| *at);
    }
}

/// When the burns of a store began, as is known at a moment.
fn begun(store: &Store, known_at: Timestamp) -> impl Iterator<Item = Began> {
    store.slos().filter_map(move |(feed, seen)| {
        let slo = seen.slo.id();
        let insight = store.insights().slo(&feed.name, &slo)?;
        Some(Began {
            source: feed.name.clone(),
            at: insight.onset?.at,
            slo,
            known_at,
        })
    })
}

/// A moment at which a burn that ended then still burned.
pub(super) fn before_the_end(at: Timestamp) -> Timestamp {
    earlier(at, BEFORE_THE_END)
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
