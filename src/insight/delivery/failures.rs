//! Which deployments failed, by what, and when they were recovered from.

use jiff::{SignedDuration, Timestamp};

use super::{Deployment, Evidence, FailRate, Recovery, Terms, rework, seconds};
use crate::domain::{Incident, Severity, SourceName, What};
use crate::insight::SUSPICION;
use crate::text::Untrusted;

/// A burn with the release that is suspected of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Burned {
    /// Which SLO burned.
    pub slo: Untrusted,
    /// When the burn began.
    pub onset: Timestamp,
    /// When it was below its rules again; `None` while it burns.
    pub ended: Option<Timestamp>,
    /// Who tells of the release, and what it calls it.
    pub release: (SourceName, Untrusted),
    /// How much the release is suspected, from 0 to 1.
    pub score: f64,
}

/// A release and an incident that somebody took apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// The id of the release.
    pub release: Untrusted,
    /// The id of the incident.
    pub incident: Untrusted,
}

impl Unlinked {
    /// The pairs that were taken apart, and not put together again since.
    pub fn among<'a>(what: impl IntoIterator<Item = &'a What>) -> Vec<Self> {
        let mut pairs: Vec<Self> = Vec::new();
        for what in what {
            if let What::Linked {
                release,
                incident,
                is_apart,
                ..
            } = what
            {
                let pair = Self {
                    release: release.clone(),
                    incident: incident.clone(),
                };
                pairs.retain(|known| *known != pair);
                pairs.extend(is_apart.then_some(pair));
            }
        }
        pairs
    }
}

/// Which rule says that a deployment failed; the first is the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The incident names the release.
    Named,
    /// The burn of an SLO has it as its suspect.
    Burn,
    /// An incident that pages opened after it, and before the next one.
    Incident,
    /// A later one took it back.
    RolledBack,
}

impl Rule {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Burn => "burn",
            Self::Incident => "incident",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// Evidence that a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// By which rule.
    pub rule: Rule,
    /// The incident, the SLO or the later release.
    pub by: Untrusted,
    /// When it began.
    pub since: Timestamp,
    /// How it ended.
    pub end: End,
}

/// How a failure ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It was over at this moment.
    At(Timestamp),
    /// It is over, and nobody says since when.
    Undated,
    /// It is not over.
    Open,
}

impl End {
    fn at(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Open, Self::At)
    }
}

/// The evidence for each deployment, by place.
pub(super) struct Links(Vec<Vec<Failure>>);

impl Links {
    pub(super) fn of(terms: &Terms<'_>, evidence: &Evidence<'_>, all: &[Deployment]) -> Self {
        let mut links = vec![Vec::new(); all.len()];
        let burns = burns(evidence, all);
        for (place, burn) in &burns {
            links[*place].push(Failure {
                rule: Rule::Burn,
                by: burn.slo.clone(),
                since: burn.onset,
                end: End::at(burn.ended),
            });
        }
        for (_, incident) in evidence.incidents.iter().flatten() {
            let Some(opened) = incident.opened_at else {
                continue;
            };
            let Some((place, rule)) = place_of(terms, (incident, opened), all, &burns) else {
                continue;
            };
            let one = &all[place];
            let is_apart = evidence.unlinked.iter().any(|pair| {
                let mut rows = one.rows.iter();
                pair.incident == incident.id && rows.any(|(_, id)| *id == pair.release)
            });
            if !is_apart {
                links[place].push(Failure {
                    rule,
                    by: incident.id.clone(),
                    since: opened,
                    end: ended(incident),
                });
            }
        }
        for (place, by) in named(all) {
            links[place].push(Failure {
                rule: Rule::RolledBack,
                by: by.map_or_else(Untrusted::default, |by: usize| all[by].id.clone()),
                since: all[place].at,
                end: End::at(by.map(|by| all[by].at)),
            });
        }
        for failures in &mut links {
            failures.sort_by_key(|one| (one.rule, one.since));
        }
        Self(links)
    }

