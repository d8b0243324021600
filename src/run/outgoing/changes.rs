//! Changes since a target was last told: states of SLOs, and releases.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::NotifyOn;
use crate::domain::{Observation, Production, Release, ReleaseStatus, SourceName, State};
use crate::store::{Feed, Store};
use crate::text::Untrusted;

/// How long a state other than a page has to last before it is a change.
pub(super) const LASTS: SignedDuration = SignedDuration::from_mins(2);
/// A release that arrived longer ago is no news.
const NEWS: SignedDuration = SignedDuration::from_mins(30);

/// A change that a target is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// An SLO has another state.
    Slo(SloChange),
    /// A release arrived in production.
    Release {
        source: SourceName,
        id: Untrusted,
        service: Untrusted,
        version: Untrusted,
        environment: Untrusted,
        actor: Option<Untrusted>,
        at: Timestamp,
    },
}

/// Another state of an SLO.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SloChange {
    pub(super) source: SourceName,
    pub(super) id: Untrusted,
    pub(super) service: Untrusted,
    /// The state that was told before; `None` of an SLO that is new.
    pub(super) was: Option<State>,
    pub(super) state: State,
    /// Burn rate of the shortest window.
    pub(super) burn: Option<f64>,
    pub(super) budget: Option<f64>,
    pub(super) since: Option<Timestamp>,
    /// Version of the suspect.
    pub(super) suspect: Option<Untrusted>,
    pub(super) at: Timestamp,
}

type Key = (SourceName, Untrusted);

/// A change that is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turned {
    /// The state that was told before; `None` of an SLO that is new.
    was: Option<State>,
}

/// The states that a target knows.
pub(super) struct Changes {
    states: HashSet<State>,
    releases: bool,
    production: Production,
    /// The state of each SLO that was told last, and one that has not lasted yet.
    told: HashMap<Key, Told>,
    /// Releases that are known.
    known: HashSet<Key>,
    /// Sources that have answered; their first answer is no news.
    heard: HashSet<SourceName>,
}

struct Told {
    state: State,
    next: Option<(State, Timestamp)>,
}

impl Changes {
    pub(super) fn new(on: &[NotifyOn], production: Production) -> Self {
        let states = on.iter().filter_map(|on| match on {
            NotifyOn::State(state) => Some(*state),
            NotifyOn::Release => None,
        });
        Self {
            states: states.collect(),
            releases: on.contains(&NotifyOn::Release),
            production,
            told: HashMap::new(),
            known: HashSet::new(),
            heard: HashSet::new(),
        }
    }

    /// The changes that the newest facts hold.
    pub(super) fn among(&mut self, store: &Store, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        for (feed, seen) in store.slos() {
            let is_current = feed.freshness(now).is_current();
            let state = if is_current {
                seen.standing().state
            } else {
                State::Unknown
            };
            let key = (feed.name.clone(), seen.slo.id());
            if let Some(Turned { was }) = self.turn(key, state, now) {
                changes.push(Change::Slo(change(store, (feed, seen), (was, state), now)));
            }
        }
        if self.releases {
            let rows = store.releases();
            let news = rows.filter_map(|(feed, row)| self.arrival(feed, row, now));
            changes.extend(news.collect::<Vec<_>>());
        }
        let feeds = store.feeds().iter();
        let answered = feeds.filter(|feed| feed.last_success.is_some());
        self.heard.extend(answered.map(|feed| feed.name.clone()));
        changes
    }

    /// The change to a state, where it is to be told.
    fn turn(&mut self, key: Key, state: State, now: Timestamp) -> Option<Turned> {
        if !self.states.contains(&state) {
            if let Some(told) = self.told.get_mut(&key) {
                told.next = None;
            }
            return None;
        }
        let is_page = state == State::Page;
        let Some(told) = self.told.get_mut(&key) else {
            let is_new = self.heard.contains(&key.0) && is_page;
            self.told.insert(key, Told { state, next: None });
            return is_new.then_some(Turned { was: None });
        };
        if told.state == state {
            told.next = None;
            return None;
        }
        let since = told.next.filter(|(next, _)| *next == state);
        let since = since.map_or(now, |(_, since)| since);
        if !is_page && since.duration_until(now) < LASTS {
            told.next = Some((state, since));
            return None;
        }
        let was = Some(told.state);
        *told = Told { state, next: None };
        Some(Turned { was })
    }

