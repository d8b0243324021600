//! A report as one page of HTML: no script, nothing from elsewhere, light and dark, made to be printed.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;

use super::{
    Heading, Measure, NOTHING, Part, attained, chart, measures, percent, policies, span, spent,
    spent_on, title,
};
use crate::domain::Clock;
use crate::insight::report::{Attained, OfService, Report};
use crate::text::Untrusted;

/// Colours of both modes, and how it prints.
const STYLE: &str = include_str!("style.css");

/// Writes a report as one page.
///
/// # Errors
/// When it cannot be written.
pub fn html(out: &mut impl Write, report: &Report, heading: &Heading<'_>) -> io::Result<()> {
    let clock = Clock {
        zone: heading.zone,
        now: heading.until,
    };
    let period = clock.period(heading.from, heading.until);
    let mut page = String::new();
    open(&mut page, "Reliability and delivery", &escaped(&period));
    overview(&mut page, report);
    teams(&mut page, report);
    for one in report.services.iter().enumerate() {
        service(&mut page, one, heading);
    }
    blind(&mut page, report, &clock);
    close(&mut page, &clock.full(heading.now));
    out.write_all(page.as_bytes())
}

/// Begins a page under a title, both of which hold no tag.
pub(super) fn open(page: &mut String, title: &str, period: &str) {
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><h1>{title}</h1><p>{period}</p></header>\n"
    );
}

/// Ends a page with when it was made.
pub(super) fn close(page: &mut String, made: &str) {
    let _ = write!(
        page,
        "<footer>Made by watchfire at {}. {NOTHING} is not known; ~ is an estimate.</footer>\n</main>\n</body>\n</html>\n",
        escaped(made)
    );
}

/// Text in which nothing is a tag or an entity.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

pub(super) fn foreign(text: &Untrusted) -> String {
    escaped(text.shown().as_str())
}

pub(super) fn line(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Ours(words) => escaped(words),
        Part::Foreign(text) => format!("<b>{}</b>", foreign(text)),
    });
    texts.collect()
}

fn overview(page: &mut String, report: &Report) {
    if report.services.is_empty() {
        page.push_str("<p>No service is known.</p>\n");
        return;
    }
    page.push_str(
        "<section><div class=\"wide\"><table><thead><tr><th>service</th><th>deployments</th><th>lead time</th>\
         <th>change fail rate</th><th>recovery</th><th>rework</th><th>budget most spent</th></tr></thead><tbody>\n",
    );
    for (place, one) in report.services.iter().enumerate() {
        let _ = write!(
            page,
            "<tr><td><a href=\"#s{place}\">{}</a></td>",
            foreign(&one.service)
        );
        for Measure { value, .. } in measures(&one.delivery) {
            let _ = write!(page, "<td class=\"number\">{}</td>", escaped(&value));
        }
        let slos = one.slos.iter().filter(|slo| slo.ratio.is_some());
        let worst = slos.max_by(|a, b| {
            let spent = |slo: &Attained| slo.budget_spent().unwrap_or(0.0);
            spent(a).total_cmp(&spent(b))
        });
        let worst = worst.map_or_else(|| NOTHING.to_owned(), |slo| escaped(&spent(slo)));
        let _ = writeln!(page, "<td class=\"number\">{worst}</td></tr>");
    }
    page.push_str("</tbody></table></div></section>\n");
}

/// A row for each team of several services.
fn teams(page: &mut String, report: &Report) {
    let several: Vec<_> = report
        .teams
        .iter()
        .filter(|one| one.services.len() > 1)
        .collect();
    if several.is_empty() {
        return;
    }
    page.push_str(
        "<section><div class=\"wide\"><table><thead><tr><th>team</th><th>deployments</th><th>lead time</th>\
         <th>change fail rate</th><th>recovery</th><th>rework</th></tr></thead><tbody>\n",
    );
    for one in several {
        let _ = write!(page, "<tr><td>{}</td>", foreign(&one.team.as_str().into()));
        for Measure { value, .. } in measures(&one.delivery) {
            let _ = write!(page, "<td class=\"number\">{}</td>", escaped(&value));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn service(page: &mut String, (place, one): (usize, &OfService), heading: &Heading<'_>) {
    // Links go to the place in the list, as a name may be anything.
    let _ = writeln!(
        page,
        "<section class=\"service\" id=\"s{place}\"><h2>{}</h2>",
        line(&title(one))
    );
    page.push_str("<div class=\"tiles\">");
    let all = measures(&one.delivery).into_iter();
    for Measure { name, value, rows } in all.chain(policies(one)) {
        let _ = write!(
            page,
            "<div class=\"tile\"><h3>{name}</h3><p class=\"value\">{}</p><p class=\"rows\">{}</p></div>",
            escaped(&value),
            line(&rows)
        );
    }
    page.push_str("</div>\n");
    let marks = marks(one);
    if !marks.is_empty() {
        let svg = chart::deployments(&marks, heading);
        let _ = writeln!(
            page,
            "<figure class=\"strip\">{svg}<figcaption>deployments; × failed</figcaption></figure>"
        );
    }
    for slo in &one.slos {
        objective(page, slo, heading);
    }
    if !one.unknown.is_empty() {
        page.push_str("<div class=\"unknown\"><h3>Not known</h3><ul>");
        for why in &one.unknown {
            let _ = write!(page, "<li>{}</li>", foreign(&why.as_str().into()));
        }
        page.push_str("</ul></div>\n");
    }
    page.push_str("</section>\n");
}

/// When each deployment was, and whether it failed.
fn marks(one: &OfService) -> Vec<(Timestamp, bool)> {
    let failed = one.delivery.failures.iter().flat_map(|fails| &fails.failed);
    let failed: Vec<_> = failed.map(|(id, _)| id).collect();
    let often = one.delivery.deployments.iter();
    let all = often.flat_map(|often| often.ids.iter().zip(&often.times));
    all.map(|(id, at)| (*at, failed.contains(&id))).collect()
}

fn objective(page: &mut String, slo: &Attained, heading: &Heading<'_>) {
    let _ = write!(
        page,
        "<article><h3>{}</h3><p class=\"facts\"><span>objective {}</span><span>attained {}</span>\
         <span>budget spent {}</span></p>",
        foreign(&slo.id),
        percent(slo.objective),
        escaped(&attained(slo)),
        escaped(&spent(slo))
    );
    if !slo.course.is_empty() {
        let svg = chart::course(&slo.course, &slo.spent_by, heading);
        let _ = writeln!(
            page,
            "<figure>{svg}<figcaption>budget spent; dashed: all of it; shaded: incidents</figcaption></figure>"
        );
    }
    let on = spent_on(slo);
    if !on.is_empty() {
        let _ = write!(page, "<p class=\"on\">Spent on: {}</p>", line(&on));
    }
    page.push_str("</article>\n");
}

fn blind(page: &mut String, report: &Report, clock: &Clock<'_>) {
    let _ = write!(
        page,
        "<section><h2>Blind spots ({})</h2>",
        report.blind.len()
    );
    if report.blind.is_empty() {
        page.push_str("<p>None: every source tells of all the time.</p></section>\n");
        return;
    }
    page.push_str("<ul>");
    for gap in &report.blind {
        let _ = write!(
            page,
            "<li><b>{}</b>: {} to {} ({})</li>",
            foreign(&gap.source.as_str().into()),
            escaped(&clock.full(gap.from)),
            escaped(&clock.full(gap.until)),
            span(gap.from, gap.until)
        );
    }
    page.push_str("</ul></section>\n");
}
