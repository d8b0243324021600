//! Charts as SVG: the course of a budget, and deployments over time.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Heading;
use crate::insight::report::{Cause, Point, Spent};

/// The size that a chart is drawn at; it is scaled to its place.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;
/// Room below for dates.
const FOOT: f64 = 18.0;

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
    let y = |spent: f64| HEIGHT - spent / most * HEIGHT;
    let mut svg = open("budget spent over the time");
    for one in causes.iter().filter(|one| one.cause == Cause::Incident) {
        let (left, right) = (x(one.from, heading), x(one.until, heading));
        let width = (right - left).max(1.5);
        let _ = write!(
            svg,
            "<rect class=\"incident\" x=\"{left:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>"
        );
    }
    let all = y(1.0);
    let _ = write!(
        svg,
        "<line class=\"limit\" x1=\"0\" y1=\"{all:.1}\" x2=\"{WIDTH}\" y2=\"{all:.1}\"/>\
         <text class=\"note\" x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">all of the budget</text>",
        all - 3.0
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
    let _ = write!(svg, "<path class=\"course\" d=\"{path}\"/>");
    close(svg, heading)
}

/// Deployments as marks on the time, failed ones apart.
pub(super) fn deployments(marks: &[(Timestamp, bool)], heading: &Heading<'_>) -> String {
    let mut svg = open("deployments over the time");
    let middle = HEIGHT / 2.0;
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"0\" y1=\"{middle}\" x2=\"{WIDTH}\" y2=\"{middle}\"/>"
    );
    for (at, is_failed) in marks {
        let left = x(*at, heading);
        if *is_failed {
            let _ = write!(
                svg,
                "<path class=\"failed\" d=\"M{:.1} {:.1}l10 10m0 -10l-10 10\"/>",
                left - 5.0,
                middle - 5.0
            );
        } else {
            let _ = write!(
                svg,
                "<circle class=\"deployment\" cx=\"{left:.1}\" cy=\"{middle}\" r=\"4\"/>"
            );
        }
    }
    close(svg, heading)
}

fn open(label: &str) -> String {
    let height = HEIGHT + FOOT;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\" \
         preserveAspectRatio=\"none\">"
    )
}

/// Ends a chart with the dates of its first and last moment.
fn close(mut svg: String, heading: &Heading<'_>) -> String {
    let date = |at: Timestamp| {
        let at = at.to_zoned(heading.zone.clone());
        at.strftime("%b %-d %H:%M").to_string()
    };
    let below = HEIGHT + FOOT - 4.0;
    let _ = write!(
        svg,
        "<text class=\"note\" x=\"0\" y=\"{below}\">{}</text>\
         <text class=\"note\" x=\"{WIDTH}\" y=\"{below}\" text-anchor=\"end\">{}</text></svg>",
        date(heading.from),
        date(heading.until)
    );
    svg
}
