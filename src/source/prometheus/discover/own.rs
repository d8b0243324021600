//! What the rules that `watchfire rules` writes have recorded: taken for the SLOs of the
//! configuration instead of asking again, and found by itself where there is no configuration.
//!
//! A record stands for a question only when it says the same: recorded by the same definition, with
//! exactly the labels that the rule gives it (a Thanos over two clusters has two of them, and neither
//! is their sum), and not too long ago. Everything else is asked as if there were no rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use promql_parser::parser::{self, Expr};
use promql_parser::util::visitor::{ExprVisitor, walk_expr};

use super::grouped::labels_of;
use super::sloth::Members;
use super::{Context, qualified};
use crate::config::Part;
use crate::domain::{Events, Origin, Period, Reading, Rule, Severity, Slo, Window};
use crate::source::prometheus::api::{Labels, Series};
use crate::source::prometheus::plan::{
    Doubt, Formula, Given, Givens, Plan, Ratio, Silent, Span, Trend,
};
use crate::source::prometheus::promql;
use crate::source::prometheus::record::{
    BAD, DEFINITION, MIN_BAD_EVENTS, PERIOD, RATIO, RULES, Recording, SHORT, TOTAL, ZONE, is_ours,
    rolling,
};

/// Asks how old our records are, in seconds by the server's own clock, and which of them reach back
/// as far as a chart looks, three hours.
pub(in crate::source::prometheus) const AGES: &str = r#"label_replace(time() - timestamp({__name__=~"slo:sli_error:ratio_rate.+",watchfire_definition!=""}), "watchfire", "ratio", "", "") or label_replace(time() - timestamp({__name__=~"slo:sli_total:increase.+",watchfire_definition!=""}), "watchfire", "events", "", "") or label_replace(time() - timestamp({__name__=~"slo:sli_error:ratio_rate.+",watchfire_definition!=""} offset 3h), "watchfire", "before", "", "")"#;

/// How old a record of a short window may be: its group is evaluated every minute by default.
const FRESH: SignedDuration = SignedDuration::from_secs(150);
/// How old any other may be: a little more than a server looks back.
const LATE: SignedDuration = SignedDuration::from_secs(330);

/// How every note about our records begins.
const NOTE: &str = "recorded by `watchfire rules`";

/// The series that our rules recorded.
#[derive(Debug, Default)]
pub(in crate::source::prometheus) struct Records<'a> {
    values: HashMap<(&'a str, &'a Labels), f64>,
    /// Definitions by `sloth_service` and `sloth_slo`.
    definitions: HashMap<(&'a str, &'a str), Vec<&'a str>>,
    /// Ages in seconds, by what was recorded and its labels.
    ages: HashMap<(String, Labels), f64>,
}

impl<'a> Records<'a> {
    /// Those among recorded series.
    pub(in crate::source::prometheus) fn among(series: &'a [Series]) -> Self {
        let mut records = Self::default();
        for one in series {
            let label = |name| one.labels.get(name);
            let Some(definition) = label(DEFINITION) else {
                continue;
            };
            if let (Some(service), Some(slo)) = (label("sloth_service"), label("sloth_slo")) {
                let known = records.definitions.entry((service, slo)).or_default();
                if !known.contains(&definition) {
                    known.push(definition);
                }
            }
            records.values.insert((&one.name, &one.labels), one.value);
        }
        records
    }

    /// True when there is none.
    pub(in crate::source::prometheus) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes the answer to [`AGES`].
    pub(in crate::source::prometheus) fn date(&mut self, ages: Vec<Series>) {
        for mut age in ages {
            if let Some(kind) = age.labels.remove(promql::TAG) {
                self.ages.insert((kind, age.labels.clone()), age.value);
            }
        }
    }

    fn value(&self, name: &str, window: Window, labels: &Labels) -> Option<f64> {
        let name = format!("{name}{window}");
        self.values.get(&(name.as_str(), labels)).copied()
    }

