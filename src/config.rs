//! Settings as plain values, and what is wrong with them.
//!
//! [`load`] reads and layers them: file, then environment, then flags. Every mistake is a
//! [`Problem`], which knows the way to the setting; [`Loaded::report`] turns that way into file,
//! line and column. Nothing here knows a vendor: a kind of source reads its own settings with
//! [`SourceSettings::options`].

mod acting;
mod check;
mod content;
mod delivery;
mod excerpt;
mod files;
mod journal;
mod links;
mod load;
mod me;
mod notify;
mod place;
mod policy;
mod proposal;
mod read;
mod schema;
pub mod secret;
mod slo;
mod source;
mod variables;
mod view;
mod views;
mod wall;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use crate::domain::policy::{BudgetAdjustment, Exception, Policy};
use crate::domain::{
    Origin, Period, Production, Rule, Service, Slo, Sort, SourceName, State, When, Window,
};

pub use crate::dialect::Groups;
pub use crate::domain::Me;

pub use files::{Import, documents_in, import, text_of};
pub use links::distinct;
pub use load::{Environment, FlagSource, KnownKind, Loaded, Overrides, load, load_text};
pub use place::{ConfigError, Mistake};
pub use proposal::{Proposal, ProposedSlo, ProposedSource, has_same_tables};
pub use read::{bytes, time_zone};
pub use schema::schema;
pub use toml::Table;
pub use wall::{DimHours, WallSettings};

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the screen looks.
    pub ui: UiSettings,
    /// Action name to keys, over the defaults.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Whom to ask.
    pub sources: Vec<SourceSettings>,
    /// SLOs written by hand.
    pub slos: Vec<SloSettings>,
    /// What services are called, and what belongs to them.
    pub services: Vec<Service>,
    /// Who sits here.
    pub me: Me,
    /// What is kept of what was seen.
    pub journal: JournalSettings,
    /// Whether and how anything may be changed anywhere.
    pub actions: ActionSettings,
    /// What counts as delivered to users.
    pub delivery: DeliverySettings,
    /// The unattended wall.
    pub wall: WallSettings,
    /// When an answer of a source is too old to decide by.
    pub gate: GateSettings,
    /// When releases stop.
    pub policies: Vec<Policy>,
    /// Kinds of change that may pass policies for a time.
    pub exceptions: Vec<Exception>,
    /// Times that count neither good nor bad.
    pub budget_adjustments: Vec<BudgetAdjustment>,
    /// Where changes are sent: `[[notify]]`.
    pub notify: Vec<NotifyTarget>,
    /// Commands of the user's own.
    pub commands: Vec<UserCommand>,
    /// The file that they were read from, if there was one.
    pub file: Option<PathBuf>,
}

/// How `gate` decides: `[gate]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Older answers are not known.
    pub max_age: SignedDuration,
}

/// What is kept of what was seen: `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// False when nothing is kept beyond the end of the program.
    pub enabled: bool,
    /// Which file; `None` for the one in the state folder.
    pub path: Option<PathBuf>,
    /// For how long.
    pub keep: SignedDuration,
    /// How many bytes of file.
    pub max_size: u64,
}

/// What counts as delivered to users, and how releases and incidents are linked: `[delivery]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    /// The environments that are production.
    pub production: Production,
    /// How long after a release an incident may begin that it is linked to.
    pub link_within: SignedDuration,
    /// How long after its end a release is observed before it counts as good.
    pub observe: SignedDuration,
}

/// Whether and how anything may be changed anywhere: `[actions]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSettings {
    /// False until somebody says otherwise: nothing is ever changed.
    pub enabled: bool,
    /// True when a silence needs a reason.
    pub require_comment: bool,
    /// When people are at work again: what `until work` means.
    pub work: WorkHours,
    /// Where orders are written down; `None` for the place in the state folder.
    pub audit_log: Option<PathBuf>,
}

