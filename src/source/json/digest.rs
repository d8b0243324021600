//! What the programs make of one page after the other.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jaq_json::Val;
use jiff::Timestamp;
use serde_json::Value;

use super::paging::{How, Page, Paging};
use super::past;
use super::program::Stopped;
use super::rows::{Collect, Finished, Rows, Terms, excerpt, text};
use super::sandbox::Sandboxed;
use super::{REST, shape, too_slow};
use crate::domain::{Facts, Fault, FaultKind, Incident, Mapped, Observation, OnCall, Release};
use crate::http::Answer;
use crate::text::Untrusted;

/// The most characters of the object that stands for a program's input.
const MAX_EXAMPLE: usize = 2_000;

/// What turns answers into rows, and leads from page to page.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) slos: Option<Sandboxed>,
    pub(super) releases: Option<Sandboxed>,
    pub(super) incidents: Option<Sandboxed>,
    pub(super) on_call: Option<Sandboxed>,
    pub(super) paging: Paging,
}

impl Plan {
    /// True when anything becomes a row.
    pub(super) fn has_program(&self) -> bool {
        let programs = [&self.slos, &self.releases, &self.incidents, &self.on_call];
        programs.into_iter().any(Option::is_some)
    }
}

/// The rows of one poll so far.
pub(super) struct Digest {
    slos: Option<Rows<Observation>>,
    releases: Option<Rows<Release>>,
    incidents: Option<Rows<Incident>>,
    on_call: Option<Rows<OnCall>>,
    /// The first object of the first page.
    example: Option<Untrusted>,
    /// How many rows the server says there are.
    total: Option<u64>,
}

impl Digest {
    pub(super) fn new(plan: &Plan, terms: Terms) -> Self {
        Self {
            incidents: plan
                .incidents
                .is_some()
                .then(|| Rows::new("incidents", terms.severities.clone())),
            slos: plan.slos.is_some().then(|| Rows::new("slos", terms)),
            releases: plan.releases.is_some().then(|| Rows::new("releases", ())),
            on_call: plan.on_call.is_some().then(|| Rows::new("on_call", ())),
            example: None,
            total: None,
        }
    }

    /// Takes in a page, and tells what matters for the next.
    pub(super) fn page(
        &mut self,
        plan: &Plan,
        answer: &Answer,
        until: Instant,
    ) -> Result<Page, Fault> {
        let items = shape::items(answer)?;
        if self.example.is_none() {
            let object = shape::first_object(answer)?;
            self.example = Some(excerpt(&object, MAX_EXAMPLE).into());
        }
        let before = self.counts();
        for (program, rows) in self.each(plan) {
            rows.turn();
            let taken = program.run(&answer.body, left(until), |output| rows.take(&output));
            taken.map_err(|stopped| unfit(rows.program(), stopped))?;
        }
        let cursor = match &plan.paging.how {
            How::Cursor { program, .. } => single("paginate.cursor", program, &answer.body, until)?,
            _ => None,
        };
        self.total = total(plan, answer, until)?.or(self.total);
        let now = self.counts();
        let is_full = self.each(plan).all(|(_, rows)| rows.is_full());
        Ok(Page {
            items,
            emitted: now.0 - before.0,
            fresh: now.1 - before.1,
            is_full,
            cursor: cursor.as_ref().and_then(cursor_of),
            total: self.total,
        })
    }

    /// True once an answer was understood as JSON.
    pub(super) fn has_input(&self) -> bool {
        self.example.is_some()
    }

    /// What was read comes to these facts; `at` is the past moment that they are to speak of, and
    /// `cut` why there are more rows than were read.
    pub(super) fn facts(self, at: Option<Timestamp>, cut: Option<&str>) -> (Facts, Mapped) {
        let mut told = Told {
            example: self.example,
            total: self.total,
            at,
            cut,
            facts: Facts::default(),
            mapped: Mapped::default(),
        };
        let slos = self
            .slos
            .map(|rows| told.take(rows.finish(), |rows, _| (rows, 0)));
        let releases = self
            .releases
            .map(|rows| told.take(rows.finish(), past::releases));
        let incidents = self
            .incidents
            .map(|rows| told.take(rows.finish(), past::incidents));
        let on_call = self
            .on_call
            .map(|rows| told.take(rows.finish(), past::shifts));
        let mut facts = Facts {
            slos,
            releases,
            incidents,
            on_call,
            ..told.facts
        };
        if at.is_some() && facts.slos.as_ref().is_some_and(Vec::is_empty) {
            facts.slos = None;
            facts.fault = Some(Fault::new(
                FaultKind::NoHistory,
                "its SLOs say nothing of that moment: rows need an `observed_at` before it",
            ));
        }
        (facts, told.mapped)
    }

