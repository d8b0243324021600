use super::kin::{Kin, Tie};
use super::record::record;
use super::*;
use crate::domain::slo::Slice;
use crate::domain::{Events, Origin, Period, Reading, ReleaseStatus, Sample, Slo, Window};

/// The present of these tests.
fn now() -> Timestamp {
    "2026-11-22T14:00:00Z".parse().unwrap()
}

fn ago(minutes: f64) -> Timestamp {
    now() - SignedDuration::from_secs_f64(minutes * 60.0)
}

/// Six hours by the minute, as events of two minutes; what happened in a minute by how long ago.
fn course(per_minute: impl Fn(f64) -> (f64, f64)) -> Course {
    let slice = |minute: i32| {
        let end = f64::from(minute);
        let (first, second) = (per_minute(end), per_minute(end + 1.0));
        Slice {
            at: ago(end),
            bad: first.0 + second.0,
            total: first.1 + second.1,
        }
    };
    Course {
        slices: (0..=360)
            .rev()
            .map(slice)
            .filter(|one| one.total > 0.0)
            .collect(),
        from: ago(360.0),
        step: SignedDuration::from_mins(1),
        width: SignedDuration::from_mins(2),
        counted: true,
    }
}

/// Errors that begin so many minutes ago.
fn step(since: f64) -> Course {
    course(move |minute| (if minute < since { 40.0 } else { 1.0 }, 1_000.0))
}

fn off(found: Option<Onset>, minutes_ago: f64) -> f64 {
    minutes(ago(minutes_ago), found.expect("an onset").at).abs()
}

#[test]
fn a_burn_begins_where_its_errors_do() {
    for since in [8.0, 31.0, 120.0, 300.0] {
        let found = onset(&[step(since)], 0.0144);
        assert!(off(found, since) <= 1.5, "{since}: {found:?}");
        let found = found.unwrap();
        assert!(found.earliest <= found.at && found.at <= found.latest);
        assert!((found.before - 0.001).abs() < 3e-4 && (found.after - 0.04).abs() < 4e-3);
    }
}

#[test]
fn a_gap_and_a_pause_do_not_move_the_beginning() {
    let gap = course(|minute| {
        let total = if (95.0..110.0).contains(&minute) {
            0.0
        } else {
            1_000.0
        };
        let bad: f64 = if minute < 80.0 { 50.0 } else { 1.0 };
        (bad.min(total), total)
    });
    assert!(off(onset(&[gap], 0.0144), 80.0) <= 1.5);
    let pauses = course(|minute| {
        let is_on = minute < 90.0 && (90.0 - minute).rem_euclid(15.0) < 9.0;
        (if is_on { 80.0 } else { 1.0 }, 1_000.0)
    });
    let found = onset(&[pauses], 0.0144);
    assert!(off(found, 90.0) <= 2.0, "{found:?}");
}

#[test]
fn a_burn_that_is_older_than_all_that_is_known_has_no_beginning() {
    assert_eq!(onset(&[course(|_| (40.0, 1_000.0))], 0.0144), None);
    assert_eq!(onset(&[course(|_| (0.0, 1_000.0))], 0.0144), None);
    assert_eq!(onset(&[], 0.0144), None);
}

#[test]
fn an_older_burn_is_not_the_present_one() {
    let twice = course(|minute| {
        let burns = minute < 20.0 || (200.0..240.0).contains(&minute);
        (if burns { 60.0 } else { 1.0 }, 1_000.0)
    });
    assert!(off(onset(&[twice], 0.0144), 20.0) <= 1.5);
}

