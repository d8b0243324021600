//! One task a source asks it again and again, and reports each answer.
//!
//! The only place that repeats a request. A source that hangs, fails or panics harms itself alone.

mod orders;
pub mod schedule;

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::act::Leave;
use crate::config::SourceSettings;
use crate::domain::explanation::{Request, Told};
use crate::domain::past::{PastEvents, PastQuestion, Recalled};
use crate::domain::{
    Explanation, Fault, FaultKind, Finding, Grade, Order, Report, SourceName, window,
};
use crate::log;
use crate::source::{Ask, Source};
use crate::text::Untrusted;

use orders::{QUEUE, Wanted};
pub use orders::{Reply, act_once, preview_once};
use schedule::{MIN_DELAY, Outcome, Phase, first_delay, next_delay};

/// What one HTTP request may take when the configuration does not say.
const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// How many requests' worth of time one poll may take: pages, batches and statuses come in turn.
const REQUESTS_PER_POLL: i32 = 4;
/// The least time one poll may take, however short the time-out of a request is.
const LEAST_LIMIT: SignedDuration = SignedDuration::from_secs(30);

/// A server's clock that is off by less is not worth a warning on the screen.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// The longest one poll of a source may take.
pub fn limit(settings: &SourceSettings) -> SignedDuration {
    let timeout = settings.http.timeout.unwrap_or(DEFAULT_TIMEOUT);
    timeout
        .checked_mul(REQUESTS_PER_POLL)
        .unwrap_or(SignedDuration::MAX)
        .max(LEAST_LIMIT)
}

/// Asks a source once. Whatever it does, a report comes back within `limit`.
///
/// [`Report::next_try`] is left open: only who repeats the question knows.
pub async fn poll_once(
    name: &SourceName,
    source: &mut dyn Source,
    ask: &Ask,
    limit: SignedDuration,
) -> Report {
    let began = Instant::now();
    let mut outcome = in_time(limit, guarded(async { source.fetch(ask).await })).await;
    if let Ok(facts) = &mut outcome {
        facts.warnings.extend(source.skew().and_then(clock_warning));
    }
    let report = Report {
        source: name.clone(),
        at: Timestamp::now(),
        latency: SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX),
        next_try: None,
        outcome,
    };
    log::poll(&report);
    report
}

/// A warning where a server's clock is so far `ahead` of ours that its rows are misplaced in time.
fn clock_warning(ahead: SignedDuration) -> Option<Untrusted> {
    if ahead.abs() < CLOCK_TOLERANCE {
        return None;
    }
    let way = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let off = window::brief(ahead.abs());
    Some(format!("its clock is {off} {way} the clock of this machine; run NTP on both").into())
}

/// Has a source explain one of its SLOs, within `limit` and whatever it does.
pub async fn explain_once(
    source: &mut dyn Source,
    ask: &Ask,
    ids: &[Untrusted],
    limit: SignedDuration,
) -> Result<Explanation, Fault> {
    in_time(limit, guarded(async { source.explain(ask, ids).await })).await
}

/// Has a source tell the requests of a refresh, likewise.
pub async fn plan_once(
    source: &mut dyn Source,
    ask: &Ask,
    limit: SignedDuration,
) -> Result<Option<Vec<Request>>, Fault> {
    in_time(limit, guarded(async { source.requests(ask).await })).await
}

/// Asks a source for the past of some SLOs, likewise.
pub async fn past_events_once(
    source: &mut dyn Source,
    ask: &Ask,
    question: &PastQuestion,
    limit: SignedDuration,
) -> Result<Vec<Result<PastEvents, Fault>>, Fault> {
    in_time(
        limit,
        guarded(async { source.past_events(ask, question).await }),
    )
    .await
}

/// Has a source looked at closely, likewise; what goes wrong with that is a finding itself.
pub async fn examine_once(
    source: &mut dyn Source,
    ask: &Ask,
    limit: SignedDuration,
) -> Vec<Finding> {
    let findings = guarded(async { Ok(source.examine(ask).await) });
    in_time(limit, findings).await.unwrap_or_else(|fault| {
        vec![Finding::new(
            Grade::Error,
            "examination",
            fault.message.raw(),
        )]
    })
}

/// What comes within the limit, or a fault.
async fn in_time<T>(
    limit: SignedDuration,
    answer: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit.unsigned_abs(), answer)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Fault::new(
                FaultKind::Timeout,
                format!(
                    "no complete answer within {} s; see what the server is busy with",
                    limit.as_secs()
                ),
            ))
        })
}

/// The source's own answer, or the panic it died of as a fault.
async fn guarded<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(crash(&*panic))))
    })
    .await
}

/// A panic as a fault.
fn crash(panic: &(dyn Any + Send)) -> Fault {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Fault::new(
        FaultKind::Crash,
        format!("watchfire itself failed here ({what}); please report it"),
    )
}

