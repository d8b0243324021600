//! Reads what a `/metrics` endpoint exposes: OpenMetrics 1.0 and Prometheus' text format 0.0.4.
//!
//! The formats are those of the [OpenMetrics specification] and of Prometheus' page on
//! [exposition formats]; names in quotes (`{"metric.name", label="x"}`) are those of Prometheus 3.
//! Types, help and units are checked for their form alone: what a selector selects is a series,
//! whatever its type. A body is read whole or refused with the line that is wrong.
//!
//! [OpenMetrics specification]: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
//! [exposition formats]: https://prometheus.io/docs/instrumenting/exposition_formats/

mod line;

use std::borrow::Cow;
use std::fmt;

use line::Line;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics text: ends with `# EOF`, times are seconds, exemplars may follow.
    OpenMetrics,
    /// Prometheus' own text format: times are milliseconds.
    Text,
}

impl Format {
    /// What the content type says. Everything besides OpenMetrics is taken for the older format,
    /// as Prometheus long did.
    pub(super) fn of(content_type: Option<&str>) -> Self {
        let media = content_type.unwrap_or_default().split(';').next();
        let media = media.unwrap_or_default().trim();
        if media.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// One sample of a body.
#[derive(Debug, PartialEq)]
pub(super) struct Exposed<'a, 'b> {
    /// The name of the series.
    pub(super) name: &'a str,
    /// Its labels without the name, as they stand.
    pub(super) labels: &'a [(Cow<'b, str>, Cow<'b, str>)],
    /// The value; may be NaN or infinite.
    pub(super) value: f64,
    /// When it was taken, in Unix milliseconds, where the body says so.
    pub(super) at: Option<i64>,
}

/// Why a body is not what it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Reads a body, sample after sample. What was visited before a mistake must not be used.
pub(super) fn parse(
    body: &[u8],
    format: Format,
    mut visit: impl FnMut(&Exposed<'_, '_>),
) -> Result<(), Malformed> {
    let mut labels = Vec::new();
    let mut ended = false;
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let lines = body.split(|&byte| byte == b'\n');
    let mut count = 0;
    for (number, bytes) in (1..).zip(lines) {
        count = number;
        let wrong = |reason| Malformed {
            line: number,
            reason,
        };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("this is not UTF-8"))?;
        if ended {
            return Err(wrong("something follows `# EOF`"));
        }
        match format {
            Format::OpenMetrics if text == "# EOF" => ended = true,
            Format::OpenMetrics if text.starts_with('#') => {
                descriptor(text, format).map_err(wrong)?;
            }
            Format::Text if is_blank(text) => {}
            Format::Text if text.trim_start().starts_with('#') => {
                descriptor(text.trim_start(), format).map_err(wrong)?;
            }
            _ => {
                labels.clear();
                let sample = Line::new(text, format).sample(&mut labels).map_err(wrong)?;
                visit(&Exposed {
                    name: &sample.name,
                    labels: &labels,
                    value: sample.value,
                    at: sample.at,
                });
            }
        }
    }
    if format == Format::OpenMetrics && !ended {
        return Err(Malformed {
            line: count,
            reason: "the end is missing: OpenMetrics ends with `# EOF`, so this was cut off",
        });
    }
    Ok(())
}

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// A line that begins with `#`. In the text format any other comment is allowed.
fn descriptor(text: &str, format: Format) -> Result<(), &'static str> {
    const TYPES: [&str; 9] = [
        "counter",
        "gauge",
        "histogram",
        "gaugehistogram",
        "stateset",
        "info",
        "summary",
        "unknown",
        "untyped",
    ];
    let rest = text.strip_prefix('#').unwrap_or(text).trim_end();
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let keyword = words.next().unwrap_or_default();
    let is_known = matches!(keyword, "TYPE" | "HELP" | "UNIT") && rest.starts_with([' ', '\t']);
    match format {
        Format::OpenMetrics if !is_known => {
            return Err("a comment is `# TYPE`, `# HELP`, `# UNIT` or `# EOF`");
        }
        Format::Text if !is_known => return Ok(()),
        _ => {}
    }
    if words.next().is_none() {
        return Err("the name of the metric is missing");
    }
    if keyword == "TYPE" && !words.next().is_some_and(|kind| TYPES.contains(&kind)) {
        return Err("this type is not known");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
