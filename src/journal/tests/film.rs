//! Any moment is given back as it was, from whole frames and changes.

use super::*;
use crate::domain::slo::History;

/// The same facts, of which no past is drawn.
fn bare(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    for seen in facts.slos.iter_mut().flatten() {
        seen.history = History::default();
    }
    facts
}

fn keep(journal: &mut Journal, heard: &Heard) -> Vec<Event> {
    journal.keep(heard).expect("kept")
}

#[test]
fn a_moment_is_given_back_with_every_row_as_it_was_then() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let first = Facts {
        slos: Some(vec![slo("availability", Some(0.0001), 0)]),
        releases: Some(vec![release("r1", ReleaseStatus::Running, -60)]),
        incidents: Some(Vec::new()),
        warnings: vec!["slow".into()],
        ..Facts::default()
    };
    let second = Facts {
        slos: Some(vec![slo("availability", Some(0.05), 60)]),
        releases: Some(vec![release("r1", ReleaseStatus::Succeeded, -60)]),
        incidents: Some(vec![incident("i1", IncidentStatus::Triggered)]),
        ..Facts::default()
    };
    keep(&mut journal, &said(0, first.clone()));
    keep(&mut journal, &said(60, second.clone()));
    keep(&mut journal, &said(120, incidents(Vec::new())));
    for moment in [0, 30, 59] {
        assert_eq!(bare(&facts(&journal, moment)), first, "{moment}");
    }
    for moment in [60, 119] {
        assert_eq!(bare(&facts(&journal, moment)), second, "{moment}");
    }
    assert_eq!(bare(&facts(&journal, 120)), incidents(Vec::new()));
    assert_eq!(bare(&facts(&journal, -1)), Facts::default());
    // And likewise for whoever opens it next.
    drop(journal);
    assert_eq!(bare(&facts(&open(&path), 90)), second);
}

#[test]
fn how_a_source_stood_is_given_back_too() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    for poll in 0..5 {
        keep(&mut journal, &said(poll * 15, slos(Vec::new())));
    }
    for poll in 5..9 {
        keep(&mut journal, &failed(poll * 15));
    }
    keep(&mut journal, &said(135, slos(Vec::new())));
    let stood = |seconds| {
        let past = journal.world(at(seconds)).unwrap().past.remove(0);
        (past.last_success, past.fault.is_some(), past.failures)
    };
    assert_eq!(stood(-1), (None, false, 0));
    assert_eq!(stood(20), (Some(at(15)), false, 0));
    assert_eq!(stood(74), (Some(at(60)), false, 0));
    assert_eq!(stood(76), (Some(at(60)), true, 1));
    assert_eq!(stood(121), (Some(at(60)), true, 4));
    assert_eq!(stood(135), (Some(at(135)), false, 0));
    // After the last answer nothing is known, and what is told is as old as it is.
    assert_eq!(stood(9_000), (Some(at(135)), false, 0));
}

#[test]
fn numbers_are_sampled_and_a_verdict_is_kept_at_once() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let ratio = |poll: i64| if poll < 80 { 0.0001 } else { 0.05 };
    for poll in 0..120 {
        let seconds = poll * 15;
        // A little noise: every poll says something else.
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let ratio = ratio(poll) * (1.0 + poll as f64 * 1e-6);
        let facts = slos(vec![slo("availability", Some(ratio), seconds)]);
        keep(&mut journal, &said(seconds, facts));
    }
    let seen = |seconds| facts(&journal, seconds).slos.as_ref().unwrap()[0].at;
    // The past that a chart is drawn of: what was sampled, and a gap before that.
    let past = facts(&journal, 1_500).slos.as_ref().unwrap()[0]
        .history
        .clone();
    let past: Vec<_> = past.iter().map(|point| (point.at, point.ratio)).collect();
    assert_eq!(past.first().unwrap().0, at(60));
    assert!(past.iter().all(|(when, ratio)| {
        let truth = if *when < at(1_200) { 0.0001 } else { 0.05 };
        (ratio - truth).abs() < 1e-4
    }));
    // Calm: every ten minutes.
    assert_eq!(seen(590), at(0));
    assert_eq!(seen(600), at(600));
    // The poll at which it began to page, and then every minute.
    assert_eq!(seen(1_199), at(600));
    assert_eq!(seen(1_200), at(1_200));
    assert_eq!(seen(1_259), at(1_200));
    assert_eq!(seen(1_260), at(1_260));
    let burns = journal
        .burns(
            &SourceName::new("prod"),
            &"checkout/availability".into(),
            (at(0), at(10_000)),
        )
        .unwrap();
    assert_eq!(burns.len(), 2 + 10);
    assert!((burns[0].short.unwrap() - 0.1).abs() < 1e-6 && burns[2].short.unwrap() > 49.0);
}