    /// The age of a record that is young enough to stand for a question asked now.
    fn age(&self, kind: &str, window: Window, labels: &Labels) -> Option<SignedDuration> {
        let seconds = self.ages.get(&(kind.to_owned(), labels.clone()))?;
        let age = SignedDuration::try_from_secs_f64(seconds.max(0.0)).ok()?;
        let limit = if window <= SHORT { FRESH } else { LATE };
        (age <= limit).then_some(age)
    }

    /// What is recorded of a window, and can be relied on.
    fn given(&self, window: Window, labels: &Labels, counted: bool) -> Option<Given> {
        if !counted {
            let ratio = self.value(RATIO, window, labels)?;
            let age = self.age("ratio", window, labels)?;
            return Some(Given::counted(Reading::from_ratio(ratio), None, age));
        }
        let bad = self.value(BAD, window, labels)?;
        let total = self.value(TOTAL, window, labels)?;
        let reading = Reading::from_events(Some(bad), Some(total));
        Some(Given::counted(
            reading,
            Events::of(reading, bad, total),
            self.age("events", window, labels)?,
        ))
    }

    /// The recorded course of a window, where it reaches back as far as a chart looks.
    fn course(&self, window: Window, labels: &Labels) -> Option<Trend> {
        let since = self
            .ages
            .contains_key(&("before".to_owned(), labels.clone()));
        since.then(|| Trend::Recorded {
            name: format!("{RATIO}{window}").into(),
            labels: labels.clone(),
            success: false,
        })
    }

    /// Lets an SLO of the configuration, or one group of it, be read from its records, where there
    /// are any.
    pub(in crate::source::prometheus) fn adopt(
        &self,
        recording: &Recording,
        group: &Labels,
        plan: &mut Plan,
    ) {
        let labels_of = |window| {
            let labels: Labels = recording.labels_of(window).iter().collect();
            labels.with(group.iter())
        };
        let windows: Vec<_> = plan.slo.windows();
        let period = rolling(plan.slo.period).map(|window| (Span::Period, window));
        let spans = windows.iter().map(|&window| (Span::Window(window), window));
        for (span, window) in spans.chain(period) {
            let Some(measured) = recording.measured(window) else {
                continue;
            };
            let labels = labels_of(window);
            if let Some(given) = self.given(window, &labels, measured.is_counted()) {
                plan.given.insert(span, given);
            }
        }
        if let (false, Some((_, formula))) = (plan.given.is_empty(), plan.asked.first_key_value()) {
            plan.silent.extend(Silent::of_formula(formula));
        }
        if let Some(&shortest) = windows.first()
            && plan.given.has(Span::Window(shortest))
            && let Some(course) = self.course(shortest, &labels_of(shortest))
        {
            plan.trend = course;
        }
        if let Some(note) = self.note(recording, plan) {
            Arc::make_mut(&mut plan.slo).note(note);
        }
    }

    /// What a reader should know about the records of an SLO of the configuration.
    fn note(&self, recording: &Recording, plan: &Plan) -> Option<String> {
        let definitions = self.definitions.get(&recording.who())?;
        if !definitions.contains(&recording.definition()) {
            return Some(format!(
                "{NOTE} by another definition than the configuration's, and so not read: load them anew"
            ));
        }
        let missing = plan.asked.keys().filter(|span| !plan.given.has(**span));
        let missing: Vec<_> = missing
            .map(|span| match span {
                Span::Window(window) => window.to_string(),
                Span::Period => plan.slo.period.to_string(),
            })
            .collect();
        Some(if missing.is_empty() {
            format!("{NOTE}, and read from there: every window is counted, also the period")
        } else if plan.given.is_empty() {
            format!("{NOTE}, but nothing of late: asked instead")
        } else {
            format!(
                "{NOTE}, and read from there; {} asked instead",
                missing.join(", ")
            )
        })
    }
}

