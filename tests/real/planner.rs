//! What is asked as one is what would be answered one by one, by a real Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use promql_parser::util::escape_string;
use serde_json::Value;
use watchfire::config::{HttpSettings, Part, Settings, Sli, SloSettings, SourceSettings};
use watchfire::domain::{Events, Facts, Observation, Reading, Rule, Severity, SourceName, Window};
use watchfire::source::prometheus::KIND;
use watchfire::source::{Ask, Source};

use crate::history::{create_blocks, start, this_minute};
use crate::server::{Server, encoded, get};

/// Values that a label may well have, and that mean something in a regular expression or a string.
const HOSTILE: [&str; 16] = [
    "plain",
    "plain2",
    "a.b",
    "axb",
    "a|b",
    "(a)[b]{c}",
    "^$*+?",
    r"back\slash",
    r"\d+",
    "quo\"te",
    "apo'strophe`tick",
    "new\nline",
    "#hash",
    " spaces ",
    "ünï©ode λ 日本",
    "${window}",
];

/// The windows that are compared.
const WINDOWS: [Window; 4] = [
    Window::minutes(5),
    Window::minutes(30),
    Window::hours(1),
    Window::hours(2),
];

fn events(part: &str, total: &str) -> Sli {
    Sli::Events {
        part: Part::Bad(part.to_owned()),
        total: total.to_owned(),
    }
}

/// An SLO with rules of short windows.
pub(crate) fn slo(service: &str, name: &str, sli: Sli) -> SloSettings {
    let rule = |long, short| Rule {
        severity: Severity::Page,
        long,
        short,
        factor: 10.0,
    };
    SloSettings {
        service: service.to_owned(),
        name: name.to_owned(),
        objective: 0.99,
        period: "1d".parse().unwrap(),
        timezone: TimeZone::UTC,
        source: SourceName::new("prod"),
        sli,
        rules: [rule(WINDOWS[2], WINDOWS[0]), rule(WINDOWS[3], WINDOWS[1])].into(),
        min_bad_events: 0.0,
        absent_is_zero: false,
        by: Vec::new(),
        labels: BTreeMap::new(),
        description: String::new(),
    }
}

/// A source that measures these SLOs.
pub(crate) fn source(url: &str, slos: Vec<SloSettings>) -> Box<dyn Source> {
    let mut settings = Settings::empty();
    settings.slos = slos;
    settings.sources.push(SourceSettings {
        folder: None,
        name: SourceName::new("prod"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: Some(url.to_owned()),
            ..HttpSettings::default()
        },
        table: "discover = false\nalerts = false".parse().unwrap(),
    });
    let built = (KIND.build)(&settings.sources[0], &settings).unwrap();
    built.source
}

async fn polled(source: &mut dyn Source, at: i64) -> Facts {
    let at = Timestamp::from_second(at).unwrap();
    let ask = Ask {
        now: at,
        at: Some(at),
        history: false,
        since: None,
    };
    let facts = source.fetch(&ask).await.unwrap();
    assert_eq!(facts.fault, None);
    facts
}

/// Samples of one series, a minute apart, up to `end`: a line each.
fn series(text: &mut String, name: &str, end: i64, minutes: i64, value: impl Fn(i64) -> f64) {
    for minute in 0..minutes {
        let at = end - (minutes - 1 - minute) * 60;
        let _ = writeln!(text, "{name} {} {at}", value(minute));
    }
}

