//! `source test`: one poll of one source in detail, as text or as `watchfire/source-test/v1`.

mod rows;
mod suggested;

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::status::{Scope, Status};
use crate::domain::environment::environments;
use crate::domain::{
    Dropped, Exchange, Facts, Fault, Mapped, Mapping, OnCall, Report, Silence, Stage, Suggestions,
};
use crate::store::Store;
use crate::text::{Shown, Untrusted};

/// One poll, and everything that is known of it.
pub struct Rehearsal<'a> {
    /// The kind of the source.
    pub kind: &'static str,
    /// What came of the poll.
    pub report: &'a Report,
    /// What was sent for it.
    pub exchanges: &'a [Exchange],
    /// How the answer became rows, where the settings say it.
    pub mapped: Option<&'a Mapped>,
    /// A store of this source alone that has taken the report in.
    pub store: &'a Store,
}

#[derive(Serialize)]
struct RehearsalJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    source: &'a str,
    kind: &'static str,
    ok: bool,
    latency_ms: i128,
    requests: Vec<RequestJson<'a>>,
    programs: Option<Vec<ProgramJson<'a>>>,
    notes: &'a [Untrusted],
    counts: Counts,
    environments: Vec<EnvironmentJson<'a>>,
    warnings: &'a [Untrusted],
    fault: Option<&'a Untrusted>,
    on_call: Option<Vec<ShiftJson<'a>>>,
    silences: Option<Vec<SilenceJson<'a>>>,
    suggestions: Option<suggested::SuggestionsJson<'a>>,
    status: Status<'a>,
}

#[derive(Serialize)]
struct RequestJson<'a> {
    method: &'a str,
    url: &'a Untrusted,
    sent_bytes: usize,
    status: Option<u16>,
    bytes: usize,
    took_ms: i128,
    fault: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct ProgramJson<'a> {
    program: &'static str,
    emitted: usize,
    kept: usize,
    repeated: usize,
    dropped: usize,
    drops: Vec<DropJson<'a>>,
    misread: usize,
    misreads: &'a [Untrusted],
    cut: bool,
    example: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct DropJson<'a> {
    row: usize,
    reason: &'a Untrusted,
    raw: &'a Untrusted,
}

/// How many rows of each sort; `null` for what the source does not speak of.
#[derive(Serialize)]
struct Counts {
    slos: Option<usize>,
    releases: Option<usize>,
    incidents: Option<usize>,
    silences: Option<usize>,
    on_call: Option<usize>,
}

#[derive(Serialize)]
struct EnvironmentJson<'a> {
    name: &'a str,
    releases: usize,
    /// `null` where its name says neither.
    production: Option<bool>,
}

#[derive(Serialize)]
struct ShiftJson<'a> {
    schedule: &'a Untrusted,
    who: &'a Untrusted,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    from: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    until: Option<Timestamp>,
    level: Option<u32>,
    services: &'a [Untrusted],
}

#[derive(Serialize)]
struct SilenceJson<'a> {
    id: &'a Untrusted,
    created_by: &'a Untrusted,
    comment: &'a Untrusted,
    #[serde(serialize_with = "crate::print::seconds")]
    starts_at: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    ends_at: Timestamp,
}

