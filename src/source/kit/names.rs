//! Names and ids of an account, and rows of what else is known.

use crate::text::Untrusted;

/// The ids of what a setting names by name or id, and the words that nothing is called.
pub(in crate::source) fn ids(
    words: &[String],
    known: &[(String, String)],
) -> (Vec<String>, Vec<String>) {
    let (mut ids, mut unknown) = (Vec::new(), Vec::new());
    for word in words {
        let is_it = |(id, name): &&(String, String)| id == word || name.eq_ignore_ascii_case(word);
        let found = ids.len();
        ids.extend(known.iter().filter(is_it).map(|(id, _)| id.clone()));
        if ids.len() == found {
            unknown.push(word.clone());
        }
    }
    (ids, unknown)
}

/// Each of them once, in their order.
pub(in crate::source) fn distinct(names: impl Iterator<Item = Untrusted>) -> Vec<Untrusted> {
    let mut known = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

/// Details of a row: those that have a value.
pub(in crate::source) fn details<const N: usize>(
    known: [(&'static str, Option<String>); N],
) -> impl Iterator<Item = (Untrusted, Untrusted)> {
    known.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some((name.into(), value.into()))
    })
}
