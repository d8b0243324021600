//! Requests that a source puts together from its settings: below which path, with which parameters.

use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::{Content, Http, Request};

impl Http {
    /// The same endpoint with a path below the URL of the settings and with a query. A parameter that
    /// this URL has already stays as it is, and a path that it ends with is not added again.
    #[must_use]
    pub fn with_path(mut self, path: &str, query: &[(String, String)]) -> Self {
        let end = format!("/{}", path.trim_start_matches('/'));
        if !path.is_empty() && !self.base.path().ends_with(&end) {
            self.base = self.below(path);
        }
        let given: Vec<String> = self
            .base
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect();
        for (name, value) in query.iter().filter(|(name, _)| !given.contains(name)) {
            self.base.query_pairs_mut().append_pair(name, value);
        }
        self
    }
}

impl Request<'_> {
    /// Sets a query parameter, in place of those of that name.
    pub fn set_query(mut self, name: &str, value: &str) -> Self {
        let pairs = self.url.query_pairs().into_owned();
        let others: Vec<_> = pairs.filter(|(known, _)| known != name).collect();
        self.url
            .query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair(name, value);
        self
    }

    /// Carries this text.
    pub fn text(mut self, body: &str, content_type: &'static str) -> Self {
        self.content = Content::Bytes(body.as_bytes().to_vec());
        self.headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(content_type));
        self
    }
}
