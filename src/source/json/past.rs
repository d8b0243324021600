//! Rows as they stood at a past moment, as far as their dates tell.

use jiff::Timestamp;

use crate::domain::{Incident, IncidentStatus, OnCall, Release, ReleaseStatus};

/// The releases there were at `at`, and how many cannot tell because they have no date.
pub(super) fn releases(rows: Vec<Release>, at: Timestamp) -> (Vec<Release>, usize) {
    let mut undated = 0;
    let kept = rows
        .into_iter()
        .filter_map(|mut row| {
            let Some(dated) = row.dated() else {
                undated += 1;
                return None;
            };
            if dated > at {
                return None;
            }
            if row.finished_at.is_some_and(|finished| finished > at) {
                row.finished_at = None;
                row.status = ReleaseStatus::Running;
            }
            Some(row)
        })
        .collect();
    (kept, undated)
}

/// The incidents there were at `at`, and how many cannot tell because a date is missing.
pub(super) fn incidents(rows: Vec<Incident>, at: Timestamp) -> (Vec<Incident>, usize) {
    let mut undated = 0;
    let kept = rows
        .into_iter()
        .filter_map(|mut row| {
            let is_over = row.status == IncidentStatus::Resolved;
            let Some(opened) = row
                .opened_at
                .filter(|_| !is_over || row.resolved_at.is_some())
            else {
                undated += 1;
                return None;
            };
            if opened > at {
                return None;
            }
            let was_open = row.resolved_at.is_some_and(|resolved| resolved > at);
            let taken_later = row.acknowledged_at.is_some_and(|taken| taken > at);
            if was_open {
                row.resolved_at = None;
            }
            if taken_later {
                row.acknowledged_at = None;
            }
            if was_open && is_over || taken_later && row.status == IncidentStatus::Acknowledged {
                row.status = match row.acknowledged_at {
                    Some(_) => IncidentStatus::Acknowledged,
                    None => IncidentStatus::Triggered,
                };
            }
            Some(row)
        })
        .collect();
    (kept, undated)
}

/// The shifts that were running or to come at `at`, and how many cannot tell because they do not say
/// when they begin.
pub(super) fn shifts(rows: Vec<OnCall>, at: Timestamp) -> (Vec<OnCall>, usize) {
    let all = rows.len();
    let dated: Vec<_> = rows.into_iter().filter(|row| row.from.is_some()).collect();
    let undated = all - dated.len();
    let kept = dated
        .into_iter()
        .filter(|row| row.until.is_none_or(|until| at < until))
        .collect();
    (kept, undated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Severity;
    use crate::text::Untrusted;

    fn moment(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3_600).expect("time")
    }

    fn release(started: Option<i64>, finished: Option<i64>) -> Release {
        Release {
            id: "1".into(),
            service: "x".into(),
            version: "1".into(),
            environment: Untrusted::default(),
            status: ReleaseStatus::Succeeded,
            started_at: started.map(moment),
            finished_at: finished.map(moment),
            actor: None,
            commit: None,
            url: None,
            details: Vec::new(),
            carried: crate::domain::Carried::default(),
        }
    }

    fn incident(status: IncidentStatus, times: [Option<i64>; 3]) -> Incident {
        let [opened_at, acknowledged_at, resolved_at] = times.map(|hour| hour.map(moment));
        Incident {
            service: "x".into(),
            opened_at,
            acknowledged_at,
            resolved_at,
            ..Incident::new("1", "t", Severity::Page, status)
        }
    }

    #[test]
    fn a_release_is_shown_as_it_was() {
        use ReleaseStatus::{Running, Succeeded};
        for (row, want) in [
            (release(Some(1), Some(2)), Some((Succeeded, Some(2)))),
            (release(Some(1), Some(4)), Some((Running, None))),
            (release(Some(4), Some(5)), None),
            (release(None, Some(2)), Some((Succeeded, Some(2)))),
            (release(None, Some(4)), None),
            (release(Some(1), None), Some((Succeeded, None))),
        ] {
            let (rows, undated) = releases(vec![row.clone()], moment(3));
            let got = rows.first().map(|row| (row.status, row.finished_at));
            let want = want.map(|(status, finished)| (status, finished.map(moment)));
            assert_eq!((got, undated), (want, 0), "{row:?}");
        }
        assert_eq!(releases(vec![release(None, None)], moment(3)), (vec![], 1));
    }

    #[test]
    fn an_incident_is_shown_as_it_was() {
        use IncidentStatus::{Acknowledged, Resolved, Silenced, Triggered};
        for (status, times, want) in [
            (Triggered, [Some(1), None, None], Some(Triggered)),
            (Triggered, [Some(4), None, None], None),
            (Resolved, [Some(1), None, Some(2)], Some(Resolved)),
            (Resolved, [Some(1), None, Some(4)], Some(Triggered)),
            (Resolved, [Some(1), Some(2), Some(4)], Some(Acknowledged)),
            (Resolved, [Some(1), Some(4), Some(5)], Some(Triggered)),
            (Acknowledged, [Some(1), Some(2), None], Some(Acknowledged)),
            (Acknowledged, [Some(1), Some(4), None], Some(Triggered)),
            (Silenced, [Some(1), None, None], Some(Silenced)),
        ] {
            let (rows, undated) = incidents(vec![incident(status, times)], moment(3));
            let got = rows.first().map(|row| row.status);
            assert_eq!((got, undated), (want, 0), "{status:?} {times:?}");
            let times = rows
                .first()
                .map(|row| (row.acknowledged_at, row.resolved_at));
            let later = |time: Option<Timestamp>| time.is_some_and(|time| time > moment(3));
            assert!(!times.is_some_and(|(taken, over)| later(taken) || later(over)));
        }
        for (status, times) in [
            (Triggered, [None, None, None]),
            (Resolved, [Some(1), None, None]),
        ] {
            let (rows, undated) = incidents(vec![incident(status, times)], moment(3));
            assert_eq!((rows.len(), undated), (0, 1));
        }
    }

    #[test]
    fn a_shift_is_shown_until_it_ends() {
        let shift = |from: Option<i64>, until: Option<i64>| OnCall {
            who: "mara".into(),
            from: from.map(moment),
            until: until.map(moment),
            ..OnCall::default()
        };
        for (row, kept, undated) in [
            (shift(Some(1), Some(4)), 1, 0),
            (shift(Some(1), Some(3)), 0, 0),
            (shift(Some(4), Some(5)), 1, 0),
            (shift(Some(1), None), 1, 0),
            (shift(None, Some(4)), 0, 1),
        ] {
            let (rows, lost) = shifts(vec![row.clone()], moment(3));
            assert_eq!((rows.len(), lost), (kept, undated), "{row:?}");
        }
    }
}
