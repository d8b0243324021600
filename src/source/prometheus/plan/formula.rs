//! How the error ratio of one span follows from what the server is asked.

use super::Value;
use crate::config::{Part, Sli};
use crate::domain::slo::rounded;
use crate::domain::{Events, Reading, Window};
use crate::source::prometheus::promql;
use crate::text::Untrusted;

/// What a query of a formula stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::prometheus) enum Role {
    /// Bad events.
    Bad,
    /// Good events.
    Good,
    /// All events.
    Total,
    /// The ratio itself.
    Ratio,
}

impl Role {
    /// The word used in sentences.
    pub(in crate::source::prometheus) fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "good",
            Self::Total => "total",
            Self::Ratio => "ratio",
        }
    }
}

/// How the error ratio of one span follows from what the server is asked.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) enum Formula {
    /// Bad or good over all.
    Events(Ratio),
    /// The server gives the ratio.
    Direct {
        /// The query for it.
        query: String,
        /// True when it is good over all.
        success: bool,
    },
    /// The mean of several error ratios by weight.
    Weighted(Vec<(f64, Formula)>),
}

impl Formula {
    /// The formula of an SLI for every window: see [`Self::over`].
    pub(in crate::source::prometheus) fn template(sli: &Sli) -> Self {
        Self::written(sli, promql::PLACEHOLDER)
    }

    /// That of one window.
    pub(in crate::source::prometheus) fn of(sli: &Sli, window: Window) -> Self {
        Self::template(sli).over(window)
    }

    pub(super) fn written(sli: &Sli, window: &str) -> Self {
        match sli {
            Sli::Events { part, total } => Self::Events(Ratio::of(part, total, window)),
            Sli::Gauge(selector) => {
                let selector = promql::whichever_spelling(selector.trim());
                let all = format!("sum(count_over_time({selector}[{window}]))");
                Self::Events(Ratio {
                    part: Part::Bad(format!("{all} - sum(sum_over_time({selector}[{window}]))")),
                    total: all,
                    counts: true,
                })
            }
            Sli::Latency { histogram, within } => {
                let histogram = promql::whichever_spelling(histogram.trim());
                let grown = format!("sum(increase({histogram}[{window}]))");
                Self::Events(Ratio {
                    part: Part::Good(format!(
                        "histogram_fraction(-Inf, {within}, {grown}) * histogram_count({grown})"
                    )),
                    total: format!("histogram_count({grown})"),
                    counts: true,
                })
            }
            Sli::Ratio { query, success } => Self::Direct {
                query: promql::over(query, window),
                success: *success,
            },
            Sli::Slices { of, width, target } => {
                // A slice without traffic has no ratio (NaN) and is no slice; `>= 0` drops it.
                let slice = Self::written(of, &width.to_string()).expression();
                let slice = format!("(({slice}) >= 0)");
                let look_back = format!("[{window}:{width}]");
                match target {
                    Some(target) => {
                        let limit = rounded(1.0 - target);
                        let all = format!("sum(count_over_time({slice}{look_back}))");
                        Self::Events(Ratio {
                            part: Part::Bad(format!(
                                "sum(count_over_time(({slice} > {limit}){look_back}))"
                            )),
                            total: all,
                            counts: true,
                        })
                    }
                    None => Self::Direct {
                        query: format!("avg(avg_over_time({slice}{look_back}))"),
                        success: false,
                    },
                }
            }
            Sli::Weighted(parts) => Self::Weighted(
                parts
                    .iter()
                    .map(|(weight, sli)| (*weight, Self::written(sli, window)))
                    .collect(),
            ),
        }
    }

