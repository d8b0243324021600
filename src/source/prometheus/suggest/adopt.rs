//! What is suggested of one source between two looks, as SLOs that are measured like any other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::config::{Part, Sli, SloSettings};
use crate::domain::slo::MIN_BAD_EVENTS;
use crate::domain::suggestion::{Counts, Grounds, Suggestion, SuggestionStanding, Suggestions};
use crate::domain::{Fault, Rule, SourceName, window};
use crate::source::prometheus::by_hand::ByHand;
use crate::text::Untrusted;

/// How often new services are looked for.
const CADENCE: SignedDuration = SignedDuration::from_hours(1);
/// How often, after a look that failed.
const CADENCE_OF_FAULT: SignedDuration = SignedDuration::from_mins(1);
/// How long one stays that is not found any more: what it counts may be down.
const STAYS: SignedDuration = SignedDuration::from_hours(24);
/// How often, while there are none or one that never failed did.
const CADENCE_OF_CHANGE: SignedDuration = SignedDuration::from_mins(5);

/// When SLOs are suggested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::source::prometheus) enum Suggest {
    /// Where the source has no other SLO.
    #[default]
    Auto,
    /// Beside others.
    Always,
    Never,
}

impl<'de> Deserialize<'de> for Suggest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "write \"auto\", true or false")]
        enum Written {
            Decided(bool),
            Word(Word),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Auto,
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Decided(true) => Self::Always,
            Written::Decided(false) => Self::Never,
            Written::Word(Word::Auto) => Self::Auto,
        })
    }
}

/// The suggestions of one source, kept between polls.
#[derive(Default)]
pub(in crate::source::prometheus) struct Suggester {
    found: Option<Arc<Suggestions>>,
    /// Planned like SLOs of the configuration.
    pub(in crate::source::prometheus) planned: Vec<ByHand>,
    /// The suggestions that are planned.
    shown: Vec<Suggestion>,
    /// When each was found last.
    seen: HashMap<Untrusted, Timestamp>,
    /// When it was looked for them last.
    tried: Option<Timestamp>,
    /// Why that failed.
    fault: Option<Fault>,
}

impl Suggester {
    /// What was found; `None` where nothing was looked for.
    pub(in crate::source::prometheus) fn found(&self) -> Option<Arc<Suggestions>> {
        self.found.clone()
    }

    /// Whether it is time to look again; notes that it was.
    pub(in crate::source::prometheus) fn is_due(
        &mut self,
        at: Timestamp,
        has_changed: bool,
    ) -> bool {
        let is_stable = !has_changed && !self.shown.is_empty();
        let cadence = match self.fault {
            Some(_) => CADENCE_OF_FAULT,
            None if is_stable => CADENCE,
            None => CADENCE_OF_CHANGE,
        };
        let is_due = |tried| tried > at || window::age(tried, at) >= cadence;
        let is_due = self.tried.is_none_or(is_due);
        if is_due {
            self.tried = Some(at);
        }
        is_due
    }

    /// Takes what was found.
    pub(in crate::source::prometheus) fn take(&mut self, found: Suggestions, at: Timestamp) {
        for one in &found.all {
            self.seen.insert(one.id(), at);
        }
        self.seen.retain(|_, seen| window::age(*seen, at) < STAYS);
        self.found = Some(Arc::new(found));
        self.fault = None;
    }

