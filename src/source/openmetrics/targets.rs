//! Whom to scrape: targets of the settings, of a file, and every address that a name has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::options::Origins;
use crate::domain::window;

/// How often names are looked up; as Prometheus' `dns_sd_configs`.
const LOOKUP: SignedDuration = SignedDuration::from_secs(30);
/// The largest file of targets that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// The most targets of one source.
const MAX_TARGETS: usize = 500;

/// One endpoint to scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its address.
    pub(super) url: String,
    /// Host and port, or what a file calls it.
    pub(super) instance: String,
    /// The labels that every series of it gets, `instance` and `job` among them, by name.
    pub(super) labels: Vec<(String, String)>,
}

/// A name of which every address is a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    host: String,
    port: u16,
    path: String,
}

/// An address taken apart.
struct Address<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
}

impl<'a> Address<'a> {
    /// Reads `host`, `host:port`, `host:port/path` or a URL. The message never repeats the text,
    /// which may hold a credential.
    fn read(text: &'a str) -> Result<Self, String> {
        const FIX: &str = "write a host and port such as `app:8080`, or a URL such as `http://10.0.0.5:9100/metrics`";
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .unwrap_or(("http", text.trim()));
        if !matches!(scheme, "http" | "https") {
            return Err(format!("is neither http nor https: {FIX}"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(
                "holds a user or password: use `basic` or `bearer_token` of the source".to_owned(),
            );
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_good = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(is_host),
        };
        if !is_good {
            return Err(format!("is no host and port: {FIX}"));
        }
        let port = port.map(str::parse).transpose();
        let port = port.map_err(|_| format!("has a port that is no number below 65536: {FIX}"))?;
        Ok(Self {
            scheme,
            host,
            port,
            path,
        })
    }
}

impl Target {
    /// A target as the settings write it.
    pub(super) fn read(text: &str, job: &str) -> Result<Self, String> {
        Self::labelled(text, job, &BTreeMap::new())
    }

    /// A target with more labels, of which `__scheme__` and `__metrics_path__` say how to ask, as
    /// in Prometheus; others that begin with two underscores are left out.
    fn labelled(text: &str, job: &str, more: &BTreeMap<String, String>) -> Result<Self, String> {
        let address = Address::read(text)?;
        let Address { scheme, host, .. } = address;
        let scheme = more.get("__scheme__").map_or(scheme, String::as_str);
        let port = address
            .port
            .unwrap_or(if scheme == "https" { 443 } else { 80 });
        let path = match (more.get("__metrics_path__"), address.path) {
            (Some(path), "") => path,
            (_, "") => "/metrics",
            (_, path) => path,
        };
        let slash = if path.starts_with('/') || path.starts_with('?') {
            ""
        } else {
            "/"
        };
        let mut labels = BTreeMap::from([
            ("instance".to_owned(), format!("{host}:{port}")),
            ("job".to_owned(), job.to_owned()),
        ]);
        let named = more.iter().filter(|(name, _)| !name.starts_with("__"));
        labels.extend(named.map(|(name, value)| (name.clone(), value.clone())));
        labels.retain(|_, value| !value.is_empty());
        Ok(Self {
            url: format!("{scheme}://{host}:{port}{slash}{path}"),
            instance: labels.get("instance").cloned().unwrap_or_default(),
            labels: labels.into_iter().collect(),
        })
    }
}

impl Name {
    /// A host and port, with a path or without.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let address = Address::read(text)?;
        let Some(port) = address.port else {
            return Err("has no port: write `app.example:9100`".to_owned());
        };
        if address.scheme == "https" {
            return Err(
                "is asked by its addresses, which no certificate names: use http, or `targets`"
                    .to_owned(),
            );
        }
        Ok(Self {
            host: address.host.to_owned(),
            port,
            path: address.path.to_owned(),
        })
    }

    async fn lookup(&self, job: &str) -> Result<Vec<Target>, String> {
        let failed = |why: String| format!("no address for {}: {why}", self.host);
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses = addresses.map_err(|error| failed(error.kind().to_string()))?;
        let unique: BTreeSet<_> = addresses.collect();
        let target = |address| Target::read(&format!("{address}{}", self.path), job);
        unique.into_iter().map(target).collect()
    }
}

/// An entry of a file in the format of Prometheus' `file_sd_configs`.
#[derive(Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Finds the targets again with every poll. What was known last counts while a place is silent.
#[derive(Debug)]
pub(super) struct Discovery {
    job: String,
    origins: Origins,
    listed: Vec<Target>,
    resolved: Vec<Vec<Target>>,
    looked_up: Option<Timestamp>,
}

/// The targets of one poll.
#[derive(Debug)]
pub(super) struct Found {
    /// Each once.
    pub(super) targets: Vec<Target>,
    /// What is wrong with the places they come from.
    pub(super) troubles: Vec<String>,
}

impl Discovery {
    pub(super) fn new(job: &str, origins: Origins) -> Self {
        Self {
            job: job.to_owned(),
            resolved: vec![Vec::new(); origins.names.len()],
            origins,
            listed: Vec::new(),
            looked_up: None,
        }
    }

