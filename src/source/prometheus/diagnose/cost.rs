//! What the long queries of SLOs cost the server, by its own count.

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::time::Instant;

use super::super::api::{Api, seconds};
use super::super::plan::{Formula, Plan, Span};
use crate::domain::{Finding, Grade};
use crate::source::Ask;

/// SLOs whose cost is measured: each costs what it costs.
const MOST: usize = 20;
/// Queries in flight.
const IN_FLIGHT: usize = 2;
/// More samples than this are too many for a query that is asked again and again.
const MANY: f64 = 10e6;
/// More seconds than this likewise.
const SLOW: f64 = 2.0;

/// An answer of which the figures count, and not the result.
#[derive(Deserialize)]
struct Measured {
    stats: Option<Stats>,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    samples: SampleStats,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SampleStats {
    total_queryable_samples: Option<f64>,
}

/// What asking for the period of one SLO costs.
struct Cost {
    samples: Option<f64>,
    seconds: f64,
}

/// Asks for the periods of some SLOs and judges what that cost.
pub(super) async fn examine(api: &Api, plans: &[Plan], ask: &Ask) -> Vec<Finding> {
    let computed: Vec<_> = plans
        .iter()
        .filter_map(|plan| Some((plan, plan.asked.get(&Span::Period)?)))
        .collect();
    if computed.is_empty() {
        return Vec::new();
    }
    let chosen: Vec<_> = computed.iter().take(MOST).copied().collect();
    let mut questions = Vec::new();
    for (_, formula) in &chosen {
        questions.push(cost(api, formula, ask));
    }
    let costs: Vec<_> = stream::iter(questions).buffered(IN_FLIGHT).collect().await;
    let mut found = Vec::new();
    let (mut samples, mut time, mut asked) = (0.0, 0.0, 0_u32);
    for ((plan, _), cost) in chosen.iter().zip(&costs) {
        // Why a query is refused is told elsewhere.
        let Some(cost) = cost else { continue };
        samples += cost.samples.unwrap_or(0.0);
        time += cost.seconds;
        asked += 1;
        found.extend(judge(cost).map(|finding| finding.of_slo(&plan.slo.id())));
    }
    if asked > 0 {
        let what = format!(
            "the periods of {asked} of {} computed SLOs read {} million samples in {time:.1}s",
            computed.len(),
            (samples / 1e5).round() / 10.0,
        );
        found.push(Finding::new(Grade::Ok, "cost", what));
    }
    found
}

fn judge(cost: &Cost) -> Option<Finding> {
    let is_large = cost.samples.is_some_and(|samples| samples > MANY);
    if !is_large && cost.seconds <= SLOW {
        return None;
    }
    let read = cost.samples.map_or_else(String::new, |samples| {
        format!("reads {:.1} million samples and ", samples / 1e6)
    });
    let what = format!("its period {read}takes {:.1}s", cost.seconds);
    Some(
        Finding::new(Grade::Warning, "cost", what)
            .because("long windows are asked again and again, by everybody who watches")
            .advise("record them: `watchfire rules` writes the recording rules"),
    )
}

async fn cost(api: &Api, formula: &Formula, ask: &Ask) -> Option<Cost> {
    let mut all = Cost {
        samples: None,
        seconds: 0.0,
    };
    let time = ask.at.map(seconds);
    for query in formula.queries() {
        let mut form = vec![("query", query), ("stats", "all")];
        form.extend(time.as_deref().map(|time| ("time", time)));
        let began = Instant::now();
        let answer = api.ask::<Measured>("/api/v1/query", &form).await.ok()?;
        all.seconds += began.elapsed().as_secs_f64();
        let samples = answer
            .data
            .stats
            .and_then(|stats| stats.samples.total_queryable_samples);
        if let Some(samples) = samples {
            all.samples = Some(all.samples.unwrap_or(0.0) + samples);
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_dear_is_a_finding() {
        let cost = |samples, seconds| judge(&Cost { samples, seconds });
        assert!(cost(Some(9e6), 1.0).is_none());
        assert!(cost(None, 1.0).is_none());
        let large = cost(Some(25e6), 0.5).expect("a finding");
        assert!(large.what.raw().contains("25.0 million samples"));
        assert!(large.advice.raw().contains("watchfire rules"));
        assert!(cost(None, 3.0).is_some());
    }
}
