//! The recording rules behind discovered SLOs: those that fail, and groups that take too long.

use serde::Deserialize;

use super::super::api::{Api, Labels, envelope};
use crate::domain::{Finding, Grade, window};

/// The most findings of one kind.
const MOST: usize = 20;

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    name: String,
    #[serde(default)]
    interval: f64,
    #[serde(default)]
    evaluation_time: f64,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    name: String,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    labels: Labels,
}

impl Rule {
    /// True for what Sloth, Pyrra and Grafana SLO write.
    fn is_of_an_slo(&self) -> bool {
        self.labels.contains("sloth_id")
            || self.labels.contains("slo")
            || self.name.starts_with("slo:")
            || self.name.starts_with("grafana_slo_")
    }

    fn finding(&self) -> Option<Finding> {
        if self.health != "err" && self.last_error.is_empty() {
            return None;
        }
        let reason = if self.last_error.is_empty() {
            "it does not say why"
        } else {
            &self.last_error
        };
        let finding = Finding::new(
            Grade::Error,
            "rules",
            format!("its rule `{}` fails: {reason}", self.name),
        )
        .because("what the rule should record is missing or old, so the SLO's numbers are too")
        .advise("mend the rule or its inputs; the server's /rules page shows the whole query");
        let label = |name: &str| self.labels.get(name);
        Some(match (label("sloth_service"), label("sloth_slo")) {
            (Some(service), Some(slo)) => finding.of_slo(&format!("{service}/{slo}").into()),
            _ => finding,
        })
    }
}

/// Looks for rules of SLOs that are not well. A server without rules has none that fail.
pub(super) async fn examine(api: &Api) -> Vec<Finding> {
    let answer = api.http().get("/api/v1/rules").send().await;
    let Ok(groups) = answer.and_then(|answer| Ok(envelope::<Groups>(&answer)?.data)) else {
        return Vec::new();
    };
    judge(&groups)
}

fn judge(groups: &Groups) -> Vec<Finding> {
    let of_slos = |group: &&Group| group.rules.iter().any(Rule::is_of_an_slo);
    let groups: Vec<_> = groups.groups.iter().filter(of_slos).collect();
    let rules = groups.iter().flat_map(|group| &group.rules);
    let rules: Vec<_> = rules.filter(|rule| rule.is_of_an_slo()).collect();
    let mut found: Vec<_> = rules.iter().filter_map(|rule| rule.finding()).collect();
    let failing = found.len();
    found.truncate(MOST);
    if failing > MOST {
        let more = format!("{} more rules of SLOs fail", failing - MOST);
        found.push(Finding::new(Grade::Error, "rules", more));
    }
    let slow = groups
        .iter()
        .filter(|group| group.interval > 0.0 && group.evaluation_time > group.interval);
    found.extend(slow.take(MOST).map(|group| slow_group(group)));
    if found.is_empty() && !rules.is_empty() {
        let what = format!("{} rules of SLOs are evaluated without error", rules.len());
        found.push(Finding::new(Grade::Ok, "rules", what));
    }
    found
}

fn slow_group(group: &Group) -> Finding {
    let brief = |seconds: f64| {
        let span = jiff::SignedDuration::try_from_secs_f64(seconds);
        span.map_or_else(|_| "very long".to_owned(), window::brief)
    };
    Finding::new(
        Grade::Warning,
        "rules",
        format!(
            "its rule group `{}` takes {} and is due every {}",
            group.name,
            brief(group.evaluation_time),
            brief(group.interval)
        ),
    )
    .because("evaluations are skipped, so recorded ratios have holes and alerts come late")
    .advise("split the group, or make its interval longer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failing_rules_of_slos_are_errors_and_other_rules_are_not_looked_at() {
        let groups = serde_json::from_value(json!({"groups": [
            {"name": "sloth", "interval": 30, "evaluationTime": 45.5, "rules": [
                {"name": "slo:sli_error:ratio_rate5m", "type": "recording", "health": "err",
                 "lastError": "many-to-many", "labels": {"sloth_id": "x", "sloth_service": "pay", "sloth_slo": "up"}},
                {"name": "slo:objective:ratio", "type": "recording", "health": "ok"}]},
            {"name": "others", "interval": 30, "evaluationTime": 60, "rules": [
                {"name": "cpu", "type": "recording", "health": "err", "lastError": "no"}]},
        ]}));
        let found = judge(&groups.expect("the wire form"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].grade, Grade::Error);
        assert_eq!(
            found[0].slo.as_ref().map(crate::text::Untrusted::raw),
            Some("pay/up")
        );
        assert!(found[0].what.raw().contains("many-to-many"));
        assert!(
            found[1]
                .what
                .raw()
                .contains("takes 45s and is due every 30s")
        );
    }
}
