//! How one SLO is measured: what the server has recorded already, and what it is asked to compute.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::api::Labels;
use super::promql;
use crate::config::{Part, SloSettings};
use crate::domain::{Events, Origin, Reading, Rule, Slo, SourceName, Window};

/// One of the things that are measured of an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Span {
    /// A window of its rules.
    Window(Window),
    /// Its whole period.
    Period,
}

/// A ratio that the server is asked to compute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ratio {
    /// The query for bad or for good events.
    pub(super) part: Part,
    /// The query for all events.
    pub(super) total: String,
    /// True when the queries count events; false when they give rates.
    pub(super) counts: bool,
}

impl Ratio {
    /// The query for the part, whichever it is.
    pub(super) fn part_query(&self) -> &str {
        match &self.part {
            Part::Bad(query) | Part::Good(query) => query,
        }
    }

    /// Reads the answers; `None` stands for "no such series".
    pub(super) fn read(&self, part: Option<f64>, total: Option<f64>) -> (Reading, Option<Events>) {
        let bad = match &self.part {
            Part::Bad(_) => part,
            Part::Good(query) => match (part, total) {
                (None, Some(total)) if total > 0.0 && promql::counts_buckets(query) => {
                    return (Reading::NoSeries, None);
                }
                (good, Some(total)) => Some((total - good.unwrap_or(0.0)).max(0.0)),
                (_, None) => None,
            },
        };
        let reading = Reading::from_events(bad, total);
        let events = total
            .filter(|total| self.counts && total.is_finite())
            .and_then(|total| {
                let bad = bad.unwrap_or(0.0);
                bad.is_finite().then_some(Events { bad, total })
            });
        (reading, events)
    }

    /// The ratio as one expression, for its course over time. A service without bad series is 0.
    fn expression(&self) -> String {
        let (part, total) = (self.part_query(), &self.total);
        match self.part {
            Part::Bad(_) => format!("(({part}) or ({total}) * 0) / ({total})"),
            Part::Good(_) => format!("(({total}) - ({part})) / ({total})"),
        }
    }
}

/// Where the course of the shortest window's error ratio over time is found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trend {
    /// In a recorded series; `success` when it holds good over all.
    Recorded {
        name: String,
        labels: Labels,
        success: bool,
    },
    /// By this expression.
    Expression(String),
    /// Nowhere.
    None,
}

/// How one SLO is measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) slo: Arc<Slo>,
    /// The labels that its series share; answers to its queries must not contradict them.
    pub(super) labels: Labels,
    /// What the server has recorded.
    pub(super) given: BTreeMap<Span, Reading>,
    /// What it is asked to compute.
    pub(super) asked: BTreeMap<Span, Ratio>,
    pub(super) trend: Trend,
}

impl Plan {
    /// The plan of an SLO written by hand, at a moment: a calendar period grows with the time.
    pub(super) fn by_hand(
        settings: &SloSettings,
        source: &SourceName,
        at: Timestamp,
        zone: &TimeZone,
    ) -> Self {
        let rules = Rule::workbook(settings.period);
        let mut slo = Slo {
            service: settings.service.as_str().into(),
            name: settings.name.as_str().into(),
            source: source.clone(),
            objective: settings.objective,
            period: settings.period,
            rules,
            origin: Origin::Config,
            queries: Vec::new(),
            notes: Vec::new(),
        };
        let (Part::Bad(part) | Part::Good(part)) = &settings.part;
        let counts = promql::counts_events(part) && promql::counts_events(&settings.total);
        let ratio = |window| Ratio {
            part: match &settings.part {
                Part::Bad(query) => Part::Bad(promql::over(query, window)),
                Part::Good(query) => Part::Good(promql::over(query, window)),
            },
            total: promql::over(&settings.total, window),
            counts,
        };
        let mut asked: BTreeMap<_, _> = slo
            .windows()
            .into_iter()
            .map(|window| (Span::Window(window), ratio(window)))
            .collect();
        let trend = asked.first_key_value().map_or(Trend::None, |(_, ratio)| {
            Trend::Expression(ratio.expression())
        });
        asked.insert(Span::Period, ratio(settings.period.elapsed(at, zone)));
        if let Some((Span::Window(window), shortest)) = asked.first_key_value() {
            let part = if matches!(shortest.part, Part::Bad(_)) {
                "bad"
            } else {
                "good"
            };
            slo.queries = vec![
                (format!("{part} {window}"), shortest.part_query().into()),
                (format!("total {window}"), shortest.total.as_str().into()),
            ];
        }
        Self {
            slo: Arc::new(slo),
            labels: Labels::new(),
            given: BTreeMap::new(),
            asked,
            trend,
        }
    }

    /// True when a series with these labels can belong to this SLO.
    pub(super) fn owns(&self, labels: &Labels) -> bool {
        labels
            .iter()
            .filter(|(name, _)| *name != promql::TAG)
            .all(|(name, value)| self.labels.get(name) == Some(value))
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
        let (reading, events) = bad(true).read(None, Some(500.0));
        assert_eq!(reading, Reading::Ratio(0.0));
        assert_eq!(
            events,
            Some(Events {
                bad: 0.0,
                total: 500.0
            })
        );
        assert_eq!(bad(true).read(None, Some(0.0)).0, Reading::NoTraffic);
        assert_eq!(bad(true).read(None, None).0, Reading::NoSeries);
        assert_eq!(
            bad(false).read(Some(1.0), Some(4.0)),
            (Reading::Ratio(0.25), None)
        );
    }

    #[test]
    fn good_events_are_taken_from_the_total() {
        let good = |query: &str| Ratio {
            part: Part::Good(query.into()),
            total: "t".into(),
            counts: true,
        };
        assert_eq!(
            good("g").read(Some(990.0), Some(1_000.0)).0,
            Reading::Ratio(0.01)
        );
        // Extrapolation may give more good than all.
        assert_eq!(
            good("g").read(Some(1_000.1), Some(1_000.0)).0,
            Reading::Ratio(0.0)
        );
        assert_eq!(good("g").read(None, Some(1_000.0)).0, Reading::Ratio(1.0));
        // A bucket that is not there is a mistake in `le`, not a service that always fails.
        assert_eq!(
            good("x_bucket").read(None, Some(1_000.0)).0,
            Reading::NoSeries
        );
    }
}
