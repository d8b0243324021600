//! The bucket that a latency objective is judged by: one that the server has, chosen by the last week.

use std::collections::BTreeMap;

use super::asker::{Answer, Asker};
use super::candidate::Candidate;
use super::history::{Questions, by};
use super::objective;
use super::shape::value;
use super::subject::{Subject, selector};
use crate::domain::{Fault, Window};
use crate::source::prometheus::api::Series;
use crate::source::prometheus::promql;

/// The share of requests that lie under the chosen bucket.
const SHARE: f64 = 0.99;
/// How many larger buckets are tried where the smallest one holds no objective.
const MORE: usize = 3;

/// A bucket, and how many events lie above it in the kept history.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// As the server writes it.
    pub(super) le: String,
    /// Events in and above it over the history.
    pub(super) total: f64,
    pub(super) bad: f64,
}

/// A bucket of a candidate.
#[derive(Clone, Debug)]
struct Bucket {
    le: f64,
    /// Each spelling, with how many series write it so.
    spellings: BTreeMap<String, f64>,
    grown: f64,
}

impl Bucket {
    fn series(&self) -> f64 {
        self.spellings.values().sum()
    }

    /// What most series write.
    fn spelling(&self) -> &str {
        let most = self
            .spellings
            .iter()
            .max_by(|one, other| one.1.total_cmp(other.1));
        most.map_or("", |(text, _)| text)
    }
}

/// Chooses a bucket for each candidate of latency; `Err` says why there is none.
pub(super) async fn choose(
    asker: &mut Asker<'_>,
    subjects: &[Subject<'_>],
    reaches: &[(Option<Window>, Option<Window>)],
    candidates: &[&Candidate],
) -> Result<Vec<Result<Choice, String>>, Fault> {
    let mut questions = Questions::default();
    let mut places: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (index, subject) in subjects.iter().enumerate() {
        let own = || {
            candidates
                .iter()
                .copied()
                .filter(|one| one.subject == index)
        };
        let (Some(bucket), Some(reach)) = (&subject.bucket, reaches[index].0) else {
            continue;
        };
        if own().next().is_none() {
            continue;
        }
        let by = by(own());
        let all = selector(bucket, subject.matchers());
        let grown = questions.add(format!("sum by ({by}, le) (increase({all}[{reach}]))"));
        let count = questions.add(format!("count by ({by}, le) ({all})"));
        places.insert(index, (grown, count));
    }
    let answers = questions.ask(asker).await?;
    let usable: Vec<_> = candidates
        .iter()
        .map(|candidate| {
            let (grown, count) = places.get(&candidate.subject)?;
            let rows = (answers[*grown].as_deref()?, answers[*count].as_deref()?);
            Some(usable(&buckets(candidate, rows)))
        })
        .collect();
    judge(asker, subjects, reaches, candidates, &usable).await
}

/// Its buckets, the smallest first; those that are spelt in several ways are one.
fn buckets(candidate: &Candidate, (grown, count): (&[Series], &[Series])) -> Vec<Bucket> {
    let mut all: Vec<Bucket> = Vec::new();
    for row in count.iter().filter(|row| candidate.owns(row)) {
        let text = value(row, "le");
        let Ok(le) = text.parse::<f64>() else {
            continue;
        };
        let at = all.iter().position(|one| one.le.total_cmp(&le).is_eq());
        let at = at.unwrap_or_else(|| {
            all.push(Bucket {
                le,
                spellings: BTreeMap::new(),
                grown: 0.0,
            });
            all.len() - 1
        });
        *all[at].spellings.entry(text.to_owned()).or_default() += row.value;
    }
    for row in grown.iter().filter(|row| candidate.owns(row)) {
        let le = value(row, "le").parse::<f64>();
        let bucket = le
            .ok()
            .and_then(|le| all.iter_mut().find(|one| one.le.total_cmp(&le).is_eq()));
        if let Some(bucket) = bucket {
            bucket.grown += row.value;
        }
    }
    all.sort_by(|one, other| one.le.total_cmp(&other.le));
    all
}

/// Those that every histogram of the service has and under which most requests lie, up to a few.
fn usable(all: &[Bucket]) -> Result<Vec<Bucket>, &'static str> {
    let Some(top) = all.last().filter(|last| last.le == f64::INFINITY) else {
        return Err("its histogram has no `+Inf` bucket");
    };
    if top.grown <= 0.0 {
        return Err("no request in the last 7 days");
    }
    let finite = || all.iter().filter(|one| one.le.is_finite());
    let on_all = || finite().filter(|one| one.series() >= top.series());
    let found: Vec<_> = on_all()
        .skip_while(|one| one.grown < SHARE * top.grown)
        .take(1 + MORE)
        .cloned()
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    Err(if finite().count() > on_all().count() {
        "under no bucket that all targets have lie 99 % of the last 7 days' requests"
    } else {
        "under no bucket but `+Inf` lie 99 % of the last 7 days' requests"
    })
}

