//! What the demo promises: the story by true arithmetic, and answers shaped as the real servers shape them.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use std::path::Path;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alertmanager::{alerts, fingerprint};
use super::cast::Part;
use super::series::{Series, catalogue, labels};
use super::silences::Silences;
use super::world::{Alarm, DAY, World};
use super::{Demo, Ports, Speed, config_text, deploys, prometheus, promql, rules};
use crate::domain::{Severity, Window};

const PAGE: Alarm = Alarm::Burn(Severity::Page);
const TICKET: Alarm = Alarm::Burn(Severity::Ticket);

/// A world that began at that hour of some Sunday.
fn world_at(hour: i64, speed: f64) -> World {
    World::new(
        Timestamp::from_second(1_795_305_600 + hour * 3_600).expect("time"),
        speed,
    )
}

fn world() -> World {
    world_at(9, 1.0)
}

fn service(world: &World, name: &str) -> usize {
    world
        .services
        .iter()
        .position(|it| it.name == name)
        .expect("a service of the cast")
}

/// Who raises an alarm at a moment.
fn raised(world: &World, alarm: Alarm, at: f64) -> Vec<&str> {
    let all = world.services.iter().enumerate();
    all.filter(|(number, _)| world.fires(*number, alarm, at))
        .map(|(_, it)| it.name)
        .collect()
}

#[test]
fn before_the_release_only_the_planned_ticket_burns_at_any_hour_of_the_day() {
    for hour in 0..24 {
        let world = world_at(hour, 1.0);
        for at in [-5.0 * 3_600.0, -1_800.0, 0.0, 29.0] {
            assert_eq!(
                raised(&world, PAGE, at),
                Vec::<&str>::new(),
                "page at {hour} h {at}"
            );
            assert_eq!(
                raised(&world, TICKET, at),
                ["search"],
                "ticket at {hour} h {at}"
            );
        }
    }
}

#[test]
fn the_page_fires_about_a_minute_into_the_story_and_ends_with_the_5m_window() {
    for (hour, speed) in (0..24).zip([1.0, 2.0, 10.0, 60.0].into_iter().cycle()) {
        let world = world_at(hour, speed);
        let checkout = service(&world, "checkout");
        let fires = |at: f64| world.fires(checkout, PAGE, at);
        let (early, late) = (50.0 / speed, 72.0 / speed);
        assert!(!fires(early) && fires(late), "{hour} h x{speed}");
        let end = 155.0 / speed + 300.0;
        assert!(fires(end - 20.0), "{hour} h x{speed}");
        assert!(!fires(end + 1.0), "{hour} h x{speed}");
        assert!(world.burn_rate(checkout, Window::hours(1), end + 1.0) > 14.4);
        assert!(world.burn_rate(checkout, Window::minutes(5), end + 1.0) < 1.0);
        assert!(world.burn_rate(checkout, Window::hours(6), end + 1.0) < 6.0);
        assert_eq!(raised(&world, PAGE, 3.0 * 3_600.0), Vec::<&str>::new());
    }
}

#[test]
fn the_outage_dented_the_budget_and_the_quiet_are_told_apart() {
    let world = world();
    let burn = |name| world.burn_rate(service(&world, name), super::world::PERIOD, 0.0);
    let remaining = 1.0 - burn("payments");
    assert!((0.25..0.45).contains(&remaining), "{remaining}");
    assert!(burn("loyalty").is_nan());
    assert!(burn("mail").abs() < f64::EPSILON);
    assert!((0.25..0.40).contains(&(1.0 - burn("recommend"))));
}

#[test]
fn no_counter_ever_falls_or_counts_more_bad_events_than_events() {
    let world = world_at(22, 10.0);
    let long = (0_u32..3_500).map(|turn| f64::from(turn) * 864.0 - 35.0 * DAY);
    let story = (0_u32..3_000).map(|turn| f64::from(turn) * 0.1);
    for number in 0..world.services.len() {
        let mut last = [0.0; 4];
        for at in long.clone().chain(story.clone()) {
            let parts = [Part::Total, Part::Good, Part::Background, Part::Failed];
            let now = parts.map(|part| world.counter(number, part, at));
            for (now, last) in now.iter().zip(last) {
                assert!(*now >= last, "{} at {at}", world.services[number].name);
            }
            assert!(now[0] >= now[2] + now[3]);
            last = now;
        }
    }
}

