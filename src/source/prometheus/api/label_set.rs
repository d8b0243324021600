//! Labels that are kept, in two pieces of memory: a tree of thousands of SLOs' labels takes six times
//! as much.

use super::Labels;

/// A series' labels, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::source::prometheus) struct LabelSet {
    /// Names and values in turn, behind one another.
    text: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
}

impl LabelSet {
    /// Each name with its value.
    pub(in crate::source::prometheus) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let place = |index: usize| match self.ends.get(index) {
            Some(&end) => usize::try_from(end).unwrap_or(usize::MAX),
            None => self.text.len(),
        };
        let piece = move |index: usize| {
            let start = index.checked_sub(1).map_or(0, place);
            self.text.get(start..place(index)).unwrap_or_default()
        };
        (0..self.ends.len() / 2).map(move |pair| (piece(pair * 2), piece(pair * 2 + 1)))
    }
}

impl From<&Labels> for LabelSet {
    fn from(labels: &Labels) -> Self {
        let pieces = || labels.iter().flat_map(|(name, value)| [name, value]);
        let mut end = 0;
        let ends = pieces().map(|piece| {
            end += piece.len();
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        Self {
            ends: ends.collect(),
            text: pieces().map(String::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        owned.collect()
    }

    #[test]
    fn labels_are_given_back_and_told_apart() {
        let all = [
            labels(&[]),
            labels(&[("a", "")]),
            labels(&[("a", "b")]),
            labels(&[("ab", "")]),
            labels(&[("a", "bc"), ("d", "é")]),
            labels(&[("a", "b"), ("cd", "é")]),
        ];
        for (place, one) in all.iter().enumerate() {
            let set = LabelSet::from(one);
            let pairs = one.iter().map(|(name, value)| (&**name, &**value));
            assert!(set.iter().eq(pairs), "{one:?}");
            for (other_place, other) in all.iter().enumerate() {
                assert_eq!(set == LabelSet::from(other), place == other_place);
            }
        }
    }
}