/// Three hours of two counters and a gauge a value.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn world(dir: &std::path::Path, end: i64) -> Server {
    let mut requests = String::from("# TYPE req counter\n");
    let mut up = String::from("# TYPE up gauge\n");
    let mut buckets = String::from("# TYPE dur histogram\n");
    for (index, value) in HOSTILE.iter().enumerate() {
        let s = escape_string(value);
        for (code, pods, each) in [
            ("200", 3, 0.1),
            ("500", if index == 3 { 0 } else { 2 }, 0.007),
        ] {
            for pod in 0..pods {
                let name = format!("req_total{{s=\"{s}\",pod=\"{pod}\",code=\"{code}\"}}");
                let step = each * (index + pod + 1) as f64;
                series(&mut requests, &name, end, 180, |minute| {
                    minute as f64 * step
                });
            }
        }
        let name = format!("up{{s=\"{s}\"}}");
        series(&mut up, &name, end, 180, |minute| {
            f64::from(u8::from(minute % (i64::try_from(index).unwrap() + 2) != 0))
        });
        // As Prometheus 2 and as Prometheus 3 spell a whole number.
        let le = if index % 2 == 0 { "1" } else { "1.0" };
        for (le, share) in [(le, 0.9), ("+Inf", 1.0)] {
            let name = format!("dur_bucket{{s=\"{s}\",le=\"{le}\"}}");
            series(&mut buckets, &name, end, 180, |minute| {
                minute as f64 * share
            });
        }
    }
    // Written as plain text of one type: what is compared is what is stored.
    let text = [requests, up, buckets].concat();
    let text: String =
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .fold(String::new(), |mut text, line| {
                let _ = writeln!(text, "{line}");
                text
            });
    create_blocks(dir, "world", &format!("{text}# EOF\n"));
    start(dir, "")
}

/// SLOs of several shapes for each value.
fn slos() -> Vec<SloSettings> {
    let mut slos = Vec::new();
    for (index, value) in HOSTILE.iter().chain(&["nobody", "nobody else"]).enumerate() {
        let s = escape_string(value);
        let service = format!("service-{index}");
        let of = |name: &str, sli| slo(&service, name, sli);
        let all = format!("req_total{{s=\"{s}\"}}");
        let bad = format!("req_total{{s=\"{s}\",code=~\"5..\"}}");
        slos.extend([
            of("events", events(&bad, &all)),
            of(
                "good",
                Sli::Events {
                    part: Part::Good(format!(
                        "sum(rate(req_total{{code!=\"500\", s=\"{s}\"}}[$window]))"
                    )),
                    total: format!("sum by (s) (rate(req_total{{ s = \"{s}\" }}[$window]))"),
                },
            ),
            of("up", Sli::Gauge(format!("up{{s=\"{s}\"}}"))),
            of(
                "slices",
                Sli::Slices {
                    of: Box::new(events(&bad, &all)),
                    width: Window::minutes(2),
                    target: Some(0.97),
                },
            ),
            of(
                "ratio",
                Sli::Ratio {
                    query: format!(
                        "(sum(rate({bad}[$window])) or vector(0)) / sum(rate({all}[$window]))"
                    ),
                    success: false,
                },
            ),
            of(
                "both",
                Sli::Weighted(vec![
                    (2.0, events(&bad, &all)),
                    (1.0, Sli::Gauge(format!("up{{s=\"{s}\"}}"))),
                ]),
            ),
        ]);
    }
    slos
}

/// The one number that a query gives by itself.
fn alone(server: &Server, query: &str, at: i64) -> Option<f64> {
    let address = server.url.trim_start_matches("http://");
    let query = encoded(query);
    let answer = get(address, &format!("/api/v1/query?time={at}&query={query}")).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["status"], "success", "{body:#}");
    let result = body["data"]["result"].as_array().unwrap();
    assert!(result.len() <= 1, "{body:#}");
    result.first()?["value"][1].as_str().unwrap().parse().ok()
}

/// Requests that the server has answered at this path.
fn requests(server: &Server, path: &str) -> u64 {
    let address = server.url.trim_start_matches("http://");
    let metrics = get(address, "/metrics").unwrap();
    let name = format!("prometheus_http_requests_total{{code=\"200\",handler=\"{path}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
    count.map_or(0, |count| count.trim().parse().unwrap())
}

/// Equal but for the last bits: what is added up here of the rows of an answer may be added up in
/// another order there.
fn is_alike(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-14 * expected.abs()
}

fn are_alike(found: Option<Events>, expected: Option<Events>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            is_alike(found.bad, expected.bad) && is_alike(found.total, expected.total)
        }
        (found, expected) => found == expected,
    }
}

