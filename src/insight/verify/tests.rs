//! Verdicts on scripted releases: tables of what is seen, and what follows from it.

#![expect(clippy::cast_possible_wrap, reason = "minutes of a day at most")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::past::Steps;
use crate::domain::{
    Events, FaultKind, Origin, Period, Production, Reason, ReasonCode, Release, ReleaseStatus,
    Sample, SourceName, Window,
};

/// Minutes of the past that are known before a release.
const LOOKBACK: usize = 360;
/// Minutes of a trial.
const MINUTES: usize = 15;
/// Requests a minute.
const RATE: f64 = 1_000.0;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
}

fn slo() -> Slo {
    Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    )
}

fn trial() -> Trial {
    Trial {
        released: at(0),
        began: at(0),
        until: at(MINUTES as i64),
    }
}

fn past(end: i64, events: Vec<Option<Events>>) -> PastEvents {
    let start = end - events.len() as i64;
    PastEvents {
        slo: Arc::new(slo()),
        steps: Steps::new(at(start), at(end), STEP),
        events,
        width: SignedDuration::from_secs(75),
        counted: true,
        partial: false,
        newest: Some(at(end)),
        present: None,
        answered: None,
        queries: Vec::new(),
        reasons: Vec::new(),
    }
}

/// So many minutes with this share of errors.
fn minutes(count: usize, share: f64) -> Vec<Option<Events>> {
    let minute = Events {
        bad: RATE * share,
        total: RATE,
    };
    vec![Some(minute); count]
}

/// What is observed at the end: every window with the same ratio.
fn seen(slo: &Arc<Slo>, ratio: f64) -> Observation {
    let mut seen = Observation::unknown(Arc::clone(slo), at(MINUTES as i64));
    let sample = Sample {
        reading: crate::domain::Reading::Ratio(ratio),
        events: None,
        at: at(MINUTES as i64),
    };
    seen.windows.change(|_, one| *one = sample);
    seen.period = Some(sample);
    seen.reasons = Arc::default();
    seen
}

/// A release that is seen whole, with these shares of errors before and after it.
fn evidence(before: f64, after: f64) -> Evidence {
    let slo = Arc::new(slo());
    Evidence {
        before: Some(Ok(past(0, minutes(LOOKBACK, before)))),
        since: Some(Ok(past(MINUTES as i64, minutes(MINUTES, after)))),
        day_before: Some(Ok(past(MINUTES as i64 - 24 * 60, minutes(MINUTES, before)))),
        seen: Some(seen(&slo, 0.0002)),
        slo,
    }
}

fn since(evidence: &mut Evidence) -> &mut PastEvents {
    evidence.since.as_mut().unwrap().as_mut().unwrap()
}

fn before(evidence: &mut Evidence) -> &mut PastEvents {
    evidence.before.as_mut().unwrap().as_mut().unwrap()
}

fn judged(evidence: &Evidence) -> SloVerdict {
    judge(&trial(), evidence, at(MINUTES as i64))
}

/// The outcome and the cause of a verdict, with its words for a failed test.
fn assert_is(verdict: &SloVerdict, outcome: Outcome, cause: Cause) {
    assert_eq!(
        (verdict.outcome, verdict.cause),
        (outcome, cause),
        "{verdict:#?}"
    );
}

#[test]
fn errors_before_and_after_decide() {
    use Outcome::{Burning, Healthy, Unknown};
    for (before, after, outcome, cause) in [
        (0.0002, 0.0002, Healthy, Cause::Held),
        (0.0, 0.0, Healthy, Cause::Held),
        // Ten times as many, within the budget.
        (0.00005, 0.0005, Healthy, Cause::Held),
        // Five times the budget.
        (0.0002, 0.005, Burning, Cause::Rise),
        (0.0, 0.01, Burning, Cause::Rise),
        // A page rule of 1h fires by the errors of fifteen minutes.
        (0.0002, 0.2, Burning, Cause::PageRule),
        (0.0, 1.0, Burning, Cause::PageRule),
        // It burned before, and burns as it did.
        (0.005, 0.005, Unknown, Cause::BaselineBurned),
        (0.003, 0.006, Unknown, Cause::BaselineBurned),
        // It burned before, and does not any more.
        (0.004, 0.0001, Healthy, Cause::Held),
    ] {
        let verdict = judged(&evidence(before, after));
        assert_is(&verdict, outcome, cause);
        assert_eq!(verdict.onset.is_some(), outcome == Burning, "{verdict:#?}");
        assert_eq!(verdict.missing.is_empty(), outcome != Unknown);
        let ratio = verdict.after.unwrap().ratio.unwrap();
        assert!((ratio - after).abs() < 1e-12);
    }
}

