//! The English of the documents: active sentences about programs and people, without private idioms.

use super::links::prose;

/// Phrases of sentences that are hard to read: passives of telling and asking, inversions with
/// `whose` and `whom`, and persons that are none.
const AVOIDED: [&str; 12] = [
    "whose",
    "whom",
    "nobody",
    "somebody",
    "told of",
    "is told",
    "are told",
    "is asked",
    "are asked",
    "speaks",
    "falls silent",
    "there is no such",
];

/// The avoided phrases of a page, each with its line.
pub(crate) fn avoided(text: &str) -> Vec<String> {
    let prose = prose(text);
    // Code within a line stays as it is: names and messages of the program.
    let prose: String = prose.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let found = prose.lines().flat_map(|line| {
        let words: Vec<_> = line
            .to_lowercase()
            .split(|c| !is_letter(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let words = format!(" {} ", words.join(" "));
        let phrases = AVOIDED.into_iter();
        let phrases = phrases.filter(move |phrase| words.contains(&format!(" {phrase} ")));
        phrases.map(move |phrase| format!("{phrase}: {}", line.trim()))
    });
    found.collect()
}
