//! What series had counted before their first sample: `increase` knows nothing of it.
//!
//! A counter that the first error creates is scraped for the first time at 1, or at 300. Those events
//! happened within a window in which the series began while its target was scraped already. They are
//! added to what the window counts, which then is a lower bound: what a series counted that began
//! together with its target is not known to have happened within the window.
//!
//! Most series do not begin, so first the most is asked that new series may have counted, by queries
//! that are merged as those for the ratios are; what would make a difference is then asked for
//! exactly. Of very many SLOs that first question looks at whole windows up to an hour alone, and for
//! longer ones at the series that are there now: see [`FEW`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::recipe::{Recipe, Term};
pub(super) use self::subject::{Subject, shortest};
use self::subject::{burn_of, counted, ratio};
use super::api::Series;
use super::measure::{self};
use super::plan::{Plan, Ratio, Span};
use super::planner::{Answers, Planner, Question};
use crate::domain::slo::{FirstValues, LowerBound};
use crate::domain::{Events, Fault, Reading, Sample, Window, window};
use crate::text::Untrusted;

mod recipe;
mod subject;
#[cfg(test)]
mod tests;

/// Up to so many SLOs every window is looked at as a whole.
const FEW: usize = 100;
/// The most SLOs of which exact first values are asked for in a round.
const MAX_EXACT: usize = 60;
/// Expressions joined in a query for the most that new series may have counted,
const EXPRESSIONS: usize = 50;
/// and in one for exact first values, which are long.
const EXACT_EXPRESSIONS: usize = 8;
/// How often new series are looked for in short windows,
const SHORT_CADENCE: SignedDuration = SignedDuration::from_mins(1);
/// and in longer ones.
const LONG_CADENCE: SignedDuration = SignedDuration::from_mins(10);
/// First values that add less than this to a burn rate are left out.
const NEGLIGIBLE: f64 = 0.01;

/// The window by which those up to an hour are judged, of very many SLOs.
const HOUR: Window = Window::minutes(65);
/// Windows that are longer are looked at in requests of their own.
const LONG: Window = Window::hours(6);
/// The longest window by which those up to a day are.
const DAY: Window = Window::days(1);
/// What new series had counted, by SLO, kept between polls.
#[derive(Default)]
pub(super) struct Births {
    /// How each SLO is asked, with the edition of the plans that it was made of.
    recipes: HashMap<Untrusted, Option<Arc<Recipe>>>,
    edition: Option<u64>,
    /// The most that new series may have counted, by SLO and the window looked at.
    most: HashMap<Untrusted, BTreeMap<Window, Most>>,
    exact: HashMap<Untrusted, BTreeMap<Span, Exact>>,
    /// When new series were looked for last; `None` to look at once.
    looked: Option<Timestamp>,
    planner: Planner,
}

#[derive(Clone, Copy)]
struct Most {
    asked: Timestamp,
    count: f64,
}

/// The first values of one span, and the counts of it where the sample has none.
#[derive(Clone, Copy)]
struct Exact {
    asked: Timestamp,
    first: FirstValues,
    counted: Option<Events>,
}

/// The longest of these up to a day.
fn longest(spans: &[(Span, Window, Window)]) -> Window {
    let windows = spans.iter().map(|&(_, _, looked)| looked);
    let up_to_a_day = windows.filter(|looked| *looked <= DAY);
    up_to_a_day.max().unwrap_or(HOUR)
}

/// A look for new series: the plan by index, and the window looked at.
struct Look {
    plan: usize,
    window: Window,
}

/// A span of which exact first values are asked for.
struct Want {
    plan: usize,
    span: Span,
    window: Window,
    /// The window in which new series are looked for.
    looked: Window,
    recipe: Arc<Recipe>,
    ratio: Ratio,
    /// True where the counts are not known beside the ratio.
    counts: bool,
}

