//! Rows that a jq program emits, read as releases and incidents.
//!
//! The field names are those of `status --format json`. A row without what identifies it is
//! dropped; a field that cannot be read is left out. Either is counted and named in a warning, for
//! a mapping that is wrong by a letter must not look like a quiet day.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jaq_json::{Map, Val};
use jiff::Timestamp;

use crate::domain::{Incident, IncidentStatus, Release, ReleaseStatus, Severity};
use crate::source::web_link;
use crate::text::Untrusted;

/// The most rows that one program may give.
pub(super) const MAX_ROWS: usize = 5_000;
/// The most bytes of text that are kept of one program's rows.
pub(super) const MAX_TEXT: usize = 4 * 1024 * 1024;
/// Numbers above this are milliseconds since 1970, others seconds: as seconds it is the year 5138,
/// as milliseconds March 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// The fields that incidents have; what else a row holds becomes a detail.
const INCIDENT_FIELDS: [&str; 12] = [
    "id",
    "title",
    "service",
    "severity",
    "status",
    "opened_at",
    "acknowledged_at",
    "resolved_at",
    "assignees",
    "url",
    "runbook",
    "alerts",
];

/// Something that a row can be read as.
pub(super) trait Row: Sized {
    /// Reads a row; the error says what it lacks.
    fn read(fields: &mut Fields<'_>) -> Result<Self, String>;

    /// What tells it from the others.
    fn id(&self) -> &str;
}

/// The rows of one program, and what went wrong with some of them.
pub(super) struct Rows<T> {
    /// The good ones.
    kept: Vec<T>,
    ids: HashSet<String>,
    text: usize,
    seen: usize,
    is_cut: bool,
    dropped: Complaints,
    misread: Complaints,
}

/// How many of one sort, and the first of them in words.
#[derive(Default)]
struct Complaints {
    count: usize,
    first: String,
}

impl Complaints {
    fn add(&mut self, words: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = words();
        }
        self.count += 1;
    }
}

impl<T: Row> Rows<T> {
    pub(super) fn new() -> Self {
        Self {
            kept: Vec::new(),
            ids: HashSet::new(),
            text: 0,
            seen: 0,
            is_cut: false,
            dropped: Complaints::default(),
            misread: Complaints::default(),
        }
    }

    /// Takes in one output of the program; breaks off when there are enough.
    pub(super) fn take(&mut self, output: &Val) -> ControlFlow<()> {
        if self.seen >= MAX_ROWS || self.text > MAX_TEXT {
            self.is_cut = true;
            return ControlFlow::Break(());
        }
        self.seen += 1;
        let number = self.seen;
        let row = match output {
            Val::Obj(map) => {
                let mut fields = Fields {
                    map,
                    text: &mut self.text,
                    misread: &mut self.misread,
                    number,
                };
                T::read(&mut fields)
            }
            Val::Arr(_) => Err("is an array; end the program with `[]`".to_owned()),
            _ => Err("is no object".to_owned()),
        };
        match row {
            Ok(row) if self.ids.insert(row.id().to_owned()) => self.kept.push(row),
            Ok(_) => self
                .dropped
                .add(|| format!("row {number} has the `id` of an earlier one")),
            Err(lack) => self.dropped.add(|| format!("row {number} {lack}")),
        }
        ControlFlow::Continue(())
    }

    /// The rows, and what to tell the user; `what` names the program.
    pub(super) fn finish(self, what: &str) -> (Vec<T>, Vec<Untrusted>) {
        let mut warnings = Vec::new();
        if self.is_cut {
            warnings.push(format!(
                "{what}: first {} of more rows; let the program select fewer",
                self.seen
            ));
        }
        let Complaints { count, first } = self.dropped;
        if count > 0 {
            let seen = self.seen;
            warnings.push(format!("{what}: {count} of {seen} rows dropped: {first}"));
        }
        let Complaints { count, first } = self.misread;
        if count > 0 {
            warnings.push(format!("{what}: {count} values not understood: {first}"));
        }
        (
            self.kept,
            warnings.into_iter().map(Untrusted::from).collect(),
        )
    }
}

/// One row's fields.
pub(super) struct Fields<'a> {
    map: &'a Map,
    text: &'a mut usize,
    misread: &'a mut Complaints,
    number: usize,
}

