//! What series had counted when they began: the increase of a window knows nothing of it.

use std::collections::HashMap;

use super::segment::Segment;
use super::selector::Formula;
use super::walk::Indexed;
use crate::domain::slo::FirstValues;

/// The first samples of all series in a window, by the selectors that select them.
pub(super) struct Firsts(Vec<Vec<First>>);

struct First {
    /// The number of the target.
    home: usize,
    /// When it was taken, in Unix milliseconds.
    at: i64,
    value: f64,
}

impl Firsts {
    /// Those of what is held of each series of a window.
    pub(super) fn of(selectors: usize, series: &[Indexed], held: &[Option<Segment>]) -> Self {
        let mut firsts: Vec<Vec<First>> = Vec::new();
        firsts.resize_with(selectors, Vec::new);
        for (series, held) in series.iter().zip(held) {
            let Some(held) = held else { continue };
            for &selector in &series.selectors {
                firsts[selector].push(First {
                    home: series.home,
                    at: held.first_at,
                    value: held.first,
                });
            }
        }
        Self(firsts)
    }

    /// The first values of series that began in the window while others, which count all events of
    /// the same target, were there already. Those of a target that began with them may be old.
    pub(super) fn values(&self, formula: &Formula) -> FirstValues {
        let Formula::Events {
            part, bad, total, ..
        } = formula
        else {
            return FirstValues::default();
        };
        let mut scraped: HashMap<usize, i64> = HashMap::new();
        for first in &self.0[*total] {
            let since = scraped.entry(first.home).or_insert(first.at);
            *since = first.at.min(*since);
        }
        let sum = |selector: usize| -> f64 {
            let began = self.0[selector].iter().filter(|first| {
                let since = scraped.get(&first.home);
                first.value > 0.0 && since.is_some_and(|since| *since < first.at)
            });
            began.map(|first| first.value).sum()
        };
        let (part, total) = (sum(*part), sum(*total));
        FirstValues {
            bad: if *bad { part } else { total - part },
            total,
        }
    }
}
