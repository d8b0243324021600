//! Incidents that grow: alerts that join one that nobody has taken.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use super::model::attention::Alerts;
use crate::domain::SourceName;
use crate::pane::{INCIDENTS, RowKey, incident};

/// How long after the last of them alerts count as new.
const NEW_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Takes in what a source has just answered; gives the incidents that grew by it.
pub(super) fn hear(model: &mut Model, source: &SourceName, now: Timestamp) -> HashSet<RowKey> {
    let mut counted = std::mem::take(&mut model.counted);
    let mut growth = std::mem::take(&mut model.growth);
    let sight = model.present(now);
    let board = model.newest_board(INCIDENTS);
    let (mut grew, mut there) = (HashSet::new(), HashSet::new());
    for entry in board
        .entries
        .iter()
        .filter(|entry| entry.key.source == *source)
    {
        let Some(row) = incident(sight, entry).filter(|row| row.is_open() || row.is_gone()) else {
            continue;
        };
        there.insert(entry.key.clone());
        let first = Alerts {
            most: row.alerts,
            before: None,
        };
        let alerts = counted.incidents.entry(entry.key.clone()).or_insert(first);
        if row.alerts > alerts.most {
            if row.is_untaken() {
                let before = alerts.before.map_or(alerts.most, |(before, _)| before);
                alerts.before = Some((before, now));
                grew.insert(entry.key.clone());
            }
            alerts.most = row.alerts;
        }
        let is_new = |(_, at): &(usize, Timestamp)| now.duration_since(*at) < NEW_FOR;
        alerts.before = alerts
            .before
            .filter(|before| is_new(before) && row.is_untaken());
        let new = alerts
            .before
            .map_or(0, |(before, _)| row.alerts.saturating_sub(before));
        growth.set(entry.key.clone(), new);
    }
    let feed = sight.store.feed(source);
    let is_whole = feed.is_some_and(|feed| feed.fault.is_none() && !feed.facts.more);
    counted.incidents.retain(|key, _| {
        let stays = key.source != *source || !is_whole || there.contains(key);
        if !stays {
            growth.set(key.clone(), 0);
        }
        stays
    });
    drop(board);
    for key in &grew {
        model.rosters[INCIDENTS].newcomers.insert(key.clone(), now);
    }
    model.counted = counted;
    model.growth = growth;
    grew
}
