//! The Prometheus HTTP API as far as it is used: instant and range queries, rules, alerts.
//!
//! Wire facts: <https://prometheus.io/docs/prometheus/latest/querying/api/>. Thanos, Mimir and
//! VictoriaMetrics speak the same; `isPartial` is VictoriaMetrics cluster's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::domain::{Fault, FaultKind, window};
use crate::http::{self, Answer, Http, RowLimit};
use crate::source::alert;
use crate::text::Untrusted;

/// Statuses whose body is Prometheus' own error envelope, and those of a proxy to which a query is
/// too long (413, 414, 431): a shorter one may pass.
const REFUSALS: &[u16] = &[400, 405, 413, 414, 422, 431, 503];

/// An answer of so many bytes takes longer to read than a thread to begin.
const LONG: usize = 256 * 1024;

/// How many series one answer may hold.
const SERIES: RowLimit = RowLimit::new("series", "aggregate them, as in `sum by (service) (…)`");
/// How many elements one list of the rules may hold.
const RULES: RowLimit = RowLimit {
    most: 50_000,
    what: "rules",
    fix: "ask a ruler that evaluates fewer",
};
/// How many alerts are made to incidents.
pub(super) const ALERTS: RowLimit = RowLimit {
    fix: "set `alerts = false`, and ask the Alertmanager with a `filter`",
    ..alert::MAX_ALERTS
};

mod labels;
mod members;
mod metric;
mod range;

pub(super) use labels::Labels;
use metric::Metrics;
pub(super) use metric::{Metric, Roll, Series};
pub(super) use range::{Range, RangeSeries};

/// A client of one Prometheus-compatible server, or of the servers of one highly available pair.
pub(super) struct Api {
    members: Vec<Http>,
    /// The place of the one that is asked.
    chosen: AtomicUsize,
    /// Set once a server has refused to take queries by POST.
    by_get: AtomicBool,
    /// The last moment that the server chose itself to answer for, in Unix milliseconds.
    present: AtomicI64,
    /// True since an answer about the present came in this poll.
    has_told: AtomicBool,
    metrics: Metrics,
}

/// An answer and how far it can be trusted.
#[derive(Debug)]
pub(super) struct Answered<T> {
    pub(super) data: T,
    /// What the server warned of: with Thanos it can mean that a part did not answer.
    pub(super) warnings: Vec<Untrusted>,
    /// True when the server said that parts are missing.
    pub(super) partial: bool,
}

/// What is kept of an answer for the next one.
#[derive(Clone, Copy)]
enum Keep {
    /// The names of its series.
    Names,
    /// No more than its roll: thousands of names are megabytes.
    Nothing,
}

/// An answer that may be about the same series as an older one.
pub(super) enum Again {
    /// It is: their values, in the same order.
    Values(Vec<f64>),
    /// It is not, or nobody can tell: the roll is that of the next such answer.
    Series(Vec<Series>, Option<Roll>),
}

impl Again {
    /// One answer behind another; both are of one kind, or nothing was answered before.
    fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Values(mut values), Self::Values(more)) => {
                values.extend(more);
                Self::Values(values)
            }
            (Self::Values(_), next) => next,
            (Self::Series(mut all, roll), Self::Series(more, next)) => {
                let first = all.len();
                all.extend(more.into_iter().map(|series| series.moved(first)));
                Self::Series(all, roll.zip(next).map(|(roll, next)| roll.and(next)))
            }
            (known @ Self::Series(..), Self::Values(_)) => known,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Instant<'a> {
    #[serde(borrow)]
    Vector(Vec<WireSeries<'a>>),
    Scalar(WirePoint),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

/// The same from a server that says only behind the result of what type it is.
#[derive(Deserialize)]
struct Unordered<'a> {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

impl<'a> Unordered<'a> {
    fn ordered(&self) -> Result<Instant<'a>, serde_json::Error> {
        let text = self.result.get();
        Ok(match self.kind.as_str() {
            "vector" => Instant::Vector(serde_json::from_str(text)?),
            "scalar" => Instant::Scalar(serde_json::from_str(text)?),
            _ => Instant::String(serde::de::IgnoredAny),
        })
    }
}

