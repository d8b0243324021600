//! The demo's cast and script: twelve services, what they promise, and what goes wrong with them.

use super::world::{DAY, Moment};

/// When the bad release of `checkout` begins, in seconds at speed 1.
pub(super) const RELEASE: Moment = 20.0;
/// When it has arrived and begins to fail.
pub(super) const ARRIVED: Moment = 30.0;
/// When somebody begins to take it back.
pub(super) const ROLLBACK: Moment = 150.0;
/// When the old version is back and nothing fails any more.
pub(super) const RECOVERED: Moment = 155.0;
/// When `search` got its slow release: a ticket by now, no page.
pub(super) const SLOW_RELEASE: Moment = -2.5 * DAY;
/// When `payments` had its outage, long over and still dear.
pub(super) const OUTAGE: Moment = -12.0 * DAY - 3.0 * 3600.0;
/// How long the outage lasted.
pub(super) const OUTAGE_LASTED: f64 = 40.0 * 60.0;

/// A service and the one SLO it has.
pub(super) struct Service {
    /// Its number in the cast, which gives its waves their own rhythm.
    pub(super) number: u32,
    /// Its name.
    pub(super) name: &'static str,
    /// What is promised: `availability` or `latency`.
    pub(super) slo: &'static str,
    /// The promise in percent, as a person writes it.
    pub(super) percent: &'static str,
    /// The promise as a share of good events.
    pub(super) objective: f64,
    /// What counts as bad.
    pub(super) sli: Sli,
    /// Requests per second, on average.
    pub(super) rate: f64,
    /// Share of requests that fail on a good day.
    pub(super) errors: f64,
    /// How much busier than average the busiest hour is, as a share.
    pub(super) daily: f64,
    /// Who has written its SLO down.
    pub(super) written: Written,
    /// True when its version is known from `app_build_info` instead of the deploy service.
    pub(super) reports_version: bool,
    /// Its team.
    pub(super) team: &'static str,
    /// What went wrong, and will.
    pub(super) faults: Vec<Fault>,
}

/// What makes a request bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sli {
    /// A 5xx answer.
    Availability,
    /// More than 250 ms.
    Latency,
}

/// Where the definition of an SLO lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// In Sloth, whose recording rules are discovered.
    Sloth,
    /// In `[[slo]]` of the demo's own configuration, over raw counters.
    Config,
    /// Nowhere: it is for watchfire to suggest one.
    Nowhere,
}

/// Which events a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All.
    Total,
    /// Those that kept the promise.
    Good,
    /// Those that broke it.
    Bad,
    /// The bad ones of a good day.
    Background,
    /// The bad ones of faults.
    Failed,
}

/// A time in which requests fail.
pub(super) struct Fault {
    /// From when.
    pub(super) from: Moment,
    /// Until when.
    pub(super) until: Moment,
    /// Which share of requests fails.
    pub(super) share: f64,
    /// How many requests come for each usual one.
    pub(super) surge: f64,
}

impl Service {
    /// The share of events that may be bad.
    pub(super) fn budget(&self) -> f64 {
        crate::domain::slo::rounded(1.0 - self.objective)
    }

    /// Sloth's `sloth_id`.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.name, self.slo)
    }
}

/// Name, SLO, percent, requests a second, burn rate on a good day, daily swing, team.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    f64,
    f64,
    f64,
    &'static str,
);

#[rustfmt::skip]
const CAST: [Row; 12] = [
    // The hero: its traffic is almost level, so that the story's sums hold at any hour.
    ("checkout",  "availability", "99.9",  140.0, 0.20, 0.08, "shop"),
    ("search",    "latency",      "99",    220.0, 0.25, 0.35, "discovery"),
    ("payments",  "availability", "99.95",  45.0, 0.12, 0.30, "money"),
    ("cart",      "availability", "99.9",   90.0, 0.30, 0.35, "shop"),
    ("catalog",   "availability", "99.5",  310.0, 0.15, 0.40, "discovery"),
    ("auth",      "availability", "99.95", 180.0, 0.35, 0.30, "platform"),
    ("edge",      "availability", "99.9",  900.0, 0.10, 0.30, "platform"),
    ("media",     "availability", "99",    150.0, 0.45, 0.40, "discovery"),
    ("orders",    "availability", "99.9",   35.0, 0.25, 0.30, "shop"),
    // It never failed: there is no 5xx series at all, and that is 0 %, not "no data".
    ("mail",      "availability", "99",      6.0, 0.00, 0.20, "platform"),
    // Nobody uses it yet: 0 of 0 is "no data", not 100 %.
    ("loyalty",   "availability", "99.5",    0.0, 0.20, 0.20, "money"),
    ("recommend", "availability", "98",    120.0, 0.70, 0.40, "discovery"),
];

/// The cast, with the faults of the script. A script's second takes `1 / speed` of a real one.
pub(super) fn services(speed: f64) -> Vec<Service> {
    (0..)
        .zip(&CAST)
        .map(|(number, row)| service(number, row, speed))
        .collect()
}

fn service(number: u32, row: &Row, speed: f64) -> Service {
    let &(name, slo, percent, rate, burn, daily, team) = row;
    let objective = percent.parse::<f64>().unwrap_or(99.0) / 100.0;
    Service {
        number,
        name,
        slo,
        percent,
        objective,
        sli: if slo == "latency" {
            Sli::Latency
        } else {
            Sli::Availability
        },
        rate,
        errors: burn * (1.0 - objective),
        daily,
        written: if matches!(name, "auth" | "mail") {
            Written::Config
        } else {
            Written::Sloth
        },
        reports_version: matches!(name, "edge" | "media"),
        team,
        faults: faults(name, speed),
    }
}

/// What goes wrong with a service.
///
/// The story is bound by the arithmetic of its alert rules, whose windows are real time. A 99.9 %
/// promise pages when more than 1.44 % of an hour's requests failed: as many as come in 52 seconds
/// of a usual hour. It must stay below 0.6 % of six hours' requests (130 seconds' worth), or
/// the slower page rule would hold the page for half an hour after the rollback. So 97 seconds'
/// worth of requests fail in all, most of them early, when clients retry; then breakers open and
/// fewer requests come. A higher speed squeezes the same number of requests into less time.
fn faults(name: &str, speed: f64) -> Vec<Fault> {
    let fault = |from, until, share, surge| Fault {
        from,
        until,
        share,
        surge,
    };
    let scripted = |from: f64, until: f64, share, surge: f64| {
        fault(from / speed, until / speed, share, surge * speed)
    };
    match name {
        "checkout" => vec![
            scripted(ARRIVED, 36.0, 0.5, 1.0),
            scripted(36.0, 66.0, 0.95, 2.0),
            scripted(66.0, RECOVERED, 0.7, 0.6),
        ],
        "payments" => vec![fault(OUTAGE, OUTAGE + OUTAGE_LASTED, 0.3, 1.0)],
        // For ever: whoever watches may look for the cause.
        "search" => vec![fault(SLOW_RELEASE, f64::INFINITY, 0.016, 1.0)],
        _ => Vec::new(),
    }
}
