//! Charts of the open detail: the time they show, and the past that is asked for them.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::around;
use super::model::Model;
use super::model::memory::Memory;
use crate::domain::past::{PastQuestion, Recalled};
use crate::domain::{Observation, SourceName};
use crate::pane::{RELEASES, RowKey, SERVICES, SLOS};

/// How long an answer is waited for before another question goes out.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Shows a shorter time in the chart of the open detail, or a longer one.
pub(super) fn change(model: &mut Model, is_in: bool, now: Timestamp) {
    let mut charts = std::mem::take(&mut model.charts);
    let seen = subject(model).and_then(|key| observation(model, &key, now));
    let changed = seen.map(|seen| charts.zoom(seen, is_in));
    model.charts = charts;
    if changed.is_none() {
        model.tell("no chart of an SLO is open", now);
    } else if changed == Some(false) {
        let end = if is_in { "shortest" } else { "longest" };
        model.tell(format!("this is the {end} time"), now);
    }
}

/// Why no chart can be zoomed.
pub(super) fn obstacle(model: &Model) -> Option<&'static str> {
    subject(model)
        .is_none()
        .then_some("no chart of an SLO is open")
}

/// The SLO whose detail is open, by its row.
fn subject(model: &Model) -> Option<RowKey> {
    if model.focus != SLOS {
        return None;
    }
    if let Some((key, _)) = model.modes.detail() {
        return Some(key.clone());
    }
    let follows = model.follows_cursor(&model.rosters);
    let selected = model.rosters[SLOS].selected().filter(|_| follows)?;
    Some(selected.key.clone())
}

fn observation<'a>(model: &'a Model, key: &RowKey, now: Timestamp) -> Option<&'a Observation> {
    let entry = model.rosters[SLOS].find(key)?;
    let feed = model.sight(now).store.feeds().get(entry.feed)?;
    feed.facts.slos.as_ref()?.get(entry.item)
}

/// Asks for the past that the open detail needs, one question at a time, and only of a detail that has been
/// open for a second: a cursor that runs through rows asks nothing.
pub(super) fn ask(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let is_live = model.frozen.is_none() && !matches!(model.memory, Memory::Recording(_));
    let Some(key) = detailed(model).filter(|_| is_live) else {
        model.charted = None;
        return Vec::new();
    };
    if model.charted.as_ref() != Some(&key) {
        model.charted = Some(key);
        return Vec::new();
    }
    let waits = |at: Timestamp| now.duration_since(at).abs() < PATIENCE;
    if model.recalling.is_some_and(waits) {
        return Vec::new();
    }
    let question = of_charts(model, &key, now).or_else(|| around::question(model, &key, now));
    let Some((source, question)) = question else {
        return Vec::new();
    };
    model.recalling = Some(now);
    vec![Effect::Past(source, question)]
}

/// The row of the detail that is in view, of a pane that charts or compares.
fn detailed(model: &Model) -> Option<RowKey> {
    if let Some((key, _)) = model.modes.detail() {
        let is_known = [SLOS, RELEASES, SERVICES].contains(&model.focus);
        return is_known.then(|| key.clone());
    }
    let is_below = model.focus == SERVICES;
    let is_beside = matches!(model.focus, SLOS | RELEASES) && model.follows_cursor(&model.rosters);
    let selected = model.rosters.get(model.focus)?.selected();
    selected
        .filter(|_| is_below || is_beside)
        .map(|entry| entry.key.clone())
}

/// The times that the charts of an SLO lack.
fn of_charts(model: &Model, key: &RowKey, now: Timestamp) -> Option<(SourceName, PastQuestion)> {
    if model.focus != SLOS {
        return None;
    }
    let seen = observation(model, key, now)?;
    let steps = model.charts.question(&key.source, &key.id, seen, now)?;
    let mut ids = model.sight(now).store.ids_of(&seen.slo);
    ids.retain(|id| *id != key.id);
    ids.insert(0, key.id.clone());
    let slos = vec![ids];
    Some((key.source.clone(), PastQuestion { slos, steps }))
}

/// Takes in the past that a source told.
pub(super) fn hear(model: &mut Model, recalled: Recalled) {
    model.recalling = None;
    model.charts.hear(recalled);
}
