//! Alert policies of `OpenSLO` as rules: a burn rate over one window.

use super::Objects;
use super::span::duration;
use crate::dialect::alerting::{self, Alert, Limit};
use crate::dialect::draft::Draft;
use crate::dialect::node::{Node, Wrong};
use crate::domain::{Severity, Window};

/// A condition with a window shorter than this is about a fast burn.
const FAST_BELOW: Window = Window::hours(12);

/// The rules of all policies; `None` when there is no policy.
pub(super) fn alerts(
    draft: &mut Draft,
    spec: &Node,
    objects: &Objects<'_>,
) -> Result<Option<Vec<Alert>>, Wrong> {
    let policies = spec.get("alertPolicies").map(Node::list).transpose()?;
    let policies = policies.unwrap_or_default();
    if policies.is_empty() {
        return Ok(None);
    }
    let mut alerts = Vec::new();
    for entry in policies {
        let policy = match entry.get("alertPolicyRef") {
            Some(reference) => objects.find("AlertPolicy", reference)?,
            None => entry,
        };
        let policy = policy.need("spec")?;
        notices(draft, policy)?;
        if policy.flag_of("alertWhenBreaching")? == Some(false) {
            let message = "this policy does not alert of a breach: it makes no rule";
            draft.warn(&policy.place, message);
            continue;
        }
        for condition in policy.need("conditions")?.list()? {
            let condition = match condition.get("conditionRef") {
                Some(reference) => objects.find("AlertCondition", reference)?,
                None => condition,
            };
            alerts.push(rule(draft, condition.need("spec")?)?);
        }
    }
    Ok(Some(alerts))
}

/// Names what a policy says beside its condition, which has no effect here.
fn notices(draft: &mut Draft, policy: &Node) -> Result<(), Wrong> {
    draft.expect_keys(
        policy,
        &[
            "description",
            "alertWhenNoData",
            "alertWhenResolved",
            "alertWhenBreaching",
            "conditions",
            "notificationTargets",
        ],
    )?;
    for (key, message) in [
        (
            "alertWhenNoData",
            "an SLO without data is shown as such and makes no alert: write a rule of your own for it, such as `absent(http_requests_total)`",
        ),
        (
            "alertWhenResolved",
            "nothing alerts of the end of a burn: Alertmanager sends it, with `send_resolved`",
        ),
    ] {
        if let Some(node) = policy.get(key)
            && node.flag()?
        {
            draft.warn(&node.place, format!("`{key}` has no effect: {message}"));
        }
    }
    if let Some(targets) = policy.get("notificationTargets")
        && !targets.list()?.is_empty()
    {
        let message = "`notificationTargets` stay behind: watchfire notifies nobody; route the alerts that `watchfire rules` writes in Alertmanager";
        draft.warn(&targets.place, message);
    }
    Ok(())
}

fn rule(draft: &mut Draft, spec: &Node) -> Result<Alert, Wrong> {
    draft.expect_keys(spec, &["description", "severity", "condition"])?;
    let condition = spec.need("condition")?;
    draft.expect_keys(
        condition,
        &["kind", "op", "threshold", "lookbackWindow", "alertAfter"],
    )?;
    if let Some(kind) = condition.get("kind") {
        let word = kind.text()?;
        if word != "burnrate" {
            let message =
                format!("a condition of kind `{word}` is none of OpenSLO v1: write `burnrate`");
            return Err(Wrong::at(&kind.place, message));
        }
    }
    if let Some(op) = condition.get("op") {
        match op.text()?.as_str() {
            "gt" | "gte" => {}
            "lt" | "lte" => {
                let message = "an alert of a low burn rate makes no sense: it is taken for `gt`";
                draft.warn(&op.place, message);
            }
            other => {
                let message = format!("no operator is called `{other}`: write `gt` or `gte`");
                return Err(Wrong::at(&op.place, message));
            }
        }
    }
    let threshold = condition.need("threshold")?;
    let factor = threshold.number()?;
    if factor <= 0.0 {
        let message = "a burn rate above 0: 1 spends the budget in just the period";
        return Err(Wrong::at(&threshold.place, message));
    }
    let window = duration(condition.need("lookbackWindow")?)?;
    if let Some(after) = condition.get("alertAfter") {
        let text = after.text()?;
        if text.contains(|digit: char| ('1'..='9').contains(&digit)) {
            let message = format!("watchfire shows an alert at once, not after {text}");
            draft.warn(&after.place, message);
        }
    }
    Ok(Alert {
        severity: severity(draft, spec, window)?,
        long: window,
        short: window,
        limit: Limit::Factor(factor),
    })
}

fn severity(draft: &mut Draft, spec: &Node, window: Window) -> Result<Severity, Wrong> {
    let node = spec.need("severity")?;
    let word = node.text()?;
    let is_fast = window < FAST_BELOW;
    Ok(alerting::severity(&word, is_fast).unwrap_or_else(|| {
        let message = format!("the severity `{word}` says nothing here: it is taken for a ticket");
        draft.warn(&node.place, message);
        Severity::Ticket
    }))
}
