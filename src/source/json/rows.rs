//! Rows that jq programs emit, read as SLOs, releases, incidents and shifts.
//!
//! The field names are those of `status --format json`. A row without what identifies it is
//! dropped; a field that cannot be read is left out. Either is counted and named in a warning, for
//! a mapping that is wrong by a letter must not look like a quiet day.

mod events;
mod fields;
mod slo;

use std::collections::HashMap;
use std::ops::ControlFlow;

use jaq_json::Val;

pub(super) use self::fields::{Fields, text};
pub(super) use self::slo::Terms;
use crate::domain::{Dropped, Mapping};
use crate::source::severity::UnknownSeverities;
use crate::text::Untrusted;

/// The most rows that one program may give.
pub(super) const MAX_ROWS: usize = 5_000;
/// The most bytes of text that are kept of one program's rows.
pub(super) const MAX_TEXT: usize = 4 * 1024 * 1024;
/// How many complaints of one sort are kept in words.
const MAX_WORDS: usize = 20;
/// The most characters of a dropped row that are kept.
const MAX_RAW: usize = 500;

/// Something that a row can be read as.
pub(super) trait Row: Sized {
    /// What is known without the row.
    type Context;

    /// Reads a row; the error says what is wrong with it.
    fn read(fields: &mut Fields<'_>, context: &Self::Context) -> Result<Self, String>;

    /// What tells it from the others.
    fn id(&self) -> String;
}

/// Takes in what a program emits, whatever its rows become.
pub(super) trait Collect {
    /// The setting that holds the program.
    fn program(&self) -> &'static str;

    /// Begins the next page: rows of the earlier ones may come again, for lists move meanwhile.
    fn turn(&mut self);

    /// Takes in one output of the program; breaks off when there are enough.
    fn take(&mut self, output: &Val) -> ControlFlow<()>;

    /// How many rows were emitted, and how many of them kept.
    fn counts(&self) -> (usize, usize);

    /// True when no further row is taken.
    fn is_full(&self) -> bool;
}

/// What came of the rows of one program.
pub(super) struct Finished<T> {
    pub(super) rows: Vec<T>,
    /// What to tell the user.
    pub(super) warnings: Vec<Untrusted>,
    /// How they came to be.
    pub(super) mapping: Mapping,
    /// True when a row or a value was not understood, or there was no row at all.
    pub(super) is_puzzled: bool,
}

/// The rows of one program over all pages, and what went wrong with some of them.
pub(super) struct Rows<T: Row> {
    /// The setting that holds the program.
    program: &'static str,
    context: T::Context,
    /// The good ones.
    kept: Vec<T>,
    /// The page that each was on first.
    ids: HashMap<String, usize>,
    page: usize,
    text: usize,
    seen: usize,
    repeated: usize,
    is_cut: bool,
    dropped: Complaints,
    drops: Vec<Dropped>,
    misread: Complaints,
    unknown: UnknownSeverities,
}

/// How many of one sort, and the first of them in words.
#[derive(Default)]
pub(super) struct Complaints {
    count: usize,
    words: Vec<String>,
}

impl Complaints {
    fn add(&mut self, words: impl FnOnce() -> String) {
        if self.words.len() < MAX_WORDS {
            self.words.push(words());
        }
        self.count += 1;
    }

    fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

impl<T: Row> Rows<T> {
    pub(super) fn new(program: &'static str, context: T::Context) -> Self {
        Self {
            program,
            context,
            kept: Vec::new(),
            ids: HashMap::new(),
            page: 0,
            text: 0,
            seen: 0,
            repeated: 0,
            is_cut: false,
            dropped: Complaints::default(),
            drops: Vec::new(),
            misread: Complaints::default(),
            unknown: UnknownSeverities::default(),
        }
    }

    fn keep(&mut self, row: T, output: &Val) {
        match self.ids.get(&row.id()) {
            None => {
                self.ids.insert(row.id(), self.page);
                self.kept.push(row);
            }
            Some(page) if *page == self.page => {
                self.drop_row("has the `id` of an earlier one".to_owned(), output);
            }
            Some(_) => self.repeated += 1,
        }
    }

    fn drop_row(&mut self, reason: String, output: &Val) {
        let number = self.seen;
        self.dropped.add(|| format!("row {number} {reason}"));
        if self.drops.len() < MAX_WORDS {
            self.drops.push(Dropped {
                row: number,
                reason: reason.into(),
                raw: excerpt(output, MAX_RAW).into(),
            });
        }
    }

    /// The rows, and what is to be said of them.
    pub(super) fn finish(self) -> Finished<T> {
        let what = self.program;
        let mut warnings = Vec::new();
        if self.is_cut {
            warnings.push(format!(
                "{what}: first {} of more rows; let the program select fewer",
                self.seen
            ));
        }
        let Complaints { count, .. } = self.dropped;
        if count > 0 {
            let (seen, first) = (self.seen, self.dropped.first());
            warnings.push(format!("{what}: {count} of {seen} rows dropped: {first}"));
        }
        let Complaints { count, .. } = self.misread;
        if count > 0 {
            let first = self.misread.first();
            warnings.push(format!("{what}: {count} values not understood: {first}"));
        }
        let mapping = Mapping {
            program: what,
            emitted: self.seen,
            kept: self.kept.len(),
            repeated: self.repeated,
            dropped: self.dropped.count,
            misread: self.misread.count,
            is_cut: self.is_cut,
            example: None,
            drops: self.drops,
            misreads: self
                .misread
                .words
                .into_iter()
                .map(Untrusted::from)
                .collect(),
        };
        Finished {
            rows: self.kept,
            warnings: warnings
                .into_iter()
                .map(Untrusted::from)
                .chain(self.unknown.warnings())
                .collect(),
            is_puzzled: mapping.dropped > 0 || mapping.misread > 0 || mapping.emitted == 0,
            mapping,
        }
    }
}

impl<T: Row> Collect for Rows<T> {
    fn program(&self) -> &'static str {
        self.program
    }

    fn turn(&mut self) {
        self.page += 1;
    }

    fn take(&mut self, output: &Val) -> ControlFlow<()> {
        if self.is_full() {
            self.is_cut = true;
            return ControlFlow::Break(());
        }
        self.seen += 1;
        let number = self.seen;
        let row = match output {
            Val::Obj(map) => {
                let mut fields = Fields::new(
                    map,
                    &mut self.text,
                    &mut self.misread,
                    &mut self.unknown,
                    number,
                );
                T::read(&mut fields, &self.context)
            }
            Val::Arr(_) => Err("is an array; end the program with `[]`".to_owned()),
            _ => Err("is no object".to_owned()),
        };
        match row {
            Ok(row) => self.keep(row, output),
            Err(lack) => self.drop_row(lack, output),
        }
        ControlFlow::Continue(())
    }

    fn counts(&self) -> (usize, usize) {
        (self.seen, self.kept.len())
    }

    fn is_full(&self) -> bool {
        self.seen >= MAX_ROWS || self.text > MAX_TEXT
    }
}

/// A value as JSON, cut when it is long.
pub(super) fn excerpt(value: &Val, most: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
