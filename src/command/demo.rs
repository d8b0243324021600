//! `watchfire demo`: the screen over a small world of its own, served over real HTTP.

use std::env::temp_dir;
use std::fs::{DirBuilder, remove_dir_all};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;

use super::{refuse, with_settings};
use crate::app::Story;
use crate::cli;
use crate::config::{Environment, load_text};
use crate::demo::{Demo, chapters, config_text};
use crate::run;
use crate::run::wall::Upkeep;
use crate::source;
use crate::term;

/// Starts the world and its servers, and shows the screen until somebody leaves.
pub fn run(options: &cli::Demo) -> ExitCode {
    if let Some(obstacle) = term::obstacle() {
        return refuse(obstacle);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format!("cannot start the demo: {error}")),
    };
    let start = Timestamp::now();
    let demo = match Demo::open(options.speed, !options.no_rules, start) {
        Ok(demo) => demo,
        Err(error) => return refuse(format!("the demo finds no free port on loopback: {error}")),
    };
    let folder = match Folder::make() {
        Ok(folder) => folder,
        Err(error) => return refuse(format!("the demo has no folder for its audit log: {error}")),
    };
    let text = config_text(
        demo.ports(),
        !options.no_rules,
        &folder.0.join("audit.jsonl"),
    );
    let environment = Environment::of_this_process();
    let loaded = match load_text("the demo", text, &environment, &source::known_kinds()) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(error),
    };
    let serving = runtime.block_on(async { demo.serve() });
    let _serving = match serving {
        Ok(serving) => serving,
        Err(error) => return refuse(format!("the demo cannot be served: {error}")),
    };
    let exit = with_settings(&loaded, |loaded, keymap, watch| {
        let story = Story::new(start, chapters(options.speed));
        let scene = run::Scene::Demo(watch, story);
        if options.wall {
            run::wall(&loaded.settings, keymap, scene, Upkeep::default())
        } else {
            run::run(&loaded.settings, keymap, scene)
        }
    });
    runtime.shutdown_background();
    exit
}

/// A folder for this run alone, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let name = format!(
            "watchfire-demo-{}-{:x}",
            std::process::id(),
            Timestamp::now().as_microsecond()
        );
        let path = temp_dir().join(name);
        // Fails when somebody was here first: it is then not ours.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in a folder of temporary files is harmless.
        let _ = remove_dir_all(&self.0);
    }
}
