//! Alerts that fired and are over, from the series `ALERTS` and `ALERTS_FOR_STATE`: for a report.
//!
//! The value of `ALERTS_FOR_STATE` is the moment that an alert began, so each beginning is exact; an end
//! is as exact as the distance of two points.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::api::{Api, Range, RangeSeries};
use crate::domain::{Fault, Incident, IncidentStatus, window};
use crate::source::alert::{self, Alert, LabelNames};

/// What fired, with when it began as its value.
const QUERY: &str = "ALERTS_FOR_STATE and ignoring(alertstate) ALERTS{alertstate=\"firing\"}";
/// How exactly ends are dated.
const STEP: SignedDuration = SignedDuration::from_mins(1);
/// A server answers with 11,000 points at most.
const PART: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An alert that fired from one moment to another.
struct Episode {
    alert: Alert,
    began: Timestamp,
    /// The last point at which it fired.
    last: Timestamp,
}

/// The labels of an alert, and the second that it began at.
type Key = (Vec<(String, String)>, i64);

/// The incidents that were over by `until`, since a moment.
pub(in crate::source::prometheus) async fn incidents(
    api: &Api,
    names: &LabelNames,
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<Incident>, Fault> {
    let until = window::align(until, STEP);
    let mut start = window::align(since, STEP);
    let mut episodes: BTreeMap<Key, Episode> = BTreeMap::new();
    while start < until {
        let end = (start + PART).min(until);
        let range = Range {
            start,
            end,
            step: STEP,
        };
        for series in api.query_range(QUERY, range).await?.data {
            take(&mut episodes, &series);
        }
        start = end + STEP;
    }
    let over = episodes.into_values().filter(|one| one.last + STEP < until);
    Ok(joined(over.collect(), names))
}

/// Adds the times in which a series fired: each beginning is one.
fn take(episodes: &mut BTreeMap<Key, Episode>, series: &RangeSeries) {
    let labels = series.labels.iter();
    let labels: Vec<(String, String)> = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (at, value) in &series.points {
        let since = SignedDuration::try_from_secs_f64(*value).ok();
        let Some(began) = since.and_then(|since| Timestamp::from_duration(since).ok()) else {
            continue;
        };
        let episode = episodes
            .entry((labels.clone(), began.as_second()))
            .or_insert_with(|| Episode {
                alert: Alert::firing(
                    labels.iter().cloned().collect(),
                    BTreeMap::new(),
                    Some(began),
                ),
                began,
                last: *at,
            });
        episode.last = episode.last.max(*at);
    }
}

/// Each as an incident; those of one identity that overlap are one.
fn joined(mut episodes: Vec<Episode>, names: &LabelNames) -> Vec<Incident> {
    episodes.sort_by_key(|one| one.began);
    let mut all: Vec<Incident> = Vec::new();
    for episode in episodes {
        let ended = episode.last + STEP;
        for mut row in alert::incidents(std::slice::from_ref(&episode.alert), names, &[]) {
            let known = all.iter_mut().rev().find(|known| {
                known.id == row.id && known.resolved_at.is_some_and(|at| at >= episode.began)
            });
            if let Some(known) = known {
                known.resolved_at = known.resolved_at.max(Some(ended));
                continue;
            }
            row.status = IncidentStatus::Resolved;
            row.resolved_at = Some(ended);
            row.matchers.clear();
            row.expiry = None;
            all.push(row);
        }
    }
    all
}
