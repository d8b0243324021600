//! The decision on one service: every policy with its inputs, what passes by an exception, and why.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Change, Facts, Input, STEP, ServiceFacts};
use super::judge::{Judge, period_of};
use super::notes::Notes;
use super::numbers::Moment;
use super::rows;
use crate::domain::policy::{Condition, Effect, Exception, Policy, Truth};

/// One policy, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The policy.
    pub policy: Policy,
    /// Whether it applies: a freeze that does keeps from releasing.
    pub outcome: Truth,
    /// Whether `when` holds now.
    pub now: Truth,
    /// Whether `until` holds now; no without one.
    pub ends_now: Truth,
    /// Everything that `when` was judged by.
    pub inputs: Vec<Input>,
    /// Everything that `until` was judged by.
    pub until_inputs: Vec<Input>,
    /// True where it has an `until` and `when` does not hold any more, or is not known to.
    pub lingers: bool,
    /// Since when it applies; `None` where it does not, or that began before what is known.
    pub since: Option<Timestamp>,
    /// When it ends to apply, if nothing fails until then and the traffic stays.
    pub expected_at: Option<Timestamp>,
    /// True where an exception lets this change pass.
    pub passes: bool,
    /// Since when the past of every SLO is known that it was judged by; `None` without any.
    pub known_since: Option<Timestamp>,
}

/// An exception that lets a change pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The exception.
    pub exception: Exception,
    /// The policies that it passes, by name.
    pub policies: Vec<String>,
}

/// May a service be released?
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The service.
    pub service: String,
    /// Yes, no, or not known: never a yes.
    pub verdict: Truth,
    /// Why, in one sentence.
    pub reason: String,
    /// Every policy that covers it.
    pub policies: Vec<Outcome>,
    /// The exceptions by which policies are passed.
    pub exceptions: Vec<Passed>,
    /// What is to be said beside it.
    pub warnings: Vec<String>,
}

impl Facts {
    /// The decision on a service; one that is not among the facts is not known.
    pub fn decide(&self, name: &str, change: &Change) -> Decision {
        let environment = change.environment.as_deref();
        let Some(service) = self.service(name) else {
            return Decision {
                service: name.to_owned(),
                verdict: Truth::Unknown,
                reason: "cannot tell: nothing is known of this service".to_owned(),
                policies: Vec::new(),
                exceptions: Vec::new(),
                warnings: Vec::new(),
            };
        };
        let judge = Judge::new(self, environment);
        let mut policies: Vec<_> = self
            .policies_of(service, environment)
            .into_iter()
            .map(|policy| judge.outcome(service, policy))
            .collect();
        let exceptions = self.pass(name, change, &mut policies);
        let kind = exceptions.first().map(|one| one.exception.kind.as_str());
        let frozen = frozen_for(&policies, kind);
        let verdict = match frozen {
            Truth::Yes => Truth::No,
            Truth::No if !service.slos.is_empty() => Truth::Yes,
            _ => Truth::Unknown,
        };
        Decision {
            service: name.to_owned(),
            reason: reason(service, verdict, &policies),
            warnings: self.warnings(service, change, &policies),
            verdict,
            policies,
            exceptions,
        }
    }

    /// Marks the policies that an exception lets this change pass. A change is of one kind: where it
    /// names none, that of an exception which lets it pass most.
    fn pass(&self, service: &str, change: &Change, policies: &mut [Outcome]) -> Vec<Passed> {
        let version = change.version.as_deref();
        let holding = self.exceptions.iter().filter(|one| {
            let is_kind = change.kind.as_ref().is_none_or(|kind| one.kind == *kind);
            is_kind && one.is_about(service, version) && one.holds(self.at)
        });
        let holding: Vec<_> = holding.collect();
        let kinds = holding.iter().map(|one| one.kind.as_str());
        let Some(kind) = kinds.min_by_key(|kind| frozen_for(policies, Some(kind))) else {
            return Vec::new();
        };
        let mut passed: Vec<Passed> = Vec::new();
        for exception in holding.iter().filter(|one| one.kind == kind) {
            let mut names = Vec::new();
            for one in policies.iter_mut().filter(|one| one.lets_pass(kind)) {
                one.passes = true;
                names.push(one.policy.name.clone());
            }
            if !names.is_empty() {
                passed.push(Passed {
                    exception: (*exception).clone(),
                    policies: names,
                });
            }
        }
        passed
    }

