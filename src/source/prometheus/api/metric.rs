//! What series are called, each kept once: a server sends the same thousands of names with every
//! answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use super::labels::{Labels, Pairs};

/// Names that are kept; a kilobyte each, with their labels.
const MOST: usize = 32_768;

/// A name and labels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Metric {
    pub(in crate::source::prometheus) name: String,
    pub(in crate::source::prometheus) labels: Labels,
}

/// One series of an instant query; its name and labels are those of its [`Metric`].
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Series {
    metric: Arc<Metric>,
    pub(in crate::source::prometheus) value: f64,
    /// Where it stands in the answer; `None` for one that was made here.
    place: Option<usize>,
}

impl Series {
    /// A series of its own.
    pub(in crate::source::prometheus) fn new(
        name: impl Into<String>,
        labels: Labels,
        value: f64,
    ) -> Self {
        let name = name.into();
        Self {
            metric: Arc::new(Metric { name, labels }),
            value,
            place: None,
        }
    }

    pub(super) fn answered(metric: Arc<Metric>, value: f64, place: usize) -> Self {
        Self {
            metric,
            value,
            place: Some(place),
        }
    }

    /// The same in an answer that stands behind `others` more series.
    pub(super) fn moved(self, others: usize) -> Self {
        let place = self.place.map(|place| place + others);
        Self { place, ..self }
    }

    /// What it is called, kept once for all answers.
    pub(in crate::source::prometheus) fn metric(&self) -> &Arc<Metric> {
        &self.metric
    }

    /// The same under another name.
    pub(in crate::source::prometheus) fn called(&self, metric: Arc<Metric>) -> Self {
        Self {
            metric,
            value: self.value,
            place: None,
        }
    }

    /// Where it stands in the answer; `None` for one that was made here.
    pub(in crate::source::prometheus) fn place(&self) -> Option<usize> {
        self.place
    }
}

impl Deref for Series {
    type Target = Metric;

    fn deref(&self) -> &Metric {
        &self.metric
    }
}

/// What is changed becomes a metric of its own.
impl DerefMut for Series {
    fn deref_mut(&mut self) -> &mut Metric {
        Arc::make_mut(&mut self.metric)
    }
}

/// Reads a series' name and labels as they stand in an answer.
pub(super) fn read(text: &RawValue) -> Result<Metric, serde_json::Error> {
    let Pairs(mut pairs) = serde_json::from_str(text.get())?;
    let name = pairs.iter().position(|(label, _)| label == "__name__");
    let name = name.map(|place| pairs.remove(place).1.into_owned());
    Ok(Metric {
        name: name.unwrap_or_default(),
        labels: Labels::of(pairs),
    })
}

/// What the series of answers are called, in their order: a number for each. Two answers with equal
/// rolls speak of the same series in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source::prometheus) struct Roll(Vec<Vec<u64>>);

impl Roll {
    /// That of a single answer.
    pub(super) fn of_one(roll: Vec<u64>) -> Self {
        Self(vec![roll])
    }

    /// With another behind it.
    pub(super) fn and(mut self, next: Self) -> Self {
        self.0.extend(next.0);
        self
    }

    /// That of one of the answers.
    pub(super) fn of(&self, index: usize) -> Option<&[u64]> {
        self.0.get(index).map(Vec::as_slice)
    }
}

/// True when an answer with this roll holds a series twice.
pub(super) fn has_twins(roll: &[u64]) -> bool {
    let mut sorted = roll.to_vec();
    sorted.sort_unstable();
    !sorted.is_sorted_by(|one, next| one < next)
}

/// The metrics that a server has told of.
///
/// They are told apart by 64 bits of a keyed hash (`SipHash`, another key in each process) of how
/// the server wrote them: two of 30,000 look alike once in some 10^10 runs.
#[derive(Default)]
pub(super) struct Metrics {
    state: RandomState,
    known: Mutex<HashMap<u64, Arc<Metric>>>,
}

impl Metrics {
    /// The roll of an answer with these metrics.
    pub(super) fn roll<'a>(&self, all: impl Iterator<Item = &'a RawValue>) -> Vec<u64> {
        all.map(|text| self.state.hash_one(text.get())).collect()
    }

    /// The metrics of these, in their order, without keeping them.
    pub(super) fn once<'a>(
        all: impl Iterator<Item = &'a RawValue>,
    ) -> Result<Vec<Arc<Metric>>, serde_json::Error> {
        all.map(|text| Ok(Arc::new(read(text)?))).collect()
    }

    /// The metrics of these, in their order, each kept for the next answer.
    pub(super) fn of<'a>(
        &self,
        all: impl Iterator<Item = &'a RawValue>,
    ) -> Result<Vec<Arc<Metric>>, serde_json::Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.map(|text| {
            if known.len() >= MOST {
                known.clear();
            }
            Ok(match known.entry(self.state.hash_one(text.get())) {
                Entry::Occupied(metric) => Arc::clone(metric.get()),
                Entry::Vacant(room) => Arc::clone(room.insert(Arc::new(read(text)?))),
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_kept_once_and_is_what_was_sent() {
        let metrics = Metrics::default();
        let read = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            metrics.of(std::iter::once(raw)).unwrap().remove(0)
        };
        let first = read(r#"{"__name__":"up","job":"a\"b","pod":"1"}"#);
        assert_eq!(
            (&*first.name, first.labels.get("job").unwrap()),
            ("up", "a\"b")
        );
        assert!(Arc::ptr_eq(
            &first,
            &read(r#"{"__name__":"up","job":"a\"b","pod":"1"}"#)
        ));
        for other in [
            r#"{"job":"a\"b","pod":"1"}"#,
            r#"{"__name__":"up","job":"a\"b"}"#,
            r#"{"__name__":"up","job":"a\"b","pod":"2"}"#,
            r#"{"__name__":"up","job":"1","pod":"a\"b"}"#,
            "{}",
        ] {
            assert_ne!(first, read(other), "{other}");
        }
        let mut changed = Series::answered(Arc::clone(&first), 1.0, 0);
        changed.labels.remove("pod");
        assert!(first.labels.contains("pod") && !changed.labels.contains("pod"));
    }
}
