//! Incidents whose cause is known: traffic, errors and releases of a few services, by minute.

#![expect(clippy::cast_possible_truncation, reason = "seconds of some days")]

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::{Release, ReleaseStatus, Service};

use crate::random::Random;

/// What kind of incident it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    BadRelease,
    Dependency,
    TwoReleases,
    TwoIncidents,
    LeakAfterRelease,
    Flapping,
    ScrapeGaps,
    LowTraffic,
    RollbackHeals,
    ConfigRelease,
    Canary,
    TrafficSpike,
    TrafficDrop,
    Infrastructure,
    LeakWithout,
    StagingOnly,
    Unrelated,
    Noise,
    /// A version that is tried twice: the first or the second time it burns.
    TwoAttempts,
    /// A deployment that was asked for and never ran.
    NeverRan,
}

use Kind::*;

impl Kind {
    pub(crate) const ALL: [Self; 20] = [
        BadRelease,
        Dependency,
        TwoReleases,
        TwoIncidents,
        LeakAfterRelease,
        Flapping,
        ScrapeGaps,
        LowTraffic,
        RollbackHeals,
        ConfigRelease,
        Canary,
        TrafficSpike,
        TrafficDrop,
        Infrastructure,
        LeakWithout,
        StagingOnly,
        Unrelated,
        Noise,
        TwoAttempts,
        NeverRan,
    ];

    /// Whether a release is behind it.
    pub(crate) fn is_explainable(self) -> bool {
        self < TrafficSpike || self == TwoAttempts
    }
}

/// A change of traffic or errors of one service.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// From when until when, in minutes; the present is 0 and the past below it.
    pub(crate) from: f64,
    pub(crate) until: f64,
    /// Share of requests that fail once it has come up.
    pub(crate) errors: f64,
    /// Minutes until it has.
    pub(crate) ramp: f64,
    /// Minutes on, and minutes off, of errors that come and go.
    pub(crate) flaps: Option<(f64, f64)>,
    /// Traffic for each usual one.
    pub(crate) traffic: f64,
}

/// A service and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) name: String,
    /// Requests a minute.
    pub(crate) rate: f64,
    /// Share of requests that fail on a good day.
    pub(crate) base: f64,
    /// How much more than by chance both vary, as a share.
    pub(crate) unrest: f64,
    pub(crate) troubles: Vec<Trouble>,
    /// Minutes in which nobody looked.
    pub(crate) gaps: Vec<(f64, f64)>,
    pub(crate) measured: bool,
    /// Seconds between samples.
    pub(crate) scrape: f64,
    /// Whether only a ratio of five minutes is recorded.
    pub(crate) recorded: bool,
}

impl Actor {
    /// Requests, and the share of them that fails, at a minute.
    pub(crate) fn at(&self, minute: f64) -> (f64, f64) {
        let day = (minute / 1440.0 * std::f64::consts::TAU + self.rate).sin();
        let (mut rate, mut errors) = (self.rate * (1.0 + 0.25 * day), self.base);
        for trouble in &self.troubles {
            let since = minute - trouble.from;
            if since < 0.0 || minute >= trouble.until {
                continue;
            }
            rate *= trouble.traffic;
            let is_on = trouble
                .flaps
                .is_none_or(|(on, off)| since.rem_euclid(on + off) < on);
            if is_on {
                let share = if trouble.ramp > 0.0 {
                    (since / trouble.ramp).min(1.0)
                } else {
                    1.0
                };
                errors += trouble.errors * share;
            }
        }
        (rate, errors.min(1.0))
    }
}

/// An incident.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) kind: Kind,
    pub(crate) now: Timestamp,
    pub(crate) actors: Vec<Actor>,
    pub(crate) services: Vec<Service>,
    pub(crate) releases: Vec<Release>,
    /// Who burns, and the release behind it.
    pub(crate) guilty: Vec<(String, Option<String>)>,
    /// When the burn of the first began, in minutes before the present.
    pub(crate) onset: Option<f64>,
    pub(crate) objective: f64,
}

struct Writer<'a> {
    random: &'a mut Random,
    story: Story,
}

