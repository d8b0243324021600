//! What was sent and what came back, while somebody listens: for one poll looked at closely.

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Instant;

use jiff::SignedDuration;
use reqwest::{Client, Url};

use super::auth::Credentials;
use super::{Answer, Http, Request};
use crate::domain::{Exchange, Fault};
use crate::log;

tokio::task_local! {
    static HEARD: RefCell<Vec<Exchange>>;
}

/// Does some work, and tells what every [`Http`] sent meanwhile, in the order in which
/// the answers came. What the work hands to another task is not heard.
pub async fn listen<T>(work: impl Future<Output = T>) -> (T, Vec<Exchange>) {
    let heard = async {
        let done = work.await;
        (done, HEARD.with(RefCell::take))
    };
    HEARD.scope(RefCell::default(), heard).await
}

impl Http {
    /// A text without the credentials that were sent, should a server repeat them.
    pub fn redact(&self, text: &str) -> String {
        let credentials = self.credentials.try_lock();
        let known = credentials.as_ref().ok().and_then(|known| known.as_ref());
        known.map_or_else(|| text.to_owned(), |known| known.redact(text))
    }
}

impl Request<'_> {
    /// An attempt that [`listen`] hears of.
    pub(super) async fn watched(
        &self,
        client: &Client,
        credentials: &Credentials,
    ) -> Result<Answer, Fault> {
        let watched = Watched::begin(|| {
            let url = credentials.redact(&shown(&self.url));
            (self.method.to_string(), url, self.content.len())
        });
        let outcome = self.attempt(client, credentials).await;
        watched.end(self.answered.load(Ordering::Relaxed), &outcome);
        outcome
    }
}

/// An exchange under way; told when it ends, and as well when it is given up.
struct Watched {
    began: Instant,
    exchange: Option<Exchange>,
}

impl Watched {
    /// Begins one, if anybody listens; `about` gives the method, the address and the bytes to send.
    fn begin(about: impl FnOnce() -> (String, String, usize)) -> Self {
        let is_heard = log::is_on() || HEARD.try_with(|_| ()).is_ok();
        let exchange = is_heard.then(|| {
            let (method, url, sent) = about();
            Exchange {
                method,
                url: url.into(),
                sent,
                status: None,
                bytes: 0,
                took: SignedDuration::ZERO,
                fault: Some("given up before an answer came".into()),
            }
        });
        Self {
            began: Instant::now(),
            exchange,
        }
    }

    /// Notes how it ended; `status` is 0 where there was no answer.
    fn end(mut self, status: u16, outcome: &Result<Answer, Fault>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.status = Some(status).filter(|status| *status > 0);
            exchange.bytes = outcome.as_ref().map_or(0, |answer| answer.body.len());
            exchange.fault = outcome.as_ref().err().map(|fault| fault.message.clone());
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            let took = SignedDuration::try_from(self.began.elapsed());
            exchange.took = took.unwrap_or(SignedDuration::MAX);
            log::request(&exchange);
            // Outside of `listen` there is nobody to tell.
            let _ = HEARD.try_with(|heard| heard.borrow_mut().push(exchange));
        }
    }
}

/// An address that may be shown: the names of its query stay, their values do not.
fn shown(url: &Url) -> String {
    let mut shown = super::client::origin(url) + url.path();
    for (number, (name, _)) in url.query_pairs().enumerate() {
        shown.push(if number == 0 { '?' } else { '&' });
        shown.push_str(&name);
        shown.push_str("=…");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_the_values_of_its_query() {
        let url = Url::parse("https://h.example:8443/a/b?token=s3cret&page%5Bsize%5D=2&x").unwrap();
        assert_eq!(
            shown(&url),
            "https://h.example:8443/a/b?token=…&page[size]=…&x=…"
        );
        let plain = Url::parse("http://h.example").unwrap();
        assert_eq!(shown(&plain), "http://h.example/");
    }
}
