//! A reference model: what may be claimed of a world in which one source fails.
//!
//! It is written from the promise and not from the program: whatever is not known now is not `ok`.

use watchfire::domain::{Freshness, Report, State};
use watchfire::print::status::{Scope, Status};
use watchfire::store::Store;

/// What a store shows of one source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    slos: Vec<(String, State)>,
    releases: usize,
    incidents: usize,
}

impl Rows {
    /// The rows of the source of this name.
    pub(crate) fn of(store: &Store, name: &str) -> Self {
        let now = jiff::Timestamp::now();
        let slos = store.slos().filter(|(feed, _)| feed.name.as_str() == name);
        let slos = slos.map(|(feed, row)| {
            let is_current = feed.freshness(now).is_current();
            let state = if is_current {
                row.assess().state
            } else {
                State::Unknown
            };
            (row.slo.id().raw().to_owned(), state)
        });
        Self {
            slos: slos.collect(),
            releases: count(store.releases().map(|(feed, _)| feed.name.as_str()), name),
            incidents: count(store.incidents().map(|(feed, _)| feed.name.as_str()), name),
        }
    }

    /// True where something is shown.
    pub(crate) fn is_something(&self) -> bool {
        !self.slos.is_empty() || self.releases > 0 || self.incidents > 0
    }

    /// The same rows, whatever is known of the SLOs now.
    pub(crate) fn are_kept_in(&self, after: &Self) -> bool {
        let ids = |rows: &Self| {
            rows.slos
                .iter()
                .map(|(id, _)| id.clone())
                .collect::<Vec<_>>()
        };
        ids(self) == ids(after)
            && (self.releases, self.incidents) == (after.releases, after.incidents)
    }
}

fn count<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> usize {
    names.filter(|one| *one == name).count()
}

/// The verdict of `status` over a store.
pub(crate) fn verdict(store: &Store) -> String {
    let scope = Scope {
        services: &[],
        slos: &[],
    };
    let status = Status::of(store, scope, None, jiff::Timestamp::now());
    let mut text = Vec::new();
    watchfire::print::json(&mut text, &status).expect("written to memory");
    let status: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    status["verdict"].as_str().expect("a verdict").to_owned()
}

/// What is wrong with a store after one source failed; `whole` is the store before.
pub(crate) fn lies(whole: &Store, failed: &Report) -> Vec<String> {
    let mut lies = Vec::new();
    let name = failed.source.as_str();
    let mut after = whole.clone();
    after.absorb(failed.clone());
    let now = jiff::Timestamp::now();
    // No SLO of these worlds burns: nothing but "unknown" is true of them now.
    if verdict(&after) != "unknown" {
        lies.push(format!("the verdict is {}", verdict(&after)));
    }
    for feed in after.feeds() {
        let other = feed.name.as_str();
        let (before, rows) = (Rows::of(whole, other), Rows::of(&after, other));
        if other != name {
            if feed.freshness(now) != Freshness::Live || rows != before {
                lies.push(format!("{other} is harmed: {rows:?} after {before:?}"));
            }
            continue;
        }
        if feed.freshness(now) == Freshness::Live && feed.fault.is_none() {
            lies.push("it is live".to_owned());
        }
        if !before.are_kept_in(&rows) {
            lies.push(format!("its rows are lost: {rows:?} after {before:?}"));
        }
    }
    lies
}
