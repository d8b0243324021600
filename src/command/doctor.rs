//! `watchfire doctor`: looks at every source and every SLO for what keeps the numbers from being
//! right, and says what to do about it.

mod bundle;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use bundle::Bundle;

use super::waiting::Several;
use super::{adjustments, explain, on_runtime, refuse, status};
use crate::cli::{self, ReportFormat};
use crate::config::{Loaded, SourceSettings};
use crate::domain::environment::environments;
use crate::domain::explanation::findings;
use crate::domain::nearest_name::nearest;
use crate::domain::{Facts, FaultKind, Finding, Grade, Production, Report, Stage, window};
use crate::http::trace;
use crate::poll;
use crate::print::doctor::{Diagnosis, Examined, Health};
use crate::source::{Ask, Source};
use crate::store::{Feed, Store};
use crate::text::Untrusted;
use crate::watch::Watch;

/// What `doctor` says with its exit status when something is to be done.
const FINDINGS: u8 = 1;
/// What it says when a source does not answer.
const DOWN: u8 = super::UNKNOWN;
/// A clock that is off by more is told of: `Date` has whole seconds.
const OFF: SignedDuration = SignedDuration::from_secs(10);
/// The most services without an SLO that are told of.
const MOST: usize = 10;

/// Asks and examines every source, prints what was found, and says whether anything is to be done.
pub fn run(options: &cli::Doctor, loaded: &Loaded, watch: Watch) -> ExitCode {
    let watch = match status::of_sources(&options.source, &loaded.settings, watch) {
        Ok(watch) => watch,
        Err(why) => return refuse(why),
    };
    let mut store = watch.store;
    let examined = on_runtime(|runtime| {
        runtime.block_on(trace::listen(examine_all(watch.sources, &mut store)))
    });
    let (mut examined, exchanges) = match examined {
        Ok(examined) => examined,
        Err(exit) => return exit,
    };
    join(&store, &mut examined);
    note_no_slos(&store, &mut examined);
    name_twins(&store, &mut examined);
    note_quiet(loaded, &mut examined);
    note_adjustments(loaded, &store, &mut examined);
    if let Err(why) = narrow(options, &store, &mut examined) {
        return refuse(why);
    }
    let diagnosis = Diagnosis {
        file: loaded
            .settings
            .file
            .as_ref()
            .map(|file| file.display().to_string()),
        sources: examined,
    };
    if let Some(file) = &options.bundle {
        let bundle = Bundle {
            loaded,
            store: &store,
            diagnosis: &diagnosis,
            exchanges: &exchanges,
        };
        if let Err(error) = bundle.write(file, Timestamp::now()) {
            return refuse(format!("cannot write {}: {error}", file.display()));
        }
        super::say(format!(
            "wrote {}: read it before you send it",
            file.display()
        ));
    }
    let mut text = Vec::new();
    let written = match options.format {
        ReportFormat::Text => diagnosis.text(&mut text),
        ReportFormat::Json => diagnosis.json(&mut text, Timestamp::now()),
        ReportFormat::Github => diagnosis.github(&mut text),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the diagnosis: {error}"));
    }
    let printed = super::print(&text);
    match (printed, diagnosis.health()) {
        (ExitCode::SUCCESS, Health::Findings) => ExitCode::from(FINDINGS),
        (ExitCode::SUCCESS, Health::Unknown) => ExitCode::from(DOWN),
        _ => printed,
    }
}

/// SLOs of the configuration that alert nobody: good to know, as that may be meant.
fn note_quiet(loaded: &Loaded, examined: &mut [Examined]) {
    let slos = loaded.settings.slos.iter();
    for slo in slos.filter(|slo| slo.rules.is_empty()) {
        let what = "alerts nobody: its `rules` are empty";
        let finding = Finding::new(Grade::Note, "rules", what).of_slo(&slo.promise().id());
        let mut sources = examined.iter_mut();
        if let Some(source) = sources.find(|one| one.source == slo.source.as_str()) {
            source.findings.push(finding);
        }
    }
}

