//! Asks any HTTP endpoint for JSON, page by page, and lets jq programs turn it into SLOs, releases,
//! incidents and shifts.
//!
//! Programs run in a process of their own (`sandbox`), waited for on a thread of its own: neither
//! the poll nor the program's end waits for one that does not end.

mod digest;
mod options;
mod paging;
mod past;
mod preset;
mod program;
mod recursion;
mod rows;
mod sandbox;
mod shape;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use self::digest::{Digest, Plan};
use self::options::{Body, Question, Setup};
use self::paging::{End, Page, Step, Turn, Walk, put};
use self::rows::Terms;
pub(crate) use self::sandbox::{ARGUMENT, serve};
use super::kit::conditional::Conditional;
use super::kit::link;
use super::kit::pages::Next;
use super::{Ask, Built, Fetching, Kind, Source};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Mapped, Release};
use crate::http::{Answer, Http, Method, Request};
use crate::store::{Ended, Offers};
use crate::text::Untrusted;

/// `kind = "json"`.
pub const KIND: Kind = Kind {
    name: "json",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// How long the programs may take for all pages of a poll.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How much longer a program is waited for that is between two looks at the clock.
const GRACE: Duration = Duration::from_secs(1);
/// How long a source rests after its programs ran out of time, so that it does not eat a core.
const REST: SignedDuration = SignedDuration::from_mins(5);
/// Room for values nested as deep as they are read.
const STACK: usize = 16 * 1024 * 1024;
/// After this time no further page is asked for: a poll that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(20);

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let source = Json::new(settings, all)?;
    let offers = Offers {
        slos: source.plan.slos.is_some(),
        releases: source.plan.releases.is_some(),
        incidents: source.plan.incidents.is_some(),
        ended: Ended::Always,
        ..Offers::default()
    };
    Ok(Built::new(source, offers))
}

/// An endpoint and the programs for its answer.
struct Json {
    http: Http,
    question: Question,
    plan: Arc<Plan>,
    terms: Terms,
    answers: Conditional,
    /// True while a thread runs the programs, whether or not anybody still waits for it.
    is_busy: Arc<AtomicBool>,
    time_limit: Duration,
    patience: Duration,
    /// How the last answer was mapped.
    mapped: Option<Mapped>,
}

