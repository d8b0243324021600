//! Every number of one SLO, with what it rests on: what is known at once, and what its source adds.

use super::detail::{headed, heading, rule_grid, verdict_line};
use super::{budget_role, burn_role};
use crate::domain::explanation::{
    Basis, Data, because, budget_left, estimates, exhaustion_in_words, good, held_rate, lasting,
    number,
};
use crate::domain::{Assessment, Explanation, Observation, Period, Reading, Sample};
use crate::pane::block::{Block, Detail};
use crate::pane::cell::{Cell, Line, Role};
use crate::pane::{Said, Sight, figures, fresh};
use crate::store::Feed;
use crate::text::Shown;

/// The explanation of one SLO.
pub(super) fn detail(sight: Sight<'_>, feed: &Feed, seen: &Observation, said: Said<'_>) -> Detail {
    let verdict = seen.assess();
    let slo = &seen.slo;
    let mut detail = headed(sight, feed, slo);
    // The numbers are those of the rows, whatever the source has said meanwhile.
    let explained = known(seen, said);
    let is_current = feed.freshness(sight.now).is_current();
    if !is_current {
        prose(&mut detail, "when it was last heard:", Role::Plain);
    }
    for reason in because(seen, &verdict) {
        prose(&mut detail, reason, Role::Plain);
    }
    promise(sight, &explained, &mut detail);
    arithmetic(seen, &verdict, &mut detail);
    detail.section("events");
    detail.grid(counts(sight, &explained, &verdict), &[1, 2, 3, 4, 5]);
    detail.section("rules");
    detail.grid(rule_grid(seen, &verdict), &[]);
    samples(sight, feed, &explained, said, &mut detail);
    remarks(&explained, &mut detail);
    if !is_current {
        detail.fade();
    }
    let verdict = verdict_line(sight, feed, seen, &verdict, is_current);
    detail.blocks.insert(0, Block::Line(verdict));
    queries(&explained, &mut detail);
    detail
}

/// What the observation says, with what the source has added.
fn known(seen: &Observation, said: Said<'_>) -> Explanation {
    let mut seen = seen.clone();
    let Said::Told(told, _) = said else {
        return Explanation::of(seen);
    };
    seen.since = seen.since.or(told.seen.since);
    Explanation {
        seen,
        ..told.clone()
    }
}

fn prose(detail: &mut Detail, text: impl AsRef<str>, role: Role) {
    detail.blocks.push(Block::Prose(Shown::new(text), role));
}

fn promise(sight: Sight<'_>, explained: &Explanation, detail: &mut Detail) {
    let seen = &explained.seen;
    let slo = &seen.slo;
    detail.section("objective");
    let objective = format!(
        "{}% good, so {}% may be bad",
        number(slo.objective * 100.0),
        number(slo.error_budget() * 100.0)
    );
    detail.field("objective", Line::of(objective, Role::Plain));
    let (start, end) = explained.bounds();
    let period = match slo.period {
        Period::Rolling(period) => format!("the last {period}, since {}", sight.moment(start)),
        period => {
            let zone = explained.zone.as_ref();
            let zone = zone.and_then(jiff::tz::TimeZone::iana_name);
            let zone = zone.map_or_else(String::new, |zone| format!(" in {zone}"));
            format!(
                "this {period}{zone}, {} to {}, {} of {} passed",
                sight.moment(start),
                sight.moment(end),
                lasting(seen.period_elapsed),
                lasting(seen.period_length)
            )
        }
    };
    detail.field("period", Line::of(period, Role::Plain));
    detail.field("defined by", Line::of(slo.origin.word(), Role::Plain));
    let measured = format!(
        "{}, {} ago",
        sight.moment(seen.at),
        sight.ago(Some(seen.at))
    );
    detail.field("measured", Line::of(measured, Role::Plain));
}

