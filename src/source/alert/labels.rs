//! Which labels of an alert name its service and its severity, and what the severity is.

use super::Alert;
use crate::domain::{Severity, Window};
use crate::source::severity::{Severities, UnknownSeverities};
use crate::text::Untrusted;

/// Which labels name the service and the severity, the best first, and what severity words mean.
#[derive(Clone, Debug)]
pub(in crate::source) struct LabelNames {
    pub(in crate::source) service: Vec<String>,
    pub(in crate::source) severity: Vec<String>,
    pub(in crate::source) severities: Severities,
}

/// An alert on a burn whose long window is shorter than this is about a fast burn, where its labels do
/// not say how soon the budget is gone.
const FAST_WINDOW: Window = Window::hours(12);
/// The long window of a fast burn's alert spends less than this share of the budget: Pyrra's four
/// alerts spend 1/48, 1/16, 1/14 and 1/7.
const FAST_SHARE: f64 = 1.0 / 15.0;

impl LabelNames {
    /// The severity of an alert, or of the rule that raises it, by its labels. An alert on the burn of
    /// an SLO is at least a ticket, as its rule is.
    pub(in crate::source) fn severity<'a>(
        &self,
        label: impl Fn(&str) -> Option<&'a str>,
        unknown: &mut UnknownSeverities,
    ) -> Severity {
        let word = self.severity.iter().filter_map(|name| label(name));
        let word = word.map(str::trim).find(|word| !word.is_empty());
        let word = word.or_else(|| label("sloth_severity")).unwrap_or_default();
        let Some(is_fast) = on_fast_burn(&label) else {
            return self.severities.read(word, unknown);
        };
        let own = self.severities.own(word);
        let known = own.or_else(|| Severity::from_burn_word(word, is_fast));
        known
            .unwrap_or_else(|| self.severities.read(word, unknown))
            .max(Severity::Ticket)
    }
}

impl LabelNames {
    /// The severity of an alert; words that nobody has mapped are noted elsewhere.
    pub(in crate::source) fn severity_of(&self, alert: &Alert) -> Severity {
        let label = |name: &str| alert.labels.get(name).map(String::as_str);
        self.severity(label, &mut UnknownSeverities::default())
    }
}

/// Whether an alert on the burn of an SLO is about a fast burn; `None` for any other alert.
///
/// Sloth's is known by its own severity, Pyrra's by the windows beside the name of the SLO.
fn on_fast_burn<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Option<bool> {
    if label("sloth_severity").is_some() {
        return Some(false);
    }
    let window = |name: &str| label(name)?.parse::<Window>().ok();
    label("slo")?;
    window("short")?;
    let long = window("long")?;
    Some(
        window("exhaustion").map_or(long < FAST_WINDOW, |exhaustion| {
            f64::from(long.seconds()) / f64::from(exhaustion.seconds()) < FAST_SHARE
        }),
    )
}

/// What is reported of the severities of these alerts.
pub(in crate::source) fn severity_warnings(alerts: &[Alert], names: &LabelNames) -> Vec<Untrusted> {
    let mut unknown = UnknownSeverities::default();
    for alert in alerts {
        names.severity(
            |name| alert.labels.get(name).map(String::as_str),
            &mut unknown,
        );
    }
    unknown.warnings()
}

/// The default of the setting `service_labels`.
pub(in crate::source) fn service_labels() -> Vec<String> {
    ["service", "sloth_service", "job"]
        .map(str::to_owned)
        .into()
}

/// The default of the setting `severity_labels`.
pub(in crate::source) fn severity_labels() -> Vec<String> {
    ["sloth_severity", "severity", "priority"]
        .map(str::to_owned)
        .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn severity(labels: &[(&str, &str)], own: &[(&str, Severity)]) -> (Severity, usize) {
        let own = own.iter();
        let own = own.map(|(word, severity)| ((*word).to_owned(), *severity));
        let names = LabelNames {
            service: service_labels(),
            severity: severity_labels(),
            severities: own.collect::<BTreeMap<_, _>>().into(),
        };
        let label = |name: &str| {
            let mut all = labels.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let mut unknown = UnknownSeverities::default();
        let severity = names.severity(label, &mut unknown);
        (severity, unknown.warnings().len())
    }

    #[test]
    fn the_first_label_with_a_word_tells_the_severity() {
        for (labels, want) in [
            (&[("severity", "high")][..], (Severity::Ticket, 0)),
            (&[("severity", "sev1")], (Severity::Page, 0)),
            (&[("severity", "Disaster")], (Severity::Page, 0)),
            (&[("severity", "none")], (Severity::Info, 0)),
            (&[("severity", "1")], (Severity::Ticket, 1)),
            (&[("priority", "P1")], (Severity::Page, 0)),
            (
                &[("severity", " "), ("priority", "P1")],
                (Severity::Page, 0),
            ),
            (&[("severity_level", "4")], (Severity::Ticket, 1)),
            (&[], (Severity::Ticket, 1)),
            (
                &[("severity", "info"), ("sloth_severity", "page")],
                (Severity::Page, 0),
            ),
        ] {
            assert_eq!(severity(labels, &[]), want, "{labels:?}");
        }
    }

    #[test]
    fn an_alert_on_a_burn_has_the_severity_of_its_rule() {
        let pyrra = |word: &'static str, long: &'static str, exhaustion: &'static str| {
            let mut labels = vec![
                ("slo", "x"),
                ("severity", word),
                ("short", "5m"),
                ("long", long),
            ];
            labels.extend(Some(("exhaustion", exhaustion)).filter(|(_, it)| !it.is_empty()));
            severity(&labels, &[]).0
        };
        for (word, long, exhaustion, want) in [
            ("high", "1h", "2d", Severity::Page),
            ("high", "6h", "4d", Severity::Page),
            ("high", "1d", "2w", Severity::Ticket),
            ("high", "4d", "4w", Severity::Ticket),
            // The windows of 12 weeks and of one.
            ("high", "18h", "12d", Severity::Page),
            ("high", "6h", "3d12h", Severity::Ticket),
            // An older Pyrra does not say when the budget is gone.
            ("high", "6h", "", Severity::Page),
            ("high", "1d", "", Severity::Ticket),
            ("critical", "1d", "2w", Severity::Page),
            ("sev1", "1h", "", Severity::Page),
            ("warning", "1h", "2d", Severity::Ticket),
            ("low", "4d", "4w", Severity::Ticket),
        ] {
            assert_eq!(
                pyrra(word, long, exhaustion),
                want,
                "{word} {long} {exhaustion}"
            );
        }
        let own = [("high", Severity::Ticket)];
        let labels = [
            ("slo", "x"),
            ("severity", "high"),
            ("short", "5m"),
            ("long", "1h"),
        ];
        assert_eq!(severity(&labels, &own).0, Severity::Ticket);
    }
}
