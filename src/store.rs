//! The last good facts of each source, how old they are, and what is wrong with it now.
//!
//! A failed poll never takes rows away: it only makes them older.

mod answer;
mod gone;
mod inherit;
mod overdue;
pub mod policy;
mod twins;
mod world;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::Suggestions;
use crate::domain::slo;
use crate::domain::{
    Event, Facts, Fault, FaultKind, Freshness, Incident, Linking, Me, Observation, OnCall,
    Production, Reason, ReasonCode, Release, Service, Silence, Slo, SourceName, Verb, window,
};
use crate::insight::{Insights, Known};
use crate::text::Untrusted;

pub use twins::Twins;
pub use world::{Heard, Past, World};

/// How long a request may take when the configuration does not say.
pub const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// What the store knows of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// Its name in the configuration.
    pub name: SourceName,
    /// Its kind, `prometheus` for example.
    pub kind: &'static str,
    /// What makes it the same source for whoever remembers it: its kind and where it is.
    pub identity: String,
    /// How often it is asked.
    pub interval: SignedDuration,
    /// After how long of failing it counts as down.
    pub stale_after: SignedDuration,
    /// How long one of its requests may take.
    pub timeout: SignedDuration,
    /// What it says of SLOs, releases, incidents, by its kind and settings; see [`Offers`].
    pub offers: Offers,
    /// The last good answer; shared, so that a view which stands still costs nothing.
    pub facts: Arc<Facts>,
    /// When that came.
    pub last_success: Option<Timestamp>,
    /// Since when it answers without a break; `None` while it does not.
    pub answering_since: Option<Timestamp>,
    /// How long it took.
    pub latency: Option<SignedDuration>,
    /// What is wrong now; `None` when the newest answer was good, or none was asked for yet.
    pub fault: Option<Fault>,
    /// How many polls in a row have failed.
    pub failures: u32,
    /// When it is asked again.
    pub next_try: Option<Timestamp>,
    /// True while the last answer came before the wall clock was set or the machine slept, or is what
    /// the journal remembers: this process has had none since.
    pub is_unconfirmed: bool,
    /// The past moment that its facts are of, where they come from a journal: its freshness is that
    /// of then.
    pub recalled_at: Option<Timestamp>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing that a source does or does not do"
)]
/// Which of the three questions a source can answer: decides what is unknown while it is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// What is burning.
    pub slos: bool,
    /// What changed.
    pub releases: bool,
    /// Who has it.
    pub incidents: bool,
    /// It evaluates alerting rules: while it is not live, an alert that ends is not known to be over.
    pub rules: bool,
    /// Its incidents are alerts that other sources evaluate.
    pub relays: bool,
    /// For how long it lists incidents that ended.
    pub ended: Ended,
    /// What can be done there; empty for a source that only answers.
    pub acts: &'static [Verb],
}

/// For how long a source lists what ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// It lists what is open alone.
    #[default]
    Never,
    /// For a day.
    ForADay,
    /// It lists all rows that there are.
    Always,
}

impl Store {
    /// What was looked for to suggest SLOs from where nothing is shown; `None` where nothing was
    /// looked for.
    pub fn nothing_suggested(&self) -> Option<String> {
        let looks = self.feeds().iter();
        Suggestions::nothing(looks.filter_map(|feed| feed.facts.suggestions.as_deref()))
    }
}

impl Feed {
    /// A source that has not been asked yet.
    pub fn new(
        name: SourceName,
        kind: &'static str,
        offers: Offers,
        interval: SignedDuration,
        stale_after: SignedDuration,
    ) -> Self {
        Self {
            name,
            kind,
            identity: kind.to_owned(),
            interval,
            stale_after,
            timeout: DEFAULT_TIMEOUT,
            offers,
            facts: Arc::default(),
            last_success: None,
            answering_since: None,
            latency: None,
            fault: None,
            failures: 0,
            next_try: None,
            is_unconfirmed: false,
            recalled_at: None,
        }
    }

    /// The same, which is told from others of its name by this.
    #[must_use]
    pub fn identified_by(mut self, identity: impl Into<String>) -> Self {
        self.identity = identity.into();
        self
    }

    /// The same, with requests that may take so long.
    #[must_use]
    pub fn answering_within(mut self, timeout: Option<SignedDuration>) -> Self {
        self.timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        self
    }

