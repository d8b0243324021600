//! `doctor --bundle`: one Markdown file with what a bug report needs, and without credentials, hosts and
//! people.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use regex::Regex;

use crate::cli::VERSION;
use crate::config::Loaded;
use crate::domain::Exchange;
use crate::journal::Place;
use crate::log;
use crate::print::doctor::Diagnosis;
use crate::store::Store;

/// The most requests that are listed.
const MAX_REQUESTS: usize = 500;
/// How many bytes of the end of a log are taken.
const MAX_LOG: u64 = 256 * 1024;
/// The variables that identify a terminal.
const VARIABLES: [&str; 9] = [
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMUX",
    "SSH_TTY",
    "LANG",
    "LC_ALL",
    "NO_COLOR",
];

/// The contents of a bundle.
pub(super) struct Bundle<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) store: &'a Store,
    pub(super) diagnosis: &'a Diagnosis,
    pub(super) exchanges: &'a [Exchange],
}

impl Bundle<'_> {
    /// Writes it to a file that is not there yet, for its owner alone.
    pub(super) fn write(&self, path: &Path, now: Timestamp) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(self.text(now)?.as_bytes())?;
        file.sync_all()
    }

    fn text(&self, now: Timestamp) -> io::Result<String> {
        let mut text = format!(
            "# watchfire support bundle\n\n\
             Secrets are not in this file. Hosts, people and this machine have other names in it; services, \
             SLOs and label values are as they are. Read it before you send it.\n\n\
             - made: {}\n- version: {}\n",
            now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            VERSION.replace('\n', "; "),
        );
        self.add_machine(&mut text);
        let _ = write!(
            text,
            "\n## Configuration\n\n```toml\n{}```\n",
            self.loaded.merged_text()
        );
        let mut diagnosis = Vec::new();
        self.diagnosis.text(&mut diagnosis)?;
        let diagnosis = String::from_utf8_lossy(&diagnosis);
        let _ = write!(text, "\n## Diagnosis\n\n```text\n{diagnosis}```\n");
        self.add_sources(&mut text, now);
        self.add_requests(&mut text);
        add_log(&mut text);
        Ok(self.masks().apply(&text))
    }

    fn add_machine(&self, text: &mut String) {
        let system = rustix::system::uname();
        let word = |word: &std::ffi::CStr| word.to_string_lossy().into_owned();
        let _ = writeln!(
            text,
            "- system: {} {} {}",
            word(system.sysname()),
            word(system.release()),
            word(system.machine())
        );
        for name in VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                let value = value.to_string_lossy().into_owned();
                // Only that these two are set says something.
                let value = if matches!(name, "TMUX" | "SSH_TTY") {
                    "set".to_owned()
                } else {
                    crate::text::Shown::new(value).as_str().to_owned()
                };
                let _ = writeln!(text, "- {name}: {value}");
            }
        }
        let journal = match Place::of(&self.loaded.settings.journal) {
            Place::File(path) => match fs::metadata(&path) {
                Ok(file) => format!("{} bytes", file.len()),
                Err(error) => error.kind().to_string(),
            },
            _ => "none".to_owned(),
        };
        let _ = writeln!(text, "- journal: {journal}");
    }

    fn add_sources(&self, text: &mut String, now: Timestamp) {
        text.push_str(
            "\n## Sources\n\n| source | kind | freshness | took | fault |\n|---|---|---|---|---|\n",
        );
        for feed in self.store.feeds() {
            let took = feed
                .latency
                .map_or_else(String::new, |took| format!("{} ms", took.as_millis()));
            let fault = feed.fault.as_ref().map_or_else(String::new, |fault| {
                format!(
                    "{}: {}",
                    fault.kind.word(),
                    cell(fault.message.shown().as_str())
                )
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {took} | {fault} |",
                cell(feed.name.as_str()),
                feed.kind,
                feed.freshness(now).word(),
            );
        }
    }

    fn add_requests(&self, text: &mut String) {
        text.push_str("\n## Requests\n\n```text\n");
        for one in self.exchanges.iter().take(MAX_REQUESTS) {
            let status = one
                .status
                .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let _ = write!(
                text,
                "{} {}: {status}, {} bytes, {} ms",
                one.method,
                one.url.shown(),
                one.bytes,
                one.took.as_millis()
            );
            if let Some(fault) = &one.fault {
                let _ = write!(text, ", {}", fault.shown());
            }
            text.push('\n');
        }
        if let Some(more) = self.exchanges.len().checked_sub(MAX_REQUESTS + 1) {
            let _ = writeln!(text, "and {} more", more + 1);
        }
        text.push_str("```\n");
    }

    /// The names that the file masks.
    fn masks(&self) -> Masks {
        let urls = self.exchanges.iter().map(|one| one.url.raw());
        let sources = self.loaded.settings.sources.iter();
        let urls = urls.chain(sources.filter_map(|source| source.http.url.as_deref()));
        let me = &self.loaded.settings.me;
        let home = std::env::var_os("HOME").map(|home| home.to_string_lossy().into_owned());
        let node = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Masks::new(
            urls,
            home,
            &[(node, "this-machine"), (me.name.clone(), "me")],
        )
    }
}