    fn warnings(
        &self,
        service: &ServiceFacts,
        change: &Change,
        policies: &[Outcome],
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        for one in policies {
            if one.policy.effect == Effect::Warn && !one.passes {
                match one.outcome {
                    Truth::Yes => warnings.push(format!("{}: {}", one.policy.name, one.cause())),
                    Truth::Unknown => {
                        warnings.push(format!("{}: cannot tell: {}", one.policy.name, one.lack()));
                    }
                    Truth::No => {}
                }
            }
        }
        for release in rows::running(service) {
            warnings.push(format!(
                "release {} is still running",
                release.version.raw()
            ));
        }
        let expired = self.exceptions.iter().filter(|one| {
            let version = change.version.as_deref();
            let is_kind = change.kind.as_ref().is_none_or(|kind| one.kind == *kind);
            let would_pass = |outcome: &Outcome| outcome.lets_pass(&one.kind) && !outcome.passes;
            is_kind
                && one.is_about(&service.name, version)
                && !one.holds(self.at)
                && policies.iter().any(would_pass)
        });
        warnings.extend(expired.map(|one| {
            format!(
                "the exception for {} by {} expired at {}",
                one.kind, one.by, one.expires
            )
        }));
        let targets_down = service.slos.iter().filter_map(|slo| {
            let mut reasons = slo.seen.reasons.iter();
            let down = reasons.find(|one| one.code == crate::domain::ReasonCode::TargetsDown)?;
            Some(format!("{}: {}", slo.name().raw(), down.text.raw()))
        });
        warnings.extend(targets_down);
        warnings
    }
}

impl Judge<'_> {
    /// What a policy comes to now, with everything it was judged by.
    fn outcome(&self, service: &ServiceFacts, policy: Policy) -> Outcome {
        let mut notes = Notes::new();
        let when = self.judge(service, &policy.when, Moment::Now, &[], &mut notes);
        let (mut outcome, mut since, mut lingers) = (when, None, false);
        let mut ends_now = Truth::No;
        let mut ending = Notes::new();
        let is_brief = self.facts.is_brief;
        if let Some(until) = &policy.until {
            ends_now = self.judge(service, until, Moment::Now, &[], &mut ending);
            lingers = when != Truth::Yes;
            if is_brief {
                outcome = match (when, ends_now) {
                    (Truth::Yes, _) => Truth::Yes,
                    (Truth::No, Truth::Yes) => Truth::No,
                    _ => Truth::Unknown,
                };
            } else {
                let line = self.known_timeline(service, &policy, &[]);
                outcome = line.at(self.facts.at);
                since = line.since();
            }
        } else if when == Truth::Yes && !is_brief {
            since = self.known_timeline(service, &policy, &[]).began();
        }
        let expected_at = (outcome == Truth::Yes && !is_brief)
            .then(|| self.expected(service, &policy))
            .flatten();
        Outcome {
            policy,
            outcome,
            now: when,
            ends_now,
            inputs: notes.take(),
            until_inputs: ending.take(),
            lingers,
            since: since.filter(|_| outcome == Truth::Yes),
            expected_at,
            passes: false,
            known_since: known_since(service),
        }
    }

    /// When a policy that applies ends to, if nothing fails until then and the traffic stays; `None`
    /// where it does not within one period, or that does not follow from the past.
    fn expected(&self, service: &ServiceFacts, policy: &Policy) -> Option<Timestamp> {
        const HOUR: SignedDuration = SignedDuration::from_hours(1);
        let now = self.facts.at;
        let ends = |at: Timestamp| {
            let holds = |condition: &Condition| {
                self.judge(
                    service,
                    condition,
                    Moment::Ahead(at),
                    &[],
                    &mut Notes::none(),
                )
            };
            let is_over = holds(&policy.when) == Truth::No;
            is_over
                && policy
                    .until
                    .as_ref()
                    .is_none_or(|until| holds(until) == Truth::Yes)
        };
        let hours = period_of(service).as_hours().clamp(1, 24 * 366);
        let ahead = |hours: i64| now.checked_add(SignedDuration::from_hours(hours)).ok();
        let first = (1..=hours + 1).find_map(|hour| ahead(hour).filter(|at| ends(*at)))?;
        let mut at = first.checked_sub(HOUR).ok()?;
        while at < first {
            at = at.checked_add(STEP).ok()?;
            if ends(at) {
                return Some(at);
            }
        }
        Some(first)
    }
}

impl Outcome {
    /// True where it may apply and lists a kind of change that may pass.
    fn lets_pass(&self, kind: &str) -> bool {
        let mut kinds = self.policy.except.iter();
        self.outcome != Truth::No && kinds.any(|known| known == kind)
    }

    /// True where both of its conditions are known now, whatever it did before.
    pub fn is_known_now(&self) -> bool {
        self.now != Truth::Unknown && self.ends_now != Truth::Unknown
    }

    /// What makes it apply, in a few words: `budget -4 %`.
    pub fn cause(&self) -> String {
        let (inputs, wanted) = if self.lingers {
            // What has not come to its end yet.
            (&self.until_inputs, Truth::No)
        } else {
            (&self.inputs, Truth::Yes)
        };
        let mut deciding: Vec<_> = inputs
            .iter()
            .filter(|input| input.outcome == wanted)
            .collect();
        if deciding.is_empty() {
            deciding.extend(inputs.first());
        }
        let texts: Vec<_> = deciding.into_iter().map(|input| self.said(input)).collect();
        texts.join(", ")
    }

