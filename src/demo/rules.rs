//! `GET /api/v1/rules`: the recording and alerting rules behind the demo's series, as Sloth writes them.
//!
//! Shapes: Prometheus' `docs/querying/api.md`; rules: the output of `sloth generate`.

use serde_json::{Value, json};

use super::cast::{Service, Sli, Written};
use super::series::{Labels, alarms, alert_labels, labels, sloth_labels, windows};
use super::world::{Alarm, Moment, PERIOD, World};
use crate::domain::{Rule, Window};

/// The whole answer's `data`.
pub(super) fn groups(world: &World, now: Moment) -> Value {
    let mut groups = Vec::new();
    for (number, service) in world.services.iter().enumerate() {
        let alerts: Vec<_> = alarms(service)
            .map(|alarm| alerting(world, number, alarm, now))
            .collect();
        if service.written != Written::Sloth {
            groups.push(group(
                world,
                now,
                &format!("errors-{}", service.name),
                &alerts,
            ));
            continue;
        }
        let id = service.id();
        let named = |kind: &str| format!("sloth-slo-{kind}-{id}");
        groups.push(group(
            world,
            now,
            &named("sli-recordings"),
            &sli(world, service, now),
        ));
        groups.push(group(
            world,
            now,
            &named("meta-recordings"),
            &meta(world, service, now),
        ));
        groups.push(group(world, now, &named("alerts"), &alerts));
    }
    json!({ "groups": groups })
}

/// What sets an alarm off, as PromQL.
pub(super) fn condition(world: &World, service: &Service, alarm: Alarm) -> String {
    let Alarm::Burn(severity) = alarm else {
        return format!("{} > 0.05", ratio_query(service, Window::minutes(5)));
    };
    let which = selector(&sloth_labels(service));
    let budget = service.budget();
    let above = |window: Window, factor: f64| {
        format!(
            "max(slo:sli_error:ratio_rate{window}{which} > ({factor} * {budget})) without (sloth_window)"
        )
    };
    let both = |rule: &Rule| {
        let (short, long) = (
            above(rule.short, rule.factor),
            above(rule.long, rule.factor),
        );
        format!("(\n    {short}\n    and\n    {long}\n)")
    };
    let rules = world.rules.iter().filter(|rule| rule.severity == severity);
    rules.map(both).collect::<Vec<_>>().join("\nor\n")
}

/// What an alert says to people.
pub(super) fn annotations(service: &Service, alarm: Alarm) -> Labels {
    let name = service.name;
    let summary = match alarm {
        Alarm::Burn(severity) => {
            format!(
                "({severity}) {name} {} burns its error budget too fast",
                service.slo
            )
        }
        Alarm::Symptom => format!("more than 5 % of {name}'s requests fail"),
    };
    let runbook = format!("https://runbooks.example/{name}");
    labels([("summary", &summary), ("runbook_url", &runbook)])
}

fn group(world: &World, now: Moment, name: &str, rules: &[Value]) -> Value {
    json!({
        "name": name, "file": "/etc/prometheus/demo.yml", "rules": rules,
        "interval": 30, "limit": 0, "evaluationTime": 0.001,
        "lastEvaluation": world.time(now).to_string(),
    })
}

fn recording(world: &World, now: Moment, name: &str, query: &str, labels: &Labels) -> Value {
    json!({
        "name": name, "query": query, "labels": labels, "health": "ok",
        "evaluationTime": 0.001, "lastEvaluation": world.time(now).to_string(), "type": "recording",
    })
}

fn alerting(world: &World, number: usize, alarm: Alarm, now: Moment) -> Value {
    let service = &world.services[number];
    let mut own = alert_labels(service, alarm);
    let name = own.remove("alertname");
    let alerts: Vec<_> = world
        .firing_since(number, alarm, now)
        .map(|since| {
            json!({
                "labels": alert_labels(service, alarm), "annotations": annotations(service, alarm),
                "state": "firing", "activeAt": world.time(since).to_string(), "value": "1e+00",
            })
        })
        .into_iter()
        .collect();
    json!({
        "state": if alerts.is_empty() { "inactive" } else { "firing" },
        "name": name, "query": condition(world, service, alarm), "duration": 0,
        "keepFiringFor": 0, "labels": own, "annotations": annotations(service, alarm),
        "alerts": alerts, "health": "ok", "evaluationTime": 0.001,
        "lastEvaluation": world.time(now).to_string(), "type": "alerting",
    })
}

fn sli(world: &World, service: &Service, now: Moment) -> Vec<Value> {
    let base = sloth_labels(service);
    let which = selector(&base);
    let each = windows().into_iter().map(|window| {
        let mut labels = base.clone();
        labels.insert("sloth_window".to_owned(), window.to_string());
        let query = if window == PERIOD {
            let recorded = format!("slo:sli_error:ratio_rate5m{which}[{window}]");
            format!(
                "sum_over_time({recorded})\n/ ignoring (sloth_window)\ncount_over_time({recorded})"
            )
        } else {
            ratio_query(service, window)
        };
        recording(
            world,
            now,
            &format!("slo:sli_error:ratio_rate{window}"),
            &query,
            &labels,
        )
    });
    each.collect()
}

fn meta(world: &World, service: &Service, now: Moment) -> Vec<Value> {
    let base = sloth_labels(service);
    let which = selector(&base);
    let (objective, days) = (service.objective, PERIOD.seconds() / 86_400);
    let burn = |window: Window| {
        format!(
            "slo:sli_error:ratio_rate{window}{which}\n\
             / on(sloth_id, sloth_slo, sloth_service) group_left\n\
             slo:error_budget:ratio{which}"
        )
    };
    let queries = [
        ("slo:objective:ratio", format!("vector({objective})")),
        ("slo:error_budget:ratio", format!("vector(1-{objective})")),
        ("slo:time_period:days", format!("vector({days})")),
        ("slo:current_burn_rate:ratio", burn(Window::minutes(5))),
        ("slo:period_burn_rate:ratio", burn(PERIOD)),
        (
            "slo:period_error_budget_remaining:ratio",
            format!("1 - slo:period_burn_rate:ratio{which}"),
        ),
        ("sloth_slo_info", "vector(1)".to_owned()),
    ];
    queries
        .iter()
        .map(|(name, query)| recording(world, now, name, query, &base))
        .collect()
}

/// Bad over all events of a window.
fn ratio_query(service: &Service, window: Window) -> String {
    let name = service.name;
    match service.sli {
        Sli::Availability => {
            let series = |more: &str| {
                format!(r#"(sum(rate(http_requests_total{{service="{name}"{more}}}[{window}])))"#)
            };
            format!("{}\n/\n{}", series(r#",code=~"5..""#), series(""))
        }
        Sli::Latency => {
            let sum = |series: &str, more: &str| {
                format!(
                    r#"sum(rate(http_request_duration_seconds_{series}{{service="{name}"{more}}}[{window}]))"#
                )
            };
            let (all, fast) = (sum("count", ""), sum("bucket", r#",le="0.25""#));
            format!("({all} - {fast})\n/\n({all})")
        }
    }
}

fn selector(labels: &Labels) -> String {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}
