//! `watchfire silence`: alerts are silenced for a time, and silences are moved and ended.

use std::process::ExitCode;

use jiff::Timestamp;

use super::orders::{Chosen, Round};
use super::refuse;
use crate::cli;
use crate::config::{Loaded, Settings};
use crate::domain::until::Until;
use crate::domain::{Deed, Incident, IncidentStatus, Matcher, Order, SourceName, Target, Verb};
use crate::store::{Feed, Store};
use crate::text::{Shown, Untrusted};
use crate::watch::Watch;

/// Makes, moves or ends silences, or shows what that would do.
pub fn run(options: &cli::Silence, again: String, loaded: &Loaded, watch: Watch) -> ExitCode {
    let verb = match (&options.expire, &options.extend) {
        (Some(_), _) => Verb::Expire,
        (_, Some(_)) => Verb::Extend,
        (None, None) => Verb::Silence,
    };
    let until = match end(options, verb, &loaded.settings) {
        Ok(until) => until,
        Err(why) => return refuse(why),
    };
    let round = Round {
        verb,
        source: options.source.as_deref(),
        doing: options.doing,
        who: loaded.settings.me.name.clone(),
        again,
    };
    round.run(loaded, watch, |store| choose(options, until, store))
}

/// When it is to end; now for what ends now.
fn end(options: &cli::Silence, verb: Verb, settings: &Settings) -> Result<Timestamp, String> {
    let now = Timestamp::now();
    let text = match (&options.length, &options.until) {
        _ if verb == Verb::Expire => return Ok(now),
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => {
            return Err("say when it ends: --for 1h, or --until 09:00".to_owned());
        }
    };
    let work = &settings.actions.work;
    let until = Until {
        now,
        zone: &settings.ui.timezone,
        work_days: &work.days,
        work_start: work.start,
    };
    until.parse(text)
}

fn choose(options: &cli::Silence, until: Timestamp, store: &Store) -> Chosen {
    if let Some(id) = options.expire.as_deref().or(options.extend.as_deref()) {
        let deed = match options.expire {
            Some(_) => Deed::Expire,
            None => Deed::Extend { until },
        };
        return edit(id, &deed, store);
    }
    let silence = |matchers: Vec<Matcher>| Deed::Silence {
        matchers,
        until,
        comment: options.comment.clone(),
    };
    if !options.service.is_empty() {
        return of_services(&options.service, &silence, store);
    }
    let matchers = options.matcher.iter().flat_map(|one| &one.0);
    let matchers: Vec<Matcher> = matchers.cloned().collect();
    by_matchers(&matchers, &silence, store)
}

/// The order about one silence, at the source that knows it.
fn edit(id: &str, deed: &Deed, store: &Store) -> Chosen {
    let known = store.silences().find(|(_, silence)| silence.id.raw() == id);
    let Some((feed, silence)) = known else {
        let id = Shown::new(id);
        return Chosen::Unknown(format!(
            "no source knows a silence `{id}` that is in force or to come"
        ));
    };
    Chosen::Orders {
        orders: vec![order(
            &feed.name,
            silence.id.clone(),
            written(&silence.matchers),
            "",
            deed.clone(),
        )],
        nothing: String::new(),
    }
}

/// One silence by the matchers as they were given.
fn by_matchers(
    matchers: &[Matcher],
    silence: &dyn Fn(Vec<Matcher>) -> Deed,
    store: &Store,
) -> Chosen {
    let feeds: Vec<&Feed> = silencing(store).collect();
    let [feed] = feeds[..] else {
        let names: Vec<&str> = feeds.iter().map(|feed| feed.name.as_str()).collect();
        let names = names.join(", ");
        return Chosen::Unknown(format!("say where with --source, one of: {names}"));
    };
    let name = written(matchers);
    Chosen::Orders {
        orders: vec![order(
            &feed.name,
            Untrusted::default(),
            name,
            "",
            silence(matchers.to_vec()),
        )],
        nothing: String::new(),
    }
}

/// What to silence of each service; every one has to be known.
fn of_services(
    services: &[String],
    silence: &dyn Fn(Vec<Matcher>) -> Deed,
    store: &Store,
) -> Chosen {
    let instead = "--matcher name=value silences what is to come";
    let mut all = Vec::new();
    for service in services {
        let Some(orders) = of_service(service, silence, store) else {
            let service = Shown::new(service);
            return Chosen::Unknown(format!("no alert of `{service}` is known; {instead}"));
        };
        all.extend(orders);
    }
    let services = Shown::new(services.join("`, `"));
    Chosen::Orders {
        orders: all,
        nothing: format!("nothing was done: nothing of `{services}` notifies now; {instead}"),
    }
}

/// A silence for each label that names the service in alerts which notify now; `None` when no source
/// knows the service.
fn of_service(
    service: &str,
    silence: &dyn Fn(Vec<Matcher>) -> Deed,
    store: &Store,
) -> Option<Vec<Order>> {
    let mut names = vec![service];
    let known = store.service(&service.into());
    names.extend(
        known
            .iter()
            .flat_map(|known| known.aliases.iter())
            .map(String::as_str),
    );
    let (mut orders, mut is_known) = (Vec::new(), known.is_some());
    for feed in silencing(store) {
        let mut wanted: Vec<Vec<Matcher>> = Vec::new();
        for incident in feed.facts.incidents.iter().flatten() {
            if incident.service.raw() != service {
                continue;
            }
            is_known = true;
            let matchers = naming(incident, &names);
            let notifies = incident.is_open() && incident.status != IncidentStatus::Silenced;
            if notifies && !matchers.is_empty() && !wanted.contains(&matchers) {
                wanted.push(matchers);
            }
        }
        for matchers in wanted {
            let name = written(&matchers);
            let deed = silence(matchers);
            orders.push(order(&feed.name, Untrusted::default(), name, service, deed));
        }
    }
    (is_known || !orders.is_empty()).then_some(orders)
}

/// The label that names the service of an incident, or else all that tells the incident.
fn naming(incident: &Incident, names: &[&str]) -> Vec<Matcher> {
    let names_it = |matcher: &&Matcher| {
        let plain = matcher.is_equal && !matcher.is_regex && matcher.name != "alertname";
        plain && names.contains(&matcher.value.as_str())
    };
    match incident.matchers.iter().find(names_it) {
        Some(matcher) => vec![matcher.clone()],
        None => incident.matchers.clone(),
    }
}

fn silencing(store: &Store) -> impl Iterator<Item = &Feed> {
    let feeds = store.feeds().iter();
    feeds.filter(|feed| feed.offers.acts.contains(&Verb::Silence))
}

fn order(source: &SourceName, id: Untrusted, name: String, service: &str, deed: Deed) -> Order {
    Order {
        source: source.clone(),
        target: Target {
            id,
            name: name.into(),
            service: service.into(),
            seen: None,
        },
        deed,
    }
}

fn written(matchers: &[Matcher]) -> String {
    let each: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    each.join(" ")
}