impl Instant<'_> {
    /// The moment that it was evaluated for.
    fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Vector(series) => series.first()?.value.as_ref()?.time().ok(),
            Self::Scalar(point) => point.time().ok(),
            Self::Matrix(_) | Self::String(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct WireSeries<'a> {
    /// As it is written: mostly it is known already.
    #[serde(borrow)]
    metric: &'a RawValue,
    /// Absent for a native histogram, which is no number.
    value: Option<WirePoint>,
}

/// `[unix seconds, "value"]`; values are strings so that NaN and infinities can be said.
#[derive(Deserialize)]
struct WirePoint(f64, WireNumber);

/// A number written as text, read where it stands: a range of a thousand SLOs has 60,000 of them.
enum WireNumber {
    Number(f64),
    Other(String),
}

impl<'de> Deserialize<'de> for WireNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = WireNumber;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<WireNumber, E> {
                let number = text.parse().map(WireNumber::Number);
                Ok(number.unwrap_or_else(|_| WireNumber::Other(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl WirePoint {
    fn number(&self) -> Result<f64, Fault> {
        match &self.1 {
            WireNumber::Number(number) => Ok(*number),
            WireNumber::Other(text) => Err(Fault::new(
                FaultKind::Decode,
                format!("sent `{text}` where a number belongs"),
            )),
        }
    }

    fn time(&self) -> Result<Timestamp, Fault> {
        SignedDuration::try_from_secs_f64(self.0)
            .ok()
            .and_then(|since_epoch| Timestamp::from_duration(since_epoch).ok())
            .ok_or_else(|| Fault::new(FaultKind::Decode, "sent a time that is none"))
    }
}

/// The rules a server evaluates.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RuleGroups {
    pub(super) groups: Vec<RuleGroup>,
}

/// Some of them.
#[derive(Debug, Deserialize)]
pub(super) struct RuleGroup {
    #[serde(default)]
    pub(super) rules: Vec<WireRule>,
}

/// A recording or an alerting rule; `kind` tells which, fields of neither are left out.
#[derive(Debug, Deserialize, PartialEq)]
pub(super) struct WireRule {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) query: String,
    #[serde(default)]
    pub(super) labels: Labels,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<WireAlert>,
}

/// An alert that Prometheus itself knows of.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAlert {
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) active_at: Option<Timestamp>,
}

/// Seconds of a server as a moment.
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since).ok()
}

impl Api {
    /// Asks the first of these servers; see [`Api::choose`]. There is at least one.
    pub(super) fn new(members: Vec<Http>) -> Self {
        Self {
            members,
            chosen: AtomicUsize::new(0),
            by_get: AtomicBool::new(false),
            present: AtomicI64::new(i64::MIN),
            has_told: AtomicBool::new(false),
            metrics: Metrics::default(),
        }
    }

    /// Evaluates an expression at one moment; `None` is the present by the server's own clock,
    /// which is the one its samples are dated by: a laptop's may be minutes off.
    pub(super) async fn query(
        &self,
        query: &str,
        at: Option<Timestamp>,
    ) -> Result<Answered<Vec<Series>>, Fault> {
        let answer = self.instant(query, at).await?;
        self.read(instant(&answer)?, at, Keep::Names)
    }

