//! `[[slo]]`: objectives written by hand, with their PromQL checked before anything asks for it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr};

use super::check::Context;
use super::{Part, Sli, SloSettings, SourceSettings, Step};
use super::{read, wire};
use crate::domain::slo::{MIN_BAD_EVENTS, rounded};
use crate::domain::{Period, Rule, SourceName, Window};

/// How long a rolling period may be.
const PERIODS: RangeInclusive<Window> = Window::days(1)..=Window::days(366);
/// What stands for the window in an expression.
const WINDOW: &str = "$window";
/// The longest query; deeper nesting than fits in here is no query but an accident.
const MAX_QUERY: usize = 8 * 1024;

impl Context<'_> {
    /// All SLOs. `sources` is `None` when they could not all be read: then nothing is said of them.
    pub(super) fn slos(
        &mut self,
        list: Option<toml::Value>,
        sources: Option<&[SourceSettings]>,
        zone: &TimeZone,
    ) -> Vec<SloSettings> {
        let mut ids = BTreeMap::new();
        let mut slos = Vec::new();
        for (index, table) in self.tables("slo", list) {
            let path = [Step::Key("slo".to_owned()), Step::Index(index)];
            let wire = match read::section::<wire::Slo, _>(&path, table) {
                Ok(wire) => wire,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            if let Some(first) = ids.insert((wire.service.clone(), wire.name.clone()), index) {
                let message = format!(
                    "slo[{first}] has this service and name already: give every SLO of a service its own name"
                );
                self.refuse("slo", index, &["name"], message);
            }
            let source =
                sources.and_then(|sources| self.slo_source(index, wire.source.as_deref(), sources));
            slos.extend(self.slo(index, wire, source, zone));
        }
        slos
    }

    fn slo(
        &mut self,
        index: usize,
        wire: wire::Slo,
        source: Option<SourceName>,
        zone: &TimeZone,
    ) -> Option<SloSettings> {
        for (key, name) in [("service", &wire.service), ("name", &wire.name)] {
            if name.trim().is_empty() || name.contains('/') {
                let message = "this may not be empty and may not hold a `/`: both make up the id, `service/name`";
                self.refuse("slo", index, &[key], message);
            }
        }
        let objective = self.objective(index, wire.objective.0);
        let period = self.period(index, wire.period.as_deref().unwrap_or("30d"));
        if let Err(message) = check_query(&wire.total) {
            self.refuse("slo", index, &["total"], message);
        }
        let part = self.part(index, wire.bad, wire.good);
        let period = period?;
        Some(SloSettings {
            service: wire.service,
            name: wire.name,
            objective: objective?,
            period,
            timezone: zone.clone(),
            source: source?,
            sli: Sli::Events {
                part: part?,
                total: wire.total.trim().to_owned(),
            },
            rules: Rule::workbook(period),
            min_bad_events: MIN_BAD_EVENTS,
            by: Vec::new(),
            labels: BTreeMap::new(),
            description: String::new(),
        })
    }

    /// Percent to a share of 1.
    fn objective(&mut self, index: usize, percent: f64) -> Option<f64> {
        let message = if !(percent > 0.0 && percent < 100.0) {
            "write a percentage above 0 and below 100: 99.9 promises that 99.9 % of events are good"
        } else if percent <= 1.0 {
            "this is a percentage: write 99.9, not 0.999"
        } else {
            return Some(rounded(percent / 100.0));
        };
        self.refuse("slo", index, &["objective"], message);
        None
    }

    fn period(&mut self, index: usize, text: &str) -> Option<Period> {
        let message = match text.parse() {
            Ok(Period::Rolling(window)) if !PERIODS.contains(&window) => {
                "a rolling period is one day to one year long: write `30d`, for example"
            }
            Ok(period) => return Some(period),
            Err(_) => "write a duration such as `30d`, or `week`, `month`, `quarter` or `year`",
        };
        self.refuse("slo", index, &["period"], message);
        None
    }

    fn part(&mut self, index: usize, bad: Option<String>, good: Option<String>) -> Option<Part> {
        let (key, query, part): (_, _, fn(String) -> Part) = match (bad, good) {
            (Some(bad), None) => ("bad", bad, Part::Bad),
            (None, Some(good)) => ("good", good, Part::Good),
            (Some(_), Some(_)) => {
                let message = "`bad` is given as well: keep one, the other follows from the total";
                self.refuse("slo", index, &["good"], message);
                return None;
            }
            (None, None) => {
                let message = "add `bad` (events that broke the objective) or `good` (events that kept it) beside `total`";
                self.refuse("slo", index, &["bad"], message);
                return None;
            }
        };
        if let Err(message) = check_query(&query) {
            self.refuse("slo", index, &[key], message);
        }
        Some(part(query.trim().to_owned()))
    }

    /// The source that measures an SLO: the one it names, or the only one that can.
    fn slo_source(
        &mut self,
        index: usize,
        name: Option<&str>,
        sources: &[SourceSettings],
    ) -> Option<SourceName> {
        let kinds = self.kinds.iter().filter(|kind| kind.measures);
        let kinds: Vec<_> = kinds.map(|kind| kind.name).collect();
        let able: Vec<_> = sources
            .iter()
            .filter(|source| kinds.contains(&source.kind.as_str()))
            .collect();
        let names: Vec<_> = able.iter().map(|source| source.name.as_str()).collect();
        let message = match name {
            None if able.len() == 1 => return Some(able[0].name.clone()),
            None if able.is_empty() => {
                let kinds = read::quoted(&kinds);
                format!("no source can measure this: add a [[source]] of kind {kinds}")
            }
            None => format!(
                "which source measures this? write `source = \"…\"`, one of {}",
                read::quoted(&names)
            ),
            Some(name) if names.contains(&name) => return Some(SourceName::new(name)),
            Some(name) => match sources.iter().find(|source| source.name.as_str() == name) {
                Some(source) => format!(
                    "`{name}` is of kind `{}`, which measures no SLO: name one of kind {}",
                    source.kind,
                    read::quoted(&kinds)
                ),
                None => read::unknown_word("source", name, &names),
            },
        };
        self.refuse("slo", index, &["source"], message);
        None
    }
}

