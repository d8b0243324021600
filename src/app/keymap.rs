//! Which key does what: the defaults with the configuration over them.

use std::collections::BTreeMap;

use super::action::Action;
use super::key::Key;
use crate::config::{CommandScope, Problem, Step, UserCommand};
use crate::domain::nearest_name::nearest;

/// Keys to actions, and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<(Action, Vec<Key>)>,
    /// Keys of the user's own commands: the rows they work on, and which command.
    commands: Vec<(Key, CommandScope, usize)>,
}

/// Leaves from anywhere, whatever is configured.
const ALWAYS_EXIT: Key = Key::ctrl('c');

impl Keymap {
    /// The defaults with `overrides` (action name to keys; none leaves it without) over them.
    ///
    /// # Errors
    ///
    /// An action that does not exist, a text that names no key, or one key for two actions.
    pub fn new(overrides: &BTreeMap<String, Vec<String>>) -> Result<Self, Problem> {
        for name in overrides.keys() {
            if !Action::ALL.iter().any(|action| action.name() == name) {
                return Err(problem(name, unknown(name)));
            }
        }
        let mut bindings: Vec<(Action, Vec<Key>)> = Vec::new();
        for &action in Action::ALL {
            let keys = match overrides.get(action.name()) {
                Some(texts) => read(action, texts)?,
                None => defaults(action),
            };
            bindings.push((action, keys));
        }
        let mut map = Self {
            bindings,
            commands: Vec::new(),
        };
        for action in Action::ALL {
            if overrides.contains_key(action.name()) {
                for key in map.keys(*action).to_vec() {
                    map.free(key, *action);
                }
            }
        }
        map.refuse_clashes(overrides)?;
        Ok(map)
    }

    /// The same with the keys of the user's own commands, which work on rows of their own kind.
    ///
    /// # Errors
    ///
    /// A text that names no key, or a key that means something already.
    pub fn with_commands(mut self, commands: &[UserCommand]) -> Result<Self, Problem> {
        for (number, command) in commands.iter().enumerate() {
            let Some(text) = &command.key else {
                continue;
            };
            let wrong = |message: String| Problem {
                path: vec![
                    Step::Key("action".to_owned()),
                    Step::Index(number),
                    Step::Key("key".to_owned()),
                ],
                message,
            };
            let key: Key = text
                .parse()
                .map_err(|not: super::key::NotAKey| wrong(not.to_string()))?;
            self.free(key, Action::Palette);
            let other = self.resolve(key).map(|action| action.name().to_owned());
            let other = other.or_else(|| {
                let known = self.command(key, Some(command.scope))?;
                Some(commands[known].label.clone())
            });
            if let Some(other) = other {
                return Err(wrong(format!(
                    "`{key}` already means `{other}`: choose a free key, or leave `key` out and use the palette"
                )));
            }
            self.commands.push((key, command.scope, number));
        }
        Ok(self)
    }

    /// Takes a key that the configuration gives to something else from an action of [`Action::LATER`] that
    /// has it by default.
    fn free(&mut self, key: Key, wanted_by: Action) {
        let later = self.bindings.iter_mut();
        let later = later.filter(|(action, keys)| {
            *action != wanted_by && Action::LATER.contains(action) && *keys == defaults(*action)
        });
        for (_, keys) in later {
            keys.retain(|bound| *bound != key);
        }
    }

    /// Which of the user's own commands a key is for, on rows of this kind.
    pub fn command(&self, key: Key, scope: Option<CommandScope>) -> Option<usize> {
        let mut commands = self.commands.iter();
        let found = commands.find(|(bound, on, _)| *bound == key && Some(*on) == scope);
        found.map(|(_, _, number)| *number)
    }

    /// What a key does.
    pub fn resolve(&self, key: Key) -> Option<Action> {
        if key == ALWAYS_EXIT {
            return Some(Action::Exit);
        }
        self.bindings
            .iter()
            .find(|(_, keys)| keys.contains(&key))
            .map(|(action, _)| *action)
    }

    /// The keys that leave from anywhere.
    pub fn exit_keys(&self) -> Vec<Key> {
        let bound = self.keys(Action::Exit).iter().copied();
        bound.chain([ALWAYS_EXIT]).collect()
    }

