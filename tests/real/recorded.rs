//! The rules that `watchfire rules` writes, in a real Prometheus: they record the numbers that would
//! be asked for, and are read instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::history::{SERVICES, prometheus, start, this_minute};
use crate::program::{slo, status, watchfire};
use crate::prometheus::{STATES, assert_close, by_hand};
use crate::server::{Server, encoded, get};

const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];

/// Writes `config` with its SLOs on `url`, and prints their rules.
fn rules_of(dir: &Path, config: &str) -> String {
    let run = watchfire(dir, &["rules", "--config", config]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    // Long windows are recorded every three minutes: a test need not wait for these.
    run.stdout.replace("interval: 3m", "interval: 1s")
}

/// What Prometheus itself says to a query that one series answers.
fn ask(server: &Server, query: &str, at: Option<&str>) -> Option<f64> {
    let address = server.url.trim_start_matches("http://");
    let query = encoded(query);
    let time = at.map_or(String::new(), |at| format!("&time={at}"));
    let answer = get(address, &format!("/api/v1/query?query={query}{time}"))?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    let result = body["data"]["result"].as_array()?;
    assert!(result.len() < 2, "{query}: {body:#}");
    result.first()?["value"][1].as_str()?.parse().ok()
}

/// How many instant queries the server has answered, as it counts them itself.
fn queries(server: &Server) -> u64 {
    let address = server.url.trim_start_matches("http://");
    let metrics = get(address, "/metrics").expect("its own metrics");
    let counted = metrics.lines().filter_map(|line| {
        let line = line.strip_prefix("prometheus_http_requests_total{")?;
        let (labels, count) = line.split_once("} ")?;
        labels
            .contains("handler=\"/api/v1/query\"")
            .then(|| count.parse::<u64>().expect("a count"))
    });
    counted.sum()
}

fn notes(slo: &Value) -> String {
    slo["notes"].to_string()
}

/// Asks until every SLO is read from its records as a whole.
fn until_read(dir: &Path, args: &[&str], slos: &[&str]) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (_, found) = status(dir, args);
        let is_read = |id: &&str| {
            let slo = slo(&found, id);
            notes(slo).contains("every window is counted")
                && WINDOWS
                    .iter()
                    .all(|window| !slo["error_ratio"][window].is_null())
        };
        if slos.iter().all(is_read) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:#}");
    }
}

/// Services that have events in every window.
fn busy() -> Vec<String> {
    let states = STATES.iter().filter(|(_, state)| *state != "no_data");
    states
        .map(|(name, _)| format!("{name}/availability"))
        .collect()
}

