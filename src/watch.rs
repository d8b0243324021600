//! From settings to a watch: the sources that are asked, and the store that takes in their answers.

use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::Linking;
use crate::domain::policy::Exception;
use crate::source::{KINDS, Source};
use crate::store::policy::Policies;
use crate::store::{Feed, Store};

/// Sources ready to be asked, and a store that knows of them and of nothing else yet.
pub struct Watch {
    /// In the order of the configuration.
    pub sources: Vec<(SourceSettings, Box<dyn Source>)>,
    /// With one feed a source.
    pub store: Store,
}

impl Watch {
    /// Builds every source; all mistakes at once when there are any.
    pub fn over(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let mut sources = Vec::new();
        let mut feeds = Vec::new();
        let mut problems = Vec::new();
        for source in &settings.sources {
            let Some(kind) = KINDS.iter().find(|kind| kind.name == source.kind) else {
                problems
                    .push(source.problem("kind", format!("no kind is named `{}`", source.kind)));
                continue;
            };
            match (kind.build)(source, settings) {
                Ok(built) => {
                    let (every, down) = (source.interval, source.stale_after);
                    let feed = Feed::new(source.name.clone(), kind.name, built.offers, every, down)
                        .identified_by(identity(source))
                        .answering_within(source.http.timeout);
                    feeds.push(feed.expecting(built.expected));
                    sources.push((source.clone(), built.source));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            sources,
            store: Store::new(feeds)
                .with_services(settings.services.clone())
                .with_me(settings.me.clone())
                .with_production(settings.delivery.production.clone())
                .with_policies(policies(settings))
                .with_linking(Linking {
                    link_within: settings.delivery.link_within,
                    observe: settings.delivery.observe,
                }),
        })
    }
}

/// The policies of the settings, and what they are judged by.
fn policies(settings: &Settings) -> Policies {
    let zones = settings.slos.iter().map(|slo| {
        let name = (slo.service.clone(), slo.name.clone());
        (name, slo.timezone.clone())
    });
    // A service may be named by an alias.
    let named = |name: &str| {
        let mut services = settings.services.iter();
        let service = services.find(|service| service.aliases.iter().any(|alias| alias == name));
        service.map_or(name, |service| &service.name).to_owned()
    };
    let exceptions = settings.exceptions.iter().map(|exception| Exception {
        service: named(&exception.service),
        ..exception.clone()
    });
    Policies {
        policies: settings.policies.clone(),
        exceptions: exceptions.collect(),
        zones: zones.collect(),
        zone: settings.ui.timezone.clone(),
        max_age: settings.gate.max_age,
    }
}

/// What makes a source the same to a journal: its kind and its address, without a login.
fn identity(source: &SourceSettings) -> String {
    let url = source.http.url.as_deref().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = place.rsplit('@').next().unwrap_or(place);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    format!("{} {scheme}://{host}{path}", source.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_sources_there_is_nothing_to_watch() {
        let watch = Watch::over(&Settings::empty()).map_err(|_| ()).unwrap();
        assert!(watch.sources.is_empty() && watch.store.feeds().is_empty());
    }
}
