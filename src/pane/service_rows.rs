//! The places of the facts of each service, found once for all rows.

use std::collections::HashMap;

use crate::domain::{Incident, Observation, Release};
use crate::store::{Feed, Store};
use crate::text::Untrusted;

/// Of each service the places of its facts, in the order of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceRows(HashMap<Untrusted, Places>);

/// A source of the store, and one of its facts.
type Place = (usize, usize);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    slos: Vec<Place>,
    releases: Vec<Place>,
    incidents: Vec<Place>,
}

impl ServiceRows {
    /// Looks at every fact of a store once.
    pub(super) fn of(store: &Store) -> Self {
        let mut rows: HashMap<Untrusted, Places> = HashMap::new();
        let mut add =
            |service: &Untrusted, place: Place, list: fn(&mut Places) -> &mut Vec<Place>| {
                if service.is_empty() {
                    return;
                }
                match rows.get_mut(service) {
                    Some(known) => list(known).push(place),
                    None => list(rows.entry(service.clone()).or_default()).push(place),
                }
            };
        for (number, feed) in store.feeds().iter().enumerate() {
            for (item, seen) in feed.facts.slos.iter().flatten().enumerate() {
                add(&seen.slo.service, (number, item), |own| &mut own.slos);
            }
            for (item, row) in feed.facts.releases.iter().flatten().enumerate() {
                add(&row.service, (number, item), |own| &mut own.releases);
            }
            for (item, row) in feed.facts.incidents.iter().flatten().enumerate() {
                add(&row.service, (number, item), |own| &mut own.incidents);
            }
        }
        Self(rows)
    }

    /// The SLOs of a service, with their sources.
    pub(super) fn slos<'a>(
        &self,
        store: &'a Store,
        service: &Untrusted,
    ) -> Vec<(&'a Feed, &'a Observation)> {
        let places = self.0.get(service).map_or(&[][..], |own| &own.slos);
        let facts = places.iter().filter_map(|(feed, item)| {
            let feed = store.feeds().get(*feed)?;
            Some((feed, feed.facts.slos.as_ref()?.get(*item)?))
        });
        facts.collect()
    }

    /// The releases of a service, with their sources.
    pub(super) fn releases<'a>(
        &self,
        store: &'a Store,
        service: &Untrusted,
    ) -> Vec<(&'a Feed, &'a Release)> {
        let places = self.0.get(service).map_or(&[][..], |own| &own.releases);
        let facts = places.iter().filter_map(|(feed, item)| {
            let feed = store.feeds().get(*feed)?;
            Some((feed, feed.facts.releases.as_ref()?.get(*item)?))
        });
        facts.collect()
    }

    /// The incidents of a service, with their sources.
    pub(super) fn incidents<'a>(
        &self,
        store: &'a Store,
        service: &Untrusted,
    ) -> Vec<(&'a Feed, &'a Incident)> {
        let places = self.0.get(service).map_or(&[][..], |own| &own.incidents);
        let facts = places.iter().filter_map(|(feed, item)| {
            let feed = store.feeds().get(*feed)?;
            Some((feed, feed.facts.incidents.as_ref()?.get(*item)?))
        });
        facts.collect()
    }
}
