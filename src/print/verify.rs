//! The verdict of `verify` as text and as `watchfire/verify/v1`.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::clock::Clock;
use crate::insight::verify::{
    Chosen, Comparison, Contrast, Firing, LeftOut, Measured, Missing, Rise, SloVerdict,
    Superseding, Trial, Verdict, count,
};
use crate::text::{Shown, Untrusted};

/// A verdict, and what it is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose release.
    pub service: String,
    /// When it was made.
    pub at: Timestamp,
    /// The release; `None` where a moment was named, or none is found.
    pub release: Option<Chosen>,
    /// The time that was watched.
    pub trial: Option<Trial>,
    /// The release that came within the time.
    pub superseded_by: Option<Superseding>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Writes a verdict for people.
///
/// # Errors
/// When `out` takes no more.
pub fn text(out: &mut impl Write, report: &Report, zone: &TimeZone) -> io::Result<()> {
    let verdict = &report.verdict;
    let name = Untrusted::from(named(report)).shown();
    let word = verdict.outcome.word().to_uppercase();
    let reason = Untrusted::from(verdict.reason.as_str()).shown();
    writeln!(out, "{word}  {name}: {reason}")?;
    if let Some(trial) = &report.trial {
        let clock = Clock {
            zone,
            now: report.at,
        };
        writeln!(
            out,
            "  released {}, watched until {}",
            clock.full(trial.released),
            clock.full(trial.until)
        )?;
    }
    for missing in verdict
        .missing
        .iter()
        .filter(|one| one.text != verdict.reason)
    {
        writeln!(out, "  {}", Untrusted::from(missing.text.as_str()).shown())?;
    }
    for slo in &verdict.slos {
        writeln!(out)?;
        slo_text(out, slo, &verdict.slos)?;
    }
    Ok(())
}

/// `checkout v2.31.0`, or the service alone.
fn named(report: &Report) -> String {
    match &report.release {
        Some(chosen) => format!("{} {}", report.service, chosen.release.version.raw()),
        None => report.service.clone(),
    }
}

/// The id of an SLO; with its source where several sources have it.
fn shown_id(slo: &SloVerdict, all: &[SloVerdict]) -> Untrusted {
    let id = slo.slo.id();
    let is_same = |other: &&SloVerdict| other.slo.id() == id;
    if all.iter().filter(is_same).count() > 1 {
        format!("{}@{}", id.raw(), slo.slo.source).into()
    } else {
        id
    }
}

fn slo_text(out: &mut impl Write, slo: &SloVerdict, all: &[SloVerdict]) -> io::Result<()> {
    let id = shown_id(slo, all).shown();
    let suggested = match slo.slo.suggested {
        Some(_) => " (suggested)",
        None => "",
    };
    write!(out, "  {id}{suggested}: {}", slo.outcome.word())?;
    if all.len() > 1 {
        let reason = Untrusted::from(slo.reason.as_str()).shown();
        write!(out, ", {reason}")?;
    }
    writeln!(out)?;
    let rows = [
        ("before", slo.before, slo.before_left_out.is_some()),
        ("since", slo.after, false),
        (
            "day before",
            slo.day_before,
            slo.day_before_left_out.is_some(),
        ),
    ];
    for (name, measured, is_left_out) in rows {
        if let Some(measured) = measured {
            let left_out = if is_left_out {
                "  not compared with"
            } else {
                ""
            };
            let row = measured_words(measured, slo);
            writeln!(out, "    {name:<12}{row}{left_out}")?;
        }
    }
    let others = slo.missing.iter().skip(1).map(|one| one.text.as_str());
    for line in others.chain(slo.notes.iter().map(String::as_str)) {
        writeln!(out, "    {}", Untrusted::from(line).shown())?;
    }
    Ok(())
}

/// `0.02%  3 of 15,000 bad  burn rate 0.2x`.
fn measured_words(measured: Measured, slo: &SloVerdict) -> Shown {
    let Some(ratio) = measured.ratio else {
        return Shown::new("no events");
    };
    let burn = slo.slo.burn_rate(ratio);
    let events = measured.events.map_or_else(String::new, |events| {
        let (bad, total) = (count(events.bad), count(events.total));
        format!("  {bad} of {total} bad")
    });
    let percent = format!("{:.4}", ratio * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    Shown::new(format!("{percent}%{events}  burn rate {burn:.1}x"))
}

/// A verdict as JSON; fields are added, never changed.
#[derive(Serialize)]
pub struct VerifyJson<'a> {
    schema: &'static str,
    service: &'a str,
    verdict: &'static str,
    code: &'static str,
    reason: &'a str,
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    release: Option<ReleaseJson<'a>>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    released_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    until: Option<Timestamp>,
    superseded_by: Option<ReleaseJson<'a>>,
    missing: Vec<MissingJson<'a>>,
    slos: Vec<SloJson<'a>>,
}

#[derive(Serialize)]
struct ReleaseJson<'a> {
    id: &'a Untrusted,
    version: &'a Untrusted,
    environment: Option<&'a Untrusted>,
    status: &'static str,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    finished_at: Option<Timestamp>,
    source: &'a str,
}

#[derive(Serialize)]
struct MissingJson<'a> {
    code: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct SloJson<'a> {
    id: Untrusted,
    source: &'a str,
    origin: crate::domain::Origin,
    objective: f64,
    verdict: &'static str,
    code: &'static str,
    reason: &'a str,
    missing: Vec<MissingJson<'a>>,
    notes: &'a [String],
    before: MeasuredJson,
    before_left_out: Option<&'static str>,
    after: MeasuredJson,
    day_before: MeasuredJson,
    day_before_left_out: Option<&'static str>,
    burn_rate: Option<f64>,
    comparison: Option<ComparisonJson>,
    rule: Option<RuleJson>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset: Option<Timestamp>,
    events_needed: f64,
    gap: Option<f64>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    newest: Option<Timestamp>,
}