#[test]
fn a_page_rule_of_before_is_named_and_is_neither_healthy_nor_the_releases() {
    // An outage that ended with the release: both windows of the 6x rule are above it.
    let mut seen = evidence(0.0, 0.0001);
    let minute = before(&mut seen).events.len() - 30;
    before(&mut seen).events.splice(minute.., minutes(30, 0.5));
    let slo = Arc::clone(&seen.slo);
    let verdict = judged(&seen);
    assert_is(&verdict, Outcome::Unknown, Cause::BurnsSinceBefore);
    assert!(
        verdict.reason.contains("6x (6h and 30m)"),
        "{}",
        verdict.reason
    );
    assert_eq!(verdict.before_left_out, Some(LeftOut::Burned));
    // A page that only the source sees: it counts what was there before a series began.
    let mut seen = evidence(0.0, 0.0001);
    seen.seen = Some(self::seen(&slo, 0.5));
    assert_is(&judged(&seen), Outcome::Unknown, Cause::BurnsSinceBefore);
}

#[test]
fn nothing_is_healthy_while_something_is_missing() {
    type Change = fn(&mut Evidence);
    let fault = || Fault::new(FaultKind::Timeout, "no answer");
    assert_eq!(fault().kind, FaultKind::Timeout);
    let cases: [(Cause, Change); 12] = [
        (Cause::Failed, |seen| {
            seen.since = Some(Err(Fault::new(FaultKind::Timeout, "no answer")));
        }),
        (Cause::Failed, |seen| {
            seen.before = Some(Err(Fault::new(FaultKind::Timeout, "no answer")));
        }),
        (Cause::Waiting, |seen| seen.since = None),
        (Cause::Stale, |seen| since(seen).events[MINUTES - 1] = None),
        (Cause::Stale, |seen| {
            since(seen).events.truncate(MINUTES - 1);
        }),
        (Cause::Stale, |seen| {
            since(seen).newest = Some(at(MINUTES as i64 - 2));
        }),
        (Cause::Gap, |seen| {
            since(seen).events[3..7].fill(None);
        }),
        (Cause::Partial, |seen| since(seen).partial = true),
        (Cause::NotKnown, |seen| seen.seen = None),
        (Cause::NotCounted, |seen| since(seen).counted = false),
        (Cause::TooFewEvents, |seen| {
            for step in since(seen).events.iter_mut().flatten() {
                step.total = 40.0;
                step.bad = 0.0;
            }
        }),
        (Cause::Assumed, |seen| {
            let reason = Reason::new(ReasonCode::AssumedZero, "errors_total", "no errors_total");
            since(seen).reasons.push(reason);
        }),
    ];
    for (cause, change) in cases {
        let mut seen = evidence(0.0002, 0.0002);
        change(&mut seen);
        let verdict = judged(&seen);
        assert_is(&verdict, Outcome::Unknown, cause);
        assert!(!verdict.reason.is_empty() && !verdict.missing.is_empty());
        // What is missing hides no page-level burn that is known.
        let mut seen = evidence(0.0002, 0.9);
        change(&mut seen);
        let is_lost = [Cause::Failed, Cause::Waiting, Cause::TooFewEvents].contains(&cause);
        if !is_lost {
            assert_is(&judged(&seen), Outcome::Burning, Cause::PageRule);
        }
    }
}

