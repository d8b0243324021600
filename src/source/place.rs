//! The environment of a release whose source knows a place instead: a namespace or a cluster.

use crate::domain::Production;

/// What a label says; else the place, where its name is that of an environment. A namespace by itself
/// is none: it names a team or a product as often as a stage.
pub(super) fn environment<'a>(
    label: Option<&'a str>,
    place: &'a str,
    production: &Production,
) -> &'a str {
    let named = Some(place).filter(|place| production.is_environment(place));
    label.or(named).unwrap_or_default()
}
