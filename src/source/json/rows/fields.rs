//! One row's fields, read one by one; what cannot be read is left out and told of.

use jaq_json::{Map, Val};
use jiff::Timestamp;

use super::Complaints;
use crate::domain::{Commit, ReleaseStatus, Severity};
use crate::source::severity::{Severities, UnknownSeverities};
use crate::source::web_link;
use crate::text::Untrusted;

/// Numbers above this are milliseconds since 1970, others seconds: as seconds it is the year 5138,
/// as milliseconds March 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// The most commits of a release that are kept.
const MAX_COMMITS: usize = 1_000;

/// One row's fields.
pub(in super::super) struct Fields<'a> {
    map: &'a Map,
    text: &'a mut usize,
    misread: &'a mut Complaints,
    unknown: &'a mut UnknownSeverities,
    number: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        map: &'a Map,
        text: &'a mut usize,
        misread: &'a mut Complaints,
        unknown: &'a mut UnknownSeverities,
        number: usize,
    ) -> Self {
        Self {
            map,
            text,
            misread,
            unknown,
            number,
        }
    }

    /// The value of a field; `null` counts as absent.
    fn value(&self, name: &str) -> Option<&'a Val> {
        let key = Val::from(name.to_owned());
        self.map
            .get(&key)
            .filter(|value| !matches!(value, Val::Null))
    }

    pub(super) fn misread(&mut self, name: &str, value: &Val) {
        let number = self.number;
        self.misread.add(|| match text(value) {
            Some(text) => {
                let shown: String = text.chars().take(40).collect();
                format!("row {number} `{name}` is \"{shown}\"")
            }
            None => format!("row {number} `{name}` is {}", kind(value)),
        });
    }

    /// Text or a number, trimmed; `None` when there is nothing in it.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let Some(text) = text(value) else {
            self.misread(name, value);
            return None;
        };
        let text = text.trim();
        *self.text += text.len();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The status of a release; a word that is not known is noted.
    pub(super) fn release_status(&mut self) -> ReleaseStatus {
        const FIELD: &str = "status";
        let Some(word) = self.text(FIELD) else {
            return ReleaseStatus::Unknown;
        };
        let status = ReleaseStatus::from_word(&word);
        if status == ReleaseStatus::Unknown && word != status.word() {
            self.misread(FIELD, &Val::from(word));
        }
        status
    }

    /// The severity that the field `severity` names; a word that nobody has mapped is noted.
    pub(super) fn severity(&mut self, severities: &Severities) -> Severity {
        let word = self.text("severity").unwrap_or_default();
        severities.read(&word, self.unknown)
    }

    pub(super) fn untrusted(&mut self, name: &str) -> Option<Untrusted> {
        self.text(name).map(Untrusted::from)
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Untrusted, String> {
        match self.text(name) {
            Some(text) => Ok(text.into()),
            None => Err(format!("lacks `{name}`")),
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.value(name)?;
        let read = time(value);
        if read.is_none() && text(value).is_none_or(|text| !text.trim().is_empty()) {
            self.misread(name, value);
        }
        read
    }

    /// A finite number, or a text that is one.
    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.value(name)?;
        let read = number(value).filter(|number| number.is_finite());
        if read.is_none() {
            self.misread(name, value);
        }
        read
    }

    /// True when it is there and true.
    pub(super) fn is_true(&mut self, name: &str) -> bool {
        match self.value(name) {
            Some(Val::Bool(truth)) => *truth,
            Some(value) => {
                self.misread(name, value);
                false
            }
            None => false,
        }
    }

    /// The entries of an object.
    pub(super) fn entries(&mut self, name: &str) -> Vec<(String, &'a Val)> {
        match self.value(name) {
            Some(Val::Obj(map)) => map
                .iter()
                .filter_map(|(key, value)| Some((text(key)?, value)))
                .collect(),
            Some(value) => {
                self.misread(name, value);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The elements of an array; `None` when there is none.
    pub(super) fn elements(&mut self, name: &str) -> Option<&'a [Val]> {
        match self.value(name)? {
            Val::Arr(items) => Some(items.as_slice()),
            value => {
                self.misread(name, value);
                None
            }
        }
    }

    /// Notes that something about a field is not as it should be.
    pub(super) fn complain(&mut self, name: &str, what: &str) {
        let number = self.number;
        self.misread.add(|| format!("row {number} `{name}` {what}"));
    }

    pub(super) fn link(&mut self, name: &str) -> Option<Untrusted> {
        let text = self.text(name)?;
        let link = web_link(&text);
        if link.is_none() {
            self.misread(name, &Val::from(text));
        }
        link
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&mut self, name: &str) -> Vec<Untrusted> {
        let Some(value) = self.value(name) else {
            return Vec::new();
        };
        let items: &[Val] = match value {
            Val::Arr(items) => items,
            one => std::slice::from_ref(one),
        };
        let texts: Vec<_> = items.iter().filter_map(text).collect();
        if texts.len() < items.len() {
            self.misread(name, value);
        }
        *self.text += texts.iter().map(String::len).sum::<usize>();
        texts
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(Untrusted::from)
            .collect()
    }

    /// The commits of a release; `None` where nobody says. One without a `sha` is left out.
    pub(super) fn commits(&mut self, name: &str) -> Option<Vec<Commit>> {
        let items = self.elements(name)?;
        let mut commits = Vec::new();
        for item in items.iter().take(MAX_COMMITS) {
            let Val::Obj(map) = item else {
                self.misread(name, item);
                continue;
            };
            let mut fields = Fields {
                map,
                text: self.text,
                misread: self.misread,
                unknown: self.unknown,
                number: self.number,
            };
            let Some(sha) = fields.untrusted("sha") else {
                fields.complain(name, "has a commit without `sha`");
                continue;
            };
            commits.push(Commit {
                sha,
                committed_at: fields.time("committed_at"),
                is_merge: fields.is_true("merge"),
            });
        }
        if items.len() > MAX_COMMITS {
            self.complain(name, "has more than 1,000 commits: the first are kept");
        }
        Some(commits)
    }

    /// Texts, numbers and truths under names that are not `known`.
    pub(super) fn others(&mut self, known: &[&str]) -> Vec<(Untrusted, Untrusted)> {
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

/// A text, or a number as it is written; `None` for everything else.
pub(in super::super) fn text(value: &Val) -> Option<String> {
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

/// A number, or a text that is one.
pub(super) fn number(value: &Val) -> Option<f64> {
    text(value)?.trim().parse().ok()
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
