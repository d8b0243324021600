//! Range queries: an expression at many moments.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answered, Api, Labels, WirePoint, envelope, seconds};
use crate::domain::{Fault, FaultKind};

/// One series of a range query, oldest point first.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct RangeSeries {
    pub(in crate::source::prometheus) name: String,
    pub(in crate::source::prometheus) labels: Labels,
    pub(in crate::source::prometheus) points: Vec<(Timestamp, f64)>,
}

impl RangeSeries {
    fn read(text: &RawValue) -> Result<Self, Fault> {
        let series: WireRange = serde_json::from_str(text.get()).map_err(|error| {
            let message = format!("sent a series that is none: {error}");
            Fault::new(FaultKind::Decode, message)
        })?;
        let mut labels = series.metric;
        let name = labels.remove("__name__").unwrap_or_default();
        let points = series.values.iter();
        let points = points.map(|point| Ok((point.time()?, point.number()?)));
        Ok(Self {
            name,
            labels,
            points: points.collect::<Result<_, Fault>>()?,
        })
    }
}

/// The span and step of a range query.
#[derive(Clone, Copy, Debug)]
pub(in crate::source::prometheus) struct Range {
    pub(in crate::source::prometheus) start: Timestamp,
    pub(in crate::source::prometheus) end: Timestamp,
    pub(in crate::source::prometheus) step: SignedDuration,
}

#[derive(Deserialize)]
struct Matrix<'a> {
    /// Read one by one: what the answers of thousands of series become is larger by far than they.
    #[serde(borrow)]
    result: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireRange {
    metric: Labels,
    #[serde(default)]
    values: Vec<WirePoint>,
}

impl Api {
    /// Evaluates an expression at many moments.
    pub(in crate::source::prometheus) async fn query_range(
        &self,
        query: &str,
        range: Range,
    ) -> Result<Answered<Vec<RangeSeries>>, Fault> {
        let mut all = Vec::new();
        let each = |series| all.push(series);
        let answer = self.each_of_range(query, range, each).await?;
        Ok(Answered {
            data: all,
            warnings: answer.warnings,
            partial: answer.partial,
        })
    }

    /// The same, with each series handed over by itself.
    pub(in crate::source::prometheus) async fn each_of_range(
        &self,
        query: &str,
        range: Range,
        mut each: impl FnMut(RangeSeries),
    ) -> Result<Answered<()>, Fault> {
        let (start, end) = (seconds(range.start), seconds(range.end));
        let step = range.step.as_secs().max(1).to_string();
        let form = [
            ("query", query),
            ("start", &*start),
            ("end", &*end),
            ("step", &*step),
        ];
        let answer = self.answer("/api/v1/query_range", &form).await?;
        let answer: Answered<Matrix<'_>> = envelope(&answer)?;
        for series in answer.data.result {
            each(RangeSeries::read(series)?);
        }
        Ok(Answered {
            data: (),
            warnings: answer.warnings,
            partial: answer.partial,
        })
    }
}
