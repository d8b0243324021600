//! Finds the arguments of a command that another program runs as code.
//!
//! A placeholder holds foreign text: the name of an alert, a title. As an argument of its own it is
//! only ever text; within a script it is code.

/// Programs that take code as an argument, by the letter of the option that it follows.
const INTERPRETERS: [(&str, &[&str]); 24] = [
    ("sh", SHELL),
    ("bash", SHELL),
    ("dash", SHELL),
    ("ash", SHELL),
    ("zsh", SHELL),
    ("ksh", SHELL),
    ("mksh", SHELL),
    ("fish", SHELL),
    ("csh", SHELL),
    ("tcsh", SHELL),
    ("su", SHELL),
    ("runuser", SHELL),
    ("script", SHELL),
    ("flock", SHELL),
    ("pwsh", &["c", "command"]),
    ("python", SHELL),
    ("perl", &["e", "E"]),
    ("ruby", &["e"]),
    ("node", &["e", "p", "eval", "print"]),
    ("nodejs", &["e", "p", "eval", "print"]),
    ("lua", &["e"]),
    ("php", &["r"]),
    ("osascript", &["e"]),
    ("nix-shell", &["run", "command"]),
];

/// `-c`, also among other letters, and `--command`.
const SHELL: &[&str] = &["c", "command"];

/// Programs that run all that follows their options as a command line of a shell.
const JOINERS: [&str; 4] = ["ssh", "eval", "watch", "awk"];

/// The first argument that is code and holds a placeholder, with the program that would run it.
pub(super) fn with_placeholder(
    command: &[String],
    has_placeholder: impl Fn(&str) -> bool,
) -> Option<(usize, String)> {
    let mut runner: Option<Runner> = None;
    let mut is_code = false;
    for (place, argument) in command.iter().enumerate() {
        if let Some(known) = &runner {
            let name = known.name;
            let attached = known.attached_code(argument);
            let is_run = is_code || known.joins || attached;
            if is_run && has_placeholder(argument) {
                return Some((place, format!("`{name}`")));
            }
            // What follows the script are its arguments.
            if is_code || attached {
                runner = None;
                is_code = false;
                continue;
            }
            is_code = known.is_followed_by_code(argument);
        }
        // `env sh -c …`, `sudo sh -c …`: the last program named is the one that runs.
        if !is_code && let Some(found) = Runner::named(argument) {
            runner = Some(found);
        }
    }
    None
}

/// A program that runs code it is given.
struct Runner {
    name: &'static str,
    options: &'static [&'static str],
    joins: bool,
}

impl Runner {
    /// The program that a path names, versions aside: `/usr/bin/python3.11`.
    fn named(path: &str) -> Option<Self> {
        let file = path.rsplit('/').next().unwrap_or(path);
        let name = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let joined = JOINERS.into_iter().find(|known| *known == name);
        if let Some(name) = joined {
            return Some(Self {
                name,
                options: &[],
                joins: true,
            });
        }
        let known = INTERPRETERS.into_iter().find(|(known, _)| *known == name);
        known.map(|(name, options)| Self {
            name,
            options,
            joins: false,
        })
    }

    /// True for an option whose value is the next argument, and is code: `-c`, `-ec`, `--command`.
    fn is_followed_by_code(&self, argument: &str) -> bool {
        if let Some(long) = argument.strip_prefix("--") {
            return self.options.contains(&long);
        }
        let Some(letters) = argument.strip_prefix('-') else {
            return false;
        };
        self.options.iter().any(|option| match option.len() {
            1 => letters.contains(option),
            _ => letters.eq_ignore_ascii_case(option),
        })
    }

    /// True for an option that holds its code itself: `--command=…`, `-e'…'` of perl.
    fn attached_code(&self, argument: &str) -> bool {
        if let Some(long) = argument.strip_prefix("--") {
            let name = long.split_once('=').map(|(name, _)| name);
            return name.is_some_and(|name| self.options.contains(&name));
        }
        let Some(letters) = argument.strip_prefix('-') else {
            return false;
        };
        let begins = |option: &&&str| option.len() == 1 && letters.starts_with(**option);
        letters.len() > 1 && letters.contains('{') && self.options.iter().any(|one| begins(&one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str]) -> Option<usize> {
        let command: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        with_placeholder(&command, |text| text.contains('{')).map(|(place, _)| place)
    }

    #[test]
    fn foreign_text_within_code_is_found_whoever_runs_it() {
        for (command, place) in [
            (&["/bin/sh", "-c", "echo {id}"][..], 2),
            (&["bash", "-lc", "echo '{id}'"], 2),
            (&["env", "sh", "-ec", "echo \"{name}\""], 3),
            (&["sudo", "-n", "bash", "-c", "x {id}"], 4),
            (&["bash", "-x", "-c", "x {id}"], 3),
            (&["python3.11", "-c", "print('{id}')"], 2),
            (&["perl", "-e", "print '{id}'"], 2),
            (&["perl", "-eprint '{id}'"], 1),
            (&["node", "--eval", "f('{id}')"], 2),
            (&["node", "--eval=f('{id}')"], 1),
            (&["su", "root", "-c", "x {id}"], 3),
            (&["ssh", "host", "restart {service}"], 2),
            (&["ssh", "-t", "host", "restart", "{service}"], 4),
            (&["busybox", "sh", "-c", "x {id}"], 3),
        ] {
            assert_eq!(found(command), Some(place), "{command:?}");
        }
    }

    #[test]
    fn foreign_text_as_an_argument_of_its_own_is_only_text() {
        for command in [
            &["sh", "-c", "echo \"$1\"", "sh", "{id}"][..],
            &["bash", "-c", "echo \"$1\"", "--", "{name}", "{id}"],
            &["python3", "-c", "import sys", "{id}"],
            &["python3", "tool.py", "{id}"],
            &["sh", "script.sh", "{id}"],
            &["notify-send", "{name}", "-c {id}"],
            &["curl", "-c", "{id}"],
        ] {
            assert_eq!(found(command), None, "{command:?}");
        }
    }
}
