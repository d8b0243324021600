//! Circles of imports between files: sets of files each of which imports all others, if not directly.

use std::collections::{BTreeMap, BTreeSet};

/// Files by their module path, each with those that it imports.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph of files, from module path and code.
pub(crate) fn graph(files: &BTreeMap<String, String>) -> Graph {
    let imports = files.iter().map(|(name, code)| {
        let own: Vec<&str> = name.split("::").collect();
        let paths = paths(code).into_iter();
        let targets = paths.filter_map(|path| target(&absolute(&own, &path)?, files));
        let others: BTreeSet<_> = targets.filter(|target| target != name).collect();
        (name.clone(), others)
    });
    imports.collect()
}

/// The sets of files that import one another, without those of one file.
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<_, _> = graph
        .keys()
        .map(|from| (from, reach(graph, from)))
        .collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for name in graph.keys() {
        let is_mutual = |other: &&String| reached[other].contains(name);
        let circle: BTreeSet<_> = reached[name].iter().filter(is_mutual).cloned().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// All files that a file imports, those of its imports included.
fn reach(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        for next in &graph[name] {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// The file that holds what a path names: the longest module path that it begins with.
fn target(path: &[String], files: &BTreeMap<String, String>) -> Option<String> {
    let mut names = (1..=path.len()).rev().map(|count| path[..count].join("::"));
    names.find(|name| files.contains_key(name))
}

/// A path from the root of the crate.
fn absolute(own: &[&str], path: &[String]) -> Option<Vec<String>> {
    let rest: Vec<String> = path.iter().skip(1).cloned().collect();
    let ups = path.iter().take_while(|name| *name == "super").count();
    let base = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => own.to_vec(),
        _ => own.get(..own.len().checked_sub(ups)?)?.to_vec(),
    };
    let rest = if ups > 1 {
        rest[ups - 1..].to_vec()
    } else {
        rest
    };
    Some(base.into_iter().map(str::to_owned).chain(rest).collect())
}

/// The paths that a code names from `crate`, `self` or `super`, groups taken apart.
fn paths(code: &str) -> Vec<Vec<String>> {
    // A visibility is no import.
    let mut parts = code.split("pub(in ");
    let first = parts.next().unwrap_or_default().to_owned();
    let code = parts.fold(first, |code, part| {
        code + part.split_once(')').map_or(part, |(_, rest)| rest)
    });
    let mut found = Vec::new();
    for root in ["crate::", "self::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                expand(&code[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads a path, or a tree of them, at the beginning of a text.
fn expand(text: &str, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if let Some(group) = text.strip_prefix('{') {
        for entry in super::super::top_names(group) {
            expand(entry, &mut before.clone(), found);
        }
        return;
    }
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    if end > 0 {
        before.push(text[..end].to_owned());
    }
    match text[end..].strip_prefix("::") {
        Some(rest) => expand(rest, before, found),
        None => found.push(before.clone()),
    }
}

#[test]
fn circles_are_found_through_groups_and_parents() {
    let files = [
        ("a", "use crate::b::{self, c::{C, D}};"),
        ("b", "mod c;"),
        (
            "b::c",
            "use super::super::d::E;\npub(in crate::a) fn f() {}",
        ),
        ("d", "fn f() { crate::a::g(); }"),
        ("e", "use crate::a;"),
    ];
    let files = files.map(|(name, code)| (name.to_owned(), code.to_owned()));
    let found = circles(&graph(&files.into()));
    let names = ["a", "b::c", "d"].map(str::to_owned);
    assert_eq!(found, [BTreeSet::from(names)]);
}
