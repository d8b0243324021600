//! Incidents that their source no longer lists: which are over, and which are gone.
//!
//! An alert ends by itself when what evaluates it dies, so a missing row says nothing by itself. It
//! is known to be over when all of this holds at the first answer without it:
//!
//! - the answer is whole, and its source was heard without a break since it listed the row;
//! - the row had not run out: its sender ended it before its own end (Alertmanager's `endsAt`);
//! - every source that evaluates it is live.
//!
//! Else it is gone. A row that is gone and comes back goes on as itself. It counts as over once its
//! source and what evaluates it have answered for its grace without it, and while no SLO of its
//! service fires at its severity. After [`Gone::KEPT`] it is forgotten.
//!
//! What evaluates an incident: of alerts that are relayed (Alertmanager) the source whose host is in
//! the alert's own link, and without such a one every source that evaluates rules; of a server's own
//! alerts that server. Records (of a pager, for example) stand for themselves: a whole
//! answer without them says that they are over.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{Feed, Offers};
use crate::domain::{Facts, Freshness, Gone, Incident, IncidentStatus, Severity};
use crate::text::Untrusted;

/// The longest time that what evaluates an incident has to be heard before a missing one is over:
/// Prometheus repeats an alert every minute, for four minutes each.
const LONGEST_GRACE: SignedDuration = SignedDuration::from_mins(5);

/// A source that evaluates alerting rules.
pub(super) struct Evaluator {
    /// Its host and port, as its address has them.
    host: String,
    /// Since when it answers without a break; `None` while it is not live.
    live_since: Option<Timestamp>,
}

impl Evaluator {
    pub(super) fn of(feed: &Feed, now: Timestamp) -> Self {
        let is_live = feed.freshness(now) == Freshness::Live;
        Self {
            host: host(&feed.identity).to_owned(),
            live_since: feed.answering_since.filter(|_| is_live),
        }
    }
}

/// Whether an SLO of a service fires at a severity or a worse one, as far as a live source knows.
pub(super) type Fires<'a> = &'a dyn Fn(&Untrusted, Severity) -> bool;

/// Everything that decides about the rows that an answer lacks.
pub(super) struct Answer<'a> {
    /// When it came.
    pub(super) at: Timestamp,
    /// What its source offers.
    pub(super) offers: Offers,
    /// When the one before came.
    pub(super) before: Option<Timestamp>,
    /// True when nothing was missed between the two.
    pub(super) is_unbroken: bool,
    /// Since when its source answers without a break.
    pub(super) since: Timestamp,
    /// The sources that evaluate rules.
    pub(super) evaluators: &'a [Evaluator],
    pub(super) fires: Fires<'a>,
}

/// What becomes of a row that is missing.
#[derive(Debug, PartialEq)]
enum Fate {
    Over,
    Gone(Gone),
    Forgotten,
}

impl Answer<'_> {
    /// Adds the incidents of the answer `before` that are missing in this one and not known to be
    /// over.
    pub(super) fn keep_gone(&self, before: &Facts, facts: &mut Facts) {
        let is_whole = facts.fault.is_none() && !facts.more;
        let Some(listed) = &mut facts.incidents else {
            return;
        };
        let rows = before.incidents.iter().flatten();
        let mut rows = rows.filter(|row| row.is_open() || row.is_gone()).peekable();
        if rows.peek().is_none() {
            return;
        }
        let known: HashSet<&str> = listed.iter().map(|row| row.id.raw()).collect();
        let missing = rows.filter(|row| !known.contains(row.id.raw()));
        let kept: Vec<_> = missing
            .filter_map(|row| match self.fate(row, is_whole) {
                Fate::Gone(gone) => Some(Incident {
                    status: IncidentStatus::Gone,
                    gone: Some(gone),
                    expiry: None,
                    ..row.clone()
                }),
                Fate::Over | Fate::Forgotten => None,
            })
            .collect();
        listed.extend(kept);
    }

    fn fate(&self, row: &Incident, is_whole: bool) -> Fate {
        let gone = row.gone.unwrap_or_else(|| self.first_missed(row));
        if gone.is_forgotten(self.at) {
            return Fate::Forgotten;
        }
        let is_over = is_whole
            && if row.is_gone() {
                self.is_settled(row, &gone)
            } else {
                self.has_ended(row, &gone)
            };
        if is_over {
            Fate::Over
        } else {
            Fate::Gone(gone)
        }
    }

    /// What is known of a row at the first answer without it.
    fn first_missed(&self, row: &Incident) -> Gone {
        let last_seen = self.before.unwrap_or(self.at);
        let grace = row.expiry.map_or(LONGEST_GRACE, |expiry| expiry.lifetime);
        let has_run_out = row.expiry.is_some_and(|expiry| self.at >= expiry.at);
        Gone {
            last_seen,
            since: if self.is_unbroken { self.at } else { last_seen },
            grace: grace.clamp(SignedDuration::ZERO, LONGEST_GRACE),
            was: row.status,
            ran_out: has_run_out && self.is_unbroken,
        }
    }

    /// True when the first answer without a row says that it is over.
    fn has_ended(&self, row: &Incident, gone: &Gone) -> bool {
        if self.is_unbroken && !self.is_record() {
            let mut evaluators = self.evaluators_of(row);
            return !gone.ran_out && evaluators.all(|one| one.live_since.is_some());
        }
        // All may have been heard for long, by somebody else.
        self.is_settled(row, gone)
    }

    /// True when everything that would list a row again has answered for long enough without it.
    fn is_settled(&self, row: &Incident, gone: &Gone) -> bool {
        if self.is_record() {
            return true;
        }
        let mut evaluators = self.evaluators_of(row).peekable();
        if gone.ran_out && self.offers.relays && evaluators.peek().is_none() {
            // Why it was no longer repeated cannot be known here.
            return false;
        }
        let mut since = self.since.max(gone.since);
        for evaluator in evaluators {
            let Some(live_since) = evaluator.live_since else {
                return false;
            };
            since = since.max(live_since);
        }
        self.at.duration_since(since) >= gone.grace && !(self.fires)(&row.service, row.severity)
    }

    /// True for rows that stay until somebody closes them.
    fn is_record(&self) -> bool {
        !self.offers.relays && !self.offers.rules
    }

    /// What evaluates a row, besides its own source.
    fn evaluators_of<'a>(&'a self, row: &'a Incident) -> impl Iterator<Item = &'a Evaluator> {
        let own = row.url.as_ref().map(|url| host(url.raw()));
        let is_named = move |evaluator: &Evaluator| own == Some(evaluator.host.as_str());
        let any_named = self.evaluators.iter().any(is_named);
        self.evaluators
            .iter()
            .filter(move |evaluator| self.offers.relays && (!any_named || is_named(evaluator)))
    }
}

/// The host and port of an address, which may stand after a word.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let place = &rest[..end];
    place.rsplit('@').next().unwrap_or(place)
}

#[cfg(test)]
mod tests;
