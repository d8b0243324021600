//! The mute of known fires: their new incidents fold and do not ring, for half an hour.
//!
//! A key notes what pages at that moment, by its services: the fires. New incidents of a fire, by their
//! service or by the release that is suspected of both, fold under its first incident. Nothing is sent
//! anywhere.
//!
//! Folding hides rows, so it is strict. Only an incident that no one has taken or silenced folds, and
//! only under an open row that is at least as severe and not silenced. What rang once keeps its row. An
//! incident is judged when it arrives, by what is known then.

use std::collections::HashSet;

use jiff::Timestamp;

use super::model::Model;
use super::model::attention::{Awake, FOLDING_TIME, Fire, is_audible};
use crate::domain::{Incident, Severity, State};
use crate::pane::{Entry, Folds, INCIDENTS, Line, PANES, Role, SLOS, Sight, incident, suspects};
use crate::text::Untrusted;

/// Starts the mute, or ends it.
pub(super) fn toggle(model: &mut Model, now: Timestamp) {
    if model.awake.is_some() {
        end(model, "mute is off", now);
        return;
    }
    let sight = model.present(now);
    let paging = paging(model, sight);
    let fires = fires(&paging);
    if fires.is_empty() {
        let why = if paging.is_empty() {
            "nothing pages: there is nothing to mute"
        } else {
            "what pages has no service: it cannot be muted"
        };
        model.tell(why, now);
        return;
    }
    let seen = model.newest_board(INCIDENTS);
    let seen = seen.entries.iter().map(|entry| entry.key.clone()).collect();
    let names = fires.iter().map(|fire| fire.service.shown().to_string());
    let names: Vec<_> = names.collect();
    let text = format!(
        "muted 30m: {} (new incidents fold, no bell)",
        names.join(", ")
    );
    model.awake = Some(Awake {
        since: now,
        fires,
        seen,
    });
    hear(model);
    model.tell(text, now);
}

/// Ends it; what was folded has its rows again, and does not ring.
fn end(model: &mut Model, why: &str, now: Timestamp) {
    model.awake = None;
    let folds = std::mem::take(&mut model.folds);
    let text = match folds.count() {
        0 => why.to_owned(),
        count => format!("{why}: {count} unfolded"),
    };
    model.tell(text, now);
}

/// Ends it when its time is over, also when that is since the clock was set.
pub(super) fn settle(model: &mut Model, now: Timestamp) {
    let since = model.awake.as_ref().map(|awake| awake.since);
    if since.is_some_and(|since| now.duration_since(since).abs() >= FOLDING_TIME) {
        end(model, "mute is over", now);
    }
}

/// The service of each row that pages; empty where its source names none.
fn paging(model: &Model, sight: Sight<'_>) -> Vec<Untrusted> {
    let is_slo = |entry: &Entry| {
        entry
            .standing
            .is_some_and(|(state, _)| state == State::Page)
    };
    let is_page = |row: &Incident| row.severity == Severity::Page && is_audible(row);
    let is_incident = |entry: &Entry| incident(sight, entry).is_some_and(is_page);
    let services = |place: usize, pages: &dyn Fn(&Entry) -> bool| -> Vec<Untrusted> {
        let board = model.newest_board(place);
        let paging = board.entries.iter().filter(|entry| pages(entry));
        let service = |entry| {
            PANES[place]
                .facets(sight, entry)
                .service
                .unwrap_or_default()
                .into()
        };
        paging.map(service).collect()
    };
    let mut all = services(SLOS, &is_slo);
    all.extend(services(INCIDENTS, &is_incident));
    all
}

/// The services that page, each once.
fn fires(paging: &[Untrusted]) -> Vec<Fire> {
    let mut fires: Vec<Fire> = Vec::new();
    for service in paging.iter().filter(|service| !service.is_empty()) {
        if fires.iter().all(|fire| fire.service != *service) {
            fires.push(Fire {
                service: service.clone(),
                suspects: HashSet::new(),
                kin: HashSet::new(),
                head: None,
            });
        }
    }
    fires
}

/// Takes in the newest facts: what is suspected of the fires, and what came of them.
pub(super) fn hear(model: &mut Model) {
    let Some(mut awake) = model.awake.take() else {
        return;
    };
    // Nothing of this depends on the time.
    let sight = model.present(awake.since);
    for fire in &mut awake.fires {
        fire.suspects.extend(suspects::row_of(sight, &fire.service));
    }
    for entry in PANES[INCIDENTS].board(sight.store).entries {
        if !awake.seen.contains(&entry.key) {
            awake.judge(sight, &entry);
            awake.seen.insert(entry.key);
        }
    }
    model.awake = Some(awake);
}

/// Whether something new of a service is of a fire that is known.
pub(super) fn is_known(model: &Model, sight: Sight<'_>, service: &str) -> bool {
    let awake = model.awake.as_ref();
    awake.is_some_and(|awake| awake.fire_of(sight, &service.into()).is_some())
}

/// Decides anew what is folded of the rows that are looked at.
pub(super) fn fold(model: &mut Model, now: Timestamp) {
    let Some(mut awake) = model.awake.take() else {
        return;
    };
    let board = &model.rosters[INCIDENTS].board;
    let sight = model.sight(now);
    let mut folds = Folds::default();
    for fire in &mut awake.fires {
        fire.fold(sight, board, &mut folds);
    }
    model.folds = folds;
    model.awake = Some(awake);
}

/// How long awake mode lasts, and how much is folded.
pub(super) fn words(model: &Model, now: Timestamp) -> Option<Line> {
    let awake = model.awake.as_ref()?;
    let left = FOLDING_TIME - now.duration_since(awake.since);
    // A minute that has begun counts, so that it never says 0.
    let minutes = left
        .as_secs()
        .clamp(1, FOLDING_TIME.as_secs())
        .unsigned_abs()
        .div_ceil(60);
    let line = Line::of(format!("muted {minutes}m"), Role::Accent);
    Some(match model.folds.count() {
        0 => line,
        count => line.text(format!(" · {count} folded"), Role::Accent),
    })
}