type Usable = Option<Result<Vec<Bucket>, &'static str>>;

/// Judges those over the kept history, and takes the smallest that holds an objective.
async fn judge(
    asker: &mut Asker<'_>,
    subjects: &[Subject<'_>],
    reaches: &[(Option<Window>, Option<Window>)],
    candidates: &[&Candidate],
    usable: &[Usable],
) -> Result<Vec<Result<Choice, String>>, Fault> {
    let mut questions = Questions::default();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, subject) in subjects.iter().enumerate() {
        let mut spellings = Vec::new();
        let own = || {
            candidates
                .iter()
                .copied()
                .zip(usable)
                .filter(|(one, _)| one.subject == index)
        };
        for (_, one) in own() {
            let buckets = one.iter().flatten().flatten();
            spellings.extend(buckets.flat_map(|bucket| bucket.spellings.keys()));
        }
        spellings.sort_unstable();
        spellings.dedup();
        let (Some(bucket), Some(reach), false) =
            (&subject.bucket, reaches[index].1, spellings.is_empty())
        else {
            continue;
        };
        let quoted: Vec<_> = spellings.iter().map(|text| promql::quoted(text)).collect();
        let le = format!(
            "le=~{}",
            promql::string(&format!("{}|[+]Inf", quoted.join("|")))
        );
        let by = by(own().map(|(one, _)| one));
        let those = selector(bucket, subject.matchers().chain([&le]));
        let text = format!("sum by ({by}, le) (increase({those}[{reach}]))");
        places.insert(index, questions.add(text));
    }
    let answers = questions.ask(asker).await?;
    let too_many = "its buckets are too many to be read cheaply";
    let choice = |(candidate, usable): (&&Candidate, &Usable)| {
        let buckets = usable
            .as_ref()
            .ok_or(too_many)?
            .as_ref()
            .map_err(|why| *why)?;
        let place = places.get(&candidate.subject).ok_or(too_many)?;
        pick(candidate, buckets, &answers[*place]).ok_or(too_many)
    };
    let all = candidates.iter().zip(usable);
    Ok(all.map(|one| choice(one).map_err(str::to_owned)).collect())
}

fn pick(candidate: &Candidate, buckets: &[Bucket], answer: &Answer) -> Option<Choice> {
    let rows = answer.as_deref()?;
    let within = |le: f64| {
        let own = rows.iter().filter(|row| candidate.owns(row));
        let own = own.filter(|row| {
            value(row, "le")
                .parse::<f64>()
                .is_ok_and(|one| one.total_cmp(&le).is_eq())
        });
        own.map(|row| row.value).sum::<f64>()
    };
    let total = within(f64::INFINITY);
    let choices = buckets.iter().map(|bucket| {
        let bad = total - within(bucket.le);
        Choice {
            le: bucket.spelling().to_owned(),
            total,
            bad: if bad <= total * 1e-9 { 0.0 } else { bad },
        }
    });
    let choices: Vec<_> = choices.collect();
    let holds = |one: &&Choice| objective::tightest(one.bad, one.total).is_some();
    choices.iter().find(holds).or(choices.first()).cloned()
}
