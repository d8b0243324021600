//! Conditions of incidents and releases, by their dated rows.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Input, Rows, ServiceFacts};
use super::notes::Notes;
use super::numbers::Moment;
use crate::domain::policy::Truth;
use crate::domain::{Incident, IncidentStatus, Release, ReleaseStatus, Severity, window};

/// A release whose status says nothing may be on its way for so long.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(24);

impl<T> Rows<T> {
    /// What is known where no row says yes: no, unless rows of that time may be missing. What is open
    /// now is listed, whenever it began.
    fn otherwise(&self, moment: Moment, from: Timestamp) -> Truth {
        let is_listed = match moment {
            Moment::Now => true,
            Moment::Past(_) | Moment::Ahead(_) => self.since.is_some_and(|since| since <= from),
        };
        if self.lack.is_none() && is_listed {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    /// Why rows may be missing.
    pub(super) fn why_incomplete(&self) -> String {
        let since = self
            .cut
            .or(self.since.filter(|since| *since > Timestamp::MIN));
        match (&self.lack, since) {
            (Some(lack), _) => lack.clone(),
            (None, Some(since)) => format!("what ended before {since:.0} is not listed"),
            (None, None) => "its sources keep no history".to_owned(),
        }
    }

    /// True where rows that ended after a moment may be missing in the lists of today.
    fn is_cut(&self, from: Timestamp) -> bool {
        self.cut.is_some_and(|cut| cut > from)
    }
}

/// Whether an incident was open at a moment, and for so long.
fn is_open(
    incident: &Incident,
    older_than: Option<SignedDuration>,
    at: Timestamp,
    is_now: bool,
) -> Truth {
    let has_ended = match (incident.status, incident.resolved_at) {
        (IncidentStatus::Resolved, Some(ended)) => Truth::of(ended <= at),
        (IncidentStatus::Resolved, None) if is_now => Truth::Yes,
        (IncidentStatus::Resolved, None) => Truth::Unknown,
        (IncidentStatus::Gone, _) => match &incident.gone {
            Some(gone) if at <= gone.last_seen => Truth::No,
            _ => Truth::Unknown,
        },
        _ => Truth::No,
    };
    let has_begun = match incident.opened_at {
        Some(opened) => {
            let age = opened.duration_until(at);
            Truth::of(!age.is_negative() && older_than.is_none_or(|least| age > least))
        }
        None if is_now && older_than.is_none() => Truth::Yes,
        None => Truth::Unknown,
    };
    Truth::all([has_begun, has_ended.negated()])
}

/// An open incident of a severity or worse.
pub(super) fn incident(
    service: &ServiceFacts,
    (severity, older_than): (Option<Severity>, Option<SignedDuration>),
    (moment, now): (Moment, Timestamp),
    notes: &mut Notes,
) -> Truth {
    let at = moment.at(now);
    let rows = &service.incidents;
    let is_severe = |incident: &Incident| severity.is_none_or(|least| incident.severity >= least);
    let mut worst = rows.otherwise(moment, at);
    let mut found = None;
    for (source, incident) in rows.all.iter().filter(|(_, one)| is_severe(one)) {
        let open = is_open(incident, older_than, at, moment == Moment::Now);
        if open > worst || (open == Truth::Yes && found.is_none()) {
            worst = worst.max(open);
            found = Some((source, incident));
        }
    }
    notes.add(|| {
        let age = found.and_then(|(_, incident)| incident.opened_at);
        let text = match (worst, found) {
            (Truth::No, _) => "no such incident is open".to_owned(),
            (_, Some((_, incident))) => {
                let age = age.map_or_else(String::new, |opened| {
                    format!(", open for {}", window::brief(window::age(opened, at)))
                });
                format!("incident {}{age}", incident.title.raw())
            }
            (_, None) => "incidents are not known".to_owned(),
        };
        Input {
            outcome: worst,
            value: age.map(|opened| window::age(opened, at).as_secs_f64()),
            threshold: older_than.map(|least| least.as_secs_f64()),
            observed_at: Some(at),
            source: found.map(|(source, _)| source.clone()),
            lack: lack(worst, rows),
            ..Input::new("incident", text)
        }
    });
    worst
}

fn lack<T>(outcome: Truth, rows: &Rows<T>) -> Option<String> {
    (outcome == Truth::Unknown).then(|| rows.why_incomplete())
}

fn has_failed(release: &Release) -> bool {
    matches!(
        release.status,
        ReleaseStatus::Failed | ReleaseStatus::RolledBack
    )
}

/// When a release ended badly.
fn failed_at(release: &Release) -> Option<Timestamp> {
    let dated = release.finished_at.or(release.started_at);
    dated.filter(|_| has_failed(release))
}

/// True for a release that ended badly, nobody says when.
fn has_failed_undated(release: &Release) -> bool {
    has_failed(release) && failed_at(release).is_none()
}

/// A release that ended badly within a time.
pub(super) fn failed_release(
    service: &ServiceFacts,
    within: SignedDuration,
    (moment, now): (Moment, Timestamp),
    notes: &mut Notes,
) -> Truth {
    let at = moment.at(now);
    let rows = &service.releases;
    let begin = at.checked_sub(within).unwrap_or(Timestamp::MIN);
    let failed = rows.all.iter().filter_map(|(source, release)| {
        let ended = failed_at(release)?;
        (begin < ended && ended <= at).then_some((source, release, ended))
    });
    let found = failed.max_by_key(|(_, _, ended)| *ended);
    let is_undated = rows
        .all
        .iter()
        .any(|(_, release)| has_failed_undated(release));
    // What is to come is not asked for: nothing fails then.
    let otherwise = match moment {
        _ if is_undated => Truth::Unknown,
        Moment::Ahead(_) | Moment::Now if rows.is_cut(begin) => Truth::Unknown,
        Moment::Ahead(_) => rows.otherwise(Moment::Now, begin),
        moment => rows.otherwise(moment, begin),
    };
    let outcome = if found.is_some() {
        Truth::Yes
    } else {
        otherwise
    };
    notes.add(|| {
        let text = match (outcome, found) {
            (_, Some((_, release, ended))) => format!(
                "release {} {} {} ago",
                release.version.raw(),
                release.status.word().replace('_', " "),
                window::brief(window::age(ended, at))
            ),
            (Truth::Unknown, None) => "releases are not known".to_owned(),
            _ => "no release failed".to_owned(),
        };
        Input {
            outcome,
            value: found.map(|(_, _, ended)| window::age(ended, at).as_secs_f64()),
            threshold: Some(within.as_secs_f64()),
            observed_at: Some(at),
            source: found.map(|(source, ..)| source.clone()),
            lack: lack(outcome, rows),
            ..Input::new("release", text)
        }
    });
    outcome
}

/// A release that is on its way.
pub(super) fn running_release(
    service: &ServiceFacts,
    (moment, now): (Moment, Timestamp),
    notes: &mut Notes,
) -> Truth {
    let at = moment.at(now);
    let rows = &service.releases;
    let mut outcome = rows.otherwise(moment, at);
    let mut found = None;
    for (source, release) in &rows.all {
        let runs = runs(release, moment, at);
        if runs > outcome || (runs == Truth::Yes && found.is_none()) {
            outcome = outcome.max(runs);
            found = Some((source, release));
        }
    }
    notes.add(|| Input {
        outcome,
        observed_at: Some(at),
        source: found.map(|(source, _)| source.clone()),
        lack: lack(outcome, rows),
        ..Input::new(
            "release",
            match (outcome, found) {
                (Truth::Yes, Some((_, release))) => {
                    format!("release {} is running", release.version.raw())
                }
                (Truth::No, _) => "no release is running".to_owned(),
                _ => "whether a release is running is not known".to_owned(),
            },
        )
    });
    outcome
}

fn runs(release: &Release, moment: Moment, at: Timestamp) -> Truth {
    if moment == Moment::Now {
        return match release.status {
            ReleaseStatus::Running => Truth::Yes,
            ReleaseStatus::Unknown
                if release.finished_at.is_none()
                    && release
                        .started_at
                        .is_none_or(|began| window::age(began, at) < ON_ITS_WAY) =>
            {
                Truth::Unknown
            }
            _ => Truth::No,
        };
    }
    match (release.started_at, release.finished_at) {
        (Some(began), Some(ended)) => Truth::of(began <= at && at < ended),
        (Some(began), None) if release.status == ReleaseStatus::Running => Truth::of(began <= at),
        _ => Truth::No,
    }
}

/// Releases that are running now, for every verdict.
pub(super) fn running(service: &ServiceFacts) -> impl Iterator<Item = &Release> {
    let rows = service.releases.all.iter().map(|(_, release)| release);
    rows.filter(|release| release.status == ReleaseStatus::Running)
}
