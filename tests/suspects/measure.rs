//! What a Prometheus would say of a story: counters, scraped, and what it grows to in a window.

#![expect(clippy::cast_precision_loss, reason = "a few thousand samples")]

use std::sync::Arc;

use jiff::SignedDuration;
use watchfire::domain::slo::{Course, Slice};
use watchfire::domain::{
    Events, Observation, Origin, Period, Reading, Sample, Slo, SourceName, Window,
};

use crate::random::Random;
use crate::story::{Actor, Story};

/// How many hours back events are told one by one scrape, and days in all.
const FINE: f64 = 32.0 * 60.0;
const ALL: f64 = 3.2 * 1440.0;
/// Minutes between what is older.
const COARSE: f64 = 5.0;

/// Samples of two counters: minute, bad, total.
pub(crate) struct Counters(pub(crate) Vec<(f64, f64, f64)>);

impl Counters {
    /// What is scraped of an actor until the present.
    pub(crate) fn scrape(actor: &Actor, random: &mut Random) -> Self {
        let step = actor.scrape / 60.0;
        let mut minute = -ALL - random.share() * step;
        let (mut bad, mut total) = (0.0, 0.0);
        let mut samples = Vec::new();
        let mut mood = (0.0, 0.0);
        while minute <= 0.0 {
            let pace = if minute < -FINE { COARSE } else { step };
            if !actor
                .gaps
                .iter()
                .any(|(from, to)| (*from..*to).contains(&minute))
            {
                samples.push((minute, bad, total));
            }
            // Unrest lasts for minutes.
            let keep = (-pace / 3.0_f64).exp();
            let fresh = (1.0 - keep * keep).sqrt() * actor.unrest;
            mood.0 = mood.0 * keep + fresh * random.normal();
            mood.1 = mood.1 * keep + fresh * random.normal();
            let (rate, errors) = actor.at(minute + pace / 2.0);
            let expected: f64 = rate * pace * (1.0 + 0.5 * mood.0).max(0.1);
            let all = random.count(expected);
            let failed = random.count(all * (errors * (1.0 + mood.1).max(0.05)).min(1.0));
            total += all;
            bad += failed.min(all);
            minute += pace;
        }
        Self(samples)
    }

    /// Growth within `(end - width, end]`, extrapolated as far as `increase` does.
    fn grown(&self, end: f64, width: f64) -> Option<(f64, f64)> {
        let first = self.0.partition_point(|sample| sample.0 < end - width);
        let behind = self.0.partition_point(|sample| sample.0 <= end);
        let inside = &self.0[first..behind];
        let (head, last) = (inside.first()?, inside.last()?);
        let covered = last.0 - head.0;
        if inside.len() < 2 {
            return None;
        }
        let average = covered / (inside.len() - 1) as f64;
        let edge = |gap: f64| {
            if gap < average * 1.1 {
                gap
            } else {
                average / 2.0
            }
        };
        let span = covered + edge(head.0 - (end - width)) + edge(end - last.0);
        let times = span / covered;
        Some(((last.1 - head.1) * times, (last.2 - head.2) * times))
    }
}

/// A course of the counters.
fn course(
    story: &Story,
    counters: &Counters,
    (reach, step, width): (f64, f64, f64),
    (counted, present): (bool, f64),
) -> Course {
    let moment = |minute: f64| story.now + SignedDuration::from_secs_f64(minute * 60.0);
    let mut slices = Vec::new();
    // Slices end on whole steps of the clock, as the source asks for them.
    let origin = story.now.as_second() as f64 / 60.0;
    let newest = ((origin + present) / step).floor() * step - origin;
    let mut end = newest - reach;
    let from = end;
    while end <= newest + 1e-9 {
        if let Some((bad, total)) = counters.grown(end, width).filter(|(_, total)| *total > 0.0) {
            slices.push(Slice {
                at: moment(end),
                bad: if counted { bad } else { bad / total },
                total: if counted { total } else { 1.0 },
            });
        }
        end += step;
    }
    Course {
        slices,
        from: moment(from),
        step: SignedDuration::from_secs_f64(step * 60.0),
        width: SignedDuration::from_secs_f64(width * 60.0),
        counted,
    }
}

/// What is observed of every service that is measured, so many minutes before the end of the story.
pub(crate) fn observations(story: &Story, seed: u64, present: f64) -> Vec<Observation> {
    let mut random = Random::new(seed.wrapping_mul(77) + 5);
    let measured = story.actors.iter().filter(|actor| actor.measured);
    measured
        .map(|actor| observe(story, actor, &mut random, present))
        .collect()
}

fn observe(story: &Story, actor: &Actor, random: &mut Random, present: f64) -> Observation {
    let counters = Counters::scrape(actor, random);
    let period = Period::Rolling(Window::days(30));
    let slo = Slo::new(
        actor.name.as_str(),
        "availability",
        SourceName::new("prom"),
        story.objective,
        period,
        Origin::Config,
    );
    let at = story.now + SignedDuration::from_secs_f64(present * 60.0);
    let sample = |window: Window| {
        let grown = counters.grown(present, f64::from(window.seconds()) / 60.0);
        let events = grown.map(|(bad, total)| Events { bad, total });
        let reading = Reading::from_events(grown.map(|one| one.0), grown.map(|one| one.1));
        Sample {
            reading,
            events: events.filter(|_| !actor.recorded),
            at,
        }
    };
    let windows = slo
        .windows()
        .into_iter()
        .map(|window| (window, sample(window)))
        .collect();
    let mut seen = Observation {
        windows,
        ..Observation::unknown(Arc::new(slo), at)
    };
    let is_burning = seen
        .assess()
        .rules
        .iter()
        .any(|rule| rule.firing == Some(true));
    if is_burning {
        let width = if actor.recorded { 5.0 } else { 2.0 };
        let asked = (!actor.recorded, present);
        let fine = course(story, &counters, (360.0, 1.0, width), asked);
        let wide = course(story, &counters, (1800.0, 5.0, 5.0), asked);
        let coarse = course(story, &counters, (4320.0, 10.0, 10.0), asked);
        seen.courses = Arc::from([fine, wide, coarse]);
    }
    seen
}
