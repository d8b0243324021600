//! Why a release is suspected, or none is, in words.

use super::kin::Tie;
use super::load::Load;
use super::onset::Onset;
use super::record::Record;
use super::suspects::Lead;
use crate::domain::{Release, ReleaseStatus};

/// What is said of a burn whose beginning lies before all that is known.
pub(super) const NO_ONSET: &str = "start not clear yet; no suspect";

impl Onset {
    /// `errors 0.02% → 2.1%`: the error ratio before and since.
    pub fn errors(&self) -> String {
        errors(self.before, self.after)
    }
}

/// All that a reason is made of.
pub(super) struct Because<'a> {
    pub(super) onset: &'a Onset,
    pub(super) tie: Tie,
    pub(super) release: &'a Release,
    pub(super) lead: Lead,
    pub(super) record: Record,
    pub(super) load: Load,
    /// How many unrelated services began to burn at the same time; 0 where that tells nothing.
    pub(super) shared: usize,
}

impl Because<'_> {
    /// The reason as one sentence, the most telling first.
    pub(super) fn words(&self) -> String {
        let mut words = vec![format!(
            "{}, {}",
            lead(self.lead),
            errors(self.onset.before, self.onset.after)
        )];
        words.push(likelihood(self.onset.evidence));
        match self.tie {
            Tie::Needed(1) => words.push(format!("needs {}", self.release.service.raw())),
            Tie::Needed(_) => words.push(format!(
                "needs {} through others",
                self.release.service.raw()
            )),
            Tie::Team => words.push("of the same team only".to_owned()),
            Tie::Own | Tie::Stranger => {}
        }
        match self.release.status {
            ReleaseStatus::Failed => words.push("it failed".to_owned()),
            ReleaseStatus::RolledBack => words.push("it was rolled back".to_owned()),
            ReleaseStatus::Running => words.push("it is still on its way".to_owned()),
            ReleaseStatus::Unknown => words.push("its status is not known".to_owned()),
            _ => {}
        }
        if self.record.is_rollback {
            words.push("goes back to an earlier version".to_owned());
        } else if self.record.is_again {
            words.push("the same version again".to_owned());
        } else if self.record.tried > 0 {
            let attempt = self.record.tried + 1;
            words.push(format!("attempt {attempt} of this version"));
        }
        if self.record.failed > 0 {
            let Record {
                failed, earlier, ..
            } = self.record;
            words.push(format!("{failed} of {earlier} earlier ones failed"));
        }
        words.extend(against(self.load, self.shared));
        words.join("; ")
    }
}

/// What explains a burn without any release.
fn against(load: Load, shared: usize) -> Option<String> {
    if shared > 0 {
        return Some(format!(
            "but {shared} services that do not need it began to burn at the same time"
        ));
    }
    match load {
        Load::Usual => None,
        Load::Spike(times) => Some(format!("but traffic grew {times:.1}x at the onset")),
        Load::Drop(times, _) => Some(format!(
            "but traffic fell to {:.0}% at the onset",
            times * 100.0
        )),
    }
}

/// Why nothing is suspected. `left_out` is the release that fits and is none that can be suspected.
pub(super) fn none(load: Load, others: usize, any: bool, left_out: Option<String>) -> String {
    let why = match load {
        _ if others > 0 => {
            format!("{others} unrelated services began to burn at the same time")
        }
        Load::Spike(times) => format!("traffic grew {times:.1}x when it began"),
        Load::Drop(times, _) => {
            format!("traffic fell to {:.0}% when it began", times * 100.0)
        }
        Load::Usual => match left_out {
            Some(words) => words,
            None if any => "what was released near the onset fits badly".to_owned(),
            None => {
                "none of the service or of what it needs came shortly before the onset".to_owned()
            }
        },
    };
    format!("no release explains this: {why}")
}

/// `4 min before onset`, or `about when it began (±2 min)`.
pub(super) fn lead(lead: Lead) -> String {
    let minutes = |time: jiff::SignedDuration| time.as_secs_f64() / 60.0;
    match lead {
        Lead::Within(reach) => {
            let reach = minutes(reach).ceil().max(1.0);
            format!("about when it began (±{reach:.0} min)")
        }
        Lead::Before(time) if minutes(time) >= 100.0 => {
            format!("{:.1} h before onset", minutes(time) / 60.0)
        }
        Lead::Before(time) => format!("{:.0} min before onset", minutes(time).round().max(1.0)),
    }
}

/// `errors 0.02% → 2.1%`.
pub(super) fn errors(before: f64, after: f64) -> String {
    format!("errors {} → {}", percent(before), percent(after))
}

/// A share in percent with two figures that count.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = if percent <= 0.0 {
        return "0%".to_owned();
    } else if percent >= 10.0 {
        0
    } else {
        (1.0 - percent.log10().floor()).clamp(0.0, 5.0) as usize
    };
    let text = format!("{percent:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text}%")
}

/// How unlikely it would be that nothing rose: by Wilks' theorem twice the log-likelihood ratio is
/// chi-squared; its tail is below this.
fn likelihood(evidence: f64) -> String {
    let exponent = (evidence / std::f64::consts::LN_10).floor();
    if exponent >= 9.0 {
        "p < 1e-9".to_owned()
    } else if exponent >= 3.0 {
        format!("p < 1e-{exponent:.0}")
    } else {
        format!("p about {:.2}", (-evidence).exp().max(0.01))
    }
}