impl Fields<'_> {
    /// The value of a field; `null` counts as absent.
    fn value(&self, name: &str) -> Option<&Val> {
        let key = Val::from(name.to_owned());
        self.map
            .get(&key)
            .filter(|value| !matches!(value, Val::Null))
    }

    fn misread(&mut self, name: &str, value: &Val) {
        let number = self.number;
        self.misread.add(|| match text(value) {
            Some(text) => {
                let shown: String = text.chars().take(40).collect();
                format!("row {number} `{name}` is {shown:?}")
            }
            None => format!("row {number} `{name}` is {}", kind(value)),
        });
    }

    /// Text or a number, trimmed; `None` when there is nothing in it.
    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?.clone();
        let Some(text) = text(&value) else {
            self.misread(name, &value);
            return None;
        };
        let text = text.trim();
        *self.text += text.len();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn untrusted(&mut self, name: &str) -> Option<Untrusted> {
        self.text(name).map(Untrusted::from)
    }

    fn required(&mut self, name: &str) -> Result<Untrusted, String> {
        match self.text(name) {
            Some(text) => Ok(text.into()),
            None => Err(format!("lacks `{name}`")),
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.value(name)?.clone();
        let read = time(&value);
        if read.is_none() && text(&value).is_none_or(|text| !text.trim().is_empty()) {
            self.misread(name, &value);
        }
        read
    }

    fn link(&mut self, name: &str) -> Option<Untrusted> {
        let text = self.text(name)?;
        let link = web_link(&text);
        if link.is_none() {
            self.misread(name, &Val::from(text));
        }
        link
    }

    /// A list of texts, or one text.
    fn texts(&mut self, name: &str) -> Vec<Untrusted> {
        let Some(value) = self.value(name).cloned() else {
            return Vec::new();
        };
        let items: &[Val] = match &value {
            Val::Arr(items) => items,
            one => std::slice::from_ref(one),
        };
        let texts: Vec<_> = items.iter().filter_map(text).collect();
        if texts.len() < items.len() {
            self.misread(name, &value);
        }
        *self.text += texts.iter().map(String::len).sum::<usize>();
        texts
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(Untrusted::from)
            .collect()
    }

    /// Texts, numbers and truths under names that are not `known`.
    fn others(&mut self, known: &[&str]) -> Vec<(Untrusted, Untrusted)> {
        let mut others = Vec::new();
        for (name, value) in self.map {
            let Some(name) = text(name).filter(|name| !known.contains(&name.as_str())) else {
                continue;
            };
            let value = match value {
                Val::Bool(truth) => Some(truth.to_string()),
                value => text(value),
            };
            if let Some(value) = value {
                *self.text += name.len() + value.len();
                others.push((name.into(), value.into()));
            }
        }
        others
    }
}

impl Row for Release {
    fn read(fields: &mut Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            id: fields.required("id")?,
            service: fields.required("service")?,
            version: fields.required("version")?,
            environment: fields.untrusted("environment").unwrap_or_default(),
            status: fields
                .text("status")
                .map_or(ReleaseStatus::Unknown, |word| {
                    ReleaseStatus::from_word(&word)
                }),
            started_at: fields.time("started_at"),
            finished_at: fields.time("finished_at"),
            actor: fields.untrusted("actor"),
            commit: fields.untrusted("commit"),
            url: fields.link("url"),
        })
    }

    fn id(&self) -> &str {
        self.id.raw()
    }
}

impl Row for Incident {
    fn read(fields: &mut Fields<'_>) -> Result<Self, String> {
        let resolved_at = fields.time("resolved_at");
        let acknowledged_at = fields.time("acknowledged_at");
        let status = match fields.text("status") {
            Some(word) => IncidentStatus::from_word(&word),
            None if resolved_at.is_some() => IncidentStatus::Resolved,
            None if acknowledged_at.is_some() => IncidentStatus::Acknowledged,
            None => IncidentStatus::Triggered,
        };
        let severity = fields.text("severity").unwrap_or_default();
        let (id, title) = (fields.required("id")?, fields.required("title")?);
        Ok(Self {
            service: fields.untrusted("service").unwrap_or_default(),
            opened_at: fields.time("opened_at"),
            acknowledged_at,
            resolved_at,
            assignees: fields.texts("assignees"),
            url: fields.link("url"),
            runbook: fields.untrusted("runbook"),
            alerts: fields
                .text("alerts")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            details: fields.others(&INCIDENT_FIELDS),
            ..Self::new(id, title, Severity::from_label(&severity), status)
        })
    }

    fn id(&self) -> &str {
        self.id.raw()
    }
}

/// A text, or a number as it is written; `None` for everything else.
fn text(value: &Val) -> Option<String> {
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Val::Num(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a value is, for a message.
fn kind(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "true or false",
        Val::Num(_) => "a number",
        Val::BStr(_) | Val::TStr(_) => "a text",
        Val::Arr(_) => "an array",
        Val::Obj(_) => "an object",
    }
}

/// RFC 3339 text, or Unix seconds or milliseconds as a number or as text.
fn time(value: &Val) -> Option<Timestamp> {
    let number = match value {
        Val::Num(number) => number.to_string().parse().ok()?,
        value => {
            let text = text(value)?;
            match text.trim().parse() {
                Ok(number) => number,
                Err(_) => return text.trim().parse().ok(),
            }
        }
    };
    unix_time(number)
}

fn unix_time(number: f64) -> Option<Timestamp> {
    let seconds = if number > MILLISECONDS_FROM {
        number / 1e3
    } else {
        number
    };
    let since = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

#[cfg(test)]
mod tests;