    /// The same, known to measure these SLOs before it has answered.
    #[must_use]
    pub fn expecting(mut self, slos: Vec<Observation>) -> Self {
        self.facts = Arc::new(Facts {
            slos: (!slos.is_empty()).then_some(slos),
            ..Facts::default()
        });
        self
    }

    /// Becomes what was known of it at a moment: nothing, where nothing is remembered.
    fn recall(&mut self, past: Option<&Past>, aliases: &HashMap<String, Untrusted>) {
        let past = past.cloned();
        let mut facts = past.as_ref().map(|past| Arc::clone(&past.facts));
        if let Some(facts) = &mut facts
            && !aliases.is_empty()
        {
            rename(Arc::make_mut(facts), aliases);
        }
        self.last_success = past.as_ref().and_then(|past| past.last_success);
        self.answering_since = past.as_ref().and_then(|past| past.answering_since);
        self.is_unconfirmed = false;
        self.latency = past.as_ref().and_then(|past| past.latency);
        self.failures = past.as_ref().map_or(0, |past| past.failures);
        self.fault = past.and_then(|past| past.fault);
        self.facts = facts.unwrap_or_default();
        self.fault = self.fault.take().or_else(|| self.facts.fault.clone());
        self.next_try = None;
    }

    /// How far its facts can be trusted to be the present. What is only remembered is not.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let now = self.recalled_at.unwrap_or(now);
        let judged = Freshness::judge(
            self.last_success,
            self.fault.is_some() && self.failures > 0,
            self.interval,
            self.stale_after,
            now,
        );
        // What was true before a step of the clock, or for another process, may be hours old.
        if self.is_unconfirmed && judged.is_current() {
            return Freshness::Stale;
        }
        judged
    }

    /// Dates what was received before the wall clock stepped by the clock as it is now: its age is
    /// the time that went by, whichever way the clock was set.
    ///
    /// A step forward may be a sleep of the machine, during which time did go by: then the answer
    /// stays dated when it came.
    fn clock_stepped(&mut self, step: SignedDuration) {
        if step.is_negative() {
            let dated = |at: Timestamp| at.checked_add(step).unwrap_or(at);
            self.last_success = self.last_success.map(dated);
            self.next_try = self.next_try.map(dated);
        }
        self.is_unconfirmed = self.last_success.is_some();
        self.answering_since = None;
    }

    /// Why the state of one of its SLOs is not known now, the decisive reason first; none of one that
    /// is known.
    pub fn why_unknown(&self, seen: &Observation, now: Timestamp) -> Vec<Reason> {
        let now = self.recalled_at.unwrap_or(now);
        if self.freshness(now).is_current() {
            return seen.why_unknown();
        }
        if let Some(fault) = &self.fault {
            return vec![Reason::of_fault(fault)];
        }
        let Some(last) = self.last_success else {
            let text = "its source has not answered yet";
            return vec![Reason::new(ReasonCode::Waiting, "", text)];
        };
        let age = window::brief(window::age(last, now));
        let text = format!("the last answer of its source is {age} old");
        vec![Reason::new(ReasonCode::Stale, age, text)]
    }

    /// True until the first answer or fault.
    pub fn is_waiting(&self) -> bool {
        self.last_success.is_none() && self.fault.is_none()
    }
}

/// Everything known, by source, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    feeds: Vec<Feed>,
    services: Arc<[Service]>,
    /// What sources call services, to what every pane calls them.
    aliases: Arc<HashMap<String, Untrusted>>,
    me: Arc<Me>,
    /// Which environments are production.
    production: Arc<Production>,
    /// When releases stop.
    policies: Arc<policy::Policies>,
    /// The services that may not be released now.
    freezes: Arc<policy::Freezes>,
    /// How releases and incidents are tied.
    linking: Linking,
    /// States of policies with an `until`.
    held: policy::Held,
    /// When freezes began and ended.
    turns: policy::Turns,
    /// What is thought about all that burns.
    insights: Arc<Insights>,
    /// What has happened, oldest first.
    events: Arc<Vec<Arc<Event>>>,
}

/// So many events are at hand; what lies before them is in the journal.
const MOST_EVENTS: usize = 4_000;