#[test]
fn the_period_is_the_mean_of_its_5m_ratios_as_sloth_records_it() {
    let world = world();
    let cart = service(&world, "cart");
    for at in [0.0, 1_234.0, 90_000.0] {
        let last = (at / 300.0_f64).floor() * 300.0;
        let steps = (0_u32..8_640).map(|turn| last - 300.0 * f64::from(turn));
        let mean = steps
            .map(|at| {
                let grown = |part| world.increase(cart, part, 300.0, at);
                grown(Part::Bad) / grown(Part::Total)
            })
            .sum::<f64>()
            / 8_640.0;
        let recorded = world.error_ratio(cart, super::world::PERIOD, at);
        assert!((recorded / mean - 1.0).abs() < 1e-9, "{recorded} {mean}");
    }
}

/// Asks the demo's Prometheus at `now`.
fn ask(world: &World, series: &[Series], query: &str, now: f64) -> (StatusCode, Value) {
    prometheus::instant(
        world,
        series,
        &[("query".to_owned(), query.to_owned())],
        now,
    )
}

/// The values of an answer by one label.
fn values(answer: &Value, label: &str) -> Vec<(String, String)> {
    let rows = answer["data"]["result"].as_array().expect("a vector");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (text(&row["metric"][label]), text(&row["value"][1])))
        .collect()
}

#[test]
fn every_query_of_the_prometheus_source_comes_to_what_the_world_says() {
    let world = world();
    let series = catalogue(&world);
    let checkout = service(&world, "checkout");
    let value = |query: &str| {
        let (status, answer) = ask(&world, &series, query, 90.0);
        assert_eq!(status, StatusCode::OK, "{query}: {answer}");
        let all = values(&answer, "service");
        assert_eq!(all.len(), 1, "{query}: {answer}");
        all[0].1.parse::<f64>().expect("a number")
    };
    let bad = world.increase(checkout, Part::Bad, 3_600.0, 90.0);
    let total = world.increase(checkout, Part::Total, 3_600.0, 90.0);
    let of = r#"http_requests_total{service="checkout""#;
    for (query, want) in [
        (format!("sum(increase({of}}}[1h]))"), total),
        (format!("sum(increase({of},code=~\"5..\"}}[1h]))"), bad),
        (format!("sum(increase({of},code!~\"[1-4]..\"}}[1h]))"), bad),
        (
            format!("sum by (service) (rate({of}}}[1h]))"),
            total / 3_600.0,
        ),
        (
            format!("sum(rate({of},code=~\"5..\"}}[1h])) / sum(rate({of}}}[1h]))"),
            bad / total,
        ),
        (
            r#"slo:sli_error:ratio_rate1h{sloth_service="checkout"}"#.to_owned(),
            bad / total,
        ),
        (
            r#"{__name__=~"slo:obj.*",sloth_id="checkout-availability"}"#.to_owned(),
            0.999,
        ),
        (format!("count_over_time({of},code=\"200\"}}[1h])"), 240.0),
        (format!("timestamp({of},code=\"200\"}})"), 1_795_338_090.0),
        (
            format!("min(min_over_time(timestamp({of}}})[1h:10m]))"),
            1_795_335_000.0,
        ),
        (
            format!("min(min_over_time(timestamp({of}}})[1h:10m] offset 10m))"),
            1_795_334_400.0,
        ),
        ("vector(3) unless no_such_series".to_owned(), 3.0),
        ("vector(2) - 0.5".to_owned(), 1.5),
        ("(sum(no_such_series) or vector(7)) * 1".to_owned(), 7.0),
    ] {
        let got = value(&query);
        assert!(
            (got - want).abs() <= want * 1e-12,
            "{query}: {got} is not {want}"
        );
    }
    let count = |query| values(&ask(&world, &series, query, 90.0).1, "service");
    assert_eq!(count("sloth_slo_info").len(), 10);
    assert_eq!(
        count("{__name__=~\"slo:sli_error:ratio_rate(5m|1h)\"}").len(),
        20
    );
    let versions = count("count by (service, version) (app_build_info)");
    assert_eq!(
        versions
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["edge", "media"]
    );
    assert!(count("count by (service, version) (last_over_time(app_build_info[30d]))").len() > 10);
    let tagged = "label_replace(sum(increase(http_requests_total{service=\"mail\"}[5m])), \"service\", \"x\", \"\", \"\") or label_replace(vector(0), \"service\", \"y\", \"\", \"\")";
    assert_eq!(
        count(tagged)
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["x", "y"]
    );
    assert_eq!(count("no_such_series"), []);
    let nan = count("slo:sli_error:ratio_rate5m{sloth_service=\"loyalty\"}");
    assert_eq!(nan[0].1, "NaN");
    let page = count("ALERTS{alertstate=\"firing\",sloth_severity=\"page\"}");
    assert_eq!(page, [("checkout".to_owned(), "1".to_owned())]);
}

