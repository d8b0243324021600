//! A night on duty: a pager, an Alertmanager, people, teams, silences.

use jiff::SignedDuration;
use watchfire::app::{Effect, Msg};
use watchfire::domain::order::Acted;
use watchfire::domain::{
    Done, Facts, Fault, Incident, IncidentStatus, Matcher, Me, OnCall, Order, Preview, Previewed,
    Report, Service, Severity, Silence, SourceName, Suppression, Verb,
};
use watchfire::store::{Feed, Offers, Store};

use super::facts::{
    DAY, HOUR, INCIDENTS, MINUTE, RELEASES, SLOS, ago, answer, burning_slos, facts_of_releases,
    facts_of_slos, incident, releases,
};
use super::stage::{Stage, now};

const PAGER: &[Verb] = &[
    Verb::Acknowledge,
    Verb::Resolve,
    Verb::Snooze,
    Verb::Note,
    Verb::Escalate,
];
const SILENCES: &[Verb] = &[Verb::Silence, Verb::Extend, Verb::Expire];

fn feeds() -> Vec<Feed> {
    let feed = |name: &str, kind, offers| {
        let (every, down) = (SignedDuration::from_secs(15), SignedDuration::from_mins(5));
        Feed::new(SourceName::new(name), kind, offers, every, down)
    };
    let acting = |acts| Offers { acts, ..INCIDENTS };
    vec![
        feed("prom-eu", "prometheus", SLOS),
        feed("github", "github", RELEASES),
        feed("pd", "pagerduty", acting(PAGER)),
        feed("am", "alertmanager", acting(SILENCES)),
    ]
}

fn in_hours(hours: i64) -> jiff::Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn shift(schedule: &str, who: &str, level: u32, service: &str) -> OnCall {
    OnCall {
        schedule: schedule.into(),
        who: who.into(),
        from: None,
        until: Some(in_hours(1)),
        level: Some(level),
        services: vec![service.into()],
    }
}

/// What the pager says: a page that nobody has, one that I have, one of another team.
pub(crate) fn paged() -> Vec<Incident> {
    let mine = Incident {
        status: IncidentStatus::Acknowledged,
        assignees: vec!["Mara".into()],
        acknowledged_by: vec!["mara".into()],
        acknowledged_at: Some(ago(50 * MINUTE)),
        ..incident(
            "PD2",
            "search p99 above 250 ms",
            "search",
            Severity::Ticket,
            HOUR,
        )
    };
    let theirs = Incident {
        teams: vec!["data".into()],
        assignees: vec!["noor".into()],
        ..incident(
            "PD3",
            "warehouse import is late",
            "warehouse",
            Severity::Page,
            5 * MINUTE,
        )
    };
    let page = incident(
        "PD1",
        "checkout burns its error budget",
        "checkout",
        Severity::Page,
        12 * MINUTE,
    );
    vec![page, mine, theirs]
}

/// The same after somebody else took the page.
pub(crate) fn taken() -> Report {
    let mut rows = paged();
    rows[0].status = IncidentStatus::Acknowledged;
    rows[0].acknowledged_by = vec!["lee".into()];
    pager(rows)
}

/// An answer of the pager, just now.
pub(crate) fn pager(incidents: Vec<Incident>) -> Report {
    let next = OnCall {
        from: Some(in_hours(1)),
        until: Some(in_hours(13)),
        ..shift("shop primary", "lee", 1, "checkout")
    };
    answer(
        "pd",
        0,
        Facts {
            incidents: Some(incidents),
            on_call: Some(vec![
                shift("data primary", "noor", 1, "warehouse"),
                shift("shop secondary", "ines", 2, "checkout"),
                shift("shop primary", "mara", 1, "checkout"),
                next,
            ]),
            ..Facts::default()
        },
    )
}

