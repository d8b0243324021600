//! Finds out the revision and the date of this build, for `--version`.
//!
//! The date is `SOURCE_DATE_EPOCH`, else the commit's, so that the same commit gives the same program
//! (<https://reproducible-builds.org/docs/source-date-epoch/>). Without git, as in a package from
//! crates.io, the revision is the one that `cargo package` noted.

use std::process::Command;
use std::{env, fs};

/// How many digits of a commit are told.
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    // The log of HEAD grows with every commit and checkout.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && fs::exists(&path).unwrap_or(false)
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let revision = if is_own_repository() {
        git(&["rev-parse", "HEAD"])
    } else {
        packaged()
    };
    let date = env::var("SOURCE_DATE_EPOCH").ok().or_else(|| {
        is_own_repository()
            .then(|| git(&["log", "-1", "--format=%ct"]))
            .flatten()
    });
    let revision: String = revision.unwrap_or_default().chars().take(DIGITS).collect();
    println!("cargo::rustc-env=WATCHFIRE_REVISION={revision}");
    println!(
        "cargo::rustc-env=WATCHFIRE_DATE={}",
        date.unwrap_or_default()
    );
}

/// Whether the repository around is this program's: an unpacked package may lie in another one.
fn is_own_repository() -> bool {
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|top| fs::canonicalize(top).ok());
    let here = env::var("CARGO_MANIFEST_DIR").ok();
    let here = here.and_then(|here| fs::canonicalize(here).ok());
    top.is_some() && top == here
}

/// The commit that `cargo package` noted: `{"git": {"sha1": "…"}}`.
fn packaged() -> Option<String> {
    let noted = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = noted.split_once("\"sha1\"")?;
    let revision = rest.split('"').nth(1)?;
    let is_commit = revision.len() == 40 && revision.bytes().all(|c| c.is_ascii_hexdigit());
    is_commit.then(|| revision.to_owned())
}

/// What git prints, without the line's end; `None` when there is no git, or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