#[test]
fn what_happened_is_told_once_and_dated_by_its_source() {
    use IncidentStatus::{Acknowledged, Resolved, Triggered};
    let (_dir, path) = place();
    let mut journal = open(&path);
    let with = |status, acknowledged| Incident {
        acknowledged_at: acknowledged,
        acknowledged_by: vec!["mara".into()],
        ..incident("i1", status)
    };
    let mut all = Vec::new();
    for (seconds, facts) in [
        (10, incidents(vec![with(Triggered, None)])),
        (25, incidents(vec![with(Triggered, None)])),
        (40, incidents(vec![with(Acknowledged, Some(at(33)))])),
        (55, incidents(vec![with(Resolved, None)])),
        (70, incidents(Vec::new())),
        (85, incidents(vec![incident("i2", Triggered)])),
        (100, incidents(Vec::new())),
    ] {
        all.extend(keep(&mut journal, &said(seconds, facts)));
    }
    let told = |events: &[Event]| -> Vec<(i64, String, Turn)> {
        let turns = events.iter().filter_map(|event| match &event.what {
            What::Incident { turn, .. } => {
                let after = event.at.as_second() - START;
                Some((after, event.subject.raw().to_owned(), *turn))
            }
            _ => None,
        });
        turns.collect()
    };
    let want = [
        (0, "i1", Turn::Opened),
        (33, "i1", Turn::Acknowledged),
        (55, "i1", Turn::Resolved),
        (0, "i2", Turn::Opened),
        (100, "i2", Turn::Resolved),
    ];
    let want: Vec<_> = want.map(|(at, id, turn)| (at, id.to_owned(), turn)).into();
    assert_eq!(told(&all), want);
    let mut kept = told(&journal.events_before(at(1_000), 99).unwrap());
    kept.sort();
    let mut want = want;
    want.sort();
    assert_eq!(kept, want);
}

#[test]
fn a_verdict_and_a_fault_are_told_when_they_begin_and_when_they_end() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let mut told = Vec::new();
    for poll in 0..40 {
        let seconds = poll * 15;
        let ratio = if (10..20).contains(&poll) { 0.05 } else { 0.0 };
        let heard = if (25..30).contains(&poll) {
            failed(seconds)
        } else {
            said(
                seconds,
                slos(vec![slo("availability", Some(ratio), seconds)]),
            )
        };
        for event in keep(&mut journal, &heard) {
            let word = match &event.what {
                What::Slo { from, to, .. } => format!("{from:?} {to:?}"),
                What::Lost { .. } => "lost".to_owned(),
                What::Back { after } => format!("back {}", after.as_secs()),
                what => format!("{what:?}"),
            };
            told.push((event.at.as_second() - START, word));
        }
    }
    let page = format!("{:?} {:?}", Some(State::Ok), State::Page);
    let ok = format!("{:?} {:?}", Some(State::Page), State::Ok);
    let want = [
        (150, page.as_str()),
        (300, ok.as_str()),
        (375, "lost"),
        (450, "back 90"),
    ];
    let want: Vec<_> = want.map(|(at, word)| (at, word.to_owned())).into();
    assert_eq!(told, want);
}

#[test]
fn the_first_part_of_an_answer_is_no_verdict() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let whole = slos(vec![slo("availability", Some(0.0), 0)]);
    keep(&mut journal, &said(0, whole.clone()));
    let part = Facts {
        more: true,
        ..slos(vec![slo("availability", None, 15)])
    };
    assert_eq!(keep(&mut journal, &said(15, part)), []);
    assert_eq!(bare(&facts(&journal, 20)), whole);
}

