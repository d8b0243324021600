//! Judges conditions: each is answered with yes, no or not known, by the facts of one moment.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::facts::{Facts, Input, Rows, ServiceFacts, SloFacts};
use super::notes::Notes;
use super::numbers::{Moment, Span};
use super::rows;
use super::walk::Timeline;
use crate::domain::policy::{Bound, Cause, Condition, Effect, Policy, Truth, percent};
use crate::domain::{ReleaseStatus, Severity, State, Window};
use crate::text::Untrusted;

/// The services whose dependencies are being looked at, so that a circle ends.
pub(super) type Stack<'s> = &'s [String];

/// Timelines by service, policy and the services that led there.
type Known = HashMap<(String, String, String), Rc<Timeline>>;

/// Judges by facts, for releases to one environment.
pub(super) struct Judge<'a> {
    pub(super) facts: &'a Facts,
    environment: Option<&'a str>,
    known: RefCell<Known>,
}

/// Where and when a condition is judged.
#[derive(Clone, Copy)]
struct Place<'p> {
    service: &'p ServiceFacts,
    moment: Moment,
    stack: Stack<'p>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(facts: &'a Facts, environment: Option<&'a str>) -> Self {
        Self {
            facts,
            environment,
            known: RefCell::default(),
        }
    }

    /// Whether a condition holds for a service at a moment.
    pub(super) fn judge(
        &self,
        service: &ServiceFacts,
        condition: &Condition,
        moment: Moment,
        stack: Stack<'_>,
        notes: &mut Notes,
    ) -> Truth {
        let place = Place {
            service,
            moment,
            stack,
        };
        self.condition(place, condition, notes)
    }

    fn condition(&self, place: Place<'_>, condition: &Condition, notes: &mut Notes) -> Truth {
        let when = (place.moment, self.facts.at);
        // Every part is judged, so that every input is noted.
        let each = |parts: &[Condition], notes: &mut Notes| -> Vec<Truth> {
            let parts = parts.iter();
            parts
                .map(|part| self.condition(place, part, notes))
                .collect()
        };
        match condition {
            Condition::All(parts) => Truth::all(each(parts, notes)),
            Condition::Any(parts) => Truth::any(each(parts, notes)),
            Condition::Not(part) => self.condition(place, part, notes).negated(),
            Condition::BudgetRemaining { bound, slo, over } => {
                self.budget_remaining(place, *bound, slo.as_deref(), *over, notes)
            }
            Condition::BudgetSpent { above, by, over } => {
                self.budget_spent(place, (*above, *by, *over), notes)
            }
            Condition::BurnRate { window, above } => self.burn_rate(place, *window, *above, notes),
            Condition::State(states) => self.state(place, states, notes),
            Condition::Incident {
                severity,
                older_than,
            } => rows::incident(place.service, (*severity, *older_than), when, notes),
            Condition::FailedRelease(within) => {
                rows::failed_release(place.service, *within, when, notes)
            }
            Condition::RunningRelease => rows::running_release(place.service, when, notes),
            Condition::FrozenDependency => self.frozen_dependency(place, notes),
            Condition::Calendar(calendar) => {
                let at = place.moment.at(self.facts.at);
                let outcome = Truth::of(calendar.holds(at));
                notes.add(|| Input {
                    outcome,
                    observed_at: Some(at),
                    ..Input::new(
                        "calendar",
                        match outcome {
                            Truth::Yes => "the calendar says so",
                            _ => "outside of the calendar's times",
                        },
                    )
                });
                outcome
            }
        }
    }

    /// The answers for each SLO as one: any or all of them. What may be missing is not known.
    fn of_slos(
        service: &ServiceFacts,
        is_all: bool,
        name: Option<&str>,
        mut each: impl FnMut(&SloFacts) -> Truth,
    ) -> Option<Truth> {
        let is_it = |slo: &&SloFacts| name.is_none_or(|name| slo.name().raw() == name);
        let answers: Vec<_> = service.slos.iter().filter(is_it).map(&mut each).collect();
        if answers.is_empty() {
            return None;
        }
        let missing = (service.slos_lack.is_some() && name.is_none()).then_some(Truth::Unknown);
        let answers = answers.into_iter().chain(missing);
        Some(if is_all {
            Truth::all(answers)
        } else {
            Truth::any(answers)
        })
    }

    /// Notes that there is no SLO to judge by.
    fn without_slo(
        what: &'static str,
        service: &ServiceFacts,
        name: Option<&str>,
        notes: &mut Notes,
    ) -> Truth {
        notes.add(|| {
            let lack = match (name, &service.slos_lack) {
                (_, Some(lack)) => lack.clone(),
                (Some(name), None) => format!("the service has no SLO `{name}`"),
                (None, None) => "the service has no SLO".to_owned(),
            };
            Input {
                lack: Some(lack),
                ..Input::new(what, "no SLO")
            }
        });
        Truth::Unknown
    }

    fn budget_remaining(
        &self,
        place: Place<'_>,
        bound: Bound,
        name: Option<&str>,
        over: Option<Window>,
        notes: &mut Notes,
    ) -> Truth {
        const WHAT: &str = "budget_remaining";
        let now = self.facts.at;
        let is_every = matches!(bound, Bound::Above(_));
        let found = Self::of_slos(place.service, is_every, name, |slo| {
            let known = usable(slo, place.moment);
            let left = known.then(|| slo.budget(over, place.moment, now)).flatten();
            let outcome = left.map_or(Truth::Unknown, |left| bound.holds(left.least, left.most));
            notes.add(|| {
                let text = match left {
                    Some(left) => format!("budget {}", shown(left, percent)),
                    None => "budget not known".to_owned(),
                };
                let reading = slo.seen.period.map(|period| period.reading);
                number(
                    WHAT,
                    slo,
                    text,
                    (left, bound.limit(), outcome),
                    (over, percent),
                    |slo| slo.why_none(reading),
                )
            });
            outcome
        });
        found.unwrap_or_else(|| Self::without_slo(WHAT, place.service, name, notes))
    }

    fn burn_rate(&self, place: Place<'_>, window: Window, above: f64, notes: &mut Notes) -> Truth {
        const WHAT: &str = "burn_rate";
        let found = Self::of_slos(place.service, false, None, |slo| {
            let known = usable(slo, place.moment);
            let burn = known
                .then(|| slo.burn(window, place.moment, self.facts.at))
                .flatten();
            let outcome = burn.map_or(Truth::Unknown, |burn| {
                Bound::Above(above).holds(burn.least, burn.most)
            });
            notes.add(|| {
                let text = match burn {
                    Some(burn) => format!("burn rate {window} {}", shown(burn, times)),
                    None => format!("burn rate {window} not known"),
                };
                let reading = slo.seen.windows.reading(window);
                number(
                    WHAT,
                    slo,
                    text,
                    (burn, above, outcome),
                    (Some(window), times),
                    |slo| slo.why_none(reading),
                )
            });
            outcome
        });
        found.unwrap_or_else(|| Self::without_slo(WHAT, place.service, None, notes))
    }

    fn state(&self, place: Place<'_>, states: &[State], notes: &mut Notes) -> Truth {
        const WHAT: &str = "state";
        let is_every = states.contains(&State::Ok);
        let found = Self::of_slos(place.service, is_every, None, |slo| {
            let outcome = slo.is_in(states, place.moment, self.facts.at);
            notes.add(|| Input {
                outcome,
                lack: (outcome == Truth::Unknown).then(|| slo.why_none(None)),
                ..Input::of_slo(
                    WHAT,
                    slo,
                    format!("state {}", slo.state_word()),
                    slo.seen.slo.queries.first().map(|(_, query)| query.clone()),
                )
            });
            outcome
        });
        found.unwrap_or_else(|| Self::without_slo(WHAT, place.service, None, notes))
    }

    fn budget_spent(
        &self,
        place: Place<'_>,
        (above, by, over): (f64, Option<Cause>, Option<Window>),
        notes: &mut Notes,
    ) -> Truth {
        const WHAT: &str = "budget_spent";
        let now = self.facts.at;
        let Some(by) = by else {
            let bound = Bound::Below(1.0 - above);
            return self.budget_remaining(place, bound, None, over, notes);
        };
        let until = place.moment.at(now).min(now);
        let found = Self::of_slos(place.service, false, None, |slo| {
            let reach = slo.reach(over, place.moment, now);
            let begin = until.checked_sub(reach).unwrap_or(Timestamp::MIN);
            let causes = causes(place.service, by, (begin, until));
            let known = usable(slo, place.moment) && slo.past.is_some();
            let mut outcome = if causes.is_all && known {
                Truth::No
            } else {
                Truth::Unknown
            };
            let mut most: Option<(Span, &Untrusted)> = None;
            for (title, stretch) in causes.found.iter().filter(|_| known) {
                let Some(spent) = slo.spent(reach, until, *stretch) else {
                    outcome = outcome.max(Truth::Unknown);
                    continue;
                };
                outcome = outcome.max(Bound::Above(above).holds(spent.least, spent.most));
                if most.is_none_or(|(known, _)| known.value < spent.value) {
                    most = Some((spent, title));
                }
            }
            notes.add(|| {
                let text = match most {
                    Some((spent, title)) => {
                        let spent = shown(spent, percent);
                        format!(
                            "{spent} of the budget spent by {} {}",
                            by.word(),
                            title.raw()
                        )
                    }
                    None => format!("no {} has spent any budget", by.word()),
                };
                let spent = most.map(|(spent, _)| spent);
                number(
                    WHAT,
                    slo,
                    text,
                    (spent, above, outcome),
                    (over, percent),
                    |_| causes.lack.clone(),
                )
            });
            outcome
        });
        found.unwrap_or_else(|| Self::without_slo(WHAT, place.service, None, notes))
    }

    fn frozen_dependency(&self, place: Place<'_>, notes: &mut Notes) -> Truth {
        let mut stack = place.stack.to_vec();
        stack.push(place.service.name.clone());
        let mut found = Truth::No;
        for name in &place.service.depends_on {
            let frozen = self.frozen(name, place.moment, &stack);
            found = found.max(frozen);
            notes.add(|| Input {
                outcome: frozen,
                observed_at: Some(place.moment.at(self.facts.at)),
                lack: (frozen == Truth::Unknown)
                    .then(|| format!("whether {name} is frozen is not known")),
                ..Input::new(
                    "dependency",
                    match frozen {
                        Truth::Yes => format!("dependency {name} is frozen"),
                        Truth::No => format!("dependency {name} is not frozen"),
                        Truth::Unknown => format!("dependency {name} is not known"),
                    },
                )
            });
        }
        found
    }

    /// Whether a service is frozen by any of its policies; one that leads back to itself is not.
    fn frozen(&self, name: &str, moment: Moment, stack: Stack<'_>) -> Truth {
        if stack.iter().any(|known| known == name) {
            return Truth::No;
        }
        let Some(service) = self.facts.service(name) else {
            return Truth::Unknown;
        };
        let policies = self.facts.policies_of(service, self.environment);
        let freezing = policies
            .iter()
            .filter(|policy| policy.effect == Effect::Freeze);
        Truth::any(freezing.map(|policy| self.applies(service, policy, moment, stack)))
    }

    /// Whether a policy applies at a moment, by its past where it has an `until`.
    pub(super) fn applies(
        &self,
        service: &ServiceFacts,
        policy: &Policy,
        moment: Moment,
        stack: Stack<'_>,
    ) -> Truth {
        let judge = |condition| self.judge(service, condition, moment, stack, &mut Notes::none());
        let Some(until) = &policy.until else {
            return judge(&policy.when);
        };
        if self.facts.is_brief {
            return match (judge(&policy.when), judge(until)) {
                (Truth::Yes, _) => Truth::Yes,
                (Truth::No, Truth::Yes) => Truth::No,
                _ => Truth::Unknown,
            };
        }
        let line = self.known_timeline(service, policy, stack);
        line.at(moment.at(self.facts.at).min(self.facts.at))
    }

    /// The timeline of a policy from one period back, computed once.
    pub(super) fn known_timeline(
        &self,
        service: &ServiceFacts,
        policy: &Policy,
        stack: Stack<'_>,
    ) -> Rc<Timeline> {
        let key = (service.name.clone(), policy.name.clone(), stack.join("/"));
        if let Some(known) = self.known.borrow().get(&key) {
            return Rc::clone(known);
        }
        let line = Rc::new(self.timeline(service, policy, self.facts.at, stack));
        let mut known = self.known.borrow_mut();
        known.insert(key, Rc::clone(&line));
        line
    }
}