#[test]
fn answers_have_the_shapes_of_a_real_prometheus() {
    let world = world();
    let series = catalogue(&world);
    let asked = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let at = asked(&[("query", "vector(1)"), ("time", "1795300000.12345")]);
    let (_, answer) = prometheus::instant(&world, &series, &at, 0.0);
    assert_eq!(
        answer,
        json!({"status":"success","data":{"resultType":"vector","result":[
            {"metric":{},"value":[1_795_300_000.123,"1"]}]}})
    );
    let (_, scalar) = ask(&world, &series, "1+1", 0.0);
    assert_eq!(scalar["data"]["resultType"], "scalar");
    assert_eq!(scalar["data"]["result"][1], "2");
    let range = |start, end, step| {
        let asked = asked(&[
            ("query", "vector(1)"),
            ("start", start),
            ("end", end),
            ("step", step),
        ]);
        prometheus::range(&world, &series, &asked, 0.0)
    };
    let (_, matrix) = range("1795300000", "2026-11-21T22:27:10Z", "15s");
    assert_eq!(
        matrix["data"],
        json!({"resultType":"matrix","result":[{"metric":{},"values":[
            [1_795_300_000.0,"1"],[1_795_300_015.0,"1"],[1_795_300_030.0,"1"]]}]})
    );
    for (answer, says) in [
        (
            range("1", "20000", "1"),
            "exceeded maximum resolution of 11,000 points",
        ),
        (
            range("1", "20", "0"),
            "invalid parameter \"step\": zero or negative",
        ),
        (
            range("5", "4", "1"),
            "invalid parameter \"end\": end timestamp must not be before",
        ),
        (
            range("", "4", "1"),
            "invalid parameter \"start\": cannot parse \"\"",
        ),
        (
            range("1", "4", "-1h"),
            "invalid parameter \"step\": cannot parse \"-1h\"",
        ),
        (range("1", "NaN", "1"), "invalid parameter \"end\""),
        (
            prometheus::instant(&world, &series, &[], 0.0),
            "invalid parameter \"query\": 1:1: parse",
        ),
        (
            ask(&world, &series, "foo(", 0.0),
            "invalid parameter \"query\": parse error",
        ),
        (
            ask(&world, &series, "{}", 0.0),
            "vector selector must contain at least one non-empty",
        ),
    ] {
        let (status, body) = answer;
        assert_eq!(
            (status, &body["status"], &body["errorType"]),
            (StatusCode::BAD_REQUEST, &json!("error"), &json!("bad_data"))
        );
        assert!(
            body["error"]
                .as_str()
                .is_some_and(|it| it.starts_with(says) || it.contains(says)),
            "{body}"
        );
    }
}

