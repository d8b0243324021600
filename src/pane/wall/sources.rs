//! Every source with its age, which ticks slowly: a wall is sent few bytes.

use jiff::Timestamp;

use super::{Look, measures};
use crate::domain::{Freshness, window};
use crate::pane::cell::{Line, Role};
use crate::pane::fresh;
use crate::store::Feed;

/// How often the ages of sources change, in seconds.
const TICK: i64 = 10;

/// A moment rounded down to so many seconds, from which ages are counted.
pub(super) fn ticking(now: Timestamp, seconds: i64) -> Timestamp {
    let whole = now.as_second().div_euclid(seconds) * seconds;
    Timestamp::from_second(whole).unwrap_or(now)
}

/// `prom 3s`, `am STALE 4m`, in the order of the configuration; those in trouble first.
pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    let feeds = look.sight.store.feeds().iter();
    let (troubled, live): (Vec<&Feed>, Vec<&Feed>) =
        feeds.partition(|feed| is_troubled(look, feed));
    troubled
        .into_iter()
        .chain(live)
        .map(|feed| line(look, feed))
        .collect()
}

fn is_troubled(look: &Look<'_>, feed: &Feed) -> bool {
    look.is_lost(feed) || feed.freshness(look.sight.now) != Freshness::Live
}

fn line(look: &Look<'_>, feed: &Feed) -> Line {
    let now = look.sight.now;
    if is_troubled(look, feed) && feed.freshness(now).is_current() && measures(feed) {
        // One lost poll is enough for a wall.
        let age = fresh::age(feed, now).map(crate::pane::figures::age);
        let text = format!("{} LOST {}", feed.name, age.unwrap_or_default());
        return Line::of(text, Role::Fault);
    }
    if is_troubled(look, feed) {
        return fresh::name_and_word(feed, now);
    }
    let age = feed
        .last_success
        .map(|at| window::age(at, ticking(now, TICK)));
    let age = age.map(window::brief).unwrap_or_default();
    Line::of(format!("{} {age}", feed.name), Role::Dim)
}
