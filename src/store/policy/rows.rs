//! The releases and incidents of services, and how far they are all there are.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{Judging, Skews};
use crate::domain::{Incident, Release, window};
use crate::insight::policy::{Facts, Rows};
use crate::store::{Ended, Feed, Store};
use crate::text::Untrusted;

/// For how long a source that lists what ended for a day is sure to.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Puts the rows of each service in their places.
pub(super) fn fill(store: &Store, facts: &mut Facts, skews: &Skews, judging: Judging) {
    let lack = |feed: &Feed| silence(feed).or_else(|| lateness(feed, skews, judging));
    let of_releases = |feed: &Feed| Some(since_of_releases(feed));
    let of_incidents = |feed: &Feed| match feed.offers.ended {
        Ended::Never => None,
        Ended::ForADay => Some(judging.at - A_DAY),
        Ended::Always => Some(Timestamp::MIN),
    };
    let releases = Known::of(store, |feed| feed.offers.releases, lack, of_releases);
    let incidents = Known::of(store, |feed| feed.offers.incidents, lack, of_incidents);
    let mut deployed: HashMap<&Untrusted, Vec<(&Feed, &Release)>> = HashMap::new();
    for (feed, release) in store.releases() {
        if facts.production.contains(release.environment.raw()) {
            let mine = deployed.entry(&release.service).or_default();
            mine.push((feed, release));
        }
    }
    let mut opened: HashMap<&Untrusted, Vec<(&Feed, &Incident)>> = HashMap::new();
    for (feed, incident) in store.incidents() {
        let mine = opened.entry(&incident.service).or_default();
        mine.push((feed, incident));
    }
    for service in &mut facts.services {
        let name = Untrusted::from(service.name.as_str());
        service.releases = releases.rows(deployed.get(&name));
        service.incidents = incidents.rows(opened.get(&name));
    }
}

/// How far rows of one kind are known.
struct Known {
    lack: Option<String>,
    since: Option<Timestamp>,
}

impl Known {
    fn of(
        store: &Store,
        offers: impl Fn(&Feed) -> bool,
        lack: impl Fn(&Feed) -> Option<String>,
        since: impl Fn(&Feed) -> Option<Timestamp>,
    ) -> Self {
        let feeds: Vec<_> = store.feeds().iter().filter(|feed| offers(feed)).collect();
        if feeds.is_empty() {
            return Self {
                lack: Some("no source of them is configured".to_owned()),
                since: None,
            };
        }
        let all: Option<Vec<_>> = feeds.iter().map(|feed| since(feed)).collect();
        Self {
            lack: feeds.iter().find_map(|feed| lack(feed)),
            since: all.and_then(|all| all.into_iter().max()),
        }
    }

    fn rows<T: Clone>(&self, mine: Option<&Vec<(&Feed, &T)>>) -> Rows<T> {
        let named = |(feed, row): &(&Feed, &T)| (feed.name.clone(), (*row).clone());
        Rows {
            all: mine.into_iter().flatten().map(named).collect(),
            lack: self.lack.clone(),
            since: self.since,
        }
    }
}

/// Why a source may have rows that are not known.
fn silence(feed: &Feed) -> Option<String> {
    match &feed.fault {
        Some(fault) => Some(format!("{}: {}", feed.name, fault.message.raw())),
        None if feed.last_success.is_none() => Some(format!("{} has not answered", feed.name)),
        None => None,
    }
}

/// Why the answer of a source is too old: by when it came, or by the date that its server gave it.
fn lateness(feed: &Feed, skews: &Skews, judging: Judging) -> Option<String> {
    if judging.is_past {
        return None;
    }
    if !feed.freshness(judging.now).is_current() {
        return Some(format!("{} does not answer", feed.name));
    }
    let dated = feed.last_success? + *skews.get(&feed.name)?;
    let age = dated.duration_until(judging.at);
    let is_late = age > judging.max_age;
    is_late.then(|| {
        let age = window::brief(age);
        format!("{}: its answer is dated {age} ago", feed.name)
    })
}

/// The releases of a source are known since the oldest that it lists.
fn since_of_releases(feed: &Feed) -> Timestamp {
    if feed.offers.ended == Ended::Always {
        return Timestamp::MIN;
    }
    let rows = feed.facts.releases.iter().flatten();
    rows.filter_map(Release::dated)
        .min()
        .unwrap_or(Timestamp::MIN)
}
