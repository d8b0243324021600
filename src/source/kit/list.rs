//! Lists of JSON APIs: how a vendor splits them into pages is a constant, the rest is here.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::pages::{self, End, Limits, Next, Page, Pager, Total};
use crate::domain::{Fault, FaultKind};
use crate::http::{Http, Request};
use crate::text::Untrusted;

/// The most pages of a list that are read, should they overlap.
const MAX_PAGES: u32 = 100;

/// How an API splits lists into pages, by its documentation.
pub(in crate::source) struct Paging {
    /// What `url` should be, for a fault.
    pub(in crate::source) api: &'static str,
    /// The field with the rows; without one it is the last part of the path, and has to be there.
    pub(in crate::source) rows: Option<&'static str>,
    /// The JSON pointer to how many rows there are in all.
    pub(in crate::source) total: &'static str,
    /// The parameter for the size of a page, and the size.
    pub(in crate::source) size: Option<(&'static str, usize)>,
    pub(in crate::source) step: Advance,
    /// Adds the headers that every request needs.
    pub(in crate::source) headers: for<'a> fn(Request<'a>) -> Request<'a>,
    /// True if rows are kept when a later page fails.
    pub(in crate::source) keeps_rows: bool,
}

/// What leads from a page to the next one; `at` is a JSON pointer into the answer.
pub(in crate::source) enum Advance {
    /// `offset` counts rows, `limit` is echoed, and `more` is true up to the last page. The API
    /// refuses rows from `farthest` on.
    Offset { farthest: usize },
    /// A value that is sent back as a parameter.
    Cursor {
        at: &'static str,
        parameter: &'static str,
    },
    /// A whole address.
    Link { at: &'static str },
    /// An address of which only the query is used, since its path is not whole.
    LinkQuery { at: &'static str },
}

/// A list to request.
pub(in crate::source) struct List<'a> {
    paging: &'a Paging,
    path: &'a str,
    /// What the rows are called in a warning.
    what: &'a str,
    limits: Limits,
    query: Vec<(&'a str, String)>,
    size: Option<usize>,
}

/// The rows of a list, as far as they were read.
#[derive(Debug)]
pub(in crate::source) struct Listed<T> {
    pub(in crate::source) rows: Vec<T>,
    pub(in crate::source) warnings: Vec<Untrusted>,
    /// Why the later pages are missing.
    pub(in crate::source) fault: Option<Fault>,
    pub(in crate::source) requests: u32,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            warnings: Vec::new(),
            fault: None,
            requests: 0,
        }
    }
}

/// A list and the client that it is read with.
struct Reader<'a, T> {
    list: &'a List<'a>,
    http: &'a Http,
    row: std::marker::PhantomData<fn() -> T>,
}

impl Paging {
    /// True for an answer with a field that only a list has: how many rows there are, or where it goes on.
    fn is_list(&self, answer: &Map<String, Value>) -> bool {
        let leading = match &self.step {
            Advance::Offset { .. } => "/more",
            Advance::Cursor { at, .. } | Advance::Link { at } | Advance::LinkQuery { at } => at,
        };
        [self.total, leading].into_iter().any(|pointer| {
            let first = pointer.split('/').nth(1).unwrap_or_default();
            answer.contains_key(first)
        })
    }

    /// A list at `path` of which at most `cap` rows are read, and no page after `deadline`.
    pub(in crate::source) fn list<'a>(
        &'a self,
        path: &'a str,
        what: &'a str,
        cap: usize,
        deadline: Instant,
    ) -> List<'a> {
        List {
            paging: self,
            path,
            what,
            limits: Limits {
                rows: cap,
                pages: MAX_PAGES,
                deadline: Some(deadline),
            },
            query: Vec::new(),
            size: self.size.map(|(_, size)| size),
        }
    }
}

