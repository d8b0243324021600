//! Gathers what a report or a timeline is made of: sources are asked once, and the journal is read.

use std::collections::HashMap;
use std::process::ExitCode;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::past;
use crate::command::{doubt_future, on_runtime, say, status};
use crate::config::Settings;
use crate::domain::blind::{Blind, Silence};
use crate::domain::{Event, FaultKind, SourceName, When};
use crate::insight::delivery::{Burned, Terms, Unlinked};
use crate::insight::report::{Measured, Rows, Witness, merged};
use crate::journal::{FORM, Journal, Place, suspects};
use crate::state::database::Trouble;
use crate::store::{Feed, Store};
use crate::text::Untrusted;
use crate::watch::Watch;

/// Rows from so long before a report are asked for as well: what was deployed and burned before it.
const BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Rows, events and gaps of a time, of sources and journal.
pub(in crate::command) struct Gathered {
    /// Releases and incidents, of now and of the journal.
    pub(in crate::command) rows: Rows,
    /// Events of the journal, oldest first.
    pub(in crate::command) events: Vec<Event>,
    pub(super) burns: Vec<(Untrusted, Burned)>,
    pub(super) unlinked: Vec<Unlinked>,
    pub(super) slos: Vec<Measured>,
    pub(in crate::command) witnesses: Vec<(SourceName, Witness)>,
}

impl Gathered {
    /// True when every source that could tell of anything was blind all the time.
    pub(in crate::command) fn is_blind(&self) -> bool {
        self.witnesses.iter().all(|(_, one)| {
            let topics = [&one.releases, &one.incidents, &one.slos];
            topics.into_iter().flatten().all(|gaps| !gaps.is_empty())
        })
    }
}

/// Rows, events and gaps of a time, of the journal alone.
#[derive(Default)]
struct Remembered {
    rows: Rows,
    events: Vec<Event>,
    burns: Vec<(Untrusted, Burned)>,
    /// When nothing was known of each source that was ever asked.
    blind: HashMap<SourceName, Vec<Blind>>,
}

/// The time that is asked for, up to the present.
pub(in crate::command) fn span(
    since: When,
    until: Option<When>,
    (now, zone): (Timestamp, &TimeZone),
) -> (Timestamp, Timestamp) {
    let until = until.map(|until| until.moment(now, zone));
    doubt_future(until);
    let until = until.unwrap_or(now).min(now);
    (since.moment(until, zone), until)
}

/// By what deployments of a time are told, and linked.
pub(in crate::command) fn terms<'a>(
    settings: &'a Settings,
    zone: &'a TimeZone,
    (from, until): (Timestamp, Timestamp),
) -> Terms<'a> {
    let delivery = &settings.delivery;
    Terms {
        from,
        until,
        zone,
        production: &delivery.production,
        link_within: delivery.link_within,
        observe: delivery.observe,
    }
}

/// Asks every source and reads the journal.
pub(in crate::command) fn all(
    settings: &Settings,
    watch: Watch,
    terms: &Terms<'_>,
    with_budgets: bool,
) -> Result<Gathered, ExitCode> {
    let since = since(terms);
    let mut watch = watch;
    let slos = on_runtime(|runtime| {
        runtime.block_on(async {
            status::ask_since(&mut watch, since).await;
            if with_budgets {
                Some(past::all(&mut watch, terms).await)
            } else {
                None
            }
        })
    })?;
    Ok(known(settings, &watch.store, terms, slos))
}

/// Since when dated rows are read for a time.
pub(super) fn since(terms: &Terms<'_>) -> Timestamp {
    terms.from.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN)
}

/// What a polled store and the journal hold of a time; `slos` is the past of all SLOs, where it was read.
pub(super) fn known(
    settings: &Settings,
    store: &Store,
    terms: &Terms<'_>,
    slos: Option<Vec<Measured>>,
) -> Gathered {
    let remembered = remembered(settings, store, since(terms), terms);
    let mut burns = remembered.burns;
    burns.extend(suspects(store).map(|(_, service, burn)| (service, burn)));
    let present = Rows {
        releases: store
            .releases()
            .map(|(feed, row)| (feed.name.clone(), row.clone()))
            .collect(),
        incidents: store
            .incidents()
            .map(|(feed, row)| (feed.name.clone(), row.clone()))
            .collect(),
    };
    let witnesses = store.feeds().iter().map(|feed| {
        let blind = remembered.blind.get(&feed.name);
        let witness = witness(feed, blind, slos.as_deref(), terms);
        (feed.name.clone(), witness)
    });
    Gathered {
        witnesses: witnesses.collect(),
        rows: remembered.rows.with_present(present),
        unlinked: Unlinked::among(remembered.events.iter().map(|event| &event.what)),
        events: remembered.events,
        burns,
        slos: slos.unwrap_or_default(),
    }
}

/// What the journal holds; nothing where there is none.
fn remembered(
    settings: &Settings,
    store: &Store,
    since: Timestamp,
    terms: &Terms<'_>,
) -> Remembered {
    let Place::File(path) = Place::of(&settings.journal) else {
        return Remembered::default();
    };
    let read = Journal::read(&path).and_then(|journal| {
        let Some(mut journal) = journal else {
            return Ok(Remembered::default());
        };
        journal.look_for(store.feeds())?;
        recall(&journal, store, since, terms)
    });
    read.unwrap_or_else(|trouble| {
        let why = FORM.fault(&trouble, &path).message.shown_whole();
        say(format!("what the journal holds is not in it: {why}"));
        Remembered::default()
    })
}

