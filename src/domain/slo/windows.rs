//! What the windows of an SLO say, kept small: mostly they speak of one moment and count nothing.

use jiff::Timestamp;

use super::{Events, Reading, Sample};
use crate::domain::Window;

/// Samples by window, shortest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Windows {
    /// The moment they all speak of, where there are no [`Self::asides`].
    at: Timestamp,
    readings: Box<[(Window, Packed)]>,
    /// The rest of each sample, unless all speak of one moment and count nothing.
    asides: Option<Box<[Aside]>>,
}

/// What a sample has beside its reading.
type Aside = (Option<Events>, Timestamp);

/// A reading in the room of its ratio, which is 0 or more: the other three are below.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Packed(f64);

impl Packed {
    const NO_TRAFFIC: f64 = -1.0;
    const NO_SERIES: f64 = -2.0;
    const UNKNOWN: f64 = -3.0;
}

impl From<Reading> for Packed {
    fn from(reading: Reading) -> Self {
        Self(match reading {
            Reading::Ratio(ratio) if ratio >= 0.0 => ratio,
            Reading::NoTraffic => Self::NO_TRAFFIC,
            Reading::NoSeries => Self::NO_SERIES,
            Reading::Ratio(_) | Reading::Unknown => Self::UNKNOWN,
        })
    }
}

impl From<Packed> for Reading {
    fn from(Packed(number): Packed) -> Self {
        if number >= 0.0 {
            Self::Ratio(number)
        } else if number >= Packed::NO_TRAFFIC {
            Self::NoTraffic
        } else if number >= Packed::NO_SERIES {
            Self::NoSeries
        } else {
            Self::Unknown
        }
    }
}

impl Windows {
    /// What a window says; `None` for one that no rule has.
    pub fn get(&self, window: Window) -> Option<Sample> {
        Some(self.sample(self.place(window)?))
    }

    /// The reading of a window, likewise.
    pub fn reading(&self, window: Window) -> Option<Reading> {
        Some(self.readings[self.place(window)?].1.into())
    }

    /// Puts a sample in the place of a window's; false for a window that no rule has.
    pub fn set(&mut self, window: Window, sample: Sample) -> bool {
        let is_known = self.place(window).is_some();
        if is_known {
            self.change(|other, kept| {
                if other == window {
                    *kept = sample;
                }
            });
        }
        is_known
    }

    /// Changes what each window says.
    pub fn change(&mut self, mut change: impl FnMut(Window, &mut Sample)) {
        let changed = self.iter().map(|(window, mut sample)| {
            change(window, &mut sample);
            (window, sample)
        });
        *self = changed.collect();
    }

    /// Each window with what it says, shortest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Window, Sample)> + Clone {
        (0..self.readings.len()).map(|place| (self.readings[place].0, self.sample(place)))
    }

    /// The windows, shortest first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = Window> + Clone {
        self.readings.iter().map(|&(window, _)| window)
    }

    /// What they say, that of the shortest first.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Sample> + Clone {
        self.iter().map(|(_, sample)| sample)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.readings.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    fn place(&self, window: Window) -> Option<usize> {
        // There are seven or so.
        self.readings.iter().position(|(other, _)| *other == window)
    }

    fn sample(&self, place: usize) -> Sample {
        let aside = self.asides.as_ref().map(|asides| asides[place]);
        let (events, at) = aside.unwrap_or((None, self.at));
        Sample {
            reading: self.readings[place].1.into(),
            events,
            at,
        }
    }
}

/// Of several samples for one window the last counts.
impl FromIterator<(Window, Sample)> for Windows {
    fn from_iter<T: IntoIterator<Item = (Window, Sample)>>(samples: T) -> Self {
        let mut samples: Vec<_> = samples.into_iter().collect();
        let is_in_order = samples.is_sorted_by(|(one, _), (next, _)| one < next);
        if !is_in_order {
            samples.reverse();
            samples.sort_by_key(|(window, _)| *window);
            samples.dedup_by_key(|(window, _)| *window);
        }
        let at = samples
            .first()
            .map(|(_, first)| first.at)
            .unwrap_or_default();
        let is_plain = |(_, one): &(Window, Sample)| one.events.is_none() && one.at == at;
        let asides = samples.iter().map(|(_, one)| (one.events, one.at));
        Self {
            at,
            asides: (!samples.iter().all(is_plain)).then(|| asides.collect()),
            readings: samples
                .iter()
                .map(|(window, one)| (*window, one.reading.into()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ratio: f64, second: i64, total: Option<f64>) -> Sample {
        Sample {
            reading: Reading::Ratio(ratio),
            events: total.map(|total| Events { bad: 1.0, total }),
            at: Timestamp::from_second(second).expect("a moment"),
        }
    }

    #[test]
    fn samples_are_given_back_as_they_were_shortest_window_first() {
        let minutes = Window::minutes;
        for samples in [
            vec![],
            vec![(minutes(5), sample(0.1, 7, None))],
            vec![
                (minutes(60), sample(0.1, 7, None)),
                (minutes(5), sample(0.2, 7, None)),
            ],
            vec![
                (minutes(5), sample(0.1, 7, None)),
                (minutes(60), sample(0.2, 8, None)),
            ],
            vec![
                (minutes(5), sample(0.1, 7, Some(3.0))),
                (minutes(60), sample(0.2, 7, None)),
            ],
        ] {
            let kept: Windows = samples.iter().copied().collect();
            let mut sorted = samples.clone();
            sorted.sort_by_key(|(window, _)| *window);
            assert_eq!(kept.iter().collect::<Vec<_>>(), sorted);
            assert_eq!(
                (kept.len(), kept.is_empty()),
                (sorted.len(), sorted.is_empty())
            );
            for (window, sample) in samples {
                assert_eq!(kept.get(window), Some(sample));
            }
            assert_eq!(kept.get(minutes(30)), None);
        }
    }

    #[test]
    fn one_sample_can_be_another_and_no_window_is_added() {
        let five = Window::minutes(5);
        let twice = [(five, sample(0.1, 7, None)), (five, sample(0.2, 7, None))];
        let mut kept: Windows = twice.into_iter().collect();
        assert_eq!(kept.iter().collect::<Vec<_>>(), [twice[1]]);
        let counted = sample(0.3, 9, Some(4.0));
        assert!(kept.set(five, counted) && !kept.set(Window::hours(1), counted));
        assert_eq!(kept.get(five), Some(counted));
        assert!(kept.set(five, twice[1].1));
        assert_eq!(kept, twice.into_iter().collect());
    }

    #[test]
    fn every_reading_is_kept_as_it_is() {
        let readings = [
            Reading::Ratio(0.0),
            Reading::Ratio(f64::MIN_POSITIVE),
            Reading::Ratio(1.0),
            Reading::Ratio(1e300),
            Reading::NoTraffic,
            Reading::NoSeries,
            Reading::Unknown,
        ];
        for reading in readings {
            assert_eq!(Reading::from(Packed::from(reading)), reading);
        }
        // What is no error ratio is not made one.
        for ratio in [-1.0, f64::NAN] {
            let kept = Reading::from(Packed::from(Reading::Ratio(ratio)));
            assert_eq!(kept, Reading::Unknown);
        }
    }
}
