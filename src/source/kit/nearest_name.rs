//! Names that are like one that is not there, for the advice of `doctor`.

/// How alike a name must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.7;
/// How many are offered.
const OFFERED: usize = 3;
/// How many are listed of what there is.
const LISTED: usize = 12;

/// Other names that are like this one, the most alike first.
pub(in crate::source) fn nearest<'a>(
    name: &str,
    all: impl IntoIterator<Item = &'a String>,
) -> Vec<String> {
    let all = all.into_iter();
    let is_like = |other: &&String| *other != name && strsim::jaro_winkler(name, other) >= ALIKE;
    let mut like = ranked(name, all.filter(is_like).cloned());
    like.truncate(OFFERED);
    like
}

/// All of them, the most alike first.
pub(in crate::source) fn ranked(
    wanted: &str,
    all: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let mut all: Vec<_> = all.into_iter().collect();
    let like = |one: &str| strsim::jaro_winkler(wanted, one);
    all.sort_by(|a, b| like(b).total_cmp(&like(a)).then_with(|| a.cmp(b)));
    all
}

/// The first of them in words, and how many more there are.
pub(in crate::source) fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let text = names[..names.len() - more].join(", ");
    if more > 0 {
        format!("{text} and {more} more")
    } else {
        text
    }
}
