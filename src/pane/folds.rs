//! Rows that stand under another one instead of in a row of their own.

use std::collections::HashMap;

use super::RowKey;

/// Which rows are folded, and under which row each.
///
/// Nothing is taken away by it: a folded row is counted, told of in the detail of the row that it is
/// under, and found by any filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    heads: HashMap<RowKey, RowKey>,
    /// The folded rows in the order they were folded, which is their rank.
    order: Vec<RowKey>,
}

impl Folds {
    /// Folds a row under another.
    pub fn fold(&mut self, row: RowKey, head: RowKey) {
        if self.heads.insert(row.clone(), head).is_none() {
            self.order.push(row);
        }
    }

    /// How many rows are folded.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// The row that this one is under, when it is folded.
    pub fn head(&self, row: &RowKey) -> Option<&RowKey> {
        self.heads.get(row)
    }

    /// The rows under this one.
    pub fn under<'a>(&'a self, head: &'a RowKey) -> impl Iterator<Item = &'a RowKey> {
        self.order
            .iter()
            .filter(move |row| self.heads.get(row) == Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SourceName;

    #[test]
    fn rows_are_found_under_their_head_in_the_order_they_were_folded() {
        let key = |id: &str| RowKey {
            pane: "Incidents",
            source: SourceName::new("am"),
            id: id.into(),
            nth: 0,
        };
        let mut folds = Folds::default();
        for (row, head) in [("c", "a"), ("b", "a"), ("y", "x"), ("c", "a")] {
            folds.fold(key(row), key(head));
        }
        assert_eq!(folds.count(), 3);
        assert_eq!(folds.head(&key("b")), Some(&key("a")));
        assert_eq!(folds.head(&key("a")), None);
        let head = key("a");
        let under: Vec<_> = folds.under(&head).collect();
        assert_eq!(under, [&key("c"), &key("b")]);
        assert_eq!(folds.under(&key("b")).count(), 0);
    }
}
