//! Lists by REST: page after page, conditionally, one request after the other.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::trouble::limited;
use super::wire::{Row, Runs};
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, Request};
use crate::source::conditional::Conditional;
use crate::source::link;

/// How far back lists are read, as far as [`MOST`] rows go.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most rows of a list that are read.
pub(super) const MOST: usize = 200;
/// How many pages are turned back to find a past moment.
const PAGES: usize = 10;
/// How many rows of a list are given for a past moment.
const PAST_ROWS: usize = 20;
/// How many rows of a list are asked for at a time, the most that GitHub gives.
const PAGE: usize = 100;

/// GitHub's REST API, and the answers that need not be sent again.
pub(super) struct Rest {
    pub(super) http: Http,
    answers: Conditional,
    /// What this poll asked for: answers to other questions need not be kept.
    asked: HashSet<String>,
}

/// A list as far as it was read.
pub(super) struct Listed<T> {
    pub(super) rows: Vec<T>,
    /// How many there are, where not all that is wanted was read.
    pub(super) cut: Option<Total>,
}

/// How many rows a list has that was not read to its end.
pub(super) enum Total {
    Exactly(usize),
    /// By the number of its pages.
    About(usize),
    Unknown,
}

/// Reads the rows of a page, and how many there are in all where it says so.
type Read<T> = fn(&Answer) -> Result<(Vec<T>, Option<usize>), Fault>;

/// A page that is a list.
pub(super) fn bare<T: DeserializeOwned>(answer: &Answer) -> Result<(Vec<T>, Option<usize>), Fault> {
    Ok((answer.json()?, None))
}

/// A page of runs of a workflow.
pub(super) fn runs(answer: &Answer) -> Result<(Vec<super::wire::Run>, Option<usize>), Fault> {
    let page: Runs = answer.json()?;
    Ok((page.workflow_runs, page.total_count))
}

impl Rest {
    pub(super) fn new(http: Http) -> Self {
        Self {
            http,
            answers: Conditional::default(),
            asked: HashSet::new(),
        }
    }

    /// Begins a poll.
    pub(super) fn begin(&mut self) {
        self.asked.clear();
    }

    /// Forgets the answers that this poll did not ask for.
    pub(super) fn forget(&mut self) {
        self.answers.retain(|key| self.asked.contains(key));
    }

    /// Reads a list from the newest row back to `since`, or to the end, or to [`MOST`] rows.
    ///
    /// The next page is where the server says it is. One that was read already ends the list, and so
    /// does an empty one.
    pub(super) async fn list<T: Row>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        read: Read<T>,
        since: Option<Timestamp>,
    ) -> Result<Listed<T>, Fault> {
        let mut rows: Vec<T> = Vec::new();
        let mut known = HashSet::new();
        let mut turned = link::Turned::default();
        let mut key = format!("{path} {query:?}");
        let mut request = begin(&self.http, path, query);
        loop {
            let sent = self.answers.send(&key, request.accept(&[304])).await;
            let answer = sent.map_err(limited)?;
            self.asked.insert(key.clone());
            let (page, total) = read(&answer)?;
            let is_empty = page.is_empty();
            // Rows slide to the next page while pages are turned.
            rows.extend(
                page.into_iter()
                    .filter(|row| known.insert(row.id().to_owned())),
            );
            let is_old = |row: &T| row.dated().zip(since).is_some_and(|(at, since)| at < since);
            let next = link::next(&answer).filter(|next| turned.is_new(next));
            let Some(next) = next.filter(|_| !is_empty && !rows.last().is_some_and(is_old)) else {
                return Ok(Listed { rows, cut: None });
            };
            if rows.len() >= MOST {
                rows.truncate(MOST);
                let pages = link::pages(&answer).map(|pages| Total::About(pages * PAGE));
                let cut = total
                    .map(Total::Exactly)
                    .or(pages)
                    .unwrap_or(Total::Unknown);
                return Ok(Listed {
                    rows,
                    cut: Some(cut),
                });
            }
            next.clone_into(&mut key);
            request = with_headers(self.http.get_url(next)?);
        }
    }

    /// Turns pages back until there are enough rows that are not younger than `at`, and gives those.
    pub(super) async fn past<T: Row>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        read: Read<T>,
        at: Timestamp,
    ) -> Result<Vec<T>, Fault> {
        let mut kept: Vec<T> = Vec::new();
        let mut turned = link::Turned::default();
        let mut request = begin(&self.http, path, query);
        for _ in 0..PAGES {
            let answer = request.send().await.map_err(limited)?;
            let (page, _) = read(&answer)?;
            kept.extend(
                page.into_iter()
                    .filter(|row| row.dated().is_some_and(|dated| dated <= at))
                    .take(PAST_ROWS - kept.len()),
            );
            let next = link::next(&answer).filter(|next| turned.is_new(next));
            let Some(next) = next.filter(|_| kept.len() < PAST_ROWS) else {
                return Ok(kept);
            };
            request = with_headers(self.http.get_url(next)?);
        }
        if !kept.is_empty() {
            return Ok(kept);
        }
        Err(Fault::new(
            FaultKind::NoHistory,
            format!("the moment is more than {PAGES} pages of {path} ago"),
        ))
    }
}

fn begin<'a>(http: &'a Http, path: &str, query: &[(&str, &str)]) -> Request<'a> {
    let request = http.get(path).query("per_page", &PAGE.to_string());
    let with_query =
        |request: Request<'a>, (name, value): &(&str, &str)| request.query(name, value);
    with_headers(query.iter().fold(request, with_query))
}

/// What GitHub wants every request to say.
fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.github+json")
        .header("X-GitHub-Api-Version", "2022-11-28")
}
