//! What a hand-over says of a shift, rule by rule.

use std::sync::Arc;

use super::*;
use crate::domain::blind::Silence as Unheard;
use crate::domain::{
    Fault, FaultKind, Incident, IncidentStatus, Observation, Origin, Period, Phase, Reading,
    Release, ReleaseStatus, Sample, Severity, Silence, Slo, State, Turn, What, Window,
};

const HOUR: i64 = 3_600;

/// So many seconds into the shift, which is eight hours long.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn prod() -> SourceName {
    SourceName::new("prod")
}

/// A shift of one source, and what of it can be changed by a test.
struct Script {
    facts: Facts,
    freshness: Freshness,
    last_success: Option<Timestamp>,
    events: Vec<Event>,
    frozen: Vec<Event>,
    blind: Vec<Blind>,
    balances: Vec<Balance>,
    onsets: Vec<Began>,
    suspicions: Vec<Suspicion>,
    last: Option<Kept>,
}

impl Script {
    fn of(facts: Facts) -> Self {
        Self {
            facts,
            freshness: Freshness::Live,
            last_success: Some(at(8 * HOUR - 3)),
            events: Vec::new(),
            frozen: Vec::new(),
            blind: Vec::new(),
            balances: Vec::new(),
            onsets: Vec::new(),
            suspicions: Vec::new(),
            last: None,
        }
    }

    fn handoff(&self) -> Handoff {
        let me = Me {
            name: "mara".to_owned(),
            ..Me::default()
        };
        let name = prod();
        let witness = Witness {
            name: &name,
            freshness: self.freshness,
            last_success: self.last_success,
            fault: None,
            facts: &self.facts,
            topics: Topics {
                slos: true,
                releases: true,
                incidents: true,
            },
        };
        Handoff::of(&Shift {
            since: at(0),
            until: at(8 * HOUR),
            me: &me,
            witnesses: vec![witness],
            events: &self.events,
            frozen: &self.frozen,
            blind: &self.blind,
            balances: &self.balances,
            onsets: &self.onsets,
            suspicions: &self.suspicions,
            last: self.last.as_ref(),
        })
    }
}

fn event(seconds: i64, subject: &str, what: What) -> Event {
    Event {
        at: at(seconds),
        seen: at(seconds),
        source: Some(prod()),
        service: "checkout".into(),
        subject: subject.into(),
        what,
    }
}

fn turned(seconds: i64, id: &str, turn: Turn) -> Event {
    let what = What::Incident {
        turn,
        severity: Severity::Page,
        title: id.into(),
        who: Vec::new(),
        by: None,
        last_seen: None,
    };
    event(seconds, id, what)
}

fn verdict(seconds: i64, from: State, to: State) -> Event {
    let what = What::Slo {
        from: Some(from),
        to,
        name: "availability".into(),
        budget: None,
    };
    event(seconds, "checkout/availability", what)
}

fn incident(id: &str, severity: Severity, status: IncidentStatus, opened: i64) -> Incident {
    Incident {
        service: "checkout".into(),
        opened_at: Some(at(opened)),
        ..Incident::new(id, id, severity, status)
    }
}

fn incidents(rows: Vec<Incident>) -> Facts {
    Facts {
        incidents: Some(rows),
        ..Facts::default()
    }
}

/// An SLO of 99.9 % whose windows and period all have one ratio.
fn slo(ratio: f64, period: Period) -> Observation {
    let slo = Slo::new(
        "checkout",
        "availability",
        prod(),
        0.999,
        period,
        Origin::Config,
    );
    let sample = Sample {
        reading: Reading::Ratio(ratio),
        events: None,
        at: at(8 * HOUR),
    };
    let unknown = Observation::unknown(Arc::new(slo), at(8 * HOUR));
    Observation {
        windows: unknown
            .windows
            .keys()
            .map(|window| (window, sample))
            .collect(),
        period: Some(sample),
        ..unknown
    }
}

const MONTH: Period = Period::Rolling(Window::days(30));

fn slos(rows: Vec<Observation>) -> Facts {
    Facts {
        slos: Some(rows),
        ..Facts::default()
    }
}

