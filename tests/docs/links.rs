//! Links of Markdown pages: where they lead, and whether a file and a heading are there.

use std::path::{Component, Path, PathBuf};

/// A Markdown page of the repository.
pub(crate) struct Page {
    /// Its path in the repository.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
}

impl Page {
    /// The path in the repository that a link of this page leads to; `None` for other hosts.
    pub(crate) fn target(&self, link: &str) -> Option<PathBuf> {
        if link.contains("://") {
            return None;
        }
        let path = link.split('#').next().unwrap_or_default();
        if path.is_empty() {
            return Some(self.path.clone());
        }
        let mut target = self.path.parent()?.to_owned();
        for part in Path::new(path).components() {
            match part {
                Component::ParentDir => {
                    if !target.pop() {
                        return None;
                    }
                }
                part => target.push(part),
            }
        }
        Some(target)
    }

    /// Checks that a link leads to a file of the repository and, with `#`, to a heading of it.
    pub(crate) fn check(&self, link: &str, root: &Path, pages: &[Self]) -> Result<(), String> {
        if link.starts_with("https://") {
            return Ok(());
        }
        let target = self.target(link).ok_or("leaves the repository")?;
        if !root.join(&target).is_file() {
            return Err(format!("no file {}", target.display()));
        }
        let Some((_, anchor)) = link.split_once('#') else {
            return Ok(());
        };
        let page = pages.iter().find(|page| page.path == target);
        let page = page.ok_or("an anchor of a file that is no page")?;
        if anchors(&page.text).contains(&anchor.to_owned()) {
            Ok(())
        } else {
            Err(format!("no heading `{anchor}`"))
        }
    }
}

/// The text without its code blocks.
pub(crate) fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The targets of all links and pictures, but those in code blocks.
pub(crate) fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let rest = text.split("](").skip(1);
    rest.filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

/// The anchors that a renderer gives the headings: lower case, hyphens for blanks, no punctuation.
fn anchors(text: &str) -> Vec<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