#[test]
fn what_the_demo_cannot_evaluate_it_refuses_by_name() {
    let world = world();
    let series = catalogue(&world);
    for query in [
        "histogram_quantile(0.9, http_requests_total)",
        "http_requests_total offset -5m",
        "http_requests_total[5m]",
        "stddev(http_requests_total)",
        "sum without (code) (http_requests_total)",
        "http_requests_total > 1",
        "a / on (service) b",
        "max_over_time(slo:sli_error:ratio_rate5m[1h:5m])",
        "increase(slo:objective:ratio[5m])",
        "last_over_time(ALERTS[5m])",
        "-http_requests_total",
        "label_replace(app_build_info, \"a\", \"$1\", \"version\", \"(.*)\")",
        "sum(1)",
    ] {
        let (status, body) = ask(&world, &series, query, 0.0);
        let refused = (status, body["errorType"].as_str().unwrap_or_default());
        let expected = [
            (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            (StatusCode::BAD_REQUEST, "bad_data"),
        ];
        assert!(expected.contains(&refused), "{query}: {body}");
        if status == StatusCode::UNPROCESSABLE_ENTITY {
            let error = body["error"].as_str().unwrap_or_default();
            assert!(
                error.starts_with("demo: ") && error.ends_with("is not supported"),
                "{error}"
            );
        }
    }
}

#[test]
fn no_query_hangs_the_demo_or_breaks_it() {
    let world = world();
    let series = catalogue(&world);
    let or = vec!["vector(1)"; 3_000].join(" or ");
    let hostile = [
        "(".repeat(3_900),
        format!("{}1{}", "(".repeat(1_900), ")".repeat(1_900)),
        format!("{}1", "-".repeat(3_900)),
        format!("1{}", "+1".repeat(3_900)),
        format!("{}1{}", "vector(".repeat(900), ")".repeat(900)),
        format!("{}up{}", "sum(".repeat(1_900), ")".repeat(1_900)),
        format!("1{}", "^1".repeat(3_900)),
        or,
        "x".repeat(1_000_000),
        "(".repeat(1_000_000),
        format!("{{__name__=~\"{}\"}}", "(a|b)*".repeat(10_000)),
        "{__name__=~\"((a{1000}){1000}){1000}\"}".to_owned(),
        "{__name__=~\"(((x*)*)*)*y\"}".to_owned(),
        "up[99999999999999999999y]".to_owned(),
        "up[0s]".to_owned(),
        "\u{0}\u{1b}]52;c;\u{7}".to_owned(),
        "\"\\".to_owned(),
        "1e999 / 0".to_owned(),
    ];
    for query in hostile {
        let began = Instant::now();
        let answered = std::thread::scope(|scope| {
            let ask = || ask(&world, &series, &query, 0.0).0;
            let thread = std::thread::Builder::new().stack_size(promql::STACK);
            thread.spawn_scoped(scope, ask).expect("a thread").join()
        });
        let head: String = query.chars().take(40).collect();
        assert!(answered.is_ok(), "{head}");
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{head}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_range_that_asks_too_much_is_cut_short_as_prometheus_does() {
    let world = world();
    let series = catalogue(&world);
    let wide = ["no_such_series"; 200].join(" or ");
    let pairs = [
        ("query", wide.as_str()),
        ("start", "1795200000"),
        ("end", "1795300000"),
        ("step", "10"),
    ];
    let asked = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (status, body) = prometheus::range(&world, &series, &asked, 0.0);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        body["error"]
            .as_str()
            .is_some_and(|it| it.contains("too many samples")),
        "{body}"
    );
}

#[test]
fn nothing_is_known_of_the_future_and_of_the_time_before_the_history() {
    let world = world();
    let series = catalogue(&world);
    let at = |moment: f64, now: f64| {
        let time = world.time(moment).to_string();
        let asked = [
            ("query".to_owned(), "sloth_slo_info".to_owned()),
            ("time".to_owned(), time),
        ];
        let (_, answer) = prometheus::instant(&world, &series, &asked, now);
        answer["data"]["result"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(at(0.0, 0.0), 10);
    assert_eq!(at(200.0, 0.0), 10);
    assert_eq!(at(400.0, 0.0), 0);
    assert_eq!(at(-36.0 * DAY, 0.0), 0);
}

#[test]
fn the_alertmanager_tells_active_inhibited_and_silenced_apart() {
    let world = world();
    let told = |now: f64, asked: &[(&str, &str)]| -> Vec<String> {
        let asked: Vec<_> = asked
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (_, all) = alerts(&world, &Silences::new(&world), now, &asked);
        let label = |alert: &Value, name: &str| {
            alert["labels"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let line = |alert: &Value| {
            let status = &alert["status"];
            let by = |how: &str| status[how].as_array().map_or(0, Vec::len);
            format!(
                "{} {} {} {} {}",
                label(alert, "alertname"),
                label(alert, "service"),
                status["state"].as_str().unwrap_or_default(),
                by("silencedBy"),
                by("inhibitedBy")
            )
        };
        all.as_array().expect("a list").iter().map(line).collect()
    };
    let quiet = [
        "CertificateExpires mail suppressed 1 0",
        "ErrorBudgetBurn search active 0 0",
    ];
    assert_eq!(told(0.0, &[]), quiet);
    assert_eq!(told(45.0, &[])[2..], ["ErrorsHigh checkout active 0 0"]);
    assert_eq!(
        told(120.0, &[])[2..],
        [
            "ErrorsHigh checkout suppressed 0 1",
            "ErrorBudgetBurn checkout active 0 0"
        ]
    );
    assert_eq!(
        told(
            120.0,
            &[
                ("silenced", "false"),
                ("inhibited", "false"),
                ("active", "true")
            ]
        ),
        [
            "ErrorBudgetBurn search active 0 0",
            "ErrorBudgetBurn checkout active 0 0"
        ]
    );
    assert_eq!(told(600.0, &[]), quiet);
    assert_eq!(
        told(120.0, &[("filter", "service=\"search\"")]),
        ["ErrorBudgetBurn search active 0 0"]
    );
    let silences = Silences::new(&world);
    let refused = alerts(
        &world,
        &silences,
        0.0,
        &[("filter".to_owned(), "a".to_owned())],
    );
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert!(refused.1.is_string());
}

#[test]
fn a_silence_is_taken_moved_and_ended_for_real() {
    let world = world();
    let silences = Silences::new(&world);
    let at = |seconds: f64| world.time(seconds);
    let wanted = |id: &str, matchers: Value, until: f64| {
        serde_json::from_value(json!({
            "id": id, "matchers": matchers, "createdBy": "mara", "comment": "known",
            "startsAt": at(-5.0).to_string(), "endsAt": at(until).to_string(),
        }))
        .expect("a silence")
    };
    let search = json!([
        {"name": "service", "value": "sea.*", "isRegex": true},
        {"name": "alertname", "value": "Nothing", "isRegex": false, "isEqual": false},
    ]);
    let hidden = |now: f64| {
        let (_, all) = alerts(&world, &silences, now, &[]);
        let all = all.as_array().expect("a list").clone();
        let search = all
            .iter()
            .find(|alert| alert["labels"]["service"] == "search");
        search.expect("it burns")["status"]["silencedBy"].clone()
    };
    let (status, made) = silences.take(wanted("", search.clone(), 100.0), at(0.0));
    let id = made["silenceID"].as_str().expect("an id").to_owned();
    assert_eq!((status, hidden(1.0)), (StatusCode::OK, json!([id])));
    assert_eq!(hidden(101.0), json!([]), "it ends by itself");
    let (status, _) = silences.take(wanted(&id, search.clone(), 200.0), at(50.0));
    assert_eq!((status, hidden(150.0)), (StatusCode::OK, json!([id])));
    assert_eq!(silences.expire(&id, at(160.0)), StatusCode::OK);
    assert_eq!(hidden(161.0), json!([]));
    assert_eq!(silences.one(&id, at(161.0)).1["status"]["state"], "expired");
    assert_eq!(silences.list(at(161.0)).as_array().map(Vec::len), Some(2));
    for (wrong, status) in [
        (wanted("", json!([]), 300.0), StatusCode::BAD_REQUEST),
        (wanted("", search.clone(), 100.0), StatusCode::BAD_REQUEST),
        (wanted(&id, search, 300.0), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(silences.take(wrong, at(170.0)).0, status);
    }
    assert_eq!(silences.expire("none", at(170.0)), StatusCode::NOT_FOUND);
}

#[test]
fn an_alert_has_every_field_that_alertmanager_requires_and_its_fingerprint() {
    // As Alertmanager 0.25 computed it.
    let own = labels([
        ("alertname", "P"),
        ("service", "checkout"),
        ("sloth_severity", "page"),
    ]);
    assert_eq!(fingerprint(&own), "2903f67cbd5ebb26");
    let world = world();
    let (_, all) = alerts(&world, &Silences::new(&world), 120.0, &[]);
    for alert in all.as_array().expect("a list") {
        for time in ["startsAt", "updatedAt", "endsAt"] {
            let text = alert[time].as_str().unwrap_or_default();
            assert!(text.parse::<Timestamp>().is_ok(), "{time} {text}");
        }
        assert!(alert["labels"].is_object() && alert["annotations"].is_object());
        assert_eq!(alert["receivers"], json!([{"name": "on-call"}]));
    }
}

#[test]
fn the_page_dates_from_the_second_it_began() {
    let world = world();
    let checkout = service(&world, "checkout");
    let since = world.firing_since(checkout, PAGE, 200.0).expect("it fires");
    assert!((55.0..68.0).contains(&since), "{since}");
    assert!(world.fires(checkout, PAGE, since) && !world.fires(checkout, PAGE, since - 2.0));
    let later = world
        .firing_since(checkout, PAGE, 400.0)
        .expect("it still fires");
    assert!((since - later).abs() <= 1.5, "{since} {later}");
}

#[test]
fn a_deploy_runs_arrives_and_is_taken_back() {
    let world = world();
    let of_checkout = |now: f64| -> Vec<String> {
        let list = deploys::list(&world, now);
        let rows = list["deploys"].as_array().expect("a list").clone();
        let own = rows.iter().filter(|row| row["app"] == "checkout");
        let field = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        own.map(|row| format!("{} {}", field(row, "version"), field(row, "state")))
            .collect()
    };
    let before = of_checkout(10.0);
    let old = before[0].split(' ').next().expect("a version").to_owned();
    assert!(
        before.iter().all(|row| row.ends_with(" done")),
        "{before:?}"
    );
    let running = of_checkout(25.0);
    assert!(running.len() == before.len() + 1 && running[0].ends_with(" in_progress"));
    assert!(of_checkout(31.0)[0].ends_with(" done"));
    let back = of_checkout(160.0);
    assert_eq!(back[0], format!("{old} done"));
    assert!(back[1].ends_with(" reverted"), "{back:?}");
    let list = deploys::list(&world, 0.0);
    assert!(!list.to_string().contains("\"edge\""));
    assert!(list.to_string().contains("\"failed\""));
}

#[test]
fn the_rules_are_sloths_and_their_alerts_fire_with_the_world() {
    let world = world();
    let told = rules::groups(&world, 120.0);
    let groups = told["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 10 * 3 + 2);
    let named = |name: &str| {
        let it = groups.iter().find(|group| group["name"] == name);
        it.expect("a group")["rules"]
            .as_array()
            .expect("rules")
            .clone()
    };
    let page = &named("sloth-slo-alerts-checkout-availability")[0];
    assert_eq!(
        (&page["type"], &page["state"]),
        (&json!("alerting"), &json!("firing"))
    );
    assert_eq!(page["alerts"][0]["labels"]["alertname"], "ErrorBudgetBurn");
    assert!(
        page["query"]
            .as_str()
            .is_some_and(|query| query.contains("> (14.4 * 0.001)"))
    );
    // Every query of a rule is PromQL.
    for rule in groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
    {
        let query = rule["query"].as_str().expect("a query");
        assert!(promql_parser::parser::parse(query).is_ok(), "{query}");
    }
    // And what the SLI rules say they record is what their queries come to.
    let series = catalogue(&world);
    for name in ["checkout-availability", "search-latency"] {
        for rule in &named(&format!("sloth-slo-sli-recordings-{name}"))[..7] {
            let recorded = format!(
                "{}{{sloth_id=\"{name}\"}}",
                rule["name"].as_str().expect("name")
            );
            let queried = rule["query"].as_str().expect("a query");
            let value = |query: &str| {
                values(&ask(&world, &series, query, 120.0).1, "x")[0]
                    .1
                    .parse::<f64>()
            };
            let (a, b) = (
                value(&recorded).expect("number"),
                value(queried).expect("number"),
            );
            assert!((a / b - 1.0).abs() < 1e-9, "{recorded}: {a} {b}");
        }
    }
}

#[test]
fn a_speed_is_between_1_and_60() {
    assert_eq!("10".parse(), Ok(Speed(10.0)));
    for text in ["0", "61", "-1", "NaN", "inf", "fast", ""] {
        let refused = text.parse::<Speed>().expect_err(text);
        assert_eq!(
            refused.to_string(),
            format!("{text:?} is no speed; give a number from 1 (as written) to 60")
        );
    }
}

/// Sends one request over HTTP and reads the whole answer.
async fn sent(port: u16, request: String) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    asked.await.expect("no panic").expect("an answer")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n")
}

fn post(body: &str, kind: &str) -> String {
    let head = "POST /api/v1/query HTTP/1.1\r\nhost: demo\r\nconnection: close";
    let length = body.len();
    format!("{head}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_answers_over_http_on_loopback() {
    let demo = Demo::open(Speed::default(), true, Timestamp::now()).expect("ports");
    let ports = demo.ports();
    let text = config_text(ports, true, Path::new("/tmp/demo/audit.jsonl"));
    assert!(text.parse::<toml::Table>().is_ok() && text.contains(&format!(":{}", ports.deploys)));
    let serving = demo.serve().expect("a runtime");
    let form = "application/x-www-form-urlencoded";
    let long = format!("query={}", "x".repeat(1_000_000));
    let Ports {
        prometheus: prom,
        alertmanager: am,
        deploys,
    } = ports;
    let now = "/api/v1/query?query=sloth_slo_info";
    for (port, request, status, says) in [
        (prom, get("/-/ready"), 200, "Ready"),
        (prom, get(&format!("{now}&time=0")), 200, "\"result\":[]"),
        (prom, get(now), 200, "checkout-availability"),
        (
            prom,
            post("query=sum(http_requests_total)", form),
            200,
            "\"vector\"",
        ),
        (
            prom,
            post("query=up%3E1", form),
            422,
            "\"errorType\":\"execution\"",
        ),
        (
            prom,
            post("query=1", "text/plain"),
            400,
            "\"errorType\":\"bad_data\"",
        ),
        (prom, post(&long, form), 422, "longer than"),
        (
            prom,
            get("/api/v1/query_range?query=1&start=1&end=4&step=1"),
            200,
            "\"matrix\"",
        ),
        (prom, get("/api/v1/status/buildinfo"), 200, "\"version\""),
        (prom, get("/api/v1/rules"), 200, "\"recording\""),
        (prom, get("/api/v1/labels"), 404, ""),
        (
            am,
            get("/api/v2/alerts?active=true"),
            200,
            "CertificateExpires",
        ),
        (am, get("/api/v2/silences"), 200, "\"createdBy\":\"lee\""),
        (am, get("/api/v2/status"), 200, "\"versionInfo\""),
        (am, get("/api/v2/nope"), 404, "\"code\":404"),
        (deploys, get("/deploys"), 200, "\"deploys\":[{"),
    ] {
        let first = request.lines().next().unwrap_or_default().to_owned();
        let answer = sent(port, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{first}: {answer:.200}"
        );
        assert!(answer.contains(says), "{first}: {answer:.300}");
    }
    drop(serving);
}