impl Store {
    /// A store that knows of these sources and nothing else yet.
    pub fn new(feeds: Vec<Feed>) -> Self {
        Self {
            feeds,
            services: Arc::default(),
            aliases: Arc::default(),
            me: Arc::default(),
            production: Arc::default(),
            policies: Arc::default(),
            freezes: Arc::default(),
            linking: Linking::default(),
            held: policy::Held::default(),
            turns: policy::Turns::default(),
            insights: Arc::default(),
            events: Arc::default(),
        }
    }

    /// The same, knowing who looks at it.
    #[must_use]
    pub fn with_me(mut self, me: Me) -> Self {
        self.me = Arc::new(me);
        self
    }

    /// The same, knowing which environments are production.
    #[must_use]
    pub fn with_production(mut self, production: Production) -> Self {
        self.production = Arc::new(production);
        self
    }

    /// The same, knowing how releases and incidents are tied.
    #[must_use]
    pub fn with_linking(mut self, linking: Linking) -> Self {
        self.linking = linking;
        self
    }

    /// How releases and incidents are tied.
    pub fn linking(&self) -> Linking {
        self.linking
    }

    /// Which environments are production.
    pub fn production(&self) -> &Production {
        &self.production
    }

    /// Who looks at it.
    pub fn me(&self) -> &Me {
        &self.me
    }

    /// The same, knowing these services: rows are called by their names, whatever a source says.
    #[must_use]
    pub fn with_services(mut self, services: Vec<Service>) -> Self {
        let aliases = services
            .iter()
            .flat_map(|service| {
                service
                    .aliases
                    .iter()
                    .map(move |alias| (alias, &service.name))
            })
            .map(|(alias, name)| (alias.clone(), Untrusted::from(name.as_str())))
            .collect();
        self.aliases = Arc::new(aliases);
        self.services = services.into();
        self
    }

    /// The same with these sources in the place of its own.
    #[must_use]
    pub fn with_feeds(mut self, feeds: Vec<Feed>) -> Self {
        self.feeds = feeds;
        self
    }

    /// The same with these sources alone.
    #[must_use]
    pub fn of(mut self, sources: &[SourceName]) -> Self {
        self.feeds.retain(|feed| sources.contains(&feed.name));
        self
    }

    /// Every id that an SLO can have at its source, which may call the service by an alias.
    pub fn ids_of(&self, slo: &Slo) -> Vec<Untrusted> {
        let aliases = self.service(&slo.service).into_iter();
        let aliases = aliases.flat_map(|service| &service.aliases);
        let known = aliases.map(|alias| format!("{alias}/{}", slo.name.raw()).into());
        std::iter::once(slo.id()).chain(known).collect()
    }

