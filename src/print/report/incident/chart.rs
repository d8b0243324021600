//! The burn rate over an incident as SVG, with factors of rules and the moments.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{IncidentPage, factor};
use crate::domain::{Rule, Severity};
use crate::insight::report::incident::BurnPoint;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 240.0;
/// Room above the plot for the numbers of moments.
const TOP: f64 = 22.0;

/// The chart; it stands alone as a file, and takes the colours of a page that has them.
pub(super) fn burn(page: &IncidentPage<'_>) -> String {
    let burn = &page.report.burn;
    let most = burn.course.iter().filter_map(|point| point.burn);
    let most = most.fold(2.0_f64, f64::max) * 1.1;
    let y = |burn: f64| HEIGHT - burn.min(most) / most * (HEIGHT - TOP - 1.0) - 1.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"burn rate over the incident, up to {}x\" font-family=\"sans-serif\" font-size=\"13\">",
        factor(most / 1.1)
    );
    incidents(&mut svg, page);
    for (value, label, class) in lines(&page.slo.rules, most) {
        let at = y(value);
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"0\" y1=\"{at:.1}\" x2=\"{WIDTH}\" y2=\"{at:.1}\" stroke=\"#888\" \
             stroke-dasharray=\"5 4\"/><text class=\"label\" x=\"4\" y=\"{:.1}\" fill=\"#777\">{label}</text>",
            (at - 4.0).max(TOP)
        );
    }
    let path = path(&burn.course, page, y);
    let _ = write!(
        svg,
        "<path class=\"course\" d=\"{path}\" fill=\"none\" stroke=\"#2456b8\" stroke-width=\"2\"/>"
    );
    for (place, at) in moments(page) {
        let left = x(at, page);
        let label = left.clamp(8.0, WIDTH - 8.0);
        let _ = write!(
            svg,
            "<line class=\"moment\" x1=\"{left:.1}\" y1=\"{TOP}\" x2=\"{left:.1}\" y2=\"{HEIGHT}\" stroke=\"#b3261e\"/>\
             <text class=\"label\" x=\"{label:.1}\" y=\"15\" text-anchor=\"middle\" fill=\"#777\">{place}</text>"
        );
    }
    releases(&mut svg, page);
    svg.push_str("</svg>");
    svg
}

/// Where a moment is, from the left.
fn x(at: Timestamp, page: &IncidentPage<'_>) -> f64 {
    let heading = page.heading;
    let all = heading.from.duration_until(heading.until).as_secs_f64();
    let after = heading.from.duration_until(at).as_secs_f64();
    (after / all.max(1.0)).clamp(0.0, 1.0) * WIDTH
}

/// Numbers of the moments as in the table, from 1, of those within the time.
fn moments(page: &IncidentPage<'_>) -> Vec<(usize, Timestamp)> {
    let report = page.report;
    let all = [
        report.burn.onset.map(|one| one.at),
        report.detected.as_ref().map(|one| one.at),
        report.acknowledged.as_ref().map(|one| one.at),
        report.burn.mitigated.map(|one| one.at),
        report.recovered.as_ref().map(|one| one.at),
    ];
    let heading = page.heading;
    let all = all.into_iter().enumerate();
    let all = all.filter_map(|(place, at)| Some((place + 1, at?)));
    all.filter(|(_, at)| *at >= heading.from && *at <= heading.until)
        .collect()
}

fn incidents(svg: &mut String, page: &IncidentPage<'_>) {
    for (_, row) in &page.report.incidents {
        let Some(opened) = row.opened_at else {
            continue;
        };
        let left = x(opened, page);
        let right = x(row.resolved_at.unwrap_or(page.heading.until), page);
        let _ = write!(
            svg,
            "<rect class=\"incident\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\" \
             fill=\"#b3261e\" fill-opacity=\"0.14\"/>",
            (right - left).max(2.0),
            HEIGHT - TOP
        );
    }
}

/// Arrivals of releases as triangles at the foot.
fn releases(svg: &mut String, page: &IncidentPage<'_>) {
    for (_, row) in &page.report.releases {
        let Some(at) = row.finished_at.or(row.started_at) else {
            continue;
        };
        let left = x(at, page).clamp(7.0, WIDTH - 7.0);
        let _ = write!(
            svg,
            "<path class=\"deployment\" d=\"M{left:.1} {:.1}l-7 12h14z\" fill=\"#2456b8\"/>",
            HEIGHT - 12.0
        );
    }
}

/// The lines of the budget and of the factors of page rules that the chart reaches.
fn lines(rules: &[Rule], most: f64) -> Vec<(f64, String, &'static str)> {
    let pages = rules.iter().filter(|rule| rule.severity == Severity::Page);
    let mut lines: Vec<_> = pages
        .map(|rule| {
            (
                rule.factor,
                format!("page {}x", factor(rule.factor)),
                "limit",
            )
        })
        .collect();
    lines.push((1.0, "1x".to_owned(), "axis"));
    lines.retain(|(value, ..)| *value < most);
    lines
}

/// The line of the burn rate; a gap parts it.
fn path(course: &[BurnPoint], page: &IncidentPage<'_>, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut is_begun = false;
    for point in course {
        let Some(burn) = point.burn else {
            is_begun = false;
            continue;
        };
        let step = if is_begun { "L" } else { "M" };
        let _ = write!(path, "{step}{:.1} {:.1}", x(point.at, page), y(burn));
        is_begun = true;
    }
    path
}
