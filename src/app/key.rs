//! Keys as this program names them, without any terminal library.

use std::fmt;
use std::str::FromStr;

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With control held.
    pub ctrl: bool,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character, as typed.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Tabulator with shift.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A function key, 1 to 12.
    F(u8),
}

/// The most function keys that a keyboard has.
const FUNCTION_KEYS: u8 = 12;

/// The keys that have a name, the one they are printed with first.
const NAMED: [(&str, Code); 18] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("shift-tab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("home", Code::Home),
    ("end", Code::End),
    ("space", Code::Char(' ')),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("escape", Code::Esc),
];

impl Key {
    /// A key pressed alone.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false }
    }

    /// A character with control held.
    pub const fn ctrl(letter: char) -> Self {
        let code = Code::Char(letter);
        Self { code, ctrl: true }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ctrl = if self.ctrl { "ctrl-" } else { "" };
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        let text = match (named, self.code) {
            (Some((name, _)), _) => format!("{ctrl}{name}"),
            (None, Code::Char(letter)) => format!("{ctrl}{letter}"),
            (None, Code::F(number)) => format!("{ctrl}f{number}"),
            (None, _) => ctrl.to_owned(),
        };
        f.pad(&text)
    }
}

/// What is wrong with a text that should name a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no key: write one character, `ctrl-` and one character, or a name such as `enter`, `esc`, `tab`, `shift-tab`, `space`, `pgup`, `f5`"
)]
pub struct NotAKey(pub String);

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAKey(text.to_owned());
        let (ctrl, rest) = match text.strip_prefix("ctrl-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let named = NAMED.iter().find(|(name, _)| *name == rest);
        if let Some((_, code)) = named {
            return Ok(Self { code: *code, ctrl });
        }
        if let Some(number) = function_key(rest) {
            let code = Code::F(number);
            return Ok(Self { code, ctrl });
        }
        let mut letters = rest.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_control() => {
                // Terminals do not tell ctrl-a from ctrl-A.
                let letter = if ctrl {
                    letter.to_ascii_lowercase()
                } else {
                    letter
                };
                let code = Code::Char(letter);
                Ok(Self { code, ctrl })
            }
            _ => Err(wrong()),
        }
    }
}

/// The number of a function key by its name.
fn function_key(name: &str) -> Option<u8> {
    let digits = name.strip_prefix('f')?;
    let number = digits.parse().ok()?;
    let is_key = (1..=FUNCTION_KEYS).contains(&number) && !digits.starts_with(['0', '+']);
    is_key.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_prints() {
        for text in [
            "j",
            "G",
            "?",
            "/",
            "ctrl-c",
            "shift-tab",
            "enter",
            "esc",
            "pgup",
            "space",
            "f",
            "f1",
            "f12",
            "ctrl-f5",
            "ctrl-\\",
            "-",
            "[",
            "ü",
        ] {
            let key: Key = text.parse().expect("a key");
            assert_eq!(key.to_string(), text);
        }
        assert_eq!("ctrl-L".parse::<Key>().expect("a key"), Key::ctrl('l'));
        assert_eq!(
            "pagedown".parse::<Key>().expect("a key").to_string(),
            "pgdn"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "jj",
            "ctrl-",
            "meta-x",
            "\u{1b}",
            "Enter key",
            "f0",
            "f13",
            "f05",
            "f+5",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }
}
