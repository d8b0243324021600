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

/// How far back a source lists rows of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    /// As far as it keeps them: since the oldest row of a service.
    Kept,
    /// Everything.
    Always,
    /// Since a moment. There may be more before it.
    Since(Timestamp),
    /// What is over is not listed.
    Open,
}

/// Puts the rows of each service in their places.
pub(super) fn fill(store: &Store, facts: &mut Facts, skews: &Skews, judging: Judging) {
    let lack = |feed: &Feed| silence(feed).or_else(|| lateness(feed, skews, judging));
    let of_releases = |feed: &Feed| match (feed.facts.reach, feed.offers.ended) {
        (Some(reach), _) => Listed::Since(reach),
        (None, Ended::Always) => Listed::Always,
        (None, _) => Listed::Kept,
    };
    let of_incidents = |feed: &Feed| match (feed.facts.reach, feed.offers.ended) {
        (Some(reach), _) => Listed::Since(reach),
        (None, Ended::Never) => Listed::Open,
        (None, Ended::ForADay) => Listed::Since(judging.at - A_DAY),
        (None, Ended::Always) => Listed::Always,
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
        service.releases = releases.rows(deployed.get(&name), Release::dated);
        service.incidents = incidents.rows(opened.get(&name), |incident| incident.opened_at);
    }
}

/// How far rows of one kind are known.
struct Known<'a> {
    lack: Option<String>,
    /// By source; empty where none is configured.
    listed: Vec<(&'a Feed, Listed)>,
}

impl<'a> Known<'a> {
    fn of(
        store: &'a Store,
        offers: impl Fn(&Feed) -> bool,
        lack: impl Fn(&Feed) -> Option<String>,
        listed: impl Fn(&Feed) -> Listed,
    ) -> Self {
        let feeds = store.feeds().iter().filter(|feed| offers(feed));
        let listed: Vec<_> = feeds.map(|feed| (feed, listed(feed))).collect();
        let mut silent = listed.iter().map(|(feed, _)| lack(feed));
        Self {
            lack: if listed.is_empty() {
                Some("no source of them is configured".to_owned())
            } else {
                silent.find_map(|lack| lack)
            },
            listed,
        }
    }

    /// The rows of one service.
    fn rows<T: Clone>(
        &self,
        mine: Option<&Vec<(&Feed, &T)>>,
        dated: impl Fn(&T) -> Option<Timestamp>,
    ) -> Rows<T> {
        let mine = mine.map_or(&[][..], Vec::as_slice);
        let oldest = |of: &Feed| {
            let its = mine.iter().filter(|(feed, _)| feed.name == of.name);
            its.filter_map(|(_, row)| dated(row)).min()
        };
        let since = self.listed.iter().map(|(feed, listed)| match listed {
            Listed::Kept => Some(oldest(feed).unwrap_or(Timestamp::MIN)),
            Listed::Always => Some(Timestamp::MIN),
            Listed::Since(since) => Some(*since),
            Listed::Open => None,
        });
        let since: Option<Vec<_>> = since.collect();
        let cut = self.listed.iter().filter_map(|(_, listed)| match listed {
            Listed::Since(since) => Some(*since),
            Listed::Kept | Listed::Always | Listed::Open => None,
        });
        let named = |(feed, row): &(&Feed, &T)| (feed.name.clone(), (*row).clone());
        Rows {
            all: mine.iter().map(named).collect(),
            lack: self.lack.clone(),
            since: since.and_then(|since| since.into_iter().max()),
            cut: cut.max(),
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
