//! The one thread that is at the journal: disks may be slow, and no key waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{FORM, Journal, Limits, Place, RECORDING};
use crate::domain::{Burn, Event, Fault, FaultKind, SourceName};
use crate::insight::handoff::Handoff;
use crate::state::database::Trouble;
use crate::store::{Feed, Heard, Store, World};
use crate::text::Untrusted;

/// How much may wait to be written: some minutes of polls, while a disk hangs.
const WAITING: usize = 512;
/// How many of the last events are told at the start.
const AT_HAND: usize = 2_000;
/// How long who leaves waits for the last of it.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How often a journal that cannot be written is tried again.
const UNLOCKING: Duration = Duration::from_mins(1);

/// What the clerk is given to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Keep what a source said.
    Heard(Box<Heard>),
    /// Keep what was done.
    Done(Box<Event>),
    /// Keep the freezes that began or ended, as far as that is new.
    Freezes(Vec<Event>),
    /// Tell the world as it was at a moment.
    Recall(Timestamp),
    /// Make the hand-over of a time, of a store that knows the sources, and keep it.
    Handoff(Box<Store>, (Timestamp, Timestamp)),
    /// Tell how SLOs burned in a time.
    Burns(Vec<(SourceName, Untrusted)>, (Timestamp, Timestamp)),
}

/// What the clerk says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The world as it was known before anything was asked; told once, first.
    Known(World),
    /// The world at a moment that was asked for, or why it cannot be told.
    Recalled(Timestamp, Result<World, Fault>),
    /// This has happened, oldest first.
    Happened(Vec<Event>),
    /// How SLOs burned in a time that was asked for.
    Burned(
        (Timestamp, Timestamp),
        Vec<(SourceName, Untrusted, Vec<Burn>)>,
    ),
    /// The hand-over that was asked for, or why there is none.
    Handoff(Result<Box<Handoff>, Fault>),
    /// What keeps it from keeping anything; `None` when that is over.
    Trouble(Option<Fault>),
    /// Something to know that is no trouble any more.
    Remark(String),
}

