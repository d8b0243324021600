//! Runs each jq program in a child process with limits on memory and time.
//!
//! A jq program can ask for any amount of memory in one step (`"x" * 1e12`) and nest values deeper
//! than a stack holds. Either ends the process that runs it, so that process is never the watch: it
//! is this executable again ([`crate::reexec`]), started with [`ARGUMENT`], fed through its
//! standard input. Its memory ends with it.
//!
//! The child reads a line of JSON ([`Job`]) and then the answer, and writes [`GREETING`] and a line
//! for each output: a mark and JSON text.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jaq_json::Val;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use serde::{Deserialize, Serialize};

use super::program::{Program, Stopped};
use crate::reexec;

/// The first argument that makes this executable the child.
pub(crate) const ARGUMENT: &str = "__jq";
/// The first line the child writes.
const GREETING: &str = "watchfire jq";

/// The address space of the child, in bytes.
const MAX_MEMORY: u64 = 1 << 30;
/// The most bytes of output that are read of one run.
const MAX_OUTPUT: u64 = 64 << 20;
/// The stack of the thread that compiles or runs a program, in bytes. Only what is touched counts.
const STACK: usize = 512 << 20;
/// The longest program text, in bytes: its nesting has to fit [`STACK`] while it is compiled.
const MAX_CODE: usize = 16 << 10;
/// How much longer than its time limit the child may live when the program looks at no clock.
const GRACE: Duration = Duration::from_millis(500);
/// The exit status of a child that ended itself because its time was over.
const OUT_OF_TIME: u8 = 75;

/// A program that compiles.
pub(super) struct Sandboxed {
    code: String,
}

/// What the child is asked to do.
#[derive(Serialize, Deserialize)]
struct Job {
    code: String,
    limit_ms: u64,
}

/// The mark at the beginning of a line of the child.
#[derive(Clone, Copy)]
enum Mark {
    /// An output, as JSON.
    Output,
    /// jq's own error in words, as a JSON string.
    Error,
    /// The program did not end in time.
    Late,
    /// There are no further outputs.
    Done,
}

impl Mark {
    const ALL: [Self; 4] = [Self::Output, Self::Error, Self::Late, Self::Done];

    fn text(self) -> &'static str {
        match self {
            Self::Output => "=",
            Self::Error => "!",
            Self::Late => "~",
            Self::Done => ".",
        }
    }

    /// A line's mark and what follows it.
    fn split(line: &str) -> Option<(Self, &str)> {
        Self::ALL
            .into_iter()
            .find_map(|mark| Some((mark, line.strip_prefix(mark.text())?)))
    }
}

impl Sandboxed {
    /// Checks that a program compiles. The error says where in it what is wrong.
    pub(super) fn check(code: &str) -> Result<Self, String> {
        if code.len() > MAX_CODE {
            return Err(format!(
                "{} bytes are too long; {MAX_CODE} is the most",
                code.len()
            ));
        }
        let owned = code.to_owned();
        let compiled = on_a_deep_stack(move || Program::compile(&owned).map(drop));
        match compiled {
            Ok(Ok(())) => Ok(Self {
                code: code.to_owned(),
            }),
            Ok(Err(mistake)) => Err(mistake),
            Err(_) => Err("it cannot be compiled; simplify it".to_owned()),
        }
    }

