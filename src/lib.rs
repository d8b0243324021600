//! watchfire: what is burning, what changed, who has it, in one terminal.
//!
//! This page is the architecture: the flow, the rooms, the rules, and how to add to each.
//!
//! # Flow: one way round
//!
//! ```text
//!       edge in                    pure core: no I/O, no clock, total          edge out
//!
//!   KINDS ─► Source::fetch              actions!      PANES
//!                │ bytes                   │            │
//!              parse       ┌───────────────▼────────────▼────────┐
//!                │ Facts   │                                     │
//!   poll task ── Report ─► │ update(&mut Model, Msg) ─► [Effect] │ ─► run: poll, act, keep, open, copy, quit
//!   terminal ─── Key ────► │   Store::absorb(Report)             │
//!   clock ────── now ────► │ screen(&Model, now) ─► Screen       │ ─► ui::draw  (ratatui)
//!                          └─────────────────────────────────────┘ ─► print     (text, JSON: status)
//! ```
//!
//! One verb a stage, everywhere: fetch, parse, report, absorb, project (screen), draw; for keys
//! resolve, update, perform. Effects are values. Nothing is shared and nothing is locked: one owner
//! of the model, bounded channels between tasks.
//!
//! # Rooms
//!
//! | module | what it is | never |
//! |---|---|---|
//! | [`text`] | `Untrusted` to `Shown`: the one way foreign text gets out | |
//! | [`domain`] | SLOs, releases, incidents, reports: nouns and arithmetic | a clock, I/O, a vendor's wire format |
//! | [`insight`] | since when it burns, which release may be behind it, what a shift leaves to the next | I/O, a clock, a verdict |
//! | [`store`] | the last good facts of each source, their age and their fault | sorting for display |
//! | [`dialect`] | SLOs as other tools write them, as tables of `[[slo]]` | checking what a `[[slo]]` may say |
//! | [`config`] | settings, layered and checked; mistakes that point at their line | a vendor's name |
//! | [`http`] | the one HTTP client: time-outs, a cap on bytes, no redirects, redaction | a vendor's name |
//! | [`source`] | one file a kind of source: options, wire types, fetch, parse; `source/kit` is what kinds share | the store's rows, the screen |
//! | [`state`] | what is kept on this machine: folders and files for their owner, `SQLite` files of ours | what is in them |
//! | [`journal`] | what was seen and done, in a file; the world as it was at a moment | deciding what to show of it |
//! | [`audit`] | what was ordered, by whom, and what became of it, in a file | changing a line |
//! | [`act`] | leave to change things; commands of the user's own | doing what is not written down |
//! | [`poll`] | one task a source, when it asks again, and orders in turn | interpreting facts |
//! | [`watch`] | from settings to sources and an empty store | |
//! | [`pane`] | store and time to rows of meaning; [`pane::PANES`] is the one list | colours |
//! | [`app`] | model, messages, effects, keys, and the finished `Screen` | tokio, ratatui, a clock |
//! | [`ui`] | draws a `Screen`; meaning to style | the model, the store, arithmetic |
//! | [`mod@print`] | the same facts as text and JSON | |
//! | [`term`] | the terminal: borrowed, painted, given back; keys in | |
//! | `reexec` | this executable again, as a child process | what the child does |
//! | [`run`] | the only event loop | business rules |
//! | [`demo`] | a small world behind real HTTP servers | a second code path |
//! | [`cli`], [`command`] | what can be typed, and what each verb does | |
//!
//! Beside `fetch` a source may look behind its numbers: `explain` (one SLO: samples, gaps, queries),
//! `examine` (what is wrong and what to do) and `requests` (what a refresh sends). Each has a default
//! that needs no more than an observation. `mapped` tells how its last answer became rows, and
//! [`http::trace`] what was sent for it: `source test` prints both. `x` goes the same way round as a poll:
//! an effect asks the source's own task, and what it says comes back as a message. So do `preview` and `act`: an order goes
//! to the task of its source, between polls and in turn, and the source is polled after it.
//!
//! `tests/architecture.rs` holds the directions of import, the homes of heavy crates and the
//! clocklessness of the core.
//!
//! # Rules that shape the rest
//!
//! - **Four values, not two.** A window says a ratio, no traffic, no series, or unknown
//!   ([`domain::Reading`]). Only the first is a number, and only a number can be shown as well.
//! - **Freshness is a state** ([`domain::Freshness`]). A failed poll takes no row away; it makes
//!   rows older, and what is old is never shown or counted as well.
//! - **Foreign text is a type** ([`text::Untrusted`]) without `Display`. It reaches a terminal, a log
//!   or a child process only as [`text::Shown`].
//! - **Foreign programs run elsewhere.** A jq program runs in a child process with limits on memory and
//!   time (`source/json/sandbox`): an allocation that fails or a stack that overflows ends that process.
//! - **A secret goes no further than [`http`].** Secrets are replaced in an answer's body before anything
//!   is read from it, so no message and no row can repeat one. One that may be a word of the data is
//!   replaced only in the fields that say what is wrong.
//! - **Time that went by is not the wall clock's difference.** A step of the wall clock makes stale what
//!   nothing has confirmed since ([`store::Store::clock_stepped`]).
//! - **One HTTP client** that follows no redirect, so no credential can go along; a fault is a
//!   sentence with a next step and without a secret.
//! - **One terminal guard** that gives the terminal back on return, error, panic, signal and when
//!   the terminal itself is gone; after a kill or an abort a child process does (`term/guardian`). A source that panics is a fault of that source.
//! - **The past is a store as well.** The journal gives back what every source had said at a moment, with
//!   its faults and ages; [`store::Store::as_of`] makes a store of it, and the same panes project it. So
//!   a replay cannot look other than the screen did, and what was unknown then is unknown again.
//! - **Draw on change only.** `screen` is compared with the last one; an equal one costs no byte.
//! - **Nothing without a look.** Acting is off until it is enabled. An order is bound to the row and
//!   the state of the key press; its source is asked what it would do; only a key upon just that
//!   sends it, once. What has changed meanwhile is refused (`app/desk`).
//! - **Nothing is changed by accident.** An [`domain::Order`] names one target and what was seen of it.
//!   [`act::Leave`] is the one gate: without `[actions] enabled = true`, or without its intent on the
//!   disk, an order is not begun. A source looks once more and sends one request; [`http`] never sends a
//!   changing one again, and what broke off after it was sent is [`domain::FaultKind::Unsure`], not a
//!   failure. An order that would have to wait for a server is refused, not carried out late.
//!
//! # Choices, and why
//!
//! - **crossterm for the terminal, keys and frames by us.** Raw mode, size, modes, the commands of frames
//!   and the types of events are crossterm's. Its reader is not used: crossterm 0.29 takes a whole core
//!   once the terminal is gone (crossterm-rs/crossterm#793), makes `esc`, `[` and `B` of a down arrow that ssh
//!   parted, and keys of a terminal's late replies. So `term/keys` decodes bytes into crossterm's events;
//!   `tests/terminal/plain.rs` holds both readers to the same bytes and fails once one of these is mended.
//!   `term/encode` chooses what a frame sends: 26 to 41 % fewer bytes than ratatui's backend for
//!   crossterm, 38 to 73 % fewer for a second that passes (`tests/screens/bytes.rs`). `rustix` polls, and
//!   carries the saved settings to the guardian, which crossterm keeps in a variable of its process.
//! - **A guardian beside the screen.** Nothing in a process can act after SIGKILL, an abort or an
//!   overflow of the stack, and a library may abort. So the screen runs this executable again as a
//!   child in a session of its own, which waits for the end of a connection and then undoes what
//!   the screen did to the terminal. It was chosen over forbidding what can abort, since that does not
//!   cover kills, and over a supervisor with the screen as its child, since then job control and exit
//!   statuses would pass through two processes.
//! - **Measure by shape.** Ratios that nobody recorded are planned: questions that differ only in the
//!   values of `=` matchers become one `sum by (label)` over a regular expression of the values, to
//!   the bit what each would answer by itself; others are joined by `or`, fifty a query. A thousand
//!   SLOs of one shape are some ten requests. A refused question is found by halving its query, and
//!   the length that a server takes is learned. What failed is mostly a part of what is counted: both
//!   are asked as `sum by (label, code)` and added up here, which the server reads once (and which
//!   differs from its own sum in the last bits at most), until a label has too many values for that.
//! - **Short windows each poll, long ones seldom.** Up to 1 h each time, up to 6 h each minute, above
//!   every 10 minutes; a screen's first poll asks for short ones alone and goes on at once.
//! - **A missing series is looked into.** `bad / total` is not recorded at all while nothing ever
//!   failed; the rule behind it is taken apart and its halves are asked, so that "never failed" and
//!   "no data" stay two things.
//! - **Missing is not zero.** One selector without series counts 0 where its metric exists and each
//!   label that it names is on some series of it; a label on none is unknown, and a metric that exists
//!   nowhere is an assumed 0, marked. Between vectors an operand without series leaves the value
//!   unknown, in exported rules as well. What exists is read from the server's index, only where an
//!   answer was empty, many metrics a request, and kept for minutes.
//! - **A first value is not nothing.** `increase` takes the first sample of a counter for no increase.
//!   The most that new series may have counted is asked for by merged questions, and exact first values
//!   only where they would move a burn rate; they count where their target was scraped before, as a
//!   lower bound (`source/prometheus/births`, and `openmetrics` for its own history).
//! - **The period is what its owner says it is.** Sloth's is a mean of 5m ratios, Pyrra's and ours
//!   are counted; a note beside the number says which. A mean of records that is younger than the
//!   series behind their rule is counted from these instead.
//! - **A record stands for a question only when it says the same.** `rules` writes and the source
//!   reads from one description of an SLO: by the same definition, whose fingerprint is a label, with
//!   exactly the rule's labels, and young. So rules may be loaded, changed or lost at any time.
//!   They chain nothing that may be a moment apart: bad events are never taken from a total of another
//!   evaluation.
//! - **The present is the server's.** A question about now carries no time: samples are dated by the
//!   server's clock, and the reader's own may be minutes off. Rounding it to a step, so that caches
//!   could answer, would make the newest minute of a burn late; courses over time are rounded, as
//!   nobody is paged by them. `--at` names its moment.
//! - **No SLO hides another.** An id is `service/name`. Labels in braces tell namesakes of one server
//!   apart (`pay{cluster=eu}`), the tool that defined it those of one configuration
//!   (`pay (Sloth)`), and `status` adds `@source` to an id that several sources have.
//! - **No events now is no data.** An SLO whose shortest window held no events is `no_data` unless a
//!   rule is known to fire, whatever its longer windows say. A rule whose one window is known to be
//!   below its factor does not fire, whatever the other is; else it is `null`.
//! - **A foreign document becomes the table that a `[[slo]]` would be.** So `import` and
//!   `[[slo_files]]` cannot differ, and one check reads all; what has no such table is refused.
//! - **A history of our own is Prometheus' arithmetic, joined.** `openmetrics` keeps samples, and for
//!   minutes and hours what `increase` needs of them: first, last, count, growth with resets. Two such
//!   join to one, so any window is read in one way back, and every series is extrapolated for itself as
//!   Prometheus does. Tables are ordered by time, so that a scrape writes a few pages. `SQLite`, since it
//!   survives a kill between any two bytes.
//! - **A kubeconfig is read by `kube`.** Client certificates, login commands and service accounts are
//!   its craft; it brings a client of its own, which one file uses under the rules of [`http`]: a cap
//!   on bytes, a time-out, no redirect, no second try, no foreign error repeated, and no login command
//!   may ask at the terminal. It costs most of a minute of a cold build, so the feature `kubernetes`
//!   can be left out; a server at `url` needs it not.
//! - **Factors of calendar periods stand still.** They are scaled to 7, 30, 90 and 365 days, so that
//!   no alert changes on the first of a month; the time to exhaustion uses the true length.
//! - **Equal is not above.** Thresholds are compared with the rounding of binary fractions in mind;
//!   `tests/oracle.rs` holds every number and verdict to exact fractions.
//! - **An estimate is marked, not hidden.** A period that data does not cover still has its ratio; a
//!   `~` and the words beside it say what it is worth.
//! - **Ranked once a report, sifted once a filter.** A board depends on facts alone and what it shows
//!   on filter and freshness alone, so that a key, a second and a pause cost the same with 10,000
//!   rows as with 100. What a report replaces is dropped by another thread ([`app::Spent`]).
//! - **Small where there are ten thousand.** Charts are 4 bytes a point on a grid
//!   ([`domain::slo::History`]), windows a slice ([`domain::slo::Windows`]), labels two pieces of
//!   memory; what is recorded of very many SLOs is asked for 500 at a time, and series are read one
//!   by one where what they become is larger than the answer. Sources are asked on one thread, as an
//!   allocator keeps what each thread needed for a moment; signals are heard on another.
//!   `cargo bench --bench memory` holds the whole to 64 MiB.
//! - **Rows are counted before they are read.** What is made of a row takes ten to a hundred times the
//!   memory of its text, and an allocator keeps it. So an answer with more rows than its source reads
//!   ([`http::RowLimit`]) is refused from its text, with the count, the limit and what to do; what it
//!   was to say is unknown. It was chosen over reading a part: which rows a server puts first is no
//!   choice of ours, and a part without its worst rows would look well.
//! - **Suspected from counts, not from lines.** The beginning of a burn is found by likelihood in bad
//!   and all events by the minute, which are asked for only while something burns; a rule that
//!   recorded a ratio is taken apart for its counts, since a ratio alone cannot tell load from a
//!   release. What is expensive about it is done once for each answer, in [`store::Store::absorb`].
//! - **The bell is for news, and a fire is no news twice.** It rings for a page that nobody has, once,
//!   whatever is looked at, and never for what somebody finds on coming to the screen. Awake mode
//!   judges an incident when it comes, by what is known then: what rang keeps its row. Folding hides,
//!   so whatever is worse, taken or silenced has a row of its own, and every count stays. A row goes
//!   only from the list that is shown (`app/roster`); the board, which counts and details are made
//!   of, has them all.
//! - **Always at one's place in the interval.** A poll after a failure, or after a time that the
//!   server named, waits for the watcher's own phase: hundreds are never closer together than when
//!   all is well.
//! - **A hand-over is a function of the journal.** So it can be made while everything is down, and made
//!   again of any shift that is remembered. Of one that ends now the budgets are polled as well; each
//!   is told with the date of its sample. Who could not tell is beside every list, and
//!   of a time that the journal does not hold there is none: an empty page would read as a quiet night.
//! - **Never resolved by silence.** Alerts end by themselves when their Prometheus dies. One that is no
//!   longer listed is over only when what evaluates it is live, nothing was missed and it did not run
//!   out (`store/gone`); else it is *gone*: a row of the same facts, so that screen, journal, scrub,
//!   hand-over and JSON cannot differ about it.
//! - **A timeline is a pane.** Its rows are events instead of facts; cursor, filter, detail and keys are
//!   those of every pane. The chart above it is drawn for steps of time and not for each second, so the
//!   journal is asked once for it, and what stands still costs nothing. Gaps of a curve are told by who knows
//!   how often was sampled, and drawn by who does not.
//! - **A journal is a film.** Whole frames now and then, in between the rows that changed: a moment is a
//!   few pages away however long the journal is, and what stands still costs nothing. Numbers of SLOs
//!   are sampled, verdicts are not; the close past of what burns is kept in pieces, of which only the
//!   newest changes. The file has seven eighths of its size and the log beside it one eighth. Who writes compares with what the file holds and not with what it
//!   remembers, so that several processes need no leader.
//! - **An allowance is spread, not spent.** What a server has left is divided over the time until it
//!   has more, at the price that polls have shown to have, others' spending included; one poll's worth
//!   stays for orders ([`http::Limits`]).
//!
//! # Adding things
//!
//! - **A source**: one file in `source/` with a `KIND` and one line in [`source::KINDS`]. Its options
//!   are a private struct that denies unknown fields; nothing in [`config`] changes.
//! - **A pane**: one file in `pane/` and one line in [`pane::PANES`].
//! - **A format of SLOs**: one file in `dialect/` and one line in its `kind.rs`.
//! - **A command of the screen**: one line in `actions!` and one arm in `update`; keys in the
//!   configuration, help, footer and README follow.
//! - **A verb of the command line**: one variant in [`cli::Command`] and one file in `command/`.

pub mod act;
pub mod app;
pub mod audit;
pub mod cli;
pub mod command;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod domain;
pub mod http;
pub mod insight;
pub mod journal;
pub mod pane;
pub mod poll;
pub mod print;
mod reexec;
pub mod run;
pub mod source;
pub mod state;
pub mod store;
pub mod term;
pub mod text;
pub mod ui;
pub mod watch;
