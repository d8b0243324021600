//! Many findings of one kind are one with a count: 120 groups of an SLO are not 120 findings.

use std::collections::HashMap;

use crate::domain::{Finding, Grade};

/// Up to so many of one kind are told one by one.
const FEW: usize = 10;
/// How many SLOs are named where they are not.
const NAMED: usize = 3;

/// The same findings, with those of one kind told once where they are many. The first of them stands
/// for all.
pub(super) fn collapse(found: &[Finding]) -> Vec<Finding> {
    let kind = |one: &Finding| {
        let is_of_slo = one.slo.is_some();
        is_of_slo.then(|| (one.grade, one.check, one.why.clone()))
    };
    let mut members: HashMap<(Grade, &str, _), Vec<usize>> = HashMap::new();
    for (place, one) in found.iter().enumerate() {
        if let Some(kind) = kind(one) {
            members.entry(kind).or_default().push(place);
        }
    }
    members.retain(|_, places| places.len() > FEW);
    let mut kept = Vec::with_capacity(found.len());
    for (place, one) in found.iter().enumerate() {
        let many = kind(one).and_then(|kind| members.get(&kind));
        match many {
            None => kept.push(one.clone()),
            Some(places) if places.first() == Some(&place) => kept.push(together(found, places)),
            Some(_) => {}
        }
    }
    kept
}

fn together(found: &[Finding], places: &[usize]) -> Finding {
    let all = || places.iter().map(|place| &found[*place]);
    let mut ids: Vec<_> = all().filter_map(|one| one.slo.as_ref()).collect();
    ids.dedup();
    let named = ids.iter().take(NAMED).map(|id| id.raw());
    let named: Vec<_> = named.collect();
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut first = found[places[0]].clone();
    let is_same = all().all(|one| one.what == first.what);
    let example = if is_same { "" } else { "for example " };
    first.what = format!(
        "{} of {} SLOs: {example}{} ({}{more})",
        places.len(),
        ids.len(),
        first.what.raw(),
        named.join(", ")
    )
    .into();
    first.slo = None;
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(number: usize, what: &str) -> Finding {
        let finding = Finding::new(Grade::Warning, "data", what).because("young");
        finding.of_slo(&format!("pay/a{{shop={number}}}").into())
    }

    #[test]
    fn many_findings_of_one_kind_are_one_with_a_count() {
        let alone = Finding::new(Grade::Ok, "reach", "answers");
        for (count, wanted) in [(1, 1), (FEW, FEW), (FEW + 1, 1), (120, 1)] {
            let mut found: Vec<_> = (0..count)
                .map(|number| finding(number, "data 3h"))
                .collect();
            found.push(alone.clone());
            let kept = collapse(&found);
            assert_eq!(kept.len(), wanted + 1, "{count}");
            assert_eq!(kept.last(), Some(&alone));
            if count > FEW {
                let what = kept[0].what.raw();
                assert!(
                    what.starts_with(&format!("{count} of {count} SLOs: data 3h")),
                    "{what}"
                );
                assert_eq!(kept[0].grade, Grade::Warning);
            }
        }
        let mixed = (0..40).map(|number| finding(number, &format!("data {number}h")));
        let kept = collapse(&mixed.collect::<Vec<_>>());
        assert!(kept.len() == 1 && kept[0].what.raw().contains("for example data 0h"));
    }
}