#[derive(Serialize)]
struct MeasuredJson {
    ratio: Option<f64>,
    bad: Option<f64>,
    total: Option<f64>,
}

#[derive(Serialize)]
struct ComparisonJson {
    dispersion: f64,
    whole: ContrastJson,
    without_worst_minute: ContrastJson,
    sustained: ContrastJson,
}

#[derive(Serialize)]
struct ContrastJson {
    risen: bool,
    burn_rate: Option<f64>,
    before: Option<RiseJson>,
    hours_before: Option<RiseJson>,
    day_before: Option<RiseJson>,
    highest: bool,
}

#[derive(Serialize)]
struct RiseJson {
    deviations: f64,
    needed: f64,
    beyond_chance: bool,
}

#[derive(Serialize)]
struct RuleJson {
    severity: crate::domain::Severity,
    long: crate::domain::Window,
    short: crate::domain::Window,
    factor: f64,
    long_burn_rate: f64,
    short_burn_rate: f64,
}

impl<'a> From<&'a Report> for VerifyJson<'a> {
    fn from(report: &'a Report) -> Self {
        let verdict = &report.verdict;
        let by = report.superseded_by.as_ref();
        Self {
            schema: "watchfire/verify/v1",
            service: &report.service,
            verdict: verdict.outcome.word(),
            code: verdict.cause.word(),
            reason: &verdict.reason,
            at: report.at,
            release: report.release.as_ref().map(ReleaseJson::from),
            released_at: report.trial.map(|trial| trial.released),
            until: report.trial.map(|trial| trial.until),
            superseded_by: by.map(|by| ReleaseJson::from(&by.by)),
            missing: verdict.missing.iter().map(MissingJson::from).collect(),
            slos: verdict
                .slos
                .iter()
                .map(|slo| SloJson::new(slo, shown_id(slo, &verdict.slos)))
                .collect(),
        }
    }
}

impl<'a> From<&'a Chosen> for ReleaseJson<'a> {
    fn from(chosen: &'a Chosen) -> Self {
        let release = &chosen.release;
        Self {
            id: &release.id,
            version: &release.version,
            environment: Some(&release.environment).filter(|name| !name.is_empty()),
            status: release.status.word(),
            started_at: release.started_at,
            finished_at: release.finished_at,
            source: chosen.source.as_str(),
        }
    }
}

impl<'a> From<&'a Missing> for MissingJson<'a> {
    fn from(missing: &'a Missing) -> Self {
        Self {
            code: missing.cause.word(),
            text: &missing.text,
        }
    }
}

impl<'a> SloJson<'a> {
    fn new(slo: &'a SloVerdict, id: Untrusted) -> Self {
        Self {
            id,
            source: slo.slo.source.as_str(),
            origin: slo.slo.origin,
            objective: slo.slo.objective,
            verdict: slo.outcome.word(),
            code: slo.cause.word(),
            reason: &slo.reason,
            missing: slo.missing.iter().map(MissingJson::from).collect(),
            notes: &slo.notes,
            before: slo.before.into(),
            before_left_out: slo.before_left_out.map(LeftOut::word),
            after: slo.after.into(),
            day_before: slo.day_before.into(),
            day_before_left_out: slo.day_before_left_out.map(LeftOut::word),
            burn_rate: slo.burn_rate,
            comparison: slo.comparison.map(ComparisonJson::from),
            rule: slo.rule.map(RuleJson::from),
            onset: slo.onset,
            events_needed: slo.events_needed,
            gap: slo.gap,
            newest: slo.newest,
        }
    }
}

impl From<Option<Measured>> for MeasuredJson {
    fn from(measured: Option<Measured>) -> Self {
        let events = measured.and_then(|measured| measured.events);
        Self {
            ratio: measured.and_then(|measured| measured.ratio),
            bad: events.map(|events| events.bad),
            total: events.map(|events| events.total),
        }
    }
}

impl From<Comparison> for ComparisonJson {
    fn from(comparison: Comparison) -> Self {
        Self {
            dispersion: comparison.noise.dispersion,
            whole: comparison.whole.into(),
            without_worst_minute: comparison.without_worst.into(),
            sustained: comparison.sustained.into(),
        }
    }
}

impl From<Contrast> for ContrastJson {
    fn from(contrast: Contrast) -> Self {
        Self {
            risen: contrast.is_risen(),
            burn_rate: contrast.burn_rate,
            before: contrast.before.map(RiseJson::from),
            hours_before: contrast.hours_before.map(RiseJson::from),
            day_before: contrast.day_before.map(RiseJson::from),
            highest: contrast.is_highest,
        }
    }
}

impl From<Rise> for RiseJson {
    fn from(rise: Rise) -> Self {
        Self {
            deviations: rise.deviations,
            needed: rise.needed,
            beyond_chance: rise.is_beyond_chance(),
        }
    }
}

impl From<Firing> for RuleJson {
    fn from(firing: Firing) -> Self {
        Self {
            severity: firing.rule.severity,
            long: firing.rule.long,
            short: firing.rule.short,
            factor: firing.rule.factor,
            long_burn_rate: firing.long,
            short_burn_rate: firing.short,
        }
    }
}
