//! What the members of one cluster know together.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{self, Facts, Fault};
use crate::source::alert::{self, Alert, LabelNames, Silence};
use crate::source::kit::members::Answers;
use crate::text::Untrusted;

/// What one member said.
pub(super) struct Listing {
    pub(super) alerts: Vec<Alert>,
    pub(super) silences: Result<Vec<Silence>, Fault>,
}

/// What any member knows.
pub(super) struct Cluster {
    /// Each alert once.
    pub(super) alerts: Vec<Alert>,
    /// Each silence once, as it was changed last: those over too, when a member lists them. `None`
    /// when no member could tell.
    silences: Option<Vec<Silence>>,
    /// The members that answered.
    pub(super) alive: Vec<usize>,
    /// Which members did not answer.
    warnings: Vec<Untrusted>,
    /// Why silences are not known.
    fault: Option<Fault>,
}

impl Cluster {
    /// Joins what the members said; the fault of the first when none did.
    pub(super) fn of(answers: Vec<Result<Listing, Fault>>) -> Result<Self, Fault> {
        let answers = Answers::of(answers)?;
        let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
        let mut silences: BTreeMap<String, Silence> = BTreeMap::new();
        let (mut alive, mut untold) = (Vec::new(), Vec::new());
        for (member, listing) in answers.alive {
            alive.push(member);
            listing
                .alerts
                .into_iter()
                .for_each(|alert| add_alert(&mut alerts, alert));
            match listing.silences {
                Ok(listed) => listed
                    .into_iter()
                    .for_each(|silence| add_silence(&mut silences, silence)),
                Err(fault) => untold.push(fault),
            }
        }
        let nobody_told = untold.len() == alive.len();
        Ok(Self {
            alerts: alerts.into_values().collect(),
            silences: (!nobody_told).then(|| silences.into_values().collect()),
            alive,
            warnings: answers.warning.into_iter().collect(),
            fault: untold.into_iter().next().filter(|_| nobody_told),
        })
    }

    /// The silences that are in force or will be.
    pub(super) fn silences(&self) -> impl Iterator<Item = &Silence> {
        let known = self.silences.iter().flatten();
        known.filter(|silence| !silence.is_over())
    }

    /// The same in the shared vocabulary.
    pub(super) fn facts(self, names: &LabelNames) -> Facts {
        let known: Vec<Silence> = self.silences().cloned().collect();
        let mut warnings = self.warnings;
        warnings.extend(alert::severity_warnings(&self.alerts, names));
        Facts {
            incidents: Some(alert::incidents(&self.alerts, names, &known)),
            silences: self
                .silences
                .is_some()
                .then(|| known.iter().filter_map(told).collect()),
            warnings,
            fault: self.fault,
            ..Facts::default()
        }
    }
}

/// A silence in the shared vocabulary; `None` for one without an end, which Alertmanager never has.
pub(super) fn told(silence: &Silence) -> Option<domain::Silence> {
    let ends_at = silence.ends()?;
    Some(domain::Silence {
        id: silence.id.as_str().into(),
        matchers: silence.matchers.iter().map(Into::into).collect(),
        created_by: silence.created_by.as_str().into(),
        comment: silence.comment.as_str().into(),
        starts_at: silence.starts().unwrap_or(Timestamp::UNIX_EPOCH),
        ends_at,
    })
}

/// Adds an alert that a member lists, unless another member lists it as one that notifies.
fn add_alert(alerts: &mut BTreeMap<String, Alert>, alert: Alert) {
    match alerts.get_mut(&alert.fingerprint) {
        None => {
            alerts.insert(alert.fingerprint.clone(), alert);
        }
        Some(known) if known.is_suppressed() && !alert.is_suppressed() => *known = alert,
        Some(_) => {}
    }
}

/// Adds a silence that a member lists, unless another member knows a newer edit of it.
fn add_silence(silences: &mut BTreeMap<String, Silence>, silence: Silence) {
    let known = silences.get(&silence.id);
    if known.is_none_or(|known| known.updated() < silence.updated()) {
        silences.insert(silence.id.clone(), silence);
    }
}
