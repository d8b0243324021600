//! Files that have several names, by links: each is read once.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The file behind a name, so far as it can be told.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The same files, each once and by the name that people know it by: a folder of Kubernetes has
/// `a.yaml`, which is a link to `..data/a.yaml`, which is in `..2026_01_01`. Their order stays.
pub fn distinct(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut names: BTreeMap<PathBuf, (usize, &PathBuf)> = BTreeMap::new();
    for (number, path) in paths.iter().enumerate() {
        let name = names.entry(real(path)).or_insert((number, path));
        if plainness(path) > plainness(name.1) {
            *name = (number, path);
        }
    }
    let mut kept: Vec<_> = names.into_values().collect();
    kept.sort_unstable();
    kept.into_iter().map(|(_, path)| path.clone()).collect()
}

/// How plain a name is: few hidden folders, then few folders, then few letters.
fn plainness(path: &Path) -> Reverse<(usize, usize, usize)> {
    let hidden = path.components().filter(|part| match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
        _ => false,
    });
    let letters = path.as_os_str().len();
    Reverse((hidden.count(), path.components().count(), letters))
}

/// Refuses what is no file on a disk: a named pipe waits for somebody who writes to it.
pub(super) fn regular(path: &Path) -> Result<(), String> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => Err(format!(
            "`{}` is a pipe or a device, which may never end: name regular files only",
            path.display()
        )),
        // What cannot be looked at says why when it is read.
        _ => Ok(()),
    }
}
