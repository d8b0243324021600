//! The code map of the crate docs: an entry for each module, each with its invariant.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Checks the map in `lib.rs` against the modules that it declares.
pub(crate) fn check(path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}"));
    let docs = text.lines().filter_map(|line| line.strip_prefix("//!"));
    let mut entries: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for line in docs {
        if let Some(heading) = line.strip_prefix(" ## ") {
            let quoted = heading.split('`').skip(1).step_by(2);
            names = quoted
                .map(|name| name.trim_start_matches("mod@").to_owned())
                .collect();
        } else if line.starts_with(" # ") {
            names.clear();
        }
        for name in &names {
            entries.entry(name.clone()).or_default().push(line);
        }
    }
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let mut count = 0;
    for module in declared {
        count += 1;
        let entry = entries.remove(module);
        let entry = entry.unwrap_or_else(|| panic!("`{module}` is not in the code map"));
        let has_invariant = entry.iter().any(|line| line.contains("**Invariant**"));
        assert!(has_invariant, "`{module}` has no invariant");
    }
    assert!(count > 20, "{count}");
    assert!(entries.is_empty(), "no such modules: {:?}", entries.keys());
}
