//! The SLO that alerts on one ratio are about, as the configuration would write it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use promql_parser::label::MatchOp;
use promql_parser::parser::token::T_SUM;
use promql_parser::parser::{self, Expr, LabelModifier};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use super::ratio::{Core, Ratio, instant_selectors, template, window_in};
use super::{AlertSlo, Burn, rules, threshold};
use crate::config::{Part, Sli, SloSettings};
use crate::domain::slo::rounded;
use crate::domain::{Period, Rule, SourceName, Window};
use crate::source::alert::LabelNames;
use crate::source::prometheus::plan::of_records;
use crate::source::prometheus::promql;

/// Periods that factors are for, the usual one first.
pub(super) const PERIODS: [Window; 5] = [
    Window::days(30),
    Window::days(28),
    Window::days(7),
    Window::days(14),
    Window::days(90),
];
/// First parts of a record's name that name no service: what it is aggregated to, or nothing.
const LEVELS: [&str; 10] = [
    "job",
    "instance",
    "cluster",
    "namespace",
    "service",
    "node",
    "pod",
    "slo",
    "sli",
    "global",
];
/// The most of an alert's name that names an SLO, in characters.
const MAX_NAME: usize = 80;

/// The workbook's factor of a long window.
pub(super) fn factors(period: Window, long: Window) -> impl Iterator<Item = f64> {
    let rules = Rule::workbook(Period::Rolling(period));
    let own: Vec<_> = rules
        .iter()
        .filter(|rule| rule.long == long)
        .map(|rule| rule.factor)
        .collect();
    own.into_iter()
}

/// The SLO of alerts that share a ratio and an error budget.
pub(super) fn slo(
    budget: f64,
    burns: &[(Burn<'_>, f64)],
    names: &LabelNames,
    source: &SourceName,
) -> Option<AlertSlo> {
    let rules = rules(burns);
    let (period, is_assumed) = period(&rules);
    let (burn, ratio) = shortest(burns)?;
    let measured = measured(burn, ratio, burns, period);
    let mut notes = measured.notes;
    let alerts: BTreeSet<_> = burns
        .iter()
        .map(|(burn, _)| burn.rule.name.as_str())
        .collect();
    let alerts: Vec<_> = alerts.into_iter().collect();
    notes.insert(0, format!("read from the alerts {}", alerts.join(", ")));
    if is_assumed {
        notes.push(format!("the alerts name no period: {period} is assumed"));
    }
    if burns.iter().any(|(burn, _)| burn.has_more) {
        notes.push("the alerts have further conditions, which are not looked at here".to_owned());
    }
    let naming = Naming {
        burns,
        ratio,
        names,
        by: &measured.by,
    };
    let (service, service_label) = naming.service();
    Some(AlertSlo {
        settings: SloSettings {
            service,
            name: naming.name(),
            objective: rounded(1.0 - budget),
            period: Period::Rolling(period),
            timezone: TimeZone::UTC,
            source: source.clone(),
            sli: measured.sli,
            rules: rules.into(),
            min_bad_events: 0.0,
            absent_is_zero: false,
            by: measured.by,
            labels: BTreeMap::new(),
            description: String::new(),
        },
        service_label,
        recorded: measured.recorded,
        notes,
    })
}

/// The shortest window that is compared, with its ratio.
fn shortest<'a, 'b>(burns: &'a [(Burn<'b>, f64)]) -> Option<(&'a Burn<'b>, &'a Ratio)> {
    let all = burns
        .iter()
        .filter_map(|(burn, _)| Some((burn, burn.ratios.values().next()?)));
    all.min_by_key(|(_, ratio)| ratio.window)
}

/// The period that the factors are the workbook's for, and whether that is a guess.
fn period(rules: &[Rule]) -> (Window, bool) {
    let fits = |period: &&Window| {
        rules.iter().all(|rule| {
            factors(**period, rule.long).any(|factor| threshold::is_same(factor, rule.factor))
        })
    };
    match PERIODS.iter().find(fits) {
        Some(period) => (*period, false),
        None => (PERIODS[0], true),
    }
}

/// How the ratio of an SLO is measured.
struct Measured {
    sli: Sli,
    by: Vec<String>,
    recorded: BTreeMap<Window, (String, bool)>,
    notes: Vec<String>,
}

fn measured(burn: &Burn<'_>, ratio: &Ratio, burns: &[(Burn<'_>, f64)], period: Window) -> Measured {
    let is_success = ratio.is_success == burn.is_above;
    match &ratio.core {
        Core::Quotient(part, total) => counted(part, total, is_success),
        Core::Other(core) => direct(core, is_success, burns, period),
    }
}

