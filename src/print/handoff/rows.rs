//! Each row of a hand-over as one line. It begins with words of ours, so that no title can begin a
//! heading, a list or a quotation.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::words::{length, link, names, percent, text};
use crate::domain::{Clock, IncidentStatus, Phase, ReleaseStatus, State};
use crate::insight::handoff::{
    Act, Burned, DATED, Ending, Frozen, Lost, Noted, Objective, Open, Over, Released, Spot, Spots,
    Why,
};
use crate::text::Untrusted;

/// An end that is known to be within this is told as a moment.
const NOTICEABLE_GAP: SignedDuration = SignedDuration::from_mins(2);
/// So many blind spots of one source have a line; the rest is a sum.
const MOST_SPOTS: usize = 6;

/// `checkout: checkout burns`, or the title alone when nobody says whose it is.
pub(super) fn named(service: &Untrusted, title: &Untrusted) -> String {
    if service.is_empty() || title.raw().contains(service.raw()) {
        text(title)
    } else {
        format!("{}: {}", text(service), text(title))
    }
}

pub(super) fn open(one: &Open, clock: &Clock<'_>) -> String {
    let mut words = vec![format!(
        "**{}** {}",
        one.severity,
        named(&one.service, &one.title)
    )];
    words.push(match one.opened_at {
        Some(at) if at > clock.now => format!("begins at {}", clock.short(at)),
        Some(at) => format!("open {} (since {})", clock.before(at), clock.short(at)),
        None => "open, nobody says since when".to_owned(),
    });
    words.push(holder(one, clock));
    if one.is_new {
        words.push("new in this shift".to_owned());
    }
    if one.times > 1 {
        words.push(format!(
            "**flapping**: began {} times in this shift",
            one.times
        ));
    }
    if let Some(at) = one.stale_since {
        let source = text(&one.source.as_str().into());
        words.push(format!(
            "**as of {}**: {source} is silent since",
            clock.short(at)
        ));
    }
    words.extend(link("open", one.url.as_ref()));
    words.extend(link("runbook", one.runbook.as_ref()));
    format!("{} (`{}`)", words.join("; "), source(one.source.as_str()))
}

/// An incident that is gone, and when its source listed it last.
pub(super) fn gone(one: &Open, clock: &Clock<'_>) -> String {
    let from = text(&one.source.as_str().into());
    let mut words = vec![format!(
        "**{}** {}",
        one.severity,
        named(&one.service, &one.title)
    )];
    words.push(match one.last_seen {
        Some(at) => format!(
            "**gone** from {from}: listed last {} ago, at {}",
            clock.before(at),
            clock.short(at)
        ),
        None => format!("**gone** from {from}"),
    });
    if let Some(at) = one.opened_at {
        words.push(format!("opened at {}", clock.short(at)));
    }
    if !one.who.is_empty() {
        words.push(format!("was with {}", names(&one.who)));
    }
    words.extend(link("open", one.url.as_ref()));
    words.extend(link("runbook", one.runbook.as_ref()));
    format!("{} (`{}`)", words.join("; "), source(one.source.as_str()))
}

/// Who has an open incident.
fn holder(one: &Open, clock: &Clock<'_>) -> String {
    let who = names(&one.who);
    match one.status {
        IncidentStatus::Acknowledged => {
            let mut words = match (one.acked_by_me, who.is_empty()) {
                (true, _) => format!("**acked by me** ({who})"),
                (false, true) => "acked, nobody says by whom".to_owned(),
                (false, false) => format!("acked by {who}"),
            };
            if let Some(at) = one.acknowledged_at {
                let _ = write!(words, " at {}", clock.short(at));
            }
            words
        }
        IncidentStatus::Silenced => {
            let word = one.suppressed_by.map_or("silenced", |by| by.word());
            match one.silenced_until {
                Some(at) => format!("{word} until {}", clock.short(at)),
                None => word.to_owned(),
            }
        }
        _ if who.is_empty() => "**nobody has it**".to_owned(),
        _ => format!("**not acked**, for {who}"),
    }
}

/// An incident that is to be taken over.
pub(super) fn mine(one: &Open, clock: &Clock<'_>) -> String {
    let since = match one.acknowledged_at {
        Some(at) => format!("acked {} ago, at {}", clock.before(at), clock.short(at)),
        None => "acked, nobody says when".to_owned(),
    };
    format!(
        "**{}** {}; {since}",
        one.severity,
        named(&one.service, &one.title)
    )
}