impl Source for Json {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask))
    }

    fn mapped(&self) -> Option<&Mapped> {
        self.mapped.as_ref()
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

/// The pages of a poll and what they came to.
struct Read {
    digest: Digest,
    pages: usize,
    end: Result<End, Fault>,
}

impl Json {
    fn new(settings: &SourceSettings, all: &Settings) -> Result<Self, Problem> {
        let setup = Setup::read(settings)?;
        let terms = setup.terms(settings, all.ui.timezone.clone());
        let mut http = Http::new(settings, setup.preset.and_then(|preset| preset.url))?;
        http = http.with_path(&setup.question.path, &setup.question.query);
        if let Some((name, prefix)) = setup.preset.and_then(|preset| preset.token) {
            http = http.token_header(name, prefix);
        }
        Ok(Self {
            http,
            question: setup.question,
            plan: Arc::new(setup.plan),
            terms,
            answers: Conditional::default(),
            is_busy: Arc::default(),
            time_limit: TIME_LIMIT,
            patience: PATIENCE,
            mapped: None,
        })
    }

    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        self.mapped = None;
        if self.is_busy.load(Ordering::Acquire) {
            return Err(Fault::new(
                FaultKind::Timeout,
                "a jq program has not ended since an earlier poll; correct it and restart",
            ));
        }
        let terms = Terms {
            moment: ask.moment(),
            is_past: ask.at.is_some(),
            ..self.terms.clone()
        };
        let read = self.read(Digest::new(&self.plan, terms)).await?;
        let cut = read.end.as_ref().ok().and_then(|end| self.why_cut(*end));
        let is_read = read.digest.has_input();
        let (mut facts, mut mapped) = read.digest.facts(ask.at, cut.as_deref());
        let why = match read.end {
            Ok(End::Whole(why)) => Some(why),
            Ok(End::Repeated) => Some("the next one was there before"),
            _ => cut.as_deref(),
        };
        let count = counted(read.pages);
        mapped
            .notes
            .extend(why.map(|why| Untrusted::from(format!("{count} read: {why}"))));
        facts.rest = self.http.rest();
        // Of a list that was cut the oldest rows are not there.
        facts.reach = cut.as_ref().and_then(|_| oldest(&facts));
        self.mapped = is_read.then(|| self.without_secrets(mapped));
        match read.end {
            Ok(End::Repeated) => facts
                .warnings
                .push(format!("the list goes in a circle: {count} read").into()),
            Ok(_) => {}
            // Elsewhere is nobody's page: what was read stays, and the fault is told beside it.
            Err(fault) if fault.kind == FaultKind::Redirect && read.pages > 0 => {
                facts.fault = Some(fault);
            }
            Err(fault) => return Err(fault),
        }
        Ok(facts)
    }

    /// Why there are more rows than were read, if there are.
    fn why_cut(&self, end: End) -> Option<String> {
        match end {
            End::Whole(_) | End::Repeated => None,
            End::Capped => {
                let most = counted(self.plan.paging.pages);
                Some(format!(
                    "a poll reads {most}; raise `paginate.pages`, or ask for fewer"
                ))
            }
            End::Full => Some("no more are taken; let the program select fewer".to_owned()),
            End::Late => {
                let patience = self.patience.as_secs();
                Some(format!(
                    "a poll reads on for {patience} s; ask for fewer rows, or more on a page"
                ))
            }
        }
    }

    /// Reads page after page, until the list ends or enough was read.
    async fn read(&mut self, mut digest: Digest) -> Result<Read, Fault> {
        let plan = Arc::clone(&self.plan);
        let mut walk = Walk::new(&plan.paging);
        let mut step = walk.first();
        let mut asked = HashSet::new();
        let began = Instant::now();
        let mut left = self.time_limit;
        let end = loop {
            let answer = match self.ask(&step, walk.may_be_past_the_end()).await {
                Ok(Some(answer)) => answer,
                Ok(None) => break Ok(End::Whole("the next one is not there (404)")),
                Err(fault) => break Err(fault),
            };
            asked.insert(step.key());
            let next = match link::next(&answer) {
                Some(Next::Link(address)) => Some(address),
                _ => None,
            };
            let at_work = Instant::now();
            let (returned, page) = self.run(digest, answer, left).await?;
            digest = returned;
            left = left.saturating_sub(at_work.elapsed());
            let page = match page {
                Ok(page) => page,
                Err(fault) => break Err(fault),
            };
            match walk.after(&page, next.as_deref()) {
                Turn::Done(end) => break Ok(end),
                Turn::On(_) if began.elapsed() > self.patience => break Ok(End::Late),
                Turn::On(further) => step = self.reachable(further),
            }
        };
        if end.is_ok() {
            self.answers.retain(|key| asked.contains(key));
        }
        Ok(Read {
            digest,
            pages: walk.read,
            end,
        })
    }

    /// The same page where it can be asked for: a server that is reached by another name than it
    /// gives itself links elsewhere, and has its page by its number at `url` as well.
    fn reachable(&self, step: Step) -> Step {
        let Step::Address(address) = &step else {
            return step;
        };
        let fault = self.http.get_url(address).err();
        let is_elsewhere = fault.is_some_and(|fault| fault.kind == FaultKind::Redirect);
        match link::number(address).filter(|_| is_elsewhere) {
            Some(number) => Step::With(vec![("page".to_owned(), number.into())]),
            None => step,
        }
    }

    /// One page; `None` when it may be past the last one and is not there.
    async fn ask(&mut self, step: &Step, may_be_past: bool) -> Result<Option<Answer>, Fault> {
        let request = request(&self.http, &self.question, &self.plan, step)?;
        let request = request.header("Accept", self.question.accept).only_asks();
        let accepted: &'static [u16] = if may_be_past { &[304, 404] } else { &[304] };
        let request = request.accept(accepted);
        let answer = if self.question.method == Method::GET {
            self.answers.send(&step.key(), request).await?
        } else {
            request.send().await?
        };
        Ok(Some(answer).filter(|answer| answer.status != 404))
    }

    /// Runs the programs over a page, on their own thread.
    async fn run(
        &self,
        mut digest: Digest,
        answer: Answer,
        limit: Duration,
    ) -> Result<(Digest, Result<Page, Fault>), Fault> {
        let until = Instant::now() + limit;
        let plan = Arc::clone(&self.plan);
        let busy = Busy::new(&self.is_busy);
        let (sender, receiver) = oneshot::channel();
        std::thread::Builder::new()
            .name("jq".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let page = digest.page(&plan, &answer, until);
                drop((answer, busy));
                // Nobody waits any more when the poll was given up.
                let _ = sender.send((digest, page));
            })
            .map_err(|error| Fault::new(FaultKind::Crash, format!("no thread for jq: {error}")))?;
        match tokio::time::timeout(limit + GRACE, receiver).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(Fault::new(
                FaultKind::Crash,
                "a jq program crashed; simplify it",
            )),
            Err(_) => Err(too_slow()),
        }
    }

    /// The same, should the server have repeated a credential.
    fn without_secrets(&self, mut mapped: Mapped) -> Mapped {
        let redact = |text: &mut Untrusted| *text = self.http.redact(text.raw()).into();
        for mapping in &mut mapped.programs {
            mapping.example.iter_mut().for_each(redact);
            mapping.misreads.iter_mut().for_each(redact);
            for dropped in &mut mapping.drops {
                redact(&mut dropped.reason);
                redact(&mut dropped.raw);
            }
        }
        mapped
    }
}