#[test]
fn too_few_events_are_counted_against_those_that_would_show_a_burn() {
    assert_eq!(events_needed(&slo()).to_bits(), 695.0_f64.to_bits());
    for (objective, needed) in [(0.99, 70.0), (0.9999, 6_945.0), (0.5, 2.0)] {
        let slo = Slo { objective, ..slo() };
        assert_eq!(events_needed(&slo).to_bits(), f64::to_bits(needed));
    }
    let mut seen = evidence(0.0, 0.0);
    for (minute, step) in since(&mut seen).events.iter_mut().enumerate() {
        let total = if minute == 0 { 12.0 } else { 400.0 / 14.0 };
        *step = Some(Events { bad: 0.0, total });
    }
    let verdict = judged(&seen);
    assert!(
        verdict.reason.starts_with("412 of 695 events"),
        "{}",
        verdict.reason
    );
    let mut seen = evidence(0.0, 0.0);
    for step in since(&mut seen).events.iter_mut().flatten() {
        step.total = 695.0 / MINUTES as f64;
    }
    assert_is(&judged(&seen), Outcome::Healthy, Cause::Held);
}

#[test]
fn before_the_end_only_a_page_rule_decides_and_windows_keep_their_length() {
    // 20 % of the requests fail: 1h burns above 14.4x once 4.32 of 60 minutes do.
    let whole = evidence(0.0, 0.2);
    for passed in 0..=MINUTES {
        let mut seen = whole.clone();
        since(&mut seen).events.truncate(passed);
        let verdict = judge(&trial(), &seen, at(passed as i64));
        let wanted = if passed >= 5 {
            (Outcome::Burning, Cause::PageRule)
        } else {
            (Outcome::Unknown, Cause::Waiting)
        };
        assert_is(&verdict, wanted.0, wanted.1);
    }
    // One bad minute of ten pages nobody.
    let mut seen = evidence(0.0, 0.0);
    since(&mut seen).events[0] = minutes(1, 0.5)[0];
    since(&mut seen).events.truncate(10);
    assert_is(
        &judge(&trial(), &seen, at(10)),
        Outcome::Unknown,
        Cause::Waiting,
    );
    // A rise alone waits for the end.
    let mut seen = evidence(0.0, 0.01);
    since(&mut seen).events.truncate(14);
    assert_is(
        &judge(&trial(), &seen, at(14)),
        Outcome::Unknown,
        Cause::Waiting,
    );
    // A gap before the release makes no window shorter.
    let mut seen = evidence(0.0, 0.05);
    before(&mut seen).events[LOOKBACK - 50..LOOKBACK - 20].fill(None);
    assert_is(&judged(&seen), Outcome::Burning, Cause::Rise);
    // A service that began ten minutes before has no window of an hour to fill.
    let mut newborn = evidence(0.0, 0.05);
    before(&mut newborn).events[..LOOKBACK - 10].fill(None);
    assert_is(&judged(&newborn), Outcome::Burning, Cause::PageRule);
    // Without the time before the release it is not known how long its windows are.
    seen.before = Some(Err(Fault::new(FaultKind::Timeout, "no answer")));
    assert_is(&judged(&seen), Outcome::Unknown, Cause::Failed);
}

#[test]
fn few_bad_events_page_nobody() {
    let slo = Arc::new(Slo {
        min_bad_events: 3.0,
        ..slo()
    });
    for (bad, is_burning) in [(2.0, false), (2.9, true), (3.0, true)] {
        let mut seen = evidence(0.0, 0.0);
        seen.slo = Arc::clone(&slo);
        let quiet = |step: &mut Events| {
            step.bad = 0.0;
            step.total = 0.5;
        };
        before(&mut seen)
            .events
            .iter_mut()
            .flatten()
            .for_each(quiet);
        since(&mut seen).events.iter_mut().flatten().for_each(quiet);
        since(&mut seen).events[12] = Some(Events { bad, total: 3.0 });
        let verdict = judged(&seen);
        assert_eq!(
            verdict.outcome == Outcome::Burning,
            is_burning,
            "{verdict:#?}"
        );
        assert_ne!(verdict.outcome, Outcome::Healthy);
    }
}

