//! What series are called, each kept once: a server sends the same thousands of names with every
//! answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Labels;

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
}

impl Series {
    /// A series of its own.
    pub(in crate::source::prometheus) fn new(
        name: impl Into<String>,
        labels: Labels,
        value: f64,
    ) -> Self {
        let name = name.into();
        Self::of(Arc::new(Metric { name, labels }), value)
    }

    pub(super) fn of(metric: Arc<Metric>, value: f64) -> Self {
        Self { metric, value }
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

/// Labels as they stand in an answer, the name among them.
pub(super) struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

#[derive(Deserialize, Hash)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<(Text<'de>, Text<'de>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Each).map(Self)
    }
}

impl Pairs<'_> {
    fn is(&self, metric: &Metric) -> bool {
        let is_known = |(label, value): &(Text<'_>, Text<'_>)| match &*label.0 {
            "__name__" => *metric.name == *value.0,
            label => metric
                .labels
                .get(label)
                .is_some_and(|own| **own == *value.0),
        };
        let count = metric.labels.len() + usize::from(!metric.name.is_empty());
        self.0.len() == count && self.0.iter().all(is_known)
    }

    fn to_metric(&self) -> Metric {
        let each = self.0.iter();
        let mut labels: Labels = each
            .map(|(label, value)| (label.0.to_string(), value.0.to_string()))
            .collect();
        let name = labels.remove("__name__").unwrap_or_default();
        Metric { name, labels }
    }
}

/// The metrics that a server has told of.
#[derive(Default)]
pub(super) struct Metrics {
    state: RandomState,
    known: Mutex<HashMap<u64, Vec<Arc<Metric>>>>,
}

impl Metrics {
    /// The metrics of these, in their order.
    pub(super) fn of<'a>(&self, all: impl Iterator<Item = &'a Pairs<'a>>) -> Vec<Arc<Metric>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.map(|pairs| {
            if known.len() >= MOST {
                known.clear();
            }
            let alike = known.entry(self.state.hash_one(&pairs.0)).or_default();
            if let Some(metric) = alike.iter().find(|metric| pairs.is(metric)) {
                return Arc::clone(metric);
            }
            let metric = Arc::new(pairs.to_metric());
            alike.push(Arc::clone(&metric));
            metric
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
            let pairs: Pairs<'_> = serde_json::from_str(text).unwrap();
            metrics.of(std::iter::once(&pairs)).remove(0)
        };
        let first = read(r#"{"__name__":"up","job":"a\"b","pod":"1"}"#);
        assert_eq!((&*first.name, &*first.labels["job"]), ("up", "a\"b"));
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
        let mut changed = Series::of(Arc::clone(&first), 1.0);
        changed.labels.remove("pod");
        assert!(first.labels.contains_key("pod") && !changed.labels.contains_key("pod"));
    }
}
