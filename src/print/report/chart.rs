//! Charts as SVG: the course of a budget, and deployments over time. Dates stand below them as text.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Heading;
use crate::insight::report::{Cause, Point, Spent};

/// The size that a chart is drawn at; it is scaled to its place.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 160.0;
/// That of a line of marks.
const STRIP: f64 = 28.0;

/// Where a moment is, from the left.
fn x(at: Timestamp, heading: &Heading<'_>) -> f64 {
    let all = heading.from.duration_until(heading.until).as_secs_f64();
    let after = heading.from.duration_until(at).as_secs_f64();
    (after / all.max(1.0)).clamp(0.0, 1.0) * WIDTH
}

/// The budget spent over the time, with the incidents and the line where it is all gone.
pub(super) fn course(points: &[Point], causes: &[Spent], heading: &Heading<'_>) -> String {
    let spent = points.iter().filter_map(|point| point.spent);
    let most = spent.fold(1.0_f64, f64::max) * 1.08;
    let y = |spent: f64| HEIGHT - spent / most * (HEIGHT - 2.0) - 1.0;
    let mut svg = open("budget spent over the time", HEIGHT);
    for one in causes.iter().filter(|one| one.cause == Cause::Incident) {
        let (left, right) = (x(one.from, heading), x(one.until, heading));
        let width = (right - left).max(2.0);
        let _ = write!(
            svg,
            "<rect class=\"incident\" x=\"{left:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>"
        );
    }
    let all = y(1.0);
    let _ = write!(
        svg,
        "<line class=\"limit\" x1=\"0\" y1=\"{all:.1}\" x2=\"{WIDTH}\" y2=\"{all:.1}\"/>"
    );
    // A gap parts the line.
    let mut path = String::new();
    let mut is_begun = false;
    let start = Point {
        at: heading.from,
        spent: points.first().and_then(|point| point.spent).map(|_| 0.0),
        ratio: None,
    };
    for point in std::iter::once(&start).chain(points) {
        let Some(spent) = point.spent else {
            is_begun = false;
            continue;
        };
        let step = if is_begun { "L" } else { "M" };
        let _ = write!(path, "{step}{:.1} {:.1}", x(point.at, heading), y(spent));
        is_begun = true;
    }
    let _ = write!(svg, "<path class=\"course\" d=\"{path}\"/></svg>");
    svg + &dates(heading)
}

/// Deployments as marks on the time, failed ones apart.
pub(super) fn deployments(marks: &[(Timestamp, bool)], heading: &Heading<'_>) -> String {
    let mut svg = open("deployments over the time", STRIP);
    let middle = STRIP / 2.0;
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"0\" y1=\"{middle}\" x2=\"{WIDTH}\" y2=\"{middle}\"/>"
    );
    for (at, is_failed) in marks {
        let left = x(*at, heading).clamp(7.0, WIDTH - 7.0);
        if *is_failed {
            let _ = write!(
                svg,
                "<path class=\"failed\" d=\"M{:.1} {:.1}l12 12m0 -12l-12 12\"/>",
                left - 6.0,
                middle - 6.0
            );
        } else {
            let _ = write!(
                svg,
                "<circle class=\"deployment\" cx=\"{left:.1}\" cy=\"{middle}\" r=\"5\"/>"
            );
        }
    }
    svg.push_str("</svg>");
    svg + &dates(heading)
}

fn open(label: &str, height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">")
}

/// The dates of the first and the last moment.
fn dates(heading: &Heading<'_>) -> String {
    let date = |at: Timestamp| {
        let at = at.to_zoned(heading.zone.clone());
        at.strftime("%b %-d %H:%M").to_string()
    };
    format!(
        "<p class=\"dates\"><span>{}</span><span>{}</span></p>",
        date(heading.from),
        date(heading.until)
    )
}
