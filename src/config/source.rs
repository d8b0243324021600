//! `[[source]]` and the flags that stand for one: what every kind of source has in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::check::Context;
use super::load::FlagSource;
use super::wire::{self, COMMON};
use super::{Auth, HeaderSetting, HttpSettings, SecretRef, SourceSettings, Step, read};
use crate::domain::SourceName;
use crate::text::Untrusted;

/// The longest time between two polls.
const MAX_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// The longest time that one request may take.
const MAX_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// How often a source of an unknown kind would be asked; it never is.
const ANY_INTERVAL: SignedDuration = SignedDuration::from_secs(15);
/// The longest name of a source, in characters: it stands in the footer.
const MAX_NAME: usize = 40;

const NO_LOGIN_IN_URL: &str = "a URL holds no login: write `basic = { username = \"…\", password = { env = \"NAME\" } }` beside it";

impl Context<'_> {
    /// The sources of the file, then those of the flags.
    pub(super) fn sources(
        &mut self,
        list: Option<toml::Value>,
        flags: &[FlagSource],
    ) -> Vec<SourceSettings> {
        let tables = self.tables("source", list);
        let mut next = tables.last().map_or(0, |(index, _)| index + 1);
        let mut names = BTreeMap::new();
        let mut sources = Vec::new();
        for (index, table) in tables {
            let path = [Step::Key("source".to_owned()), Step::Index(index)];
            let (common, table) = table
                .into_iter()
                .partition(|(key, _)| COMMON.contains(&key.as_str()));
            let common: toml::Table = common;
            let source = match read::section::<wire::Source, _>(&path, common) {
                Ok(source) => self.source(index, source, table),
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            if let Some(first) = names.insert(source.name.clone(), index) {
                let message =
                    format!("source[{first}] has this name already: give every source its own");
                self.refuse("source", index, &["name"], message);
            }
            sources.push(source);
        }
        let mut taken = names.into_keys().collect();
        for flag in flags {
            sources.push(self.flag_source(next, flag, &mut taken));
            next += 1;
        }
        sources
    }

    fn source(&mut self, index: usize, wire: wire::Source, table: toml::Table) -> SourceSettings {
        self.check_identity(index, &wire);
        self.check_access(index, &wire);
        let interval = wire.interval.map(|interval| interval.0.duration());
        let interval = interval.unwrap_or_else(|| self.interval(&wire.kind));
        let stale_after = wire.stale_after.map(|after| after.0.duration());
        let timeout = wire.timeout.map(|timeout| timeout.0.duration());
        if interval > MAX_INTERVAL {
            let message = "at most `1h`: older answers say nothing about the present";
            self.refuse("source", index, &["interval"], message);
        }
        if timeout.is_some_and(|timeout| timeout > MAX_TIMEOUT) {
            let message = "at most `5m`; the default is `10s`";
            self.refuse("source", index, &["timeout"], message);
        }
        if stale_after.is_some_and(|stale_after| stale_after < interval) {
            let message = "shorter than the interval, so it would be down between two polls: make it several intervals long";
            self.refuse("source", index, &["stale_after"], message);
        }
        let headers = wire.headers.into_iter();
        SourceSettings {
            name: SourceName::new(&wire.name),
            kind: wire.kind,
            index,
            interval,
            stale_after: stale_after.unwrap_or_else(|| default_stale_after(interval)),
            http: HttpSettings {
                url: wire.url,
                timeout,
                headers: headers
                    .map(|(name, value)| (name, self.header(value)))
                    .collect(),
                auth: self.auth(wire.bearer_token, wire.token, wire.basic),
                ca_file: wire.ca_file.map(|path| self.path(path)),
                client_cert: wire.client_cert.map(|path| self.path(path)),
                proxy: wire.proxy,
                is_guarded: false,
            },
            folder: self.folder.map(Path::to_path_buf),
            table,
        }
    }

    fn flag_source(
        &mut self,
        index: usize,
        flag: &FlagSource,
        taken: &mut BTreeSet<SourceName>,
    ) -> SourceSettings {
        self.flags.push((index, flag.flag));
        if has_login(&flag.url) {
            self.refuse(
                "source",
                index,
                &["url"],
                "a URL holds no login: describe this one in a file, as `watchfire config` shows",
            );
        }
        let numbered = (2..).map(|number| format!("{}-{number}", flag.kind));
        let name = std::iter::once(flag.kind.to_owned())
            .chain(numbered)
            .map(|name| SourceName::new(&name))
            .find(|name| taken.insert(name.clone()))
            .unwrap_or_else(|| SourceName::new(flag.kind));
        let interval = self.interval(flag.kind);
        SourceSettings {
            name,
            kind: flag.kind.to_owned(),
            index,
            interval,
            stale_after: default_stale_after(interval),
            http: HttpSettings {
                url: Some(flag.url.clone()),
                ..HttpSettings::default()
            },
            folder: None,
            table: flag.table.clone(),
        }
    }

    fn interval(&self, kind: &str) -> SignedDuration {
        let kind = self.kinds.iter().find(|known| known.name == kind);
        kind.map_or(ANY_INTERVAL, |kind| kind.interval)
    }

    fn check_identity(&mut self, index: usize, wire: &wire::Source) {
        let name = wire.name.as_str();
        let is_good = !name.is_empty()
            && name.trim() == name
            && name.chars().count() <= MAX_NAME
            && Untrusted::from(name).shown().as_str() == name;
        if !is_good {
            let message = format!(
                "a source's name is 1 to {MAX_NAME} printable characters, without a space at either end"
            );
            self.refuse("source", index, &["name"], message);
        }
        if !self.kinds.iter().any(|kind| kind.name == wire.kind) {
            let known: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
            let message = read::unknown_word("kind of source", &wire.kind, &known);
            self.refuse("source", index, &["kind"], message);
        }
    }

    fn check_access(&mut self, index: usize, wire: &wire::Source) {
        let logins = [
            ("bearer_token", wire.bearer_token.is_some()),
            ("token", wire.token.is_some()),
            ("basic", wire.basic.is_some()),
        ];
        let mut logins = logins.into_iter().filter(|(_, is_given)| *is_given);
        if let (Some((first, _)), Some((second, _))) = (logins.next(), logins.next()) {
            let message = format!("`{first}` is given as well: keep the one that the server wants");
            self.refuse("source", index, &[second], message);
        }
        if wire.url.as_deref().is_some_and(has_login) {
            self.refuse("source", index, &["url"], NO_LOGIN_IN_URL);
        }
        for (name, value) in &wire.headers {
            if matches!(value, HeaderSetting::Plain(_)) && is_credential(name) {
                self.refuse("source", index, &["headers", name], wire::NEVER_INLINE);
            }
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

    /// A path as the writer of the file means it: `~/` is home, and others begin at the file.
    pub(super) fn path(&self, path: PathBuf) -> PathBuf {
        if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), self.environment.home()) {
            return home.join(rest);
        }
        match self.folder {
            Some(folder) => folder.join(path),
            None => path,
        }
    }
}

/// Four missed polls, and never so short that a restart of the server looks like an outage.
fn default_stale_after(interval: SignedDuration) -> SignedDuration {
    (interval * 4).max(SignedDuration::from_mins(5))
}

/// True for `https://user:password@host`.
fn has_login(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@')
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
