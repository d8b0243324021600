//! Whether the server had fresh samples at a moment of the past. A server that was down then has none
//! of that time, and still computes numbers of what it had before: those are no numbers of then.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Prometheus;
use super::plan::Plan;
use super::{api, diagnose};
use crate::domain::{Fault, Observation, Reason, ReasonCode, window};
use crate::source::Ask;

/// A source is fresh as long as no more than so many intervals have passed: as
/// [`Freshness`](crate::domain::Freshness) has it for the present.
const INTERVALS: i32 = 3;
/// Over so long the interval between two samples is told from their number: the next where one holds
/// too few. Short ones first, since a server may have been there for a minute only.
const SAMPLED: [(&str, f64); 3] = [("30s", 30.0), ("2m", 120.0), ("15m", 900.0)];
/// So few samples are too few.
const FEW: f64 = 4.0;
/// Samples are looked for as far back.
const REACH: SignedDuration = SignedDuration::from_hours(2);
/// Selectors that are asked for where no target is scraped.
const MOST_SELECTORS: usize = 10;
/// What every scraped target has.
const SCRAPED: &str = "up";

impl Prometheus {
    /// Why nothing is known of the past moment that is asked for; `None` where its samples were
    /// fresh, for the present, and where the server does not tell.
    pub(super) async fn outage(&self, ask: &Ask) -> Result<Option<(Timestamp, Reason)>, Fault> {
        let Some(at) = ask.at else {
            return Ok(None);
        };
        let mut series = vec![SCRAPED.to_owned()];
        let mut newest = self.newest(&series, at).await?;
        if newest.is_none() {
            series = self.selectors();
            newest = self.newest(&series, at).await?;
        }
        let Some(newest) = newest else {
            return Ok(None);
        };
        let age = window::age(newest, at);
        if age <= self.interval * INTERVALS {
            return Ok(None);
        }
        let every = self.sampled_every(&series, newest).await?;
        if age <= self.interval * INTERVALS + every {
            return Ok(None);
        }
        let age = window::brief(age);
        let text = format!(
            "the newest sample of any target was {age} old at that moment: the server stored nothing then"
        );
        Ok(Some((newest, Reason::new(ReasonCode::TooOld, age, text))))
    }

    /// The time of the newest sample of these series before a moment, as far as an hour back.
    async fn newest(&self, series: &[String], at: Timestamp) -> Result<Option<Timestamp>, Fault> {
        if series.is_empty() {
            return Ok(None);
        }
        let now = series.iter().map(|one| format!("timestamp({one})"));
        let now = format!("max({})", now.collect::<Vec<_>>().join(" or "));
        let before = series.iter();
        let before = before.map(|one| format!("max(max_over_time(timestamp({one})[1h:1m]))"));
        let queries: Vec<_> = std::iter::once(now).chain(before).collect();
        let answer = self.api.query(&queries.join(" or "), Some(at)).await?;
        let newest = answer.data.iter().map(|series| series.value);
        let newest = api::moment(newest.fold(f64::NAN, f64::max));
        // Nothing older was asked for.
        Ok(newest.filter(|newest| window::age(*newest, at) <= REACH))
    }

    /// How far two samples of the series that has most of them are apart.
    async fn sampled_every(
        &self,
        series: &[String],
        at: Timestamp,
    ) -> Result<SignedDuration, Fault> {
        let mut every = 0.0;
        for (window, seconds) in SAMPLED {
            let counts = series.iter();
            let counts = counts.map(|one| format!("max(count_over_time({one}[{window}]))"));
            let query = counts.collect::<Vec<_>>().join(" or ");
            let answer = self.api.query(&query, Some(at)).await?;
            let counts = answer.data.iter().map(|series| series.value);
            let count = counts.fold(1.0, f64::max);
            every = seconds / count;
            if count >= FEW {
                break;
            }
        }
        Ok(SignedDuration::try_from_secs_f64(every).unwrap_or_default())
    }

    /// Some selectors of what SLOs rest on.
    fn selectors(&self) -> Vec<String> {
        let plans = self.plans.all.iter().take(MOST_SELECTORS);
        let mut texts: Vec<_> = plans.flat_map(diagnose::selector_texts).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.truncate(MOST_SELECTORS);
        texts
    }

    /// What was known of an SLO when the server had last stored anything: nothing of the moment that
    /// is asked for.
    pub(super) fn unknown_then(plan: &Plan, (newest, reason): &(Timestamp, Reason)) -> Observation {
        Observation {
            reasons: Arc::from([reason.clone()]),
            ..Observation::unknown(Arc::clone(&plan.slo), *newest)
        }
    }
}