    /// A release that arrived in production, once.
    fn arrival(&mut self, feed: &Feed, row: &Release, now: Timestamp) -> Option<Change> {
        let at = row
            .finished_at
            .filter(|_| row.status == ReleaseStatus::Succeeded)?;
        let is_new = self.known.insert((feed.name.clone(), row.id.clone()));
        let is_news = self.heard.contains(&feed.name) && at.duration_until(now) <= NEWS;
        let is_production = self.production.contains(row.environment.raw());
        (is_new && is_news && is_production).then(|| Change::Release {
            source: feed.name.clone(),
            id: row.id.clone(),
            service: row.service.clone(),
            version: row.version.clone(),
            environment: row.environment.clone(),
            actor: row.actor.clone(),
            at,
        })
    }
}

fn change(
    store: &Store,
    (feed, seen): (&Feed, &Observation),
    (was, state): (Option<State>, State),
    now: Timestamp,
) -> SloChange {
    let id = seen.slo.id();
    let assessed = seen.assess();
    let insight = store.insights().slo(&feed.name, &id);
    let suspect = insight.and_then(|insight| insight.suspect());
    let is_known = state != State::Unknown;
    SloChange {
        burn: assessed
            .burn_rates
            .values()
            .next()
            .copied()
            .flatten()
            .filter(|_| is_known),
        budget: assessed.budget_remaining.filter(|_| is_known),
        since: insight
            .and_then(|insight| insight.onset)
            .map(|onset| onset.at),
        suspect: suspect.map(|suspect| suspect.version.clone()),
        source: feed.name.clone(),
        service: seen.slo.service.clone(),
        id,
        was,
        state,
        at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_356_000 + seconds).unwrap()
    }

    fn key() -> Key {
        (SourceName::new("prod"), "checkout/availability".into())
    }

    fn changes(on: &[State]) -> Changes {
        let on: Vec<_> = on.iter().map(|state| NotifyOn::State(*state)).collect();
        Changes::new(&on, Production::default())
    }

    /// The states that are told of an SLO that is looked at each 15 seconds.
    fn told(changes: &mut Changes, states: &[(State, i64)]) -> Vec<(Option<State>, State)> {
        let mut all = Vec::new();
        let mut now = 0;
        for (state, length) in states {
            let end = now + length;
            while now < end {
                let turned = changes.turn(key(), *state, at(now));
                all.extend(turned.map(|turned| (turned.was, *state)));
                now += 15;
            }
        }
        all
    }

    #[test]
    fn a_page_is_told_at_once_and_everything_else_when_it_lasts() {
        use State::{NoData, Ok, Page, Ticket, Unknown};
        let on = [Page, Ticket, Ok];
        for (states, truth) in [
            // What is there at the start is no news.
            (vec![(Page, 600)], vec![]),
            (vec![(Ok, 60), (Page, 15)], vec![(Some(Ok), Page)]),
            // One that flaps is told once.
            (
                vec![
                    (Ok, 60),
                    (Page, 60),
                    (Ok, 60),
                    (Page, 60),
                    (Ok, 60),
                    (Page, 60),
                ],
                vec![(Some(Ok), Page)],
            ),
            (
                vec![(Ok, 60), (Page, 60), (Ticket, 300), (Ok, 300)],
                vec![(Some(Ok), Page), (Some(Page), Ticket), (Some(Ticket), Ok)],
            ),
            // What is not asked for is neither told nor a change back.
            (
                vec![
                    (Ok, 60),
                    (Page, 60),
                    (Unknown, 600),
                    (Page, 60),
                    (NoData, 600),
                    (Page, 60),
                ],
                vec![(Some(Ok), Page)],
            ),
        ] {
            assert_eq!(told(&mut changes(&on), &states), truth, "{states:?}");
        }
        let blind = told(
            &mut changes(&[Page, Ok, Unknown]),
            &[(Ok, 60), (Unknown, 600)],
        );
        assert_eq!(blind, [(Some(Ok), Unknown)]);
    }

    #[test]
    fn an_slo_that_appears_later_and_pages_is_news() {
        let mut changes = changes(&[State::Page, State::Ok]);
        changes.heard.insert(SourceName::new("prod"));
        assert_eq!(
            told(&mut changes, &[(State::Page, 60)]),
            [(None, State::Page)]
        );
    }
}