/// The incident of a kind and a seed, seen within the eleven days after a moment.
pub(crate) fn story(kind: Kind, seed: u64, since: Timestamp) -> Story {
    let mut random = Random::new(seed * 31 + kind as u64);
    let now = since + SignedDuration::from_secs(random.between(0.0, 1e6) as i64);
    let objective = *random.pick(&[0.99, 0.995, 0.999, 0.999]);
    let story = Story {
        kind,
        now,
        actors: Vec::new(),
        services: Vec::new(),
        releases: Vec::new(),
        guilty: Vec::new(),
        onset: None,
        objective,
    };
    let mut writer = Writer {
        random: &mut random,
        story,
    };
    writer.write();
    writer.story
}

impl Writer<'_> {
    fn write(&mut self) {
        let kind = self.story.kind;
        let low = kind == LowTraffic;
        let count = if kind == Infrastructure { 6 } else { 4 };
        for number in 0..count {
            let rate = if low && number == 0 {
                self.random.scale(1.5, 15.0)
            } else {
                self.random.scale(60.0, 6000.0)
            };
            let budget = 1.0 - self.story.objective;
            let actor = Actor {
                name: format!("svc{number}"),
                rate,
                base: budget * self.random.between(0.02, 0.4),
                unrest: self.random.between(0.0, 0.25),
                troubles: Vec::new(),
                gaps: Vec::new(),
                measured: number == 0 || self.random.chance(0.7),
                scrape: *self.random.pick(&[15.0, 15.0, 30.0, 60.0]),
                recorded: self.random.chance(0.08),
            };
            self.story.actors.push(actor);
        }
        self.services();
        let onset = -self.random.scale(8.0, 300.0);
        self.background(onset);
        let factor = self.random.scale(20.0, 250.0);
        let burn = ((1.0 - self.story.objective) * factor).min(0.7);
        self.story.onset = Some(-onset);
        self.plot(kind, onset, burn);
    }

    fn services(&mut self) {
        let needs = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        // svc0 needs svc1, which needs svc2; svc3 and beyond are strangers.
        let through = self.random.chance(0.4);
        self.story.services = vec![
            Service {
                name: "svc0".to_owned(),
                depends_on: needs(&["svc1"]),
                team: Some("shop".to_owned()),
                ..Service::default()
            },
            Service {
                name: "svc1".to_owned(),
                depends_on: if through {
                    needs(&["svc2"])
                } else {
                    Vec::new()
                },
                ..Service::default()
            },
            Service {
                name: "svc3".to_owned(),
                team: Some("shop".to_owned()),
                ..Service::default()
            },
        ];
    }

    /// Releases of everyday life: none of a service that burns in the three hours before.
    fn background(&mut self, onset: f64) {
        for number in 0..self.story.actors.len() {
            let mut at = onset - self.random.between(190.0, 2000.0);
            let gap = self.random.scale(300.0, 3000.0);
            let mut version = 40;
            while at > -6000.0 {
                version -= 1;
                let ends = at + self.random.between(1.0, 8.0);
                let fails = self.random.chance(0.08);
                let status = if fails {
                    ReleaseStatus::Failed
                } else {
                    ReleaseStatus::Succeeded
                };
                let name = format!("svc{number}");
                self.release(&name, &format!("v{version}"), (at, ends), status);
                at -= gap * self.random.between(0.3, 1.7);
            }
        }
    }

    fn release(
        &mut self,
        service: &str,
        version: &str,
        (from, to): (f64, f64),
        status: ReleaseStatus,
    ) -> String {
        let id = format!("r{}", self.story.releases.len());
        let moment = |minute: f64| self.story.now + SignedDuration::from_secs_f64(minute * 60.0);
        let finished = status != ReleaseStatus::Running;
        self.story.releases.push(Release {
            id: id.as_str().into(),
            service: service.into(),
            version: version.into(),
            environment: "production".into(),
            status,
            started_at: Some(moment(from)),
            finished_at: finished.then(|| moment(to)),
            actor: None,
            commit: None,
            url: None,
            details: Vec::new(),
            carried: watchfire::domain::Carried::default(),
        });
        id
    }

    /// A release that arrived so many minutes before the onset.
    fn near(&mut self, service: &str, onset: f64, (least, most): (f64, f64)) -> String {
        let lag = self.random.between(least, most);
        let took = self.random.between(1.0, 7.0);
        let done = onset - lag;
        self.release(
            service,
            "v40",
            (done - took, done),
            ReleaseStatus::Succeeded,
        )
    }

    fn trouble(&mut self, actor: usize, from: f64, errors: f64) -> &mut Trouble {
        let troubles = &mut self.story.actors[actor].troubles;
        troubles.push(Trouble {
            from,
            until: f64::INFINITY,
            errors,
            ramp: 0.0,
            flaps: None,
            traffic: 1.0,
        });
        troubles.last_mut().unwrap()
    }

    fn blame(&mut self, service: &str, release: Option<String>) {
        self.story.guilty.push((service.to_owned(), release));
    }

    /// Something that has nothing to do with it.
    fn stranger(&mut self, onset: f64) {
        if self.random.chance(0.6) {
            self.near("svc3", onset, (0.0, 12.0));
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm a kind")]
    fn plot(&mut self, kind: Kind, onset: f64, burn: f64) {
        match kind {
            BadRelease | LowTraffic | ScrapeGaps | Flapping => {
                let id = self.near("svc0", onset, (0.0, 10.0));
                self.stranger(onset);
                let on = (
                    self.random.between(3.0, 10.0),
                    self.random.between(2.0, 8.0),
                );
                let burn = if kind == LowTraffic {
                    burn.max(0.25)
                } else {
                    burn
                };
                let trouble = self.trouble(0, onset, burn);
                if kind == Flapping {
                    trouble.flaps = Some(on);
                    trouble.errors *= 2.0;
                }
                if kind == ScrapeGaps {
                    let from = onset + self.random.between(-30.0, 5.0);
                    let length = self.random.between(4.0, 16.0);
                    self.story.actors[0].gaps.push((from, from + length));
                }
                self.blame("svc0", Some(id));
            }
            Dependency => {
                let far = self.story.services[1].depends_on.is_empty();
                let number = if far { 1 } else { 2 };
                let name = format!("svc{number}");
                let id = self.near(&name, onset, (0.0, 10.0));
                self.stranger(onset);
                if self.random.chance(0.4) {
                    self.near("svc0", onset, (40.0, 120.0));
                }
                self.trouble(0, onset, burn);
                for needed in 1..=number {
                    self.trouble(needed, onset, burn);
                }
                self.blame("svc0", Some(id));
            }
            TwoReleases => {
                let other = if self.random.chance(0.5) {
                    "svc0"
                } else {
                    "svc1"
                };
                self.near(other, onset, (18.0, 60.0));
                self.near("svc3", onset, (0.0, 3.0));
                let id = self.near("svc0", onset, (0.0, 10.0));
                self.trouble(0, onset, burn);
                self.blame("svc0", Some(id));
            }
            TwoIncidents => {
                let id = self.near("svc0", onset, (0.0, 10.0));
                self.trouble(0, onset, burn);
                let second = onset + self.random.between(-4.0, 4.0);
                let other = self.near("svc3", second, (0.0, 5.0));
                self.trouble(3, second, burn);
                self.story.actors[3].measured = true;
                self.blame("svc0", Some(id));
                self.blame("svc3", Some(other));
            }
            LeakAfterRelease => {
                let ramp = self.random.between(60.0, 240.0);
                let onset = -self.random.between(0.5, 1.2) * ramp - 20.0;
                self.story.onset = Some(-onset);
                let id = self.near("svc0", onset, (0.0, 10.0));
                self.trouble(0, onset, burn).ramp = ramp;
                self.blame("svc0", Some(id));
            }
            RollbackHeals => {
                let id = self.near("svc0", onset, (0.0, 10.0));
                let healed = onset + self.random.between(0.3, 0.8) * -onset;
                self.trouble(0, onset, burn * 2.0).until = healed;
                self.release(
                    "svc0",
                    "v39",
                    (healed - 2.0, healed),
                    ReleaseStatus::Succeeded,
                );
                let bad = self
                    .story
                    .releases
                    .iter_mut()
                    .find(|one| one.id.raw() == id);
                bad.unwrap().status = ReleaseStatus::RolledBack;
                self.blame("svc0", Some(id));
            }
            ConfigRelease => {
                let lag = self.random.between(0.0, 4.0);
                let id = self.release(
                    "svc0",
                    "v39",
                    (onset - lag - 1.0, onset - lag),
                    ReleaseStatus::Succeeded,
                );
                self.stranger(onset);
                self.trouble(0, onset, burn);
                self.blame("svc0", Some(id));
            }
            Canary => {
                let since = self.random.between(1.0, 12.0);
                let (status, ends) = if self.random.chance(0.5) {
                    (ReleaseStatus::Running, 0.0)
                } else {
                    (ReleaseStatus::Failed, onset + self.random.between(2.0, 8.0))
                };
                let id = self.release("svc0", "v40", (onset - since, ends), status);
                self.trouble(0, onset, burn);
                self.blame("svc0", Some(id));
            }
            TrafficSpike | TrafficDrop => {
                let traffic = if kind == TrafficSpike {
                    self.random.between(2.6, 8.0)
                } else {
                    self.random.between(0.05, 0.35)
                };
                if self.random.chance(0.7) {
                    self.near("svc0", onset, (0.0, 15.0));
                }
                self.trouble(0, onset, burn).traffic = traffic;
                self.blame("svc0", None);
            }
            Infrastructure => {
                for number in
                    [0, 3, 4, 5]
                        .into_iter()
                        .take(if self.random.chance(0.5) { 3 } else { 4 })
                {
                    let later = onset + self.random.between(0.0, 1.0);
                    self.trouble(number, later, burn);
                    self.story.actors[number].measured = true;
                }
                self.near("svc0", onset, (0.0, 12.0));
                if self.random.chance(0.5) {
                    self.near("svc4", onset, (0.0, 12.0));
                }
                self.blame("svc0", None);
            }
            LeakWithout => {
                let ramp = self.random.between(60.0, 240.0);
                let onset = -self.random.between(0.5, 1.2) * ramp - 20.0;
                self.story.onset = Some(-onset);
                let edge = onset - 180.0;
                self.forget("svc0", edge);
                self.forget("svc1", edge);
                self.forget("svc2", edge);
                self.stranger(onset);
                self.trouble(0, onset, burn).ramp = ramp;
                self.blame("svc0", None);
            }
            StagingOnly => {
                let id = self.near("svc0", onset, (0.0, 8.0));
                let staging = *self
                    .random
                    .pick(&["staging", "dev", "pre-prod", "test", "qa"]);
                let mine = self
                    .story
                    .releases
                    .iter_mut()
                    .find(|one| one.id.raw() == id);
                mine.unwrap().environment = staging.into();
                self.trouble(0, onset, burn);
                self.blame("svc0", None);
            }
            TwoAttempts => {
                let (first, second) = if self.random.chance(0.6) {
                    // The burn begins with the second.
                    (
                        self.random.between(8.0, 40.0),
                        self.random.between(0.0, 7.0),
                    )
                } else {
                    // The second is tried while it burns.
                    (
                        self.random.between(0.0, 7.0),
                        self.random.between(-0.8, -0.2) * -onset,
                    )
                };
                let took = self.random.between(1.0, 6.0);
                let status = if self.random.chance(0.7) {
                    ReleaseStatus::Failed
                } else {
                    ReleaseStatus::Succeeded
                };
                let arrived = (onset - first - took, onset - first);
                let one = self.release("svc0", "v40", arrived, status);
                let arrived = (onset - second - 1.0, onset - second);
                let two = self.release("svc0", "v40", arrived, ReleaseStatus::Succeeded);
                self.stranger(onset);
                self.trouble(0, onset, burn);
                self.blame("svc0", Some(if second < 0.0 { one } else { two }));
            }
            NeverRan => {
                let id = self.near("svc0", onset, (0.0, 8.0));
                let words = ["skipped", "not_run", "NOT_STARTED", "BUFFERED", "on_hold"];
                let word: &&str = self.random.pick(&words);
                let status = ReleaseStatus::from_word(word);
                let mine = self
                    .story
                    .releases
                    .iter_mut()
                    .find(|one| one.id.raw() == id);
                mine.unwrap().status = status;
                self.trouble(0, onset, burn);
                self.blame("svc0", None);
            }
            Unrelated => {
                self.near("svc3", onset, (0.0, 6.0));
                self.trouble(0, onset, burn);
                self.blame("svc0", None);
            }
            Noise => {
                self.story.onset = None;
                let budget = 1.0 - self.story.objective;
                let actor = &mut self.story.actors[0];
                actor.base = budget * self.random.between(3.5, 12.0);
                actor.unrest = self.random.between(0.1, 0.5);
                let at = -self.random.between(5.0, 200.0);
                self.near("svc0", at, (0.0, 5.0));
                self.blame("svc0", None);
            }
        }
    }

    /// Takes releases of a service after a minute out.
    fn forget(&mut self, service: &str, edge: f64) {
        let edge = self.story.now + SignedDuration::from_secs_f64(edge * 60.0);
        self.story.releases.retain(|one| {
            one.service.raw() != service || one.started_at.is_some_and(|at| at < edge)
        });
    }
}
