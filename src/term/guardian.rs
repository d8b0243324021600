//! A child process that gives the terminal back when the screen dies without doing so.
//!
//! No code of the screen runs after SIGKILL, an abort, an overflow of the stack or the system's
//! out-of-memory killer. So [`Guardian::start`] runs this executable again ([`crate::reexec`]) with
//! [`ARGUMENT`]: a few kilobytes that wait for the end of a connection whose other end only the screen
//! holds. The kernel closes that end however the screen dies. No command that the screen starts
//! inherits it.
//!
//! The screen writes a byte ([`Hold`]) each time it takes the terminal or gives it back. If the last
//! one says that the terminal is taken, the guardian undoes what the screen did to it. Otherwise it
//! only exits: after a quit, and after the death of a screen that was suspended.
//!
//! The guardian runs in a session of its own. So it receives no signal of the terminal, `kill -9 %1`
//! does not end it with the screen's process group, and it may change the settings of a terminal that
//! belongs to another session without being stopped by SIGTTOU. The screen takes the terminal once
//! that session exists: before, the hang-up that follows the death of a session's leader would end both.
//!
//! A shell learns of the death after the connection was closed. If it was quicker all the same, the
//! terminal is no longer raw, and its settings are left as the shell made them.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::setsid;
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
    tcgetattr, tcsetattr,
};

use super::{Abilities, restore};
use crate::reexec;

/// The first argument that makes this executable the guardian.
pub(crate) const ARGUMENT: &str = "__guardian";
/// How long the screen waits for the guardian's session before it takes the terminal all the same.
const START_TIMEOUT: Duration = Duration::from_millis(500);
/// How long the screen waits for the end of the guardian when it ends itself.
const END_TIMEOUT: Duration = Duration::from_millis(250);
/// The byte that the guardian writes once it is in a session of its own.
const READY: u8 = b'r';
/// How long giving the terminal back may take when the terminal takes no bytes.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(2);

/// Who holds the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// The screen does.
    Taken,
    /// Whoever started the screen does.
    GivenBack,
}

impl Hold {
    fn byte(self) -> u8 {
        match self {
            Self::Taken => b't',
            Self::GivenBack => b'g',
        }
    }
}

/// The screen's end of the connection.
#[derive(Debug)]
pub(super) struct Guardian {
    connection: UnixStream,
    /// Disconnected once the child has ended.
    ended: Mutex<Receiver<()>>,
}

impl Guardian {
    /// Starts the child. `keys` and `screen` are the terminal, `saved` its settings before it is taken.
    pub(super) fn start(keys: impl AsFd, screen: impl AsFd, saved: &Termios) -> io::Result<Self> {
        let (mut connection, childs_end) = UnixStream::pair()?;
        connection.set_read_timeout(Some(START_TIMEOUT))?;
        let mut command = reexec::command()?;
        command
            .arg(ARGUMENT)
            .args(arguments(saved))
            .stdin(keys.as_fd().try_clone_to_owned()?)
            .stdout(OwnedFd::from(childs_end))
            .stderr(screen.as_fd().try_clone_to_owned()?);
        let mut child = command.spawn()?;
        let (lives, ended) = mpsc::channel::<()>();
        // Holds the child's end, which would keep a guardian that has ended from being noticed.
        drop(command);
        thread::Builder::new()
            .name("guardian".to_owned())
            // The screen goes on without a guardian that was killed; it leaves no zombie.
            .spawn(move || {
                let _ = child.wait();
                drop(lives);
            })?;
        // One that is late may still be there in time; of one that has ended nothing is expected.
        let _ = connection.read_exact(&mut [0]);
        // A guardian that was stopped must not keep the screen.
        connection.set_nonblocking(true)?;
        Ok(Self {
            connection,
            ended: Mutex::new(ended),
        })
    }

    /// Says who holds the terminal from now on.
    pub(super) fn note(&self, hold: Hold) {
        // A guardian that was killed is not replaced.
        let _ = (&self.connection).write_all(&[hold.byte()]);
    }

    /// Ends the child and waits for that, as not every container has an init that does.
    pub(super) fn dismiss(&self) {
        let _ = self.connection.shutdown(Shutdown::Both);
        if let Ok(ended) = self.ended.lock() {
            let _ = ended.recv_timeout(END_TIMEOUT);
        }
    }
}

/// The settings that [`Termios::make_raw`] changes, as arguments.
fn arguments(saved: &Termios) -> [String; 6] {
    [
        saved.input_modes.bits().to_string(),
        saved.output_modes.bits().to_string(),
        saved.control_modes.bits().to_string(),
        saved.local_modes.bits().to_string(),
        saved.special_codes[SpecialCodeIndex::VMIN].to_string(),
        saved.special_codes[SpecialCodeIndex::VTIME].to_string(),
    ]
}

/// `settings` with what [`arguments`] wrote; `None` if these are no such arguments.
fn with_arguments(mut settings: Termios, arguments: &[OsString]) -> Option<Termios> {
    let [input, output, control, local, min, time] = arguments else {
        return None;
    };
    settings.input_modes = InputModes::from_bits_retain(input.to_str()?.parse().ok()?);
    settings.output_modes = OutputModes::from_bits_retain(output.to_str()?.parse().ok()?);
    settings.control_modes = ControlModes::from_bits_retain(control.to_str()?.parse().ok()?);
    settings.local_modes = LocalModes::from_bits_retain(local.to_str()?.parse().ok()?);
    settings.special_codes[SpecialCodeIndex::VMIN] = min.to_str()?.parse().ok()?;
    settings.special_codes[SpecialCodeIndex::VTIME] = time.to_str()?.parse().ok()?;
    Some(settings)
}

/// True for settings as the screen has them and no line editor of a shell does.
fn is_raw(settings: &Termios) -> bool {
    let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
    !settings.local_modes.intersects(cooked) && !settings.output_modes.contains(OutputModes::OPOST)
}

/// Is the guardian: standard input and standard error are the terminal, standard output is the
/// connection to the screen.
pub(crate) fn serve(arguments: &[OsString]) -> ExitCode {
    // Refused only to the leader of a process group, which no child of the screen is.
    let _ = setsid();
    let _ = rustix::io::write(stdout(), &[READY]);
    if wait_for_the_end() == Hold::GivenBack {
        return ExitCode::SUCCESS;
    }
    // Without this limit a terminal that takes no bytes would keep the guardian for ever.
    if reexec::end_after(GIVE_BACK_TIMEOUT, 1).is_err() {
        return ExitCode::FAILURE;
    }
    match restore(
        || reset(arguments),
        stderr(),
        Abilities::of_this_terminal().mouse,
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Gives the terminal the settings that [`arguments`] wrote, unless a shell has made its own.
///
/// crossterm's way back is a variable of the process that has died.
fn reset(arguments: &[OsString]) -> io::Result<()> {
    let settings = tcgetattr(stdin()).ok().filter(is_raw);
    let saved = settings.and_then(|settings| with_arguments(settings, arguments));
    saved.map_or(Ok(()), |saved| {
        Ok(tcsetattr(stdin(), OptionalActions::Now, &saved)?)
    })
}

/// Waits until the screen is gone; returns who held the terminal then.
fn wait_for_the_end() -> Hold {
    let mut hold = Hold::GivenBack;
    let mut byte = [0];
    loop {
        match rustix::io::read(stdout(), &mut byte) {
            Ok(1..) if byte[0] == Hold::Taken.byte() => hold = Hold::Taken,
            Ok(1..) => hold = Hold::GivenBack,
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return hold,
        }
    }
}