#[test]
fn what_is_open_is_told_worst_first_and_what_nobody_has_before_what_somebody_has() {
    use IncidentStatus::{Acknowledged, Resolved, Silenced, Triggered};
    use Severity::{Info, Page, Ticket};
    let mine = Incident {
        acknowledged_by: vec!["Mara".into()],
        ..incident("mine", Page, Acknowledged, 60)
    };
    let for_me = Incident {
        assignees: vec!["mara".into()],
        ..incident("for me", Page, Triggered, 90)
    };
    let rows = vec![
        incident("over", Page, Resolved, 10),
        incident("info", Info, Triggered, 10),
        incident("quiet", Page, Silenced, 10),
        mine,
        incident("ticket", Ticket, Triggered, -HOUR),
        for_me,
        incident("old", Page, Triggered, -HOUR),
    ];
    let mut script = Script::of(incidents(rows));
    script.events = vec![
        turned(90, "for me", Turn::Opened),
        turned(80, "mine", Turn::Opened),
        turned(85, "mine", Turn::Opened),
    ];
    let open = script.handoff().open;
    let told: Vec<_> = open
        .iter()
        .map(|one| (one.title.raw(), one.is_new, one.acked_by_me, one.times))
        .collect();
    assert_eq!(
        told,
        [
            ("old", false, false, 0),
            ("for me", true, false, 1),
            ("mine", true, true, 2),
            ("quiet", true, false, 0),
            ("ticket", false, false, 0),
            ("info", true, false, 0),
        ]
    );
    assert!(open.iter().all(|one| one.stale_since.is_none()));
}

#[test]
fn what_a_silent_source_said_is_dated_and_its_verdict_is_unknown() {
    let mut script = Script::of(Facts {
        incidents: incidents(vec![incident(
            "i1",
            Severity::Page,
            IncidentStatus::Triggered,
            0,
        )])
        .incidents,
        ..slos(vec![slo(0.0, MONTH)])
    });
    for freshness in [Freshness::Stale, Freshness::Down] {
        script.freshness = freshness;
        script.last_success = Some(at(HOUR));
        let handoff = script.handoff();
        assert_eq!(handoff.open[0].stale_since, Some(at(HOUR)));
        let row = &handoff.slos.rows[0];
        assert_eq!(
            (row.state, row.last_state),
            (State::Unknown, Some(State::Ok))
        );
        assert_eq!((row.phase, row.stale_since), (None, Some(at(HOUR))));
        assert_eq!(handoff.slos.count(State::Ok), 0);
        assert_eq!(handoff.slos.standing_out().count(), 1);
        assert_eq!(handoff.silent(|topics| topics.incidents).count(), 1);
    }
    script.freshness = Freshness::Live;
    let handoff = script.handoff();
    assert_eq!(handoff.slos.count(State::Ok), 1);
    assert_eq!(handoff.slos.standing_out().count(), 0);
    // It is fresh, and has never said a word of releases.
    assert_eq!(handoff.silent(|topics| topics.incidents).count(), 0);
    assert_eq!(handoff.silent(|topics| topics.releases).count(), 1);
}

#[test]
fn what_is_over_is_told_once_and_not_when_it_is_open_again() {
    use IncidentStatus::{Resolved, Triggered};
    let rows = vec![
        incident("again", Severity::Page, Triggered, 50),
        incident("kept", Severity::Page, Resolved, -HOUR),
    ];
    let mut script = Script::of(incidents(rows));
    script.events = vec![
        turned(10, "gone", Turn::Opened),
        turned(20, "again", Turn::Resolved),
        turned(25, "flap", Turn::Opened),
        turned(30, "flap", Turn::Resolved),
        turned(35, "flap", Turn::Opened),
        turned(40, "kept", Turn::Resolved),
        turned(50, "again", Turn::Opened),
        turned(60, "flap", Turn::Resolved),
        turned(70, "gone", Turn::Gone),
    ];
    let handoff = script.handoff();
    let gone: Vec<_> = handoff
        .gone
        .iter()
        .map(|one| (one.title.raw(), one.opened_at, one.last_seen))
        .collect();
    assert_eq!(gone, [("gone", Some(at(10)), Some(at(70)))]);
    let over = handoff.resolved;
    let told: Vec<_> = over
        .iter()
        .map(|one| (one.title.raw(), one.opened_at, one.is_certain, one.times))
        .collect();
    assert_eq!(
        told,
        [
            ("kept", Some(at(-HOUR)), true, 0),
            ("flap", Some(at(35)), true, 2),
        ]
    );
}

