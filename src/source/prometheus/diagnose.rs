//! Looks behind the numbers: the samples that one SLO rests on, and what keeps any from being right.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::Prometheus;
use super::births::{self, Births};
use super::discover::Share;
use super::measure::{self, Meter};
use super::plan::{Formula, Plan, Span, Trend};
use super::planner::Planner;
use super::poll_notes::PollNotes;
use crate::config::Part;
use crate::domain::explanation::{Basis, Evidence, Request};
use crate::domain::{Explanation, Fault, Finding, Grade, Period, Window};
use crate::source::{Ask, no_such_slo};
use crate::text::Untrusted;

mod burn_alerts;
mod collapse;
mod cost;
mod events;
mod nearest;
mod objectives;
mod rules;
mod samples;
mod selector;
mod server;
mod silent_rules;
mod spelled;
mod suggested;
mod swapped;

use selector::Selector;

impl Prometheus {
    /// Measures one SLO anew and looks behind each of its numbers.
    pub(super) async fn explanation(
        &mut self,
        ask: &Ask,
        ids: &[Untrusted],
    ) -> Result<Explanation, Fault> {
        let mut notes = PollNotes::default();
        let partial = self.plan(ask, &mut notes).await?;
        self.check_series(ask, &mut notes).await;
        let mut requests = self.requests_for_all();
        requests.retain(|request| request.serves_any(ids));
        let mut known = self.plans.ids.iter();
        let index = known.position(|id| ids.contains(id));
        let index = index.ok_or_else(|| no_such_slo(ids))?;
        let dated = self.ages.find(&self.api, &self.plans, &[index], ask).await;
        notes.note("how old the data is", dated);
        self.recount();
        let (plan, id) = (self.plans.all[index].clone(), self.plans.ids[index].clone());
        let mut meter = Meter::default();
        let alone = (std::slice::from_ref(&plan), std::slice::from_ref(&id));
        let planner = &mut Planner::default();
        let round = meter.measure(&self.api, planner, alone, ask).await?;
        let is_found = !plan.slo.origin.is_queried();
        let is_recorded = is_found || !plan.given.is_empty();
        let partial = !round.partial.is_empty() || (partial && is_recorded);
        let mut births = Births::default();
        let subject = births::Subject {
            api: &self.api,
            plans: alone.0,
            ids: alone.1,
            edition: None,
            meter: &meter,
            ages: &self.ages,
            ask,
            in_haste: false,
        };
        let looked = births.refresh(&subject).await;
        notes.note("series that began in a window", looked);
        let counted = self
            .soundness
            .look_for_sparse(&self.api, alone, &meter, ask, true);
        notes.note("samples too far apart", counted.await);
        std::mem::swap(&mut self.births, &mut births);
        std::mem::swap(&mut self.meter, &mut meter);
        let seen = self.observe((&plan, &id), ask.moment(), partial);
        std::mem::swap(&mut self.meter, &mut meter);
        std::mem::swap(&mut self.births, &mut births);
        let outage = self.outage(ask).await?;
        let seen = outage.map_or(seen, |outage| Self::unknown_then(&plan, &outage));

        let mut explained = Explanation {
            requests,
            ..Explanation::of(seen)
        };
        let told = explained.seen.reasons.iter().map(|reason| &reason.text);
        let told: Vec<_> = told.cloned().collect();
        let faults = round.faults.into_iter().chain(notes.fault());
        let lacks = faults.map(|fault| fault.message);
        explained
            .lacks
            .extend(lacks.filter(|lack| !told.contains(lack)));
        let is_calendar = !matches!(plan.slo.period, Period::Rolling(_));
        explained.zone = is_calendar.then(|| plan.zone.clone());
        for span in &mut explained.spans {
            evidence(&plan, span);
            let measured = if span.is_period {
                Span::Period
            } else {
                Span::Window(span.window)
            };
            let first = births.queries(&id, measured, span.window);
            span.queries.extend(first);
        }
        let is_counted = explained.seen.reasons.is_empty();
        explained.never_failed = is_counted && self.never_failed(&plan, ask).await;
        samples::look(&self.api, &selectors(&plan), ask, &mut explained).await;
        Ok(explained)
    }

    /// True when the longest time that is asked for has events and no bad series.
    async fn never_failed(&self, plan: &Plan, ask: &Ask) -> bool {
        let longest = plan.asked.last_key_value().map(|(_, formula)| formula);
        let Some(Formula::Events(ratio)) = longest else {
            return false;
        };
        let Part::Bad(bad) = &ratio.part else {
            return false;
        };
        let series = async |query| {
            let answer = self.api.query(query, ask.at).await;
            answer.ok().map(|answer| answer.data.len())
        };
        series(bad).await == Some(0) && series(&ratio.total).await > Some(0)
    }

    /// The requests that measure all SLOs from nothing, and which SLOs each serves.
    pub(super) async fn outline(&mut self, ask: &Ask) -> Result<Vec<Request>, Fault> {
        let mut notes = PollNotes::default();
        self.plan(ask, &mut notes).await?;
        Ok(self.requests_for_all())
    }