/// One cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The end of the log of this process, from the beginning of a line on.
fn add_log(text: &mut String) {
    let Some(path) = log::path() else { return };
    let tail = || -> io::Result<String> {
        let mut file = fs::File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(MAX_LOG);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(MAX_LOG).read_to_end(&mut tail)?;
        let tail = String::from_utf8_lossy(&tail).into_owned();
        Ok(match tail.split_once('\n') {
            Some((_, whole)) if from > 0 => whole.to_owned(),
            _ => tail,
        })
    };
    if let Ok(tail) = tail() {
        let _ = write!(text, "\n## Log\n\n```json\n{tail}```\n");
    }
}

/// Names that stand for what the reader of a bundle need not know.
struct Masks {
    words: Vec<(String, String)>,
    people: Option<Regex>,
}

/// The shortest name that is replaced: a shorter one may be a part of any word.
const SHORTEST: usize = 4;

impl Masks {
    fn new<'a>(
        urls: impl Iterator<Item = &'a str>,
        home: Option<String>,
        others: &[(String, &str)],
    ) -> Self {
        let hosts: BTreeSet<_> = urls.filter_map(host).collect();
        let hosts = (1..).zip(hosts).map(|(number, host)| {
            let mask = format!("host-{number}.invalid");
            (host.to_owned(), mask)
        });
        let home = home.map(|home| (home, "~".to_owned()));
        let others = others
            .iter()
            .map(|(word, mask)| (word.clone(), (*mask).to_owned()));
        let mut words: Vec<_> = hosts
            .chain(home)
            .chain(others)
            .filter(|(word, _)| word.len() >= SHORTEST && word != "localhost")
            .collect();
        // A longer name may begin with a shorter one.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self {
            words,
            people: Regex::new(r"[\w.+-]+@[\w-]+\.[\w.-]+").ok(),
        }
    }

    fn apply(&self, text: &str) -> String {
        let masked = self
            .words
            .iter()
            .fold(text.to_owned(), |text, (word, mask)| {
                text.replace(word, mask)
            });
        match &self.people {
            Some(people) => people
                .replace_all(&masked, "somebody@example.invalid")
                .into_owned(),
            None => masked,
        }
    }
}

/// The host of an address, unless it is this machine.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    let place = place.rsplit('@').next()?;
    let host = match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => place,
    };
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    (!is_here && !host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_people_and_the_machine_have_other_names() {
        let urls = [
            "https://prom.acme.example:9090/api?q=1",
            "http://acme.example",
            "http://[2001:db8::7]:80/x",
            "http://127.0.0.1:9093/",
        ];
        let masks = Masks::new(
            urls.into_iter(),
            Some("/home/mara".to_owned()),
            &[
                ("laptop-7".to_owned(), "this-machine"),
                ("ab".to_owned(), "x"),
            ],
        );
        let text = "GET https://prom.acme.example:9090/api at acme.example, [2001:db8::7], \
            127.0.0.1, /home/mara/x, laptop-7, ab, mara.lind+x@acme-corp.example";
        assert_eq!(
            masks.apply(text),
            "GET https://host-3.invalid:9090/api at host-2.invalid, host-1.invalid, 127.0.0.1, ~/x, \
             this-machine, ab, somebody@example.invalid"
        );
    }
}
