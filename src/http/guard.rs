//! Addresses that no message is sent to, whatever a name resolves to: those of the link and of metadata
//! services, and this machine where its name does not say so.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names, without the addresses that are not allowed.
///
/// The connection is made to an address that was looked at, so a name cannot change in between.
pub(super) struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let is_local = is_local_name(&host);
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_allowed(address.ip(), is_local))
                .collect();
            if allowed.is_empty() {
                let why = "its name leads to an address that no message is sent to";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// False for a URL with an address that no message is sent to. A name is looked at when it is resolved.
pub(super) fn is_allowed_url(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // An address of this machine that is written out is meant.
    address
        .parse::<IpAddr>()
        .map_or(true, |address| is_allowed(address, true))
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn is_allowed(address: IpAddr, is_local: bool) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return is_local;
    }
    match address {
        IpAddr::V4(v4) => is_allowed_v4(v4),
        IpAddr::V6(v6) => is_allowed_v6(v6),
    }
}

fn is_allowed_v4(address: Ipv4Addr) -> bool {
    // 100.100.100.200 and 192.0.0.192 are metadata services of clouds; 0.0.0.0/8 is this machine.
    let is_metadata = [
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    let is_this = address.octets()[0] == 0;
    !(address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || is_this
        || is_metadata.contains(&address))
}

fn is_allowed_v6(address: Ipv6Addr) -> bool {
    // The metadata service of EC2.
    let metadata = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    !(address.is_unicast_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || address == metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_link_and_of_metadata_services_are_refused() {
        for (url, is_fine) in [
            ("https://hooks.slack.com/services/x", true),
            ("http://127.0.0.1:9000/hook", true),
            ("http://[::1]:9000/hook", true),
            ("http://10.1.2.3/hook", true),
            ("http://169.254.169.254/latest/meta-data", false),
            ("http://[fe80::1]/", false),
            ("http://[::ffff:169.254.169.254]/", false),
            ("http://[fd00:ec2::254]/", false),
            ("http://100.100.100.200/", false),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
            ("http://224.0.0.1/", false),
            // Forms of 169.254.169.254 that a URL normalizes.
            ("http://2852039166/", false),
            ("http://0xa9fea9fe/", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_allowed_url(&url), is_fine, "{url}");
        }
    }

    #[test]
    fn a_name_that_leads_to_this_machine_has_to_say_so() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let link: IpAddr = "169.254.169.254".parse().unwrap();
        assert!(is_allowed(loopback, is_local_name("localhost")));
        assert!(is_allowed(loopback, is_local_name("hooks.LOCALHOST.")));
        assert!(!is_allowed(loopback, is_local_name("rebound.example")));
        assert!(!is_allowed(link, is_local_name("localhost")));
    }
}
