//! SLOs suggested from the request metrics of common exporters and libraries.
//!
//! ```text
//! names     which metrics of the recipes exist: one request to the index        ─► subjects
//! size      how many series each has, how often they are scraped, what to leave out
//! shape     which label names the service, and which says what is bad           ─► candidates
//! history   events and bad ones over the kept history and the last day
//! latency   the smallest existing bucket under which 99 % of a week lie
//! decide    objective, outermost layer, thin and never failed ones              ─► suggestions
//! ```
//!
//! Twelve requests at most, whatever the size of the server. In doubt nothing is suggested, and the
//! reason is kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::asker::Asker;
use self::candidate::Candidate;
use self::history::{Allowance, History, LONGEST};
use self::latency::Choice;
use self::shape::Group;
use self::subject::{Kind, Subject};
use super::api::{Api, Series};
use crate::domain::suggestion::{Declined, Suggestions};
use crate::domain::{Fault, Window};

mod adopt;
mod asker;
mod candidate;
mod decide;
mod history;
mod latency;
mod name;
mod objective;
mod recipe;
mod shape;
mod subject;

pub(super) use self::adopt::{Suggest, Suggester};
pub(super) use self::recipe::Recipe;

/// Samples a day of a series, where that cannot be found out: one each 15 s.
const SAMPLES_PER_DAY: f64 = 5_760.0;
/// How often targets are scraped, in samples of ten minutes.
const SCRAPES: &str = "max(count_over_time(up[10m]))";

/// What was found out before anything is decided.
struct Findings<'a> {
    subjects: Vec<Subject<'a>>,
    candidates: Vec<Candidate>,
    /// Of each candidate, in their order.
    histories: Vec<Option<History>>,
    choices: Vec<Option<Result<Choice, String>>>,
    /// The window that each subject was judged over.
    reaches: Vec<Option<Window>>,
    declined: BTreeSet<Declined>,
}

/// Looks for SLOs to suggest: `own` recipes of the configuration go before the built-in ones.
pub(super) async fn look(
    api: &Api,
    own: &[Recipe],
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Suggestions, Fault> {
    let recipes: Vec<&Recipe> = own.iter().chain(recipe::built_in()).collect();
    let mut asker = Asker::new(api, at, now);
    let patterns: Vec<_> = recipes
        .iter()
        .flat_map(|recipe| recipe.patterns())
        .collect();
    let names = asker.names(&patterns).await?;
    let mut declined = BTreeSet::new();
    for recipe in &recipes {
        if let Some(reason) = &recipe.declined
            && let Some(prefix) = recipe.prefixes(&names).first()
        {
            decline(&mut declined, &recipe.metric_of(prefix), reason);
        }
    }
    let mut subjects = subject::all(&recipes, &names);
    let families = recipes.iter().map(|recipe| recipe.name.clone()).collect();
    let mut findings = Findings {
        candidates: Vec::new(),
        histories: Vec::new(),
        choices: Vec::new(),
        reaches: Vec::new(),
        declined,
        subjects: Vec::new(),
    };
    if !subjects.is_empty() {
        let sizes = measure(&mut asker, &mut subjects).await?;
        findings.subjects = subjects;
        findings.find(&mut asker, &sizes).await?;
    }
    let declined = std::mem::take(&mut findings.declined);
    let (all, more) = decide::decide(&findings);
    Ok(Suggestions {
        all,
        declined: declined
            .into_iter()
            .chain(more)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        families,
    })
}

fn decline(declined: &mut BTreeSet<Declined>, metric: &str, reason: &str) {
    declined.insert(Declined {
        metric: metric.into(),
        reason: reason.into(),
    });
}

/// How many series metrics have, and how often they are scraped.
struct Sizes {
    series: BTreeMap<String, f64>,
    samples_per_day: f64,
}

impl Sizes {
    fn series(&self, metric: &str) -> f64 {
        self.series.get(metric).copied().unwrap_or_default()
    }
}

/// Counts the series of all subjects, and finds what is to be left out.
async fn measure(asker: &mut Asker<'_>, subjects: &mut [Subject<'_>]) -> Result<Sizes, Fault> {
    let metrics: BTreeSet<_> = subjects
        .iter()
        .flat_map(|one| [Some(&one.metric), one.bucket.as_ref()])
        .flatten()
        .collect();
    let metrics: Vec<_> = metrics.into_iter().map(String::as_str).collect();
    let any = super::promql::string(&metrics.join("|"));
    let mut expressions = vec![
        format!("count by (__name__) ({{__name__=~{any}}})"),
        SCRAPES.to_owned(),
    ];
    let mut places = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        for (label, pattern) in subject.exclusions() {
            let text = subject.exclusion_query(label, &pattern);
            let known = expressions.iter().position(|one| *one == text);
            let place = known.unwrap_or_else(|| {
                expressions.push(text);
                expressions.len() - 1
            });
            let matcher = format!("{label}!~{}", super::promql::string(&pattern));
            places.push((index, place, matcher));
        }
    }
    let answers = asker.ask(&expressions).await?;
    for (index, place, matcher) in places {
        if answers[place].as_ref().is_some_and(|rows| !rows.is_empty()) {
            subjects[index].left_out.push(matcher);
        }
    }
    let series = answers[0].iter().flatten();
    let series = series.map(|row| (row.name.clone(), row.value)).collect();
    let scrapes = answers[1].as_ref().and_then(|rows| rows.first());
    let scrapes = scrapes
        .map(|row| row.value * 144.0)
        .filter(|one| *one > 0.0);
    Ok(Sizes {
        series,
        samples_per_day: scrapes.unwrap_or(SAMPLES_PER_DAY),
    })
}

