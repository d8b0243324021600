//! Messages: JSON that Slack and its likes read, and annotations of Grafana.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::changes::{Change, SloChange};
use crate::domain::State;
use crate::domain::clock::whole;
use crate::text::Untrusted;

/// The most changes that one message names.
const MAX_LINES: usize = 10;
/// Placeholder of an unknown value.
const NOTHING: &str = "–";

/// One message for all of these changes: `{"text": "…"}`, as Slack, Mattermost and others read it.
pub(super) fn webhook(template: &str, changes: &[Change]) -> Value {
    let mut lines: Vec<_> = changes
        .iter()
        .take(MAX_LINES)
        .map(|change| text(template, change))
        .collect();
    if changes.len() > MAX_LINES {
        lines.push(format!("and {} more changes", changes.len() - MAX_LINES));
    }
    json!({ "text": lines.join("\n") })
}

fn text(template: &str, change: &Change) -> String {
    match change {
        Change::Slo(slo) => filled(template, |name| field(slo, name)),
        Change::Release {
            service,
            version,
            environment,
            actor,
            at,
            ..
        } => {
            let words = arrival([service, version, environment], actor.as_ref(), plain);
            format!("release: {words} at {}", second(*at))
        }
    }
}

/// A release in words: `checkout v2 to production by mara`.
fn arrival(
    [service, version, environment]: [&Untrusted; 3],
    actor: Option<&Untrusted>,
    word: impl Fn(&Untrusted) -> String,
) -> String {
    let by = actor.map(|actor| format!(" by {}", word(actor)));
    format!(
        "{} {} to {}{}",
        word(service),
        word(version),
        word(environment),
        by.unwrap_or_default()
    )
}

/// A template with its fields filled in; a value is never read as a template.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, next)) = after.split_once('}') else {
            return text;
        };
        text.push_str(&value(name));
        rest = next;
    }
    text + rest
}

fn field(slo: &SloChange, name: &str) -> String {
    let known = |value: Option<String>| value.unwrap_or_else(|| NOTHING.to_owned());
    match name {
        "state" => slo.state.word().to_uppercase(),
        "was" => known(slo.was.map(|was| was.word().to_owned())),
        "slo" => plain(&slo.id),
        "service" => plain(&slo.service),
        "source" => plain(&slo.source.as_str().into()),
        "burn" => known(slo.burn.map(|burn| format!("{burn:.1}x"))),
        "budget" => known(slo.budget.map(|left| format!("{:.0} %", left * 100.0))),
        "since" => known(slo.since.map(second)),
        "suspect" => known(slo.suspect.as_ref().map(plain)),
        "at" => second(slo.at),
        // The configuration allows no other.
        _ => String::new(),
    }
}

/// Foreign text without control characters, links and mentions: what Slack reads as markup is escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text/>).
fn plain(text: &Untrusted) -> String {
    let shown = text.shown();
    let escaped = shown.as_str().replace('&', "&amp;");
    escaped.replace('<', "&lt;").replace('>', "&gt;")
}

fn second(at: Timestamp) -> String {
    whole(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The annotation of a change (<https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>).
pub(super) fn annotation(change: &Change) -> Value {
    match change {
        Change::Slo(slo) => {
            let began = slo.since.filter(|_| burns(slo.state)).unwrap_or(slo.at);
            json!({
                "time": began.as_millisecond(),
                "tags": ["watchfire", "slo", slo.state.word(), slo.service.shown().as_str()],
                "text": html(&format!("{} {}", slo.id.shown(), slo.state.word())),
            })
        }
        Change::Release {
            service,
            version,
            environment,
            actor,
            at,
            ..
        } => {
            let text = arrival([service, version, environment], actor.as_ref(), |word| {
                word.shown().to_string()
            });
            json!({
                "time": at.as_millisecond(),
                "tags": ["watchfire", "release", service.shown().as_str(), environment.shown().as_str()],
                "text": html(&text),
            })
        }
    }
}

/// True for a state that is a burn.
pub(super) fn burns(state: State) -> bool {
    matches!(state, State::Page | State::Ticket)
}

/// Grafana shows the text of an annotation as HTML.
fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
