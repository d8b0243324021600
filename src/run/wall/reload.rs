//! Reads the configuration again when one of its files changes.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use crate::app::keymap::Keymap;
use crate::app::{Msg, Notice};
use crate::config::{Environment, Loaded, Overrides, Settings, load};
use crate::run::Urgent;
use crate::source::known_kinds;
use crate::watch::Watch;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The configuration that a wall was started with.
#[derive(Debug)]
pub struct Reload {
    overrides: Overrides,
    files: Vec<PathBuf>,
}

/// A changed configuration, checked and ready.
pub struct Renewal {
    pub(in crate::run) settings: Settings,
    pub(in crate::run) keymap: Keymap,
    pub(in crate::run) watch: Watch,
}

/// Mark of a file's version: when and how long, and where it lies.
type Signature = Vec<Option<(SystemTime, u64, u64)>>;

impl Reload {
    /// Of a configuration that was loaded; `None` without a file.
    pub fn new(overrides: Overrides, loaded: &Loaded) -> Option<Self> {
        let files = loaded.files();
        (!files.is_empty()).then_some(Self { overrides, files })
    }

    /// Looks at the files until the wall is gone, on a thread of its own: a file may lie on a slow disk.
    pub(super) fn start(
        mut self,
        urgent: mpsc::Sender<Urgent>,
        say: mpsc::Sender<Msg>,
    ) -> io::Result<()> {
        let mut known = signature(&self.files);
        thread::Builder::new()
            .name("configuration".to_owned())
            .spawn(move || {
                let mut changed: Option<Signature> = None;
                while !say.is_closed() {
                    thread::sleep(LOOK);
                    let now = signature(&self.files);
                    if now == known {
                        changed = None;
                        continue;
                    }
                    // An editor may be at it: it has to look the same twice.
                    if changed.as_ref() != Some(&now) {
                        changed = Some(now);
                        continue;
                    }
                    (known, changed) = (now, None);
                    let words = match self.renewal() {
                        Ok(renewal) => {
                            known = signature(&self.files);
                            if urgent
                                .blocking_send(Urgent::Renewed(Box::new(renewal)))
                                .is_err()
                            {
                                return;
                            }
                            None
                        }
                        Err(why) => Some(format!("configuration not reloaded: {why}")),
                    };
                    if say
                        .blocking_send(Msg::Notice(Notice::Configuration, words))
                        .is_err()
                    {
                        return;
                    }
                }
            })?;
        Ok(())
    }

    /// The changed configuration, or its first mistake.
    fn renewal(&mut self) -> Result<Renewal, String> {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        let environment = Environment::of_this_process();
        let loaded = load(&self.overrides, &environment, &known_kinds());
        let loaded = loaded.map_err(|error| first_line(error.to_string()))?;
        if loaded.settings.sources.is_empty() {
            return Err("it names no source to watch".to_owned());
        }
        let keymap = Keymap::new(&loaded.settings.keys);
        let keymap = keymap.map_err(|problem| first_line(loaded.report(&problem).to_string()))?;
        let watch = Watch::over(&loaded.settings)
            .map_err(|problems| first_line(loaded.report_all(&problems).to_string()))?;
        self.files = loaded.files();
        Ok(Renewal {
            settings: loaded.settings,
            keymap,
            watch,
        })
    }
}

fn signature(files: &[PathBuf]) -> Signature {
    use std::os::unix::fs::MetadataExt as _;
    let of = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    };
    files.iter().map(of).collect()
}
