//! Every form of SLI against an independent reckoning from the known history; and what the rules of
//! each record against what is asked.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use watchfire::config::{HttpSettings, Part, Settings, Sli, SloSettings, SourceSettings};
use watchfire::domain::{Observation, Reading, Rule, SourceName, State, Window};
use watchfire::source::prometheus::record::{Choice, RuleFile};
use watchfire::source::{Ask, KINDS, Source};

use crate::history::{PLAIN, Service, backfill, samples, service, start, this_minute};
use crate::server::{Server, encoded, get};

const MINUTE: i64 = 60;
const SLICE: i64 = 5 * MINUTE;
/// How long the gauges have been there, in seconds.
const GAUGES: i64 = 3 * 86_400;

/// One request in ten minutes; the last two failed.
const QUIET: Service = Service {
    name: "quiet",
    traffic: |ago| {
        let failed = u64::from(ago < 20 * MINUTE);
        Some(if ago % (10 * MINUTE) == 0 {
            (1, failed)
        } else {
            (0, 0)
        })
    },
    ..PLAIN
};

/// True while a probe fails: a tenth of the time, and another instance each day.
fn probe_fails(ago: i64) -> bool {
    (ago / MINUTE) % 10 == 3
}

/// Back-fills the services of the tests, gauges among them.
fn fill(dir: &Path, end: i64) {
    let services = [
        "steady", "burning", "slow", "never", "idle", "churn", "gaps", "resets", "retired",
        "newborn",
    ];
    let services: Vec<_> = services.map(service).into_iter().chain([&QUIET]).collect();
    let mut all = samples(&services, end);
    for ago in (0..GAUGES / MINUTE).rev().map(|minute| minute * MINUTE) {
        let (at, instance) = (end - ago, ago / 86_400);
        let value = u8::from(!probe_fails(ago));
        all.push((
            at,
            format!("probe_up{{instance=\"{instance}\"}} {value} {at}\n"),
        ));
        let value = if ago < 3_600 { "1" } else { "NaN" };
        all.push((at, format!("probe_broken {value} {at}\n")));
    }
    backfill(dir, all);
}

fn requests(service: &str, more: &str) -> String {
    format!("http_requests_total{{service=\"{service}\"{more}}}")
}

fn events(service: &str) -> Sli {
    Sli::Events {
        part: Part::Bad(requests(service, ",code=~\"5..\"")),
        total: requests(service, ""),
    }
}

fn slices(service: &str, target: Option<f64>) -> Sli {
    Sli::Slices {
        of: Box::new(events(service)),
        width: Window::minutes(5),
        target,
    }
}

fn slo(name: &str, sli: Sli) -> SloSettings {
    let period = "7d".parse().expect("a period");
    SloSettings {
        service: "forms".to_owned(),
        name: name.to_owned(),
        objective: 0.99,
        period,
        timezone: TimeZone::UTC,
        source: SourceName::new("prod"),
        sli,
        rules: Rule::workbook("30d".parse().expect("a period")),
        min_bad_events: 3.0,
        absent_is_zero: false,
        by: Vec::new(),
        labels: [("team".to_owned(), "shop \"a\"".to_owned())].into(),
        description: String::new(),
    }
}

/// A form, and its error ratio over so many seconds by the history alone; `None` without events.
struct Form {
    slo: SloSettings,
    truth: fn(i64) -> Option<f64>,
}

