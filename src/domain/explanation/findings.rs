//! What the numbers of an SLO alone show to be wrong with it.

use super::super::{Finding, Grade, Observation, State, slo};
use super::{because, lasting};

/// What keeps the numbers of an SLO from being right, as far as they show it themselves; that they
/// are known where nothing does.
pub fn findings(seen: &Observation) -> Vec<Finding> {
    let verdict = seen.assess();
    let mut found = slo::weaknesses(seen);
    if matches!(verdict.state, State::NoData | State::Unknown) {
        let why = because(seen, &verdict).into_iter().next();
        let what = format!("it is {}", verdict.state.word().replace('_', " "));
        found.push(
            Finding::new(Grade::Error, "series", what)
                .because(why.unwrap_or_default())
                .advise("check its selectors against what the source has; `watchfire explain` prints them"),
        );
    }
    if let Some(short) = seen.shortfall() {
        let (data, wanted) = (lasting(short.data), lasting(short.wanted));
        let what = format!("window {wanted}, data {data}: its budget is an estimate");
        found.push(Finding::new(Grade::Note, "data", what));
    }
    if found.is_empty() {
        found.push(Finding::new(Grade::Ok, "series", "its numbers are known"));
    }
    for finding in &mut found {
        finding.slo = Some(seen.slo.id());
    }
    found
}