    /// Runs it on the JSON text `input` for `limit` at most, giving every output to `take` until
    /// that has enough.
    pub(super) fn run(
        &self,
        input: &[u8],
        limit: Duration,
        take: impl FnMut(Val) -> ControlFlow<()>,
    ) -> Result<(), Stopped> {
        let job = Job {
            code: self.code.clone(),
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
        let child = command().and_then(|mut command| command.spawn());
        let mut child = child.map_err(|error| Stopped::NotStarted(error.to_string()))?;
        // A child that ended early leaves the pipe broken: its exit status says why.
        let _ = feed(&mut child, &job, input);
        let read = read(&mut child, take);
        // After an early end it may still run; one that has ended is none the worse.
        let _ = child.kill();
        let status = child.wait();
        match read {
            Read::Ended(result) => result,
            Read::BrokeOff => Err(status.map_or(Stopped::Memory, why_ended)),
        }
    }
}

/// Hands the child its job and the input, and closes the pipe.
fn feed(child: &mut Child, job: &Job, input: &[u8]) -> io::Result<()> {
    let Some(mut stdin) = child.stdin.take() else {
        return Ok(());
    };
    let mut line = serde_json::to_vec(job)?;
    line.push(b'\n');
    stdin.write_all(&line)?;
    stdin.write_all(input)
}

/// How reading the child's lines ended.
enum Read {
    Ended(Result<(), Stopped>),
    /// Without a last line.
    BrokeOff,
}

fn read(child: &mut Child, mut take: impl FnMut(Val) -> ControlFlow<()>) -> Read {
    let Some(stdout) = child.stdout.take() else {
        return Read::BrokeOff;
    };
    let lines = BufReader::new(stdout.take(MAX_OUTPUT)).lines();
    let mut lines = lines
        .map_while(Result::ok)
        .skip_while(|line| line != GREETING);
    if lines.next().is_none() {
        return Read::BrokeOff;
    }
    for line in lines {
        let Some((mark, rest)) = Mark::split(&line) else {
            return Read::BrokeOff;
        };
        match mark {
            Mark::Output => match serde_json::from_str(rest) {
                Ok(value) => {
                    if take(value).is_break() {
                        return Read::Ended(Ok(()));
                    }
                }
                Err(error) => {
                    let words = format!("an output cannot be read as JSON: {error}");
                    return Read::Ended(Err(Stopped::Error(words)));
                }
            },
            Mark::Error => {
                let words = serde_json::from_str(rest).unwrap_or_default();
                return Read::Ended(Err(Stopped::Error(words)));
            }
            Mark::Late => return Read::Ended(Err(Stopped::Late)),
            Mark::Done => return Read::Ended(Ok(())),
        }
    }
    Read::BrokeOff
}

/// Why a child ended without a last line. An allocation that fails aborts it, as an overflow of the
/// stack does; so does a system that is out of memory.
fn why_ended(status: ExitStatus) -> Stopped {
    let is_late = status.code() == Some(i32::from(OUT_OF_TIME))
        || status.signal() == Some(Signal::XCPU.as_raw());
    if is_late {
        Stopped::Late
    } else {
        Stopped::Memory
    }
}

/// This executable as the child.
fn command() -> io::Result<Command> {
    let mut command = reexec::command()?;
    #[cfg(not(test))]
    command.arg(ARGUMENT);
    // The executable of the unit tests has no arguments of ours: one of its tests is the child.
    #[cfg(test)]
    command
        .args(["source::json::sandbox::tests::child", "--exact"])
        .args(["--ignored", "--nocapture"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Ok(command)
}

/// Is the child: limits itself, reads its job, runs it and writes what comes out.
pub(crate) fn serve() -> ExitCode {
    limit(Resource::As, MAX_MEMORY);
    limit(Resource::Core, 0);
    match on_a_deep_stack(work) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// Sets a limit, or the system's own where that is lower.
fn limit(resource: Resource, most: u64) {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    // Refused only where the system allows less already.
    let _ = setrlimit(resource, limit);
}

fn work() -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let mut input = Vec::new();
    stdin.read_to_end(&mut input)?;

    let time = Duration::from_millis(job.limit_ms);
    let mut out = io::BufWriter::new(io::stdout().lock());
    write!(out, "\n{GREETING}\n")?;
    let program = match Program::compile(&job.code) {
        Ok(program) => program,
        Err(mistake) => return write_line(&mut out, Mark::Error, &in_json(&mistake)),
    };
    let value = serde_json::from_slice(&input)?;
    drop(input);
    reexec::end_after(time + GRACE, OUT_OF_TIME)?;
    let mut broken = None;
    let ended = program.run(value, Instant::now() + time, |output| {
        let written = write_line(&mut out, Mark::Output, &json(&output));
        match written.err() {
            None => ControlFlow::Continue(()),
            Some(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = broken {
        return Err(error);
    }
    match ended {
        Ok(()) => write_line(&mut out, Mark::Done, ""),
        Err(Stopped::Error(words)) => write_line(&mut out, Mark::Error, &in_json(&words)),
        Err(_) => write_line(&mut out, Mark::Late, ""),
    }?;
    out.flush()
}

fn write_line(out: &mut impl io::Write, mark: Mark, rest: &str) -> io::Result<()> {
    writeln!(out, "{}{rest}", mark.text())
}

fn in_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A value as JSON. Numbers that JSON does not know become `null`, as jq prints them.
fn json(value: &Val) -> String {
    let text = value.to_string();
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        return text;
    }
    plain(value).to_string()
}

/// A value without what JSON does not know: bytes are read as text.
fn plain(value: &Val) -> serde_json::Value {
    match value {
        Val::Arr(items) => items.iter().map(plain).collect(),
        Val::Obj(map) => {
            let entries = map.iter().map(|(key, value)| (key_text(key), plain(value)));
            serde_json::Value::Object(entries.collect())
        }
        Val::BStr(bytes) => String::from_utf8_lossy(bytes).into(),
        other => serde_json::from_str(&other.to_string()).unwrap_or_default(),
    }
}

fn key_text(key: &Val) -> String {
    match key {
        Val::TStr(text) => String::from_utf8_lossy(text).into_owned(),
        other => other.to_string(),
    }
}

/// Does something on a thread with room for what nests deep.
fn on_a_deep_stack<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> thread::Result<T> {
    let started = thread::Builder::new()
        .name("jq".to_owned())
        .stack_size(STACK)
        .spawn(work);
    match started {
        Ok(thread) => thread.join(),
        Err(error) => Err(Box::new(error)),
    }
}

#[cfg(test)]
mod tests;
