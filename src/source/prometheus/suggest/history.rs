//! What the kept history says of each candidate: events, bad ones, and how far back it goes.

use std::collections::{BTreeMap, BTreeSet};

use super::asker::{Answer, Asker};
use super::candidate::Candidate;
use super::shape::Bad;
use super::subject::{Subject, selector};
use crate::domain::{Fault, Window};

/// The longest history that an objective is judged by.
pub(super) const LONGEST: Window = Window::days(30);
/// What the smallest bucket is chosen by.
const WEEK: Window = Window::days(7);
/// Samples that the questions about one metric may read: some seconds of one core of the server.
const SAMPLES: f64 = 400_000_000.0;
/// Those that all questions may read.
const ALL_SAMPLES: f64 = 1_200_000_000.0;

/// What is known of a candidate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct History {
    pub(super) total: f64,
    pub(super) bad: f64,
    /// Events of the last day.
    pub(super) day: f64,
    /// True when it has samples that are a day old.
    pub(super) is_old: bool,
}

/// The samples that may still be read.
pub(super) struct Allowance {
    left: f64,
    samples_per_day: f64,
}

impl Allowance {
    pub(super) fn new(samples_per_day: f64) -> Self {
        Self {
            left: ALL_SAMPLES,
            samples_per_day,
        }
    }

    /// How far so many series are looked back over; `None` for too many.
    pub(super) fn reach(&mut self, series: f64, wanted: Window) -> Option<Window> {
        let spans = [LONGEST, WEEK, Window::days(1)];
        let days = |window: Window| f64::from(window.seconds()) / 86_400.0;
        let cost = |window: &Window| series * self.samples_per_day * days(*window);
        let mut spans = spans.into_iter().filter(|window| *window <= wanted);
        let reach = spans.find(|window| cost(window) <= SAMPLES.min(self.left))?;
        self.left -= cost(&reach);
        Some(reach)
    }
}

/// Questions, each asked once.
#[derive(Default)]
pub(super) struct Questions {
    texts: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Questions {
    /// Where the answer to a question will be.
    pub(super) fn add(&mut self, text: String) -> usize {
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = self.texts.len();
        self.texts.push(text.clone());
        self.places.insert(text, place);
        place
    }

    pub(super) async fn ask(&self, asker: &mut Asker<'_>) -> Result<Vec<Answer>, Fault> {
        asker.ask(&self.texts).await
    }
}

/// The labels that tell the candidates of a subject apart.
pub(super) fn by<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> String {
    let mut labels = BTreeSet::from(["job"]);
    for candidate in candidates {
        labels.insert(&candidate.label);
        labels.extend(candidate.namespace.0.as_deref());
    }
    labels.into_iter().collect::<Vec<_>>().join(", ")
}

/// Where the answers about a subject are.
struct Places {
    subject: usize,
    total: usize,
    day: usize,
    old: usize,
    /// Those of bad events; of good ones where the kind says so.
    bad: Vec<(Bad, usize)>,
}

/// Asks for the history of all candidates. Those of which nothing was answered are `None`.
pub(super) async fn look(
    asker: &mut Asker<'_>,
    subjects: &[Subject<'_>],
    reaches: &[Option<Window>],
    candidates: &[Candidate],
) -> Result<Vec<Option<History>>, Fault> {
    let mut questions = Questions::default();
    let mut places = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        let own = || candidates.iter().filter(|one| one.subject == index);
        let (Some(reach), Some(_)) = (reaches[index], own().next()) else {
            continue;
        };
        places.push(questions_of(
            index,
            subject,
            reach,
            &by(own()),
            own(),
            &mut questions,
        ));
    }
    let answers = questions.ask(asker).await?;
    let history = |candidate: &Candidate| {
        let places = places.iter().find(|one| one.subject == candidate.subject)?;
        read(candidate, &subjects[candidate.subject], places, &answers)
    };
    Ok(candidates.iter().map(history).collect())
}

fn questions_of<'a>(
    index: usize,
    subject: &Subject<'_>,
    reach: Window,
    by: &str,
    own: impl Iterator<Item = &'a Candidate>,
    questions: &mut Questions,
) -> Places {
    let all = selector(&subject.metric, subject.matchers());
    let mut grown = |function: &str, selector: &str, window: Window| {
        questions.add(format!("sum by ({by}) ({function}({selector}[{window}]))"))
    };
    let count = if subject.recipe.gauge {
        "count_over_time"
    } else {
        "increase"
    };
    let total = grown(count, &all, reach);
    let day = grown(count, &all, Window::days(1));
    let kinds: BTreeSet<_> = own.map(|one| one.bad.clone()).collect();
    let mut bad = Vec::new();
    for kind in kinds {
        let place = match &kind {
            Bad::Slow => None,
            Bad::Zero => Some(grown("sum_over_time", &all, reach)),
            Bad::Metric(metric) => {
                let failed = selector(metric, subject.matchers());
                Some(grown("increase", &failed, reach))
            }
            Bad::Matching(more) | Bad::NotMatching(more) => {
                let those = selector(&subject.metric, subject.matchers().chain([more]));
                Some(grown("increase", &those, reach))
            }
        };
        bad.extend(place.map(|place| (kind, place)));
    }
    let old = questions.add(format!(
        "count by ({by}) (count_over_time({all}[1h] offset 1d))"
    ));
    Places {
        subject: index,
        total,
        day,
        old,
        bad,
    }
}

fn read(
    candidate: &Candidate,
    subject: &Subject<'_>,
    places: &Places,
    answers: &[Answer],
) -> Option<History> {
    let sum = |place: usize| Some(candidate.sum(answers[place].as_deref()?).unwrap_or(0.0));
    let mut history = History {
        total: sum(places.total)?,
        bad: 0.0,
        day: sum(places.day)?,
        is_old: sum(places.old)? > 0.0,
    };
    let part = places.bad.iter().find(|(kind, _)| *kind == candidate.bad);
    if let Some((kind, place)) = part {
        let part = sum(*place)?;
        if matches!(kind, Bad::Metric(_)) && subject.recipe.extra {
            history.total += part;
        }
        history.bad = match kind {
            Bad::Zero | Bad::NotMatching(_) => history.total - part,
            _ => part,
        };
        // What is left of a difference of sums.
        if history.bad <= history.total * 1e-9 {
            history.bad = 0.0;
        }
    }
    Some(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_series_are_looked_back_over_for_less() {
        let reach = |series| Allowance::new(5_760.0).reach(series, LONGEST);
        assert_eq!(reach(1_000.0), Some(LONGEST));
        assert_eq!(reach(5_000.0), Some(WEEK));
        assert_eq!(reach(50_000.0), Some(Window::days(1)));
        assert_eq!(reach(500_000.0), None);
        let mut allowance = Allowance::new(5_760.0);
        let spans: Vec<_> = (0..40).map(|_| allowance.reach(2_000.0, LONGEST)).collect();
        assert_eq!(spans[0], Some(LONGEST));
        assert!(
            spans.contains(&Some(WEEK)) && spans.last() == Some(&None),
            "{spans:?}"
        );
    }
}