/// Budget adjustments that no budget follows, with the source that they belong to.
fn note_adjustments(loaded: &Loaded, store: &Store, examined: &mut [Examined]) {
    let mut measuring = store.feeds().iter().filter(|feed| feed.offers.slos);
    let first = measuring.next().map(|feed| feed.name.to_string());
    for (source, finding) in adjustments::findings(&loaded.settings, store) {
        let source = source.or_else(|| first.clone());
        let mut all = examined.iter_mut();
        if let Some(mine) = all.find(|one| Some(&one.source) == source.as_ref()) {
            mine.findings.push(finding);
        }
    }
}

/// Leaves what was found of the SLOs that are asked about, and of their sources.
fn narrow(
    options: &cli::Doctor,
    store: &Store,
    examined: &mut Vec<Examined>,
) -> Result<(), String> {
    if options.slos.is_empty() && options.service.is_empty() {
        return Ok(());
    }
    let mut wanted = BTreeSet::new();
    for slo in &options.slos {
        let (source, id, _) = explain::find(store, slo)?;
        wanted.insert((source, id));
    }
    for service in &options.service {
        let of_service = store
            .slos()
            .filter(|(_, seen)| seen.slo.service.raw() == service);
        let of_service: Vec<_> = of_service
            .map(|(feed, seen)| (feed.name.to_string(), seen.slo.id()))
            .collect();
        if of_service.is_empty() {
            let service = Untrusted::from(service.as_str());
            return Err(format!("no SLO is of the service `{}`", service.shown()));
        }
        wanted.extend(of_service);
    }
    examined.retain(|one| wanted.iter().any(|(source, _)| *source == one.source));
    for one in examined {
        let source = one.source.clone();
        one.findings.retain(|finding| match &finding.slo {
            Some(id) => wanted.contains(&(source.clone(), id.clone())),
            None => true,
        });
    }
    Ok(())
}

/// Every source at once, each polled like any other time and then looked at closely.
async fn examine_all(
    sources: Vec<(SourceSettings, Box<dyn Source>)>,
    store: &mut Store,
) -> Vec<Examined> {
    let kinds: Vec<_> = store.feeds().iter().map(|feed| feed.kind).collect();
    let names = sources.iter().map(|(one, _)| one.name.to_string());
    let several = Several::new("looking at the sources", names.collect());
    let several = &several;
    let looks = sources
        .into_iter()
        .map(|(settings, mut source)| async move {
            let ask = Ask {
                now: Timestamp::now(),
                at: None,
                history: false,
                since: None,
            };
            let limit = poll::limit(&settings);
            let report = poll::poll_once(&settings.name, source.as_mut(), &ask, limit).await;
            let close = if report.outcome.is_ok() {
                poll::examine_once(source.as_mut(), &ask, limit * 3).await
            } else {
                Vec::new()
            };
            several.done(settings.name.as_str());
            (settings, report, close, source.skew())
        });
    let looks = futures_util::future::join_all(looks).await;
    let mut examined = Vec::new();
    for ((settings, report, close, skew), kind) in looks.into_iter().zip(kinds) {
        let mut findings = of_report(&report, &settings, &close);
        if !close.iter().any(|finding| finding.check == "clock") {
            findings.extend(skew.map(of_skew));
        }
        findings.extend(of_environments(&report, store.production()));
        findings.extend(of_slos(&report, &close));
        findings.extend(close);
        let is_down = report
            .outcome
            .as_ref()
            .is_err_and(|fault| is_outage(fault.kind));
        store.absorb(report);
        examined.push(Examined {
            source: settings.name.to_string(),
            kind,
            is_down,
            findings,
        });
    }
    examined
}

/// True for faults that say nothing of what is wrong with the configuration: the source cannot be
/// reached or does not work, and may again in a minute.
fn is_outage(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Timeout
            | FaultKind::Connect
            | FaultKind::Tls
            | FaultKind::RateLimited
            | FaultKind::Server
            | FaultKind::Crash
    )
}