impl Findings<'_> {
    async fn find(&mut self, asker: &mut Asker<'_>, sizes: &Sizes) -> Result<(), Fault> {
        let mut allowance = Allowance::new(sizes.samples_per_day);
        let of = |subject: &Subject<'_>| {
            let mut reach = |metric: &str, wanted| allowance.reach(sizes.series(metric), wanted);
            let events = reach(&subject.metric, LONGEST);
            let Some(bucket) = &subject.bucket else {
                return (events, (None, None));
            };
            let buckets = (reach(bucket, Window::days(7)), reach(bucket, LONGEST));
            (events.filter(|_| buckets.1.is_some()), buckets)
        };
        let (reaches, buckets): (Vec<_>, Vec<_>) = self.subjects.iter().map(of).unzip();
        for (subject, reach) in self.subjects.iter().zip(&reaches) {
            if reach.is_none() {
                let metric = subject.bucket.as_ref().unwrap_or(&subject.metric);
                let reason = "too many series to be read cheaply: record the ratio with rules";
                decline(&mut self.declined, metric, reason);
            }
        }
        self.shape(asker, &reaches).await?;
        self.histories = history::look(asker, &self.subjects, &reaches, &self.candidates).await?;
        let is_latency = |one: &&Candidate| self.subjects[one.subject].kind == Kind::Latency;
        let latency: Vec<_> = self.candidates.iter().filter(is_latency).collect();
        let mut chosen = Vec::new().into_iter();
        if !latency.is_empty() {
            let choices = latency::choose(asker, &self.subjects, &buckets, &latency).await?;
            chosen = choices.into_iter();
        }
        let choices = self.candidates.iter().map(|one| {
            let is_latency = self.subjects[one.subject].kind == Kind::Latency;
            is_latency.then(|| chosen.next()).flatten()
        });
        self.choices = choices.collect();
        let reach = |(subject, reach): (usize, &Option<Window>)| {
            let is_latency = self.subjects[subject].kind == Kind::Latency;
            if is_latency {
                buckets[subject].1
            } else {
                *reach
            }
        };
        self.reaches = reaches.iter().enumerate().map(reach).collect();
        Ok(())
    }

    /// Finds the candidates by the labels of all subjects.
    async fn shape(
        &mut self,
        asker: &mut Asker<'_>,
        reaches: &[Option<Window>],
    ) -> Result<(), Fault> {
        let mut expressions: Vec<String> = Vec::new();
        let places: Vec<_> = self
            .subjects
            .iter()
            .zip(reaches)
            .map(|(subject, reach)| {
                let text = reach.map(|_| subject.shape_query())?;
                let known = expressions.iter().position(|one| *one == text);
                Some(known.unwrap_or_else(|| {
                    expressions.push(text);
                    expressions.len() - 1
                }))
            })
            .collect();
        let answers = asker.ask(&expressions).await?;
        let mut claims = Claims::default();
        for (index, subject) in self.subjects.iter().enumerate() {
            let Some(place) = places[index] else {
                continue;
            };
            let Some(rows) = &answers[place] else {
                let reason = "its labels could not be read: the server refused the question";
                decline(&mut self.declined, &subject.metric, reason);
                continue;
            };
            if rows.is_empty() {
                let reason = match subject.recipe.matchers.join(",") {
                    matchers if matchers.is_empty() => "no series now".to_owned(),
                    matchers => format!("no series with `{matchers}`"),
                };
                decline(&mut self.declined, &subject.metric, &reason);
                continue;
            }
            let mut groups: Vec<Group> = Vec::new();
            let applies = claims.select(subject, rows);
            for group in shape::groups(subject, &applies) {
                match group {
                    Ok(group) => groups.push(group),
                    Err(reason) => decline(&mut self.declined, &subject.metric, &reason),
                }
            }
            claims.claim(subject, &groups, &applies);
            let (candidates, reasons) = candidate::of_groups(index, &groups, rows);
            self.candidates.extend(candidates);
            for reason in reasons {
                decline(&mut self.declined, &subject.metric, reason);
            }
        }
        candidate::qualify(&mut self.candidates);
        Ok(())
    }
}

