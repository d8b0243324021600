//! Keeps a verdict in the journal, so that timelines and hand-overs show who was let through.

use crate::command::say;
use crate::config::Settings;
use crate::domain::{Event, What};
use crate::journal::{FORM, Journal, Limits, Place};
use crate::print::gate::Verdict;

/// Writes an event for each service. That it cannot be kept changes no verdict.
pub(super) fn keep(verdict: &Verdict, settings: &Settings) {
    let place = Place::of(&settings.journal);
    let Place::File(path) = &place else {
        return;
    };
    let limits = Limits::from(&settings.journal);
    let kept = Journal::open(&place, limits, false).and_then(|(mut journal, _)| {
        let mut events = events(verdict, settings).into_iter();
        events.try_for_each(|event| journal.note(&event))
    });
    if let Err(trouble) = kept {
        let why = FORM.fault(&trouble, path).message.shown_whole();
        say(format!("the verdict is not kept in the journal: {why}"));
    }
}

fn events(verdict: &Verdict, settings: &Settings) -> Vec<Event> {
    let change = &verdict.change;
    let decisions = verdict.decisions.iter();
    let event = |decision: &crate::insight::policy::Decision| {
        let version = change.version.as_ref();
        let version = version.map_or_else(String::new, |version| format!(" {version}"));
        let dry = if verdict.dry_run { " (dry run)" } else { "" };
        Event {
            at: verdict.at,
            seen: verdict.at,
            source: None,
            service: decision.service.as_str().into(),
            subject: decision.service.as_str().into(),
            what: What::Done {
                verb: "gate".into(),
                target: format!("{}{version}", decision.service).into(),
                who: settings.me.name.as_str().into(),
                result: format!("{}{dry}", crate::print::gate::word(decision.verdict)),
                said: decision.reason.as_str().into(),
            },
        }
    };
    decisions.map(event).collect()
}
