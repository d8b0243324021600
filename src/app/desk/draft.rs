//! From a key and a row to an order that lacks no more than its end and its words.

use jiff::Timestamp;

use super::rows;
use crate::app::model::Model;
use crate::app::model::ask::{Draft, LeftOut, Wish};
use crate::config::CommandScope;
use crate::domain::order::Target;
use crate::domain::{Incident, IncidentStatus, Verb};
use crate::pane::RowKey;
use crate::store::Feed;
use crate::text::Untrusted;

/// A draft for each row that the wish is possible for, and the others with the reason.
pub(in crate::app) fn drafts(model: &Model, wish: Wish, now: Timestamp) -> (Vec<Draft>, LeftOut) {
    let (mut drafts, mut left_out) = (Vec::new(), Vec::new());
    if model.pane().scope() != Some(CommandScope::Incident) {
        let why = format!("only incidents can be {}: they are in pane 3", wish.words());
        return (drafts, vec![(Untrusted::default(), why)]);
    }
    for key in rows(model) {
        match of_row(model, &key, wish, now) {
            Ok(of_row) => {
                for draft in of_row {
                    // Two rows may be hidden by one silence.
                    if !drafts.contains(&draft) {
                        drafts.push(draft);
                    }
                }
            }
            Err((name, why)) => left_out.push((name, why)),
        }
    }
    (drafts, left_out)
}

fn of_row(
    model: &Model,
    key: &RowKey,
    wish: Wish,
    now: Timestamp,
) -> Result<Vec<Draft>, (Untrusted, String)> {
    let sight = model.sight(now);
    let found = model.roster().and_then(|roster| roster.find(key));
    let found = found.and_then(|entry| {
        let feed = sight.feed(entry)?;
        Some((feed, feed.facts.incidents.as_ref()?.get(entry.item)?))
    });
    let Some((feed, row)) = found else {
        let why = format!("{} reports it no more", key.source);
        return Err((key.id.clone(), why));
    };
    choose(feed, row, wish).map_err(|why| (row.title.clone(), why))
}

/// What a wish comes to for one incident, by what its source offers.
fn choose(feed: &Feed, row: &Incident, wish: Wish) -> Result<Vec<Draft>, String> {
    let acts = feed.offers.acts;
    let offers = |verb: Verb| acts.contains(&verb);
    if acts.is_empty() {
        return Err(format!("{} offers nothing to do", feed.name));
    }
    if row.is_gone() && wish != Wish::Note {
        return Err(format!("it is gone: {} no longer lists it", feed.name));
    }
    if !row.is_open() && wish != Wish::Note {
        return Err("it is resolved already".to_owned());
    }
    let is_silenced = row.status == IncidentStatus::Silenced;
    let has_silences = is_silenced && !row.silenced_by.is_empty();
    let verb = match wish {
        Wish::Hide | Wish::Extend if has_silences && offers(Verb::Extend) => Verb::Extend,
        Wish::Hide if offers(Verb::Silence) && !row.matchers.is_empty() => Verb::Silence,
        Wish::Hide if offers(Verb::Snooze) => Verb::Snooze,
        Wish::Hide if offers(Verb::Silence) => {
            return Err("no silence can tell it from other incidents".to_owned());
        }
        Wish::Hide => return Err(format!("{} can neither silence nor snooze it", feed.name)),
        Wish::Extend => return Err("no silence hides it that could be extended".to_owned()),
        Wish::Unhide if has_silences && offers(Verb::Expire) => Verb::Expire,
        Wish::Unhide if is_silenced && offers(Verb::Unsnooze) => Verb::Unsnooze,
        Wish::Unhide => return Err("no silence hides it that could be ended".to_owned()),
        _ => match wish.verb().filter(|verb| offers(*verb)) {
            Some(verb) => verb,
            None => return Err(not_offered(feed, row, wish)),
        },
    };
    let on = |id: &Untrusted, name: &Untrusted, seen| Draft {
        source: feed.name.clone(),
        target: Target {
            id: id.clone(),
            name: name.clone(),
            service: row.service.clone(),
            seen,
        },
        verb,
        matchers: match verb {
            Verb::Silence => row.matchers.clone(),
            _ => Vec::new(),
        },
        members: match verb {
            Verb::Silence => row.members.clone(),
            _ => Vec::new(),
        },
        alerts: row.alerts,
    };
    Ok(match verb {
        Verb::Extend | Verb::Expire => {
            let ids = row.silenced_by.iter();
            ids.map(|id| on(id, &silence_name(feed, row, id), None))
                .collect()
        }
        _ => vec![on(&row.id, &row.title, Some(row.status))],
    })
}

fn not_offered(feed: &Feed, row: &Incident, wish: Wish) -> String {
    let said = format!("{} has nothing that can be {}", feed.name, wish.words());
    let can_hide = choose(feed, row, Wish::Hide).is_ok();
    if wish == Wish::Acknowledge && can_hide {
        format!("{said}; s silences it")
    } else {
        said
    }
}

/// What a preview calls a silence: by what it hides.
fn silence_name(feed: &Feed, row: &Incident, id: &Untrusted) -> Untrusted {
    let silences = feed.facts.silences.iter().flatten();
    let known = silences
        .into_iter()
        .find(|silence| silence.id == *id && !silence.matchers.is_empty());
    known.map_or_else(
        || format!("silence of {}", row.title.raw()).into(),
        |silence| {
            let matchers: Vec<_> = silence.matchers.iter().map(ToString::to_string).collect();
            format!("silence of {}", matchers.join(", ")).into()
        },
    )
}
