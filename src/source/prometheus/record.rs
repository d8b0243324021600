//! What the rules of an SLO record, and under which names: written by `watchfire rules`, read back
//! by the source.
//!
//! Names and labels are Sloth's (slok/sloth, `pkg/common/conventions`), so that its dashboards and
//! everything that reads its series work on them. Three things are ours:
//!
//! - Bad and all events of a window are recorded beside their ratio, where events can be counted.
//! - The period is counted like every other window, where Sloth records the mean of its 5m ratios.
//! - `DEFINITION` on what is recorded of the SLI tells by which definition: a series of another
//!   one is never taken for this one.

use std::collections::{BTreeMap, HashMap};

use super::plan::Formula;
use super::promql;
use crate::config::{SloSettings, is_label};
use crate::domain::{Period, Window};

mod alerts;
mod expression;
mod file;
mod meta;
mod probe;
#[cfg(test)]
mod tests;
mod yaml;

pub(super) use self::expression::Measured;
pub use self::file::{Choice, RuleFile};

/// Bad over all events, with the window behind it.
pub(super) const RATIO: &str = "slo:sli_error:ratio_rate";
/// Events that broke the objective, with the window behind it.
pub(super) const BAD: &str = "slo:sli_bad:increase";
/// All events, with the window behind it.
pub(super) const TOTAL: &str = "slo:sli_total:increase";
/// What is told of an SLO by labels.
pub(super) const INFO: &str = "sloth_slo_info";
/// The label that tells the definition by which a series was recorded.
pub(super) const DEFINITION: &str = "watchfire_definition";
/// The label of [`INFO`] with the alert rules: `page:1h:5m:14.4`, joined by commas.
pub(super) const RULES: &str = "watchfire_rules";
/// The label of [`INFO`] with the least number of bad events that may page.
pub(super) const MIN_BAD_EVENTS: &str = "watchfire_min_bad_events";
/// The label of [`INFO`] with the period: `30d`, `month`.
pub(super) const PERIOD: &str = "watchfire_period";
/// The label of [`INFO`] with the zone that a calendar period begins in.
pub(super) const ZONE: &str = "watchfire_timezone";
/// The label that Sloth tells windows apart by.
const WINDOW: &str = "sloth_window";

/// The windows that are evaluated as often as the server evaluates anything; longer ones move
/// slowly and are dear.
pub(super) const SHORT: Window = Window::hours(6);

/// Labels that a rule is given, by name.
type RuleLabels = BTreeMap<String, String>;

/// What the rules of one SLO record.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// Tells it from all others.
    pub(super) id: String,
    slo: SloSettings,
    /// Labels of the user's and the SLO's own, on everything that is recorded.
    labels: RuleLabels,
    /// Which definition of the SLI it is.
    definition: String,
    /// What is measured of each window; the last may be the period.
    windows: BTreeMap<Window, Measured>,
    /// Labels of the user's that cannot be kept.
    dropped: Vec<String>,
}

impl Recording {
    /// Fails with the reason when an SLO cannot be recorded.
    pub(super) fn of(slo: &SloSettings, id: &str) -> Result<Self, String> {
        if let Some(wrong) = slo
            .by
            .iter()
            .find(|label| !is_label(label) || is_ours(label))
        {
            return Err(format!(
                "`{wrong}` in `by` is no label that a rule can group by"
            ));
        }
        let measured = |window| Measured::of(&Formula::of(&slo.sli, window), &slo.by);
        let period = rolling(slo.period);
        let windows = slo
            .rules
            .iter()
            .flat_map(|rule| [rule.short, rule.long])
            .chain(period);
        let windows = windows
            .map(|window| Ok((window, measured(window)?)))
            .collect::<Result<_, String>>()?;
        let (kept, dropped): (Vec<_>, Vec<_>) = slo
            .labels
            .iter()
            .partition(|(name, _)| is_label(name) && !is_ours(name) && !slo.by.contains(name));
        let own = [
            ("sloth_id", id),
            ("sloth_service", &slo.service),
            ("sloth_slo", &slo.name),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = kept
            .into_iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        Ok(Self {
            id: id.to_owned(),
            labels: kept.chain(own).collect(),
            definition: definition(&slo.by, &measured)?,
            windows,
            dropped: dropped.into_iter().map(|(name, _)| name.clone()).collect(),
            slo: slo.clone(),
        })
    }

    /// The labels of what is recorded of a window, without those that it is grouped by.
    pub(super) fn labels_of(&self, window: Window) -> RuleLabels {
        let more = [
            (WINDOW.to_owned(), window.to_string()),
            (DEFINITION.to_owned(), self.definition.clone()),
        ];
        self.labels.clone().into_iter().chain(more).collect()
    }

    /// What is measured of a window; `None` when nothing is recorded of it.
    pub(super) fn measured(&self, window: Window) -> Option<&Measured> {
        self.windows.get(&window)
    }

    /// Its service and name.
    pub(super) fn who(&self) -> (&str, &str) {
        (&self.slo.service, &self.slo.name)
    }

    /// Which definition of the SLI it is.
    pub(super) fn definition(&self) -> &str {
        &self.definition
    }

    /// Selects a record of this SLO, as Sloth's rules select theirs.
    pub(super) fn selector(&self, record: &str) -> String {
        let own = self.own().into_iter();
        let own = own.map(|(name, value)| format!("{name}={}", promql::string(&value)));
        format!("{record}{{{}}}", own.collect::<Vec<_>>().join(", "))
    }

    /// The labels that name it.
    fn own(&self) -> RuleLabels {
        let labels = self.labels.clone().into_iter();
        labels.filter(|(name, _)| is_ours(name)).collect()
    }

    /// The window of a rolling period.
    fn period(&self) -> Option<Window> {
        rolling(self.slo.period)
    }
}

/// The window of a period that has one; a calendar period grows with the time.
pub(super) fn rolling(period: Period) -> Option<Window> {
    match period {
        Period::Rolling(window) => Some(window),
        _ => None,
    }
}

/// An id for every SLO, by service and name: `service-name` as Sloth has it, and `service/name`,
/// which no other can have, where two would be the same.
pub(super) fn ids(slos: &[SloSettings]) -> HashMap<(&str, &str), String> {
    let joined = |slo: &SloSettings| format!("{}-{}", slo.service, slo.name);
    let mut count: HashMap<String, usize> = HashMap::new();
    for slo in slos {
        *count.entry(joined(slo)).or_default() += 1;
    }
    let id = |slo: &SloSettings| match joined(slo) {
        id if count[&id] == 1 => id,
        _ => format!("{}/{}", slo.service, slo.name),
    };
    slos.iter()
        .map(|slo| ((slo.service.as_str(), slo.name.as_str()), id(slo)))
        .collect()
}

/// Tells definitions of an SLI apart: 64 bits of FNV-1a over what two windows would be measured by.
/// The same on every machine and in every version that writes the same queries.
fn definition(
    by: &[String],
    measured: &impl Fn(Window) -> Result<Measured, String>,
) -> Result<String, String> {
    // Odd windows, so that none is one which a query names itself.
    let probes = [Window::minutes(7), Window::minutes(61)];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    for label in by {
        add(label);
    }
    for probe in probes {
        for text in measured(probe)?.texts() {
            add(text);
        }
    }
    Ok(format!("{hash:016x}"))
}

/// True for labels that the rules set themselves.
pub(super) fn is_ours(label: &str) -> bool {
    label.starts_with("sloth_") || label.starts_with("watchfire_")
}
