//! The release or the moment to verify, and the time in which it is watched.

use jiff::{SignedDuration, Timestamp};

use crate::cli;
use crate::config::Settings;
use crate::domain::nearest_name::nearest;
use crate::domain::{Fault, ReleaseStatus, window};
use crate::insight::verify::{
    Cause, Chosen, Missing, NotFound, STEP, Superseding, Trial, Verdict, Wanted, choose,
};
use crate::print::verify::Report;
use crate::store::{Feed, Store};
use crate::text::Untrusted;

/// A release or a moment to verify.
pub(super) struct Target {
    /// By the name that every source calls it here.
    pub(super) service: String,
    what: What,
    length: SignedDuration,
    until: Option<Timestamp>,
}

enum What {
    Release(Wanted),
    Since(Timestamp),
}

/// A target, looked up among the releases that are known.
pub(super) enum Resolved {
    /// A time to watch, of a release or of a moment.
    Trial(Option<Box<Chosen>>, Trial),
    /// The release may still finish.
    Wait(Missing),
    /// There is nothing to watch.
    Unknown(Missing),
}

impl Target {
    /// That of the command line; why there is none.
    pub(super) fn new(
        options: &cli::Verify,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, String> {
        let zone = &settings.ui.timezone;
        let until = options.until.map(|until| until.moment(now, zone));
        let length = options.length.duration();
        if length < STEP {
            return Err(format!(
                "--for {} is too short: events are counted by the minute",
                options.length
            ));
        }
        let what = match (&options.release, &options.of_version, options.since) {
            (Some(id), _, _) => What::Release(Wanted::Id(id.clone())),
            (_, Some(version), _) => What::Release(Wanted::Version(version.clone())),
            (_, _, Some(since)) => What::Since(since.moment(now, zone)),
            _ => return Err("name the release: --release, --version or --since".to_owned()),
        };
        if let What::Since(since) = what {
            if window::is_to_come(since, now) {
                return Err(format!("--since ({since}) is in the future"));
            }
            in_order(since, until)?;
        }
        let services = settings.services.iter();
        let mut named = services.filter(|one| one.aliases.contains(&options.service));
        let service = named.next().map_or(&options.service, |one| &one.name);
        Ok(Self {
            service: service.clone(),
            what,
            length,
            until,
        })
    }

    /// The time to watch, by what is known of releases at a moment.
    pub(super) fn resolve(
        &self,
        store: &Store,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<Resolved, String> {
        let wanted = match &self.what {
            What::Since(since) => {
                let trial = self.trial(*since, *since)?;
                return Ok(Resolved::Trial(None, trial));
            }
            What::Release(wanted) => wanted,
        };
        let releases = store
            .releases()
            .map(|(feed, release)| (&feed.name, release));
        let chosen = match choose(wanted, &self.service, releases, store.production()) {
            Ok(chosen) => chosen,
            Err(not_found) => {
                let missing = self.not_found(wanted, &not_found, store);
                return Ok(Resolved::Unknown(missing));
            }
        };
        if let Some((done, start)) = chosen.dates() {
            let trial = self.trial(done, start)?;
            return Ok(Resolved::Trial(Some(Box::new(chosen)), trial));
        }
        let start = chosen.release.started_at.unwrap_or(began);
        let deadline = self.until.unwrap_or(start + self.length);
        let missing = not_finished(&chosen, now);
        // One that may never run is not waited for.
        let is_running = chosen.release.status != ReleaseStatus::Pending;
        Ok(if is_running && now < deadline {
            Resolved::Wait(missing)
        } else {
            Resolved::Unknown(missing)
        })
    }

    fn trial(&self, released: Timestamp, began: Timestamp) -> Result<Trial, String> {
        in_order(released, self.until)?;
        // Steps are whole seconds.
        let released = Timestamp::from_second(released.as_second()).unwrap_or(released);
        Ok(Trial {
            released,
            began: began.min(released),
            until: self.until.unwrap_or(released + self.length),
        })
    }

    /// What is printed of a verdict.
    pub(super) fn report(
        &self,
        watched: Option<(Option<&Chosen>, Trial, Option<Superseding>)>,
        at: Timestamp,
        verdict: Verdict,
    ) -> Report {
        let (chosen, trial, by) = match watched {
            Some((chosen, trial, by)) => (chosen, Some(trial), by),
            None => (None, None, None),
        };
        Report {
            service: self.service.clone(),
            at,
            release: chosen.cloned(),
            trial,
            superseded_by: by,
            verdict,
        }
    }

    /// How far it is, for a terminal.
    pub(super) fn progress(&self, report: &Report) -> String {
        let version = report.release.as_ref().map(|one| one.release.version.raw());
        let name = match version {
            Some(version) => format!("{} {version}", self.service),
            None => self.service.clone(),
        };
        let measured = report.verdict.slos.iter();
        let burns: Vec<_> = measured
            .filter_map(|slo| Some(format!("{} {:.1}x", slo.slo.name.raw(), slo.burn_rate?)))
            .collect();
        let burns = if burns.is_empty() {
            String::new()
        } else {
            format!(" · burn rate: {}", burns.join(", "))
        };
        format!("verify {name}: {}{burns}", report.verdict.reason)
    }

    fn not_found(&self, wanted: &Wanted, not_found: &NotFound, store: &Store) -> Missing {
        let name = match wanted {
            Wanted::Id(id) | Wanted::Version(id) => id,
        };
        let service = &self.service;
        let mut text = match &not_found.other_service {
            Some(other) => format!(
                "release `{name}` is one of {}, not of {service}",
                other.raw()
            ),
            None => format!("no release `{name}` of {service} is known"),
        };
        if !not_found.nearest.is_empty() {
            let names = not_found.nearest.iter().map(Untrusted::raw);
            let names = names.collect::<Vec<_>>().join(", ");
            text = format!("{text}; the nearest are {names}");
        }
        let mut has_source = false;
        for feed in store.feeds().iter().filter(|feed| feed.offers.releases) {
            has_source = true;
            if let Some(fault) = &feed.fault {
                text = format!("{text}; {}: {}", feed.name, fault.message.raw());
            }
        }
        if !has_source {
            text.push_str("; no source of releases is configured: name the moment with --since");
        }
        Missing::new(Cause::NotFound, text)
    }

    /// That the service has no SLO, with the name that is probably meant.
    pub(super) fn no_slo(&self, store: &Store) -> Missing {
        let services = store.slos().map(|(_, seen)| seen.slo.service.raw());
        let service = &self.service;
        let near = nearest(service, services);
        let text = match near {
            Some(near) => format!("no SLO of {service} is known; the nearest service is {near}"),
            None => format!(
                "no SLO of {service} is known: define one, or let `watchfire init` suggest some"
            ),
        };
        Missing::new(Cause::NoSlo, text)
    }
}

/// Refuses an end that is not after the release.
fn in_order(released: Timestamp, until: Option<Timestamp>) -> Result<(), String> {
    match until {
        Some(until) if released.duration_until(until) < STEP => Err(format!(
            "--until ({until}) is less than a minute after the release ({released})"
        )),
        _ => Ok(()),
    }
}

fn not_finished(chosen: &Chosen, now: Timestamp) -> Missing {
    let release = &chosen.release;
    let version = release.version.raw();
    let since = release
        .started_at
        .map(|at| window::brief(window::age(at, now)));
    let text = match (release.status, since) {
        (ReleaseStatus::Pending, _) => format!("release {version} has not begun"),
        (status, Some(since)) => {
            format!(
                "release {version} has not finished ({} for {since})",
                status.word()
            )
        }
        (status, None) => format!("release {version} has not finished ({})", status.word()),
    };
    Missing::new(Cause::NotFinished, text)
}

/// That another release came within the time.
pub(super) fn superseded_by(by: &Superseding, trial: &Trial) -> Missing {
    let release = &by.by.release;
    let after = trial.released.duration_until(by.at);
    let text = format!(
        "superseded by {} ({}) {} after the release: {} of {} were its own",
        release.version.raw(),
        release.status.word(),
        window::brief(after),
        window::brief(after),
        window::brief(trial.length())
    );
    Missing::new(Cause::Superseded, text)
}

/// That a source fails, of which the SLOs are not known.
pub(super) fn failed(feed: &Feed, fault: &Fault) -> Missing {
    Missing::new(
        Cause::Failed,
        format!("{}: {}", feed.name, fault.message.raw()),
    )
}

/// That a source of releases fails.
pub(super) fn releases_unknown(feed: &Feed) -> Missing {
    let why = feed
        .fault
        .as_ref()
        .map_or("no answer", |fault| fault.message.raw());
    let text = format!(
        "whether another release came is not known: {}: {why}",
        feed.name
    );
    Missing::new(Cause::ReleasesUnknown, text)
}
