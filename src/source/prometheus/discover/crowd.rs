//! Sloth's SLOs by the thousand: what no single answer can hold is asked for in parts.

use std::collections::BTreeSet;

use super::own::AGES;
use super::{NAMES, Series};
use crate::source::prometheus::promql;

/// SLOs a part: some 11 series each, a quarter of a kilobyte a series, and four times that while they
/// are understood.
const PART: usize = 500;
/// The longest that their ids may be, in bytes: `VictoriaMetrics` takes 16 KiB of query.
const LONGEST: usize = 12_000;

/// The SLOs that are recorded in Sloth's way, by one series or another that each of them has.
pub(in crate::source::prometheus) const IDS: &str = r#"group by (sloth_id) ({__name__=~"slo:sli_error:ratio_rate5m|slo:objective:ratio|sloth_slo_info",sloth_id!=""})"#;

/// A part of what is recorded. All series of one SLO are in one part, so that each can be
/// understood, and forgotten, by itself.
#[derive(Debug)]
pub(in crate::source::prometheus) struct Share {
    ids: Ids,
    /// The matcher that selects it.
    matcher: String,
}

/// SLOs by their `sloth_id`.
#[derive(Debug)]
enum Ids {
    All,
    These(BTreeSet<String>),
    /// All but these, and what others than Sloth record.
    But(BTreeSet<String>),
}

impl Share {
    /// Everything.
    pub(in crate::source::prometheus) fn whole() -> Self {
        Self {
            ids: Ids::All,
            matcher: String::new(),
        }
    }

    /// Everything in parts, from the answer to [`IDS`].
    pub(in crate::source::prometheus) fn parts(listed: Vec<Series>) -> Vec<Self> {
        let mut listed = listed.into_iter();
        let ids = listed.by_ref();
        let ids: BTreeSet<_> = ids
            .filter_map(|mut series| series.labels.remove("sloth_id"))
            .collect();
        let mut parts = Vec::new();
        let mut these = BTreeSet::new();
        let mut named = String::new();
        for id in &ids {
            let literal = promql::literally(id);
            let is_full = these.len() >= PART || named.len() + literal.len() >= LONGEST;
            if is_full && !these.is_empty() {
                parts.push(Self::of(std::mem::take(&mut these), &named));
                named.clear();
            }
            if !these.is_empty() {
                named.push('|');
            }
            named.push_str(&literal);
            these.insert(id.clone());
        }
        if !these.is_empty() {
            parts.push(Self::of(these, &named));
        }
        parts.push(Self {
            ids: Ids::But(ids),
            matcher: ",sloth_id=\"\"".to_owned(),
        });
        parts
    }

    /// Those with these ids, named literally in a regular expression.
    fn of(ids: BTreeSet<String>, named: &str) -> Self {
        Self {
            ids: Ids::These(ids),
            matcher: format!(",sloth_id=~\"{named}\""),
        }
    }

    /// The matcher that selects it, behind a comma; empty for everything.
    pub(in crate::source::prometheus) fn matcher(&self) -> String {
        self.matcher.clone()
    }

    /// Select its series. Everything is asked for in two halves at once: a server takes two thirds
    /// of the time for them, and less of its processors'. Parts are small and come one by one.
    pub(in crate::source::prometheus) fn series(&self) -> Vec<String> {
        let select = |names: &str| format!("{{__name__=~\"{names}\"{}}}", self.matcher);
        match &self.ids {
            Ids::All => NAMES.map(select).to_vec(),
            Ids::These(_) | Ids::But(_) => vec![select(&NAMES.join("|"))],
        }
    }

    /// Asks how old those are that our own rules recorded.
    pub(in crate::source::prometheus) fn ages(&self) -> String {
        AGES.replace('}', &format!("{}}}", self.matcher))
    }

    /// Whether an SLO that has no series belongs to it.
    pub(super) fn holds(&self, id: &str) -> bool {
        match &self.ids {
            Ids::All => true,
            Ids::These(ids) => ids.contains(id),
            Ids::But(ids) => !ids.contains(id),
        }
    }

    /// Whether it speaks of others than Sloth.
    pub(super) fn has_others(&self) -> bool {
        !matches!(self.ids, Ids::These(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::prometheus::api::Labels;

    fn listed(count: usize) -> Vec<Series> {
        let of = |number| {
            let id = format!("a.b-{number}");
            Series::new("", Labels::from([("sloth_id", &*id)]), 1.0)
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn every_slo_is_in_one_part_and_what_is_not_sloths_in_the_last() {
        let parts = Share::parts(listed(2_500));
        assert_eq!(parts.len(), 6);
        for id in ["a.b-0", "a.b-1234", "a.b-2499", "of the rules alone"] {
            let holding = parts.iter().filter(|part| part.holds(id)).count();
            assert_eq!(holding, 1, "{id}");
        }
        let others: Vec<_> = parts.iter().map(Share::has_others).collect();
        assert_eq!(others, [false, false, false, false, false, true]);
        assert!(Share::whole().holds("a.b-0") && Share::whole().has_others());
        assert_eq!(Share::whole().ages(), AGES);
    }

    #[test]
    fn long_ids_make_small_parts() {
        let long = |number| {
            let id = format!("{number}{}", "x".repeat(5_000));
            Series::new("", Labels::from([("sloth_id", &*id)]), 1.0)
        };
        let parts = Share::parts((0..5).map(long).collect());
        let lengths: Vec<_> = parts.iter().map(|part| part.series()[0].len()).collect();
        assert_eq!(parts.len(), 4);
        assert!(lengths.iter().all(|&length| length < 16_384), "{lengths:?}");
    }

    #[test]
    fn the_queries_of_a_part_are_promql_and_name_ids_literally() {
        for part in Share::parts(listed(2)).into_iter().chain([Share::whole()]) {
            for query in part.series().into_iter().chain([part.ages()]) {
                assert!(promql_parser::parser::parse(&query).is_ok(), "{query}");
            }
        }
        let first = Share::parts(listed(1)).remove(0).series().remove(0);
        assert!(first.contains(r#"sloth_id=~"a\\.b-0""#), "{first}");
    }
}
