//! Frames: rows of one answer, all of them or those that are not as before.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::measured::Measured;
use super::pieces;
use crate::domain::{Facts, Fault, OnCall, Silence, Slo};
use crate::state::database::Trouble;
use crate::text::Untrusted;

/// The largest frame that is read, in bytes of JSON: a file from elsewhere may hold anything.
const MOST: u64 = 256 << 20;

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    /// Everything that is not a list of many: one row.
    Rest,
    /// The definition of an SLO.
    Slo,
    /// Its numbers.
    Numbers,
    /// A release.
    Release,
    /// An incident.
    Incident,
    /// A piece of the burn history of an SLO.
    Slices,
}

/// Which row: its part and its id. An id that a source uses twice has a number at its end.
pub(super) type RowId = (Part, String);

/// A row as it is kept.
pub(super) type Row = Box<RawValue>;

/// What of an answer is not a list of many.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rest {
    /// Which lists there are, be they empty.
    pub(super) slos: bool,
    pub(super) releases: bool,
    pub(super) incidents: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) silences: Option<Vec<Silence>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_call: Option<Vec<OnCall>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<Fault>,
}

impl Rest {
    pub(super) fn of(facts: &Facts) -> Self {
        Self {
            slos: facts.slos.is_some(),
            releases: facts.releases.is_some(),
            incidents: facts.incidents.is_some(),
            silences: facts.silences.clone(),
            on_call: facts.on_call.clone(),
            warnings: facts.warnings.clone(),
            fault: facts.fault.clone(),
        }
    }
}

/// A frame that is being made: deflated row by row, since an answer may have ten thousand.
pub(super) struct Draft {
    body: DeflateEncoder<Vec<u8>>,
    rows: usize,
    gone: Vec<RowId>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            body: DeflateEncoder::new(Vec::new(), Compression::new(4)),
            rows: 0,
            gone: Vec::new(),
        }
    }

    /// Adds a row that came or changed, as JSON.
    pub(super) fn put(&mut self, (part, id): (Part, &str), row: &[u8]) -> Result<(), Trouble> {
        let start: &[u8] = if self.rows == 0 {
            b"{\"rows\":[["
        } else {
            b",["
        };
        self.body.write_all(start)?;
        json(&mut self.body, &part)?;
        self.body.write_all(b",")?;
        json(&mut self.body, id)?;
        self.body.write_all(b",")?;
        self.body.write_all(row)?;
        self.body.write_all(b"]")?;
        self.rows += 1;
        Ok(())
    }

    /// Adds a row that went.
    pub(super) fn take(&mut self, id: RowId) {
        self.gone.push(id);
    }

    /// As it is kept; `None` when nothing has changed.
    pub(super) fn body(mut self) -> Result<Option<Vec<u8>>, Trouble> {
        if self.rows == 0 && self.gone.is_empty() {
            return Ok(None);
        }
        let end: &[u8] = if self.rows == 0 { b"{" } else { b"]," };
        self.body.write_all(end)?;
        self.body.write_all(b"\"gone\":")?;
        json(&mut self.body, &self.gone)?;
        self.body.write_all(b"}")?;
        Ok(Some(self.body.finish()?))
    }
}

/// Writes a value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(out: impl io::Write, value: &T) -> Result<(), Trouble> {
    serde_json::to_writer(out, value)
        .map_err(|error| Trouble::Other(format!("what was seen cannot be written down: {error}")))
}

/// Rows that came or changed, and rows that went.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    rows: Vec<(Part, String, Row)>,
    #[serde(default)]
    gone: Vec<RowId>,
}

impl Frame {
    /// From what was kept. What cannot be understood is damage.
    pub(super) fn read(body: &[u8]) -> Result<Self, Trouble> {
        let mut text = Vec::new();
        let mut inflated = DeflateDecoder::new(body).take(MOST);
        inflated
            .read_to_end(&mut text)
            .map_err(|_| Trouble::Damaged)?;
        serde_json::from_slice(&text).map_err(|_| Trouble::Damaged)
    }
}

impl Frame {
    /// The rows that came or changed.
    pub(super) fn rows(self) -> impl Iterator<Item = (RowId, Row)> {
        self.rows
            .into_iter()
            .map(|(part, id, row)| ((part, id), row))
    }
}

/// The rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Rows(pub(super) BTreeMap<RowId, Row>);

impl Rows {
    /// Applies what came and went.
    pub(super) fn apply(&mut self, frame: Frame) {
        for id in frame.gone {
            self.0.remove(&id);
        }
        for (part, id, row) in frame.rows {
            self.0.insert((part, id), row);
        }
    }

    /// What the answer said.
    pub(super) fn facts(&self) -> Result<Facts, Trouble> {
        let rest: Rest = self
            .0
            .get(&(Part::Rest, String::new()))
            .map(parsed)
            .transpose()?
            .unwrap_or_default();
        let mut slos = Vec::new();
        for (id, row) in self.part(Part::Numbers) {
            let numbers: Measured = parsed(row)?;
            let definition = self.0.get(&(Part::Slo, id.to_owned()));
            let slo: Slo = parsed(definition.ok_or(Trouble::Damaged)?)?;
            let courses = pieces::courses(self, id, &numbers.outlines)?;
            slos.push(numbers.observation(Arc::new(slo), courses));
        }
        let releases = self.part(Part::Release).map(|(_, row)| parsed(row));
        let incidents = self.part(Part::Incident).map(|(_, row)| parsed(row));
        Ok(Facts {
            suggestions: None,
            slos: rest.slos.then_some(slos),
            releases: there(rest.releases, releases)?,
            incidents: there(rest.incidents, incidents)?,
            silences: rest.silences,
            on_call: rest.on_call,
            warnings: rest.warnings,
            fault: rest.fault,
            more: false,
            rest: None,
            reach: None,
        })
    }

    fn part(&self, part: Part) -> impl Iterator<Item = (&str, &Row)> {
        let first = (part, String::new());
        let rows = self.0.range(first..);
        rows.take_while(move |((of, _), _)| *of == part)
            .map(|((_, id), row)| (id.as_str(), row))
    }
}

fn there<T>(
    is_there: bool,
    rows: impl Iterator<Item = Result<T, Trouble>>,
) -> Result<Option<Vec<T>>, Trouble> {
    is_there.then(|| rows.collect()).transpose()
}

/// A row understood; one that cannot be is damage.
pub(super) fn parsed<'a, T: Deserialize<'a>>(row: &'a Row) -> Result<T, Trouble> {
    serde_json::from_str(row.get()).map_err(|_| Trouble::Damaged)
}
