//! The demo's time series: which there are, how they are labelled, what each says at a moment.

use std::collections::BTreeMap;

use super::cast::{Part, Service, Sli, Written};
use super::deploys::Ending;
use super::world::{ALARMS, Alarm, HISTORY, Moment, PERIOD, World};
use crate::domain::Window;

/// Label names and values, sorted by name as Prometheus sorts them; the metric's name among them.
pub(super) type Labels = BTreeMap<String, String>;

/// One series.
pub(super) struct Series {
    /// What it is called.
    pub(super) labels: Labels,
    /// What it says.
    pub(super) meaning: Meaning,
}

/// What a series says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// How many events of a service there have been: the only kind that `increase` may take.
    Counter(usize, Part),
    /// The error ratio of a window, as Sloth records it.
    ErrorRatio(usize, Window),
    /// That ratio over the error budget.
    BurnRate(usize, Window),
    /// 1 less the burn rate of the whole period.
    BudgetRemaining(usize),
    /// Always the same.
    Constant(f64),
    /// 1 while the alarm fires.
    Alert(usize, Alarm),
    /// 1 from one moment until another.
    Version(Moment, Moment),
}

/// Sloth's windows: those of its rules, then the period.
pub(super) fn windows() -> [Window; 8] {
    let (minutes, hours, days) = (Window::minutes, Window::hours, Window::days);
    [
        minutes(5),
        minutes(30),
        hours(1),
        hours(2),
        hours(6),
        days(1),
        days(3),
        PERIOD,
    ]
}

/// Labels from pairs.
pub(super) fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The labels Sloth puts on everything of one SLO.
pub(super) fn sloth_labels(service: &Service) -> Labels {
    let id = service.id();
    labels([
        ("sloth_id", &id),
        ("sloth_service", service.name),
        ("sloth_slo", service.slo),
    ])
}

/// The labels of an alert, without its state.
pub(super) fn alert_labels(service: &Service, alarm: Alarm) -> Labels {
    let common = [("service", service.name), ("team", service.team)];
    match alarm {
        Alarm::Burn(severity) => {
            let mut all = sloth_labels(service);
            all.extend(labels(common));
            all.extend(labels([
                ("alertname", "ErrorBudgetBurn"),
                ("sloth_severity", severity.word()),
            ]));
            all
        }
        Alarm::Symptom => {
            let mut all = labels(common);
            all.extend(labels([
                ("alertname", "ErrorsHigh"),
                ("severity", "warning"),
            ]));
            all
        }
    }
}

/// The alarms a service has rules for: all by Sloth, the symptom by hand.
pub(super) fn alarms(service: &Service) -> impl Iterator<Item = Alarm> {
    let by_sloth = service.written == Written::Sloth;
    ALARMS
        .into_iter()
        .filter(move |&alarm| by_sloth || alarm == Alarm::Symptom)
}

/// All series of a world.
pub(super) fn catalogue(world: &World) -> Vec<Series> {
    let mut all = Vec::new();
    for (number, service) in world.services.iter().enumerate() {
        counters(&mut all, number, service);
        if service.written == Written::Sloth {
            recorded(&mut all, number, service);
        }
        for alarm in alarms(service) {
            let mut labels = alert_labels(service, alarm);
            labels.insert("alertstate".to_owned(), "firing".to_owned());
            add(&mut all, "ALERTS", &labels, Meaning::Alert(number, alarm));
        }
    }
    versions(&mut all, world);
    all
}

fn add(all: &mut Vec<Series>, name: &str, labels: &Labels, meaning: Meaning) {
    let mut labels = labels.clone();
    labels.insert("__name__".to_owned(), name.to_owned());
    all.push(Series { labels, meaning });
}

/// What the service's own instrumentation counts.
fn counters(all: &mut Vec<Series>, number: usize, service: &Service) {
    let mut count = |name: &str, label: (&str, &str), part| {
        let labels = labels([("service", service.name), label]);
        add(all, name, &labels, Meaning::Counter(number, part));
    };
    if service.sli == Sli::Latency {
        let bucket = "http_request_duration_seconds_bucket";
        count(
            "http_request_duration_seconds_count",
            ("code", "200"),
            Part::Total,
        );
        count(bucket, ("le", "+Inf"), Part::Total);
        count(bucket, ("le", "0.25"), Part::Good);
        return;
    }
    count("http_requests_total", ("code", "200"), Part::Good);
    // As in real life: who never failed has no 5xx series at all.
    if service.errors > 0.0 {
        count("http_requests_total", ("code", "500"), Part::Background);
    }
    if !service.faults.is_empty() {
        count("http_requests_total", ("code", "503"), Part::Failed);
    }
}

