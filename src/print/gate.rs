//! `gate`: may it be released, and why, as a page of text or as `watchfire/gate/v1`.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::policy::{Effect, Truth};
use crate::domain::{Clock, window};
use crate::insight::policy::{Change, Decision, Input, Outcome};
use crate::text::Untrusted;

/// The verdict on one service or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The moment that was judged.
    pub at: Timestamp,
    /// The decision on each service; one at least.
    pub decisions: Vec<Decision>,
    /// What is to be said of the judging itself.
    pub warnings: Vec<String>,
    /// The change to release.
    pub change: Change,
    /// True where the exit status is 0 whatever the verdict.
    pub dry_run: bool,
    /// True where it is 0 when it cannot be told.
    pub fail_open: bool,
}

impl Verdict {
    /// No if any is no, else not known if any is not.
    pub fn truth(&self) -> Truth {
        Truth::all(self.decisions.iter().map(|one| one.verdict))
    }

    /// Why, in one sentence: of several services, that of the first which decides.
    pub fn reason(&self) -> String {
        let truth = self.truth();
        let mut decisions = self.decisions.iter();
        let Some(first) = decisions.find(|one| one.verdict == truth) else {
            return String::new();
        };
        if self.decisions.len() == 1 {
            return first.reason.clone();
        }
        format!("{}: {}", first.service, first.reason)
    }

    fn services(&self) -> String {
        let names: Vec<_> = self.decisions.iter().map(|one| &*one.service).collect();
        names.join(", ")
    }
}

/// The word for a verdict.
pub fn word(truth: Truth) -> &'static str {
    truth.word()
}

/// A verdict as JSON; fields are added, never changed.
#[derive(Serialize)]
pub struct GateJson<'a> {
    schema: &'static str,
    service: String,
    verdict: Truth,
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    reason: String,
    environment: Option<&'a str>,
    version: Option<&'a str>,
    kind: Option<&'a str>,
    dry_run: bool,
    fail_open: bool,
    policies: Vec<PolicyJson<'a>>,
    exceptions: Vec<ExceptionJson<'a>>,
    warnings: Vec<String>,
    services: Vec<ServiceJson<'a>>,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    service: &'a str,
    verdict: Truth,
    reason: &'a str,
}

#[derive(Serialize)]
struct PolicyJson<'a> {
    service: &'a str,
    name: &'a str,
    effect: Effect,
    outcome: Truth,
    /// True where an exception lets this change pass.
    excepted: bool,
    inputs: Vec<InputJson<'a>>,
    when: String,
    until: Option<String>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    since: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    expected_at: Option<Timestamp>,
    except: &'a [String],
    say: Option<&'a str>,
}

#[derive(Serialize)]
struct InputJson<'a> {
    /// The condition that it belongs to: `when` or `until`.
    part: &'static str,
    what: &'static str,
    outcome: Truth,
    slo: Option<&'a Untrusted>,
    value: Option<f64>,
    /// The least and the most that an estimate can be.
    bounds: Option<[f64; 2]>,
    threshold: Option<f64>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    observed_at: Option<Timestamp>,
    age_s: Option<i64>,
    source: Option<&'a str>,
    query: Option<&'a Untrusted>,
    text: &'a str,
    lack: Option<&'a str>,
}

#[derive(Serialize)]
struct ExceptionJson<'a> {
    kind: &'a str,
    service: &'a str,
    version: Option<&'a str>,
    by: &'a str,
    reason: &'a str,
    #[serde(serialize_with = "crate::print::seconds")]
    expires: Timestamp,
    policies: &'a [String],
}

