//! SLOs that page, in the few words that a wall has room for.

use super::{Look, calm};
use crate::domain::{Incident, Observation, State, window};
use crate::pane::cell::{Line, Mark, Role};
use crate::pane::fire::Fire;
use crate::pane::since::Since;
use crate::pane::{Entry, figures, incident, incidents, slos, suspects};
use crate::text::Shown;

/// An SLO that pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Burning {
    /// Its service.
    pub service: Shown,
    /// The burn rate of the shortest window; `None` for an incident.
    pub burn: Option<String>,
    /// Since when, as an age.
    pub age: Option<String>,
    /// `PAGE checkout availability 99.9%`.
    pub name: Line,
    /// `burning 17m, since 13:45  22x 5m  18x 1h  ↗ rising`.
    pub since: Line,
    /// `burning 17m  22x ↗ rising`.
    pub pace: Line,
    /// The budget that is left; `None` where it is not known.
    pub left: Option<String>,
    /// The time until it is gone.
    pub gone_in: Option<String>,
    /// Both in a sentence.
    pub budget: Line,
    /// Version, actor and time of day of the suspect.
    pub suspect: Option<Vec<Shown>>,
    /// The suspect in a sentence, with the errors before and since.
    pub why: Line,
    /// Who has it, and who is on call.
    pub who: Line,
    /// `13m, nobody has it`: the worst open incident; empty where there is none.
    pub paged: Line,
}

/// The most other fires that are named.
const MAX_OTHERS: usize = 40;

impl Look<'_> {
    /// The worst that pages: an SLO, else an incident that nobody has.
    pub(super) fn burning(&self) -> Option<Burning> {
        let slo = self.paging_slos().next();
        let slo = slo.and_then(|entry| of_slo(self, entry));
        slo.or_else(|| of_incident(self, self.paging_incidents().next()?))
    }

    /// The other SLOs that page or have a ticket, worst first.
    pub(super) fn others(&self, burning: Option<&Burning>) -> Vec<Line> {
        let first = self.paging_slos().next().filter(|_| burning.is_some());
        let entries = self.slos.entries.iter();
        let loud = entries.filter(|entry| {
            let state = entry.standing.map(|(state, _)| state);
            let seen = slos::observation(self.sight, entry);
            let is_loud = matches!(state, Some(State::Page | State::Ticket));
            is_loud && !seen.is_some_and(Observation::is_unproven) && self.is_known(entry)
        });
        let others = loud.filter(|entry| first.is_none_or(|first| first.key != entry.key));
        let lines = others.take(MAX_OTHERS);
        lines.filter_map(|entry| calm::other(self, entry)).collect()
    }
}

fn of_slo(look: &Look<'_>, entry: &Entry) -> Option<Burning> {
    let sight = look.sight;
    let (feed, seen) = (sight.feed(entry)?, slos::observation(sight, entry)?);
    let fire = Fire::of(sight, entry)?;
    let verdict = seen.assess();
    let since = Since::of(sight, feed, seen, &verdict);
    let objective = figures::objective(seen.slo.objective);
    let name = Line::new()
        .mark(Mark::Page, Role::Page)
        .text("PAGE ", Role::Page)
        .join(fire.name)
        .text(format!(" {}%", objective.trim()), Role::Plain);
    let joined = |line: Line, other: Line| line.text("  ", Role::Plain).join(other);
    let left = verdict.budget_remaining;
    let errors = fire.errors;
    let why = match (fire.why.is_empty(), errors.is_empty()) {
        (_, true) => fire.why,
        (true, false) => errors,
        (false, false) => fire.why.text(", ", Role::Plain).join(errors),
    };
    Some(Burning {
        service: seen.slo.service.shown(),
        burn: seen.short_burn().map(figures::burn_in_words),
        age: since.map(|since| since.age(sight.now)),
        name,
        since: joined(fire.since, fire.burn),
        pace: joined(fire.age, fire.pace),
        left: left.map(|left| slos::budget(seen, Some(left))),
        gone_in: seen.gone_in(&verdict).map(figures::age),
        budget: fire.budget,
        suspect: suspect(look, entry),
        why,
        who: with_on_call(fire.who, fire.on_call),
        paged: paged(look, &seen.slo.service),
    })
}

/// Who has it and who is on call in one line.
fn with_on_call(who: Line, on_call: Line) -> Line {
    if who.is_empty() || on_call.is_empty() {
        return who.join(on_call);
    }
    who.text("  ", Role::Plain).join(on_call)
}

/// Version, actor and time of the suspect of a burn.
fn suspect(look: &Look<'_>, entry: &Entry) -> Option<Vec<Shown>> {
    let sight = look.sight;
    let (feed, seen) = (sight.feed(entry)?, slos::observation(sight, entry)?);
    let suspect = suspects::insight(sight.store, feed, seen)?.suspect()?;
    let mut releases = sight.store.releases();
    let row = releases.find(|(by, row)| by.name == suspect.source && row.id == suspect.release);
    let mut words = Vec::new();
    if suspect.service != seen.slo.service {
        words.push(suspect.service.shown());
    }
    words.push(suspect.version.shown());
    if let Some((_, row)) = row {
        words.extend(row.actor.as_ref().map(crate::text::Untrusted::shown));
        words.extend(row.dated().map(|at| Shown::new(sight.clock(at))));
    }
    Some(words)
}

/// How long ago the worst open incident of a service began, and who has it.
fn paged(look: &Look<'_>, service: &crate::text::Untrusted) -> Line {
    let open = super::super::related::incidents(look.sight, service);
    let Some((_, row)) = open.first() else {
        return Line::new();
    };
    let began = look.sight.began(row.opened_at);
    Line::of(format!("paged {began} ago, "), Role::Plain).join(has_it(look, row))
}

/// Who has an incident, in a sentence.
fn has_it(look: &Look<'_>, row: &Incident) -> Line {
    if row.is_untaken() && row.assignees.is_empty() {
        return Line::of("nobody has it", Role::Page);
    }
    incidents::status(look.sight, row)
}

fn of_incident(look: &Look<'_>, entry: &Entry) -> Option<Burning> {
    let sight = look.sight;
    let row = incident(sight, entry)?;
    let name = Line::new()
        .mark(Mark::Page, Role::Page)
        .text("PAGE ", Role::Page)
        .foreign(&row.service, Role::Strong)
        .text(" ", Role::Plain)
        .foreign(&row.title, Role::Plain);
    let service = if row.service.is_empty() {
        row.title.shown()
    } else {
        row.service.shown()
    };
    let age = row
        .opened_at
        .map(|at| figures::age(window::age(at, sight.now)));
    let since = row
        .opened_at
        .map(|at| format!("open since {}", sight.clock(at)));
    let age_words = age
        .as_ref()
        .map(|age| format!("open {age}"))
        .unwrap_or_default();
    let paged = Line::of(
        format!("open {}, ", sight.began(row.opened_at)),
        Role::Plain,
    )
    .join(incidents::status(sight, row));
    Some(Burning {
        service,
        burn: None,
        age,
        name,
        since: Line::of(since.unwrap_or_default(), Role::Plain),
        pace: Line::of(age_words, Role::Plain),
        left: None,
        gone_in: None,
        budget: Line::new(),
        suspect: None,
        why: Line::new(),
        who: paged.clone(),
        paged,
    })
}
