//! What tells incidents apart: which alerts are one matter.

use super::labels::LabelNames;
use super::wire::Alert;
use crate::domain::{Matcher, Severity};

/// The labels by which Sloth and Pyrra name the SLO that an alert watches over.
pub(super) const SLO_LABELS: [&str; 2] = ["sloth_slo", "slo"];

/// What tells workloads of one name apart, and the labels that say it, the best first: a namespace is
/// the workload's before the exporter's. Grafana's alerts on its own data sources share their names and
/// are told apart by that of the rule.
pub(super) const PLACES: [(&str, &[&str]); 6] = [
    ("cluster", &["cluster"]),
    ("environment", &["environment", "env"]),
    ("region", &["region"]),
    ("namespace", &["exported_namespace", "namespace"]),
    ("tenant", &["tenant"]),
    ("rulename", &["rulename"]),
];

/// Labels that tell the alerts of one incident apart.
const INSTANCE_LABELS: [&str; 6] = [
    "instance",
    "pod",
    "container",
    "replica",
    "prometheus",
    "prometheus_replica",
];

/// What the alerts of one incident have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) alertname: String,
    pub(super) service: String,
    /// None of alerts on an SLO: whichever of its rules fire, it is one burn.
    severity: Option<Severity>,
    slo: String,
    /// Cluster, environment and so on, as far as labels say them.
    places: Vec<(&'static str, String)>,
    /// The other labels of an alert without a name, which has nothing else to be known by.
    others: Vec<(String, String)>,
}

impl Key {
    pub(super) fn new(alert: &Alert, names: &LabelNames) -> Self {
        let alertname = alert.label(&["alertname"]).to_owned();
        let places = PLACES.iter().filter_map(|(place, labels)| {
            let value = alert.label(labels);
            (!value.is_empty()).then(|| (*place, value.to_owned()))
        });
        let others = alert.labels.iter().filter(|(name, value)| {
            alertname.is_empty()
                && !value.is_empty()
                && !is_of_instance(name)
                && !is_dimension(name, names)
        });
        let slo = alert.label(&SLO_LABELS).to_owned();
        Self {
            service: alert.label(&names.service).to_owned(),
            severity: slo.is_empty().then(|| names.severity_of(alert)),
            slo,
            places: places.collect(),
            others: others
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            alertname,
        }
    }

    /// The places in which it differs from any of these: `cluster prod, region eu`.
    pub(super) fn places_beside(&self, others: &[&Self]) -> String {
        let differs = |place: &(&'static str, String)| {
            let mut others = others.iter();
            others.any(|other| !other.places.contains(place))
        };
        let differing = self.places.iter().filter(|place| differs(place));
        let words: Vec<String> = differing
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        words.join(", ")
    }

    /// The same for the same matter, whatever the order of the alerts and however many there are:
    /// `Burn{service="checkout",severity="page",cluster="prod"}`.
    ///
    /// `severity` is the worst of the alerts, so that a page is never the incident of a ticket that was
    /// looked at before.
    pub(super) fn id(&self, severity: Severity) -> String {
        let mut labels = vec![
            Matcher::equal("service", self.service.as_str()),
            Matcher::equal("severity", severity.word()),
        ];
        if !self.slo.is_empty() {
            labels.push(Matcher::equal("slo", self.slo.as_str()));
        }
        let places = self.places.iter();
        labels.extend(places.map(|(name, value)| Matcher::equal(*name, value.as_str())));
        let others = self.others.iter();
        labels.extend(others.map(|(name, value)| Matcher::equal(name.as_str(), value.as_str())));
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        format!("{}{{{}}}", self.alertname, labels.join(","))
    }
}

/// True for a label that tells the alerts of one incident apart.
pub(super) fn is_of_instance(name: &str) -> bool {
    INSTANCE_LABELS.contains(&name)
}

/// The labels that identity rests on, those that say the same thing together and the best first.
pub(super) fn dimensions(names: &LabelNames) -> Vec<Vec<&str>> {
    let mut all = vec![
        vec!["alertname"],
        texts(&names.service),
        texts(&names.severity),
        SLO_LABELS.to_vec(),
    ];
    all.extend(PLACES.iter().map(|(_, labels)| labels.to_vec()));
    all
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn is_dimension(name: &str, names: &LabelNames) -> bool {
    let mut places = PLACES.iter();
    name == "alertname"
        || SLO_LABELS.contains(&name)
        || names.service.iter().any(|known| known == name)
        || names.severity.iter().any(|known| known == name)
        || places.any(|(_, labels)| labels.contains(&name))
}