    /// The programs and the rows of each.
    fn each<'a>(
        &'a mut self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (&'a Sandboxed, &'a mut dyn Collect)> {
        fn one<'a, T: Collect>(
            program: Option<&'a Sandboxed>,
            rows: Option<&'a mut T>,
        ) -> Option<(&'a Sandboxed, &'a mut dyn Collect)> {
            Some((program?, rows?))
        }
        [
            one(plan.slos.as_ref(), self.slos.as_mut()),
            one(plan.releases.as_ref(), self.releases.as_mut()),
            one(plan.incidents.as_ref(), self.incidents.as_mut()),
            one(plan.on_call.as_ref(), self.on_call.as_mut()),
        ]
        .into_iter()
        .flatten()
    }

    /// Rows emitted and rows kept, of all programs.
    fn counts(&self) -> (usize, usize) {
        let all = [
            self.slos.as_ref().map(Collect::counts),
            self.releases.as_ref().map(Collect::counts),
            self.incidents.as_ref().map(Collect::counts),
            self.on_call.as_ref().map(Collect::counts),
        ];
        let all = all.into_iter().flatten();
        all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// What is to be told of the rows.
struct Told<'a> {
    example: Option<Untrusted>,
    total: Option<u64>,
    at: Option<Timestamp>,
    cut: Option<&'a str>,
    facts: Facts,
    mapped: Mapped,
}

impl Told<'_> {
    /// The rows of one program as they stood at the moment that is asked for.
    fn take<T>(
        &mut self,
        finished: Finished<T>,
        past: impl FnOnce(Vec<T>, Timestamp) -> (Vec<T>, usize),
    ) -> Vec<T> {
        let Finished {
            rows,
            warnings,
            mut mapping,
            is_puzzled,
        } = finished;
        self.facts.warnings.extend(warnings);
        let what = mapping.program;
        if let Some(cut) = self.cut.filter(|_| !mapping.is_cut) {
            let loaded = loaded(what, rows.len(), self.total, cut);
            self.facts.warnings.push(loaded.into());
        }
        mapping.example = self.example.clone().filter(|_| is_puzzled);
        self.mapped.programs.push(mapping);
        let Some(at) = self.at else {
            return rows;
        };
        let (rows, undated) = past(rows, at);
        if undated > 0 {
            let words = format!("{what}: {undated} rows without a date are left out of the past");
            self.facts.warnings.push(words.into());
        }
        rows
    }
}

/// How much of a list was read, and why not all of it.
fn loaded(what: &str, rows: usize, total: Option<u64>, cut: &str) -> String {
    let count = u64::try_from(rows).unwrap_or(u64::MAX);
    match total.filter(|total| *total > count) {
        Some(total) => format!(
            "{what}: {} of {} loaded: {cut}",
            grouped(count),
            grouped(total)
        ),
        None => format!("{what}: {} rows loaded, more there: {cut}", grouped(count)),
    }
}

/// A count as people read it: 12,345.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn unfit(what: &str, stopped: Stopped) -> Fault {
    match stopped {
        Stopped::Late => too_slow(),
        Stopped::Memory => Fault {
            retry_after: Some(REST),
            ..Fault::new(
                FaultKind::TooLarge,
                format!(
                    "`{what}` needs more than 1 GiB of memory or nests too deep; let it build less"
                ),
            )
        },
        Stopped::NotStarted(why) => Fault::new(
            FaultKind::Crash,
            format!("no process for `{what}` could be started: {why}"),
        ),
        Stopped::Error(error) => Fault::new(
            FaultKind::Decode,
            format!("`{what}` does not fit the answer: {error}"),
        ),
    }
}

/// The time from now on.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// The first output of a program that is there for one value.
fn single(
    what: &str,
    program: &Sandboxed,
    input: &[u8],
    until: Instant,
) -> Result<Option<Val>, Fault> {
    let mut first = None;
    let take = |output| {
        first = Some(output);
        ControlFlow::Break(())
    };
    let taken = program.run(input, left(until), take);
    taken.map_err(|stopped| unfit(what, stopped))?;
    Ok(first)
}

/// How many rows there are: by the program for it, or by the headers that many servers send.
fn total(plan: &Plan, answer: &Answer, until: Instant) -> Result<Option<u64>, Fault> {
    if let Some(program) = &plan.paging.total {
        let told = single("paginate.total", program, &answer.body, until)?;
        return Ok(told
            .as_ref()
            .and_then(text)
            .and_then(|total| total.parse().ok()));
    }
    let headers = ["X-Total-Count", "X-Total"].map(|name| answer.header(name));
    Ok(headers
        .into_iter()
        .flatten()
        .find_map(|total| total.trim().parse().ok()))
}

/// Null, false and an empty text say that a list has ended.
fn cursor_of(value: &Val) -> Option<Value> {
    let text = text(value).filter(|text| !text.is_empty())?;
    Some(match value {
        Val::Num(_) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    })
}
