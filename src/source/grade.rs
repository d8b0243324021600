//! How severe is what people call `P1`, `SEV-2` or `3`.

use crate::domain::Severity;

/// The number in `P1`, `SEV-2`, `Sev 3`, `4`; `None` for any other name.
pub(super) fn number(name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (word, digits) = name.split_at(digits);
    let word = word.trim_end_matches(['-', '_', ' ', '#']);
    let is_known = ["", "p", "s", "sev", "severity", "prio", "priority"].contains(&word);
    digits.parse().ok().filter(|_| is_known)
}

/// By such a number, or by the place from the worst, which is 1: two page and two are tickets, as
/// `P1` to `P5` are commonly meant.
pub(super) fn by_place(place: usize) -> Severity {
    match place {
        0..=2 => Severity::Page,
        3 | 4 => Severity::Ticket,
        _ => Severity::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_read_by_its_number() {
        for (name, want) in [
            ("P1", Some(1)),
            ("p3", Some(3)),
            ("SEV-2", Some(2)),
            ("Sev 4", Some(4)),
            ("Severity 5", Some(5)),
            ("0", Some(0)),
            ("Critical", None),
            ("tier 1", None),
            ("P1 (EU)", None),
            ("", None),
        ] {
            assert_eq!(number(name), want, "{name}");
        }
    }
}
