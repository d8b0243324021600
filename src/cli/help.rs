//! The command line as clap has it, with what the pages say of each command.

use clap::CommandFactory as _;

use super::Cli;
use super::pages::PAGES;
use super::version::VERSION;
use super::watch::WATCH_OPTIONS;

/// The width that texts are folded to.
const WIDTH: usize = 80;

/// What help and manual say of a command beside its options.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its words after the program's name; empty for the program itself.
    pub path: &'static str,
    /// The options of [`Watch`](super::Watch) that it takes.
    pub watches: Watches,
    /// Its exit statuses, and their meanings.
    pub statuses: &'static [(u8, &'static str)],
    /// Command lines, and what they show.
    pub examples: &'static [(&'static str, &'static str)],
    /// Further text; often empty.
    pub notes: &'static str,
}

/// The options of [`Watch`](super::Watch) that a command takes; the reason for those it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// Configuration and sources.
    All,
    /// The configuration alone.
    Configuration(&'static str),
    /// None.
    Nothing(&'static str),
}

impl Watches {
    /// Whether an option, by its name, means anything.
    pub(super) fn allows(self, option: &str) -> bool {
        match self {
            Self::All => true,
            Self::Configuration(_) => option == "config",
            Self::Nothing(_) => false,
        }
    }

    /// Why the others mean nothing.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Configuration(why) | Self::Nothing(why) => why,
        }
    }
}

impl Page {
    /// `watchfire config check`.
    pub fn name(&self) -> String {
        format!("watchfire {}", self.path).trim_end().to_owned()
    }

    fn long_help(&self) -> String {
        let mut text = String::from("Exit status:\n");
        for (status, meaning) in self.statuses {
            text.push_str(&hanging(&format!("{status:>3}"), meaning));
        }
        text.push_str("\nExamples:\n");
        for (line, says) in self.examples {
            for part in ["  ", line, "\n      ", says, "\n"] {
                text.push_str(part);
            }
        }
        if !self.notes.is_empty() {
            text.push('\n');
            text.push_str(&folded(self.notes, WIDTH).join("\n"));
        }
        text.trim_end().to_owned()
    }
}

/// Every command, in the order of the help; the program itself first.
pub fn pages() -> &'static [Page] {
    PAGES
}

/// The page of a command, by its words after the program's name.
pub fn page(path: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.path == path)
}

/// The command line with its texts: exit statuses and examples in the long help alone, and no option
/// where it means nothing.
pub fn command() -> clap::Command {
    let command = Cli::command()
        .long_version(VERSION.as_str())
        .mut_subcommands(|inner| inner.disable_help_subcommand(true));
    let mut command = on_every(command, "", &|command, page| {
        command.after_long_help(page.long_help())
    });
    // Options of every command reach the others here.
    command.build();
    on_every(command, "", &|command, page| {
        command.mut_args(|option| {
            let id = option.get_id().as_str();
            let means_nothing = WATCH_OPTIONS.contains(&id) && !page.watches.allows(id);
            let is_hidden = means_nothing || option.is_hide_set();
            option.hide(is_hidden)
        })
    })
}

/// Changes a command, found by its words, and those in it, each with its page.
fn on_every(
    command: clap::Command,
    path: &str,
    change: &dyn Fn(clap::Command, &Page) -> clap::Command,
) -> clap::Command {
    let command = command.mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        on_every(inner, path.trim_start(), change)
    });
    match page(path) {
        Some(page) => change(command, page),
        None => command,
    }
}

/// A word, and a text beside it whose lines begin below each other.
fn hanging(word: &str, text: &str) -> String {
    let indent = word.len() + 2;
    let mut lines = folded(text, WIDTH - indent).into_iter();
    let first = format!("{word}  {}\n", lines.next().unwrap_or_default());
    let rest = lines.flat_map(|line| [" ".repeat(indent), line, "\n".to_owned()]);
    std::iter::once(first).chain(rest).collect()
}

/// The words of a text in lines of at most so many characters.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;

    fn paths(command: &Command, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            paths(inner, path.trim_start(), found);
        }
    }

    #[test]
    fn every_command_has_a_page_and_every_page_a_command() {
        let mut found = Vec::new();
        paths(&command(), "", &mut found);
        for path in &found {
            let page = page(path).unwrap_or_else(|| panic!("`{path}` has no page"));
            assert!(
                !page.statuses.is_empty() && !page.examples.is_empty(),
                "{path}"
            );
        }
        for page in pages() {
            assert!(found.iter().any(|path| path == page.path), "{}", page.path);
        }
    }

    #[test]
    fn an_option_that_means_nothing_is_neither_shown_nor_taken() {
        for page in pages() {
            let words: Vec<_> = page.path.split_whitespace().collect();
            let command = command();
            let inner = words.iter().fold(&command, |command, word| {
                command.find_subcommand(word).expect("a command")
            });
            let help = inner.clone().render_long_help().to_string();
            for option in WATCH_OPTIONS {
                let shown = help.contains(&format!("\n      --{option} <"));
                assert_eq!(shown, page.watches.allows(option), "{} {option}", page.path);
            }
        }
        for line in [
            "man --config x",
            "--prometheus http://a demo",
            "replay x --alertmanager http://a",
            "--config x config",
            "completions bash --config=x",
        ] {
            let arguments = std::iter::once("watchfire").chain(line.split_whitespace());
            let arguments: Vec<_> = arguments.map(Into::into).collect();
            let refused = Cli::from_arguments(&arguments).expect_err(line);
            let words = refused.to_string();
            assert!(words.contains("takes no --"), "{line}: {words}");
        }
    }

    #[test]
    fn a_service_may_be_named_several_times_wherever_it_may_be_named() {
        fn services(command: &Command) -> usize {
            let mut arguments = command.get_arguments();
            let own = arguments.find(|argument| argument.get_id() == "service");
            if let Some(service) = own {
                let action = service.get_action();
                let is_list = matches!(action, clap::ArgAction::Append);
                // A release is of one service.
                let is_of_one = command.get_name() == "verify";
                assert!(
                    is_list != is_of_one,
                    "{} takes one service",
                    command.get_name()
                );
            }
            let inner = command.get_subcommands().map(services);
            usize::from(own.is_some()) + inner.sum::<usize>()
        }
        assert!(services(&command()) >= 8);
    }

    #[test]
    fn the_format_has_the_same_letter_everywhere_and_any_case_is_taken() {
        fn formats(command: &Command) -> usize {
            let mut arguments = command.get_arguments();
            let own = arguments.find(|argument| argument.get_id() == "format");
            if let Some(format) = own {
                let name = command.get_name();
                assert_eq!(format.get_short(), Some('o'), "{name}");
                assert!(format.is_ignore_case_set(), "{name}");
            }
            let inner = command.get_subcommands().map(formats);
            usize::from(own.is_some()) + inner.sum::<usize>()
        }
        assert!(formats(&command()) >= 14);
    }
}
