//! How fresh a source is, in words: the same on titles, footer, rows and details.

use jiff::{SignedDuration, Timestamp};

use super::cell::{Line, Role};
use super::figures;
use super::{Pane, Sight};
use crate::domain::{Fault, Freshness, Observation, State, window};
use crate::store::{Feed, Store};
use crate::text::Shown;

/// What went wrong is of no use in fewer columns.
const LEAST_WORDS: usize = 12;

/// How old the last good answer is; `None` when there was none.
pub fn age(feed: &Feed, now: Timestamp) -> Option<SignedDuration> {
    feed.last_success.map(|at| window::age(at, now))
}

/// `live`, `late 40s`, `STALE 4m`, `DOWN 3m`, or `asking` before the first answer.
///
/// A live source has no age, so that nothing ticks while all is well.
pub fn word(feed: &Feed, now: Timestamp) -> (String, Role) {
    if feed.is_waiting() {
        return ("asking".to_owned(), Role::Unknown);
    }
    let age = age(feed, now).map(|age| format!(" {}", figures::age(age)));
    let age = age.unwrap_or_default();
    match feed.freshness(now) {
        Freshness::Live => ("live".to_owned(), Role::Dim),
        Freshness::Late => (format!("late{age}"), Role::Plain),
        Freshness::Stale => (format!("STALE{age}"), Role::Fault),
        Freshness::Down => (format!("DOWN{age}"), Role::Fault),
    }
}

/// Why nothing is known of a source that never gave a good answer.
pub fn silence(feed: &Feed) -> &'static str {
    if feed.is_waiting() {
        "asking"
    } else {
        "never answered"
    }
}

/// What something was when its source last spoke, and how long ago that is.
pub fn was(feed: &Feed, word: &str, now: Timestamp) -> String {
    match age(feed, now) {
        Some(age) => format!("was {word} {}", figures::age(age)),
        None => silence(feed).to_owned(),
    }
}

/// When a source is asked again.
pub fn next_try(feed: &Feed, now: Timestamp) -> Option<String> {
    let left = now.duration_until(feed.next_try?);
    Some(if left.is_positive() {
        format!("next try {}", figures::countdown(left))
    } else {
        "trying now".to_owned()
    })
}

/// True when a reader should know more of this source than that it is live.
pub fn is_troubled(feed: &Feed, now: Timestamp) -> bool {
    feed.fault.is_some() || feed.is_waiting() || feed.freshness(now) != Freshness::Live
}

/// A source's name and how fresh it is.
pub fn name_and_word(feed: &Feed, now: Timestamp) -> Line {
    let (word, role) = word(feed, now);
    Line::of(format!("{} {word}", feed.name), role)
}

/// A source in one sentence: `argocd DOWN 3m: no answer within 10s, next try 20s`.
pub fn sentence(feed: &Feed, now: Timestamp) -> Line {
    let mut line = name_and_word(feed, now);
    if let Some(fault) = &feed.fault {
        line = line
            .text(": ", Role::Plain)
            .join(fault_line(feed, fault, now));
    }
    line
}

/// The sentence in so many columns: what went wrong is cut first, and when it is asked again last.
pub fn sentence_within(feed: &Feed, now: Timestamp, room: usize) -> Line {
    let full = sentence(feed, now);
    let Some(fault) = feed.fault.as_ref().filter(|_| full.width() > room) else {
        return full;
    };
    let start = name_and_word(feed, now);
    if start.width() + LEAST_WORDS > room {
        return start;
    }
    let start = start.text(": ", Role::Plain);
    let next = next_try(feed, now).map(|next| format!(" {next}"));
    let next = next.unwrap_or_default();
    let words = Shown::new(fault_words(fault));
    let left = room.saturating_sub(start.width());
    match left.checked_sub(next.len()) {
        Some(left) if left >= LEAST_WORDS => start
            .text(words.fit(left).as_str(), Role::Plain)
            .text(next, Role::Dim),
        _ => start.text(words.fit(left).as_str(), Role::Plain),
    }
}

/// What went wrong, and when the source is asked again.
fn fault_line(feed: &Feed, fault: &Fault, now: Timestamp) -> Line {
    let words = fault_words(fault);
    let Some(next) = next_try(feed, now) else {
        return Line::of(words, Role::Plain);
    };
    let comma = if words.ends_with(['?', '!']) { "" } else { "," };
    Line::of(format!("{words}{comma} "), Role::Plain).text(next, Role::Dim)
}

/// What went wrong, ready to stand within a sentence.
pub fn fault_words(fault: &Fault) -> String {
    let words = fault.message.shown();
    words.as_str().trim_end_matches('.').to_owned()
}

/// The sources that feed a pane.
pub fn feeding<'a>(pane: &dyn Pane, store: &'a Store) -> Vec<&'a Feed> {
    let feeds = store.feeds().iter();
    feeds.filter(|feed| pane.fed_by(feed.offers)).collect()
}

/// The source that is furthest behind, and how much it is.
pub fn worst(feeds: &[&Feed], now: Timestamp) -> Line {
    let worst = feeds.iter().max_by_key(|feed| feed.freshness(now));
    worst.map_or_else(Line::new, |feed| {
        let (word, role) = word(feed, now);
        Line::of(word, role)
    })
}

/// The freshness of a whole pane: the troubled sources by name, or `live`.
pub fn summary(feeds: &[&Feed], now: Timestamp) -> Line {
    match feeds {
        [] => Line::of("no source", Role::Dim),
        [feed] => name_and_word(feed, now),
        _ => {
            let mut line = Line::new();
            for feed in feeds {
                if feed.freshness(now) == Freshness::Live {
                    continue;
                }
                let gap = if line.is_empty() { "" } else { " · " };
                line = line.text(gap, Role::Dim).join(name_and_word(feed, now));
            }
            if line.is_empty() {
                return Line::of("live", Role::Dim);
            }
            line
        }
    }
}

/// The state of an SLO, which is not known while its source is silent.
pub(super) fn shown_state(sight: Sight<'_>, feed: &Feed, seen: &Observation) -> State {
    if feed.freshness(sight.now).is_current() {
        seen.standing().state
    } else {
        State::Unknown
    }
}
