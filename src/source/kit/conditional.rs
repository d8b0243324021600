//! Conditional requests: an answer that has not changed since is not sent again.
//!
//! RFC 9110, sections 13.1.2 and 13.1.3: the server's `ETag` goes back as `If-None-Match`, or where it
//! gives none its `Last-Modified` as `If-Modified-Since`, and 304 means that the body we hold is still
//! right. Some servers do not count such a request against a rate limit.

use std::collections::HashMap;

use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, MAX_BODY, Request};

/// The answers that may be asked for again, by a key of the caller's choice.
#[derive(Default)]
pub(in crate::source) struct Conditional {
    known: HashMap<String, Known>,
}

struct Known {
    /// The header to send, and its value.
    condition: (&'static str, String),
    /// Whole, for its headers say where the next page is, and a 304 need not repeat them.
    answer: Answer,
}

impl Conditional {
    /// Sends a request that must accept 304, and answers it from memory when nothing has changed.
    pub(in crate::source) async fn send(
        &mut self,
        key: &str,
        request: Request<'_>,
    ) -> Result<Answer, Fault> {
        let request = match self.known.get(key) {
            Some(Known { condition, .. }) => request.header(condition.0, &condition.1),
            None => request,
        };
        let answer = request.send().await?;
        if answer.status == 304 {
            let known = self.known.get(key).ok_or_else(|| {
                Fault::new(
                    FaultKind::Decode,
                    "the server says that nothing has changed (304), but was not asked that",
                )
            })?;
            return Ok(known.answer.clone());
        }
        if answer.status == 200 {
            self.known.remove(key);
            let room = MAX_BODY.saturating_sub(self.held());
            if let Some(condition) = condition(&answer).filter(|_| answer.body.len() <= room) {
                let answer = answer.clone();
                self.known
                    .insert(key.to_owned(), Known { condition, answer });
            }
        }
        Ok(answer)
    }

    /// Forgets the answers whose key is not wanted any more.
    pub(in crate::source) fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.known.retain(|key, _| is_wanted(key));
    }

    /// The bytes of all bodies in memory.
    fn held(&self) -> usize {
        self.known
            .values()
            .map(|known| known.answer.body.len())
            .sum()
    }
}

/// What to send next time, so that an unchanged answer need not come again.
fn condition(answer: &Answer) -> Option<(&'static str, String)> {
    let etag = answer.header("ETag").map(|etag| ("If-None-Match", etag));
    let modified = || {
        answer
            .header("Last-Modified")
            .map(|date| ("If-Modified-Since", date))
    };
    let (name, value) = etag.or_else(modified)?;
    Some((name, value.to_owned()))
}