/// The way to one task.
#[derive(Debug)]
struct Line {
    name: SourceName,
    poke: mpsc::Sender<()>,
    /// The SLO that is to be explained, by the ids it may go by: the newest question counts.
    question: watch::Sender<Vec<Untrusted>>,
    /// The past that is asked for: the newest question counts.
    past: watch::Sender<Option<PastQuestion>>,
    orders: mpsc::Sender<Wanted>,
}

/// Where the tasks say what they have learned.
#[derive(Clone, Debug)]
pub struct Ears {
    /// Each answer.
    pub reports: mpsc::Sender<Report>,
    /// Each explanation.
    pub told: mpsc::Sender<Told>,
    /// Each answer about the past.
    pub recalled: mpsc::Sender<Recalled>,
    /// What becomes of orders.
    pub replies: mpsc::Sender<Reply>,
}

impl Ears {
    /// Those of somebody who only polls: nothing is explained, recalled or done.
    pub fn of_reports(reports: mpsc::Sender<Report>) -> Self {
        Self {
            reports,
            told: mpsc::channel(1).0,
            recalled: mpsc::channel(1).0,
            replies: mpsc::channel(1).0,
        }
    }
}

/// The tasks that ask. Dropping this ends them.
#[derive(Debug, Default)]
pub struct Polls {
    lines: Vec<Line>,
    tasks: JoinSet<()>,
}

impl Polls {
    /// Starts one task a source on the runtime this is called in; the first question goes out at
    /// once. Orders are carried out as far as there is leave.
    pub fn start(
        sources: Vec<(SourceSettings, Box<dyn Source>)>,
        ears: &Ears,
        leave: &Leave,
    ) -> Self {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let mut polls = Self {
            lines: Vec::with_capacity(sources.len()),
            tasks: JoinSet::new(),
        };
        for (settings, source) in sources {
            let (poke, pokes) = mpsc::channel(1);
            let (question, questions) = watch::channel(Vec::new());
            let (past, pasts) = watch::channel(None);
            let (orders, wanted) = mpsc::channel(QUEUE);
            polls.lines.push(Line {
                name: settings.name.clone(),
                poke,
                question,
                past,
                orders,
            });
            let asker = Asker {
                phase: Phase::new(&host, std::process::id(), &settings.name),
                limit: limit(&settings),
                name: settings.name,
                interval: settings.interval,
                source,
                pokes,
                questions,
                pasts,
                wanted,
                leave: leave.clone(),
            };
            polls.tasks.spawn(asker.run(ears.clone()));
        }
        polls
    }

    /// Asks a source now, or all of them; no sooner than a second after it was last asked, and not
    /// while its server wants to be left alone.
    pub fn poke(&self, name: Option<&SourceName>) {
        for line in &self.lines {
            if name.is_none_or(|name| *name == line.name) {
                // A poke that waits already asks for the same.
                let _ = line.poke.try_send(());
            }
        }
    }

    /// Has a source explain one of its SLOs, by the ids it may go by: after the poll that is under
    /// way, and not while its server wants to be left alone. A newer question replaces one that
    /// waits.
    pub fn explain(&self, name: &SourceName, ids: &[Untrusted]) {
        for line in self.lines.iter().filter(|line| line.name == *name) {
            line.question.send_replace(ids.to_vec());
        }
    }

    /// Asks a source for the past of SLOs, likewise.
    pub fn past(&self, name: &SourceName, question: &PastQuestion) {
        for line in self.lines.iter().filter(|line| line.name == *name) {
            line.past.send_replace(Some(question.clone()));
        }
    }

    /// Has a source say what an order would do: after the poll that is under way. The reply comes at
    /// once when it cannot be asked.
    pub fn preview(&self, order: Order) -> Result<(), Box<Reply>> {
        let orders = self.orders_of(&order.source);
        orders::hand_over(orders, Wanted::Preview(Box::new(order)))
    }

    /// Has a source carry an order out, once: in turn, after the poll that is under way; the source
    /// is polled after that. The reply comes at once when it cannot be.
    pub fn act(&self, order: Order) -> Result<(), Box<Reply>> {
        let orders = self.orders_of(&order.source);
        orders::hand_over(orders, Wanted::Act(Box::new(order)))
    }

    fn orders_of(&self, name: &SourceName) -> Option<&mpsc::Sender<Wanted>> {
        let line = self.lines.iter().find(|line| line.name == *name)?;
        Some(&line.orders)
    }
}

/// Everything one task needs to ask its source.
struct Asker {
    name: SourceName,
    source: Box<dyn Source>,
    interval: SignedDuration,
    limit: SignedDuration,
    phase: Phase,
    pokes: mpsc::Receiver<()>,
    questions: watch::Receiver<Vec<Untrusted>>,
    pasts: watch::Receiver<Option<PastQuestion>>,
    wanted: mpsc::Receiver<Wanted>,
    leave: Leave,
}

