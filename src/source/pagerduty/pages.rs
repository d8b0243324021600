//! Lists that come in pages: all rows up to a stated cap, each once, and words for what is missing.
//!
//! Classic pagination: `limit` (at most 100), `offset`, `more`. `PagerDuty` refuses what lies beyond
//! `offset + limit` of 10,000, and its own clients go on by the `limit` that was echoed.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::domain::{Fault, FaultKind};
use crate::http::{Http, Request};
use crate::text::Untrusted;

/// How many rows a page has, the most that there may be.
const PAGE: usize = 100;
/// As far as the API lets anybody page.
const FARTHEST: usize = 10_000;

/// What is asked for.
pub(super) struct List<'a> {
    /// `/incidents`, for example.
    pub(super) path: &'a str,
    /// Where the rows are in the answer.
    pub(super) key: &'static str,
    /// What the rows are called in a warning.
    pub(super) what: &'static str,
    /// What is asked for besides the page.
    pub(super) query: Vec<(&'static str, String)>,
    /// How many rows are enough.
    pub(super) cap: usize,
    /// After this no further page is asked for.
    pub(super) deadline: Instant,
}

/// What came.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) rows: Vec<T>,
    pub(super) warnings: Vec<Untrusted>,
}

/// What stands beside the rows of a page.
#[derive(Debug, Default, Deserialize)]
struct Page {
    limit: Option<usize>,
    more: Option<bool>,
    total: Option<usize>,
}

impl List<'_> {
    /// Asks for page after page; `is_enough` is told each page and may say that older ones are not
    /// wanted.
    pub(super) async fn ask<T: DeserializeOwned>(
        self,
        http: &Http,
        is_enough: impl Fn(&[T]) -> bool,
    ) -> Result<Listed<T>, Fault> {
        let mut seen = HashSet::new();
        let (mut rows, mut unread, mut offset) = (Vec::new(), 0_usize, 0);
        let mut total = None;
        let cut = loop {
            let (found, page) = self.page(http, offset).await?;
            total = page.total.or(total);
            let before = seen.len();
            let fresh = found.into_iter().filter(|row| seen.insert(identity(row)));
            let first = rows.len();
            for row in fresh {
                match serde_json::from_value(row) {
                    Ok(row) => rows.push(row),
                    Err(_) => unread += 1,
                }
            }
            if page.more != Some(true) || is_enough(&rows[first..]) {
                break None;
            }
            if seen.len() == before {
                break Some("the same page came again");
            }
            offset += page
                .limit
                .filter(|limit| (1..=PAGE).contains(limit))
                .unwrap_or(PAGE);
            if rows.len() >= self.cap || offset + PAGE > FARTHEST {
                break Some("");
            }
            if Instant::now() >= self.deadline {
                break Some("a poll has no time for more");
            }
        };
        let mut warnings: Vec<Untrusted> = Vec::new();
        warnings.extend(cut.map(|why| self.cut(rows.len(), total, why).into()));
        if unread > 0 {
            let words = format!("{unread} of {} {} could not be read", seen.len(), self.what);
            warnings.push(words.into());
        }
        Ok(Listed { rows, warnings })
    }

    async fn page(&self, http: &Http, offset: usize) -> Result<(Vec<Value>, Page), Fault> {
        let mut request = with_headers(http.get(self.path))
            .query("limit", &PAGE.to_string())
            .query("offset", &offset.to_string());
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        let mut answer: Map<String, Value> = request.send().await?.json()?;
        let rows = match answer.remove(self.key) {
            Some(Value::Array(rows)) => rows,
            Some(Value::Null) => Vec::new(),
            _ => {
                let message = format!(
                    "the answer has no `{}`; is `url` PagerDuty's REST API?",
                    self.key
                );
                return Err(Fault::new(FaultKind::Decode, message));
            }
        };
        let page = Page::deserialize(Value::Object(answer)).unwrap_or_default();
        Ok((rows, page))
    }

    /// `200 of 950 incidents loaded`.
    fn cut(&self, rows: usize, total: Option<usize>, why: &str) -> String {
        let what = self.what;
        let total = total.filter(|total| *total > rows);
        let words = match total {
            Some(total) => format!("{rows} of {total} {what} loaded"),
            None => format!("{rows} {what} loaded, and there are more"),
        };
        if why.is_empty() {
            words
        } else {
            format!("{words}: {why}")
        }
    }
}

/// A time as the API writes it: in UTC, without fractions of a second.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What makes a row itself: its id, or all of it where it has none.
fn identity(row: &Value) -> String {
    match row.get("id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => row.to_string(),
    }
}

/// What `PagerDuty` wants every request to say; the content type also where there is no content.
pub(super) fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.pagerduty+json;version=2")
        .header("Content-Type", "application/json")
}