/// What the windows must say, each question asked by itself.
fn assert_alone(server: &Server, found: &Observation, at: i64) -> usize {
    let mut compared = 0;
    for window in WINDOWS {
        let parts = |queries: &[(String, watchfire::text::Untrusted)]| -> Vec<Option<f64>> {
            let each = queries.iter().map(|(_, query)| {
                let query = query.raw().replace("[5m", &format!("[{window}"));
                alone(server, &query, at)
            });
            each.collect()
        };
        let answers = parts(&found.slo.queries);
        let sample = found.windows.get(window).expect("a window");
        let what = format!("{} {window}: {answers:?}", found.slo.id().raw());
        let ratio = |bad: Option<f64>, total: Option<f64>| Reading::from_events(bad, total);
        let expected = match (found.slo.name.raw(), answers.as_slice()) {
            ("good", &[good, total]) => {
                let bad = total.map(|total| (total - good.unwrap_or(0.0)).max(0.0));
                ratio(bad, total)
            }
            ("ratio", &[Some(given)]) => Reading::from_ratio(given),
            ("ratio", &[None]) => Reading::NoSeries,
            ("both", &[bad, total, down, all]) => {
                Reading::mean([(2.0, ratio(bad, total)), (1.0, ratio(down, all))])
            }
            (_, &[bad, total]) => {
                let events = total.map(|total| Events {
                    bad: bad.unwrap_or(0.0),
                    total,
                });
                assert!(are_alike(sample.events, events), "{what}: {sample:?}");
                ratio(bad, total)
            }
            other => panic!("{other:?}"),
        };
        match (sample.reading.ratio(), expected.ratio()) {
            (Some(found), Some(expected)) => assert!(is_alike(found, expected), "{what}: {found}"),
            _ => assert_eq!(sample.reading, expected, "{what}"),
        }
        compared += usize::from(sample.reading.ratio().is_some());
    }
    compared
}

#[tokio::test]
async fn what_is_asked_as_one_is_what_is_answered_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let server = world(dir.path(), end);
    let before = requests(&server, "/api/v1/query");
    let facts = polled(source(&server.url, slos()).as_mut(), end).await;
    let sent = requests(&server, "/api/v1/query") - before;
    let found = facts.slos.unwrap();
    let compared: usize = found
        .iter()
        .map(|one| assert_alone(&server, one, end))
        .sum();
    assert_eq!(found.len(), 18 * 6);
    // Every value of every shape has numbers; only the two that nobody serves have none.
    assert_eq!(compared, 16 * 6 * 4);
    assert!(sent <= 24, "{sent} requests for {} SLOs", found.len());
    let silent = found
        .iter()
        .filter(|one| one.slo.service.raw() == "service-16");
    for one in silent {
        assert_eq!(
            one.reading(WINDOWS[0]),
            Reading::NoSeries,
            "{}",
            one.slo.id().raw()
        );
    }
}

#[tokio::test]
async fn a_bucket_is_found_however_the_server_spells_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let server = world(dir.path(), end);
    let all = HOSTILE.iter().enumerate().flat_map(|(index, value)| {
        let s = escape_string(value);
        ["1", "1.0"].map(|le| {
            let sli = Sli::Events {
                part: Part::Good(format!("dur_bucket{{s=\"{s}\",le=\"{le}\"}}")),
                total: format!("dur_bucket{{s=\"{s}\",le=\"+Inf\"}}"),
            };
            slo(&format!("service-{index}"), &format!("latency{le}"), sli)
        })
    });
    let facts = polled(source(&server.url, all.collect()).as_mut(), end).await;
    for one in facts.slos.unwrap() {
        let ratio = one.reading(WINDOWS[2]).ratio();
        let id = one.slo.id();
        let ratio = ratio.unwrap_or_else(|| panic!("{}", id.raw()));
        assert!((ratio - 0.1).abs() < 1e-9, "{}: {ratio}", id.raw());
    }
}

