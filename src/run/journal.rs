//! The journal beside the loop: started with it, and what its thread says as messages.

use std::io;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::app::{Msg, Notes};
use crate::audit::Audit;
use crate::config::Settings;
use crate::domain::{Fault, FaultKind};
use crate::insight::handoff::Handoff;
use crate::journal::{Clerk, Limits, Place, Said};
use crate::print;
use crate::store::Store;
use crate::term;

/// Starts the journal of a store's sources; what it says comes as messages.
pub(super) fn start(
    place: Place,
    settings: &Settings,
    store: &Store,
    say: mpsc::Sender<Msg>,
) -> io::Result<Clerk> {
    let feeds = store.feeds().to_vec();
    let limits = Limits::from(&settings.journal);
    let scribe = Scribe {
        zone: settings.ui.timezone.clone(),
        // What was done here is no part of somebody's recording.
        log: (!matches!(place, Place::Recording(_))).then(|| Audit::of(settings)),
    };
    Clerk::start(place, limits, feeds, move |said| {
        say.blocking_send(scribe.message(said)).is_ok()
    })
}

/// Writes hand-overs out, on the journal's thread: a log may be long, and a disk slow.
struct Scribe {
    zone: TimeZone,
    log: Option<Audit>,
}

impl Scribe {
    fn message(&self, said: Said) -> Msg {
        match said {
            Said::Known(world) => Msg::Known(Box::new(world)),
            Said::Recalled(at, told) => Msg::Recalled(at, Box::new(told)),
            Said::Happened(events) => Msg::Happened(events),
            Said::Burned(time, burns) => Msg::Burned(time, burns),
            Said::Handoff(made) => Msg::HandedOver(made.and_then(|handoff| self.notes(*handoff))),
            Said::Trouble(fault) => Msg::Forgetful(fault),
            Said::Remark(words) => Msg::Remark(words),
        }
    }

    fn notes(&self, handoff: Handoff) -> Result<Notes, Fault> {
        let handoff = match &self.log {
            Some(log) => handoff.with_deeds(log.deeds()),
            None => handoff,
        };
        let mut text = Vec::new();
        print::handoff::markdown(&mut text, &handoff, &self.zone)
            .map_err(|error| Fault::new(FaultKind::Crash, error.to_string()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(cut(text, term::MAX_COPY))
    }
}

/// What a terminal takes of a text, in whole lines, and a line that says so where that is not all.
fn cut(mut text: String, most: usize) -> Notes {
    const CUT: &str = "\n**Cut here**: `watchfire handoff` prints all of it.\n";
    let is_whole = text.len() <= most;
    if !is_whole {
        let room = text.floor_char_boundary(most.saturating_sub(CUT.len()));
        let end = text[..room].rfind('\n').map_or(room, |line| line + 1);
        text.truncate(end);
        text.push_str(CUT);
    }
    Notes { text, is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_to_be_copied_ends_with_a_line_that_says_so() {
        let whole = cut("# one\n- two\n".to_owned(), 100);
        assert_eq!(
            (whole.text.as_str(), whole.is_whole),
            ("# one\n- two\n", true)
        );
        let long = "- a line ü\n".repeat(100);
        let notes = cut(long.clone(), 200);
        assert!(notes.text.len() <= 200 && !notes.is_whole);
        let (kept, last) = notes.text.rsplit_once("\n\n").expect("a last line");
        assert!(long.starts_with(kept) && kept.ends_with('ü'), "{kept}");
        assert!(last.contains("`watchfire handoff`"), "{last}");
    }
}