/// When people are at work, in the zone of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkHours {
    /// On these days.
    pub days: Vec<Weekday>,
    /// From this time of day on.
    pub start: Time,
}

/// A command of the user's own: `[[action]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCommand {
    /// The key, as written; `None` for the palette alone.
    pub key: Option<String>,
    /// What it is called.
    pub label: String,
    /// Which rows it works on.
    pub scope: CommandScope,
    /// Program and arguments, with placeholders in braces.
    pub command: Vec<String>,
    /// True when it asks first.
    pub confirm: bool,
    /// How long it may take.
    pub timeout: SignedDuration,
    /// True when it gets the terminal until it ends, without a time limit.
    pub terminal: bool,
}

/// Which rows a command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandScope {
    /// SLOs.
    Slo,
    /// Releases.
    Release,
    /// Incidents.
    Incident,
}

/// How the screen looks.
#[derive(Clone, Debug)]
pub struct UiSettings {
    /// What the header calls this place; empty for none.
    pub context: String,
    /// The zone that times are shown in.
    pub timezone: TimeZone,
    /// Which colours.
    pub theme: ThemeChoice,
    /// True for 7-bit output: `+-|` borders and plain marks.
    pub ascii: bool,
    /// What rings the terminal's bell.
    pub bell: BellChoice,
    /// Filters and orders with a name: `[[view]]`.
    pub views: Vec<SavedView>,
    /// The services whose rows are shown at first; all without any: `--service`.
    pub services: Vec<String>,
    /// How a new page is shown on the desktop.
    pub notify: NotifyChoice,
    /// True where the mouse selects rows and scrolls; text is then selected with shift held.
    pub mouse: bool,
    /// The moment and the row that are shown first: `--at`, `--select`.
    pub opening: Opening,
}

/// The moment and the row that a screen shows first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The moment of the past; `None` for the present.
    pub at: Option<When>,
    /// Id of the row.
    pub select: Option<String>,
}

/// Where changes are sent: `[[notify]]`.
#[derive(Clone, Debug)]
pub struct NotifyTarget {
    /// Form of the messages.
    pub kind: NotifyKind,
    /// Address; it may be a secret.
    pub url: HeaderSetting,
    /// Bearer token.
    pub token: Option<SecretRef>,
    /// Changes that are sent.
    pub on: Vec<NotifyOn>,
    /// Text of a message of a webhook, with fields in braces.
    pub template: String,
}

/// Form of messages to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyKind {
    /// `{"text": "…"}`, as Slack and others read it.
    Webhook,
    /// Annotations of Grafana.
    Grafana,
}

/// A change that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyOn {
    /// An SLO comes to this state.
    State(State),
    /// A release arrives in production.
    Release,
}

/// A filter and an order with a name: `[[view]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its name in the palette.
    pub name: String,
    /// As it would be typed; empty for all rows.
    pub filter: String,
    /// In which order.
    pub sort: Sort,
}

/// How a new page is shown on the desktop that the terminal runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotifyChoice {
    /// Not at all.
    #[default]
    Off,
    /// By `OSC 9`.
    Osc9,
    /// By `OSC 777`.
    Osc777,
    /// By `OSC 99`.
    Osc99,
}

impl NotifyChoice {
    /// Every choice, by the word that chooses it.
    pub const ALL: [(&str, Self); 4] = [
        ("off", Self::Off),
        ("osc9", Self::Osc9),
        ("osc777", Self::Osc777),
        ("osc99", Self::Osc99),
    ];
}

/// What rings the terminal's bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BellChoice {
    /// A page that is new and that nobody has.
    Page,
    /// Nothing.
    Off,
}

impl BellChoice {
    /// Every choice, by the word that chooses it.
    pub const ALL: [(&str, Self); 2] = [("page", Self::Page), ("off", Self::Off)];
}

/// Which colours the screen uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    /// Legible on light and dark: the terminal's own 16 colours, mono under `NO_COLOR`.
    Auto,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// The brightest colours, and nothing dim.
    HighContrast,
    /// No colour at all.
    Mono,
}

