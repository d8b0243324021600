//! Brings the plans of all SLOs up to date at each poll.

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};

use super::api::{Again, Answered, Roll, RuleGroups, Series};
use super::by_hand::{self, ByHand};
use super::discover::{self, AlertSlo, Context, Found, Records, Rules, Share};
use super::plan::Plan;
use super::plans::{Find, Plans};
use super::poll_notes::PollNotes;
use super::record::Recording;
use super::{NEVER, Prometheus};
use crate::config::SloSettings;
use crate::domain::{Fault, FaultKind, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How often the rules are read again: they change with a deployment, not with a poll.
const RULES_CADENCE: SignedDuration = SignedDuration::from_mins(5);

/// Recorded series as they were answered, with their roll.
type Recorded = Answered<(Vec<Series>, Option<Roll>)>;

impl Prometheus {
    /// Brings the plans up to date, with those of suggested SLOs. True when parts of the data did not
    /// answer for those that are found.
    pub(super) async fn plan(&mut self, ask: &Ask, notes: &mut PollNotes) -> Result<bool, Fault> {
        let partial = self.plan_known(ask, notes).await?;
        if !self.suggest(ask, notes).await {
            return Ok(partial);
        }
        // What was found is found again: suggestions stand before it.
        if self.plans.discovered_count() > 0 {
            self.plans.forget();
            return self.plan_known(ask, notes).await;
        }
        self.plan_without_found();
        Ok(partial)
    }

    /// Makes the plans anew where nothing is found.
    fn plan_without_found(&mut self) {
        self.plans.all = self.plans_by_hand();
        self.plans.by_hand = self.plans.all.len();
        self.plans.edition += 1;
        self.plans.settle();
    }

    /// Brings the plans up to date: those of SLOs written by hand, then those that are found. True
    /// when parts of the data did not answer for the latter.
    async fn plan_known(&mut self, ask: &Ask, notes: &mut PollNotes) -> Result<bool, Fault> {
        if self.plan_by_hand(ask, notes).await? {
            self.plans.forget();
        }
        if !self.options.discover {
            if self.plans.all.is_empty() {
                self.plan_without_found();
            }
            return Ok(false);
        }
        // What nothing is known of is asked for beside the rules.
        let is_blank = self.plans.finds.is_empty() && !self.plans.is_crowded;
        let recorded = async {
            let whole = Share::whole();
            let asked = is_blank.then(|| self.recorded(&whole, ask));
            Some(asked?.await)
        };
        let (mut rules, first) = join(self.rules_if_due(ask), recorded).await;
        // Together they may be more than may be read at a time.
        if let (Some(Err(fault)), Some(_)) = (&rules, &first)
            && fault.kind == FaultKind::TooLarge
        {
            rules = self.rules_if_due(ask).await;
        }
        if self.take_rules(rules, ask, notes).await? {
            self.plan_alerts();
            self.plan_by_hand(ask, notes).await?;
            self.plans.forget();
        }
        let mut partial = false;
        let mut first = match first {
            Some(first) => self.plans.whole(first)?,
            None => None,
        };
        if !self.plans.finds.is_empty() {
            let (is_filled, answer) = self.refill(ask, notes, &mut partial).await?;
            if is_filled {
                self.plans.tell_of_left_out(notes);
                return Ok(partial);
            }
            first = answer;
        }
        self.discover(first, ask, notes).await
    }

    /// Lets the plans of SLOs written by hand grow, and finds their groups as they are now; true
    /// when any of them is another than before.
    async fn plan_by_hand(&mut self, ask: &Ask, notes: &mut PollNotes) -> Result<bool, Fault> {
        let at = ask.moment();
        let planned = &mut self.planned;
        for by_hand in planned.iter_mut() {
            by_hand.grow(at);
        }
        let in_haste = ask.history && self.meter.is_new();
        let asked =
            by_hand::find_groups(planned, &self.api, &mut self.planner, ask, in_haste).await;
        match asked {
            Err(fault) if fault.kind != FaultKind::Query => return Err(fault),
            asked => notes.note("the groups of `by`", asked),
        };
        notes.warn(planned.iter().filter_map(ByHand::warning));
        let changed = planned
            .iter_mut()
            .filter_map(|slo| slo.take_news().then_some(()));
        Ok(changed.count() > 0)
    }

    /// Plans the SLOs of hand-written alerts anew, except those that the configuration measures too.
    fn plan_alerts(&mut self) {
        let slos = self.rules.iter().flat_map(|(_, rules)| &rules.alerts.slos);
        let is_new = |slo: &&AlertSlo| {
            let mut known = self.by_hand.iter();
            !known.any(|known| by_hand::is_same(known, &slo.settings))
        };
        let planned = slos.filter(is_new).map(|slo| ByHand::of_alerts(slo, NEVER));
        let planned: Vec<_> = planned.collect();
        self.planned.truncate(self.by_hand.len());
        self.planned.extend(planned);
    }

    /// Those of the configuration, then those that are suggested, as they were made.
    pub(super) fn originals(&self) -> impl Iterator<Item = &Plan> {
        let planned = self.planned.iter().chain(&self.suggester.planned);
        planned.flat_map(ByHand::plans)
    }

    fn plans_by_hand(&self) -> Vec<Plan> {
        self.originals().cloned().collect()
    }

    /// Asks for the values of the series that the plans were found in; false when there are others
    /// now, with what was answered where that is all there is.
    async fn refill(
        &mut self,
        ask: &Ask,
        notes: &mut PollNotes,
        partial: &mut bool,
    ) -> Result<(bool, Option<Recorded>), Fault> {
        if self.plans.is_crowded {
            let roll = self.plans.listed.as_ref();
            let listed = self.api.query_again(&[discover::IDS], ask.at, roll).await?;
            *partial |= listed.partial;
            notes.warn(listed.warnings);
            if let Again::Series(listed, roll) = listed.data {
                let queries = Share::parts(listed);
                let queries = queries.iter().map(Share::series);
                let known = self.plans.finds.iter().map(|find| &find.queries);
                if !queries.eq(known.cloned()) {
                    return Ok((false, None));
                }
                self.plans.listed = roll;
            }
        }
        for index in 0..self.plans.finds.len() {
            let find = &self.plans.finds[index];
            let roll = Some(&find.roll);
            let answer = self.api.query_again(&find.queries, ask.at, roll).await;
            let Some(answer) = self.plans.whole(answer)? else {
                return Ok((false, None));
            };
            match answer.data {
                Again::Values(values) => {
                    let Plans { all, finds, .. } = &mut self.plans;
                    if !finds[index].refill(&values, all) {
                        return Ok((false, None));
                    }
                    *partial |= answer.partial;
                    notes.warn(answer.warnings);
                }
                Again::Series(series, roll) => {
                    let answer = Answered {
                        data: (series, roll),
                        warnings: answer.warnings,
                        partial: answer.partial,
                    };
                    let is_all = !self.plans.is_crowded;
                    return Ok((false, is_all.then_some(answer)));
                }
            }
        }
        Ok((true, None))
    }

    /// Finds SLOs in recorded series, from the `first` answer where there is one already. What our
    /// own rules recorded of SLOs written by hand is given to these.
    async fn discover(
        &mut self,
        first: Option<Recorded>,
        ask: &Ask,
        notes: &mut PollNotes,
    ) -> Result<bool, Fault> {
        self.plans = Plans {
            all: self.plans_by_hand(),
            is_crowded: self.plans.is_crowded,
            edition: self.plans.edition + 1,
            ..Plans::default()
        };
        self.plans.by_hand = self.plans.all.len();
        let mut partial = false;
        let mut shares = vec![Share::whole()];
        let mut first = first;
        if !self.plans.is_crowded && first.is_none() {
            let answer = self.recorded(&Share::whole(), ask).await;
            first = self.plans.whole(answer)?;
        }
        if self.plans.is_crowded {
            let listed = self.api.query_again(&[discover::IDS], ask.at, None).await?;
            partial |= listed.partial;
            notes.warn(listed.warnings);
            if let Again::Series(listed, roll) = listed.data {
                shares = Share::parts(listed);
                self.plans.listed = roll;
            }
        }
        self.plans.parts = shares.iter().map(Share::matcher).collect();
        let mut finds = Vec::with_capacity(shares.len());
        for share in &shares {
            let answer = match first.take() {
                Some(answer) => answer,
                None => self.recorded(share, ask).await?,
            };
            partial |= answer.partial;
            notes.warn(answer.warnings);
            let (series, roll) = answer.data;
            finds.push(self.find(share, series, roll, ask).await?);
        }
        // All or none: an answer that is not asked for again would be as it was for ever.
        let finds: Option<Vec<_>> = finds.into_iter().collect();
        self.plans.finds = finds.unwrap_or_default();
        self.plans.settle();
        self.plans.tell_of_left_out(notes);
        Ok(partial)
    }

    async fn recorded(&self, share: &Share, ask: &Ask) -> Result<Recorded, Fault> {
        let answer = self.api.query_again(&share.series(), ask.at, None).await?;
        let data = match answer.data {
            Again::Series(series, roll) => (series, roll),
            Again::Values(_) => (Vec::new(), None),
        };
        Ok(Answered {
            data,
            warnings: answer.warnings,
            partial: answer.partial,
        })
    }

    /// Finds the SLOs of a part of what is recorded; `None` when the next answer has to be
    /// understood anew whatever it holds.
    async fn find(
        &mut self,
        share: &Share,
        series: Vec<Series>,
        roll: Option<Roll>,
        ask: &Ask,
    ) -> Result<Option<Find>, Fault> {
        let mut records = Records::among(&series);
        let are_ours = !records.is_empty();
        if are_ours {
            let ages = self.api.query(&share.ages(), ask.at).await?;
            records.date(ages.data);
            self.adopt(&records);
        }
        let by_hand = self.by_hand.iter();
        let by_hand = by_hand.map(|slo| (slo.service.clone(), slo.name.clone()));
        let none = Rules::default();
        let context = Context {
            source: &self.name,
            rules: self.rules.as_ref().map_or(&none, |(_, rules)| rules),
            service_labels: &self.options.service_labels,
            share,
            records: &records,
            by_hand: &by_hand.collect(),
            at: ask.moment(),
        };
        let Found { plans, left_out } = discover::discover(&series, &context);
        let first = self.plans.all.len();
        self.plans.all.extend(plans);
        let left_out = left_out.into_iter().map(Untrusted::from);
        self.plans.left_out.extend(left_out);
        // How old a record is decides whether it counts, so ours are read each time.
        let found = first..self.plans.all.len();
        Ok(roll
            .filter(|_| !are_ours)
            .map(|roll| Find::of(share.series(), roll, &series, found)))
    }

    /// Gives SLOs written by hand what our own rules recorded of them.
    fn adopt(&mut self, records: &Records<'_>) {
        // Read when first needed: a thousand queries take apart for a while.
        let recordings = self.recordings.get_or_init(|| {
            let all = self.by_hand.iter().zip(&self.record_ids);
            let recording =
                |(slo, id): (&SloSettings, &Option<String>)| Recording::of(slo, id.as_ref()?).ok();
            all.map(recording).collect()
        });
        let planned = self.planned.iter().zip(recordings);
        let groups = planned
            .flat_map(|(by_hand, recording)| by_hand.groups().map(move |group| (recording, group)));
        for (plan, (recording, group)) in self.plans.all.iter_mut().zip(groups) {
            if let Some(recording) = recording {
                records.adopt(recording, &group, plan);
            }
        }
    }

    /// Asks for the rules behind recorded series when they are due.
    async fn rules_if_due(&self, ask: &Ask) -> Option<Result<RuleGroups, Fault>> {
        let at = ask.moment();
        let is_due = |(asked, _): &(Timestamp, Rules)| window::age(*asked, at) >= RULES_CADENCE;
        let asked = self.rules.as_ref().is_none_or(is_due);
        Some(asked.then(|| self.api.rules())?.await)
    }

    /// Takes in the rules; true when they are others than before.
    async fn take_rules(
        &mut self,
        answer: Option<Result<RuleGroups, Fault>>,
        ask: &Ask,
        notes: &mut PollNotes,
    ) -> Result<bool, Fault> {
        let Some(answer) = answer else {
            return Ok(false);
        };
        // A server without rules, or one that hides them, still has its series.
        let mut rules = Rules::default();
        match answer {
            Ok(groups) => {
                rules = Rules::index(groups, &self.names, &self.name);
                let asked = rules.find_groups(&self.api, ask.at).await;
                notes.note("the groups of Pyrra's SLOs", asked);
            }
            Err(fault) if fault.kind == FaultKind::Timeout => return Err(fault),
            Err(fault) => {
                notes.warn([Untrusted::from(format!(
                    "its rules cannot be read, so a missing series reads as no data: {}",
                    fault.message.raw()
                ))]);
                // What is too large now is too large a moment later, and dear to find out.
                if fault.kind != FaultKind::TooLarge {
                    return Ok(false);
                }
            }
        }
        let known = self.rules.replace((ask.moment(), rules));
        Ok(known.map(|(_, rules)| rules).as_ref() != self.rules.as_ref().map(|(_, rules)| rules))
    }
}
