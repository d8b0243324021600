//! This executable once more: as a child process, for jobs that must not share the fate of the screen, or in
//! place of this one.
//!
//! [`crate::command::run`] dispatches on the first argument, before anything else is done.

use std::io;
use std::path::PathBuf;
use std::process::{Command, exit};
use std::thread;
use std::time::Duration;

/// This executable without arguments and environment, also after its file was replaced.
pub(crate) fn command() -> io::Result<Command> {
    let mut command = Command::new(executable()?);
    command.env_clear();
    Ok(command)
}

/// Replaces this process by a new one of the same executable, with the same arguments and environment, also
/// while its other threads are stuck. Returns only the reason why that failed.
pub(crate) fn again() -> io::Error {
    use std::os::unix::process::CommandExt as _;
    match executable() {
        Ok(executable) => Command::new(executable)
            .args(std::env::args_os().skip(1))
            .exec(),
        Err(error) => error,
    }
}

fn executable() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

/// Ends this process after `time` with this exit status, whatever its other threads do.
pub(crate) fn end_after(time: Duration, status: u8) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        thread::sleep(time);
        exit(status.into());
    })?;
    Ok(())
}
