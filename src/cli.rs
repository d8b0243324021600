//! The command line: what can be typed. Nothing here does anything.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches as _, Parser, Subcommand, ValueEnum, ValueHint};

use crate::demo::Speed;
use crate::domain::Window;

mod acting;
mod format;
mod gate;
mod help;
mod length;
mod matchers;
mod pages;
mod report;
mod verify;
mod version;
mod watch;

pub use self::acting::{Ack, Doing, Silence, Urgency};
pub use self::format::{
    ConfigFormat, Format, ImportFormat, ListFormat, ReportFormat, RuleFormat, StatusFormat,
};
pub use self::gate::Gate;
pub use self::help::{Page, Watches, command, page, pages};
use self::length::length;
pub use self::matchers::Matchers;
pub use self::report::{EventFormat, Note, PaperFormat, Report, Timeline};
pub use self::verify::Verify;
pub use self::version::VERSION;
use self::watch::WATCH_OPTIONS;
pub use self::watch::Watch;
pub use crate::domain::When;

/// What is burning, what changed, who has it: a terminal watch for on-call engineers.
///
/// Without a command the live screen starts. Sources come from a configuration file, or from
/// --prometheus and --alertmanager, or both.
#[derive(Debug, Parser)]
#[command(name = "watchfire", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Sources and configuration.
    #[command(flatten)]
    pub watch: Watch,
    /// Show rows of this service only, until the filter is cleared; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Show this moment of the past first, from the journal: 1h, 09:00, yesterday 14:00, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub at: Option<When>,
    /// Select the row with this ID first
    #[arg(long, value_name = "ID")]
    pub select: Option<String>,
    /// Print changes line by line instead of showing the screen, for screen readers
    #[arg(long, conflicts_with_all = ["service", "at", "select"])]
    pub plain: bool,
    /// What to do instead of showing the screen.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of showing the screen.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a small made-up world: a bad release that burns, pages and recovers
    Demo(Demo),
    /// Show an unattended wall: what pages in large letters, or that all is well, or what is lost
    Wall,
    /// Poll every source once and print the answer, with an exit status for scripts
    Status(Status),
    /// Poll every source once and list the SLOs
    Slos(List),
    /// Poll every source once and list the incidents
    Incidents(List),
    /// Poll every source once and list the releases
    Releases(List),
    /// Convert SLOs of OpenSLO v1, Sloth v1 and Pyrra into tables of the configuration
    #[expect(clippy::doc_markdown, reason = "the help shows it as it is")]
    Import(Import),
    /// May a service be released now? Yes, no or cannot tell, by the error budget policies
    Gate(Gate),
    /// Explain every number of one SLO: counts, windows, rules, samples, gaps, queries
    Explain(Explain),
    /// Look for what keeps numbers from being right, and say what to do about it
    Doctor(Doctor),
    /// Tell whether errors rose after a release: watches it, then exits 0, 1 or 3
    Verify(Verify),
    /// Write the hand-over of a shift, from what was seen and done in it
    Handoff(Handoff),
    /// Report what SLOs attained, what spent their budgets, and how services deliver (DORA)
    Report(Report),
    /// Print what happened: releases, incidents, SLOs, sources, actions, notes
    Timeline(Timeline),
    /// Keep a note of your own on a moment, in the journal
    Note(Note),
    /// Acknowledge what is open of a service, wherever that can be done; shows it first
    Ack(Ack),
    /// Silence alerts for a time, or move or end a silence; shows it first
    Silence(Silence),
    /// Try one source out: what it is asked, what it answers, what becomes of that
    #[command(subcommand)]
    Source(SourceCommand),
    /// Record what the sources say into a file, or what the journal holds of a time
    Record(Record),
    /// Show a recording on the same screen, marked REPLAY
    Replay(Replay),
    /// Print recording and alerting rules for the configured SLOs
    ///
    /// For Prometheus, Thanos, Mimir and VictoriaMetrics (vmalert), under the names that Sloth
    /// gives. watchfire reads what they record instead of asking for it again. What cannot be a
    /// rule is said on stderr and at the top of the file.
    Rules(Rules),
    /// Print a commented example of the configuration file, or check one
    #[command(args_conflicts_with_subcommands = true)]
    Config {
        /// What to do instead
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// Look at the given servers and write a commented configuration of what is found
    Init(Init),
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
    /// Print the script that completes commands, services, SLOs and sources in a shell
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Print the manual page of the program or of a command (roff), or write them all
    Man(Man),
    /// Print the help of the program or of a command
    Help {
        /// Which command
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

impl Command {
    /// Its word on the command line, for the log of what takes sources.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Wall => "wall",
            Self::Status(_) => "status",
            Self::Slos(_) => "slos",
            Self::Incidents(_) => "incidents",
            Self::Releases(_) => "releases",
            Self::Import(_) => "import",
            Self::Gate(_) => "gate",
            Self::Explain(_) => "explain",
            Self::Doctor(_) => "doctor",
            Self::Verify(_) => "verify",
            Self::Handoff(_) => "handoff",
            Self::Report(_) => "report",
            Self::Timeline(_) => "timeline",
            Self::Note(_) => "note",
            Self::Ack(_) => "ack",
            Self::Silence(_) => "silence",
            Self::Source(_) => "source",
            Self::Record(_) => "record",
            Self::Replay(_) => "replay",
            Self::Rules(_) => "rules",
            Self::Config { .. } => "config",
            Self::Init(_) => "init",
            Self::Schema => "schema",
            Self::Completions { .. } => "completions",
            Self::Man(_) => "man",
            Self::Help { .. } => "help",
        }
    }
}