    /// The same with every query changed.
    pub(in crate::source::prometheus) fn map(&self, change: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::Events(ratio) => Self::Events(Ratio {
                part: match &ratio.part {
                    Part::Bad(query) => Part::Bad(change(query)),
                    Part::Good(query) => Part::Good(change(query)),
                },
                total: change(&ratio.total),
                counts: ratio.counts,
            }),
            Self::Direct { query, success } => Self::Direct {
                query: change(query),
                success: *success,
            },
            Self::Weighted(parts) => Self::Weighted(
                parts
                    .iter()
                    .map(|(weight, part)| (*weight, part.map(change)))
                    .collect(),
            ),
        }
    }

    /// That of a template for one window.
    pub(in crate::source::prometheus) fn over(&self, window: Window) -> Self {
        let window = window.to_string();
        self.map(&|query| query.replace(promql::PLACEHOLDER, &window))
    }

    /// The queries for all events, or for the ratio where nothing is counted: where these have data,
    /// there is data.
    pub(in crate::source::prometheus) fn totals(&self) -> Vec<&str> {
        match self {
            Self::Events(ratio) => vec![&ratio.total],
            Self::Direct { query, .. } => vec![query],
            Self::Weighted(parts) => parts.iter().flat_map(|(_, part)| part.totals()).collect(),
        }
    }

    /// The queries whose answers it needs, in the order that [`Self::read`] takes them.
    pub(in crate::source::prometheus) fn queries(&self) -> Vec<&str> {
        let mut queries = Vec::new();
        self.each_query(&mut |query| queries.push(query));
        queries
    }

    /// Hands each of these over: a poll has thousands.
    pub(in crate::source::prometheus) fn each_query<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        match self {
            Self::Events(ratio) => {
                each(ratio.part_query());
                each(&ratio.total);
            }
            Self::Direct { query, .. } => each(query),
            Self::Weighted(parts) => parts.iter().for_each(|(_, part)| part.each_query(each)),
        }
    }

    /// The queries in the same order, each with what it stands for, and the one for all events beside
    /// bad or good ones.
    pub(in crate::source::prometheus) fn roles(&self) -> Vec<(Role, &str, Option<&str>)> {
        match self {
            Self::Events(ratio) => {
                let total = ratio.total.as_str();
                vec![
                    (ratio.role(), ratio.part_query(), Some(total)),
                    (Role::Total, total, None),
                ]
            }
            Self::Direct { query, .. } => vec![(Role::Ratio, query, None)],
            Self::Weighted(parts) => parts.iter().flat_map(|(_, part)| part.roles()).collect(),
        }
    }

    /// How many they are.
    pub(in crate::source::prometheus) fn count(&self) -> usize {
        let mut count = 0;
        self.each_query(&mut |_| count += 1);
        count
    }

    /// The queries, each with what it asks for, to be copied.
    pub(in crate::source::prometheus) fn named_queries(
        &self,
        window: Window,
    ) -> Vec<(String, Untrusted)> {
        let named = |name: &str, query: &str| (format!("{name} {window}"), query.into());
        match self {
            Self::Events(ratio) => {
                let part = match ratio.part {
                    Part::Bad(_) => "bad",
                    Part::Good(_) => "good",
                };
                vec![
                    named(part, ratio.part_query()),
                    named("total", &ratio.total),
                ]
            }
            Self::Direct { query, success } => {
                vec![named(
                    if *success {
                        "success ratio"
                    } else {
                        "error ratio"
                    },
                    query,
                )]
            }
            Self::Weighted(parts) => parts
                .iter()
                .flat_map(|(_, part)| part.named_queries(window))
                .collect(),
        }
    }

    /// Reads the answers, one a query.
    pub(in crate::source::prometheus) fn read(
        &self,
        answers: &mut dyn Iterator<Item = Value>,
    ) -> (Reading, Option<Events>) {
        let mut next = || answers.next().unwrap_or(Value::Missing);
        match self {
            Self::Events(ratio) => {
                let part = next();
                ratio.read(part, next())
            }
            Self::Direct { success, .. } => {
                let reading = match next() {
                    Value::Zero | Value::Nothing => Reading::NoSeries,
                    Value::Missing => Reading::Unknown,
                    Value::Number(good) if *success => Reading::from_ratio(1.0 - good),
                    Value::Number(bad) => Reading::from_ratio(bad),
                };
                (reading, None)
            }
            Self::Weighted(parts) => {
                let read = parts.iter().map(|(weight, part)| {
                    let (reading, _) = part.read(answers);
                    (*weight, reading)
                });
                (Reading::mean(read), None)
            }
        }
    }

    /// The ratio as one expression, for its course over time.
    pub(in crate::source::prometheus) fn expression(&self) -> String {
        match self {
            Self::Events(ratio) => ratio.expression(),
            Self::Direct { query, success } => {
                if *success {
                    format!("1 - ({query})")
                } else {
                    query.clone()
                }
            }
            Self::Weighted(parts) => {
                let weights: f64 = parts.iter().map(|(weight, _)| weight).sum();
                let terms = parts
                    .iter()
                    .map(|(weight, part)| format!("{weight} * ({})", part.expression()));
                format!("({}) / {weights}", terms.collect::<Vec<_>>().join(" + "))
            }
        }
    }
}

