//! Findings as annotations of GitHub Actions, which shows them beside the lines of a change.
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use std::fmt;

use crate::text::Untrusted;

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Something may be wrong.
    Warning,
    /// Good to know.
    Notice,
}

/// One annotation.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// How much it matters.
    pub level: Level,
    /// The file it is about; empty for none.
    pub file: String,
    /// Line and column in it, from 1.
    pub place: Option<(usize, usize)>,
    /// A few words above it; empty for none.
    pub title: String,
    /// What is to be said.
    pub message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        let place = self.place.filter(|_| !self.file.is_empty());
        let properties = [
            ("file", Some(self.file.clone())),
            ("line", place.map(|(line, _)| line.to_string())),
            ("col", place.map(|(_, column)| column.to_string())),
            ("title", Some(self.title.clone())),
        ];
        let properties: Vec<_> = properties
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
            .map(|(name, value)| format!("{name}={}", property(&value)))
            .collect();
        let gap = if properties.is_empty() { "" } else { " " };
        let message = data(&self.message);
        writeln!(f, "::{word}{gap}{}::{message}", properties.join(","))
    }
}

/// A text as the message of a workflow command; its lines stay lines.
fn data(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let shown = Untrusted::from(line).shown_whole();
        shown.as_str().replace('%', "%25")
    });
    lines.collect::<Vec<_>>().join("%0A")
}

/// A text as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_an_annotation_or_begins_another_one() {
        let annotation = Annotation {
            level: Level::Error,
            file: "slos/a,b.yaml".to_owned(),
            place: Some((3, 9)),
            title: "100 %: no".to_owned(),
            message: "x\n::set-output name=a::b\r\n50 % \u{1b}[2J".to_owned(),
        };
        assert_eq!(
            annotation.to_string(),
            "::error file=slos/a%2Cb.yaml,line=3,col=9,title=100 %25%3A no\
             ::x%0A::set-output name=a::b%0A50 %25 ⟦esc⟧\n"
        );
        let bare = Annotation {
            level: Level::Notice,
            file: String::new(),
            title: String::new(),
            message: "ok".to_owned(),
            ..annotation
        };
        assert_eq!(bare.to_string(), "::notice::ok\n");
    }
}
