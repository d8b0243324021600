//! Finds the configuration, layers file, environment and flags, and hands out checked settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;

use super::check::Context;
use super::content::{Content, content, standard_input};
use super::place::{ConfigError, Mistake, Origins};
use super::policy;
use super::read;
use super::wire::{self, SECTIONS};
use super::{Problem, Settings, Step};
use crate::text::Shown;

/// What the variables begin with that stand for one setting each.
const PREFIX: &str = "WATCHFIRE__";

/// What the command line says about the settings.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Sources beside those of the file.
    pub sources: Vec<FlagSource>,
}

/// A source that a flag asks for.
#[derive(Clone, Debug)]
pub struct FlagSource {
    /// The flag, for messages: `--prometheus`.
    pub flag: &'static str,
    /// Its kind; the source is named after it, with a number where that name is taken.
    pub kind: &'static str,
    /// Where it is.
    pub url: String,
    /// The settings of its kind.
    pub table: toml::Table,
}

/// What has to be known of a kind of source before its settings can be read.
#[derive(Clone, Copy, Debug)]
pub struct KnownKind {
    /// What `kind = "…"` says.
    pub name: &'static str,
    /// How often it is asked when the configuration does not say.
    pub interval: SignedDuration,
    /// True when it can measure a `[[slo]]`.
    pub measures: bool,
}

/// The variables that the settings depend on, as a value.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

/// Checked settings, and where they came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    origins: Origins,
}

impl Environment {
    /// The variables of this process.
    pub fn of_this_process() -> Self {
        std::env::vars_os().collect()
    }

    /// A variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        let value = self.0.get(name)?.as_os_str();
        (!value.is_empty()).then_some(value)
    }

    /// A variable as text, where it is set and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.get(name)?.to_str()?.to_owned())
    }

    /// The file that `WATCHFIRE_CONFIG` names.
    pub fn named_file(&self) -> Option<PathBuf> {
        self.get("WATCHFIRE_CONFIG").map(PathBuf::from)
    }

    /// The places where a file is looked for when none is named, best first.
    pub fn default_files(&self) -> Vec<PathBuf> {
        // The XDG base directory specification has relative paths ignored.
        let xdg = self.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let xdg = xdg.filter(|path| path.is_absolute());
        let home = self.home().map(|home| home.join(".config"));
        let mut files: Vec<_> = [xdg, home]
            .into_iter()
            .flatten()
            .map(|folder| folder.join("watchfire/config.toml"))
            .collect();
        files.dedup();
        files
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.get("HOME").map(Path::new)
    }

    /// True where characters above 0x7f may not show.
    ///
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is not empty decides: the locales C and POSIX,
    /// and any that names a charset other than UTF-8. Unset says nothing: that is usual over ssh and in
    /// containers, whose terminals show UTF-8 all the same. The console of the Linux kernel has 512
    /// glyphs.
    pub(super) fn is_ascii(&self) -> bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"];
        let locale = names.into_iter().find_map(|name| self.get(name));
        let is_console = self.get("TERM").is_some_and(|term| term == "linux");
        is_console || locale.is_some_and(|locale| is_ascii_locale(&locale.to_string_lossy()))
    }
}

/// True for `C`, `POSIX` and `language_TERRITORY.charset@modifier` with a charset other than UTF-8.
fn is_ascii_locale(locale: &str) -> bool {
    let locale = locale.split('@').next().unwrap_or_default();
    match locale.split_once('.') {
        Some((_, charset)) => !["utf-8", "utf8"]
            .iter()
            .any(|utf8| charset.eq_ignore_ascii_case(utf8)),
        None => ["C", "POSIX"].contains(&locale),
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let named = variables.into_iter();
        Self(
            named
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        )
    }
}

impl Loaded {
    /// The files that the settings were read from: the configuration and its `[[slo_files]]`.
    pub fn files(&self) -> Vec<PathBuf> {
        // Standard input and texts of our own are no files.
        let file = self
            .settings
            .file
            .iter()
            .filter(|file| file.is_file())
            .cloned();
        let documents = self.origins.documents.files.iter();
        file.chain(documents.map(|document| PathBuf::from(&document.name)))
            .collect()
    }

