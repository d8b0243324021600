//! Each SLO: whether its series are there, whether its rules can ever fire, and whether its numbers
//! rest on enough.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::super::api::Api;
use super::super::measure::SUM;
use super::super::plan::{Plan, Span, Value};
use super::super::{Prometheus, promql};
use super::nearest::{Lack, Names};
use super::selector::Selector;
use super::swapped;
use crate::domain::explanation::lasting;
use crate::domain::{
    Fault, FaultKind, Finding, Grade, Observation, Reading, Reason, ReasonCode, Window, slo, window,
};
use crate::source::Ask;
use crate::source::prometheus::api::moment;
use crate::text::Untrusted;

/// Expressions in one query.
const BATCH: usize = 24;
/// SLOs whose missing series are looked into one by one.
const MOST: usize = 50;

/// What the server says to one expression; `None` for no such series.
type Values = HashMap<String, Option<f64>>;

/// An SLO that is looked at.
struct Subject<'a> {
    plan: &'a Plan,
    id: Untrusted,
    seen: Observation,
    /// Selectors by what they count: `total`, `bad`, `good`; of what is recorded, `ratio`.
    roles: BTreeMap<&'static str, Vec<Selector>>,
}

/// Looks at every SLO. `keeps_enough` says that the server keeps samples for as long as any period
/// asks for: then what is missing has never been there.
pub(super) async fn examine(
    of: &Prometheus,
    plans: &[Plan],
    ask: &Ask,
    keeps_enough: bool,
) -> Vec<Finding> {
    let at = ask.moment();
    let subjects: Vec<_> = plans
        .iter()
        .map(|plan| {
            let id = plan.slo.id();
            Subject {
                seen: of.observe((plan, &id), at, false),
                id,
                roles: roles(plan),
                plan,
            }
        })
        .collect();
    let present = subjects.iter().flat_map(Subject::present).collect();
    let values = ask_all(&of.api, present, ask.at).await;
    let ahead = subjects.iter().flat_map(Subject::all).map(future).collect();
    let ahead = ask_all(&of.api, ahead, ask.at).await;

    let mut names = Names::new(&of.api, at);
    let mut found = Vec::new();
    let mut missing = 0;
    for subject in &subjects {
        let before = found.len();
        found.extend(subject.judgement());
        found.extend(subject.doubt());
        found.extend(swapped::examine(subject.plan));
        if subject.lacks(&values) && missing < MOST {
            missing += 1;
            found.extend(subject.series(&of.api, &values, &mut names, ask).await);
        }
        found.extend(subject.refusal(&of.api, ask).await);
        found.extend(subject.reasons());
        found.extend(subject.unrecorded());
        found.extend(subject.future(&ahead));
        found.extend(subject.shortage(keeps_enough));
        let is_well = !found[before..].iter().any(|one| one.grade.is_trouble());
        found.extend(is_well.then(|| subject.well(&values, at)));
        for finding in &mut found[before..] {
            finding.slo.get_or_insert_with(|| subject.id.clone());
        }
    }
    found
}

/// The selectors of what an SLO counts, by what they count.
fn roles(plan: &Plan) -> BTreeMap<&'static str, Vec<Selector>> {
    let mut roles: BTreeMap<&'static str, Vec<Selector>> = BTreeMap::new();
    if !plan.slo.origin.is_queried() {
        roles.insert("ratio", super::selectors(plan));
        return roles;
    }
    for (name, query) in &plan.slo.queries {
        let role = match name.split(' ').next() {
            Some("bad") => "bad",
            Some("good") => "good",
            Some("total") => "total",
            _ => "ratio",
        };
        let known = roles.entry(role).or_default();
        for selector in Selector::all_of(query.raw()) {
            if !known.contains(&selector) {
                known.push(selector);
            }
        }
    }
    roles
}

pub(super) fn counted(selector: &Selector) -> String {
    format!("count({})", selector.text())
}

fn dated(selector: &Selector) -> String {
    format!("max(timestamp({}))", selector.text())
}

/// Samples dated more than a minute and less than an hour after the present.
fn future(selector: &Selector) -> String {
    format!(
        "count(count_over_time({}[59m] offset -1h))",
        selector.text()
    )
}