    /// The keys of an action, the one to show first.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.bindings
            .iter()
            .find(|(bound, _)| *bound == action)
            .map_or(&[], |(_, keys)| keys)
    }

    /// The key to show for an action, if it has one.
    pub fn hint(&self, action: Action) -> Option<String> {
        self.keys(action).first().map(Key::to_string)
    }

    fn refuse_clashes(&self, overrides: &BTreeMap<String, Vec<String>>) -> Result<(), Problem> {
        let mut taken: BTreeMap<Key, Action> = BTreeMap::from([(ALWAYS_EXIT, Action::Exit)]);
        for (action, keys) in &self.bindings {
            for key in keys {
                let Some(other) = taken.insert(*key, *action).filter(|other| other != action)
                else {
                    continue;
                };
                // The mistake is where the configuration speaks, not at the default it meets.
                let (at, meets) = if overrides.contains_key(action.name()) {
                    (*action, other)
                } else {
                    (other, *action)
                };
                return Err(problem(
                    at.name(),
                    format!(
                        "`{key}` already means `{}`: choose a free key, or give `{0}` another one",
                        meets.name()
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn defaults(action: Action) -> Vec<Key> {
    let texts = action.default_keys().iter();
    texts.filter_map(|text| text.parse().ok()).collect()
}

fn read(action: Action, texts: &[String]) -> Result<Vec<Key>, Problem> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|wrong: super::key::NotAKey| problem(action.name(), wrong.to_string()))
        })
        .collect()
}

fn problem(name: &str, message: String) -> Problem {
    Problem {
        path: vec![Step::Key("keys".to_owned()), Step::Key(name.to_owned())],
        message,
    }
}

fn unknown(name: &str) -> String {
    let nearest = nearest(name, Action::ALL.iter().map(|action| action.name()));
    if let Some(nearest) = nearest {
        return format!("there is no action `{name}`: did you mean `{nearest}`?");
    }
    let names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
    format!(
        "there is no action `{name}`: use one of {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(overrides: &[(&str, &[&str])]) -> Result<Keymap, Problem> {
        let overrides = overrides.iter().map(|(name, keys)| {
            let keys = keys.iter().map(|&key| key.to_owned()).collect();
            ((*name).to_owned(), keys)
        });
        Keymap::new(&overrides.collect())
    }

    fn key(text: &str) -> Key {
        text.parse().expect("a key")
    }

    #[test]
    fn a_key_of_an_older_configuration_keeps_its_meaning() {
        let map = map(&[("poll", &["S"]), ("next_row", &["K"])]).expect("a keymap");
        assert_eq!(map.resolve(key("S")), Some(Action::Poll));
        assert_eq!(map.hint(Action::Sort), None);
        assert_eq!(map.resolve(key("K")), Some(Action::NextRow));
        let command = UserCommand {
            terminal: false,
            key: Some("e".to_owned()),
            label: "undo".to_owned(),
            scope: CommandScope::Release,
            command: vec!["true".to_owned()],
            confirm: true,
            timeout: jiff::SignedDuration::from_secs(60),
        };
        let map = map.with_commands(&[command]).expect("a free key");
        assert_eq!(map.resolve(key("e")), None);
        assert_eq!(map.command(key("e"), Some(CommandScope::Release)), Some(0));
    }

    #[test]
    fn every_default_is_a_key_and_none_means_two_things() {
        let map = map(&[]).expect("the defaults");
        for &action in Action::ALL {
            assert_eq!(map.keys(action).len(), action.default_keys().len());
            for text in action.default_keys() {
                assert_eq!(map.resolve(key(text)), Some(action), "{text}");
            }
        }
    }

    #[test]
    fn a_configured_key_replaces_the_default() {
        let map = map(&[("down", &["m"]), ("filter", &[])]).expect("a keymap");
        assert_eq!(map.resolve(key("m")), Some(Action::Down));
        assert_eq!(map.resolve(key("j")), None);
        assert_eq!(map.resolve(key("/")), None);
        assert_eq!(map.hint(Action::Filter), None);
    }

    #[test]
    fn a_mistake_is_named_at_its_place_with_the_fix() {
        for (overrides, place, words) in [
            (&[("dwon", &["n"][..])][..], "dwon", "did you mean `down`"),
            (&[("launch", &["n"])], "launch", "use one of down, up"),
            (&[("down", &["jj"])], "down", "`jj` is no key"),
            (&[("down", &["k"])], "down", "`k` already means `up`"),
            (&[("zone", &["j"])], "zone", "`j` already means `down`"),
            (&[("zone", &["ctrl-c"])], "zone", "already means `exit`"),
            (
                &[("up", &["x"]), ("down", &["x"])],
                "up",
                "`x` already means `down`",
            ),
        ] {
            let problem = map(overrides).expect_err("a mistake");
            let path = [Step::Key("keys".to_owned()), Step::Key(place.to_owned())];
            assert_eq!(problem.path, path);
            assert!(problem.message.contains(words), "{}", problem.message);
        }
    }

    #[test]
    fn the_key_of_a_command_is_checked_against_every_other() {
        let command = |key: &str, scope| UserCommand {
            terminal: false,
            key: Some(key.to_owned()),
            label: format!("do {key}"),
            scope,
            command: vec!["true".to_owned()],
            confirm: true,
            timeout: jiff::SignedDuration::from_secs(1),
        };
        let with = |commands: &[UserCommand]| map(&[]).expect("keys").with_commands(commands);
        let (slo, release) = (CommandScope::Slo, CommandScope::Release);
        let found = with(&[command("X", slo), command("X", release)]).expect("two kinds of rows");
        assert_eq!(found.command(key("X"), Some(release)), Some(1));
        assert_eq!(found.command(key("X"), None), None);
        for (commands, words) in [
            (vec![command("a", slo)], "`a` already means `acknowledge`"),
            (vec![command("ctrl-c", slo)], "already means `exit`"),
            (vec![command("jj", slo)], "`jj` is no key"),
            (vec![command("X", slo), command("X", slo)], "means `do X`"),
        ] {
            let problem = with(&commands).expect_err("a mistake");
            assert_eq!(problem.path.last(), Some(&Step::Key("key".to_owned())));
            assert!(problem.message.contains(words), "{}", problem.message);
        }
    }

    #[test]
    fn control_c_leaves_whatever_is_configured() {
        let map = map(&[("exit", &["ctrl-q"])]).expect("a keymap");
        assert_eq!(map.resolve(Key::ctrl('c')), Some(Action::Exit));
        assert_eq!(map.resolve(Key::ctrl('q')), Some(Action::Exit));
    }
}