    /// The message for a problem that was found later: while the sources were built.
    pub fn report(&self, problem: &Problem) -> ConfigError {
        self.report_all(std::slice::from_ref(problem))
    }

    /// What is allowed and probably not meant: SLOs that alert nobody, and documents of `[[slo_files]]`
    /// that mean something else here.
    pub fn warnings(&self) -> Vec<Mistake> {
        let quiet = self.quiet_slos();
        let quiet = self.origins.mistakes(&quiet);
        let documents = self.origins.documents.warnings();
        quiet.into_iter().chain(documents).collect()
    }

    /// SLOs of the file whose `rules` are written and empty.
    fn quiet_slos(&self) -> Vec<Problem> {
        let slos = self.document().remove("slo");
        let slos = slos.as_ref().and_then(toml::Value::as_array);
        let numbered = slos.into_iter().flatten().enumerate();
        numbered
            .filter(|(_, slo)| has_no_rules(slo))
            .map(|(index, _)| Problem {
                path: vec![
                    Step::Key("slo".to_owned()),
                    Step::Index(index),
                    Step::Key("rules".to_owned()),
                ],
                message:
                    "is empty, so this SLO alerts nobody: leave `rules` out for the four default \
                          rules"
                        .to_owned(),
            })
            .collect()
    }

    /// The variables that set something: the keys, and the value.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&[String], &str)> {
        let variables = self.origins.variables.iter();
        variables.map(|(_, path, value)| (path.as_slice(), value.as_str()))
    }

    /// The file as it is written; empty without one.
    pub(super) fn document(&self) -> toml::Table {
        let text = self.origins.file.as_ref().map_or("", |(_, text)| text);
        // It was read before.
        toml::from_str(text).unwrap_or_default()
    }

    /// The message for several of them.
    pub fn report_all(&self, problems: &[Problem]) -> ConfigError {
        self.origins.refused(problems, Vec::new())
    }
}

/// Reads and checks everything: file, then environment, then flags. All mistakes that can be found
/// at once are reported at once.
pub fn load(
    overrides: &Overrides,
    environment: &Environment,
    kinds: &[KnownKind],
) -> Result<Loaded, ConfigError> {
    load_over(find(overrides, environment)?, overrides, environment, kinds)
}

/// The same with a text in place of the file; `name` stands for its path in messages.
pub fn load_text(
    name: &str,
    text: String,
    environment: &Environment,
    kinds: &[KnownKind],
) -> Result<Loaded, ConfigError> {
    let file = Some((PathBuf::from(name), text));
    load_over(file, &Overrides::default(), environment, kinds)
}

fn load_over(
    file: Option<(PathBuf, String)>,
    overrides: &Overrides,
    environment: &Environment,
    kinds: &[KnownKind],
) -> Result<Loaded, ConfigError> {
    let mut origins = Origins {
        file,
        ..Origins::default()
    };
    let mut document = parse(&origins)?;
    let lists = take_lists(&mut document);
    let mut problems = check_types(&document);
    let (variables, unusable) = variables(environment);
    let mut layered = Layered::default();
    // Until the file is right by itself, no variable is to blame for what is wrong with it.
    if problems.is_empty() && unusable.is_empty() {
        let text = origins.file.as_ref().map_or("", |(_, text)| text);
        match layer(text, &variables) {
            Ok(both) => layered = both,
            Err(problem) => problems.push(problem),
        }
        origins.variables = variables;
    }
    let file = origins.file.as_ref().map(|(path, _)| path.clone());
    let mut context = Context::new(file.as_deref(), environment, kinds);
    let mut settings = context.settings(layered, lists, &overrides.sources);
    origins.flags = context.flags;
    origins.documents = context.documents;
    problems.extend(context.problems);
    let others: Vec<_> = unusable
        .into_iter()
        .chain(origins.documents.refusals())
        .collect();
    if !problems.is_empty() || !others.is_empty() {
        return Err(origins.refused(&problems, others));
    }
    settings.file = file;
    Ok(Loaded { settings, origins })
}

