//! Lists of rows in the order of time: page after page, conditionally, one request after the other.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::conditional::Conditional;
use super::link;
use super::pages::{self, End, Limits, Next, Page, Pager, Pages, Total};
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, Request};
use crate::source::Ask;

/// How far back lists are read, as far as [`MAX_ROWS`] rows go.
const HORIZON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far back lists are read for a question.
pub(in crate::source) fn horizon(ask: &Ask) -> Timestamp {
    let usual = ask.now.checked_sub(HORIZON).unwrap_or(Timestamp::MIN);
    ask.since.map_or(usual, |since| since.min(usual))
}

/// The most rows of a list that are read.
pub(in crate::source) const MAX_ROWS: usize = 200;
/// How many pages are turned back to find a past moment.
const PAST_PAGES: u32 = 10;
/// How many rows of a list are given for a past moment.
const PAST_ROWS: usize = 20;
/// How many rows of a list are asked for at a time, the most that GitHub and GitLab give.
const PAGE_SIZE: usize = 100;

/// A REST API that gives lists in pages, and the answers that need not be sent again.
pub(in crate::source) struct Lister {
    pub(in crate::source) http: Http,
    profile: VendorProfile,
    answers: Conditional,
    /// What this poll asked for: answers to other questions need not be kept.
    asked: HashSet<String>,
}

/// The ways of one vendor.
#[derive(Clone, Copy)]
pub(in crate::source) struct VendorProfile {
    /// Adds the headers that every request should have.
    pub(in crate::source) headers: for<'a> fn(Request<'a>) -> Request<'a>,
    /// Reads more from a refusal than its status says.
    pub(in crate::source) explain: fn(Fault) -> Fault,
}

/// A row of a list that begins with the newest.
pub(in crate::source) trait Row: Send {
    /// What it is known by.
    fn id(&self) -> &str;
    /// The moment that it is dated by.
    fn dated(&self) -> Option<Timestamp>;
    /// The moment that its place in the list goes by, where that is another.
    fn placed(&self) -> Option<Timestamp> {
        self.dated()
    }
}

/// Reads the rows of a page, and how many there are in all where it says so.
type Read<T> = fn(&Answer) -> Result<(Vec<T>, Option<usize>), Fault>;

/// A page that is a list.
pub(in crate::source) fn bare<T: DeserializeOwned>(
    answer: &Answer,
) -> Result<(Vec<T>, Option<usize>), Fault> {
    Ok((answer.json()?, None))
}

impl Lister {
    pub(in crate::source) fn new(http: Http, profile: VendorProfile) -> Self {
        Self {
            http,
            profile,
            answers: Conditional::default(),
            asked: HashSet::new(),
        }
    }

    /// Begins a poll.
    pub(in crate::source) fn begin(&mut self) {
        self.asked.clear();
    }

    /// Forgets the answers that this poll did not ask for.
    pub(in crate::source) fn forget(&mut self) {
        self.answers.retain(|key| self.asked.contains(key));
    }

