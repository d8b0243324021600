//! The known name that a wrong one probably means.

/// How alike two names must be by their beginnings for one to be offered in place of the other,
const ALIKE: f64 = 0.8;
/// or by how few letters are wrong, missing or swapped.
const FEW_SLIPS: f64 = 0.6;
/// Longer texts are no names.
const MAX_LENGTH: usize = 64;

/// How alike two names are, from 0 to 1, whatever their case (Jaro and Winkler: a common beginning
/// counts most).
pub fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(&one.to_lowercase(), &other.to_lowercase())
}

/// The known name that is most like a wanted one, where any is like it.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.len() > MAX_LENGTH {
        return None;
    }
    let lower = wanted.to_lowercase();
    let known = known.into_iter().filter_map(|name| {
        // Of short names, one slip changes the beginning (Damerau and Levenshtein).
        let slips = strsim::normalized_damerau_levenshtein(&lower, &name.to_lowercase());
        let beginning = likeness(wanted, name);
        let is_like = beginning >= ALIKE || slips >= FEW_SLIPS;
        is_like.then_some((beginning.max(slips), name))
    });
    let best = known.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["theme", "timezone", "context", "bell"];
        for (wanted, found) in [
            ("teme", Some("theme")),
            ("Theme", Some("theme")),
            ("timezon", Some("timezone")),
            ("contxet", Some("context")),
            ("blel", Some("bell")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, known), found, "{wanted}");
        }
        assert_eq!(nearest(&"t".repeat(100), known), None);
    }
}