    /// The same for several queries at once, whose series were mostly there before: names are not
    /// read again when they are those of `known`.
    pub(super) async fn query_again(
        &self,
        queries: &[impl AsRef<str>],
        at: Option<Timestamp>,
        known: Option<&Roll>,
    ) -> Result<Answered<Again>, Fault> {
        let queries = queries.iter().map(AsRef::as_ref);
        let answers = try_join_all(queries.map(|query| self.instant(query, at))).await?;
        http::hold_together(&answers)?;
        let mut pieces = side_by_side(&answers, |index, answer| {
            self.read_again(answer, at, known.and_then(|roll| roll.of(index)))
        })?;
        let is_known = |read: &Answered<Again>| matches!(read.data, Again::Values(_));
        if !pieces.iter().all(is_known) {
            for (read, answer) in pieces.iter_mut().zip(&answers) {
                if is_known(read) {
                    *read = self.read_again(answer, at, None)?;
                }
            }
        }
        let mut all = Answered {
            data: Again::Values(Vec::new()),
            warnings: Vec::new(),
            partial: false,
        };
        for read in pieces {
            all.data = all.data.and(read.data);
            all.warnings.extend(read.warnings);
            all.partial |= read.partial;
        }
        Ok(all)
    }

    /// Values alone, where they are those of the series that are known.
    fn read_again(
        &self,
        answer: &Answer,
        at: Option<Timestamp>,
        known: Option<&[u64]>,
    ) -> Result<Answered<Again>, Fault> {
        let answer = instant(answer)?;
        let roll = match &answer.data {
            Instant::Vector(series) if series.iter().all(|one| one.value.is_some()) => {
                Some(self.metrics.roll(series.iter().map(|one| one.metric)))
            }
            _ => None,
        };
        match &answer.data {
            Instant::Vector(series) if roll.is_some() && roll.as_deref() == known => {
                self.note_present(&answer.data, at);
                let points = series.iter().filter_map(|one| one.value.as_ref());
                let values = points.map(WirePoint::number).collect::<Result<_, _>>()?;
                Ok(Answered {
                    data: Again::Values(values),
                    warnings: answer.warnings,
                    partial: answer.partial,
                })
            }
            _ => {
                if roll.as_deref().is_some_and(metric::has_twins) {
                    return Err(Fault::new(
                        FaultKind::Decode,
                        "the answer holds the same series twice, and which of them counts cannot be told",
                    ));
                }
                let answer = self.read(answer, at, Keep::Nothing)?;
                Ok(Answered {
                    data: Again::Series(answer.data, roll.map(Roll::of_one)),
                    warnings: answer.warnings,
                    partial: answer.partial,
                })
            }
        }
    }

    /// The same with each series handed over by itself, and kept nowhere: of thousands, what they are
    /// called is megabytes.
    pub(super) async fn each(
        &self,
        query: &str,
        at: Option<Timestamp>,
        mut each: impl FnMut(Metric, f64),
    ) -> Result<Answered<()>, Fault> {
        let answer = self.instant(query, at).await?;
        let answer = instant(&answer)?;
        self.note_present(&answer.data, at);
        if let Instant::Vector(series) = &answer.data {
            for one in series {
                if let Some(point) = &one.value {
                    let metric = metric::read(one.metric).map_err(|error| no_labels(&error))?;
                    each(metric, point.number()?);
                }
            }
        }
        Ok(Answered {
            data: (),
            warnings: answer.warnings,
            partial: answer.partial,
        })
    }

    async fn instant(&self, query: &str, at: Option<Timestamp>) -> Result<Answer, Fault> {
        let time = at.map(seconds);
        let mut form = vec![("query", query)];
        form.extend(time.as_deref().map(|time| ("time", time)));
        self.answer("/api/v1/query", &form).await
    }

    fn read(
        &self,
        answer: Answered<Instant<'_>>,
        at: Option<Timestamp>,
        keep: Keep,
    ) -> Result<Answered<Vec<Series>>, Fault> {
        let mut warnings = answer.warnings;
        self.note_present(&answer.data, at);
        let series = match answer.data {
            Instant::Vector(series) => self.vector(&series, keep, &mut warnings)?,
            Instant::Scalar(point) => {
                let value = point.number()?;
                vec![Series::new("", Labels::new(), value)]
            }
            Instant::Matrix(_) | Instant::String(_) => {
                return Err(Fault::new(
                    FaultKind::Query,
                    "the query answers with a range or a text; it must be one number a series",
                ));
            }
        };
        Ok(Answered {
            data: series,
            warnings,
            partial: answer.partial,
        })
    }

