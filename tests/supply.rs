//! The dependencies: from crates.io alone, with checksums, and without what `deny.toml` bans. `cargo deny`
//! checks licences as well, where it is installed.

#![expect(clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

fn file(name: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(path).expect(name);
    text.parse().expect(name)
}

fn texts<'a>(list: Option<&'a toml::Value>, key: &str) -> Vec<&'a str> {
    let list = list.and_then(toml::Value::as_array).expect("a list");
    let texts = list.iter().filter_map(|one| one.get(key)?.as_str());
    texts.collect()
}

#[test]
fn every_package_is_of_crates_io_and_has_a_checksum() {
    let lock = file("Cargo.lock");
    let packages = lock["package"].as_array().expect("packages");
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let source = package.get("source").and_then(toml::Value::as_str);
        let is_ours = name == "watchfire";
        let is_known = source == Some("registry+https://github.com/rust-lang/crates.io-index");
        let is_fixed = is_known && package.get("checksum").is_some();
        if !is_ours && !is_fixed {
            wrong.push(name);
        }
    }
    assert!(packages.len() > 100, "{} packages", packages.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn no_package_is_one_that_is_banned() {
    let lock = file("Cargo.lock");
    let known = texts(lock.get("package"), "name");
    let deny = file("deny.toml");
    let banned = texts(deny["bans"].get("deny"), "crate");
    assert!(!banned.is_empty());
    let there: Vec<_> = banned.iter().filter(|name| known.contains(*name)).collect();
    assert!(there.is_empty(), "{there:?}");
}

#[test]
fn the_manifest_asks_for_no_wildcard_and_no_other_place() {
    let manifest = file("Cargo.toml");
    for section in ["dependencies", "dev-dependencies"] {
        let table = manifest[section].as_table().expect(section);
        for (name, value) in table {
            let version = value.as_str().or_else(|| value.get("version")?.as_str());
            let version = version.unwrap_or("*");
            let is_plain = value.get("git").is_none() && value.get("path").is_none();
            assert!(!version.contains('*') && is_plain, "{name}");
        }
    }
}
