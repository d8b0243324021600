//! The past of SLOs, asked of the sources that measure them.

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::domain::past::{PastEvents, PastQuestion, Steps};
use crate::domain::{Fault, Slo, SourceName};
use crate::insight::delivery::Terms;
use crate::insight::report::{Measured, merged};
use crate::poll;
use crate::source::Ask;
use crate::text::Untrusted;
use crate::watch::Watch;

/// SLOs of one question.
const A_QUESTION: usize = 20;
/// The longest that one question may take.
const LIMIT: SignedDuration = SignedDuration::from_secs(60);
/// Shorter gaps are those of single samples.
const GAP: i32 = 3;

/// The steps of a time: fine enough for an incident of minutes, and few enough for a server.
pub(in crate::command) fn steps(from: Timestamp, until: Timestamp) -> Steps {
    let length = from.duration_until(until);
    let days = |days: i64| SignedDuration::from_hours(days * 24);
    let step = if length <= days(2) {
        SignedDuration::from_mins(1)
    } else if length <= days(93) {
        SignedDuration::from_mins(5)
    } else {
        SignedDuration::from_mins(30)
    };
    Steps::new(from, until, step)
}

/// One SLO as it is known before its past.
struct Wanted {
    measured: Measured,
    ids: Vec<Untrusted>,
}

/// The past of every SLO of a watch; sources are asked at the same time.
pub(super) async fn all(watch: &mut Watch, terms: &Terms<'_>) -> Vec<Measured> {
    let steps = steps(terms.from, terms.until);
    let now = Timestamp::now();
    let ask = Ask {
        now,
        at: None,
        history: false,
        since: Some(terms.from),
    };
    let mut questions = JoinSet::new();
    for (settings, mut source) in std::mem::take(&mut watch.sources) {
        let wanted = wanted(watch, &settings.name);
        let limit = poll::limit(&settings).max(LIMIT);
        questions.spawn(async move {
            let mut found = Vec::new();
            for some in wanted.chunks(A_QUESTION) {
                let question = PastQuestion {
                    slos: some.iter().map(|one| one.ids.clone()).collect(),
                    steps,
                };
                let answer = poll::past_events_once(source.as_mut(), &ask, &question, limit).await;
                found.extend(answered(some, answer));
            }
            (settings, source, found)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = questions.join_next().await {
        if let Ok((settings, source, found)) = done {
            watch.sources.push((settings, source));
            all.extend(found);
        }
    }
    watch.sources.sort_by_key(|(settings, _)| settings.index);
    all.sort_by(|a, b| (&a.id, &a.source).cmp(&(&b.id, &b.source)));
    all
}

/// The past of one SLO.
pub(super) async fn one(watch: &mut Watch, slo: &Slo, steps: Steps) -> Measured {
    let mut measured = Measured {
        source: slo.source.clone(),
        id: slo.id(),
        service: slo.service.clone(),
        objective: slo.objective,
        past: Err("it was not asked".into()),
    };
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: Some(steps.from()),
    };
    let question = PastQuestion {
        slos: vec![watch.store.ids_of(slo)],
        steps,
    };
    let mut sources = watch.sources.iter_mut();
    if let Some((settings, source)) = sources.find(|(settings, _)| settings.name == slo.source) {
        let limit = poll::limit(settings).max(LIMIT);
        let answer = poll::past_events_once(source.as_mut(), &ask, &question, limit).await;
        measured.past = match answer.map(|mut answers| answers.pop()) {
            Ok(Some(Ok(past))) => Ok(past),
            Ok(Some(Err(fault))) | Err(fault) => Err(fault.message),
            Ok(None) => measured.past,
        };
    }
    measured
}

fn wanted(watch: &Watch, source: &SourceName) -> Vec<Wanted> {
    let store = &watch.store;
    let own = store.slos().filter(|(feed, _)| feed.name == *source);
    let own = own.map(|(feed, seen)| Wanted {
        ids: store.ids_of(&seen.slo),
        measured: Measured {
            source: feed.name.clone(),
            id: seen.slo.id(),
            service: seen.slo.service.clone(),
            objective: seen.slo.objective,
            past: Err("it was not asked".into()),
        },
    });
    own.collect()
}

fn answered(
    some: &[Wanted],
    answer: Result<Vec<Result<PastEvents, Fault>>, Fault>,
) -> Vec<Measured> {
    let mut answers = match answer {
        Ok(answers) => answers.into_iter().map(Some).collect(),
        Err(fault) => vec![Some(Err(fault)); some.len()],
    };
    answers.resize(some.len(), None);
    let all = some.iter().zip(answers);
    all.map(|(one, answer)| Measured {
        past: match answer {
            Some(Ok(past)) => Ok(past),
            Some(Err(fault)) => Err(fault.message),
            None => one.measured.past.clone(),
        },
        ..one.measured.clone()
    })
    .collect()
}

/// When nothing is known of an SLO.
pub(super) fn gaps(slo: &Measured, terms: &Terms<'_>) -> Vec<(Timestamp, Timestamp)> {
    let Ok(past) = &slo.past else {
        return vec![(terms.from, terms.until)];
    };
    let steps = past.steps;
    let step = steps.step();
    let unknown = past
        .events
        .iter()
        .enumerate()
        .filter(|(_, one)| one.is_none());
    let times = unknown.map(|(place, _)| {
        let end = steps.end(place);
        (end.saturating_sub(step).unwrap_or(end), end)
    });
    let mut times = merged(times.collect());
    times.retain(|(from, until)| from.duration_until(*until) > step * GAP);
    if let Some(first) = times.first_mut()
        && first.0 <= steps.from()
    {
        // What is left over before the first step is as unknown as that.
        first.0 = terms.from;
    }
    times
}

/// The times that are in every list; all the time where there is no list.
pub(super) fn common(
    lists: Vec<Vec<(Timestamp, Timestamp)>>,
    whole: &[(Timestamp, Timestamp)],
) -> Vec<(Timestamp, Timestamp)> {
    let mut lists = lists.into_iter();
    let Some(mut all) = lists.next() else {
        return whole.to_vec();
    };
    for list in lists {
        let pairs = all.iter().flat_map(|one| {
            let parts = list
                .iter()
                .map(|other| (one.0.max(other.0), one.1.min(other.1)));
            parts.collect::<Vec<_>>()
        });
        all = merged(pairs.collect());
    }
    all
}