    /// Has services go by the names that every pane uses.
    pub fn name_services<'a>(&self, services: impl IntoIterator<Item = &'a mut Untrusted>) {
        for service in services {
            if let Some(name) = self.aliases.get(service.raw()) {
                service.clone_from(name);
            }
        }
    }

    /// The configured services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// What is configured of a service.
    pub fn service(&self, name: &Untrusted) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.name == name.raw())
    }

    /// The sources, in the order of the configuration.
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// One source.
    pub fn feed(&self, name: &SourceName) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.name == *name)
    }

    /// Has everything received before a step of the wall clock count as stale until it is confirmed,
    /// and keeps its age right.
    pub fn clock_stepped(&mut self, step: SignedDuration) {
        for feed in &mut self.feeds {
            feed.clock_stepped(step);
        }
    }

    /// The same sources with what was known of them at a moment, and nothing that came since.
    #[must_use]
    pub fn as_of(&self, world: &World) -> Self {
        let mut then = self.clone();
        then.insights = Arc::default();
        for feed in &mut then.feeds {
            let past = world.past.iter().find(|past| past.source == feed.name);
            feed.recall(past, &self.aliases);
            if feed.is_waiting() {
                // Nobody is asked about the past: what is not remembered is not on its way.
                let words = "nothing is remembered of it at that moment";
                feed.fault = Some(Fault::new(FaultKind::NoHistory, words));
            }
        }
        then.events = Arc::clone(&world.events);
        then.judge_freezes(world.at);
        then.think();
        then
    }

    /// Gives sources that keep no history what was remembered of them at a moment, freshness and
    /// faults of then included. One of which nothing is remembered stays as it is.
    pub fn fill_in(&mut self, world: &World) {
        for feed in &mut self.feeds {
            let fault = feed.fault.as_ref();
            let lacks_history = fault.is_some_and(|fault| fault.kind == FaultKind::NoHistory);
            let past = world.past.iter().find(|past| past.source == feed.name);
            if let Some(past) = past.filter(|past| past.last_success.is_some())
                && lacks_history
                && feed.last_success.is_none()
            {
                feed.recall(Some(past), &self.aliases);
                feed.is_unconfirmed = false;
                feed.recalled_at = Some(world.at);
            }
        }
        self.think();
    }

    /// Takes in what has happened, oldest first.
    pub fn chronicle(&mut self, happened: impl IntoIterator<Item = Arc<Event>>) {
        let events = Arc::make_mut(&mut self.events);
        events.extend(happened);
        // A source may date late what it tells.
        events.sort_by_key(|event| event.at);
        let surplus = events.len().saturating_sub(MOST_EVENTS);
        events.drain(..surplus);
    }

    /// What has happened, oldest first.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Thinks anew about what burns.
    fn think(&mut self) {
        let known = Known {
            slos: self.slos().map(|(feed, row)| (&feed.name, row)).collect(),
            releases: self
                .releases()
                .map(|(feed, row)| (&feed.name, row))
                .collect(),
            services: &self.services,
            production: &self.production,
        };
        self.insights = Arc::new(Insights::of(&known, &self.insights));
    }

    /// Since when each burns, and which releases may be behind it.
    pub fn insights(&self) -> &Insights {
        &self.insights
    }

    /// Every SLO with the source that measured it.
    pub fn slos(&self) -> impl Iterator<Item = (&Feed, &Observation)> {
        self.feeds
            .iter()
            .flat_map(|feed| feed.facts.slos.iter().flatten().map(move |row| (feed, row)))
    }

    /// Every release with its source.
    pub fn releases(&self) -> impl Iterator<Item = (&Feed, &Release)> {
        self.feeds.iter().flat_map(|feed| {
            feed.facts
                .releases
                .iter()
                .flatten()
                .map(move |row| (feed, row))
        })
    }

    /// Every incident with its source.
    pub fn incidents(&self) -> impl Iterator<Item = (&Feed, &Incident)> {
        self.feeds.iter().flat_map(|feed| {
            feed.facts
                .incidents
                .iter()
                .flatten()
                .map(move |row| (feed, row))
        })
    }

    /// Every silence with its source.
    pub fn silences(&self) -> impl Iterator<Item = (&Feed, &Silence)> {
        self.feeds.iter().flat_map(|feed| {
            feed.facts
                .silences
                .iter()
                .flatten()
                .map(move |row| (feed, row))
        })
    }

    /// Everybody on call, with the source that says so.
    pub fn on_call(&self) -> impl Iterator<Item = (&Feed, &OnCall)> {
        self.feeds.iter().flat_map(|feed| {
            feed.facts
                .on_call
                .iter()
                .flatten()
                .map(move |row| (feed, row))
        })
    }
}

/// True for facts that say what burns, or what may be behind it.
fn bears_on_burns(facts: &Facts) -> bool {
    facts.slos.is_some() || facts.releases.is_some()
}

