//! What to do next, for somebody who has configured nothing to watch yet: one screen of text.

use std::path::Path;

use crate::config::Environment;
use crate::text::Shown;

/// The text. `file` is the configuration that was read, if there was one.
pub(super) fn text(file: Option<&Path>, environment: &Environment) -> String {
    let places = environment.default_files();
    let (what, place) = match (file, places.first()) {
        (Some(file), _) => (
            format!("{} names no source to watch", shown(file)),
            shown(file),
        ),
        (None, Some(place)) => ("nothing to watch yet".to_owned(), shown(place)),
        (None, None) => (
            "nothing to watch yet".to_owned(),
            Shown::new("watchfire.toml"),
        ),
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
        lines.push("  Keep it in a file, beginning with the commented example:".to_owned());
        if let Some(folder) = places.first().and_then(|place| place.parent()) {
            lines.push(format!("      mkdir -p {}", shown(folder)));
        }
        lines.push(format!("      watchfire config > {place}"));
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
