//! From settings as written to settings that can be used: every value in range, every name known.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::path::Path;

use jiff::tz::TimeZone;

use super::acting;
use super::load::{Environment, FlagSource, KnownKind, Layered, Lists};
use super::place::Documents;
use super::read;
use super::wire;
use crate::domain::Service;
use crate::text::clipped;

use super::{
    BellChoice, GateSettings, NotifyChoice, Opening, Problem, Settings, Step, ThemeChoice,
    UiSettings,
};

/// What checking needs to know, and the problems it has found so far.
pub(super) struct Context<'a> {
    pub(super) folder: Option<&'a Path>,
    pub(super) environment: &'a Environment,
    pub(super) kinds: &'a [KnownKind],
    /// Numbers of the sources that flags added, and those flags.
    pub(super) flags: Vec<(usize, &'static str)>,
    /// What `[[slo_files]]` came to.
    pub(super) documents: Documents,
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
            documents: Documents::default(),
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
        let mut ui = self.ui(layered.ui);
        ui.views = self.views(lists.views);
        let keys = layered.keys.into_iter();
        let before = self.problems.len();
        let sources = self.sources(lists.sources, flags);
        let are_read = self.problems.len() == before;
        let mut tables = self.tables("slo", lists.slos);
        let next = tables.last().map_or(0, |(index, _)| index + 1);
        let files = self.slo_files(lists.slo_files, next);
        self.documents = files.documents;
        tables.extend(files.tables);
        let slos = self.slos(tables, are_read.then_some(&*sources), &ui.timezone);
        let policies = self.policies(lists.policies, &ui.timezone);
        Settings {
            ui,
            keys: keys.map(|(action, chords)| (action, chords.0)).collect(),
            sources,
            slos,
            services: self.services(lists.services),
            me: acting::me(layered.me),
            journal: self.journal(layered.journal),
            actions: self.actions(layered.actions),
            delivery: self.delivery(layered.delivery),
            wall: self.wall(layered.wall),
            gate: GateSettings::of(&layered.gate),
            policies,
            exceptions: self.exceptions(lists.exceptions),
            budget_adjustments: self.budget_adjustments(lists.budget_adjustments),
            notify: self.notify(lists.notify),
            commands: self.commands(lists.commands),
            file: None,
        }
    }

    /// Notes what is wrong with a setting of an entry of a `[[list]]`.
    pub(super) fn refuse(
        &mut self,
        list: &str,
        index: usize,
        keys: &[&str],
        message: impl Into<String>,
    ) {
        let start = [Step::Key(list.to_owned()), Step::Index(index)];
        let keys = keys.iter().map(|key| Step::Key((*key).to_owned()));
        self.problems.push(Problem {
            path: start.into_iter().chain(keys).collect(),
            message: message.into(),
        });
    }

    /// What a message calls an SLO.
    pub(super) fn slo_place(&self, index: usize) -> String {
        let imported = self.documents.line_of(index);
        imported.unwrap_or_else(|| format!("slo[{index}]"))
    }

    fn refuse_ui(&mut self, key: &str, message: String) {
        self.problems.push(Problem {
            path: vec![Step::Key("ui".to_owned()), Step::Key(key.to_owned())],
            message,
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
        let timezone = ui
            .timezone
            .as_deref()
            .map_or(Ok(TimeZone::UTC), read::time_zone);
        let timezone = timezone.map_err(|message| self.refuse_ui("timezone", message));
        let theme = ui.theme.as_deref().unwrap_or("auto");
        let chosen = ThemeChoice::ALL
            .into_iter()
            .find(|(word, _)| *word == theme);
        if chosen.is_none() {
            let words = ThemeChoice::ALL.map(|(word, _)| word);
            self.refuse_ui("theme", read::unknown_word("theme", theme, &words));
        }
        let bell = ui.bell.as_deref().unwrap_or("page");
        let rings = BellChoice::ALL.into_iter().find(|(word, _)| *word == bell);
        if rings.is_none() {
            let words = BellChoice::ALL.map(|(word, _)| word);
            self.refuse_ui("bell", read::unknown_word("bell", bell, &words));
        }
        let notify = ui.notify.as_deref().unwrap_or("off");
        let notifies = NotifyChoice::ALL
            .into_iter()
            .find(|(word, _)| *word == notify);
        if notifies.is_none() {
            let words = NotifyChoice::ALL.map(|(word, _)| word);
            self.refuse_ui("notify", read::unknown_word("notification", notify, &words));
        }
        UiSettings {
            context: ui.context.unwrap_or_default(),
            timezone: timezone.unwrap_or(TimeZone::UTC),
            theme: chosen.map_or(ThemeChoice::Auto, |(_, theme)| theme),
            ascii: ui.ascii.unwrap_or_else(|| self.environment.is_ascii()),
            bell: rings.map_or(BellChoice::Page, |(_, bell)| bell),
            views: Vec::new(),
            services: Vec::new(),
            notify: notifies.map_or(NotifyChoice::Off, |(_, notify)| notify),
            mouse: ui.mouse.unwrap_or(false),
            opening: Opening::default(),
        }
    }

    fn services(&mut self, list: Option<toml::Value>) -> Vec<Service> {
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
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
                if let Some(owner) = owners.insert(name.clone(), wire.name.clone()) {
                    let message = format!(
                        "`{}` is a name of the service `{}` already: a name can mean one service only",
                        clipped(name),
                        clipped(&owner)
                    );
                    self.refuse("service", index, &[key], message);
                }
            }
            services.push(Service {
                name: wire.name,
                aliases: wire.aliases,
                depends_on: wire.depends_on,
                team: wire.team,
                tier: wire.tier.map(NonZeroU8::get),
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
                &["name"],
                "a service's name is not empty and has no `/`",
            );
        }
        if wire.depends_on.contains(&wire.name) {
            self.refuse(
                "service",
                index,
                &["depends_on"],
                "a service does not depend on itself: remove it here",
            );
        }
        let links = wire.links.iter();
        let links = links.map(|(name, url)| (vec!["links", name], url));
        let runbook = wire.runbook.iter().map(|url| (vec!["runbook"], url));
        for (keys, url) in runbook.chain(links) {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                self.refuse(
                    "service",
                    index,
                    &keys,
                    "expected a URL that begins with https:// or http://",
                );
            }
        }
    }
}
