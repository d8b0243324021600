//! Turning pages: where the next one is, and when to stop.
//!
//! A list ends where the server says so, or where a page brings nothing new: whatever a server
//! answers, no page is asked for twice and no more than [`Paging::pages`] of them.

use std::collections::HashSet;

use serde_json::Value;

use super::sandbox::Sandboxed;

/// How a list goes on.
pub(super) struct Paging {
    pub(super) how: How,
    /// The most pages of one poll.
    pub(super) pages: usize,
    /// True when parameters go into the body instead of the query.
    pub(super) in_body: bool,
    /// How many rows there are, where the answer tells.
    pub(super) total: Option<Sandboxed>,
}

/// What leads from one page to the next.
pub(super) enum How {
    /// There is just one page.
    Single,
    /// The `Link` header.
    Link,
    /// A value of the answer, to be sent as a parameter; without one, an address.
    Cursor {
        program: Sandboxed,
        parameter: Option<String>,
    },
    /// A counter of pages.
    Page { parameter: String, first: u64 },
    /// A counter of rows.
    Offset {
        parameter: String,
        limit: u64,
        limit_parameter: String,
    },
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            how: How::Single,
            pages: 1,
            in_body: false,
            total: None,
        }
    }
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// An address that the server gave.
    Address(String),
    /// The configured address with these parameters; the first page may need none.
    With(Vec<(String, Value)>),
}

impl Step {
    /// The same for the same page.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Address(address) => address.clone(),
            Self::With(parameters) => format!("{parameters:?}"),
        }
    }
}

/// What was read of a page that matters for the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Page {
    /// How many things the answer lists, as far as that can be told from outside the programs.
    pub(super) items: Option<usize>,
    /// How many rows the programs emitted.
    pub(super) emitted: usize,
    /// How many of those were new.
    pub(super) fresh: usize,
    /// True when the programs take no further row.
    pub(super) is_full: bool,
    /// Where the answer says that it goes on.
    pub(super) cursor: Option<Value>,
    /// How many rows there are, as the answer tells.
    pub(super) total: Option<u64>,
}

/// Why no further page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server says so, or the page brought nothing new.
    Whole(&'static str),
    /// The server gave a page again that it had given before.
    Repeated,
    /// There are more than a poll reads.
    Capped,
    /// There are more, and no further row is taken.
    Full,
    /// There are more, and it took too long.
    Late,
}

/// What to do after a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    On(Step),
    Done(End),
}

/// One walk through a list.
pub(super) struct Walk<'a> {
    paging: &'a Paging,
    /// Pages read so far.
    pub(super) read: usize,
    /// Where it has been already.
    been: HashSet<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(paging: &'a Paging) -> Self {
        Self {
            paging,
            read: 0,
            been: HashSet::new(),
        }
    }

    /// The first page.
    pub(super) fn first(&mut self) -> Step {
        let step = self.counted(0);
        self.been.insert(step.key());
        step
    }

    /// True when a page that is not there just means the end: counted past the last one.
    pub(super) fn may_be_past_the_end(&self) -> bool {
        self.read > 0 && matches!(self.paging.how, How::Page { .. } | How::Offset { .. })
    }

    /// The parameters of a page by its number, from 0.
    fn counted(&self, number: u64) -> Step {
        Step::With(match &self.paging.how {
            How::Single | How::Link | How::Cursor { .. } => Vec::new(),
            How::Page { parameter, first } => {
                vec![(parameter.clone(), first.saturating_add(number).into())]
            }
            How::Offset {
                parameter,
                limit,
                limit_parameter,
            } => vec![
                (limit_parameter.clone(), (*limit).into()),
                (parameter.clone(), limit.saturating_mul(number).into()),
            ],
        })
    }

    /// Goes on after a page; `link` is what its `Link` header says.
    pub(super) fn after(&mut self, page: &Page, link: Option<&str>) -> Turn {
        self.read += 1;
        let step = match self.next(page, link) {
            Ok(step) => step,
            Err(why) => return Turn::Done(End::Whole(why)),
        };
        if !self.been.insert(step.key()) {
            return Turn::Done(End::Repeated);
        }
        if page.is_full {
            return Turn::Done(End::Full);
        }
        if self.read >= self.paging.pages {
            return Turn::Done(End::Capped);
        }
        Turn::On(step)
    }

    /// Where the next page is, or why there is none.
    fn next(&self, page: &Page, link: Option<&str>) -> Result<Step, &'static str> {
        match &self.paging.how {
            How::Single if link.is_some() => {
                Err("there is a `Link` to a next one, and `paginate` is not set")
            }
            How::Single => Err("`paginate` is not set"),
            How::Link => link
                .map(|link| Step::Address(link.to_owned()))
                .ok_or("the last one has no `Link` to a next one"),
            How::Cursor { parameter, .. } => {
                let cursor = page.cursor.clone().ok_or("the last one has no cursor")?;
                Ok(step_by(cursor, parameter.as_deref()))
            }
            How::Page { .. } => ended(page).map_or_else(|| Ok(self.counted_next()), Err),
            How::Offset { limit, .. } => {
                let been = limit.saturating_mul(u64::try_from(self.read).unwrap_or(u64::MAX));
                if page.total.is_some_and(|total| been >= total) {
                    return Err("they hold all that the server counts");
                }
                ended(page).map_or_else(|| Ok(self.counted_next()), Err)
            }
        }
    }

    fn counted_next(&self) -> Step {
        self.counted(u64::try_from(self.read).unwrap_or(u64::MAX))
    }
}

/// Why a counted page was the last one. One whose rows the programs all left out is not: what they
/// want may be on the next.
fn ended(page: &Page) -> Option<&'static str> {
    let is_empty = page.items.unwrap_or(page.emitted) == 0;
    if is_empty {
        Some("the last one is empty")
    } else if page.emitted > 0 && page.fresh == 0 {
        Some("the last one brings nothing new")
    } else {
        None
    }
}

/// A cursor is sent as the parameter, unless it is a whole address or there is no parameter.
fn step_by(cursor: Value, parameter: Option<&str>) -> Step {
    let text = cursor.as_str().unwrap_or_default();
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    match parameter {
        Some(parameter) if !is_address => Step::With(vec![(parameter.to_owned(), cursor)]),
        _ => Step::Address(text.to_owned()),
    }
}

/// Puts a parameter into a body, at a path such as `variables.after`.
pub(super) fn put(body: &mut Value, path: &str, value: &Value) {
    let mut place = body;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        place = &mut place[name];
    }
    *place = value.clone();
}

#[cfg(test)]
mod tests;
