//! What rings the terminal's bell: a page that is new and that nobody has, once.
//!
//! An untaken page that alerts join rings again for these.
//!
//! The bell tells of the present, whatever is looked at: a view that stands still and a filter that
//! is on do not keep it quiet. What is there when somebody comes to the screen does not ring, since
//! they look at it; a source that is heard for the first time later on does, since its pages are
//! news. `u` is obeyed: who looks at their own rows is not rung for others'.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use super::model::attention::Bell;
use super::{Effect, awake};
use crate::config::{BellChoice, NotifyChoice};
use crate::domain::{SourceName, State};
use crate::pane::{Entry, INCIDENTS, PANES, RowKey, SLOS, Sight, incident};
use crate::text::Shown;

/// What the first answers bring within this time of the start is what somebody came to look at.
const START: SignedDuration = SignedDuration::from_secs(60);
/// Takes in what a source has just answered, by which these rows grew, and rings if it is news.
pub(super) fn hear(
    model: &mut Model,
    source: &SourceName,
    grew: &HashSet<RowKey>,
    now: Timestamp,
) -> Vec<Effect> {
    let (choice, notify) = (model.bell.choice, model.bell.notify);
    if choice == BellChoice::Off && notify == NotifyChoice::Off {
        return Vec::new();
    }
    let mut bell = std::mem::replace(&mut model.bell, Bell::new(BellChoice::Off));
    let rings = listen(model, &mut bell, (source, grew), now);
    bell.forget(now);
    model.bell = bell;
    let Some((first, others)) = rings.split_first() else {
        return Vec::new();
    };
    let more = match others.len() {
        0 => String::new(),
        count => format!(" (+{count} more)"),
    };
    let bell = (choice != BellChoice::Off).then_some(Effect::Ring);
    let shown = (notify != NotifyChoice::Off).then(|| {
        let text = Shown::new(first).fit(MAX_NOTIFICATION);
        Effect::Notify(notify, format!("{}{more}", text.as_str()))
    });
    bell.into_iter().chain(shown).collect()
}

impl Model {
    /// How much pages: SLOs, and open incidents that nobody has. A change of it is drawn at once.
    pub fn alarms(&self) -> usize {
        let states = self.tally.iter();
        let pages = states.filter_map(|states| states.get(&Some(State::Page)));
        let incidents = self.store.incidents().filter(|(_, incident)| {
            incident.severity == crate::domain::Severity::Page && incident.is_untaken()
        });
        pages.sum::<usize>() + incidents.count()
    }

    /// True while the wall is shown in place of the panes.
    pub fn is_wall(&self) -> bool {
        self.wall.is_some()
    }
}

/// The most columns of what is shown on a desktop.
const MAX_NOTIFICATION: usize = 160;

/// The news in a source's answer that rings, a line each.
fn listen(
    model: &Model,
    bell: &mut Bell,
    (source, grew): (&SourceName, &HashSet<RowKey>),
    now: Timestamp,
) -> Vec<String> {
    let sight = model.present(now);
    let Some(feed) = sight.store.feed(source) else {
        return Vec::new();
    };
    let has_begun = bell.began.is_some_and(|at| now.duration_since(at) >= START);
    let is_told = bell.heard.contains(source) || has_begun;
    let on_call_for = model.on_call_for(sight);
    let mut rings = Vec::new();
    for place in [SLOS, INCIDENTS] {
        let pane = PANES[place];
        let board = model.newest_board(place);
        let of_source = |entry: &&Entry| entry.key.source == *source;
        let mut lasting = HashSet::new();
        for entry in board.entries.iter().filter(of_source) {
            if pane.is_pressing(sight, entry) {
                let opened_at = incident(sight, entry).filter(|_| place == INCIDENTS);
                let opened_at = opened_at.and_then(|row| row.opened_at);
                let service = pane.facets(sight, entry).service.unwrap_or_default();
                let is_news = bell.is_news(&entry.key, opened_at, now);
                let rings_now = (is_news || grew.contains(&entry.key))
                    && is_told
                    && pane.whose(sight, entry, &on_call_for) <= model.query.whose
                    && !awake::is_known(model, sight, service);
                rings.extend(rings_now.then(|| pane.summary(sight, entry)));
            }
            if lasts(place, sight, entry) && bell.pages.contains_key(&entry.key) {
                lasting.insert(&entry.key);
            }
        }
        // What is missing in an answer that is not whole may still be there.
        let is_whole = feed.fault.is_none() && !feed.facts.more;
        for (key, page) in &mut bell.pages {
            let is_of_it = key.pane == pane.name() && key.source == *source;
            if is_whole && is_of_it && !lasting.contains(key) {
                page.over.get_or_insert(now);
            }
        }
    }
    if !feed.facts.more {
        bell.heard.insert(source.clone());
    }
    rings
}

/// Whether a row that paged still may.
fn lasts(place: usize, sight: Sight<'_>, entry: &Entry) -> bool {
    if place == INCIDENTS {
        // One that is gone is not over.
        return incident(sight, entry).is_some_and(|row| row.is_open() || row.is_gone());
    }
    let state = entry.standing.map(|(state, _)| state);
    matches!(state, Some(State::Page | State::Unknown))
}