    /// Notes that the last look failed.
    pub(in crate::source::prometheus) fn fail(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Why the last look failed.
    pub(in crate::source::prometheus) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Suggests nothing; true where something was.
    pub(in crate::source::prometheus) fn clear(&mut self) -> bool {
        let had_some = !self.shown.is_empty();
        *self = Self::default();
        had_some
    }

    /// Plans what is to be shown, but for `known` ids; true where that is other than before.
    pub(in crate::source::prometheus) fn show(
        &mut self,
        known: &HashSet<Untrusted>,
        source: &SourceName,
        at: Timestamp,
    ) -> bool {
        let shown = self.wanted(known);
        if shown == self.shown {
            return false;
        }
        let plan = |one: &Suggestion| {
            let grounds = Grounds {
                because: one.because.clone(),
                never_failed: one.standing == SuggestionStanding::NeverFailed,
            };
            ByHand::suggested(&settings(one, source), at, grounds)
        };
        self.planned = shown.iter().map(plan).collect();
        self.shown = shown;
        true
    }

    /// What was found, and what was shown before: a fire takes no row away, whatever it does to
    /// history, and neither does a target that is down. One keeps the objective that it was shown with.
    fn wanted(&self, known: &HashSet<Untrusted>) -> Vec<Suggestion> {
        let found = self.found.iter().flat_map(|found| found.shown());
        let mut wanted: Vec<_> = found
            .map(|one| {
                let is_same = |old: &&Suggestion| {
                    old.id() == one.id()
                        && old.counts == one.counts
                        && old.standing == SuggestionStanding::Shown
                };
                let mut one = self.shown.iter().find(is_same).unwrap_or(one).clone();
                one.ratio = None;
                one
            })
            .collect();
        for old in &self.shown {
            let id = old.id();
            let is_lost = !wanted.iter().any(|one| one.id() == id);
            if is_lost && self.seen.contains_key(&id) {
                wanted.push(old.clone());
            }
        }
        wanted.retain(|one| !known.contains(&one.id()));
        wanted.sort_by_key(Suggestion::id);
        wanted
    }
}

/// A suggestion as a `[[slo]]` of the configuration would be.
fn settings(of: &Suggestion, source: &SourceName) -> SloSettings {
    let sli = match &of.counts {
        Counts::Bad { total, bad } => Sli::Events {
            part: Part::Bad(bad.raw().to_owned()),
            total: total.raw().to_owned(),
        },
        Counts::Good { total, good } => Sli::Events {
            part: Part::Good(good.raw().to_owned()),
            total: total.raw().to_owned(),
        },
        Counts::Gauge(gauge) => Sli::Gauge(gauge.raw().to_owned()),
    };
    SloSettings {
        service: of.service.raw().to_owned(),
        name: of.name.to_owned(),
        objective: of.objective,
        period: of.period,
        timezone: TimeZone::UTC,
        source: source.clone(),
        sli,
        rules: Rule::workbook(of.period),
        min_bad_events: MIN_BAD_EVENTS,
        absent_is_zero: of.absent_is_zero,
        by: Vec::new(),
        labels: BTreeMap::new(),
        description: of.because.raw().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Period, Window};

    fn suggestion(service: &str, objective: f64, standing: SuggestionStanding) -> Suggestion {
        Suggestion {
            service: service.into(),
            name: "availability",
            counts: Counts::Gauge(format!("up{{job=\"{service}\"}}").as_str().into()),
            objective,
            period: Period::Rolling(Window::days(30)),
            absent_is_zero: false,
            standing,
            ratio: Some(0.1),
            because: "".into(),
            recipe: String::new(),
        }
    }

    #[test]
    fn what_is_shown_stays_while_it_burns_or_is_down() {
        use SuggestionStanding::{NeverFailed, NoObjective, Shown};
        let mut suggester = Suggester::default();
        let source = SourceName::new("prom");
        let none = HashSet::new();
        let hours = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let take = |suggester: &mut Suggester, all: Vec<Suggestion>, at| {
            let found = Suggestions {
                all,
                ..Suggestions::default()
            };
            suggester.take(found, hours(at));
            suggester.show(&none, &source, hours(at));
            let shown = suggester.shown.iter();
            shown
                .map(|one| (one.service.raw().to_owned(), one.objective))
                .collect::<Vec<_>>()
        };
        let named = |all: &[(&str, f64)]| {
            let all = all
                .iter()
                .map(|(name, objective)| ((*name).to_owned(), *objective));
            all.collect::<Vec<_>>()
        };
        let first = vec![
            suggestion("cart", 0.999, Shown),
            suggestion("mail", 0.999, NeverFailed),
        ];
        assert_eq!(
            take(&mut suggester, first, 0),
            named(&[("cart", 0.999), ("mail", 0.999)])
        );
        // Its history holds nothing any more; another has failed for the first time.
        let burning = vec![
            suggestion("cart", 0.99, NoObjective),
            suggestion("mail", 0.995, Shown),
        ];
        assert_eq!(
            take(&mut suggester, burning, 1),
            named(&[("cart", 0.999), ("mail", 0.995)])
        );
        // The target is gone, and for a day it may come back.
        let rest = || vec![suggestion("mail", 0.99, Shown)];
        assert_eq!(
            take(&mut suggester, rest(), 20),
            named(&[("cart", 0.999), ("mail", 0.995)])
        );
        assert_eq!(take(&mut suggester, rest(), 26), named(&[("mail", 0.995)]));
        // What somebody has written is no suggestion.
        let known = HashSet::from([Untrusted::from("mail/availability")]);
        assert!(suggester.show(&known, &source, hours(26)) && suggester.shown.is_empty());
    }
}
