//! Who is on call, until when, and who is next.
//!
//! `/v1/schedules/{id}/on-calls` says who, with forwardings and teams resolved, for the present or a
//! moment; it says no times. Those are taken from `/v1/schedules/{id}/timeline`, whose failure costs
//! no more than them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::names::Names;
use super::wire::{OnCalls, Participant, Period, Responder, Timeline};
use crate::domain::OnCall;
use crate::source::kit::lenient_wire::time;
use crate::text::Untrusted;

/// A schedule with its answers.
pub(super) struct Rota {
    pub(super) name: String,
    pub(super) on_calls: OnCalls,
    pub(super) timeline: Timeline,
}

/// One stretch of a rotation.
struct Stretch {
    from: Timestamp,
    until: Option<Timestamp>,
    who: Vec<Responder>,
}

impl Rota {
    /// Everybody who may have to be named.
    pub(super) fn people(&self, people: &mut BTreeSet<String>, teams: &mut BTreeSet<String>) {
        let mut all = self.present();
        let rotations = self.timeline.final_timeline.rotations.iter();
        all.extend(rotations.flat_map(|rotation| rotation.periods.iter().flat_map(responders)));
        for responder in all {
            let Some(id) = responder.id else { continue };
            match responder.kind.as_deref() {
                Some("team") => teams.insert(id),
                None | Some("user") => people.insert(id),
                _ => false,
            };
        }
    }

    /// Who has the pager.
    fn present(&self) -> Vec<Responder> {
        let mut found = Vec::new();
        flatten(&self.on_calls.on_call_participants, &mut found);
        let users = self.on_calls.on_call_users.iter();
        found.extend(users.map(|id| Responder {
            id: Some(id.clone()),
            kind: Some("user".to_owned()),
        }));
        let mut seen = BTreeSet::new();
        found.retain(|one| one.id.clone().is_some_and(|id| seen.insert(id)));
        found
    }

    /// The shifts at `moment`, and the next one of every rotation.
    pub(super) fn shifts(&self, names: &Names, moment: Timestamp) -> Vec<OnCall> {
        let end = time(self.timeline.end_date.as_deref());
        let rotations = self.timeline.final_timeline.rotations.iter();
        let rotations: Vec<Vec<Stretch>> = rotations
            .filter(|rotation| rotation.deleted != Some(true))
            .map(|rotation| stretches(&rotation.periods, end))
            .collect();
        let shift = |who: Untrusted, from, until| OnCall {
            schedule: self.name.as_str().into(),
            who,
            from,
            until,
            ..OnCall::default()
        };
        let called = |one: &Responder| names.called(one.id.as_deref().unwrap_or_default());
        let mut found: Vec<OnCall> = Vec::new();
        for one in self.present() {
            let mine = rotations.iter().flatten().filter(|stretch| {
                let is_now =
                    stretch.from <= moment && stretch.until.is_none_or(|until| until > moment);
                is_now && stretch.who.iter().any(|who| who.id == one.id)
            });
            let until = mine.map(|stretch| stretch.until).next().flatten();
            found.push(shift(called(&one), None, until));
        }
        for rotation in &rotations {
            let next = rotation
                .iter()
                .filter(|stretch| stretch.from > moment && !stretch.who.is_empty())
                .min_by_key(|stretch| stretch.from);
            for one in next.iter().flat_map(|next| &next.who) {
                let (from, until) = next.map_or((None, None), |next| (Some(next.from), next.until));
                let shift = shift(called(one), from, until);
                if !found.contains(&shift) {
                    found.push(shift);
                }
            }
        }
        found
    }
}

/// Those behind teams and escalations; a team that nobody stands behind is somebody itself.
fn flatten(participants: &[Participant], found: &mut Vec<Responder>) {
    for participant in participants {
        if participant.on_call_participants.is_empty() {
            found.extend(Some(participant.responder.clone()).filter(is_somebody));
        } else {
            flatten(&participant.on_call_participants, found);
        }
    }
}

fn is_somebody(one: &Responder) -> bool {
    let is_nobody = matches!(one.kind.as_deref(), Some("noone" | "none"));
    !is_nobody && one.id.as_deref().is_some_and(|id| !id.is_empty())
}

fn responders(period: &Period) -> Vec<Responder> {
    let flattened = &period.flattened_responders;
    let all = if flattened.is_empty() {
        std::slice::from_ref(&period.responder)
    } else {
        flattened.as_slice()
    };
    all.iter().filter(|one| is_somebody(one)).cloned().collect()
}

/// The periods of a rotation, those of one person that follow on one another as one. What ends with
/// the timeline itself has no end that is known.
fn stretches(periods: &[Period], end: Option<Timestamp>) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let dated = periods.iter().filter_map(|period| {
        let from = time(period.start_date.as_deref())?;
        Some((from, time(period.end_date.as_deref()), responders(period)))
    });
    let mut dated: Vec<_> = dated.collect();
    dated.sort_by_key(|(from, ..)| *from);
    for (from, until, who) in dated {
        match found.last_mut() {
            Some(last) if last.who == who && last.until == Some(from) => last.until = until,
            _ => found.push(Stretch { from, until, who }),
        }
    }
    for stretch in &mut found {
        stretch.until = stretch.until.filter(|until| Some(*until) != end);
    }
    found
}
