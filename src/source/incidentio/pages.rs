//! Lists by cursor: `page_size`, and `after` from the page before.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::wire::Refusal;
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, Request, retry_after};
use crate::source::gathered::{self, Cut, Gathered, Listed};

/// What is asked for.
pub(super) struct List<'a> {
    pub(super) path: &'a str,
    /// Where the rows are in the answer.
    pub(super) key: &'static str,
    /// What the rows are called in a warning.
    pub(super) what: &'static str,
    pub(super) query: Vec<(&'static str, String)>,
    /// How many rows a page has.
    pub(super) page: usize,
    /// How many rows are enough.
    pub(super) cap: usize,
    /// After this no further page is asked for.
    pub(super) deadline: Instant,
}

/// What stands beside the rows of a page.
#[derive(Debug, Default, Deserialize)]
struct Meta {
    after: Option<String>,
    total_record_count: Option<usize>,
}

impl List<'_> {
    /// Asks for page after page. A cursor that came before ends the list.
    pub(super) async fn ask<T: DeserializeOwned>(self, http: &Http) -> Result<Listed<T>, Fault> {
        let mut gathered = Gathered::new();
        let mut cursors = HashSet::new();
        let mut after: Option<String> = None;
        let cut = loop {
            let (found, meta) = self.page(http, after.as_deref()).await?;
            gathered.add(found, meta.total_record_count);
            let Some(next) = meta.after.filter(|after| !after.is_empty()) else {
                break None;
            };
            // The last page may have a cursor too.
            if gathered.is_complete() {
                break None;
            }
            if !cursors.insert(next.clone()) {
                break Some(Cut::For("the same cursor came again"));
            }
            if gathered.rows.len() >= self.cap {
                break Some(Cut::Cap);
            }
            if Instant::now() >= self.deadline {
                break Some(Cut::For("a poll has no time for more"));
            }
            after = Some(next);
        };
        Ok(gathered.finish(cut, self.what, "there may be more"))
    }

    async fn page(&self, http: &Http, after: Option<&str>) -> Result<(Vec<Value>, Meta), Fault> {
        let mut request = http
            .get(self.path)
            .query("page_size", &self.page.to_string());
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        if let Some(after) = after {
            request = request.query("after", after);
        }
        let mut answer: Map<String, Value> = send(request).await?.json()?;
        let rows = gathered::rows(&mut answer, self.key, "incident.io's API")?;
        let meta = answer.remove("pagination_meta").map(Meta::deserialize);
        Ok((rows, meta.and_then(Result::ok).unwrap_or_default()))
    }
}

/// Sends a request. A 429 says how long to stay away in a header, or else in its body alone.
pub(super) async fn send(request: Request<'_>) -> Result<Answer, Fault> {
    let answer = request.accept(&[429]).send().await?;
    if answer.status != 429 {
        return Ok(answer);
    }
    let now = Timestamp::now();
    let dated = answer.header("date").map(jiff::fmt::rfc2822::parse);
    let theirs = dated
        .and_then(Result::ok)
        .map_or(now, |date| date.timestamp());
    let header = answer.header("retry-after");
    let wait = header
        .and_then(|value| retry_after(value, theirs))
        .or_else(|| {
            let until = answer.json::<Refusal>().ok()?.until()?;
            let wait = until.duration_since(theirs);
            Some(wait.clamp(SignedDuration::from_secs(1), SignedDuration::from_hours(1)))
        });
    let words = wait.map_or_else(String::new, |wait| format!(", wait {wait:#}"));
    let message = format!("rate limit reached (429){words}; raise `interval` if this repeats");
    Err(Fault {
        retry_after: wait,
        ..Fault::new(FaultKind::RateLimited, message)
    })
}
