//! Lists that come in pages: all rows up to a stated cap, each once, and words for what is missing.
//!
//! Classic pagination: `limit` (at most 100), `offset`, `more`. `PagerDuty` refuses what lies beyond
//! `offset + limit` of 10,000, and its own clients go on by the `limit` that was echoed.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::domain::Fault;
use crate::http::{Http, Request};
use crate::source::gathered::{self, Cut, Gathered, Listed};

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
        let mut gathered = Gathered::new();
        let mut offset = 0;
        let cut = loop {
            let (found, page) = self.page(http, offset).await?;
            let (before, first) = (gathered.seen(), gathered.rows.len());
            gathered.add(found, page.total);
            if page.more != Some(true) || is_enough(&gathered.rows[first..]) {
                break None;
            }
            if gathered.seen() == before {
                break Some(Cut::For("the same page came again"));
            }
            offset += page
                .limit
                .filter(|limit| (1..=PAGE).contains(limit))
                .unwrap_or(PAGE);
            if gathered.rows.len() >= self.cap || offset + PAGE > FARTHEST {
                break Some(Cut::Cap);
            }
            if Instant::now() >= self.deadline {
                break Some(Cut::For("a poll has no time for more"));
            }
        };
        Ok(gathered.finish(cut, self.what, "there are more"))
    }

    async fn page(&self, http: &Http, offset: usize) -> Result<(Vec<Value>, Page), Fault> {
        let mut request = with_headers(http.get(self.path))
            .query("limit", &PAGE.to_string())
            .query("offset", &offset.to_string());
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        let mut answer: Map<String, Value> = request.send().await?.json()?;
        let rows = gathered::rows(&mut answer, self.key, "PagerDuty's REST API")?;
        let page = Page::deserialize(Value::Object(answer)).unwrap_or_default();
        Ok((rows, page))
    }
}

/// What `PagerDuty` wants every request to say; the content type also where there is no content.
pub(super) fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.pagerduty+json;version=2")
        .header("Content-Type", "application/json")
}
