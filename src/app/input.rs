//! One line that is being typed.

use unicode_segmentation::UnicodeSegmentation;

use super::key::{Code, Key};
use crate::text::Shown;

/// The longest line that can be typed, in characters.
const LONGEST: usize = 500;

/// A line that is being typed, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    before: String,
    after: String,
}

impl Input {
    /// A line with the cursor at its end.
    pub(super) fn new(text: &str) -> Self {
        Self {
            before: text.to_owned(),
            after: String::new(),
        }
    }

    /// What has been typed.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// True when nothing has been.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// Takes a key; false for one that edits nothing.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (Code::Char('u'), true) => self.before.clear(),
            (Code::Char('k'), true) => self.after.clear(),
            (Code::Char('w'), true) => {
                let kept = self.before.trim_end();
                let word = kept.rfind(' ').map_or(0, |at| at + 1);
                self.before.truncate(word);
            }
            (Code::Char('a'), true) | (Code::Home, _) => {
                self.after = self.text();
                self.before.clear();
            }
            (Code::Char('e'), true) | (Code::End, _) => *self = Self::new(&self.text()),
            (Code::Char(letter), false) => self.type_in(letter),
            (Code::Backspace, _) => {
                self.take_before();
            }
            (Code::Delete, _) => {
                self.take_after();
            }
            (Code::Left, _) => {
                let letter = self.take_before();
                self.after.insert_str(0, &letter);
            }
            (Code::Right, _) => {
                let letter = self.take_after();
                self.before.push_str(&letter);
            }
            _ => return false,
        }
        true
    }

    fn type_in(&mut self, letter: char) {
        let count = self.before.chars().count() + self.after.chars().count();
        if !letter.is_control() && count < LONGEST {
            self.before.push(letter);
        }
    }

    fn take_before(&mut self) -> String {
        let at = self.before.grapheme_indices(true).next_back();
        let at = at.map_or(0, |(at, _)| at);
        self.before.split_off(at)
    }

    fn take_after(&mut self) -> String {
        let end = self.after.graphemes(true).next().map_or(0, str::len);
        let rest = self.after.split_off(end);
        std::mem::replace(&mut self.after, rest)
    }

    /// As much of the line as fits around the cursor, and the cursor's column in it.
    pub(super) fn shown(&self, room: usize) -> (Shown, u16) {
        let room = room.max(2);
        let mut starts = self.before.grapheme_indices(true).map(|(at, _)| at);
        let fits = |at: &usize| Shown::new(&self.before[*at..]).width() < room;
        let start = starts.find(fits).unwrap_or(self.before.len());
        let before = Shown::new(&self.before[start..]);
        let text = Shown::new(format!("{}{}", &self.before[start..], self.after)).fit(room);
        (text, u16::try_from(before.width()).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(keys: &str) -> Input {
        let mut input = Input::default();
        for key in keys.split_whitespace() {
            input.press(key.parse().expect("a key"));
        }
        input
    }

    #[test]
    fn a_line_is_edited_where_the_cursor_is() {
        for (keys, text) in [
            ("a b c", "abc"),
            ("a b backspace c", "ac"),
            ("a b left c", "acb"),
            ("a b left left delete c", "cb"),
            ("a space b ctrl-w c", "a c"),
            ("a b ctrl-u c", "c"),
            ("a b home c end d", "cabd"),
            ("a b home right ctrl-k", "a"),
            ("支 払 left backspace", "払"),
        ] {
            assert_eq!(pressed(keys).text(), text, "{keys}");
        }
    }

    #[test]
    fn the_cursor_stays_in_view_of_a_long_line() {
        let long = Input::new(&"x".repeat(100));
        let (text, at) = long.shown(10);
        assert!(text.width() <= 10 && at < 10, "{text} {at}");
        assert_eq!(Input::new("ab").shown(10), (Shown::new("ab"), 2));
    }
}
