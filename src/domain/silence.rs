//! A silence: what it hides, until when, and who says why.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Untrusted;

/// One condition on one label. All of a silence's have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// What it is compared with.
    pub value: String,
    /// True when `value` is a regular expression of the whole label.
    pub is_regex: bool,
    /// False when what matches is left alone.
    pub is_equal: bool,
}

impl Matcher {
    /// `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            is_regex: false,
            is_equal: true,
        }
    }
}

impl fmt::Display for Matcher {
    /// As Alertmanager and amtool write and read it, with only `\\`, `\"` and `\n` escaped. Foreign text: to be shown through `Untrusted`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (true, true) => "=~",
            (false, false) => "!=",
            (false, true) => "!~",
        };
        write!(f, "{}{operator}\"", self.name)?;
        for c in self.value.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// A silence that is in force, or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Unique within its source; an edit may give it another.
    pub id: Untrusted,
    /// What it hides.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub created_by: Untrusted,
    /// Why.
    pub comment: Untrusted,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_is_written_as_alertmanager_reads_it_and_not_as_rust_does() {
        for (value, written) in [
            ("checkout", "checkout"),
            ("a \"b\" \\c", "a \\\"b\\\" \\\\c"),
            ("two\nlines", "two\\nlines"),
            ("it's\ta tab", "it's\ta tab"),
            // What Rust would write as `\u{301}`, `\u{200d}` and `\u{feff}`.
            ("cafe\u{301}", "cafe\u{301}"),
            ("日本\u{200d}語", "日本\u{200d}語"),
            ("\u{feff}x", "\u{feff}x"),
        ] {
            let text = Matcher::equal("service", value).to_string();
            assert_eq!(text, format!("service=\"{written}\""), "{value}");
        }
    }
}
