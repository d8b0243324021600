//! Lists in pages: one loop for every way of paging, which reads each row once.

use std::collections::HashSet;

use tokio::time::Instant;

use crate::domain::Fault;
use crate::text::Untrusted;

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::source) enum Next {
    /// The address of the next page.
    Link(String),
    /// A value that the server wants to be sent back.
    Cursor(String),
    /// How many rows come before the next page.
    Offset(usize),
    /// The number of the next page.
    Number(String),
}

/// How many rows a list has, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Total {
    Exactly(usize),
    /// By the number of its pages.
    About(usize),
}

/// One page of a list.
pub(in crate::source) struct Page<T> {
    /// The identity of each row, and the row itself where it can be read.
    pub(in crate::source) rows: Vec<(String, Option<T>)>,
    pub(in crate::source) total: Option<Total>,
    /// Where the list goes on; why it ends here, if there is more that cannot be requested.
    pub(in crate::source) next: Result<Option<Next>, End>,
}

/// Requests one page after the other.
pub(in crate::source) trait Pager {
    type Row;

    /// Requests a page: the first one, or the one that the page before it points to.
    fn page(
        &mut self,
        next: Option<&Next>,
    ) -> impl Future<Output = Result<Page<Self::Row>, Fault>> + Send;
}

/// When to stop before the end of a list.
pub(in crate::source) struct Limits {
    pub(in crate::source) rows: usize,
    pub(in crate::source) pages: u32,
    /// No page is requested after this.
    pub(in crate::source) deadline: Option<Instant>,
}

/// Why no further page was read.
#[derive(Debug)]
pub(in crate::source) enum End {
    /// Everything that is wanted was read.
    Whole,
    /// There is more than [`Limits`] allow.
    Capped,
    /// The list leads back to a page that was read; the reason in words, where the total says less.
    Repeated(Option<&'static str>),
    /// [`Limits::deadline`] has passed.
    Late,
    /// The next page cannot be requested.
    Unreachable(Fault),
    /// The next page was requested and failed.
    Failed(Fault),
}

/// The rows of a list, as far as they were read.
#[derive(Debug)]
pub(in crate::source) struct Pages<T> {
    pub(in crate::source) rows: Vec<T>,
    pub(in crate::source) total: Option<Total>,
    pub(in crate::source) end: End,
    /// How many rows came that could not be read.
    unread: usize,
    pub(in crate::source) requests: u32,
}

impl Next {
    /// What to say when it leads back; the total of a list of links says enough.
    fn again(&self) -> Option<&'static str> {
        match self {
            Self::Link(_) | Self::Number(_) => None,
            Self::Cursor(_) => Some("the same cursor came again"),
            Self::Offset(_) => Some("the same page came again"),
        }
    }
}

/// Reads pages until the list ends, `is_enough` is true of a page's new rows, or a limit is reached.
///
/// The fault is that of the first page; that of a later one is in [`Pages::end`].
pub(in crate::source) async fn read<P: Pager>(
    reader: &mut P,
    limits: &Limits,
    mut is_enough: impl FnMut(&[P::Row]) -> bool,
) -> Result<Pages<P::Row>, Fault> {
    let (mut seen, mut visited) = (HashSet::new(), HashSet::new());
    let mut next = None;
    let mut pages = Pages {
        rows: Vec::new(),
        total: None,
        end: End::Whole,
        unread: 0,
        requests: 0,
    };
    pages.end = loop {
        pages.requests += 1;
        let page = match reader.page(next.as_ref()).await {
            Ok(page) => page,
            Err(fault) if next.is_none() => return Err(fault),
            Err(fault) => break End::Failed(fault),
        };
        let (known, first) = (seen.len(), pages.rows.len());
        // Rows slide to the next page while pages are read.
        for (_, row) in page
            .rows
            .into_iter()
            .filter(|(id, _)| seen.insert(id.clone()))
        {
            pages.unread += usize::from(row.is_none());
            pages.rows.extend(row);
        }
        pages.total = page.total.or(pages.total);
        if is_enough(&pages.rows[first..]) {
            break End::Whole;
        }
        let further = match page.next {
            Ok(Some(further)) => further,
            Ok(None) => break End::Whole,
            Err(end) => break end,
        };
        // The last page may have a cursor too, and one without rows may lead on.
        let is_cursor = matches!(further, Next::Cursor(_));
        if is_cursor && matches!(pages.total, Some(Total::Exactly(total)) if seen.len() >= total) {
            break End::Whole;
        }
        if !visited.insert(further.clone()) || (seen.len() == known && !is_cursor) {
            break End::Repeated(further.again());
        }
        if pages.rows.len() >= limits.rows || pages.requests >= limits.pages {
            break End::Capped;
        }
        if limits
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            break End::Late;
        }
        next = Some(further);
    };
    if pages.rows.len() > limits.rows {
        pages.rows.truncate(limits.rows);
        pages.end = match pages.end {
            End::Whole => End::Capped,
            end => end,
        };
    }
    Ok(pages)
}

impl<T> Pages<T> {
    /// How many rows of `what` are missing, and how many could not be read. `rest` stands for a rest
    /// of unknown size.
    pub(in crate::source) fn warnings(&self, what: &str, rest: &str) -> Vec<Untrusted> {
        let count = self.rows.len();
        let why = match self.end {
            End::Capped => Some(None),
            End::Repeated(why) => Some(why),
            End::Late => Some(Some("a poll has no time for more")),
            End::Whole | End::Unreachable(_) | End::Failed(_) => None,
        };
        let words = why.and_then(|why| {
            let words = match self.total {
                Some(Total::Exactly(total)) if total > count => {
                    format!("{count} of {total} {what} loaded")
                }
                Some(Total::Exactly(_)) if why.is_none() => return None,
                _ => format!("{count} {what} loaded, and {rest}"),
            };
            Some(why.map_or(words.clone(), |why| format!("{words}: {why}")))
        });
        let (unread, seen) = (self.unread, count + self.unread);
        let unread = (unread > 0).then(|| format!("{unread} of {seen} {what} could not be read"));
        words
            .into_iter()
            .chain(unread)
            .map(Untrusted::from)
            .collect()
    }

    /// Says how much was read, if that is not all: `owner`: 200 of about 950 `what` loaded.
    pub(in crate::source) fn cut(&self, owner: &str, what: &str) -> Option<String> {
        let count = self.rows.len();
        let words = match (&self.end, self.total) {
            (End::Whole | End::Repeated(_), _) => return None,
            (End::Unreachable(fault), _) => {
                let why = fault.message.raw();
                return Some(format!("{owner}: the newest {count} {what} loaded: {why}"));
            }
            (_, Some(Total::Exactly(total))) => format!("{count} of {total}"),
            (_, Some(Total::About(total))) => format!("{count} of about {total}"),
            (_, None) => format!("the newest {count}"),
        };
        Some(format!("{owner}: {words} {what} loaded"))
    }
}