#[test]
fn one_bad_minute_and_a_daily_peak_are_no_rise() {
    // A blip of the deployment: one minute with 5 % errors.
    let mut seen = evidence(0.0002, 0.0002);
    since(&mut seen).events[0] = minutes(1, 0.05)[0];
    let verdict = judged(&seen);
    assert_is(&verdict, Outcome::Healthy, Cause::Held);
    assert!(verdict.burn_rate.unwrap() > 1.0);
    let alone = |note: &String| note.contains("one minute alone");
    assert!(verdict.notes.iter().any(alone), "{verdict:#?}");
    // The same hour of the day before was as bad.
    let mut seen = evidence(0.0002, 0.004);
    seen.day_before = Some(Ok(past(0, minutes(MINUTES, 0.004))));
    let verdict = judged(&seen);
    assert_is(&verdict, Outcome::Healthy, Cause::Held);
    assert!(
        verdict.notes.iter().any(|note| note.contains("day before")),
        "{verdict:#?}"
    );
    // It is left out where history is shorter, and that is shown.
    seen.day_before = Some(Ok(past(0, vec![None; MINUTES])));
    let verdict = judged(&seen);
    assert_is(&verdict, Outcome::Burning, Cause::Rise);
    assert_eq!(verdict.day_before_left_out, Some(LeftOut::NoData));
    assert!(
        verdict.notes.iter().any(|note| note.contains("shorter")),
        "{verdict:#?}"
    );
    // A service whose errors come in bursts: two more of them say nothing.
    let mut seen = evidence(0.0, 0.0);
    let burst = minutes(1, 0.03)[0];
    for minute in (5..LOOKBACK).step_by(37) {
        before(&mut seen).events[minute] = burst;
    }
    since(&mut seen).events[3] = burst;
    since(&mut seen).events[9] = burst;
    assert_is(&judged(&seen), Outcome::Healthy, Cause::Held);
}

#[test]
fn a_burn_of_most_minutes_that_may_be_chance_is_not_healthy() {
    // Ten bad events of 500 where five hours had eighty of 10,000 in bursts of as many minutes.
    let mut seen = evidence(0.0, 0.0);
    let minute = |bad: f64| Some(Events { bad, total: 50.0 });
    for (number, step) in before(&mut seen).events.iter_mut().enumerate() {
        *step = minute(if number % 60 < 8 { 1.0 } else { 0.0 });
    }
    for (number, step) in since(&mut seen).events.iter_mut().enumerate() {
        *step = minute(if number % 2 == 0 { 1.0 } else { 0.0 });
    }
    assert_is(&judged(&seen), Outcome::Unknown, Cause::NotClear);
}

#[test]
fn without_data_before_the_release_the_rules_alone_decide() {
    for (after, outcome) in [
        (0.0001, Outcome::Healthy),
        (0.005, Outcome::Healthy),
        (0.05, Outcome::Burning),
    ] {
        for nothing in [
            None,
            Some(Events {
                bad: 0.0,
                total: 0.0,
            }),
        ] {
            let mut seen = evidence(0.0, after);
            before(&mut seen).events.fill(nothing);
            let verdict = judged(&seen);
            assert_eq!(verdict.outcome, outcome, "{verdict:#?}");
            assert_eq!(verdict.before_left_out, Some(LeftOut::NoData));
            let said = |note: &String| note.contains("page rules alone");
            assert_eq!(verdict.notes.iter().any(said), outcome == Outcome::Healthy);
        }
    }
}