/// Options of `man`.
#[derive(Args, Clone, Debug)]
pub struct Man {
    /// Of which command; of the program without one
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write every page into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}

/// A shell that completions are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// Elvish.
    Elvish,
    /// fish.
    Fish,
    /// `PowerShell`.
    #[value(name = "powershell", help = "PowerShell")]
    PowerShell,
    /// zsh.
    Zsh,
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
    /// Show the wall of it instead of the screen
    #[arg(long)]
    pub wall: bool,
}

/// Options of `record`.
#[derive(Args, Clone, Debug)]
pub struct Record {
    /// Where to; there must be no such file yet
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// End after so long: 10m, 8h; until ctrl-c otherwise
    #[arg(long = "for", value_name = "LENGTH", value_parser = length)]
    pub length: Option<Window>,
    /// Take it from the journal, from this moment on: 8h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true, conflicts_with = "length")]
    pub since: Option<When>,
    /// Until this moment; until now otherwise
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true, requires = "since")]
    pub until: Option<When>,
}

/// Options of `replay`.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// What `record` wrote
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How many seconds of it go by in one, 0 to 3600; 0 stands still
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub speed: u32,
    /// Begin at this moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
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
    /// Poll again and again, at the interval of the fastest source; with -o json one line each time
    #[arg(long, conflicts_with = "at")]
    pub watch: bool,
    /// Print every window and whole notes, whatever the width of the terminal
    #[arg(long)]
    pub wide: bool,
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
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
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
    /// Print every window and whole notes, whatever the width of the terminal
    #[arg(long)]
    pub wide: bool,
}

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check configuration files without a network
    Check(ConfigCheck),
    /// Print the settings as file, environment and flags come to, secrets as names
    View {
        /// How to print them
        #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = ConfigFormat::Text)]
        format: ConfigFormat,
    },
}

/// Options of `config check`.
#[derive(Args, Clone, Debug)]
pub struct ConfigCheck {
    /// The files; without any, the one that would be read
    #[arg(value_name = "FILE", conflicts_with = "config", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Options of `init`.
#[derive(Args, Clone, Debug)]
pub struct Init {
    /// Write this file; `-` prints it. Default: the file that would be read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
}

/// Options of `import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Files with documents, which may refer to each other, or folders of them; `-` reads stdin
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// How to print them
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = ImportFormat::Text)]
    pub format: ImportFormat,
}

/// Options of `explain`.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Which one: `service/name`, `service/name@source`, or the beginning of only one
    #[arg(value_name = "SLO", required_unless_present = "plan")]
    pub slo: Option<String>,
    /// A past moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
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
    /// These SLOs only: `service/name`, or the beginning of only one
    #[arg(value_name = "SLO")]
    pub slos: Vec<String>,
    /// Look at this source only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// Look at the SLOs of this service only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Write a file for a bug report as well; no credential, host or person is in it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub bundle: Option<PathBuf>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Options of `handoff`.
#[derive(Args, Clone, Debug)]
pub struct Handoff {
    /// When the shift began: 8h before its end, 09:00, yesterday 22:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", default_value = "8h", value_parser = When::parse, allow_hyphen_values = true)]
    pub since: When,
    /// When it ended; now otherwise
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub until: Option<When>,
    /// Do not keep it: the next one says what has changed since the one before
    #[arg(long)]
    pub no_keep: bool,
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

/// Options of `rules`.
#[derive(Args, Clone, Debug)]
pub struct Rules {
    /// How to print them
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = RuleFormat::Prometheus)]
    pub format: RuleFormat,
    /// Print unit tests of the rules instead, for `promtool test rules`: they take the rules from
    /// `watchfire.rules.yml` beside them
    #[arg(long)]
    pub tests: bool,
    /// Only for the SLOs that this source measures; may be repeated
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
    /// Only for the SLOs of this service; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
}

impl Cli {
    /// Parses arguments, the program's name first.
    ///
    /// Sources may be named before a command and behind it: clap keeps the last place alone, so all
    /// are moved behind it.
    ///
    /// # Errors
    /// Those of clap; help and version are among them. Options that mean nothing to the command.
    pub fn from_arguments(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(sources_last(arguments))?;
        if let Some(why) = meaningless(&matches) {
            return Err(command.error(ErrorKind::ArgumentConflict, why));
        }
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        let of_screen = [
            ("service", !cli.service.is_empty()),
            ("at", cli.at.is_some()),
            ("select", cli.select.is_some()),
        ];
        let given = of_screen.into_iter().find(|(_, is_given)| *is_given);
        if let (Some((word, _)), Some((name, _))) = (matches.subcommand(), given) {
            let why =
                format!("`--{name}` before `{word}` is of the screen: write it behind `{word}`");
            return Err(command.error(ErrorKind::ArgumentConflict, why));
        }
        Ok(cli)
    }
}

/// What is wrong with an option of [`Watch`] that means nothing to the command.
fn meaningless(matches: &ArgMatches) -> Option<String> {
    let (mut leaf, mut words) = (matches, Vec::new());
    while let Some((word, inner)) = leaf.subcommand() {
        words.push(word);
        leaf = inner;
    }
    let path = words.join(" ");
    let watches = page(&path)?.watches;
    let given = WATCH_OPTIONS
        .into_iter()
        .find(|id| !watches.allows(id) && leaf.contains_id(id))?;
    let why = watches.reason();
    Some(format!("`{path}` takes no --{given}: {why}"))
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
        let is_ours = |id: &str| name.strip_prefix("--") == Some(id);
        if !WATCH_OPTIONS.iter().any(|id| is_ours(id)) {
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        command().debug_assert();
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
}
