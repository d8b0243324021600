//! Addresses of the configuration with the time of the burn filled in.

use jiff::Timestamp;

use super::Sight;
use super::since::Since;
use crate::domain::Service;
use crate::text::Untrusted;

/// How far back a link looks while nothing of the service burns: an hour.
const USUAL: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// How a moment is written for a placeholder.
type Form = fn(Timestamp) -> String;

/// Suffixes of the name of a moment, and how it is written then: Unix milliseconds, as
/// Grafana takes them, Unix seconds, and RFC 3339.
const FORMS: [(&str, Form); 3] = [
    ("", |at| at.as_millisecond().to_string()),
    (":s", |at| at.as_second().to_string()),
    (":iso", |at| format!("{at:.0}")),
];

/// An address with `{from}` and `{to}` filled in: the time since the oldest burn of the service began, or the
/// last hour. All else stays as it is written.
pub(super) fn filled(sight: Sight<'_>, service: &Untrusted, url: &str) -> Untrusted {
    if !url.contains("{from") && !url.contains("{to") {
        return url.into();
    }
    let ends = [("from", began(sight, service)), ("to", sight.now)];
    let mut filled = url.to_owned();
    for (name, at) in ends {
        for (suffix, form) in FORMS {
            filled = filled.replace(&format!("{{{name}{suffix}}}"), &form(at));
        }
    }
    filled.into()
}

/// The page of a service that is looked at first.
pub(super) fn page(sight: Sight<'_>, service: &Untrusted) -> Option<Untrusted> {
    let page = sight.store.service(service).and_then(Service::page)?;
    Some(filled(sight, service, page))
}

/// All links of a service by their names.
pub fn of_service<'a>(
    sight: Sight<'a>,
    service: &'a Untrusted,
) -> impl Iterator<Item = (&'a str, Untrusted)> {
    let links = sight.store.service(service).into_iter();
    let links = links.flat_map(|service| &service.links);
    links.map(move |(name, url)| (name.as_str(), filled(sight, service, url)))
}

/// When the oldest present burn of a service began.
fn began(sight: Sight<'_>, service: &Untrusted) -> Timestamp {
    let own = sight.store.slos();
    let own = own.filter(|(_, seen)| seen.slo.service == *service);
    let since = own.filter_map(|(feed, seen)| Since::of(sight, feed, seen, &seen.assess()));
    let began = since.map(|since| since.at).min();
    began.unwrap_or_else(|| sight.now.saturating_sub(USUAL).unwrap_or(sight.now))
}
