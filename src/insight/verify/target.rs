//! The release that is meant, and the one that came after it.

use jiff::Timestamp;

use super::Trial;
use crate::domain::nearest_name::{likeness, nearest};
use crate::domain::{Production, Release, ReleaseStatus, SourceName};
use crate::insight::record::is_same_version;
use crate::text::Untrusted;

/// The most names that are offered in place of one that is not found.
const MAX_NAMES: usize = 3;

/// How a release is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By the id that its source gives it.
    Id(String),
    /// By its version; the newest of it counts.
    Version(String),
}

/// A release with its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Where it is listed.
    pub source: SourceName,
    /// The release.
    pub release: Release,
}

impl Chosen {
    /// When it was done, and when it began; `None` while it is on its way, and without a date.
    pub fn dates(&self) -> Option<(Timestamp, Timestamp)> {
        let release = &self.release;
        let is_done = matches!(
            release.status,
            ReleaseStatus::Succeeded | ReleaseStatus::Failed | ReleaseStatus::RolledBack
        );
        let done = release.finished_at;
        // A source that dates its releases once means that they arrived then.
        let done = done.or_else(|| release.started_at.filter(|_| is_done))?;
        Some((done, release.started_at.unwrap_or(done).min(done)))
    }
}

/// Why no release is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The names that are most like the wanted one, then the newest.
    pub nearest: Vec<Untrusted>,
    /// The service whose release has the id.
    pub other_service: Option<Untrusted>,
}

/// Finds a release of a service. One that went to production counts before others, then the newest.
pub fn choose<'a>(
    wanted: &Wanted,
    service: &str,
    releases: impl IntoIterator<Item = (&'a SourceName, &'a Release)>,
    production: &Production,
) -> Result<Chosen, NotFound> {
    let all: Vec<_> = releases.into_iter().collect();
    let (own, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(_, release)| release.service.raw() == service);
    let is_it = |release: &Release| match wanted {
        Wanted::Id(id) => release.id.raw() == id,
        Wanted::Version(version) => is_version(release.version.raw(), version),
    };
    let rank = |release: &Release| {
        let is_production = production.contains(release.environment.raw());
        let has_begun = release.status != ReleaseStatus::Pending;
        (is_production, has_begun, release.dated())
    };
    let matching = own.iter().filter(|(_, release)| is_it(release));
    let best = matching.max_by_key(|(_, release)| rank(release));
    if let Some((source, release)) = best {
        return Ok(Chosen {
            source: (*source).clone(),
            release: (*release).clone(),
        });
    }
    let mut others = others.into_iter();
    let other = others.find(|(_, release)| matches!(wanted, Wanted::Id(_)) && is_it(release));
    Err(NotFound {
        nearest: nearest_names(wanted, own.into_iter().map(|(_, release)| release)),
        other_service: other.map(|(_, release)| release.service.clone()),
    })
}

/// The same version, with or without the `v` of a tag.
fn is_version(known: &str, wanted: &str) -> bool {
    let plain = |version: &'_ str| version.trim().trim_start_matches(['v', 'V']).to_owned();
    !wanted.trim().is_empty() && (known == wanted || plain(known) == plain(wanted))
}

/// The ids or versions that are most like a wanted one; the newest where none is like it.
fn nearest_names<'a>(
    wanted: &Wanted,
    releases: impl Iterator<Item = &'a Release>,
) -> Vec<Untrusted> {
    let mut releases: Vec<_> = releases.collect();
    releases.sort_by_key(|release| std::cmp::Reverse(release.dated()));
    let (text, name): (&str, fn(&Release) -> &Untrusted) = match wanted {
        Wanted::Id(id) => (id, |release| &release.id),
        Wanted::Version(version) => (version, |release| &release.version),
    };
    let mut names: Vec<&Untrusted> = Vec::new();
    for release in releases {
        let own = name(release);
        if !own.is_empty() && !names.contains(&own) {
            names.push(own);
        }
    }
    if nearest(text, names.iter().map(|name| name.raw())).is_some() {
        names.sort_by(|one, other| {
            likeness(text, other.raw()).total_cmp(&likeness(text, one.raw()))
        });
    }
    names.into_iter().take(MAX_NAMES).cloned().collect()
}

/// A release that came within the time of another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Superseding {
    /// The release, and where it is listed.
    pub by: Chosen,
    /// When it came.
    pub at: Timestamp,
}

/// The first other release of the service within the time of a trial, to the same environment:
/// production, where no release is named. One of the same version is another attempt or another
/// source's row of the same release.
pub fn superseded<'a>(
    trial: &Trial,
    service: &str,
    target: Option<&Release>,
    releases: impl IntoIterator<Item = (&'a SourceName, &'a Release)>,
    production: &Production,
) -> Option<Superseding> {
    let is_there = |release: &Release| match target {
        Some(target) if !production.contains(target.environment.raw()) => {
            release.environment == target.environment
        }
        _ => production.contains(release.environment.raw()),
    };
    let is_other = |release: &Release| {
        target.is_none_or(|target| target.id != release.id && !is_same_version(target, release))
    };
    let within = |at: &Timestamp| *at > trial.released && *at <= trial.until;
    let candidates = releases.into_iter().filter_map(|(source, release)| {
        let is_candidate = release.service.raw() == service
            && release.status != ReleaseStatus::Pending
            && is_there(release)
            && is_other(release);
        let dates = [release.started_at, release.finished_at];
        let at = dates.into_iter().flatten().filter(within).min()?;
        // Without a name, the release that was on its way at the beginning is the one that is meant.
        let is_meant =
            target.is_none() && release.started_at.is_some_and(|at| at <= trial.released);
        (is_candidate && !is_meant).then_some((at, source, release))
    });
    let (at, source, release) = candidates.min_by_key(|(at, ..)| *at)?;
    let by = Chosen {
        source: source.clone(),
        release: release.clone(),
    };
    Some(Superseding { by, at })
}