/// Accepts a bare selector, to which the window is added, or an expression that has `$window`.
fn check_query(query: &str) -> Result<(), String> {
    const FIX: &str = "write a selector such as `http_requests_total{service=\"checkout\"}`, or an expression with $window such as `sum(increase(http_requests_total[$window]))`";
    if query.len() > MAX_QUERY {
        return Err(format!(
            "longer than {MAX_QUERY} bytes: record it as a rule and name that"
        ));
    }
    let has_window = query.contains(WINDOW);
    let expression = parser::parse(&query.replace(WINDOW, "5m"))
        .map_err(|error| format!("this is not PromQL ({error}): {FIX}"))?;
    match &expression {
        Expr::VectorSelector(selector) if !has_window => {
            if selector.offset.is_some() || selector.at.is_some() {
                return Err(format!("a selector has no offset and no @: {FIX}"));
            }
            // A comment would swallow what is added behind it.
            parser::parse(&format!("sum(increase({}[5m]))", query.trim()))
                .map_err(|_| "write the selector without a comment".to_owned())?;
            Ok(())
        }
        _ if !has_window => Err(format!("this expression has no $window, so it would count the same for 5m as for 30d: {FIX}")),
        expression => match expression.value_type() {
            ValueType::Vector | ValueType::Scalar => Ok(()),
            ValueType::Matrix => Err("this is a range of samples, not a number of events: wrap it, as in `sum(increase(…[$window]))`".to_owned()),
            ValueType::String => Err(format!("this is a text, not a number of events: {FIX}")),
        },
    }
}
