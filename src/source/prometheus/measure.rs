//! Asks the server for the ratios it has not recorded, each at its own cadence.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use self::returned::{Returned, returned};
use super::absence::{Absences, Meaning, Server};
use super::api::Api;
use super::plan::{Plan, Span};
use super::planner::{Planner, Question, Sent};
use crate::domain::{Fault, FaultKind, Reading, Reason, ReasonCode, Sample, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

mod returned;

pub(super) use self::returned::{SUM, single};

/// Expressions joined in a query: the server's cost of joining grows with the square of their
/// number; the cost of a request is that of about ten expressions.
const EXPRESSIONS: usize = 50;

/// The longest window that is asked for in every poll, and first of all: an hour, and the 64
/// minutes that Pyrra makes of it for 30 days.
const SHORT: Window = Window::minutes(65);

/// When a span that has no number is asked for again at the latest: one that could not be read, one
/// that parts of the data did not answer for, and one without series, which costs nothing to read and
/// may have begun since.
const RETRY: SignedDuration = SignedDuration::from_mins(1);

/// The long windows of what burns are asked for again after so many times what that took, so that a
/// server which is slow to read them is not kept busy by it.
const REST_PER_PRICE: i32 = 10;

/// Samples by SLO and span, kept between polls.
#[derive(Default)]
pub(super) struct Meter {
    kept: HashMap<Untrusted, BTreeMap<Span, Kept>>,
    /// Why spans have no number, or one that is not exact, of those with a reason.
    unread: HashMap<Untrusted, BTreeMap<Span, Reason>>,
    /// What answers without series mean.
    absences: Absences,
    /// The SLOs of which anything burned when they were last looked at.
    burning: HashSet<Untrusted>,
    /// How long the server took for the long windows of what burns, when it was last asked for these
    /// alone.
    price: SignedDuration,
    /// What the server said of answers that lacked parts of the data, while any of them is kept.
    warnings: BTreeSet<Untrusted>,
    /// True while any that is kept does.
    lacks_parts: bool,
}

/// A sample that was measured.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub(super) sample: Sample,
    /// When it was last asked for: later than the sample where that was not answered.
    asked: Timestamp,
    /// True when parts of the data did not answer.
    is_partial: bool,
}

/// What one round of asking came to.
#[derive(Default)]
pub(super) struct Round {
    /// Plans that rest on answers which lacked parts of the data, by index; also those of earlier
    /// rounds.
    pub(super) partial: BTreeSet<usize>,
    pub(super) warnings: BTreeSet<Untrusted>,
    /// Why SLOs have no number, one fault an SLO; also those of earlier rounds that were not asked
    /// again.
    pub(super) faults: Vec<Fault>,
    /// True when only short windows were asked for, and the others are to be asked at once.
    pub(super) more: bool,
}

impl Round {
    /// Adds what another round of the same poll came to.
    pub(super) fn join(&mut self, other: Self) {
        self.partial.extend(other.partial);
        self.warnings.extend(other.warnings);
        self.faults.extend(other.faults);
    }
}

/// A ratio that is due: plan by index, and span.
type Want = (usize, Span);

impl Meter {
    /// What is known of an SLO, by span.
    pub(super) fn of(&self, id: &Untrusted) -> Option<&BTreeMap<Span, Kept>> {
        self.kept.get(id)
    }

    /// Why spans of an SLO are not known, shortest first, each reason once. One that holds for some
    /// of the spans that are asked for names them.
    pub(super) fn reasons(&self, plan: &Plan, id: &Untrusted) -> Vec<Reason> {
        let Some(unread) = self.unread.get(id) else {
            return Vec::new();
        };
        let missing = plan.missing();
        let told = missing.filter_map(|span| Some((span, unread.get(&span)?)));
        let mut grouped: Vec<(&Reason, Vec<Span>)> = Vec::new();
        for (span, reason) in told {
            match grouped.iter_mut().find(|(known, _)| is_same(known, reason)) {
                Some((_, spans)) => spans.push(span),
                None => grouped.push((reason, vec![span])),
            }
        }
        let asked = plan.missing().count();
        let named = grouped.into_iter().map(|(reason, spans)| {
            if spans.len() == asked {
                return reason.clone();
            }
            let names: Vec<_> = spans.into_iter().map(Span::name).collect();
            let text = format!("{}: {}", names.join(", "), reason.text.raw());
            Reason {
                text: text.into(),
                ..reason.clone()
            }
        });
        named.collect()
    }