pub(super) fn objective(one: &Objective, clock: &Clock<'_>) -> String {
    let state = one.state.word().to_uppercase().replace('_', " ");
    let mut words = vec![format!("**{state}** {}", text(&one.id))];
    if let Some(phase) = one.phase.filter(|phase| *phase != Phase::Calm) {
        words.push(phase.word().to_owned());
    }
    if let Some(at) = one.onset.or(one.turned_at) {
        words.push(format!("since {}", clock.short(at)));
    }
    if let (Some(at), Some(state)) = (one.stale_since, one.last_state) {
        let source = text(&one.source.as_str().into());
        words.push(format!(
            "{source} is silent since {}, it was {} then",
            clock.short(at),
            state.word().replace('_', " ")
        ));
    }
    words.push(match one.budget_remaining {
        Some(left) => {
            let mark = if one.estimate { "about " } else { "" };
            let dated = one.budget_at.map_or_else(String::new, |at| clock.dated(at));
            format!("{mark}{} of its budget left{dated}", percent(left))
        }
        None => "budget not known".to_owned(),
    });
    let burns = matches!(one.state, State::Page | State::Ticket);
    if let Some(suspect) = one.suspect.as_ref().filter(|_| burns) {
        words.push(format!("suspect: {}", text(suspect)));
    }
    words.join("; ")
}

pub(super) fn burned(one: &Burned, clock: &Clock<'_>) -> String {
    let since = one
        .since
        .map_or_else(|| "before the shift".to_owned(), |at| clock.short(at));
    let mut words = format!(
        "**{}** {}; from {since} to {}",
        one.worst,
        text(&one.id),
        clock.short(one.until)
    );
    if one.then != State::Ok {
        let then = one.then.word().replace('_', " ");
        let _ = write!(words, ", then **{then}**");
    }
    if one.times > 1 {
        let _ = write!(words, ", {} times", one.times);
    }
    if let Some(suspect) = &one.suspect {
        let _ = write!(words, "; suspect: {}", text(suspect));
    }
    words
}

/// What a budget lost, with the dates of the samples between which it did, where these are not the ends
/// of the shift.
pub(super) fn lost(one: &Lost, since: Timestamp, clock: &Clock<'_>) -> String {
    let mut words = vec![format!(
        "**{}** from {} to {} (lost {:.1} points)",
        text(&one.id),
        percent(one.from),
        percent(one.to),
        (one.from - one.to) * 100.0
    )];
    let is_late = one.to_at.duration_until(clock.now) > DATED;
    if is_late || since.duration_until(one.from_at).abs() > DATED {
        let (from, to) = (clock.short(one.from_at), clock.short(one.to_at));
        words.push(format!("between {from} and {to}"));
    }
    if is_late {
        words.push(format!("not known after {}", clock.short(one.to_at)));
    }
    if one.to < 0.0 {
        words.push("**exhausted**".to_owned());
    }
    if one.estimate {
        words.push("an estimate: data covers too little of the period".to_owned());
    }
    words.join("; ")
}

pub(super) fn release(one: &Released, clock: &Clock<'_>) -> String {
    let mut words = vec![format!(
        "{} {} **{}**",
        clock.short(one.at),
        text(&one.service),
        text(&one.version)
    )];
    let status = one.status.word().replace('_', " ");
    let status = match one.status {
        ReleaseStatus::Failed | ReleaseStatus::RolledBack => format!("**{status}**"),
        _ => status,
    };
    words.push(if one.environment.is_empty() {
        status
    } else {
        format!("{status}, {}", text(&one.environment))
    });
    if let Some(actor) = one.actor.as_ref().filter(|actor| !actor.is_empty()) {
        words.push(format!("by {}", text(actor)));
    }
    for suspected in &one.suspected_of {
        words.push(format!(
            "**suspect** of {}: {}",
            text(&suspected.slo),
            text(&suspected.reason)
        ));
    }
    words.extend(link("open", one.url.as_ref()));
    format!("{} (`{}`)", words.join("; "), source(one.source.as_str()))
}

pub(super) fn silence(one: &Ending, clock: &Clock<'_>) -> String {
    let left = length(clock.now.duration_until(one.ends_at));
    let matchers: Vec<_> = one.matchers.iter().map(text).collect();
    let mut words = vec![format!(
        "{} (in {left}) {}",
        clock.short(one.ends_at),
        matchers.join(" ")
    )];
    if !one.created_by.is_empty() {
        let mine = if one.is_mine { " (me)" } else { "" };
        words.push(format!("by {}{mine}", text(&one.created_by)));
    }
    if !one.comment.is_empty() {
        words.push(format!("why: {}", text(&one.comment)));
    }
    if !one.hides.is_empty() {
        words.push(format!("**hides** {}", names(&one.hides)));
    }
    format!("{} (`{}`)", words.join("; "), source(one.source.as_str()))
}