/// True where the numbers of an SLO count at a moment: the past does not grow stale.
fn usable(slo: &SloFacts, moment: Moment) -> bool {
    moment != Moment::Now || slo.lack.is_none()
}

/// A number as it is known: `4 %`, or between two.
fn shown(span: Span, words: fn(f64) -> String) -> String {
    match span.bounds() {
        Some(_) => format!("~{}", words(span.value)),
        None => words(span.value),
    }
}

fn times(burn: f64) -> String {
    if burn < 10.0 {
        format!("{burn:.1}x")
    } else {
        format!("{burn:.0}x")
    }
}

/// An input that is a number of an SLO.
fn number(
    what: &'static str,
    slo: &SloFacts,
    text: String,
    (span, threshold, outcome): (Option<Span>, f64, Truth),
    (over, words): (Option<Window>, fn(f64) -> String),
    why_none: impl FnOnce(&SloFacts) -> String,
) -> Input {
    let lack = match (outcome, span.and_then(Span::bounds)) {
        (Truth::Unknown, Some((least, most))) => Some(format!(
            "data covers too little of the time, so it may be {} to {}",
            words(least),
            words(most)
        )),
        (Truth::Unknown, None) => Some(why_none(slo)),
        _ => None,
    };
    Input {
        outcome,
        value: span.map(|span| span.value),
        bounds: span.and_then(Span::bounds),
        threshold: Some(threshold),
        lack,
        ..Input::of_slo(what, slo, text, query(slo, over))
    }
}