    fn note_present(&self, answer: &Instant<'_>, at: Option<Timestamp>) {
        if let (None, Some(present)) = (at, answer.time()) {
            self.present
                .store(present.as_millisecond(), Ordering::Relaxed);
            self.has_told.store(true, Ordering::Relaxed);
        }
    }

    /// How long ago, by the server's own clock, it was what the answers of this poll call the
    /// present; `None` where none spoke of it. To be asked once a poll, which began at `now`.
    pub(super) fn lag(&self, now: Timestamp) -> Option<SignedDuration> {
        let present = self.present()?;
        let by_its_clock = now + self.http().skew().unwrap_or_default();
        let has_told = self.has_told.swap(false, Ordering::Relaxed);
        has_told.then(|| window::age(present, by_its_clock))
    }

    /// The present by the server's own clock, as of its last answer about the present.
    pub(super) fn present(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.present.load(Ordering::Relaxed)).ok()
    }

    /// The rules that this server evaluates; none where it has no ruler.
    pub(super) async fn rules(&self) -> Result<RuleGroups, Fault> {
        match self.http().get("/api/v1/rules").rows(RULES).send().await {
            Ok(answer) => Ok(envelope::<RuleGroups>(&answer)?.data),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(RuleGroups::default()),
            Err(fault) => Err(fault),
        }
    }

    /// The alerts that this server's rules have raised.
    pub(super) async fn alerts(&self) -> Result<Vec<WireAlert>, Fault> {
        let answer = self.http().get("/api/v1/alerts").rows(ALERTS);
        let answer = answer.send().await?;
        Ok(envelope::<Alerts>(&answer)?.data.alerts)
    }

    /// Asks by POST, since queries outgrow URLs; by GET where a proxy allows nothing else.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answered<T>, Fault> {
        envelope(&self.answer(path, form).await?)
    }

    async fn answer(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, Fault> {
        self.answer_of(self.http(), path, form).await
    }

    async fn answer_of(
        &self,
        http: &Http,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Fault> {
        if !self.by_get.load(Ordering::Relaxed) {
            let answer = http
                .post_form(path, form)
                .rows(SERIES)
                .accept(REFUSALS)
                .send()
                .await?;
            if answer.status != 405 {
                return Ok(answer);
            }
            self.by_get.store(true, Ordering::Relaxed);
        }
        let request = form.iter().fold(http.get(path), |request, (name, value)| {
            request.query(name, value)
        });
        request.rows(SERIES).accept(REFUSALS).send().await
    }

    fn vector(
        &self,
        all: &[WireSeries<'_>],
        keep: Keep,
        warnings: &mut Vec<Untrusted>,
    ) -> Result<Vec<Series>, Fault> {
        let names = all.iter().map(|series| series.metric);
        let metrics = match keep {
            Keep::Names => self.metrics.of(names),
            Keep::Nothing => Metrics::once(names),
        };
        let metrics = metrics.map_err(|error| no_labels(&error))?;
        let mut numbers = Vec::with_capacity(all.len());
        for (place, (series, metric)) in all.iter().zip(metrics).enumerate() {
            if let Some(point) = &series.value {
                numbers.push(Series::answered(metric, point.number()?, place));
            } else {
                warnings.push(Untrusted::from(format!(
                    "`{}` is a native histogram: wrap it in histogram_count or histogram_fraction",
                    metric.name
                )));
            }
        }
        Ok(numbers)
    }
}

/// Reads answers, long ones each on a core of its own: they come at the same time.
fn side_by_side<T: Send>(
    answers: &[Answer],
    read: impl Fn(usize, &Answer) -> Result<T, Fault> + Sync,
) -> Result<Vec<T>, Fault> {
    let mut all = answers.iter().enumerate();
    if answers.iter().all(|answer| answer.body.len() < LONG) {
        return all.map(|(index, answer)| read(index, answer)).collect();
    }
    let read = &read;
    thread::scope(|scope| {
        let first = all.next();
        let others = all.map(|(index, answer)| scope.spawn(move || read(index, answer)));
        let others: Vec<_> = others.collect();
        let first = first.map(|(index, answer)| read(index, answer));
        let others = others.into_iter().map(|other| {
            let read = other.join();
            read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        first.into_iter().chain(others).collect()
    })
}

fn no_labels(error: &serde_json::Error) -> Fault {
    let message = format!("sent labels that are none: {error}");
    Fault::new(FaultKind::Decode, message)
}

/// Reads the answer to an instant query.
fn instant(answer: &Answer) -> Result<Answered<Instant<'_>>, Fault> {
    let fault = match envelope(answer) {
        Err(fault) if fault.kind == FaultKind::Decode => fault,
        answer => return answer,
    };
    let Ok(unordered) = envelope::<Unordered<'_>>(answer) else {
        return Err(fault);
    };
    Ok(Answered {
        data: unordered.data.ordered().map_err(|_| fault)?,
        warnings: unordered.warnings,
        partial: unordered.partial,
    })
}

/// True when a query was refused for its length: by a proxy's status, or in the words of
/// `VictoriaMetrics` ("too long query; got … bytes; mustn't exceed `-search.maxQueryLen`").
pub(super) fn is_too_long(fault: &Fault) -> bool {
    let said = fault.message.raw();
    fault.kind == FaultKind::Query
        && [
            "answered 413",
            "answered 414",
            "answered 431",
            "maxQueryLen",
            "too long",
            "too large",
        ]
        .iter()
        .any(|words| said.contains(words))
}

/// True for a warning that a part of the data did not answer: a store of Thanos, or a remote read.
/// The engine's own remarks on a query begin with `PromQL warning: ` or `PromQL info: `
/// (prometheus, `util/annotations`).
fn is_of_storage(warning: &str) -> bool {
    !warning.starts_with("PromQL ")
}

/// Unwraps Prometheus' envelope; an error in it becomes a fault in its own words.
pub(super) fn envelope<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<Answered<T>, Fault> {
    let envelope: Envelope<T> = match answer.json() {
        Ok(envelope) => envelope,
        // A proxy's own error page under a status that Prometheus uses too.
        Err(fault) if answer.status >= 400 => {
            let kind = if answer.status == 503 {
                FaultKind::Server
            } else {
                FaultKind::Query
            };
            let said = fault.message.raw();
            return Err(Fault::new(
                kind,
                format!("answered {} ({said})", answer.status),
            ));
        }
        Err(fault) => return Err(fault),
    };
    let partial = envelope.warnings.iter().any(|one| is_of_storage(one));
    match envelope.data {
        Some(data) if envelope.status == "success" => Ok(Answered {
            data,
            warnings: envelope
                .warnings
                .into_iter()
                .chain(envelope.infos)
                .map(Untrusted::from)
                .collect(),
            partial: envelope.is_partial || partial,
        }),
        _ => {
            let reason = envelope
                .error
                .unwrap_or_else(|| "no reason given".to_owned());
            let kind = if answer.status == 503 {
                FaultKind::Server
            } else {
                FaultKind::Query
            };
            Err(Fault::new(kind, format!("refused the query: {reason}")))
        }
    }
}

/// Unix seconds with milliseconds, as every compatible server reads them.
pub(super) fn seconds(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    format!(
        "{}.{:03}",
        millis.div_euclid(1_000),
        millis.rem_euclid(1_000)
    )
}
