//! This executable as a child process of its own, for jobs that must not share the fate of the screen.
//!
//! [`crate::command::run`] dispatches on the first argument, before anything else is done.

use std::io;
use std::process::{Command, exit};
use std::thread;
use std::time::Duration;

/// This executable without arguments and environment, also after its file was replaced.
pub(crate) fn command() -> io::Result<Command> {
    let executable = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        std::env::current_exe()?
    };
    let mut command = Command::new(executable);
    command.env_clear();
    Ok(command)
}

/// Ends this process after `time` with this exit status, whatever its other threads do.
pub(crate) fn end_after(time: Duration, status: u8) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        thread::sleep(time);
        exit(status.into());
    })?;
    Ok(())
}
