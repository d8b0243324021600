//! The fire line: one SLO in sentences, and the course of its burn.
//!
//! It answers what burns, since when, how fast, whether it gets better, when the budget is gone, which
//! release may be behind it, who has it, and what depends on it.

use jiff::SignedDuration;

use super::before_after::BeforeAfter;
use super::block::Curve;
use super::cell::{Line, Mark, Role, state_word};
use super::dependants::{burning_of, dependants};
use super::since::Since;
use super::slos::{budget_role, curve, was};
use super::{Entry, Sight, figures, fresh, on_call, related, slos, suspects};
use crate::domain::{Assessment, IncidentStatus, Observation, Phase, State};
use crate::insight::{Insight, Suspect};
use crate::store::Feed;
use crate::text::Untrusted;

/// The shortest past that the chart beside the fire line shows.
const SHORTEST_PAST: SignedDuration = SignedDuration::from_mins(70);

/// One SLO in sentences.
#[derive(Clone, Debug, PartialEq)]
pub struct Fire {
    /// The shape of its state,
    pub mark: Mark,
    /// and its weight.
    pub role: Role,
    /// Its service and name.
    pub name: Line,
    /// The shape of its state, its service and name.
    pub head: Line,
    /// `burning 17m, since 13:45`.
    pub since: Line,
    /// The same without the moment.
    pub age: Line,
    /// Burn rates of the shortest and the longer window, and the direction.
    pub burn: Line,
    /// The burn rate of the shortest window and the direction.
    pub pace: Line,
    /// The weight of its budget.
    pub budget_role: Role,
    /// The budget that is left, between 0 and 1.
    pub left: Option<f64>,
    /// The same in words, and the time until it is gone.
    pub budget: Line,
    /// The suspect release, or why there is none.
    pub why: Line,
    /// The errors before and since.
    pub errors: Line,
    /// Who has it,
    pub who: Line,
    /// and who is on call.
    pub on_call: Line,
    /// What depends on the service, what burns of it first.
    pub used_by: Line,
    /// The burning services that the service depends on.
    pub needs: Line,
    /// The course of the burn,
    pub curve: Option<Curve>,
    /// what it shows,
    pub caption: Line,
    /// and the highest burn of it, and when that was.
    pub peak: Line,
}

impl Fire {
    /// That of a row of the SLO pane; `None` for a row that is gone.
    pub fn of(sight: Sight<'_>, entry: &Entry) -> Option<Self> {
        let (feed, seen) = (sight.feed(entry)?, slos::observation(sight, entry)?);
        let verdict = seen.assess();
        let is_old = sight.is_old(entry);
        let state = if is_old {
            State::Unknown
        } else {
            verdict.state
        };
        let (mark, role) = Mark::of_state(state);
        let role = match (is_old, verdict.state) {
            (true, State::Page) => Role::WasPage,
            _ => role,
        };
        let insight = suspects::insight(sight.store, feed, seen);
        let mut curve = curve(sight, seen).map(|whole| near_onset(whole, sight, insight));
        if let Some(curve) = curve.as_mut().filter(|_| is_old) {
            curve.fade();
        }
        let name = if is_old || state == State::Ok {
            Role::Plain
        } else {
            Role::Strong
        };
        let name = Line::new()
            .foreign(&seen.slo.service, name)
            .text(" ", name)
            .foreign(&seen.slo.name, name);
        let course = |short: bool| {
            let burn = burn(seen, &verdict, short);
            match (is_old, short) {
                (true, true) => burn.faded(),
                (true, false) if !burn.is_empty() => Line::of("was ", Role::Old).join(burn.faded()),
                _ => burn,
            }
        };
        let since = |short: bool| {
            if is_old {
                let line = if short {
                    let word = state_word(verdict.state);
                    Line::of(fresh::was(feed, word, sight.now), Role::Unknown)
                } else {
                    let was = was(sight, feed, seen, verdict.state);
                    Line::of("UNKNOWN, ", Role::Unknown).join(was)
                };
                let since = Since::of(sight, feed, seen, &verdict);
                match since.filter(|_| verdict.burns()) {
                    Some(since) => line.text(format!(", {}", since.words(sight)), Role::Old),
                    None => line,
                }
            } else {
                since(sight, feed, seen, &verdict, short)
            }
        };
        Some(Self {
            mark,
            role,
            head: Line::new().mark(mark, role).join(name.clone()),
            name,
            since: since(false),
            age: since(true),
            burn: course(false),
            pace: course(true),
            budget_role: if is_old {
                Role::Old
            } else {
                budget_role(&verdict)
            },
            left: verdict.budget_remaining,
            budget: budget(seen, &verdict, is_old),
            why: why(sight, insight, seen, &verdict),
            errors: errors(sight, (feed, seen), insight),
            who: who(sight, &seen.slo.service),
            on_call: on_call(sight, &seen.slo.service),
            used_by: dependants(sight, &seen.slo.service),
            needs: needs(sight, &seen.slo.service),
            peak: peak(sight, curve.as_ref()),
            caption: caption(seen, curve.as_ref()),
            curve,
        })
    }