fn forms() -> Vec<Form> {
    let form = |name: &str, sli, truth| Form {
        slo: slo(name, sli),
        truth,
    };
    let ratio = |service: &str, success: bool| Sli::Ratio {
        query: format!(
            "sum(rate({}[$window])) / sum(rate({}[$window]))",
            requests(
                service,
                if success {
                    ",code!~\"5..\""
                } else {
                    ",code=~\"5..\""
                }
            ),
            requests(service, "")
        ),
        success,
    };
    let good = |service: &str| Sli::Events {
        part: Part::Good(requests(service, ",code!~\"5..\"")),
        total: requests(service, ""),
    };
    vec![
        form("good", good("slow"), |seconds| {
            service("slow").error_ratio(seconds)
        }),
        form("good-of-none", good("idle"), |_| None),
        form("churn", events("churn"), |seconds| {
            service("churn").error_ratio(seconds)
        }),
        form("resets", events("resets"), |seconds| {
            service("resets").error_ratio(seconds)
        }),
        form("gaps", good("gaps"), |seconds| {
            service("gaps").error_ratio(seconds)
        }),
        form("never", events("never"), |_| Some(0.0)),
        form("retired", events("retired"), |seconds| {
            service("retired").error_ratio(seconds)
        }),
        form("newborn", good("newborn"), |seconds| {
            service("newborn").error_ratio(seconds)
        }),
        form("gauge", Sli::Gauge("probe_up".to_owned()), |seconds| {
            Some(gauge(seconds))
        }),
        form("error-ratio", ratio("burning", false), |seconds| {
            service("burning").error_ratio(seconds)
        }),
        form("success-ratio", ratio("slow", true), |seconds| {
            service("slow").error_ratio(seconds)
        }),
        form("slices", slices("burning", Some(0.99)), |seconds| {
            let slices = slice_ratios(service("burning"), seconds);
            mean(slices.map(|ratio| if ratio > 0.01 { 1.0 } else { 0.0 }))
        }),
        form("slice-means", slices("slow", None), |seconds| {
            mean(slice_ratios(service("slow"), seconds))
        }),
        form("slices-of-none", slices("idle", Some(0.99)), |_| None),
        form(
            "mix",
            Sli::Weighted(vec![(0.7, events("steady")), (0.3, good("slow"))]),
            |seconds| {
                Some(
                    0.7 * service("steady").error_ratio(seconds)?
                        + 0.3 * service("slow").error_ratio(seconds)?,
                )
            },
        ),
        form(
            "mix-with-a-silent-part",
            Sli::Weighted(vec![
                (3.0, events("steady")),
                (1.0, events("idle")),
                (1.0, ratio("slow", false)),
            ]),
            |seconds| {
                Some(
                    (3.0 * service("steady").error_ratio(seconds)?
                        + service("slow").error_ratio(seconds)?)
                        / 4.0,
                )
            },
        ),
        form(
            "mix-with-a-missing-part",
            Sli::Weighted(vec![(1.0, events("steady")), (1.0, events("nobody"))]),
            |_| None,
        ),
    ]
}

/// Of the samples in a window, those at its start and its end among them.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn gauge(seconds: i64) -> f64 {
    let times = || (0..=seconds.min(GAUGES - MINUTE)).step_by(60);
    let bad = times().filter(|ago| probe_fails(*ago)).count();
    bad as f64 / times().count() as f64
}

/// The ratios of the slices that end in a window, its start and end among them.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn slice_ratios(service: &'static Service, seconds: i64) -> impl Iterator<Item = f64> {
    let slice = move |end: i64| {
        let minutes = (end..end + SLICE).step_by(60);
        let (bad, total) = minutes
            .filter_map(service.traffic)
            .fold((0, 0), |(bad, total), (all, failed)| {
                (bad + failed, total + all)
            });
        (total > 0).then(|| bad as f64 / total as f64)
    };
    (0..=seconds).step_by(300).filter_map(slice)
}

