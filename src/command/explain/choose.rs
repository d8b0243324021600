//! Which SLO a reader means, by as much of its name as it takes.

use std::collections::BTreeSet;

use crate::domain::nearest_name::likeness;
use crate::text::Untrusted;

/// How many names are offered in place of one that is not there.
const MOST: usize = 5;
/// How alike a name must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.7;

/// An SLO that may be meant.
pub(super) struct Candidate {
    /// What it is called across sources.
    pub(super) id: Untrusted,
    pub(super) service: Untrusted,
    pub(super) source: String,
    /// What its own source may call it.
    pub(super) ids: Vec<Untrusted>,
}

impl Candidate {
    /// Its name with that of its source.
    pub(super) fn full(&self) -> String {
        let id = self.ids.first().unwrap_or(&self.id);
        format!("{}@{}", id.raw(), self.source)
    }

    /// The names it goes by, whole.
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.id)
            .chain(&self.ids)
            .map(Untrusted::raw)
    }
}

/// What was meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one, by its place.
    One(usize),
    /// Any of these.
    Several(Vec<String>),
    /// None; these are the nearest.
    None(Vec<String>),
}

/// The one SLO that `wanted` names: by its id, by its id and source, by its service, or by the
/// beginning of its id.
pub(super) fn choose(wanted: &str, all: &[Candidate]) -> Choice {
    let ways: [&dyn Fn(&Candidate) -> bool; 4] = [
        &|one| one.full() == wanted,
        &|one| one.names().any(|name| name == wanted),
        &|one| one.service.raw() == wanted,
        &|one| !wanted.is_empty() && one.names().any(|name| name.starts_with(wanted)),
    ];
    for is_meant in ways {
        let mut places = (0..all.len()).filter(|place| is_meant(&all[*place]));
        if let Some(first) = places.next() {
            let rest: Vec<_> = places.collect();
            if rest.is_empty() {
                return Choice::One(first);
            }
            let names = std::iter::once(first).chain(rest);
            return Choice::Several(names.map(|place| all[place].id.raw().to_owned()).collect());
        }
    }
    Choice::None(nearest(wanted, all))
}

fn nearest(wanted: &str, all: &[Candidate]) -> Vec<String> {
    let like = |text: &str| likeness(wanted, text);
    let mut ranked: Vec<_> = all
        .iter()
        .map(|one| {
            let id = one.id.raw();
            let name = id.split_once('/').map_or(id, |(_, name)| name);
            let best = like(id).max(like(one.service.raw())).max(like(name));
            (best, id)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    ranked.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    let mut seen = BTreeSet::new();
    let ids = ranked.into_iter().map(|(_, id)| id.to_owned());
    ids.filter(|id| seen.insert(id.clone()))
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(service: &str, name: &str, source: &str) -> Candidate {
        let id = Untrusted::from(format!("{service}/{name}"));
        Candidate {
            ids: vec![id.clone()],
            id,
            service: service.into(),
            source: source.to_owned(),
        }
    }

    fn world() -> Vec<Candidate> {
        vec![
            candidate("checkout", "availability", "eu"),
            candidate("checkout", "latency", "eu"),
            candidate("cart", "availability", "eu"),
            candidate("cart", "availability", "us"),
            candidate("search", "latency", "eu"),
        ]
    }

    #[test]
    fn as_much_of_a_name_as_it_takes_is_enough() {
        let all = world();
        for (wanted, place) in [
            ("checkout/availability", 0),
            ("checkout/l", 1),
            ("search", 4),
            ("sea", 4),
            ("cart/availability@us", 3),
        ] {
            assert_eq!(choose(wanted, &all), Choice::One(place), "{wanted}");
        }
    }

    #[test]
    fn a_name_that_may_be_several_is_not_guessed() {
        let all = world();
        let Choice::Several(names) = choose("checkout", &all) else {
            panic!("one was guessed");
        };
        assert_eq!(names, ["checkout/availability", "checkout/latency"]);
        assert!(matches!(
            choose("cart/availability", &all),
            Choice::Several(_)
        ));
        assert!(matches!(choose("c", &all), Choice::Several(_)));
    }

    #[test]
    fn a_name_that_is_not_there_brings_the_nearest() {
        let all = world();
        let Choice::None(names) = choose("chekout/availabilty", &all) else {
            panic!("something was found");
        };
        assert_eq!(names[0], "checkout/availability");
        assert_eq!(choose("zzz", &all), Choice::None(Vec::new()));
        assert_eq!(choose("", &[]), Choice::None(Vec::new()));
    }
}
