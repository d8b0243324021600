//! One objective of several: what it is called, what it promises, how much it weighs.

use crate::dialect::draft::percent;
use crate::dialect::node::{Node, Wrong};
use crate::domain::slo::rounded;

/// The indicator that an objective has of its own.
pub(super) fn indicator_of(objective: &Node) -> Option<&Node> {
    objective.get("indicator").or(objective.get("indicatorRef"))
}

/// What tells an objective from the others of its SLO, which needs words where targets are alike.
pub(super) fn distinct(objective: &Node, all: &[&Node]) -> Result<String, Wrong> {
    let name = suffix(objective, all);
    let same = all.iter().filter(|other| suffix(other, all) == name);
    if same.count() > 1 {
        let message = format!(
            "several objectives of this SLO would end in `-{name}`: give each its own `displayName`"
        );
        return Err(Wrong::at(&objective.place, message));
    }
    Ok(name)
}

fn suffix(objective: &Node, all: &[&Node]) -> String {
    let own = |objective: &Node| {
        let indicator = indicator_of(objective).and_then(|indicator| {
            let name = indicator.find(&["metadata", "name"]).unwrap_or(indicator);
            name.text().ok()
        });
        let name = objective.text_of("displayName").ok().flatten();
        let name = name.or(indicator).map(|name| slug(&name));
        name.filter(|name| !name.is_empty())
    };
    let target = || match target(objective) {
        Ok((target, _)) => percent(target).to_string(),
        Err(_) => "objective".to_owned(),
    };
    match own(objective) {
        None => target(),
        Some(name) => {
            let same = all
                .iter()
                .filter(|other| own(other).as_ref() == Some(&name));
            if same.count() > 1 {
                format!("{name}-{}", target())
            } else {
                name
            }
        }
    }
}

/// `Good experience` as `good-experience`.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '_');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

/// The objective, between 0 and 1, and where it is.
pub(super) fn target(objective: &Node) -> Result<(f64, &Node), Wrong> {
    match (objective.get("target"), objective.get("targetPercent")) {
        (Some(node), None) => {
            let target = share(node, "target")?;
            let message = if target >= 1.0 {
                "a target of 1 leaves no budget: write a share below 1, such as 0.999"
            } else if target <= 0.01 {
                "`target` is the share of good events, and this promises 1 % or less: write 0.999 for 99.9 %"
            } else {
                return Ok((target, node));
            };
            Err(Wrong::at(&node.place, message))
        }
        (None, Some(node)) => Ok((rounded(node.number()? / 100.0), node)),
        (Some(_), Some(node)) => {
            let message = "`target` is given as well: keep one";
            Err(Wrong::at(&node.place, message))
        }
        (None, None) => {
            let message = "the objective has no target: add `target`, such as 0.999";
            Err(Wrong::at(&objective.place, message))
        }
    }
}

/// A share of 1, above 0.
pub(super) fn share(node: &Node, key: &str) -> Result<f64, Wrong> {
    let share = node.number()?;
    let message = if share > 1.0 {
        format!("`{key}` is a share of 1: write {}", rounded(share / 100.0))
    } else if share <= 0.0 {
        format!("`{key}` is a share of 1, above 0: write one such as 0.95")
    } else {
        return Ok(share);
    };
    Err(Wrong::at(&node.place, message))
}

/// How much an objective weighs in a mix.
pub(super) fn weight(objective: &Node) -> Result<f64, Wrong> {
    let Some(node) = objective.get("compositeWeight") else {
        return Ok(1.0);
    };
    let weight = node.number()?;
    if weight > 0.0 {
        return Ok(weight);
    }
    let message = "write a weight above 0; an objective that is to weigh nothing is left out";
    Err(Wrong::at(&node.place, message))
}