#[test]
fn only_shares_tell_of_a_burn_and_never_of_health() {
    for (after, outcome, cause) in [
        (0.0002, Outcome::Unknown, Cause::NotCounted),
        (0.01, Outcome::Burning, Cause::Rise),
        (0.9, Outcome::Burning, Cause::PageRule),
    ] {
        let mut seen = evidence(0.0002, after);
        let share = |step: &mut Events| {
            step.bad /= step.total;
            step.total = 1.0;
        };
        for past in [&mut seen.before, &mut seen.since, &mut seen.day_before] {
            let past = past.as_mut().unwrap().as_mut().unwrap();
            past.counted = false;
            past.events.iter_mut().flatten().for_each(share);
        }
        let verdict = judged(&seen);
        assert_is(&verdict, outcome, cause);
        assert!(verdict.after.unwrap().events.is_none());
    }
}

#[test]
fn steps_that_reach_far_into_the_time_before_are_not_known() {
    let mut seen = evidence(0.0, 0.0002);
    // Scraped every five minutes.
    since(&mut seen).width = SignedDuration::from_mins(10);
    let verdict = judged(&seen);
    assert_is(&verdict, Outcome::Unknown, Cause::Gap);
    assert!(verdict.gap.unwrap() > 0.5);
}

/// One release; minutes count from the one that is verified.
fn release(id: &str, version: &str, (start, end): (i64, Option<i64>)) -> Release {
    Release {
        id: id.into(),
        service: "checkout".into(),
        version: version.into(),
        environment: "production".into(),
        status: if end.is_some() {
            ReleaseStatus::Succeeded
        } else {
            ReleaseStatus::Running
        },
        started_at: Some(at(start)),
        finished_at: end.map(at),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: crate::domain::Carried::default(),
    }
}

#[test]
fn another_release_within_the_time_supersedes() {
    let own = release("1", "v1", (-2, Some(0)));
    let with = |change: &dyn Fn(&mut Release), dates| {
        let mut other = release("2", "v2", dates);
        change(&mut other);
        other
    };
    let none: &dyn Fn(&mut Release) = &|_| {};
    let cases: [(Release, Option<i64>, Option<i64>); 11] = [
        (with(none, (5, Some(7))), Some(5), Some(5)),
        (with(none, (5, None)), Some(5), Some(5)),
        (with(none, (15, Some(16))), Some(15), Some(15)),
        (with(none, (16, Some(17))), None, None),
        (with(none, (-9, Some(-1))), None, None),
        // On its way at the release: another one, and without a name the one that is meant.
        (with(none, (-1, Some(4))), Some(4), None),
        (
            with(&|one| one.status = ReleaseStatus::Pending, (5, Some(7))),
            None,
            None,
        ),
        (
            with(&|one| one.status = ReleaseStatus::Failed, (5, Some(7))),
            Some(5),
            Some(5),
        ),
        (
            with(&|one| one.service = "cart".into(), (5, Some(7))),
            None,
            None,
        ),
        (
            with(&|one| one.environment = "staging".into(), (5, Some(7))),
            None,
            None,
        ),
        // The same version, as another source lists it.
        (
            with(&|one| one.version = "v1".into(), (5, Some(7))),
            None,
            Some(5),
        ),
    ];
    let source = SourceName::new("deploys");
    for (other, named, unnamed) in cases {
        let all = [&own, &other];
        for (target, wanted) in [(Some(&own), named), (None, unnamed)] {
            let rows = all.iter().map(|release| (&source, *release));
            let found = superseded(&trial(), "checkout", target, rows, &Production::default());
            let found = found.map(|one| one.at);
            assert_eq!(found, wanted.map(at), "{target:?} {other:?}");
        }
    }
}

