//! Ranks the releases near an onset.
//!
//! A score is a product of shares: whose release it is, how well the burn could have begun with it,
//! how sure it is that something rose at all, and what speaks against it. What would have happened
//! without any release (more load, a fault that many unrelated services share) caps it below a
//! suspicion. The figures were set on seeds of a generator of incidents and are tried on others:
//! `tests/suspects.rs`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::kin::{Kin, Tie};
use super::left_out::LeftOut;
use super::load::Load;
use super::onset::Onset;
use super::record::{Record, is_same_version, record, transit};
use super::{Known, SUSPICION, Suspect, minutes, reason};
use crate::domain::{Observation, Release, ReleaseStatus, SourceName};

/// What a release of a service that is needed weighs, for each step on the way to it.
const STEP_AWAY: f64 = 0.86;
/// What one of the same team weighs: told of, never accused for that alone.
const TEAM: f64 = 0.42;
/// The minutes in which a release that is done shows what it does.
const AT_ONCE: f64 = 3.0;
/// Minutes in which, after that, it becomes less likely by a factor of e.
const FADES: f64 = 24.0;
/// How long, in minutes, one that is still on its way is taken to have only just arrived.
const ON_ITS_WAY: f64 = 60.0;
/// How much earlier than it began a release may be blamed for, beyond the onset's own interval.
const CLOCKS: f64 = 1.0;
/// A rise that takes longer is a slow one.
const SLOW: SignedDuration = SignedDuration::from_mins(20);
/// Scores below this are not worth naming.
const LEAST: f64 = 0.1;
/// The most that are named.
const MOST: usize = 5;
/// The highest score of a release where something else explains the burn.
const EXPLAINED: f64 = 0.4;
/// How much earlier, in minutes, what is needed may have begun to burn.
const EARLIER: f64 = 15.0;
/// In how many minutes before and after an onset others are counted, to know how many of them
/// chance brings together.
const AROUND: f64 = 60.0;
/// How many unrelated services make a fault of what they share.
const CROWD: usize = 2;

/// An SLO that burns.
pub(super) struct Burn<'a> {
    pub(super) seen: &'a Observation,
    pub(super) onset: Option<Onset>,
    pub(super) load: Load,
}

/// A release that went to production.
pub(super) struct Candidate<'a> {
    pub(super) source: &'a SourceName,
    pub(super) release: &'a Release,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// Who began to burn at the same time.
struct Crowd<'a> {
    /// Services, and whether a release that does not concern this one may explain each.
    services: BTreeMap<&'a str, bool>,
    /// How many would be expected by chance.
    by_chance: f64,
}

pub(super) struct Court<'a> {
    pub(super) kin: Kin<'a>,
    candidates: Vec<Candidate<'a>>,
    /// All that went to production.
    releases: Vec<&'a Release>,
    /// What is no candidate, and why.
    pub(super) left_out: Vec<LeftOut<'a>>,
    burns: &'a [Burn<'a>],
    /// The services that are measured.
    measured: BTreeSet<&'a str>,
}

/// The suspects of each burn, likeliest first, and why there is none.
pub(super) fn all<'a>(
    known: &Known<'a>,
    burns: &'a [Burn<'a>],
) -> Vec<(Vec<Suspect>, Option<String>)> {
    let mut candidates = Vec::new();
    let mut releases = Vec::new();
    let mut left_out = Vec::new();
    for &(source, release) in &known.releases {
        if release.service.is_empty() {
            continue;
        }
        let is_production = known.production.contains(release.environment.raw());
        if is_production {
            releases.push(release);
        }
        match transit(release).filter(|_| is_production) {
            Some((start, end)) => candidates.push(Candidate {
                source,
                release,
                start,
                end,
            }),
            None => left_out.extend(LeftOut::new(source, release)),
        }
    }
    let court = Court {
        kin: Kin::of(known.services),
        candidates,
        releases,
        left_out,
        burns,
        measured: known
            .slos
            .iter()
            .map(|(_, seen)| seen.slo.service.raw())
            .collect(),
    };
    burns.iter().map(|burn| court.judge(burn)).collect()
}

