//! `watchfire ack`: what is open of a service is acknowledged, wherever that can be done.

use std::process::ExitCode;

use super::orders::{Chosen, Round};
use super::say;
use crate::cli;
use crate::config::Loaded;
use crate::domain::{Deed, IncidentStatus, Order, Severity, Target, Verb};
use crate::store::Store;
use crate::text::Shown;
use crate::watch::Watch;

/// Acknowledges what nobody has yet, or shows what that would be.
pub fn run(options: &cli::Ack, loaded: &Loaded, watch: Watch) -> ExitCode {
    let round = Round {
        verb: Verb::Acknowledge,
        source: options.source.as_deref(),
        doing: options.doing,
        who: loaded.settings.me.name.clone(),
    };
    round.run(loaded, watch, |store| choose(options, store))
}

fn choose(options: &cli::Ack, store: &Store) -> Chosen {
    let severity = options.severity.map(Severity::from);
    let (mut orders, mut is_known, mut elsewhere) = (Vec::new(), false, 0);
    for (feed, incident) in store.incidents() {
        if incident.service.raw() != options.service {
            continue;
        }
        is_known = true;
        let is_meant = incident.status == IncidentStatus::Triggered
            && severity.is_none_or(|severity| incident.severity == severity);
        if !is_meant {
            continue;
        }
        if !feed.offers.acts.contains(&Verb::Acknowledge) {
            elsewhere += 1;
            continue;
        }
        orders.push(Order {
            source: feed.name.clone(),
            target: Target {
                id: incident.id.clone(),
                name: incident.title.clone(),
                service: incident.service.clone(),
                seen: Some(incident.status),
            },
            deed: Deed::Acknowledge,
        });
    }
    let service = Shown::new(&options.service);
    if elsewhere > 0 {
        say(format!(
            "{elsewhere} open of `{service}` cannot be acknowledged where they are; \
             `watchfire silence --service {service}` hides alerts"
        ));
    }
    let is_known = is_known || store.service(&options.service.as_str().into()).is_some();
    if orders.is_empty() && !is_known {
        return Chosen::Unknown(format!("no source knows an incident of `{service}`"));
    }
    Chosen::Orders {
        orders,
        nothing: format!("nothing of `{service}` waits to be acknowledged"),
    }
}
