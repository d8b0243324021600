//! One round of orders from the shell: looked for, previewed, and carried out if that is wanted.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::{UNKNOWN, on_runtime, refuse, say};
use crate::act::Leave;
use crate::audit::{self, Audit, Outcome, order_as_json};
use crate::cli::{self, Format};
use crate::config::{JournalSettings, Loaded, SourceSettings};
use crate::domain::order::result_word;
use crate::domain::{Event, Order, Report, SourceName, Verb};
use crate::journal::{FORM, Journal, Place};
use crate::poll;
use crate::print::orders::{Ending, Given, Orders};
use crate::source::{Ask, Source};
use crate::store::{Feed, Store};
use crate::text::Shown;
use crate::watch::Watch;

/// The status that says that some of it failed, or that there was nothing to do.
const FAILED: u8 = 1;
/// How long an order of which nobody knows what became is called to mind.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// What is to be done, where, and whether really.
pub(super) struct Round<'a> {
    pub(super) verb: Verb,
    pub(super) source: Option<&'a str>,
    pub(super) doing: cli::Doing,
    /// Who gives the orders; empty when nobody said.
    pub(super) who: String,
    /// The options that name configuration and sources, for command lines that are shown.
    pub(super) again: String,
}

/// What was found to be done.
pub(super) enum Chosen {
    /// These, and what to say when there are none.
    Orders { orders: Vec<Order>, nothing: String },
    /// What is asked for is not known.
    Unknown(String),
}

type Asked = (SourceSettings, Box<dyn Source>);

impl Round<'_> {
    /// Asks the sources, has `choose` say what is to be done, shows that, and does it with `--yes`.
    pub(super) fn run(
        &self,
        loaded: &Loaded,
        watch: Watch,
        choose: impl FnOnce(&Store) -> Chosen,
    ) -> ExitCode {
        let settings = &loaded.settings;
        let leave = Leave::of(settings);
        if self.doing.yes && !leave.is_granted() {
            return refuse(
                "nothing may be changed from here: set `enabled = true` in [actions], or leave \
                 --yes out to see what would be done",
            );
        }
        let (watch, is_offered) = match self.concerned(watch) {
            Ok(concerned) => concerned,
            Err(why) => return refuse(why),
        };
        if !is_offered {
            let verb = self.verb.word();
            return refuse(format!("none of the sources can {verb} anything"));
        }
        let feeds = watch.store.feeds().to_vec();
        self.recall(&Audit::of(settings));
        let round = on_runtime(|runtime| runtime.block_on(self.go_round(watch, &leave, choose)));
        let (given, done, failed) = match round {
            Ok(Ok(round)) => round,
            Ok(Err(why)) => return refuse(why),
            Err(exit) => return exit,
        };
        remember(&settings.journal, &feeds, &done);
        let zone = &settings.ui.timezone;
        let printed = self.print(&given, zone);
        if printed != ExitCode::SUCCESS {
            return printed;
        }
        let some_failed = given.iter().any(|given| given.ending.is_failed());
        match (failed, some_failed) {
            (true, _) if given.is_empty() => ExitCode::from(UNKNOWN),
            // Something was asked for, and nothing came of it.
            (false, false) if given.is_empty() => ExitCode::from(FAILED),
            (false, false) => ExitCode::SUCCESS,
            _ => ExitCode::from(FAILED),
        }
    }

    /// The sources that may know of it, and whether any of them can do it.
    fn concerned(&self, mut watch: Watch) -> Result<(Watch, bool), String> {
        let is_meant = |feed: &Feed| {
            let named = self.source.is_none_or(|name| feed.name.as_str() == name);
            // Of those that cannot, it is said what is left there.
            let tells = self.verb == Verb::Acknowledge && feed.offers.incidents;
            named && (self.can(feed) || tells)
        };
        if let Some(name) = self.source
            && !watch
                .sources
                .iter()
                .any(|(known, _)| known.name.as_str() == name)
        {
            return Err(format!("no source is named `{}`", Shown::new(name)));
        }
        let feeds = watch.store.feeds();
        let is_offered = feeds.iter().any(|feed| is_meant(feed) && self.can(feed));
        let meant: Vec<SourceName> = feeds
            .iter()
            .filter(|feed| is_meant(feed))
            .map(|feed| feed.name.clone())
            .collect();
        watch
            .sources
            .retain(|(known, _)| meant.contains(&known.name));
        watch.store = watch.store.of(&meant);
        Ok((watch, is_offered))
    }

    fn can(&self, feed: &Feed) -> bool {
        feed.offers.acts.contains(&self.verb)
    }

    /// Says of which earlier orders nobody knows what became.
    fn recall(&self, audit: &Audit) {
        let since = Timestamp::now() - MEMORY;
        // A log that cannot be read is told of when it has to be written.
        for record in audit
            .path()
            .and_then(|path| audit::records(path).ok())
            .unwrap_or_default()
        {
            let is_open = record.outcome == Outcome::Unknown && record.at > since;
            if is_open && record.verb.raw() == self.verb.word() {
                say(format!(
                    "at {} {} was about to {} {}, and nobody wrote down what became of it: look \
                     before you repeat it",
                    record.at.strftime("%H:%M:%SZ"),
                    record.who.shown(),
                    record.verb.shown(),
                    record.name.shown(),
                ));
            }
        }
    }

    /// What was given and what became of it, what is to be remembered of that, and whether a source
    /// did not answer.
    async fn go_round(
        &self,
        watch: Watch,
        leave: &Leave,
        choose: impl FnOnce(&Store) -> Chosen,
    ) -> Result<(Vec<Given>, Vec<Event>, bool), String> {
        let (mut store, mut failed) = (watch.store, false);
        let mut sources = Vec::new();
        for (asked, report) in ask_all(watch.sources).await {
            if let Err(fault) = &report.outcome {
                failed |= store
                    .feed(&report.source)
                    .is_some_and(|feed| self.can(feed));
                say(format!("{}: {}", report.source, fault.message.shown()));
            }
            store.absorb(report);
            sources.push(asked);
        }
        let (orders, nothing) = match choose(&store) {
            Chosen::Orders { orders, nothing } => (orders, nothing),
            Chosen::Unknown(why) => return Err(why),
        };
        if orders.is_empty() && !failed {
            say(nothing);
        }
        let (mut given, mut done) = (Vec::new(), Vec::new());
        for order in orders {
            let mut source = sources.iter_mut();
            let source = source.find(|(known, _)| known.name == order.source);
            if let Some((settings, source)) = source {
                let limit = poll::limit(settings);
                let given_now = self
                    .give(order, source.as_mut(), limit, (leave, &mut done))
                    .await;
                given.push(given_now);
            }
        }
        Ok((given, done, failed))
    }

    /// One order: previewed, and carried out if that is wanted.
    async fn give(
        &self,
        order: Order,
        source: &mut dyn Source,
        limit: SignedDuration,
        (leave, journal): (&Leave, &mut Vec<Event>),
    ) -> Given {
        let preview = poll::preview_once(source, &order, limit).await;
        let (lines, ending) = match preview {
            Err(fault) => (Vec::new(), failed(&Err(fault))),
            Ok(preview) if !self.doing.yes => (preview.lines, Ending::Previewed),
            Ok(preview) => {
                let sending = poll::act_once(source, &order, limit);
                let acted = leave.order(&order, sending).await;
                journal.push(Event::acted(&acted, &self.who));
                let outcome = acted.outcome;
                let ending = match &outcome {
                    Ok(done) => Ending::Done {
                        said: done.said.clone(),
                        undo: done.undo.as_deref().map(order_as_json),
                    },
                    Err(_) => failed(&outcome),
                };
                (preview.lines, ending)
            }
        };
        Given {
            json: order_as_json(&order),
            order,
            lines,
            ending,
        }
    }

    fn print(&self, given: &[Given], zone: &jiff::tz::TimeZone) -> ExitCode {
        let orders = Orders {
            given,
            is_dry: !self.doing.yes,
            zone,
            again: &self.again,
        };
        let mut text = Vec::new();
        let written = match self.doing.format {
            Format::Text => orders.text(&mut text),
            Format::Json => orders.json(&mut text, Timestamp::now()),
        };
        if let Err(error) = written {
            return refuse(format!("cannot print what is done: {error}"));
        }
        let printed = super::print(&text);
        let is_shown = given.iter().any(|given| given.ending == Ending::Previewed);
        if is_shown && self.doing.format == Format::Text {
            say("nothing was changed: --yes does it");
        }
        printed
    }
}

