//! `[journal]`: what is kept of what was seen, where, for how long, and in how many bytes.

use jiff::SignedDuration;

use super::check::Context;
use super::read::bytes;
use super::wire;
use super::{JournalSettings, Problem, Step};
use crate::text::clipped;

/// The shortest time that is worth a file: a shift.
const LEAST: SignedDuration = SignedDuration::from_hours(1);
/// The smallest file that holds the present.
const SMALLEST: u64 = 1 << 20;

impl Default for JournalSettings {
    /// A month, in a file that nobody has to look after.
    fn default() -> Self {
        Self {
            enabled: true,
            path: None,
            keep: SignedDuration::from_hours(30 * 24),
            max_size: 256 << 20,
        }
    }
}

impl Context<'_> {
    /// `[journal]`.
    pub(super) fn journal(&mut self, wire: wire::Journal) -> JournalSettings {
        let standard = JournalSettings::default();
        let keep = wire.keep.map(|keep| keep.0.duration());
        if keep.is_some_and(|keep| keep < LEAST) {
            self.refuse_journal(
                "keep",
                "keeps too little to be of use: at least `1h`".into(),
            );
        }
        let max_size = wire.max_size.map(|text| {
            let size = bytes(&text).filter(|size| *size >= SMALLEST);
            size.unwrap_or_else(|| {
                let message = format!(
                    "`{}` is no size of 1 MiB or more: write for example `256MiB`",
                    clipped(&text)
                );
                self.refuse_journal("max_size", message);
                standard.max_size
            })
        });
        JournalSettings {
            enabled: wire.enabled.unwrap_or(standard.enabled),
            path: wire.path.map(|path| self.path(path)),
            keep: keep.unwrap_or(standard.keep),
            max_size: max_size.unwrap_or(standard.max_size),
        }
    }

    fn refuse_journal(&mut self, key: &str, message: String) {
        let path = ["journal", key].map(|key| Step::Key(key.to_owned()));
        self.problems.push(Problem {
            path: path.into(),
            message,
        });
    }
}