#[test]
fn a_release_is_found_by_id_and_version_and_its_like_are_named() {
    let mut staging = release("4", "v2.31.0", (20, Some(21)));
    staging.environment = "staging".into();
    let mut foreign = release("9", "v9", (0, Some(1)));
    foreign.service = "cart".into();
    let all = [
        release("1", "v2.30.0", (-90, Some(-80))),
        release("2", "v2.31.0", (-30, Some(-20))),
        release("3", "v2.31.0", (-3, Some(0))),
        staging,
        foreign,
    ];
    let source = SourceName::new("deploys");
    let find = |wanted: &Wanted| {
        let rows = all.iter().map(|release| (&source, release));
        choose(wanted, "checkout", rows, &Production::default())
    };
    let version = |text: &str| Wanted::Version(text.to_owned());
    let id = |text: &str| Wanted::Id(text.to_owned());
    for (wanted, found) in [
        (id("1"), "1"),
        (id("4"), "4"),
        // The newest that went to production.
        (version("v2.31.0"), "3"),
        (version("2.31.0"), "3"),
        (version("v2.30.0"), "1"),
    ] {
        assert_eq!(find(&wanted).unwrap().release.id.raw(), found, "{wanted:?}");
    }
    let lost = find(&version("v2.3.0")).unwrap_err();
    assert!(lost.nearest.contains(&"v2.30.0".into()), "{lost:?}");
    let lost = find(&id("9")).unwrap_err();
    assert_eq!(lost.other_service, Some("cart".into()));
    assert_eq!(find(&version("")).unwrap_err().nearest.len(), 2);
}

#[test]
fn a_release_counts_from_its_end() {
    let dates = |release: Release| {
        let source = SourceName::new("deploys");
        Chosen { source, release }.dates()
    };
    assert_eq!(
        dates(release("1", "v1", (-3, Some(0)))),
        Some((at(0), at(-3)))
    );
    assert_eq!(dates(release("1", "v1", (-3, None))), None);
    let mut undated = release("1", "v1", (-3, None));
    undated.status = ReleaseStatus::Succeeded;
    assert_eq!(dates(undated.clone()), Some((at(-3), at(-3))));
    undated.started_at = None;
    assert_eq!(dates(undated), None);
}

#[test]
fn one_slo_that_burns_decides_then_what_is_not_known() {
    let verdict = |after: f64| judged(&evidence(0.0002, after));
    let (healthy, burning) = (verdict(0.0002), verdict(0.9));
    let mut unknown = verdict(0.0002);
    unknown.unknown(Missing::new(Cause::Stale, "old"));
    let missing = || vec![Missing::new(Cause::Superseded, "by v2")];
    for (slos, others, outcome, cause) in [
        (vec![&healthy], vec![], Outcome::Healthy, Cause::Held),
        (
            vec![&healthy, &healthy],
            vec![],
            Outcome::Healthy,
            Cause::Held,
        ),
        (
            vec![&healthy, &unknown],
            vec![],
            Outcome::Unknown,
            Cause::Stale,
        ),
        (
            vec![&unknown, &burning],
            vec![],
            Outcome::Burning,
            Cause::PageRule,
        ),
        (
            vec![&healthy],
            missing(),
            Outcome::Unknown,
            Cause::Superseded,
        ),
        (vec![&burning], missing(), Outcome::Burning, Cause::PageRule),
        (
            vec![&unknown],
            missing(),
            Outcome::Unknown,
            Cause::Superseded,
        ),
        (vec![], vec![], Outcome::Unknown, Cause::NoSlo),
        (vec![], missing(), Outcome::Unknown, Cause::Superseded),
    ] {
        let slos: Vec<_> = slos.into_iter().cloned().collect();
        let combined = combine(slos, others);
        assert_eq!((combined.outcome, combined.cause), (outcome, cause));
    }
    // No one promised what is suggested.
    let suggested = |mut verdict: SloVerdict| {
        Arc::make_mut(&mut verdict.slo).origin = Origin::Suggested;
        verdict
    };
    let combined = combine(vec![suggested(healthy.clone())], Vec::new());
    assert_eq!(
        (combined.outcome, combined.cause),
        (Outcome::Unknown, Cause::Suggested)
    );
    let combined = combine(vec![suggested(burning)], Vec::new());
    assert_eq!(combined.outcome, Outcome::Burning);
}