/// What one poll tells of its source.
fn of_report(report: &Report, settings: &SourceSettings, close: &[Finding]) -> Vec<Finding> {
    let facts = match &report.outcome {
        Ok(facts) => facts,
        Err(fault) => {
            let check = match fault.kind {
                FaultKind::Auth | FaultKind::Forbidden | FaultKind::Secret => "auth",
                _ => "reach",
            };
            let finding = Finding::new(Grade::Error, check, fault.message.raw());
            return vec![finding.because("nothing that it would say is known")];
        }
    };
    let took = report.latency.as_millis();
    let what = format!("answers in {took}ms: {}", rows(facts));
    let mut found = vec![Finding::new(Grade::Ok, "reach", what)];
    if report.latency > settings.interval {
        let what = format!(
            "one poll takes {} and is due every {}",
            window::brief(report.latency),
            window::brief(settings.interval)
        );
        found.push(
            Finding::new(Grade::Warning, "latency", what)
                .because("what is shown is older than it seems")
                .advise("raise `interval`, or record what is computed: `watchfire rules`"),
        );
    }
    // The same trouble of an SLO, looked at closely, says more.
    let is_told = |text: &Untrusted| {
        let mut close = close.iter().filter(|finding| finding.grade.is_trouble());
        close.any(|finding| {
            let id = finding.slo.as_ref().map_or("", Untrusted::raw);
            let rest = text.raw().strip_prefix(id);
            !id.is_empty() && rest.is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let warnings = facts.warnings.iter().filter(|said| !is_told(said));
    found.extend(warnings.map(|said| Finding::new(Grade::Warning, "warning", said.raw())));
    if let Some(fault) = &facts.fault
        && !is_told(&fault.message)
    {
        found.push(Finding::new(Grade::Error, "answer", fault.message.raw()));
    }
    found
}

/// Environments that are neither production by the settings nor called like something before it.
fn of_environments(report: &Report, production: &Production) -> Option<Finding> {
    let facts = report.outcome.as_ref().ok()?;
    let environments = environments(facts.releases.as_deref()?, production);
    let of = |wanted: Stage| {
        let all = environments.iter();
        all.filter(move |(_, (_, stage))| *stage == wanted)
    };
    let count: usize = of(Stage::Unknown).map(|(_, (count, _))| count).sum();
    let names: Vec<_> = of(Stage::Unknown).map(|(name, _)| *name).collect();
    let first = names.first()?;
    // Where nothing went to production, its name is probably another one.
    let grade = if of(Stage::Production).next().is_some() {
        Grade::Note
    } else {
        Grade::Warning
    };
    let more = names.len().saturating_sub(MOST);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let list: Vec<_> = names.iter().take(MOST).copied().collect();
    let list = list.join("`, `");
    let plural = if count == 1 { "" } else { "s" };
    let what = format!("{count} release{plural} to `{list}`{more}: not taken for production");
    let finding = Finding::new(grade, "environment", what)
        .because("releases elsewhere than in production are no suspects");
    Some(finding.advise(format!(
        "[delivery] production = [\"{first}\"] names it, if users meet what is released there"
    )))
}

/// Says that nothing is watched where every source of SLOs has answered that there are none.
fn note_no_slos(store: &Store, examined: &mut [Examined]) {
    let answers = store.feeds().iter().filter(|feed| feed.offers.slos);
    let answers: Vec<_> = answers.collect();
    let has_none = |feed: &&Feed| feed.facts.slos.as_ref().is_some_and(Vec::is_empty);
    let Some(first) = answers.first().filter(|_| answers.iter().all(has_none)) else {
        return;
    };
    let looked = store.nothing_suggested();
    let looked = looked.map_or_else(String::new, |words| format!("; {words}"));
    let what = format!("no SLO is configured, discovered or suggested{looked}");
    let finding = Finding::new(Grade::Warning, "slos", what)
        .because("no burn and no budget can be shown")
        .advise("`watchfire init` writes a configuration; an [[slo]] names what counts events");
    let mut mine = examined.iter_mut();
    if let Some(mine) = mine.find(|one| one.source == first.name.as_str()) {
        mine.findings.push(finding);
    }
}

/// What the numbers of SLOs show that their source has not looked at itself.
fn of_slos(report: &Report, close: &[Finding]) -> Vec<Finding> {
    let is_looked_at = close.iter().any(|finding| finding.slo.is_some());
    let facts = report.outcome.as_ref().ok().filter(|_| !is_looked_at);
    let slos = facts.and_then(|facts| facts.slos.as_deref());
    slos.unwrap_or_default().iter().flat_map(findings).collect()
}

/// What a source said, counted.
fn rows(facts: &Facts) -> String {
    let counts = [
        (facts.slos.as_ref().map(Vec::len), "SLO"),
        (facts.releases.as_ref().map(Vec::len), "release"),
        (facts.incidents.as_ref().map(Vec::len), "incident"),
        (facts.on_call.as_ref().map(Vec::len), "shift"),
    ];
    let told = counts.into_iter().filter_map(|(count, word)| {
        let count = count?;
        Some(format!(
            "{count} {word}{}",
            if count == 1 { "" } else { "s" }
        ))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return "nothing was asked of it".to_owned();
    }
    told.join(", ")
}

fn of_skew(ahead: SignedDuration) -> Finding {
    let off = window::brief(ahead.abs());
    if ahead.abs() <= OFF {
        let what = format!("its clock and ours agree to {}", window::brief(OFF));
        return Finding::new(Grade::Ok, "clock", what);
    }
    let way = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    Finding::new(
        Grade::Warning,
        "clock",
        format!("its clock is {off} {way} ours"),
    )
    .because("its rows are placed wrongly beside those of other sources")
    .advise("run NTP on the server and here; `timedatectl` tells whether it is")
}

/// Services that releases or incidents name and no SLO has: they meet nothing on the screen.
fn join(store: &Store, examined: &mut [Examined]) {
    let slos: BTreeSet<_> = store
        .slos()
        .map(|(_, seen)| seen.slo.service.raw().to_owned())
        .collect();
    if slos.is_empty() {
        return;
    }
    let releases = store
        .releases()
        .map(|(feed, row)| (feed.name.as_str(), "release", &row.service));
    let incidents = store
        .incidents()
        .map(|(feed, row)| (feed.name.as_str(), "incident", &row.service));
    let strangers: BTreeSet<_> = releases
        .chain(incidents)
        .filter(|(_, _, service)| !service.is_empty() && !slos.contains(service.raw()))
        .collect();
    for source in examined {
        let mine = strangers.iter().filter(|(name, ..)| *name == source.source);
        source.findings.extend(
            mine.take(MOST)
                .map(|(_, what, service)| stranger(what, service, &slos)),
        );
    }
}

fn stranger(what: &str, service: &Untrusted, slos: &BTreeSet<String>) -> Finding {
    let name = service.raw();
    let article = if what.starts_with('i') { "an" } else { "a" };
    let says = format!("{article} {what} names the service `{name}`, and no SLO has it");
    match nearest(name, slos.iter().map(String::as_str)) {
        Some(slo) => Finding::new(Grade::Warning, "service", says)
            .because(format!(
                "if it is `{slo}`, its {what}s do not stand beside its burns"
            ))
            .advise(format!(
                "[[service]] name = \"{slo}\" with aliases = [\"{name}\"]"
            )),
        None => Finding::new(Grade::Note, "service", says),
    }
}

/// SLOs that several sources have, in the findings of the last of these.
fn name_twins(store: &Store, examined: &mut [Examined]) {
    for (is_same, sources) in [true, false].into_iter().flat_map(|is_same| {
        let twins = store
            .twins()
            .into_iter()
            .filter(move |one| one.is_same == is_same);
        let mut by_sources: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for one in twins {
            let ids = by_sources.entry(one.sources).or_default();
            ids.push(one.id.raw().to_owned());
        }
        by_sources.into_iter().map(move |entry| (is_same, entry))
    }) {
        let (sources, ids) = sources;
        let last = sources.last().cloned().unwrap_or_default();
        if let Some(source) = examined.iter_mut().find(|one| one.source == last) {
            source.findings.push(of_twins(is_same, &sources, &ids));
        }
    }
}

fn of_twins(is_same: bool, sources: &[String], ids: &[String]) -> Finding {
    let more = match ids.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed = ids[..ids.len().min(MOST)].join("`, `");
    let sources = sources.join("` and `");
    if is_same {
        let what = format!("`{sources}` measure the same SLOs: `{listed}`{more}");
        return Finding::new(Grade::Warning, "twice", what)
            .because("each of them is counted, and shown, once for every source")
            .advise(
                "give the servers of one highly available pair as `urls` of one source; otherwise set `discover = false` at one of them",
            );
    }
    let what = format!("`{sources}` have SLOs of the same names: `{listed}`{more}");
    Finding::new(Grade::Note, "twice", what)
        .because("their numbers differ, so each stands for itself; ids end in @source")
}