fn mean(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = ratios.fold((0.0, 0.0), |(sum, count), ratio| (sum + ratio, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn settings(url: &str, discover: bool, slos: Vec<SloSettings>) -> Settings {
    let mut settings = Settings::empty();
    let mut table = toml::Table::new();
    table.insert("discover".to_owned(), discover.into());
    table.insert("alerts".to_owned(), false.into());
    settings.sources.push(SourceSettings {
        name: SourceName::new("prod"),
        kind: "prometheus".to_owned(),
        index: 0,
        interval: jiff::SignedDuration::from_secs(15),
        stale_after: jiff::SignedDuration::from_mins(5),
        folder: None,
        http: HttpSettings {
            url: Some(url.to_owned()),
            ..HttpSettings::default()
        },
        table,
    });
    settings.slos = slos;
    settings
}

fn source(settings: &Settings) -> Box<dyn Source> {
    let kind = KINDS.iter().find(|kind| kind.name == "prometheus");
    let kind = kind.expect("the kind");
    match (kind.build)(&settings.sources[0], settings) {
        Ok(built) => built.source,
        Err(problem) => panic!("{problem:?}"),
    }
}

/// What a new source says of a moment.
fn observe(settings: &Settings, at: Timestamp) -> Vec<Observation> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ask = Ask {
        now: Timestamp::now(),
        at: Some(at),
        history: false,
        since: None,
    };
    let mut source = source(settings);
    let facts = runtime
        .expect("a runtime")
        .block_on(source.fetch(&ask))
        .expect("facts");
    // Rules that have only just been loaded, and a counter that is meant to be broken.
    let expected = ["rules", "its objective is not recorded", "forms/broken: "];
    let fault = facts.fault.filter(|fault| {
        let said = fault.message.raw();
        !expected.iter().any(|one| said.contains(one))
    });
    assert!(fault.is_none(), "{fault:?}");
    facts.slos.expect("SLOs")
}

fn found<'a>(all: &'a [Observation], name: &str) -> &'a Observation {
    let mut mine = all.iter().filter(|it| it.slo.name.raw() == name);
    let one = mine.next().unwrap_or_else(|| {
        let names: Vec<_> = all.iter().map(|it| it.slo.name.raw()).collect();
        panic!("no {name} in {names:?}")
    });
    assert!(mine.next().is_none(), "{name} is there twice");
    one
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn assert_reading(reading: Reading, truth: Option<f64>, tolerance: f64, what: &str) {
    match (reading, truth) {
        (Reading::Ratio(ratio), Some(truth)) => {
            let off = if truth == 0.0 {
                ratio
            } else {
                ratio / truth - 1.0
            };
            assert!(off.abs() <= tolerance, "{what}: {ratio} for {truth}");
        }
        (Reading::NoTraffic | Reading::NoSeries, None) => {}
        _ => panic!("{what}: {reading:?} for {truth:?}"),
    }
}

#[test]
fn every_form_of_sli_measures_what_the_history_says() {
    let dir = tempfile::tempdir().expect("a folder");
    // Slices begin where the clock shows whole five minutes.
    let end = this_minute() / SLICE * SLICE;
    fill(dir.path(), end);
    let server = start(dir.path(), "");
    let forms = forms();
    let slos = forms.iter().map(|form| form.slo.clone()).collect();
    let seen = observe(&settings(&server.url, false, slos), at(end));
    for form in &forms {
        let name = form.slo.name.as_str();
        let mine = found(&seen, name);
        let period = mine.period.expect("a period");
        for (window, sample) in mine.windows.iter().chain([(Window::days(7), period)]) {
            let truth = (form.truth)(i64::from(window.seconds()));
            // Older samples stand five minutes apart; restarts between them hide some events.
            let tolerance = if window > Window::days(3) { 1e-2 } else { 1e-6 };
            assert_reading(
                sample.reading,
                truth,
                tolerance,
                &format!("{name} {window}"),
            );
        }
    }
    let state = |name: &str| found(&seen, name).assess().state;
    assert_eq!(state("error-ratio"), State::Page);
    assert_eq!(state("slices"), State::Page);
    assert_eq!(state("never"), State::Ok);
    for silent in [
        "good-of-none",
        "slices-of-none",
        "mix-with-a-missing-part",
        "retired",
    ] {
        assert_eq!(state(silent), State::NoData, "{silent}");
    }
    // A gauge that is no number for a while is not known, and surely not good.
    let broken = vec![slo("broken", Sli::Gauge("probe_broken".to_owned()))];
    let seen = observe(&settings(&server.url, false, broken), at(end));
    let broken = found(&seen, "broken");
    assert_eq!(broken.reading(Window::minutes(5)), Reading::Ratio(0.0));
    assert_eq!(broken.reading(Window::hours(6)), Reading::Unknown);
    assert_eq!(broken.assess().state, State::Unknown);
}

/// The series that answer a query now: labels, and value.
fn ask(server: &Server, query: &str) -> Vec<(serde_json::Value, f64)> {
    let address = server.url.trim_start_matches("http://");
    let answer = get(address, &format!("/api/v1/query?query={}", encoded(query)));
    let answer = answer.expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let series = body["data"]["result"]
        .as_array()
        .unwrap_or_else(|| panic!("{body:#}"));
    let value = |one: &serde_json::Value| one["value"][1].as_str().and_then(|it| it.parse().ok());
    series
        .iter()
        .map(|one| (one["metric"].clone(), value(one).expect("a number")))
        .collect()
}

/// What was recorded at a moment is what is asked of that moment.
fn assert_same(read: &Observation, asked: &Observation, then: Timestamp) {
    let name = read.slo.name.raw();
    assert!(
        read.slo.notes.iter().any(|note| note.contains("recorded")),
        "{name}"
    );
    let spans = |it: &Observation| {
        let windows: Vec<_> = it.windows.values().collect();
        windows.into_iter().chain(it.period)
    };
    let mut compared = 0;
    for (read, asked) in spans(read).zip(spans(asked)) {
        if read.at != then {
            continue;
        }
        compared += 1;
        let what = format!("{name}: {read:?} {asked:?}");
        match asked.reading {
            Reading::Ratio(truth) => assert_reading(read.reading, Some(truth), 1e-9, &what),
            other => assert_eq!(read.reading, other, "{what}"),
        }
        if let (Some(read), Some(asked)) = (read.events, asked.events) {
            let close = |read: f64, asked: f64| (read - asked).abs() <= 1e-9 * asked.max(1.0);
            assert!(
                close(read.bad, asked.bad) && close(read.total, asked.total),
                "{what}"
            );
        } else {
            assert_eq!(read.events, asked.events, "{what}");
        }
    }
    // At least the windows of its group.
    assert!(compared >= 3, "{name}: {compared}");
    assert_eq!(read.assess().state, asked.assess().state, "{name}");
}

#[test]
fn rules_of_every_form_record_what_is_asked_without_them() {
    let dir = tempfile::tempdir().expect("a folder");
    fill(dir.path(), this_minute());
    let mut slos: Vec<_> = forms().into_iter().map(|form| form.slo).collect();
    // Two failures in an hour are too few for a page, unless it says so.
    slos.push(slo("held-back", events("quiet")));
    slos.push(SloSettings {
        min_bad_events: 2.0,
        ..slo("paged", events("quiet"))
    });
    let file = RuleFile::of(&settings("", true, slos.clone()), &Choice::default());
    // As rare as this machine can bear, and not three minutes.
    let rules = file.yaml().replace("  interval: 3m\n", "");
    let rules = rules.replace("  rules:\n", "  interval: 5s\n  rules:\n");
    let mut server = start(dir.path(), &rules);

    let deadline = Instant::now() + Duration::from_mins(2);
    let silent = [
        "good-of-none",
        "slices-of-none",
        "mix-with-a-missing-part",
        "retired",
    ];
    let spoken = slos
        .iter()
        .filter(|slo| !silent.contains(&slo.name.as_str()));
    let groups: Vec<_> = spoken.flat_map(|slo| [(slo, "5m"), (slo, "7d")]).collect();
    let newest = |(slo, window): (&SloSettings, &str)| loop {
        let record = format!(
            "slo:sli_error:ratio_rate{window}{{sloth_slo=\"{}\"}}",
            slo.name
        );
        if let [(_, seconds)] = ask(&server, &format!("timestamp({record})"))[..] {
            return seconds;
        }
        assert!(Instant::now() < deadline, "{record}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let recorded: Vec<_> = groups.iter().copied().map(newest).collect();
    // Once there is a newer one, all rules of a group are through with the first.
    for (group, recorded) in groups.iter().zip(&recorded) {
        while newest(*group) <= *recorded {
            assert!(Instant::now() < deadline, "{}", group.0.name);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    // The alerts that fire are the states, a page with too few bad events among them.
    let paging = |name: &str| {
        let query =
            format!("ALERTS{{alertstate=\"firing\",sloth_severity=\"page\",sloth_slo=\"{name}\"}}");
        ask(&server, &query).len() == 1
    };
    let now = observe(&settings(&server.url, true, slos.clone()), Timestamp::now());
    let pages = |slo: &SloSettings| found(&now, &slo.name).assess().state == State::Page;
    for slo in &slos {
        // An alert is raised a moment after what it is raised by is recorded.
        while pages(slo) && !paging(&slo.name) {
            assert!(Instant::now() < deadline, "no page for {}", slo.name);
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(paging(&slo.name), pages(slo), "{}", slo.name);
    }
    assert!(paging("paged"));
    let held = found(&now, "held-back").assess();
    assert!(
        held.rules.iter().any(|rule| rule.held_back.is_some()),
        "{held:?}"
    );
    assert!(!paging("held-back"));
    let labels = &ask(&server, "ALERTS{sloth_slo=\"paged\"}")[0].0;
    assert_eq!(labels["team"], "shop \"a\"");

    // The records stay when nobody evaluates any more.
    server.kill();
    let server = start(dir.path(), "");
    for ((slo, _), seconds) in groups.into_iter().zip(recorded) {
        let since_epoch = jiff::SignedDuration::try_from_secs_f64(seconds).expect("seconds");
        let then = since_epoch.round(jiff::Unit::Millisecond).expect("a time");
        let then = Timestamp::from_duration(then).expect("a time");
        let alone = |read| observe(&settings(&server.url, read, vec![slo.clone()]), then);
        let (read, asked) = (alone(true), alone(false));
        assert_same(found(&read, &slo.name), found(&asked, &slo.name), then);
    }
}

#[test]
fn groups_are_recorded_and_read_each_by_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services = ["steady", "burning", "never", "idle"].map(service);
    backfill(dir.path(), samples(&services, end));
    let all = Sli::Events {
        part: Part::Bad("http_requests_total{code=~\"5..\"}".to_owned()),
        total: "sum(increase(http_requests_total[$window]))".to_owned(),
    };
    let by = SloSettings {
        by: vec!["service".to_owned()],
        ..slo("by", all)
    };
    let file = RuleFile::of(&settings("", true, vec![by.clone()]), &Choice::default());
    assert_eq!(file.remarks, Vec::<String>::new());
    let rules = file.yaml().replace("interval: 3m", "interval: 1s");
    let server = start(dir.path(), &rules);

    let deadline = Instant::now() + Duration::from_mins(1);
    let is_read = |one: &Observation| {
        let notes = &one.slo.notes;
        notes
            .iter()
            .any(|note| note.contains("every window is counted"))
    };
    let read = loop {
        let read = observe(
            &settings(&server.url, true, vec![by.clone()]),
            Timestamp::now(),
        );
        if read.len() == 3 && read.iter().all(is_read) {
            break read;
        }
        assert!(Instant::now() < deadline, "{read:#?}");
    };
    let asked = observe(&settings(&server.url, false, vec![by]), Timestamp::now());
    // What tells the objective may be recorded a moment later than the ratios.
    let found_alone = loop {
        let found = observe(&settings(&server.url, true, Vec::new()), Timestamp::now());
        if found.len() >= services.len() {
            break found;
        }
        assert!(Instant::now() < deadline, "{found:#?}");
    };
    for (service, state) in [
        ("steady", State::Ok),
        ("burning", State::Page),
        ("never", State::Ok),
    ] {
        let name = format!("by{{service={service}}}");
        for seen in [&read, &asked, &found_alone] {
            let mine = found(seen, &name);
            assert_eq!(mine.assess().state, state, "{mine:#?}");
            let hour = mine.windows.get(Window::hours(1)).expect("an hour");
            let truth = crate::history::service(service).error_ratio(3_600);
            assert_reading(hour.reading, truth, 5e-2, &name);
            assert!(hour.events.is_some(), "{mine:#?}");
        }
    }
    // One without traffic is a group of the record, and none of the configuration.
    assert_eq!(
        found(&found_alone, "by{service=idle}").assess().state,
        State::NoData
    );
}
