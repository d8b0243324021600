//! Whether the values of a label name services, and what a service is called by one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::Untrusted;

/// How many characters the name of a service may have.
const LONGEST: usize = 100;

/// The random end of a pod's name: Kubernetes leaves out vowels and what looks like them
/// (`k8s.io/apimachinery`, `util/rand`).
const RANDOM: &str = "[bcdfghjklmnpqrstvwxz2456789]{5}";

static POD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // A Deployment's, a DaemonSet's or Job's, and the ids of containers and machines.
    let text = format!(
        "^(.+-[0-9a-z]{{8,10}}-{RANDOM}|.+-{RANDOM}|[0-9a-f]{{12,64}}|[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}})$"
    );
    Regex::new(&text).ok()
});

/// Jobs that scrape whatever there is, so that they name no service.
const CATCH_ALL: [&str; 4] = [
    "kubernetes-pods",
    "kubernetes-pods-slow",
    "kubernetes-service-endpoints",
    "kubernetes-endpoints",
];

/// What a service is called by the value of a label; `Err` says why by none.
pub(super) fn service(value: &str) -> Result<String, &'static str> {
    let name = match host(value) {
        Some(host) => host,
        None => value.split('@').next().unwrap_or_default(),
    };
    if name.is_empty() {
        return Err("a value of its service label names nothing");
    }
    if CATCH_ALL.contains(&name) {
        return Err("its job scrapes whatever there is, and names no service");
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_.:|+~ ".contains(c);
    // What is cut off stands in selectors all the same.
    let is_printable = |c: char| c.is_ascii_graphic() || c.is_alphanumeric() || c == ' ';
    if name.chars().count() > LONGEST
        || name.trim() != name
        || !name.chars().all(is_plain)
        || Untrusted::from(name).shown().to_string() != name
        || !value.chars().all(is_printable)
    {
        return Err("a value of its service label may not name a service");
    }
    if is_address(name) {
        return Err("a value of its service label is an address");
    }
    Ok(name.to_owned())
}

/// The host of a URL.
fn host(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once("://")?;
    if scheme.is_empty()
        || !scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '+')
    {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') {
        return Some(host);
    }
    Some(host.split(':').next().unwrap_or_default())
}

/// An IP address, or a host with a port.
fn is_address(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() || name == "localhost" || name.starts_with('[') {
        return true;
    }
    name.rsplit_once(':').is_some_and(|(host, port)| {
        let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
        is_port && !host.is_empty() && !host.contains('|')
    })
}

/// Why these values name no services, where any of them looks like a pod or an address.
pub(super) fn unfit<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let mut ordinals: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        if host(value).is_none() && is_address(value) {
            return Some("looks like an address");
        }
        let is_random = |end: &str| end.chars().any(|c| c.is_ascii_digit());
        let end = value.rsplit('-').next().unwrap_or_default();
        let looks = POD.as_ref().is_some_and(|pod| pod.is_match(value));
        let is_hash = value.len() >= 12 && !value.contains('-');
        if looks && (is_hash || is_random(end) || has_hash(value)) {
            return Some("looks like a pod");
        }
        if let Some((stem, ordinal)) = value.rsplit_once('-')
            && ordinal.parse::<u16>().is_ok()
        {
            *ordinals.entry(stem).or_default() += 1;
        }
    }
    // The replicas of a StatefulSet.
    let are_replicas = ordinals.values().any(|count| *count > 1);
    are_replicas.then_some("looks like a pod")
}

/// True where the last part but one is the hash of a pod template.
fn has_hash(value: &str) -> bool {
    let mut parts = value.rsplit('-');
    let hash = parts.nth(1).unwrap_or_default();
    (8..=10).contains(&hash.len()) && hash.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_by_its_value() {
        let named = [
            ("checkout", "checkout"),
            ("web@docker", "web"),
            ("https://shop.example/cart?x=1", "shop.example"),
            ("http://user:pw@shop.example:8443/", "shop.example"),
            ("shop.v1.Cart", "shop.v1.Cart"),
            ("outbound|80||cart", "outbound|80||cart"),
            ("größe", "größe"),
        ];
        for (value, name) in named {
            assert_eq!(service(value).as_deref(), Ok(name), "{value}");
        }
        let unnamed = [
            "",
            "a/b",
            "@docker",
            "http://10.0.0.1/x",
            "10.0.0.1:9090",
            "a\nb",
            "a\u{1b}[31m",
            "x\u{202e}y",
            "a\"b",
            "a'b",
            "a]b",
            "a=b",
            "a#b",
            " a",
            "kubernetes-pods",
            "ok@\u{1b}[2J",
            "https://a.example/\n[[source]]",
        ];
        for value in unnamed {
            assert!(service(value).is_err(), "{value:?}");
        }
        assert!(service(&"a".repeat(200)).is_err());
    }

    #[test]
    fn pods_and_addresses_are_no_services() {
        let unfit_ones: [&[&str]; 9] = [
            &["cart", "cart-7d9f8b6c5d-x2k4p"],
            &["node-exporter-x7k2p"],
            &["web-0", "web-1"],
            &["10.0.0.1:9090"],
            &["db.example:5432"],
            &["[::1]:80"],
            &["fe80::1"],
            &["3f4e5a6b7c8d"],
            &["123e4567-e89b-12d3-a456-426614174000"],
        ];
        for values in unfit_ones {
            assert!(unfit(values.iter().copied()).is_some(), "{values:?}");
        }
        let fit: [&[&str]; 5] = [
            &["cart", "checkout-api", "web-1"],
            &["https://shop.example:8443/", "http://10.0.0.1/"],
            &["checkout-service", "payment-rhythm"],
            &["shop.v1.Cart", "api-v2"],
            &["my-lynx", "team-crypt"],
        ];
        for values in fit {
            assert_eq!(unfit(values.iter().copied()), None, "{values:?}");
        }
    }
}
