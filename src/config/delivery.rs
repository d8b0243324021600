//! `[delivery]`: which environments are production, and how releases and incidents are linked.

use super::check::Context;
use super::wire;
use super::{DeliverySettings, Problem, Step};
use crate::domain::{Linking, Production};

impl Default for DeliverySettings {
    /// The usual names of production; a day to link an incident, an hour to observe a release.
    fn default() -> Self {
        Self {
            production: Production::default(),
            link_within: Linking::default().link_within,
            observe: Linking::default().observe,
        }
    }
}

impl Context<'_> {
    /// `[delivery]`.
    pub(super) fn delivery(&mut self, wire: wire::Delivery) -> DeliverySettings {
        let standard = DeliverySettings::default();
        let empty = wire.production.as_deref().and_then(|names| {
            let empty = names.iter().position(|name| name.trim().is_empty());
            empty.or_else(|| names.is_empty().then_some(0))
        });
        if let Some(index) = empty {
            let path = ["delivery", "production"].map(|key| Step::Key(key.to_owned()));
            let is_entry = wire
                .production
                .as_ref()
                .is_some_and(|names| !names.is_empty());
            let entry = is_entry.then_some(Step::Index(index));
            self.problems.push(Problem {
                path: path.into_iter().chain(entry).collect(),
                message:
                    "names nothing: write for example [\"production\", \"prod-*\"], or leave it out"
                        .to_owned(),
            });
        }
        let span = |span: Option<wire::Span>| span.map(|span| span.0.duration());
        DeliverySettings {
            production: wire.production.map_or(standard.production, Production::new),
            link_within: span(wire.link_within).unwrap_or(standard.link_within),
            observe: span(wire.observe).unwrap_or(standard.observe),
        }
    }
}
