//! Rows that become SLOs: what is promised, and how it went over each window.
//!
//! What a row does not say of a window is unknown, never well: an endpoint that computes only some
//! windows leaves the rules that need the others undecided.

use std::collections::BTreeMap;
use std::sync::Arc;

use jaq_json::Val;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::fields::number;
use super::{Fields, Row, text};
use crate::domain::slo::rounded;
use crate::domain::{
    Events, Observation, Origin, Period, Reading, Reason, ReasonCode, Rule, Sample, Severity, Slo,
    SourceName, Window, window,
};
use crate::source::severity::Severities;

/// What is known of the SLOs and incidents of a source without their rows.
#[derive(Clone)]
pub(in super::super) struct Terms {
    /// The source that measures them.
    pub(in super::super) source: SourceName,
    /// The program that emits them, for a reader to copy.
    pub(in super::super) program: Arc<str>,
    /// What the severities of its incidents mean.
    pub(in super::super) severities: Severities,
    /// The objective of those that do not say, as a share.
    pub(in super::super) objective: Option<f64>,
    /// The period of those that do not say.
    pub(in super::super) period: Period,
    /// Where calendar periods begin.
    pub(in super::super) zone: TimeZone,
    /// The moment that is asked for, and whether it is a past one.
    pub(in super::super) moment: Timestamp,
    pub(in super::super) is_past: bool,
    /// Numbers that are older than this say nothing of that moment.
    pub(in super::super) stale_after: SignedDuration,
}

impl Row for Observation {
    type Context = Terms;

    fn read(fields: &mut Fields<'_>, terms: &Terms) -> Result<Self, String> {
        let (service, name) = names(fields)?;
        let objective = objective(fields, terms)?;
        let period = match fields.text("period") {
            None => terms.period,
            Some(text) => text
                .parse()
                .map_err(|_| format!("has the `period` \"{text}\": write \"30d\" or \"month\""))?,
        };
        let observed_at = observed_at(fields, terms)?;
        let mut slo = Slo::new(
            service,
            name,
            terms.source.clone(),
            objective,
            period,
            Origin::Mapped,
        );
        slo.queries = vec![("jq program".to_owned(), (&*terms.program).into())];
        if let Some(rules) = fields.elements("rules") {
            slo.rules = rules.iter().map(rule).collect::<Result<_, _>>()?;
        }
        if let Some(least) = fields.number("min_bad_events") {
            slo.min_bad_events = least.max(0.0);
        }
        let at = observed_at.unwrap_or(terms.moment);
        let samples = samples(fields, period, at);
        let is_old = window::age(at, terms.moment) > terms.stale_after;
        let mut reasons = Vec::new();
        if is_old {
            let age = window::brief(window::age(at, terms.moment));
            fields.complain(
                "observed_at",
                &format!("is {age} ago: its numbers are not known"),
            );
            let text = format!("`observed_at` is {age} ago: its numbers are not known");
            reasons.push(Reason::new(ReasonCode::TooOld, age, text));
        }
        let mut observed = Self::unknown(Arc::new(slo), at);
        observed.period_length = period.length(at, &terms.zone);
        observed.period_elapsed = period.elapsed(at, &terms.zone).duration();
        observed.since = fields.time("since");
        observed.partial = fields.is_true("partial");
        if !is_old {
            fill(&mut observed, samples, fields);
            reasons.extend(not_provided(&observed));
        }
        observed.reasons = reasons.into();
        Ok(observed)
    }

    fn id(&self) -> String {
        self.slo.id().raw().to_owned()
    }
}

/// Service and name, or the `service/name` of both.
fn names(fields: &mut Fields<'_>) -> Result<(String, String), String> {
    let id = fields.text("id").unwrap_or_default();
    let halves = id.split_once('/');
    let service = fields.text("service");
    let service = service.or_else(|| halves.map(|(service, _)| service.to_owned()));
    let name = fields.text("name");
    let name = name.or_else(|| halves.map(|(_, name)| name.to_owned()));
    Ok((
        service.ok_or("lacks `service`")?,
        name.ok_or("lacks `name`")?,
    ))
}

/// The share of good events promised; a number above 1 is a percentage.
fn objective(fields: &mut Fields<'_>, terms: &Terms) -> Result<f64, String> {
    let Some(written) = fields.number("objective") else {
        return terms.objective.ok_or_else(|| {
            "lacks `objective`; emit it, or set `objective` for all of them".to_owned()
        });
    };
    let share = if written > 1.0 {
        written / 100.0
    } else {
        written
    };
    if share > 0.0 && share < 1.0 {
        Ok(rounded(share))
    } else {
        Err(format!(
            "has the `objective` {written}: it lies between 0 and 1, such as 0.999"
        ))
    }
}

/// When the numbers were taken, if that is told and fits what is asked for.
fn observed_at(fields: &mut Fields<'_>, terms: &Terms) -> Result<Option<Timestamp>, String> {
    let observed = fields.time("observed_at");
    match observed {
        None if terms.is_past => {
            Err("lacks `observed_at`, so it says nothing of the past".to_owned())
        }
        Some(at) if terms.is_past && at > terms.moment => {
            Err("is of a later moment than the one asked for".to_owned())
        }
        // A clock that is ahead of ours makes numbers new, not wrong.
        observed => Ok(observed.map(|at| at.min(terms.moment))),
    }
}