/// A ratio that the server is asked to compute.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Ratio {
    /// The query for bad or for good events.
    pub(in crate::source::prometheus) part: Part,
    /// The query for all events.
    pub(in crate::source::prometheus) total: String,
    /// True when the queries count events; false when they give rates.
    pub(in crate::source::prometheus) counts: bool,
}

impl Ratio {
    /// What a rule divides by what, over another window or its own; `success` where it is good over all.
    pub(in crate::source::prometheus) fn recorded(
        query: &str,
        window: Option<Window>,
        success: bool,
    ) -> Option<Self> {
        let (part, total) = promql::quotient(query)?;
        let text = |expr| {
            let text = window.map_or_else(|| format!("{expr}"), |to| promql::with_range(&expr, to));
            promql::whichever_spelling(&text)
        };
        let part = text(part);
        Some(Self {
            part: if success {
                Part::Good(part)
            } else {
                Part::Bad(part)
            },
            total: text(total),
            counts: false,
        })
    }

    fn of(part: &Part, total: &str, window: &str) -> Self {
        let (Part::Bad(query) | Part::Good(query)) = part;
        Self {
            counts: promql::counts_events(query) && promql::counts_events(total),
            total: promql::over(total, window),
            part: match part {
                Part::Bad(query) => Part::Bad(promql::over(query, window)),
                Part::Good(query) => Part::Good(promql::over(query, window)),
            },
        }
    }

    /// What the part is.
    pub(in crate::source::prometheus) fn role(&self) -> Role {
        match self.part {
            Part::Bad(_) => Role::Bad,
            Part::Good(_) => Role::Good,
        }
    }

    /// The query for the part, whichever it is.
    pub(in crate::source::prometheus) fn part_query(&self) -> &str {
        match &self.part {
            Part::Bad(query) | Part::Good(query) => query,
        }
    }

    /// Reads the answers. A part without series is a number only where that is known to mean 0.
    pub(in crate::source::prometheus) fn read(
        &self,
        part: Value,
        total: Value,
    ) -> (Reading, Option<Events>) {
        let total = match total {
            Value::Number(total) => total,
            Value::Zero | Value::Nothing => return (Reading::NoSeries, None),
            Value::Missing => return (Reading::Unknown, None),
        };
        let part = match part {
            Value::Number(part) => part,
            Value::Zero => 0.0,
            // Nothing happened, whatever the part is.
            Value::Nothing | Value::Missing if total == 0.0 => 0.0,
            Value::Nothing | Value::Missing => return (Reading::Unknown, None),
        };
        let bad = match &self.part {
            Part::Bad(_) => part,
            Part::Good(_) => total - part,
        };
        if !self.counts {
            return (Reading::from_rates(Some(bad), Some(total)), None);
        }
        let reading = Reading::from_events(Some(bad), Some(total));
        (reading, Events::of(reading, bad, total))
    }

