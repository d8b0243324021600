//! The events of a ratio as a `[[slo]]` counts them: as selectors where both sides allow it, by the
//! labels that both group by, and with a remark where good and bad look swapped.

use toml::Value;

use super::Place;
use super::draft::Draft;
use super::node::Wrong;
use super::promql::{self, Counts, Groups};

/// Both sides of a ratio, each with its place.
pub(super) struct Sides<'a> {
    /// What the part counts: `bad` or `good`.
    pub(super) key: &'static str,
    pub(super) part: (&'a Place, String),
    pub(super) total: (&'a Place, String),
    /// What the document calls them.
    pub(super) names: (&'static str, &'static str),
}

impl Draft {
    /// Sets both sides as selectors; false where they are more than sums of rates or increases.
    pub(super) fn set_selectors(&mut self, sides: &Sides<'_>) -> bool {
        let (part, total) = (&sides.part, &sides.total);
        let Some(counts) = promql::counts(&part.1, &total.1) else {
            return false;
        };
        self.set_counts(sides.key, counts, part.0, total.0);
        true
    }

    /// Sets both sides as they are written, and the labels that both group by.
    pub(super) fn set_queries(&mut self, sides: Sides<'_>) -> Result<(), Wrong> {
        self.set_groups(&sides)?;
        self.set("total", sides.total.1, sides.total.0);
        self.set(sides.key, sides.part.1, sides.part.0);
        Ok(())
    }

    /// Sets the labels that both sides group by.
    pub(super) fn set_groups(&mut self, sides: &Sides<'_>) -> Result<(), Wrong> {
        let (part, total) = (&sides.part, &sides.total);
        let by = promql::common((&part.1, &total.1), sides.names);
        let by = by.map_err(|message| Wrong::at(part.0, message))?;
        self.set_by(by, total.0);
        Ok(())
    }

    /// Sets `bad / total` that is written as one query: an SLO for each of the labels that it groups
    /// by.
    pub(super) fn set_ratio(
        &mut self,
        key: &'static str,
        query: String,
        place: &Place,
    ) -> Result<(), Wrong> {
        let groups = Groups::of(&query);
        let counts = promql::ratio_counts(&query);
        let (part, is_fixed) = (part_of(key), !promql::has_window(&query));
        match (groups, counts) {
            (Some(Groups::By(_)), Some(counts)) => self.set_counts(part, counts, place, place),
            (_, Some(counts)) if is_fixed => self.set_counts(part, counts, place, place),
            (Some(groups @ Groups::By(_)), None) => {
                let message = format!(
                    "this answers with a series for each value of {}, and one is wanted: sum it, or write both sides of the ratio as `sum by (…) (rate(…[{{{{.window}}}}]))`, which becomes `by = [\"…\"]`",
                    groups.words()
                );
                return Err(Wrong::at(place, message));
            }
            (_, counts) => {
                if let Some(counts) = &counts {
                    self.remark_on_latency(part, counts, place);
                }
                self.set(key, query, place);
            }
        }
        Ok(())
    }

    fn set_counts(&mut self, key: &'static str, counts: Counts, part: &Place, total: &Place) {
        self.remark_on_latency(key, &counts, part);
        if let Some(range) = &counts.fixed {
            let message = format!(
                "both sides look back over {range} whatever the window: the window is put in its place"
            );
            self.warn(part, message);
        }
        self.set_by(counts.by, total);
        self.set("total", counts.total, total);
        self.set(side(key, counts.is_rest), counts.part, part);
    }

    fn set_by(&mut self, by: Vec<String>, place: &Place) {
        if !by.is_empty() {
            let by: Vec<_> = by.into_iter().map(Value::String).collect();
            self.set("by", by, place);
        }
    }

    /// Remarks on a bucket among the bad events: what is in it was fast.
    fn remark_on_latency(&mut self, key: &'static str, counts: &Counts, place: &Place) {
        let is_bad = side(key, counts.is_rest) == "bad";
        if let Some(limit) = promql::bucket_limit(&counts.part).filter(|_| is_bad) {
            let message = format!(
                "this counts the events of at most {limit} as bad and the slower ones as good: if slow is bad, it is the wrong way round"
            );
            self.warn(place, message);
        }
    }

    /// The same of a histogram's bucket that a document names as its errors.
    pub(super) fn remark_on_bucket(&mut self, selector: &str, place: &Place) {
        let counts = Counts {
            part: selector.to_owned(),
            total: String::new(),
            is_rest: false,
            by: Vec::new(),
            fixed: None,
        };
        self.remark_on_latency("bad", &counts, place);
    }
}

/// The side that a ratio is of.
fn part_of(key: &str) -> &'static str {
    match key {
        "success_ratio" => "good",
        _ => "bad",
    }
}

/// What a selector counts that stands for `key`, or for all events less these.
fn side(key: &'static str, is_rest: bool) -> &'static str {
    match (key, is_rest) {
        ("good", true) | ("bad", false) => "bad",
        _ => "good",
    }
}
