//! Incidents of many kinds in one real Prometheus, and the releases that `status --at` suspects.

use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watchfire::domain::Release;

use crate::history;
use crate::measure::Counters;
use crate::page::Page;
use crate::program::status;
use crate::random::Random;
use crate::server::Server;
use crate::story::{Kind, Story, story};

/// The seed that the stories begin with.
const SEED: u64 = 90_000;
/// Stories of each kind.
const EACH: u64 = 1;

#[expect(clippy::cast_precision_loss, reason = "a date and a small number")]
/// Stories in one server, each with services of its own by a label.
fn back_filled(dir: &Path, stories: &[Story]) -> Server {
    let mut text = String::from("# TYPE calls counter\n");
    for (number, story) in stories.iter().enumerate() {
        let mut random = Random::new(SEED + number as u64);
        for actor in story.actors.iter().filter(|actor| actor.measured) {
            let counters = Counters::scrape(actor, &mut random);
            for (code, is_bad) in [("200", false), ("500", true)] {
                for (minute, bad, total) in &counters.0 {
                    let at = story.now.as_second() as f64 + minute * 60.0;
                    let value = if is_bad { *bad } else { total - bad };
                    let name = &actor.name;
                    let _ = writeln!(
                        text,
                        "calls_total{{story=\"{number}\",service=\"{name}\",code=\"{code}\"}} {value} {at:.3}"
                    );
                }
            }
        }
    }
    text.push_str("# EOF\n");
    history::create_blocks(dir, "stories", &text);
    history::start(dir, "")
}

/// The release as a deploy service lists it.
fn listed(release: &Release) -> Value {
    json!({
        "id": release.id.raw(),
        "service": release.service.raw(),
        "version": release.version.raw(),
        "environment": release.environment.raw(),
        "status": release.status.word(),
        "started_at": release.started_at,
        "finished_at": release.finished_at,
    })
}

fn configure(dir: &Path, story: &Story, number: usize, (prometheus, deploys): (&str, &str)) {
    let mut text = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{prometheus}\"\n\
         discover = false\nalerts = false\n\
         [[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"{deploys}\"\nreleases = \".[]\"\n"
    );
    for actor in story.actors.iter().filter(|actor| actor.measured) {
        let (name, objective) = (&actor.name, story.objective * 100.0);
        let labels = format!("story=\"{number}\",service=\"{name}\"");
        let _ = write!(
            text,
            "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = {objective:.2}\n\
             source = \"prom\"\ntotal = 'calls_total{{{labels}}}'\nbad = 'calls_total{{{labels},code=\"500\"}}'\n"
        );
    }
    for service in &story.services {
        let _ = writeln!(
            text,
            "[[service]]\nname = \"{}\"\ndepends_on = {:?}",
            service.name, service.depends_on
        );
        if let Some(team) = &service.team {
            let _ = writeln!(text, "team = \"{team}\"");
        }
    }
    std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
}

#[test]
fn status_at_a_moment_names_the_release_behind_a_burn_and_accuses_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let since = Timestamp::from_second(history::this_minute()).expect("now");
    let since = since - SignedDuration::from_hours(24 * 13);
    let seeds = SEED..SEED + EACH;
    let stories: Vec<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| seeds.clone().map(move |seed| story(kind, seed, since)))
        .collect();
    let server = back_filled(dir.path(), &stories);
    let page = Page::serve("200 OK", "[]");
    let mut wrong = Vec::new();
    let (mut burning, mut missed, mut accused) = (0, 0, 0);
    for (number, story) in stories.iter().enumerate() {
        configure(dir.path(), story, number, (&server.url, &page.url));
        let releases: Vec<_> = story.releases.iter().map(listed).collect();
        page.set(&json!(releases).to_string());
        let at = story.now.to_string();
        let (_, said) = status(dir.path(), &["--config", "watchfire.toml", "--at", &at]);
        for (service, guilty) in &story.guilty {
            let slos = said["slos"].as_array().expect("SLOs");
            let slo = slos.iter().find(|slo| slo["service"] == service.as_str());
            let slo = slo.unwrap_or_else(|| panic!("{said:#}"));
            let suspects = slo["suspects"].as_array().expect("a list");
            if slo["state"] == "ok" {
                assert!(suspects.is_empty() && slo["onset"].is_null(), "{slo:#}");
                continue;
            }
            burning += 1;
            let first = suspects.first();
            let first = first.filter(|one| one["score"].as_f64().expect("a score") >= 0.5);
            let named = first.map(|one| one["release"].as_str().expect("an id"));
            if named != guilty.as_deref() {
                missed += u32::from(story.kind.is_explainable());
                accused += u32::from(!story.kind.is_explainable());
                wrong.push(format!(
                    "{:?} {service}: {named:?} for {guilty:?}, began {:?} min ago: {} {} {suspects:#?}",
                    story.kind, story.onset, slo["onset"], slo["unexplained"]
                ));
            }
        }
    }
    let wrong = wrong.join("\n");
    assert!(burning >= 12 * EACH, "only {burning} burn");
    // One in twenty may be; of so few stories that is one of each.
    assert!(
        missed <= 1 && accused <= 1,
        "{missed} {accused} of {burning}:\n{wrong}"
    );
}
