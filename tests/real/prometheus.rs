//! The numbers of `status` against a real Prometheus whose past is known.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watchfire::config::*;
use watchfire::domain::*;
use watchfire::source::{Ask, KINDS};

use crate::history::{SERVICES, prometheus, service, this_minute};

#[test]
fn trial() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let all: Vec<_> = SERVICES.iter().collect();
    let t = std::time::Instant::now();
    let server = prometheus(dir.path(), &all, "", end);
    eprintln!("backfill {:?}", t.elapsed());
    let mut settings = Settings::empty();
    settings.sources.push(SourceSettings {
        name: SourceName::new("prod"),
        kind: "prometheus".into(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_secs(300),
        http: HttpSettings {
            url: Some(server.url.clone()),
            ..Default::default()
        },
        table: toml::Table::new(),
    });
    for (index, s) in SERVICES.iter().enumerate() {
        settings.slos.push(SloSettings {
            index,
            service: s.name.into(),
            name: "availability".into(),
            objective: 0.99,
            period: "30d".parse().unwrap(),
            source: None,
            total: format!("http_requests_total{{service=\"{}\"}}", s.name),
            part: Part::Bad(format!(
                "http_requests_total{{service=\"{}\",code=~\"5..\"}}",
                s.name
            )),
        });
    }
    let kind = KINDS.iter().find(|k| k.name == "prometheus").unwrap();
    let mut built = (kind.build)(&settings.sources[0], &settings)
        .map_err(|p| format!("{p:?}"))
        .unwrap();
    let rt = tokio::runtime::Runtime::new().unwrap();
    let at = Timestamp::from_second(end).unwrap();
    let ask = Ask {
        now: at,
        at: Some(at),
        history: true,
    };
    let t = std::time::Instant::now();
    let facts = rt.block_on(built.source.fetch(&ask)).unwrap();
    eprintln!(
        "fetch {:?} {:?} {:?}",
        t.elapsed(),
        facts.warnings,
        facts.fault
    );
    for o in facts.slos.unwrap() {
        let a = o.assess();
        let s = service(o.slo.service.raw());
        eprintln!(
            "{} {:?} {:?} {:?} h{}",
            s.name,
            a.state,
            a.phase,
            a.budget_remaining,
            o.history.len()
        );
        for (w, sample) in o
            .windows
            .iter()
            .map(|(w, s)| (*w, *s))
            .chain([(Window::days(30), o.period.unwrap())])
        {
            let truth = s.error_ratio(i64::from(w.seconds()));
            let got = sample.reading.ratio();
            let rel = match (truth, got) {
                (Some(t), Some(g)) if t > 0.0 => (g / t - 1.0).abs(),
                (Some(_), Some(g)) => g,
                (None, None) => 0.0,
                _ => 9.0,
            };
            if rel > 1e-9 {
                eprintln!("   {w}: {truth:?} {:?} {rel:e}", sample.reading);
            }
        }
    }
}

#[test]
fn trial_rules() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute();
    let all: Vec<_> = SERVICES.iter().collect();
    let mut rules = String::from("groups:\n");
    for s in SERVICES {
        rules += &crate::rules::sloth(s.name);
        rules += &crate::rules::pyrra(s.name, s.name.len() % 2 == 0);
    }
    let server = prometheus(dir.path(), &all, &rules, end);
    let mut settings = Settings::empty();
    settings.sources.push(SourceSettings {
        name: SourceName::new("prod"),
        kind: "prometheus".into(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_secs(300),
        http: HttpSettings {
            url: Some(server.url.clone()),
            ..Default::default()
        },
        table: toml::Table::new(),
    });
    let kind = KINDS.iter().find(|k| k.name == "prometheus").unwrap();
    let mut built = (kind.build)(&settings.sources[0], &settings)
        .map_err(|p| format!("{p:?}"))
        .unwrap();
    let rt = tokio::runtime::Runtime::new().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(8));
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: true,
    };
    let facts = rt.block_on(built.source.fetch(&ask)).unwrap();
    eprintln!("{:?} {:?}", facts.warnings, facts.fault);
    for o in facts.slos.unwrap() {
        let a = o.assess();
        eprintln!(
            "{:?} {} {:?} {:?} {:?} h{}",
            o.slo.origin,
            o.slo.id().raw(),
            a.state,
            a.phase,
            a.budget_remaining,
            o.history.len()
        );
        let r: Vec<_> = o
            .windows
            .iter()
            .map(|(w, s)| format!("{w}={:?}", s.reading.ratio()))
            .collect();
        eprintln!("     {}", r.join(" "));
    }
}