    /// The ratio as one expression, for its course over time: no result where an operand has no
    /// series, 0 where the one selector of the part has none.
    fn expression(&self) -> String {
        let (part, total) = (self.part_query(), &self.total);
        let is_needed = promql::is_between_vectors(part) || promql::names_bound(part);
        let or_zero = if is_needed {
            String::new()
        } else {
            format!(" or ({total}) * 0")
        };
        match self.part {
            Part::Bad(_) => format!("(({part}){or_zero}) / ({total})"),
            Part::Good(_) => format!("(({total}) - (({part}){or_zero})) / ({total})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(counts: bool) -> Ratio {
        Ratio {
            part: Part::Bad("b".into()),
            total: "t".into(),
            counts,
        }
    }

    #[test]
    fn a_service_that_never_failed_is_zero_and_one_without_traffic_is_not() {
        let (some, none) = (Value::Number, Value::Number(0.0));
        let (reading, events) = bad(true).read(Value::Zero, some(500.0));
        assert_eq!(reading, Reading::Ratio(0.0));
        assert_eq!(
            events,
            Some(Events {
                bad: 0.0,
                total: 500.0
            })
        );
        assert_eq!(bad(true).read(Value::Zero, none).0, Reading::NoTraffic);
        assert_eq!(
            bad(true).read(Value::Zero, Value::Nothing).0,
            Reading::NoSeries
        );
        assert_eq!(
            bad(false).read(some(1.0), some(4.0)),
            (Reading::Ratio(0.25), None)
        );
    }

    #[test]
    fn what_is_missing_is_never_a_number() {
        for part in [
            Part::Bad as fn(String) -> Part,
            Part::Good as fn(String) -> Part,
        ] {
            for counts in [true, false] {
                let ratio = Ratio {
                    part: part("p".into()),
                    total: "t".into(),
                    counts,
                };
                let read = |part, total| ratio.read(part, total).0;
                let some = Value::Number;
                for missing in [Value::Missing, Value::Nothing] {
                    assert_eq!(read(missing, some(5.0)), Reading::Unknown);
                    assert_eq!(read(missing, some(0.0)), Reading::NoTraffic);
                }
                assert_eq!(read(some(5.0), Value::Missing), Reading::Unknown);
                assert_eq!(read(Value::Missing, Value::Nothing), Reading::NoSeries);
            }
        }
        let direct = Formula::Direct {
            query: "q".into(),
            success: false,
        };
        let read = |value| direct.read(&mut std::iter::once(value)).0;
        assert_eq!(read(Value::Missing), Reading::Unknown);
        assert_eq!(read(Value::Nothing), Reading::NoSeries);
    }

    #[test]
    fn good_events_are_taken_from_the_total() {
        let good = Ratio {
            part: Part::Good("g".into()),
            total: "t".into(),
            counts: true,
        };
        let read = |part| good.read(part, Value::Number(1_000.0)).0;
        assert_eq!(read(Value::Number(990.0)), Reading::Ratio(0.01));
        // Extrapolation may give more good than all.
        assert_eq!(read(Value::Number(1_000.1)), Reading::Ratio(0.0));
        assert_eq!(read(Value::Zero), Reading::Ratio(1.0));
    }

    #[test]
    fn an_expression_has_no_result_where_an_operand_is_missing() {
        let text = |part: Part| {
            let total = "sum(t)".to_owned();
            Ratio {
                part,
                total,
                counts: true,
            }
            .expression()
        };
        assert_eq!(
            text(Part::Bad("sum(b)".into())),
            "((sum(b)) or (sum(t)) * 0) / (sum(t))"
        );
        assert_eq!(
            text(Part::Bad("sum(a) + sum(b)".into())),
            "((sum(a) + sum(b))) / (sum(t))"
        );
        assert_eq!(
            text(Part::Good("sum(g)".into())),
            "((sum(t)) - ((sum(g)) or (sum(t)) * 0)) / (sum(t))"
        );
        assert_eq!(
            text(Part::Good(r#"sum(h{le="1"})"#.into())),
            r#"((sum(t)) - ((sum(h{le="1"})))) / (sum(t))"#
        );
    }
}