#[test]
fn recorded_slos_have_the_numbers_and_states_of_the_raw_queries_at_fewer_queries() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let mut server = prometheus(dir.path(), &SERVICES.iter().collect::<Vec<_>>(), "", end);
    by_hand(dir.path(), &server.url);
    let rules = rules_of(dir.path(), "watchfire.toml");
    let args = ["--config", "watchfire.toml"];
    let before = queries(&server);
    let (raw_exit, _) = status(dir.path(), &args);
    let asked = queries(&server) - before;
    server.kill();

    let server = start(dir.path(), &rules);
    by_hand(dir.path(), &server.url);
    let ids = busy();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    until_read(dir.path(), &args, &ids);
    let before = queries(&server);
    let (exit, read) = status(dir.path(), &args);
    let reading = queries(&server) - before;
    // Time goes on: what is asked now is what the records have to be held against.
    let config = std::fs::read_to_string(dir.path().join("watchfire.toml")).expect("a file");
    let config = config.replacen("[[slo]]", "discover = false\n[[slo]]", 1);
    std::fs::write(dir.path().join("raw.toml"), config).expect("a file");
    let (_, raw) = status(dir.path(), &["--config", "raw.toml"]);
    assert!(reading < asked, "{reading} queries instead of {asked}");

    assert_eq!(
        (exit, read["slos"].as_array().map(Vec::len)),
        (raw_exit, Some(SERVICES.len()))
    );
    for (name, state) in STATES {
        let id = format!("{name}/availability");
        let (raw, read) = (slo(&raw, &id), slo(&read, &id));
        assert_eq!(
            (&raw["state"], &read["state"]),
            (&json!(state), &json!(state)),
            "{read:#}"
        );
        assert_eq!(read["origin"], "config");
        for window in WINDOWS {
            let what = format!("{id} {window}");
            match raw["error_ratio"][window].as_f64() {
                Some(truth) => assert_close(&read["error_ratio"][window], truth, 2e-2, &what),
                None => assert!(read["error_ratio"][window].is_null(), "{what}: {read:#}"),
            }
        }
    }

    // The counts are those that the raw query gives at the moment of the record, to the last digits.
    for name in ["steady", "burning", "churn", "resets", "gaps", "never"] {
        for window in WINDOWS {
            let own = format!("{{sloth_service=\"{name}\"}}");
            let record = format!("slo:sli_total:increase{window}{own}");
            let at = ask(&server, &format!("timestamp({record})"), None).expect("a record");
            let at = format!("{at:.3}");
            let raw = |code: &str| {
                let selector = format!("http_requests_total{{service=\"{name}\"{code}}}");
                ask(
                    &server,
                    &format!("sum(increase({selector}[{window}]))"),
                    Some(&at),
                )
            };
            let recorded =
                |record: &str| json!(ask(&server, &format!("{record}{window}{own}"), Some(&at)));
            let total = raw("").expect("events");
            assert_close(&recorded("slo:sli_total:increase"), total, 1e-9, &record);
            let bad = raw(",code=~\"5..\"").unwrap_or(0.0);
            assert_close(&recorded("slo:sli_bad:increase"), bad, 1e-9, &record);
            let ratio = recorded("slo:sli_error:ratio_rate");
            assert_close(&ratio, bad / total, 1e-9, &record);
        }
    }

    // Before the rules were there, everything is asked as ever.
    let (_, then) = status(
        dir.path(),
        &[&args[..], &["--at", &end.to_string()]].concat(),
    );
    let steady = slo(&then, "steady/availability");
    assert_close(&steady["error_ratio"]["30d"], 1.0 / 120.0, 1e-6, "before");
    assert_eq!(steady["notes"].to_string().matches("recorded").count(), 0);
}

#[test]
fn a_definition_that_was_changed_since_is_asked_and_not_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services: Vec<_> = SERVICES.iter().filter(|it| it.name == "steady").collect();
    let mut server = prometheus(dir.path(), &services, "", end);
    let config = |bad: &str, url: &str| {
        format!(
            "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n[[slo]]\n\
             service = \"steady\"\nname = \"availability\"\nobjective = 99.0\n\
             total = 'http_requests_total{{service=\"steady\"}}'\n\
             bad = 'http_requests_total{{service=\"steady\",code=~\"{bad}\"}}'\n"
        )
    };
    let write = |bad: &str, url: &str| {
        std::fs::write(dir.path().join("watchfire.toml"), config(bad, url)).expect("a file");
    };
    write("5..", &server.url);
    let rules = rules_of(dir.path(), "watchfire.toml");
    server.kill();
    let server = start(dir.path(), &rules);
    write("5..", &server.url);
    let args = ["--config", "watchfire.toml"];
    until_read(dir.path(), &args, &["steady/availability"]);
    // The other definition counts other events: the good ones.
    write("2..", &server.url);
    let (_, found) = status(dir.path(), &args);
    assert_eq!(found["slos"].as_array().map(Vec::len), Some(1), "{found:#}");
    let changed = slo(&found, "steady/availability");
    assert_close(&changed["error_ratio"]["1h"], 119.0 / 120.0, 1e-6, "asked");
    assert!(notes(changed).contains("another definition"), "{changed:#}");
}

