//! `explain` against a real Prometheus whose past is known.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::history::{self, Service, service, this_minute};
use crate::program::watchfire;
use crate::schema;
use crate::server::{Server, encoded, get};

/// A Prometheus with these services, an SLO of each, and when its history ends.
struct World {
    dir: TempDir,
    server: Server,
    end: i64,
}

const HEAD: &str = "discover = false\nalerts = false\n";

impl World {
    fn start(names: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let end = this_minute();
        let services: Vec<&Service> = names.iter().map(|name| service(name)).collect();
        let server = history::prometheus(dir.path(), &services, "", end);
        let world = Self { dir, server, end };
        let slos: Vec<_> = names.iter().map(|name| availability(name, "30d")).collect();
        world.configure(&slos.join("\n"));
        world
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn configure(&self, slos: &str) {
        let url = &self.server.url;
        let text = format!(
            "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n{HEAD}{slos}"
        );
        std::fs::write(self.path().join("watchfire.toml"), text).expect("the configuration");
    }

    fn run(&self, slo: &str, more: &[&str]) -> (i32, String, String) {
        let at = self.end.to_string();
        let args = ["explain", slo, "--config", "watchfire.toml", "--at", &at];
        let run = watchfire(self.path(), &[&args, more].concat());
        (run.exit, run.stdout, run.stderr)
    }

    fn json(&self, slo: &str) -> Value {
        let (exit, stdout, stderr) = self.run(slo, &["--format", "json"]);
        assert_eq!((exit, stderr.as_str()), (0, ""), "{stdout}");
        let explained = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(schema::faults("explain", &explained), [""; 0]);
        explained
    }

    /// What the server itself answers to a query that was printed.
    fn ask(&self, query: &str) -> Option<f64> {
        let address = self.server.url.trim_start_matches("http://");
        let path = format!("/api/v1/query?time={}&query={}", self.end, encoded(query));
        let answer = get(address, &path)?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

fn availability(name: &str, period: &str) -> String {
    format!(
        "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = 99.0\n\
         period = \"{period}\"\ntotal = 'http_requests_total{{service=\"{name}\"}}'\n\
         bad = 'http_requests_total{{service=\"{name}\",code=~\"5..\"}}'\n"
    )
}

fn window<'a>(explained: &'a Value, name: &str) -> &'a Value {
    let windows = explained["windows"].as_array().expect("windows");
    let found = windows.iter().find(|window| window["window"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {windows:#?}"))
}

fn assert_close(found: &Value, truth: f64, what: &str) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found}"));
    let off = (found - truth).abs() / truth.abs().max(1e-12);
    assert!(off <= 1e-6, "{what}: {found} for {truth}");
}

#[test]
fn every_number_is_explained_and_the_queries_that_are_printed_give_it() {
    let world = World::start(&["burning", "steady"]);
    let burning = world.json("burning/availability");
    assert_eq!(burning["schema"], "watchfire/explain/v1");
    assert_eq!(
        (&burning["state"], &burning["phase"]),
        (&"page".into(), &"burning".into())
    );
    let because = burning["because"][0].as_str().expect("a reason");
    assert!(
        because.starts_with("the page rule fires: 1h burns") && because.contains("above 14.4x"),
        "{because}"
    );
    for name in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
        let window = window(&burning, name);
        let query = |part: &str| {
            let queries = window["queries"].as_array().expect("queries");
            let named = format!("{part} {name}");
            let query = queries.iter().find(|query| query["name"] == named.as_str());
            query.expect("it")["query"]
                .as_str()
                .expect("text")
                .to_owned()
        };
        let total = world.ask(&query("total")).expect("a total");
        let bad = world.ask(&query("bad")).unwrap_or(0.0);
        assert_close(&window["total"], total, name);
        assert_close(&window["bad"], bad, name);
        assert_close(&window["good"], total - bad, name);
        assert_close(&window["error_ratio"], bad / total, name);
        assert_close(&window["burn_rate"], bad / total / 0.01, name);
        assert_eq!(window["basis"], "computed");
    }
    let hour = window(&burning, "1h");
    // Two series, a sample a minute.
    assert_eq!(
        (&hour["series"], &hour["expected_samples"]),
        (&2.0.into(), &60.0.into())
    );
    let counted = world.ask("sum(count_over_time(http_requests_total{service=\"burning\"}[1h]))");
    assert_close(&hour["samples"], counted.expect("a count"), "samples");
    assert_eq!(burning["data"]["sampled_every_s"], 60.0);
    assert_eq!(burning["data"]["newest_sample_age_s"], 0);
    // The history is longer than the period.
    assert_eq!(window(&burning, "30d")["is_estimate"], false);
    let left = burning["budget"]["remaining"].as_f64().expect("a budget");
    let formula = burning["budget"]["remaining_formula"]
        .as_str()
        .expect("a formula");
    assert!(
        formula.starts_with("1 - ") && formula.contains("/ (1 - 0.99) = "),
        "{formula}"
    );
    let told: f64 = formula
        .rsplit(' ')
        .next()
        .expect("a number")
        .parse()
        .expect("one");
    assert!((told - left).abs() < 1e-5, "{told} for {left}");

    let (exit, text, _) = world.run("burn", &[]);
    assert_eq!(exit, 0);
    let queries: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("sum(increase("))
        .collect();
    assert_eq!(queries.len(), 16, "{text}");
    assert!(queries.iter().all(|query| query.ends_with("]))")), "{text}");
}