/// The way to the clerk.
pub struct Clerk {
    desk: Option<SyncSender<Entry>>,
    /// How much could not be given, until that is said.
    lost: Arc<AtomicUsize>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Clerk {
    /// Opens the journal at a place, tells what is known, and goes on to do what it is given.
    /// Everything it says goes to `say`, on its own thread, which ends when `say` is false.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(
        place: Place,
        limits: Limits,
        feeds: Vec<Feed>,
        say: impl Fn(Said) -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (desk, entries) = sync_channel(WAITING);
        let lost = Arc::<AtomicUsize>::default();
        let untold = Arc::clone(&lost);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let mut room = Room {
                    place,
                    limits,
                    feeds,
                    journal: None,
                    damaged: false,
                    trouble: None,
                    locked_at: None,
                    say,
                };
                room.work(&entries, &untold);
            })?;
        Ok(Self {
            desk: Some(desk),
            lost,
            thread: Some(thread),
        })
    }

    /// Gives the clerk something to do. When it has too much to do already it is not done, and the
    /// clerk says so when it comes to it.
    pub fn give(&self, entry: Entry) {
        let sent = self.desk.as_ref().map(|desk| desk.try_send(entry));
        if matches!(sent, Some(Err(TrySendError::Full(_)))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Clerk {
    /// What was given is still written, unless the disk hangs.
    fn drop(&mut self) {
        self.desk = None;
        let until = Instant::now() + LAST_LINES;
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Everything on the clerk's side.
struct Room<Say> {
    place: Place,
    limits: Limits,
    feeds: Vec<Feed>,
    /// `None` until it is opened, and after it failed.
    journal: Option<Journal>,
    damaged: bool,
    trouble: Option<Fault>,
    /// When one that cannot be written was opened last.
    locked_at: Option<Instant>,
    say: Say,
}

impl<Say: Fn(Said) -> bool> Room<Say> {
    fn work(&mut self, entries: &Receiver<Entry>, lost: &AtomicUsize) {
        if !matches!(self.place, Place::Recording(_)) {
            let known = self.with(|journal| {
                let now = Timestamp::now();
                // Nobody waits for this one: what had happened may be told in full.
                let events = journal.events_before(now, AT_HAND)?;
                let events = Arc::new(events.into_iter().map(Arc::new).collect());
                Ok(World {
                    events,
                    ..journal.world(now)?
                })
            });
            if let Ok(world) = known
                && !(self.say)(Said::Known(world))
            {
                return;
            }
        }
        while let Ok(entry) = entries.recv() {
            let lost = lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let words = format!("the journal was too slow: {lost} entries were not kept");
                (self.say)(Said::Remark(words));
            }
            let Some(said) = self.answer(entry) else {
                continue;
            };
            if !(self.say)(said) {
                return;
            }
        }
    }

    fn answer(&mut self, entry: Entry) -> Option<Said> {
        match entry {
            Entry::Heard(heard) => {
                let events = self.with(|journal| journal.keep(&heard)).ok()?;
                (!events.is_empty()).then_some(Said::Happened(events))
            }
            Entry::Done(event) => {
                self.with(|journal| journal.note(&event)).ok()?;
                Some(Said::Happened(vec![*event]))
            }
            Entry::Freezes(events) => {
                let kept = self.with(|journal| journal.note_freezes(&events)).ok()?;
                (!kept.is_empty()).then_some(Said::Happened(kept))
            }
            Entry::Recall(at) => {
                let world = self.with(|journal| journal.world(at));
                Some(Said::Recalled(at, world))
            }
            Entry::Handoff(store, time) => Some(Said::Handoff(self.handoff(&store, time))),
            Entry::Burns(slos, time) => {
                let burned = self.with(|journal| {
                    let burned = slos.into_iter().map(|(source, slo)| {
                        let burns = journal.burns(&source, &slo, time)?;
                        Ok((source, slo, burns))
                    });
                    burned.collect()
                });
                Some(Said::Burned(time, burned.ok()?))
            }
        }
    }

    /// Makes a hand-over, and keeps it unless this is a recording; what keeps it from being kept is
    /// told as any other trouble.
    fn handoff(
        &mut self,
        store: &Store,
        time: (Timestamp, Timestamp),
    ) -> Result<Box<Handoff>, Fault> {
        let made = self.with(|journal| journal.handoff(store, time))?;
        let handoff = made.map_err(|lack| Fault::new(FaultKind::NoHistory, lack.to_string()))?;
        if !matches!(self.place, Place::Recording(_)) {
            let _ = self.with(|journal| journal.keep_handoff(&handoff));
        }
        Ok(Box::new(handoff))
    }

    /// Does something with the journal, which is opened when it is not. What is wrong is said when
    /// it begins and when it ends.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Journal) -> Result<T, Trouble>,
    ) -> Result<T, Fault> {
        let done = match self.journal.as_mut() {
            Some(journal) => work(journal),
            None => self.open().and_then(work),
        };
        let trouble = match &done {
            // What was read does not say that anything can be kept.
            Ok(_) if self.trouble.is_some() && self.is_locked() => self.trouble.clone(),
            Ok(_) => None,
            Err(trouble @ Trouble::ReadOnly(_)) => {
                self.lock();
                Some(self.fault(trouble))
            }
            Err(trouble) => {
                self.damaged |= matches!(trouble, Trouble::Damaged);
                self.journal = None;
                Some(self.fault(trouble))
            }
        };
        if trouble != self.trouble {
            self.trouble.clone_from(&trouble);
            (self.say)(Said::Trouble(trouble.clone()));
        }
        done.map_err(|trouble| self.fault(&trouble))
    }

    fn is_locked(&self) -> bool {
        self.journal
            .as_ref()
            .is_some_and(|journal| journal.unlocked().is_err())
    }

    /// Goes on reading what cannot be written, and opens it anew now and then: somebody may have made it
    /// writable.
    fn lock(&mut self) {
        let is_due = self.locked_at.is_none_or(|at| at.elapsed() >= UNLOCKING);
        if is_due || !self.is_locked() {
            self.journal = None;
            self.locked_at = Some(Instant::now());
        }
    }

    fn open(&mut self) -> Result<&mut Journal, Trouble> {
        if let Place::Recording(path) = &self.place {
            let mut journal = Journal::recording(path)?;
            journal.look_for(&self.feeds)?;
            return Ok(self.journal.insert(journal));
        }
        let (mut journal, remark) = Journal::open(&self.place, self.limits, self.damaged)?;
        self.damaged = false;
        if let Some(remark) = remark {
            (self.say)(Said::Remark(remark));
        }
        journal.watch(&self.feeds)?;
        Ok(self.journal.insert(journal))
    }

    fn fault(&self, trouble: &Trouble) -> Fault {
        match &self.place {
            Place::File(path) => FORM.fault(trouble, path),
            Place::Recording(path) => RECORDING.fault(trouble, path),
            Place::Memory => Fault::new(FaultKind::Crash, trouble.to_string()),
        }
    }
}