    /// What an SLO comes to where it counts missing series as 0 within what is asked or recorded.
    pub(super) fn silent(&self, plan: &Plan, id: &Untrusted) -> Meaning {
        if plan.silent.is_empty() {
            return Meaning::Zero;
        }
        self.absences.silent(id)
    }

    /// Notes why a span has no number, or one that is not exact; `None` when all is well.
    fn note(&mut self, id: &Untrusted, span: Span, reason: Option<Reason>) {
        if let Some(reason) = reason {
            let unread = self.unread.entry(id.clone()).or_default();
            unread.insert(span, reason);
        } else if let Some(unread) = self.unread.get_mut(id) {
            unread.remove(&span);
            if unread.is_empty() {
                self.unread.remove(id);
            }
        }
    }

    /// The reasons as faults of the source: one an SLO, and one for all where the server did not
    /// answer.
    fn faults(&self, plans: &[Plan], ids: &[Untrusted], broken: Option<&Fault>) -> Vec<Fault> {
        let mut faults: Vec<_> = broken.cloned().into_iter().collect();
        let of_slo = |(plan, id): (&Plan, &Untrusted)| {
            let unread = self.unread.get(id);
            let reasons = plan.missing().filter_map(|span| unread?.get(&span));
            let silent = self.silent(plan, id);
            let mut reasons = reasons.chain(silent.reason());
            let reason = reasons.find(|reason| !reason.code.is_estimate())?;
            let fault = reason.fault();
            let is_of_all = |kind| !matches!(kind, FaultKind::Query | FaultKind::TooLarge);
            if matches!(reason.code, ReasonCode::Failed(kind) if is_of_all(kind)) {
                return Some(fault);
            }
            let message = format!("{}: {}", id.raw(), fault.message.raw()).into();
            Some(Fault { message, ..fault })
        };
        faults.extend(plans.iter().zip(ids).filter_map(of_slo));
        faults
    }

    /// Takes over what another one has measured.
    pub(super) fn take(&mut self, other: Self) {
        for (id, samples) in other.kept {
            self.kept.entry(id).or_default().extend(samples);
        }
        for (id, reasons) in other.unread {
            self.unread.entry(id).or_default().extend(reasons);
        }
        self.warnings.extend(other.warnings);
        self.lacks_parts |= other.lacks_parts;
    }

    /// True until something was asked.
    pub(super) fn is_new(&self) -> bool {
        self.kept.is_empty()
    }

    /// True for a screen's first round, which asks for short windows alone.
    pub(super) fn is_hasty(&self, plans: &[Plan], ask: &Ask) -> bool {
        if !ask.history || !self.is_new() {
            return false;
        }
        let spans = || plans.iter().flat_map(Plan::missing);
        spans().any(is_short) && !spans().all(is_short)
    }

    /// Asks for everything that is due; a screen's first round for short windows alone, so that
    /// what burns is seen before the long ones are read. Fails as a whole only when the server does
    /// not answer; a question that it refuses leaves its own reading unknown.
    pub(super) async fn measure(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        (plans, ids): (&[Plan], &[Untrusted]),
        ask: &Ask,
    ) -> Result<Round, Fault> {
        let at = ask.moment();
        let mut wants = self.due(plans, ids, at);
        let is_hasty = self.is_hasty(plans, ask);
        if is_hasty {
            wants.retain(|(_, span)| is_short(*span));
        }
        // Ids are unique, so there is nothing to forget while there are no more of them.
        if self.kept.len() > ids.len() {
            let known: HashSet<_> = ids.iter().collect();
            self.kept.retain(|id, _| known.contains(id));
            self.unread.retain(|id, _| known.contains(id));
            self.absences.retain(&known);
        }
        let mut round = self.ask(api, planner, (plans, ids), wants, ask).await?;
        round.more = is_hasty;
        Ok(round)
    }

    /// Brings the long windows of what burns up to its short ones, in the same poll: `burning` are
    /// all SLOs of which anything burns, by index. `None` where nothing is behind.
    pub(super) async fn catch_up(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        (plans, ids): (&[Plan], &[Untrusted]),
        burning: &[usize],
        ask: &Ask,
    ) -> Result<Option<Round>, Fault> {
        self.burning = burning.iter().map(|&index| ids[index].clone()).collect();
        let mut wants = Vec::new();
        for &index in burning {
            self.due_of(
                (index, &plans[index]),
                &ids[index],
                ask.moment(),
                &mut wants,
            );
        }
        // The short ones are just answered.
        wants.retain(|(_, span)| !is_short(*span));
        if wants.is_empty() {
            return Ok(None);
        }
        wants.sort_by_key(|(_, span)| *span);
        self.ask(api, planner, (plans, ids), wants, ask)
            .await
            .map(Some)
    }