/// True for a `[[slo]]` whose `rules` are written and empty.
fn has_no_rules(slo: &toml::Value) -> bool {
    let rules = slo.get("rules").and_then(toml::Value::as_array);
    rules.is_some_and(Vec::is_empty)
}

/// The file that counts, and what is in it; `None` when none was named and none is in place.
fn find(
    overrides: &Overrides,
    environment: &Environment,
) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let variable = environment.get("WATCHFIRE_CONFIG").map(PathBuf::from);
    let named = match (&overrides.config, variable) {
        (Some(path), _) => Some(("--config", path.clone())),
        (None, Some(path)) => Some(("WATCHFIRE_CONFIG", path)),
        (None, None) => None,
    };
    if let Some((_, path)) = &named
        && path.as_os_str() == "-"
    {
        return standard_input_text().map(Some);
    }
    if let Some((who, path)) = named {
        let Some(bytes) = read(&path)? else {
            let reason = format!(
                "there is no such file, but {who} names it: correct the path, or begin with `watchfire config > FILE`"
            );
            return Err(unreadable(&path, &reason));
        };
        return decode(path, bytes).map(Some);
    }
    for path in environment.default_files() {
        if let Some(bytes) = read(&path)? {
            return decode(path, bytes).map(Some);
        }
    }
    Ok(None)
}

/// What standard input holds; relative paths in it begin at the working folder.
fn standard_input_text() -> Result<(PathBuf, String), ConfigError> {
    let path = PathBuf::from("stdin");
    match standard_input() {
        Content::Bytes(bytes) => decode(path, bytes),
        Content::Wrong(reason) => Err(unreadable(&path, &reason)),
        Content::Missing => Err(unreadable(&path, "cannot be read")),
    }
}

/// What is in the file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    match content(path) {
        Content::Missing => Ok(None),
        Content::Wrong(reason) => Err(unreadable(path, &reason)),
        Content::Bytes(bytes) => Ok(Some(bytes)),
    }
}

fn unreadable(path: &Path, reason: &str) -> ConfigError {
    ConfigError::Unreadable {
        path: Shown::new(path.display().to_string()),
        reason: Shown::new(reason),
    }
}

/// The text of the file, without the mark that some editors put before it.
fn decode(path: PathBuf, bytes: Vec<u8>) -> Result<(PathBuf, String), ConfigError> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text
                .strip_prefix('\u{feff}')
                .map(str::to_owned)
                .unwrap_or(text);
            Ok((path, text))
        }
        Err(error) => {
            let start = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let origins = Origins {
                file: Some((path, text)),
                ..Origins::default()
            };
            let message = "this is not UTF-8: save the file as UTF-8";
            Err(origins.syntax(start..start + 1, message))
        }
    }
}

fn parse(origins: &Origins) -> Result<toml::Table, ConfigError> {
    let Some((_, text)) = &origins.file else {
        return Ok(toml::Table::new());
    };
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let message = match error.message() {
            message if message.contains("as i128") => "this number is too large".to_owned(),
            message => format!("this is not TOML: {message}"),
        };
        origins.syntax(span, &message)
    })
}

/// The lists of tables, which neither environment nor flags can reach into.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) sources: Option<toml::Value>,
    pub(super) slos: Option<toml::Value>,
    pub(super) slo_files: Option<toml::Value>,
    pub(super) services: Option<toml::Value>,
    pub(super) policies: Option<toml::Value>,
    pub(super) exceptions: Option<toml::Value>,
    pub(super) budget_adjustments: Option<toml::Value>,
    pub(super) notify: Option<toml::Value>,
    pub(super) commands: Option<toml::Value>,
    pub(super) views: Option<toml::Value>,
}

/// The settings that have a name of their own.
#[derive(Default)]
pub(super) struct Layered {
    pub(super) ui: wire::Ui,
    pub(super) keys: wire::Keys,
    pub(super) me: wire::Me,
    pub(super) journal: wire::Journal,
    pub(super) actions: wire::Actions,
    pub(super) delivery: wire::Delivery,
    pub(super) wall: wire::Wall,
    pub(super) gate: policy::wire::Gate,
}

