//! Error budget policies: truth tables of every condition, of hysteresis, exceptions and defaults, and of
//! the published policies that the guide shows.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod policy {
    pub(crate) mod published;
    pub(crate) mod world;
}

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use watchfire::domain::policy::Truth::{self, No, Unknown, Yes};
use watchfire::domain::{Release, ReleaseStatus, Severity};
use watchfire::insight::policy::{Change, Decision, Facts, Rows, ServiceFacts};

use policy::world::{all, events, facts, hours, incident, now, release, service, slo, with_budget};

/// The decision on `checkout`.
fn decide(facts: &Facts) -> Decision {
    facts.decide("checkout", &Change::default())
}

/// Whether a condition holds for a service, by a policy that freezes while it does.
fn holds(condition: &str, service: ServiceFacts) -> Truth {
    let config = format!("[[policy]]\nname = \"p\"\neffect = \"freeze\"\nwhen = {condition}\n");
    decide(&facts(&config, vec![service])).policies[0].outcome
}

#[test]
fn every_condition_has_its_truth_table() {
    let half = || service(vec![with_budget(0.5)]);
    let low = || {
        service(vec![with_budget(0.5), {
            let mut low = with_budget(0.05);
            std::sync::Arc::make_mut(&mut low.seen.slo).name = "latency".into();
            low
        }])
    };
    for (condition, service, wanted) in [
        ("{ budget_remaining = { below = 0.1 } }", half(), No),
        ("{ budget_remaining = { below = 0.1 } }", low(), Yes),
        ("{ budget_remaining = { above = 0.1 } }", half(), Yes),
        // Above is about every SLO, below about any.
        ("{ budget_remaining = { above = 0.1 } }", low(), No),
        (
            "{ budget_remaining = { below = 0.1, slo = \"availability\" } }",
            low(),
            No,
        ),
        (
            "{ budget_remaining = { below = 0.1, slo = \"latency\" } }",
            low(),
            Yes,
        ),
        (
            "{ budget_remaining = { below = 0.1, slo = \"gone\" } }",
            low(),
            Unknown,
        ),
        (
            "{ budget_remaining = { below = 0.6, over = \"28d\" } }",
            half(),
            Yes,
        ),
        (
            "{ burn_rate = { window = \"1h\", above = 0.4 } }",
            half(),
            Yes,
        ),
        (
            "{ burn_rate = { window = \"1h\", above = 0.6 } }",
            half(),
            No,
        ),
        // A window that no rule has is counted from the past.
        (
            "{ burn_rate = { window = \"10m\", above = 0.4 } }",
            half(),
            Yes,
        ),
        ("{ state = [\"ok\"] }", half(), Yes),
        ("{ state = [\"page\", \"ticket\"] }", half(), No),
        ("{ not = { state = [\"ok\"] } }", half(), No),
        (
            "{ any = [{ state = [\"page\"] }, { budget_remaining = { below = 0.6 } }] }",
            half(),
            Yes,
        ),
        (
            "{ all = [{ state = [\"ok\"] }, { budget_remaining = { below = 0.6 } }] }",
            half(),
            Yes,
        ),
        (
            "{ state = [\"ok\"], budget_remaining = { below = 0.4 } }",
            half(),
            No,
        ),
        ("{ calendar = { weekly = \"mon..tue\" } }", half(), Yes),
        ("{ calendar = { weekly = \"sat..sun\" } }", half(), No),
        ("{ calendar = { dates = [\"2026-11-30\"] } }", half(), Yes),
        (
            "{ calendar = { dates = [\"2026-11-29\"], timezone = \"Pacific/Honolulu\" } }",
            half(),
            No,
        ),
        ("{ dependency = { frozen = true } }", half(), No),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
}

#[test]
fn an_slo_without_data_is_not_known_unless_its_state_is_named() {
    let silent = || {
        service(vec![slo("availability", "30d", |step| {
            (step > 20).then(|| events(0.0, 100.0))
        })])
    };
    let quiet = || {
        service(vec![slo("availability", "30d", |step| {
            Some(events(0.0, if step > 20 { 100.0 } else { 0.0 }))
        })])
    };
    let stale = || {
        let mut service = service(vec![with_budget(0.5)]);
        service.slos[0].lack = Some("the newest sample is 12m old".to_owned());
        service
    };
    for (condition, service, wanted) in [
        ("{ state = [\"ok\"] }", silent(), Unknown),
        ("{ state = [\"page\"] }", silent(), Unknown),
        ("{ state = [\"no_data\"] }", silent(), Yes),
        ("{ state = [\"ok\"] }", quiet(), Unknown),
        ("{ state = [\"no_data\", \"page\"] }", quiet(), Yes),
        ("{ state = [\"ok\"] }", stale(), Unknown),
        ("{ state = [\"unknown\"] }", stale(), Yes),
        ("{ budget_remaining = { below = 0.1 } }", stale(), Unknown),
        (
            "{ burn_rate = { window = \"1h\", above = 14 } }",
            stale(),
            Unknown,
        ),
        // What does not depend on it is known.
        ("{ calendar = { weekly = \"sat..sun\" } }", stale(), No),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
}

#[test]
fn an_estimate_is_known_where_it_keeps_its_side_of_the_threshold() {
    // Data of some days, with so much of the budget of these days spent.
    let short = |days: usize, bad: f64| {
        service(vec![slo("availability", "30d", move |step| {
            (step < days * 288).then(|| events(bad, 1_000.0))
        })])
    };
    for (days, bad, below, wanted) in [
        // A third of the time with 20 % errors has spent more than everything, whatever was before.
        (10, 200.0, 0.0, Yes),
        // A third of the time without errors says nothing of the rest.
        (10, 0.0, 0.1, Unknown),
        (29, 0.0, 0.1, Unknown),
        // 99 % is everything.
        (30, 0.0, 0.1, No),
    ] {
        let condition = format!("{{ budget_remaining = {{ below = {below} }} }}");
        assert_eq!(
            holds(&condition, short(days, bad)),
            wanted,
            "{days} days, {bad} bad"
        );
    }
    let decision = decide(&facts("", vec![short(29, 0.0)]));
    assert_eq!(decision.verdict, Unknown);
    assert!(
        decision.reason.contains("covers too little"),
        "{}",
        decision.reason
    );
}

#[test]
fn incidents_count_while_they_are_open_silenced_or_not() {
    let with = |severity, from, to| ServiceFacts {
        incidents: all(vec![incident(severity, from, to)]),
        ..service(vec![with_budget(0.5)])
    };
    let blind = |rows: ServiceFacts| {
        let mut service = rows;
        service.incidents.lack = Some("am: timeout".to_owned());
        service
    };
    let page = "{ incident = { severity = \"page\" } }";
    let old = "{ incident = { severity = \"page\", older_than = \"2h\" } }";
    for (condition, service, wanted) in [
        (page, with(Severity::Page, 3, None), Yes),
        (page, with(Severity::Page, 3, Some(1)), No),
        (page, with(Severity::Ticket, 3, None), No),
        (
            "{ incident = { severity = \"ticket\" } }",
            with(Severity::Page, 3, None),
            Yes,
        ),
        ("{ incident = {} }", with(Severity::Info, 3, None), Yes),
        (old, with(Severity::Page, 3, None), Yes),
        (old, with(Severity::Page, 1, None), No),
        // What is known to be open decides; that nothing is known to be is no answer.
        (page, blind(with(Severity::Page, 3, None)), Yes),
        (page, blind(with(Severity::Page, 3, Some(1))), Unknown),
        (
            page,
            ServiceFacts {
                incidents: Rows::default(),
                ..service(vec![with_budget(0.5)])
            },
            No,
        ),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
}

#[test]
fn releases_count_by_how_they_ended() {
    let with = |status, ago| ServiceFacts {
        releases: all(vec![release("v2", status, ago)]),
        ..service(vec![with_budget(0.5)])
    };
    let failed = "{ release = { failed_within = \"24h\" } }";
    let running = "{ release = { running = true } }";
    for (condition, service, wanted) in [
        (failed, with(ReleaseStatus::Failed, 3), Yes),
        (failed, with(ReleaseStatus::RolledBack, 3), Yes),
        (failed, with(ReleaseStatus::Failed, 30), No),
        (failed, with(ReleaseStatus::Succeeded, 3), No),
        (running, with(ReleaseStatus::Running, 1), Yes),
        (running, with(ReleaseStatus::Succeeded, 1), No),
        (
            "{ release = { running = false } }",
            with(ReleaseStatus::Running, 1),
            No,
        ),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
}

#[test]
fn what_one_incident_or_release_spent_is_its_own_time_alone() {
    // An hour of total failure 50 hours ago spends 1 / 720 / 0.001 of the budget: 139 %.
    let outage = || {
        let hour = 50 * 12..51 * 12;
        slo("availability", "30d", move |step| {
            Some(events(
                if hour.contains(&step) { 1_000.0 } else { 0.0 },
                1_000.0,
            ))
        })
    };
    let with = |incidents, releases| ServiceFacts {
        incidents: all(incidents),
        releases: all(releases),
        ..service(vec![outage()])
    };
    let by_incident = "{ budget_spent = { above = 0.2, by = \"incident\", over = \"28d\" } }";
    let by_release = "{ budget_spent = { above = 0.2, by = \"release\" } }";
    let during = || incident(Severity::Page, 51, Some(50));
    for (condition, service, wanted) in [
        (by_incident, with(vec![during()], vec![]), Yes),
        (
            by_incident,
            with(vec![incident(Severity::Page, 40, Some(30))], vec![]),
            No,
        ),
        // What is open still counts up to now.
        (
            by_incident,
            with(vec![incident(Severity::Page, 60, None)], vec![]),
            Yes,
        ),
        (
            "{ budget_spent = { above = 1.6, by = \"incident\" } }",
            with(vec![during()], vec![]),
            No,
        ),
        (
            "{ budget_spent = { above = 1.2 } }",
            with(vec![], vec![]),
            Yes,
        ),
        (
            by_release,
            with(vec![], vec![release("v1", ReleaseStatus::Succeeded, 60)]),
            Yes,
        ),
        (
            by_release,
            with(
                vec![],
                vec![
                    release("v1", ReleaseStatus::Succeeded, 90),
                    release("v2", ReleaseStatus::Succeeded, 40),
                ],
            ),
            Yes,
        ),
        (
            by_release,
            with(vec![], vec![release("v2", ReleaseStatus::Succeeded, 40)]),
            No,
        ),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
    // A source that lists what is open alone cannot say what an incident of last week has spent.
    let mut forgetful = with(vec![], vec![]);
    forgetful.incidents.since = None;
    assert_eq!(holds(by_incident, forgetful), Unknown);
}

const HYSTERESIS: &str = "[[policy]]\nname = \"p\"\neffect = \"freeze\"\n\
    when = { budget_remaining = { below = 0.10 } }\nuntil = { budget_remaining = { above = 0.25 } }\n";

#[test]
fn a_freeze_lasts_until_its_own_end_and_is_recomputed_from_history() {
    // An outage of so many minutes, so many days ago, at even traffic.
    let outage = |minutes: usize, days: usize| {
        let first = days * 288;
        let steps = first..first + minutes / 5;
        service(vec![slo("availability", "30d", move |step| {
            Some(events(
                if steps.contains(&step) { 1_000.0 } else { 0.0 },
                1_000.0,
            ))
        })])
    };
    // 30 days allow 43.2 minutes.
    for (minutes, days, wanted) in [
        // 81 % spent: neither holds, and nothing was ever frozen.
        (35, 2, No),
        (40, 2, Yes),
        (40, 29, Yes),
        (40, 30, No),
        (30, 1, No),
    ] {
        let decision = decide(&facts(HYSTERESIS, vec![outage(minutes, days)]));
        assert_eq!(
            decision.policies[0].outcome, wanted,
            "{minutes} min, {days} d ago"
        );
    }
    let decision = decide(&facts(HYSTERESIS, vec![outage(40, 10)]));
    let since = decision.policies[0].since.unwrap();
    let began = now() - hours(10 * 24);
    assert!(began.duration_since(since).abs() <= hours(1), "{since}");
    // Two outages: the first froze, and what is left of the second keeps it frozen at 19 %.
    let both = service(vec![slo("availability", "30d", |step| {
        let first = (28 * 288..28 * 288 + 7).contains(&step);
        let second = (31 * 288..31 * 288 + 8).contains(&step);
        Some(events(if first || second { 1_000.0 } else { 0.0 }, 1_000.0))
    })]);
    let decision = decide(&facts(HYSTERESIS, vec![both]));
    let policy = &decision.policies[0];
    assert_eq!((decision.verdict, policy.lingers), (No, true));
    assert_eq!(
        decision.reason,
        "releases frozen: budget 19 %, policy p, until above 25 %"
    );
    // It began before the walk, and ends when the later outage has left the period.
    assert_eq!(policy.since, None);
    let expected = policy.expected_at.unwrap();
    let left = now() + hours(2 * 24);
    assert!(
        left.duration_since(expected).abs() <= hours(1),
        "{expected}"
    );
}

#[test]
fn a_gap_of_the_history_leaves_a_freeze_unknown_until_either_end_is_known() {
    let with_gap = |bad: f64| {
        service(vec![slo("availability", "30d", move |step| {
            let known = !(288..4 * 288).contains(&step);
            known.then(|| events(bad, 1_000.0))
        })])
    };
    // Three of thirty days may have held any number of errors.
    assert_eq!(
        decide(&facts(HYSTERESIS, vec![with_gap(0.1)])).verdict,
        Unknown
    );
    // What is known has spent the budget already.
    assert_eq!(decide(&facts(HYSTERESIS, vec![with_gap(1.2)])).verdict, No);
}

#[test]
fn a_known_freeze_beats_what_is_not_known_and_a_known_no_does_not() {
    let policy = |name: &str, when: &str| {
        format!("[[policy]]\nname = \"{name}\"\neffect = \"freeze\"\nwhen = {when}\n")
    };
    let frozen = policy("weekday", "{ calendar = { weekly = \"mon..fri\" } }");
    let free = policy("weekend", "{ calendar = { weekly = \"sat..sun\" } }");
    let unknown = policy(
        "budget",
        "{ budget_remaining = { below = 0.1, slo = \"gone\" } }",
    );
    let warn = unknown
        .replace("freeze", "warn")
        .replace("budget\"", "soft\"");
    for (config, wanted) in [
        (format!("{frozen}{unknown}"), No),
        (format!("{unknown}{frozen}"), No),
        (format!("{free}{unknown}"), Unknown),
        (free.clone(), Yes),
        // What only warns is never a reason to stop.
        (format!("{free}{warn}"), Yes),
    ] {
        let decision = decide(&facts(&config, vec![service(vec![with_budget(0.5)])]));
        assert_eq!(decision.verdict, wanted, "{config}");
    }
    let decision = decide(&facts(
        &format!("{free}{warn}"),
        vec![service(vec![with_budget(0.5)])],
    ));
    assert!(
        decision
            .warnings
            .iter()
            .any(|one| one.starts_with("soft: cannot tell"))
    );
}

#[test]
fn a_service_without_slos_of_its_own_is_never_let_through() {
    let free = "[[policy]]\nname = \"p\"\neffect = \"freeze\"\nwhen = { calendar = { weekly = \"sat..sun\" } }\n";
    let frozen = free.replace("sat..sun", "mon..tue");
    let suggested = || ServiceFacts {
        has_suggested: true,
        ..service(Vec::new())
    };
    for (config, service, wanted, words) in [
        ("", service(Vec::new()), Unknown, "has no SLO"),
        (free, service(Vec::new()), Unknown, "has no SLO"),
        (free, suggested(), Unknown, "watchfire init"),
        (frozen.as_str(), suggested(), No, "releases frozen"),
    ] {
        let decision = decide(&facts(config, vec![service]));
        assert_eq!(decision.verdict, wanted, "{config}");
        assert!(decision.reason.contains(words), "{}", decision.reason);
    }
}

#[test]
fn without_a_policy_a_page_or_a_spent_budget_freezes() {
    let burning = || {
        service(vec![slo("availability", "30d", |step| {
            Some(events(if step < 13 { 100.0 } else { 0.0 }, 1_000.0))
        })])
    };
    for (service, wanted, warnings) in [
        (service(vec![with_budget(0.5)]), Yes, 0),
        (service(vec![with_budget(0.2)]), Yes, 1),
        (service(vec![with_budget(0.25)]), Yes, 1),
        (service(vec![with_budget(-0.04)]), No, 1),
        (service(vec![with_budget(0.0)]), No, 1),
        (burning(), No, 0),
        (
            ServiceFacts {
                releases: all(vec![release("v2", ReleaseStatus::Failed, 3)]),
                ..service(vec![with_budget(0.5)])
            },
            Yes,
            1,
        ),
    ] {
        let decision = decide(&facts("", vec![service]));
        assert_eq!(decision.verdict, wanted, "{decision:#?}");
        assert_eq!(decision.warnings.len(), warnings, "{:?}", decision.warnings);
    }
    // A policy for others leaves the default in force.
    let other = "[[policy]]\nname = \"p\"\nservices = [\"cart\"]\neffect = \"freeze\"\nwhen = { calendar = { weekly = \"sat..sun\" } }\n";
    let decision = decide(&facts(other, vec![service(vec![with_budget(-0.04)])]));
    assert_eq!(decision.verdict, No);
    assert_eq!(
        decision.reason,
        "releases frozen: budget -4 %, policy default freeze"
    );
}

#[test]
fn an_exception_passes_where_the_policy_and_the_exception_agree() {
    let config = |except: &str, exception: &str| {
        format!(
            "[[policy]]\nname = \"p\"\neffect = \"freeze\"\nexcept = [{except}]\n\
             when = {{ budget_remaining = {{ below = 0.1 }} }}\n{exception}"
        )
    };
    let exception = |kind: &str, more: &str, expires: &str| {
        format!(
            "[[exception]]\nkind = \"{kind}\"\nservice = \"checkout\"\n{more}by = \"mara\"\n\
             reason = \"CVE\"\nexpires = {expires}\n"
        )
    };
    let later = "2026-12-01T12:00:00Z";
    let before = "2026-11-30T11:59:59Z";
    let fix = exception("security", "version = \"v2.31.1\"\n", later);
    let any = exception("security", "", later);
    for (config, kind, version, wanted) in [
        (config("\"security\"", &any), Some("security"), None, Yes),
        // Without a kind a matching exception gives it.
        (config("\"security\"", &any), None, None, Yes),
        (config("\"security\"", &any), Some("feature"), None, No),
        (config("\"security\"", ""), Some("security"), None, No),
        (config("\"reliability\"", &any), Some("security"), None, No),
        (config("", &any), Some("security"), None, No),
        (
            config("\"security\"", &exception("security", "", before)),
            Some("security"),
            None,
            No,
        ),
        (
            config("\"security\"", &fix),
            Some("security"),
            Some("v2.31.1"),
            Yes,
        ),
        (
            config("\"security\"", &fix),
            Some("security"),
            Some("v2.31.2"),
            No,
        ),
        (config("\"security\"", &fix), Some("security"), None, No),
        (
            config("\"security\"", &any.replace("checkout", "cart")),
            Some("security"),
            None,
            No,
        ),
    ] {
        let change = Change {
            kind: kind.map(str::to_owned),
            version: version.map(str::to_owned),
            environment: None,
        };
        let facts = facts(&config, vec![service(vec![with_budget(0.05)])]);
        let decision = facts.decide("checkout", &change);
        assert_eq!(decision.verdict, wanted, "{config} {change:?}");
        assert_eq!(decision.exceptions.len(), usize::from(wanted == Yes));
    }
    let expired = config("\"security\"", &exception("security", "", before));
    let decision = decide(&facts(&expired, vec![service(vec![with_budget(0.05)])]));
    assert!(decision.warnings.iter().any(|one| one.contains("expired")));
}

#[test]
fn a_dependency_is_frozen_by_its_own_policies_and_a_circle_is_not() {
    let config = "[[policy]]\nname = \"p\"\neffect = \"freeze\"\n\
        when = { any = [{ dependency = { frozen = true } }, { budget_remaining = { below = 0.1 } }] }\n";
    let named = |name: &str, left: f64, needs: &[&str]| {
        let mut one = service(vec![with_budget(left)]);
        one.name = name.to_owned();
        one.depends_on = needs.iter().map(|name| (*name).to_owned()).collect();
        one
    };
    for (services, wanted) in [
        (
            vec![named("checkout", 0.5, &[]), named("db", 0.0, &[])],
            Yes,
        ),
        (
            vec![named("checkout", 0.5, &["db"]), named("db", 0.0, &[])],
            No,
        ),
        (
            vec![named("checkout", 0.5, &["db"]), named("db", 0.5, &[])],
            Yes,
        ),
        // Through another.
        (
            vec![
                named("checkout", 0.5, &["api"]),
                named("api", 0.5, &["db"]),
                named("db", 0.0, &[]),
            ],
            No,
        ),
        // A circle is not frozen by itself.
        (
            vec![
                named("checkout", 0.5, &["db"]),
                named("db", 0.5, &["checkout"]),
            ],
            Yes,
        ),
        (vec![named("checkout", 0.5, &["checkout"])], Yes),
        (vec![named("checkout", 0.5, &["gone"])], Unknown),
    ] {
        let facts = facts(config, services.clone());
        assert_eq!(
            decide(&facts).verdict,
            wanted,
            "{:?}",
            services
                .iter()
                .map(|one| (&one.name, &one.depends_on))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn frozen_time_is_that_of_the_same_walk() {
    // 40 minutes of outage 10 days ago freeze until they have left the period.
    let outage = 10 * 288..10 * 288 + 8;
    let one = service(vec![slo("availability", "30d", move |step| {
        Some(events(
            if outage.contains(&step) { 1_000.0 } else { 0.0 },
            1_000.0,
        ))
    })]);
    let facts = facts(HYSTERESIS, vec![one]);
    let span = (now() - hours(20 * 24), now());
    let (frozen, unknown) = facts.frozen("checkout", None, span).unwrap();
    assert!((frozen - hours(10 * 24)).abs() <= hours(1), "{frozen}");
    assert_eq!(unknown, SignedDuration::ZERO);
    let (frozen, _) = facts
        .frozen("checkout", None, (now() - hours(5), now()))
        .unwrap();
    assert_eq!(frozen, hours(5));
    assert!(facts.frozen("cart", None, span).is_none());
}

#[test]
fn what_is_running_is_said_whatever_the_verdict() {
    let rolling = ServiceFacts {
        releases: all(vec![release("v2.31.0", ReleaseStatus::Running, 0)]),
        ..service(vec![with_budget(0.5)])
    };
    let decision = decide(&facts("", vec![rolling]));
    assert_eq!(decision.verdict, Yes);
    assert_eq!(decision.warnings, ["release v2.31.0 is still running"]);
}

/// A condition of parts that are known to hold, known not to, or not known, as its words.
fn condition(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("calendar = { weekly = \"mon..tue\" }".to_owned()),
        Just("calendar = { weekly = \"sat..sun\" }".to_owned()),
        Just("budget_remaining = { below = 0.1, slo = \"gone\" }".to_owned()),
    ];
    let leaf = leaf.prop_map(|leaf| format!("{{ {leaf} }}"));
    leaf.prop_recursive(depth, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("{{ all = [{}] }}", parts.join(", "))),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("{{ any = [{}] }}", parts.join(", "))),
            inner.prop_map(|part| format!("{{ not = {part} }}")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is learned later never turns a known answer into another.
    #[test]
    fn more_knowledge_only_settles_what_was_unknown(condition in condition(3)) {
        let of = |words: &str| {
            let known = condition.replace("budget_remaining = { below = 0.1, slo = \"gone\" }", words);
            holds(&known, service(vec![with_budget(0.5)]))
        };
        let open = of("budget_remaining = { below = 0.1, slo = \"gone\" }");
        for settled in ["calendar = { weekly = \"mon..tue\" }", "calendar = { weekly = \"sat..sun\" }"] {
            let settled = of(settled);
            prop_assert_ne!(settled, Unknown);
            prop_assert!(open == Unknown || open == settled, "{}", condition);
        }
    }

    /// Whatever is missing of a service that may not be released, or may be, it is never a yes.
    #[test]
    fn nothing_that_is_missing_becomes_a_yes(
        left in -0.5..1.0_f64,
        gap in 200_usize..8_640,
        first in 0_usize..8_000,
        lack in 0_u8..3,
    ) {
        let bad = 1.0 - left;
        let gapped = slo("availability", "30d", move |step| {
            (!(first..first + gap).contains(&step)).then(|| events(bad, 1_000.0))
        });
        let mut one = service(vec![if lack == 0 { gapped } else { with_budget(left) }]);
        match lack {
            0 => {}
            1 => one.slos[0].lack = Some("stale".to_owned()),
            _ => one.slos_lack = Some("prod: timeout".to_owned()),
        }
        let facts = facts(HYSTERESIS, vec![one]);
        prop_assert_ne!(decide(&facts).verdict, Yes);
    }
}

#[test]
fn a_moment_that_is_judged_is_in_every_zone_the_same() {
    // Guards the helpers of this file: the moment is what they say it is.
    assert_eq!(
        now(),
        "2026-11-30T13:00:00+01:00".parse::<Timestamp>().unwrap()
    );
}

#[test]
fn a_change_is_of_one_kind_so_two_exceptions_do_not_add_up() {
    let policy = |name: &str, except: &str| {
        format!(
            "[[policy]]\nname = \"{name}\"\neffect = \"freeze\"\nexcept = [{except}]\n\
             when = {{ budget_remaining = {{ below = 0.1 }} }}\n"
        )
    };
    let exception = |kind: &str| {
        format!(
            "[[exception]]\nkind = \"{kind}\"\nservice = \"checkout\"\nby = \"mara\"\n\
             reason = \"CVE\"\nexpires = 2026-12-01T12:00:00Z\n"
        )
    };
    let both = format!("{}{}", exception("security"), exception("reliability"));
    for (one, other, wanted) in [
        ("\"security\"", "\"reliability\"", No),
        ("\"security\"", "\"security\"", Yes),
        // The kind that lets it pass most is the one that is given.
        ("\"security\", \"reliability\"", "\"reliability\"", Yes),
    ] {
        let config = format!("{}{}{both}", policy("one", one), policy("other", other));
        let decision = decide(&facts(&config, vec![service(vec![with_budget(0.05)])]));
        assert_eq!(decision.verdict, wanted, "{one} and {other}");
        let passed = decision.policies.iter().filter(|one| one.passes).count();
        assert_eq!(
            passed,
            if wanted == Yes { 2 } else { 1 },
            "{one} and {other}"
        );
    }
}

#[test]
fn rows_that_are_not_listed_or_not_dated_keep_a_no_from_being_known() {
    let rows = |cut: Option<i64>, more: Vec<Release>| ServiceFacts {
        releases: Rows {
            cut: cut.map(|ago| now() - hours(ago)),
            ..all(more)
        },
        ..service(vec![with_budget(0.5)])
    };
    let undated = || Release {
        started_at: None,
        finished_at: None,
        ..release("v1", ReleaseStatus::Failed, 3)
    };
    let day = "{ release = { failed_within = \"24h\" } }";
    let month = "{ release = { failed_within = \"720h\" } }";
    let spent = "{ budget_spent = { above = 0.9, by = \"release\" } }";
    for (condition, service, wanted) in [
        (day, rows(Some(168), Vec::new()), No),
        (month, rows(Some(168), Vec::new()), Unknown),
        (month, rows(None, Vec::new()), No),
        (
            month,
            rows(Some(168), vec![release("v1", ReleaseStatus::Failed, 3)]),
            Yes,
        ),
        (day, rows(None, vec![undated()]), Unknown),
        (spent, rows(None, vec![undated()]), Unknown),
    ] {
        assert_eq!(holds(condition, service), wanted, "{condition}");
    }
    let frozen = format!("[[policy]]\nname = \"p\"\neffect = \"freeze\"\nwhen = {month}\n");
    let decision = decide(&facts(&frozen, vec![rows(Some(168), Vec::new())]));
    assert!(
        decision.reason.contains("is not listed"),
        "{}",
        decision.reason
    );
}

#[test]
fn a_verdict_between_the_thresholds_says_how_far_the_history_goes() {
    // 18 % of the budget is left, and of the time before the period nothing is known.
    let bad = 0.82 * 0.001 * 1_000.0;
    let short = service(vec![slo("availability", "30d", move |step| {
        (step < 31 * 288).then(|| events(bad, 1_000.0))
    })]);
    let decision = decide(&facts(
        "[[policy]]\nname = \"p\"\neffect = \"freeze\"\n\
         when = { budget_remaining = { below = 0.1 } }\n\
         until = { budget_remaining = { above = 0.25 } }\n",
        vec![short],
    ));
    assert_eq!(decision.verdict, Unknown);
    for words in [
        "between its thresholds, and since 2026-10-",
        "where the history begins, neither `budget below 10 %` nor `budget above 25 %` held",
    ] {
        assert!(decision.reason.contains(words), "{}", decision.reason);
    }
}
