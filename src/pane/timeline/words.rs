//! An event in a shape, a word and a sentence.

use crate::domain::{Event, State, Turn, What};
use crate::pane::cell::{Line, Mark, Role, Span, release_word, severity_word, state_word};
use crate::pane::{figures, fresh};
use crate::text::{Shown, Untrusted};

/// The shape, the word and the weight of an event.
///
/// What began draws the eye as it did then; what is over, or was taken, does not.
pub(super) fn badge(event: &Event) -> (Mark, &'static str, Role) {
    match &event.what {
        What::Slo { to, .. } => {
            let (mark, role) = Mark::of_state(*to);
            (mark, state_word(*to), role)
        }
        What::Release { status, .. } => {
            let (mark, role) = Mark::of_release(*status);
            (mark, release_word(*status), role)
        }
        What::Incident { turn, severity, .. } => {
            let (mark, role) = Mark::of_severity(*severity);
            let word = severity_word(*severity);
            match turn {
                Turn::Opened | Turn::Reopened | Turn::Returned => (mark, word, role),
                Turn::Acknowledged => (mark, word, Role::Plain),
                Turn::Silenced => (mark, word, Role::Dim),
                Turn::Resolved => (Mark::Ok, "resolved", Role::Plain),
                Turn::Gone => (Mark::Unknown, "gone", Role::Dim),
            }
        }
        What::Lost { .. } => (Mark::Unknown, "LOST", Role::Fault),
        What::Back { .. } => (Mark::Ok, "back", Role::Plain),
        What::Done { result, .. } => match result.as_str() {
            "done" => (Mark::Succeeded, "action", Role::Accent),
            "unsure" => (Mark::Unknown, "action", Role::Fault),
            _ => (Mark::Failed, "action", Role::Ticket),
        },
        What::Note { .. } => (Mark::Info, "note", Role::Accent),
        What::Freeze {
            is_frozen: true, ..
        } => (Mark::Failed, "frozen", Role::Ticket),
        What::Freeze { .. } => (Mark::Ok, "thawed", Role::Plain),
        What::Linked { .. } => (Mark::Info, "link", Role::Plain),
    }
}

/// The word of an event, and its sentence: for a list without columns of its own.
pub fn plain(event: &Event) -> (&'static str, Shown) {
    let line = what(event);
    let texts = line.0.iter().filter_map(|span| match span {
        Span::Text(text, _) => Some(text.as_str()),
        Span::Mark(..) => None,
    });
    (badge(event).1, Shown::new(texts.collect::<String>()))
}

/// What happened, in a sentence that needs neither its shape nor its service.
pub(super) fn what(event: &Event) -> Line {
    match &event.what {
        What::Slo {
            from,
            to,
            name,
            budget,
        } => verdict(*from, *to, name, *budget),
        What::Release {
            version,
            environment,
            actor,
            ..
        } => {
            let line = Line::new().foreign(version, Role::Strong);
            let line = with(line, " to ", environment);
            actor
                .iter()
                .fold(line, |line, actor| with(line, " by ", actor))
        }
        What::Incident {
            turn,
            severity,
            title,
            who,
            by: suppressed_by,
            ..
        } => {
            let over = matches!(turn, Turn::Resolved | Turn::Gone);
            let severity = over.then(|| severity_word(*severity));
            let mut line = Line::new();
            if let Some(severity) = severity {
                line = line.text(format!("{severity} "), Role::Plain);
            }
            let word = match (turn, suppressed_by) {
                (Turn::Silenced, Some(by)) => by.word(),
                (Turn::Gone, _) => "gone, not known to be resolved",
                _ => turn.word(),
            };
            line = line.text(word, Role::Plain);
            if *turn == Turn::Acknowledged {
                line = by(line, who);
            }
            line.text(": ", Role::Dim).foreign(title, Role::Plain)
        }
        What::Lost { fault } => Line::of(fresh::fault_words(fault), Role::Plain),
        What::Back { after } => {
            let text = format!("answers again after {}", figures::age(*after));
            Line::of(text, Role::Plain)
        }
        What::Done {
            verb,
            target,
            who,
            result,
            said,
        } => {
            let line = Line::new()
                .foreign(verb, Role::Strong)
                .text(" ", Role::Plain)
                .foreign(target, Role::Plain);
            let line = with(line, " by ", who).text(": ", Role::Dim);
            with(line.text(result, Role::Plain), ", ", said)
        }
        What::Note { text, who } => with(Line::new().foreign(text, Role::Strong), " by ", who),
        What::Freeze {
            is_frozen,
            policy,
            reason,
        } => {
            let word = if *is_frozen {
                "releases frozen"
            } else {
                "releases no longer frozen"
            };
            let line = with(Line::of(word, Role::Plain), ": ", reason);
            with(line, ", policy ", policy)
        }
        What::Linked {
            release,
            incident,
            is_apart,
            who,
        } => {
            let word = if *is_apart { "unlinked " } else { "linked " };
            let line = Line::of(word, Role::Plain).foreign(incident, Role::Plain);
            let from = if *is_apart { " from " } else { " with " };
            with(with(line, from, release), " by ", who)
        }
    }
}

