//! Lists of the Kubernetes API, page by page, from a server by its address or by a kubeconfig.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;

use super::wire::Page;
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, RowLimit};

/// How many objects one request asks for.
const PAGE: usize = 250;
/// How many objects of one list are read; what is beyond is said to be left out.
pub(super) const MAX_OBJECTS: usize = 10_000;
/// How many objects one answer may list, of a server that knows no pages.
const OBJECTS: RowLimit = RowLimit::new("objects", "narrow them by `namespaces`");
/// How often a list is begun anew when its pages have expired.
const BEGINNINGS: usize = 3;

/// Where to ask.
pub(super) enum Api {
    /// A server by its address, with the credentials of the settings; also `kubectl proxy`.
    Address(Box<Http>),
    /// A cluster by a kubeconfig, or the one that this program runs in.
    #[cfg(feature = "kubernetes")]
    Cluster(super::cluster::Cluster),
}

/// All objects of one list.
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    /// How many there are, when not all could be read.
    pub(super) cut: Option<Cut>,
}

/// A list that was not read to its end.
pub(super) struct Cut {
    /// How many there are, where the server says so.
    pub(super) of: Option<u64>,
}

impl Api {
    /// How far the server's clock is ahead of ours.
    pub(super) fn skew(&self) -> Option<SignedDuration> {
        match self {
            Self::Address(http) => http.skew(),
            #[cfg(feature = "kubernetes")]
            Self::Cluster(cluster) => cluster.skew(),
        }
    }

    /// How long the server should be left alone, where it tells of limits.
    pub(super) fn rest(&self) -> Option<SignedDuration> {
        match self {
            Self::Address(http) => http.rest(),
            #[cfg(feature = "kubernetes")]
            Self::Cluster(_) => None,
        }
    }

    /// One page. 404 and 410 come back as answers: of a kind that is not installed, and of a page
    /// that has expired.
    async fn page(&mut self, path: &str, next: &str) -> Result<Answer, Fault> {
        match self {
            Self::Address(http) => {
                let mut request = http.get(path).rows(OBJECTS);
                request = request.query("limit", &PAGE.to_string());
                if !next.is_empty() {
                    request = request.query("continue", next);
                }
                let request = request.header("Accept", "application/json");
                request.accept(&[404, 410]).send().await
            }
            #[cfg(feature = "kubernetes")]
            Self::Cluster(cluster) => Ok(cluster.page(path, PAGE, next).await?.with_rows(OBJECTS)),
        }
    }

    /// The whole list at a path; `None` when there is no such kind of object.
    ///
    /// A page may expire while the ones before are read, since the server keeps a snapshot for some
    /// minutes only: the list is then begun anew.
    pub(super) async fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
    ) -> Result<Option<Listed<T>>, Fault> {
        for _ in 0..BEGINNINGS {
            let mut items = Vec::new();
            let mut next = String::new();
            loop {
                let answer = self.page(path, &next).await?;
                match answer.status {
                    404 => return Ok(None),
                    410 => break,
                    _ => {}
                }
                let page: Page<T> = answer.json()?;
                items.extend(page.items);
                let metadata = page.metadata;
                if metadata.next.is_empty() {
                    return Ok(Some(Listed { items, cut: None }));
                }
                if items.len() >= MAX_OBJECTS || metadata.next == next {
                    let read = u64::try_from(items.len()).unwrap_or(u64::MAX);
                    let more = metadata.remaining_item_count;
                    let of = more.map(|more| read.saturating_add(more));
                    let cut = Some(Cut { of });
                    return Ok(Some(Listed { items, cut }));
                }
                next = metadata.next;
            }
        }
        Err(Fault::new(
            FaultKind::Server,
            format!(
                "its pages expired {BEGINNINGS} times while they were read (410); is the server overloaded?"
            ),
        ))
    }
}
