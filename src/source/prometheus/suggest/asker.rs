//! The few requests that suggestions are made from.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::{Fault, FaultKind, Window};
use crate::source::prometheus::api::{Api, Series, envelope, seconds};
use crate::source::prometheus::promql;

/// The most requests of one look, whatever the size of the server.
pub(super) const MAX_REQUESTS: usize = 12;
/// Expressions joined in a query.
const EXPRESSIONS: usize = 60;
/// Metrics that have had no sample for so long do not exist.
const PRESENT: Window = Window::hours(1);
/// Where the index is read.
const NAMES_PATH: &str = "/api/v1/label/__name__/values";

/// Asks one server, and no more than [`MAX_REQUESTS`] times.
pub(super) struct Asker<'a> {
    api: &'a Api,
    at: Option<Timestamp>,
    now: Timestamp,
    left: usize,
}

/// The answer to one expression; `None` where it was refused or could not be asked.
pub(super) type Answer = Option<Vec<Series>>;

impl<'a> Asker<'a> {
    pub(super) fn new(api: &'a Api, at: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            api,
            at,
            now,
            left: MAX_REQUESTS,
        }
    }

    /// The names of metrics that match any of these regular expressions and have samples.
    pub(super) async fn names(&mut self, patterns: &[String]) -> Result<BTreeSet<String>, Fault> {
        self.left = self.left.saturating_sub(1);
        let any = promql::string(&patterns.join("|"));
        let selector = format!("{{__name__=~{any}}}");
        let end = self.at.or_else(|| self.api.present()).unwrap_or(self.now);
        let start = end.saturating_sub(PRESENT.duration()).unwrap_or(end);
        let form = [
            ("match[]", selector.as_str()),
            ("start", &seconds(start)),
            ("end", &seconds(end)),
        ];
        let mut request = self.api.http().get(NAMES_PATH);
        for (name, value) in form {
            request = request.query(name, value);
        }
        match request.send().await {
            Ok(answer) => Ok(envelope::<BTreeSet<String>>(&answer)?.data),
            // A server, or a proxy, that does not let the index be read.
            Err(fault) if is_of_index(fault.kind) => {
                self.left = self.left.saturating_sub(1);
                let query = format!("group by (__name__) ({selector})");
                let answer = self.api.query(&query, self.at).await?;
                Ok(answer.data.iter().map(|one| one.name.clone()).collect())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Evaluates expressions, many a request. A server that does not answer is a fault; expressions
    /// that it refuses have no answer.
    pub(super) async fn ask(&mut self, expressions: &[String]) -> Result<Vec<Answer>, Fault> {
        let mut answers: Vec<Answer> = vec![None; expressions.len()];
        let numbered = expressions.iter().enumerate();
        for batch in promql::batches(numbered, EXPRESSIONS, |(_, text)| text.len()) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let query = promql::joined(batch.iter().map(|(_, text)| text.as_str()));
            let series = match self.api.query(&query, self.at).await {
                Ok(answer) => answer.data,
                Err(fault) if is_refusal(fault.kind) => continue,
                Err(fault) => return Err(fault),
            };
            for (index, _) in &batch {
                answers[*index] = Some(Vec::new());
            }
            for one in series {
                let tag = one.labels.get(promql::TAG);
                let place = tag.and_then(|tag| tag.parse::<usize>().ok());
                if let Some((index, _)) = place.and_then(|place| batch.get(place)) {
                    answers[*index].get_or_insert_default().push(one);
                }
            }
        }
        Ok(answers)
    }
}

/// True for what a server returns that has no such index.
fn is_of_index(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::NotFound | FaultKind::Forbidden | FaultKind::Query | FaultKind::Decode
    )
}

/// True where the query was at fault, or asked for too much.
fn is_refusal(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Query | FaultKind::TooLarge | FaultKind::Timeout
    )
}
