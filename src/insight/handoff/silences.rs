//! Silences that end before the next shift does: what they hide comes back on somebody's watch.

use jiff::Timestamp;
use serde::Serialize;

use super::Shift;
use crate::domain::SourceName;
use crate::text::Untrusted;

/// A silence that ends soon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ending {
    /// Its id at its source.
    pub id: Untrusted,
    /// Who tells of it.
    pub source: SourceName,
    /// What it hides, as matchers are written.
    pub matchers: Vec<Untrusted>,
    /// When it ends.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub ends_at: Timestamp,
    /// Who made it.
    #[serde(serialize_with = "super::said")]
    pub created_by: Untrusted,
    /// Whether that is who hands over.
    pub is_mine: bool,
    /// Why.
    #[serde(serialize_with = "super::said")]
    pub comment: Untrusted,
    /// The open incidents that it hides, by title.
    pub hides: Vec<Untrusted>,
}

/// The silences that end within a shift's length from its end, soonest first.
pub(super) fn ending(shift: &Shift<'_>) -> Vec<Ending> {
    let length = shift.since.duration_until(shift.until);
    let latest = shift.until.saturating_add(length).unwrap_or(Timestamp::MAX);
    let mut all = Vec::new();
    for witness in &shift.witnesses {
        let incidents = || witness.facts.incidents.iter().flatten();
        for row in witness.facts.silences.iter().flatten() {
            if row.ends_at <= shift.until || row.ends_at > latest {
                continue;
            }
            let hides = incidents()
                .filter(|one| one.is_open() && one.silenced_by.contains(&row.id))
                .map(|one| one.title.clone());
            all.push(Ending {
                id: row.id.clone(),
                source: witness.name.clone(),
                matchers: row
                    .matchers
                    .iter()
                    .map(|one| one.to_string().into())
                    .collect(),
                ends_at: row.ends_at,
                created_by: row.created_by.clone(),
                is_mine: shift.me.is(&row.created_by),
                comment: row.comment.clone(),
                hides: hides.collect(),
            });
        }
    }
    all.sort_by_key(|one| one.ends_at);
    all
}