impl Rehearsal<'_> {
    /// True when the source answered, and no part of it failed.
    pub fn is_well(&self) -> bool {
        self.fault().is_none()
    }

    fn facts(&self) -> Option<&Facts> {
        self.report.outcome.as_ref().ok()
    }

    fn fault(&self) -> Option<&Fault> {
        match &self.report.outcome {
            Ok(facts) => facts.fault.as_ref(),
            Err(fault) => Some(fault),
        }
    }

    fn counts(&self) -> Counts {
        let facts = self.facts();
        Counts {
            slos: facts.and_then(|facts| facts.slos.as_ref().map(Vec::len)),
            releases: facts.and_then(|facts| facts.releases.as_ref().map(Vec::len)),
            incidents: facts.and_then(|facts| facts.incidents.as_ref().map(Vec::len)),
            silences: facts.and_then(|facts| facts.silences.as_ref().map(Vec::len)),
            on_call: facts.and_then(|facts| facts.on_call.as_ref().map(Vec::len)),
        }
    }

    fn shifts(&self) -> Option<&[OnCall]> {
        self.facts()?.on_call.as_deref()
    }

    fn suggestions(&self) -> Option<&Suggestions> {
        self.facts()?.suggestions.as_deref()
    }

    fn silences(&self) -> Option<&[Silence]> {
        self.facts()?.silences.as_deref()
    }

    /// Writes it for programs.
    pub fn json(&self, out: &mut impl Write, now: Timestamp) -> io::Result<()> {
        let programs = self
            .mapped
            .map(|mapped| mapped.programs.iter().map(program));
        let json = RehearsalJson {
            schema: "watchfire/source-test/v1",
            generated_at: now,
            source: self.report.source.as_str(),
            kind: self.kind,
            ok: self.is_well(),
            latency_ms: self.report.latency.as_millis(),
            requests: self.exchanges.iter().map(request).collect(),
            programs: programs.map(Iterator::collect),
            notes: self.mapped.map_or(&[], |mapped| mapped.notes.as_slice()),
            counts: self.counts(),
            environments: self.environments(),
            warnings: self.facts().map_or(&[], |facts| facts.warnings.as_slice()),
            fault: self.fault().map(|fault| &fault.message),
            on_call: self.shifts().map(|rows| rows.iter().map(shift).collect()),
            silences: self
                .silences()
                .map(|rows| rows.iter().map(silence).collect()),
            suggestions: self.suggestions().map(suggested::json),
            status: Status::of(self.store, Scope::default(), None, now),
        };
        super::json(out, &json)
    }

    /// Writes it for a person.
    pub fn text(&self, out: &mut impl Write, now: Timestamp) -> io::Result<()> {
        let (name, took) = (self.report.source.as_str(), self.report.latency.as_millis());
        let end = if self.facts().is_some() {
            "answered"
        } else {
            "failed"
        };
        writeln!(
            out,
            "{} ({}): {end} in {took}ms",
            Shown::new(name),
            self.kind
        )?;
        writeln!(out, "\nrequests")?;
        if self.exchanges.is_empty() {
            writeln!(out, "  none that can be told of")?;
        }
        for exchange in self.exchanges {
            write_exchange(out, exchange)?;
        }
        if let Some(mapped) = self.mapped {
            writeln!(out, "\nprograms")?;
            for mapping in &mapped.programs {
                write_mapping(out, mapping)?;
            }
            for note in &mapped.notes {
                writeln!(out, "  {}", note.shown())?;
            }
        }
        self.write_facts(out, now)?;
        if let Some(fault) = self.fault() {
            writeln!(out, "fault: {}", fault.message.shown_whole())?;
        }
        Ok(())
    }

    fn write_facts(&self, out: &mut impl Write, now: Timestamp) -> io::Result<()> {
        let Some(facts) = self.facts() else {
            return writeln!(out);
        };
        writeln!(out, "\nrows: {}", self.counts().words())?;
        rows::write(out, self.store, now)?;
        self.write_environments(out)?;
        if let Some(suggestions) = self.suggestions() {
            suggested::write(out, suggestions)?;
        }
        writeln!(out)?;
        for warning in &facts.warnings {
            writeln!(out, "warning: {}", warning.shown_whole())?;
        }
        Ok(())
    }
}

impl<'a> Rehearsal<'a> {
    /// The environments of its releases, each with how it stands to production.
    fn environments(&self) -> Vec<EnvironmentJson<'a>> {
        let facts = self.report.outcome.as_ref().ok();
        let releases = facts.and_then(|facts| facts.releases.as_deref());
        let found = environments(releases.unwrap_or_default(), self.store.production());
        let named = found.into_iter().filter(|(name, _)| !name.is_empty());
        named
            .map(|(name, (releases, stage))| EnvironmentJson {
                name,
                releases,
                production: match stage {
                    Stage::Production => Some(true),
                    Stage::Before => Some(false),
                    Stage::Unknown => None,
                },
            })
            .collect()
    }

    fn write_environments(&self, out: &mut impl Write) -> io::Result<()> {
        for environment in self.environments() {
            let EnvironmentJson { name, releases, .. } = environment;
            let stage = match environment.production {
                Some(true) => "production",
                Some(false) => "before production",
                None => {
                    "not known, so not taken for production: name it in `[delivery] production` if it is"
                }
            };
            let name = Untrusted::from(name);
            let plural = if releases == 1 { "" } else { "s" };
            writeln!(
                out,
                "  environment {}: {releases} release{plural}, {stage}",
                name.shown_whole()
            )?;
        }
        Ok(())
    }
}