impl<'a> Court<'a> {
    fn judge(&self, burn: &'a Burn<'a>) -> (Vec<Suspect>, Option<String>) {
        let service = &burn.seen.slo.service;
        let Some(onset) = &burn.onset else {
            return (Vec::new(), Some(reason::NO_ONSET.to_owned()));
        };
        let load = burn.load;
        let crowd = self.crowd(burn, onset);
        let mut suspects: Vec<_> = self
            .candidates
            .iter()
            .filter_map(|one| Some((one, self.suspect(one, burn, onset, (load, &crowd))?)))
            .collect();
        suspects.sort_by(|(_, a), (_, b)| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| a.lead.cmp(&b.lead))
        });
        let suspects = one_of_each_version(suspects);
        let is_accused = suspects.first().is_some_and(|one| one.score >= SUSPICION);
        let strangers = self.strangers(&crowd, service.raw()).0;
        let others = if crowd.is_telling(strangers) {
            strangers
        } else {
            0
        };
        let left_out = self.left_out(service.raw(), onset);
        let unexplained =
            (!is_accused).then(|| reason::none(load, others, !suspects.is_empty(), left_out));
        (suspects, unexplained)
    }

    fn suspect(
        &self,
        one: &Candidate<'a>,
        burn: &Burn<'a>,
        onset: &Onset,
        (load, crowd): (Load, &Crowd<'a>),
    ) -> Option<Suspect> {
        let fits = timing(one, onset)?;
        let service = burn.seen.slo.service.raw();
        let owner = one.release.service.raw();
        let tie = self.kin.tie(service, owner);
        let kin = match tie {
            Tie::Own => 0.98,
            Tie::Needed(steps) => 0.98 * STEP_AWAY.powf(steps as f64),
            Tie::Team => TEAM,
            Tie::Stranger => return None,
        };
        let sure = 1.0 - (-(onset.evidence - 2.0) / 4.0).exp();
        let size = (onset.after / onset.before.max(1e-9) - 1.0).clamp(0.0, 1.0);
        let record = record(one.release, &self.releases);
        let mut score = kin * fits * sure.max(0.0) * size * repute(one.release, record);
        if self.is_superseded(one, onset) {
            score *= 0.7;
        }
        score *= self.elsewhere(tie, owner, service, onset);
        let (strangers, unexplained) = self.strangers(crowd, owner);
        let is_shared = crowd.is_telling(strangers) && unexplained > 0;
        let cap = match load {
            _ if is_shared => EXPLAINED,
            Load::Spike(_) | Load::Drop(_, true) => EXPLAINED,
            Load::Drop(_, false) => EXPLAINED / 2.0,
            Load::Usual => 1.0,
        };
        let score = round(score.clamp(0.0, 0.99) * cap.min(1.0));
        let came = Lead::of(one, onset);
        let because = reason::Because {
            onset,
            tie,
            release: one.release,
            lead: came,
            record,
            load,
            shared: if is_shared { strangers } else { 0 },
        };
        (score >= LEAST).then(|| Suspect {
            source: one.source.clone(),
            release: one.release.id.clone(),
            service: one.release.service.clone(),
            version: one.release.version.clone(),
            score,
            lead: came.before(),
            reason: because.words().into(),
        })
    }

    /// True when a newer release of the same service lies between this one and the onset.
    fn is_superseded(&self, one: &Candidate<'a>, onset: &Onset) -> bool {
        self.candidates.iter().any(|other| {
            other.release.service == one.release.service
                && other.start > one.start
                && !is_same_version(other.release, one.release)
                && other.end <= onset.at
                && timing(other, onset).is_some_and(|time| time >= 0.5)
        })
    }

    /// What the SLOs of the services between say: a service that is needed and burns since then
    /// makes its own release likelier, and those of the ones that need it less likely.
    fn elsewhere(&self, tie: Tie, owner: &str, service: &str, onset: &Onset) -> f64 {
        // One that is needed may have begun to burn a while before it was felt here.
        let burn_too = self.burns.iter().filter(|burn| {
            burn.onset.is_some_and(|other| {
                let after = minutes(onset.at, other.at);
                after <= tolerance(onset, &other) && after >= -EARLIER
            })
        });
        let mut burn_too = burn_too.map(|burn| burn.seen.slo.service.raw());
        match tie {
            Tie::Own
                if burn_too.any(|name| matches!(self.kin.tie(service, name), Tie::Needed(_))) =>
            {
                0.5
            }
            Tie::Needed(_) if burn_too.any(|name| name == owner) => 1.1,
            Tie::Needed(_) if self.measured.contains(owner) => 0.9,
            _ => 1.0,
        }
    }

    /// The other services that began to burn with this one.
    fn crowd(&self, burn: &Burn<'a>, onset: &Onset) -> Crowd<'a> {
        let own = burn.seen.slo.service.raw();
        let mut services = BTreeMap::new();
        let mut apart = BTreeSet::new();
        let mut width = 0.0_f64;
        for other in self.burns {
            let name = other.seen.slo.service.raw();
            let Some(theirs) = other.onset.filter(|_| name != own) else {
                continue;
            };
            let between = minutes(onset.at, theirs.at).abs();
            let tolerance = tolerance(onset, &theirs);
            if between <= tolerance {
                width = width.max(tolerance);
                services.insert(name, self.has_candidate(name, own, &theirs));
            } else if between <= AROUND {
                apart.insert(name);
            }
        }
        Crowd {
            by_chance: apart.len() as f64 * width / AROUND,
            services,
        }
    }

    /// Whether a release may explain what began to burn at a service, and not at `own` as well.
    fn has_candidate(&self, service: &str, own: &str, onset: &Onset) -> bool {
        let fits = |one: &&Candidate<'_>| timing(one, onset).is_some_and(|time| time >= 0.5);
        self.candidates.iter().filter(fits).any(|one| {
            let owner = one.release.service.raw();
            self.kin.reaches(owner, service) && !self.kin.reaches(owner, own)
        })
    }

    /// How many of a crowd a fault of `owner` would not reach, and how many of these no release of
    /// their own explains.
    fn strangers(&self, crowd: &Crowd<'a>, owner: &str) -> (usize, usize) {
        let strangers = crowd.services.iter();
        let strangers = strangers.filter(|(name, _)| !self.kin.reaches(owner, name));
        strangers.fold((0, 0), |(all, unexplained), (_, explained)| {
            (all + 1, unexplained + usize::from(!explained))
        })
    }
}

impl Crowd<'_> {
    /// True when so many strangers are more than chance brings together.
    fn is_telling(&self, strangers: usize) -> bool {
        strangers >= CROWD && tail(strangers, self.by_chance) < 0.02
    }
}

