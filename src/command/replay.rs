//! `watchfire replay`: a recording on the same screen, with the keys and looks of the configuration.

use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use super::{recorded_kind, refuse};
use crate::app::Playback;
use crate::app::keymap::Keymap;
use crate::cli;
use crate::config::{Environment, load};
use crate::journal::{Journal, RECORDING};
use crate::run::{self, Scene};
use crate::source::known_kinds;
use crate::state::database::Trouble;
use crate::store::{Feed, Store};
use crate::term;

/// Shows a recording until somebody leaves.
pub fn run(options: &cli::Replay, watch: &cli::Watch) -> ExitCode {
    if let Some(obstacle) = term::obstacle() {
        return refuse(obstacle);
    }
    let environment = Environment::of_this_process();
    let loaded = match load(&watch.overrides(), &environment, &known_kinds()) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(error),
    };
    let keymap = match Keymap::new(&loaded.settings.keys) {
        Ok(keymap) => keymap,
        Err(problem) => return refuse(loaded.report_all(&[problem])),
    };
    let (feeds, playback) = match recording(options, &loaded.settings.ui.timezone) {
        Ok(recording) => recording,
        Err(trouble) => {
            let fault = RECORDING.fault(&trouble, &options.file);
            return refuse(fault.message.shown());
        }
    };
    let store = Store::new(feeds)
        .with_services(loaded.settings.services.clone())
        .with_me(loaded.settings.me.clone())
        .with_production(loaded.settings.delivery.production.clone());
    let mut settings = loaded.settings;
    // Nothing can be done to the past.
    settings.actions.enabled = false;
    settings.commands.clear();
    let file = options.file.clone();
    run::run(&settings, keymap, Scene::Recording(store, file, playback))
}

/// Who was recorded, and how it is played.
fn recording(options: &cli::Replay, zone: &TimeZone) -> Result<(Vec<Feed>, Playback), Trouble> {
    let mut journal = open(&options.file)?;
    let feeds = journal.all(recorded_kind)?;
    let reach = journal.reach()?;
    let (from, to) = reach.ok_or_else(|| Trouble::Other("nothing was recorded".to_owned()))?;
    // Damage shows now, and not in the middle of it.
    journal.world(to)?;
    let from = options
        .at
        .map_or(from, |at| at.moment(to, zone).clamp(from, to));
    Ok((
        feeds,
        Playback {
            from,
            to,
            speed: options.speed,
            was: options.speed.max(1),
        },
    ))
}

fn open(path: &Path) -> Result<Journal, Trouble> {
    if !path.exists() {
        return Err(Trouble::Other("there is no such file".to_owned()));
    }
    Journal::recording(path)
}
