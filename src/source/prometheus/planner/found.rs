//! The series that answer one question: mostly a single one.

use super::Labelled;

/// Series, of which one alone needs no memory of its own.
#[derive(Clone, Debug, Default)]
pub(super) enum Found<S> {
    #[default]
    Nothing,
    One(S),
    Several(Vec<S>),
}

impl<S> Found<S> {
    /// Adds a series.
    pub(super) fn push(&mut self, series: S) {
        *self = match std::mem::take(self) {
            Self::Nothing => Self::One(series),
            Self::One(first) => Self::Several(vec![first, series]),
            Self::Several(mut all) => {
                all.push(series);
                Self::Several(all)
            }
        };
    }

    /// Adds a row to the series that it is a part of.
    pub(super) fn sum(&mut self, row: S)
    where
        S: Labelled,
    {
        let known = match self {
            Self::Nothing => &mut [],
            Self::One(only) => std::slice::from_mut(only),
            Self::Several(all) => all.as_mut_slice(),
        };
        match known
            .iter_mut()
            .find(|known| known.labels() == row.labels())
        {
            Some(known) => known.add(&row),
            None => self.push(row),
        }
    }

    /// All of them, in the order they came.
    pub(super) fn as_slice(&self) -> &[S] {
        match self {
            Self::Nothing => &[],
            Self::One(only) => std::slice::from_ref(only),
            Self::Several(all) => all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_in_the_order_they_came() {
        let mut found = Found::default();
        for count in 0..4 {
            assert_eq!(found.as_slice(), (0..count).collect::<Vec<_>>());
            found.push(count);
        }
    }
}