fn arithmetic(seen: &Observation, verdict: &Assessment, detail: &mut Detail) {
    detail.section("the error budget");
    let left = budget_left(seen, verdict);
    let left = left.unwrap_or_else(|| "not known: the period's ratio is not".to_owned());
    detail.field("left", Line::of(left, budget_role(verdict)));
    let gone = exhaustion_in_words(seen, verdict);
    detail.field("gone in", Line::of(gone, Role::Plain));
    if let Some(held) = held_rate(seen, verdict) {
        detail.field("to be held", Line::of(held, Role::Plain));
    }
}

/// First what matters most, since a narrow screen cuts at the right.
fn counts(sight: Sight<'_>, explained: &Explanation, verdict: &Assessment) -> Vec<Vec<Cell>> {
    let mut rows = vec![heading(&[
        "window", "errors", "burn", "bad", "total", "good", "measured",
    ])];
    for span in &explained.spans {
        let sample = explained.sample(span);
        let reading = sample.map_or(Reading::Unknown, |sample| sample.reading);
        let events = sample.and_then(|sample| sample.events);
        let burn = if span.is_period {
            verdict.period_burn
        } else {
            verdict.burn_rates.get(&span.window).copied().flatten()
        };
        let role = if span.is_period {
            budget_role(verdict)
        } else {
            burn_role(verdict, span.window, burn)
        };
        let count = |count: Option<f64>| {
            let text = count.map_or_else(|| "–".to_owned(), figures::events);
            Cell::text(text, Role::Plain)
        };
        rows.push(vec![
            Cell::text(explained.name(span), Role::Dim),
            match reading {
                Reading::Ratio(ratio) => Cell::text(number(ratio), Role::Plain),
                Reading::NoTraffic => Cell::text("no events", Role::NoData),
                Reading::NoSeries => Cell::text("no series", Role::NoData),
                Reading::Unknown => Cell::text("not known", Role::Unknown),
            },
            Cell::text(
                burn.map_or("–".to_owned(), |burn| format!("{}x", number(burn))),
                role,
            ),
            count(events.map(|events| events.bad)),
            count(events.map(|events| events.total)),
            count(events.map(good)),
            measured(sight, explained, sample),
        ]);
    }
    rows
}

/// When a number was measured, marked where it is older than the newest beside it.
fn measured(sight: Sight<'_>, explained: &Explanation, sample: Option<Sample>) -> Cell {
    let Some(sample) = sample.filter(|sample| sample.reading != Reading::Unknown) else {
        return Cell::text("–", Role::Dim);
    };
    let at = sight.clock(sample.at);
    match explained.seen.lag(sample) {
        Some(lag) => Cell::text(format!("~ {at}, {} older", lasting(lag)), Role::Plain),
        None => Cell::text(at, Role::Dim),
    }
}

fn samples(
    sight: Sight<'_>,
    feed: &Feed,
    explained: &Explanation,
    said: Said<'_>,
    detail: &mut Detail,
) {
    detail.section("the samples behind it");
    match said {
        Said::Asking => {
            let words = format!("asking {}", feed.name);
            detail.line(Line::of(words, Role::Unknown));
        }
        Said::Failed(fault) => {
            let words = Line::of("not known: ", Role::Fault);
            let words = words.text(fresh::fault_words(fault), Role::Plain);
            detail.line(words);
        }
        Said::Told(_, at) => {
            detail.field("looked at", Line::of(sight.moment(at), Role::Plain));
        }
    }
    let Some(data) = &explained.data else {
        if matches!(said, Said::Told(..)) {
            let words = format!("{} tells nothing of them", feed.name);
            detail.line(Line::of(words, Role::Dim));
        }
        return;
    };
    fields(sight, explained, data, detail);
    detail.blocks.push(Block::Gap);
    detail.grid(sample_grid(explained, data), &[1, 2, 3, 4]);
}