impl<'a> GateJson<'a> {
    /// Of a verdict.
    pub fn of(verdict: &'a Verdict) -> Self {
        let change = &verdict.change;
        let several = verdict.decisions.len() > 1;
        let each = verdict.decisions.iter();
        let warnings = each.clone().flat_map(|decision| {
            let warnings = decision.warnings.iter();
            warnings.map(move |text| {
                if several {
                    format!("{}: {text}", decision.service)
                } else {
                    text.clone()
                }
            })
        });
        Self {
            schema: "watchfire/gate/v1",
            service: verdict.services(),
            verdict: verdict.truth(),
            at: verdict.at,
            reason: verdict.reason(),
            environment: change.environment.as_deref(),
            version: change.version.as_deref(),
            kind: change.kind.as_deref(),
            dry_run: verdict.dry_run,
            fail_open: verdict.fail_open,
            policies: each
                .clone()
                .flat_map(|decision| {
                    let policies = decision.policies.iter();
                    policies.map(|one| PolicyJson::of(&decision.service, one, verdict.at))
                })
                .collect(),
            exceptions: each
                .clone()
                .flat_map(|decision| &decision.exceptions)
                .map(|passed| ExceptionJson {
                    kind: &passed.exception.kind,
                    service: &passed.exception.service,
                    version: passed.exception.version.as_deref(),
                    by: &passed.exception.by,
                    reason: &passed.exception.reason,
                    expires: passed.exception.expires,
                    policies: &passed.policies,
                })
                .collect(),
            warnings: verdict.warnings.iter().cloned().chain(warnings).collect(),
            services: each
                .map(|decision| ServiceJson {
                    service: &decision.service,
                    verdict: decision.verdict,
                    reason: &decision.reason,
                })
                .collect(),
        }
    }
}

impl<'a> PolicyJson<'a> {
    fn of(service: &'a str, one: &'a Outcome, at: Timestamp) -> Self {
        Self {
            service,
            name: &one.policy.name,
            effect: one.policy.effect,
            outcome: one.outcome,
            excepted: one.passes,
            inputs: [("when", &one.inputs), ("until", &one.until_inputs)]
                .into_iter()
                .flat_map(|(part, inputs)| {
                    let inputs = inputs.iter();
                    inputs.map(move |input| InputJson::of(part, input, at))
                })
                .collect(),
            when: one.policy.when.to_string(),
            until: one.policy.until.as_ref().map(ToString::to_string),
            since: one.since,
            expected_at: one.expected_at,
            except: &one.policy.except,
            say: one.policy.say.as_deref(),
        }
    }
}

impl<'a> InputJson<'a> {
    fn of(part: &'static str, input: &'a Input, at: Timestamp) -> Self {
        Self {
            part,
            what: input.what,
            outcome: input.outcome,
            slo: input.slo.as_ref(),
            value: input.value,
            bounds: input.bounds.map(|(least, most)| [least, most]),
            threshold: input.threshold,
            observed_at: input.observed_at,
            age_s: input
                .observed_at
                .map(|observed| window::age(observed, at).as_secs()),
            source: input.source.as_ref().map(crate::domain::SourceName::as_str),
            query: input.query.as_ref(),
            text: &input.text,
            lack: input.lack.as_deref(),
        }
    }
}

/// Writes a verdict for people: what, why, since when, what would change it, and when that is expected.
///
/// # Errors
/// When it cannot be written.
pub fn text(out: &mut impl Write, verdict: &Verdict, zone: &TimeZone) -> io::Result<()> {
    let clock = Clock {
        zone,
        now: verdict.at,
    };
    let mut page = Page { out, clock };
    let change = &verdict.change;
    let mut head = format!("{} {}", mark(verdict.truth()), verdict.services());
    let parts = [&change.version, &change.environment, &change.kind];
    for part in parts.into_iter().flatten() {
        head.push(' ');
        head.push_str(part);
    }
    if verdict.dry_run {
        head.push_str(" (dry run)");
    }
    page.line(&format!("{head}, {}", clock.full(verdict.at)))?;
    let several = verdict.decisions.len() > 1;
    for decision in &verdict.decisions {
        page.line("")?;
        if several {
            let truth = mark(decision.verdict);
            page.line(&format!("{truth} {}", decision.service))?;
        }
        page.decision(decision)?;
    }
    for warning in &verdict.warnings {
        page.line(&format!("warning: {warning}"))?;
    }
    Ok(())
}

