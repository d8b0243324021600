//! `[me]`, `[actions]` and `[[action]]`: who sits here, and what may be changed from here.

mod script;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use super::check::Context;
use super::read;
use super::wire;
use super::{ActionSettings, CommandScope, Me, Problem, Step, UserCommand, WorkHours};
use crate::domain::weekday;
use crate::text::clipped;

/// How long a command may take when the configuration does not say.
const COMMAND_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// The longest that a command may take.
const MAX_COMMAND_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);
/// What a command may ask for, in braces: see the example configuration.
pub(super) const PLACEHOLDERS: [&str; 10] = [
    "id",
    "service",
    "name",
    "version",
    "previous_version",
    "environment",
    "commit",
    "source",
    "url",
    "state",
];

/// `[me]`.
pub(super) fn me(wire: wire::Me) -> Me {
    Me {
        name: wire.name.unwrap_or_default(),
        aliases: wire.aliases,
        email: wire.email,
        teams: wire.teams,
    }
}

impl Context<'_> {
    /// `[actions]`.
    pub(super) fn actions(&mut self, wire: wire::Actions) -> ActionSettings {
        let standard = ActionSettings::default();
        let days = wire.work_days.map(|words| self.days(&words));
        let start = wire.work_start.map(|text| self.time_of_day(&text));
        ActionSettings {
            enabled: wire.enabled.unwrap_or(standard.enabled),
            require_comment: wire.require_comment.unwrap_or(standard.require_comment),
            work: WorkHours {
                days: days.unwrap_or(standard.work.days),
                start: start.unwrap_or(standard.work.start),
            },
            audit_log: wire.audit_log.map(|path| self.path(path)),
        }
    }

    fn days(&mut self, words: &[String]) -> Vec<Weekday> {
        if words.is_empty() {
            self.refuse_actions("work_days", None, "is empty: name a day, `mon` for example");
        }
        let mut days = Vec::new();
        for (index, word) in words.iter().enumerate() {
            if let Some(day) = weekday::short(word) {
                days.push(day);
            } else {
                let message = read::unknown_word("day", word, &weekday::SHORT);
                self.refuse_actions("work_days", Some(index), message);
            }
        }
        days
    }

    fn time_of_day(&mut self, text: &str) -> Time {
        Time::strptime("%H:%M", text).unwrap_or_else(|_| {
            let message = format!(
                "`{}` is no time of day: write hours and minutes, such as `09:00`",
                clipped(text)
            );
            self.refuse_actions("work_start", None, message);
            Time::midnight()
        })
    }

    fn refuse_actions(&mut self, key: &str, index: Option<usize>, message: impl Into<String>) {
        let way = ["actions", key].map(|key| Step::Key(key.to_owned()));
        self.problems.push(Problem {
            path: way.into_iter().chain(index.map(Step::Index)).collect(),
            message: message.into(),
        });
    }

    /// `[[action]]`.
    pub(super) fn commands(&mut self, list: Option<toml::Value>) -> Vec<UserCommand> {
        let mut commands = Vec::new();
        for (index, table) in self.tables("action", list) {
            let path = [Step::Key("action".to_owned()), Step::Index(index)];
            match read::section::<wire::UserCommand, _>(&path, table) {
                Ok(wire) => commands.extend(self.command(index, wire)),
                Err(problem) => self.problems.push(problem),
            }
        }
        commands
    }

    fn command(&mut self, index: usize, wire: wire::UserCommand) -> Option<UserCommand> {
        let scope = CommandScope::ALL
            .into_iter()
            .find(|(word, _)| *word == wire.scope);
        if scope.is_none() {
            let words = CommandScope::ALL.map(|(word, _)| word);
            let message = read::unknown_word("scope", &wire.scope, &words);
            self.refuse("action", index, &["scope"], message);
        }
        if wire.label.trim().is_empty() {
            self.refuse("action", index, &["label"], "is empty: say what it does");
        }
        if wire
            .command
            .first()
            .is_none_or(|program| program.trim().is_empty())
        {
            let message = "names no program: write [\"program\", \"argument\"]; no shell reads it";
            self.refuse("action", index, &["command"], message);
        }
        for (place, argument) in wire.command.iter().enumerate() {
            if let Err(message) = check_placeholders(argument) {
                let way = ["action", "command"].map(|key| Step::Key(key.to_owned()));
                let [list, key] = way;
                self.problems.push(Problem {
                    path: vec![list, Step::Index(index), key, Step::Index(place)],
                    message,
                });
            }
        }
        if let Some((place, program)) = script::with_placeholder(&wire.command, has_placeholder) {
            let way = ["action", "command"].map(|key| Step::Key(key.to_owned()));
            let [list, key] = way;
            self.problems.push(Problem {
                path: vec![list, Step::Index(index), key, Step::Index(place)],
                message: format!(
                    "is a script that {program} runs, with foreign text in it: an alert's name could \
                     run commands. Pass the placeholder as an argument of its own behind the script, \
                     and use it as \"$1\" or sys.argv"
                ),
            });
        }
        let timeout = wire.timeout.map(|timeout| timeout.0.duration());
        if timeout.is_some_and(|timeout| timeout > MAX_COMMAND_TIMEOUT) {
            self.refuse("action", index, &["timeout"], "at most `1h`");
        }
        let terminal = wire.terminal.unwrap_or(false);
        if terminal && timeout.is_some() {
            let message =
                "has no effect with `terminal = true`: such a command ends when you leave it";
            self.refuse("action", index, &["timeout"], message);
        }
        Some(UserCommand {
            key: wire.key,
            label: wire.label,
            scope: scope?.1,
            command: wire.command,
            confirm: wire.confirm.unwrap_or(true),
            timeout: timeout.unwrap_or(COMMAND_TIMEOUT),
            terminal,
        })
    }
}

/// True where a `{word}` is filled in.
fn has_placeholder(argument: &str) -> bool {
    argument.replace("{{", "").replace("}}", "").contains('{')
}

/// Every `{word}` is known; `{{` and `}}` are braces.
fn check_placeholders(argument: &str) -> Result<(), String> {
    let plain = argument.replace("{{", "").replace("}}", "");
    let mut rest = plain.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let Some((word, after)) = after.split_once('}') else {
            return Err("has a `{` without `}`: write `{{` for a brace itself".to_owned());
        };
        if !PLACEHOLDERS.contains(&word) {
            return Err(read::unknown_word("placeholder", word, &PLACEHOLDERS));
        }
        rest = after;
    }
    Ok(())
}
