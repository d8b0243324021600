//! The SLOs of a service, and what is asked of their past.

use jiff::{SignedDuration, Timestamp};

use crate::config::SourceSettings;
use crate::domain::past::{PastEvents, PastQuestion, Steps};
use crate::domain::{Fault, FaultKind, Origin, SourceName};
use crate::insight::verify::{Evidence, STEP, SloVerdict, Trial, judge, steps_since};
use crate::poll;
use crate::source::{Ask, Source};
use crate::store::Store;
use crate::text::Untrusted;

/// The most SLOs of one question.
const MOST: usize = 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A stretch of time that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stretch {
    /// The time up to the release.
    Before,
    /// The time since, up to a moment.
    Since(Timestamp),
    /// The time of the trial, one day before.
    DayBefore,
}

/// One SLO, where it is measured, and what it may be called there.
struct Subject {
    source: SourceName,
    ids: Vec<Untrusted>,
    evidence: Evidence,
}

/// The SLOs of a service.
pub(super) struct Subjects {
    pub(super) trial: Trial,
    all: Vec<Subject>,
}

impl Subjects {
    /// Those that are known of a service. Where some are promised, suggested ones do not count.
    pub(super) fn new(store: &Store, service: &str, trial: Trial) -> Self {
        let rows = store
            .slos()
            .filter(|(_, seen)| seen.slo.service.raw() == service);
        let mut all: Vec<_> = rows
            .map(|(feed, seen)| Subject {
                source: feed.name.clone(),
                ids: store.ids_of(&seen.slo),
                evidence: Evidence {
                    slo: seen.slo.clone(),
                    before: None,
                    since: None,
                    day_before: None,
                    seen: Some(seen.clone()),
                },
            })
            .collect();
        let is_promised = |one: &Subject| one.evidence.slo.origin != Origin::Suggested;
        if all.iter().any(is_promised) {
            all.retain(is_promised);
        }
        Self { trial, all }
    }

    /// True when there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// True when the time up to the release is known of each.
    pub(super) fn has_past(&self) -> bool {
        let mut all = self.all.iter();
        all.all(|one| matches!(one.evidence.before, Some(Ok(_))))
    }

    /// Takes in the newest observations.
    pub(super) fn see(&mut self, store: &Store) {
        for one in &mut self.all {
            let id = one.evidence.slo.id();
            let mut rows = store.slos();
            let row = rows.find(|(feed, seen)| feed.name == one.source && seen.slo.id() == id);
            one.evidence.seen = row.map(|(_, seen)| seen.clone());
        }
    }

    /// Judges each at a moment.
    pub(super) fn judge(&self, now: Timestamp) -> Vec<SloVerdict> {
        let all = self.all.iter();
        all.map(|one| judge(&self.trial, &one.evidence, now))
            .collect()
    }

    /// Asks every source for a stretch of the past of its SLOs, all at once.
    pub(super) async fn ask(
        &mut self,
        sources: &mut [(SourceSettings, Box<dyn Source>)],
        stretch: Stretch,
        at: Option<Timestamp>,
    ) {
        let steps = self.steps(stretch);
        if steps.is_empty() {
            return;
        }
        let ask = Ask {
            now: Timestamp::now(),
            at,
            history: false,
            since: None,
        };
        let all = &self.all;
        let asked = sources.iter_mut().map(|(settings, source)| {
            let of_source = all.iter().enumerate();
            let of_source = of_source.filter(|(_, one)| one.source == settings.name);
            let (places, ids): (Vec<_>, Vec<_>) = of_source
                .map(|(place, one)| (place, one.ids.clone()))
                .unzip();
            recall(settings, source.as_mut(), (places, ids), (&ask, steps))
        });
        let answers = futures_util::future::join_all(asked).await;
        for (place, answer) in answers.into_iter().flatten() {
            self.take(place, stretch, answer);
        }
    }

    fn steps(&self, stretch: Stretch) -> Steps {
        let released = self.trial.released;
        match stretch {
            Stretch::Before => {
                let slos = self.all.iter().map(|one| &*one.evidence.slo);
                Steps::new(released - self.trial.lookback(slos), released, STEP)
            }
            Stretch::Since(until) => steps_since(released, until.min(self.trial.until), STEP),
            Stretch::DayBefore => steps_since(released - DAY, self.trial.until - DAY, STEP),
        }
    }

    /// Takes an answer in. A failed one replaces nothing of the past that is known.
    fn take(&mut self, place: usize, stretch: Stretch, answer: Result<PastEvents, Fault>) {
        let Some(subject) = self.all.get_mut(place) else {
            return;
        };
        let evidence = &mut subject.evidence;
        let kept = match stretch {
            Stretch::Before => &mut evidence.before,
            Stretch::DayBefore => &mut evidence.day_before,
            Stretch::Since(_) => {
                evidence.since = Some(answer);
                return;
            }
        };
        if answer.is_ok() || !matches!(kept, Some(Ok(_))) {
            *kept = Some(answer);
        }
    }
}

/// The past of some SLOs of one source, each with its place.
async fn recall(
    settings: &SourceSettings,
    source: &mut dyn Source,
    (places, ids): (Vec<usize>, Vec<Vec<Untrusted>>),
    (ask, steps): (&Ask, Steps),
) -> Vec<(usize, Result<PastEvents, Fault>)> {
    let mut found = Vec::with_capacity(places.len());
    for (places, ids) in places.chunks(MOST).zip(ids.chunks(MOST)) {
        let question = PastQuestion {
            slos: ids.to_vec(),
            steps,
        };
        let limit = poll::limit(settings);
        let answers = poll::past_events_once(source, ask, &question, limit).await;
        match answers {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                found.extend(places.iter().map(|&place| {
                    let answer = answers.next().unwrap_or_else(|| Err(no_answer()));
                    (place, answer.map_err(|fault| of_source(settings, fault)))
                }));
            }
            Err(fault) => {
                let fault = of_source(settings, fault);
                found.extend(places.iter().map(|&place| (place, Err(fault.clone()))));
            }
        }
    }
    found
}

/// A fault that names its source.
fn of_source(settings: &SourceSettings, fault: Fault) -> Fault {
    fault.of_part(settings.name.as_str())
}

fn no_answer() -> Fault {
    Fault::new(FaultKind::NotFound, "it returned nothing of this SLO")
}