/// Which job's metrics belong to which recipe: the first that has its counter there.
#[derive(Default)]
struct Claims {
    /// The jobs of each recipe's counter.
    counters: BTreeMap<String, BTreeSet<String>>,
    /// Histograms by what counts them, and job.
    histograms: BTreeSet<(String, String)>,
    /// Jobs whose requests a recipe counts already, by the histogram beside the counter.
    counted: BTreeSet<(String, String)>,
}

impl Claims {
    /// The series that a recipe speaks of.
    fn select(&mut self, subject: &Subject<'_>, rows: &[Series]) -> Vec<Series> {
        let job = |row: &Series| row.labels.get("job").unwrap_or_default().to_owned();
        if subject.kind == Kind::Availability || subject.metric == subject.counter {
            let jobs = rows.iter().map(job).collect();
            self.counters.insert(subject.counter.clone(), jobs);
        }
        let jobs = self.counters.get(&subject.counter);
        let taken = match subject.kind {
            Kind::Availability => &self.counted,
            Kind::Latency => &self.histograms,
        };
        let is_own = |row: &&Series| {
            jobs.is_some_and(|jobs| jobs.contains(&job(row)))
                && !taken.contains(&(subject.metric.clone(), job(row)))
        };
        rows.iter().filter(is_own).cloned().collect()
    }

    /// Notes what is counted by a recipe's groups.
    fn claim(&mut self, subject: &Subject<'_>, groups: &[Group], rows: &[Series]) {
        match subject.kind {
            Kind::Availability => {
                // The histogram beside it counts the same requests again.
                let histograms = subject.recipe.latency.iter();
                let counts = histograms.map(|name| {
                    let prefix = subject
                        .counter
                        .strip_suffix(subject.recipe.metric.trim_start_matches('*'));
                    let name = name.strip_prefix('*').map_or(name.clone(), |end| {
                        format!("{}{end}", prefix.unwrap_or_default())
                    });
                    format!("{name}_count")
                });
                for count in counts.filter(|count| *count != subject.counter) {
                    let jobs = groups.iter().map(|group| group.job.clone());
                    self.counted.extend(jobs.map(|job| (count.clone(), job)));
                }
            }
            Kind::Latency => {
                let jobs = rows
                    .iter()
                    .map(|row| row.labels.get("job").unwrap_or_default());
                let claimed = jobs.map(|job| (subject.metric.clone(), job.to_owned()));
                self.histograms.extend(claimed);
            }
        }
    }
}
