//! The published policies that `docs/guide/policy.md` shows, each with its truth table.

use watchfire::domain::policy::Truth::{self, No, Unknown, Yes};
use watchfire::domain::{Incident, Severity};
use watchfire::insight::policy::{Change, Decision, ServiceFacts};

use super::world::{all, events, facts, incident, service, slo, with_budget};

/// The configuration below a heading of the guide.
fn shown(heading: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/policy.md");
    let page = std::fs::read_to_string(path).unwrap();
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let block = section.split("```toml\n").nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

fn decide(config: &str, services: Vec<ServiceFacts>, kind: Option<&str>) -> Decision {
    let change = Change {
        kind: kind.map(str::to_owned),
        // The version that the exceptions are for.
        version: kind.map(|_| "v2.31.1".to_owned()),
        ..Change::default()
    };
    facts(config, services).decide("checkout", &change)
}

/// An SLO whose last 28 days and the time before have so much of their budget left.
fn over_28_days(left: f64, before: f64) -> ServiceFacts {
    service(vec![slo("availability", "90d", move |step| {
        let left = if step < 28 * 288 { left } else { before };
        Some(events((1.0 - left) * 1.0, 1_000.0))
    })])
}

#[test]
fn googles_example_policy() {
    let config = shown("Google");
    let mut owner = service(vec![with_budget(-0.5)]);
    owner.name = "payments".to_owned();
    let behind = |left| ServiceFacts {
        depends_on: vec!["payments".to_owned()],
        ..over_28_days(left, 0.5)
    };
    for (services, kind, verdict) in [
        (vec![over_28_days(0.2, -5.0)], None, Yes),
        (vec![over_28_days(-0.1, 0.9)], None, No),
        (vec![over_28_days(-0.1, 0.9)], Some("p0"), Yes),
        (vec![over_28_days(-0.1, 0.9)], Some("security"), Yes),
        (vec![over_28_days(-0.1, 0.9)], Some("feature"), No),
        // Another team's service that froze itself is why.
        (vec![behind(-0.1), owner.clone()], None, Yes),
        (
            vec![
                behind(-0.1),
                ServiceFacts {
                    name: "payments".to_owned(),
                    ..over_28_days(0.5, 0.5)
                },
            ],
            None,
            No,
        ),
        (vec![behind(-0.1)], None, Unknown),
    ] {
        let decision = decide(&config, services, kind);
        assert_eq!(decision.verdict, verdict, "{kind:?} {decision:#?}");
    }
    // One incident that spends a fifth of four weeks' budget calls for a postmortem.
    let outage = 50 * 12..51 * 12;
    let one = service(vec![slo("availability", "90d", move |step| {
        Some(events(
            if outage.contains(&step) { 250.0 } else { 0.0 },
            1_000.0,
        ))
    })]);
    for (incidents, warnings) in [
        (vec![incident(Severity::Page, 51, Some(50))], 1),
        (vec![incident(Severity::Page, 40, Some(39))], 0),
        (Vec::<Incident>::new(), 0),
    ] {
        let one = ServiceFacts {
            incidents: all(incidents),
            ..one.clone()
        };
        let decision = decide(&config, vec![one], None);
        assert_eq!(decision.verdict, Yes);
        assert_eq!(decision.warnings.len(), warnings, "{:?}", decision.warnings);
    }
}

#[test]
fn gitlabs_thresholds() {
    let config = shown("GitLab");
    for (left, before, verdict, warnings) in [
        (0.5, 0.5, Yes, 0),
        // A month over budget: reliability first.
        (-0.2, 0.9, Yes, 1),
        // Month after month: restricted.
        (-0.2, -0.2, No, 1),
        (0.3, -3.0, Yes, 0),
    ] {
        let decision = decide(&config, vec![over_28_days(left, before)], None);
        assert_eq!(decision.verdict, verdict, "{left} {before} {decision:#?}");
        assert_eq!(decision.warnings.len(), warnings, "{:?}", decision.warnings);
    }
}

#[test]
fn expedias_freeze_and_thaw() {
    let config = shown("Expedia");
    // An outage of so many minutes, so many days ago: 30 days allow 43.2 minutes.
    let outage = |minutes: usize, days: usize| {
        let steps = days * 288..days * 288 + minutes / 5;
        service(vec![slo("availability", "30d", move |step| {
            Some(events(
                if steps.contains(&step) { 1_000.0 } else { 0.0 },
                1_000.0,
            ))
        })])
    };
    let two = |first_day: usize| {
        service(vec![slo("availability", "30d", move |step| {
            let is_first = (first_day * 288..first_day * 288 + 7).contains(&step);
            let is_second = (28 * 288..28 * 288 + 7).contains(&step);
            Some(events(
                if is_first || is_second { 1_000.0 } else { 0.0 },
                1_000.0,
            ))
        })])
    };
    let paged = |from, to| ServiceFacts {
        incidents: all(vec![incident(Severity::Page, from, to)]),
        ..outage(5, 20)
    };
    let frozen_and = |to| ServiceFacts {
        incidents: all(vec![incident(Severity::Page, 24 * 32, to)]),
        ..outage(40, 31)
    };
    for (service, verdict, warnings) in [
        (outage(20, 10), Yes, 0),
        // 75 % spent warns, 90 % freezes.
        (outage(35, 10), Yes, 1),
        (outage(40, 10), No, 1),
        // It thaws when the outage has left the period.
        (outage(40, 31), Yes, 0),
        // Frozen by two outages; at 19 % left it stays frozen.
        (two(31), No, 1),
        // An open page alone does not freeze, and one that was open while it froze keeps it frozen.
        (paged(3, None), Yes, 0),
        (frozen_and(None), No, 0),
        (frozen_and(Some(24)), Yes, 0),
    ] {
        let decision = decide(&config, vec![service], None);
        assert_eq!(decision.verdict, verdict, "{decision:#?}");
        assert_eq!(decision.warnings.len(), warnings, "{:?}", decision.warnings);
    }
    let burning = service(vec![slo("availability", "30d", |step| {
        Some(events(if step < 13 { 20.0 } else { 0.0 }, 1_000.0))
    })]);
    let decision = decide(&config, vec![burning], None);
    assert_eq!(truth_of(&decision, "burning"), Yes);
    assert_eq!(decision.verdict, No);
}

fn truth_of(decision: &Decision, policy: &str) -> Truth {
    let mut policies = decision.policies.iter();
    policies
        .find(|one| one.policy.name == policy)
        .unwrap()
        .outcome
}
