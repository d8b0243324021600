//! Lists in pages: by `offset` and `size`, with the next page in `links.next`.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use tokio::time::{Duration, Instant};

use super::wire::Page;
use crate::domain::Fault;
use crate::http::Http;
use crate::text::Untrusted;

/// How many pages are turned, should they overlap.
const PAGES: usize = 40;
/// How long pages are turned.
const PATIENCE: Duration = Duration::from_secs(20);

/// A list to be asked for.
pub(super) struct List<'a> {
    /// Below the site.
    pub(super) path: &'a str,
    /// What the rows are, for people.
    pub(super) what: &'static str,
    /// What every page is asked with.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// How many rows a page is asked to have: the most that the API allows for this list; nothing for
    /// as many as it likes.
    pub(super) size: &'static str,
    /// The most rows that are loaded.
    pub(super) cap: usize,
}

/// The rows of a list, as far as they were loaded.
pub(super) struct Loaded<T> {
    pub(super) rows: Vec<T>,
    pub(super) warnings: Vec<Untrusted>,
    /// Why the later pages are missing.
    pub(super) fault: Option<Fault>,
}

impl List<'_> {
    /// Turns pages until the last one, the cap, or one that is enough by `is_last`.
    ///
    /// The fault is that of the first page; a later one comes with the rows that are there.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        http: &Http,
        mut is_last: impl FnMut(&T) -> bool,
    ) -> Result<Loaded<T>, Fault> {
        let began = Instant::now();
        let mut rows = Loaded {
            rows: Vec::new(),
            warnings: Vec::new(),
            fault: None,
        };
        let (mut seen, mut asked) = (HashSet::new(), HashSet::new());
        let (mut total, mut unread, mut is_cut) = (None, 0_usize, false);
        let mut link = String::new();
        loop {
            let page = match self.page(http, &link).await {
                Ok(page) => page,
                Err(fault) if asked.is_empty() => return Err(fault),
                Err(fault) => {
                    rows.fault = Some(fault);
                    break;
                }
            };
            asked.insert(link);
            total = page.count.or(total);
            let (before, mut is_enough) = (rows.rows.len(), false);
            for value in page.values {
                let id = value
                    .get("id")
                    .and_then(|id| id.as_str())
                    .map(str::to_owned);
                if id.is_some_and(|id| !seen.insert(id)) {
                    continue;
                }
                match serde_json::from_value(value) {
                    Ok(row) if rows.rows.len() < self.cap => {
                        is_enough |= is_last(&row);
                        rows.rows.push(row);
                    }
                    Ok(_) => is_cut = true,
                    Err(_) => unread += 1,
                }
            }
            let next = page.links.next.filter(|next| !next.is_empty());
            let Some(next) = next.filter(|_| !is_enough) else {
                break;
            };
            let is_new = rows.rows.len() > before && !asked.contains(&next);
            if !is_new
                || rows.rows.len() >= self.cap
                || asked.len() >= PAGES
                || began.elapsed() > PATIENCE
            {
                is_cut = true;
                break;
            }
            link = next;
        }
        let loaded = rows.rows.len();
        let is_short = total.is_some_and(|total| total > loaded as u64);
        if is_cut && (is_short || total.is_none()) {
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

    /// One page: with our own words, and with those of the link to it. Only the query of a link is
    /// used, as its path lacks what stands before; so it leads nowhere else either.
    async fn page(&self, http: &Http, link: &str) -> Result<Page, Fault> {
        let query = link.split_once('?').map_or("", |(_, query)| query);
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut request = http.get(self.path);
        for (name, value) in self.query.iter().chain([&("size", self.size)]) {
            if !value.is_empty() && !given.iter().any(|(given, _)| given == name) {
                request = request.query(name, value);
            }
        }
        for (name, value) in &given {
            request = request.query(name, value);
        }
        request.send().await?.json()
    }
}