    /// An input in words, with the name of its SLO where there are several.
    fn said(&self, input: &Input) -> String {
        let names = self.inputs.iter().chain(&self.until_inputs);
        let mut others = names.filter_map(|other| other.slo.as_ref());
        match &input.slo {
            Some(slo) if others.any(|other| other != slo) => {
                format!("{} {}", slo.raw(), input.text)
            }
            _ => input.text.clone(),
        }
    }

    /// Why it is not known whether it applies.
    pub fn lack(&self) -> String {
        let mut inputs = self.inputs.iter().chain(&self.until_inputs);
        let input = inputs.find(|input| input.outcome == Truth::Unknown);
        if let Some(input) = input {
            let lack = input.lack.as_deref().unwrap_or("not known");
            return format!("{}: {lack}", self.said(input));
        }
        let ends = self.policy.until.as_ref().map(ToString::to_string);
        let since = match self.known_since {
            Some(since) => format!("since {since:.0}, where the history begins,"),
            None => "in the known history".to_owned(),
        };
        format!(
            "between its thresholds, and {since} neither `{}` nor `{}` held: whether it applied before is \
             not known",
            self.policy.when,
            ends.unwrap_or_default()
        )
    }

    /// What has to be so for it to end, in words: `above 25 %`.
    pub fn ends(&self) -> Option<String> {
        let until = self.policy.until.as_ref()?.to_string();
        Some(match until.strip_prefix("budget ") {
            Some(rest) => rest.to_owned(),
            None => until,
        })
    }

    /// Why it applies, and the condition that ends it: `budget -4 %, until above 25 %`.
    pub fn cause_and_end(&self) -> String {
        match self.ends() {
            Some(ends) => format!("{}, until {ends}", self.cause()),
            None => self.cause(),
        }
    }

    /// The freeze in one line: `releases frozen: budget -4 %, policy tier-1 budget, until above 25 %`.
    pub fn line(&self) -> String {
        let mut line = format!(
            "releases frozen: {}, policy {}",
            self.cause(),
            self.policy.name
        );
        if let Some(ends) = self.ends() {
            line.push_str(", until ");
            line.push_str(&ends);
        }
        line
    }
}

impl Decision {
    /// The policy that freezes, the first that applies.
    pub fn frozen_by(&self) -> Option<&Outcome> {
        let mut policies = self.policies.iter();
        policies.find(|one| {
            one.policy.effect == Effect::Freeze && one.outcome == Truth::Yes && !one.passes
        })
    }
}

/// Since when the past of every SLO of a service is known.
fn known_since(service: &ServiceFacts) -> Option<Timestamp> {
    let pasts = service.slos.iter().map(|slo| slo.past.as_ref());
    let since = pasts.map(|past| past?.sums.known_since());
    let since: Option<Vec<_>> = since.collect();
    since?.into_iter().max()
}

/// Whether any policy freezes a change of a kind that an exception allows; `None` for one without.
fn frozen_for(policies: &[Outcome], kind: Option<&str>) -> Truth {
    let standing = policies
        .iter()
        .filter(|one| kind.is_none_or(|kind| !one.lets_pass(kind)));
    let freezing = standing.filter(|one| one.policy.effect == Effect::Freeze);
    Truth::any(freezing.map(|one| one.outcome))
}

/// Why the verdict is what it is.
fn reason(service: &ServiceFacts, verdict: Truth, policies: &[Outcome]) -> String {
    let freezing = |wanted: Truth| {
        policies.iter().find(move |one| {
            one.policy.effect == Effect::Freeze && one.outcome == wanted && !one.passes
        })
    };
    match verdict {
        Truth::No => freezing(Truth::Yes).map_or_else(String::new, Outcome::line),
        Truth::Unknown => match (freezing(Truth::Unknown), &service.slos_lack) {
            (Some(one), _) if !service.slos.is_empty() => {
                format!("cannot tell: {}, policy {}", one.lack(), one.policy.name)
            }
            (_, Some(lack)) => format!("cannot tell: its SLOs are not known: {lack}"),
            _ if service.has_suggested => {
                "cannot tell: its SLOs are only suggested: save them with `watchfire init`"
                    .to_owned()
            }
            _ => "cannot tell: the service has no SLO".to_owned(),
        },
        Truth::Yes => {
            let passed: Vec<_> = policies.iter().filter(|one| one.passes).collect();
            if let Some(one) = passed.first() {
                return format!(
                    "an exception passes policy {}, which applies: {}",
                    one.policy.name,
                    one.cause()
                );
            }
            let budgets: Vec<_> = service
                .slos
                .iter()
                .filter_map(|slo| {
                    let left = slo.seen.standing().budget_remaining?;
                    let left = crate::domain::policy::percent(left);
                    Some(format!("{} budget {left}", slo.name().raw()))
                })
                .collect();
            if budgets.is_empty() {
                "no policy freezes releases".to_owned()
            } else {
                format!("no policy freezes releases: {}", budgets.join(", "))
            }
        }
    }
}
