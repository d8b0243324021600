//! Who is on call, until when, and who is next.

use jiff::{SignedDuration, Timestamp};

use super::names::Names;
use super::wire::{Schedule, Shift, user_id};
use crate::domain::OnCall;
use crate::source::kit::lenient_wire::time;
use crate::text::Untrusted;

/// A schedule, and its shifts within the days that were asked for.
pub(super) struct Rota {
    pub(super) schedule: Schedule,
    pub(super) shifts: Vec<Shift>,
    /// The end of those days: shifts are cut there ("truncate shift start/end exceeding the requested
    /// period", as the server does it).
    pub(super) horizon: Timestamp,
}

/// The days that are asked for around a moment, as dates; shifts are some days long.
pub(super) fn days(moment: Timestamp) -> (String, String, Timestamp) {
    let date = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let from = moment - SignedDuration::from_hours(24);
    let horizon = moment + SignedDuration::from_hours(8 * 24);
    let end = date(horizon);
    let horizon = format!("{end}T00:00:00Z").parse().unwrap_or(horizon);
    (date(from), end, horizon)
}

impl Rota {
    /// Who has the pager at `moment`, and who gets it next.
    pub(super) fn shifts(&self, users: &Names, moment: Timestamp, is_past: bool) -> Vec<OnCall> {
        let schedule = &self.schedule;
        let name = schedule.name.as_deref().unwrap_or(&schedule.id);
        let shift = |who: Untrusted, from, until| OnCall {
            schedule: name.into(),
            who,
            from,
            until,
            ..OnCall::default()
        };
        let mut dated: Vec<_> = self
            .shifts
            .iter()
            .filter_map(|one| {
                let from = time(one.start.as_deref())?;
                Some((from, time(one.end.as_deref())?, one))
            })
            .collect();
        dated.sort_by_key(|(from, until, _)| (*from, *until));
        let covering = dated
            .iter()
            .filter(|(from, until, _)| *from <= moment && moment < *until);
        let mut present: Vec<String> = covering.filter_map(|(.., one)| key(one)).collect();
        if !is_past {
            // What the server says of the present counts, also where it lists no shift.
            let now = schedule.on_call_now.iter().filter_map(user_id);
            present = now.map(str::to_owned).collect();
        }
        let mut seen = Vec::new();
        present.retain(|id| {
            let is_new = !seen.contains(id);
            seen.push(id.clone());
            is_new
        });
        let called = |id: &str| {
            let named = self
                .shifts
                .iter()
                .find(|one| key(one).as_deref() == Some(id));
            let named = named.and_then(called);
            named.map_or_else(|| users.called(id), Into::into)
        };
        let mut found: Vec<OnCall> = present
            .iter()
            .map(|id| shift(called(id), None, self.end(id, moment)))
            .collect();
        let next = dated.iter().find(|(from, _, one)| {
            *from > moment && key(one).is_some_and(|id| !present.contains(&id))
        });
        if let Some((from, until, one)) = next {
            let id = key(one).unwrap_or_default();
            let until = Some(*until).filter(|until| *until < self.horizon);
            found.push(shift(called(&id), Some(*from), until));
        }
        found
    }

    /// When somebody's shift ends that covers `moment`, with those of the same person that follow on
    /// it; `None` where no end is in sight.
    fn end(&self, id: &str, moment: Timestamp) -> Option<Timestamp> {
        let mine = self
            .shifts
            .iter()
            .filter(|one| key(one).as_deref() == Some(id));
        let mut mine: Vec<_> = mine
            .filter_map(|one| {
                let from = time(one.start.as_deref())?;
                Some((from, time(one.end.as_deref())?))
            })
            .collect();
        mine.sort_unstable();
        let mut end = None;
        for (from, until) in mine {
            let is_now = from <= moment && moment < until;
            if is_now || end.is_some_and(|end| from <= end && until > end) {
                end = Some(until);
            }
        }
        end.filter(|end| *end < self.horizon)
    }
}

/// By what a person is told from others.
fn key(shift: &Shift) -> Option<String> {
    let known = [&shift.user_pk, &shift.user_username, &shift.user_email];
    known
        .into_iter()
        .flatten()
        .find(|id| !id.is_empty())
        .cloned()
}

fn called(shift: &Shift) -> Option<&str> {
    let known = [&shift.user_username, &shift.user_email];
    let known = known.into_iter().flatten().map(String::as_str);
    known.into_iter().find(|name| !name.is_empty())
}
