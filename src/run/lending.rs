//! The terminal, given to a command of the user's own and taken back when that has ended.

use std::io;

use tokio::sync::mpsc;

use super::signals::Signal;
use super::{Stage, Urgent, Watchdog};
use crate::app::key::Key;
use crate::domain::Errand;
use crate::term::{Input, Keyboard, Tty};

/// Who reads the keys, and what is needed to read them again.
#[derive(Default)]
pub(super) struct Lending {
    /// The keys that end the program at once, and where all keys go.
    pub(super) keys: Option<(Vec<Key>, mpsc::Sender<Urgent>)>,
    keyboard: Option<Keyboard>,
}

impl Stage {
    /// Starts to read keys.
    pub(super) fn read_keys(&mut self) -> io::Result<()> {
        let Some((ends_at_once, keys)) = self.lending.keys.clone() else {
            return Ok(());
        };
        let watchdog = Watchdog::new(&self.tty);
        let keyboard = Keyboard::start(&self.tty, move |input| {
            if matches!(&input, Input::Key(key) if ends_at_once.contains(key)) {
                watchdog.release();
            }
            keys.blocking_send(Urgent::Input(input)).is_ok()
        })?;
        self.lending.keyboard = Some(keyboard);
        Ok(())
    }

    /// Starts a command; one that takes the terminal gets it first.
    pub(super) fn start_command(&mut self, errand: Errand) {
        let Some(errands) = &self.errands else { return };
        if errand.takes_terminal {
            if let Some(keyboard) = self.lending.keyboard.take() {
                keyboard.stop();
            }
            self.is_away = true;
            self.tty.lend();
        }
        errands.start(errand);
    }

    /// Takes the terminal back after the end of a command. Where another process group has kept it, this program
    /// stops, so that the shell can bring it to the front.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        if !self.tty.is_lent() {
            return Ok(());
        }
        self.read_keys()?;
        if self.tty.take_back()? {
            self.is_away = false;
            self.redraw()
        } else if Tty::can_be_continued() {
            self.go_away()
        } else {
            Ok(())
        }
    }

    /// `ctrl-z` in a command stops the whole group: this program stops with it, and goes on with it.
    pub(super) fn stop_while_lent(&self, signal: Signal) -> io::Result<()> {
        if signal == Signal::Stop && Tty::can_be_continued() {
            self.tty.suspend()?;
        }
        Ok(())
    }
}