#[test]
fn without_a_configuration_recorded_slos_are_found_as_what_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services: Vec<_> = SERVICES.iter().collect();
    let mut server = prometheus(dir.path(), &services, "", end);
    by_hand(dir.path(), &server.url);
    let rules = rules_of(dir.path(), "watchfire.toml");
    server.kill();
    let server = start(dir.path(), &rules);
    let args = ["--prometheus", &server.url];
    let deadline = Instant::now() + Duration::from_mins(1);
    let ids = busy();
    let found = loop {
        let (_, found) = status(dir.path(), &args);
        let slos = found["slos"].as_array().expect("a list");
        let known = |id: &String| {
            let mine = slos.iter().find(|slo| slo["id"] == *id);
            mine.is_some_and(|slo| WINDOWS.iter().all(|it| !slo["error_ratio"][it].is_null()))
        };
        if slos.len() == SERVICES.len() && ids.iter().all(known) {
            break found;
        }
        assert!(Instant::now() < deadline, "{found:#}");
    };
    for (name, state) in STATES {
        let slo = slo(&found, &format!("{name}/availability"));
        assert_eq!(
            (&slo["origin"], &slo["state"]),
            (&json!("watchfire"), &json!(state)),
            "{slo:#}"
        );
    }
    let burning = slo(&found, "burning/availability");
    assert_eq!(burning["rules"][0]["factor"], 14.4);
    assert!(
        burning["events"]["1h"]["bad"]
            .as_f64()
            .is_some_and(|bad| bad > 100.0)
    );
    assert!(
        notes(burning).contains("every window is counted"),
        "{burning:#}"
    );
    // Weighted by traffic: the mean of the 5m ratios, which Sloth records, is another number.
    let past = slo(&found, "past/availability");
    let truth = crate::history::service("past")
        .error_ratio(2_592_000)
        .expect("events");
    assert_close(&past["error_ratio"]["30d"], truth, 1e-3, "past");

    let burns = "slo:current_burn_rate:ratio{sloth_service=\"steady\"}";
    while ask(&server, burns, None).is_none() {
        assert!(Instant::now() < deadline, "no {burns}");
    }
    let at = jiff::Timestamp::now().to_string();
    let (_, then) = status(dir.path(), &[&args[..], &["--at", &at]].concat());
    let burn = &slo(&then, "steady/availability")["burn_rate"]["5m"];
    let recorded = ask(&server, burns, Some(&at)).expect("a record");
    assert_close(burn, recorded, 1e-9, burns);
}

/// A configuration of SLOs in many ways to write them; none of its names is easy.
const MANY: &str = r#"
[[source]]
name = "prod"
kind = "prometheus"
url = "http://127.0.0.1:1"
[[source]]
name = "other"
kind = "prometheus"
url = "http://127.0.0.1:2"
[[slo]]
source = "prod"
service = "checkout"
name = "availability"
objective = 99.9
total = 'http_requests_total{service="checkout"}'
bad = 'http_requests_total{service="checkout",code=~"5..|429"}'
[[slo]]
source = "prod"
service = "search"
name = "latency"
objective = 99.0
period = "28d"
total = 'http_request_duration_seconds_count{service="search"}'
good = 'http_request_duration_seconds_bucket{service="search",le="0.25"}'
[[slo]]
source = "prod"
service = "cart"
name = "monthly"
objective = 99.5
period = "month"
total = 'sum(increase(http_requests_total{service="cart"}[$window]))'
good = 'sum(increase(http_requests_total{service="cart",code!~"5.."}[$window]))'
[[slo]]
source = "other"
service = 'no: "yes"\n# {{ .Values }} é 🔥'
name = "- &a *b %"
objective = 50
total = 'sum(rate(x_total{a="q\"\\"}[$window]))'
bad = 'sum(rate(x_total{a="q\"\\",code!~"2.."}[$window]))'
[[slo]]
source = "prod"
service = "a-b"
name = "c"
objective = 99
total = 'increase(t_total[$window])'
bad = 'increase(b_total[$window])'
[[slo]]
source = "prod"
service = "a"
name = "b-c"
objective = 99
total = 't_total'
bad = 'b_total'
"#;

