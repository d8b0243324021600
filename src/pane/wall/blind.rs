//! Lost sources of SLOs, and their last known states.

use jiff::Timestamp;

use super::{Look, Memory, measures};
use crate::domain::window;
use crate::pane::cell::{Line, Role};
use crate::pane::{figures, fresh};
use crate::store::Feed;
use crate::text::Shown;

/// A source of SLOs that is lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// Its name.
    pub name: Shown,
    /// How long ago it answered last; `None` where it never did.
    pub age: Option<String>,
    /// When that was, as a time of day.
    pub at: Option<String>,
    /// What is wrong, since when, and when it is polled again.
    pub why: Line,
}

/// The sources of SLOs that are lost, the longest lost first.
pub(super) fn lost(look: &Look<'_>, memory: &Memory) -> Vec<Lost> {
    let feeds = look.sight.store.feeds().iter();
    let mut lost: Vec<&Feed> = feeds.filter(|feed| look.is_lost(feed)).collect();
    let answered = |feed: &Feed| memory.get(&feed.name).map(|known| known.at);
    lost.sort_by_key(|feed| answered(feed));
    let lost = lost.into_iter();
    lost.map(|feed| one(look, feed, answered(feed))).collect()
}

fn one(look: &Look<'_>, feed: &Feed, last: Option<Timestamp>) -> Lost {
    let now = look.sight.now;
    let clock = |at: Timestamp| look.sight.clock(at);
    let reason = match &feed.fault {
        Some(fault) => fresh::fault_words(fault),
        None => format!("no answer within {}", figures::age(feed.timeout)),
    };
    let since = match last {
        Some(at) => format!(", last answer {}", clock(at)),
        None => ", no answer yet".to_owned(),
    };
    let next = fresh::next_try(feed, now).map(|next| format!(" · {next}"));
    let why = Line::new()
        .text(format!("{}: ", feed.name), Role::Strong)
        .text(format!("{reason}{since}"), Role::Plain)
        .text(next.unwrap_or_default(), Role::Plain);
    Lost {
        name: Shown::new(feed.name.as_str()),
        age: last.map(|at| figures::age(window::age(at, now))),
        at: last.map(clock),
        why,
    }
}

/// What open incidents say while a source of SLOs is lost: alerts end by themselves while nothing evaluates
/// them.
pub(super) fn incident_note(look: &Look<'_>) -> Option<Line> {
    let feeds = look.sight.store.feeds();
    let evaluates = |feed: &Feed| feed.offers.rules && measures(feed);
    let is_unevaluated = feeds
        .iter()
        .any(|feed| evaluates(feed) && look.is_lost(feed));
    let relay = feeds.iter().find(|feed| feed.offers.relays)?;
    if !is_unevaluated {
        return None;
    }
    let open = look.open_incidents().1;
    let text = match open {
        0 => format!(
            "{} lists no page: alerts end by themselves while their rules are not evaluated",
            relay.name
        ),
        1 => "1 incident pages, not known to be over".to_owned(),
        count => format!("{count} incidents page, not known to be over"),
    };
    Some(Line::of(text, Role::Unknown))
}
