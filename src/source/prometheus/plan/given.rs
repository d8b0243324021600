//! What the server has recorded of an SLO, kept small: there may be ten thousand of them.

use jiff::SignedDuration;

use super::Span;
use crate::domain::{Events, Reading};
use crate::source::prometheus::api::Series;

/// What the server has recorded of one span.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Given(What);

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// A ratio, and where the answer has it.
    Ratio(Reading, Option<Place>),
    /// A ratio of which more is known.
    Counted(Box<Counted>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted {
    reading: Reading,
    events: Option<Events>,
    age: SignedDuration,
}

/// A ratio of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Which series.
    series: u32,
    /// True when it is good over all.
    success: bool,
}

impl Place {
    /// What it says by these values of all series; `None` where there are fewer.
    fn reading(self, values: &[f64]) -> Option<Reading> {
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
        let reading = of(0).reading_of(series.value);
        Self(What::Ratio(reading, place.map(of)))
    }

    /// A reading with the counts behind it, recorded `age` ago.
    pub(in crate::source::prometheus) fn counted(
        reading: Reading,
        events: Option<Events>,
        age: SignedDuration,
    ) -> Self {
        Self(What::Counted(Box::new(Counted {
            reading,
            events,
            age,
        })))
    }

    pub(in crate::source::prometheus) fn reading(&self) -> Reading {
        match &self.0 {
            What::Ratio(reading, _) => *reading,
            What::Counted(counted) => counted.reading,
        }
    }

    /// Takes in newer values of all series.
    pub(in crate::source::prometheus) fn refill(&mut self, values: &[f64]) {
        if let What::Ratio(reading, Some(place)) = &mut self.0
            && let Some(newer) = place.reading(values)
        {
            *reading = newer;
        }
    }

    /// The counts behind it, where they are recorded too.
    pub(in crate::source::prometheus) fn events(&self) -> Option<Events> {
        match &self.0 {
            What::Ratio(..) => None,
            What::Counted(counted) => counted.events,
        }
    }

    /// How long ago it was recorded, where that is known.
    pub(in crate::source::prometheus) fn age(&self) -> SignedDuration {
        match &self.0 {
            What::Ratio(..) => SignedDuration::ZERO,
            What::Counted(counted) => counted.age,
        }
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

    /// True when what is recorded of a span is no error ratio.
    pub(in crate::source::prometheus) fn is_broken(&self) -> bool {
        self.values()
            .any(|given| given.reading() == Reading::Unknown)
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
