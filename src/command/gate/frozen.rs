//! For how long releases were frozen in a time, for reports: by the walk that the gate judges by.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::facts::{Collected, Wanted};
use crate::command::{on_runtime, status};
use crate::config::Settings;
use crate::insight::report::OfService;
use crate::text::Untrusted;
use crate::watch::Watch;

/// So many SLOs are walked through at most: the past of each takes some hundred thousand bytes.
const MAX_SLOS: usize = 100;
/// A report that ends so lately ends now.
const NOW: SignedDuration = SignedDuration::from_mins(1);

/// Notes for each service for how long its releases were frozen between two moments, where that is known
/// for all of the time; and the exceptions that were in force.
pub(in crate::command) fn note(
    settings: &Settings,
    services: &mut [OfService],
    (from, until): (Timestamp, Timestamp),
) {
    for one in services.iter_mut() {
        let mine = settings
            .exceptions
            .iter()
            .filter(|exception| exception.service == one.service.raw() && exception.expires > from);
        let said = mine.map(|exception| {
            format!(
                "{} until {} by {}: {}",
                exception.kind, exception.expires, exception.by, exception.reason
            )
            .into()
        });
        one.exceptions = Some(said.collect());
    }
    let slos: usize = services.iter().map(|one| one.slos.len()).sum();
    if slos > MAX_SLOS {
        return;
    }
    let names = services.iter().filter(|one| !one.slos.is_empty());
    let names: Vec<_> = names.map(|one| one.service.raw().to_owned()).collect();
    if names.is_empty() {
        return;
    }
    let walked = on_runtime(|runtime| runtime.block_on(walk(settings, &names, (from, until))));
    let Ok(frozen) = walked else { return };
    for one in services {
        one.frozen = frozen.get(&one.service).copied();
    }
}

async fn walk(
    settings: &Settings,
    names: &[String],
    (from, until): (Timestamp, Timestamp),
) -> HashMap<Untrusted, SignedDuration> {
    let Ok(mut watch) = Watch::over(settings) else {
        return HashMap::new();
    };
    let at = Some(until).filter(|until| until.duration_until(Timestamp::now()) > NOW);
    status::ask(&mut watch, at, None).await;
    let wanted = Wanted {
        names,
        at,
        max_age: settings.gate.max_age,
        environment: None,
    };
    super::rows::deepen(&mut watch, &wanted, Some(from)).await;
    let facts = Collected::with_span(&mut watch, &wanted, from).await.facts;
    let known = names.iter().filter_map(|name| {
        let (frozen, unknown) = facts.frozen(name, None, (from, until))?;
        unknown
            .is_zero()
            .then(|| (Untrusted::from(name.as_str()), frozen))
    });
    known.collect()
}
