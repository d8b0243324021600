//! What help, manual and `docs/reference/exit-status.md` say of each command beside its options: exit
//! statuses, examples, notes.

use super::help::{Page, Watches};

/// Mistakes end every command alike; 1 and 2 would read as a ticket and a page.
const MISTAKE: (u8, &str) = (3, "a mistake in usage or configuration");

/// Statuses of the commands that answer with a verdict.
const VERDICT: &[(u8, &str)] = &[
    (0, "ok: every SLO is known to hold"),
    (
        1,
        "ticket: a ticket rule fires, and no page can be behind it",
    ),
    (2, "page: a page rule fires"),
    (
        3,
        "unknown: a source failed, an SLO is unknown or has no data; or a mistake in usage or \
         configuration",
    ),
];

/// Statuses of the commands that change something elsewhere.
const ACTED: &[(u8, &str)] = &[
    (0, "done, or shown what would be done"),
    (1, "some of it failed, or there was nothing to do"),
    (
        3,
        "not known what to do: a source does not answer, no source knows the service or silence; \
         or a mistake in usage or configuration",
    ),
];

const ACTED_NOTES: &str = "\
Nothing is changed without --yes, and nothing without `enabled = true` in [actions]. What is done is \
written to the audit log before and after.";

const PRINTED: &[(u8, &str)] = &[(0, "printed"), MISTAKE];

