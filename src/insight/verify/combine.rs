//! The verdict on a release by those on the SLOs of its service.

use super::{Cause, Missing, Outcome, SloVerdict};
use crate::domain::Origin;

/// The verdict on a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The verdict.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// In one sentence, without a full stop.
    pub reason: String,
    /// What keeps it from being known beside what is missing of single SLOs.
    pub missing: Vec<Missing>,
    /// Each SLO.
    pub slos: Vec<SloVerdict>,
}

/// Any SLO that burns decides, then what is missing of the whole, then any SLO that is not known. Nothing
/// is healthy by suggested SLOs alone, since no one promised them.
pub fn combine(slos: Vec<SloVerdict>, mut missing: Vec<Missing>) -> Verdict {
    let first = |outcome| slos.iter().find(|one| one.outcome == outcome);
    if let Some(burning) = first(Outcome::Burning) {
        return Verdict::of_slo(burning.clone(), missing, slos);
    }
    if slos.is_empty() && missing.is_empty() {
        let text = "it has no SLO: define one, or let `watchfire init` suggest some";
        missing.push(Missing::new(Cause::NoSlo, text));
    } else if !slos.is_empty() && slos.iter().all(|one| one.slo.origin == Origin::Suggested) {
        let text = "its SLOs are suggested: save them with `watchfire init`";
        missing.push(Missing::new(Cause::Suggested, text));
    }
    if let Some(decisive) = missing.first() {
        return Verdict {
            outcome: Outcome::Unknown,
            cause: decisive.cause,
            reason: decisive.text.clone(),
            missing,
            slos,
        };
    }
    match first(Outcome::Unknown).or_else(|| first(Outcome::Healthy)) {
        Some(decisive) => Verdict::of_slo(decisive.clone(), missing, slos),
        None => combine(
            slos,
            vec![Missing::new(Cause::NotKnown, "nothing is known")],
        ),
    }
}

impl Verdict {
    /// One that an SLO decides.
    fn of_slo(decisive: SloVerdict, missing: Vec<Missing>, slos: Vec<SloVerdict>) -> Self {
        let reason = match slos.len() {
            1 => decisive.reason,
            _ => format!("{}: {}", decisive.slo.id().raw(), decisive.reason),
        };
        Self {
            outcome: decisive.outcome,
            cause: decisive.cause,
            reason,
            missing,
            slos,
        }
    }
}