#[test]
fn short_data_gaps_and_silence_are_said_and_never_hidden() {
    let world = World::start(&["newborn", "gaps", "retired", "never"]);
    let newborn = world.json("newborn");
    let period = window(&newborn, "30d");
    assert_eq!(period["is_estimate"], true, "{period:#}");
    let data = period["data_s"].as_i64().expect("seconds");
    assert!((7_000..7_600).contains(&data), "two hours: {data}");
    let estimates = newborn["estimates"].to_string();
    assert!(
        estimates.contains("asks for 30d, the oldest sample is "),
        "{estimates}"
    );
    assert_eq!(window(&newborn, "1h")["is_estimate"], false);

    let gaps = world.json("gaps");
    let gap = gaps["data"]["longest_gap"]["length_s"]
        .as_i64()
        .expect("a gap");
    assert!((1_000..1_500).contains(&gap), "twenty minutes: {gap}");
    let steady = world.json("never");
    assert_eq!(steady["data"]["longest_gap"], Value::Null);
    // It never failed: no bad series is none bad, and not unknown. It might be a mistake as well.
    let estimates = steady["estimates"].to_string();
    assert!(estimates.contains("no bad series exists"), "{estimates}");
    let estimates = newborn["estimates"].to_string();
    assert!(!estimates.contains("no bad series exists"), "{estimates}");
    assert_eq!(window(&steady, "1h")["bad"], 0.0);

    let retired = world.json("retired");
    assert_eq!(retired["state"], "no_data");
    assert_eq!(window(&retired, "5m")["error_ratio"], Value::Null);
    assert_eq!(window(&retired, "5m")["reading"], "no_series");
    assert_eq!(window(&retired, "5m")["samples"], 0.0);
    let because = retired["because"][0].as_str().expect("a reason");
    assert!(because.contains("no series in 5m"), "{because}");
}

#[test]
fn a_calendar_period_tells_its_bounds_and_the_rate_to_be_held() {
    let world = World::start(&["steady"]);
    world.configure(&availability("steady", "month"));
    let steady = world.json("steady");
    let period = &steady["period"];
    assert_eq!(
        (&period["kind"], &period["zone"]),
        (&"calendar".into(), &"UTC".into())
    );
    let start = period["start"].as_str().expect("a start");
    assert!(start.contains("-01T00:00:00"), "{start}");
    let (length, elapsed) = (&period["length_s"], &period["elapsed_s"]);
    let share = elapsed.as_f64().expect("seconds") / length.as_f64().expect("seconds");
    let burn = window(&steady, "month")["burn_rate"]
        .as_f64()
        .expect("a burn");
    let held = (1.0 - burn * share) / (1.0 - share);
    assert_close(
        &steady["budget"]["hold_burn_rate"],
        held,
        "the rate to be held",
    );
}

