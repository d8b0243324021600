//! Progress on the stderr of a terminal, and an end by a signal, for commands that wait.

use std::fmt::Display;
use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::text::Untrusted;

/// The bar, and what it stands for.
const TIMED: &str = "[{bar:20}] {wide_msg}";
const UNTIMED: &str = "{spinner} {wide_msg}";

/// A line on the stderr of a terminal that says how far a command is. In a pipe, and on a terminal that
/// cannot move its cursor, it shows nothing. It is gone when this is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Shows nothing before the first [`Progress::set`].
    pub(super) fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let target = if io::stderr().is_terminal() && !is_dumb {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self(ProgressBar::with_draw_target(None, target))
    }

    /// Shows what is done, and how much of its time has passed, where that is known.
    pub(super) fn set(
        &self,
        text: impl Into<Untrusted>,
        time: Option<(SignedDuration, SignedDuration)>,
    ) {
        let template = if time.is_some() { TIMED } else { UNTIMED };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0
                .set_style(style.progress_chars("=> ").tick_chars("|/-\\ "));
        }
        if let Some((passed, whole)) = time {
            let seconds = |time: SignedDuration| u64::try_from(time.as_secs()).unwrap_or(0);
            self.0.set_length(seconds(whole));
            self.0.set_position(seconds(passed.min(whole)));
        }
        self.0.set_message(text.into().shown().to_string());
        self.0.tick();
    }

    /// Prints a message on stderr, also in a pipe.
    pub(super) fn say(&self, what: impl Display) {
        self.0.suspend(|| super::say(what));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The signals that end a command that waits.
pub(super) struct Interrupts([Signal; 3]);

impl Interrupts {
    /// Takes SIGINT, SIGTERM and SIGHUP from now on. Needs a runtime.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one of them.
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate, hang_up] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}
