//! Who has the pager: of the whole place, and of one service.

use jiff::{SignedDuration, Timestamp};

use super::Sight;
use super::cell::{Line, Role};
use crate::domain::OnCall;
use crate::store::Feed;
use crate::text::{Shown, Untrusted};

/// How long before the end of a shift who follows is said as well.
const NEAR: SignedDuration = SignedDuration::from_hours(2);

/// The room of a name.
const LONGEST_NAME: usize = 24;

/// A shift and the source that says so.
pub type Shift<'a> = (&'a Feed, &'a OnCall);

/// Everybody who has the pager at this moment: my own rotas first, then my teams', then as
/// configured; of a rota who is paged first.
pub fn current(sight: Sight<'_>) -> Vec<Shift<'_>> {
    let shifts = sight.store.on_call();
    let mut shifts: Vec<_> = shifts
        .filter(|(_, shift)| shift.is_now(sight.now))
        .collect();
    shifts.sort_by_key(|(_, shift)| {
        let nearness = nearness(sight, shift);
        (nearness > 1, level(shift), nearness)
    });
    shifts
}

/// Who is paged first is level 1, and who is on a rota without levels.
fn level(shift: &OnCall) -> u32 {
    shift.level.unwrap_or(1)
}

/// 0 for a rota that I am on, 1 for one of my teams', 2 for any other.
fn nearness(sight: Sight<'_>, shift: &OnCall) -> u8 {
    let me = sight.store.me();
    let owned = |service: &Untrusted| {
        let team = sight.store.service(service);
        team.and_then(|service| service.team.as_deref())
            .is_some_and(|team| me.is_in(team))
    };
    if me.is(&shift.who) {
        0
    } else if me.is_in(shift.schedule.raw()) || shift.services.iter().any(owned) {
        1
    } else {
        2
    }
}

/// The services that I have the pager for at this moment.
pub fn mine(sight: Sight<'_>) -> Vec<Untrusted> {
    let me = sight.store.me();
    let shifts = current(sight).into_iter();
    let mine = shifts.filter(|(_, shift)| me.is(&shift.who));
    let mut services: Vec<_> = mine
        .flat_map(|(_, shift)| shift.services.iter().cloned())
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

/// Who has the pager for a service: on the rotas that answer for it, else on that of its team.
pub fn of_service<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<Shift<'a>> {
    let shifts = current(sight);
    let named = |shift: &&Shift<'_>| shift.1.services.contains(service);
    let found: Vec<_> = shifts.iter().filter(named).copied().collect();
    if !found.is_empty() || service.is_empty() {
        return found;
    }
    let team = sight.store.service(service);
    let Some(team) = team.and_then(|service| service.team.as_deref()) else {
        return Vec::new();
    };
    let is_teams = |shift: &Shift<'_>| shift.1.schedule.raw().eq_ignore_ascii_case(team);
    shifts.into_iter().filter(is_teams).collect()
}

/// Who has the pager for a service, for a detail; its team where no rota is known.
pub fn service_line(sight: Sight<'_>, service: &Untrusted) -> Option<Line> {
    let shifts = of_service(sight, service);
    let Some(((feed, first), rest)) = shifts.split_first() else {
        let team = sight.store.service(service)?.team.as_deref()?;
        return Some(Line::of(format!("team {team}"), Role::Plain));
    };
    let mut line = person(sight, first).join(end(sight, feed, first));
    if !first.schedule.is_empty() {
        line = line
            .text(" (", Role::Dim)
            .foreign(&first.schedule, Role::Dim)
            .text(")", Role::Dim);
    }
    for (_, shift) in rest {
        let step = format!(", level {} ", level(shift));
        line = line.text(step, Role::Dim).join(person(sight, shift));
    }
    Some(doubted(sight, feed, line))
}

/// Who has the pager, for the header: who is paged first, until when, and who follows when that is
/// near. `is_short` says no more than who.
pub fn headline(sight: Sight<'_>, is_short: bool) -> Option<Line> {
    let shifts = current(sight);
    let (feed, first) = shifts.first()?;
    let mut line = Line::of("on call ", Role::Dim);
    if is_short {
        let is_me = sight.store.me().is(&first.who);
        let role = if is_me { Role::Strong } else { Role::Plain };
        line = line.text(name(first).as_str(), role);
        return Some(doubted(sight, feed, line));
    }
    line = line
        .join(person(sight, first))
        .join(end(sight, feed, first));
    let mut others: Vec<_> = shifts
        .iter()
        .filter(|(_, shift)| level(shift) == 1 && shift.who != first.who)
        .map(|(_, shift)| &shift.who)
        .collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        line = line.text(format!(" +{}", others.len()), Role::Dim);
    }
    Some(doubted(sight, feed, line))
}

fn name(shift: &OnCall) -> Shown {
    shift.who.shown().fit(LONGEST_NAME)
}

/// A person; myself as such.
fn person(sight: Sight<'_>, shift: &OnCall) -> Line {
    let line = Line::of(name(shift).as_str(), Role::Plain);
    if sight.store.me().is(&shift.who) {
        line.text(" (you)", Role::Strong)
    } else {
        line
    }
}

/// When a shift ends, and who follows when that is near.
fn end(sight: Sight<'_>, feed: &Feed, shift: &OnCall) -> Line {
    let Some(until) = shift.until else {
        return Line::new();
    };
    let line = Line::of(format!(" until {}", sight.clock(until)), Role::Dim);
    let follower = follower(feed, shift, sight.now);
    match follower.filter(|_| sight.now.duration_until(until) <= NEAR) {
        Some(next) => line.text(", then ", Role::Dim).join(person(sight, next)),
        None => line,
    }
}

/// Who has the same step of the same rota next.
fn follower<'a>(feed: &'a Feed, shift: &OnCall, now: Timestamp) -> Option<&'a OnCall> {
    let rota = feed.facts.on_call.iter().flatten();
    let coming = rota.filter(|other| {
        other.schedule == shift.schedule
            && other.level == shift.level
            && other.who != shift.who
            && other.from.is_some_and(|from| from > now)
    });
    coming.min_by_key(|other| other.from)
}

/// What a silent source said, as something that was true once.
fn doubted(sight: Sight<'_>, feed: &Feed, line: Line) -> Line {
    if feed.freshness(sight.now).is_current() {
        return line;
    }
    line.text("?", Role::Unknown).faded()
}