    /// Asks for these, and keeps what was answered.
    async fn ask(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        (plans, ids): (&[Plan], &[Untrusted]),
        wants: Vec<Want>,
        ask: &Ask,
    ) -> Result<Round, Fault> {
        let at = ask.moment();
        let mut round = Round::default();
        let is_priced = self.is_priced(&wants, ids);
        let begun = Instant::now();
        let answers = planner
            .ask(
                &questions(plans, &wants),
                EXPRESSIONS,
                at,
                |query| async move { api.query(&query, ask.at).await },
            )
            .await?;
        if is_priced {
            self.price = SignedDuration::try_from(begun.elapsed()).unwrap_or(RETRY);
        }
        round.warnings.extend(answers.warnings.iter().cloned());
        let returned = returned(plans, &wants, &answers);
        let mut empties = self.absences.silent_due(plans, ids, at);
        empties.extend(returned.iter().flat_map(Returned::empties));
        let server = Server { api, planner, ask };
        self.absences.look(server, (plans, ids), empties).await;
        let mut lacks_parts = false;
        for one in returned {
            let id = &ids[one.plan];
            let (mut sample, reason) = one.read(&self.absences, id, at);
            let code = reason.as_ref().map(|reason| reason.code);
            if matches!(code, Some(ReasonCode::Failed(_))) {
                // A number of lately is better than none, and says how old it is.
                sample = self.lately(id, one.span, at);
            }
            self.note(id, one.span, reason);
            let is_partial = one.is_partial;
            lacks_parts |= is_partial;
            let kept = Kept {
                sample,
                asked: at,
                is_partial,
            };
            if let Some(known) = self.kept.get_mut(id) {
                known.insert(one.span, kept);
            } else {
                let first = BTreeMap::from([(one.span, kept)]);
                self.kept.insert(id.clone(), first);
            }
        }
        if lacks_parts {
            self.lacks_parts = true;
            self.warnings.clone_from(&answers.warnings);
        }
        self.rest_on_parts(plans, ids, &mut round);
        round.faults = self.faults(plans, ids, answers.broken.as_ref());
        Ok(round)
    }

    /// Notes which plans rest on answers that lacked parts of the data, and what the server said of
    /// these.
    fn rest_on_parts(&mut self, plans: &[Plan], ids: &[Untrusted], round: &mut Round) {
        if !self.lacks_parts {
            return;
        }
        let rests = |(plan, id): (&Plan, &Untrusted)| {
            let known = self.kept.get(id);
            let is_partial = |span| known.and_then(|known| known.get(&span));
            let mut used = plan.missing().filter_map(is_partial);
            used.any(|kept| kept.is_partial)
        };
        let all = plans.iter().zip(ids).enumerate();
        let resting = all.filter(|(_, plan)| rests(*plan));
        round.partial.extend(resting.map(|(index, _)| index));
        self.lacks_parts = !round.partial.is_empty();
        if !self.lacks_parts {
            self.warnings.clear();
        }
        round.warnings.extend(self.warnings.iter().cloned());
    }