/// The query of a number: that of its window, else one of the past.
fn query(slo: &SloFacts, over: Option<Window>) -> Option<Untrusted> {
    let queries = &slo.seen.slo.queries;
    let named = over.and_then(|window| {
        let ending = format!(" {window}");
        queries.iter().find(|(name, _)| name.ends_with(&ending))
    });
    let past = slo.past.iter().flat_map(|past| &past.queries);
    let found = named
        .or_else(|| past.clone().next())
        .or_else(|| queries.first());
    found.map(|(_, query)| query.clone())
}

/// The incidents or releases that may have spent a budget.
struct Causes<'a> {
    found: Vec<(&'a Untrusted, (Timestamp, Timestamp))>,
    /// False where there may be others.
    is_all: bool,
    lack: String,
}

/// Those of a time, each with the part of it that counts as theirs.
fn causes(service: &ServiceFacts, by: Cause, time: (Timestamp, Timestamp)) -> Causes<'_> {
    match by {
        Cause::Incident => incidents(service, time),
        Cause::Release => releases(service, time),
    }
}

fn completeness<T>(rows: &Rows<T>, begin: Timestamp) -> (bool, String) {
    let is_all = rows.lack.is_none() && rows.since.is_some_and(|since| since <= begin);
    (is_all, rows.why_incomplete())
}