/// Events, bad or good ones over all.
fn counted(part: &Expr, total: &Expr, is_success: bool) -> Measured {
    let (mut part, mut total) = (part.clone(), total.clone());
    let is_rate = [&part, &total].iter().all(|expr| is_of_rates(expr));
    let mut by = BTreeSet::new();
    let mut is_summed = false;
    for expr in [&mut part, &mut total] {
        let mut sums = Sums {
            by: &mut by,
            is_rate,
            keeps_rest: false,
            has_sum: false,
        };
        let Ok(_) = walk_expr_mut(&mut sums, expr);
        is_summed |= sums.keeps_rest || !sums.has_sum;
    }
    let text = |expr: &Expr| match promql::unwrapped(expr) {
        Expr::Call(_) => format!("sum({})", template(promql::unwrapped(expr))),
        other => template(other),
    };
    let (part, total) = (text(&part), text(&total));
    let pinned = pinned(&total);
    by.retain(|label| !pinned.contains_key(label));
    let mut notes = Vec::new();
    if is_summed {
        notes.push("the alerts look at each series, here all of them are added up".to_owned());
    }
    Measured {
        sli: Sli::Events {
            part: if is_success {
                Part::Good(part)
            } else {
                Part::Bad(part)
            },
            total,
        },
        by: by.into_iter().collect(),
        recorded: BTreeMap::new(),
        notes,
    }
}

/// A ratio that is not taken apart.
fn direct(core: &Expr, success: bool, burns: &[(Burn<'_>, f64)], period: Window) -> Measured {
    let mut notes = Vec::new();
    let mut recorded = BTreeMap::new();
    let all = burns
        .iter()
        .flat_map(|(burn, _)| burn.ratios.values().map(move |ratio| (burn, ratio)));
    for (burn, ratio) in all {
        if let Some(asked) = &ratio.recorded {
            let scale = threshold::product(&ratio.scale);
            let query = if threshold::is_same(scale, 1.0) {
                asked.to_string()
            } else {
                format!("({asked}) * {}", rounded(scale))
            };
            recorded.insert(ratio.window, (query, !burn.is_above));
        }
    }
    let asked = template(core);
    let is_of_records = !asked.contains(promql::PLACEHOLDER);
    let query = match core {
        _ if !is_of_records => asked,
        Expr::VectorSelector(_) => format!("avg_over_time({asked}[{}])", promql::PLACEHOLDER),
        _ => format!("avg_over_time(({asked})[{}:5m])", promql::PLACEHOLDER),
    };
    if is_of_records {
        notes.push(of_records(period));
    }
    Measured {
        sli: Sli::Ratio { query, success },
        by: Vec::new(),
        recorded,
        notes,
    }
}

/// True where every range of an expression is a rate's.
fn is_of_rates(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_of_rates(&inner.expr),
        Expr::Unary(inner) => is_of_rates(&inner.expr),
        Expr::Aggregate(aggregate) => is_of_rates(&aggregate.expr),
        Expr::Binary(binary) => is_of_rates(&binary.lhs) && is_of_rates(&binary.rhs),
        Expr::Call(call) => match call.func.name {
            "rate" | "vector" => true,
            "increase" => false,
            _ => call.args.args.iter().all(|arg| is_of_rates(arg)),
        },
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => true,
        Expr::MatrixSelector(_) | Expr::VectorSelector(_) | Expr::Subquery(_) => false,
    }
}

/// Makes sums of groups sums of everything, noting the groups, and increases of rates.
struct Sums<'a> {
    by: &'a mut BTreeSet<String>,
    is_rate: bool,
    /// True once a sum kept labels that it does not name.
    keeps_rest: bool,
    has_sum: bool,
}

impl ExprVisitorMut for Sums<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::Aggregate(aggregate) if aggregate.op.id() == T_SUM => {
                self.has_sum = true;
                match aggregate.modifier.take() {
                    Some(LabelModifier::Include(labels)) => self.by.extend(labels.labels),
                    Some(LabelModifier::Exclude(_)) => self.keeps_rest = true,
                    None => {}
                }
            }
            Expr::Call(call) if self.is_rate && call.func.name == "rate" => {
                if let Ok(Expr::Call(increase)) = parser::parse("increase(up[5m])") {
                    call.func = increase.func;
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// The labels that every selector of a query gives one value, with that.
fn pinned(query: &str) -> BTreeMap<String, String> {
    let query = query.replace(promql::PLACEHOLDER, "5m");
    let sets = promql::selectors(&query).into_iter().map(|selector| {
        let matchers = selector.matchers.matchers.into_iter();
        let equal = matchers.filter(|one| one.op == MatchOp::Equal && !one.value.is_empty());
        equal
            .map(|one| (one.name, one.value))
            .collect::<BTreeMap<_, _>>()
    });
    let shared = sets.reduce(|mut all, one| {
        all.retain(|name, value| one.get(name) == Some(value));
        all
    });
    shared.unwrap_or_default()
}

/// What names an SLO of alerts.
struct Naming<'a, 'b> {
    burns: &'a [(Burn<'b>, f64)],
    ratio: &'a Ratio,
    names: &'a LabelNames,
    by: &'a [String],
}

