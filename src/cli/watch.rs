//! The options that name configuration and sources, which most commands take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::config::{FlagSource, Overrides};

/// The options of [`Watch`].
pub(super) const WATCH_OPTIONS: [&str; 4] = ["config", "prometheus", "alertmanager", "log"];

/// Sources and configuration: options of every command that asks or reads them.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What to watch")]
pub struct Watch {
    /// Read this configuration file and no other; `-` is standard input
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Watch this Prometheus (or Thanos, Mimir, VictoriaMetrics); may be repeated
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub prometheus: Vec<String>,
    /// Watch this Alertmanager; may be repeated
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub alertmanager: Vec<String>,
    /// Log requests and polls to this file, for a bug report; no credential is in it
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
}

impl Watch {
    /// These options among the words of a line that may not be whole.
    pub fn among(arguments: &[OsString]) -> Self {
        let mut watch = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.as_ref(), None),
            };
            let Some(id) = name.strip_prefix("--") else {
                continue;
            };
            if !WATCH_OPTIONS.contains(&id) {
                continue;
            }
            let next = || words.next().map(|word| word.to_string_lossy().into_owned());
            match (id, value.or_else(next)) {
                ("config", value) => watch.config = value.map(PathBuf::from),
                ("log", value) => watch.log = value.map(PathBuf::from),
                ("prometheus", value) => watch.prometheus.extend(value),
                (_, value) => watch.alertmanager.extend(value),
            }
        }
        watch
    }

    /// These options again, for a command line that is shown: each with a blank before it.
    pub fn again(&self) -> String {
        let config = self
            .config
            .iter()
            .map(|file| ("config", file.display().to_string()));
        let urls = |name, urls: &[String]| {
            let masked = urls.iter().map(|url| (name, without_values(url)));
            masked.collect::<Vec<_>>()
        };
        let prometheus = urls("prometheus", &self.prometheus);
        let alertmanager = urls("alertmanager", &self.alertmanager);
        let all = config.chain(prometheus).chain(alertmanager);
        let words = all.flat_map(|(name, value)| {
            [
                " --".to_owned(),
                name.to_owned(),
                " ".to_owned(),
                quoted(&value),
            ]
        });
        words.collect()
    }

    /// What these options mean for the settings.
    pub fn overrides(&self) -> Overrides {
        let discover = [("discover".to_owned(), toml::Value::Boolean(true))];
        let prometheus = self.prometheus.iter().map(|url| FlagSource {
            flag: "--prometheus",
            kind: "prometheus",
            url: url.clone(),
            table: discover.clone().into_iter().collect(),
        });
        let alertmanager = self.alertmanager.iter().map(|url| FlagSource {
            flag: "--alertmanager",
            kind: "alertmanager",
            url: url.clone(),
            table: toml::Table::new(),
        });
        Overrides {
            config: self.config.clone(),
            sources: prometheus.chain(alertmanager).collect(),
        }
    }
}

/// A URL without the values of its query, any of which may be a secret.
fn without_values(url: &str) -> String {
    let Some((address, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let names: Vec<_> = query
        .split('&')
        .map(|pair| format!("{}=…", pair.split('=').next().unwrap_or_default()))
        .collect();
    format!("{address}?{}", names.join("&"))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn a_line_that_is_shown_names_the_same_configuration_and_sources() {
        let line = [
            "watchfire",
            "--config",
            "on call's.toml",
            "--prometheus=http://a",
        ];
        let watch = Watch::among(&line.map(OsString::from));
        assert_eq!(
            watch.again(),
            r" --config 'on call'\''s.toml' --prometheus http://a"
        );
        assert_eq!(Watch::default().again(), "");
        let secret = Watch {
            alertmanager: vec!["http://a/?key=hunter2&x=1".to_owned()],
            ..Watch::default()
        };
        assert_eq!(secret.again(), " --alertmanager 'http://a/?key=…&x=…'");
    }

    #[test]
    fn flags_add_sources_that_discover() {
        let cli = Cli::parse_from([
            "watchfire",
            "--prometheus",
            "http://a",
            "--prometheus",
            "http://b",
            "--alertmanager",
            "http://c",
        ]);
        let sources = cli.watch.overrides().sources;
        let kinds: Vec<_> = sources
            .iter()
            .map(|source| (source.kind, source.url.as_str()))
            .collect();
        assert_eq!(
            kinds,
            [
                ("prometheus", "http://a"),
                ("prometheus", "http://b"),
                ("alertmanager", "http://c")
            ]
        );
        assert_eq!(sources[0].table["discover"].as_bool(), Some(true));
    }
}