fn release(id: &str, service: &str, minutes_ago: f64) -> Release {
    Release {
        id: id.into(),
        service: service.into(),
        version: format!("v-{id}").as_str().into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: Some(ago(minutes_ago + 3.0)),
        finished_at: Some(ago(minutes_ago)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: crate::domain::Carried::default(),
    }
}

/// An SLO that pages, with this past.
fn burning(service: &str, course: Course) -> Observation {
    let period = Period::Rolling(Window::days(30));
    let prom = SourceName::new("prom");
    let slo = Slo::new(service, "availability", prom, 0.999, period, Origin::Config);
    let sample = Sample {
        reading: Reading::Ratio(0.04),
        events: Some(Events {
            bad: 400.0,
            total: 10_000.0,
        }),
        at: now(),
    };
    let windows = slo.windows().into_iter().map(|one| (one, sample)).collect();
    Observation {
        windows,
        courses: Arc::from([course]),
        ..Observation::unknown(Arc::new(slo), now())
    }
}

/// What is thought of the first of these SLOs.
fn thought(slos: &[Observation], releases: &[Release], services: &[Service]) -> Insight {
    thought_with(&Production::default(), slos, releases, services)
}

fn thought_with(
    production: &Production,
    slos: &[Observation],
    releases: &[Release],
    services: &[Service],
) -> Insight {
    let (prom, deploys) = (SourceName::new("prom"), SourceName::new("deploys"));
    let known = Known {
        slos: slos.iter().map(|one| (&prom, one)).collect(),
        releases: releases.iter().map(|one| (&deploys, one)).collect(),
        services,
        production,
    };
    let insights = Insights::of(&known, &Insights::default());
    let again = Insights::of(&known, &insights);
    assert_eq!(
        insights, again,
        "the same facts are thought of in the same way"
    );
    insights
        .slo(&prom, &slos[0].slo.id())
        .expect("it burns")
        .clone()
}

fn named(insight: &Insight) -> Option<&str> {
    insight.suspect().map(|one| one.release.raw())
}

#[test]
fn the_release_before_the_onset_is_named_with_its_reason() {
    let slos = [burning("checkout", step(30.0))];
    let releases = [
        release("old", "checkout", 200.0),
        release("bad", "checkout", 34.0),
        release("other", "search", 31.0),
    ];
    let found = thought(&slos, &releases, &[]);
    assert_eq!(named(&found), Some("bad"));
    let reason = found.suspects[0].reason.raw();
    assert!(
        reason.starts_with("4 min before onset, errors 0.1% → 4%; p < 1e-9"),
        "{reason}"
    );
    assert_eq!(found.unexplained, None);
    assert!(
        found
            .suspects
            .iter()
            .all(|one| one.release.raw() != "other")
    );
}

#[test]
fn what_came_after_the_onset_or_went_elsewhere_is_no_suspect() {
    let slos = [burning("checkout", step(30.0))];
    let mut staging = release("staging", "checkout", 32.0);
    staging.environment = "staging".into();
    let releases = [
        staging,
        release("late", "checkout", 15.0),
        release("old", "checkout", 300.0),
    ];
    let found = thought(&slos, &releases, &[]);
    assert_eq!(named(&found), None);
    let words = found.unexplained.as_deref().unwrap();
    assert!(words.starts_with("no release explains this: "), "{words}");
}

#[test]
fn a_fault_of_many_services_is_no_releases_fault() {
    let alone = [burning("checkout", step(30.0))];
    let releases = [release("near", "checkout", 33.0)];
    assert_eq!(named(&thought(&alone, &releases, &[])), Some("near"));
    let all: Vec<_> = ["checkout", "search", "auth", "mail"]
        .map(|service| burning(service, step(30.0)))
        .into();
    let found = thought(&all, &releases, &[]);
    assert_eq!(named(&found), None);
    let words = found.unexplained.as_deref().unwrap();
    assert!(words.contains("3 unrelated services"), "{words}");
    // Unless all of them need what was released.
    let needs = |name: &str| Service {
        name: name.to_owned(),
        depends_on: vec!["payments".to_owned()],
        ..Service::default()
    };
    let services = ["checkout", "search", "auth", "mail"].map(needs);
    let releases = [
        release("near", "checkout", 33.0),
        release("common", "payments", 33.0),
    ];
    assert_eq!(named(&thought(&all, &releases, &services)), Some("common"));
}

#[test]
fn traffic_that_changed_by_itself_speaks_for_the_release() {
    let releases = [release("near", "checkout", 33.0)];
    let drop = course(|minute| {
        if minute < 30.0 {
            (4.0, 100.0)
        } else {
            (3.0, 3_000.0)
        }
    });
    let found = thought(&[burning("checkout", drop)], &releases, &[]);
    assert_eq!(named(&found), None);
    let words = found.unexplained.as_deref().unwrap();
    assert!(words.contains("traffic fell to 3%"), "{words}");
    let spike = course(|minute| {
        if minute < 30.0 {
            (400.0, 9_000.0)
        } else {
            (3.0, 3_000.0)
        }
    });
    assert_eq!(
        named(&thought(&[burning("checkout", spike)], &releases, &[])),
        None
    );
}

#[test]
fn dependencies_are_followed_and_a_team_alone_is_not_accused() {
    let service = |name: &str, needs: &[&str], team: &str| Service {
        name: name.to_owned(),
        aliases: vec![format!("{name}-api")],
        depends_on: needs.iter().map(|need| (*need).to_owned()).collect(),
        team: Some(team.to_owned()),
        ..Service::default()
    };
    let services = [
        service("checkout", &["payments-api"], "shop"),
        service("payments", &["ledger", "checkout"], "money"),
        service("cart", &[], "shop"),
    ];
    let kin = Kin::of(&services);
    assert_eq!(kin.tie("checkout", "checkout-api"), Tie::Own);
    assert_eq!(kin.tie("checkout", "payments"), Tie::Needed(1));
    assert_eq!(kin.tie("checkout", "ledger"), Tie::Needed(2));
    assert_eq!(kin.tie("checkout", "cart"), Tie::Team);
    assert_eq!(kin.tie("ledger", "checkout"), Tie::Stranger);
    let slos = [burning("checkout", step(30.0))];
    let found = thought(&slos, &[release("cart", "cart", 31.0)], &services);
    assert_eq!(named(&found), None);
    assert_eq!(found.suspects.len(), 1);
    let found = thought(&slos, &[release("ledger", "ledger", 31.0)], &services);
    assert_eq!(named(&found), Some("ledger"));
}

#[test]
fn going_back_to_an_earlier_version_is_told_from_trying_again() {
    let mut all = [
        release("1", "checkout", 500.0),
        release("2", "checkout", 300.0),
        release("3", "checkout", 200.0),
        release("4", "checkout", 100.0),
    ];
    all[0].version = "v1".into();
    all[1].version = "v2".into();
    all[1].status = ReleaseStatus::RolledBack;
    all[2].version = "v1".into();
    all[3].version = "v1".into();
    let rows: Vec<_> = all.iter().collect();
    let back = record(rows[2], &rows);
    assert!(back.is_rollback && !back.is_again);
    assert_eq!((back.earlier, back.failed), (2, 1));
    let again = record(rows[3], &rows);
    assert!(again.is_again && !again.is_rollback);
}

#[test]
fn attempts_of_one_version_are_one_suspect() {
    let slos = [burning("checkout", step(30.0))];
    let attempt = |id: &str, minutes: f64, status| Release {
        version: "v2".into(),
        status,
        ..release(id, "checkout", minutes)
    };
    let before = release("old", "checkout", 300.0);
    for first in [ReleaseStatus::Failed, ReleaseStatus::Succeeded] {
        let tries = [
            before.clone(),
            attempt("first", 44.0, first),
            attempt("second", 32.0, ReleaseStatus::Succeeded),
        ];
        let found = thought(&slos, &tries, &[]);
        assert_eq!(named(&found), Some("second"), "{first:?}");
        assert_eq!(found.suspects.len(), 1, "{:?}", found.suspects);
        assert!(
            found.suspects[0].score >= 0.9,
            "{first:?}: {:?}",
            found.suspects
        );
    }
    // The second is tried while it burns already.
    let late = [
        before,
        attempt("first", 32.0, ReleaseStatus::Failed),
        attempt("second", 12.0, ReleaseStatus::Succeeded),
    ];
    let found = thought(&slos, &late, &[]);
    assert_eq!((named(&found), found.suspects.len()), (Some("first"), 1));
}

#[test]
fn what_never_ran_is_no_suspect_and_is_named() {
    let slos = [burning("checkout", step(30.0))];
    for word in [
        "skipped",
        "not_run",
        "NOT_STARTED",
        "BUFFERED",
        "on_hold",
        "created",
    ] {
        let mut near = release("near", "checkout", 32.0);
        near.status = ReleaseStatus::from_word(word);
        let found = thought(&slos, &[near], &[]);
        assert_eq!(found.suspects, [], "{word}");
        assert_eq!(
            found.unexplained.as_deref(),
            Some("no release explains this: v-near did not run"),
            "{word}"
        );
    }
    let mut unclear = release("near", "checkout", 32.0);
    unclear.status = ReleaseStatus::from_word("teleported");
    let known = release("known", "checkout", 32.0);
    let score = |one: Release| thought(&slos, &[one], &[]).suspects[0].score;
    assert!(score(unclear) < score(known) * 0.8);
}

#[test]
fn what_went_elsewhere_is_named_with_its_environment() {
    let slos = [burning("checkout", step(30.0))];
    let mut near = release("near", "checkout", 32.0);
    near.environment = "shop".into();
    let found = thought(&slos, std::slice::from_ref(&near), &[]);
    assert_eq!(
        found.unexplained.as_deref(),
        Some("no release explains this: v-near went to shop, which is not taken for production")
    );
    let own = Production::new(["shop"]);
    let found = thought_with(&own, &slos, std::slice::from_ref(&near), &[]);
    assert_eq!(named(&found), Some("near"));
    // One that cannot be it is not worth a word.
    near.started_at = Some(ago(303.0));
    near.finished_at = Some(ago(300.0));
    let found = thought(&slos, &[near], &[]);
    let words = found.unexplained.unwrap();
    assert!(words.ends_with("came shortly before the onset"), "{words}");
}

#[test]
fn a_release_within_the_interval_came_about_when_it_began() {
    let slos = [burning("checkout", step(30.0))];
    for minutes in [30.0, 30.4, 29.6] {
        let mut near = release("near", "checkout", minutes);
        near.started_at = Some(ago(minutes + 0.3));
        let found = thought(&slos, &[near], &[]);
        let suspect = found.suspect().expect("a suspect");
        let reason = suspect.reason.raw();
        assert!(
            reason.starts_with("about when it began (±"),
            "{minutes}: {reason}"
        );
        assert_eq!(suspect.lead, SignedDuration::ZERO, "{minutes}");
    }
}

#[test]
fn no_interval_ends_after_what_was_counted_and_each_holds_its_moment() {
    for since in 1..40 {
        let course = step(f64::from(since));
        let newest = course.slices.last().unwrap().at;
        let Some(found) = onset(&[course], 0.0144) else {
            continue;
        };
        assert!(found.latest <= newest, "{since}: {found:?}");
        assert!(
            found.earliest <= found.at && found.at <= found.latest,
            "{since}: {found:?}"
        );
    }
}

#[test]
fn a_burn_that_goes_on_keeps_its_onset_while_that_is_believable() {
    let found = onset(&[step(30.0)], 0.0144).unwrap();
    let second = SignedDuration::from_secs(20);
    let near = Onset {
        at: found.at - second,
        ..found
    };
    assert_eq!(found.kept_from(&near).at, near.at);
    let far = Onset {
        at: ago(90.0),
        ..found
    };
    assert_eq!(found.kept_from(&far).at, found.at);
}
