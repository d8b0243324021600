//! Secrets, fetched from where the settings say they are; never written down, never shown.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::SecretRef;
use crate::domain::{Fault, FaultKind};

/// The longest a secret may take to come, from a slow disk or a command.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes that are read in search of the first line.
const MAX_BYTES: u64 = 64 * 1024;

impl SecretRef {
    /// Fetches the secret: what the variable, the file's or the command's first line holds, trimmed.
    ///
    /// A file must be for its owner alone; one that root owns may also be read by its group, which is
    /// how service managers hand out credentials. A command runs without a shell and a terminal, in
    /// its own process group, which is killed after 10 s or when the future is dropped.
    pub async fn resolve(&self) -> Result<SecretString, Fault> {
        self.resolve_within(PATIENCE).await
    }

    async fn resolve_within(&self, patience: Duration) -> Result<SecretString, Fault> {
        let within = tokio::time::timeout(patience, self.fetch()).await;
        within.unwrap_or_else(|_| {
            Err(secret_fault(format!(
                "{} gave no secret within {patience:?}",
                self.place()
            )))
        })
    }

    async fn fetch(&self) -> Result<SecretString, Fault> {
        let place = self.place();
        let text = match self {
            Self::Env(name) => std::env::var(name)
                .map_err(|_| secret_fault(format!("{place} is not set; export it")))?,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_private(&path)).await;
                let bytes = read.map_err(|_| secret_fault(format!("{place} was not read")))??;
                String::from_utf8(bytes)
                    .map_err(|_| secret_fault(format!("{place} is not UTF-8 text")))?
            }
            Self::Command(argv) => run(argv, &place).await?,
        };
        let line = text.trim_start().lines().next().unwrap_or_default().trim();
        if line.is_empty() {
            return Err(secret_fault(format!(
                "{place} holds an empty secret; put the secret in its first line"
            )));
        }
        Ok(SecretString::from(line))
    }

    /// Where the secret is, without its arguments: one of them may be a secret itself.
    fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("environment variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Command(argv) => {
                format!("command {}", argv.first().map_or("(none)", String::as_str))
            }
        }
    }
}

/// Reads a file that only its owner should be able to read, such as a key.
///
/// The opened file is judged, not its name, so that it cannot be swapped in between.
pub(crate) fn read_private(path: &Path) -> Result<Vec<u8>, Fault> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        secret_fault(format!(
            "file {shown} cannot be read: {}",
            error.kind().to_string().to_lowercase()
        ))
    };
    // Opening a pipe would wait for a writer, so its kind is asked first.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(secret_fault(format!("{shown} is not a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if exposed(&metadata.permissions(), metadata.uid()) {
        return Err(secret_fault(format!(
            "file {shown} can be read by others; run `chmod 600 {shown}`"
        )));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// True when somebody besides the owner may read it; root may share with a group.
fn exposed(permissions: &Permissions, owner: u32) -> bool {
    let forbidden = if owner == 0 && !rustix::process::geteuid().is_root() {
        0o007
    } else {
        0o077
    };
    permissions.mode() & forbidden != 0
}

/// Runs a command and returns what it prints.
async fn run(argv: &[String], place: &str) -> Result<String, Fault> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(secret_fault(
            "the secret's command is empty; name a program".to_owned(),
        ));
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| {
            let words = match error.kind() {
                ErrorKind::NotFound if program.contains('/') => {
                    format!("there is no program {program}; check the path")
                }
                ErrorKind::NotFound => {
                    let path = std::env::var("PATH").unwrap_or_default();
                    format!("there is no program {program} in PATH ({path}); write its whole path")
                }
                kind => format!(
                    "{place} cannot be started: {}",
                    kind.to_string().to_lowercase()
                ),
            };
            secret_fault(words)
        })?;
    let mut group = Group { child };
    let mut printed = String::new();
    if let Some(stdout) = group.child.stdout.take() {
        stdout
            .take(MAX_BYTES)
            .read_to_string(&mut printed)
            .await
            .map_err(|_| secret_fault(format!("{place} printed something that is not text")))?;
    }
    let status = group
        .child
        .wait()
        .await
        .map_err(|_| secret_fault(format!("{place} was lost")))?;
    if status.success() {
        return Ok(printed);
    }
    let how = status.code().map_or_else(
        || "was killed".to_owned(),
        |code| format!("failed with exit code {code}"),
    );
    Err(secret_fault(format!(
        "{place} {how}; run it by hand to see why"
    )))
}

/// A command and all it started; whatever still runs is killed when this is dropped.
struct Group {
    child: Child,
}

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is `None` once the command was waited for: then its number may be another's already.
        let leader = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(leader) = leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

fn secret_fault(message: String) -> Fault {
    Fault::new(FaultKind::Secret, message)
}

#[cfg(test)]
mod tests;
