//! Answers that change a little from poll to poll.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::config::{HttpSettings, Settings, SourceSettings};
use crate::domain::{Observation, Reading, SourceName, Window};
use crate::http::MAX_BODY;
use crate::source::prometheus::KIND;
use crate::source::{Ask, Source};
use crate::text::Untrusted;

/// The series of one Sloth SLO: its objective in percent, and error ratios of 5m and 1h.
fn series(service: &str, objective: &str, ratios: [&str; 2]) -> Vec<Value> {
    let of = |name: &str, value: &str, more: Value| {
        let mut metric = json!({"__name__": name, "sloth_id": service, "sloth_service": service,
            "sloth_slo": "availability"});
        if let (Some(metric), Value::Object(more)) = (metric.as_object_mut(), more) {
            metric.extend(more);
        }
        json!({"metric": metric, "value": [1_800_000_000, value]})
    };
    let [five, hour] = ratios;
    vec![
        of("sloth_slo_info", "1", json!({"sloth_objective": objective})),
        of("slo:time_period:days", "30", json!({})),
        of(
            "slo:sli_error:ratio_rate5m",
            five,
            json!({"sloth_window": "5m"}),
        ),
        of(
            "slo:sli_error:ratio_rate1h",
            hour,
            json!({"sloth_window": "1h"}),
        ),
    ]
}

/// A server whose recorded series the test may change, and a source that asks it.
async fn world() -> (Arc<Mutex<Vec<Value>>>, Box<dyn Source>, MockServer) {
    let recorded: Arc<Mutex<Vec<Value>>> = Arc::default();
    let server = MockServer::start().await;
    let now = Arc::clone(&recorded);
    let answer = move |request: &Request| {
        // One of the halves that everything is asked for in: the hours are in the first.
        let asked = String::from_utf8_lossy(&request.body);
        let half = if asked.contains("sloth_slo_info") {
            Some(false)
        } else {
            asked.contains("ratio_rate%5B13").then_some(true)
        };
        let mut series = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
        series.retain(|one| {
            let is_hour = one["metric"]["__name__"] == "slo:sli_error:ratio_rate1h";
            half == Some(is_hour)
        });
        let data = json!({"resultType": "vector", "result": series});
        ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
    };
    Mock::given(path("/api/v1/query"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let source = source(&server);
    (recorded, source, server)
}

/// A source that asks this server.
fn source(server: &MockServer) -> Box<dyn Source> {
    let settings = SourceSettings {
        name: SourceName::new("prod"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: KIND.interval,
        stale_after: KIND.interval * 20,
        http: HttpSettings {
            url: Some(server.uri()),
            ..HttpSettings::default()
        },
        folder: None,
        table: "alerts = false".parse().unwrap(),
    };
    let built = (KIND.build)(&settings, &Settings::empty()).unwrap();
    built.source
}

/// A poll, `polls` intervals after the first.
fn ask(polls: i32) -> Ask {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    Ask {
        now: start + SignedDuration::from_secs(15) * polls,
        at: None,
        history: false,
        since: None,
    }
}

/// What it finds.
async fn poll(source: &mut dyn Source, polls: i32) -> Vec<Observation> {
    source.fetch(&ask(polls)).await.unwrap().slos.unwrap()
}

fn ratios(slo: &Observation) -> [Reading; 2] {
    [Window::minutes(5), Window::hours(1)].map(|window| slo.reading(window))
}

#[tokio::test]
async fn newer_values_of_the_same_series_and_every_other_change_are_seen_in_the_next_poll() {
    let (recorded, mut source, _server) = world().await;
    let source = source.as_mut();
    let set = |series: Vec<Value>| {
        *recorded.lock().unwrap_or_else(PoisonError::into_inner) = series;
    };
    set(series("cart", "99.9", ["0.5", "0.25"]));
    let first = poll(source, 0).await;
    assert_eq!(ratios(&first[0]), [0.5, 0.25].map(Reading::Ratio));
    // Values alone, one of them without traffic now.
    set(series("cart", "99.9", ["NaN", "0.125"]));
    let found = poll(source, 1).await;
    assert_eq!(
        ratios(&found[0]),
        [Reading::NoTraffic, Reading::Ratio(0.125)]
    );
    // The same series in another order.
    let mut turned = series("cart", "99.9", ["0.5", "0.75"]);
    turned.reverse();
    set(turned);
    let found = poll(source, 2).await;
    assert_eq!(ratios(&found[0]), [0.5, 0.75].map(Reading::Ratio));
    // A value that is more than a ratio.
    let mut longer = series("cart", "99.9", ["0.5", "0.75"]);
    longer.reverse();
    longer[2]["value"][1] = json!("28");
    set(longer);
    let found = poll(source, 3).await;
    assert_eq!(found[0].slo.period.to_string(), "28d");
    // Another promise, one more SLO, and one less.
    set(series("cart", "99.5", ["0.5", "0.75"]));
    let found = poll(source, 4).await;
    assert!((found[0].slo.objective - 0.995).abs() < 1e-12);
    let mut both = series("cart", "99.5", ["0.5", "0.75"]);
    both.extend(series("search", "99.0", ["0.125", "0.25"]));
    set(both);
    assert_eq!(poll(source, 5).await.len(), 2);
    assert_eq!(poll(source, 6).await.len(), 2);
    set(series("search", "99.0", ["0.125", "0.5"]));
    let found = poll(source, 7).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].slo.service.raw(), "search");
    assert_eq!(ratios(&found[0]), [0.125, 0.5].map(Reading::Ratio));
    // A ratio that is not recorded any more.
    let mut fewer = series("search", "99.0", ["0.125", "0.5"]);
    fewer.truncate(3);
    set(fewer);
    let found = poll(source, 8).await;
    assert_eq!(
        ratios(&found[0]),
        [Reading::Ratio(0.125), Reading::NoSeries]
    );
    set(Vec::new());
    assert_eq!(poll(source, 9).await.len(), 0);
}

/// What is asked for: `group` for the list of SLOs, `whole` for all series, `part` for some.
fn kind_of(request: &Request) -> &'static str {
    let body = String::from_utf8_lossy(&request.body);
    match (body.contains("group+by"), body.contains("sloth_id%3D%7E")) {
        (true, _) => "group",
        (false, true) if request.url.path().ends_with("query_range") => "courses",
        (false, true) => "part",
        _ if body.contains("sloth_slo_info%7Cgrafana") && !body.contains("sloth_id%3D") => "whole",
        _ => "other",
    }
}

