//! Lists in pages: `next` is the whole address of the next page, on the same server.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::wire::Page;
use crate::domain::Fault;
use crate::http::{Http, Request};
use crate::text::Untrusted;

/// A list to be asked for.
pub(super) struct List<'a> {
    pub(super) path: &'a str,
    /// What the rows are, for people.
    pub(super) what: &'a str,
    pub(super) query: Vec<(&'a str, String)>,
    /// The most rows that are loaded.
    pub(super) cap: usize,
    /// When no further page is turned.
    pub(super) deadline: Instant,
}

/// The rows of a list, as far as they were loaded.
pub(super) struct Loaded<T> {
    pub(super) rows: Vec<T>,
    pub(super) warnings: Vec<Untrusted>,
    /// Why the later pages are missing.
    pub(super) fault: Option<Fault>,
    /// How many requests it took.
    pub(super) requests: u32,
}

impl List<'_> {
    /// Turns pages until the last one or the cap.
    ///
    /// The fault is that of the first page; a later one comes with the rows that are there.
    pub(super) async fn ask<T: DeserializeOwned>(&self, http: &Http) -> Result<Loaded<T>, Fault> {
        let mut rows = Loaded {
            rows: Vec::new(),
            warnings: Vec::new(),
            fault: None,
            requests: 0,
        };
        let (mut seen, mut asked) = (HashSet::new(), HashSet::new());
        let (mut total, mut unread, mut is_cut) = (None, 0_usize, false);
        let mut next: Option<String> = None;
        loop {
            rows.requests += 1;
            let page = match self.page(http, next.as_deref()).await {
                Ok(page) => page,
                Err(fault) if next.is_none() => return Err(fault),
                Err(fault) => {
                    rows.fault = Some(fault);
                    break;
                }
            };
            asked.extend(next);
            total = page.count.or(total);
            let before = rows.rows.len();
            for value in page.results {
                let id = value.get("id").and_then(|id| id.as_str());
                if id.is_some_and(|id| !seen.insert(id.to_owned())) {
                    continue;
                }
                match serde_json::from_value(value) {
                    Ok(row) if rows.rows.len() < self.cap => rows.rows.push(row),
                    Ok(_) => is_cut = true,
                    Err(_) => unread += 1,
                }
            }
            let Some(link) = page.next.filter(|link| !link.is_empty()) else {
                break;
            };
            let is_new = rows.rows.len() > before && !asked.contains(&link);
            if !is_new || rows.rows.len() >= self.cap || Instant::now() > self.deadline {
                is_cut = true;
                break;
            }
            next = Some(link);
        }
        let loaded = rows.rows.len();
        let is_short = total.is_none_or(|total| total > loaded as u64);
        if is_cut && is_short {
            let of = total.map_or_else(|| "more".to_owned(), |total| total.to_string());
            rows.warnings
                .push(format!("{loaded} of {of} {} loaded", self.what).into());
        }
        if unread > 0 {
            let words = format!("{unread} of the {} could not be read", self.what);
            rows.warnings.push(words.into());
        }
        Ok(rows)
    }

    async fn page(&self, http: &Http, next: Option<&str>) -> Result<Page, Fault> {
        let request = if let Some(link) = next {
            http.get_url(link)?
        } else {
            self.query.iter().fold(http.get(self.path), with)
        };
        request.send().await?.json()
    }
}

fn with<'a>(request: Request<'a>, (name, value): &(&str, String)) -> Request<'a> {
    request.query(name, value)
}