/// The probability of so many or more where `mean` are expected, by Poisson.
fn tail(least: usize, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut below = 0.0;
    for count in 0..least {
        below += term;
        term *= mean / (count + 1) as f64;
    }
    (1.0 - below).max(0.0)
}

/// How far apart, in minutes, two onsets may be found and still be one moment.
fn tolerance(a: &Onset, b: &Onset) -> f64 {
    let half = |onset: &Onset| minutes(onset.earliest, onset.latest) / 2.0;
    1.0 + (f64::midpoint(half(a), half(b)) * 0.5).min(4.0)
}

/// Between 0 and 1, how well a burn could have begun with a release; `None` when it began before.
pub(super) fn timing(one: &Candidate<'_>, onset: &Onset) -> Option<f64> {
    if minutes(onset.latest, one.start) > CLOCKS {
        return None;
    }
    let early = minutes(onset.at, one.start);
    if early > 0.0 {
        return Some((-early / 6.0).exp());
    }
    let mut gap = minutes(one.end, onset.at);
    if one.release.finished_at.is_none() && one.release.status == ReleaseStatus::Running {
        gap = (gap - ON_ITS_WAY).max(0.0);
    }
    // A slow rise says less of its beginning than its interval claims.
    let share = if onset.rise >= SLOW { 0.8 } else { 0.5 };
    let unsure = minutes(onset.earliest, onset.at).max(0.0) * share;
    let late = (gap - AT_ONCE - unsure).max(0.0);
    let nearer = 1.0 - 0.003 * gap.clamp(0.0, 40.0);
    Some((-late / FADES).exp() * nearer)
}

/// How a release stands to the onset in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lead {
    /// It came so long before.
    Before(SignedDuration),
    /// It came while the burn may have begun: so long before or after that.
    Within(SignedDuration),
}

impl Lead {
    /// By its arrival; by its start where the burn began on its way.
    fn of(one: &Candidate<'_>, onset: &Onset) -> Self {
        let is_within = |at: Timestamp| at >= onset.earliest && at <= onset.latest;
        let reach = onset.latest.duration_since(onset.at);
        let reach = reach.max(onset.at.duration_since(onset.earliest));
        let from = if onset.at >= one.end {
            one.end
        } else {
            one.start
        };
        let before = onset.at.duration_since(from);
        if is_within(one.end) || is_within(one.start) || before.is_negative() {
            Self::Within(reach)
        } else {
            Self::Before(before)
        }
    }

    /// How long before the onset; nothing for what came while the burn may have begun.
    fn before(self) -> SignedDuration {
        match self {
            Self::Before(time) => time,
            Self::Within(_) => SignedDuration::ZERO,
        }
    }
}

/// The likeliest attempt of each version, the likeliest version first: several attempts of one
/// version are one suspect.
fn one_of_each_version(ranked: Vec<(&Candidate<'_>, Suspect)>) -> Vec<Suspect> {
    let mut kept: Vec<(&Candidate<'_>, Suspect)> = Vec::new();
    for (one, suspect) in ranked {
        let is_known = kept
            .iter()
            .any(|(known, _)| is_same_version(known.release, one.release));
        if !is_known && kept.len() < MOST {
            kept.push((one, suspect));
        }
    }
    kept.into_iter().map(|(_, suspect)| suspect).collect()
}

/// What a release's own past and state make of it.
fn repute(release: &Release, record: Record) -> f64 {
    let state = match release.status {
        ReleaseStatus::Failed => 0.88,
        ReleaseStatus::RolledBack => 1.04,
        // Whether it arrived is not known.
        ReleaseStatus::Unknown => 0.75,
        _ => 1.0,
    };
    let kind = if record.is_rollback {
        0.5
    } else if record.is_again {
        0.97
    } else {
        1.0
    };
    let past = if record.earlier >= 3 {
        0.97 + 0.06 * record.failed as f64 / record.earlier as f64
    } else {
        1.0
    };
    state * kind * past
}

fn round(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
