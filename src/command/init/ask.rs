//! The questions of `init`: three at most, and none without a terminal.

use std::io;

use crate::text::Shown;

/// How many questions are asked.
const MAX_QUESTIONS: usize = 3;

/// What may still be asked.
pub(super) struct Questions {
    left: usize,
}

impl Questions {
    pub(super) fn new(may_ask: bool) -> Self {
        Self {
            left: if may_ask { MAX_QUESTIONS } else { 0 },
        }
    }

    /// An answer, the default for an empty one; the default as well where nothing may be asked.
    pub(super) fn ask(&mut self, what: &str, default: Option<&str>) -> Option<String> {
        let default = default.map(str::to_owned);
        if self.left == 0 {
            return default;
        }
        let hint = default.as_deref().unwrap_or("none");
        let answer = self.line(&format!("{what} [{hint}]: "))?;
        if answer.is_empty() {
            default
        } else {
            Some(answer)
        }
    }

    /// True for yes, which is the default, and where nothing may be asked.
    pub(super) fn confirm(&mut self, what: &str) -> bool {
        if self.left == 0 {
            return true;
        }
        let answer = self.line(&format!("{what} [Y/n]: "));
        // The end of input is no consent.
        answer.is_some_and(|answer| !answer.to_ascii_lowercase().starts_with('n'))
    }

    fn line(&mut self, question: &str) -> Option<String> {
        self.left -= 1;
        crate::command::warn(Shown::new(question));
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim().to_owned())
    }
}