/// `availability ok -> PAGE, budget 31%`.
fn verdict(from: Option<State>, to: State, name: &Untrusted, budget: Option<f64>) -> Line {
    let change = match from {
        Some(from) => format!(" {} -> {}", state_word(from), state_word(to)),
        None => format!(" {} when first seen", state_word(to)),
    };
    let line = Line::new()
        .foreign(name, Role::Strong)
        .text(change, Role::Plain);
    match budget {
        Some(_) => line.text(format!(", budget {}", figures::budget(budget)), Role::Plain),
        None => line,
    }
}

/// The line and some more of it, where there is more to say.
fn with(line: Line, before: &str, text: &Untrusted) -> Line {
    if text.is_empty() {
        return line;
    }
    line.text(before, Role::Dim).foreign(text, Role::Plain)
}

fn by(line: Line, who: &[Untrusted]) -> Line {
    let names = who.iter().filter(|who| !who.is_empty()).enumerate();
    names.fold(line, |line, (place, who)| {
        with(line, if place == 0 { " by " } else { ", " }, who)
    })
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::domain::{Fault, FaultKind, ReleaseStatus, Severity, SourceName};

    fn text(line: &Line) -> String {
        let texts = line.0.iter().map(|span| match span {
            Span::Text(text, _) => text.as_str(),
            Span::Mark(..) => "# ",
        });
        texts.collect()
    }

    fn told(what: What) -> String {
        let event = Event {
            at: Timestamp::UNIX_EPOCH,
            seen: Timestamp::UNIX_EPOCH,
            source: Some(SourceName::new("am")),
            service: "checkout".into(),
            subject: "a1".into(),
            what,
        };
        format!("{} | {}", badge(&event).1, text(&super::what(&event)))
    }

    fn slo(from: Option<State>, to: State, budget: Option<f64>) -> What {
        What::Slo {
            from,
            to,
            name: "availability".into(),
            budget,
        }
    }

    fn release(status: ReleaseStatus, environment: &str, actor: Option<&str>) -> What {
        What::Release {
            status,
            version: "v2.31.0".into(),
            environment: environment.into(),
            actor: actor.map(Untrusted::from),
        }
    }

    fn incident(turn: Turn, who: &[&str]) -> What {
        What::Incident {
            turn,
            severity: Severity::Page,
            title: "it burns".into(),
            who: who.iter().map(|who| Untrusted::from(*who)).collect(),
            by: None,
            last_seen: None,
        }
    }

    fn done(result: &str, said: &str) -> What {
        What::Done {
            verb: "silence".into(),
            target: "it burns".into(),
            who: "mara".into(),
            result: result.to_owned(),
            said: said.into(),
        }
    }

    #[test]
    fn every_kind_of_event_is_told_in_a_word_and_a_sentence() {
        let lost = Fault::new(FaultKind::Timeout, "no answer within 10s.");
        let after = SignedDuration::from_mins(4);
        for (what, wanted) in [
            (
                slo(Some(State::Ok), State::Page, Some(0.31)),
                "PAGE | availability ok -> PAGE, budget 31%",
            ),
            (
                slo(None, State::Ticket, None),
                "TICKET | availability TICKET when first seen",
            ),
            (
                release(ReleaseStatus::Succeeded, "production", Some("mara")),
                "done | v2.31.0 to production by mara",
            ),
            (release(ReleaseStatus::Failed, "", None), "failed | v2.31.0"),
            (incident(Turn::Opened, &["lee"]), "PAGE | opened: it burns"),
            (
                incident(Turn::Acknowledged, &["lee", "", "kim"]),
                "PAGE | acknowledged by lee, kim: it burns",
            ),
            (incident(Turn::Silenced, &[]), "PAGE | silenced: it burns"),
            (incident(Turn::Reopened, &[]), "PAGE | open again: it burns"),
            (
                incident(Turn::Resolved, &[]),
                "resolved | PAGE resolved: it burns",
            ),
            (
                incident(Turn::Gone, &[]),
                "gone | PAGE gone, not known to be resolved: it burns",
            ),
            (What::Lost { fault: lost }, "LOST | no answer within 10s"),
            (What::Back { after }, "back | answers again after 4m"),
            (done("done", ""), "action | silence it burns by mara: done"),
            (
                What::Note {
                    text: "drained eu".into(),
                    who: "mara".into(),
                },
                "note | drained eu by mara",
            ),
            (
                What::Freeze {
                    is_frozen: true,
                    policy: "tier-1 budget".into(),
                    reason: "budget -4 %, until above 25 %".into(),
                },
                "frozen | releases frozen: budget -4 %, until above 25 %, policy tier-1 budget",
            ),
            (
                What::Freeze {
                    is_frozen: false,
                    policy: "tier-1 budget".into(),
                    reason: Untrusted::default(),
                },
                "thawed | releases no longer frozen, policy tier-1 budget",
            ),
            (
                What::Linked {
                    release: "r1".into(),
                    incident: "i1".into(),
                    is_apart: true,
                    who: Untrusted::default(),
                },
                "link | unlinked i1 from r1",
            ),
            (
                done("refused", "it changed"),
                "action | silence it burns by mara: refused, it changed",
            ),
        ] {
            assert_eq!(told(what), wanted);
        }
    }
}
