//! What a `[[slo]]` measures: one of several forms, told by their keys.

use super::{Entry, query, unit};
use crate::config::check::Context;
use crate::config::{Part, Sli, is_label, wire};
use crate::domain::Window;
use crate::domain::slo::rounded;
use crate::text::clipped;

/// The forms: the key that each begins with, what belongs to it, and whether that is written.
type Forms<'a> = [(&'static str, Vec<(&'static str, bool)>); 6];

/// What there is to choose from.
const CHOICES: &str = "`total` with `bad` or `good`, `gauge`, `histogram` with `within`, `error_ratio`, `success_ratio`, or `parts`";

fn forms(wire: &wire::Slo) -> Forms<'_> {
    [
        (
            "total",
            vec![
                ("total", wire.total.is_some()),
                ("bad", wire.bad.is_some()),
                ("good", wire.good.is_some()),
            ],
        ),
        ("gauge", vec![("gauge", wire.gauge.is_some())]),
        (
            "histogram",
            vec![
                ("histogram", wire.histogram.is_some()),
                ("within", wire.within.is_some()),
            ],
        ),
        (
            "error_ratio",
            vec![("error_ratio", wire.error_ratio.is_some())],
        ),
        (
            "success_ratio",
            vec![("success_ratio", wire.success_ratio.is_some())],
        ),
        ("parts", vec![("parts", wire.parts.is_some())]),
    ]
}