fn recall(
    journal: &Journal,
    store: &Store,
    since: Timestamp,
    terms: &Terms<'_>,
) -> Result<Remembered, Trouble> {
    let dated = |name: &SourceName| {
        let feed = store.feed(name);
        feed.is_some_and(|feed| feed.offers.releases || feed.offers.incidents)
    };
    let mut rows = Rows::default();
    for told in journal.told((since, terms.until), dated)? {
        let source = &told.source;
        let releases = told.releases.into_iter();
        rows.releases
            .extend(releases.map(|row| (source.clone(), row)));
        let incidents = told.incidents.into_iter();
        rows.incidents
            .extend(incidents.map(|row| (source.clone(), row)));
    }
    store.name_services(rows.releases.iter_mut().map(|(_, row)| &mut row.service));
    store.name_services(rows.incidents.iter_mut().map(|(_, row)| &mut row.service));
    let mut events = journal.happened(since, Timestamp::MAX)?;
    store.name_services(events.iter_mut().map(|event| &mut event.service));
    let mut blind: HashMap<SourceName, Vec<Blind>> = HashMap::new();
    for feed in store.feeds() {
        if journal.knows(&feed.name, terms.until)? {
            blind.insert(feed.name.clone(), Vec::new());
        }
    }
    for one in journal.blind(terms.from, terms.until)? {
        blind.entry(one.source.clone()).or_default().push(one);
    }
    let burns = journal.suspected(store, &events)?;
    Ok(Remembered {
        rows: Rows::of_the_past(rows, &events),
        events,
        burns,
        blind,
    })
}

/// When a source was blind, by what it says now and by the journal.
fn witness(
    feed: &Feed,
    blind: Option<&Vec<Blind>>,
    slos: Option<&[Measured]>,
    terms: &Terms<'_>,
) -> Witness {
    let whole = vec![(terms.from, terms.until)];
    let unwatched = match blind {
        None => whole.clone(),
        Some(blind) => {
            let times = blind.iter();
            let times = times.map(|one| (one.since, one.until.unwrap_or(terms.until)));
            merged(times.collect())
        }
    };
    let is_answering = feed.last_success.is_some() && feed.fault.is_none();
    // What a list of dated rows begins before is not in it.
    let before = feed.facts.reach.filter(|reach| *reach > terms.from);
    let before = before.map_or_else(Vec::new, |reach| {
        let listed = (terms.from, reach.min(terms.until));
        overlap(&unwatched, listed)
    });
    let has_history = feed.facts.reach.is_some();
    let is_present_alone = (feed.offers.relays || feed.offers.rules) && !has_history;
    let releases = feed.offers.releases.then(|| {
        if is_answering {
            before.clone()
        } else {
            unwatched.clone()
        }
    });
    let incidents = feed.offers.incidents.then(|| {
        if is_answering && !is_present_alone {
            before.clone()
        } else {
            unwatched.clone()
        }
    });
    let own = slos
        .into_iter()
        .flatten()
        .filter(|slo| slo.source == feed.name);
    let measured = own.clone().any(|slo| slo.past.is_ok());
    let own: Vec<_> = own.map(|slo| past::gaps(slo, terms)).collect();
    // Where their past is not asked for, the journal alone tells of them.
    let slos = feed.offers.slos.then(|| match slos {
        Some(_) => past::common(own, &whole),
        None => unwatched.clone(),
    });
    // What a server has no samples of, it has no alerts of either.
    let incidents = incidents.map(|gaps| {
        let silent = slos.iter().flatten().copied();
        let silent = silent.filter(|_| feed.offers.rules && measured);
        merged(gaps.into_iter().chain(silent).collect())
    });
    Witness {
        releases,
        incidents,
        slos,
        why: why(feed, blind, is_present_alone),
    }
}

/// The parts of some times that lie within another.
fn overlap(
    times: &[(Timestamp, Timestamp)],
    (from, until): (Timestamp, Timestamp),
) -> Vec<(Timestamp, Timestamp)> {
    let parts = times
        .iter()
        .map(|time| (time.0.max(from), time.1.min(until)));
    merged(parts.collect())
}

fn why(feed: &Feed, blind: Option<&Vec<Blind>>, is_present_alone: bool) -> Untrusted {
    if let Some(fault) = &feed.fault
        && fault.kind != FaultKind::NoHistory
    {
        return fault.message.clone();
    }
    let failed = blind.iter().flat_map(|blind| blind.iter());
    let mut failed = failed.filter_map(|one| match &one.why {
        Silence::Failed(fault) => Some(fault.message.clone()),
        Silence::Unwatched => None,
    });
    if let Some(why) = failed.next() {
        return why;
    }
    let words = match blind {
        None if is_present_alone => {
            "it lists what is open now alone, and no journal holds that time"
        }
        None => "it does not tell of all that time, and no journal holds it",
        Some(_) => "watchfire did not run",
    };
    words.into()
}