impl Subject<'_> {
    /// The selectors of all events, or of whatever there is.
    fn all(&self) -> &[Selector] {
        let total = self.roles.get("total").or_else(|| self.roles.get("ratio"));
        total.map_or(&[][..], Vec::as_slice)
    }

    /// How many series there are now, and how new their samples.
    fn present(&self) -> Vec<String> {
        let selectors = self.roles.values().flatten();
        selectors
            .flat_map(|one| [counted(one), dated(one)])
            .collect()
    }

    /// True when a selector is known to have no series now.
    fn lacks(&self, values: &Values) -> bool {
        let mut selectors = self.roles.values().flatten();
        selectors.any(|one| is_empty(one, values))
    }

    /// What follows from the definition and the numbers, without asking anything.
    fn judgement(&self) -> Vec<Finding> {
        slo::weaknesses(&self.seen)
    }

    /// What is recorded of it that contradicts itself.
    fn doubt(&self) -> Option<Finding> {
        let doubt = self.plan.doubt.as_ref()?;
        Some(
            Finding::new(Grade::Error, "definition", doubt.words.clone())
                .because("which of them holds cannot be told, so the SLO is unknown")
                .advise("let the server load the rules of one definition alone; what an old one recorded is gone some minutes later"),
        )
    }

    /// Which series are not there, and why.
    async fn series(
        &self,
        api: &Api,
        values: &Values,
        names: &mut Names<'_>,
        ask: &Ask,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        let known: Vec<_> = self
            .all()
            .iter()
            .filter(|one| !is_empty(one, values))
            .collect();
        for (role, selectors) in &self.roles {
            for selector in selectors.iter().filter(|one| is_empty(one, values)) {
                // Two halves that read the same series have the same mistake.
                let is_told = self.all().contains(selector) && *role != "total" && *role != "ratio";
                if is_told || (known.is_empty() && (*role == "bad" || *role == "good")) {
                    continue;
                }
                let lacking = Lacking {
                    role,
                    selector,
                    is_operand: self.is_between_vectors(role),
                    absent_is_zero: self.plan.absent_is_zero,
                };
                found.extend(lacking.finding(api, &known, names, ask).await);
            }
        }
        found
    }

    /// Why numbers of what was found are not known: its selectors are not looked into.
    fn reasons(&self) -> Vec<Finding> {
        if self.plan.slo.origin.is_queried() {
            return Vec::new();
        }
        let finding = |reason: &Reason| {
            let (grade, check) = match reason.code {
                code if code.is_missing() => (Grade::Error, "series"),
                ReasonCode::AssumedZero => (Grade::Warning, "series"),
                ReasonCode::NotARatio => (Grade::Error, "query"),
                _ => return None,
            };
            let finding = Finding::new(grade, check, reason.text.raw());
            Some(finding.advise(
                "correct the rules that record it; `watchfire explain` prints what they ask",
            ))
        };
        self.seen.reasons.iter().filter_map(finding).collect()
    }

    /// True where a query is arithmetic between vectors: an operand without series leaves the value
    /// unknown.
    fn is_between_vectors(&self, role: &str) -> bool {
        let queries = self.plan.slo.queries.iter();
        let mut own = queries.filter(|(name, _)| name.split(' ').next() == Some(role));
        own.any(|(_, query)| promql::is_between_vectors(query.raw()))
    }

    /// Why a number is not known: asked alone, its query says so.
    async fn refusal(&self, api: &Api, ask: &Ask) -> Vec<Finding> {
        let mut windows = self.seen.windows.iter();
        let unknown = windows.find(|(_, one)| one.reading == Reading::Unknown);
        let Some((window, _)) = unknown.filter(|_| self.plan.slo.origin.is_queried()) else {
            return Vec::new();
        };
        let Some(formula) = self.plan.asked.get(&Span::Window(window)) else {
            return Vec::new();
        };
        let (mut found, mut values) = (Vec::new(), Vec::new());
        for (name, query) in &formula.named_queries(window) {
            match api.query(query.raw(), ask.at).await {
                Ok(answer) if answer.data.len() > 1 => {
                    let what = format!(
                        "its query for `{name}` answers with {} series, and one is wanted",
                        answer.data.len()
                    );
                    found.push(
                        Finding::new(Grade::Error, "query", what)
                            .because("which of them is the SLO's cannot be told")
                            .advise(SUM),
                    );
                }
                Ok(answer) => values.push(answer.data.first().map(|series| series.value)),
                Err(fault) => found.push(refused(name, &fault)),
            }
        }
        let value = |number: &Option<f64>| number.map_or(Value::Nothing, Value::Number);
        let misfit = formula.misfit(&mut values.iter().map(value));
        if let (true, Some(misfit)) = (found.is_empty(), misfit) {
            found.push(
                Finding::new(Grade::Error, "query", misfit)
                    .because("an error ratio is bad events over all events: 0 where none fails, 1 where all do")
                    .advise("try the queries in the server's own console; `watchfire explain` prints them"),
            );
        }
        found
    }

    /// Windows of its rules that nothing is known of, where others are recorded.
    fn unrecorded(&self) -> Option<Finding> {
        let is_unknown =
            |span: &Span| !self.plan.given.has(*span) && !self.plan.asked.contains_key(span);
        let windows = self.plan.slo.windows().into_iter();
        let missing: Vec<_> = windows
            .filter(|window| is_unknown(&Span::Window(*window)))
            .map(|window| window.to_string())
            .collect();
        (!missing.is_empty() && !self.plan.given.is_empty()).then(|| {
            Finding::new(Grade::Warning, "series", format!("no ratio is recorded for {}", missing.join(", ")))
                .because("its alert rules read these windows, and the server lists no rule that tells why they are missing")
                .advise("record them, or let this server list the alert rules that read others")
        })
    }

    fn future(&self, ahead: &Values) -> Option<Finding> {
        let mut all = self.all().iter();
        let is_ahead = all.any(|one| {
            let value = ahead.get(&future(one)).copied().flatten();
            value.is_some_and(|count| count > 0.0)
        });
        is_ahead.then(|| {
            Finding::new(
                Grade::Warning,
                "future",
                "some of its samples are dated in the future",
            )
            .because("they are not counted until their time has come")
            .advise("set the clock of the targets, or of what pushes their samples")
        })
    }

    /// How far back the data reaches, when that is less than the period.
    fn shortage(&self, keeps_enough: bool) -> Option<Finding> {
        let short = self.seen.shortfall()?;
        let (data, wanted) = (lasting(short.data), lasting(short.wanted));
        let what = format!("window {wanted}, data {data}: its budget is an estimate");
        if keeps_enough {
            return Some(
                Finding::new(Grade::Note, "data", what)
                    .because("its series are younger than its period, and nothing was dropped"),
            );
        }
        Some(
            Finding::new(Grade::Warning, "data", what)
                .because(format!(
                    "its series began, or were dropped, some {data} ago"
                ))
                .advise("nothing, if the service is young; else keep samples for longer"),
        )
    }

    fn well(&self, values: &Values, at: Timestamp) -> Finding {
        let all = self.all();
        let counts = all
            .iter()
            .filter_map(|one| values.get(&counted(one)).copied().flatten());
        // A sum of none would be -0.
        let count = counts.fold(0.0, |sum, count| sum + count);
        if count == 0.0 {
            return Finding::new(Grade::Ok, "series", "its numbers are known");
        }
        let newest = all
            .iter()
            .filter_map(|one| values.get(&dated(one)).copied().flatten())
            .fold(f64::NEG_INFINITY, f64::max);
        let age = moment(newest).map(|newest| window::brief(window::age(newest, at)));
        let age = age.map_or_else(String::new, |age| format!(", newest sample {age} old"));
        // The sum of none is -0.
        let count = count + 0.0;
        Finding::new(Grade::Ok, "series", format!("{count} series{age}"))
    }
}

