//! Promises: each one that is listed has a test, and that test is there.

use std::fs;

use crate::root;

/// The rows of the tables of a page, as their cells.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.map(|row| {
        row.trim_end_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect()
    });
    let rows: Vec<Vec<_>> = rows.collect();
    rows.into_iter().filter(|row| row[0] != "promise").collect()
}

/// The texts in backquotes of a cell.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_promise_has_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let rows = rows(&page);
    let mut wrong = Vec::new();
    for row in &rows {
        let [promise, test, .., date] = row.as_slice() else {
            wrong.push(format!("{row:?}: a promise, a test, a figure and a date"));
            continue;
        };
        let [path, name] = code(test)[..] else {
            wrong.push(format!("{promise}: {test} is no path and a name"));
            continue;
        };
        let source = fs::read_to_string(root().join(path)).unwrap_or_default();
        if !source.contains(&format!("fn {name}(")) {
            wrong.push(format!("{promise}: {path} has no `{name}`"));
        }
        if date.trim().parse::<jiff::civil::Date>().is_err() {
            wrong.push(format!("{promise}: {date} is no date"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() > 25, "{}", rows.len());
}

#[test]
fn the_threat_model_names_files_that_are_there() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let code = text.split('`').skip(1).step_by(2);
    let paths: Vec<_> = code
        .filter(|word| word.starts_with("src/") || word.starts_with("tests/"))
        .collect();
    let lost: Vec<_> = paths
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(paths.len() > 8, "{paths:?}");
}