/// Every command, in the order of the help.
pub(super) const PAGES: &[Page] = &[
    Page {
        path: "",
        watches: Watches::All,
        statuses: &[
            (0, "left by a key"),
            (
                3,
                "no terminal, nothing to watch, or a mistake in usage or configuration",
            ),
            (
                129,
                "the terminal is gone; ended by a signal: 128 + its number",
            ),
        ],
        examples: &[
            (
                "watchfire demo",
                "a small world of its own, no server needed",
            ),
            (
                "watchfire --prometheus http://localhost:9090",
                "the SLOs of a Prometheus",
            ),
            (
                "watchfire --plain",
                "what changes, a sentence a line, for screen readers",
            ),
            (
                "watchfire config > ~/.config/watchfire/config.toml",
                "begin a configuration file",
            ),
        ],
        notes: "\
The configuration file is --config, else $WATCHFIRE_CONFIG, else $XDG_CONFIG_HOME/watchfire/config.toml, \
else ~/.config/watchfire/config.toml.",
    },
    Page {
        path: "demo",
        watches: Watches::Nothing("it watches its own world"),
        statuses: &[
            (0, "left by a key"),
            (3, "no terminal, or a mistake in usage"),
        ],
        examples: &[
            ("watchfire demo", "the story as it happens"),
            ("watchfire demo --speed 5", "five times faster"),
            (
                "watchfire demo --no-rules",
                "a Prometheus without SLO rules: suggested SLOs",
            ),
            ("watchfire demo --wall", "the same on a wall"),
        ],
        notes: "",
    },
    Page {
        path: "wall",
        watches: Watches::All,
        statuses: &[
            (0, "left by a key"),
            (
                3,
                "no terminal, nothing to watch, or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire wall", "until `q` or ctrl-c is pressed"),
            (
                "watchfire wall --config /etc/watchfire/wall.toml",
                "with a configuration of its own",
            ),
        ],
        notes: "\
Nothing can be changed from a wall. It follows changes of its configuration file; one with a mistake is \
named on the wall, and the one before stays. [wall] sets how long a page stands, dim hours, and a URL for \
an external check that the wall is alive. A wall that stands still for 15 s begins anew, and `WatchdogSec` \
of systemd is served.",
    },
    Page {
        path: "status",
        watches: Watches::All,
        statuses: VERDICT,
        examples: &[
            ("watchfire status", "everything, as a table"),
            (
                "watchfire status --service checkout --timeout 5s",
                "one service, within 5 seconds",
            ),
            (
                "watchfire status checkout/availability -o json",
                "one SLO, for programs",
            ),
            (
                "watchfire status --at \"yesterday 14:00\"",
                "as it was then",
            ),
            (
                "watchfire status -o nagios",
                "a line for a monitoring plugin",
            ),
        ],
        notes: "\
On a terminal the table fits its width: the windows of the rule that fires, or of the rule that is \
closest to it, and the beginning of the note. --wide, and a pipe, have every window and whole notes; -o \
tsv separates columns by tabs.",
    },
    Page {
        path: "slos",
        watches: Watches::All,
        statuses: VERDICT,
        examples: &[
            ("watchfire slos", "the SLOs, worst first"),
            ("watchfire slos -o tsv | cut -f1", "their ids alone"),
        ],
        notes: "",
    },
    Page {
        path: "incidents",
        watches: Watches::All,
        statuses: VERDICT,
        examples: &[
            (
                "watchfire incidents --service checkout",
                "those of one service",
            ),
            ("watchfire incidents -o json", "for programs"),
        ],
        notes: "",
    },
    Page {
        path: "releases",
        watches: Watches::All,
        statuses: VERDICT,
        examples: &[
            ("watchfire releases", "newest first"),
            (
                "watchfire releases --at 2h -o json",
                "as they stood two hours ago, for programs",
            ),
        ],
        notes: "",
    },
    Page {
        path: "import",
        watches: Watches::Nothing("it converts files alone"),
        statuses: &[
            (0, "everything was converted"),
            (
                3,
                "something could not be converted (what could is printed all the same); or a mistake \
                 in usage",
            ),
        ],
        examples: &[
            (
                "watchfire import slos/ > slos.toml",
                "every document of a folder",
            ),
            (
                "watchfire import checkout.yaml -",
                "a file, and standard input",
            ),
            (
                "watchfire import slos/ -o github",
                "warnings and refusals as annotations of GitHub",
            ),
        ],
        notes: "\
The tables go to stdout, what could not be converted or means something else to stderr. The files can \
also be used as they are: [[slo_files]].",
    },
    Page {
        path: "gate",
        watches: Watches::All,
        statuses: &[
            (0, "yes; with --dry-run whatever the answer"),
            (1, "no: a policy freezes releases"),
            (
                3,
                "cannot tell: something that could change the answer is missing, old or an estimate \
                 (0 with --fail-open); or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            (
                "watchfire gate --service checkout",
                "may it be released now?",
            ),
            (
                "watchfire gate --service checkout --service cart --wait 30m",
                "wait until both may be released, half an hour at most",
            ),
            (
                "watchfire gate --service checkout --kind security --version v2.31.1 -o json",
                "a security fix, for programs",
            ),
        ],
        notes: "\
The policies are those of [[policy]] that cover the service; without any, releases freeze while a page \
rule fires or the budget is spent. What cannot be known is never a yes. With --wait each change of the \
answer goes to stderr, the last one to stdout.",
    },
    Page {
        path: "explain",
        watches: Watches::All,
        statuses: &[
            (0, "explained"),
            (
                3,
                "no such SLO, its numbers cannot be had, or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            (
                "watchfire explain checkout/availability",
                "every number of one SLO",
            ),
            (
                "watchfire explain checkout/availability --at 2h",
                "as it was two hours ago",
            ),
            (
                "watchfire explain --plan",
                "the requests that a refresh sends",
            ),
        ],
        notes: "",
    },
    Page {
        path: "doctor",
        watches: Watches::All,
        statuses: &[
            (0, "healthy: notes at most"),
            (1, "an error or a warning was found"),
            (
                3,
                "a source does not answer, so what is wrong with it is not known; or a mistake in \
                 usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire doctor", "every source and every SLO"),
            ("watchfire doctor checkout/availability", "one SLO"),
            (
                "watchfire doctor --source prod -o json",
                "one source, for programs",
            ),
            (
                "watchfire doctor --bundle report.md --log watchfire.log",
                "a file for a bug report, with the requests of this run",
            ),
        ],
        notes: "",
    },
    Page {
        path: "verify",
        watches: Watches::All,
        statuses: &[
            (
                0,
                "healthy: the whole time has passed and errors did not rise",
            ),
            (1, "burning: errors rose after the release"),
            (
                3,
                "cannot tell, with what is missing (gaps, too few events, another release, no SLO); or \
                 a mistake in usage or configuration",
            ),
        ],
        examples: &[
            (
                "watchfire verify --service checkout --version v2.31.0",
                "watch a release for 15 minutes from its end",
            ),
            (
                "watchfire verify --service checkout --since now --for 30m",
                "from this moment on, without a source of releases",
            ),
            (
                "watchfire verify --service checkout --release 991 --until 14:30 -o json",
                "a past release, judged at once, for programs",
            ),
        ],
        notes: "\
It ends early only when a page rule fires by errors since the release. SIGINT and SIGTERM end it with the \
last verdict, which is 3 before the time has passed. On a terminal stderr shows how far it is.",
    },
    Page {
        path: "handoff",
        watches: Watches::All,
        statuses: &[
            (0, "written; what is not known is in it"),
            (
                3,
                "no journal, or it holds nothing of that time; or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire handoff", "the last eight hours, as Markdown"),
            (
                "watchfire handoff --since 22:00 --until 06:00 > night.md",
                "a shift that has ended",
            ),
        ],
        notes: "\
It is made from the journal, which the screen writes while it runs. Of a shift that ends now the sources \
of SLOs are polled for their budgets.",
    },
    Page {
        path: "report",
        watches: Watches::All,
        statuses: &[
            (0, "written; what is not known is in it"),
            (
                3,
                "nothing is known of that time, or no source knows the service or SLO; or a mistake \
                 in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire report", "the last 30 days, as Markdown"),
            (
                "watchfire report --since 90d --service checkout -o html > checkout.html",
                "one service, as a page with charts",
            ),
            (
                "watchfire report --since 2026-10-01 --until 2026-11-01 --timezone Europe/Berlin -o json",
                "a month in the days of Berlin, for programs",
            ),
            (
                "watchfire report --slo checkout/availability --since 12:00 --until 15:00 -o html > incident.html",
                "one incident, for its post-mortem",
            ),
        ],
        notes: "\
Events of SLOs come from the history of their sources, releases and incidents from the dated rows that \
sources list and from the journal. What a source that was blind would have said is null, and a dash. \
With --slo the report is on one incident of that SLO: times are whole minutes, 31 days at most.",
    },
    Page {
        path: "timeline",
        watches: Watches::All,
        statuses: &[
            (0, "printed; what is not known is in it"),
            (
                3,
                "nothing is known of that time; or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire timeline --since 2h", "the last two hours"),
            (
                "watchfire timeline --since 09:00 --until 11:00 --service checkout -o csv > checkout.csv",
                "a morning of one service, for a spreadsheet",
            ),
        ],
        notes: "\
Times are UTC, to the second. `at` is when something happened, `seen` when watchfire learned of it: \
now, of what a source lists and no journal saw.",
    },
    Page {
        path: "note",
        watches: Watches::Configuration("it writes to the journal alone"),
        statuses: &[
            (0, "kept"),
            (
                3,
                "no journal, or it cannot be written; or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire note \"drained eu-1\"", "on this moment"),
            (
                "watchfire note \"customers called\" --at 09:12",
                "on an earlier one",
            ),
        ],
        notes: "\
Notes stand in the timeline of the screen, in hand-overs and in `watchfire timeline`.",
    },
    Page {
        path: "ack",
        watches: Watches::All,
        statuses: ACTED,
        examples: &[
            (
                "watchfire ack --service checkout",
                "shows what would be acknowledged",
            ),
            (
                "watchfire ack --service checkout --severity page --yes",
                "acknowledges its pages",
            ),
        ],
        notes: ACTED_NOTES,
    },
    Page {
        path: "silence",
        watches: Watches::All,
        statuses: ACTED,
        examples: &[
            (
                "watchfire silence --service checkout --for 1h --comment \"rollback under way\"",
                "shows what would be silenced",
            ),
            (
                "watchfire silence --matcher service=checkout --until work --yes",
                "silences until work begins",
            ),
            (
                "watchfire silence --expire 2d1c8a4e --yes",
                "ends a silence now",
            ),
        ],
        notes: ACTED_NOTES,
    },
    Page {
        path: "source",
        watches: Watches::All,
        statuses: &[MISTAKE],
        examples: &[(
            "watchfire source test deploys",
            "tries the source `deploys`",
        )],
        notes: "",
    },
    Page {
        path: "source test",
        watches: Watches::All,
        statuses: &[
            (0, "it answered, and nothing failed"),
            (
                3,
                "no answer, or a part failed; or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            (
                "watchfire source test deploys",
                "requests, rows, and what was dropped",
            ),
            ("watchfire source test deploys -o json", "for programs"),
        ],
        notes: "",
    },
    Page {
        path: "record",
        watches: Watches::All,
        statuses: &[
            (0, "recorded, to its end or until ctrl-c"),
            (
                3,
                "the file exists or cannot be written, the journal holds nothing of that time; or a \
                 mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire record now.wfr --for 10m", "the next ten minutes"),
            (
                "watchfire record night.wfr --since 8h",
                "the last eight hours, from the journal",
            ),
        ],
        notes: "\
The file holds what the screen would show: names, titles, labels, queries, links. No credential is in \
it. Read it before you pass it on: `watchfire replay FILE`.",
    },
    Page {
        path: "replay",
        watches: Watches::Configuration("it asks no server"),
        statuses: &[
            (0, "left by a key"),
            (
                3,
                "no terminal, a file that is no recording, or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            ("watchfire replay night.wfr", "as it happened"),
            (
                "watchfire replay night.wfr --speed 60 --at 1h",
                "its last hour, a minute a second",
            ),
        ],
        notes: "",
    },
    Page {
        path: "rules",
        watches: Watches::All,
        statuses: &[
            (0, "printed; what cannot be a rule is on stderr"),
            (
                3,
                "no SLO of the configuration can be a rule; or a mistake in usage or configuration",
            ),
        ],
        examples: &[
            (
                "watchfire rules > watchfire.rules.yml",
                "the rules of all configured SLOs",
            ),
            (
                "watchfire rules --tests > watchfire.tests.yml",
                "their unit tests, for promtool",
            ),
            (
                "watchfire rules -o github",
                "what cannot be a rule, as annotations of GitHub",
            ),
        ],
        notes: "",
    },
    Page {
        path: "config",
        watches: Watches::Nothing("it prints the example"),
        statuses: PRINTED,
        examples: &[
            (
                "mkdir -p ~/.config/watchfire",
                "its folder, where it is missing",
            ),
            (
                "watchfire config > ~/.config/watchfire/config.toml",
                "begin a configuration file",
            ),
        ],
        notes: "",
    },
    Page {
        path: "config check",
        watches: Watches::All,
        statuses: &[
            (0, "every file is right; warnings are on stderr"),
            (
                3,
                "a file cannot be read or is wrong: stderr names place, reason and fix",
            ),
        ],
        examples: &[
            ("watchfire config check", "the file that would be read"),
            (
                "watchfire config check new.toml -o github",
                "one file, as annotations of GitHub",
            ),
        ],
        notes: "",
    },
    Page {
        path: "config view",
        watches: Watches::All,
        statuses: PRINTED,
        examples: &[
            (
                "watchfire config view",
                "file, environment and flags, merged",
            ),
            ("watchfire config view -o json", "for programs"),
        ],
        notes: "\
A secret is shown as the place where it is kept, never as its value; values in the query of a URL are \
left out.",
    },
    Page {
        path: "init",
        watches: Watches::All,
        statuses: &[
            (0, "written, printed, or there already"),
            (
                3,
                "nothing was written: no server answered, or the file cannot be written; or a \
                 mistake in usage",
            ),
        ],
        examples: &[
            (
                "watchfire init --prometheus http://localhost:9090",
                "sources, services and suggested SLOs of this server",
            ),
            (
                "watchfire init --prometheus http://localhost:9090 --output -",
                "the same, printed",
            ),
        ],
        notes: "\
On a terminal it asks at most three questions. It never overwrites a file: where another one is there, \
the proposal goes to FILE.new and the difference is printed. Tokens in GITHUB_TOKEN, GITLAB_TOKEN, \
PAGERDUTY_TOKEN and the like are tried with one read-only request each; the file names the variable, \
never its value.",
    },
    Page {
        path: "schema",
        watches: Watches::Nothing("it prints a schema"),
        statuses: PRINTED,
        examples: &[(
            "watchfire schema > ~/.config/watchfire/watchfire.schema.json",
            "beside the configuration, whose first line names it: `#:schema ./watchfire.schema.json`",
        )],
        notes: "",
    },
    Page {
        path: "completions",
        watches: Watches::Nothing("it prints a script"),
        statuses: PRINTED,
        examples: &[
            (
                "mkdir -p ~/.local/share/bash-completion/completions ~/.zfunc ~/.config/fish/completions",
                "the folders below, where they are missing",
            ),
            (
                "watchfire completions bash > ~/.local/share/bash-completion/completions/watchfire",
                "bash, from the next shell on (with the package bash-completion)",
            ),
            (
                "watchfire completions zsh > ~/.zfunc/_watchfire",
                "zsh, with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc",
            ),
            (
                "watchfire completions fish > ~/.config/fish/completions/watchfire.fish",
                "fish, from the next shell on",
            ),
            (
                "source <(watchfire completions bash)",
                "this bash alone; zsh likewise",
            ),
        ],
        notes: "\
The script asks the program itself: services, SLOs and sources are those of the configuration and of the \
journal.",
    },
    Page {
        path: "man",
        watches: Watches::Nothing("it prints the manual"),
        statuses: &[
            (0, "printed or written"),
            (
                3,
                "no such command, a folder that cannot be written, or a mistake in usage",
            ),
        ],
        examples: &[
            ("watchfire man | man -l -", "the page of the program"),
            (
                "watchfire man config check | man -l -",
                "the page of a command",
            ),
            (
                "watchfire man --directory ~/.local/share/man/man1",
                "every page, for man",
            ),
        ],
        notes: "",
    },
    Page {
        path: "help",
        watches: Watches::Nothing("it prints help"),
        statuses: &[(0, "printed"), (3, "no such command")],
        examples: &[
            ("watchfire help status", "as `watchfire status --help`"),
            ("watchfire help config check", "a command of a command"),
        ],
        notes: "",
    },
];
