//! Sources that fail, hang and act, and what their tasks make of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::*;
use crate::config::HttpSettings;
use crate::domain::{Done, Facts};
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

/// What the tasks say.
struct Heard {
    reports: mpsc::Receiver<Report>,
    told: mpsc::Receiver<Told>,
    replies: mpsc::Receiver<Reply>,
}

fn ears() -> (Ears, Heard) {
    let (reports, heard_reports) = mpsc::channel(4);
    let (told, heard_told) = mpsc::channel(4);
    let (replies, heard_replies) = mpsc::channel(16);
    let heard = Heard {
        reports: heard_reports,
        told: heard_told,
        replies: heard_replies,
    };
    let ears = Ears {
        reports,
        told,
        recalled: mpsc::channel(1).0,
        replies,
    };
    (ears, heard)
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
        let (ears, mut heard) = ears();
        let _polls = Polls::start(
            vec![scripted("prod", |n| match n {
                0 => Act::PanicEarly,
                1 => Act::Panic,
                _ => Act::Answer,
            })],
            &ears,
            &Leave::default(),
        );
        for words in ["early ⟦esc⟧boom", "late boom"] {
            let report = heard.reports.recv().await.expect("report");
            let fault = report.outcome.expect_err("fault");
            assert_eq!(fault.kind, FaultKind::Crash);
            let shown = fault.message.shown();
            assert!(shown.as_str().contains(words), "{shown}");
            assert!(report.next_try > Some(report.at));
        }
        assert!(heard.reports.recv().await.expect("report").outcome.is_ok());
    });
}

#[test]
fn a_hang_ends_in_a_fault_and_no_other_source_waits_for_it() {
    in_virtual_time(async {
        let (ears, mut heard) = ears();
        let began = Instant::now();
        let _polls = Polls::start(
            vec![
                scripted("stuck", |_| Act::Hang),
                scripted("well", |_| Act::Answer),
            ],
            &ears,
            &Leave::default(),
        );
        let mut well = 0;
        loop {
            let report = heard.reports.recv().await.expect("report");
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
        let (ears, mut heard) = ears();
        let polls = Polls::start(
            vec![scripted("prod", |_| Act::Answer)],
            &ears,
            &Leave::default(),
        );
        heard.reports.recv().await.expect("report");
        let began = Instant::now();
        for _ in 0..50 {
            polls.poke(Some(&SourceName::new("prod")));
            polls.poke(Some(&SourceName::new("other")));
        }
        heard.reports.recv().await.expect("report");
        assert_eq!(began.elapsed().as_secs(), 1);
        heard.reports.recv().await.expect("report");
        assert!(
            began.elapsed() > Duration::from_secs(5),
            "one poke, one poll"
        );
    });
}

#[test]
fn no_poke_breaks_into_the_time_a_server_asked_for() {
    in_virtual_time(async {
        let (ears, mut heard) = ears();
        let polls = Polls::start(
            vec![scripted("prod", |_| {
                Act::Refuse(Some(SignedDuration::from_mins(2)))
            })],
            &ears,
            &Leave::default(),
        );
        heard.reports.recv().await.expect("report");
        let began = Instant::now();
        polls.poke(None);
        heard.reports.recv().await.expect("report");
        assert!(began.elapsed() >= Duration::from_mins(2));
    });
}

#[test]
fn an_explanation_comes_between_polls_and_the_newest_question_counts() {
    in_virtual_time(async {
        let (ears, mut heard) = ears();
        let polls = Polls::start(
            vec![scripted("prod", |_| Act::Answer)],
            &ears,
            &Leave::default(),
        );
        heard.reports.recv().await.expect("report");
        let name = SourceName::new("prod");
        polls.explain(&name, &["cart/up".into()]);
        polls.explain(&name, &["pay/up".into()]);
        let told = heard.told.recv().await.expect("an answer");
        assert_eq!((&told.source, told.id.raw()), (&name, "pay/up"));
        let fault = told.outcome.expect_err("no such SLO");
        assert!(fault.message.raw().contains("pay/up"), "{fault:?}");
        assert!(heard.told.try_recv().is_err(), "one question, one answer");
        heard.reports.recv().await.expect("polling goes on");
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

/// A source that notes everything it is asked, in order, and acts as the test says.
struct Servant {
    notes: Arc<Mutex<Vec<String>>>,
    busy: Arc<Notify>,
    act: fn(usize) -> Result<Done, Fault>,
}

impl Servant {
    fn note(&self, what: String) -> usize {
        let mut notes = self.notes.lock().unwrap();
        notes.push(what);
        notes.len()
    }
}

impl Source for Servant {
    fn fetch<'a>(&'a mut self, _ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async {
            let count = self.note("poll".to_owned());
            if count == 1 {
                // The first poll lasts until the test has given its orders.
                self.busy.notified().await;
            }
            Ok(Facts {
                rest: Some(SignedDuration::from_mins(30)),
                ..Facts::default()
            })
        })
    }

    fn preview<'a>(&'a mut self, order: &'a Order) -> crate::source::Previewing<'a> {
        Box::pin(async {
            self.note(format!("preview {}", order.target.id.raw()));
            Err(Fault::new(FaultKind::Moved, "it is over"))
        })
    }

    fn act<'a>(&'a mut self, order: &'a Order) -> crate::source::Acting<'a> {
        Box::pin(async {
            let count = self.note(format!("act {}", order.target.id.raw()));
            (self.act)(count)
        })
    }
}

fn order(source: &str, id: &str) -> Order {
    Order {
        source: SourceName::new(source),
        target: crate::domain::Target {
            id: id.into(),
            name: id.into(),
            service: "".into(),
            seen: None,
        },
        deed: crate::domain::Deed::Acknowledge,
    }
}

/// Gives orders while the first poll is under way; what was noted, and the faults of the replies.
fn serve(
    act: fn(usize) -> Result<Done, Fault>,
    orders: &[(&str, bool)],
) -> (Vec<String>, Vec<Option<Fault>>) {
    let dir = tempfile::tempdir().unwrap();
    let mut all = crate::config::Settings::empty();
    all.actions.enabled = true;
    all.actions.audit_log = Some(dir.path().join("audit.jsonl"));
    // Not in virtual time: the audit log is written on a thread, which time would not wait for.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let busy = Arc::new(Notify::new());
        let servant = Servant {
            notes: Arc::clone(&notes),
            busy: Arc::clone(&busy),
            act,
        };
        let (ears, mut heard) = ears();
        let sources: Vec<(_, Box<dyn Source>)> = vec![(settings("pd"), Box::new(servant))];
        let polls = Polls::start(sources, &ears, &Leave::of(&all));
        for (id, acts) in orders {
            let order = order("pd", id);
            let handed = if *acts {
                polls.act(order)
            } else {
                polls.preview(order)
            };
            assert!(handed.is_ok());
        }
        busy.notify_one();
        heard.reports.recv().await.unwrap();
        let mut faults = Vec::new();
        for _ in orders {
            faults.push(match heard.replies.recv().await.unwrap() {
                Reply::Acted(acted) => acted.outcome.err(),
                Reply::Previewed(previewed) => previewed.outcome.err(),
            });
        }
        let notes = notes.lock().unwrap().clone();
        (notes, faults)
    })
}