/// Calls every service by its one name, which is what joins SLOs, releases and incidents.
fn rename(facts: &mut Facts, aliases: &HashMap<String, Untrusted>) {
    if aliases.is_empty() {
        return;
    }
    let rename = |service: &mut Untrusted| {
        if let Some(name) = aliases.get(service.raw()) {
            service.clone_from(name);
        }
    };
    for row in facts.slos.iter_mut().flatten() {
        if aliases.contains_key(row.slo.service.raw()) {
            rename(&mut Arc::make_mut(&mut row.slo).service);
        }
    }
    // Two services that are one to us may have SLOs of one name.
    slo::tell_apart(facts.slos.iter_mut().flatten().map(|row| &mut row.slo));
    for row in facts.releases.iter_mut().flatten() {
        rename(&mut row.service);
    }
    for row in facts.incidents.iter_mut().flatten() {
        rename(&mut row.service);
    }
    for row in facts.on_call.iter_mut().flatten() {
        row.services.iter_mut().for_each(rename);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Report;

    const INTERVAL: SignedDuration = SignedDuration::from_secs(15);

    fn store() -> (Store, SourceName, Timestamp) {
        let name = SourceName::new("prod");
        let stale_after = SignedDuration::from_mins(5);
        let feed = Feed::new(
            name.clone(),
            "prometheus",
            Offers::default(),
            INTERVAL,
            stale_after,
        );
        (
            Store::new(vec![feed]),
            name,
            Timestamp::from_second(1_000_000).expect("time"),
        )
    }

    fn report(source: &SourceName, at: Timestamp, outcome: Result<Facts, Fault>) -> Report {
        let latency = SignedDuration::from_millis(12);
        Report {
            source: source.clone(),
            at,
            latency,
            next_try: Some(at + INTERVAL),
            outcome,
        }
    }

    #[test]
    fn a_failed_poll_keeps_the_last_good_rows_and_ages_them() {
        let (mut store, name, now) = store();
        let facts = Facts {
            releases: Some(Vec::new()),
            ..Facts::default()
        };
        store.absorb(report(&name, now, Ok(facts.clone())));
        let later = now + SignedDuration::from_secs(60);
        store.absorb(report(
            &name,
            later,
            Err(Fault::new(FaultKind::Timeout, "no answer")),
        ));
        let feed = store.feed(&name).expect("feed");
        assert_eq!(*feed.facts, facts);
        assert_eq!(feed.last_success, Some(now));
        assert_eq!(feed.freshness(later), Freshness::Stale);
        assert_eq!(feed.failures, 1);
        store.absorb(report(&name, later, Ok(facts)));
        assert_eq!(
            store.feed(&name).expect("feed").freshness(later),
            Freshness::Live
        );
    }

    #[test]
    fn a_step_of_the_wall_clock_makes_stale_what_nothing_has_confirmed_since() {
        let hour = SignedDuration::from_hours(1);
        for step in [-hour, hour, SignedDuration::from_secs(-6)] {
            let (mut store, name, now) = store();
            store.absorb(report(&name, now, Ok(Facts::default())));
            let then = now + step + SignedDuration::from_secs(1);
            store.clock_stepped(step);
            let freshness = |store: &Store, at| store.feed(&name).expect("feed").freshness(at);
            assert!(!freshness(&store, then).is_current(), "{step}");
            store.absorb(report(&name, then, Ok(Facts::default())));
            assert_eq!(freshness(&store, then), Freshness::Live, "{step}");
        }
    }

    #[test]
    fn a_clock_set_back_makes_nothing_younger() {
        let (mut store, name, now) = store();
        store.absorb(report(&name, now, Ok(Facts::default())));
        let step = SignedDuration::from_hours(-1);
        store.clock_stepped(step);
        let failed = Err(Fault::new(FaultKind::Connect, "refused"));
        store.absorb(report(&name, now + step, failed));
        let age = |secs| now + step + SignedDuration::from_secs(secs);
        let feed = store.feed(&name).expect("feed");
        assert_eq!(feed.freshness(age(299)), Freshness::Stale);
        assert_eq!(feed.freshness(age(301)), Freshness::Down);
    }

    #[test]
    fn an_alias_is_called_by_its_services_name_everywhere() {
        let (store, name, now) = store();
        let mut store = store.with_services(vec![Service {
            name: "checkout".to_owned(),
            aliases: vec!["checkout-api".to_owned()],
            ..Service::default()
        }]);
        let release = Release {
            id: "1".into(),
            service: "checkout-api".into(),
            version: "v1".into(),
            environment: "".into(),
            status: crate::domain::ReleaseStatus::Succeeded,
            started_at: None,
            finished_at: None,
            actor: None,
            commit: None,
            url: None,
            details: Vec::new(),
            carried: crate::domain::Carried::default(),
        };
        let facts = Facts {
            releases: Some(vec![release]),
            ..Facts::default()
        };
        store.absorb(report(&name, now, Ok(facts)));
        let services: Vec<_> = store.releases().map(|(_, row)| row.service.raw()).collect();
        assert_eq!(services, ["checkout"]);
    }

    #[test]
    fn a_source_that_never_answered_is_down_and_says_so_from_the_first_frame() {
        let (store, name, now) = store();
        let feed = store.feed(&name).expect("feed");
        assert_eq!(feed.freshness(now), Freshness::Down);
        assert!(feed.is_waiting());
    }
}
