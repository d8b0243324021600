//! The JSON of `explain`: fields are added, never changed; what cannot be known is `null`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::explanation::{
    Evidence, Request, because, budget_left, estimates, exhaustion, good, held_rate, reading_word,
};
use crate::domain::slo::RuleVerdict;
use crate::domain::{
    Assessment, Explanation, Origin, Period, Phase, Reading, Severity, State, Window,
};
use crate::text::Untrusted;

/// An explanation as `watchfire/explain/v1`.
#[derive(Serialize)]
pub struct ExplainJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    at: Option<Timestamp>,
    id: &'a Untrusted,
    service: &'a Untrusted,
    name: &'a Untrusted,
    source: &'a str,
    origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_because: Option<&'a Untrusted>,
    objective: f64,
    error_budget: f64,
    period: PeriodJson,
    state: State,
    phase: Option<Phase>,
    because: Vec<String>,
    partial: bool,
    #[serde(serialize_with = "crate::print::seconds")]
    observed_at: Timestamp,
    windows: Vec<WindowJson<'a>>,
    rules: Vec<RuleJson>,
    budget: BudgetJson,
    data: DataJson,
    estimates: Vec<String>,
    notes: &'a [String],
    not_found_out: &'a [Untrusted],
    requests: Vec<RequestJson<'a>>,
}

#[derive(Serialize)]
struct PeriodJson {
    name: String,
    kind: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    start: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    end: Timestamp,
    length_s: i64,
    elapsed_s: i64,
    zone: Option<String>,
}

#[derive(Serialize)]
struct WindowJson<'a> {
    window: String,
    is_period: bool,
    look_back_s: u32,
    reading: &'static str,
    good: Option<f64>,
    bad: Option<f64>,
    total: Option<f64>,
    error_ratio: Option<f64>,
    burn_rate: Option<f64>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    measured_at: Option<Timestamp>,
    /// How much older it is than the shortest window's.
    older_s: Option<i64>,
    basis: &'static str,
    samples: Option<f64>,
    series: Option<f64>,
    fullest_series_samples: Option<f64>,
    expected_samples: Option<f64>,
    data_s: Option<i64>,
    is_estimate: Option<bool>,
    queries: Vec<QueryJson<'a>>,
}

#[derive(Serialize)]
struct QueryJson<'a> {
    name: &'a str,
    query: &'a Untrusted,
}

#[derive(Serialize)]
struct RuleJson {
    severity: Severity,
    long: Window,
    short: Window,
    factor: f64,
    long_burn_rate: Option<f64>,
    short_burn_rate: Option<f64>,
    firing: Option<bool>,
    phase: Phase,
    held_back: Option<HeldBackJson>,
}

#[derive(Serialize)]
struct HeldBackJson {
    bad: f64,
    needed: f64,
}

#[derive(Serialize)]
struct BudgetJson {
    remaining: Option<f64>,
    remaining_formula: Option<String>,
    exhausted: Option<bool>,
    exhausts_in_s: Option<i64>,
    exhausts_in_formula: String,
    hold_burn_rate: Option<f64>,
    hold_burn_rate_formula: Option<String>,
}

#[derive(Serialize)]
struct DataJson {
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    oldest_sample: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    newest_sample: Option<Timestamp>,
    newest_sample_age_s: Option<i64>,
    sampled_every_s: Option<f64>,
    longest_gap: Option<GapJson>,
    gap_resolution_s: Option<i64>,
}

#[derive(Serialize)]
struct GapJson {
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    length_s: i64,
}

impl<'a> ExplainJson<'a> {
    /// An explanation of the SLO that is called `id` across sources; `at` is the moment that was
    /// asked for, if any.
    pub fn of(
        explained: &'a Explanation,
        id: &'a Untrusted,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let seen = &explained.seen;
        let slo = &seen.slo;
        let verdict = seen.assess();
        let windows = explained.spans.iter();
        Self {
            schema: "watchfire/explain/v1",
            generated_at: now,
            at,
            id,
            service: &slo.service,
            name: &slo.name,
            source: slo.source.as_str(),
            origin: slo.origin,
            suggested_because: slo.suggested.as_ref().map(|grounds| &grounds.because),
            objective: slo.objective,
            error_budget: slo.error_budget(),
            period: PeriodJson::of(explained),
            state: verdict.state,
            phase: verdict.phase,
            because: because(seen, &verdict),
            partial: seen.partial,
            observed_at: seen.at,
            windows: windows
                .map(|span| WindowJson::of(explained, &verdict, span))
                .collect(),
            rules: verdict
                .rules
                .iter()
                .map(|row| RuleJson::of(row, slo.min_bad_events))
                .collect(),
            budget: BudgetJson {
                remaining: verdict.budget_remaining,
                remaining_formula: budget_left(seen, &verdict),
                exhausted: verdict.exhausted(),
                exhausts_in_s: verdict.exhausts_in.map(|left| left.as_secs()),
                exhausts_in_formula: exhaustion(seen, &verdict),
                hold_burn_rate: verdict.hold_burn_rate,
                hold_burn_rate_formula: held_rate(seen, &verdict),
            },
            data: DataJson::of(explained),
            estimates: estimates(explained),
            notes: &slo.notes,
            not_found_out: &explained.lacks,
            requests: explained.requests.iter().map(RequestJson::of).collect(),
        }
    }
}

