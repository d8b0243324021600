//! From rows of releases to deployments: production alone, and each rollout once.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Carried, Commit, Production, Release, ReleaseStatus, SourceName, rollback};
use crate::text::Untrusted;

/// Reports of one commit so near to each other are of one rollout: regions, stages, two sources.
const ONE_ROLLOUT: SignedDuration = SignedDuration::from_mins(10);

/// A release to production.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Its id, of the first row that told of it.
    pub id: Untrusted,
    /// Every row that told of it.
    pub rows: Vec<(SourceName, Untrusted)>,
    /// When it arrived, or failed.
    pub at: Timestamp,
    /// Which version.
    pub version: Untrusted,
    /// Of which commit.
    pub commit: Option<Untrusted>,
    /// True for one that did not arrive: a deployment only when users saw it fail.
    pub is_attempt: bool,
    /// True when its source says that it was taken back.
    pub is_taken_back: bool,
    /// Its commits.
    pub carried: Carried,
    /// Its title, where a source has one.
    pub title: Option<Untrusted>,
    /// The deployments before it, by place, that it took back; the newest first.
    pub takes_back: Vec<usize>,
}

/// A row with what makes it one of a rollout.
struct Seen<'a> {
    source: &'a SourceName,
    release: &'a Release,
    at: Timestamp,
}

/// The deployments to production, oldest first.
pub fn all(rows: &[(&SourceName, &Release)], production: &Production) -> Vec<Deployment> {
    let mut seen = candidates(rows, production);
    seen.sort_by(|a, b| {
        let key = |one: &Seen<'_>| (one.at, one.release.started_at);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.release.id.raw().cmp(b.release.id.raw()))
            .then_with(|| a.source.cmp(b.source))
    });
    let mut groups: Vec<Vec<Seen<'_>>> = Vec::new();
    for one in seen {
        match place_of(&groups, &one) {
            Some(place) => groups[place].push(one),
            None => groups.push(vec![one]),
        }
    }
    let mut lanes: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, group) in groups.iter().enumerate() {
        if let Some(first) = group.first().filter(|first| !is_attempt(first.release)) {
            let lane = first.release.environment.raw();
            lanes.entry(lane).or_default().push(place);
        }
    }
    let mut takes_back = vec![Vec::new(); groups.len()];
    for lane in lanes.values() {
        let rows: Vec<_> = lane.iter().map(|place| groups[*place][0].release).collect();
        for (by, taken) in rollback::taken_back(&rows).into_iter().enumerate() {
            takes_back[lane[by]] = taken.into_iter().map(|place| lane[place]).collect();
        }
    }
    let all = groups.into_iter().zip(takes_back);
    all.filter_map(|(group, taken)| deployment(&group, taken))
        .collect()
}

/// The rows that can be deployments: to production, and over.
fn candidates<'a>(
    rows: &[(&'a SourceName, &'a Release)],
    production: &Production,
) -> Vec<Seen<'a>> {
    let is_tag = |release: &Release| release.carried.is_tag;
    let has_deployments = rows.iter().any(|(_, release)| !is_tag(release));
    let names_places = |source: &SourceName| {
        let mut others = rows.iter().filter(|(other, _)| *other != source);
        others.any(|(_, release)| !release.environment.is_empty())
    };
    let is_counted = |source: &SourceName, release: &Release| {
        let is_elsewhere = release.environment.is_empty() && names_places(source);
        !(is_elsewhere || is_tag(release) && has_deployments)
    };
    let rows = rows.iter().filter(|(source, release)| {
        production.contains(release.environment.raw()) && is_counted(source, release)
    });
    rows.filter_map(|(source, release)| {
        let is_over = matches!(
            release.status,
            ReleaseStatus::Succeeded | ReleaseStatus::RolledBack | ReleaseStatus::Failed
        );
        let at = release.finished_at.or(release.started_at)?;
        is_over.then_some(Seen {
            source,
            release,
            at,
        })
    })
    .collect()
}

fn is_attempt(release: &Release) -> bool {
    release.status == ReleaseStatus::Failed
}

/// The group of the rollout that a row tells of. One that comes back to a version after another of that
/// place is a roll-back, however soon.
fn place_of(groups: &[Vec<Seen<'_>>], one: &Seen<'_>) -> Option<usize> {
    let place = groups.iter().rposition(|group| is_same(group, one))?;
    let goes_back = groups[place + 1..].iter().filter_map(|group| group.first());
    let mut goes_back = goes_back.filter(|other| {
        let is_there = other.release.environment == one.release.environment;
        is_there && !is_attempt(other.release)
    });
    let is_run = groups[place].iter().any(|known| is_one_run(known, one));
    (is_run || goes_back.next().is_none()).then_some(place)
}

/// True for rows of one run, or of one id that two sources tell.
fn is_one_run(known: &Seen<'_>, one: &Seen<'_>) -> bool {
    match (run(known.release), run(one.release)) {
        (Some(known), Some(one)) => known == one,
        _ => known.source != one.source && known.release.id == one.release.id,
    }
}

/// True for a row that tells of the rollout that a group is of.
fn is_same(group: &[Seen<'_>], one: &Seen<'_>) -> bool {
    let Some(first) = group.first() else {
        return false;
    };
    if is_attempt(first.release) != is_attempt(one.release) {
        return false;
    }
    let is_run = |known: &Seen<'_>| is_one_run(known, one);
    let is_near = one.at.duration_since(first.at) <= ONE_ROLLOUT;
    group.iter().any(is_run) || is_near && rollback::is_same_version(first.release, one.release)
}

/// The run of a pipeline that a release was made by: said as such, or as a part of its address.
fn run(release: &Release) -> Option<String> {
    if let Some(run) = &release.carried.run {
        return Some(run.raw().to_owned());
    }
    let url = release.url.as_ref()?.raw();
    let (before, rest) = url.split_once("/runs/")?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then(|| format!("{before}/runs/{number}"))
}

/// What a group comes to: the first row names it, and each part is of the first row that has it.
fn deployment(group: &[Seen<'_>], takes_back: Vec<usize>) -> Option<Deployment> {
    let first = group.first()?;
    let rows = || group.iter().map(|one| one.release);
    let title = |release: &Release| {
        let titles = release.details.iter();
        let mut titles = titles.filter(|(name, _)| name.raw() == "title");
        titles.next().map(|(_, title)| title.clone())
    };
    Some(Deployment {
        id: first.release.id.clone(),
        rows: group
            .iter()
            .map(|one| (one.source.clone(), one.release.id.clone()))
            .collect(),
        at: first.at,
        version: first.release.version.clone(),
        commit: rows().find_map(|one| one.commit.clone()),
        is_attempt: is_attempt(first.release),
        is_taken_back: rows().any(|one| one.status == ReleaseStatus::RolledBack),
        carried: Carried {
            git_ref: rows().find_map(|one| one.carried.git_ref.clone()),
            labels: rows().flat_map(|one| one.carried.labels.clone()).collect(),
            commits: commits(group),
            is_head_only: rows()
                .filter(|one| one.carried.commits.is_some())
                .all(|one| one.carried.is_head_only),
            ..Carried::default()
        },
        title: rows().find_map(title),
        takes_back,
    })
}

/// All commits that any row tells of; `None` where none says.
fn commits(group: &[Seen<'_>]) -> Option<Vec<Commit>> {
    let lists = group.iter();
    let lists: Vec<_> = lists
        .filter_map(|one| one.release.carried.commits.as_ref())
        .collect();
    (!lists.is_empty()).then(|| lists.into_iter().flatten().cloned().collect())
}
