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
pub fn run(options: &cli::Ack, again: String, loaded: &Loaded, watch: Watch) -> ExitCode {
    let hint = again.clone();
    let round = Round {
        verb: Verb::Acknowledge,
        source: options.source.as_deref(),
        doing: options.doing,
        who: loaded.settings.me.name.clone(),
        again,
    };
    round.run(loaded, watch, |store| choose(options, &hint, store))
}

fn choose(options: &cli::Ack, again: &str, store: &Store) -> Chosen {
    let mut orders = Vec::new();
    for service in &options.service {
        match of_service(service, options, store) {
            Found::Unknown => {
                let service = Shown::new(service);
                return Chosen::Unknown(format!("no source knows an incident of `{service}`"));
            }
            Found::Open {
                orders: more,
                elsewhere,
            } => {
                orders.extend(more);
                if elsewhere > 0 {
                    let service = Shown::new(service);
                    say(format!(
                        "{elsewhere} open of `{service}` cannot be acknowledged where they are; \
                         `watchfire silence --service {service} --for 1h{again}` hides alerts"
                    ));
                }
            }
        }
    }
    let services = options.service.join("`, `");
    let services = Shown::new(services);
    Chosen::Orders {
        orders,
        nothing: format!("nothing was done: nothing of `{services}` waits to be acknowledged"),
    }
}

/// What is open of a service.
enum Found {
    /// No source knows it.
    Unknown,
    /// What can be acknowledged, and how many cannot.
    Open {
        orders: Vec<Order>,
        elsewhere: usize,
    },
}

fn of_service(service: &str, options: &cli::Ack, store: &Store) -> Found {
    let severity = options.severity.map(Severity::from);
    let (mut orders, mut is_known, mut elsewhere) = (Vec::new(), false, 0);
    for (feed, incident) in store.incidents() {
        if incident.service.raw() != service {
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
    if is_known || store.service(&service.into()).is_some() {
        Found::Open { orders, elsewhere }
    } else {
        Found::Unknown
    }
}