/// A freeze of releases, and whether it still holds.
pub(super) fn freeze(one: &Frozen, clock: &Clock<'_>) -> String {
    let service = text(&one.service);
    let mut words = vec![match one.until {
        None => format!("**{service}** frozen since {}", clock.short(one.from)),
        Some(until) => format!(
            "{service} was frozen from {} to {}",
            clock.short(one.from),
            clock.short(until)
        ),
    }];
    if !one.reason.is_empty() {
        words.push(text(&one.reason));
    }
    words.push(format!("policy {}", text(&one.policy)));
    words.join("; ")
}

pub(super) fn note(one: &Noted, clock: &Clock<'_>) -> String {
    let who = if one.who.is_empty() {
        String::new()
    } else {
        format!("{}: ", text(&one.who))
    };
    format!("{} {who}{}", clock.short(one.at), text(&one.text))
}

pub(super) fn act(one: &Act, clock: &Clock<'_>) -> String {
    let who = if one.who.is_empty() {
        "somebody".to_owned()
    } else {
        text(&one.who)
    };
    let name = if one.name.is_empty() {
        &one.target
    } else {
        &one.name
    };
    let mut words = format!(
        "{} {who}: {} {}",
        clock.short(one.at),
        text(&one.verb),
        text(name)
    );
    if !one.source.is_empty() {
        let _ = write!(words, " at {}", text(&one.source));
    }
    let result: Untrusted = one.result.as_str().into();
    let _ = match one.result.as_str() {
        "done" => write!(words, ": done"),
        "unknown" => write!(words, ": **nobody knows whether it was carried out**"),
        _ => write!(words, ": **{}**", text(&result)),
    };
    if !one.said.is_empty() {
        let _ = write!(words, " ({})", text(&one.said));
    }
    words
}

pub(super) fn over(one: &Over, clock: &Clock<'_>) -> String {
    let mut words = vec![format!(
        "{} **{}** {}; over",
        clock.short(one.ended_at),
        one.severity,
        named(&one.service, &one.title)
    )];
    if let Some(at) = one.opened_at {
        let lasted = length(at.duration_until(one.ended_at));
        words.push(format!("after {lasted} (since {})", clock.short(at)));
    }
    let unseen = one
        .last_seen
        .filter(|last| last.duration_until(one.ended_at) >= NOTICEABLE_GAP);
    if let Some(last) = unseen {
        words.push(format!("not listed after {}", clock.short(last)));
    }
    if one.times > 1 {
        words.push(format!(
            "**flapping**: began {} times in this shift",
            one.times
        ));
    }
    if !one.who.is_empty() {
        words.push(format!("with {}", names(&one.who)));
    }
    words.join("; ")
}

/// The blind spots of a source, the first ones by themselves.
pub(super) fn spots(one: &Spots, clock: &Clock<'_>) -> Vec<String> {
    let name = text(&one.source.as_str().into());
    let spots = one.spots.iter();
    let mut lines: Vec<_> = spots
        .take(MOST_SPOTS)
        .map(|spot| format!("**{name}** {}", self::spot(spot, clock)))
        .collect();
    if one.spots.len() > MOST_SPOTS {
        lines.push(format!(
            "**{name}** {} more; {} in all",
            one.spots.len() - MOST_SPOTS,
            length(one.total())
        ));
    }
    lines
}

fn spot(spot: &Spot, clock: &Clock<'_>) -> String {
    let since = clock.short(spot.since);
    let time = spot.until.map_or_else(
        || format!("since {since}, and it goes on"),
        |until| format!("{since} to {}", clock.short(until)),
    );
    let lasted = length(spot.since.duration_until(spot.until.unwrap_or(clock.now)));
    let why = match (spot.why, &spot.fault) {
        (Why::Unwatched, _) => "nobody watched: watchfire did not run".to_owned(),
        (Why::Fault, Some(fault)) => format!("it did not answer: {}", text(fault)),
        (Why::Fault, None) => "it did not answer".to_owned(),
    };
    format!("{time} ({lasted}): {why}")
}

/// A source's name within backticks, which nothing in it may end.
fn source(name: &str) -> String {
    Untrusted::from(name.replace('`', "'")).shown().to_string()
}