/// The date of the oldest dated row.
fn oldest(facts: &Facts) -> Option<Timestamp> {
    let releases = facts.releases.iter().flatten().filter_map(Release::dated);
    let incidents = facts.incidents.iter().flatten();
    releases
        .chain(incidents.filter_map(|row| row.opened_at))
        .min()
}

/// The request for a page.
fn request<'a>(
    http: &'a Http,
    question: &Question,
    plan: &Plan,
    step: &Step,
) -> Result<Request<'a>, Fault> {
    let mut request = match step {
        Step::Address(address) => http.ask_url(question.method.clone(), address)?,
        Step::With(_) => http.ask(question.method.clone(), ""),
    };
    let mut body = question.body.clone();
    let parameters = match step {
        Step::With(parameters) => parameters.as_slice(),
        Step::Address(_) => &[],
    };
    for (name, value) in parameters {
        if plan.paging.in_body {
            if let Body::Json(body) = &mut body {
                put(body, name, value);
            } else {
                let mut begun = serde_json::Value::Null;
                put(&mut begun, name, value);
                body = Body::Json(begun);
            }
        } else {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            request = request.set_query(name, &text);
        }
    }
    Ok(match body {
        Body::None => request,
        Body::Json(body) => request.json(&body),
        Body::Text(text) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => {
            request.text(&text, "application/json")
        }
        Body::Text(text) => request.text(&text, "text/plain; charset=utf-8"),
    })
}

fn counted(pages: usize) -> String {
    format!("{pages} page{}", if pages == 1 { "" } else { "s" })
}

/// Says that a thread is at work, until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn new(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Release);
        Self(Arc::clone(flag))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn too_slow() -> Fault {
    Fault {
        retry_after: Some(REST),
        ..Fault::new(
            FaultKind::Timeout,
            format!(
                "the jq programs did not end within {} s or 5 million rounds; let them do less",
                TIME_LIMIT.as_secs()
            ),
        )
    }
}

#[cfg(test)]
mod tests;
