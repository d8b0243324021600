//! `explain`: every number of one SLO, as text or as `watchfire/explain/v1`.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::table;
use crate::domain::explanation::{
    Evidence, Request, because, budget_left, estimates, exhaustion_in_words, good, held_rate,
    lasting, number,
};
use crate::domain::{Assessment, Clock, Explanation, Period, Reading, Sample, window};
use crate::text::{Shown, Untrusted};

mod json;

pub use json::{ExplainJson, PlanJson};

/// Writes an explanation for a person. `id` is what the SLO is called across sources, `zone` that of
/// times of day; no line is ever wrapped, so that queries can be copied.
pub fn text(
    out: &mut impl Write,
    explained: &Explanation,
    id: &Untrusted,
    zone: &TimeZone,
) -> io::Result<()> {
    let verdict = explained.seen.assess();
    let clock = Clock {
        zone,
        now: explained.seen.at,
    };
    head(out, explained, &verdict, id, &clock)?;
    windows(out, explained, &verdict, &clock)?;
    rules(out, &verdict)?;
    budget(out, explained, &verdict)?;
    data(out, explained, &clock)?;
    list(
        out,
        "estimated, or different from what one may expect",
        &estimates(explained),
    )?;
    list(out, "notes", &explained.seen.slo.notes)?;
    let lacks: Vec<_> = explained.lacks.iter().map(Untrusted::raw).collect();
    list(out, "could not be found out", &lacks)?;
    let requests: Vec<_> = explained.requests.iter().map(Request::in_short).collect();
    list(out, "how a refresh asks for it", &requests)?;
    queries(out, explained)
}

/// A line of its own: a label and what it stands for.
fn field(out: &mut impl Write, label: &str, value: impl AsRef<str>) -> io::Result<()> {
    writeln!(out, "{label:<13} {}", value.as_ref())
}

fn head(
    out: &mut impl Write,
    explained: &Explanation,
    verdict: &Assessment,
    id: &Untrusted,
    clock: &Clock<'_>,
) -> io::Result<()> {
    let seen = &explained.seen;
    let slo = &seen.slo;
    writeln!(out, "{}", id.shown())?;
    let phase = verdict.phase.map(|phase| format!(", {}", phase.word()));
    let state = verdict.state.word().to_uppercase().replace('_', " ");
    let direction = seen.direction(verdict);
    let direction = direction.map(|one| format!(", {}", one.word()));
    let state = format!(
        "{state}{}{}",
        phase.unwrap_or_default(),
        direction.unwrap_or_default()
    );
    writeln!(out)?;
    field(out, "state", state)?;
    for (nth, reason) in because(seen, verdict).iter().enumerate() {
        field(out, if nth == 0 { "because" } else { "" }, reason)?;
    }
    field(
        out,
        "measured",
        format!("{} by {}", clock.full(seen.at), slo.source),
    )?;
    field(out, "defined by", slo.origin.word())?;
    let budget = slo.error_budget();
    field(
        out,
        "objective",
        format!(
            "{}% of events are good, so {}% may be bad: the error budget is {}",
            number(slo.objective * 100.0),
            number(budget * 100.0),
            number(budget)
        ),
    )?;
    let (start, end) = explained.bounds();
    let period = match (slo.period, &explained.zone) {
        (Period::Rolling(period), _) => {
            format!("the last {period}: since {}", clock.full(start))
        }
        (period, zone) => {
            let name = zone.as_ref().and_then(TimeZone::iana_name).unwrap_or("UTC");
            let own = Clock {
                zone: zone.as_ref().unwrap_or(clock.zone),
                ..*clock
            };
            let passed = seen.period_elapsed.as_secs_f64() / seen.period_length.as_secs_f64();
            format!(
                "this {period} in {name}: {} to {}, {} of {} passed ({}%)",
                own.full(start),
                own.full(end),
                lasting(seen.period_elapsed),
                lasting(seen.period_length),
                number((passed * 1000.0).round() / 10.0)
            )
        }
    };
    field(out, "period", period)?;
    writeln!(out)
}