/// The plan of an SLO that only our rules tell of; `None` for one of the configuration.
pub(super) fn plan(of: &Members<'_>, context: &Context<'_>) -> Result<Option<Plan>, &'static str> {
    let service = of.label("sloth_service").unwrap_or(of.id);
    let name = of.label("sloth_slo").unwrap_or(of.id);
    if context
        .by_hand
        .contains(&(service.to_owned(), name.to_owned()))
    {
        return Ok(None);
    }
    let (current, several) = current(of, context);
    let of = &Members {
        series: &current,
        ..*of
    };
    let objective = of.objective(context)?;
    let period: Period = of
        .label(PERIOD)
        .and_then(|text| text.parse().ok())
        .ok_or("its period is not recorded")?;
    let zone = of.label(ZONE).and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let mut slo = Slo::new(
        service,
        name,
        context.source.clone(),
        objective.value,
        period,
        Origin::Watchfire,
    );
    if let Some(rules) = of.label(RULES).and_then(rules) {
        slo.rules = rules;
    }
    let least = of.label(MIN_BAD_EVENTS).and_then(|text| text.parse().ok());
    slo.min_bad_events = least.unwrap_or(0.0);
    slo.note(format!(
        "{NOTE}: every window is counted, also the period, which Sloth takes the mean of"
    ));

    let windows = slo.windows().into_iter();
    let spans = windows.map(|window| (Span::Window(window), window));
    let spans = spans.chain([(Span::Period, period.elapsed(context.at, &zone))]);
    let (mut given, mut asked) = (Givens::default(), BTreeMap::new());
    for (span, window) in spans {
        if let Some(recorded) = recorded(of, window, context) {
            given.insert(span, recorded);
        } else if let Some(formula) = behind(of, &slo, window, context) {
            asked.insert(span, formula);
        }
    }
    let shortest = slo.windows().first().copied();
    let recorder = shortest.and_then(|window| of.rule(format!("{RATIO}{window}"), context));
    let by = recorder
        .map(|rule| labels_of(&rule.query))
        .unwrap_or_default();
    slo.name = qualified(name, of.labels, of.twins, &by).into();
    let trend = shortest.map_or(Trend::None, |shortest| {
        series(of, RATIO, shortest).map_or(Trend::None, |series| Trend::Recorded {
            name: series.name.as_str().into(),
            labels: series.labels.clone(),
            success: false,
        })
    });
    let silent = shortest.and_then(|window| silent(of, window, context));
    let counted = shortest.and_then(|window| {
        let formula = behind(of, &slo, window, context)?;
        let total = (*formula.totals().first()?).to_owned();
        // Of one that groups, each group may have begun at another time.
        let is_grouped = promql::is_grouped(&parser::parse(&total).ok()?);
        (!is_grouped).then_some(total)
    });
    if let Some(shortest) = shortest {
        let selector = format!("{RATIO}{shortest}{{sloth_id=\"{}\"}}", of.id);
        slo.queries = vec![(shortest.to_string(), selector.into())];
    }
    Ok(Some(Plan {
        slo: Arc::new(slo),
        zone,
        labels: of.labels.filtered(|label| !is_ours(label)),
        given,
        asked,
        trend,
        rule: None,
        counted,
        doubt: several.or(objective.doubt),
        recounted: false,
        absent_is_zero: false,
        silent: silent.into_iter().collect(),
    }))
}

/// The series of the definition that is recorded now. Those of another one linger for a while where
/// a definition changed, and stay where two are loaded: then nothing tells which holds.
fn current<'a>(of: &Members<'a>, context: &Context<'_>) -> (Vec<&'a Series>, Option<Doubt>) {
    let definition = |one: &&Series| one.labels.get(DEFINITION).map(str::to_owned);
    let recorded: BTreeSet<_> = of.series.iter().filter_map(definition).collect();
    let all = of.series.to_vec();
    if recorded.len() < 2 {
        return (all, None);
    }
    let rules = context.rules.sloth.iter();
    let rules = rules
        .filter(|((_, id), _)| id == of.id)
        .flat_map(|(_, rules)| rules);
    let loaded: BTreeSet<_> = rules
        .filter_map(|rule| rule.labels.get(DEFINITION))
        .map(str::to_owned)
        .collect();
    let mut loaded = loaded.intersection(&recorded);
    match (loaded.next(), loaded.next()) {
        (Some(one), None) => {
            let is_of_it = |series: &&Series| {
                let of = series.labels.get(DEFINITION);
                of.is_none_or(|of| of == one)
            };
            (all.into_iter().filter(is_of_it).collect(), None)
        }
        _ => (all, Some(doubt_of_definitions(recorded.len()))),
    }
}