#[test]
fn orders_wait_for_the_poll_and_are_carried_out_in_turn_whatever_its_limits() {
    let orders = [("1", false), ("1", true), ("2", true), ("3", true)];
    let (notes, faults) = serve(|_| Ok(Done::default()), &orders);
    assert_eq!(notes[..5], ["poll", "preview 1", "act 1", "act 2", "act 3"]);
    assert_eq!(
        faults[0].as_ref().map(|fault| fault.kind),
        Some(FaultKind::Moved)
    );
    assert_eq!(faults[1..], [None, None, None]);
}

#[test]
fn an_order_that_a_server_wants_no_one_to_send_is_not_sent_late() {
    let act = |_| {
        Err(Fault {
            retry_after: Some(SignedDuration::from_mins(5)),
            ..Fault::new(FaultKind::RateLimited, "too many requests")
        })
    };
    let (notes, faults) = serve(act, &[("1", true), ("2", true), ("3", false)]);
    assert_eq!(notes, ["poll", "act 1"]);
    for fault in &faults[1..] {
        let fault = fault.as_ref().unwrap();
        assert_eq!(fault.kind, FaultKind::RateLimited);
        assert!(fault.message.raw().starts_with("not sent"), "{fault:?}");
    }
}

#[test]
fn an_order_that_panics_or_hangs_may_have_been_carried_out() {
    let (_, faults) = serve(|_| panic!("boom"), &[("1", true)]);
    let fault = faults[0].as_ref().unwrap();
    assert_eq!(fault.kind, FaultKind::Unsure);
    assert!(fault.message.raw().contains("boom"), "{fault:?}");
    in_virtual_time(async {
        struct Hanging;
        impl Source for Hanging {
            fn fetch<'a>(&'a mut self, _ask: &'a Ask) -> Fetching<'a> {
                Box::pin(std::future::pending())
            }
            fn act<'a>(&'a mut self, _order: &'a Order) -> crate::source::Acting<'a> {
                Box::pin(std::future::pending())
            }
        }
        let limit = SignedDuration::from_secs(40);
        let outcome = act_once(&mut Hanging, &order("pd", "1"), limit).await;
        assert_eq!(outcome.unwrap_err().kind, FaultKind::Unsure);
    });
}

#[test]
fn an_order_to_nobody_is_refused_at_once() {
    let polls = Polls::default();
    let reply = *polls.act(order("pd", "1")).unwrap_err();
    let Reply::Acted(acted) = reply else {
        panic!("{reply:?}")
    };
    let fault = acted.outcome.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(fault.message.raw().contains("no source is named `pd`"));
}
