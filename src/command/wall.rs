//! `watchfire wall`: the screen of an operations room, which nobody touches.

use std::process::ExitCode;

use crate::app::keymap::Keymap;
use crate::cli;
use crate::config::Loaded;
use crate::run::wall::{Reload, Upkeep};
use crate::run::{self, Scene};
use crate::watch::Watch;

/// Shows the wall until somebody leaves it.
pub(super) fn run(options: &cli::Watch, loaded: &Loaded, keymap: Keymap, watch: Watch) -> ExitCode {
    let upkeep = Upkeep {
        reload: Reload::new(options.overrides(), loaded),
        restarts: true,
    };
    run::wall(&loaded.settings, keymap, Scene::Watch(watch), upkeep)
}
