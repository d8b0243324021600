//! The time around releases that an open detail compares, as questions for the sources of SLOs.

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use crate::domain::past::PastQuestion;
use crate::domain::{Observation, Release, SourceName};
use crate::pane::before_after::{Stretch, stretches};
use crate::pane::{Charts, RELEASES, RowKey, SERVICES, SLOS, Sight, compared};
use crate::store::Feed;

/// Of the releases of a service, those of so long are compared.
const RECENT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The question for the releases that the detail of a row compares, of one source at a time.
pub(super) fn question(
    model: &Model,
    key: &RowKey,
    now: Timestamp,
) -> Option<(SourceName, PastQuestion)> {
    let sight = model.sight(now);
    let (slos, stretch) = compared_by(model, sight, key)?;
    let lacks = |(feed, seen): &&(&Feed, &Observation)| {
        let id = seen.slo.id();
        sight.charts.lacks_around(&feed.name, &id, stretch, now)
    };
    let (first, _) = slos.iter().find(lacks)?;
    let of_one = slos.iter().filter(|(feed, _)| feed.name == first.name);
    let ids = of_one.filter(lacks).map(|(_, seen)| {
        let id = seen.slo.id();
        let mut ids = sight.store.ids_of(&seen.slo);
        ids.retain(|other| *other != id);
        ids.insert(0, id);
        ids
    });
    let question = PastQuestion {
        slos: ids.collect(),
        steps: Charts::steps_around(stretch),
    };
    (!question.steps.is_empty()).then(|| (first.name.clone(), question))
}

type Slos<'a> = Vec<(&'a Feed, &'a Observation)>;

/// The SLOs that the detail of a row compares, and the time that is needed for that.
fn compared_by<'a>(
    model: &'a Model,
    sight: Sight<'a>,
    key: &RowKey,
) -> Option<(Slos<'a>, Stretch)> {
    let entry = model.rosters.get(model.focus)?.find(key)?;
    match model.focus {
        RELEASES => {
            let row = compared::release(sight, entry)?;
            Some((compared::touched(sight, row), whole(sight, [row])?))
        }
        SLOS => {
            let (feed, seen) = compared::slo(sight, entry)?;
            let releases = recent(sight, compared::releases_of(sight, &seen.slo.service));
            Some((vec![(feed, seen)], whole(sight, releases)?))
        }
        SERVICES => {
            let releases = recent(sight, compared::releases_of(sight, &key.id));
            Some((compared::slos_of(sight, &key.id), whole(sight, releases)?))
        }
        _ => None,
    }
}

/// The newest releases.
fn recent<'a>(sight: Sight<'_>, releases: Vec<&'a Release>) -> Vec<&'a Release> {
    let oldest = sight.now.saturating_sub(RECENT).unwrap_or(sight.now);
    let mut releases = releases;
    releases.retain(|row| row.dated().is_some_and(|at| at >= oldest));
    releases
}

/// From the first to the last moment that is compared.
fn whole<'a>(sight: Sight<'_>, releases: impl IntoIterator<Item = &'a Release>) -> Option<Stretch> {
    let each = releases.into_iter().filter_map(|row| stretches(sight, row));
    let ends = each.map(|((from, began), after)| (from, after.map_or(began, |(_, until)| until)));
    ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}
