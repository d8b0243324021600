//! `[[view]]`: filters and orders with a name.

use super::check::Context;
use super::wire;
use super::{SavedView, Step, read};
use crate::domain::Sort;
use crate::text::clipped;

impl Context<'_> {
    /// `[[view]]`.
    pub(super) fn views(&mut self, list: Option<toml::Value>) -> Vec<SavedView> {
        let mut views: Vec<SavedView> = Vec::new();
        for (index, table) in self.tables("view", list) {
            let path = [Step::Key("view".to_owned()), Step::Index(index)];
            let wire = match read::section::<wire::SavedView, _>(&path, table) {
                Ok(wire) => wire,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let name = wire.name.trim();
            if name.is_empty() {
                let message = "is empty: it is what the palette finds the view by";
                self.refuse("view", index, &["name"], message);
            }
            if views.iter().any(|view| view.name == name) {
                let message = format!("`{}` is the name of an earlier view", clipped(name));
                self.refuse("view", index, &["name"], message);
            }
            let sort = wire.sort.as_deref().unwrap_or(Sort::default().word());
            let known = Sort::ALL.into_iter().find(|(word, _)| *word == sort);
            if known.is_none() {
                let words = Sort::ALL.map(|(word, _)| word);
                self.refuse(
                    "view",
                    index,
                    &["sort"],
                    read::unknown_word("order", sort, &words),
                );
            }
            views.push(SavedView {
                name: name.to_owned(),
                filter: wire.filter.trim().to_owned(),
                sort: known.map_or(Sort::default(), |(_, sort)| sort),
            });
        }
        views
    }
}