fn windows(
    out: &mut impl Write,
    explained: &Explanation,
    verdict: &Assessment,
    clock: &Clock<'_>,
) -> io::Result<()> {
    let heading = [
        "WINDOW", "GOOD", "BAD", "TOTAL", "ERRORS", "BURN", "BASIS", "SAMPLES", "SERIES",
        "FULLEST", "DATA", "MEASURED",
    ];
    let rows: Vec<_> = explained
        .spans
        .iter()
        .map(|span| window_row(explained, verdict, span, clock))
        .collect();
    table::whole(out, &heading, &rows)?;
    writeln!(out)
}

fn window_row(
    explained: &Explanation,
    verdict: &Assessment,
    span: &Evidence,
    clock: &Clock<'_>,
) -> Vec<Shown> {
    let sample = explained.sample(span);
    let reading = sample.map_or(Reading::Unknown, |sample| sample.reading);
    let events = sample.and_then(|sample| sample.events);
    let count = |count: Option<f64>| count.map_or("-".to_owned(), number);
    let errors = match reading {
        Reading::Ratio(ratio) => number(ratio),
        Reading::NoTraffic => "no traffic".to_owned(),
        Reading::NoSeries => "no series".to_owned(),
        Reading::Unknown => "not known".to_owned(),
    };
    let burn = if span.is_period {
        verdict.period_burn
    } else {
        verdict.burn_rates.get(&span.window).copied().flatten()
    };
    let samples = span.samples;
    let fullest = samples.map(|samples| {
        let data = explained.data.as_ref();
        let expected = data.and_then(|data| data.expected(span.window));
        match expected {
            Some(expected) => format!("{} of {}", number(samples.fullest), number(expected)),
            None => number(samples.fullest),
        }
    });
    let data = explained.coverage(span).map(|coverage| {
        if samples.is_some_and(|samples| samples.count == 0.0) {
            "none".to_owned()
        } else if coverage.is_short() {
            format!("{} of {}", lasting(coverage.data), lasting(coverage.wanted))
        } else {
            "whole".to_owned()
        }
    });
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        explained.name(span),
        count(events.map(good)),
        count(events.map(|events| events.bad)),
        count(events.map(|events| events.total)),
        errors,
        burn.map_or("-".to_owned(), |burn| format!("{}x", number(burn))),
        span.basis.word().to_owned(),
        count(samples.map(|samples| samples.count)),
        count(samples.map(|samples| samples.series)),
        or_dash(fullest),
        or_dash(data),
        measured(explained, sample, clock),
    ]
    .into_iter()
    .map(Shown::new)
    .collect()
}

/// When a number was measured, marked where it is older than the newest beside it.
fn measured(explained: &Explanation, sample: Option<Sample>, clock: &Clock<'_>) -> String {
    let Some(sample) = sample.filter(|sample| sample.reading != Reading::Unknown) else {
        return "-".to_owned();
    };
    let at = clock.second(sample.at);
    match explained.seen.lag(sample) {
        Some(lag) => format!("~{at}, {} older", lasting(lag)),
        None => at,
    }
}

fn rules(out: &mut impl Write, verdict: &Assessment) -> io::Result<()> {
    let heading = ["RULE", "LONG", "BURN", "SHORT", "BURN", "FACTOR", "FIRES"];
    let burn = |burn: Option<f64>| {
        let text = burn.map_or("not known".to_owned(), |burn| format!("{}x", number(burn)));
        Shown::new(text)
    };
    let rows: Vec<_> = verdict
        .rules
        .iter()
        .map(|row| {
            let fires = match (row.firing, row.held_back) {
                (_, Some(bad)) => format!("held back at {} bad events", number(bad)),
                (Some(true), _) => "yes".to_owned(),
                (Some(false), _) => "no".to_owned(),
                (None, _) => "not known".to_owned(),
            };
            vec![
                Shown::new(row.rule.severity.word()),
                Shown::new(row.rule.long.to_string()),
                burn(row.long),
                Shown::new(row.rule.short.to_string()),
                burn(row.short),
                Shown::new(format!("{}x", number(row.rule.factor))),
                Shown::new(fires),
            ]
        })
        .collect();
    if rows.is_empty() {
        writeln!(out, "no alert rules")?;
    } else {
        table::whole(out, &heading, &rows)?;
    }
    writeln!(out)
}

