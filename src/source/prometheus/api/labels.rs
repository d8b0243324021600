//! Labels, in two pieces of memory: a tree of thousands of series' labels takes six times as much,
//! and six times as long to make and to drop.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A series' labels, sorted by name.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::source::prometheus) struct Labels {
    /// Names and values in turn, behind one another.
    text: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
}

impl Labels {
    pub(in crate::source::prometheus) fn new() -> Self {
        Self::default()
    }

    /// Of pairs in any order; of those of one name the last counts.
    pub(super) fn of(mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Self {
        if !pairs.is_sorted_by(|one, next| one.0 < next.0) {
            pairs.reverse();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            pairs.dedup_by(|next, one| one.0 == next.0);
        }
        let length = pairs.iter().map(|(name, value)| name.len() + value.len());
        let mut text = String::with_capacity(length.sum());
        let mut ends = Vec::with_capacity(2 * pairs.len());
        for (name, value) in &pairs {
            for piece in [name, value] {
                text.push_str(piece);
                ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            }
        }
        Self {
            text: text.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }

    /// Each name with its value.
    pub(in crate::source::prometheus) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        let mut piece = move |end: u32| {
            let end = usize::try_from(end).unwrap_or(usize::MAX);
            let piece = self.text.get(start..end).unwrap_or_default();
            start = end;
            piece
        };
        let pairs = self.ends.as_chunks::<2>().0.iter();
        pairs.map(move |&[name, value]| (piece(name), piece(value)))
    }

    pub(in crate::source::prometheus) fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.iter();
        all.find_map(|(other, value)| (other == name).then_some(value))
    }

    pub(in crate::source::prometheus) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(in crate::source::prometheus) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many there are.
    pub(in crate::source::prometheus) fn len(&self) -> usize {
        self.ends.len() / 2
    }

    /// Those of which this is true.
    #[must_use]
    pub(in crate::source::prometheus) fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        self.iter().filter(|(name, _)| keep(name)).collect()
    }

    /// With these as well, which count where there is one of the name.
    #[must_use]
    pub(in crate::source::prometheus) fn with<'a>(
        &'a self,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.iter().chain(more).collect()
    }

    /// Takes one out.
    pub(in crate::source::prometheus) fn remove(&mut self, name: &str) -> Option<String> {
        let value = self.get(name)?.to_owned();
        *self = self.filtered(|other| other != name);
        Some(value)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self::of(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl<'a> FromIterator<(&'a String, &'a String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'a String, &'a String)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        pairs.map(|(name, value)| (&**name, &**value)).collect()
    }
}

impl<'a, const N: usize> From<[(&'a str, &'a str); N]> for Labels {
    fn from(pairs: [(&'a str, &'a str); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The pairs of a map of texts, in its order, mostly not copied.
pub(super) struct Pairs<'de>(pub(super) Vec<(Cow<'de, str>, Cow<'de, str>)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<'de>(Cow<'de, str>);
        impl<'de> Deserialize<'de> for Text<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read;
                impl<'de> Visitor<'de> for Read {
                    type Value = Text<'de>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a text")
                    }

                    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                        Ok(Text(Cow::Borrowed(text)))
                    }

                    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                        Ok(Text(Cow::Owned(text.to_owned())))
                    }
                }
                deserializer.deserialize_str(Read)
            }
        }

        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some((Text(name), Text(value))) = map.next_entry()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Pairs(pairs) = Pairs::deserialize(deserializer)?;
        Ok(Self::of(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_given_back_sorted_and_told_apart() {
        let all: [&[(&str, &str)]; 6] = [
            &[],
            &[("a", "")],
            &[("a", "b")],
            &[("ab", "")],
            &[("d", "é"), ("a", "bc")],
            &[("cd", "é"), ("a", "b")],
        ];
        let sets: Vec<Labels> = all
            .iter()
            .map(|pairs| pairs.iter().copied().collect())
            .collect();
        for (place, (set, pairs)) in sets.iter().zip(all).enumerate() {
            let mut sorted = pairs.to_vec();
            sorted.sort_unstable();
            assert!(set.iter().eq(sorted), "{set:?}");
            assert!(
                pairs
                    .iter()
                    .all(|(name, value)| set.get(name) == Some(value))
            );
            assert_eq!((set.len(), set.is_empty()), (pairs.len(), pairs.is_empty()));
            assert_eq!(set.get("b"), None);
            assert!(sets[0] <= *set, "none is the least");
            for (other_place, other) in sets.iter().enumerate() {
                assert_eq!(set == other, place == other_place);
            }
        }
    }

    #[test]
    fn what_a_server_wrote_is_read_whatever_its_order() {
        let read = |text: &str| serde_json::from_str::<Labels>(text).unwrap();
        let expected = Labels::from([("a", "b\"c"), ("d", "é")]);
        assert_eq!(read(r#"{"a":"b\"c","d":"é"}"#), expected);
        assert_eq!(read(r#"{"d":"\u00e9","a":"x","a":"b\"c"}"#), expected);
        for wrong in ["[]", r#"{"a":1}"#, r#"{"a":null}"#, "3"] {
            assert!(serde_json::from_str::<Labels>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn labels_are_changed_by_name() {
        let mut labels = Labels::from([("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(labels.remove("b").as_deref(), Some("2"));
        assert_eq!(labels.remove("b"), None);
        assert_eq!(labels, Labels::from([("a", "1"), ("c", "3")]));
        let more = labels.with([("a", "4"), ("b", "5")]);
        assert_eq!(more, Labels::from([("a", "4"), ("b", "5"), ("c", "3")]));
        assert_eq!(
            more.filtered(|name| name == "c"),
            Labels::from([("c", "3")])
        );
    }
}
