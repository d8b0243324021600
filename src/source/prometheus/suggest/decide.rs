//! Which candidates become suggestions, with which objective, and why others do not.

use std::collections::BTreeSet;

use super::Findings;
use super::candidate::Candidate;
use super::history::{History, LONGEST};
use super::latency::Choice;
use super::objective;
use super::recipe::Layer;
use super::subject::{Kind, Subject};
use crate::domain::suggestion::{Declined, Suggestion, SuggestionStanding};
use crate::domain::{Period, Window};

/// The least events of a day.
const FEW: f64 = 1_000.0;
/// What is assumed of a service without a day of history, or without a failure.
const ASSUMED: f64 = 0.999;
/// What is assumed of the latency of one without a day of history.
const ASSUMED_LATENCY: f64 = 0.99;

/// A candidate with all that is known of it.
struct Known<'a> {
    candidate: &'a Candidate,
    subject: &'a Subject<'a>,
    history: History,
    le: Option<&'a str>,
    reach: Window,
}

/// The suggestions, and candidates that are declined with the reason.
pub(super) fn decide(findings: &Findings<'_>) -> (Vec<Suggestion>, BTreeSet<Declined>) {
    let mut declined = BTreeSet::new();
    let mut known = Vec::new();
    for (place, candidate) in findings.candidates.iter().enumerate() {
        let subject = &findings.subjects[candidate.subject];
        let reach = findings.reaches[candidate.subject].unwrap_or(LONGEST);
        match learn(findings.histories[place], findings.choices[place].as_ref()) {
            Ok((history, le)) => known.push(Known {
                candidate,
                subject,
                history,
                le,
                reach,
            }),
            Err(reason) => {
                let metric = subject.bucket.as_ref().unwrap_or(&subject.metric);
                let reason = format!("{}: {reason}", candidate.name);
                super::decline(&mut declined, metric, &reason);
            }
        }
    }
    let chosen = outermost(&known, &mut declined);
    let mut all: Vec<_> = chosen.iter().map(|one| one.suggestion()).collect();
    all.sort_by(|one, other| {
        let key = |one: &Suggestion| (one.service.clone(), one.name);
        key(one).cmp(&key(other))
    });
    (all, declined)
}

/// The history of a candidate, and its bucket.
fn learn(
    history: Option<History>,
    choice: Option<&Result<Choice, String>>,
) -> Result<(History, Option<&str>), String> {
    let history =
        history.ok_or("its history could not be read: the server refused the question")?;
    if history.total <= 0.0 {
        return Err("no events in the kept history".to_owned());
    }
    let Some(choice) = choice else {
        return Ok((history, None));
    };
    let choice = choice.as_ref().map_err(Clone::clone)?;
    let history = History {
        total: choice.total,
        bad: choice.bad,
        ..history
    };
    Ok((history, Some(&choice.le)))
}

/// Of those that count one service's traffic the outermost, and of one layer the first recipe's.
fn outermost<'a, 'b>(
    known: &'b [Known<'a>],
    declined: &mut BTreeSet<Declined>,
) -> Vec<&'b Known<'a>> {
    let mut ranked: Vec<_> = known.iter().collect();
    ranked.sort_by_key(|one| one.subject.recipe.layer);
    let mut chosen: Vec<&Known<'_>> = Vec::new();
    for one in ranked {
        let is_scrape = one.subject.recipe.layer == Layer::Scrape;
        // Whether a target answers Prometheus matters where nothing else is known of its job.
        let same_job = |other: &&&Known<'_>| !other.candidate.jobs.is_disjoint(&one.candidate.jobs);
        if is_scrape && chosen.iter().any(|other| same_job(&other)) {
            continue;
        }
        let same = |other: &&&Known<'_>| {
            other.subject.kind == one.subject.kind && other.candidate.is_same_service(one.candidate)
        };
        match chosen.iter().find(|other| same(other)) {
            None => chosen.push(one),
            Some(other) => {
                let reason = format!(
                    "{} {}: suggested from `{}` already",
                    one.candidate.name,
                    one.subject.kind.name(),
                    other.subject.metric
                );
                super::decline(declined, &one.subject.metric, &reason);
            }
        }
    }
    chosen
}

impl Known<'_> {
    fn suggestion(&self) -> Suggestion {
        let History { total, bad, .. } = self.history;
        let (standing, objective, why) = self.standing();
        Suggestion {
            service: self.candidate.name.as_str().into(),
            name: self.subject.kind.name(),
            counts: self.candidate.counts(self.subject, self.le),
            objective,
            period: Period::Rolling(self.reach),
            absent_is_zero: self.candidate.absent_is_zero(self.subject),
            standing,
            ratio: (total > 0.0).then(|| bad / total),
            because: self.because(&why).into(),
            recipe: self.subject.recipe.name.clone(),
        }
    }

    fn standing(&self) -> (SuggestionStanding, f64, String) {
        let History {
            total,
            bad,
            day,
            is_old,
        } = self.history;
        let is_latency = self.subject.kind == Kind::Latency;
        let young = if is_latency { ASSUMED_LATENCY } else { ASSUMED };
        let percent = |objective: f64| crate::domain::slo::rounded(objective * 100.0);
        let held = objective::tightest(bad, total);
        if day < FEW {
            let assumed = held.filter(|_| is_old && bad > 0.0).unwrap_or(young);
            let why = "fewer than 1,000 events in the last day".to_owned();
            return (SuggestionStanding::Thin, assumed, why);
        }
        if bad <= 0.0 {
            let why = format!(
                "never failed in the kept history, {}% assumed",
                percent(ASSUMED)
            );
            return (SuggestionStanding::NeverFailed, ASSUMED, why);
        }
        if !is_old {
            let why = format!("{}% assumed: less than a day of history", percent(young));
            return (SuggestionStanding::Shown, young, why);
        }
        let Some(objective) = held else {
            let why = "the kept history held not even 99%".to_owned();
            return (SuggestionStanding::NoObjective, young, why);
        };
        let why = format!(
            "{}% is the tightest objective that the kept history held with 20% of the budget left",
            percent(objective)
        );
        (SuggestionStanding::Shown, objective, why)
    }

    fn because(&self, why: &str) -> String {
        let recipe = self.subject.recipe;
        let label = &self.candidate.label;
        let what = match (self.subject.kind, self.le) {
            (Kind::Latency, Some(le)) => format!(
                "{} within le={le}, the smallest bucket of 99% of the last 7 days",
                self.subject.metric
            ),
            _ => format!("{}, {}", self.subject.metric, recipe.why),
        };
        let shorter = if self.reach < LONGEST {
            format!("; over {} only, as it has many series", self.reach)
        } else {
            String::new()
        };
        format!("{}: {what}, by `{label}`; {why}{shorter}", recipe.name)
    }
}