impl Context<'_> {
    /// The form that is written, by the key that it begins with; just one.
    pub(super) fn form(&mut self, entry: Entry, wire: &wire::Slo) -> Option<&'static str> {
        let forms = forms(wire);
        let mut written = forms.iter().filter_map(|(form, keys)| {
            let (key, _) = keys.iter().find(|(_, is_there)| *is_there)?;
            Some((*form, *key))
        });
        let Some((form, first)) = written.next() else {
            let message = format!("say what is measured: {CHOICES}");
            self.refuse_at(entry.at(&["total"]), message);
            return None;
        };
        if let Some((_, second)) = written.next() {
            let message = format!(
                "`{first}` is given as well, and an SLO is measured in one way: keep one of {CHOICES}"
            );
            self.refuse_at(entry.at(&[second]), message);
            return None;
        }
        Some(form)
    }

    /// What an SLO measures, of all forms but `parts`.
    pub(super) fn sli(&mut self, entry: Entry, form: &str, wire: &wire::Slo) -> Option<Sli> {
        match form {
            "total" => self.counted(entry, wire),
            "gauge" => {
                let gauge = self.checked(entry, "gauge", wire.gauge.as_deref()?, query::gauge);
                gauge.map(Sli::Gauge)
            }
            "histogram" => self.latency(entry, wire),
            _ => {
                let (key, query, success) = match (&wire.error_ratio, &wire.success_ratio) {
                    (Some(query), _) => ("error_ratio", query, false),
                    (None, query) => ("success_ratio", query.as_ref()?, true),
                };
                let query = self.checked(entry, key, query, query::ratio)?;
                Some(Sli::Ratio { query, success })
            }
        }
    }

    /// A query as written, without the space around it, if it is one.
    fn checked(
        &mut self,
        entry: Entry,
        key: &str,
        query: &str,
        check: fn(&str) -> Result<(), String>,
    ) -> Option<String> {
        match check(query) {
            Ok(()) => Some(query.trim().to_owned()),
            Err(message) => {
                self.refuse_at(entry.at(&[key]), message);
                None
            }
        }
    }

    fn counted(&mut self, entry: Entry, wire: &wire::Slo) -> Option<Sli> {
        let total = if let Some(total) = &wire.total {
            self.checked(entry, "total", total, query::events)
        } else {
            let message = "add `total`, which counts all events";
            self.refuse_at(entry.at(&["total"]), message);
            None
        };
        let (key, query, part): (_, _, fn(String) -> Part) = match (&wire.bad, &wire.good) {
            (Some(bad), None) => ("bad", bad, Part::Bad),
            (None, Some(good)) => ("good", good, Part::Good),
            (Some(_), Some(_)) => {
                let message = "`bad` is given as well: keep one, the other follows from the total";
                self.refuse_at(entry.at(&["good"]), message);
                return None;
            }
            (None, None) => {
                let message = "add `bad` (events that broke the objective) or `good` (events that kept it) beside `total`";
                self.refuse_at(entry.at(&["bad"]), message);
                return None;
            }
        };
        let query = self.checked(entry, key, query, query::events);
        let (query, total) = (query?, total?);
        if let Err(message) = unit::alike(&query, &total) {
            self.refuse_at(entry.at(&[key]), message);
            return None;
        }
        Some(Sli::Events {
            part: part(query),
            total,
        })
    }

    fn latency(&mut self, entry: Entry, wire: &wire::Slo) -> Option<Sli> {
        let within = match wire.within {
            Some(wire::Number(within)) if within > 0.0 && within.is_finite() => Some(within),
            Some(_) => {
                let message = "write a number above 0, in the unit of the histogram: 0.25 is 250 ms of seconds";
                self.refuse_at(entry.at(&["within"]), message);
                None
            }
            None => {
                let message = "add `within`: how long a good event may take, in the unit of the histogram, such as 0.25 for 250 ms of seconds";
                self.refuse_at(entry.at(&["within"]), message);
                None
            }
        };
        let Some(histogram) = &wire.histogram else {
            let message = "add `histogram`, a native histogram that `within` is the limit of";
            self.refuse_at(entry.at(&["histogram"]), message);
            return None;
        };
        let histogram = self.checked(entry, "histogram", histogram, query::histogram);
        Some(Sli::Latency {
            histogram: histogram?,
            within: within?,
        })
    }

    /// The same judged slice by slice, when that is asked for.
    pub(super) fn sliced(
        &mut self,
        entry: Entry,
        wire: &wire::Slo,
        of: Sli,
        shortest: Window,
    ) -> Option<Sli> {
        let target = match wire.slice_target {
            None => None,
            Some(wire::Number(target)) if target > 0.0 && target <= 100.0 => {
                Some(rounded(target / 100.0))
            }
            Some(_) => {
                let message = "write a percentage above 0 and up to 100: a slice is good when that share of its events is";
                self.refuse_at(entry.at(&["slice_target"]), message);
                return None;
            }
        };
        let Some(wire::Span(width)) = wire.slice else {
            if target.is_some() {
                let message = "add `slice`: how long a slice of time is, such as \"1m\"";
                self.refuse_at(entry.at(&["slice"]), message);
                return None;
            }
            return Some(of);
        };
        if width > shortest {
            let message = format!(
                "wider than the shortest window of its rules, {shortest}, which would hold no slice: narrow it, or write `rules` of longer windows"
            );
            self.refuse_at(entry.at(&["slice"]), message);
            return None;
        }
        Some(Sli::Slices {
            of: Box::new(of),
            width,
            target,
        })
    }

    /// The labels that an SLO is split by.
    pub(super) fn split(&mut self, entry: Entry, wire: &wire::Slo) {
        for (number, label) in wire.by.iter().enumerate() {
            let path = entry.at(&["by"]).index(number);
            if !is_label(label) {
                self.refuse_at(path, not_a_label(label));
            } else if wire.by[..number].contains(label) {
                self.refuse_at(path, "this label is here already: remove one");
            }
        }
        if !wire.by.is_empty() && wire.parts.is_some() {
            let message = "a mix of several SLOs is one SLO: leave `by` out";
            self.refuse_at(entry.at(&["by"]), message);
        }
    }

    /// The labels of its rules.
    pub(super) fn labels(&mut self, entry: Entry, wire: &wire::Slo) {
        for label in wire.labels.keys().filter(|label| !is_label(label)) {
            self.refuse_at(entry.at(&["labels", label]), not_a_label(label));
        }
    }
}

fn not_a_label(name: &str) -> String {
    format!(
        "`{}` is no name of a label: letters, digits and `_`, no digit first, no `__` first",
        clipped(name)
    )
}
