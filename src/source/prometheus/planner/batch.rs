//! Questions packed into queries, and answers told apart again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promql_parser::parser::Expr;

use super::Labelled;
use super::nested::{Label, Nest, nested};
use super::shape::{Cut, Shape};
use crate::source::prometheus::api::{Labels, Metric};
use crate::source::prometheus::promql;

/// Questions answered by one query: an answer is read whole before the next can begin, and several
/// queries keep several cores of the server busy.
const MOST_LEAVES: usize = 2_048;

/// What [`promql::together`] adds to an expression, in bytes, and then some.
const WRAPPING: usize = 64;

/// A question, read.
pub(super) struct Leaf<'a> {
    pub(super) query: &'a str,
    /// Only questions of one class share a query.
    pub(super) class: u64,
    pub(super) cut: Option<Cut>,
    /// `None` when it can only be asked as it is.
    pub(super) shape: Option<Arc<Shape>>,
    /// True for a number: to be joined with others it must be made a series.
    pub(super) is_scalar: bool,
    /// True when it goes by a query of its own: it was refused before.
    pub(super) alone: bool,
}

/// How large a query may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) length: usize,
    /// In expressions: joining them costs a server time that grows with the square of their number.
    pub(super) expressions: usize,
}

/// One expression of a query.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    /// What it asks, by index.
    pub(super) leaves: Vec<usize>,
    /// The class of them all.
    pub(super) class: u64,
    pub(super) text: String,
    /// The text taken apart, until it is packed; none for a single leaf.
    pub(super) tree: Option<Box<Expr>>,
    /// The labels that tell its leaves apart; none for one that is asked as it is.
    pub(super) by: Vec<String>,
    /// Labels of its answer that no leaf's own answer would have.
    pub(super) added: Vec<String>,
    /// The leaves by the values of `by`.
    pub(super) owners: HashMap<String, Vec<usize>>,
    /// The skeleton that its leaves share; none for a single leaf.
    pub(super) skeleton: Option<String>,
    /// What else its rows answer.
    pub(super) nest: Option<Nest>,
}

/// What goes out as one query.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) expressions: Vec<Expression>,
    /// Whose the series of the last answer were.
    heirs: Mutex<Heirs>,
}

/// Whose each series of an answer is, by its place: a server answers in the same order as long as
/// there are the same series, so mostly nothing has to be looked up.
#[derive(Debug, Default)]
pub(super) struct Heirs(Vec<(Option<Arc<Metric>>, Option<Heir>)>);

/// Whose a series is.
#[derive(Clone, Debug)]
pub(super) struct Heir {
    /// The expression that it answers, by index.
    pub(super) expression: usize,
    /// The leaves, by index.
    pub(super) owners: Vec<usize>,
    /// What it is called in their own answers.
    pub(super) own: Arc<Metric>,
}

impl Heirs {
    /// Whose the series at a place is; `None` for nobody's.
    pub(super) fn of<S: Labelled>(
        &mut self,
        place: usize,
        series: &S,
        expressions: &[Expression],
    ) -> Option<&Heir> {
        let metric = series.metric();
        let known = self.0.get(place).and_then(|(known, _)| known.as_ref());
        let is_same = known.zip(metric).is_some_and(|(a, b)| Arc::ptr_eq(a, b));
        if !is_same {
            let heir = heir(series.labels(), expressions);
            let known = (metric.cloned(), heir);
            if place < self.0.len() {
                self.0[place] = known;
            } else {
                self.0.push(known);
            }
        }
        self.0.get(place)?.1.as_ref()
    }

    /// Forgets all of them: there are too many to be remembered.
    pub(super) fn forget(&mut self) {
        self.0 = Vec::new();
    }
}

fn heir(labels: &Labels, expressions: &[Expression]) -> Option<Heir> {
    let index = promql::answered(labels, expressions.len())?;
    let expression = expressions.get(index)?;
    Some(Heir {
        expression: index,
        owners: expression.owners(labels),
        own: Arc::new(Metric {
            name: String::new(),
            labels: expression.own(labels),
        }),
    })
}

