//! The command line: what can be typed. Nothing here does anything.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{FlagSource, Overrides};
use crate::demo::Speed;
use crate::domain::window::NotADuration;
use crate::domain::{Severity, Window};

mod matchers;
mod when;

pub use self::matchers::Matchers;
use self::matchers::matchers;
pub use self::when::When;
use self::when::when;

/// What is burning, what changed, who has it: a terminal watch for on-call engineers.
///
/// Without a command the live screen starts. Sources come from a configuration file, or from
/// --prometheus and --alertmanager, or both.
#[derive(Debug, Parser)]
#[command(
    name = "watchfire",
    version,
    after_help = "Begin with `watchfire demo`, or `watchfire --prometheus URL`.",
    after_long_help = "Begin with `watchfire demo`, or `watchfire --prometheus URL`.\n\
                  `watchfire config` prints a commented configuration file. It is read from\n\
                  --config, or $WATCHFIRE_CONFIG, or $XDG_CONFIG_HOME/watchfire/config.toml, or\n\
                  ~/.config/watchfire/config.toml: the first that there is.\n\
                  Usage and configuration errors exit with status 3."
)]
pub struct Cli {
    /// Whom to watch.
    #[command(flatten)]
    pub watch: Watch,
    /// What to do instead of showing the screen.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Whom to watch: options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What to watch")]
pub struct Watch {
    /// Read this configuration file and no other
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Watch this Prometheus (or Thanos, Mimir, VictoriaMetrics); may be repeated
    #[arg(long, global = true, value_name = "URL")]
    pub prometheus: Vec<String>,
    /// Watch this Alertmanager; may be repeated
    #[arg(long, global = true, value_name = "URL")]
    pub alertmanager: Vec<String>,
}

/// What the exit status of `status` says.
const EXIT_STATUSES: &str = "\
Exit status:
  0  ok: every SLO is known to hold
  1  ticket: a ticket rule fires, and no page can be behind it
  2  page: a page rule fires
  3  unknown: something keeps it from being known, such as a source that failed
     or an SLO without data; mistakes in usage and configuration as well";

/// What the exit status of `config check` says.
const CONFIG_STATUSES: &str = "\
Exit status:
  0  printed, or every file is right
  3  a file cannot be read or is wrong; stderr says where, why and what to do";

/// What the exit status of `import` says.
const IMPORT_STATUSES: &str = "\
Exit status:
  0  everything was converted
  3  something could not be converted; what could is printed all the same

The tables go to stdout, what could not be converted or means something else to
stderr. The files can also be used as they are: [[slo_files]].";

/// What the exit status of `explain` says.
const EXPLAIN_STATUSES: &str = "\
Exit status:
  0  explained
  3  no such SLO, or its numbers cannot be had";

/// What the exit status of `doctor` says.
const DOCTOR_STATUSES: &str = "\
Exit status:
  0  healthy
  1  something is to be done: an error or a warning was found
  3  it could not run: mistakes in usage and configuration";

/// What the exit status of `handoff` says.
const HANDOFF_STATUSES: &str = "\
Exit status:
  0  written; what was not known is told in it
  3  there is nothing to write it from: no journal, or one that holds nothing of
     that time; mistakes in usage and configuration as well

It is made from the journal, which the screen writes while it runs. Nobody is
asked. What is open, burning and not known is told as of the end.";

/// What the exit status of `ack` and `silence` says.
const ACT_STATUSES: &str = "\
Exit status:
  0  done, or shown what would be done
  1  some of it failed or cannot be done
  3  it is not known what is to be done: a source that does not answer, a service
     or silence that nobody knows, mistakes in usage and configuration

Nothing is changed without --yes, and nothing without `enabled = true` in
[actions]. What is done is written to the audit log before and after.";
/// What the exit status of `source test` says.
const TEST_STATUSES: &str = "\
Exit status:
  0  it answered, and nothing failed
  3  it did not answer or a part failed; mistakes in usage and configuration";

/// What the exit status of `record` says, and what is in the file.
const RECORD_STATUSES: &str = "\
Exit status:
  0  recorded, be it to its end or until ctrl-c
  3  not recorded: the file is there already or cannot be written, the journal
     knows nothing of that time, mistakes in usage and configuration

The file holds what the screen would show: names, titles, labels, queries, links.
No credential is in it. Read it before you pass it on: `watchfire replay FILE`.";

/// How a recording is moved about in.
const REPLAY_KEYS: &str = "\
p stops it and lets it go on, [ and ] go a minute back and forth, { and } to the
event before and after, 0 to the end. Nothing is asked and nothing is kept.";

/// What to do instead of showing the screen.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a small made-up world: a bad release that burns, pages and recovers
    Demo(Demo),
    /// Ask every source once and print the answer, with an exit status for scripts
    #[command(after_help = EXIT_STATUSES)]
    Status(Status),
    /// Ask every source once and list the SLOs
    #[command(after_help = EXIT_STATUSES)]
    Slos(List),
    /// Ask every source once and list the incidents
    #[command(after_help = EXIT_STATUSES)]
    Incidents(List),
    /// Ask every source once and list the releases
    #[command(after_help = EXIT_STATUSES)]
    Releases(List),
    /// Convert SLOs of OpenSLO v1, Sloth v1 and Pyrra into tables of the configuration
    #[expect(clippy::doc_markdown, reason = "the help shows it as it is")]
    #[command(after_help = IMPORT_STATUSES)]
    Import(Import),
    /// Explain every number of one SLO: counts, windows, rules, samples, gaps, queries
    #[command(after_help = EXPLAIN_STATUSES)]
    Explain(Explain),
    /// Look for what keeps numbers from being right, and say what to do about it
    #[command(after_help = DOCTOR_STATUSES)]
    Doctor(Doctor),
    /// Write the hand-over of a shift, from what was seen and done in it
    #[command(after_help = HANDOFF_STATUSES)]
    Handoff(Handoff),
    /// Acknowledge what is open of a service, wherever that can be done; shows it first
    #[command(after_help = ACT_STATUSES)]
    Ack(Ack),
    /// Silence alerts for a time, or move or end a silence; shows it first
    #[command(after_help = ACT_STATUSES)]
    Silence(Silence),
    /// Try one source out: what it is asked, what it answers, what becomes of that
    #[command(subcommand)]
    Source(SourceCommand),
    /// Record what the sources say into a file, or what the journal holds of a time
    #[command(after_help = RECORD_STATUSES)]
    Record(Record),
    /// Show a recording on the same screen, marked REPLAY
    #[command(after_help = REPLAY_KEYS)]
    Replay(Replay),
    /// Print recording and alerting rules for the configured SLOs
    ///
    /// For Prometheus, Thanos, Mimir and VictoriaMetrics (vmalert), under the names that Sloth
    /// gives. watchfire reads what they record instead of asking for it again. What cannot be a
    /// rule is said on stderr and at the top of the file.
    Rules(Rules),
    /// Print a commented example of the configuration file, or check one
    #[command(args_conflicts_with_subcommands = true, after_help = CONFIG_STATUSES)]
    Config {
        /// What to do instead
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Options of `demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// How many times faster than written the story goes, 1 to 60
    #[arg(long, value_name = "N", default_value = "1")]
    pub speed: Speed,
    /// Show a Prometheus without any SLO rules: the SLOs are suggested from its metrics
    #[arg(long)]
    pub no_rules: bool,
}

/// Options of `record`.
#[derive(Args, Clone, Debug)]
pub struct Record {
    /// Where to; there must be no such file yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// End after so long: 10m, 8h; until ctrl-c otherwise
    #[arg(long = "for", value_name = "LENGTH", value_parser = length)]
    pub length: Option<Window>,
    /// Take it from the journal, from this moment on: 8h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true, conflicts_with = "length")]
    pub since: Option<When>,
    /// Until this moment; until now otherwise
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true, requires = "since")]
    pub until: Option<When>,
}

/// Options of `replay`.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// What `record` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many seconds of it go by in one, 0 to 3600; 0 stands still
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub speed: u32,
    /// Begin at this moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub at: Option<When>,
}

/// Options of `status`.
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// What to ask about
    #[command(flatten)]
    pub scope: Scope,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = StatusFormat::Text)]
    pub format: StatusFormat,
    /// Ask again and again, at the interval of the fastest source; one line of JSON each time
    #[arg(long, conflicts_with = "at")]
    pub watch: bool,
}

/// Which rows are asked for, and of when.
#[derive(Args, Clone, Debug)]
pub struct Scope {
    /// These SLOs only: `service/name`, or the beginning of only one
    #[arg(value_name = "SLO")]
    pub slos: Vec<String>,
    /// This service only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Ask this source only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// A past moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub at: Option<When>,
    /// Wait no longer than this for any source
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub timeout: Option<Window>,
}

/// Options of `slos`, `incidents` and `releases`.
#[derive(Args, Clone, Debug)]
pub struct List {
    /// What to ask about
    #[command(flatten)]
    pub scope: Scope,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// Options of `config`.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check configuration files without a network
    Check {
        /// The files; without any, the one that would be read
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Options of `import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Files with documents, which may refer to each other; `-` reads stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Options of `explain`.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Which one: `service/name`, `service/name@source`, or the beginning of only one
    #[arg(value_name = "SLO", required_unless_present = "plan")]
    pub slo: Option<String>,
    /// A past moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub at: Option<When>,
    /// Print the requests that a refresh sends (those for this SLO alone, if one is named), and
    /// which SLOs each serves
    #[arg(long)]
    pub plan: bool,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `handoff`.
#[derive(Args, Clone, Debug)]
pub struct Handoff {
    /// When the shift began: 8h before its end, 09:00, yesterday 22:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", default_value = "8h", value_parser = when, allow_hyphen_values = true)]
    pub since: When,
    /// When it ended; now otherwise
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    pub until: Option<When>,
    /// Do not keep it: the next one says what has changed since the one before
    #[arg(long)]
    pub no_keep: bool,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `ack`.
#[derive(Args, Clone, Debug)]
pub struct Ack {
    /// Of which service
    #[arg(long, value_name = "NAME")]
    pub service: String,
    /// Only what is as urgent as this
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub severity: Option<Urgency>,
    /// Only at this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: Doing,
}

/// Options of `silence`.
#[derive(Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["service", "matcher", "expire", "extend"])))]
pub struct Silence {
    /// Silence a service, by the label that names it in its alerts
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Silence what has these labels: name=value, name!=value, name=~regex, name!~regex; may be
    /// repeated, then all have to match
    #[arg(long, value_name = "MATCHER", value_parser = matchers)]
    pub matcher: Vec<Matchers>,
    /// End this silence now
    #[arg(long, value_name = "ID")]
    pub expire: Option<String>,
    /// Move the end of this silence
    #[arg(long, value_name = "ID")]
    pub extend: Option<String>,
    /// For so long: 15m, 4h, 2d
    #[arg(long = "for", value_name = "LENGTH", conflicts_with_all = ["until", "expire"])]
    pub length: Option<String>,
    /// Until then: 09:00, `fri 09:00`, `tomorrow 09:00`, work, or RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "expire")]
    pub until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Only at this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: Doing,
}

/// Whether something is done, and how that is printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Doing {
    /// Do it
    #[arg(long)]
    pub yes: bool,
    /// Only show what would be done, as without --yes
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// What to do with one source.
#[derive(Clone, Debug, Subcommand)]
pub enum SourceCommand {
    /// Ask a source once: requests, rows as they are mapped, and what was dropped and why
    ///
    /// Addresses are printed without the values of their query, and no credential is. For a `json`
    /// source whose programs drop rows, the first object of the answer is printed as well.
    #[command(after_help = TEST_STATUSES)]
    Test(SourceTest),
}

/// Options of `source test`.
#[derive(Args, Clone, Debug)]
pub struct SourceTest {
    /// Which one, by its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// How urgent an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Urgency {
    /// Somebody has to look now.
    Page,
    /// Somebody should look in working hours.
    Ticket,
    /// Good to know.
    Info,
}

impl From<Urgency> for Severity {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Page => Self::Page,
            Urgency::Ticket => Self::Ticket,
            Urgency::Info => Self::Info,
        }
    }
}

/// Options of `rules`.
#[derive(Args, Clone, Debug)]
pub struct Rules {
    /// For which rule engine
    #[arg(long, value_enum, default_value_t = RuleFormat::Prometheus)]
    pub format: RuleFormat,
    /// Print unit tests of the rules instead, for `promtool test rules`: they take the rules from
    /// `watchfire.rules.yml` beside them
    #[arg(long)]
    pub tests: bool,
    /// Only for the SLOs that this source measures
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only for the SLOs of this service
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

/// For which rule engine `rules` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuleFormat {
    /// Prometheus' rule files, which Thanos, Mimir and vmalert read too.
    Prometheus,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[value(aliases = ["table", "md"])]
    Text,
    /// For programs; the fields stay as they are
    Json,
}

/// How a status is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// One line and performance data, as monitoring plugins print them
    Nagios,
    /// Metrics, for a textfile collector
    Prometheus,
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// Columns with tabs between them, the id first
    Tsv,
}

