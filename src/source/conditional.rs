//! Conditional requests: an answer that has not changed since is not sent again.
//!
//! RFC 9110, section 13.1.2: the server's `ETag` goes back as `If-None-Match`, and 304 means that
//! the body we hold is still right. Some servers do not count such a request against a rate limit.

use std::collections::HashMap;

use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Request};

/// The answers that may be asked for again, by a key of the caller's choice.
#[derive(Default)]
pub(super) struct Conditional {
    known: HashMap<String, Known>,
}

struct Known {
    etag: String,
    /// Whole, for its headers say where the next page is, and a 304 need not repeat them.
    answer: Answer,
}

impl Conditional {
    /// Sends a request that must accept 304, and answers it from memory when nothing has changed.
    pub(super) async fn send(&mut self, key: &str, request: Request<'_>) -> Result<Answer, Fault> {
        let request = match self.known.get(key) {
            Some(known) => request.header("If-None-Match", &known.etag),
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
            match answer.header("ETag").map(str::to_owned) {
                Some(etag) => {
                    let answer = answer.clone();
                    self.known.insert(key.to_owned(), Known { etag, answer });
                }
                None => {
                    self.known.remove(key);
                }
            }
        }
        Ok(answer)
    }

    /// Forgets the answers whose key is not wanted any more.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.known.retain(|key, _| is_wanted(key));
    }
}
