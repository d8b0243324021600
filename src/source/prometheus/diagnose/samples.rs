//! The samples behind an SLO: how many, how often, how old, and where some are missing.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::super::api::{Api, Range, seconds};
use super::super::promql;
use super::selector::{Selector, written};
use crate::domain::explanation::{Data, Gap, Samples};
use crate::domain::{Explanation, Fault, Window, window};
use crate::source::Ask;
use crate::source::prometheus::api::moment;
use crate::text::Untrusted;

/// Queries in flight: long windows are dear.
const IN_FLIGHT: usize = 4;
/// How far back gaps are looked for closely.
const CLOSE: SignedDuration = SignedDuration::from_hours(6);
/// Points of a range that gaps are looked for in.
const POINTS: i32 = 360;
/// The time over which the usual distance of two samples is looked for.
const RECENT: Window = Window::hours(1);

/// Looks at the samples of these selectors, and adds what they say to an explanation. What cannot be
/// found out is one of its lacks.
pub(super) async fn look(
    api: &Api,
    selectors: &[Selector],
    ask: &Ask,
    explained: &mut Explanation,
) {
    if selectors.is_empty() {
        return;
    }
    let look = Look {
        api,
        selectors,
        at: ask.at,
    };
    let mut data = Data::default();
    match look.newest().await {
        Ok((newest, present)) => {
            data.newest = newest;
            data.present = ask.at.or(present);
        }
        Err(fault) => note(explained, "the newest sample", &fault),
    }
    let interval = look.interval().await;
    let windows: Vec<_> = explained.spans.iter().map(|span| span.window).collect();
    let counts: Vec<_> = stream::iter(windows.into_iter().map(|window| look.samples(window)))
        .buffered(IN_FLIGHT)
        .collect()
        .await;
    let mut refusals: BTreeMap<Untrusted, Vec<String>> = BTreeMap::new();
    for (span, count) in explained.spans.iter_mut().zip(counts) {
        match count {
            Ok(samples) => span.samples = Some(samples),
            Err(fault) => {
                let windows = refusals.entry(fault.message).or_default();
                windows.push(span.window.to_string());
            }
        }
    }
    for (why, windows) in refusals {
        let words = format!("the samples of {}: {}", windows.join(", "), why.raw());
        explained.lacks.push(words.into());
    }
    match interval {
        Ok(Some(interval)) => data.interval = Some(interval),
        refused => {
            data.interval = counted_interval(explained);
            if let (Err(fault), None) = (refused, data.interval) {
                note(explained, "the distance of two samples", &fault);
            }
        }
    }
    let end = data.present.unwrap_or(explained.seen.at);
    if let Err(fault) = look.gaps(end, explained, &mut data).await {
        note(explained, "gaps", &fault);
    }
    explained.data = Some(data);
}

/// The distance of two samples by how many an hour holds, where the samples cannot be seen.
fn counted_interval(explained: &Explanation) -> Option<SignedDuration> {
    let mut spans = explained.spans.iter();
    let span = spans.find(|span| span.window >= RECENT)?;
    let fullest = span.samples?.fullest;
    if fullest < 2.0 {
        return None;
    }
    let seconds = (f64::from(span.window.seconds()) / fullest).round();
    SignedDuration::try_from_secs_f64(seconds).ok()
}

fn note(explained: &mut Explanation, what: &str, fault: &Fault) {
    let words = format!("{what}: {}", fault.message.raw());
    explained.lacks.push(words.into());
}

/// Some selectors, looked at on one server at one moment.
pub(super) struct Look<'a> {
    pub(super) api: &'a Api,
    pub(super) selectors: &'a [Selector],
    pub(super) at: Option<Timestamp>,
}

/// The raw samples of one series.
#[derive(Deserialize)]
struct Raw {
    result: Vec<RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    #[serde(default)]
    values: Vec<(f64, serde::de::IgnoredAny)>,
    #[serde(default)]
    histograms: Vec<(f64, serde::de::IgnoredAny)>,
}

