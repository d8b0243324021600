//! Stories told to the program, and what it made of them.

use std::collections::BTreeMap;

use watchfire::domain::{Production, SourceName};
use watchfire::insight::{Insights, Known, SUSPICION};

use crate::measure::observations;
use crate::story::{Kind, Story, story};

/// What became of the stories of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Burns that were judged.
    pub(crate) judged: u32,
    /// Of explainable ones: the first suspect is the one, with a score of a suspicion.
    pub(crate) right: u32,
    /// Some release was suspected that had nothing to do with it.
    pub(crate) wrong: u32,
    /// Burns of which the beginning is known, and was looked for.
    pub(crate) begun: u32,
    /// Those whose beginning was found within five minutes, or a quarter of a slow rise.
    pub(crate) dated: u32,
    /// Those whose interval holds the beginning.
    pub(crate) covered: u32,
    /// Minutes of all intervals.
    pub(crate) width: f64,
}

/// The moments that each story is looked at, in minutes before its end.
pub(crate) const MOMENTS: [f64; 4] = [0.0, -0.7, -1.6, -2.3];

/// When the stories are set.
pub(crate) fn since() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000).unwrap()
}

/// One story, and what was thought of it: who burns, what was expected, what was found.
pub(crate) fn judge(
    seed: u64,
    story: &Story,
    present: f64,
    mut tell: impl FnMut(&str, Option<&str>, Option<&watchfire::insight::Insight>),
) {
    let prom = SourceName::new("prom");
    let deploys = SourceName::new("deploys");
    let production = Production::default();
    let slos = observations(story, seed, present);
    let known = Known {
        slos: slos.iter().map(|one| (&prom, one)).collect(),
        releases: story.releases.iter().map(|one| (&deploys, one)).collect(),
        services: &story.services,
        production: &production,
    };
    let insights = Insights::of(&known, &Insights::default());
    for (service, release) in &story.guilty {
        let Some(own) = slos.iter().find(|one| one.slo.service.raw() == service) else {
            continue;
        };
        if own.courses.is_empty() {
            continue;
        }
        tell(
            service,
            release.as_deref(),
            insights.slo(&prom, &own.slo.id()),
        );
    }
}

/// The tallies of many stories of each kind, those that do not burn left out.
pub(crate) fn tallies(seeds: std::ops::Range<u64>) -> BTreeMap<Kind, Tally> {
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    for kind in Kind::ALL {
        let tally = tallies.entry(kind).or_default();
        for seed in seeds.clone() {
            let story = story(kind, seed, since());
            let mut first = true;
            judge(seed, &story, 0.0, |_, release, insight| {
                tally.judged += 1;
                let accused = insight.and_then(|one| one.suspect());
                assert!(accused.is_none_or(|one| one.score >= SUSPICION));
                let accused = accused.map(|one| one.release.raw());
                if accused == release {
                    tally.right += 1;
                } else if accused.is_some() {
                    tally.wrong += 1;
                }
                if std::mem::take(&mut first)
                    && let (Some(truth), Some(onset)) =
                        (story.onset, insight.and_then(|one| one.onset))
                {
                    let found = story.now.duration_since(onset.at).as_secs_f64() / 60.0;
                    let slow = story.actors[0].troubles.first().map_or(0.0, |one| one.ramp);
                    let began = ago(&story, truth);
                    tally.begun += 1;
                    tally.dated += u32::from((found - truth).abs() <= 5.0_f64.max(slow * 0.25));
                    tally.covered += u32::from(onset.earliest <= began && began <= onset.latest);
                    let width = onset.latest.duration_since(onset.earliest);
                    tally.width += width.as_secs_f64() / 60.0;
                }
            });
        }
    }
    tallies
}

/// A moment so many minutes before the end of a story.
pub(crate) fn ago(story: &Story, minutes: f64) -> jiff::Timestamp {
    story.now - jiff::SignedDuration::from_secs_f64(minutes * 60.0)
}

/// Of burns that began at once: by how many seconds the beginning moves between [`MOMENTS`], each
/// looked at by itself, and how many of the intervals hold it, of how many.
pub(crate) fn steadiness(seeds: std::ops::Range<u64>) -> (Vec<f64>, u32, u32) {
    let (mut moved, mut covered, mut all) = (Vec::new(), 0, 0);
    for seed in seeds {
        let story = story(Kind::BadRelease, seed, since());
        let truth = story.onset.unwrap();
        let began = ago(&story, truth);
        let mut found: Vec<f64> = Vec::new();
        for present in MOMENTS {
            judge(seed, &story, present, |_, _, insight| {
                if let Some(onset) = insight.and_then(|one| one.onset) {
                    all += 1;
                    covered += u32::from(onset.earliest <= began && began <= onset.latest);
                    found.push(story.now.duration_since(onset.at).as_secs_f64());
                }
            });
        }
        let least = found.iter().copied().fold(f64::INFINITY, f64::min);
        let most = found.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if found.len() == MOMENTS.len() {
            moved.push(most - least);
        }
    }
    (moved, covered, all)
}