    fn requests_for_all(&self) -> Vec<Request> {
        let plans = &self.plans.all;
        let mut requests = Vec::new();
        if self.options.discover {
            let found = plans.get(self.plans.discovered()).unwrap_or_default();
            let queries = Share::whole().series().into_iter();
            requests.extend(queries.map(|query| Request {
                query: query.into(),
                what: "everything that is recorded".to_owned(),
                every: None,
                serves: found.iter().map(|plan| plan.slo.id()).collect(),
            }));
        }
        for (query, serves) in measure::outline(&mut Planner::default(), plans) {
            let spans: BTreeSet<_> = serves.iter().map(|(_, span)| *span).collect();
            let every = spans.iter().map(|span| measure::cadence(*span)).min();
            let names: Vec<_> = spans.into_iter().map(Span::name).collect();
            let ids: BTreeSet<_> = serves.into_iter().map(|(id, _)| id).collect();
            requests.push(Request {
                query: query.into(),
                what: names.join(", "),
                every: every.filter(SignedDuration::is_positive),
                serves: ids.into_iter().collect(),
            });
        }
        requests
    }

    /// Looks at the server and at every SLO for what keeps numbers from being right.
    pub(super) async fn examination(&mut self, ask: &Ask) -> Vec<Finding> {
        let mut notes = PollNotes::default();
        // A server that does not answer is told of by who polls it.
        if self.plan(ask, &mut notes).await.is_err() {
            return Vec::new();
        }
        self.recount();
        self.check_series(ask, &mut notes).await;
        let alone = (self.plans.all.as_slice(), self.plans.ids.as_slice());
        let counted = self
            .soundness
            .look_for_sparse(&self.api, alone, &self.meter, ask, true);
        // What is not counted is not found; who polls tells of the server.
        notes.note("samples too far apart", counted.await);
        let plans = &self.plans.all;
        let longest = plans.iter().map(|plan| plan.slo.period.nominal()).max();
        let mut found = server::examine(&self.api, longest).await;
        found.extend(rules::examine(&self.api).await);
        let known = self.rules.iter().map(|(_, rules)| rules);
        found.extend(known.flat_map(burn_alerts::examine));
        let keeps_enough = found
            .iter()
            .any(|one| one.check == "retention" && one.grade == Grade::Ok);
        found.extend(objectives::examine(self, plans, ask, keeps_enough).await);
        found.extend(silent_rules::examine(self, plans, ask).await);
        found.extend(events::examine(&self.api, plans, ask).await);
        found.extend(spelled::examine(&self.api, ask).await);
        found.extend(cost::examine(&self.api, plans, ask).await);
        if let Some(suggestions) = self.suggester.found() {
            found.extend(suggested::examine(&suggestions));
        }
        collapse::collapse(&found)
    }
}

/// Where a number comes from, and what to ask to see it.
fn evidence(plan: &Plan, of: &mut Evidence) {
    let span = if of.is_period {
        Span::Period
    } else {
        Span::Window(of.window)
    };
    if let Some(formula) = plan.asked.get(&span) {
        // What is read from records all the same is worth asking by hand.
        of.basis = if plan.given(span).is_some() {
            Basis::Recorded
        } else {
            Basis::Computed
        };
        let queries = formula.named_queries(of.window).into_iter();
        of.queries = queries
            .map(|(name, query)| (name, selector::one_line(query.raw()).into()))
            .collect();
    } else if plan.given(span).is_some() {
        of.basis = Basis::Recorded;
        if of.queries.is_empty() {
            of.queries.extend(recorded(plan, of.window));
        }
    } else {
        of.basis = Basis::Nothing;
    }
}

/// The series that holds the ratio of a window, named after that of the shortest one.
fn recorded(plan: &Plan, window: Window) -> Option<(String, Untrusted)> {
    let Trend::Recorded {
        name,
        labels,
        success,
    } = &plan.trend
    else {
        return None;
    };
    let shortest = plan.slo.windows().first()?.to_string();
    let stem = name.strip_suffix(&shortest)?;
    // A label tells Sloth's windows apart beside the name.
    let labels = labels.iter().filter(|(name, _)| *name != "sloth_window");
    let series = selector::written(&format!("{stem}{window}"), labels);
    let query = if *success {
        format!("1 - {series}")
    } else {
        series
    };
    Some((window.to_string(), query.into()))
}

/// The selectors of the series that an SLO rests on: those of all its events, or what is recorded.
fn selectors(plan: &Plan) -> Vec<Selector> {
    let computed = plan.asked.iter().find_map(|(span, formula)| match span {
        Span::Window(window) => Some((*window, formula)),
        Span::Period => None,
    });
    if let (Trend::Recorded { name, labels, .. }, true) = (&plan.trend, !plan.given.is_empty()) {
        return Selector::all_of(&selector::written(name, labels.iter()));
    }
    computed.map_or_else(Vec::new, |(window, formula)| {
        totals(formula, window)
            .iter()
            .flat_map(|query| Selector::all_of(query))
            .fold(Vec::new(), |mut all, one| {
                if !all.contains(&one) {
                    all.push(one);
                }
                all
            })
    })
}

/// The same as texts.
pub(super) fn selector_texts(plan: &Plan) -> Vec<String> {
    let selectors = selectors(plan).into_iter();
    selectors.map(|selector| selector.text()).collect()
}

/// The queries that count all events, or all queries where none does.
fn totals(formula: &Formula, window: Window) -> Vec<String> {
    let named = formula.named_queries(window);
    let total = format!("total {window}");
    let totals: Vec<_> = named.iter().filter(|(name, _)| *name == total).collect();
    let chosen = if totals.is_empty() {
        named.iter().collect()
    } else {
        totals
    };
    let texts = chosen.into_iter();
    texts.map(|(_, query)| query.raw().to_owned()).collect()
}