    /// A row in one line of text for a chat, which begins with the id of the SLO.
    pub fn summary(sight: Sight<'_>, entry: &Entry) -> Option<String> {
        let fire = Self::of(sight, entry)?;
        let id = entry.key.id.shown();
        let word = Self::state(sight, entry);
        Some(format!("{id} {word}: {}", fire.words()))
    }

    fn words(&self) -> String {
        let parts = [
            &self.since,
            &self.burn,
            &self.budget,
            &self.why,
            &self.errors,
            &self.who,
            &self.on_call,
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let texts: Vec<_> = parts.map(Line::words).collect();
        texts.join("; ")
    }

    /// The state as a word, for a fire line with room for it.
    pub fn state(sight: Sight<'_>, entry: &Entry) -> &'static str {
        if sight.is_old(entry) {
            return state_word(State::Unknown);
        }
        entry.standing.map_or("", |(state, _)| state_word(state))
    }
}

/// The part of a course that begins well before the onset.
fn near_onset(mut curve: Curve, sight: Sight<'_>, insight: Option<&Insight>) -> Curve {
    let (from, to) = curve.span;
    let onset = insight.and_then(|insight| insight.onset.as_ref());
    let burning = onset.map_or(0, |onset| to - onset.at.as_second()).max(0);
    let wanted = (burning * 5 / 2).max(SHORTEST_PAST.as_secs());
    curve.span = ((to - wanted).max(from), to);
    let within = |at: i64| at >= curve.span.0;
    curve.events.retain(|(at, _)| within(*at));
    curve.ticks = super::burn::ticks(sight, curve.span);
    curve
}

/// The state in words, and since when; `short` leaves the moment out.
fn since(
    sight: Sight<'_>,
    feed: &Feed,
    seen: &Observation,
    verdict: &Assessment,
    short: bool,
) -> Line {
    let since = Since::of(sight, feed, seen, verdict);
    let role = match verdict.state {
        State::Page => Role::Strong,
        _ => Role::Plain,
    };
    match verdict.state {
        State::Unknown => {
            let why = seen.why_unknown();
            let short = why.first().map(crate::domain::Reason::short);
            Line::new().foreign(&short.unwrap_or_default(), Role::Unknown)
        }
        State::NoData => {
            let since = since.map(|since| format!(" for {}", since.age(sight.now)));
            Line::of(
                format!("no data{}", since.unwrap_or_default()),
                Role::NoData,
            )
        }
        State::Ok if verdict.exhausted() == Some(true) => {
            Line::of("budget spent, holds now", Role::Plain)
        }
        State::Ok if verdict.phase == Some(Phase::Calm) => Line::of("holds", Role::Plain),
        State::Ok => Line::of(verdict.phase.map_or("holds", Phase::label), Role::Plain),
        State::Page | State::Ticket => {
            let is_over = seen.short_burn().is_some_and(|burn| burn < 1.0);
            let word = match verdict.phase {
                Some(Phase::Burning) if is_over => "burned",
                Some(phase) => phase.label(),
                None => "burning",
            };
            match since {
                Some(since) if short => Line::of(format!("{word} {}", since.age(sight.now)), role),
                Some(since) => Line::of(format!("{word} {}", since.age(sight.now)), role)
                    .text(format!(", {}", since.words(sight)), Role::Dim),
                None => Line::of(word, role),
            }
        }
    }
}

/// `22x 5m  18x 1h  ↗ rising`; `short` is `22x ↗ rising`.
fn burn(seen: &Observation, verdict: &Assessment, short: bool) -> Line {
    let mut line = Line::new();
    let pace = seen.slo.pace_window().filter(|_| !short);
    let shortest = seen.slo.windows().first().copied();
    for window in [shortest, pace].into_iter().flatten() {
        let Some(rate) = verdict.burn_rates.get(&window).copied().flatten() else {
            continue;
        };
        let role = slos::burn_role(verdict, window, Some(rate));
        let gap = if line.is_empty() { "" } else { "  " };
        line = line
            .text(gap, Role::Plain)
            .text(figures::burn_in_words(rate), role);
        if !short {
            line = line.text(format!(" {}", figures::lead(window)), Role::Dim);
        }
    }
    if let Some(direction) = seen.direction(verdict) {
        let gap = if short { " " } else { "  " };
        let words = format!("{gap}{} {}", direction.arrow(), direction.word());
        line = line.text(words, Role::Strong);
    }
    line
}

/// The budget that is left and the time until it is gone, which nothing is said of while it is not known.
fn budget(seen: &Observation, verdict: &Assessment, is_old: bool) -> Line {
    let role = if is_old {
        Role::Old
    } else {
        budget_role(verdict)
    };
    let Some(left) = verdict.budget_remaining else {
        return Line::of("budget not known", Role::Dim);
    };
    let line = Line::of(format!("{} left", slos::budget(seen, Some(left))), role);
    if verdict.exhausted() == Some(true) {
        return Line::of(
            format!("spent, {} left", slos::budget(seen, Some(left))),
            role,
        );
    }
    let gone_in = seen.gone_in(verdict);
    match gone_in.filter(|_| verdict.burns() && !is_old) {
        Some(left) => line
            .text(", gone in ", Role::Plain)
            .text(figures::age(left), Role::Strong),
        None => line,
    }
}

/// The suspect release, or the last release of the service.
fn why(
    sight: Sight<'_>,
    insight: Option<&Insight>,
    seen: &Observation,
    verdict: &Assessment,
) -> Line {
    if let Some(suspect) = insight.and_then(Insight::suspect) {
        return accused(sight, &seen.slo.service, suspect);
    }
    if let Some(words) = insight.and_then(|insight| insight.unexplained.as_ref()) {
        return Line::of(words, Role::Plain);
    }
    let releases = related::releases(sight, &seen.slo.service);
    let Some((by, last)) = releases.first() else {
        return Line::new();
    };
    let line = Line::of("last release ", Role::Dim)
        .foreign(&last.version, Role::Plain)
        .text(format!(", {} ago", sight.ago(last.dated())), Role::Dim);
    let line = if verdict.burns() {
        line.text(", no suspect yet", Role::Dim)
    } else {
        line
    };
    if by.freshness(sight.now).is_current() {
        line
    } else {
        line.faded()
    }
}

/// `◀ v2.31.0 by mara, 4m before it began`; of another service with its name.
fn accused(sight: Sight<'_>, service: &Untrusted, suspect: &Suspect) -> Line {
    let mut line = Line::of(suspects::MARK, Role::Accent);
    if suspect.service != *service {
        line = line
            .foreign(&suspect.service, Role::Accent)
            .text(" ", Role::Plain);
    }
    line = line.foreign(&suspect.version, Role::Accent);
    let mut releases = sight.store.releases();
    let release = releases
        .find(|(feed, release)| feed.name == suspect.source && release.id == suspect.release);
    let actor = release.and_then(|(_, release)| release.actor.as_ref());
    if let Some(actor) = actor {
        line = line.text(" by ", Role::Dim).foreign(actor, Role::Plain);
    }
    let line = line.text(
        format!(", {}", suspects::when(suspect, "it began")),
        Role::Plain,
    );
    if release.is_none_or(|(feed, _)| feed.freshness(sight.now).is_current()) {
        line
    } else {
        line.faded()
    }
}

/// The errors before and since the onset; without one those before and after the last release.
fn errors(
    sight: Sight<'_>,
    (feed, seen): (&Feed, &Observation),
    insight: Option<&Insight>,
) -> Line {
    let is_explained = insight.is_some_and(|insight| insight.unexplained.is_some());
    if let Some(onset) = insight.and_then(|insight| insight.onset.as_ref()) {
        return Line::of(onset.errors(), Role::Plain);
    }
    let releases = related::releases(sight, &seen.slo.service);
    let last = releases.first().filter(|_| !is_explained);
    let known = last.and_then(|(_, last)| BeforeAfter::of(sight, (feed, seen), last));
    let line = known.and_then(|known| known.line(seen));
    line.map_or_else(Line::new, |line| Line::of("errors ", Role::Dim).join(line))
}

/// The burning services that the service depends on.
fn needs(sight: Sight<'_>, service: &Untrusted) -> Line {
    let known = sight.store.service(service);
    known.map_or_else(Line::new, |service| burning_of(sight, &service.depends_on))
}

/// Who has the worst open incident of the service.
fn who(sight: Sight<'_>, service: &Untrusted) -> Line {
    let incidents = related::incidents(sight, service);
    let mut line = Line::new();
    if let Some((feed, worst)) = incidents.first() {
        let (mark, role) = Mark::of_severity(worst.severity);
        let is_current = feed.freshness(sight.now).is_current();
        let age = sight.began(worst.opened_at);
        line = line.mark(mark, role);
        line = match (worst.status, worst.assignees.first()) {
            (IncidentStatus::Triggered, None) => line
                .text("nobody has it", role)
                .text(format!(", {age}"), Role::Plain),
            (IncidentStatus::Triggered, Some(who)) => line
                .foreign(who, Role::Strong)
                .text(format!(" has not acknowledged it, {age}"), Role::Strong),
            _ => line.join(super::incidents::status(sight, worst)),
        };
        if !is_current {
            line = line.text("?", Role::Unknown).faded();
        }
        if incidents.len() > 1 {
            line = line.text(format!("  +{} more", incidents.len() - 1), Role::Dim);
        }
    }
    line
}

/// Who is on call, or who owns the service.
fn on_call(sight: Sight<'_>, service: &Untrusted) -> Line {
    let who = on_call::service_line(sight, service).filter(|who| !who.is_empty());
    let label = if on_call::of_service(sight, service).is_empty() {
        "owner: "
    } else {
        "on call "
    };
    who.map_or_else(Line::new, |who| Line::of(label, Role::Dim).join(who))
}

/// `burn rate (5m window), last 70 min`.
fn caption(seen: &Observation, curve: Option<&Curve>) -> Line {
    let Some(curve) = curve else {
        return Line::new();
    };
    let shortest = seen.slo.windows().first().copied();
    let window = shortest.map(figures::lead).unwrap_or_default();
    let span = SignedDuration::from_secs(curve.span.1 - curve.span.0);
    let text = format!(
        "burn rate ({window} window), last {}, log scale",
        figures::age(span)
    );
    Line::of(text, Role::Dim)
}

/// `peak 24x at 13:58`.
pub(super) fn peak(sight: Sight<'_>, curve: Option<&Curve>) -> Line {
    let Some(curve) = curve else {
        return Line::new();
    };
    let points = curve.points.iter().filter(|(at, _)| *at >= curve.span.0);
    let known = points.filter_map(|(at, burn)| Some((*at, (*burn)?)));
    let Some((at, burn)) = known.max_by(|(_, one), (_, other)| one.total_cmp(other)) else {
        return Line::new();
    };
    let at = jiff::Timestamp::from_second(at).map(|at| sight.clock(at));
    let role = super::burn::role_at(&curve.levels, burn);
    let text = format!(
        "peak {} at {}",
        figures::burn_in_words(burn),
        at.unwrap_or_default()
    );
    Line::of(text, role)
}