impl ThemeChoice {
    /// Every choice, by the word that chooses it.
    pub const ALL: [(&str, Self); 5] = [
        ("auto", Self::Auto),
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("high-contrast", Self::HighContrast),
        ("mono", Self::Mono),
    ];
}

/// One source to ask.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name, unique.
    pub name: SourceName,
    /// Its kind, one of [`KINDS`](crate::source::KINDS).
    pub kind: String,
    /// Its place in the configuration: the number of its `[[source]]`, from 0.
    pub index: usize,
    /// How often to ask.
    pub interval: SignedDuration,
    /// After how long of failing it is down.
    pub stale_after: SignedDuration,
    /// How to reach it.
    pub http: HttpSettings,
    /// The folder of the file that it is written in: where relative paths begin. `None` for those
    /// of flags.
    pub folder: Option<PathBuf>,
    /// The settings of its kind alone; the kind reads them with
    /// [`SourceSettings::options`].
    pub table: toml::Table,
}

/// How to reach an HTTP endpoint.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    /// Base URL; a kind may have a default.
    pub url: Option<String>,
    /// The longest one request may take; `None` for the default of 10 s.
    pub timeout: Option<SignedDuration>,
    /// Headers to send; their values are never shown.
    pub headers: BTreeMap<String, HeaderSetting>,
    /// How to prove who we are.
    pub auth: Auth,
    /// PEM file of certificate authorities, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file with a client certificate and its key.
    pub client_cert: Option<PathBuf>,
    /// Proxy URL, `none` for no proxy at all; unset for the environment's.
    pub proxy: Option<String>,
    /// True where addresses of the link and of metadata services are refused.
    pub is_guarded: bool,
}

/// The value of a configured header.
#[derive(Clone, Debug)]
pub enum HeaderSetting {
    /// As written: for tenants and the like.
    Plain(String),
    /// From outside.
    Secret(SecretRef),
}

/// How to prove who we are.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`, from `bearer_token`.
    Bearer(SecretRef),
    /// In the vendor's own way, from `token`.
    Token(SecretRef),
    /// `Authorization: Basic …`, from `basic`.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretRef,
    },
}

/// Where a secret comes from; never the secret itself.
///
/// Written `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file's first line.
    File(PathBuf),
    /// What a command prints, first line: program and arguments, no shell.
    Command(Vec<String>),
}

/// An SLO written by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct SloSettings {
    /// Whose promise.
    pub service: String,
    /// Which promise.
    pub name: String,
    /// Share of good events, between 0 and 1.
    pub objective: f64,
    /// Over which time.
    pub period: Period,
    /// The zone that a calendar period begins in.
    pub timezone: TimeZone,
    /// Who measures it.
    pub source: SourceName,
    /// What is measured.
    pub sli: Sli,
    /// When to page and when to open a ticket.
    pub rules: Arc<[Rule]>,
    /// The least number of bad events that may page; 0 for none.
    pub min_bad_events: f64,
    /// True where missing series of one selector are 0 events, whether its metric exists or not.
    pub absent_is_zero: bool,
    /// Labels that make one SLO of each of their values.
    pub by: Vec<String>,
    /// Labels for the rules that are written of it.
    pub labels: BTreeMap<String, String>,
    /// What it promises, in words; empty for none.
    pub description: String,
}

