//! From settings as written to settings that can be used: every value in range, every name known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::load::{Environment, FlagSource, KnownKind, Layered, Lists};
use super::read;
use super::wire::{self, COMMON};
use super::{
    Auth, HeaderSetting, HttpSettings, Problem, SecretRef, ServiceSettings, Settings,
    SourceSettings, Step, ThemeChoice, UiSettings,
};
use crate::domain::SourceName;
use crate::text::Untrusted;

/// The longest time between two polls.
const MAX_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// The longest time that one request may take.
const MAX_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// A source that failed for less is not down yet, however often it is asked.
const MIN_STALE_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// The longest name of a source, in characters: it stands in the footer.
const MAX_NAME: usize = 40;

/// What checking needs to know, and the problems it has found so far.
pub(super) struct Context<'a> {
    folder: Option<&'a Path>,
    environment: &'a Environment,
    kinds: &'a [KnownKind],
    /// Numbers of the sources that flags added, and those flags.
    pub(super) flags: Vec<(usize, &'static str)>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        file: Option<&'a Path>,
        environment: &'a Environment,
        kinds: &'a [KnownKind],
    ) -> Self {
        Self {
            folder: file.and_then(Path::parent),
            environment,
            kinds,
            flags: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// All settings; they are good only if there are no problems afterwards.
    pub(super) fn settings(
        &mut self,
        layered: Layered,
        lists: Lists,
        flags: &[FlagSource],
    ) -> Settings {
        let ui = self.ui(layered.ui);
        let keys = layered.keys.into_iter();
        let mut sources = self.sources(lists.sources);
        let read_sources = self.problems.is_empty();
        for flag in flags {
            sources.push(self.flag_source(flag, &sources));
        }
        let slos = self.slos(lists.slos, read_sources.then_some(&sources));
        Settings {
            ui,
            keys: keys.map(|(action, chords)| (action, chords.0)).collect(),
            sources,
            slos,
            services: self.services(lists.services),
        }
    }

    pub(super) fn refuse(
        &mut self,
        list: &str,
        index: usize,
        key: &str,
        message: impl Into<String>,
    ) {
        self.problems.push(Problem {
            path: vec![
                Step::Key(list.to_owned()),
                Step::Index(index),
                Step::Key(key.to_owned()),
            ],
            message: message.into(),
        });
    }

    /// The tables of a `[[list]]`, with their numbers.
    pub(super) fn tables(
        &mut self,
        name: &'static str,
        list: Option<toml::Value>,
    ) -> Vec<(usize, toml::Table)> {
        let entries = match list {
            None => Vec::new(),
            Some(toml::Value::Array(entries)) => entries,
            Some(_) => {
                self.problems.push(Problem {
                    path: vec![Step::Key(name.to_owned())],
                    message: format!(
                        "there can be several of these: write each one as [[{name}]], in double brackets"
                    ),
                });
                Vec::new()
            }
        };
        let mut tables = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            if let toml::Value::Table(table) = entry {
                tables.push((index, table));
            } else {
                self.problems.push(Problem {
                    path: vec![Step::Key(name.to_owned()), Step::Index(index)],
                    message: format!("expected a table: write each one as [[{name}]]"),
                });
            }
        }
        tables
    }

    fn ui(&mut self, ui: wire::Ui) -> UiSettings {
        let timezone = match ui.timezone.as_deref() {
            None => Some(TimeZone::UTC),
            Some(name) if name.eq_ignore_ascii_case("utc") => Some(TimeZone::UTC),
            Some("local") => Some(TimeZone::system()),
            Some(name) => TimeZone::get(name).ok(),
        };
        if timezone.is_none() {
            let name = ui.timezone.unwrap_or_default();
            self.problems.push(Problem {
                path: vec![Step::Key("ui".to_owned()), Step::Key("timezone".to_owned())],
                message: format!(
                    "`{name}` is no time zone known here: write `utc`, `local`, or a name such as `Europe/Berlin` (from the system's tzdata)"
                ),
            });
        }
        let theme = ui.theme.as_deref().unwrap_or("auto");
        let chosen = ThemeChoice::ALL
            .into_iter()
            .find(|(word, _)| *word == theme);
        if chosen.is_none() {
            let words = ThemeChoice::ALL.map(|(word, _)| word);
            self.problems.push(Problem {
                path: vec![Step::Key("ui".to_owned()), Step::Key("theme".to_owned())],
                message: read::unknown_word("theme", theme, &words),
            });
        }
        UiSettings {
            context: ui.context.unwrap_or_default(),
            timezone: timezone.unwrap_or(TimeZone::UTC),
            theme: chosen.map_or(ThemeChoice::Auto, |(_, theme)| theme),
            ascii: ui
                .ascii
                .unwrap_or_else(|| self.environment.is_ascii_locale()),
        }
    }

    fn sources(&mut self, list: Option<toml::Value>) -> Vec<SourceSettings> {
        let mut names = BTreeMap::new();
        let mut sources = Vec::new();
        for (index, table) in self.tables("source", list) {
            let path = [Step::Key("source".to_owned()), Step::Index(index)];
            let (common, table): (toml::Table, toml::Table) = table
                .into_iter()
                .partition(|(key, _)| COMMON.contains(&key.as_str()));
            let source = match read::section::<wire::Source, _>(&path, common) {
                Ok(source) => self.source(index, source, table),
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            if let Some(first) = names.insert(source.name.clone(), index) {
                self.refuse(
                    "source",
                    index,
                    "name",
                    format!("source[{first}] has this name already: give every source its own"),
                );
            }
            sources.push(source);
        }
        sources
    }

    fn source(&mut self, index: usize, wire: wire::Source, table: toml::Table) -> SourceSettings {
        let refuse = |key: &str, message: String, problems: &mut Vec<Problem>| {
            problems.push(Problem {
                path: vec![
                    Step::Key("source".to_owned()),
                    Step::Index(index),
                    Step::Key(key.to_owned()),
                ],
                message,
            });
        };
        let problems = &mut self.problems;
        let shown = Untrusted::from(wire.name.as_str()).shown();
        if wire.name.trim() != wire.name
            || wire.name.is_empty()
            || wire.name != shown.as_str()
            || wire.name.chars().count() > MAX_NAME
        {
            let message = format!(
                "a source's name is 1 to {MAX_NAME} printable characters, without a space at either end"
            );
            refuse("name", message, problems);
        }
        let kind = self.kinds.iter().find(|kind| kind.name == wire.kind);
        if kind.is_none() {
            let names: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
            let message = read::unknown_word("kind of source", &wire.kind, &names);
            refuse("kind", message, problems);
        }
        let default = kind.map_or(SignedDuration::from_secs(15), |kind| kind.interval);
        let interval = wire
            .interval
            .map_or(default, |interval| interval.duration());
        if interval > MAX_INTERVAL {
            let message = "at most `1h`: older answers say nothing about the present".to_owned();
            refuse("interval", message, problems);
        }
        let timeout = wire.timeout.map(|timeout| timeout.duration());
        if timeout.is_some_and(|timeout| timeout > MAX_TIMEOUT) {
            refuse(
                "timeout",
                "at most `5m`; the default is `10s`".to_owned(),
                problems,
            );
        }
        let stale_after = wire.stale_after.map(|stale_after| stale_after.duration());
        if stale_after.is_some_and(|stale_after| stale_after < interval) {
            let message = "shorter than the interval, so it would be down between two polls: make it several intervals long".to_owned();
            refuse("stale_after", message, problems);
        }
        let given = [
            ("bearer_token", wire.bearer_token.is_some()),
            ("token", wire.token.is_some()),
            ("basic", wire.basic.is_some()),
        ];
        let mut given = given.into_iter().filter(|(_, given)| *given);
        if let (Some((first, _)), Some((second, _))) = (given.next(), given.next()) {
            let message = format!("`{first}` is given as well: keep the one that the server wants");
            refuse(second, message, problems);
        }
        for (name, value) in &wire.headers {
            if matches!(value, HeaderSetting::Plain(_)) && is_credential(name) {
                let key = format!("headers.{name}");
                refuse(&key, wire::NEVER_INLINE.to_owned(), problems);
            }
        }
        SourceSettings {
            name: SourceName::new(&wire.name),
            kind: wire.kind,
            index,
            interval,
            stale_after: stale_after.unwrap_or(MIN_STALE_AFTER.max(interval * 4)),
            http: HttpSettings {
                url: wire.url,
                timeout,
                headers: wire
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name, self.header(value)))
                    .collect(),
                auth: self.auth(wire.bearer_token, wire.token, wire.basic),
                ca_file: wire.ca_file.map(|path| self.path(path)),
                client_cert: wire.client_cert.map(|path| self.path(path)),
                proxy: wire.proxy,
            },
            table,
        }
    }

    fn flag_source(&mut self, flag: &FlagSource, others: &[SourceSettings]) -> SourceSettings {
        // Numbers of entries that could not be read are not given again.
        let index = others
            .iter()
            .map(|other| other.index + 1)
            .max()
            .unwrap_or(0);
        self.flags.push((index, flag.flag));
        let taken = |name: &str| others.iter().any(|other| other.name.as_str() == name);
        let mut name = flag.kind.to_owned();
        let mut number = 1;
        while taken(&name) {
            number += 1;
            name = format!("{}-{number}", flag.kind);
        }
        let kind = self.kinds.iter().find(|kind| kind.name == flag.kind);
        let interval = kind.map_or(SignedDuration::from_secs(15), |kind| kind.interval);
        SourceSettings {
            name: SourceName::new(&name),
            kind: flag.kind.to_owned(),
            index,
            interval,
            stale_after: MIN_STALE_AFTER.max(interval * 4),
            http: HttpSettings {
                url: Some(flag.url.clone()),
                ..HttpSettings::default()
            },
            table: flag.table.clone(),
        }
    }

    fn auth(
        &self,
        bearer: Option<SecretRef>,
        token: Option<SecretRef>,
        basic: Option<wire::Basic>,
    ) -> Auth {
        match (bearer, token, basic) {
            (Some(secret), ..) => Auth::Bearer(self.secret(secret)),
            (None, Some(secret), _) => Auth::Token(self.secret(secret)),
            (None, None, Some(basic)) => Auth::Basic {
                username: basic.username,
                password: self.secret(basic.password),
            },
            (None, None, None) => Auth::None,
        }
    }

    fn header(&self, value: HeaderSetting) -> HeaderSetting {
        match value {
            HeaderSetting::Plain(text) => HeaderSetting::Plain(text),
            HeaderSetting::Secret(secret) => HeaderSetting::Secret(self.secret(secret)),
        }
    }

    fn secret(&self, secret: SecretRef) -> SecretRef {
        match secret {
            SecretRef::File(path) => SecretRef::File(self.path(path)),
            other => other,
        }
    }

    /// A path as the reader of the file means it: `~/` is home, and others begin at the file.
    fn path(&self, path: PathBuf) -> PathBuf {
        if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), self.environment.home()) {
            return home.join(rest);
        }
        self.folder
            .map_or(path.clone(), |folder| folder.join(&path))
    }

    fn services(&mut self, list: Option<toml::Value>) -> Vec<ServiceSettings> {
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        let mut services = Vec::new();
        for (index, table) in self.tables("service", list) {
            let path = [Step::Key("service".to_owned()), Step::Index(index)];
            let wire = match read::section::<wire::Service, _>(&path, table) {
                Ok(wire) => wire,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            self.service(index, &wire);
            let aliases = wire.aliases.iter().map(|alias| ("aliases", alias));
            for (key, name) in [("name", &wire.name)].into_iter().chain(aliases) {
                if let Some(owner) = owners.insert(name.clone(), index) {
                    let message = format!(
                        "`{name}` belongs to service[{owner}] already: a name can mean one service only"
                    );
                    self.refuse("service", index, key, message);
                }
            }
            services.push(ServiceSettings {
                name: wire.name,
                aliases: wire.aliases,
                depends_on: wire.depends_on,
                team: wire.team,
                tier: wire.tier,
                runbook: wire.runbook,
                links: wire.links,
            });
        }
        services
    }

    fn service(&mut self, index: usize, wire: &wire::Service) {
        if wire.name.is_empty() || wire.name.contains('/') {
            self.refuse(
                "service",
                index,
                "name",
                "a service's name is not empty and has no `/`",
            );
        }
        if wire.depends_on.contains(&wire.name) {
            self.refuse(
                "service",
                index,
                "depends_on",
                "a service does not depend on itself: remove it here",
            );
        }
        if wire.tier == Some(0) {
            self.refuse(
                "service",
                index,
                "tier",
                "tiers begin with 1, which matters most",
            );
        }
        let links = wire
            .links
            .iter()
            .map(|(name, url)| (format!("links.{name}"), url));
        let runbook = wire.runbook.iter().map(|url| ("runbook".to_owned(), url));
        for (key, url) in runbook.chain(links) {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                self.refuse(
                    "service",
                    index,
                    &key,
                    "expected a URL that begins with https:// or http://",
                );
            }
        }
    }
}

/// True for a header whose value is a credential by its name.
fn is_credential(header: &str) -> bool {
    const WORDS: [&str; 7] = [
        "authorization",
        "cookie",
        "token",
        "secret",
        "password",
        "api-key",
        "apikey",
    ];
    let header = header.to_ascii_lowercase();
    WORDS.iter().any(|word| header.contains(word))
}
