//! The SLOs that a source suggests, with what counts them, and what it does not suggest.

use std::io::{self, Write};

use serde::Serialize;

use crate::domain::slo::rounded;
use crate::domain::{Declined, Suggestion, Suggestions};
use crate::print::table;
use crate::text::{Shown, Untrusted};

#[derive(Serialize)]
pub(super) struct SuggestionsJson<'a> {
    slos: Vec<SuggestionJson<'a>>,
    declined: Vec<DeclinedJson<'a>>,
    looked_for: &'a [String],
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    service: &'a Untrusted,
    name: &'static str,
    standing: &'static str,
    objective: f64,
    period: String,
    ratio: Option<f64>,
    because: &'a Untrusted,
    recipe: &'a str,
    total: Option<&'a Untrusted>,
    bad: Option<&'a Untrusted>,
    good: Option<&'a Untrusted>,
    gauge: Option<&'a Untrusted>,
    absent: Option<&'static str>,
}

#[derive(Serialize)]
struct DeclinedJson<'a> {
    metric: &'a Untrusted,
    reason: &'a Untrusted,
}

pub(super) fn json(of: &Suggestions) -> SuggestionsJson<'_> {
    SuggestionsJson {
        slos: of.all.iter().map(suggestion).collect(),
        declined: of.declined.iter().map(declined).collect(),
        looked_for: &of.families,
    }
}

fn suggestion(of: &Suggestion) -> SuggestionJson<'_> {
    let settings = of.counts.settings();
    let setting = |key: &str| {
        let mut all = settings.iter();
        all.find(|(name, _)| *name == key).map(|(_, text)| *text)
    };
    SuggestionJson {
        service: &of.service,
        name: of.name,
        standing: of.standing.word(),
        objective: of.objective,
        period: of.period.to_string(),
        ratio: of.ratio,
        because: &of.because,
        recipe: &of.recipe,
        total: setting("total"),
        bad: setting("bad"),
        good: setting("good"),
        gauge: setting("gauge"),
        absent: of.absent_is_zero.then_some("zero"),
    }
}

fn declined(of: &Declined) -> DeclinedJson<'_> {
    DeclinedJson {
        metric: &of.metric,
        reason: &of.reason,
    }
}

/// Writes them for a person.
pub(super) fn write(out: &mut impl Write, of: &Suggestions) -> io::Result<()> {
    writeln!(out)?;
    if of.all.is_empty() {
        writeln!(out, "no SLO to suggest")?;
    } else {
        let rows: Vec<_> = of.all.iter().map(cells).collect();
        let heading = ["SUGGESTED", "OBJECTIVE", "STANDING", "COUNTS", "BECAUSE"];
        table::whole(out, &heading, &rows)?;
    }
    for declined in &of.declined {
        let (metric, reason) = (declined.metric.shown_whole(), declined.reason.shown_whole());
        writeln!(out, "nothing suggested from {metric}: {reason}")?;
    }
    Ok(())
}

fn cells(of: &Suggestion) -> Vec<Shown> {
    let settings = of.counts.settings().into_iter();
    let settings = settings.map(|(key, text)| format!("{key} = {}", text.shown_whole()));
    vec![
        Shown::new(format!("{}/{}", of.service.shown(), of.name)),
        Shown::new(format!("{}%", rounded(of.objective * 100.0))),
        Shown::new(of.standing.word().replace('_', " ")),
        Shown::new(settings.collect::<Vec<_>>().join(", ")),
        of.because.shown_whole(),
    ]
}