/// A rule, with the field names of `status --format json`.
fn rule(value: &Val) -> Result<Rule, String> {
    let Val::Obj(map) = value else {
        return Err("has a rule that is no object".to_owned());
    };
    let field = |name: &str| map.get(&Val::from(name.to_owned()));
    let span = |name: &str| -> Result<Window, String> {
        let written = field(name).and_then(text).unwrap_or_default();
        let lack = |_| format!("has a rule whose `{name}` is \"{written}\": write \"1h\"");
        written.parse().map_err(lack)
    };
    let severity = match field("severity").and_then(text).as_deref() {
        Some("page") => Severity::Page,
        Some("ticket") => Severity::Ticket,
        _ => {
            return Err(
                "has a rule whose `severity` is neither \"page\" nor \"ticket\"".to_owned(),
            );
        }
    };
    let factor = field("factor").and_then(number);
    let factor = factor.filter(|factor| factor.is_finite() && *factor > 0.0);
    Ok(Rule {
        severity,
        long: span("long")?,
        short: span("short")?,
        factor: factor.ok_or("has a rule whose `factor` is no number above 0")?,
    })
}

/// What `error_ratio` and `events` say, by the window's name.
fn samples(fields: &mut Fields<'_>, period: Period, at: Timestamp) -> BTreeMap<Span, Sample> {
    let mut samples = BTreeMap::new();
    for (key, value) in fields.entries("events") {
        let Some(span) = span(fields, "events", &key, period) else {
            continue;
        };
        match events(value) {
            Ok(None) => {}
            Ok(Some(events)) => {
                let reading = Reading::from_events(Some(events.bad), Some(events.total));
                let events = Some(events);
                samples.insert(
                    span,
                    Sample {
                        reading,
                        events,
                        at,
                    },
                );
            }
            Err(lack) => fields.complain(&format!("events.{key}"), lack),
        }
    }
    for (key, value) in fields.entries("error_ratio") {
        let Some(span) = span(fields, "error_ratio", &key, period) else {
            continue;
        };
        if *value == Val::Null {
            continue;
        }
        let reading = match number(value) {
            Some(ratio) if ratio.is_nan() || (0.0..=1.0).contains(&ratio) => {
                Reading::from_ratio(ratio)
            }
            _ => {
                fields.complain(&format!("error_ratio.{key}"), "is no ratio from 0 to 1");
                Reading::Unknown
            }
        };
        let events = samples.get(&span).and_then(|sample: &Sample| sample.events);
        samples.insert(
            span,
            Sample {
                reading,
                events,
                at,
            },
        );
    }
    samples
}

/// A time that a number is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Span {
    Window(Window),
    /// A calendar period so far.
    Period,
}

fn span(fields: &mut Fields<'_>, name: &str, key: &str, period: Period) -> Option<Span> {
    if key == period.to_string() {
        return Some(match period {
            Period::Rolling(window) => Span::Window(window),
            _ => Span::Period,
        });
    }
    let window = key.parse().ok();
    if window.is_none() {
        fields.complain(&format!("{name}.{key}"), "is of no window such as \"5m\"");
    }
    window.map(Span::Window)
}

/// Bad and total of a window; none where it says `null`.
fn events(value: &Val) -> Result<Option<Events>, &'static str> {
    let map = match value {
        Val::Null => return Ok(None),
        Val::Obj(map) => map,
        _ => return Err("is no object of `bad` and `total`"),
    };
    let count = |name: &str| {
        let count = map.get(&Val::from(name.to_owned())).and_then(number);
        count.filter(|count| count.is_finite() && *count >= 0.0)
    };
    match (count("bad"), count("total")) {
        (Some(bad), Some(total)) if bad <= total => Ok(Some(Events { bad, total })),
        (Some(_), Some(_)) => Err("has more bad events than events"),
        _ => Err("lacks a count in `bad` or `total`"),
    }
}

/// The windows that no ratio was read of.
fn not_provided(observed: &Observation) -> Option<Reason> {
    let windows = observed.windows.iter();
    let lacking = windows.filter(|(_, sample)| sample.reading == Reading::Unknown);
    let names: Vec<_> = lacking.map(|(window, _)| window.to_string()).collect();
    let names = names.join(", ");
    (!names.is_empty()).then(|| {
        let text = format!("no usable error ratio was returned for {names}");
        Reason::new(ReasonCode::NotProvided, names, text)
    })
}

/// Puts samples where the rules need them; the period's is its own.
fn fill(observed: &mut Observation, samples: BTreeMap<Span, Sample>, fields: &mut Fields<'_>) {
    let whole = match observed.slo.period {
        Period::Rolling(window) => Span::Window(window),
        _ => Span::Period,
    };
    let mut is_used = samples.is_empty();
    for (span, sample) in samples {
        if span == whole {
            observed.period = Some(sample);
        }
        if let Span::Window(window) = span {
            is_used |= observed.windows.set(window, sample);
        }
    }
    if !is_used {
        let wanted: Vec<_> = observed.windows.keys().map(|it| it.to_string()).collect();
        let wanted = wanted.join(", ");
        fields.complain(
            "error_ratio",
            &format!("has none of the windows that rules need: {wanted}"),
        );
    }
}
