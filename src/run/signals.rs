//! Signals as messages, and the watchdog that ends the program when nobody takes the message.

use std::io;
use std::process::exit;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::mpsc;

use super::Urgent;
use crate::term::Handle;

/// How long the loop may take to end after a signal that ends it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long giving the terminal back may take when the terminal takes no bytes.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// A signal that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGHUP: whoever sat before the terminal left.
    HangUp,
    /// SIGINT: from outside; `ctrl-c` is a key here.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM.
    Terminate,
    /// SIGTSTP: stop, to be continued.
    Stop,
    /// SIGCONT: go on.
    Continue,
    /// SIGWINCH: the terminal has another size.
    Resized,
    /// A signal of timers, limits or the user whose default is to end the process.
    Fatal(rustix::process::Signal),
    /// SIGXFSZ: a file may not grow. The write that met the limit fails by itself.
    FileLimit,
}

impl Signal {
    const ALL: [Self; 14] = [
        Self::HangUp,
        Self::Interrupt,
        Self::Quit,
        Self::Terminate,
        Self::Stop,
        Self::Continue,
        Self::Resized,
        Self::Fatal(rustix::process::Signal::USR1),
        Self::Fatal(rustix::process::Signal::USR2),
        Self::Fatal(rustix::process::Signal::ALARM),
        Self::Fatal(rustix::process::Signal::VTALARM),
        Self::Fatal(rustix::process::Signal::PROF),
        Self::Fatal(rustix::process::Signal::XCPU),
        Self::FileLimit,
    ];

    fn kind(self) -> SignalKind {
        match self {
            Self::HangUp => SignalKind::hangup(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::Quit => SignalKind::quit(),
            Self::Terminate => SignalKind::terminate(),
            Self::Stop => SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()),
            Self::Continue => SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()),
            Self::Resized => SignalKind::window_change(),
            Self::Fatal(signal) => SignalKind::from_raw(signal.as_raw()),
            Self::FileLimit => SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()),
        }
    }

    /// True for those that end the program.
    pub(super) fn is_an_end(self) -> bool {
        matches!(
            self,
            Self::HangUp | Self::Interrupt | Self::Quit | Self::Terminate | Self::Fatal(_)
        )
    }

    /// True for those that `ctrl-c` and `ctrl-\\` send where the terminal is in its usual mode.
    fn is_of_keys(self) -> bool {
        matches!(self, Self::Interrupt | Self::Quit)
    }

    /// The exit status that tells a shell of this signal.
    pub(super) fn status(self) -> u8 {
        u8::try_from(128 + self.kind().as_raw_value()).unwrap_or(u8::MAX)
    }
}

/// Signals that are caught from now on.
pub(super) struct Listening {
    streams: Vec<(Signal, unix::Signal)>,
}

/// Catches the signals, so that none of them ends the program behind our back.
pub(super) fn listen() -> io::Result<Listening> {
    let streams = Signal::ALL
        .into_iter()
        .map(|which| Ok((which, signal(which.kind())?)))
        .collect::<io::Result<_>>()?;
    Ok(Listening { streams })
}

impl Listening {
    /// Hands each signal on as a message. One that ends the program does so even when the loop is
    /// stuck in a terminal that takes no bytes.
    pub(super) fn forward(self, urgent: &mpsc::Sender<Urgent>, terminal: &Handle) {
        for (which, mut stream) in self.streams {
            let urgent = urgent.clone();
            let terminal = terminal.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    // The keys of a command that has the terminal send them to its whole group.
                    if which.is_of_keys() && terminal.is_lent() {
                        continue;
                    }
                    if which.is_an_end() {
                        tokio::spawn(end_regardless(which.status(), terminal.clone()));
                    }
                    if urgent.send(Urgent::Signal(which)).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
}

/// Ends the process with this exit status if it has not ended by itself in time.
pub(super) async fn end_regardless(status: u8, terminal: Handle) {
    tokio::time::sleep(PATIENCE).await;
    // In a thread of its own, since writing to this terminal may never return.
    let giving_back = thread::spawn(move || terminal.give_back());
    let mut waited = Duration::ZERO;
    while !giving_back.is_finished() && waited < LAST_WORDS {
        tokio::time::sleep(LAST_WORDS / 10).await;
        waited += LAST_WORDS / 10;
    }
    exit(status.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_ends_has_the_status_that_shells_expect() {
        let ends: Vec<u8> = Signal::ALL
            .into_iter()
            .filter(|signal| signal.is_an_end())
            .filter(|signal| !matches!(signal, Signal::Fatal(_)))
            .map(Signal::status)
            .collect();
        assert_eq!(ends, [129, 130, 131, 143]);
        // Their numbers differ between systems.
        let fatal = Signal::Fatal(rustix::process::Signal::XCPU);
        let number = u8::try_from(rustix::process::Signal::XCPU.as_raw()).expect("a signal");
        assert_eq!(fatal.status(), 128 + number);
    }
}
