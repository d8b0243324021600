//! A command as a child process: no shell; nothing to read, a group of its own and an end in time, unless it
//! gets the terminal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

use crate::config::Settings;
use crate::domain::Errand;
use crate::domain::errand::Ending;

/// How much of the end of the output is kept, in bytes.
const KEPT: usize = 64 * 1024;
/// How long a group that is told to end has for that.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is still read after the command has ended: what it left running in the background
/// may hold the pipe open.
const LINGER: Duration = Duration::from_millis(500);
/// Variables that begin so are our own settings.
const OWN: &str = "WATCHFIRE_";

/// Which variables a child does not get.
#[derive(Debug, Default)]
pub(super) struct Environment {
    withheld: BTreeSet<String>,
}

impl Environment {
    /// Everything but the variables that credentials of the settings are read from.
    pub(super) fn without_secrets_of(settings: &Settings) -> Self {
        Self {
            withheld: settings.secret_variables(),
        }
    }

    fn apply(&self, command: &mut Command) {
        for name in &self.withheld {
            command.env_remove(name);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(OWN) {
                command.env_remove(name);
            }
        }
    }
}

/// Runs it: how it ended, and the end of what it printed.
pub(super) async fn run(errand: &Errand, environment: &Environment) -> (Ending, String) {
    if errand.takes_terminal {
        let ending = match start_on_terminal(errand, environment) {
            Ok(mut child) => match child.wait().await {
                Ok(status) => ending_of(status),
                Err(error) => Ending::NotStarted(format!("it was lost: {error}").into()),
            },
            Err(error) => not_started(errand, &error),
        };
        return (ending, String::new());
    }
    match start(errand, environment) {
        Ok((child, output)) => watch(child, output, errand).await,
        Err(error) => (not_started(errand, &error), String::new()),
    }
}

fn not_started(errand: &Errand, error: &io::Error) -> Ending {
    let program = errand.argv.first().map_or("", String::as_str);
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no program `{program}`"),
        _ => format!("`{program}` cannot be started: {error}"),
    };
    Ending::NotStarted(why.into())
}

/// Starts it on the terminal of this program, in the same process group: it is in the foreground, as keys
/// that send signals are for it.
fn start_on_terminal(errand: &Errand, environment: &Environment) -> io::Result<Child> {
    let mut command = command(errand, environment)?;
    let terminal = || File::options().read(true).write(true).open("/dev/tty");
    command
        .stdin(terminal()?)
        .stdout(terminal()?)
        .stderr(terminal()?)
        .kill_on_drop(true)
        .spawn()
}

/// Program, arguments and environment.
fn command(errand: &Errand, environment: &Environment) -> io::Result<Command> {
    let Some((program, arguments)) = errand.argv.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program"));
    };
    let mut command = Command::new(program);
    environment.apply(&mut command);
    command.args(arguments);
    Ok(command)
}

fn start(errand: &Errand, environment: &Environment) -> io::Result<(Child, Receiver)> {
    let mut command = command(errand, environment)?;
    // One pipe for both streams, so that they stay in order.
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    let child = command.spawn()?;
    Ok((child, Receiver::from_owned_fd(OwnedFd::from(reader))?))
}

/// Reads until it has ended. The command holds our writing ends, so they close with it.
async fn watch(mut child: Child, mut output: Receiver, errand: &Errand) -> (Ending, String) {
    let group = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let limit = errand
        .timeout
        .max(jiff::SignedDuration::ZERO)
        .unsigned_abs();
    let mut tail = Tail::default();
    let ended = tokio::time::timeout(limit, async {
        tokio::select! {
            status = child.wait() => status,
            () = tail.read(&mut output) => child.wait().await,
        }
    })
    .await;
    let ending = match ended {
        Ok(Ok(status)) => {
            let _ = tokio::time::timeout(LINGER, tail.read(&mut output)).await;
            ending_of(status)
        }
        Ok(Err(error)) => Ending::NotStarted(format!("it was lost: {error}").into()),
        Err(_elapsed) => {
            end(&mut child, group, &mut tail, &mut output).await;
            Ending::TimedOut
        }
    };
    (ending, tail.text())
}

/// Ends the whole group: politely, then for good.
async fn end(child: &mut Child, group: Option<Pid>, tail: &mut Tail, output: &mut Receiver) {
    let tell = |signal| {
        if let Some(group) = group {
            // A group that has ended meanwhile is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    };
    tell(Signal::TERM);
    // Until nobody of the group holds the pipe.
    let _ = tokio::time::timeout(GRACE, tail.read(output)).await;
    tell(Signal::KILL);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
}

fn ending_of(status: std::process::ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, signal) => Ending::Signalled(signal.unwrap_or_default()),
    }
}

/// The end of what was printed.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Tail {
    /// Reads until nobody can print any more. Cancel-safe.
    async fn read(&mut self, output: &mut Receiver) {
        let mut buffer = vec![0; 8 * 1024];
        while let Ok(count) = output.read(&mut buffer).await {
            if count == 0 {
                return;
            }
            self.bytes.extend_from_slice(&buffer[..count]);
            if self.bytes.len() > 2 * KEPT {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if let Some(surplus) = self.bytes.len().checked_sub(KEPT).filter(|more| *more > 0) {
            self.bytes.drain(..surplus);
            self.is_cut = true;
        }
    }

    fn text(mut self) -> String {
        self.cut();
        let text = String::from_utf8_lossy(&self.bytes);
        if !self.is_cut {
            return text.into_owned();
        }
        // A line of which the beginning is gone says something else.
        let whole = text.split_once('\n').map_or(&*text, |(_, rest)| rest);
        format!("… the beginning is cut\n{whole}")
    }
}
