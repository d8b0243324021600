//! From what burns to the release that may be behind it.

use jiff::Timestamp;

use super::jump;
use super::model::Model;
use crate::pane::{RELEASES, RowKey, suspects};
use crate::text::Untrusted;

/// The suspect release of the row that keys act on; `None` for the suspect itself.
pub(super) fn of_target(model: &Model, now: Timestamp) -> Option<RowKey> {
    if model.is_quiet() {
        return None;
    }
    let sight = model.sight(now);
    let entry = model.target()?;
    let service = Untrusted::from(
        model
            .pane()
            .facets(sight, entry)
            .service
            .unwrap_or_default(),
    );
    suspects::row_of(sight, &service).filter(|key| *key != entry.key)
}

/// Selects the suspect release of the row that keys act on, and opens it.
pub(super) fn jump(model: &mut Model, now: Timestamp) {
    let Some(key) = of_target(model, now) else {
        model.tell("no release is a suspect of this", now);
        return;
    };
    if jump::to_row(model, RELEASES, &key, now) {
        jump::open(model, key);
    } else {
        let words = "the suspect release is not among the rows that are shown";
        model.tell(words, now);
    }
}
