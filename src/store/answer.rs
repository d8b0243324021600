//! Takes answers in: what a source says replaces what it said, and what it no longer says is not lost.

use std::sync::Arc;

use jiff::Timestamp;

use super::gone::{self, Evaluator};
use super::{Feed, Past, Store, World, bears_on_burns, rename};
use crate::domain::{Facts, Report, Severity, State};
use crate::text::Untrusted;

/// What a source said before its newest answer.
struct LastAnswer {
    facts: Arc<Facts>,
    /// When that came.
    at: Option<Timestamp>,
    /// Since when it had answered without a break, up to the newest answer; `None` for a break.
    answering_since: Option<Timestamp>,
}

impl Feed {
    /// What it said last, before an answer at a moment.
    fn last_answer(&self, at: Timestamp) -> LastAnswer {
        LastAnswer {
            facts: Arc::clone(&self.facts),
            at: self.last_success,
            answering_since: self.answering_since.filter(|_| self.goes_on(at)),
        }
    }

    /// True when an answer at a moment follows the last good one without a missed poll between.
    fn goes_on(&self, at: Timestamp) -> bool {
        let is_near = |last: Timestamp| at.duration_since(last) <= self.interval * 3;
        self.failures == 0 && self.last_success.is_some_and(is_near)
    }
}

impl Store {
    /// Takes in what one poll said; gives what that replaces, which may be much.
    pub fn absorb(&mut self, report: Report) -> Option<Arc<Facts>> {
        let name = |feed: &Feed| feed.name == report.source;
        let place = self.feeds.iter().position(name)?;
        let feed = &mut self.feeds[place];
        feed.next_try = report.next_try;
        feed.latency = Some(report.latency);
        match report.outcome {
            Ok(mut facts) => {
                rename(&mut facts, &self.aliases);
                let before = self.feeds[place].last_answer(report.at);
                let feed = &mut self.feeds[place];
                feed.fault.clone_from(&facts.fault);
                feed.last_success = Some(report.at);
                feed.is_unconfirmed = false;
                feed.failures = 0;
                feed.answering_since = before.answering_since.or(Some(report.at));
                self.keep_gone(place, &before, &mut facts);
                self.feeds[place].facts = Arc::new(facts);
                if bears_on_burns(&before.facts) || bears_on_burns(&self.feeds[place].facts) {
                    self.think();
                }
                self.judge_freezes(report.at);
                Some(before.facts)
            }
            Err(fault) => {
                feed.fault = Some(fault);
                feed.failures = feed.failures.saturating_add(1);
                feed.answering_since = None;
                self.judge_freezes(report.at);
                None
            }
        }
    }

    /// Adds to the newest answer of a source the incidents of the one before that are missing in it
    /// and not known to be over.
    fn keep_gone(&self, place: usize, before: &LastAnswer, facts: &mut Facts) {
        let Some((feed, at)) = self.feeds.get(place).zip(self.feeds[place].last_success) else {
            return;
        };
        if facts.incidents.is_none() {
            return;
        }
        let others = self.feeds.iter().filter(|other| other.offers.rules);
        let evaluators: Vec<_> = others.map(|other| Evaluator::of(other, at)).collect();
        let answer = gone::Answer {
            at,
            offers: feed.offers,
            before: before.at,
            is_unbroken: before.answering_since.is_some(),
            since: feed.answering_since.unwrap_or(at),
            evaluators: &evaluators,
            fires: &|service, severity| self.fires(service, severity, at),
        };
        answer.keep_gone(&before.facts, facts);
    }

    /// Whether an SLO of a service fires at a severity or a worse one, as far as a live source knows.
    fn fires(&self, service: &Untrusted, severity: Severity, now: Timestamp) -> bool {
        self.slos()
            .filter(|(feed, seen)| seen.slo.service == *service && feed.freshness(now).is_current())
            .any(|(_, seen)| match seen.standing().state {
                State::Page => severity != Severity::Info,
                State::Ticket => severity == Severity::Ticket,
                State::Ok | State::NoData | State::Unknown => false,
            })
    }

    /// Fills in what was known before anything answered. A source that has answered stays as it is,
    /// but for incidents that are missing in its answer and not known to be over.
    pub fn remember(&mut self, world: &World) {
        for place in 0..self.feeds.len() {
            let feed = &mut self.feeds[place];
            let past = world.past.iter().find(|past| past.source == feed.name);
            let Some(past) = past.filter(|past| past.last_success.is_some()) else {
                continue;
            };
            if feed.last_success.is_some() {
                self.recollect(place, past);
                continue;
            }
            let (fault, failures) = (feed.fault.clone(), feed.failures);
            let next_try = feed.next_try;
            feed.recall(Some(past), &self.aliases);
            (feed.fault, feed.failures, feed.next_try) = (fault, failures, next_try);
            feed.is_unconfirmed = true;
        }
        let meanwhile = std::mem::replace(&mut self.events, Arc::clone(&world.events));
        self.chronicle(meanwhile.iter().cloned());
        self.think();
    }

    /// Adds the incidents that are missing in the first answers, and not known to be over by what the
    /// journal remembers: for a program that asks once, so that what answered before counts on.
    pub fn compare_with(&mut self, world: &World) {
        let past_of = |feed: &Feed| world.past.iter().find(|past| past.source == feed.name);
        for feed in &mut self.feeds {
            if let Some(past) = past_of(feed)
                && feed.answering_since.is_some()
            {
                // Since then nobody saw it fail.
                let since = past.answering_since.or(past.failed_at);
                feed.answering_since = since.or(feed.answering_since);
            }
        }
        for place in 0..self.feeds.len() {
            if let Some(past) = past_of(&self.feeds[place])
                && self.feeds[place].last_success.is_some()
            {
                self.recollect(place, past);
            }
        }
    }

    /// Adds to the answer of a source the incidents that it had listed before, by what is remembered.
    fn recollect(&mut self, place: usize, past: &Past) {
        let feed = &self.feeds[place];
        let mut then = feed.clone();
        then.recall(Some(past), &self.aliases);
        let before = then.last_answer(feed.last_success.unwrap_or(Timestamp::MAX));
        let mut facts = Arc::clone(&feed.facts);
        self.keep_gone(place, &before, Arc::make_mut(&mut facts));
        self.feeds[place].facts = facts;
    }
}