fn doubt_of_definitions(count: usize) -> Doubt {
    let words = format!("{count} definitions of it are recorded: load the rules of one alone");
    Doubt::new(count, "definitions", words)
}

/// The series of a window that our rules recorded, if there is one of this name.
fn series<'a>(of: &Members<'a>, name: &str, window: Window) -> Option<&'a Series> {
    let name = format!("{name}{window}");
    let mut all = of.series.iter().copied();
    all.find(|one| one.name == name && one.labels.contains(DEFINITION))
}

fn recorded(of: &Members<'_>, window: Window, context: &Context<'_>) -> Option<Given> {
    let counted = series(of, TOTAL, window);
    let labels = &counted.or_else(|| series(of, RATIO, window))?.labels;
    let records = context.records;
    records.given(window, labels, counted.is_some())
}

/// `page:1h:5m:14.4,…`, as [`RULES`] tells them.
fn rules(text: &str) -> Option<Arc<[Rule]>> {
    let rule = |text: &str| {
        let mut parts = text.split(':');
        let rule = Rule {
            severity: Severity::from_word(parts.next()?)?,
            long: parts.next()?.parse().ok()?,
            short: parts.next()?.parse().ok()?,
            factor: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(rule)
    };
    text.split(',').map(rule).collect()
}

/// What the rule behind a window would record now, for a window that is not recorded: a rule may be
/// younger than its first evaluation, and no rule looks back over a calendar period.
fn behind(of: &Members<'_>, slo: &Slo, window: Window, context: &Context<'_>) -> Option<Formula> {
    let of_window = |window: Window| {
        let rule = |name: &str| {
            let rule = of.rule(format!("{name}{window}"), context)?;
            Some(rule.query.as_str())
        };
        (rule(TOTAL), rule(BAD), rule(RATIO))
    };
    let (rules, stretch) = match of_window(window) {
        (None, None, None) => (of_window(*slo.windows().first()?), Some(window)),
        rules => (rules, None),
    };
    match rules {
        (Some(total), Some(bad), _) => Some(Formula::Events(Ratio {
            part: Part::Bad(stretched(bad, stretch)?),
            total: stretched(total, stretch)?,
            counts: true,
        })),
        (_, _, Some(ratio)) => Some(Formula::Direct {
            query: stretched(ratio, stretch)?,
            success: false,
        }),
        _ => None,
    }
}

/// What the rule behind a window records 0 for where it is missing.
fn silent(of: &Members<'_>, window: Window, context: &Context<'_>) -> Option<Silent> {
    let rule = |name: &str| {
        let rule = of.rule(format!("{name}{window}"), context);
        rule.map(|rule| rule.query.as_str())
    };
    if let (Some(bad), Some(total)) = (rule(BAD), rule(TOTAL)) {
        return Silent::of_rule(bad, total);
    }
    let (_, total) = promql::quotient(rule(RATIO)?)?;
    Silent::of_rule(rule(RATIO)?, &total.to_string())
}

/// A query looking back over another window. `None` where it looks back over slices of time: these
/// are as long as they are.
fn stretched(query: &str, window: Option<Window>) -> Option<String> {
    let Some(window) = window else {
        return Some(query.to_owned());
    };
    let expr = parser::parse(query).ok()?;
    (!has_subquery(&expr)).then(|| promql::with_range(&expr, window))
}

fn has_subquery(expr: &Expr) -> bool {
    struct Found(bool);
    impl ExprVisitor for Found {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            self.0 |= matches!(expr, Expr::Subquery(_));
            Ok(true)
        }
    }
    let mut found = Found(false);
    let Ok(_) = walk_expr(&mut found, expr);
    found.0
}
