//! watchfire: what is burning, what changed, who has it, in one terminal.
//!
//! This page is a map of the code: the flow, the modules with their invariants, and where things are
//! added. The reasons for the design are in `docs/decisions` of the repository, one page each; the guide
//! for users begins at `docs/README.md`.
//!
//! # Flow
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
//! Each source has one task, which polls it and sends a [`domain::Report`]. The event loop in [`run`] owns
//! the model. It passes reports, keys and the time to [`app::update()`], carries out the effects, and draws
//! [`app::screen()`] when the screen has changed. Nothing is shared and nothing is locked: tasks are
//! connected by bounded channels. Commands such as `status` poll once and print the same [`store::Store`].
//!
//! `x` (explain), a preview and an action take the same way: an effect goes to the task of the source, and
//! the result comes back as a message. An action runs between two polls of its source, which is polled
//! again after it.
//!
//! # Code map
//!
//! `tests/architecture.rs` checks which module may import which, which module may use a heavy crate, and
//! which modules may read the clock.
//!
//! ## [`text`]
//!
//! Text from servers: [`text::Untrusted`] as received, [`text::Shown`] as printed.
//!
//! **Invariant**: `Untrusted` has no `Display`. Foreign text reaches a terminal, a log or a child process
//! only as `Shown`, which contains no control characters.
//!
//! ## [`domain`]
//!
//! SLOs, releases, incidents, reports, actions: the vocabulary and the arithmetic of the program. A window
//! of an SLO is a [`domain::Reading`]: a ratio, no traffic, no series, or unknown.
//!
//! **Invariant**: no I/O, no clock, no wire format of a vendor. Only a ratio is a number, and only a number
//! can be `ok`.
//!
//! ## [`insight`]
//!
//! The onset of a burn, the ranking of releases before it, whether a release held, and the hand-over of a
//! shift.
//!
//! **Invariant**: a function of facts and time, without I/O. A suspect is a hint: no state, verdict or exit
//! status depends on it.
//!
//! ## [`store`]
//!
//! The last good facts of each source, their age and their fault; incidents that are gone.
//! [`store::Store::as_of`] makes a store of a past moment.
//!
//! **Invariant**: a failed poll removes no row; it makes rows older. What is not fresh never counts as `ok`.
//! After a step of the wall clock ([`store::Store::clock_stepped`]), facts are stale until they are confirmed.
//! The store knows no vendor and does not sort for display.
//!
//! ## [`dialect`]
//!
//! `OpenSLO`, Sloth and Pyrra documents, converted to tables of `[[slo]]`.
//!
//! **Invariant**: it only converts. What a `[[slo]]` may contain is checked in [`config`].
//!
//! ## [`config`]
//!
//! Settings from file, environment and flags, and mistakes that point at their line.
//!
//! **Invariant**: it knows no vendor: the settings of a kind of source are read by that kind. A secret is
//! fetched when it is used, and is never written down.
//!
//! ## [`http`]
//!
//! The HTTP client of all sources: time-outs, limits on bytes and rows, rate limits, redaction, traces.
//!
//! **Invariant**: no redirect is followed, so no credential reaches another host. A changing request is never
//! repeated. Secrets are replaced in the body of an answer before anything is read from it, so no message and
//! no row can contain one. A secret that may be a word of the data is replaced only in error fields.
//!
//! ## [`source`]
//!
//! One folder for each kind of source: options, wire types, requests, and the conversion to facts.
//! `source/kit` holds what several kinds share: lists and their pages, caches, partial faults, actions.
//!
//! Besides `fetch`, a source can answer for `past_events`, `explain` one SLO, `examine` itself for `doctor`, list its `requests`, and
//! `preview` and `act`; each has a default. `mapped` returns how its last answer became rows; `source test`
//! prints it beside the requests of [`http::trace`].
//!
//! **Invariant**: a kind is known only to [`source::KINDS`]. `fetch` never retries: the next poll is the retry. A
//! partial answer is reported as partial. A source that panics is a fault of that source. jq programs run in a
//! child process (`source/json/sandbox`).
//!
//! ## [`state`]
//!
//! Files and folders below `$XDG_STATE_HOME`, and `SQLite` files.
//!
//! **Invariant**: every file is readable by its owner only.
//!
//! ## [`journal`]
//!
//! What was seen and done, in a `SQLite` file; the state of the world at a moment; recordings.
//!
//! **Invariant**: it returns what each source had reported at a moment, with faults and ages, and decides
//! nothing about it. The same panes show a past store, so a replay cannot differ from the screen.
//!
//! ## [`log`]
//!
//! The file of `--log`: each request and each poll, as JSON lines.
//!
//! **Invariant**: no credential and no value of a query is in it, and its size is bounded.
//!
//! ## [`audit`]
//!
//! The audit log of actions, as JSON lines.
//!
//! **Invariant**: lines are appended and never changed. The intent is on disk before anything is sent.
//!
//! ## [`act`]
//!
//! Permission to act ([`act::Leave`]), and commands of the user's own.
//!
//! **Invariant**: an action without a permission and a written intent is not begun. An action that broke off
//! after it was sent is [`domain::FaultKind::Unsure`], not a failure.
//!
//! ## [`poll`]
//!
//! One task for each source: the schedule of its polls, and its actions between them.
//!
//! **Invariant**: it does not interpret facts. Every poll keeps its phase in the interval. An action that would
//! have to wait for a server is refused, not carried out late.
//!
//! ## [`watch`]
//!
//! From settings to sources and an empty store.
//!
//! **Invariant**: no network and no secret is touched here.
//!
//! ## [`pane`]
//!
//! Rows, cells and details of each pane, from a store and a time; [`pane::PANES`] lists the panes.
//!
//! **Invariant**: cells have a meaning (`Role`), not a colour.
//!
//! ## [`app`]
//!
//! The model, messages, effects, keys and layout, and the finished [`app::screen::Screen`].
//!
//! **Invariant**: no tokio, no ratatui, no clock. [`app::update()`] and [`app::screen()`] are total functions. An action
//! is bound to the row and the state of the key press, and only a key on its preview sends it (`app/desk`).
//!
//! ## [`ui`]
//!
//! Draws a `Screen` with ratatui; maps meaning to style.
//!
//! **Invariant**: it sees neither model nor store, and computes nothing.
//!
//! ## [`mod@print`]
//!
//! The output of the commands as text and JSON.
//!
//! **Invariant**: JSON fields are added, never renamed. An unknown value is `null`.
//!
//! ## [`term`]
//!
//! The terminal: modes, keys, encoded frames, clipboard.
//!
//! **Invariant**: the terminal is restored on return, error, panic and signal, and by a child process after a kill
//! or an abort (`term/guardian`). An unchanged screen sends no byte.
//!
//! ## `reexec`
//!
//! Starts this executable again as a child process.
//!
//! **Invariant**: it does not know what the child does.
//!
//! ## [`run`]
//!
//! The event loop of the screen.
//!
//! **Invariant**: the only event loop, the only owner of the model, and no business rules.
//!
//! ## [`demo`]
//!
//! A simulated production behind real HTTP servers on loopback.
//!
//! **Invariant**: the demo has no code path of its own in the program: the same sources read it.
//!
//! ## [`cli`], [`command`]
//!
//! What can be typed, and one file for each command.
//!
//! **Invariant**: data goes to stdout, messages to stderr. Mistakes in usage and configuration exit with
//! [`command::UNKNOWN`].
//!
//! # Adding things
//!
//! `CONTRIBUTING.md` has the steps, and a worked example for an incident vendor.

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
pub mod log;
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