fn refused(name: &str, fault: &Fault) -> Finding {
    let what = format!("its query for `{name}`: {}", fault.message.raw());
    let advice = if fault.kind == FaultKind::Query {
        "try the query in the server's own console; `watchfire explain` prints it"
    } else {
        "ask the server for less: a shorter period, or recorded ratios"
    };
    Finding::new(Grade::Error, "query", what).advise(advice)
}

/// True when the server said that there is no such series now.
pub(super) fn is_empty(selector: &Selector, values: &Values) -> bool {
    matches!(values.get(&counted(selector)), Some(None))
}

/// A selector without series.
struct Lacking<'a> {
    /// What it counts: `bad`, `good`, `total`, `ratio`.
    role: &'a str,
    selector: &'a Selector,
    /// True where it is an operand of arithmetic between vectors.
    is_operand: bool,
    /// True where the configuration says that it may have none.
    absent_is_zero: bool,
}

impl Lacking<'_> {
    /// Why it has no series, and how bad that is. `known` are selectors that have some.
    async fn finding(
        &self,
        api: &Api,
        known: &[&Selector],
        names: &mut Names<'_>,
        ask: &Ask,
    ) -> Option<Finding> {
        let (role, text) = (self.role, self.selector.text());
        let day = Window::days(1);
        let last = format!("max(max_over_time(timestamp({text})[{day}:1m]))");
        let values = ask_all(api, vec![last.clone()], ask.at).await;
        if let Some(newest) = values.get(&last).copied().flatten().and_then(moment) {
            let age = window::brief(window::age(newest, ask.moment()));
            return Some(self.stopped(&text, &age));
        }
        let lack = match names.lack(self.selector, known).await {
            Ok(lack) => lack,
            Err(fault) => {
                let what = format!("no series now for {role}: `{text}`");
                return Some(Finding::new(Grade::Warning, "series", what).advise(format!(
                    "why could not be found out: {}",
                    fault.message.raw()
                )));
            }
        };
        let is_pattern = matches!(
            lack,
            Lack::Value {
                is_exact: false,
                ..
            }
        );
        let (what, advice) = lack.words();
        if role == "bad" && !self.is_operand && (is_pattern || self.absent_is_zero) {
            return Some(
                Finding::new(Grade::Note, "series", format!("{what}: it never failed"))
                    .because("without bad series the error ratio is 0")
                    .advise(advice),
            );
        }
        let (grade, why) = self.weight(&lack);
        let what = format!("{what} ({role}: `{text}`)");
        let finding = Finding::new(grade, "series", what);
        Some(finding.because(why).advise(advice))
    }

    fn weight(&self, lack: &Lack) -> (Grade, &'static str) {
        match (self.role, lack) {
            _ if self.is_operand => (
                Grade::Error,
                "between vectors an operand without series leaves the value unknown",
            ),
            ("bad" | "good", Lack::Label { .. }) => (
                Grade::Error,
                "nothing can be counted by a label that no series has, so the SLO is unknown",
            ),
            ("bad" | "good", Lack::Metric { .. }) => (
                Grade::Warning,
                "0 events of it are assumed, and marked: `absent = \"zero\"` says that this is right",
            ),
            ("bad", _) => (
                Grade::Warning,
                "no bad event can ever be counted, so this SLO never burns",
            ),
            _ => (Grade::Error, "nothing is counted, so the SLO has no data"),
        }
    }

    fn stopped(&self, text: &str, age: &str) -> Finding {
        if self.role == "bad" && !self.is_operand {
            let what = format!("no bad series now; the newest sample of `{text}` is {age} old");
            return Finding::new(Grade::Note, "series", what);
        }
        let what = format!("no series now; the newest sample of `{text}` is {age} old");
        Finding::new(Grade::Error, "series", what)
            .because("what measured it is gone or not scraped")
            .advise("look for its target on the server's /targets page, or take the SLO out")
    }
}

/// Asks for all of these, many a query; what is refused together is asked alone, and what is
/// refused alone is left out.
pub(super) async fn ask_all(api: &Api, mut wanted: Vec<String>, at: Option<Timestamp>) -> Values {
    wanted.sort_unstable();
    wanted.dedup();
    let mut values = Values::new();
    let mut batches = promql::batches(wanted, BATCH, String::len);
    while let Some(batch) = batches.pop() {
        let query = promql::joined(batch.iter().map(String::as_str));
        match api.query(&query, at).await {
            Ok(answer) => {
                for (tag, text) in batch.iter().enumerate() {
                    let tag = tag.to_string();
                    let mut series = answer.data.iter();
                    let mine = series.find(|one| one.labels.get(promql::TAG) == Some(&tag));
                    values.insert(text.clone(), mine.map(|one| one.value));
                }
            }
            Err(fault) if fault.kind == FaultKind::Query && batch.len() > 1 => {
                let (front, back) = batch.split_at(batch.len() / 2);
                batches.extend([front.to_vec(), back.to_vec()]);
            }
            Err(_) => {}
        }
    }
    values
}