/// Runs `promtool` in a folder.
fn promtool(dir: &Path, args: &[&str]) {
    let run = Command::new("promtool")
        .args(args)
        .current_dir(dir)
        .output();
    let run = run.expect("promtool, which `./test` installs");
    let said =
        String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success() && !said.contains("FAILED"),
        "{args:?}: {said}"
    );
}

#[test]
fn promtool_accepts_the_rules_and_their_unit_tests_pass() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("many.toml"), MANY).expect("a file");
    for (more, file) in [
        (&[][..], "watchfire.rules.yml"),
        (&["--tests"], "watchfire.tests.yml"),
    ] {
        let run = watchfire(
            dir.path(),
            &[&["rules", "--config", "many.toml"], more].concat(),
        );
        assert_eq!(run.exit, 0, "{}", run.stderr);
        assert!(
            run.stderr
                .contains("cart/monthly: no rule can look back to the start of the month")
        );
        std::fs::write(dir.path().join(file), run.stdout).expect("a file");
    }
    promtool(dir.path(), &["check", "rules", "watchfire.rules.yml"]);
    promtool(dir.path(), &["test", "rules", "watchfire.tests.yml"]);
    // Tests that cannot fail are worth nothing: without the alerts they do.
    let rules = std::fs::read_to_string(dir.path().join("watchfire.rules.yml")).expect("rules");
    let broken = rules.replace("> 14.4", "> 1e6").replace("> 6)", "> 1e6)");
    std::fs::write(dir.path().join("watchfire.rules.yml"), broken).expect("a file");
    let run = Command::new("promtool")
        .args(["test", "rules", "watchfire.tests.yml"])
        .current_dir(dir.path())
        .output();
    assert!(!run.expect("promtool").status.success());

    // Every SLO has an id of its own, in groups of its own.
    let mut ids = BTreeMap::<&str, usize>::new();
    for line in rules
        .lines()
        .filter_map(|line| line.strip_prefix("- name: "))
    {
        *ids.entry(line).or_default() += 1;
    }
    assert!(ids.values().all(|count| *count == 1), "{ids:#?}");
    assert!(ids.contains_key("\"sloth-slo-alerts-a/b-c\""), "{ids:#?}");

    let only = ["rules", "--config", "many.toml", "--source", "other"];
    let run = watchfire(dir.path(), &only);
    assert!(run.stdout.contains("x_total") && !run.stdout.contains("http_requests_total"));
    let only = ["rules", "--config", "many.toml", "--service", "nobody"];
    let run = watchfire(dir.path(), &only);
    assert_eq!((run.exit, run.stdout.as_str()), (3, ""));
    assert!(
        run.stderr.contains("no SLO of the configuration"),
        "{}",
        run.stderr
    );
}

#[test]
fn imported_slos_can_be_exported_as_rules() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import");
    for (file, is_tested) in [
        ("sloth/kubernetes-apiserver.yml", true),
        ("sloth/home-wifi.yml", true),
        ("pyrra/prometheus-http.yaml", true),
        ("pyrra/prometheus-probe-success.yaml", true),
        ("own/pyrra.yaml", true),
        // Slices of a minute over 28 days are more than promtool's tests read.
        ("own/openslo.yaml", false),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let path = fixtures.join(file);
        let config = format!(
            "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:1\"\n\
             [[slo_files]]\npath = \"{}\"\n",
            path.display()
        );
        std::fs::write(dir.path().join("watchfire.toml"), config).expect("a file");
        for (more, file) in [
            (&[][..], "watchfire.rules.yml"),
            (&["--tests"], "watchfire.tests.yml"),
        ] {
            let args = [&["rules", "--config", "watchfire.toml"], more].concat();
            let run = watchfire(dir.path(), &args);
            assert_eq!(run.exit, 0, "{}", run.stderr);
            std::fs::write(dir.path().join(file), run.stdout).expect("a file");
        }
        promtool(dir.path(), &["check", "rules", "watchfire.rules.yml"]);
        if is_tested {
            promtool(dir.path(), &["test", "rules", "watchfire.tests.yml"]);
        }
    }
}