impl Expression {
    fn of(leaves: &[Leaf<'_>], members: &[usize]) -> Option<Self> {
        if let [only] = members {
            let leaf = &leaves[*only];
            let query = leaf.query;
            return Some(Self {
                leaves: members.to_vec(),
                class: leaf.class,
                tree: None,
                nest: None,
                text: if leaf.is_scalar {
                    format!("vector({query})")
                } else {
                    query.to_owned()
                },
                by: Vec::new(),
                added: Vec::new(),
                owners: HashMap::from([(String::new(), members.to_vec())]),
                skeleton: None,
            });
        }
        let first = &leaves[*members.first()?];
        let (shape, cut) = (first.shape.as_ref()?, first.cut.as_ref()?);
        let mut values: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        let mut free = Vec::with_capacity(members.len());
        for &member in members {
            let own = shape.free(&leaves[member].cut.as_ref()?.values);
            for (index, value) in own.iter().enumerate() {
                values.entry(index).or_default().extend(*value);
            }
            free.push(own);
        }
        values.retain(|_, values| values.len() > 1);
        let merged = shape.merged(&cut.values, &values)?;
        let mut owners: HashMap<String, Vec<usize>> = HashMap::with_capacity(members.len());
        for (own, &member) in free.iter().zip(members) {
            let own = values.keys().filter_map(|&index| own[index]);
            let key = key(&own.collect::<Vec<_>>()).into_owned();
            owners.entry(key).or_default().push(member);
        }
        let label = |&index: &usize| shape.candidates[index].label.clone();
        Some(Self {
            leaves: members.to_vec(),
            class: first.class,
            text: merged.tree.to_string(),
            tree: Some(Box::new(merged.tree)),
            nest: None,
            by: values.keys().map(label).collect(),
            added: merged.added,
            owners,
            skeleton: Some(cut.skeleton.clone()),
        })
    }

    fn length(&self) -> usize {
        self.text.len() + WRAPPING
    }

    /// Whose a series is, by index.
    fn owners(&self, labels: &Labels) -> Vec<usize> {
        let values = self.by.iter().map(|label| labels.get(label));
        let Some(values) = values.collect::<Option<Vec<_>>>() else {
            return Vec::new();
        };
        let key = key(&values);
        let own = self.owners.get(&*key).into_iter().flatten().copied();
        let nest = self.nest.iter();
        let of_parts = nest.flat_map(|nest| nest.owners(labels, &key));
        own.chain(of_parts).collect()
    }

    /// The labels that its owner's own answer would have.
    fn own(&self, labels: &Labels) -> Labels {
        let is_added = |label: &str| self.added.iter().any(|added| added == label);
        labels.filtered(|label| label != promql::TAG && !is_added(label))
    }

    /// Its leaves in two expressions, a whole and its parts before all; `None` for a single one.
    fn halves(&self, leaves: &[Leaf<'_>]) -> Option<[Vec<Self>; 2]> {
        if let Some(nest) = &self.nest {
            let parts = nest.parts.iter();
            let parts = parts.flat_map(|part| express(leaves, &part.leaves));
            let whole = express(leaves, &self.leaves[..nest.whole]);
            return Some([whole, parts.collect()]);
        }
        let middle = self.leaves.len() / 2;
        (middle > 0).then(|| {
            let (front, back) = self.leaves.split_at(middle);
            [express(leaves, front), express(leaves, back)]
        })
    }
}

/// Values as one text that no other values make.
fn key<'a>(values: &[&'a str]) -> Cow<'a, str> {
    match values {
        [] => Cow::Borrowed(""),
        [only] => Cow::Borrowed(only),
        several => {
            let mut key = String::new();
            for value in several {
                let _ = write!(key, "{}:{value}", value.len());
            }
            Cow::Owned(key)
        }
    }
}

