//! The one history of a source: written by one process, read by any, and evaluated.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::evaluate::{Evaluation, Evaluator, Plan, Question};
use super::evidence::Evidence;
use super::history::{FORM, History, Limits, Scraped, TargetState, Tier};
use crate::domain::past::{PastEvents, Steps};
use crate::domain::{Fault, FaultKind, Window, window};
use crate::state::Lock;
use crate::state::database::Trouble;

/// Who is at the history of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// We are the one who scrapes and writes.
    Writer,
    /// Another process does, and we read what it wrote.
    Reader,
}

/// What the history says, and what has to be said of the history.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) evaluation: Evaluation,
    /// The targets, as the writer left them.
    pub(super) targets: Vec<TargetState>,
    pub(super) warnings: Vec<String>,
}

/// Opens the history when it is needed, and again after it failed.
pub(super) struct Keeper {
    path: PathBuf,
    limits: Limits,
    plan: Arc<Plan>,
    lock: Option<Lock>,
    history: Option<History>,
    /// Which file that is, by device and inode.
    opened: Option<(u64, u64)>,
    /// True after the history was found to be damaged while it was in use.
    damaged: bool,
    evaluator: Evaluator,
    warnings: Vec<String>,
}

impl Keeper {
    pub(super) fn new(path: PathBuf, limits: Limits, plan: Arc<Plan>) -> Self {
        Self {
            path,
            limits,
            plan,
            lock: None,
            history: None,
            opened: None,
            damaged: false,
            evaluator: Evaluator::default(),
            warnings: Vec::new(),
        }
    }

    /// Opens the history, to write it when nobody else does.
    pub(super) fn begin(&mut self) -> Result<Role, Fault> {
        let opened = self.open();
        self.noted(opened)
    }

    fn open(&mut self) -> Result<Role, Trouble> {
        if self.opened != self.identity() {
            // Somebody took it away or put another in its place: what is still open is nobody's.
            self.close();
        }
        if self.lock.is_none() {
            self.lock = Lock::take(&self.path)?;
            if self.lock.is_some() {
                self.close();
            }
        }
        if self.lock.is_none() {
            if self.history.is_none() {
                self.history = History::read(&self.path, self.limits)?;
                self.opened = self.identity();
            }
            return Ok(Role::Reader);
        }
        if self.history.is_none() {
            let (history, warning) = History::create(&self.path, self.limits, self.damaged)?;
            self.history = Some(history);
            self.opened = self.identity();
            self.damaged = false;
            self.warnings.extend(warning);
        }
        Ok(Role::Writer)
    }

    fn identity(&self) -> Option<(u64, u64)> {
        let file = std::fs::metadata(&self.path).ok()?;
        Some((file.dev(), file.ino()))
    }

    fn close(&mut self) {
        self.history = None;
        self.evaluator = Evaluator::default();
    }

    /// Keeps a round of scrapes, and says what the history now says of the present.
    pub(super) fn live(
        &mut self,
        round: &[Scraped],
        now: Timestamp,
        course: bool,
    ) -> Result<Told, Fault> {
        let told = self.record(round, now).and_then(|behind| {
            self.tell(Question {
                at: now,
                live: true,
                course,
            })
            .map(|told| (told, behind))
        });
        let (told, behind) = self.noted(told)?;
        match behind {
            None => Ok(told),
            Some(behind) => Err(Fault::new(
                FaultKind::Crash,
                format!(
                    "this machine's clock is {} behind what the history {} was written by: nothing \
                     is kept until it is past that; set the clock, or move the history away",
                    window::brief(behind.max(SignedDuration::from_secs(1))),
                    self.path.display()
                ),
            )),
        }
    }

    /// What the history says of a past moment. Needs nobody to be scraped.
    pub(super) fn past(&mut self, at: Timestamp) -> Result<Told, Fault> {
        if self.history.is_none() {
            let opened = History::read(&self.path, self.limits);
            self.history = self.noted(opened)?;
        }
        let told = self.tell(Question {
            at,
            live: false,
            course: false,
        });
        let mut told = self.noted(told)?;
        let begins = self
            .history
            .as_ref()
            .map(|history| history.begins(Tier::Hours));
        if let Some(begins) = self.noted(begins.transpose())?.flatten()
            && begins > at.as_millisecond()
            && let Ok(begins) = Timestamp::from_millisecond(begins)
        {
            told.warnings.push(format!(
                "its history begins at {begins}: nothing is known of then"
            ));
        }
        Ok(told)
    }

    /// What lies behind the numbers of an SLO, by its number.
    pub(super) fn evidence(
        &mut self,
        number: usize,
        at: Timestamp,
        windows: &[Window],
    ) -> Result<Option<Evidence>, Fault> {
        let Some(history) = &self.history else {
            return Ok(None);
        };
        let found = self
            .evaluator
            .evidence(history, &self.plan, (number, at), windows);
        self.noted(found)
    }

    /// The past of these SLOs, by their numbers, in steps of time.
    pub(super) fn recall(
        &mut self,
        numbers: &[usize],
        steps: Steps,
    ) -> Result<Vec<PastEvents>, Fault> {
        if self.history.is_none() {
            let opened = History::read(&self.path, self.limits);
            self.history = self.noted(opened)?;
        }
        let found = match &self.history {
            Some(history) => self.evaluator.recall(history, &self.plan, numbers, steps),
            None => Err(Trouble::Other("there is none yet".to_owned())),
        };
        self.noted(found)
    }

    /// How far the clock is behind the history, when it is.
    fn record(
        &mut self,
        round: &[Scraped],
        now: Timestamp,
    ) -> Result<Option<SignedDuration>, Trouble> {
        let Some(history) = self.history.as_mut().filter(|_| self.lock.is_some()) else {
            return Ok(None);
        };
        let behind = history.record(round)?;
        history.prune(now.as_millisecond())?;
        Ok(behind
            .filter(|&behind| behind > 0)
            .map(SignedDuration::from_millis))
    }

    fn tell(&mut self, question: Question) -> Result<Told, Trouble> {
        let Some(history) = &self.history else {
            return Err(Trouble::Other("there is none yet".to_owned()));
        };
        let evaluation = self.evaluator.evaluate(history, &self.plan, question)?;
        let targets = history.targets()?;
        let mut warnings = std::mem::take(&mut self.warnings);
        if question.live {
            warnings.extend(history.lacks_room()?);
        }
        Ok(Told {
            evaluation,
            targets,
            warnings,
        })
    }

    /// After a trouble the history is opened anew; a damaged one is not opened again.
    fn noted<T>(&mut self, outcome: Result<T, Trouble>) -> Result<T, Fault> {
        outcome.map_err(|trouble| {
            self.damaged |= matches!(trouble, Trouble::Damaged);
            self.close();
            FORM.fault(&trouble, &self.path)
        })
    }
}