/// What the Alertmanager says: two alerts that notify, one silenced for long, one not for long.
fn alerts() -> Facts {
    let matchers = |name: &str| vec![Matcher::equal("alertname", name)];
    let silenced = |id: &str, title: &str, silence: &str, minutes: i64| Incident {
        status: IncidentStatus::Silenced,
        suppression: Some(Suppression::Silence),
        silenced_until: Some(now() + SignedDuration::from_mins(minutes)),
        silenced_by: vec![silence.into()],
        matchers: matchers(title),
        ..incident(id, title, "stock", Severity::Ticket, DAY)
    };
    let silence = |id: &str, title: &str, minutes: i64| Silence {
        id: id.into(),
        matchers: matchers(title),
        created_by: "lee".into(),
        comment: "disks are on their way".into(),
        starts_at: ago(HOUR),
        ends_at: now() + SignedDuration::from_mins(minutes),
    };
    let loud = |id: &str, title: &str, service: &str| Incident {
        matchers: matchers(title),
        ..incident(id, title, service, Severity::Ticket, 3 * HOUR)
    };
    Facts {
        incidents: Some(vec![
            loud("am1", "QueueGrows", "email"),
            loud("am2", "CertificateEnds", "gateway"),
            silenced("am3", "DiskFills", "s-long", 9 * 60),
            silenced("am4", "RaidDegraded", "s-soon", 72),
        ]),
        silences: Some(vec![
            silence("s-long", "DiskFills", 9 * 60),
            silence("s-soon", "RaidDegraded", 72),
        ]),
        ..Facts::default()
    }
}

/// The night, as mara of the shop team sees it.
pub(crate) fn night() -> Store {
    let service = |name: &str, team: &str| Service {
        name: name.to_owned(),
        team: Some(team.to_owned()),
        ..Service::default()
    };
    let mut store = Store::new(feeds())
        .with_services(vec![
            service("checkout", "shop"),
            service("search", "shop"),
            service("email", "shop"),
            service("warehouse", "data"),
            service("stock", "data"),
        ])
        .with_me(Me {
            name: "mara".to_owned(),
            teams: vec!["shop".to_owned()],
            ..Me::default()
        });
    for report in [
        answer("prom-eu", 3, facts_of_slos(burning_slos())),
        answer("github", 9, facts_of_releases(releases())),
        pager(paged()),
        answer("am", 5, alerts()),
    ] {
        store.absorb(report);
    }
    store
}

/// The orders that were previewed, or carried out.
pub(crate) fn orders(effects: &[Effect]) -> (Vec<Order>, Vec<Order>) {
    let (mut asked, mut sent) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::Preview(order) => asked.push((**order).clone()),
            Effect::Act(order) => sent.push((**order).clone()),
            _ => {}
        }
    }
    (asked, sent)
}

/// What a source says to an order that it was asked about or given.
pub(crate) type Answer<'a, T> = &'a dyn Fn(&Order) -> Result<T, Fault>;

impl Stage {
    /// The sources say what each order that waits for it would do.
    pub(crate) fn previews(mut self, answer: Answer<'_, Preview>) -> Self {
        for order in orders(&std::mem::take(&mut self.effects)).0 {
            let outcome = answer(&order);
            self.tell(Msg::Previewed(Box::new(Previewed { order, outcome })));
        }
        self
    }

    /// The sources say that each order can be carried out; the reader has a second to read it.
    pub(crate) fn allowed(self) -> Self {
        let allowed = self.previews(&|order| {
            Ok(Preview {
                lines: vec![format!("{} is as it was", order.target.id.raw()).into()],
            })
        });
        allowed.later(1)
    }

    /// The sources carry out what was sent.
    pub(crate) fn carried_out(mut self, answer: Answer<'_, Done>) -> Self {
        for order in orders(&std::mem::take(&mut self.effects)).1 {
            let (outcome, at) = (answer(&order), self.now);
            self.tell(Msg::Acted(Box::new(Acted { order, at, outcome })));
        }
        self
    }
}
