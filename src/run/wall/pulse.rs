//! Notices a loop that stands still, from a thread of its own, and has the program begin anew.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::command::UNKNOWN;
use crate::reexec;
use crate::term::Handle;

/// How often a loop is looked at while it may stand still. Counted looks, and not a clock, tell how long it
/// stood: a stopped process and a sleeping machine look at nothing.
const LOOKS: u32 = 15;
/// How long giving the terminal back may take.
const GIVE_BACK: Duration = Duration::from_millis(500);

/// The beat of a loop. Dropping it ends the watch.
#[derive(Debug)]
pub struct Pulse {
    beats: Arc<AtomicU64>,
    _stop: SyncSender<()>,
}

impl Pulse {
    /// Watches a loop. `on_stall` runs once, when no beat came for `patience`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(patience: Duration, on_stall: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let beats = Arc::<AtomicU64>::default();
        let (stop, stopped) = sync_channel(0);
        let watched = Arc::clone(&beats);
        thread::Builder::new()
            .name("pulse".to_owned())
            .spawn(move || {
                let (mut last, mut still) = (0, 0);
                while still < LOOKS {
                    match stopped.recv_timeout(patience / LOOKS) {
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                    }
                    let count = watched.load(Ordering::Relaxed);
                    still = if count == last { still + 1 } else { 0 };
                    last = count;
                }
                on_stall();
            })?;
        Ok(Self { beats, _stop: stop })
    }

    /// Notes that the loop goes round.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives the terminal back, as far as that goes, and replaces this process by a new one of the same program
/// with the same arguments.
pub fn begin_anew(terminal: Handle) {
    // In a thread of its own, since writing to this terminal may never return.
    let (done, is_done) = sync_channel::<()>(1);
    let giving_back = thread::Builder::new().spawn(move || {
        terminal.give_back();
        drop(done);
    });
    if giving_back.is_ok() {
        let _ = is_done.recv_timeout(GIVE_BACK);
    }
    let error = reexec::again();
    crate::command::say(format!(
        "the wall stood still and cannot begin anew: {error}"
    ));
    exit(UNKNOWN.into());
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_noticed_and_one_that_beats_is_not() {
        let (stalled, heard) = channel();
        let pulse = Pulse::start(Duration::from_millis(150), move || {
            let _ = stalled.send(());
        });
        let pulse = pulse.unwrap();
        for _ in 0..60 {
            pulse.beat();
            thread::sleep(Duration::from_millis(5));
        }
        assert!(heard.try_recv().is_err(), "it beat all the time");
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)), Ok(()));
        assert!(heard.recv().is_err(), "once");
    }

    #[test]
    fn a_watch_ends_with_its_loop() {
        let (stalled, heard) = channel::<()>();
        let pulse = Pulse::start(Duration::from_millis(300), move || {
            let _ = stalled.send(());
        });
        drop(pulse.unwrap());
        assert!(heard.recv().is_err());
    }
}