fn take_lists(document: &mut toml::Table) -> Lists {
    Lists {
        sources: document.remove("source"),
        slos: document.remove("slo"),
        slo_files: document.remove("slo_files"),
        services: document.remove("service"),
        policies: document.remove("policy"),
        exceptions: document.remove("exception"),
        budget_adjustments: document.remove("budget_adjustment"),
        notify: document.remove("notify"),
        commands: document.remove("action"),
        views: document.remove("view"),
    }
}

/// Types and names in the file alone. The layers are read leniently, since every variable is text;
/// the file has types of its own, and they have to be right.
fn check_types(document: &toml::Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in document {
        let path = [Step::Key(key.clone())];
        let wrong = match key.as_str() {
            "ui" => read::section::<wire::Ui, _>(&path, value.clone()).err(),
            "keys" => read::section::<wire::Keys, _>(&path, value.clone()).err(),
            "me" => read::section::<wire::Me, _>(&path, value.clone()).err(),
            "journal" => read::section::<wire::Journal, _>(&path, value.clone()).err(),
            "actions" => read::section::<wire::Actions, _>(&path, value.clone()).err(),
            "delivery" => read::section::<wire::Delivery, _>(&path, value.clone()).err(),
            "wall" => read::section::<wire::Wall, _>(&path, value.clone()).err(),
            "gate" => read::section::<policy::wire::Gate, _>(&path, value.clone()).err(),
            _ => Some(read::unknown_key(&[], key, &SECTIONS)),
        };
        problems.extend(wrong);
    }
    problems
}

/// A variable that sets something: its name, the keys it stands for, its value.
type Variable = (String, Vec<String>, String);

/// The variables that set something, and what is wrong with the others.
fn variables(environment: &Environment) -> (Vec<Variable>, Vec<Mistake>) {
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    for (name, value) in &environment.0 {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let path: Vec<_> = rest.split("__").map(str::to_ascii_lowercase).collect();
        let wrong = match (path.as_slice(), value.to_str()) {
            (_, None) => "its value is not UTF-8".to_owned(),
            ([section, key], Some(value)) if is_bare(section) && is_bare(key) => {
                if ["ui", "keys", "journal"].contains(&section.as_str()) {
                    usable.push((name.clone(), path.clone(), value.to_owned()));
                    continue;
                }
                format!(
                    "`{section}` cannot be set by a variable: variables set [ui], [keys] and [journal], as in WATCHFIRE__UI__THEME=mono; write the rest in the file"
                )
            }
            _ => "this names no setting: write WATCHFIRE__SECTION__KEY, as in WATCHFIRE__UI__THEME=mono".to_owned(),
        };
        unusable.push(Mistake::of_variable(name, &wrong));
    }
    (usable, unusable)
}

fn is_bare(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.bytes().all(plain)
}

/// What variables may set of the file, and the environment over it.
fn layer(text: &str, variables: &[Variable]) -> Result<Layered, Problem> {
    let unlayered = |error: config::ConfigError| Problem {
        path: Vec::new(),
        message: error.to_string(),
    };
    let set = variables.iter();
    let set = set.map(|(name, _, value)| (name.clone(), value.clone()));
    let environment = config::Environment::with_prefix("WATCHFIRE")
        .prefix_separator("__")
        .separator("__")
        .source(Some(set.collect()));
    let mut layered = config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Toml))
        .add_source(environment)
        .build()
        .map_err(unlayered)?
        .cache
        .into_table()
        .map_err(unlayered)?;
    Ok(Layered {
        ui: section(&mut layered, "ui")?,
        keys: section(&mut layered, "keys")?,
        me: section(&mut layered, "me")?,
        journal: section(&mut layered, "journal")?,
        actions: section(&mut layered, "actions")?,
        delivery: section(&mut layered, "delivery")?,
        wall: section(&mut layered, "wall")?,
        gate: section(&mut layered, "gate")?,
    })
}

fn section<T: Default + for<'de> Deserialize<'de>>(
    layered: &mut config::Map<String, config::Value>,
    name: &str,
) -> Result<T, Problem> {
    let path = [Step::Key(name.to_owned())];
    let value = layered.remove(name);
    value.map_or_else(|| Ok(T::default()), |value| read::section(&path, value))
}
