//! One task a source asks it again and again, and reports each answer.
//!
//! The only place that repeats a request. A source that hangs, fails or panics harms itself alone.

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

use crate::config::SourceSettings;
use crate::domain::explanation::{Request, Told};
use crate::domain::{Explanation, Fault, FaultKind, Finding, Grade, Report, SourceName};
use crate::source::{Ask, Source};
use crate::text::Untrusted;

use schedule::{MIN_DELAY, Outcome, Phase, next_delay};

/// What one HTTP request may take when the configuration does not say.
const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// How many requests' worth of time one poll may take: pages, batches and statuses come in turn.
const REQUESTS_PER_POLL: i32 = 4;
/// The least time one poll may take, however short the time-out of a request is.
const LEAST_LIMIT: SignedDuration = SignedDuration::from_secs(30);

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
    let outcome = in_time(limit, guarded(async { source.fetch(ask).await })).await;
    Report {
        source: name.clone(),
        at: Timestamp::now(),
        latency: SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX),
        next_try: None,
        outcome,
    }
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
}

/// The tasks that ask. Dropping this ends them.
#[derive(Debug, Default)]
pub struct Polls {
    lines: Vec<Line>,
    tasks: JoinSet<()>,
}

impl Polls {
    /// Starts one task a source on the runtime this is called in; the first question goes out at
    /// once, every answer into `reports`, and every explanation into `told`.
    pub fn start(
        sources: Vec<(SourceSettings, Box<dyn Source>)>,
        reports: &mpsc::Sender<Report>,
        told: &mpsc::Sender<Told>,
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
            polls.lines.push(Line {
                name: settings.name.clone(),
                poke,
                question,
            });
            let asker = Asker {
                phase: Phase::new(&host, std::process::id(), &settings.name),
                limit: limit(&settings),
                name: settings.name,
                interval: settings.interval,
                source,
                pokes,
                questions,
            };
            polls.tasks.spawn(asker.run(reports.clone(), told.clone()));
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
}

impl Asker {
    /// Asks until nobody listens any more.
    async fn run(mut self, reports: mpsc::Sender<Report>, told: mpsc::Sender<Told>) {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let ask = Ask {
                now: Timestamp::now(),
                at: None,
                history: true,
            };
            let mut report = poll_once(&self.name, self.source.as_mut(), &ask, self.limit).await;
            let outcome = Outcome::of(&report, failures);
            failures = outcome.failures;
            let ended = Instant::now();
            let delay = if report.outcome.as_ref().is_ok_and(|facts| facts.more) {
                SignedDuration::ZERO
            } else {
                next_delay(report.at, self.interval, self.phase, outcome)
            };
            report.next_try = report.at.checked_add(delay).ok();
            if reports.send(report).await.is_err() {
                return;
            }
            let free = ended + unsigned(outcome.embargo());
            let earliest = (began + unsigned(MIN_DELAY)).max(free);
            let mut due = ended + unsigned(delay);
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => break,
                    poked = self.pokes.recv() => {
                        if poked.is_none() {
                            return;
                        }
                        due = due.min(earliest);
                    }
                    Ok(()) = self.questions.changed() => {
                        tokio::time::sleep_until(free).await;
                        if told.send(self.explanation().await).await.is_err() {
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
    /// What the source says to the newest question.
    async fn explanation(&mut self) -> Told {
        let ids = self.questions.borrow_and_update().clone();
        let ask = Ask {
            now: Timestamp::now(),
            at: None,
            history: false,
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

fn unsigned(span: SignedDuration) -> Duration {
    span.max(SignedDuration::ZERO).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::config::HttpSettings;
    use crate::domain::Facts;
    use crate::source::Fetching;

    /// A source that does what the test says, by how often it was asked.
    struct Scripted {
        asked: Arc<AtomicU32>,
        act: fn(u32) -> Act,
    }

    enum Act {
        Answer,
        Refuse(Option<SignedDuration>),
        Hang,
        Panic,
        PanicEarly,
    }

    impl Source for Scripted {
        fn fetch<'a>(&'a mut self, _ask: &'a Ask) -> Fetching<'a> {
            let act = (self.act)(self.asked.fetch_add(1, Ordering::Relaxed));
            assert!(!matches!(act, Act::PanicEarly), "early \u{1b}[31mboom");
            Box::pin(async move {
                match act {
                    Act::Answer => Ok(Facts::default()),
                    Act::Refuse(retry_after) => Err(Fault {
                        retry_after,
                        ..Fault::new(FaultKind::RateLimited, "no")
                    }),
                    Act::Hang => std::future::pending().await,
                    Act::Panic | Act::PanicEarly => {
                        tokio::task::yield_now().await;
                        panic!("late boom");
                    }
                }
            })
        }
    }

    fn settings(name: &str) -> SourceSettings {
        SourceSettings {
            name: SourceName::new(name),
            kind: "json".to_owned(),
            index: 0,
            interval: SignedDuration::from_secs(15),
            stale_after: SignedDuration::from_mins(5),
            http: HttpSettings::default(),
            folder: None,
            table: toml::Table::new(),
        }
    }

    fn scripted(name: &str, act: fn(u32) -> Act) -> (SourceSettings, Box<dyn Source>) {
        let asked = Arc::default();
        (settings(name), Box::new(Scripted { asked, act }))
    }

    /// Runs a test on virtual time: it passes as soon as everybody waits.
    fn in_virtual_time<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("runtime")
            .block_on(async {
                tokio::time::pause();
                test.await
            })
    }

    #[test]
    fn a_crashing_collector_is_a_fault_and_is_asked_again() {
        in_virtual_time(async {
            let (reports, mut inbox) = mpsc::channel(4);
            let (told, _explanations) = mpsc::channel(1);
            let _polls = Polls::start(
                vec![scripted("prod", |n| match n {
                    0 => Act::PanicEarly,
                    1 => Act::Panic,
                    _ => Act::Answer,
                })],
                &reports,
                &told,
            );
            for words in ["early ⟦esc⟧boom", "late boom"] {
                let report = inbox.recv().await.expect("report");
                let fault = report.outcome.expect_err("fault");
                assert_eq!(fault.kind, FaultKind::Crash);
                let shown = fault.message.shown();
                assert!(shown.as_str().contains(words), "{shown}");
                assert!(report.next_try > Some(report.at));
            }
            assert!(inbox.recv().await.expect("report").outcome.is_ok());
        });
    }

    #[test]
    fn a_hang_ends_in_a_fault_and_no_other_source_waits_for_it() {
        in_virtual_time(async {
            let (reports, mut inbox) = mpsc::channel(4);
            let (told, _explanations) = mpsc::channel(1);
            let began = Instant::now();
            let _polls = Polls::start(
                vec![
                    scripted("stuck", |_| Act::Hang),
                    scripted("well", |_| Act::Answer),
                ],
                &reports,
                &told,
            );
            let mut well = 0;
            loop {
                let report = inbox.recv().await.expect("report");
                if report.source.as_str() == "well" {
                    well += 1;
                    continue;
                }
                let fault = report.outcome.expect_err("fault");
                assert_eq!(fault.kind, FaultKind::Timeout);
                break;
            }
            assert_eq!(began.elapsed().as_secs(), 40);
            assert!(well >= 2, "asked {well} times in 40 s");
        });
    }

    #[test]
    fn pokes_are_counted_as_one_and_never_come_within_a_second() {
        in_virtual_time(async {
            let (reports, mut inbox) = mpsc::channel(4);
            let (told, _explanations) = mpsc::channel(1);
            let polls = Polls::start(vec![scripted("prod", |_| Act::Answer)], &reports, &told);
            inbox.recv().await.expect("report");
            let began = Instant::now();
            for _ in 0..50 {
                polls.poke(Some(&SourceName::new("prod")));
                polls.poke(Some(&SourceName::new("other")));
            }
            inbox.recv().await.expect("report");
            assert_eq!(began.elapsed().as_secs(), 1);
            inbox.recv().await.expect("report");
            assert!(
                began.elapsed() > Duration::from_secs(5),
                "one poke, one poll"
            );
        });
    }

    #[test]
    fn no_poke_breaks_into_the_time_a_server_asked_for() {
        in_virtual_time(async {
            let (reports, mut inbox) = mpsc::channel(4);
            let (told, _explanations) = mpsc::channel(1);
            let polls = Polls::start(
                vec![scripted("prod", |_| {
                    Act::Refuse(Some(SignedDuration::from_mins(2)))
                })],
                &reports,
                &told,
            );
            inbox.recv().await.expect("report");
            let began = Instant::now();
            polls.poke(None);
            inbox.recv().await.expect("report");
            assert!(began.elapsed() >= Duration::from_mins(2));
        });
    }

    #[test]
    fn an_explanation_comes_between_polls_and_the_newest_question_counts() {
        in_virtual_time(async {
            let (reports, mut inbox) = mpsc::channel(4);
            let (told, mut explanations) = mpsc::channel(4);
            let polls = Polls::start(vec![scripted("prod", |_| Act::Answer)], &reports, &told);
            inbox.recv().await.expect("report");
            let name = SourceName::new("prod");
            polls.explain(&name, &["cart/up".into()]);
            polls.explain(&name, &["pay/up".into()]);
            let told = explanations.recv().await.expect("an answer");
            assert_eq!((&told.source, told.id.raw()), (&name, "pay/up"));
            let fault = told.outcome.expect_err("no such SLO");
            assert!(fault.message.raw().contains("pay/up"), "{fault:?}");
            assert!(explanations.try_recv().is_err(), "one question, one answer");
            inbox.recv().await.expect("polling goes on");
        });
    }

    #[test]
    fn the_limit_follows_the_time_out_and_is_never_short() {
        let mut settings = settings("prod");
        assert_eq!(limit(&settings), SignedDuration::from_secs(40));
        settings.http.timeout = Some(SignedDuration::from_secs(1));
        assert_eq!(limit(&settings), SignedDuration::from_secs(30));
        settings.http.timeout = Some(SignedDuration::MAX);
        assert_eq!(limit(&settings), SignedDuration::MAX);
    }
}
