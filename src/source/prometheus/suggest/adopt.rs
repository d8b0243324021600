//! Shows suggestions as SLOs of the source, and looks for them again from time to time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::config::{Part, Sli, SloSettings};
use crate::domain::slo::MIN_BAD_EVENTS;
use crate::domain::suggestion::{Counts, Grounds, Suggestion, SuggestionStanding, Suggestions};
use crate::domain::{FaultKind, Rule, SourceName, window};
use crate::source::Ask;
use crate::source::prometheus::by_hand::ByHand;
use crate::source::prometheus::poll_notes::PollNotes;
use crate::source::prometheus::{self, Prometheus};
use crate::text::Untrusted;

/// How often new services are looked for.
const CADENCE: SignedDuration = SignedDuration::from_hours(1);
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
    /// What was found last, and when.
    found: Option<(Timestamp, Arc<Suggestions>)>,
    /// Planned like SLOs of the configuration.
    pub(in crate::source::prometheus) planned: Vec<ByHand>,
    /// The suggestions that are planned.
    shown: Vec<Suggestion>,
    /// When each of them was found last.
    seen: HashMap<Untrusted, Timestamp>,
    /// When it was tried last.
    tried: Option<Timestamp>,
}

impl Suggester {
    /// What was found; `None` where nothing was looked for.
    pub(in crate::source::prometheus) fn found(&self) -> Option<Arc<Suggestions>> {
        self.found.as_ref().map(|(_, found)| Arc::clone(found))
    }

    /// Adds those that were shown and would not be any more: a fire takes no row away, whatever it
    /// does to history, and neither does a target that is down.
    fn keep_lost(
        &mut self,
        found: Option<&Suggestions>,
        shown: &mut Vec<Suggestion>,
        at: Timestamp,
    ) {
        for one in found.iter().flat_map(|found| &found.all) {
            self.seen.insert(one.id(), at);
        }
        self.seen.retain(|_, seen| window::age(*seen, at) < STAYS);
        for old in &self.shown {
            let id = old.id();
            let is_lost = !shown.iter().any(|one| one.id() == id);
            if is_lost && self.seen.contains_key(&id) {
                shown.push(old.clone());
            }
        }
        shown.sort_by_key(Suggestion::id);
    }

    fn is_due(&self, at: Timestamp, has_changed: bool) -> bool {
        let is_stable = !has_changed && !self.shown.is_empty();
        let cadence = if is_stable {
            CADENCE
        } else {
            CADENCE_OF_CHANGE
        };
        self.tried
            .is_none_or(|tried| tried > at || window::age(tried, at) >= cadence)
    }
}

impl Prometheus {
    /// Looks for SLOs to suggest where that is due, and plans those that are shown. True when the
    /// plans are to be made anew.
    pub(in crate::source::prometheus) async fn suggest(
        &mut self,
        ask: &Ask,
        notes: &mut PollNotes,
    ) -> bool {
        let known = self
            .plans
            .all
            .iter()
            .filter(|plan| plan.slo.suggested.is_none());
        let ids: HashSet<_> = known.map(|plan| plan.slo.id()).collect();
        let is_wanted = match self.options.suggest {
            Suggest::Never => false,
            Suggest::Always => true,
            Suggest::Auto => ids.is_empty() && self.plans.left_out.is_empty(),
        };
        if !is_wanted {
            self.suggester.found = None;
            self.suggester.tried = None;
            self.suggester.seen.clear();
            return self.show(Vec::new(), ask.moment());
        }
        let at = ask.moment();
        if self.suggester.is_due(at, self.has_failed_since()) {
            self.suggester.tried = Some(at);
            match super::look(&self.api, &self.options.recipes, ask.at, ask.now).await {
                Ok(found) => self.suggester.found = Some((at, Arc::new(found))),
                Err(fault) => {
                    let fault = fault.of_part("suggested SLOs");
                    if self.suggester.found.is_none() && fault.kind != FaultKind::Query {
                        notes.faults.push(fault);
                    } else {
                        notes.warn([fault.message]);
                    }
                }
            }
        }
        let found = self.suggester.found();
        let shown = found.iter().flat_map(|found| found.shown());
        let mut shown: Vec<_> = shown.cloned().collect();
        self.suggester.keep_lost(found.as_deref(), &mut shown, at);
        shown.retain(|one| !ids.contains(&one.id()));
        self.show(shown, at)
    }

    /// True when one that never failed has failed since.
    fn has_failed_since(&self) -> bool {
        let plans = self.plans.all.iter().zip(&self.plans.ids);
        let mut unproven = plans.filter(|(plan, _)| plan.slo.is_unproven());
        unproven.any(|(plan, id)| {
            let seen = self.observe((plan, id), prometheus::NEVER, false);
            !seen.is_unproven()
        })
    }

    /// Plans these, where they are others than before.
    fn show(&mut self, shown: Vec<Suggestion>, at: Timestamp) -> bool {
        // One that is shown keeps the objective that it was shown with: it is no moving target.
        let keep = |mut one: Suggestion| {
            let mut known = self.suggester.shown.iter();
            let old = known.find(|old| old.service == one.service && old.name == one.name);
            if let Some(old) = old
                && old.counts == one.counts
                && old.standing == SuggestionStanding::Shown
            {
                one = old.clone();
            }
            one.ratio = None;
            one
        };
        let shown: Vec<_> = shown.into_iter().map(keep).collect();
        if shown == self.suggester.shown {
            return false;
        }
        let plan = |one: &Suggestion| {
            let grounds = Grounds {
                because: one.because.clone(),
                never_failed: one.standing == SuggestionStanding::NeverFailed,
            };
            ByHand::suggested(&settings(one, &self.name), at, grounds)
        };
        self.suggester.planned = shown.iter().map(plan).collect();
        self.suggester.shown = shown;
        true
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