#[test]
fn twins_of_one_id_stay_two_rows() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let twins = incidents(vec![
        incident("same", IncidentStatus::Triggered),
        incident("same", IncidentStatus::Acknowledged),
    ]);
    keep(&mut journal, &said(0, twins.clone()));
    keep(&mut journal, &said(15, twins.clone()));
    assert_eq!(bare(&facts(&journal, 15)), twins);
}

#[test]
fn slos_that_go_are_gone_and_twins_of_one_name_stay_two() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let (first, twin) = (slo("a", Some(0.0), 0), slo("a", Some(0.0001), 0));
    let all = slos(vec![first.clone(), twin, slo("b", Some(0.0), 0)]);
    keep(&mut journal, &said(0, all.clone()));
    keep(&mut journal, &said(15, slos(vec![first])));
    // Whoever goes on with it knows of the same.
    drop(journal);
    let mut journal = open(&path);
    keep(&mut journal, &said(30, all.clone()));
    let failed = Facts {
        fault: Some(Fault::new(FaultKind::Timeout, "no answer in 10s")),
        ..Facts::default()
    };
    keep(&mut journal, &said(45, failed));
    keep(&mut journal, &said(60, slos(vec![slo("b", Some(0.0), 60)])));
    let seen = |seconds| {
        let facts = facts(&journal, seconds);
        facts.slos.as_ref().map(Vec::len)
    };
    let want = [Some(3), Some(1), Some(3), None, Some(1)];
    assert_eq!([0, 15, 30, 45, 60].map(seen), want);
    assert_eq!(bare(&facts(&journal, 0)), all);
}

#[test]
fn when_nothing_was_known_and_why_is_told() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    for poll in 0..4 {
        keep(&mut journal, &said(poll * 15, slos(Vec::new())));
    }
    for poll in 4..8 {
        keep(&mut journal, &failed(poll * 15));
    }
    keep(&mut journal, &said(120, slos(Vec::new())));
    // Nobody asks for an hour.
    keep(&mut journal, &said(3_720, slos(Vec::new())));
    let blind = journal.blind(at(0), at(3_730)).unwrap();
    let told: Vec<_> = blind
        .iter()
        .map(|one| {
            let seconds = |at: Timestamp| at.as_second() - START;
            let is_fault = matches!(one.why, Silence::Failed(_));
            (seconds(one.since), one.until.map(seconds), is_fault)
        })
        .collect();
    assert_eq!(told, [(60, Some(120), true), (120, Some(3_720), false)]);
    // What lies before the time that is asked of is cut to it.
    let later = journal.blind(at(1_000), at(3_730)).unwrap();
    assert_eq!((later.len(), later[0].since), (1, at(1_000)));
    // And what goes on has no end.
    let now = journal.blind(at(3_721), at(9_000)).unwrap();
    assert_eq!((now.len(), now[0].until), (1, None));
}

#[test]
fn details_that_change_with_each_poll_are_kept_seldom_and_facts_at_once() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let with = |status, poll: i64| Incident {
        details: vec![("updated".into(), format!("poll {poll}").into())],
        ..incident("i1", status)
    };
    for poll in 0..100 {
        let status = if poll < 60 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Acknowledged
        };
        keep(
            &mut journal,
            &said(poll * 15, incidents(vec![with(status, poll)])),
        );
    }
    let seen = |seconds| facts(&journal, seconds).incidents.as_ref().unwrap()[0].clone();
    for (poll, kept) in [(0, 0), (39, 0), (40, 40), (59, 40), (60, 60), (99, 60)] {
        let status = if poll < 60 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Acknowledged
        };
        assert_eq!(seen(poll * 15), with(status, kept), "{poll}");
    }
}

#[test]
fn a_source_that_is_left_alone_for_failing_was_not_unwatched() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    keep(&mut journal, &said(0, slos(Vec::new())));
    // Asked less and less often, as one that fails is.
    let mut seconds = 15;
    for pause in [15, 30, 60, 120, 240, 300, 300] {
        let failed = Heard {
            next_try: Some(at(seconds + pause)),
            ..failed(seconds)
        };
        keep(&mut journal, &failed);
        seconds += pause;
    }
    keep(&mut journal, &said(seconds, slos(Vec::new())));
    let blind = journal.blind(at(0), at(seconds + 1)).unwrap();
    assert_eq!(blind.len(), 1, "{blind:?}");
    assert!(matches!(blind[0].why, Silence::Failed(_)));
    assert_eq!(
        (blind[0].since, blind[0].until),
        (at(15), Some(at(seconds)))
    );
}