impl Births {
    /// Looks for new series where that is due, and for what they had counted.
    pub(super) async fn refresh(&mut self, of: &Subject<'_>) -> Result<(), Fault> {
        let at = of.ask.moment();
        self.take_recipes(of);
        let is_recent = self
            .looked
            .is_some_and(|looked| looked <= at && window::age(looked, at) < SHORT_CADENCE);
        if !is_recent {
            self.looked = Some(at).filter(|_| !of.in_haste);
            self.look(of).await?;
        }
        let mut all = self.most.values().flat_map(BTreeMap::values);
        if all.all(|most| most.count == 0.0) {
            self.exact.clear();
            return Ok(());
        }
        self.ask_exactly(of).await
    }

    /// A sample with the first values added, and what was added; `None` where nothing is.
    pub(super) fn raise(
        &self,
        id: &Untrusted,
        span: Span,
        sample: Sample,
    ) -> Option<(Sample, LowerBound)> {
        let exact = self.exact.get(id)?.get(&span)?;
        if matches!(sample.reading, Reading::Unknown | Reading::NoSeries) {
            return None;
        }
        let counted = sample.events.or(exact.counted)?;
        let (reading, events) = exact.first.raise(counted)?;
        let raised = Sample {
            reading,
            events: sample.events.map(|_| events),
            ..sample
        };
        let window = match span {
            Span::Window(window) => Some(window),
            Span::Period => None,
        };
        let bound = LowerBound {
            window,
            first: exact.first.bad,
        };
        Some((raised, bound))
    }

    /// The queries for the first values of a span, in a form short enough to be read: the most that
    /// new series may have counted. None where none were added.
    pub(super) fn queries(
        &self,
        id: &Untrusted,
        span: Span,
        window: Window,
    ) -> Vec<(String, Untrusted)> {
        let exact = self.exact.get(id).and_then(|all| all.get(&span));
        let is_raised = exact.is_some_and(|exact| exact.first.bad > 0.0);
        let recipe = self.recipe(id).filter(|_| is_raised);
        let Some(recipe) = recipe else {
            return Vec::new();
        };
        let named = |what: &str, terms: &[Term]| {
            let name = format!("first values of {what}, at most {window}");
            let query = |term| Untrusted::from(Recipe::most(term, window));
            let queries = terms.iter().map(|term| (name.clone(), query(term)));
            queries.collect::<Vec<_>>()
        };
        let part = if recipe.is_good { "good" } else { "bad" };
        let mut all = named(part, &recipe.part);
        all.extend(named("total", &recipe.total));
        all
    }

    fn take_recipes(&mut self, of: &Subject<'_>) {
        let is_new = self.edition != of.edition || of.edition.is_none();
        if is_new {
            self.edition = of.edition;
            self.recipes.clear();
            self.looked = None;
        }
        for (plan, id) in of.plans.iter().zip(of.ids) {
            if !self.recipes.contains_key(id) {
                let recipe = shortest(plan).and_then(|ratio| Recipe::of(&ratio));
                self.recipes.insert(id.clone(), recipe.map(Arc::new));
            }
        }
        if is_new {
            let recipes = &self.recipes;
            self.most.retain(|id, _| recipes.contains_key(id));
            self.exact.retain(|id, _| recipes.contains_key(id));
        }
    }

    fn recipe(&self, id: &Untrusted) -> Option<&Arc<Recipe>> {
        self.recipes.get(id)?.as_ref()
    }

