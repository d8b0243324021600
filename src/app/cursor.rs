//! Which row is selected: the row itself, not its place, so that live ranks never move it.

use crate::pane::RowKey;

/// The selection of one pane, and which part of its rows is in view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected row; `None` until somebody chose one: then the top is, whatever it is.
    key: Option<RowKey>,
    /// Where the selected row is now.
    index: usize,
    /// The first row in view.
    top: usize,
}

impl Cursor {
    /// Where the selected row is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The first row in view.
    pub fn top(&self) -> usize {
        self.top
    }

    /// Finds the selected row again among `keys`. A row that is gone leaves its place to the next.
    pub fn follow<'a>(&mut self, keys: impl Fn(usize) -> Option<&'a RowKey>, count: usize) {
        let Some(key) = &self.key else {
            self.index = 0;
            return;
        };
        if keys(self.index) == Some(key) {
            return;
        }
        let found = (0..count).find(|&at| keys(at) == Some(key));
        self.index = found.unwrap_or_else(|| self.index.min(count.saturating_sub(1)));
        if found.is_none() {
            self.key = keys(self.index).cloned();
        }
    }

    /// Selects a place for good.
    pub fn choose<'a>(
        &mut self,
        index: usize,
        keys: impl Fn(usize) -> Option<&'a RowKey>,
        count: usize,
    ) {
        self.index = index.min(count.saturating_sub(1));
        self.key = keys(self.index).cloned();
    }

    /// Brings the selected row into a view of `height` rows, moving as little as possible.
    pub fn reveal(&mut self, height: usize, count: usize) {
        let height = height.max(1);
        self.top = self.top.min(count.saturating_sub(height));
        if self.index < self.top {
            self.top = self.index;
        } else if self.index >= self.top + height {
            self.top = self.index + 1 - height;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SourceName;

    fn keys(names: &str) -> Vec<RowKey> {
        let key = |id: &str| RowKey {
            pane: "SLOs",
            source: SourceName::new("prod"),
            id: id.into(),
            nth: 0,
        };
        names.split_whitespace().map(key).collect()
    }

    fn follow(cursor: &mut Cursor, rows: &[RowKey]) {
        cursor.follow(|at| rows.get(at), rows.len());
    }

    #[test]
    fn a_selection_follows_its_row_and_falls_to_its_neighbour_when_it_is_gone() {
        let rows = keys("a b c d");
        let mut cursor = Cursor::default();
        cursor.choose(1, |at| rows.get(at), rows.len());
        for (now, index) in [
            ("c d a b", 3),
            ("b c d a", 0),
            ("x y b", 2),
            ("x y", 1),
            ("y x", 0),
            ("", 0),
            ("p q", 0),
        ] {
            follow(&mut cursor, &keys(now));
            assert_eq!(cursor.index(), index, "{now}");
        }
    }

    #[test]
    fn before_anybody_chose_the_top_is_selected() {
        let mut cursor = Cursor::default();
        for now in ["a b", "b a", "c"] {
            follow(&mut cursor, &keys(now));
            assert_eq!(cursor.index(), 0);
        }
    }

    #[test]
    fn the_view_moves_as_little_as_it_must() {
        let rows = keys("a b c d e f g h i j");
        let mut cursor = Cursor::default();
        for (index, height, top) in [
            (0, 4, 0),
            (3, 4, 0),
            (4, 4, 1),
            (9, 4, 6),
            (7, 4, 6),
            (5, 4, 5),
            (5, 8, 2),
            (5, 20, 0),
            (9, 0, 9),
        ] {
            cursor.choose(index, |at| rows.get(at), rows.len());
            cursor.reveal(height, rows.len());
            assert_eq!(cursor.top(), top, "row {index} in {height}");
        }
    }
}
