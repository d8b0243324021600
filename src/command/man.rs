//! `watchfire man`: a manual page of the program and of each command, from the tables that help, keys
//! and exit statuses have.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{print, refuse, say};
use crate::app::action::{Action, Group};
use crate::cli::{self, Page, Watches, command, pages};

/// The commands that show the screen, by their words.
const SCREENS: [&str; 4] = ["", "demo", "wall", "replay"];

/// Variables that the program reads, and what for.
const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "WATCHFIRE_CONFIG",
        "The configuration file, unless --config names one.",
    ),
    (
        "WATCHFIRE__UI__NAME, WATCHFIRE__KEYS__NAME, WATCHFIRE__JOURNAL__NAME",
        "One setting of [ui], [keys] or [journal] each, over the file.",
    ),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, HOME",
        "Where the folders for configuration and state are.",
    ),
    ("USER", "Who acts, unless [me] has a name."),
    (
        "NOTIFY_SOCKET",
        "The socket of the service manager; the wall reports to it, as sd_notify(3) describes.",
    ),
    ("NO_COLOR", "When set and not empty: no colours."),
    (
        "CLICOLOR, CLICOLOR_FORCE",
        "CLICOLOR=0: no colours on a terminal. CLICOLOR_FORCE=1: colours in a pipe too.",
    ),
    (
        "COLUMNS",
        "The width of the table of `status`, on a terminal and in a pipe.",
    ),
    (
        "TERM, COLORTERM, TMUX, SSH_CONNECTION, SSH_TTY",
        "What the terminal can do, and whether it is at the other end of ssh.",
    ),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "Whether the terminal shows characters other than ASCII; the first that is not empty counts.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "Proxies of sources without a `proxy` of their own.",
    ),
    (
        "KUBECONFIG",
        "The kubeconfig of sources of kind `kubernetes`.",
    ),
    (
        "PATH",
        "Where programs are found that give secrets or that actions start.",
    ),
    (
        "WATCHFIRE_COMPLETE",
        "Set by the scripts of `watchfire completions`.",
    ),
];

/// Files that the program reads or writes, and what they hold.
const FILES: &[(&str, &str)] = &[
    (
        "~/.config/watchfire/config.toml",
        "The configuration. `watchfire config` prints a commented example.",
    ),
    (
        "~/.local/state/watchfire/journal.db",
        "The journal: what the sources returned and what was done, for 30 days.",
    ),
    (
        "~/.local/state/watchfire/audit.jsonl",
        "The audit log: every action, before it is sent and after.",
    ),
    (
        "~/.local/state/watchfire/NAME.db",
        "What the `openmetrics` source NAME scraped.",
    ),
];

/// Prints a page, or writes all of them.
pub fn run(options: &cli::Man) -> ExitCode {
    if let Some(folder) = &options.directory {
        return write_all(folder);
    }
    match cli::page(&options.command.join(" ")).map(rendered) {
        Some(Ok(text)) => print(&text),
        Some(Err(error)) => refuse(format!("the manual cannot be made: {error}")),
        None => super::no_command(&options.command),
    }
}

fn write_all(folder: &Path) -> ExitCode {
    let written = fs::create_dir_all(folder).and_then(|()| {
        pages().iter().try_for_each(|page| {
            let file = folder.join(format!("{}.1", page.name().replace(' ', "-")));
            fs::write(file, rendered(page)?)
        })
    });
    match written {
        Ok(()) => {
            say(format!("{} pages in {}", pages().len(), folder.display()));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(format!("{}: {error}", folder.display())),
    }
}

/// A page as roff.
fn rendered(page: &Page) -> io::Result<Vec<u8>> {
    let root = command();
    let mut words = page.path.split_whitespace();
    let found = words.try_fold(&root, |inner, word| inner.find_subcommand(word));
    let inner = found.ok_or(io::ErrorKind::NotFound)?.clone();
    let has_commands = inner.has_subcommands();
    let man = Man::new(inner)
        .title(page.name().replace(' ', "-").to_uppercase())
        .source(concat!("watchfire ", env!("CARGO_PKG_VERSION")))
        .manual("watchfire manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if !page.notes.is_empty() {
        let mut notes = Roff::new();
        notes.control("PP", []).text([roman(page.notes)]);
        notes.to_writer(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    rest(page).to_writer(&mut text)?;
    Ok(text)
}

/// What follows options and commands.
fn rest(page: &Page) -> Roff {
    let mut roff = Roff::new();
    if SCREENS.contains(&page.path) {
        keys(&mut roff);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in page.statuses {
        entry(&mut roff, [bold(status.to_string())], meaning);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (line, says) in page.examples {
        entry(&mut roff, [bold(*line)], says);
    }
    if !matches!(page.watches, Watches::Nothing(_)) || SCREENS.contains(&page.path) {
        roff.control("SH", ["ENVIRONMENT"]);
        for (names, says) in ENVIRONMENT {
            entry(&mut roff, [bold(*names)], says);
        }
        roff.control("SH", ["FILES"]);
        for (file, says) in FILES {
            entry(&mut roff, [italic(*file)], says);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<_> = related(page)
        .map(|page| format!("{}(1)", page.name().replace(' ', "-")))
        .collect();
    roff.text([roman(others.join(", "))]);
    roff
}

fn entry<const N: usize>(roff: &mut Roff, head: [Inline; N], says: &str) {
    roff.control("TP", []);
    roff.text(head);
    roff.text([roman(says)]);
}

/// The default keys, by the groups of the help.
fn keys(roff: &mut Roff) {
    roff.control("SH", ["KEYS"]);
    roff.text([roman("Defaults; [keys] in the configuration gives others.")]);
    for group in Group::ALL {
        roff.control("SS", [group.title()]);
        for action in Action::ALL.iter().filter(|action| action.group() == group) {
            let keys = match action.default_keys() {
                // It is found in the palette.
                [] => ":".to_owned(),
                keys => keys.join(" "),
            };
            entry(roff, [bold(keys)], action.help());
        }
    }
}

/// The pages to read next: all others from the program's, else the program's and those of the same
/// group of commands.
fn related(page: &Page) -> impl Iterator<Item = &'static Page> {
    let (own, first) = (page.path, page.path.split_whitespace().next());
    pages().iter().filter(move |other| {
        let is_other = other.path != own;
        let is_near = other.path.split_whitespace().next() == first;
        is_other && (own.is_empty() || other.path.is_empty() || is_near)
    })
}