/// How the halves of what a server has recorded are more than one answer can hold.
#[derive(Clone, Copy, PartialEq)]
enum Excess {
    /// One of them alone is.
    One,
    /// Both are together, and one comes when the other has been taken in.
    Both,
    /// One of them is as soon as there are more than two SLOs.
    Grown,
}

/// A server that has recorded more than one answer can hold.
async fn crowd(services: &Arc<Mutex<Vec<&'static str>>>, excess: Excess) -> MockServer {
    let server = MockServer::start().await;
    let services = Arc::clone(services);
    let answer = move |request: &Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let all = services
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let named = all.iter().filter(|service| body.contains(**service));
        let result: Vec<Value> = match kind_of(request) {
            "group" => {
                let id = |service| json!({"metric": {"sloth_id": service}, "value": [1, "1"]});
                all.iter().map(id).collect()
            }
            "part" => named
                .flat_map(|service| series(service, "99.9", ["0.5", "0.25"]))
                .collect(),
            "courses" => {
                let course = |service: &&str| {
                    let mut series = series(service, "99.9", ["0", "0"]).remove(2);
                    series["values"] = json!([[1_799_999_820, "0.125"], [1_800_000_000, "0.5"]]);
                    series
                };
                named.map(course).collect()
            }
            "whole" if excess == Excess::Grown && all.len() < 3 => all
                .iter()
                .flat_map(|service| series(service, "99.9", ["0.5", "0.25"]))
                .collect(),
            "whole" if excess != Excess::Both => {
                return ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_BODY + 1]);
            }
            _ => Vec::new(),
        };
        let is_half = body.contains("ratio_rate%5B") && !body.contains("sloth_id%3D");
        if is_half && excess == Excess::Both {
            let data = json!({"resultType": "vector", "result": []});
            let body = json!({"status": "success", "data": data}).to_string();
            let body = format!("{body}{}", " ".repeat(MAX_BODY * 2 / 3));
            let template = ResponseTemplate::new(200).set_body_string(body);
            return if kind_of(request) == "whole" {
                template.set_delay(std::time::Duration::from_millis(500))
            } else {
                template
            };
        }
        let is_range = request.url.path().ends_with("query_range");
        let kind = if is_range { "matrix" } else { "vector" };
        let data = json!({"resultType": kind, "result": result});
        ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
    };
    Mock::given(wiremock::matchers::method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    Mock::given(path("/api/v1/rules"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_BODY + 1]))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn what_no_answer_can_hold_is_asked_for_in_parts_also_its_courses() {
    let services = Arc::new(Mutex::new(vec!["cart", "search"]));
    let server = crowd(&services, Excess::One).await;
    let mut source = source(&server);
    let mut found = Vec::new();
    for polls in 0..3 {
        if polls == 2 {
            let mut services = services.lock().unwrap_or_else(PoisonError::into_inner);
            services.push("billing");
        }
        let ask = Ask {
            history: true,
            ..ask(polls)
        };
        let facts = source.fetch(&ask).await.unwrap();
        assert_eq!(facts.fault, None);
        found.push(facts.slos.unwrap());
    }
    let counts: Vec<_> = found.iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 2, 3]);
    for slo in found.iter().flatten() {
        assert_eq!(ratios(slo), [0.5, 0.25].map(Reading::Ratio));
        let course: Vec<_> = slo.history.iter().map(|point| point.ratio).collect();
        assert_eq!(course, [0.125, 0.5], "{:?}", slo.slo.id());
    }
    let requests = server.received_requests().await.unwrap();
    let count = |kind| requests.iter().filter(|one| kind_of(one) == kind).count();
    // Once too large, it is not asked for as a whole again; its list is in every poll.
    assert_eq!((count("whole"), count("group")), (1, 4));
    // Rules that could not be had beside the series are asked for by themselves.
    let rules = requests
        .iter()
        .filter(|one| one.url.path() == "/api/v1/rules");
    assert_eq!(rules.count(), 2);
}