#[test]
fn what_is_gone_is_neither_open_nor_over_and_what_returned_did_not_flap() {
    let lost = Incident {
        gone: Some(crate::domain::Gone {
            last_seen: at(90),
            since: at(100),
            grace: SignedDuration::from_mins(4),
            was: IncidentStatus::Triggered,
            ran_out: true,
        }),
        ..incident("lost", Severity::Page, IncidentStatus::Gone, 10)
    };
    let back = incident("back", Severity::Page, IncidentStatus::Triggered, 10);
    let mut script = Script::of(incidents(vec![lost, back]));
    script.events = vec![
        turned(10, "lost", Turn::Opened),
        turned(10, "back", Turn::Opened),
        turned(100, "lost", Turn::Gone),
        turned(100, "back", Turn::Gone),
        // Journals of before told a return as the same beginning.
        turned(10, "back", Turn::Opened),
        turned(160, "back", Turn::Returned),
    ];
    let handoff = script.handoff();
    let rows = |rows: &[Open]| -> Vec<(String, usize, Option<Timestamp>)> {
        let rows = rows.iter();
        rows.map(|one| (one.title.raw().to_owned(), one.times, one.last_seen))
            .collect()
    };
    assert_eq!(rows(&handoff.open), [("back".to_owned(), 1, None)]);
    assert_eq!(rows(&handoff.gone), [("lost".to_owned(), 1, Some(at(90)))]);
    assert_eq!(handoff.resolved, []);
    // One that was handed over as open is not known any more.
    script.facts = incidents(vec![incident(
        "lost",
        Severity::Page,
        IncidentStatus::Triggered,
        10,
    )]);
    script.last = Some(Kept::of(&script.handoff()));
    script.facts = incidents(vec![lost_row()]);
    let changes = script.handoff().since_last.unwrap();
    assert_eq!((changes.gone.len(), changes.unknown.len()), (0, 1));
}

/// The row of that incident when it is gone.
fn lost_row() -> Incident {
    incident("lost", Severity::Page, IncidentStatus::Gone, 10)
}

/// What becomes of a budget in a hand-over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Unknown,
    Kept,
    /// From, to, and the minute of the first.
    Lost(f64, f64, i64),
}