impl Counts {
    fn words(&self) -> String {
        let all = [
            (self.slos, "SLO"),
            (self.releases, "release"),
            (self.incidents, "incident"),
            (self.silences, "silence"),
            (self.on_call, "shift"),
        ];
        let words = all.into_iter().filter_map(|(count, word)| {
            let count = count?;
            let plural = if count == 1 { "" } else { "s" };
            Some(format!("{count} {word}{plural}"))
        });
        let words: Vec<_> = words.collect();
        if words.is_empty() {
            return "it speaks of nothing".to_owned();
        }
        words.join(", ")
    }
}

fn write_exchange(out: &mut impl Write, exchange: &Exchange) -> io::Result<()> {
    let status = exchange
        .status
        .map_or("no answer".to_owned(), |status| status.to_string());
    let body = match exchange.sent {
        0 => String::new(),
        sent => format!(" ({sent} bytes sent)"),
    };
    writeln!(
        out,
        "  {} {}{body}: {status}, {} bytes, {}ms",
        exchange.method,
        exchange.url.shown_whole(),
        exchange.bytes,
        exchange.took.as_millis()
    )?;
    match &exchange.fault {
        Some(fault) => writeln!(out, "    {}", fault.shown_whole()),
        None => Ok(()),
    }
}

fn write_mapping(out: &mut impl Write, mapping: &Mapping) -> io::Result<()> {
    let Mapping {
        program,
        emitted,
        kept,
        repeated,
        dropped,
        ..
    } = mapping;
    write!(
        out,
        "  {program}: {emitted} emitted, {kept} kept, {dropped} dropped"
    )?;
    if *repeated > 0 {
        write!(out, ", {repeated} seen on an earlier page")?;
    }
    if mapping.is_cut {
        write!(out, ", more were there")?;
    }
    writeln!(out)?;
    for Dropped { row, reason, raw } in &mapping.drops {
        writeln!(out, "    dropped: row {row} {}", reason.shown_whole())?;
        writeln!(out, "      {}", raw.shown_whole())?;
    }
    let told = mapping.drops.len();
    if *dropped > told {
        writeln!(out, "    … and {} more", dropped - told)?;
    }
    for words in &mapping.misreads {
        writeln!(out, "    not understood: {}", words.shown_whole())?;
    }
    if let Some(example) = &mapping.example {
        writeln!(out, "    the first object of its input:")?;
        writeln!(out, "      {}", example.shown_whole())?;
    }
    Ok(())
}

fn request(exchange: &Exchange) -> RequestJson<'_> {
    RequestJson {
        method: &exchange.method,
        url: &exchange.url,
        sent_bytes: exchange.sent,
        status: exchange.status,
        bytes: exchange.bytes,
        took_ms: exchange.took.as_millis(),
        fault: exchange.fault.as_ref(),
    }
}

fn program(mapping: &Mapping) -> ProgramJson<'_> {
    let drops = mapping.drops.iter();
    ProgramJson {
        program: mapping.program,
        emitted: mapping.emitted,
        kept: mapping.kept,
        repeated: mapping.repeated,
        dropped: mapping.dropped,
        drops: drops
            .map(|Dropped { row, reason, raw }| DropJson {
                row: *row,
                reason,
                raw,
            })
            .collect(),
        misread: mapping.misread,
        misreads: &mapping.misreads,
        cut: mapping.is_cut,
        example: mapping.example.as_ref(),
    }
}

fn shift(row: &OnCall) -> ShiftJson<'_> {
    ShiftJson {
        schedule: &row.schedule,
        who: &row.who,
        from: row.from,
        until: row.until,
        level: row.level,
        services: &row.services,
    }
}

fn silence(row: &Silence) -> SilenceJson<'_> {
    SilenceJson {
        id: &row.id,
        created_by: &row.created_by,
        comment: &row.comment,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
    }
}