impl RawSeries {
    fn times(&self) -> Vec<f64> {
        let values = self.values.iter().map(|(at, _)| *at);
        let histograms = self.histograms.iter().map(|(at, _)| *at);
        let mut times: Vec<_> = values.chain(histograms).collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

impl Look<'_> {
    /// Something of all selectors at once.
    fn union(&self, of: impl Fn(String) -> String) -> String {
        let each = self.selectors.iter().map(|one| of(one.text()));
        each.collect::<Vec<_>>().join(" or ")
    }

    fn counted(&self, window: impl std::fmt::Display) -> String {
        self.union(|selector| format!("count_over_time({selector}[{window}])"))
    }

    /// The values of some expressions in one query; `None` where there is no such series.
    async fn values(&self, expressions: &[&str]) -> Result<Vec<Option<f64>>, Fault> {
        let query = promql::joined(expressions.iter().copied());
        let mut values = vec![None; expressions.len()];
        for series in self.api.query(&query, self.at).await?.data {
            let tag = series.labels.get(promql::TAG);
            let tag = tag.and_then(|tag| tag.parse::<usize>().ok());
            if let Some(value) = tag.and_then(|tag| values.get_mut(tag)) {
                *value = Some(series.value);
            }
        }
        Ok(values)
    }

    /// The newest sample of the last day, and the server's present.
    pub(super) async fn newest(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Fault> {
        let now = self.union(|selector| format!("timestamp({selector})"));
        let now = format!("max({now})");
        let values = self.values(&[&now, "time()"]).await?;
        let (mut newest, present) = (values[0], values[1]);
        if newest.is_none() {
            // Five minutes after its last sample, a series is gone from an instant query.
            let day = self.union(|one| format!("max_over_time(timestamp({one})[1d:1m])"));
            newest = self.values(&[&format!("max({day})")]).await?[0];
        }
        Ok((newest.and_then(moment), present.and_then(moment)))
    }

    /// The time that usually lies between two samples of the series that has most of them.
    pub(super) async fn interval(&self) -> Result<Option<SignedDuration>, Fault> {
        let fullest = format!("topk(1, {})", self.counted(RECENT));
        let answer = self.api.query(&fullest, self.at).await?;
        let Some(series) = answer.data.into_iter().next() else {
            return Ok(None);
        };
        let names = self.selectors.iter().filter_map(Selector::name);
        let Some(name) = names.into_iter().next() else {
            return Ok(None);
        };
        let query = format!("{}[{RECENT}]", written(name, series.labels.iter()));
        let time = self.at.map(seconds);
        let mut form = vec![("query", query.as_str())];
        form.extend(time.as_deref().map(|time| ("time", time)));
        let raw: Raw = self.api.ask("/api/v1/query", &form).await?.data;
        let series = raw.result.iter().map(RawSeries::times);
        let times = series.max_by_key(Vec::len).unwrap_or_default();
        let mut steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_by(f64::total_cmp);
        let usual = steps.get(steps.len() / 2).copied();
        Ok(usual.and_then(|usual| SignedDuration::try_from_secs_f64(usual).ok()))
    }

    /// How many samples a window holds.
    async fn samples(&self, window: Window) -> Result<Samples, Fault> {
        let counted = self.counted(window);
        let [all, series, fullest] =
            ["sum", "count", "max"].map(|aggregate| format!("{aggregate}({counted})"));
        let values = self.values(&[&all, &series, &fullest]).await?;
        let [count, series, fullest] = [0, 1, 2].map(|place| values[place].unwrap_or(0.0));
        Ok(Samples {
            count,
            series,
            fullest,
        })
    }

    /// Looks for the oldest sample of the period and for the longest time without any.
    async fn gaps(
        &self,
        end: Timestamp,
        explained: &mut Explanation,
        data: &mut Data,
    ) -> Result<(), Fault> {
        let usual = data.interval.unwrap_or(SignedDuration::from_mins(1));
        let least = (usual * 2).max(SignedDuration::from_mins(1));
        let period = explained.seen.period_elapsed.max(least);
        let step = (period / POINTS).max(least);
        let far = self.buckets(end - period, end, step).await?;
        data.gap = far.longest_gap();
        data.resolution = Some(far.step);
        if period > CLOSE {
            let near = self.buckets(end - CLOSE, end, least).await?;
            if let Some(gap) = near.longest_gap()
                && data.gap.is_none_or(|known| known.length() < gap.length())
            {
                data.gap = Some(gap);
            }
            data.resolution = Some(near.step);
        }
        if explained.seen.since.is_none() {
            explained.seen.since = self.oldest(&far, end - period).await?;
        }
        Ok(())
    }

    /// The oldest sample at or after `start`, to a sixtieth of a bucket.
    async fn oldest(
        &self,
        buckets: &Buckets,
        start: Timestamp,
    ) -> Result<Option<Timestamp>, Fault> {
        let Some(&first) = buckets.full.first() else {
            return Ok(None);
        };
        let begins = first - buckets.step;
        if begins <= start {
            return Ok(Some(start));
        }
        let fine = (buckets.step / 60).max(SignedDuration::from_secs(1));
        let closer = self.buckets(begins, first, fine).await?;
        let oldest = closer.full.first().map(|first| *first - closer.step);
        Ok(Some(oldest.unwrap_or(begins).max(start)))
    }

    /// Which stretches of a time hold samples.
    async fn buckets(
        &self,
        start: Timestamp,
        end: Timestamp,
        step: SignedDuration,
    ) -> Result<Buckets, Fault> {
        let step = SignedDuration::from_secs(step.as_secs().max(1));
        let end = window::align(end, step);
        let query = format!("sum({})", self.counted(format!("{}s", step.as_secs())));
        let range = Range { start, end, step };
        let start = window::align(start, step) + step;
        let range = Range { start, ..range };
        let answer = self.api.query_range(&query, range).await?;
        let series = answer.data.into_iter().flat_map(|series| series.points);
        let full = series.filter(|(_, count)| *count > 0.0);
        Ok(Buckets {
            full: full.map(|(at, _)| at).collect(),
            step,
        })
    }
}

/// The ends of the stretches of `step` that hold samples, oldest first.
struct Buckets {
    full: Vec<Timestamp>,
    step: SignedDuration,
}

impl Buckets {
    /// The longest time that surely lies between two samples without any.
    fn longest_gap(&self) -> Option<Gap> {
        let pairs = self.full.windows(2).map(|pair| Gap {
            from: pair[0],
            until: pair[1] - self.step,
        });
        pairs
            .filter(|gap| gap.length() >= self.step)
            .max_by_key(|gap| gap.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_lies_between_two_full_stretches() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).expect("a moment");
        let buckets = |full: &[i64]| Buckets {
            full: full.iter().map(|minute| at(*minute)).collect(),
            step: SignedDuration::from_mins(1),
        };
        assert_eq!(buckets(&[1, 2, 3, 4]).longest_gap(), None);
        assert_eq!(buckets(&[]).longest_gap(), None);
        let gap = buckets(&[1, 2, 5, 6, 9, 30]).longest_gap().expect("a gap");
        assert_eq!((gap.from, gap.until), (at(9), at(29)));
    }
}
