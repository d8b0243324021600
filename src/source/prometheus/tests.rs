//! Answers that no well-behaved Prometheus gives, and those of its relatives.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::by_hand::ByHand;
use super::plan::Span;
use super::planner::Planner;
use super::{KIND, measure};
use crate::config::{HttpSettings, Part, Settings, Sli, SloSettings, SourceSettings};
use crate::domain::explanation::because;
use crate::domain::{
    Facts, Fault, FaultKind, Observation, Reading, ReasonCode, Rule, SourceName, State, Window,
};
use crate::source::{Ask, Source};

/// A source on `url`; with an SLO written by hand, or to discover.
fn source(url: &str, by_hand: bool) -> Box<dyn Source> {
    let mut settings = Settings::empty();
    let mut table = toml::Table::new();
    table.insert("discover".to_owned(), (!by_hand).into());
    table.insert("alerts".to_owned(), false.into());
    settings.sources.push(SourceSettings {
        name: SourceName::new("prod"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: KIND.interval,
        stale_after: KIND.interval * 20,
        http: HttpSettings {
            url: Some(url.to_owned()),
            ..HttpSettings::default()
        },
        folder: None,
        table,
    });
    if by_hand {
        let period = "30d".parse().unwrap();
        settings.slos.push(SloSettings {
            service: "checkout".to_owned(),
            name: "availability".to_owned(),
            objective: 0.999,
            period,
            timezone: TimeZone::UTC,
            source: SourceName::new("prod"),
            sli: Sli::Events {
                part: Part::Bad("bad_total".to_owned()),
                total: "all_total".to_owned(),
            },
            rules: Rule::workbook(period),
            min_bad_events: 0.0,
            absent_is_zero: false,
            by: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            description: String::new(),
        });
    }
    match (KIND.build)(&settings.sources[0], &settings) {
        Ok(built) => built.source,
        Err(problem) => panic!("{problem:?}"),
    }
}

fn ask() -> Ask {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    Ask {
        now,
        at: None,
        history: false,
        since: None,
    }
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query"))
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

/// A vector with the value of part and total for every ratio of a batch.
fn ratios(part: &str, total: &str) -> Value {
    let series = |tag: usize, value: &str| json!({"metric": {"watchfire": tag.to_string()}, "value": [1_800_000_000.0, value]});
    let all: Vec<_> = (0..8)
        .flat_map(|index| [series(2 * index, part), series(2 * index + 1, total)])
        .collect();
    json!({"resultType": "vector", "result": all})
}

async fn polled(server: &MockServer) -> Result<Facts, Fault> {
    source(&server.uri(), true).fetch(&ask()).await
}

fn only(facts: Facts) -> Observation {
    facts.slos.unwrap().remove(0)
}

#[tokio::test]
async fn numbers_come_as_text_and_what_is_none_stays_none() {
    for (part, total, reading) in [
        ("5", "1000", Reading::Ratio(0.005)),
        ("NaN", "0", Reading::NoTraffic),
        ("0", "NaN", Reading::Unknown),
        ("+Inf", "1000", Reading::Unknown),
        ("1", "+Inf", Reading::Unknown),
        ("NaN", "1000", Reading::Unknown),
    ] {
        let body = json!({"status": "success", "data": ratios(part, total)});
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        let found = only(polled(&server).await.unwrap());
        assert_eq!(
            found.reading(Window::minutes(5)),
            reading,
            "{part} of {total}"
        );
    }
}

#[tokio::test]
async fn series_that_begin_are_seen_in_every_window_within_a_minute() {
    let nothing = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    let server = answering(ResponseTemplate::new(200).set_body_json(nothing)).await;
    let mut source = source(&server.uri(), true);
    let found = only(source.fetch(&ask()).await.unwrap());
    assert_eq!(found.reading(Window::days(3)), Reading::NoSeries);

    let body = json!({"status": "success", "data": ratios("5", "1000")});
    answer_from_now_on(&server, &body).await;
    let later = Ask {
        now: ask().now + SignedDuration::from_mins(1),
        ..ask()
    };
    let found = only(source.fetch(&later).await.unwrap());
    for (window, sample) in found.windows.iter() {
        assert_eq!(sample.reading, Reading::Ratio(0.005), "{window}");
    }
    assert_eq!(
        found.period.map(|sample| sample.reading),
        Some(Reading::Ratio(0.005))
    );
}

#[tokio::test]
async fn a_partial_answer_is_not_well_and_warnings_are_kept() {
    let body = json!({
        "status": "success", "isPartial": true, "warnings": ["store eu-2 unreachable"],
        "infos": ["metric might not be a counter"], "data": ratios("0", "1000"),
    });
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let facts = polled(&server).await.unwrap();
    assert_eq!(facts.warnings.len(), 2);
    let found = only(facts);
    assert!(found.partial);
    assert_eq!(found.assess().state, State::Unknown);
}

/// The server's next answers to instant queries.
async fn answer_from_now_on(server: &MockServer, body: &Value) {
    server.reset().await;
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(server)
        .await;
}

/// Answers that no series began and that none is there twice, whatever else is answered.
async fn nothing_peculiar(server: &MockServer) {
    let none = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    for words in ["unless", "replica"] {
        Mock::given(body_string_contains(words))
            .respond_with(ResponseTemplate::new(200).set_body_json(&none))
            .with_priority(1)
            .mount(server)
            .await;
    }
}

#[tokio::test]
async fn a_long_window_is_partial_for_as_long_as_its_partial_answer_is_kept() {
    let whole = json!({"status": "success", "data": ratios("0", "1000")});
    let mut partial = whole.clone();
    partial["warnings"] = json!(["receive series from store-gateway: connection refused"]);
    let server = MockServer::start().await;
    answer_from_now_on(&server, &partial).await;
    let mut source = source(&server.uri(), true);
    let mut told = Vec::new();
    for seconds in [0, 15, 75] {
        let ask = Ask {
            now: ask().now + SignedDuration::from_secs(seconds),
            ..ask()
        };
        let facts = source.fetch(&ask).await.unwrap();
        told.push((facts.warnings.len(), only(facts).partial));
        answer_from_now_on(&server, &whole).await;
    }
    // A quarter of a minute later only short windows are asked for, and answered in full.
    assert_eq!(told, [(1, true), (1, true), (0, false)]);
}

#[tokio::test]
async fn an_old_answer_is_no_news_however_newly_it_came() {
    let body = json!({"status": "success", "data": ratios("0", "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let mut source = source(&server.uri(), true);
    for (minutes, is_old) in [(0, false), (4, false), (6, true), (60, true)] {
        let ask = Ask {
            now: ask().now + SignedDuration::from_mins(minutes),
            ..ask()
        };
        let fault = source.fetch(&ask).await.unwrap().fault;
        let is_told = fault.is_some_and(|fault| fault.message.raw().contains("a cache before it"));
        assert_eq!(is_told, is_old, "{minutes} minutes");
    }
}

#[tokio::test]
async fn data_without_an_old_sample_has_only_begun_and_a_refused_search_says_nothing() {
    let nothing = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    let refusal = json!({"status": "error", "errorType": "bad_data", "error": "no subqueries"});
    let mut partial = nothing.clone();
    partial["isPartial"] = json!(true);
    for (status, of_ages, since) in [
        (200, &nothing, Some(ask().now)),
        (200, &partial, None),
        (422, &refusal, None),
    ] {
        let server = MockServer::start().await;
        Mock::given(body_string_contains("timestamp"))
            .respond_with(ResponseTemplate::new(status).set_body_json(of_ages))
            .with_priority(1)
            .mount(&server)
            .await;
        let body = json!({"status": "success", "data": ratios("0", "1000")});
        Mock::given(path("/api/v1/query"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let seen = only(polled(&server).await.unwrap());
        assert_eq!(seen.since, since, "{of_ages}");
        assert_eq!(seen.shortfall().is_some(), since.is_some());
    }
}

#[tokio::test]
async fn every_slo_without_a_number_is_told_of_with_the_reason() {
    let body = json!({"status": "success", "data": ratios("-99", "7")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let facts = polled(&server).await.unwrap();
    let fault = facts.fault.clone().unwrap();
    assert_eq!(
        fault.message.raw(),
        "checkout/availability: its queries return bad -99 of total 7, which makes no error ratio"
    );
    let seen = only(facts);
    assert_eq!(seen.assess().state, State::Unknown);
    // The same for every window, so it is one reason.
    let why = seen.why_unknown();
    let codes: Vec<_> = why.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [ReasonCode::NotARatio]);
}

#[tokio::test]
async fn a_query_that_returns_several_series_is_the_reason_of_its_row() {
    let host = |tag: usize, host: &str| json!({"metric": {"watchfire": tag.to_string(), "host": host}, "value": [1_800_000_000.0, "1"]});
    let all: Vec<_> = (0..16)
        .flat_map(|tag| [host(tag, "a"), host(tag, "b")])
        .collect();
    let data = json!({"resultType": "vector", "result": all});
    let body = json!({"status": "success", "data": data});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let seen = only(polled(&server).await.unwrap());
    let why = seen.why_unknown();
    assert_eq!(why[0].code, ReasonCode::SeveralSeries);
    assert_eq!(why[0].short().raw(), "2 series");
    let told = because(&seen, &seen.assess());
    assert!(told[0].contains("answers with 2 series"), "{told:?}");
}

#[tokio::test]
async fn a_refused_query_is_the_reason_of_its_row_until_it_is_answered() {
    let body = json!({"status": "error", "errorType": "execution", "error": "many-to-many"});
    let server = answering(ResponseTemplate::new(422).set_body_json(body)).await;
    let mut source = source(&server.uri(), true);
    let seen = only(source.fetch(&ask()).await.unwrap());
    let short = |seen: &Observation| seen.why_unknown()[0].short().raw().to_owned();
    assert_eq!(short(&seen), "query refused");

    let body = json!({"status": "success", "data": ratios("5", "1000")});
    answer_from_now_on(&server, &body).await;
    nothing_peculiar(&server).await;
    let later = Ask {
        now: ask().now + SignedDuration::from_mins(11),
        ..ask()
    };
    let seen = only(source.fetch(&later).await.unwrap());
    assert_eq!((seen.why_unknown(), seen.reasons.len()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_warning_of_a_store_that_did_not_answer_is_partial_and_a_remark_of_the_engine_is_not() {
    for (warning, state) in [
        ("No StoreAPIs matched for this query", State::Unknown),
        ("remote_read: connection refused", State::Unknown),
        (
            "PromQL warning: encountered a mix of histograms and floats",
            State::Ok,
        ),
    ] {
        let body = json!({
            "status": "success", "warnings": [warning], "data": ratios("0", "1000"),
            "infos": ["PromQL info: metric might not be a counter"],
        });
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        let facts = polled(&server).await.unwrap();
        assert!(facts.warnings.iter().any(|one| one.raw() == warning));
        let found = only(facts);
        assert_eq!(found.partial, state == State::Unknown, "{warning}");
        assert_eq!(found.assess().state, state, "{warning}");
    }
}

#[tokio::test]
async fn a_screen_sees_short_windows_first_and_is_told_to_ask_on() {
    let body = json!({"status": "success", "data": ratios("0", "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    Mock::given(path("/api/v1/query_range"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({"status": "success", "data": {"resultType": "matrix", "result": []}}),
        ))
        .mount(&server)
        .await;
    nothing_peculiar(&server).await;
    let mut source = source(&server.uri(), true);
    let live = Ask {
        history: true,
        ..ask()
    };
    let first = source.fetch(&live).await.unwrap();
    assert!(first.more);
    let found = only(first);
    assert_eq!(found.reading(Window::hours(1)), Reading::Ratio(0.0));
    assert_eq!(found.reading(Window::hours(6)), Reading::Unknown);
    // What was not asked yet is not well.
    assert_eq!(found.assess().state, State::Unknown);
    let second = source.fetch(&live).await.unwrap();
    assert!(!second.more);
    assert_eq!(only(second).assess().state, State::Ok);
    // From now on long windows are asked for seldom.
    let windows = |requests: &[wiremock::Request], window: &str| {
        let bodies = requests
            .iter()
            .map(|one| String::from_utf8_lossy(&one.body).into_owned());
        let ratios = bodies.filter(|body| !body.contains("unless"));
        ratios
            .filter(|body| body.contains(&format!("%5B{window}%5D")))
            .count()
    };
    let before = server.received_requests().await.unwrap().len();
    for poll in 1..=40 {
        let later = Ask {
            now: live.now + KIND.interval * poll,
            ..live
        };
        source.fetch(&later).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let counts = ["1h", "6h", "3d", "30d"].map(|window| windows(&requests[before..], window));
    assert_eq!(counts, [40, 10, 1, 1]);
    // The server's clock stands still, so its course has no new point.
    let ranges = |requests: &[wiremock::Request]| {
        let paths = requests.iter().map(|one| one.url.path());
        paths.filter(|path| path.ends_with("query_range")).count()
    };
    assert_eq!(
        (ranges(&requests[..before]), ranges(&requests[before..])),
        (1, 0)
    );
}

#[tokio::test]
async fn a_screen_whose_clock_is_off_charts_by_that_of_the_server() {
    let body = json!({"status": "success", "data": ratios("0", "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let mut source = source(&server.uri(), true);
    for minutes in [0, 1] {
        // The server answers for 1,800,000,000.
        let off = Ask {
            now: Timestamp::from_second(1_800_003_600 + minutes * 60).unwrap(),
            at: None,
            history: true,
            since: None,
        };
        source.fetch(&off).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let range = requests
        .iter()
        .find(|one| one.url.path().ends_with("query_range"));
    let body = String::from_utf8_lossy(&range.unwrap().body).into_owned();
    assert!(body.contains("end=1800000000.000"), "{body}");
}

#[tokio::test]
async fn an_error_in_the_envelope_keeps_its_words() {
    let body = json!({"status": "error", "errorType": "execution", "error": "many-to-many"});
    let server = answering(ResponseTemplate::new(422).set_body_json(body)).await;
    let facts = polled(&server).await.unwrap();
    let fault = facts.fault.clone().unwrap();
    assert_eq!(fault.kind, FaultKind::Query);
    assert!(fault.message.raw().contains("many-to-many"), "{fault:?}");
    assert_eq!(only(facts).assess().state, State::Unknown);
}

#[tokio::test]
async fn an_overloaded_or_foreign_server_fails_the_whole_poll() {
    let page = "<html><title>502 Bad Gateway</title></html>";
    for (status, body, kind) in [
        (
            503,
            "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}",
            FaultKind::Server,
        ),
        (502, page, FaultKind::Server),
        (200, page, FaultKind::Decode),
        (
            200,
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vec",
            FaultKind::Decode,
        ),
    ] {
        let server = answering(ResponseTemplate::new(status).set_body_string(body)).await;
        assert_eq!(
            polled(&server).await.unwrap_err().kind,
            kind,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_takes_no_post_is_asked_by_get() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(405))
        .mount(&server)
        .await;
    let body = json!({"status": "success", "data": ratios("5", "1000")});
    Mock::given(method("GET"))
        .and(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let found = only(polled(&server).await.unwrap());
    assert_eq!(found.reading(Window::hours(1)), Reading::Ratio(0.005));
}

#[tokio::test]
async fn the_present_is_the_servers_own_and_a_past_moment_is_named() {
    let body = json!({"status": "success", "data": ratios("5", "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    source(&server.uri(), true).fetch(&ask()).await.unwrap();
    let forms = server.received_requests().await.unwrap();
    let any_time = |body: &[u8]| String::from_utf8_lossy(body).contains("time=");
    assert!(!forms.is_empty() && !forms.iter().any(|form| any_time(&form.body)));

    let then = Timestamp::from_second(1_700_000_000).ok();
    let past = Ask { at: then, ..ask() };
    source(&server.uri(), true).fetch(&past).await.unwrap();
    let forms = server.received_requests().await.unwrap();
    let last = |path: &str| {
        let mut asked = forms.iter().rev();
        let form = asked.find(|form| form.url.path() == path).unwrap();
        String::from_utf8_lossy(&form.body).into_owned()
    };
    let instant = last("/api/v1/query");
    assert!(instant.contains("time=1700000000.000"), "{instant}");
    // The past of what burns ends at that moment as well, on a whole step of 10 minutes.
    let range = last("/api/v1/query_range");
    assert!(range.contains("end=1699999800.000&step=600"), "{range}");
}

#[tokio::test]
async fn a_query_too_long_for_a_proxy_is_cut_until_it_passes() {
    let server = MockServer::start().await;
    // One ratio has two expressions, so a tag of 2 stands in what is longer.
    Mock::given(body_string_contains("%222%22"))
        .respond_with(ResponseTemplate::new(414).set_body_string("<html>too long</html>"))
        .mount(&server)
        .await;
    Mock::given(path("/api/v1/query"))
        .respond_with(|request: &wiremock::Request| {
            let asked = String::from_utf8_lossy(&request.body);
            let value = if asked.contains("bad_total") {
                "5"
            } else {
                "1000"
            };
            let one = json!([{"metric": {}, "value": [1_800_000_000.0, value]}]);
            let data = if asked.contains("label_replace") {
                ratios("5", "1000")
            } else {
                json!({"resultType": "vector", "result": one})
            };
            ResponseTemplate::new(200).set_body_json(json!({"status": "success", "data": data}))
        })
        .mount(&server)
        .await;
    let facts = polled(&server).await.unwrap();
    assert_eq!(facts.fault, None);
    let found = only(facts);
    assert_eq!(found.reading(Window::days(3)), Reading::Ratio(0.005));
}

#[tokio::test]
async fn a_histogram_is_no_number_and_says_what_to_do() {
    let series = json!([{"metric": {"__name__": "h", "watchfire": "0"}, "histogram": [1.0, {}]}]);
    let data = json!({"resultType": "vector", "result": series});
    let body = json!({"status": "success", "data": data});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let facts = polled(&server).await.unwrap();
    assert!(
        facts.warnings[0].raw().contains("histogram_count"),
        "{:?}",
        facts.warnings
    );
    assert_eq!(only(facts).assess().state, State::NoData);
}

/// A `slo:…` series of one Sloth SLO.
fn sloth(name: &str, value: &str, more: Value) -> Value {
    let mut metric = json!({
        "__name__": name, "sloth_id": "a-b", "sloth_service": "a", "sloth_slo": "b",
    });
    if let (Value::Object(metric), Value::Object(more)) = (&mut metric, more) {
        metric.extend(more);
    }
    json!({"metric": metric, "value": [1.0, value]})
}

#[tokio::test]
async fn a_server_without_rules_still_has_its_series() {
    let server = MockServer::start().await;
    let series = json!([
        sloth("sloth_slo_info", "1", json!({"sloth_objective": "99.9"})),
        sloth("slo:objective:ratio", "0.9990000000000001", json!({})),
        sloth("slo:time_period:days", "28", json!({})),
        sloth(
            "slo:sli_error:ratio_rate5m",
            "0.002",
            json!({"sloth_window": "5m"})
        ),
    ]);
    let found = json!({"status": "success", "data": {"resultType": "vector", "result": series}});
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_json(found))
        .mount(&server)
        .await;
    let facts = source(&server.uri(), false).fetch(&ask()).await.unwrap();
    let found = only(facts);
    assert!((found.slo.objective - 0.999).abs() < f64::EPSILON);
    assert_eq!(found.slo.period.to_string(), "28d");
    assert!((found.slo.rules[0].factor - 13.44).abs() < 1e-9);
    assert_eq!(found.reading(Window::minutes(5)), Reading::Ratio(0.002));
    // What was not recorded is not made up.
    assert_eq!(found.reading(Window::hours(1)), Reading::NoSeries);
    assert_eq!(found.assess().state, State::NoData);
}

#[test]
fn the_plan_names_every_slo_and_span_that_a_query_serves() {
    let period = "30d".parse().unwrap();
    let plans: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|service| {
            let settings = SloSettings {
                service: service.to_owned(),
                name: "availability".to_owned(),
                objective: 0.999,
                period,
                timezone: TimeZone::UTC,
                source: SourceName::new("prod"),
                sli: Sli::Events {
                    part: Part::Bad(format!("bad_total{{service=\"{service}\"}}")),
                    total: format!("all_total{{service=\"{service}\"}}"),
                },
                rules: Rule::workbook(period),
                min_bad_events: 0.0,
                absent_is_zero: false,
                by: Vec::new(),
                labels: std::collections::BTreeMap::new(),
                description: String::new(),
            };
            ByHand::new(&settings, ask().now)
                .plans()
                .next()
                .unwrap()
                .clone()
        })
        .collect();
    let outline = measure::outline(&mut Planner::default(), &plans);
    let served: usize = outline.iter().map(|(_, serves)| serves.len()).sum();
    assert_eq!(served, 2 * 8, "each window and the period of both");
    let (query, whom) = &outline[0];
    assert!(
        query.contains(r#"bad_total{service=~"a|b"}[5m]"#),
        "{query}"
    );
    let hour = Span::Window(Window::hours(1));
    assert!(whom.contains(&("a/availability".into(), hour)), "{whom:?}");
    assert!(!whom.contains(&("a/availability".into(), Span::Period)));
    assert_eq!(
        outline.len(),
        6,
        "short windows share a query, long ones do not"
    );
}

/// What the long windows and the budget of the one SLO say, by how much they lag.
fn lags(seen: &Observation) -> (Vec<String>, Option<f64>) {
    let left = seen.standing().budget_remaining;
    (seen.older_windows(), left)
}

#[tokio::test]
async fn what_burns_has_long_windows_as_fresh_as_its_short_ones_and_what_is_calm_has_not() {
    let numbers = |part: &str| json!({"status": "success", "data": ratios(part, "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(numbers("0"))).await;
    let mut source = source(&server.uri(), true);
    let asked = |seconds| Ask {
        now: ask().now + SignedDuration::from_secs(seconds),
        ..ask()
    };
    source.fetch(&asked(0)).await.unwrap();
    let calm = only(source.fetch(&asked(60)).await.unwrap());
    assert_eq!(
        lags(&calm),
        (["1d", "3d", "30d"].map(str::to_owned).to_vec(), Some(1.0))
    );
    assert!(calm.windows.values().all(|sample| !calm.is_behind(sample)));

    // The poll that sees the fire sees what it costs, and so does every poll of it.
    for (second, part, left) in [
        (75, "100", -99.0),
        (90, "200", -199.0),
        (105, "300", -299.0),
    ] {
        answer_from_now_on(&server, &numbers(part)).await;
        let seen = only(source.fetch(&asked(second)).await.unwrap());
        let (older, budget) = lags(&seen);
        assert_eq!(older, [""; 0], "{second}");
        assert!(
            (budget.unwrap() - left).abs() < 1e-6,
            "{second}: {budget:?}"
        );
    }
    // When it is out, once more and then seldom again.
    answer_from_now_on(&server, &numbers("0")).await;
    let out = only(source.fetch(&asked(120)).await.unwrap());
    assert_eq!(lags(&out), (Vec::new(), Some(1.0)));
    let requests = server.received_requests().await.unwrap().len();
    source.fetch(&asked(135)).await.unwrap();
    let since = server
        .received_requests()
        .await
        .unwrap()
        .split_off(requests);
    let asks = |window: &str| {
        let events = format!("=label_replace%28sum%28increase%28bad_total%5B{window}%5D");
        let shared = format!("+label_replace%28sum%28increase%28bad_total%5B{window}%5D");
        since.iter().any(|one| {
            let body = String::from_utf8_lossy(&one.body);
            body.contains(&events) || body.contains(&shared)
        })
    };
    assert!(
        asks("5m") && !asks("1d") && !asks("3d") && !asks("30d"),
        "{since:?}"
    );
}

#[tokio::test]
async fn a_long_window_that_fails_while_it_burns_keeps_its_number_and_says_how_old_it_is() {
    let body = json!({"status": "success", "data": ratios("100", "1000")});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let mut source = source(&server.uri(), true);
    let asked = |seconds| Ask {
        now: ask().now + SignedDuration::from_secs(seconds),
        ..ask()
    };
    source.fetch(&asked(0)).await.unwrap();
    let error = json!({"status": "error", "errorType": "execution", "error": "too many samples"});
    Mock::given(path("/api/v1/query"))
        .and(body_string_contains("30d"))
        .respond_with(ResponseTemplate::new(422).set_body_json(error))
        .with_priority(1)
        .mount(&server)
        .await;
    let seen = only(source.fetch(&asked(60)).await.unwrap());
    let period = seen.period.unwrap();
    assert_eq!(period.at, ask().now);
    assert!(period.reading.ratio().is_some() && seen.is_behind(period));
    let caveats: Vec<_> = seen.caveats().collect();
    assert_eq!(caveats[0].short().raw(), "query refused");
    assert!(
        caveats[0].text.raw().starts_with("the period: "),
        "{caveats:?}"
    );
    // What is too old is not known.
    let late = only(source.fetch(&asked(700)).await.unwrap());
    assert_eq!(late.period.unwrap().reading, Reading::Unknown);
    assert_eq!(late.assess().state, State::Page);
}

#[tokio::test]
async fn a_moment_at_which_the_server_had_stored_nothing_of_late_is_unknown() {
    let at = ask().now - SignedDuration::from_hours(1);
    let single = |value: f64| {
        let series = json!({"metric": {}, "value": [1_800_000_000.0, value.to_string()]});
        let data = json!({"resultType": "vector", "result": [series]});
        let body = json!({"status": "success", "data": data});
        ResponseTemplate::new(200).set_body_json(body)
    };
    // Asked every 15 s, and eight samples in 30 s: what is older than 48.75 s is stale.
    for (age, state) in [
        (10.0, State::Ok),
        (48.0, State::Ok),
        (49.0, State::Unknown),
        (1_200.0, State::Unknown),
    ] {
        let numbers = json!({"status": "success", "data": ratios("0", "1000")});
        let server = answering(ResponseTemplate::new(200).set_body_json(numbers)).await;
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let newest = at.as_second() as f64 - age;
        for (words, value) in [("timestamp", newest), ("count_over_time", 8.0)] {
            Mock::given(path("/api/v1/query"))
                .and(body_string_contains(words))
                .respond_with(single(value))
                .with_priority(1)
                .mount(&server)
                .await;
        }
        let past = Ask {
            at: Some(at),
            ..ask()
        };
        let facts = source(&server.uri(), true).fetch(&past).await.unwrap();
        let fault = facts.fault.clone();
        let seen = only(facts);
        assert_eq!(seen.assess().state, state, "{age}");
        let is_stale = state == State::Unknown;
        assert_eq!(fault.is_some(), is_stale, "{age}");
        let codes: Vec<_> = seen.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes == [ReasonCode::TooOld], is_stale, "{age}: {codes:?}");
    }
}
