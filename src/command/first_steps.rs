//! What to do next, for somebody who has configured nothing to watch yet: one screen of text.

use std::path::Path;

use crate::config::{Environment, Settings};
use crate::text::Shown;

/// Where a configuration that cannot be used leads to.
pub(super) const INIT: &str = "`watchfire init --prometheus URL` proposes a working configuration beside it, and overwrites nothing";

/// What a host that is nowhere says of a configuration: that it is an example's.
pub(super) fn placeholder(settings: &Settings) -> Option<String> {
    let is_placeholder = |url: &&str| {
        let place = url.split_once("://").map_or(*url, |(_, place)| place);
        let authority = place.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default();
        // RFC 2606 keeps these names free.
        host.ends_with(".example") || host == "example" || url.contains(['<', '>'])
    };
    let mut sources = settings.sources.iter();
    let (source, url) = sources.find_map(|source| {
        let url = source.http.url.as_deref().filter(is_placeholder)?;
        Some((&source.name, url))
    })?;
    Some(format!(
        "the url of source `{source}` is an example's, {}: {INIT}",
        Shown::new(url)
    ))
}

/// The text. `file` is the configuration that was read, if there was one.
pub(super) fn text(file: Option<&Path>, environment: &Environment) -> String {
    let places = environment.default_files();
    let what = match file {
        Some(file) => format!("{} names no source to watch", shown(file)),
        None => "nothing to watch yet".to_owned(),
    };
    let mut lines = vec![
        what,
        String::new(),
        "  See it with a made-up world, no server needed:".to_owned(),
        "      watchfire demo".to_owned(),
        String::new(),
        "  Watch your own; SLOs of Sloth, Pyrra and Grafana are found by themselves:".to_owned(),
        "      watchfire --prometheus URL [--alertmanager URL]".to_owned(),
        String::new(),
    ];
    if file.is_some() {
        lines.push(
            "  Or add a [[source]] to that file; the example has one of each kind:".to_owned(),
        );
        lines.push("      watchfire config".to_owned());
    } else {
        lines.push("  Keep what is found there in a commented file:".to_owned());
        lines.push("      watchfire init --prometheus URL".to_owned());
        lines.push(String::new());
        let places_named = "  A file is looked for at --config, at $WATCHFIRE_CONFIG";
        lines.push(if places.is_empty() {
            format!("{places_named}; without HOME nowhere else")
        } else {
            format!("{places_named}, then at")
        });
        lines.extend(places.iter().map(|place| format!("      {}", shown(place))));
    }
    lines.push(String::new());
    lines.push("  `watchfire --help` tells the rest.".to_owned());
    lines.join("\n")
}

fn shown(path: &Path) -> Shown {
    Shown::new(path.display().to_string())
}
