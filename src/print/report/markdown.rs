//! A report as Markdown.

use std::io::{self, Write};

use super::{
    Heading, Measure, NOTHING, Part, attained, measures, percent, policies, span, spent, spent_on,
    title,
};
use crate::domain::Clock;
use crate::insight::report::{OfService, Report};
use crate::print::handoff::words;

/// Writes a report for people, as Markdown.
///
/// # Errors
/// When it cannot be written.
pub fn markdown(out: &mut impl Write, report: &Report, heading: &Heading<'_>) -> io::Result<()> {
    let clock = Clock {
        zone: heading.zone,
        now: heading.until,
    };
    writeln!(
        out,
        "# Reliability and delivery: {}",
        clock.period(heading.from, heading.until)
    )?;
    overview(out, report)?;
    teams(out, report)?;
    for one in &report.services {
        service(out, one)?;
    }
    writeln!(out, "\n## Blind spots ({})\n", report.blind.len())?;
    if report.blind.is_empty() {
        writeln!(out, "None: every source tells of all the time.")?;
    }
    for gap in &report.blind {
        writeln!(
            out,
            "- {}: {} to {} ({})",
            words::text(&gap.source.as_str().into()),
            clock.full(gap.from),
            clock.full(gap.until),
            span(gap.from, gap.until)
        )?;
    }
    Ok(())
}

/// A row for each team of several services.
fn teams(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let several = report.teams.iter().filter(|one| one.services.len() > 1);
    for (place, one) in several.enumerate() {
        if place == 0 {
            writeln!(
                out,
                "\n| team | deployments | lead time | change fail rate | recovery | rework |\n\
                 |---|---:|---:|---:|---:|---:|"
            )?;
        }
        let values = measures(&one.delivery).map(|measure| measure.value);
        let team = words::text(&one.team.as_str().into());
        writeln!(out, "| {team} | {} |", values.join(" | "))?;
    }
    Ok(())
}

/// A row for each service.
fn overview(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.services.is_empty() {
        return writeln!(out, "\nNo service is known.");
    }
    writeln!(
        out,
        "\n| service | deployments | lead time | change fail rate | recovery | rework | budget most spent |\n\
         |---|---:|---:|---:|---:|---:|---|"
    )?;
    for one in &report.services {
        let [often, lead, fails, recovery, rework] = measures(&one.delivery);
        let slos = one.slos.iter();
        let worst = slos.filter(|slo| slo.ratio.is_some()).max_by(|a, b| {
            a.budget_spent()
                .partial_cmp(&b.budget_spent())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let worst = worst.map_or_else(
            || NOTHING.to_owned(),
            |slo| format!("{} {}", words::text(&slo.id), spent(slo)),
        );
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {worst} |",
            words::text(&one.service),
            often.value,
            lead.value,
            fails.value,
            recovery.value,
            rework.value
        )?;
    }
    Ok(())
}

fn service(out: &mut impl Write, one: &OfService) -> io::Result<()> {
    writeln!(out, "\n## {}", line(&title(one)))?;
    if !one.slos.is_empty() {
        writeln!(
            out,
            "\n| SLO | objective | attained | budget spent | on |\n|---|---:|---:|---:|---|"
        )?;
        for slo in &one.slos {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                words::text(&slo.id),
                percent(slo.objective),
                attained(slo),
                spent(slo),
                line(&spent_on(slo))
            )?;
        }
    }
    writeln!(out, "\n| delivery | | |\n|---|---:|---|")?;
    let all = measures(&one.delivery).into_iter();
    for Measure { name, value, rows } in all.chain(policies(one)) {
        writeln!(out, "| {name} | {value} | {} |", line(&rows))?;
    }
    if !one.unknown.is_empty() {
        writeln!(out, "\n**Not known**:\n")?;
        for why in &one.unknown {
            writeln!(out, "- {}", words::text(&why.as_str().into()))?;
        }
    }
    Ok(())
}

fn line(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Ours(words) => words.clone(),
        Part::Foreign(text) => words::text(text),
    });
    texts.collect()
}