    pub(super) fn is_failed(&self, place: usize) -> bool {
        !self.0[place].is_empty()
    }

    pub(super) fn rate(
        &self,
        terms: &Terms<'_>,
        gaps: &[(Timestamp, Timestamp)],
        all: &[Deployment],
        counted: &[usize],
    ) -> FailRate {
        let places = counted.iter().copied();
        let (failed, others): (Vec<usize>, Vec<usize>) =
            places.partition(|place| self.is_failed(*place));
        let is_young = |at: Timestamp| terms.until.duration_since(at) < terms.observe;
        let is_unseen = |at: Timestamp| {
            let over = at.saturating_add(terms.observe).unwrap_or(Timestamp::MAX);
            gaps.iter().any(|(from, until)| *from < over && *until > at)
        };
        let others = others.into_iter().map(|place| &all[place]);
        let (young, others): (Vec<_>, Vec<_>) = others.partition(|one| is_young(one.at));
        let unseen = others.into_iter().filter(|one| is_unseen(one.at));
        let unseen: Vec<_> = unseen.map(|one| one.id.clone()).collect();
        let pending: Vec<_> = young.into_iter().map(|one| one.id.clone()).collect();
        let row = |place: usize| (all[place].id.clone(), self.0[place].clone());
        FailRate {
            of: counted.len() - pending.len() - unseen.len(),
            failed: failed.into_iter().map(row).collect(),
            pending,
            unseen,
        }
    }

    /// How long the failed ones took. A burn counts before incidents, and they before what repaired it.
    pub(super) fn recovery(
        &self,
        terms: &Terms<'_>,
        all: &[Deployment],
        counted: &[usize],
        repairs: &[bool],
    ) -> Recovery {
        let mut recovery = Recovery {
            recovered: Vec::new(),
            open: Vec::new(),
            undated: Vec::new(),
        };
        for place in counted.iter().copied().filter(|one| self.is_failed(*one)) {
            let id = all[place].id.clone();
            let (at, age) = (all[place].at, seconds(all[place].at, terms.until));
            match self.end(place, all, repairs) {
                End::At(end) => recovery.recovered.push((id, seconds(at, end).max(0.0))),
                End::Undated => recovery.undated.push(id),
                End::Open => recovery.open.push((id, age)),
            }
        }
        recovery
    }

    fn end(&self, place: usize, all: &[Deployment], repairs: &[bool]) -> End {
        let last = |rules: &[Rule]| {
            let failures = self.0[place].iter();
            let ends = failures.filter(|one| rules.contains(&one.rule));
            ends.map(|one| one.end).max()
        };
        if let Some(end) = last(&[Rule::Burn]) {
            return end;
        }
        if let Some(end) = last(&[Rule::Named, Rule::Incident]) {
            return end;
        }
        let later = all.iter().enumerate().skip(place + 1);
        let mut repaired = later.filter(|(later, one)| repairs[*later] && !one.is_attempt);
        match last(&[Rule::RolledBack]) {
            Some(End::At(end)) => End::At(end),
            _ => End::at(repaired.next().map(|(_, one)| one.at)),
        }
    }
}

/// When an incident was over.
fn ended(incident: &Incident) -> End {
    match incident.resolved_at {
        _ if incident.is_open() || incident.is_gone() => End::Open,
        Some(at) => End::At(at),
        None => End::Undated,
    }
}

/// The burns with the deployments that are suspected of them.
fn burns<'a>(evidence: &'a Evidence<'_>, all: &[Deployment]) -> Vec<(usize, &'a Burned)> {
    let suspected = evidence.burns.iter().filter(|burn| burn.score >= SUSPICION);
    let place = |burn: &Burned| all.iter().position(|one| one.rows.contains(&burn.release));
    suspected
        .filter_map(|burn| Some((place(burn)?, burn)))
        .collect()
}