impl<'a> List<'a> {
    /// Adds query parameters that every page is requested with.
    pub(in crate::source) fn with(mut self, query: Vec<(&'a str, String)>) -> Self {
        self.query.extend(query);
        self
    }

    /// Requests pages of another size; of the server's choice if there is none.
    pub(in crate::source) fn size(mut self, size: Option<usize>) -> Self {
        self.size = size;
        self
    }

    /// Reads so many pages at most.
    pub(in crate::source) fn pages(mut self, pages: u32) -> Self {
        self.limits.pages = pages;
        self
    }

    /// Reads the whole list.
    pub(in crate::source) async fn all<T: DeserializeOwned + Send>(
        self,
        http: &Http,
    ) -> Result<Listed<T>, Fault> {
        self.until(http, |_| false).await
    }

    /// Reads pages until `is_enough` is true of one.
    pub(in crate::source) async fn until<T: DeserializeOwned + Send>(
        self,
        http: &Http,
        is_enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Listed<T>, Fault> {
        let mut reader = Reader {
            list: &self,
            http,
            row: std::marker::PhantomData,
        };
        let pages = pages::read(&mut reader, &self.limits, is_enough).await?;
        let rest = match self.paging.step {
            Advance::Cursor { .. } => "there may be more",
            _ => "there are more",
        };
        let warnings = pages.warnings(self.what, rest);
        let fault = match pages.end {
            End::Failed(fault) if !self.paging.keeps_rows => return Err(fault),
            End::Failed(fault) => Some(fault),
            _ => None,
        };
        Ok(Listed {
            rows: pages.rows,
            warnings,
            fault,
            requests: pages.requests,
        })
    }

    fn request<'h>(&self, http: &'h Http, next: Option<&Next>) -> Result<Request<'h>, Fault> {
        let paging = self.paging;
        let given: Vec<(String, String)> = match (&paging.step, next) {
            (Advance::Link { .. }, Some(Next::Link(address))) => {
                return Ok((paging.headers)(http.get_url(address)?));
            }
            (_, Some(Next::Link(address))) => {
                let query = address.split_once('?').map_or("", |(_, query)| query);
                form_urlencoded::parse(query.as_bytes())
                    .into_owned()
                    .collect()
            }
            (Advance::Cursor { parameter, .. }, Some(Next::Cursor(cursor))) => {
                vec![((*parameter).to_owned(), cursor.clone())]
            }
            (Advance::Offset { .. }, next) => {
                let offset = match next {
                    Some(Next::Offset(offset)) => *offset,
                    _ => 0,
                };
                vec![("offset".to_owned(), offset.to_string())]
            }
            _ => Vec::new(),
        };
        let size = paging.size.zip(self.size);
        let size = size.map(|((name, _), size)| (name, size.to_string()));
        let own = self.query.iter().cloned().chain(size);
        let own = own.filter(|(name, _)| !given.iter().any(|(given, _)| given == name));
        let request = (paging.headers)(http.get(self.path));
        let request = own.fold(request, |request, (name, value)| {
            request.query(name, &value)
        });
        Ok(given
            .iter()
            .fold(request, |request, (name, value)| request.query(name, value)))
    }

    /// Takes the rows out of an answer.
    fn rows(&self, answer: &mut Map<String, Value>) -> Result<Vec<Value>, Fault> {
        let Paging { rows, api, .. } = self.paging;
        let key = rows.unwrap_or_else(|| self.path.rsplit('/').next().unwrap_or_default());
        match answer.remove(key) {
            Some(Value::Array(rows)) => Ok(rows),
            Some(Value::Null) => Ok(Vec::new()),
            // Some APIs leave out an empty list. What has nothing of a list at all is another API's answer.
            None if rows.is_some() && self.paging.is_list(answer) => Ok(Vec::new()),
            _ => {
                let message = format!("the answer has no `{key}`; is `url` {api}?");
                Err(Fault::new(FaultKind::Decode, message))
            }
        }
    }
}

impl Advance {
    /// Where the list goes on after a page that began at `offset`.
    fn after(&self, answer: &Value, offset: usize, size: usize) -> Result<Option<Next>, End> {
        let text = |at: &str| {
            let text = answer.pointer(at).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        match self {
            Self::Offset { farthest } => {
                let echoed = answer["limit"]
                    .as_u64()
                    .and_then(|limit| limit.try_into().ok());
                let echoed = echoed.filter(|limit| (1..=size).contains(limit));
                let next = offset + echoed.unwrap_or(size);
                match answer["more"].as_bool() {
                    Some(true) if next + size > *farthest => Err(End::Capped),
                    Some(true) => Ok(Some(Next::Offset(next))),
                    _ => Ok(None),
                }
            }
            Self::Cursor { at, .. } => Ok(text(at).map(Next::Cursor)),
            Self::Link { at } | Self::LinkQuery { at } => Ok(text(at).map(Next::Link)),
        }
    }
}

impl<T: DeserializeOwned + Send> Pager for Reader<'_, T> {
    type Row = T;

    async fn page(&mut self, next: Option<&Next>) -> Result<Page<T>, Fault> {
        let list = self.list;
        let request = list.request(self.http, next)?;
        let mut answer: Map<String, Value> = request.send().await?.json()?;
        let rows = list.rows(&mut answer)?;
        let read = |row: Value| (identity(&row), serde_json::from_value(row).ok());
        let answer = Value::Object(answer);
        let total = answer.pointer(list.paging.total).and_then(Value::as_u64);
        let total = total.and_then(|total| usize::try_from(total).ok());
        let offset = match next {
            Some(Next::Offset(offset)) => *offset,
            _ => 0,
        };
        let size = list.size.unwrap_or_default();
        Ok(Page {
            rows: rows.into_iter().map(read).collect(),
            total: total.map(Total::Exactly),
            next: list.paging.step.after(&answer, offset, size),
        })
    }
}

/// The id of a row, or all of it where it has none.
fn identity(row: &Value) -> String {
    match row.get("id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => row.to_string(),
    }
}
