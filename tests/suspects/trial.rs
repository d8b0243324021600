//! Stories told to the program, and what it made of them.

use std::collections::BTreeMap;

use watchfire::domain::SourceName;
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
    /// Burns whose beginning was found within five minutes, or a quarter of a slow rise.
    pub(crate) dated: u32,
}

/// When the stories are set.
pub(crate) fn since() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000).unwrap()
}

/// One story, and what was thought of it: who burns, what was expected, what was found.
pub(crate) fn judge(
    seed: u64,
    story: &Story,
    mut tell: impl FnMut(&str, Option<&str>, Option<&watchfire::insight::Insight>),
) {
    let prom = SourceName::new("prom");
    let deploys = SourceName::new("deploys");
    let slos = observations(story, seed);
    let known = Known {
        slos: slos.iter().map(|one| (&prom, one)).collect(),
        releases: story.releases.iter().map(|one| (&deploys, one)).collect(),
        services: &story.services,
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
            judge(seed, &story, |_, release, insight| {
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
                    tally.dated += u32::from((found - truth).abs() <= 5.0_f64.max(slow * 0.25));
                }
            });
        }
    }
    tallies
}
