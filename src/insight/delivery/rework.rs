//! Rework: deployments that repair what another broke.

use super::Deployment;
use crate::domain::{Incident, SourceName};
use crate::text::Untrusted;

/// For each deployment whether it repairs: a roll-back, one whose ref, label or title says so, or one that
/// says which incident it is for. A planned one while an incident is open is none.
pub(super) fn all(all: &[Deployment], incidents: &[(&SourceName, &Incident)]) -> Vec<bool> {
    let is_for = |one: &Deployment| {
        let mut labels = one.carried.labels.iter();
        labels.any(|label| {
            let label = label.raw();
            let named = label.split_once([':', '=']).map_or(label, |(_, id)| id);
            let mut ids = incidents.iter().map(|(_, incident)| incident.id.raw());
            ids.any(|id| !id.is_empty() && (id == label || id == named.trim()))
        })
    };
    all.iter()
        .map(|one| !one.takes_back.is_empty() || says_so(one) || is_for(one))
        .collect()
}

/// True when a ref, a label or the title names a repair.
fn says_so(one: &Deployment) -> bool {
    texts(one).any(|text| has_word(text, &["hotfix", "revert", "rollback"], true))
}

/// True when they say that it goes back.
pub(super) fn is_said_to_go_back(one: &Deployment) -> bool {
    texts(one).any(|text| has_word(text, &["revert", "rollback"], false))
}

/// The texts in which people say what a deployment is for.
pub(super) fn texts(one: &Deployment) -> impl Iterator<Item = &str> {
    let carried = &one.carried;
    let texts = carried.git_ref.iter().chain(&carried.labels);
    texts.chain(&one.title).map(Untrusted::raw)
}

/// True for a text in which a word begins with one of these, "roll back" and "hot fix" among them.
fn has_word(text: &str, known: &[&str], with_fixes: bool) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let is_known = |word: &&str| known.iter().any(|known| word.starts_with(known));
    let is_pair = |pair: &[&str]| match pair {
        ["hot", "fix"] => with_fixes,
        [first, "back"] => first.starts_with("roll"),
        _ => false,
    };
    words.iter().any(is_known) || words.windows(2).any(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_repairs_are_found_however_they_are_written() {
        for text in [
            "hotfix/cart",
            "HOTFIX",
            "refs/heads/hot-fix-12",
            "revert-1234-main",
            "Revert \"faster carts\"",
            "Reverts v1.2",
            "rollback",
            "roll-back to v1",
            "type: rolled back",
        ] {
            assert!(
                has_word(text, &["hotfix", "revert", "rollback"], true),
                "{text}"
            );
        }
        for text in [
            "main",
            "fix/cart",
            "irreverent",
            "scroll",
            "",
            "hot",
            "back",
        ] {
            assert!(
                !has_word(text, &["hotfix", "revert", "rollback"], true),
                "{text}"
            );
        }
    }
}