    /// Asks for the most that new series may have counted, where that is due.
    async fn look(&mut self, of: &Subject<'_>) -> Result<(), Fault> {
        let at = of.ask.moment();
        let is_few = self.is_few(of);
        let looks = self.due(of, is_few);
        let queries: Vec<Vec<String>> = looks
            .iter()
            .map(|look| {
                let Some(recipe) = self.recipe(&of.ids[look.plan]) else {
                    return Vec::new();
                };
                let query = |term: &Term| {
                    if is_few || look.window <= HOUR {
                        Recipe::most(term, look.window)
                    } else {
                        Recipe::most_of_living(term, look.window)
                    }
                };
                recipe.suspects().map(query).collect()
            })
            .collect();
        let classed = looks.iter().zip(&queries).flat_map(|(look, queries)| {
            // Short looks do not wait for long ones.
            let class = u64::from(is_few && look.window > LONG);
            queries.iter().map(move |query| Question { query, class })
        });
        let questions: Vec<_> = classed.collect();
        if questions.is_empty() {
            return Ok(());
        }
        let answers = ask(&mut self.planner, of, &questions, EXPRESSIONS).await?;
        let mut next = 0;
        for (look, queries) in looks.iter().zip(&queries) {
            let counts: Vec<_> = (next..next + queries.len())
                .map(|question| value(&answers, question, &of.plans[look.plan]))
                .collect();
            next += queries.len();
            // What was refused is asked for exactly.
            let count = counts.into_iter().map(|count| count.unwrap_or(f64::NAN));
            let most = Most {
                asked: at,
                count: count.sum(),
            };
            let known = self.most.entry(of.ids[look.plan].clone()).or_default();
            known.insert(look.window, most);
        }
        Ok(())
    }

    fn is_few(&self, of: &Subject<'_>) -> bool {
        let asked = of.ids.iter().filter(|id| self.recipe(id).is_some());
        asked.count() <= FEW
    }

    /// The looks that are due. Of very many SLOs the first round goes back a day.
    fn due(&self, of: &Subject<'_>, is_few: bool) -> Vec<Look> {
        let at = of.ask.moment();
        let mut looks = Vec::new();
        for (plan, id) in of.ids.iter().enumerate() {
            if self.recipe(id).is_none() {
                continue;
            }
            let known = self.most.get(id);
            let spans = of.spans(plan);
            let longest = longest(&spans);
            let mut windows: Vec<_> = spans
                .iter()
                .map(|&(_, _, window)| looked_at(window, longest, is_few))
                .filter(|&window| is_few || known.is_some() || window <= DAY)
                .collect();
            windows.sort_unstable();
            windows.dedup();
            let is_due = |window: &Window| {
                let most = known.and_then(|known| known.get(window));
                let Some(most) = most else { return true };
                let cadence = if *window <= HOUR {
                    SHORT_CADENCE
                } else {
                    LONG_CADENCE
                };
                // What began in a shorter window began in this one too.
                let mut shorter = known.iter().flat_map(|known| known.range(..*window));
                let is_behind = shorter.any(|(_, shorter)| shorter.count > most.count);
                is_behind || most.asked > at || window::age(most.asked, at) >= cadence
            };
            let due = windows.into_iter().filter(is_due);
            looks.extend(due.map(|window| Look { plan, window }));
        }
        looks.sort_by_key(|look| look.window);
        looks
    }

    /// Asks for exact first values where they make a difference.
    async fn ask_exactly(&mut self, of: &Subject<'_>) -> Result<(), Fault> {
        let at = of.ask.moment();
        let wants = self.wants(of);
        let mut queries: Vec<Vec<String>> = Vec::with_capacity(wants.len());
        for want in &wants {
            let recipe = &want.recipe;
            let terms = recipe.part.iter().chain(&recipe.total);
            let mut own: Vec<_> = terms
                .filter_map(|term| recipe.certain(term, want.looked))
                .collect();
            if want.counts {
                own.push(want.ratio.part_query().to_owned());
                own.push(want.ratio.total.clone());
            }
            queries.push(own);
        }
        let classed = wants.iter().zip(&queries).flat_map(|(want, queries)| {
            let class = measure::class(want.span);
            queries.iter().map(move |query| Question { query, class })
        });
        let questions: Vec<_> = classed.collect();
        if questions.is_empty() {
            return Ok(());
        }
        let answers = ask(&mut self.planner, of, &questions, EXACT_EXPRESSIONS).await?;
        let mut next = 0;
        for (want, queries) in wants.iter().zip(&queries) {
            let values: Option<Vec<_>> = (next..next + queries.len())
                .map(|question| value(&answers, question, &of.plans[want.plan]))
                .collect();
            next += queries.len();
            let id = &of.ids[want.plan];
            let known = self.exact.entry(id.clone()).or_default();
            match values.and_then(|values| exact(want, &values, at)) {
                Some(exact) => known.insert(want.span, exact),
                None => known.remove(&want.span),
            };
        }
        Ok(())
    }

