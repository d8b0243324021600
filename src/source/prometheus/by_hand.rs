//! The SLOs of the configuration and of hand-written alerts: planned once, and one of each group where `by` asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use promql_parser::parser;
use promql_parser::util::escape_string;

use super::api::{Api, Labels, Series};
use super::discover::AlertSlo;
use super::plan::{Formula, Givens, Plan, Silent, Span, Trend};
use super::planner::{Answers, Planner, Question, grouped};
use super::promql;
use crate::config::SloSettings;
use crate::domain::suggestion::Grounds;
use crate::domain::{Fault, Origin, Period, Slo, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How often a calendar period's look-back is drawn anew: it grows with the time.
const GROWTH: SignedDuration = SignedDuration::from_mins(1);
/// How often groups that have traffic now are looked for.
const NEW_GROUPS: SignedDuration = SignedDuration::from_mins(5);
/// How often those of the whole period are: only by that does one disappear.
const ALL_GROUPS: SignedDuration = SignedDuration::from_hours(1);
/// The look-back for groups that have traffic now.
const NOW: Window = Window::hours(1);
/// The most groups that one SLO is cut into.
const MOST_GROUPS: usize = 500;
/// How many of those that are left out are named.
const NAMED: usize = 3;

/// Expressions joined in a query: each has a series a group.
const EXPRESSIONS: usize = 16;

/// Stands for the value of a label of `by` in a query that is made for all groups at once.
fn placeholder(index: usize) -> String {
    format!("\u{e001}{index}\u{e001}")
}

/// The values of the labels of `by`, in that order.
type Group = Vec<String>;

/// An SLO of the configuration or of hand-written alerts, with the plans made of it.
pub(super) struct ByHand {
    settings: SloSettings,
    origin: Origin,
    /// The label of `by` whose value names the service of a group.
    service_label: Option<String>,
    /// What it is asked for in some windows, in place of its formula.
    recorded: BTreeMap<Window, Formula>,
    notes: Vec<String>,
    /// Its formula for every window.
    template: Formula,
    plans: Vec<(Option<Group>, Plan)>,
    drawn: Timestamp,
    groups: Groups,
    /// True when the plans are others than when somebody last asked.
    has_news: bool,
    /// Why it is shown, of one that is suggested.
    grounds: Option<Arc<Grounds>>,
}

/// The groups of an SLO that have traffic in its period, and how many events each.
#[derive(Default)]
struct Groups {
    known: BTreeMap<Group, f64>,
    asked: Option<Timestamp>,
    asked_all: Option<Timestamp>,
    /// Why there are none, or not all.
    lack: Option<String>,
}

impl Groups {
    /// Asks again as soon as for new groups, after a refusal.
    fn put_off(&mut self, at: Timestamp) {
        self.asked = Some(at);
        self.asked_all = at.checked_sub(ALL_GROUPS - NEW_GROUPS).ok();
    }
}

impl ByHand {
    /// Plans an SLO of the configuration at a moment.
    pub(super) fn new(settings: &SloSettings, at: Timestamp) -> Self {
        let mut by_hand = Self::unplanned(settings, Origin::Config, at);
        by_hand.plan(at);
        by_hand
    }

    /// Plans an SLO that was read from alerts.
    pub(super) fn of_alerts(slo: &AlertSlo, at: Timestamp) -> Self {
        let recorded = slo.recorded.iter();
        let recorded = recorded.map(|(&window, (query, success))| {
            let (query, success) = (promql::whichever_spelling(query), *success);
            (window, Formula::Direct { query, success })
        });
        let mut by_hand = Self {
            service_label: slo.service_label.clone(),
            recorded: recorded.collect(),
            notes: slo.notes.clone(),
            ..Self::unplanned(&slo.settings, Origin::Alerts, at)
        };
        by_hand.plan(at);
        by_hand
    }

    fn unplanned(settings: &SloSettings, origin: Origin, at: Timestamp) -> Self {
        Self {
            settings: settings.clone(),
            origin,
            service_label: None,
            recorded: BTreeMap::new(),
            notes: Vec::new(),
            template: Formula::template(&settings.sli),
            plans: Vec::new(),
            drawn: at,
            groups: Groups::default(),
            has_news: true,
            grounds: None,
        }
    }

    /// Plans one that is suggested.
    pub(super) fn suggested(settings: &SloSettings, at: Timestamp, grounds: Grounds) -> Self {
        let mut suggested = Self {
            notes: vec![format!("suggested: {}", grounds.because.raw())],
            grounds: Some(Arc::new(grounds)),
            ..Self::unplanned(settings, Origin::Suggested, at)
        };
        suggested.plan(at);
        suggested
    }

    /// One plan, or one for each group that is known to have traffic. As long as none is, the SLO
    /// is measured whole: it says "no traffic" by itself.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter().map(|(_, plan)| plan)
    }

    /// The labels that tell each of its plans from the others.
    pub(super) fn groups(&self) -> impl Iterator<Item = Labels> {
        self.plans.iter().map(|(group, _)| {
            let values = group.iter().flatten();
            let labels = self.settings.by.iter().zip(values);
            // A label without a value is none.
            labels.filter(|(_, value)| !value.is_empty()).collect()
        })
    }

    /// What a reader must know of the groups.
    pub(super) fn warning(&self) -> Option<Untrusted> {
        let lack = self.groups.lack.as_ref()?;
        let (service, name) = (&self.settings.service, &self.settings.name);
        Some(format!("{service}/{name}: {lack}").into())
    }

    /// Lets a calendar period grow to `at`.
    pub(super) fn grow(&mut self, at: Timestamp) {
        let is_calendar = !matches!(self.settings.period, Period::Rolling(_));
        if is_calendar && self.drawn.duration_until(at).abs() >= GROWTH {
            let formula = self.for_groups(self.elapsed(at));
            for (group, plan) in &mut self.plans {
                plan.asked
                    .insert(Span::Period, of_group(&formula, group.as_ref()));
            }
            self.drawn = at;
            self.has_news = true;
        }
    }

    /// True when the plans are others than at the last call.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    fn elapsed(&self, at: Timestamp) -> Window {
        self.settings.period.elapsed(at, &self.settings.timezone)
    }

    /// Makes the plans of all groups.
    fn plan(&mut self, at: Timestamp) {
        let settings = &self.settings;
        let mut slo = settings.promise();
        slo.origin = self.origin;
        slo.notes = Arc::new(self.notes.clone());
        let groups: Vec<Option<Group>> = if self.groups.known.is_empty() {
            vec![None]
        } else {
            self.groups.known.keys().cloned().map(Some).collect()
        };
        let formula = |window| self.formula(window, groups[0].is_some());
        let mut formulas: BTreeMap<Span, Formula> = slo
            .windows()
            .into_iter()
            .map(|window| {
                let recorded = self.recorded.get(&window).cloned();
                (
                    Span::Window(window),
                    recorded.unwrap_or_else(|| formula(window)),
                )
            })
            .collect();
        formulas.insert(Span::Period, formula(self.elapsed(at)));
        let plans = groups.into_iter().map(|group| {
            let plan = self.plan_of(&slo, group.as_ref(), &formulas);
            (group, plan)
        });
        self.plans = plans.collect();
        self.drawn = at;
        self.has_news = true;
    }

    fn plan_of(
        &self,
        slo: &Slo,
        group: Option<&Group>,
        formulas: &BTreeMap<Span, Formula>,
    ) -> Plan {
        let asked: BTreeMap<_, _> = formulas
            .iter()
            .map(|(&span, formula)| (span, of_group(formula, group)))
            .collect();
        let mut slo = slo.clone();
        slo.suggested.clone_from(&self.grounds);
        if let Some(group) = group {
            slo.name = format!("{}{}", self.settings.name, self.braces(group)).into();
            if let Some(service) = self.service_of(group) {
                slo.service = service.into();
            }
        }
        let mut trend = Trend::None;
        if let Some((&Span::Window(window), shortest)) = asked.first_key_value() {
            slo.queries = shortest.named_queries(window);
            trend = Trend::Expression(shortest.expression());
        }
        Plan {
            slo: Arc::new(slo),
            zone: self.settings.timezone.clone(),
            labels: Labels::new(),
            given: Givens::default(),
            asked,
            trend,
            rule: None,
            counted: None,
            doubt: None,
            recounted: false,
            absent_is_zero: self.settings.absent_is_zero,
            silent: self.silent(group),
        }
    }

    /// What its slices count as 0 where it is missing, of one group.
    fn silent(&self, group: Option<&Group>) -> Vec<Silent> {
        let mut all = Silent::of_slices(&self.settings.sli);
        let values = group.into_iter().flatten().cloned();
        let labels: Vec<_> = self.settings.by.iter().cloned().zip(values).collect();
        if !labels.is_empty() {
            for one in &mut all {
                for query in [&mut one.query, &mut one.total] {
                    if let Some(own) = promql::selecting(query, &labels) {
                        *query = own;
                    }
                }
            }
        }
        all
    }

    fn braces(&self, group: &[String]) -> String {
        let labels = self.settings.by.iter().zip(group);
        let labels: Vec<_> = labels
            .filter(|(name, _)| self.service_label.as_ref() != Some(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if labels.is_empty() {
            return String::new();
        }
        format!("{{{}}}", labels.join(","))
    }

    /// The service of a group, where one of its labels names it.
    fn service_of<'a>(&self, group: &'a [String]) -> Option<&'a str> {
        let label = self.service_label.as_ref()?;
        let mut labels = self.settings.by.iter().zip(group);
        let (_, value) = labels.find(|(name, _)| *name == label)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    fn for_groups(&self, window: Window) -> Formula {
        let is_grouped = self.plans.first().is_some_and(|(group, _)| group.is_some());
        self.formula(window, is_grouped)
    }

    /// The formula of a window; for groups, each selector with [`placeholder`]s.
    fn formula(&self, window: Window, is_grouped: bool) -> Formula {
        let formula = self.template.over(window);
        if !is_grouped {
            return formula;
        }
        let by = self.settings.by.iter().enumerate();
        let labels: Vec<_> = by
            .map(|(index, name)| (name.clone(), placeholder(index)))
            .collect();
        formula.map(&|query| promql::selecting(query, &labels).unwrap_or_else(|| query.to_owned()))
    }

    /// The question for the groups that have traffic in a window.
    fn question(&self, window: Window) -> Option<String> {
        let formula = self.template.over(window);
        let traffic = grouped(formula.totals().first()?, &self.settings.by)?;
        Some(format!("({traffic}) > 0"))
    }

    /// The look-back that is due, with the question for it.
    fn due(&mut self, ask: &Ask, in_haste: bool) -> Option<(bool, String)> {
        if self.settings.by.is_empty() {
            return None;
        }
        let at = ask.moment();
        let is_due = |asked: Option<Timestamp>, cadence| {
            asked.is_none_or(|asked| asked > at || window::age(asked, at) >= cadence)
        };
        let all = !in_haste && is_due(self.groups.asked_all, ALL_GROUPS);
        if !all && !is_due(self.groups.asked, NEW_GROUPS) {
            return None;
        }
        let window = if all { self.elapsed(at) } else { NOW };
        let question = self.question(window);
        if question.is_none() {
            self.groups.lack = Some(
                "its total is no sum that can be cut by labels, so `by` has no effect; write it as `sum(…)`"
                    .to_owned(),
            );
        }
        Some((all, question?))
    }

    /// Takes the groups that were found; makes new plans when others are there now.
    fn take(&mut self, all: bool, series: &[Series], at: Timestamp) {
        let value = |series: &Series, label: &String| {
            let value = series.labels.get(label).unwrap_or_default();
            value.to_owned()
        };
        let found = series.iter().map(|series| {
            let labels = self.settings.by.iter();
            let group: Group = labels.map(|label| value(series, label)).collect();
            (group, series.value)
        });
        let mut known: BTreeMap<Group, f64> = found.collect();
        self.groups.asked = Some(at);
        if all {
            self.groups.asked_all = Some(at);
        } else {
            // Those of the last hour count less than those of the period do.
            known.extend(std::mem::take(&mut self.groups.known));
        }
        self.groups.lack = self.cap(&mut known);
        let same = known
            .keys()
            .eq(self.plans.iter().filter_map(|(group, _)| group.as_ref()));
        self.groups.known = known;
        if !same {
            self.plan(at);
        }
    }

    /// Leaves out the groups with the least traffic, and says which.
    fn cap(&self, known: &mut BTreeMap<Group, f64>) -> Option<String> {
        let total = known.len();
        let mut ranked: Vec<_> = known
            .iter()
            .map(|(group, count)| (*count, group.clone()))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let left_out = ranked.get(MOST_GROUPS..).filter(|rest| !rest.is_empty())?;
        for (_, group) in left_out {
            known.remove(group);
        }
        let mut names: Vec<_> = left_out
            .iter()
            .take(NAMED)
            .map(|(_, group)| self.braces(group))
            .collect();
        if left_out.len() > NAMED {
            names.push("…".to_owned());
        }
        Some(format!(
            "{total} groups by {}, of which the {MOST_GROUPS} with the most traffic are shown; left out: {}",
            self.settings.by.join(", "),
            names.join(" ")
        ))
    }
}