/// What is known of a release: steps, and what else there is.
fn any_evidence() -> impl Strategy<Value = Evidence> {
    let step = prop_oneof![
        1 => Just(None),
        8 => (0.0_f64..0.01, 0.0_f64..2_000.0).prop_map(|(share, total)| Some(Events {
            bad: share * total,
            total,
        })),
        1 => (0.0_f64..1.0, 0.0_f64..2_000.0).prop_map(|(share, total)| Some(Events {
            bad: share * total,
            total,
        })),
    ];
    let steps = |count| prop::collection::vec(step.clone(), count);
    let since = steps(0..MINUTES + 1);
    (
        steps(0..LOOKBACK),
        since,
        steps(MINUTES..MINUTES + 1),
        0_i64..20,
        any::<[bool; 3]>(),
    )
        .prop_map(
            |(before, since, day, late, [is_partial, is_counted, is_seen])| {
                let mut evidence = evidence(0.0, 0.0);
                evidence.before = Some(Ok(past(0, before)));
                let mut since = past(since.len() as i64, since);
                since.newest = Some(at(MINUTES as i64) - SignedDuration::from_secs(late * 15));
                since.partial = is_partial && late % 3 == 0;
                since.counted = is_counted || late % 3 > 0;
                evidence.since = Some(Ok(since));
                evidence.day_before = Some(Ok(past(0, day)));
                if !is_seen && late % 4 == 0 {
                    evidence.seen = None;
                }
                evidence
            },
        )
}

/// A page rule that fires by the definition: sums over whole windows, errors before `since` left out.
fn fires_by_definition(evidence: &Evidence, end: usize, from: usize) -> bool {
    let steps = |past: &Option<Result<PastEvents, Fault>>| {
        past.as_ref().unwrap().as_ref().unwrap().events.clone()
    };
    let mut all = steps(&evidence.before);
    all.extend(steps(&evidence.since));
    let mut rules = evidence.slo.rules.iter();
    rules.any(|rule| {
        let above = |window: Window| {
            let first = end.saturating_sub(window.seconds() as usize / 60);
            let own = &all[first..end];
            let total: f64 = own.iter().flatten().map(|step| step.total).sum();
            let bad = all[first.max(from).min(end)..end].iter().flatten();
            let bad: f64 = bad.map(|step| step.bad).sum();
            total > 0.0 && rule.is_exceeded_by(bad / total / evidence.slo.error_budget())
        };
        rule.severity == Severity::Page && above(rule.long) && above(rule.short)
    })
}

proptest! {
    #[test]
    fn healthy_is_only_what_is_known_to_be(seen in any_evidence()) {
        let verdict = judged(&seen);
        prop_assert_eq!(verdict.missing.is_empty(), verdict.outcome != Outcome::Unknown);
        let since = seen.since.as_ref().unwrap().as_ref().unwrap();
        let lookback = seen.before.as_ref().unwrap().as_ref().unwrap().events.len();
        let known: Vec<_> = since.events.iter().flatten().collect();
        let total: f64 = known.iter().map(|step| step.total).sum();
        if verdict.outcome == Outcome::Healthy {
            prop_assert_eq!(since.events.len(), MINUTES);
            prop_assert!(since.events[MINUTES - 1].is_some());
            prop_assert!(known.len() * 5 >= MINUTES * 4);
            prop_assert!(total + 0.5 >= 695.0 && since.counted && !since.partial);
            prop_assert!(seen.seen.is_some());
            prop_assert!(!fires_by_definition(&seen, lookback + MINUTES, 0));
        }
        if verdict.cause == Cause::Rise {
            prop_assert!(verdict.burn_rate.unwrap() > 1.0);
        }
    }

    #[test]
    fn a_page_rule_burns_exactly_where_it_fires_by_its_definition(mut seen in any_evidence()) {
        // Without gaps before the release nothing has to be filled in.
        let past = before(&mut seen);
        for step in &mut past.events {
            step.get_or_insert(Events { bad: 0.0, total: 100.0 });
        }
        let first = past.events.len();
        let count = since(&mut seen).events.len();
        let fires = (1..=count).any(|end| fires_by_definition(&seen, first + end, first));
        let verdict = judge(&trial(), &seen, at(count as i64));
        prop_assert_eq!(verdict.cause == Cause::PageRule, fires, "{:#?}", verdict);
    }
}
