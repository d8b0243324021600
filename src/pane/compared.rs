//! The SLOs and releases that a detail compares: before a release and after it.

use std::cmp::Reverse;

use super::{Entry, Sight, dependants};
use crate::domain::{Observation, Release};
use crate::store::Feed;
use crate::text::Untrusted;

/// At most so many SLOs are compared.
const MAX_SLOS: usize = 8;
/// At most so many releases of a service are compared.
const MAX_RELEASES: usize = 6;

/// The SLOs that a release may have changed: those of its service, then those of services that depend on it.
pub fn touched<'a>(sight: Sight<'a>, row: &Release) -> Vec<(&'a Feed, &'a Observation)> {
    let dependants = dependants::names(sight, &row.service);
    let mut own = slos_of(sight, &row.service);
    let slos = sight.store.slos();
    own.extend(slos.filter(|(_, seen)| {
        let mut names = dependants.iter();
        names.any(|name| name == seen.slo.service.raw())
    }));
    own.truncate(MAX_SLOS);
    own
}

/// The SLOs of a service.
pub fn slos_of<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<(&'a Feed, &'a Observation)> {
    let slos = sight.store.slos();
    let own = slos.filter(|(_, seen)| !service.is_empty() && seen.slo.service == *service);
    own.take(MAX_SLOS).collect()
}

/// The newest releases of a service.
pub fn releases_of<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<&'a Release> {
    let rows = sight.store.releases().map(|(_, row)| row);
    let mut own: Vec<_> = rows
        .filter(|row| !service.is_empty() && row.service == *service)
        .collect();
    own.sort_by_key(|row| Reverse(row.dated()));
    own.truncate(MAX_RELEASES);
    own
}

/// The release of a row.
pub fn release<'a>(sight: Sight<'a>, entry: &Entry) -> Option<&'a Release> {
    let feed = sight.store.feeds().get(entry.feed)?;
    feed.facts.releases.as_ref()?.get(entry.item)
}

/// The SLO of a row, with its source.
pub fn slo<'a>(sight: Sight<'a>, entry: &Entry) -> Option<(&'a Feed, &'a Observation)> {
    let feed = sight.store.feeds().get(entry.feed)?;
    Some((feed, feed.facts.slos.as_ref()?.get(entry.item)?))
}