/// True for two SLOs of one service and objective that count the same events.
pub(super) fn is_same(one: &SloSettings, other: &SloSettings) -> bool {
    let asked = |slo: &SloSettings| {
        let formula = Formula::of(&slo.sli, NOW);
        let parsed = |query: &str| {
            let normal = parser::parse(query).map(|expr| expr.to_string());
            normal.unwrap_or_else(|_| query.to_owned())
        };
        formula.map(&parsed)
    };
    let is_promised =
        one.service == other.service && (one.objective - other.objective).abs() < f64::EPSILON;
    is_promised && asked(one) == asked(other)
}

/// The formula of one group, of that for all of them.
fn of_group(formula: &Formula, group: Option<&Group>) -> Formula {
    let Some(group) = group else {
        return formula.clone();
    };
    formula.map(&|query| {
        let values = group.iter().enumerate();
        values.fold(query.to_owned(), |query, (index, value)| {
            query.replace(&placeholder(index), &escape_string(value))
        })
    })
}

/// Reads the groups of all SLOs that are due; `in_haste` only those with traffic now.
pub(super) async fn find_groups(
    all: &mut [ByHand],
    api: &Api,
    planner: &mut Planner,
    ask: &Ask,
    in_haste: bool,
) -> Result<(), Fault> {
    let at = ask.moment();
    let due: Vec<(usize, bool, String)> = all
        .iter_mut()
        .enumerate()
        .filter_map(|(index, by_hand)| {
            let (all, query) = by_hand.due(ask, in_haste)?;
            Some((index, all, query))
        })
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let questions: Vec<_> = due
        .iter()
        .map(|(_, all, query)| Question {
            query,
            class: u64::from(*all),
        })
        .collect();
    let answers: Answers<Series> = planner
        .ask(&questions, EXPRESSIONS, at, |query| async move {
            api.query(&query, ask.at).await
        })
        .await?;
    let mut refused = None;
    for (question, (index, is_all, _)) in due.iter().enumerate() {
        match answers.get(question) {
            Ok(series) => all[*index].take(*is_all, series, at),
            Err(fault) => {
                all[*index].groups.put_off(at);
                refused.get_or_insert(fault.clone());
            }
        }
    }
    refused.map_or(Ok(()), Err)
}