    /// What has to be asked, short windows first.
    fn due(&self, plans: &[Plan], ids: &[Untrusted], at: Timestamp) -> Vec<Want> {
        let mut wants: Vec<Want> = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            self.due_of((index, plan), &ids[index], at, &mut wants);
        }
        wants.sort_by_key(|(_, span)| *span);
        wants
    }

    /// What has to be asked of one SLO.
    fn due_of(
        &self,
        (index, plan): (usize, &Plan),
        id: &Untrusted,
        at: Timestamp,
        wants: &mut Vec<Want>,
    ) {
        let kept = self.kept.get(id);
        let burns = self.burning.contains(id);
        let due = plan.missing().filter(|span| {
            let kept = kept.and_then(|kept| kept.get(span));
            kept.is_none_or(|kept| self.is_due(*span, *kept, burns, at))
        });
        wants.extend(due.map(|span| (index, span)));
    }

    /// True when a span is to be asked for again. Those of what burns are as fresh as its short ones,
    /// as far as the server reads them fast enough.
    fn is_due(&self, span: Span, kept: Kept, burns: bool, at: Timestamp) -> bool {
        let (sample, asked) = (kept.sample, window::age(kept.asked, at));
        let is_ahead = sample.at > at || kept.asked > at;
        let is_lost =
            kept.is_partial || matches!(sample.reading, Reading::Unknown | Reading::NoSeries);
        if is_ahead || (is_lost && asked >= RETRY) {
            return true;
        }
        let usual = cadence(span);
        if !burns {
            return window::age(sample.at, at) >= usual && asked >= usual.min(RETRY);
        }
        let is_unanswered = kept.asked > sample.at;
        let rest = if is_unanswered {
            RETRY
        } else {
            SignedDuration::ZERO
        };
        let rest = rest.max(self.price * REST_PER_PRICE).min(usual);
        asked >= rest && (usual.is_zero() || asked.is_positive())
    }

    /// True when the long windows among these are those of what burns alone.
    fn is_priced(&self, wants: &[Want], ids: &[Untrusted]) -> bool {
        let mut long = wants.iter().filter(|(_, span)| !is_short(*span)).peekable();
        long.peek().is_some() && long.all(|(plan, _)| self.burning.contains(&ids[*plan]))
    }

    /// What a span said when it was last answered, if that is not long ago.
    fn lately(&self, id: &Untrusted, span: Span, at: Timestamp) -> Sample {
        let kept = self.kept.get(id).and_then(|kept| kept.get(&span));
        let sample = kept.map(|kept| kept.sample).filter(|sample| {
            let is_young = sample.at <= at && window::age(sample.at, at) < cadence(span);
            is_young && sample.reading.ratio().is_some()
        });
        sample.unwrap_or_else(|| unknown(at))
    }
}

/// The queries that a full round sends, with the SLO and span that each serves; [`cadence`] tells
/// how often.
pub(super) fn outline(
    planner: &mut Planner,
    plans: &[Plan],
) -> Vec<(String, BTreeSet<(Untrusted, Span)>)> {
    let nothing_known = Meter::default();
    let ids: Vec<_> = plans.iter().map(|plan| plan.slo.id()).collect();
    let wants = nothing_known.due(plans, &ids, Timestamp::UNIX_EPOCH);
    let wanted: Vec<_> = wants
        .iter()
        .flat_map(|&(plan, span)| {
            let queries = plans[plan].asked[&span].count();
            std::iter::repeat_n((ids[plan].clone(), span), queries)
        })
        .collect();
    let sent = planner.plan(&questions(plans, &wants), EXPRESSIONS);
    sent.into_iter()
        .map(|Sent { query, serves }| {
            let serves = serves.into_iter().map(|one| wanted[one].clone());
            (query, serves.collect())
        })
        .collect()
}

fn questions<'a>(plans: &'a [Plan], wants: &[Want]) -> Vec<Question<'a>> {
    let mut questions = Vec::with_capacity(wants.len() * 2);
    for &(plan, span) in wants {
        let class = class(span);
        if let Some(formula) = plans[plan].asked.get(&span) {
            formula.each_query(&mut |query| questions.push(Question { query, class }));
        }
    }
    questions
}

fn unknown(at: Timestamp) -> Sample {
    Sample {
        reading: Reading::Unknown,
        events: None,
        at,
    }
}

pub(super) fn is_short(span: Span) -> bool {
    matches!(span, Span::Window(window) if window <= SHORT)
}

/// Short windows share their queries; each long one has its own, so that none keeps another waiting
/// and a server that cannot read 30 days still reads the rest.
pub(super) fn class(span: Span) -> u64 {
    match span {
        Span::Window(window) if window <= SHORT => 0,
        Span::Window(window) => u64::from(window.seconds()),
        Span::Period => u64::MAX,
    }
}

/// How often a span is worth asking: a long window moves slowly, and reading it is dear.
pub(super) fn cadence(span: Span) -> SignedDuration {
    match span {
        Span::Window(window) if window <= SHORT => SignedDuration::ZERO,
        Span::Window(window) if window <= Window::minutes(6 * 65) => SignedDuration::from_mins(1),
        Span::Window(_) | Span::Period => SignedDuration::from_mins(10),
    }
}

/// True for reasons that say the same of two spans, whatever numbers they tell.
fn is_same(one: &Reason, other: &Reason) -> bool {
    let is_of_numbers = matches!(
        one.code,
        ReasonCode::NotARatio | ReasonCode::MissingOperand | ReasonCode::MissingValue
    );
    one == other || (is_of_numbers && one.code == other.code && one.subject == other.subject)
}