/// Points of a budget, by the minute, the period, and what is told.
type Case = (&'static [(i64, f64)], Period, Fate);

#[test]
fn a_budget_is_compared_between_the_ends_of_what_is_known() {
    use Fate::{Kept, Lost, Unknown};
    let month = Period::Month;
    let minutes = |minutes: i64| at(minutes * 60);
    let cases: &[Case] = &[
        (&[], MONTH, Unknown),
        (&[(60, 0.9)], MONTH, Unknown),
        // The sample before the beginning counts, if it is of then.
        (&[(-8, 0.9), (470, 0.4)], MONTH, Lost(0.9, 0.4, -8)),
        (
            &[(-40, 0.9), (70, 0.8), (470, 0.4)],
            MONTH,
            Lost(0.8, 0.4, 70),
        ),
        (
            &[(-9, 0.9), (-1, 0.8), (470, 0.4)],
            MONTH,
            Lost(0.8, 0.4, -1),
        ),
        // A loss that nobody would notice, and a gain.
        (&[(0, 0.900), (470, 0.895)], MONTH, Kept),
        (&[(0, 0.5), (470, 0.9)], MONTH, Kept),
        (&[(0, 0.1), (470, -0.5)], MONTH, Lost(0.1, -0.5, 0)),
        // A month that began four hours into the shift began with everything.
        (&[(0, 0.1), (470, 0.8)], month, Lost(1.0, 0.8, 240)),
    ];
    for (points, period, want) in cases {
        let mut seen = slo(0.0, *period);
        if *period == month {
            seen.period_elapsed = SignedDuration::from_hours(4);
        }
        let mut script = Script::of(slos(vec![seen]));
        let points = points.iter();
        script.balances = vec![Balance {
            source: prod(),
            slo: "checkout/availability".into(),
            points: points.map(|(at, left)| (minutes(*at), *left)).collect(),
        }];
        let slos = script.handoff().slos;
        let lost = slos.budgets_lost.first().map(|lost| {
            let first = at(0).duration_until(lost.from_at).as_mins();
            Lost(lost.from, lost.to, first)
        });
        let told = match (lost, slos.budgets_kept, slos.budgets_unknown.len()) {
            (Some(lost), 0, 0) => lost,
            (None, 1, 0) => Kept,
            _ => Unknown,
        };
        assert_eq!(told, *want, "{:?}", script.balances);
    }
}

#[test]
fn a_budget_is_told_by_its_newest_sample_with_its_date_and_not_as_of_the_end() {
    let seen = Observation {
        period: Some(Sample {
            reading: Reading::Ratio(0.000_1),
            events: None,
            at: at(7 * HOUR + 50 * 60),
        }),
        ..slo(0.0, MONTH)
    };
    let mut script = Script::of(slos(vec![seen]));
    let row = |script: &Script| {
        let row = script.handoff().slos.rows.remove(0);
        (row.budget_remaining, row.budget_at)
    };
    let (left, dated) = row(&script);
    assert!((left.expect("a budget") - 0.9).abs() < 1e-9);
    assert_eq!(dated, Some(at(7 * HOUR + 50 * 60)));
    // What the source was asked for at the end is newer; what lies behind the end is not of the shift.
    script.balances = vec![Balance {
        source: prod(),
        slo: "checkout/availability".into(),
        points: vec![
            (at(-60), 0.9),
            (at(8 * HOUR - 5), 0.6),
            (at(8 * HOUR + 9), 0.1),
        ],
    }];
    assert_eq!(row(&script), (Some(0.6), Some(at(8 * HOUR - 5))));
    let lost = &script.handoff().slos.budgets_lost[0];
    assert_eq!((lost.from, lost.to), (0.9, 0.6));
    assert_eq!((lost.from_at, lost.to_at), (at(-60), at(8 * HOUR - 5)));
}

#[test]
fn of_a_budget_that_was_not_seen_after_a_burn_nothing_is_known() {
    let balance = |last: i64| Balance {
        source: prod(),
        slo: "checkout/availability".into(),
        points: vec![(at(0), 0.9), (at(last), 0.899)],
    };
    let fate = |script: &Script| {
        let slos = script.handoff().slos;
        assert_eq!(slos.budgets_lost, []);
        (slos.budgets_kept, slos.budgets_unknown.len())
    };
    let end = 8 * HOUR;
    for (ratio, last, burned_at, want) in [
        // It burns, and its budget is ten minutes old.
        (0.05, end - 600, None, (0, 1)),
        (0.05, end - 20, None, (1, 0)),
        (0.0, end - 600, None, (1, 0)),
        // It burned after the budget was seen last, or before that.
        (0.0, end - 600, Some(end - 60), (0, 1)),
        (0.0, end - 600, Some(end - 1_200), (1, 0)),
    ] {
        let mut script = Script::of(slos(vec![slo(ratio, MONTH)]));
        script.balances = vec![balance(last)];
        let turn = |seconds| verdict(seconds, State::Page, State::Ok);
        script.events = burned_at.map(turn).into_iter().collect();
        assert_eq!(fate(&script), want, "{ratio} {last} {burned_at:?}");
        let kept_as_of = script.handoff().slos.budgets_kept_as_of;
        assert_eq!(kept_as_of, (want.0 == 1).then(|| at(last)));
    }
}

#[test]
fn a_burn_is_dated_by_its_onset_where_that_is_known() {
    let began = |seconds: i64, known: i64| Began {
        source: prod(),
        slo: "checkout/availability".into(),
        at: at(seconds),
        known_at: at(known),
    };
    let end = 8 * HOUR;
    let mut script = Script::of(slos(vec![slo(0.05, MONTH)]));
    script.events = vec![verdict(end - 1_800, State::Ok, State::Page)];
    assert_eq!(script.handoff().slos.rows[0].onset, None);
    script.onsets = vec![began(600, 3_600), began(end - 3_000, end)];
    let row = &script.handoff().slos.rows[0];
    assert_eq!(row.turned_at, Some(at(end - 1_800)));
    assert_eq!(row.onset, Some(at(end - 3_000)));
    // One that is over has the onset that was known at its end, be it before the shift.
    let mut over = Script::of(slos(vec![slo(0.0, MONTH)]));
    over.events = vec![verdict(3_600, State::Page, State::Ok)];
    over.onsets = vec![began(-900, 3_585)];
    assert_eq!(over.handoff().slos.burned[0].since, Some(at(-900)));
    over.onsets = Vec::new();
    assert_eq!(over.handoff().slos.burned[0].since, None);
    over.events
        .insert(0, verdict(1_800, State::Ok, State::Page));
    over.onsets = vec![began(1_500, 3_585)];
    assert_eq!(over.handoff().slos.burned[0].since, Some(at(1_500)));
}

#[test]
fn what_burned_and_does_no_more_is_told_with_its_worst() {
    use State::{Ok, Page, Ticket, Unknown};
    type Case = (
        &'static [(i64, State, State)],
        f64,
        Option<(State, Option<i64>, i64, usize)>,
    );
    let cases: &[Case] = &[
        (&[], 0.0, None),
        (
            &[(60, Ok, Page), (600, Page, Ok)],
            0.0,
            Some((Page, Some(60), 600, 1)),
        ),
        // It began before the shift.
        (&[(600, Ticket, Ok)], 0.0, Some((Ticket, None, 600, 1))),
        (
            &[
                (60, Ok, Ticket),
                (120, Ticket, Page),
                (300, Page, Ticket),
                (600, Ticket, Ok),
            ],
            0.0,
            Some((Page, Some(60), 600, 1)),
        ),
        (
            &[
                (60, Ok, Page),
                (90, Page, Ok),
                (120, Ok, Ticket),
                (150, Ticket, Unknown),
            ],
            0.0,
            Some((Page, Some(60), 150, 2)),
        ),
        // It burns still, or was last seen to: that is no end.
        (&[(60, Ok, Page)], 0.0, None),
        (&[(60, Ok, Page)], 0.05, None),
        (&[(60, Ok, Unknown), (90, Unknown, Ok)], 0.0, None),
    ];
    for (turns, ratio, want) in cases {
        let mut script = Script::of(slos(vec![slo(*ratio, MONTH)]));
        let turns = turns.iter();
        script.events = turns
            .map(|(at, from, to)| verdict(*at, *from, *to))
            .collect();
        let burned = script.handoff().slos.burned;
        let told = burned
            .first()
            .map(|one| (one.worst, one.since, one.until, one.times));
        let want =
            want.map(|(worst, since, until, times)| (worst, since.map(at), at(until), times));
        assert_eq!(told, want, "{:?}", script.events);
    }
}

#[test]
fn a_burn_of_now_has_its_beginning_and_its_suspect() {
    let mut script = Script::of(slos(vec![slo(0.05, MONTH)]));
    script.events = vec![verdict(60, State::Ok, State::Page)];
    script.suspicions = vec![Suspicion {
        source: SourceName::new("github"),
        release: "r1".into(),
        service: "checkout".into(),
        version: "v2".into(),
        measured_by: prod(),
        slo: "checkout/availability".into(),
        reason: "4 min before onset".into(),
    }];
    let handoff = script.handoff();
    let row = &handoff.slos.rows[0];
    assert_eq!((row.state, row.phase), (State::Page, Some(Phase::Burning)));
    assert_eq!(row.turned_at, Some(at(60)));
    let suspect = row.suspect.as_ref().map(Untrusted::raw);
    assert_eq!(suspect, Some("checkout v2, 4 min before onset"));
}

#[test]
fn releases_of_the_shift_are_told_also_when_they_are_listed_no_more() {
    use ReleaseStatus::{Failed, RolledBack, Succeeded};
    let release = |id: &str, started: Option<i64>, finished: Option<i64>| Release {
        id: id.into(),
        service: "checkout".into(),
        version: id.into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: started.map(at),
        finished_at: finished.map(at),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: crate::domain::Carried::default(),
    };
    let told = |seconds, id: &str, status| {
        let what = What::Release {
            status,
            version: id.into(),
            environment: "production".into(),
            actor: None,
        };
        event(seconds, id, what)
    };
    let mut script = Script::of(Facts {
        releases: Some(vec![
            release("before", Some(-90), Some(-60)),
            release("across", Some(-60), Some(60)),
            release("within", Some(120), None),
            release("undated", None, None),
        ]),
        ..Facts::default()
    });
    script.events = vec![
        told(60, "across", ReleaseStatus::Succeeded),
        told(100, "unlisted", ReleaseStatus::Running),
        told(110, "unlisted", ReleaseStatus::Failed),
        told(300, "before", ReleaseStatus::RolledBack),
    ];
    script.suspicions = vec![Suspicion {
        source: prod(),
        release: "within".into(),
        service: "checkout".into(),
        version: "within".into(),
        measured_by: prod(),
        slo: "checkout/availability".into(),
        reason: "at onset".into(),
    }];
    let releases = script.handoff().releases;
    let told: Vec<_> = releases
        .iter()
        .map(|one| {
            (
                one.version.raw(),
                one.at,
                one.status,
                one.suspected_of.len(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("across", at(60), Succeeded, 0),
            ("unlisted", at(110), Failed, 0),
            ("within", at(120), Succeeded, 1),
            ("before", at(300), RolledBack, 0),
        ]
    );
}

#[test]
fn a_silence_is_told_when_it_ends_on_the_watch_of_the_next() {
    let silence = |id: &str, ends: i64| Silence {
        id: id.into(),
        matchers: Vec::new(),
        created_by: "mara".into(),
        comment: "deploy".into(),
        starts_at: at(0),
        ends_at: at(ends),
    };
    let hidden = Incident {
        silenced_by: vec!["soon".into()],
        ..incident("hidden", Severity::Page, IncidentStatus::Silenced, 0)
    };
    let script = Script::of(Facts {
        silences: Some(vec![
            silence("next but one", 16 * HOUR + 1),
            silence("last", 16 * HOUR),
            silence("soon", 8 * HOUR + 60),
            silence("ended", 8 * HOUR),
        ]),
        ..incidents(vec![hidden])
    });
    let ending = script.handoff().silences_ending;
    let told: Vec<_> = ending
        .iter()
        .map(|one| (one.id.raw(), one.is_mine, one.hides.len()))
        .collect();
    assert_eq!(told, [("soon", true, 1), ("last", true, 0)]);
}

#[test]
fn a_deed_of_the_audit_log_and_of_the_journal_is_told_once() {
    let act = |seconds, name: &str| Act {
        at: at(seconds),
        who: "mara".into(),
        source: "pd".into(),
        verb: "ack".into(),
        target: "P1".into(),
        name: name.into(),
        result: "done".into(),
        said: "".into(),
    };
    let done = |seconds, target: &str| {
        let what = What::Done {
            verb: "ack".into(),
            target: target.into(),
            who: "mara".into(),
            result: "done".into(),
            said: "".into(),
        };
        event(seconds, "P1", what)
    };
    let mut script = Script::of(Facts::default());
    let known = Deeds::Known(vec![
        act(-60, "before"),
        act(100, "one"),
        act(9 * HOUR, "after"),
    ]);
    script.events = vec![done(101, "one"), done(700, "one")];
    let handoff = script.handoff().with_deeds(known);
    let told: Vec<_> = handoff.done.iter().map(|act| act.at).collect();
    assert_eq!(told, [at(100), at(700)]);
    // What cannot be read is told as not known, beside what the journal has.
    let handoff = script.handoff().with_deeds(Deeds::Unknown("torn".into()));
    assert_eq!(handoff.done.len(), 2);
    assert_eq!(handoff.done_unknown, Some("torn".into()));
}

#[test]
fn a_source_that_was_never_heard_is_blind_all_the_time() {
    let mut script = Script::of(Facts::default());
    script.freshness = Freshness::Down;
    script.last_success = None;
    let spots = script.handoff().blind_spots;
    assert_eq!((spots.len(), spots[0].total_s), (1, 8 * HOUR));
    assert_eq!(spots[0].spots[0].why, Why::Unwatched);

    script.blind = vec![
        Blind {
            source: prod(),
            since: at(60),
            until: Some(at(120)),
            why: Unheard::Failed(Fault::new(FaultKind::Timeout, "no answer")),
        },
        Blind {
            source: prod(),
            since: at(8 * HOUR - 60),
            until: None,
            why: Unheard::Unwatched,
        },
    ];
    let spots = script.handoff().blind_spots;
    assert_eq!((spots[0].spots.len(), spots[0].total_s), (2, 120));
    assert_eq!(spots[0].spots[0].fault, Some("no answer".into()));
}

#[test]
fn the_next_hand_over_says_what_has_changed_and_what_nobody_can_tell_any_more() {
    use IncidentStatus::{Acknowledged, Triggered};
    let open = |id, status| incident(id, Severity::Page, status, 0);
    let mut before = Script::of(Facts {
        incidents: Some(vec![
            open("stays", Triggered),
            open("taken", Triggered),
            open("over", Triggered),
        ]),
        ..slos(vec![slo(0.0, MONTH)])
    });
    let first = before.handoff();
    assert_eq!(first.since_last, None);
    // What is kept is read back as it was.
    let kept = serde_json::to_string(&Kept::of(&first)).expect("JSON");
    let kept: Kept = serde_json::from_str(&kept).expect("what was written");
    assert_eq!(kept, Kept::of(&first));

    before.last = Some(kept.clone());
    let same = before.handoff().since_last.expect("changes");
    assert!(same.is_empty(), "{same:?}");

    let taken = Incident {
        acknowledged_by: vec!["lee".into()],
        ..open("taken", Acknowledged)
    };
    let mut after = Script::of(Facts {
        incidents: Some(vec![
            open("stays", Triggered),
            taken,
            open("new", Triggered),
        ]),
        ..slos(vec![slo(0.0005, MONTH)])
    });
    after.last = Some(kept.clone());
    let changes = after.handoff().since_last.expect("changes");
    let titles = |rows: &[Turned]| -> Vec<String> {
        rows.iter().map(|row| row.title.raw().to_owned()).collect()
    };
    assert_eq!(titles(&changes.new), ["new"]);
    assert_eq!(titles(&changes.gone), ["over"]);
    assert_eq!(titles(&changes.changed), ["taken"]);
    assert_eq!(changes.changed[0].to, "acknowledged by lee".into());
    assert_eq!(titles(&changes.unknown), Vec::<String>::new());
    assert_eq!(changes.budgets.len(), 1);
    assert!((changes.budgets[0].to - 0.5).abs() < 1e-9);

    // A source that has told of nothing has not said that anything is over.
    let mut blind = Script::of(Facts::default());
    blind.last = Some(kept);
    let changes = blind.handoff().since_last.expect("changes");
    assert_eq!(changes.gone, []);
    let unknown = ["stays", "taken", "over", "checkout/availability"];
    assert_eq!(titles(&changes.unknown), unknown);
}

#[test]
fn freezes_are_told_that_hold_at_the_end_and_that_ended_in_the_shift() {
    let turn = |service: &str, policy: &str, is_frozen, seconds| {
        let words = (&Untrusted::from(policy), &Untrusted::from("budget -4 %"));
        Event::freeze(&service.into(), words, is_frozen, at(seconds))
    };
    let mut script = Script::of(Facts::default());
    script.frozen = vec![turn("checkout", "budget", true, -HOUR)];
    script.events = vec![
        turn("cart", "budget", true, HOUR),
        turn("cart", "budget", false, 2 * HOUR),
        turn("checkout", "week end", true, 3 * HOUR),
    ];
    let told: Vec<_> = script
        .handoff()
        .freezes
        .into_iter()
        .map(|one| {
            let hours = |moment: Timestamp| at(0).duration_until(moment).as_hours();
            let (service, policy) = (one.service.raw().to_owned(), one.policy.raw().to_owned());
            (service, policy, hours(one.from), one.until.map(hours))
        })
        .collect();
    let row = |service: &str, policy: &str, from, until| {
        (service.to_owned(), policy.to_owned(), from, until)
    };
    assert_eq!(
        told,
        [
            row("checkout", "week end", 3, None),
            row("checkout", "budget", -1, Some(3)),
            row("cart", "budget", 1, Some(2)),
        ]
    );
}