fn mark(truth: Truth) -> &'static str {
    match truth {
        Truth::Yes => "YES",
        Truth::No => "NO",
        Truth::Unknown => "CANNOT TELL",
    }
}

/// Where lines go, made safe for a terminal.
struct Page<'a, W> {
    out: &'a mut W,
    clock: Clock<'a>,
}

impl<W: Write> Page<'_, W> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", Untrusted::from(text).shown_whole().as_str())
    }

    fn decision(&mut self, decision: &Decision) -> io::Result<()> {
        self.line(&decision.reason)?;
        for one in &decision.policies {
            self.line("")?;
            self.policy(one)?;
        }
        if !decision.exceptions.is_empty() || !decision.warnings.is_empty() {
            self.line("")?;
        }
        for passed in &decision.exceptions {
            let exception = &passed.exception;
            self.line(&format!(
                "exception for {} by {} until {}: {}; it passes {}",
                exception.kind,
                exception.by,
                self.clock.full(exception.expires),
                exception.reason,
                passed.policies.join(", ")
            ))?;
        }
        for warning in &decision.warnings {
            self.line(&format!("warning: {warning}"))?;
        }
        Ok(())
    }

    fn policy(&mut self, one: &Outcome) -> io::Result<()> {
        let effect = match one.policy.effect {
            Effect::Freeze => "freeze",
            Effect::Warn => "warn",
        };
        let mut head = format!("policy {} ({effect}): ", one.policy.name);
        head.push_str(match one.outcome {
            Truth::Yes => "applies",
            Truth::No => "does not apply",
            Truth::Unknown => "cannot tell",
        });
        if let Some(since) = one.since {
            let _ = write!(head, " since {}", self.clock.short(since));
        }
        if one.passes {
            head.push_str(", passed by an exception");
        }
        self.line(&head)?;
        self.line(&format!("  when {}", one.policy.when))?;
        for input in &one.inputs {
            self.input(input)?;
        }
        if one.outcome == Truth::No {
            return Ok(());
        }
        if let Some(until) = &one.policy.until {
            self.line(&format!("  until {until}"))?;
            for input in &one.until_inputs {
                self.input(input)?;
            }
        }
        if let Some(expected) = one.expected_at {
            let at = self.clock.short(expected);
            let away = window::brief(self.clock.now.duration_until(expected));
            self.line(&format!(
                "  expected to end {at}, in {away}, if nothing fails and the traffic stays"
            ))?;
        }
        if let Some(say) = &one.policy.say {
            self.line(&format!("  {say}"))?;
        }
        if !one.policy.except.is_empty() && !one.passes {
            let kinds = one.policy.except.join(", ");
            self.line(&format!(
                "  an [[exception]] of these kinds passes it: {kinds}"
            ))?;
        }
        Ok(())
    }

    fn input(&mut self, input: &Input) -> io::Result<()> {
        let sign = match input.outcome {
            Truth::Yes => "+",
            Truth::No => "-",
            Truth::Unknown => "?",
        };
        let mut line = format!("    {sign} ");
        if let Some(slo) = &input.slo {
            line.push_str(slo.raw());
            line.push(' ');
        }
        line.push_str(&input.text);
        if let Some(lack) = &input.lack {
            line.push_str(": ");
            line.push_str(lack);
        }
        let mut from = Vec::new();
        if let Some(source) = &input.source {
            from.push(source.to_string());
        }
        if let (Some(observed), true) = (input.observed_at, input.source.is_some()) {
            let age = window::age(observed, self.clock.now);
            from.push(format!("{} old", window::brief(age)));
        }
        if !from.is_empty() {
            let _ = write!(line, " ({})", from.join(", "));
        }
        self.line(&line)
    }
}