impl Naming<'_, '_> {
    /// The service, and the label of groups whose values name it instead.
    fn service(&self) -> (String, Option<String>) {
        let named = |label: &String| self.static_label(label);
        let service = "service".to_owned();
        let grouped = || {
            let templated = self.templated_label(&service);
            let labels = [service.clone()]
                .into_iter()
                .chain(self.names.service.iter().cloned());
            templated
                .into_iter()
                .chain(labels)
                .find(|label| self.by.contains(label))
        };
        let fallback = self.fallback();
        if let Some(service) = named(&service) {
            return (service, None);
        }
        if let Some(label) = grouped() {
            return (fallback, Some(label));
        }
        let own = self.names.service.iter().find_map(named);
        (own.unwrap_or(fallback), None)
    }

    /// The service by what is counted: `job` of its selectors, else another label that names services,
    /// else the name of the record or of the metric.
    fn fallback(&self) -> String {
        let text = match &self.ratio.core {
            Core::Quotient(_, total) => template(total),
            Core::Other(core) => template(core),
        };
        let pinned = pinned(&text);
        let own = || {
            self.names
                .service
                .iter()
                .find_map(|label| pinned.get(label))
        };
        if let Some(value) = pinned.get("job").or_else(own) {
            return value.clone();
        }
        let recorded = self.ratio.recorded.as_ref();
        let of_alert = recorded.into_iter().flat_map(instant_selectors);
        let mut jobs = of_alert.clone().filter_map(|one| {
            let mut matchers = one.matchers.matchers.iter();
            matchers.find(|one| one.name == "job" && one.op == MatchOp::Equal)
        });
        if let Some(job) = jobs.next() {
            return job.value.clone();
        }
        let mut of_alert = of_alert;
        let record = of_alert.find_map(promql::metric);
        let query = text.replace(promql::PLACEHOLDER, "5m");
        let counted = promql::selectors(&query).into_iter().next();
        let counted = counted.as_ref().and_then(promql::metric);
        record.or(counted).map_or_else(|| self.name(), prefix)
    }

    /// A label that all alerts, or the rules behind their ratio, have one value of.
    fn static_label(&self, label: &str) -> Option<String> {
        let value = |burn: &Burn<'_>| {
            let own = burn
                .rule
                .labels
                .get(label)
                .filter(|value| !value.contains("{{"));
            let value = own.or_else(|| burn.labels.get(label))?;
            Some(value.to_owned())
        };
        let mut values = self.burns.iter().map(|(burn, _)| value(burn));
        let first = values.next()??;
        (!first.is_empty() && values.all(|other| other.as_ref() == Some(&first))).then_some(first)
    }

    /// The label that the value of another one is a template of: `{{ $labels.app }}`.
    fn templated_label(&self, label: &str) -> Option<String> {
        let (burn, _) = self.burns.first()?;
        let (_, behind) = burn.rule.labels.get(label)?.split_once("$labels.")?;
        let name = behind
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()?;
        Some(name.to_owned())
    }

    /// The label `slo` of the alerts, else what their names have in common.
    fn name(&self) -> String {
        if let Some(name) = self.static_label("slo") {
            return name;
        }
        let mut names = self.burns.iter().map(|(burn, _)| burn.rule.name.as_str());
        let first = names.next().unwrap_or("alerts");
        let shared = names.fold(first, common_words);
        let name = if shared.is_empty() { first } else { shared };
        name.chars().take(MAX_NAME).collect()
    }
}

/// The whole words that two names begin with.
fn common_words<'a>(one: &'a str, other: &str) -> &'a str {
    if one == other {
        return one;
    }
    let length = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let begins_word = |at: usize| {
        let bytes = one.as_bytes();
        let is_separator = |at: usize| {
            bytes
                .get(at)
                .is_none_or(|byte| !byte.is_ascii_alphanumeric())
        };
        let is_upper = bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        is_separator(at) || is_upper && at > 0 && bytes[at - 1].is_ascii_lowercase()
    };
    let end = (1..=length)
        .rev()
        .find(|&at| one.is_char_boundary(at) && begins_word(at));
    let shared = &one[..end.unwrap_or(0)];
    shared.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// The part of a record's name that names what it is about: `checkout` of `checkout:errors:ratio_rate5m`
/// and of `job:checkout:ratio_rate5m`, and of a metric's `checkout_requests_total` that without its unit.
fn prefix(name: &str) -> String {
    let name = window_in(name).map_or_else(
        || name.to_owned(),
        |(_, place)| {
            let mut name = name.to_owned();
            name.replace_range(place, "");
            name
        },
    );
    let parts = name.split(':').filter(|part| !part.is_empty());
    let named = parts
        .clone()
        .find(|part| !LEVELS.contains(part))
        .or_else(|| parts.clone().next());
    let named = named.unwrap_or(&name);
    let ends = ["_total", "_count", "_sum", "_bucket"];
    let named = ends
        .iter()
        .find_map(|end| named.strip_suffix(end))
        .unwrap_or(named);
    named.trim_end_matches('_').to_owned()
}
