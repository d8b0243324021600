//! What the server has recorded of an SLO, kept small: there may be ten thousand of them.

use jiff::SignedDuration;

use super::Span;
use crate::domain::{Events, Reading};
use crate::source::prometheus::api::Series;

/// What the server has recorded of one span.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Given {
    pub(in crate::source::prometheus) reading: Reading,
    /// Where the answer has the ratio that it is, where it is no more than that.
    pub(in crate::source::prometheus) place: Option<Place>,
    /// What is known of it beside that.
    more: Option<Box<More>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct More {
    events: Option<Events>,
    age: SignedDuration,
}

/// A ratio of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::prometheus) struct Place {
    /// Which series.
    series: u32,
    /// True when it is good over all.
    success: bool,
}

impl Place {
    /// What it says by these values of all series; `None` where there are fewer.
    pub(in crate::source::prometheus) fn reading(self, values: &[f64]) -> Option<Reading> {
        let place = usize::try_from(self.series).ok()?;
        Some(self.reading_of(*values.get(place)?))
    }

    fn reading_of(self, value: f64) -> Reading {
        Reading::from_ratio(if self.success { 1.0 - value } else { value })
    }
}

impl Given {
    /// The ratio that a series is; `success` when it is good over all.
    pub(in crate::source::prometheus) fn recorded(series: &Series, success: bool) -> Self {
        let place = series.place().and_then(|place| u32::try_from(place).ok());
        let of = |series| Place { series, success };
        Self {
            reading: of(0).reading_of(series.value),
            place: place.map(of),
            more: None,
        }
    }

    /// A reading with the counts behind it, recorded `age` ago.
    pub(in crate::source::prometheus) fn counted(
        reading: Reading,
        events: Option<Events>,
        age: SignedDuration,
    ) -> Self {
        Self {
            reading,
            place: None,
            more: Some(Box::new(More { events, age })),
        }
    }

    /// The counts behind it, where they are recorded too.
    pub(in crate::source::prometheus) fn events(&self) -> Option<Events> {
        self.more.as_ref()?.events
    }

    /// How long ago it was recorded, where that is known.
    pub(in crate::source::prometheus) fn age(&self) -> SignedDuration {
        self.more
            .as_ref()
            .map_or(SignedDuration::ZERO, |more| more.age)
    }
}

/// What is recorded, by span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::source::prometheus) struct Givens(Vec<(Span, Given)>);

impl Givens {
    /// What is recorded of a span.
    pub(in crate::source::prometheus) fn get(&self, span: Span) -> Option<&Given> {
        let place = self.place(span).ok()?;
        Some(&self.0[place].1)
    }

    /// True when a span is recorded.
    pub(in crate::source::prometheus) fn has(&self, span: Span) -> bool {
        self.place(span).is_ok()
    }

    /// True when no span is.
    pub(in crate::source::prometheus) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes what is recorded of a span.
    pub(in crate::source::prometheus) fn insert(&mut self, span: Span, given: Given) {
        match self.place(span) {
            Ok(place) => self.0[place].1 = given,
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (span, given));
            }
        }
    }

    /// What is recorded of each span.
    pub(in crate::source::prometheus) fn values(&self) -> impl Iterator<Item = &Given> {
        self.0.iter().map(|(_, given)| given)
    }

    /// The same, to be changed.
    pub(in crate::source::prometheus) fn values_mut(&mut self) -> impl Iterator<Item = &mut Given> {
        self.0.iter_mut().map(|(_, given)| given)
    }

    fn place(&self, span: Span) -> Result<usize, usize> {
        self.0.binary_search_by_key(&span, |(known, _)| *known)
    }
}

impl FromIterator<(Span, Given)> for Givens {
    fn from_iter<T: IntoIterator<Item = (Span, Given)>>(all: T) -> Self {
        let mut givens = Self::default();
        for (span, given) in all {
            givens.insert(span, given);
        }
        givens
    }
}