fn budget(out: &mut impl Write, explained: &Explanation, verdict: &Assessment) -> io::Result<()> {
    let seen = &explained.seen;
    let left = budget_left(seen, verdict);
    let left = left.unwrap_or_else(|| "not known: the period's ratio is not".to_owned());
    field(out, "budget left", left)?;
    field(out, "gone in", exhaustion_in_words(seen, verdict))?;
    if let Some(held) = held_rate(seen, verdict) {
        let words = format!("{held}: the burn rate that ends the period within budget");
        field(out, "to be held", words)?;
    }
    writeln!(out)
}

fn data(out: &mut impl Write, explained: &Explanation, clock: &Clock<'_>) -> io::Result<()> {
    let Some(data) = &explained.data else {
        return Ok(());
    };
    let newest = match (data.newest, data.age()) {
        (Some(at), Some(age)) => format!("{} old, {}", lasting(age), clock.full(at)),
        (Some(at), None) => clock.full(at),
        (None, _) if data.present.is_none() => "not known".to_owned(),
        (None, _) => "none within a day".to_owned(),
    };
    field(out, "newest sample", newest)?;
    if let Some(interval) = data.interval {
        let words = format!("every {}s", number(interval.as_secs_f64()));
        field(out, "sampled", words)?;
    }
    if let Some(since) = explained.seen.since {
        let age = lasting(window::age(since, explained.seen.at));
        let short = explained.seen.shortfall().is_some();
        let words = if short {
            format!("{age} old, {}: younger than the period", clock.full(since))
        } else {
            "older than the period".to_owned()
        };
        field(out, "oldest sample", words)?;
    }
    let finer = |time: jiff::SignedDuration| lasting(time);
    let gap = match (data.gap, data.resolution) {
        (Some(gap), _) => format!(
            "at least {} without any sample, {} to {}",
            finer(gap.length()),
            clock.full(gap.from),
            clock.full(gap.until)
        ),
        (None, Some(seen)) => format!("none found in the last 6h above {}", finer(seen)),
        (None, None) => "not known".to_owned(),
    };
    field(out, "longest gap", gap)?;
    writeln!(out)
}

fn list(out: &mut impl Write, title: &str, items: &[impl AsRef<str>]) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    for item in items {
        writeln!(out, "- {}", Shown::new(item.as_ref()))?;
    }
    writeln!(out)
}

fn queries(out: &mut impl Write, explained: &Explanation) -> io::Result<()> {
    writeln!(
        out,
        "queries, as they can be asked of {}:",
        explained.seen.slo.source
    )?;
    let mut any = false;
    for span in &explained.spans {
        for (name, query) in &span.queries {
            any = true;
            writeln!(out, "# {}\n{}", Shown::new(name), query.shown_whole())?;
        }
    }
    if !any {
        for (name, query) in &explained.seen.slo.queries {
            any = true;
            writeln!(out, "# {}\n{}", Shown::new(name), query.shown_whole())?;
        }
    }
    if !any {
        writeln!(out, "# the source names none")?;
    }
    Ok(())
}

/// Writes the requests of a refresh of one source for a person.
pub fn plan_text(
    out: &mut impl Write,
    source: &str,
    requests: Option<&[Request]>,
) -> io::Result<()> {
    let Some(requests) = requests else {
        return writeln!(out, "{}: does not plan its requests\n", Shown::new(source));
    };
    let served: std::collections::BTreeSet<_> = requests
        .iter()
        .flat_map(|request| &request.serves)
        .collect();
    writeln!(
        out,
        "{}: {} requests serve {} SLOs\n",
        Shown::new(source),
        requests.len(),
        served.len()
    )?;
    for request in requests {
        let every = request.how_often();
        let names = request.serves.iter().map(Untrusted::shown);
        let names: Vec<_> = names.map(|name| name.as_str().to_owned()).collect();
        writeln!(
            out,
            "# {}, {every}, for {} SLOs: {}",
            Shown::new(&request.what),
            names.len(),
            names.join(", ")
        )?;
        writeln!(out, "{}", request.query.shown_whole())?;
    }
    writeln!(out)
}
