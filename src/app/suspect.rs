//! From what burns to the release that may be behind it.

use jiff::Timestamp;

use super::filter::Filter;
use super::mode::Mode;
use super::model::Model;
use crate::pane::{RELEASES, suspects};
use crate::text::Untrusted;

/// Selects the suspect release of the row that keys act on, and opens it.
pub(super) fn jump(model: &mut Model, now: Timestamp) {
    let sight = model.sight(now);
    let entry = model.target();
    let facets = entry.map(|entry| model.pane().facets(sight, entry));
    let service = facets.map(|facets| Untrusted::from(facets.service));
    let key = service.and_then(|service| suspects::row_of(sight, &service));
    let Some(key) = key else {
        model.tell("no release is a suspect of this", now);
        return;
    };
    model.modes.close_detail();
    model.focus = RELEASES;
    let is_shown = |model: &Model| {
        let roster = model.roster()?;
        (0..roster.shown.len()).find(|&at| roster.entry(at).is_some_and(|one| one.key == key))
    };
    if is_shown(model).is_none() {
        // A filter must not hide where a key leads.
        model.refilter(Filter::default());
        model.settle(now);
    }
    match is_shown(model) {
        Some(place) => {
            if let Some(roster) = model.roster_mut() {
                roster.choose(place);
            }
            model.modes.push(Mode::Detail { key, scroll: 0 });
        }
        None => model.tell(
            "the suspect release is not among the rows that are shown",
            now,
        ),
    }
}
