//! A report on one incident as one page of HTML, in the style of the other report.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::super::html::{close, escaped, foreign, line, open};
use super::{IncidentPage, Row, blind, chart, dated, lasted, percent};

/// Writes a report on one incident as one page.
///
/// # Errors
/// When it cannot be written.
pub fn html(out: &mut impl Write, page: &IncidentPage<'_>) -> io::Result<()> {
    let clock = page.clock();
    let heading = page.heading;
    let mut text = String::new();
    let id = foreign(&page.measured.id);
    let period = clock.period(heading.from, heading.until);
    open(&mut text, &format!("Incident: {id}"), &escaped(&period));
    let _ = writeln!(
        text,
        "<p>Objective {} over {}, measured by {}.</p>",
        percent(page.slo.objective),
        page.slo.period,
        foreign(&page.measured.source.as_str().into())
    );
    text.push_str("<div class=\"tiles\">");
    for (name, length) in page.lengths() {
        let _ = write!(
            text,
            "<div class=\"tile\"><h3>{name}</h3><p class=\"value\">{}</p></div>",
            escaped(&lasted(length))
        );
    }
    text.push_str("</div>\n<section><h2>Moments</h2>");
    let _ = write!(
        text,
        "<figure>{}<p class=\"dates\"><span>{}</span><span>{}</span></p>\
         <figcaption>burn rate; dashed: rules; numbers: the moments below; shaded: incidents; ▲ releases</figcaption></figure>",
        chart::burn(page),
        escaped(&clock.short(heading.from)),
        escaped(&clock.short(heading.until))
    );
    let moments = page.moments().into_iter().enumerate();
    table(
        &mut text,
        moments.map(|(place, row)| (format!("{}. ", place + 1), row)),
    );
    text.push_str("</section>\n<section><h2>Cost</h2>");
    table(
        &mut text,
        page.costs().into_iter().map(|row| (String::new(), row)),
    );
    text.push_str("</section>\n");
    sections(&mut text, page);
    close(&mut text, &clock.full(heading.now));
    out.write_all(text.as_bytes())
}

fn table(text: &mut String, rows: impl Iterator<Item = (String, Row)>) {
    text.push_str("<div class=\"wide\"><table class=\"facts-of\"><tbody>");
    for (number, Row { name, value, by }) in rows {
        let _ = write!(
            text,
            "<tr><td>{number}{name}</td><td class=\"number\">{}</td><td class=\"because\">{}</td></tr>",
            escaped(&value),
            line(&by)
        );
    }
    text.push_str("</tbody></table></div>");
}

fn sections(text: &mut String, page: &IncidentPage<'_>) {
    let clock = page.clock();
    let suspects = page.suspects();
    list(
        text,
        "Suspect releases",
        suspects.iter().map(|one| line(one)),
    );
    list(
        text,
        "Roll-back",
        page.rollback().iter().map(|one| line(one)),
    );
    let incidents = page.report.incidents.iter().map(|(source, row)| {
        format!(
            "{} <b>{}</b> ({}, {}): {}",
            dated(&clock, row.opened_at),
            foreign(&row.title),
            foreign(&row.id),
            foreign(&source.as_str().into()),
            row.status.word()
        )
    });
    list(text, "Incidents", incidents);
    let releases = page.report.releases.iter().map(|(source, row)| {
        format!(
            "{} <b>{}</b> ({}, {}): {}",
            dated(&clock, row.finished_at.or(row.started_at)),
            foreign(&row.version),
            foreign(&row.id),
            foreign(&source.as_str().into()),
            row.status.word()
        )
    });
    list(text, "Releases", releases);
    let notes = page.notes.iter();
    list(
        text,
        "Notes",
        notes.map(|(event, words)| format!("{} {}", clock.full(event.at), foreign(words))),
    );
    list(
        text,
        "Blind spots",
        page.blind.iter().map(|gap| blind(gap, &clock, foreign)),
    );
    let unknown = page.unknown.iter();
    list(
        text,
        "Not known",
        unknown.map(|why| foreign(&why.as_str().into())),
    );
}

fn list(text: &mut String, title: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<_> = rows.collect();
    let _ = write!(text, "<section><h2>{title} ({})</h2>", rows.len());
    if rows.is_empty() {
        text.push_str("<p>None.</p></section>\n");
        return;
    }
    text.push_str("<ul>");
    for row in rows {
        let _ = write!(text, "<li>{row}</li>");
    }
    text.push_str("</ul></section>\n");
}
