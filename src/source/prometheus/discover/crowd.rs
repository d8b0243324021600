//! Sloth's SLOs by the thousand: what no single answer can hold is asked for in parts.

use std::collections::BTreeSet;

use super::own::AGES;
use super::{SERIES, Series};
use crate::source::prometheus::promql;

/// SLOs a part: some 11 series each, a quarter of a kilobyte a series.
const PART: usize = 1_000;

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
        let every: Vec<_> = ids.iter().cloned().collect();
        let parts = every.chunks(PART).map(|part| {
            let these: Vec<_> = part.iter().map(|id| promql::literally(id)).collect();
            Self {
                ids: Ids::These(part.iter().cloned().collect()),
                matcher: format!(",sloth_id=~\"{}\"", these.join("|")),
            }
        });
        let mut parts: Vec<_> = parts.collect();
        parts.push(Self {
            ids: Ids::But(ids),
            matcher: ",sloth_id=\"\"".to_owned(),
        });
        parts
    }

    /// Selects its series.
    pub(in crate::source::prometheus) fn series(&self) -> String {
        SERIES.replace('}', &format!("{}}}", self.matcher))
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
            let labels = Labels::from([("sloth_id".to_owned(), format!("a.b-{number}"))]);
            Series::new("", labels, 1.0)
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn every_slo_is_in_one_part_and_what_is_not_sloths_in_the_last() {
        let parts = Share::parts(listed(2_500));
        assert_eq!(parts.len(), 4);
        for id in ["a.b-0", "a.b-1234", "a.b-2499", "of the rules alone"] {
            let holding = parts.iter().filter(|part| part.holds(id)).count();
            assert_eq!(holding, 1, "{id}");
        }
        let others: Vec<_> = parts.iter().map(Share::has_others).collect();
        assert_eq!(others, [false, false, false, true]);
        assert!(Share::whole().holds("a.b-0") && Share::whole().has_others());
        assert_eq!(Share::whole().series(), SERIES);
        assert_eq!(Share::whole().ages(), AGES);
    }

    #[test]
    fn the_queries_of_a_part_are_promql_and_name_ids_literally() {
        for part in Share::parts(listed(2)) {
            for query in [part.series(), part.ages()] {
                assert!(promql_parser::parser::parse(&query).is_ok(), "{query}");
            }
        }
        let first = Share::parts(listed(1)).remove(0).series();
        assert!(first.contains(r#"sloth_id=~"a\\.b-0""#), "{first}");
    }
}