    /// The spans of which exact first values are due; forgets those of spans in which no new series
    /// can have counted anything that matters.
    fn wants(&mut self, of: &Subject<'_>) -> Vec<Want> {
        let at = of.ask.moment();
        let is_few = self.is_few(of);
        let mut wants: Vec<(f64, Vec<Want>)> = Vec::new();
        for (plan, id) in of.ids.iter().enumerate() {
            let Some(recipe) = self.recipe(id).cloned() else {
                continue;
            };
            let Some(most) = self.most.get(id) else {
                continue;
            };
            let mut highest = 0.0_f64;
            let mut own = Vec::new();
            let mut matters = Vec::new();
            let spans = of.spans(plan);
            let longest = longest(&spans);
            for (span, window, looked) in spans {
                let Some(most) = most.get(&looked_at(looked, longest, is_few)) else {
                    continue;
                };
                let counted = counted(&of.plans[plan], id, span, of.meter);
                let burn = burn_of(&of.plans[plan], most.count, counted);
                if burn < NEGLIGIBLE {
                    continue;
                }
                highest = highest.max(burn);
                matters.push(span);
                let known = self.exact.get(id).and_then(|all| all.get(&span));
                let is_due = known.is_none_or(|known| {
                    let age = window::age(known.asked, at);
                    known.asked > at || age >= measure::cadence(span)
                });
                if let (true, Some(ratio)) = (is_due, ratio(&of.plans[plan], span, window)) {
                    own.push(Want {
                        plan,
                        span,
                        window,
                        looked,
                        recipe: Arc::clone(&recipe),
                        counts: counted.is_none(),
                        ratio,
                    });
                }
            }
            if let Some(known) = self.exact.get_mut(id) {
                known.retain(|span, _| matters.contains(span));
            }
            if !own.is_empty() {
                wants.push((highest, own));
            }
        }
        wants.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        wants.truncate(MAX_EXACT);
        let mut wants: Vec<_> = wants.into_iter().flat_map(|(_, own)| own).collect();
        wants.sort_by_key(|want| want.span);
        wants
    }
}

/// The window that new series are looked for in on behalf of another, which data reaches back over.
fn looked_at(window: Window, longest: Window, is_few: bool) -> Window {
    match window {
        _ if is_few => window,
        _ if window <= HOUR => HOUR,
        _ if window <= DAY => longest.min(DAY),
        _ => window,
    }
}

async fn ask(
    planner: &mut Planner,
    of: &Subject<'_>,
    questions: &[Question<'_>],
    expressions: usize,
) -> Result<Answers<Series>, Fault> {
    let (api, at) = (of.api, of.ask.at);
    planner
        .ask(
            questions,
            expressions,
            of.ask.moment(),
            |query| async move { api.query(&query, at).await },
        )
        .await
}

/// What a sum is: 0 without any series, `None` where it was refused or has several values.
fn value(answers: &Answers<Series>, question: usize, plan: &Plan) -> Option<f64> {
    let series = answers.get(question).ok()?;
    let value = measure::single(plan, series).ok()?;
    Some(value.unwrap_or(0.0))
}

/// What the answers to a want say.
fn exact(want: &Want, values: &[f64], asked: Timestamp) -> Option<Exact> {
    let recipe = &want.recipe;
    let mut values = values.iter().copied();
    let mut sum = |terms: &[Term]| -> Option<f64> {
        let each = terms
            .iter()
            .map(|term| Some(term.in_unit(values.next()?, want.window)));
        each.sum()
    };
    let (part, total) = (sum(&recipe.part)?, sum(&recipe.total)?);
    let bad = if recipe.is_good { total - part } else { part };
    let counted = match (want.counts, values.next(), values.next()) {
        (false, ..) => None,
        (true, Some(part), Some(total)) => Some(Events {
            bad: if recipe.is_good { total - part } else { part },
            total,
        }),
        (true, ..) => return None,
    };
    Some(Exact {
        asked,
        first: FirstValues { bad, total },
        counted,
    })
}