/// Keeps what was done in the journal that the screen has, if there is one.
fn remember(settings: &JournalSettings, feeds: &[Feed], done: &[Event]) {
    let Place::File(path) = Place::of(settings) else {
        return;
    };
    if done.is_empty() || !path.exists() {
        return;
    }
    let written = Journal::read(&path).and_then(|journal| {
        let Some(mut journal) = journal else {
            return Ok(());
        };
        journal.look_for(feeds)?;
        done.iter().try_for_each(|event| journal.note(event))
    });
    if let Err(trouble) = written {
        // It is in the audit log all the same.
        say(FORM.fault(&trouble, &path).message.shown());
    }
}

fn failed(outcome: &Result<crate::domain::Done, crate::domain::Fault>) -> Ending {
    let said = match outcome {
        Ok(done) => done.said.clone(),
        Err(fault) => fault.message.clone(),
    };
    Ending::Failed {
        word: result_word(outcome),
        said,
    }
}

/// Asks all sources at the same time; they come back in their order.
async fn ask_all(sources: Vec<Asked>) -> Vec<(Asked, Report)> {
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    };
    let mut polls = JoinSet::new();
    for (place, (settings, mut source)) in sources.into_iter().enumerate() {
        polls.spawn(async move {
            let limit = poll::limit(&settings);
            let report = poll::poll_once(&settings.name, source.as_mut(), &ask, limit).await;
            (place, (settings, source), report)
        });
    }
    let mut answers = polls.join_all().await;
    answers.sort_by_key(|(place, ..)| *place);
    answers
        .into_iter()
        .map(|(_, asked, report)| (asked, report))
        .collect()
}