/// These leaves of one shape in one expression, or each in its own.
fn express(leaves: &[Leaf<'_>], members: &[usize]) -> Vec<Expression> {
    Expression::of(leaves, members).map_or_else(
        || {
            let each = members.iter();
            each.filter_map(|one| Expression::of(leaves, &[*one]))
                .collect()
        },
        |one| vec![one],
    )
}

impl Batch {
    fn of(expressions: Vec<Expression>) -> Self {
        Self {
            expressions,
            heirs: Mutex::default(),
        }
    }

    /// Whose the series of the last answer were, to be gone on with.
    pub(super) fn heirs(&self) -> MutexGuard<'_, Heirs> {
        self.heirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The query.
    pub(super) fn text(&self) -> String {
        promql::together(self.expressions.iter().map(|one| one.text.as_str()))
    }

    pub(super) fn length(&self) -> usize {
        self.expressions.iter().map(Expression::length).sum()
    }

    /// What it asks, by index.
    pub(super) fn leaves(&self) -> impl Iterator<Item = usize> {
        self.expressions
            .iter()
            .flat_map(|one| one.leaves.iter().copied())
    }

    /// The same in two queries; `None` for a question that stands alone.
    pub(super) fn halves(&self, leaves: &[Leaf<'_>]) -> Option<[Self; 2]> {
        let expressions = if self.expressions.len() > 1 {
            let (front, back) = self.expressions.split_at(self.expressions.len() / 2);
            [front.to_vec(), back.to_vec()]
        } else {
            self.expressions.first()?.halves(leaves)?
        };
        Some(expressions.map(Self::of))
    }
}

/// What questions must share to be asked as one.
type Key<'a> = (u64, &'a str, Vec<bool>, Vec<Option<&'a str>>);

/// What answers held far more of than was asked for.
#[derive(Default)]
pub(super) struct Waste {
    /// Skeletons of which one label alone may differ.
    pub(super) skeletons: HashSet<String>,
    /// Labels by which nothing of a class is nested.
    pub(super) nests: HashSet<(u64, Label)>,
}

/// Packs questions into as few queries as the limits allow.
pub(super) fn pack(leaves: &[Leaf<'_>], limits: Limits, waste: &Waste) -> Vec<Batch> {
    let mut expressions = Vec::new();
    for members in groups(leaves, &|skeleton| waste.skeletons.contains(skeleton)) {
        let whole = express(leaves, &members);
        let parts = match whole.as_slice() {
            [one] if one.length() > limits.length && members.len() > 1 => {
                let room = limits.length.saturating_sub(2 * WRAPPING).max(1);
                members.len().div_ceil(one.length().div_ceil(room))
            }
            _ => members.len(),
        };
        if parts == members.len() {
            expressions.extend(whole);
        } else {
            let chunks = members.chunks(parts.max(1));
            expressions.extend(chunks.flat_map(|chunk| express(leaves, chunk)));
        }
    }
    let apart = |class, by: &Label| waste.nests.contains(&(class, by.clone()));
    let mut expressions = nested(expressions, &apart);
    let alone = |one: &Expression| one.leaves.iter().any(|&leaf| leaves[leaf].alone);
    expressions.sort_by_key(|one| one.class);
    let mut batches: Vec<Batch> = Vec::new();
    for mut expression in expressions {
        expression.tree = None;
        let room = |batch: &&mut Batch| {
            let last = batch.expressions.last();
            batch.expressions.len() < limits.expressions
                && batch.length() + expression.length() <= limits.length
                && batch.leaves().count() + expression.leaves.len() <= MOST_LEAVES
                && last.is_some_and(|last| last.class == expression.class && !alone(last))
                && !alone(&expression)
        };
        match batches.last_mut().filter(room) {
            Some(batch) => batch.expressions.push(expression),
            None => batches.push(Batch::of(vec![expression])),
        }
    }
    batches
}

/// Questions that can be asked as one, in the order of the first of each.
fn groups(leaves: &[Leaf<'_>], narrow: &dyn Fn(&str) -> bool) -> Vec<Vec<usize>> {
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, leaf) in leaves.iter().enumerate() {
        let (Some(shape), Some(cut), false) = (&leaf.shape, &leaf.cut, leaf.alone) else {
            groups.push(vec![index]);
            continue;
        };
        let free = shape.free(&cut.values);
        let key = (
            leaf.class,
            cut.skeleton.as_str(),
            free.iter().map(Option::is_some).collect(),
            shape.fixed(&cut.values, &free),
        );
        let group = *known.entry(key).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(index);
    }
    let is_narrow = |members: &Vec<usize>| {
        let first = members
            .first()
            .and_then(|&first| leaves[first].cut.as_ref());
        members.len() > 1 && first.is_some_and(|cut| narrow(&cut.skeleton))
    };
    groups
        .into_iter()
        .flat_map(|members| {
            if is_narrow(&members) {
                narrowed(leaves, &members)
            } else {
                vec![members]
            }
        })
        .collect()
}

/// Cuts a group into such that differ by one label alone: the one with the most values.
fn narrowed(leaves: &[Leaf<'_>], members: &[usize]) -> Vec<Vec<usize>> {
    let free: Vec<Vec<Option<&str>>> = members
        .iter()
        .filter_map(|&member| {
            let leaf = &leaves[member];
            Some(leaf.shape.as_ref()?.free(&leaf.cut.as_ref()?.values))
        })
        .collect();
    let count = |index: &usize| {
        let values: BTreeSet<_> = free.iter().map(|own| own[*index]).collect();
        values.len()
    };
    let widest = (0..free.first().map_or(0, Vec::len)).max_by_key(count);
    let mut groups: BTreeMap<Vec<Option<&str>>, Vec<usize>> = BTreeMap::new();
    for (mut own, &member) in free.into_iter().zip(members) {
        if let Some(widest) = widest {
            own[widest] = None;
        }
        groups.entry(own).or_default().push(member);
    }
    groups.into_values().collect()
}