#[tokio::test]
async fn halves_that_fit_one_by_one_and_not_together_are_asked_for_in_parts() {
    let services = Arc::new(Mutex::new(vec!["cart", "search"]));
    let server = crowd(&services, Excess::Both).await;
    let found = poll(source(&server).as_mut(), 0).await;
    let found: Vec<_> = found.iter().map(|slo| slo.slo.service.raw()).collect();
    assert_eq!(found, ["cart", "search"]);
}

#[tokio::test]
async fn what_grows_beyond_one_answer_is_asked_for_in_parts_from_then_on() {
    let services = Arc::new(Mutex::new(vec!["cart", "search"]));
    let server = crowd(&services, Excess::Grown).await;
    let mut source = source(&server);
    let mut counts = Vec::new();
    for polls in 0..4 {
        if polls == 2 {
            let mut services = services.lock().unwrap_or_else(PoisonError::into_inner);
            services.push("billing");
        }
        counts.push(poll(source.as_mut(), polls).await.len());
    }
    assert_eq!(counts, [2, 2, 3, 3]);
    let requests = server.received_requests().await.unwrap();
    let count = |kind| requests.iter().filter(|one| kind_of(one) == kind).count();
    assert_eq!(count("whole"), 3);
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_fault_of_the_source() {
    let (all, mut source, _server) = world().await;
    let set = |new: Vec<Value>| *all.lock().unwrap_or_else(PoisonError::into_inner) = new;
    let fault = async |source: &mut dyn Source| {
        let facts = source.fetch(&ask(0)).await;
        let fault = facts.map_or_else(Some, |facts| facts.fault);
        fault.map(|fault| fault.message.raw().to_owned())
    };
    let cart = || series("cart", "99.9", ["0.5", "0.25"]);
    set(cart());
    assert_eq!(fault(source.as_mut()).await, None);
    // One of two SLOs is left out: it may burn.
    set([cart(), series("pay", "100", ["0.5", "0.25"])].concat());
    assert_eq!(
        fault(source.as_mut()).await.as_deref(),
        Some("Sloth's `pay` is left out: its objective is not recorded, or is 0 % or 100 %")
    );
    // What is recorded is a percentage of good events.
    set(series("cart", "99.9", ["-99", "0.25"]));
    let facts = source.fetch(&ask(0)).await.unwrap();
    let warnings: Vec<_> = facts.warnings.iter().map(Untrusted::raw).collect();
    assert_eq!(
        warnings.first(),
        Some(&"cart/availability: what is recorded of it is no error ratio")
    );
    // Twice the same series, and they contradict each other.
    set([cart(), series("cart", "99.9", ["0", "0"])].concat());
    let twice = fault(source.as_mut()).await.unwrap();
    assert!(twice.contains("the same series twice"), "{twice}");
}