fn fields(sight: Sight<'_>, explained: &Explanation, data: &Data, detail: &mut Detail) {
    let plain = |text: String| Line::of(text, Role::Plain);
    let newest = match (data.newest, data.age()) {
        (Some(at), Some(age)) => {
            format!("{}, {} old then", sight.moment(at), lasting(age))
        }
        (Some(at), None) => sight.moment(at),
        (None, _) if data.present.is_none() => "not known".to_owned(),
        (None, _) => "none within a day".to_owned(),
    };
    detail.field("newest", plain(newest));
    if let Some(since) = explained.seen.since {
        let short = explained.seen.shortfall().is_some();
        let word = if short { "younger" } else { "older" };
        let oldest = if short {
            format!("{}, {word} than the period", sight.moment(since))
        } else {
            format!("{word} than the period")
        };
        detail.field("oldest", plain(oldest));
    }
    if let Some(interval) = data.interval {
        let every = format!("every {}s", number(interval.as_secs_f64()));
        detail.field("sampled", plain(every));
    }
    let gap = match (data.gap, data.resolution) {
        (Some(gap), _) => format!(
            "at least {} without any sample from {}",
            lasting(gap.length()),
            sight.moment(gap.from)
        ),
        (None, Some(finest)) => format!("none in the last 6h above {}", lasting(finest)),
        (None, None) => "not known".to_owned(),
    };
    detail.field("longest gap", plain(gap));
}

fn sample_grid(explained: &Explanation, data: &Data) -> Vec<Vec<Cell>> {
    let head = ["window", "series", "samples", "fullest", "of", "data"];
    let mut rows = vec![heading(&head)];
    for span in &explained.spans {
        let count = |count: Option<f64>| {
            let text = count.map_or_else(|| "–".to_owned(), figures::events);
            Cell::text(text, Role::Plain)
        };
        let samples = span.samples;
        let coverage = explained.coverage(span);
        let covered = match (samples, coverage) {
            (Some(samples), _) if samples.count == 0.0 => Cell::text("none", Role::NoData),
            (_, Some(coverage)) if coverage.is_short() => {
                let (data, wanted) = (coverage.data, coverage.wanted);
                let text = format!("{} of {}", lasting(data), lasting(wanted));
                Cell::text(text, Role::Strong)
            }
            (_, Some(_)) => Cell::text("whole", Role::Dim),
            (_, None) => Cell::text("–", Role::Dim),
        };
        rows.push(vec![
            Cell::text(explained.name(span), Role::Dim),
            count(samples.map(|samples| samples.series)),
            count(samples.map(|samples| samples.count)),
            count(samples.map(|samples| samples.fullest)),
            count(data.expected(span.window)),
            covered,
        ]);
    }
    rows
}

fn remarks(explained: &Explanation, detail: &mut Detail) {
    let estimates = estimates(explained);
    if !estimates.is_empty() {
        detail.section("estimated, or different from what one may expect");
    }
    for text in estimates.iter().chain(explained.seen.slo.notes.iter()) {
        prose(detail, format!("- {text}"), Role::Plain);
    }
    if !explained.lacks.is_empty() {
        detail.section("could not be found out");
    }
    for lack in &explained.lacks {
        let line = Line::of("- ", Role::Plain).foreign(lack, Role::Plain);
        detail.line(line);
    }
    if !explained.requests.is_empty() {
        detail.section("how a refresh asks for it");
    }
    for request in &explained.requests {
        prose(detail, format!("- {}", request.in_short()), Role::Plain);
    }
}

fn queries(explained: &Explanation, detail: &mut Detail) {
    detail.section("queries");
    let slo = &explained.seen.slo;
    let of_spans = explained.spans.iter().flat_map(|span| &span.queries);
    let all: Vec<_> = if explained
        .spans
        .iter()
        .any(|span| span.basis != Basis::Unsaid)
    {
        of_spans.collect()
    } else {
        slo.queries.iter().collect()
    };
    if all.is_empty() {
        detail.line(Line::of("the source names none", Role::Dim));
    }
    for (name, query) in all {
        detail.line(Line::of(name, Role::Dim));
        detail.blocks.push(Block::Prose(query.shown(), Role::Plain));
    }
}