/// The turns of an incident, and when each is dated.
fn turns(events: &[Event]) -> Vec<(i64, Turn)> {
    let turns = events.iter().filter_map(|event| match &event.what {
        What::Incident { turn, .. } => Some((event.at.as_second() - START, *turn)),
        _ => None,
    });
    turns.collect()
}

/// The incident that began at 0, gone since it was listed last.
fn gone(last_seen: i64) -> Incident {
    Incident {
        gone: Some(crate::domain::Gone {
            last_seen: at(last_seen),
            since: at(last_seen),
            grace: SignedDuration::from_mins(4),
            was: IncidentStatus::Triggered,
            ran_out: true,
        }),
        ..incident("i1", IncidentStatus::Gone)
    }
}

#[test]
fn an_incident_that_is_gone_returns_when_that_is_seen_and_begins_once() {
    use IncidentStatus::Triggered;
    let (_dir, path) = place();
    let mut journal = open(&path);
    let row = || incident("i1", Triggered);
    let mut told = Vec::new();
    for (seconds, rows) in [
        (15, vec![row()]),
        (30, vec![gone(15)]),
        (45, vec![gone(15)]),
        (60, vec![row()]),
        (75, vec![gone(60)]),
        // Over, as its evaluator is heard again.
        (90, Vec::new()),
        // Its source had lost it: it is the one that began at 0.
        (105, vec![row()]),
    ] {
        told.extend(turns(&keep(&mut journal, &said(seconds, incidents(rows)))));
    }
    let want = [
        (0, Turn::Opened),
        (30, Turn::Gone),
        (60, Turn::Returned),
        (75, Turn::Gone),
        (90, Turn::Resolved),
        (105, Turn::Returned),
    ];
    assert_eq!(told, want);
    // One that began anew begins.
    keep(&mut journal, &said(120, incidents(Vec::new())));
    let anew = Incident {
        opened_at: Some(at(130)),
        ..row()
    };
    let told = keep(&mut journal, &said(135, incidents(vec![anew])));
    assert_eq!(turns(&told), [(130, Turn::Opened)]);
    assert_eq!(told[0].seen, at(135));
}

#[test]
fn the_first_answer_of_a_process_decides_about_no_incident_that_it_lacks() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    let row = incident("i1", IncidentStatus::Triggered);
    keep(&mut journal, &said(0, incidents(vec![row.clone()])));
    drop(journal);
    let mut journal = open(&path);
    assert_eq!(keep(&mut journal, &said(15, incidents(Vec::new()))), []);
    assert_eq!(facts(&journal, 15).incidents.as_deref(), Some(&[row][..]));
    let told = keep(&mut journal, &said(30, incidents(vec![gone(0)])));
    assert_eq!(turns(&told), [(30, Turn::Gone)]);
    // A process that knows it to be over, and one that does not yet, do not take turns.
    let told = keep(&mut journal, &said(45, incidents(Vec::new())));
    assert_eq!(turns(&told), [(45, Turn::Resolved)]);
    assert_eq!(keep(&mut journal, &said(60, incidents(vec![gone(0)]))), []);
    assert_eq!(facts(&journal, 60).incidents.as_deref(), Some(&[][..]));
}

#[test]
fn what_hides_an_incident_is_told_and_that_it_changed() {
    use crate::domain::Suppression::{Inhibition, Silence};
    let (_dir, path) = place();
    let mut journal = open(&path);
    let hidden = |suppression| Incident {
        suppression,
        ..incident("i1", IncidentStatus::Silenced)
    };
    let mut told = Vec::new();
    for (seconds, row) in [
        (0, incident("i1", IncidentStatus::Triggered)),
        (15, hidden(Some(Inhibition))),
        (30, hidden(Some(Silence))),
    ] {
        for event in keep(&mut journal, &said(seconds, incidents(vec![row]))) {
            if let What::Incident { turn, by, .. } = event.what {
                told.push((turn, by));
            }
        }
    }
    let want = [
        (Turn::Opened, None),
        (Turn::Silenced, Some(Inhibition)),
        (Turn::Silenced, Some(Silence)),
    ];
    assert_eq!(told, want);
}