impl Asker {
    /// Asks until nobody listens any more.
    async fn run(mut self, ears: Ears) {
        let mut failures = 0;
        let mut is_first = true;
        loop {
            let began = Instant::now();
            let ask = Ask {
                now: Timestamp::now(),
                at: None,
                history: true,
                since: None,
            };
            let mut report = poll_once(&self.name, self.source.as_mut(), &ask, self.limit).await;
            let outcome = Outcome::of(&report, failures);
            failures = outcome.failures;
            let ended = Instant::now();
            let delay = if report.outcome.as_ref().is_ok_and(|facts| facts.more) {
                SignedDuration::ZERO
            } else if std::mem::take(&mut is_first) {
                first_delay(report.at, self.interval, self.phase, outcome)
            } else {
                next_delay(report.at, self.interval, self.phase, outcome)
            };
            report.next_try = report.at.checked_add(delay).ok();
            // Its limits alone hold up no order, what it named itself does.
            let named = named_rest(&report);
            if ears.reports.send(report).await.is_err() {
                return;
            }
            let free = ended + unsigned(outcome.embargo());
            let mut open = ended + unsigned(named);
            let earliest = (began + unsigned(MIN_DELAY)).max(free);
            let mut due = ended + unsigned(delay);
            loop {
                tokio::select! {
                    biased;
                    // All that wait, before the poll that shows what became of them.
                    Some(wanted) = self.wanted.recv() => {
                        let source = self.source.as_mut();
                        let reply = orders::carry_out(source, wanted, &self.leave, self.limit, open);
                        let reply = reply.await;
                        if let Some(rest) = reply.rest() {
                            open = open.max(Instant::now() + unsigned(rest));
                        }
                        if reply.outdates() {
                            due = due.min(earliest);
                        }
                        if ears.replies.send(reply).await.is_err() {
                            return;
                        }
                    }
                    () = tokio::time::sleep_until(due) => break,
                    poked = self.pokes.recv() => {
                        if poked.is_none() {
                            return;
                        }
                        due = due.min(earliest);
                    }
                    Ok(()) = self.pasts.changed() => {
                        tokio::time::sleep_until(free).await;
                        for recalled in self.past().await {
                            if ears.recalled.send(recalled).await.is_err() {
                                return;
                            }
                        }
                    }
                    Ok(()) = self.questions.changed() => {
                        tokio::time::sleep_until(free).await;
                        if ears.told.send(self.explanation().await).await.is_err() {
                            return;
                        }
                    }
                }
            }
            // Whatever was asked for until now, the coming poll answers.
            while self.pokes.try_recv().is_ok() {}
        }
    }
}

impl Asker {
    /// The source's answers about the past, for each SLO that was asked for.
    async fn past(&mut self) -> Vec<Recalled> {
        let Some(question) = self.pasts.borrow_and_update().clone() else {
            return Vec::new();
        };
        let ask = Ask {
            now: Timestamp::now(),
            at: None,
            history: false,
            since: None,
        };
        let source = self.source.as_mut();
        let all = past_events_once(source, &ask, &question, self.limit).await;
        let ids = question.slos.iter().map(|ids| ids.first().cloned());
        let each: Vec<Result<PastEvents, Fault>> = match all {
            Ok(each) => each,
            Err(fault) => question.slos.iter().map(|_| Err(fault.clone())).collect(),
        };
        let each = ids.zip(each).map(|(id, outcome)| Recalled {
            source: self.name.clone(),
            id: id.unwrap_or_default(),
            at: Timestamp::now(),
            steps: question.steps,
            outcome,
        });
        each.collect()
    }

    /// What the source says to the newest question.
    async fn explanation(&mut self) -> Told {
        let ids = self.questions.borrow_and_update().clone();
        let ask = Ask {
            now: Timestamp::now(),
            at: None,
            history: false,
            since: None,
        };
        let outcome = explain_once(self.source.as_mut(), &ask, &ids, self.limit).await;
        Told {
            source: self.name.clone(),
            id: ids.into_iter().next().unwrap_or_default(),
            at: Timestamp::now(),
            outcome,
        }
    }
}

/// How long the server itself asked to be left alone.
fn named_rest(report: &Report) -> SignedDuration {
    let fault = match &report.outcome {
        Ok(facts) => facts.fault.as_ref(),
        Err(fault) => Some(fault),
    };
    let named = fault.and_then(|fault| fault.retry_after);
    named.unwrap_or_default().min(schedule::MAX_RETRY_AFTER)
}

fn unsigned(span: SignedDuration) -> Duration {
    span.max(SignedDuration::ZERO).unsigned_abs()
}

#[cfg(test)]
mod tests;