fn incidents(service: &ServiceFacts, (begin, until): (Timestamp, Timestamp)) -> Causes<'_> {
    let (mut is_all, lack) = completeness(&service.incidents, begin);
    let mut found = Vec::new();
    for (_, incident) in &service.incidents.all {
        if incident.severity == Severity::Info {
            continue;
        }
        let Some(opened) = incident.opened_at else {
            is_all = false;
            continue;
        };
        let ended = match (incident.is_open(), incident.resolved_at) {
            (true, _) => until,
            (false, Some(ended)) => ended.min(until),
            (false, None) => {
                is_all = false;
                continue;
            }
        };
        let from = opened.max(begin);
        if from < ended {
            found.push((&incident.title, (from, ended)));
        }
    }
    Causes {
        found,
        is_all,
        lack,
    }
}

fn releases(service: &ServiceFacts, (begin, until): (Timestamp, Timestamp)) -> Causes<'_> {
    let (mut is_all, lack) = completeness(&service.releases, begin);
    let rows = service.releases.all.iter().map(|(_, release)| release);
    let known = rows.filter(|release| release.status != ReleaseStatus::Pending);
    let mut dated = Vec::new();
    for release in known {
        match release.dated() {
            Some(at) if at < until => dated.push((at, &release.version)),
            Some(_) => {}
            // It may have been at any time.
            None => is_all = false,
        }
    }
    dated.sort_by_key(|(at, _)| *at);
    let ends = dated.iter().skip(1).map(|(at, _)| *at).chain([until]);
    let found = dated.iter().zip(ends);
    Causes {
        found: found
            .map(|((at, version), end)| (*version, ((*at).max(begin), end)))
            .filter(|(_, (from, to))| from < to)
            .collect(),
        is_all,
        lack,
    }
}

/// For how long a service's walk goes back: the longest period of its SLOs.
pub(super) fn period_of(service: &ServiceFacts) -> SignedDuration {
    let periods = service.slos.iter().map(|slo| slo.seen.period_length);
    periods.max().unwrap_or(SignedDuration::from_hours(30 * 24))
}