#[test]
fn a_page_that_is_held_back_says_how_many_events_it_waits_for() {
    let world = World::start(&["steady"]);
    // A service that is asked four times an hour, and failed twice within the last minutes.
    let end = world.end;
    let mut text = String::from("# TYPE quiet counter\n");
    for (code, at_fault) in [("200", false), ("500", true)] {
        for minute in (0..=600_i64).rev() {
            let hits = if at_fault {
                i64::from(minute < 4) + i64::from(minute < 2)
            } else {
                (600 - minute) / 15
            };
            let at = end - minute * 60;
            let _ = writeln!(text, "quiet_total{{code=\"{code}\"}} {hits} {at}");
        }
    }
    text.push_str("# EOF\n");
    let dir = tempfile::tempdir().expect("a folder");
    history::create_blocks(dir.path(), "quiet", &text);
    let world = World {
        server: history::start(dir.path(), ""),
        dir,
        end,
    };
    world.configure(
        "[[slo]]\nservice = \"quiet\"\nname = \"up\"\nobjective = 99.0\n\
         total = 'quiet_total'\nbad = 'quiet_total{code=\"500\"}'\n",
    );
    let quiet = world.json("quiet");
    let rule = &quiet["rules"][0];
    assert_eq!(rule["firing"], false, "{rule:#}");
    assert_eq!(rule["held_back"]["bad"], 2.0, "{rule:#}");
    assert_eq!(rule["held_back"]["needed"], 3.0);
    let because = quiet["because"].to_string();
    assert!(
        because.contains("2 of 3 bad events were seen in 1h"),
        "{because}"
    );
}

#[test]
fn what_is_not_there_brings_the_nearest_names_and_exits_with_3() {
    let mut world = World::start(&["steady", "slow"]);
    let (exit, stdout, stderr) = world.run("staedy/availability", &[]);
    assert_eq!((exit, stdout.as_str()), (3, ""));
    assert!(
        stderr.contains(
            "no SLO is named `staedy/availability`; the nearest are:\n  steady/availability"
        ),
        "{stderr}"
    );
    let (exit, stdout, stderr) = world.run("s", &[]);
    assert_eq!((exit, stdout.as_str()), (3, ""));
    assert!(stderr.contains("  slow/availability\n"), "{stderr}");
    world.server.kill();
    let (exit, stdout, stderr) = world.run("steady/availability", &[]);
    assert_eq!((exit, stdout.as_str()), (3, ""));
    assert!(
        stderr.contains("steady/availability: prod: connection refused"),
        "{stderr}"
    );
}

#[test]
fn the_plan_of_one_slo_is_its_share_of_what_a_refresh_sends() {
    let world = World::start(&["steady", "burning"]);
    let id = "steady/availability";
    let explained = world.json(id);
    let requests = explained["requests"].as_array().expect("requests");
    assert!(!requests.is_empty(), "{explained:#}");
    for request in requests {
        let serves = request["serves"].as_array().expect("ids");
        assert!(serves.iter().any(|one| one == id), "{request:#}");
        assert_eq!(serves.len(), 2, "SLOs of one shape share a request");
    }
    let (exit, plan, _) = world.run(id, &["--plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!((exit, schema::faults("plan", &plan)), (0, Vec::new()));
    let (exit, printed, _) = world.run(id, &["--plan"]);
    assert_eq!(exit, 0, "{printed}");
    for request in requests {
        let query = request["query"].as_str().expect("a query");
        assert!(printed.lines().any(|line| line == query), "{printed}");
    }
    // Every window and the period is served by one of them.
    let what: Vec<_> = requests.iter().map(|request| &request["what"]).collect();
    let all = what.iter().filter_map(|what| what.as_str());
    let all = all.collect::<Vec<_>>().join(", ");
    for part in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "the period"] {
        assert!(all.split(", ").any(|one| one == part), "{part} in {all}");
    }
}