    /// All targets at a moment.
    pub(super) async fn targets(&mut self, now: Timestamp) -> Found {
        let mut troubles = Vec::new();
        if let Some(file) = self.origins.file.clone() {
            let job = self.job.clone();
            let read = tokio::task::spawn_blocking(move || listed(&file, &job)).await;
            match read.unwrap_or_else(|_| Err("`targets_file` was not read".to_owned())) {
                Ok(targets) => self.listed = targets,
                Err(trouble) => troubles.push(trouble),
            }
        }
        let is_due = |at: Timestamp| now < at || window::age(at, now) >= LOOKUP;
        if self.looked_up.is_none_or(is_due) {
            self.looked_up = Some(now);
            let lookups = self.origins.names.iter().map(|name| name.lookup(&self.job));
            let answers = futures_util::future::join_all(lookups).await;
            for (known, answer) in self.resolved.iter_mut().zip(answers) {
                match answer {
                    Ok(targets) => *known = targets,
                    Err(trouble) => {
                        // Asked again with the next poll.
                        self.looked_up = None;
                        troubles.push(trouble);
                    }
                }
            }
        }
        self.merge(troubles)
    }

    fn merge(&self, mut troubles: Vec<String>) -> Found {
        let all = self.origins.fixed.iter().chain(&self.listed);
        let mut seen = BTreeMap::new();
        let mut targets = Vec::new();
        for target in all.chain(self.resolved.iter().flatten()) {
            match seen.insert(&target.labels, &target.url) {
                None => targets.push(target.clone()),
                Some(url) if *url == target.url => {}
                Some(_) => troubles.push(format!(
                    "{} is named twice with different addresses: its series could not be told apart, so one of them is left out",
                    target.instance
                )),
            }
        }
        if targets.len() > MAX_TARGETS {
            troubles.push(format!(
                "{} targets: only the first {MAX_TARGETS} are scraped; make several sources of them",
                targets.len()
            ));
            targets.truncate(MAX_TARGETS);
        }
        Found { targets, troubles }
    }
}

/// The targets of a file: Prometheus' JSON, or one a line.
fn listed(file: &PathBuf, job: &str) -> Result<Vec<Target>, String> {
    let shown = file.display();
    let unreadable = |why: String| format!("`targets_file` {shown} cannot be read: {why}");
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.kind().to_string()))?;
    if size.len() > MAX_FILE {
        return Err(unreadable("it is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    read_list(&text, job).map_err(|why| format!("`targets_file` {shown}: {why}"))
}

fn read_list(text: &str, job: &str) -> Result<Vec<Target>, String> {
    if text.trim_start().starts_with('[') && !text.trim_start().starts_with("[:") {
        let groups: Vec<Group> = serde_json::from_str(text).map_err(|error| {
            format!(
                "{error}; write a list such as [{{\"targets\": [\"app:8080\"], \"labels\": {{}}}}]"
            )
        })?;
        let targets = groups.iter().flat_map(|group| {
            let labelled = |text| Target::labelled(text, job, &group.labels);
            group.targets.iter().map(move |text| labelled(text))
        });
        return (1..)
            .zip(targets)
            .map(|(number, target)| target.map_err(|why| format!("target {number} {why}")))
            .collect();
    }
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(number, line)| Target::read(line, job).map_err(|why| format!("line {number} {why}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String) {
        let target = Target::read(text, "app").unwrap_or_else(|why| panic!("{text}: {why}"));
        (target.url, target.instance)
    }

    #[test]
    fn a_host_and_port_mean_http_and_metrics() {
        for (text, url, instance) in [
            ("app:8080", "http://app:8080/metrics", "app:8080"),
            ("app", "http://app:80/metrics", "app:80"),
            ("app:1/x", "http://app:1/x", "app:1"),
            (
                "https://a.example",
                "https://a.example:443/metrics",
                "a.example:443",
            ),
            ("http://a:9/m?x=1", "http://a:9/m?x=1", "a:9"),
            ("[::1]:9100", "http://[::1]:9100/metrics", "[::1]:9100"),
        ] {
            assert_eq!(read(text), (url.to_owned(), instance.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "ftp://a",
            "a b",
            "app:99999",
            "http://u:hunter2@a/",
            "[1::z]:1",
        ] {
            let why = Target::read(text, "app").unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(Name::read("app.example").is_err());
        assert!(Name::read("https://app.example:1").is_err());
    }

    #[test]
    fn a_list_is_prometheus_json_or_one_target_a_line() {
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"job": "x", "env": "prod",
            "__scheme__": "https", "__metrics_path__": "/m", "__meta_y": "z"}}]"#;
        let found = read_list(json, "app").unwrap();
        assert_eq!(found[1].url, "https://b:2/m");
        let pairs = [("env", "prod"), ("instance", "b:2"), ("job", "x")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found[1].labels, pairs);
        let found = read_list("# ours\n\na:1\n[::1]:2\n", "app").unwrap();
        assert_eq!(found.len(), 2);
        assert!(
            read_list("a:1\nb c\n", "app")
                .unwrap_err()
                .starts_with("line 2 ")
        );
        assert!(read_list("[{\"targets\": 3}]", "app").is_err());
        assert_eq!(read_list("", "app"), Ok(Vec::new()));
    }
}