#[tokio::test]
async fn an_slo_by_labels_is_one_of_each_group_that_has_traffic() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let server = world(dir.path(), end);
    let by = SloSettings {
        by: vec!["s".to_owned(), "pod".to_owned()],
        ..slo(
            "shop",
            "availability",
            events("req_total{code=\"500\"}", "req_total{pod!=\"1\"}"),
        )
    };
    let before = requests(&server, "/api/v1/query");
    let facts = polled(source(&server.url, vec![by]).as_mut(), end).await;
    let sent = requests(&server, "/api/v1/query") - before;
    assert_eq!(facts.warnings, []);
    let found = facts.slos.unwrap();
    assert_eq!(found.len(), HOSTILE.len() * 2, "each value by pods 0 and 2");
    assert!(sent <= 10, "{sent} requests");
    for value in HOSTILE {
        let name = format!("availability{{s={value},pod=0}}");
        let one = found.iter().find(|one| one.slo.name.raw() == name);
        let one = one.unwrap_or_else(|| panic!("{name}"));
        let (_, total) = &one.slo.queries[1];
        let sample = one.windows.get(WINDOWS[0]).unwrap();
        let expected = alone(&server, total.raw(), end).unwrap();
        assert_eq!(
            sample.events.unwrap().total.to_bits(),
            expected.to_bits(),
            "{name}"
        );
        assert!(sample.reading.ratio().is_some(), "{name}");
    }
}

#[tokio::test]
async fn data_that_is_younger_than_the_period_is_known_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let mut text = String::new();
    for (name, days) in [("old", 40), ("late", 9)] {
        for hour in 0..days * 24 {
            for minute in [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56] {
                let at = end - (days * 24 - hour) * 3_600 + (minute + 4) * 60;
                let _ = writeln!(text, "req_total{{s=\"{name}\"}} {hour} {at}");
            }
        }
    }
    series(&mut text, "req_total{s=\"newborn\"}", end, 120, |_| 5.0);
    create_blocks(dir.path(), "ages", &format!("{text}# EOF\n"));
    let server = start(dir.path(), "");
    let each = ["old", "late", "newborn", "nobody"].map(|name| {
        let all = format!("req_total{{s=\"{name}\"}}");
        let mut slo = slo(name, "availability", events(&all, &all));
        slo.period = "30d".parse().unwrap();
        slo
    });
    let parts = ["old", "late"].map(|name| {
        let all = format!("req_total{{s=\"{name}\"}}");
        (1.0, events(&all, &all))
    });
    let mut mean = slo("mean", "availability", Sli::Weighted(parts.to_vec()));
    mean.period = "30d".parse().unwrap();
    let each = [&each[..], &[mean]].concat();
    let facts = polled(source(&server.url, each.clone()).as_mut(), end).await;
    let found = facts.slos.unwrap();
    let age = |index: usize| {
        let since = found[index].since?;
        Some(since.duration_until(found[index].at).as_mins())
    };
    let shortfall = |index: usize| found[index].shortfall().is_some();
    let hours = |minutes: Option<i64>| minutes.map(|minutes| minutes / 60);
    // A hundredth of the period may be empty at its beginning: there, nobody searches on.
    assert!(
        hours(age(0)) >= Some(30 * 24 * 99 / 100) && !shortfall(0),
        "{:?}",
        age(0)
    );
    assert!(
        hours(age(1)) >= Some(9 * 24 - 5) && hours(age(1)) <= Some(9 * 24) && shortfall(1),
        "{:?}",
        age(1)
    );
    assert!(
        age(2) >= Some(115) && age(2) <= Some(120) && shortfall(2),
        "{:?}",
        age(2)
    );
    assert_eq!(age(3), None, "nothing is said where there is nothing");
    // A mean is whole for as long as all of its parts are.
    assert_eq!(hours(age(4)), hours(age(1)));
    // Nine days ago there was only the oldest.
    let then = end - 20 * 86_400;
    let facts = polled(source(&server.url, each).as_mut(), then).await;
    let found = facts.slos.unwrap();
    let since = found[0].since.unwrap();
    let days = since.duration_until(found[0].at).as_hours() / 24;
    assert!((19..=20).contains(&days), "{days}");
    assert_eq!(found[1].since, None);
}
