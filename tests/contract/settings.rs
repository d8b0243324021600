//! Sources as a configuration file makes them, and the question of a poll.

use watchfire::config::{Environment, load_text};
use watchfire::source::{Ask, Source, known_kinds};
use watchfire::watch::Watch;

/// A source named `trial`, as a configuration with these settings makes it.
pub(crate) fn source(kind: &str, url: &str, options: &str) -> Box<dyn Source> {
    let text =
        format!("[[source]]\nname = \"trial\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{options}\n");
    let loaded = load_text("trial.toml", text, &Environment::default(), &known_kinds());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let watch = Watch::over(&loaded.settings).unwrap_or_else(|problems| panic!("{problems:?}"));
    let (_, source) = watch.sources.into_iter().next().expect("one source");
    source
}

/// The question for the present.
pub(crate) fn ask() -> Ask {
    Ask {
        now: "2026-11-22T14:02:31Z".parse().expect("time"),
        at: None,
        history: false,
        since: None,
    }
}
