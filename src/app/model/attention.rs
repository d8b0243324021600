//! What has called for attention: fires that are known, pages that rang, alerts that were counted.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::{BellChoice, NotifyChoice};
use crate::domain::{Incident, IncidentStatus, SourceName};
use crate::pane::{Board, Entry, Folds, PANES, RowKey, SLOS, Sight, incident, suspects};
use crate::text::Untrusted;

/// How long awake mode lasts.
pub(in crate::app) const FOLDING_TIME: SignedDuration = SignedDuration::from_mins(30);

/// What awake mode knows.
#[derive(Clone, Debug)]
pub(in crate::app) struct Awake {
    pub(in crate::app) since: Timestamp,
    pub(in crate::app) fires: Vec<Fire>,
    /// The incidents that were there at the key press, and those that were judged since.
    pub(in crate::app) seen: HashSet<RowKey>,
}

/// A service that paged at the key press, and what came of that.
#[derive(Clone, Debug)]
pub(in crate::app) struct Fire {
    pub(in crate::app) service: Untrusted,
    /// The releases that were suspected of it, at the key press or since.
    pub(in crate::app) suspects: HashSet<RowKey>,
    /// The incidents that came of it since the key press.
    pub(in crate::app) kin: HashSet<RowKey>,
    /// The incident that they fold under, for as long as it can be.
    pub(in crate::app) head: Option<RowKey>,
}

impl Awake {
    /// The fire that something of a service comes of: its own, or one with the same suspect.
    pub(in crate::app) fn fire_of(&self, sight: Sight<'_>, service: &Untrusted) -> Option<usize> {
        let own = self.fires.iter().position(|fire| fire.service == *service);
        own.or_else(|| {
            let suspect = suspects::row_of(sight, service)?;
            let mut fires = self.fires.iter();
            fires.position(|fire| fire.suspects.contains(&suspect))
        })
    }

    /// Takes in an incident that was not there before.
    pub(in crate::app) fn judge(&mut self, sight: Sight<'_>, entry: &Entry) {
        let Some(row) = incident(sight, entry).filter(|row| row.is_open()) else {
            return;
        };
        if let Some(place) = self.fire_of(sight, &row.service) {
            self.fires[place].kin.insert(entry.key.clone());
        }
    }
}

impl Fire {
    /// Folds what came of it under its first incident.
    pub(in crate::app) fn fold(&mut self, sight: Sight<'_>, board: &Board, folds: &mut Folds) {
        let all = board.entries.iter();
        let all = all.filter_map(|entry| Some((&entry.key, incident(sight, entry)?)));
        let own: Vec<_> = all
            .filter(|(key, row)| row.service == self.service || self.kin.contains(key))
            .filter(|(_, row)| is_audible(row))
            .collect();
        // By rank, the worst is the first.
        let Some(worst) = own.iter().map(|(_, row)| row.severity).max() else {
            self.head = None;
            return;
        };
        let head = self.head.take();
        let heads = own.iter().filter(|(_, row)| row.severity == worst);
        let heads: Vec<_> = heads.map(|(key, _)| *key).collect();
        let kept = heads.iter().find(|key| head.as_ref() == Some(**key));
        let before = heads.iter().find(|key| !self.kin.contains(**key));
        let Some(head) = kept.or(before).or(heads.first()).copied() else {
            return;
        };
        for (key, row) in &own {
            let is_open = row.status == IncidentStatus::Triggered;
            if *key != head && is_open && self.kin.contains(*key) {
                folds.fold((*key).clone(), head.clone());
            }
        }
        self.head = Some(head.clone());
    }
}

/// True for an incident that is open and not kept quiet.
pub(in crate::app) fn is_audible(row: &Incident) -> bool {
    row.is_open() && row.status != IncidentStatus::Silenced
}

/// What pages again within this time never stopped: it flaps.
pub(in crate::app) const FLAP_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What is over for this long is forgotten.
pub(in crate::app) const PAGE_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// The most that is remembered of what is over.
pub(in crate::app) const MAX_PAGES: usize = 10_000;

