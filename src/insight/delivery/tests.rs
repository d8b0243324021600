//! The worked example to the minute, and what goes wrong at its edges.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::*;
use crate::domain::{Carried, Commit, IncidentStatus, ReleaseStatus, Severity};

/// Releases, incidents and settings of a service.
struct Story {
    releases: Vec<(SourceName, Release)>,
    incidents: Vec<(SourceName, Incident)>,
    burns: Vec<Burned>,
    unlinked: Vec<Unlinked>,
    is_blind: bool,
    gaps: Vec<(Timestamp, Timestamp)>,
    from: Timestamp,
    until: Timestamp,
    zone: TimeZone,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn release(id: &str, version: &str, time: &str) -> Release {
    Release {
        id: id.into(),
        service: "checkout".into(),
        version: version.into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: None,
        finished_at: Some(at(time)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: Carried::default(),
    }
}

fn commit(sha: &str, time: &str) -> Commit {
    Commit {
        sha: sha.into(),
        committed_at: Some(at(time)),
        is_merge: false,
    }
}

fn incident(id: &str, opened: &str, resolved: Option<&str>) -> Incident {
    let status = if resolved.is_some() {
        IncidentStatus::Resolved
    } else {
        IncidentStatus::Triggered
    };
    Incident {
        service: "checkout".into(),
        opened_at: Some(at(opened)),
        resolved_at: resolved.map(at),
        ..Incident::new(id, id, Severity::Page, status)
    }
}

impl Story {
    fn new(from: &str, until: &str, zone: &str) -> Self {
        Self {
            releases: Vec::new(),
            incidents: Vec::new(),
            burns: Vec::new(),
            unlinked: Vec::new(),
            is_blind: false,
            gaps: Vec::new(),
            from: at(from),
            until: at(until),
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    fn with(mut self, releases: Vec<Release>, incidents: Vec<Incident>) -> Self {
        let source = SourceName::new("deploys");
        let own = releases.into_iter().map(|one| (source.clone(), one));
        self.releases.extend(own);
        let own = incidents.into_iter().map(|one| (source.clone(), one));
        self.incidents.extend(own);
        self
    }

    fn terms<'a>(&'a self, production: &'a Production) -> Terms<'a> {
        Terms {
            from: self.from,
            until: self.until,
            zone: &self.zone,
            production,
            link_within: SignedDuration::from_hours(24),
            observe: SignedDuration::from_hours(1),
        }
    }

    fn delivery(&self) -> Delivery {
        let production = Production::default();
        let terms = self.terms(&production);
        let releases = self.releases.iter().map(|(source, row)| (source, row));
        let incidents = self.incidents.iter().map(|(source, row)| (source, row));
        Delivery::of(
            &terms,
            &Evidence {
                releases: Some(releases.collect()),
                incidents: (!self.is_blind).then(|| incidents.collect()),
                gaps: self.gaps.clone(),
                burns: self.burns.clone(),
                unlinked: &self.unlinked,
            },
        )
    }
}

/// The example of the fixture, of the service that it is about.
fn worked_example() -> (Story, Value) {
    let text = include_str!("../../../tests/fixtures/delivery/worked-example.json");
    let json: Value = serde_json::from_str(text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let moment = |value: &Value| value.as_str().map(at);
    let service = text(&json["service"]);
    let window = &json["expected"]["window"];
    let mut story = Story::new(&text(&window[0]), &text(&window[1]), &text(&json["zone"]));
    let releases = json["deployments"].as_array().unwrap().iter().map(|row| {
        let commits = row["commits"].as_array().unwrap().iter();
        let commits = commits.map(|one| Commit {
            sha: text(&one["sha"]).into(),
            committed_at: moment(&one["committed_at"]),
            is_merge: one["merge"].as_bool().unwrap(),
        });
        Release {
            environment: text(&row["environment"]).into(),
            status: ReleaseStatus::from_word(&text(&row["status"])),
            commit: Some(text(&row["commit"]).into()),
            carried: Carried {
                commits: Some(commits.collect()),
                ..Carried::from_ref(row["ref"].as_str().unwrap_or_default())
            },
            ..release(
                &text(&row["id"]),
                &text(&row["version"]),
                &text(&row["finished_at"]),
            )
        }
    });
    let incidents = json["incidents"].as_array().unwrap().iter();
    let incidents = incidents.filter(|row| text(&row["service"]) == service);
    let incidents = incidents.map(|row| {
        let resolved = row["resolved_at"].as_str();
        incident(&text(&row["id"]), &text(&row["opened_at"]), resolved)
    });
    story = story.with(releases.collect(), incidents.collect());
    (story, json["expected"].clone())
}

fn names(ids: &[Untrusted]) -> Vec<&str> {
    ids.iter().map(Untrusted::raw).collect()
}

#[test]
fn the_worked_example_comes_out_to_the_minute() {
    let (story, want) = worked_example();
    let delivery = story.delivery();
    let often = delivery.deployments.as_ref().unwrap();
    assert_eq!(often.ids.len(), 12);
    assert!(
        (often.per_day - 12.0 / 14.0).abs() < 1e-12,
        "{}",
        often.per_day
    );
    assert_eq!(often.days, 9);
    let weeks = often.weeks.iter();
    let weeks: Vec<_> = weeks
        .map(|week| (week.number, week.count, week.days))
        .collect();
    assert_eq!(weeks, [(10, 5, 4), (11, 7, 5)]);
    assert_eq!(often.median_days_per_week, Some(4.5));
    assert_eq!(names(&delivery.attempts), ["d5"]);

    let lead = delivery.lead_time.as_ref().unwrap();
    assert_eq!(
        (lead.commits.len(), lead.excluded, lead.unknown),
        (12, 1, 0)
    );
    assert_eq!(median(&lead.seconds()), Some(4.5 * 3600.0));

    let rate = delivery.failures.as_ref().unwrap();
    let failed: Vec<_> = rate.failed.iter().map(|(id, _)| id.raw()).collect();
    assert_eq!(failed, ["d2", "d9", "d11"]);
    assert_eq!((rate.of, names(&rate.pending)), (11, vec!["d13"]));
    let linked = rate.failed.iter().map(|(_, by)| {
        let incidents = by.iter().filter(|one| one.rule == Rule::Incident);
        incidents.map(|one| one.by.raw()).collect::<Vec<_>>()
    });
    let linked: Vec<_> = linked.collect();
    assert_eq!(linked, [vec!["i1", "i2"], vec!["i4", "i4b"], vec!["i5"]]);

    let recovery = delivery.recovery.as_ref().unwrap();
    let minutes = recovery
        .recovered
        .iter()
        .map(|(id, took)| (id.raw(), took / 60.0));
    assert_eq!(minutes.collect::<Vec<_>>(), [("d2", 120.0), ("d9", 150.0)]);
    let open = recovery
        .open
        .iter()
        .map(|(id, age)| (id.raw(), age / 3600.0));
    assert_eq!(open.collect::<Vec<_>>(), [("d11", 59.0)]);

    let rework = delivery.rework.as_ref().unwrap();
    assert_eq!(
        (names(&rework.ids), rework.of),
        (vec!["d3", "d4", "d10"], 12)
    );
    // The numbers above are those of the file.
    assert_eq!(want["deployments"], 12);
    assert_eq!(want["lead_median_h"], 4.5);
    assert_eq!(want["recovery_median_min"], 135.0);
}

#[test]
fn the_order_of_the_rows_changes_nothing() {
    let (mut story, _) = worked_example();
    let before = story.delivery();
    story.releases.reverse();
    story.incidents.reverse();
    let after = story.delivery();
    assert_eq!(before.deployments, after.deployments);
    assert_eq!(before.lead_time, after.lead_time);
    assert_eq!(before.recovery, after.recovery);
    assert_eq!(before.rework, after.rework);
}

#[test]
fn a_week_with_a_change_of_the_clocks_has_its_own_length() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let days = |from: &str, until: &str| length_in_days(at(from), at(until), &zone);
    // The 29th has 23 hours.
    for (from, until, want) in [
        (
            "2026-03-23T00:00:00+01:00",
            "2026-03-30T00:00:00+02:00",
            7.0,
        ),
        (
            "2026-03-29T00:00:00+01:00",
            "2026-03-30T00:00:00+02:00",
            1.0,
        ),
        (
            "2026-03-29T12:00:00+02:00",
            "2026-03-30T00:00:00+02:00",
            12.0 / 23.0,
        ),
        (
            "2026-03-28T18:00:00+01:00",
            "2026-03-29T04:00:00+02:00",
            0.25 + 3.0 / 23.0,
        ),
        (
            "2026-10-25T00:00:00+02:00",
            "2026-10-25T12:00:00+01:00",
            13.0 / 25.0,
        ),
        (
            "2026-03-01T06:00:00+01:00",
            "2026-03-01T18:00:00+01:00",
            0.5,
        ),
        (
            "2026-03-01T06:00:00+01:00",
            "2026-03-01T06:00:00+01:00",
            0.0,
        ),
    ] {
        let got = days(from, until);
        assert!((got - want).abs() < 1e-12, "{from} {until}: {got}");
    }
    let story = Story::new(
        "2026-03-25T12:00:00+01:00",
        "2026-04-07T00:00:00+02:00",
        "Europe/Berlin",
    );
    let story = story.with(
        vec![
            release("a", "v1", "2026-03-28T23:30:00Z"),
            release("b", "v2", "2026-03-29T21:59:00Z"),
            release("c", "v3", "2026-03-29T22:00:00Z"),
            release("d", "v4", "2026-04-06T22:00:00Z"),
        ],
        Vec::new(),
    );
    let delivery = story.delivery();
    let often = delivery.deployments.unwrap();
    // The last is at the end, which is not in the time.
    assert_eq!(names(&often.ids), ["a", "b", "c"]);
    assert_eq!(often.days, 2);
    assert!((often.per_day - 3.0 / 12.5).abs() < 1e-12);
    let weeks = often.weeks.iter();
    let weeks: Vec<_> = weeks
        .map(|one| (one.number, one.count, one.is_whole))
        .collect();
    assert_eq!(weeks, [(13, 2, false), (14, 1, true), (15, 0, false)]);
    assert_eq!(often.median_days_per_week, Some(1.0));
}

#[test]
fn without_deployments_there_is_no_rate() {
    let story = || Story::new("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z", "UTC");
    let never = story().with(
        Vec::new(),
        vec![incident("i", "2026-03-03T00:00:00Z", None)],
    );
    let nothing = never.delivery();
    assert_eq!(nothing.deployments, None);
    assert_eq!(nothing.lead_time, None);
    assert_eq!((nothing.failures, nothing.rework), (None, None));

    // That there was none in the time is known, and a rate of none is not.
    let before = vec![release("old", "v1", "2026-02-01T00:00:00Z")];
    let quiet = story().with(before, Vec::new()).delivery();
    let often = quiet.deployments.unwrap();
    assert_eq!((often.ids.len(), often.days), (0, 0));
    let failures = quiet.failures.unwrap();
    assert_eq!(
        (failures.of, rate(failures.failed.len(), failures.of)),
        (0, None)
    );
    assert_eq!(median(&quiet.lead_time.unwrap().seconds()), None);
    assert_eq!(rate(0, quiet.rework.unwrap().of), None);
}

#[test]
fn a_blind_source_of_incidents_leaves_what_releases_tell() {
    let (mut story, _) = worked_example();
    story.is_blind = true;
    let delivery = story.delivery();
    assert_eq!((delivery.failures, delivery.recovery), (None, None));
    assert_eq!(delivery.deployments.unwrap().ids.len(), 12);
    assert_eq!(delivery.rework.unwrap().ids.len(), 3);
}

#[test]
fn what_was_deployed_in_a_gap_of_the_journal_is_in_no_rate() {
    let (mut story, _) = worked_example();
    // d6 at 11:00 is observed until 12:00; d7 is deployed long after.
    let gap = |from: &str, until: &str| (at(from), at(until));
    for (from, until, unseen) in [
        ("2026-03-06T11:30:00Z", "2026-03-06T13:00:00Z", &["d6"][..]),
        ("2026-03-06T12:00:00Z", "2026-03-08T23:30:00Z", &[]),
        ("2026-03-08T22:00:00Z", "2026-03-09T00:00:00Z", &["d7"]),
        // A failure that is known stays one.
        ("2026-03-13T12:00:00Z", "2026-03-13T12:20:00Z", &[]),
    ] {
        story.gaps = vec![gap(from, until)];
        let failures = story.delivery().failures.unwrap();
        assert_eq!(names(&failures.unseen), unseen, "{from}");
        assert_eq!((failures.failed.len(), failures.of), (3, 11 - unseen.len()));
    }
}

#[test]
fn one_deployment_is_enough_for_every_number() {
    let mut one = release("d", "v2", "2026-03-03T12:00:00Z");
    one.carried.commits = Some(vec![commit("c", "2026-03-03T11:00:00Z")]);
    one.carried.is_head_only = true;
    let story = Story::new("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z", "UTC").with(
        vec![release("old", "v1", "2026-02-01T00:00:00Z"), one],
        vec![incident(
            "i",
            "2026-03-03T12:00:00Z",
            Some("2026-03-03T13:00:00Z"),
        )],
    );
    let delivery = story.delivery();
    let lead = delivery.lead_time.unwrap();
    assert_eq!(
        (median(&lead.seconds()), quantile(&lead.seconds(), 0.9)),
        (Some(3600.0), Some(3600.0))
    );
    assert_eq!(lead.head_only, 1);
    let failures = delivery.failures.unwrap();
    assert_eq!(rate(failures.failed.len(), failures.of), Some(1.0));
    assert_eq!(delivery.recovery.unwrap().recovered, [("d".into(), 3600.0)]);
}

/// The ids of the failed ones, each with the rules that say so.
fn failed(story: &Story) -> Vec<(String, Vec<Rule>)> {
    let failures = story.delivery().failures.unwrap();
    let row = |(id, by): (Untrusted, Vec<Failure>)| {
        (id.raw().to_owned(), by.iter().map(|one| one.rule).collect())
    };
    failures.failed.into_iter().map(row).collect()
}

fn two() -> Story {
    Story::new("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z", "UTC").with(
        vec![
            release("d1", "v1", "2026-03-03T10:00:00Z"),
            release("d2", "v2", "2026-03-03T11:00:00Z"),
        ],
        Vec::new(),
    )
}

#[test]
fn an_incident_is_of_the_deployment_before_it_unless_something_stronger_says_otherwise() {
    let opened = "2026-03-03T11:30:00Z";
    let story = two().with(Vec::new(), vec![incident("i", opened, None)]);
    assert_eq!(failed(&story), [("d2".to_owned(), vec![Rule::Incident])]);

    let mut named = incident("i", opened, None);
    named.details.push(("caused_by".into(), "d1".into()));
    let story = two().with(Vec::new(), vec![named]);
    assert_eq!(failed(&story), [("d1".to_owned(), vec![Rule::Named])]);

    let mut story = two().with(Vec::new(), vec![incident("i", opened, None)]);
    story.burns.push(Burned {
        slo: "checkout/availability".into(),
        onset: at("2026-03-03T10:30:00Z"),
        ended: Some(at("2026-03-03T12:00:00Z")),
        release: (SourceName::new("deploys"), "d1".into()),
        score: 0.5,
    });
    let want = [("d1".to_owned(), vec![Rule::Burn, Rule::Incident])];
    assert_eq!(failed(&story), want);
    // The burn is over before the incident is.
    assert_eq!(
        story.delivery().recovery.unwrap().recovered,
        [("d1".into(), 7200.0)]
    );
    story.burns[0].score = 0.49;
    assert_eq!(failed(&story), [("d2".to_owned(), vec![Rule::Incident])]);
}

#[test]
fn only_what_pages_and_is_near_enough_is_linked() {
    let of = |one: Incident| failed(&two().with(Vec::new(), vec![one])).len();
    assert_eq!(of(incident("i", "2026-03-03T09:59:59Z", None)), 0);
    assert_eq!(of(incident("i", "2026-03-03T10:00:00Z", None)), 1);
    assert_eq!(of(incident("i", "2026-03-04T10:59:59Z", None)), 1);
    assert_eq!(of(incident("i", "2026-03-04T11:00:00Z", None)), 0);
    let ticket = Incident {
        severity: Severity::Ticket,
        ..incident("i", "2026-03-03T11:30:00Z", None)
    };
    assert_eq!(of(ticket), 0);
}

#[test]
fn a_pair_that_was_taken_apart_is_of_nobody() {
    let mut story = two().with(
        Vec::new(),
        vec![incident(
            "i",
            "2026-03-03T11:30:00Z",
            Some("2026-03-03T12:00:00Z"),
        )],
    );
    story.unlinked.push(Unlinked {
        release: "d2".into(),
        incident: "i".into(),
    });
    assert_eq!(failed(&story), []);
    story.unlinked[0].incident = "other".into();
    assert_eq!(failed(&story).len(), 1);
}

#[test]
fn a_failed_release_counts_only_when_users_saw_it() {
    let mut tried = release("d3", "v3", "2026-03-04T10:00:00Z");
    tried.status = ReleaseStatus::Failed;
    let quiet = two().with(vec![tried.clone()], Vec::new()).delivery();
    assert_eq!(quiet.deployments.unwrap().ids.len(), 2);
    assert_eq!(names(&quiet.attempts), ["d3"]);
    let seen = two().with(
        vec![tried],
        vec![incident("i", "2026-03-04T10:05:00Z", None)],
    );
    assert_eq!(seen.delivery().deployments.unwrap().ids.len(), 3);
    assert_eq!(failed(&seen), [("d3".to_owned(), vec![Rule::Incident])]);
}

#[test]
fn a_roll_back_names_the_one_before_it_or_the_one_that_it_says() {
    let back = |git_ref: &str| {
        let mut back = release("d4", "v1", "2026-03-03T13:00:00Z");
        back.carried = Carried::from_ref(git_ref);
        two().with(
            vec![release("d3", "v3", "2026-03-03T12:00:00Z"), back],
            Vec::new(),
        )
    };
    let names = |story: &Story| {
        let rows = failed(story).into_iter();
        rows.map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(names(&back("main")), ["d3"]);
    assert_eq!(names(&back("rollback/v2")), ["d2"]);
    let delivery = back("main").delivery();
    assert_eq!(
        delivery.recovery.unwrap().recovered,
        [("d3".into(), 3600.0)]
    );
    let rework: Vec<_> = delivery.rework.unwrap().ids;
    assert_eq!(rework, [Untrusted::from("d4")]);
    // A source that alone says so.
    let mut story = two();
    story.releases[1].1.status = ReleaseStatus::RolledBack;
    assert_eq!(names(&story), ["d2"]);
}

#[test]
fn reports_of_one_rollout_are_one_and_a_quick_roll_back_is_none_of_them() {
    let count = |rows: Vec<Release>| {
        let story = Story::new("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z", "UTC");
        let ids = story
            .with(rows, Vec::new())
            .delivery()
            .deployments
            .unwrap()
            .ids;
        ids.iter().map(|id| id.raw().to_owned()).collect::<Vec<_>>()
    };
    let of = |id: &str, commit: &str, time: &str| Release {
        commit: Some(commit.into()),
        ..release(id, id, time)
    };
    let (first, near) = (of("a", "c", "2026-03-03T10:00:00Z"), "2026-03-03T10:10:00Z");
    assert_eq!(count(vec![first.clone(), of("b", "c", near)]), ["a"]);
    let late = "2026-03-03T10:10:01Z";
    assert_eq!(count(vec![first.clone(), of("b", "c", late)]), ["a", "b"]);
    let region = Release {
        environment: "prod-eu".into(),
        ..of("b", "c", near)
    };
    assert_eq!(count(vec![first.clone(), region]), ["a"]);
    let back = vec![
        first.clone(),
        of("b", "d", "2026-03-03T10:04:00Z"),
        of("c", "c", "2026-03-03T10:08:00Z"),
    ];
    assert_eq!(count(back), ["a", "b", "c"]);
    let run = |mut release: Release| {
        release.url = Some("https://github.example/a/b/actions/runs/77/job/1".into());
        release
    };
    let rows = vec![
        run(first.clone()),
        run(of("b", "e", "2026-03-03T12:00:00Z")),
    ];
    assert_eq!(count(rows), ["a"]);
    let staging = Release {
        environment: "staging".into(),
        ..first
    };
    assert_eq!(count(vec![staging]), [""; 0]);
}

#[test]
fn a_commit_counts_once_and_merges_and_roll_backs_carry_none() {
    let mut story = two();
    story.releases[0].1.carried.commits = Some(vec![commit("c1", "2026-03-03T09:00:00Z")]);
    let mut merge = commit("m", "2026-03-03T10:30:00Z");
    merge.is_merge = true;
    story.releases[1].1.carried.commits = Some(vec![
        commit("c1", "2026-03-03T09:00:00Z"),
        commit("c2", "2026-03-03T11:00:01Z"),
        merge,
    ]);
    let mut back = release("d3", "v1", "2026-03-03T12:00:00Z");
    back.carried.commits = Some(vec![commit("c3", "2026-03-01T00:00:00Z")]);
    let story = story.with(
        vec![back, release("d4", "v4", "2026-03-04T12:00:00Z")],
        Vec::new(),
    );
    let lead = story.delivery().lead_time.unwrap();
    assert_eq!(lead.commits, [("c1".into(), "d1".into(), 3600.0)]);
    assert_eq!((lead.excluded, lead.unknown), (1, 1));
}

#[test]
fn a_planned_deployment_while_an_incident_is_open_is_no_rework() {
    let mut story = two().with(
        Vec::new(),
        vec![incident("i7", "2026-03-03T10:30:00Z", None)],
    );
    assert_eq!(story.delivery().rework.unwrap().ids, []);
    story.releases[1]
        .1
        .carried
        .labels
        .push("incident: i7".into());
    assert_eq!(names(&story.delivery().rework.unwrap().ids), ["d2"]);
}

#[test]
fn a_team_counts_every_deployment_of_its_services() {
    let (story, _) = worked_example();
    let one = story.delivery();
    let production = Production::default();
    let terms = story.terms(&production);
    let both = Delivery::together(&terms, &[&one, &one]);
    let often = both.deployments.as_ref().unwrap();
    assert_eq!((often.ids.len(), often.days), (24, 9));
    assert!((often.per_day - 24.0 / 14.0).abs() < 1e-12);
    assert_eq!(
        median(&both.lead_time.as_ref().unwrap().seconds()),
        Some(4.5 * 3600.0)
    );
    let failures = both.failures.as_ref().unwrap();
    assert_eq!((failures.failed.len(), failures.of), (6, 22));
    assert_eq!(both.recovery.as_ref().unwrap().open.len(), 2);
    assert_eq!(both.rework.as_ref().unwrap().of, 24);
    let blind = Delivery {
        failures: None,
        ..one.clone()
    };
    assert_eq!(Delivery::together(&terms, &[&one, &blind]).failures, None);
    let none = Delivery::together(&terms, &[]);
    assert_eq!((none.deployments, none.rework), (None, None));
}