/// The deployment that an incident is of, and the rule that says so: the one that it names; the suspect
/// of the burn that it opened in; the last one before it, where it pages and is near enough.
fn place_of(
    terms: &Terms<'_>,
    (incident, opened): (&Incident, Timestamp),
    all: &[Deployment],
    burns: &[(usize, &Burned)],
) -> Option<(usize, Rule)> {
    if let Some(place) = named_by(incident, opened, all) {
        return Some((place, Rule::Named));
    }
    if incident.severity != Severity::Page {
        return None;
    }
    let burning = burns
        .iter()
        .find(|(_, burn)| opened >= burn.onset && burn.ended.is_none_or(|ended| opened < ended));
    if let Some((place, _)) = burning {
        return Some((*place, Rule::Incident));
    }
    let place = all.iter().rposition(|one| one.at <= opened)?;
    let age: SignedDuration = opened.duration_since(all[place].at);
    (age < terms.link_within).then_some((place, Rule::Incident))
}

/// The names under which an incident says what caused it.
const CAUSES: [&str; 6] = [
    "release",
    "release_id",
    "deployment",
    "deployment_id",
    "caused_by",
    "caused_by_release",
];

/// The deployment that an incident names as its cause: the newest before it of that id, version or commit.
fn named_by(incident: &Incident, opened: Timestamp, all: &[Deployment]) -> Option<usize> {
    let causes = incident.details.iter();
    let mut causes = causes.filter(|(name, _)| CAUSES.contains(&name.raw()));
    causes.find_map(|(_, cause)| {
        let is_it = |one: &Deployment| is_called(one, cause.raw());
        let before = all.iter().rposition(|one| one.at <= opened && is_it(one));
        before.or_else(|| all.iter().rposition(is_it))
    })
}

/// True for the id, the version or the commit of a deployment, this as short as seven characters.
fn is_called(one: &Deployment, name: &str) -> bool {
    const SHORTEST: usize = 7;
    let is_commit = |commit: &Untrusted| {
        let (commit, name) = (commit.raw(), name);
        commit == name || name.len() >= SHORTEST && commit.starts_with(name)
    };
    let mut ids = one.rows.iter();
    ids.any(|(_, id)| id.raw() == name)
        || !one.version.is_empty() && one.version.raw() == name
        || one.commit.as_ref().is_some_and(is_commit)
}

/// The deployments that a later one took back, each with that one; without one where only its source
/// says so. A roll-back over several names the newest of them, or those that its ref, label or title
/// does: the others went down with it.
fn named(all: &[Deployment]) -> Vec<(usize, Option<usize>)> {
    let mut found = Vec::new();
    let mut spanned = vec![false; all.len()];
    for (by, one) in all.iter().enumerate() {
        for place in &one.takes_back {
            spanned[*place] = true;
        }
        let is_back = rework::is_said_to_go_back(one) || !one.takes_back.is_empty();
        if !is_back {
            continue;
        }
        let said = (0..by).filter(|place| {
            let other = &all[*place];
            rework::texts(one).any(|text| names(text, other))
                && !is_called(one, other.version.raw())
        });
        let mut said: Vec<_> = said.collect();
        if said.is_empty() {
            said.extend(one.takes_back.first());
        } else if let Some(newest) = said.pop() {
            said = vec![newest];
        }
        found.extend(said.into_iter().map(|place| (place, Some(by))));
    }
    for (place, one) in all.iter().enumerate() {
        if one.is_taken_back && !spanned[place] && found.iter().all(|(known, _)| *known != place) {
            found.push((place, None));
        }
    }
    found
}

/// True when a text has the id or the version of a deployment among its words.
fn names(text: &str, one: &Deployment) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
    let has = |name: &str| {
        !name.is_empty()
            && text.match_indices(name).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + name.len()..].chars().next();
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            })
    };
    has(one.id.raw()) || has(one.version.raw())
}