/// What the bell knows.
#[derive(Clone, Debug)]
pub(in crate::app) struct Bell {
    pub(in crate::app) choice: BellChoice,
    /// How what rings is shown on the desktop.
    pub(in crate::app) notify: NotifyChoice,
    /// When somebody came to the screen; `None` before that.
    pub(in crate::app) began: Option<Timestamp>,
    /// The sources that have told all they know.
    pub(in crate::app) heard: HashSet<SourceName>,
    /// Every page that rang or needed not, so that none rings twice.
    pub(in crate::app) pages: HashMap<RowKey, Page>,
}

/// A page as it was told of last.
#[derive(Clone, Debug)]
pub(in crate::app) struct Page {
    /// When it began, as far as its source says: an id that began anew is another page.
    pub(in crate::app) opened_at: Option<Timestamp>,
    /// When it was over; `None` while it goes on.
    pub(in crate::app) over: Option<Timestamp>,
}

impl Bell {
    pub(in crate::app) fn new(choice: BellChoice) -> Self {
        Self {
            choice,
            notify: NotifyChoice::Off,
            began: None,
            heard: HashSet::new(),
            pages: HashMap::new(),
        }
    }

    /// The same, which shows on the desktop what rings.
    pub(in crate::app) fn notifying(self, notify: NotifyChoice) -> Self {
        Self { notify, ..self }
    }

    /// Notes that somebody is at the screen.
    pub(in crate::app) fn begin(&mut self, now: Timestamp) {
        self.began.get_or_insert(now);
    }

    /// Takes in a page that somebody has to look at; true when it is news.
    pub(in crate::app) fn is_news(
        &mut self,
        key: &RowKey,
        opened_at: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let page = Page {
            opened_at,
            over: None,
        };
        let Some(before) = self.pages.insert(key.clone(), page) else {
            return true;
        };
        let is_again = key.pane == PANES[SLOS].name() || opened_at > before.opened_at;
        let is_over = |at| now.duration_since(at) >= FLAP_WINDOW;
        is_again && before.over.is_some_and(is_over)
    }

    /// Forgets what has been over for long.
    pub(in crate::app) fn forget(&mut self, now: Timestamp) {
        let is_fresh = |page: &Page| {
            let age = page.over.map(|over| now.duration_since(over));
            age.is_none_or(|age| age < PAGE_MEMORY)
        };
        self.pages.retain(|_, page| is_fresh(page));
        if self.pages.len() > MAX_PAGES {
            self.pages.retain(|_, page| page.over.is_none());
        }
    }
}

/// The alerts of every open incident, as they were counted.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Counted {
    pub(in crate::app) incidents: HashMap<RowKey, Alerts>,
}

/// The alerts of one incident.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Alerts {
    /// The most there were, so that one that comes and goes is new once.
    pub(in crate::app) most: usize,
    /// How many there were before the new ones, and when the last of these came.
    pub(in crate::app) before: Option<(usize, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pane::INCIDENTS;

    #[test]
    fn what_is_over_is_forgotten_and_what_goes_on_is_not() {
        let start = Timestamp::UNIX_EPOCH;
        let key = |number: usize| RowKey {
            pane: PANES[INCIDENTS].name(),
            source: SourceName::new("am"),
            id: number.to_string().into(),
            nth: 0,
        };
        let mut bell = Bell::new(BellChoice::Page);
        for number in 0..100 {
            assert!(bell.is_news(&key(number), None, start));
        }
        for number in 1..100 {
            let page = bell.pages.get_mut(&key(number)).expect("a page");
            page.over = Some(start);
        }
        bell.forget(start + PAGE_MEMORY - SignedDuration::from_secs(1));
        assert_eq!(bell.pages.len(), 100);
        bell.forget(start + PAGE_MEMORY);
        assert_eq!(bell.pages.len(), 1);
        assert!(!bell.is_news(&key(0), None, start + PAGE_MEMORY * 10));
    }

    #[test]
    fn any_number_of_pages_that_came_and_went_takes_bounded_room() {
        let mut bell = Bell::new(BellChoice::Page);
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..=MAX_PAGES {
            let key = RowKey {
                pane: PANES[INCIDENTS].name(),
                source: SourceName::new("am"),
                id: number.to_string().into(),
                nth: 0,
            };
            let page = Page {
                opened_at: None,
                over: Some(now),
            };
            bell.pages.insert(key, page);
        }
        bell.forget(now);
        assert!(bell.pages.is_empty());
    }
}
