//! The demo's Prometheus: its HTTP API as far as watchfire asks it, with its own error envelope.
//!
//! Shapes and refusals as Prometheus sends them: `docs/querying/api.md` of its repository, and 2.42
//! asked by hand.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use jiff::Timestamp;
use promql_parser::util::parse_duration;
use serde_json::{Value, json};

use super::promql::{self, Outcome, Question, Refusal};
use super::series::{Labels, Series};
use super::world::{Moment, World};

/// The most points of one series in a range, as in Prometheus.
const MAX_POINTS: f64 = 11_000.0;

/// The parameters of a request, in order.
pub(super) type Asked = [(String, String)];

/// `/api/v1/query`.
pub(super) fn instant(
    world: &World,
    series: &[Series],
    asked: &Asked,
    now: Moment,
) -> (StatusCode, Value) {
    enveloped((|| {
        let at = match text(asked, "time") {
            "" => now,
            given => moment(world, given).ok_or_else(|| {
                let problem = format!("cannot parse {given:?} to a valid timestamp");
                bad("time", &format!("Invalid time value for 'time': {problem}"))
            })?,
        };
        let stamp = world.time(at).as_duration().as_secs_f64();
        let point = |value: f64| json!([stamp, spelled(value)]);
        let (kind, result) = match question(world, series, asked)?.at(at, now)? {
            Outcome::Scalar(value) => ("scalar", point(value)),
            Outcome::Vector(vector) => {
                let row = |(labels, value)| json!({"metric": labels, "value": point(value)});
                ("vector", vector.into_iter().map(row).collect())
            }
        };
        Ok(json!({"resultType": kind, "result": result}))
    })())
}

/// `/api/v1/query_range`.
pub(super) fn range(
    world: &World,
    series: &[Series],
    asked: &Asked,
    now: Moment,
) -> (StatusCode, Value) {
    enveloped((|| {
        let required = |name: &str| {
            let given = text(asked, name);
            let problem = || {
                bad(
                    name,
                    &format!("cannot parse {given:?} to a valid timestamp"),
                )
            };
            moment(world, given).ok_or_else(problem)
        };
        let (start, end) = (required("start")?, required("end")?);
        if end < start {
            return Err(bad("end", "end timestamp must not be before start time"));
        }
        let step = step(text(asked, "step"))?;
        if (end - start) / step > MAX_POINTS {
            return Err(Refusal::BadData(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the \
                 query resolution (?step=XX)"
                    .to_owned(),
            ));
        }
        let question = question(world, series, asked)?;
        let mut rows: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
        let moments = (0_u32..).map(|turn| start + step * f64::from(turn));
        for at in moments.take_while(|&at| at <= end) {
            let stamp = world.time(at).as_duration().as_secs_f64();
            let vector = match question.at(at, now)? {
                Outcome::Scalar(value) => vec![(Labels::new(), value)],
                Outcome::Vector(vector) => vector,
            };
            for (labels, value) in vector {
                rows.entry(labels)
                    .or_default()
                    .push(json!([stamp, spelled(value)]));
            }
        }
        let row = |(labels, values)| json!({"metric": labels, "values": values});
        let result: Vec<_> = rows.into_iter().map(row).collect();
        Ok(json!({"resultType": "matrix", "result": result}))
    })())
}

/// `/api/v1/label/__name__/values`: of the series that the selectors select, whenever they were there.
pub(super) fn names(_: &World, series: &[Series], asked: &Asked, _: Moment) -> (StatusCode, Value) {
    let selectors = asked.iter().filter(|(name, _)| name == "match[]");
    enveloped((|| {
        let mut names = BTreeSet::new();
        for (_, selector) in selectors {
            names.extend(promql::names(series, selector)?);
        }
        Ok(json!(names))
    })())
}

/// `/api/v1/status/buildinfo`.
pub(super) fn build_info() -> Value {
    success(&json!({
        "version": env!("CARGO_PKG_VERSION"), "revision": "demo", "branch": "demo",
        "buildUser": "", "buildDate": "", "goVersion": "",
    }))
}

/// An answer in Prometheus' envelope.
pub(super) fn success(data: &Value) -> Value {
    json!({"status": "success", "data": data})
}

/// A refusal in Prometheus' envelope.
pub(super) fn refused(refusal: Refusal) -> (StatusCode, Value) {
    let (status, kind, message) = match refusal {
        Refusal::BadData(message) => (StatusCode::BAD_REQUEST, "bad_data", message),
        Refusal::Execution(message) => (StatusCode::UNPROCESSABLE_ENTITY, "execution", message),
    };
    (
        status,
        json!({"status": "error", "errorType": kind, "error": message}),
    )
}

fn enveloped(outcome: Result<Value, Refusal>) -> (StatusCode, Value) {
    match outcome {
        Ok(data) => (StatusCode::OK, success(&data)),
        Err(refusal) => refused(refusal),
    }
}

fn question<'a>(
    world: &'a World,
    series: &'a [Series],
    asked: &Asked,
) -> Result<Question<'a>, Refusal> {
    let query = text(asked, "query");
    if query.trim().is_empty() {
        return Err(bad(
            "query",
            "1:1: parse error: no expression found in input",
        ));
    }
    Question::parse(world, series, query)
}

fn bad(parameter: &str, problem: &str) -> Refusal {
    Refusal::BadData(format!("invalid parameter \"{parameter}\": {problem}"))
}

fn text<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked
        .iter()
        .find(|(it, _)| it == name)
        .map_or("", |(_, value)| value)
}

/// Unix seconds or RFC 3339.
fn moment(world: &World, text: &str) -> Option<Moment> {
    let time = match text.parse::<f64>() {
        Ok(seconds) => Timestamp::UNIX_EPOCH
            .checked_add(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?)
            .ok()?,
        Err(_) => text.parse::<Timestamp>().ok()?,
    };
    Some(world.moment(time))
}

/// Seconds, or a duration as Prometheus spells it.
fn step(text: &str) -> Result<f64, Refusal> {
    let seconds = text.parse::<f64>().ok();
    let spelled = || {
        parse_duration(text)
            .ok()
            .map(|duration| duration.as_secs_f64())
    };
    match seconds.or_else(spelled) {
        Some(step) if step > 0.0 && step.is_finite() => Ok(step),
        Some(_) => Err(bad(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        )),
        None => Err(bad(
            "step",
            &format!("cannot parse {text:?} to a valid duration"),
        )),
    }
}

/// A sample's value: always a string in JSON, as NaN and the infinities have no number there.
fn spelled(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else {
        value.to_string()
    }
}