/// What Sloth's recording rules leave.
fn recorded(all: &mut Vec<Series>, number: usize, service: &Service) {
    let base = sloth_labels(service);
    let within = |window: Window| {
        let mut labels = base.clone();
        labels.insert("sloth_window".to_owned(), window.to_string());
        labels
    };
    for window in windows() {
        let name = format!("slo:sli_error:ratio_rate{window}");
        add(
            all,
            &name,
            &within(window),
            Meaning::ErrorRatio(number, window),
        );
    }
    let mut constant = |name, value| add(all, name, &base, Meaning::Constant(value));
    constant("slo:objective:ratio", service.objective);
    constant("slo:error_budget:ratio", 1.0 - service.objective);
    constant(
        "slo:time_period:days",
        f64::from(PERIOD.seconds()) / super::world::DAY,
    );
    let mut info = base.clone();
    info.extend(labels([
        ("sloth_mode", "cli-gen-prom"),
        ("sloth_objective", service.percent),
        ("sloth_spec", "prometheus/v1"),
        ("sloth_version", "v0.16.0"),
    ]));
    add(all, "sloth_slo_info", &info, Meaning::Constant(1.0));
    let now = Window::minutes(5);
    let burn = |window| Meaning::BurnRate(number, window);
    add(all, "slo:current_burn_rate:ratio", &within(now), burn(now));
    add(
        all,
        "slo:period_burn_rate:ratio",
        &within(PERIOD),
        burn(PERIOD),
    );
    let left = "slo:period_error_budget_remaining:ratio";
    add(all, left, &within(PERIOD), Meaning::BudgetRemaining(number));
}

/// `app_build_info` of the services that report their version: one series a version.
fn versions(all: &mut Vec<Series>, world: &World) {
    for (number, service) in world.services.iter().enumerate() {
        if !service.reports_version {
            continue;
        }
        let arrived = |ending| matches!(ending, Ending::Stays | Ending::Reverted(_));
        let own = world
            .deploys
            .iter()
            .filter(|it| it.service == number && arrived(it.ending));
        let mut from = -HISTORY;
        let mut version = "v2.0.0";
        for deploy in own {
            let labels = labels([("service", service.name), ("version", version)]);
            add(
                all,
                "app_build_info",
                &labels,
                Meaning::Version(from, deploy.finished),
            );
            (from, version) = (deploy.finished, &deploy.version);
        }
        let labels = labels([("service", service.name), ("version", version)]);
        add(
            all,
            "app_build_info",
            &labels,
            Meaning::Version(from, f64::INFINITY),
        );
    }
}

impl Meaning {
    /// What the series says at a moment, if it is there.
    pub(super) fn value(self, world: &World, at: Moment) -> Option<f64> {
        match self {
            Self::Counter(service, part) => Some(world.counter(service, part, at)),
            Self::ErrorRatio(service, window) => Some(world.error_ratio(service, window, at)),
            Self::BurnRate(service, window) => Some(world.burn_rate(service, window, at)),
            Self::BudgetRemaining(service) => Some(1.0 - world.burn_rate(service, PERIOD, at)),
            Self::Constant(value) => Some(value),
            Self::Alert(service, alarm) => world.fires(service, alarm, at).then_some(1.0),
            Self::Version(from, until) => (from <= at && at < until).then_some(1.0),
        }
    }

    /// The newest moment within the window before `at` at which it said something; an alert is
    /// looked up for the present alone.
    pub(super) fn last_seen(self, window: f64, at: Moment) -> Option<Moment> {
        match self {
            Self::Version(from, until) if until <= at => {
                (until > at - window && from < until).then_some(until - 1.0)
            }
            Self::Version(from, _) if from > at => None,
            _ => Some(at),
        }
    }
}