/// What an SLO measures. Queries are selectors, or expressions that contain `$window`.
#[derive(Clone, Debug, PartialEq)]
pub enum Sli {
    /// Events: bad or good ones over all.
    Events {
        /// Bad or good events.
        part: Part,
        /// All events.
        total: String,
    },
    /// A selector of gauges that are 1 while good and 0 while bad; every sample is an event.
    Gauge(String),
    /// Latency by a native histogram: a selector of it, and the seconds within which an event is
    /// good.
    Latency {
        /// The histogram.
        histogram: String,
        /// The limit, in the unit of the histogram.
        within: f64,
    },
    /// An expression that is the ratio itself.
    Ratio {
        /// The expression.
        query: String,
        /// True when it is good over all.
        success: bool,
    },
    /// Slices of time, of something else.
    Slices {
        /// What a slice is judged by.
        of: Box<Sli>,
        /// How long a slice is.
        width: Window,
        /// The share of good events, between 0 and 1, that makes a slice good; `None` for the mean
        /// of the slices' ratios, each weighing the same whatever its traffic.
        target: Option<f64>,
    },
    /// Several by weight: the mean of their error ratios. One without events does not weigh.
    Weighted(Vec<(f64, Sli)>),
}

/// Which part of the events is given beside the total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those that broke the objective.
    Bad(String),
    /// Those that kept it.
    Good(String),
}

/// One step on the way to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
    /// To a key itself, which should not be there; always the last step.
    Name(String),
}

/// A mistake in the settings: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The way to the setting, from the top.
    pub path: Vec<Step>,
    /// What is wrong and what would be right, in one sentence.
    pub message: String,
}

impl SourceSettings {
    /// Reads the kind's own settings. `T` denies unknown fields; the problem names key and place.
    pub fn options<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        read::options(&self.table, self.index)
    }

    /// A mistake in this source's `key`.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem {
            path: vec![
                Step::Key("source".to_owned()),
                Step::Index(self.index),
                Step::Key(key.to_owned()),
            ],
            message: message.into(),
        }
    }
}

/// A name that every Prometheus accepts for a label, and does not keep for itself.
pub(crate) fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(plain)
        && name.starts_with(|first: char| !first.is_ascii_digit())
        && !name.starts_with("__")
}

impl SloSettings {
    /// What is promised, of which nothing is measured yet.
    pub fn promise(&self) -> Slo {
        Slo {
            rules: Arc::clone(&self.rules),
            min_bad_events: self.min_bad_events,
            ..Slo::new(
                self.service.as_str(),
                self.name.as_str(),
                self.source.clone(),
                self.objective,
                self.period,
                Origin::Config,
            )
        }
    }
}

impl Default for ActionSettings {
    /// Nothing may be changed; work begins at nine from Monday to Friday.
    fn default() -> Self {
        let days = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
        ];
        Self {
            enabled: false,
            require_comment: false,
            work: WorkHours {
                days: days.to_vec(),
                start: Time::constant(9, 0, 0, 0),
            },
            audit_log: None,
        }
    }
}

impl CommandScope {
    /// Every scope, by the word that the configuration says.
    pub const ALL: [(&str, Self); 3] = [
        ("slo", Self::Slo),
        ("release", Self::Release),
        ("incident", Self::Incident),
    ];
}

impl Settings {
    /// The SLOs that a source measures.
    pub fn slos_of<'a>(&'a self, source: &SourceName) -> impl Iterator<Item = &'a SloSettings> {
        let slos = self.slos.iter();
        slos.filter(move |slo| slo.source == *source)
    }

    /// The settings without any file: nothing to ask, everything else at its default.
    pub fn empty() -> Self {
        Self {
            ui: UiSettings {
                mouse: false,
                context: String::new(),
                timezone: TimeZone::UTC,
                theme: ThemeChoice::Auto,
                ascii: false,
                bell: BellChoice::Page,
                views: Vec::new(),
                services: Vec::new(),
                notify: NotifyChoice::Off,
                opening: Opening::default(),
            },
            keys: BTreeMap::new(),
            sources: Vec::new(),
            slos: Vec::new(),
            services: Vec::new(),
            me: Me::default(),
            journal: JournalSettings::default(),
            actions: ActionSettings::default(),
            delivery: DeliverySettings::default(),
            wall: WallSettings::default(),
            gate: GateSettings::default(),
            policies: Vec::new(),
            exceptions: Vec::new(),
            budget_adjustments: Vec::new(),
            notify: Vec::new(),
            commands: Vec::new(),
            file: None,
        }
    }
}
