//! Progress on the stderr of a terminal, and an end by a signal, for commands that wait.

use std::cell::RefCell;
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

/// Several things that are waited for at once: how many are done, and which are not.
pub(super) struct Several {
    progress: Progress,
    what: &'static str,
    all: usize,
    open: RefCell<Vec<String>>,
}

impl Several {
    /// Shows that these are begun; `what` says what is done to them: `asking the sources`.
    pub(super) fn new(what: &'static str, names: Vec<String>) -> Self {
        let several = Self {
            progress: Progress::new(),
            what,
            all: names.len(),
            open: RefCell::new(names),
        };
        several.show();
        several
    }

    /// One of them is done.
    pub(super) fn done(&self, name: &str) {
        let mut open = self.open.borrow_mut();
        if let Some(place) = open.iter().position(|one| one == name) {
            open.remove(place);
        }
        drop(open);
        self.show();
    }

    fn show(&self) {
        if self.all > 0 {
            self.progress.set(self.words().as_str(), None);
        }
    }

    /// `asking the sources: 2 of 5 done, waiting for prod, github, pd`.
    fn words(&self) -> String {
        let open = self.open.borrow();
        let done = self.all - open.len();
        let mut words = format!("{}: {done} of {} done", self.what, self.all);
        if !open.is_empty() {
            words.push_str(", waiting for ");
            words.push_str(&open.join(", "));
        }
        words
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_named_until_it_is_done() {
        let names = ["prod", "am", "prod"].map(str::to_owned).to_vec();
        let several = Several::new("asking the sources", names);
        let words = "asking the sources: 0 of 3 done, waiting for prod, am, prod";
        assert_eq!(several.words(), words);
        several.done("prod");
        several.done("nothing of that name");
        several.done("am");
        assert_eq!(
            several.words(),
            "asking the sources: 2 of 3 done, waiting for prod"
        );
        several.done("prod");
        assert_eq!(several.words(), "asking the sources: 3 of 3 done");
    }
}
