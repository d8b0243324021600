//! Lists of rows in the order of time: page after page, conditionally, one request after the other.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::conditional::Conditional;
use super::link::{self, Next};
use super::trouble::Trouble;
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, Request};

/// How far back lists are read, as far as [`MOST`] rows go.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most rows of a list that are read.
pub(super) const MOST: usize = 200;
/// How many pages are turned back to find a past moment.
const PAGES: usize = 10;
/// How many rows of a list are given for a past moment.
const PAST_ROWS: usize = 20;
/// How many rows of a list are asked for at a time, the most that GitHub and GitLab give.
const PAGE: usize = 100;

/// A REST API that gives lists in pages, and the answers that need not be sent again.
pub(super) struct Lister {
    pub(super) http: Http,
    manner: Manner,
    answers: Conditional,
    /// What this poll asked for: answers to other questions need not be kept.
    asked: HashSet<String>,
}

/// The ways of one vendor.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Adds the headers that every request should have.
    pub(super) dress: for<'a> fn(Request<'a>) -> Request<'a>,
    /// Reads more from a refusal than its status says.
    pub(super) explain: fn(Fault) -> Fault,
}

/// A row of a list that begins with the newest.
pub(super) trait Row {
    /// What it is known by.
    fn id(&self) -> &str;
    /// The moment that it is dated by.
    fn dated(&self) -> Option<Timestamp>;
    /// The moment that its place in the list goes by, where that is another.
    fn placed(&self) -> Option<Timestamp> {
        self.dated()
    }
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
    /// The next page could not be asked for, and why.
    Elsewhere(Fault),
}

/// Reads the rows of a page, and how many there are in all where it says so.
type Read<T> = fn(&Answer) -> Result<(Vec<T>, Option<usize>), Fault>;

/// A page that is a list.
pub(super) fn bare<T: DeserializeOwned>(answer: &Answer) -> Result<(Vec<T>, Option<usize>), Fault> {
    Ok((answer.json()?, None))
}

impl<T> Listed<T> {
    /// Notes how much was read, if that is not all that was wanted: `whose` 200 of 950 `what` loaded.
    pub(super) fn note_cut(&self, whose: &str, what: &str, trouble: &mut Trouble) {
        let count = self.rows.len();
        let of = match &self.cut {
            None => return,
            Some(Total::Exactly(total)) => format!("{count} of {total}"),
            Some(Total::About(total)) => format!("{count} of about {total}"),
            Some(Total::Unknown) => format!("the newest {count}"),
            Some(Total::Elsewhere(fault)) => {
                let why = fault.message.raw();
                return trouble.warn(format!("{whose}: the newest {count} {what} loaded: {why}"));
            }
        };
        trouble.warn(format!("{whose}: {of} {what} loaded"));
    }
}

impl Lister {
    pub(super) fn new(http: Http, manner: Manner) -> Self {
        Self {
            http,
            manner,
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
    /// does an empty one. What was read stays where the next page cannot be asked for.
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
        let mut request = begin(&self.http, self.manner, path, query);
        loop {
            let sent = self.answers.send(&key, request.accept(&[304])).await;
            let answer = sent.map_err(self.manner.explain)?;
            self.asked.insert(key.clone());
            let (page, total) = read(&answer)?;
            let is_empty = page.is_empty();
            // Rows slide to the next page while pages are turned.
            rows.extend(
                page.into_iter()
                    .filter(|row| known.insert(row.id().to_owned())),
            );
            let is_old = |row: &T| {
                row.placed()
                    .zip(since)
                    .is_some_and(|(at, since)| at < since)
            };
            let is_enough = is_empty || rows.last().is_some_and(is_old);
            let next = link::next(&answer).filter(|next| turned.is_new(next));
            let Some(next) = next.filter(|_| !is_enough) else {
                return Ok(Listed { rows, cut: None });
            };
            if rows.len() >= MOST {
                rows.truncate(MOST);
                let total = total.or_else(|| link::total(&answer)).map(Total::Exactly);
                let pages = link::pages(&answer).map(|pages| Total::About(pages * PAGE));
                return Ok(Listed {
                    rows,
                    cut: Some(total.or(pages).unwrap_or(Total::Unknown)),
                });
            }
            key = format!("{path} {query:?} {next:?}");
            request = match follow(&self.http, self.manner, path, query, next) {
                Ok(request) => request,
                Err(fault) => {
                    let cut = Some(Total::Elsewhere(fault));
                    return Ok(Listed { rows, cut });
                }
            };
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
        let mut known = HashSet::new();
        let mut turned = link::Turned::default();
        let mut request = begin(&self.http, self.manner, path, query);
        for _ in 0..PAGES {
            let answer = request.send().await.map_err(self.manner.explain)?;
            let (page, _) = read(&answer)?;
            kept.extend(
                page.into_iter()
                    .filter(|row| row.dated().is_some_and(|dated| dated <= at))
                    .filter(|row| known.insert(row.id().to_owned()))
                    .take(PAST_ROWS - kept.len()),
            );
            let next = link::next(&answer).filter(|next| turned.is_new(next));
            let Some(next) = next.filter(|_| kept.len() < PAST_ROWS) else {
                return Ok(kept);
            };
            request = match follow(&self.http, self.manner, path, query, next) {
                Ok(request) => request,
                Err(_) if !kept.is_empty() => return Ok(kept),
                Err(fault) => return Err(fault),
            };
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

fn begin<'a>(http: &'a Http, manner: Manner, path: &str, query: &[(&str, &str)]) -> Request<'a> {
    let request = http.get(path).query("per_page", &PAGE.to_string());
    let with_query =
        |request: Request<'a>, (name, value): &(&str, &str)| request.query(name, value);
    (manner.dress)(query.iter().fold(request, with_query))
}

/// The request for the next page.
///
/// A server that is reached by another name than it gives itself links to a host that no credential
/// may go to. Its page is asked for by its number at the configured address.
fn follow<'a>(
    http: &'a Http,
    manner: Manner,
    path: &str,
    query: &[(&str, &str)],
    next: Next<'_>,
) -> Result<Request<'a>, Fault> {
    Ok(match next {
        Next::Address(address) => match (http.get_url(address), link::number(address)) {
            (Ok(request), _) => (manner.dress)(request),
            (Err(fault), Some(number)) if fault.kind == FaultKind::Redirect => {
                begin(http, manner, path, query).query("page", number)
            }
            (Err(fault), _) => return Err(fault),
        },
        Next::Page(number) => begin(http, manner, path, query).query("page", number),
    })
}

/// An identifier, which REST sends as a number.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
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