    /// Reads a list from the newest row back to `since`, or to the end, or to [`MAX_ROWS`] rows. Rows
    /// that were read stay where the next page cannot be requested.
    pub(in crate::source) async fn list<T: Row>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        read: Read<T>,
        since: Option<Timestamp>,
    ) -> Result<Pages<T>, Fault> {
        let mut reader = Reader {
            http: &self.http,
            profile: self.profile,
            path,
            query,
            read,
            memory: Some((&mut self.answers, &mut self.asked)),
        };
        let limits = Limits {
            rows: MAX_ROWS,
            pages: u32::MAX,
            deadline: None,
        };
        let is_old = |row: &T| {
            row.placed()
                .zip(since)
                .is_some_and(|(at, since)| at < since)
        };
        let is_enough = |page: &[T]| page.last().is_some_and(is_old);
        let pages = pages::read(&mut reader, &limits, is_enough).await?;
        match pages.end {
            End::Failed(fault) => Err(fault),
            _ => Ok(pages),
        }
    }

    /// Reads pages until there are enough rows that are not younger than `at`, and returns those.
    pub(in crate::source) async fn past<T: Row>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        read: Read<T>,
        at: Timestamp,
    ) -> Result<Vec<T>, Fault> {
        let mut reader = Reader {
            http: &self.http,
            profile: self.profile,
            path,
            query,
            read,
            memory: None,
        };
        let limits = Limits {
            rows: usize::MAX,
            pages: PAST_PAGES,
            deadline: None,
        };
        let is_past = |row: &T| row.dated().is_some_and(|dated| dated <= at);
        let mut found = 0;
        let is_enough = |page: &[T]| {
            found += page.iter().filter(|row| is_past(row)).count();
            found >= PAST_ROWS
        };
        let pages = pages::read(&mut reader, &limits, is_enough).await?;
        let kept: Vec<T> = pages
            .rows
            .into_iter()
            .filter(is_past)
            .take(PAST_ROWS)
            .collect();
        match pages.end {
            End::Failed(fault) => Err(fault),
            End::Unreachable(fault) if kept.is_empty() => Err(fault),
            End::Capped if kept.is_empty() => Err(Fault::new(
                FaultKind::NoHistory,
                format!("the moment is more than {PAST_PAGES} pages of {path} ago"),
            )),
            _ => Ok(kept),
        }
    }
}

/// A list and the client that it is read with.
struct Reader<'a, T> {
    http: &'a Http,
    profile: VendorProfile,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    read: Read<T>,
    /// Earlier answers, and which of them this poll requested, where unchanged ones may stand.
    memory: Option<(&'a mut Conditional, &'a mut HashSet<String>)>,
}

impl<'a, T> Reader<'a, T> {
    /// The request for a page.
    ///
    /// A server that is reached by another name than it gives itself links to a host that no
    /// credential may go to. Its page is requested by its number at the configured address.
    fn request(&self, next: Option<&Next>) -> Result<Request<'a>, Fault> {
        let number = match next {
            Some(Next::Link(address)) => {
                match (self.http.get_url(address), link::number(address)) {
                    (Ok(request), _) => return Ok((self.profile.headers)(request)),
                    (Err(fault), Some(number)) if fault.kind == FaultKind::Redirect => Some(number),
                    (Err(fault), _) => return Err(fault),
                }
            }
            Some(Next::Number(number)) => Some(number.as_str()),
            _ => None,
        };
        let size = PAGE_SIZE.to_string();
        let query = [("per_page", size.as_str())].into_iter();
        let query = query.chain(self.query.iter().copied());
        let query = query.chain(number.map(|number| ("page", number)));
        let request = self.http.get(self.path);
        let request = query.fold(request, |request, (name, value)| request.query(name, value));
        Ok((self.profile.headers)(request))
    }
}

impl<T: Row> Pager for Reader<'_, T> {
    type Row = T;

    async fn page(&mut self, next: Option<&Next>) -> Result<Page<T>, Fault> {
        let request = self.request(next)?;
        let answer = match &mut self.memory {
            Some((answers, asked)) => {
                let key = format!("{} {:?} {next:?}", self.path, self.query);
                let answer = answers.send(&key, request.accept(&[304])).await;
                asked.insert(key);
                answer
            }
            None => request.send().await,
        };
        let answer = answer.map_err(self.profile.explain)?;
        let (rows, total) = (self.read)(&answer)?;
        let about = || link::pages(&answer).map(|pages| Total::About(pages * PAGE_SIZE));
        let exactly = total.or_else(|| link::total(&answer)).map(Total::Exactly);
        let next = link::next(&answer).map(|next| self.request(Some(&next)).map(|_| next));
        Ok(Page {
            rows: rows
                .into_iter()
                .map(|row| (row.id().to_owned(), Some(row)))
                .collect(),
            total: exactly.or_else(about),
            next: next.transpose().map_err(End::Unreachable),
        })
    }
}

/// An identifier, which REST sends as a number.
pub(in crate::source) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(match Id::deserialize(from)? {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    })
}