impl PeriodJson {
    fn of(explained: &Explanation) -> Self {
        let seen = &explained.seen;
        let (start, end) = explained.bounds();
        let zone = explained.zone.as_ref();
        Self {
            name: seen.slo.period.to_string(),
            kind: match seen.slo.period {
                Period::Rolling(_) => "rolling",
                _ => "calendar",
            },
            start,
            end,
            length_s: seen.period_length.as_secs(),
            elapsed_s: seen.period_elapsed.as_secs(),
            zone: zone.and_then(TimeZone::iana_name).map(str::to_owned),
        }
    }
}

impl<'a> WindowJson<'a> {
    fn of(explained: &'a Explanation, verdict: &Assessment, span: &'a Evidence) -> Self {
        let sample = explained.sample(span);
        let seen = &explained.seen;
        let reading = sample.map_or(Reading::Unknown, |sample| sample.reading);
        let events = sample.and_then(|sample| sample.events);
        let coverage = explained.coverage(span);
        let data = explained.data.as_ref();
        Self {
            window: explained.name(span),
            is_period: span.is_period,
            look_back_s: span.window.seconds(),
            reading: reading_word(reading),
            good: events.map(good),
            bad: events.map(|events| events.bad),
            total: events.map(|events| events.total),
            error_ratio: reading.ratio(),
            burn_rate: if span.is_period {
                verdict.period_burn
            } else {
                verdict.burn_rates.get(&span.window).copied().flatten()
            },
            measured_at: sample
                .filter(|sample| sample.reading != Reading::Unknown)
                .map(|sample| sample.at),
            older_s: sample.and_then(|one| Some(seen.lag(one)?.as_secs())),
            basis: span.basis.word(),
            samples: span.samples.map(|samples| samples.count),
            series: span.samples.map(|samples| samples.series),
            fullest_series_samples: span.samples.map(|samples| samples.fullest),
            expected_samples: data.and_then(|data| data.expected(span.window)),
            data_s: coverage.map(|coverage| coverage.data.min(coverage.wanted).as_secs()),
            is_estimate: coverage.map(crate::domain::slo::Coverage::is_short),
            queries: span
                .queries
                .iter()
                .map(|(name, query)| QueryJson { name, query })
                .collect(),
        }
    }
}

impl RuleJson {
    fn of(row: &RuleVerdict, needed: f64) -> Self {
        Self {
            severity: row.rule.severity,
            long: row.rule.long,
            short: row.rule.short,
            factor: row.rule.factor,
            long_burn_rate: row.long,
            short_burn_rate: row.short,
            firing: row.firing,
            phase: row.phase(),
            held_back: row.held_back.map(|bad| HeldBackJson { bad, needed }),
        }
    }
}

impl DataJson {
    fn of(explained: &Explanation) -> Self {
        let data = explained.data.as_ref();
        Self {
            oldest_sample: explained.seen.since,
            newest_sample: data.and_then(|data| data.newest),
            newest_sample_age_s: data.and_then(|data| Some(data.age()?.as_secs())),
            sampled_every_s: data.and_then(|data| data.interval.map(|every| every.as_secs_f64())),
            longest_gap: data.and_then(|data| data.gap).map(|gap| GapJson {
                from: gap.from,
                until: gap.until,
                length_s: gap.length().as_secs(),
            }),
            gap_resolution_s: data.and_then(|data| data.resolution.map(|every| every.as_secs())),
        }
    }
}

impl<'a> RequestJson<'a> {
    fn of(request: &'a Request) -> Self {
        Self {
            what: &request.what,
            every_s: request.every.map(|every| every.as_secs()),
            query: &request.query,
            serves: &request.serves,
        }
    }
}

/// The requests of a refresh as `watchfire/plan/v1`.
#[derive(Serialize)]
pub struct PlanJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    sources: Vec<SourcePlanJson<'a>>,
}

#[derive(Serialize)]
struct SourcePlanJson<'a> {
    source: &'a str,
    requests: Option<Vec<RequestJson<'a>>>,
}

#[derive(Serialize)]
struct RequestJson<'a> {
    what: &'a str,
    every_s: Option<i64>,
    query: &'a Untrusted,
    serves: &'a [Untrusted],
}

impl<'a> PlanJson<'a> {
    /// The requests of each source, by its name; `None` of one that does not plan any.
    pub fn of(plans: &'a [(String, Option<Vec<Request>>)], now: Timestamp) -> Self {
        Self {
            schema: "watchfire/plan/v1",
            generated_at: now,
            sources: plans
                .iter()
                .map(|(source, requests)| SourcePlanJson {
                    source,
                    requests: requests
                        .as_ref()
                        .map(|requests| requests.iter().map(RequestJson::of).collect()),
                })
                .collect(),
        }
    }
}
