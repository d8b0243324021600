//! `watchfire report`: what SLOs attained and how services deliver over a time, from what sources list, from
//! their history of events, and from the journal.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use self::gather::Gathered;
use super::{UNKNOWN, refuse};
use crate::cli::{self, PaperFormat};
use crate::config::Loaded;
use crate::insight::report::{Basis, Report};
use crate::print;
use crate::print::report::{Heading, ReportJson};
use crate::watch::Watch;

pub(super) mod gather;
mod incident;
mod past;

/// The longest time that is reported on.
const LONGEST: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

/// Makes the report and prints it.
pub fn run(options: &cli::Report, loaded: &Loaded, watch: Watch) -> ExitCode {
    let settings = &loaded.settings;
    let zone = options.timezone.as_ref().unwrap_or(&settings.ui.timezone);
    let now = Timestamp::now();
    let (from, until) = gather::span(options.since, options.until, (now, zone));
    if from >= until {
        return refuse(format!(
            "--since ({from}) is not before the end of the report ({until}): write `--since 30d`, or an \
             earlier moment"
        ));
    }
    let heading = Heading {
        from,
        until,
        zone,
        now,
    };
    if let Some(wanted) = &options.slo {
        return incident::run((options, wanted), settings, watch, &heading);
    }
    if from.duration_until(until) > LONGEST {
        return refuse("a report covers two years at most: give a later --since");
    }
    let terms = gather::terms(settings, zone, (from, until));
    let gathered = match gather::all(settings, watch, &terms, true) {
        Ok(gathered) => gathered,
        Err(exit) => return exit,
    };
    let Gathered {
        rows,
        burns,
        unlinked,
        slos,
        witnesses,
        ..
    } = gathered;
    let mut report = Report::of(&Basis {
        terms: terms.clone(),
        services: &settings.services,
        only: &options.service,
        rows,
        burns,
        unlinked,
        slos,
        witnesses,
    });
    if let Some(service) = unknown_service(options, &report) {
        return refuse(format!("no source knows a service `{service}`"));
    }
    super::gate::frozen::note(settings, &mut report.services, (from, until));
    let mut text = Vec::new();
    let written = match options.format {
        PaperFormat::Md => print::report::markdown(&mut text, &report, &heading),
        PaperFormat::Html => print::report::html(&mut text, &report, &heading),
        PaperFormat::Json => print::json(&mut text, &ReportJson::new(&report, &heading)),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the report: {error}"));
    }
    let printed = super::print(&text);
    if printed == ExitCode::SUCCESS && !report.knows_anything() {
        return ExitCode::from(UNKNOWN);
    }
    printed
}

/// A service that is asked for and that nothing is known of.
fn unknown_service<'a>(options: &'a cli::Report, report: &Report) -> Option<&'a String> {
    let is_known = |name: &&String| {
        let mut services = report.services.iter();
        services.any(|one| one.service.raw() == name.as_str())
    };
    options.service.iter().find(|name| !is_known(name))
}