impl Cli {
    /// Parses arguments, the program's name first.
    ///
    /// Sources may be named before a command and behind it: clap keeps the last place alone, so all
    /// are moved behind it.
    ///
    /// # Errors
    /// Those of clap; help and version are among them.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::try_parse_from(sources_last(arguments))
    }
}

/// The arguments with every option that names a source, or the configuration, behind all others.
fn sources_last(arguments: &[OsString]) -> Vec<OsString> {
    let end = arguments.iter().position(|argument| argument == "--");
    let (options, rest) = arguments.split_at(end.unwrap_or(arguments.len()));
    let (mut others, mut sources) = (Vec::new(), Vec::new());
    let mut options = options.iter();
    while let Some(argument) = options.next() {
        let text = argument.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        if !["--config", "--prometheus", "--alertmanager"].contains(&name) {
            others.push(argument.clone());
            continue;
        }
        sources.push(argument.clone());
        if !text.contains('=') {
            sources.extend(options.next().cloned());
        }
    }
    others
        .into_iter()
        .chain(sources)
        .chain(rest.iter().cloned())
        .collect()
}

impl Watch {
    /// True when any of these options is there.
    pub fn is_given(&self) -> bool {
        self.config.is_some() || !self.prometheus.is_empty() || !self.alertmanager.is_empty()
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

/// A length of time.
fn length(text: &str) -> Result<Window, String> {
    text.parse()
        .map_err(|error: NotADuration| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sources_named_before_and_behind_a_command_add_up() {
        for words in [
            "--prometheus A status --prometheus=B",
            "status --prometheus A --prometheus B",
            "--prometheus A --prometheus B status",
            "--prometheus=A source test --prometheus B name",
        ] {
            let arguments = std::iter::once("watchfire").chain(words.split_whitespace());
            let arguments: Vec<OsString> = arguments.map(OsString::from).collect();
            let cli = Cli::from_arguments(&arguments).unwrap();
            assert_eq!(cli.watch.prometheus, ["A", "B"], "{words}");
        }
        for words in ["--config a status --config b", "--prometheus"] {
            let arguments = std::iter::once("watchfire").chain(words.split_whitespace());
            let arguments: Vec<OsString> = arguments.map(OsString::from).collect();
            assert!(Cli::from_arguments(&arguments).is_err(), "{words}");
        }
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
