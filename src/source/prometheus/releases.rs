//! Releases from a `build_info`-like series: a version label that changed is a release.
//!
//! A gap in the data is no release: only a version that follows a different one is. While the old
//! version still runs beside it, the release is running; when the old one is gone, it has arrived.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, Range, RangeSeries};
use crate::domain::{Fault, Release, ReleaseStatus, window};

/// How far back releases are looked for.
const REACH: SignedDuration = SignedDuration::from_hours(24);
/// The most points of an answer.
const POINTS: i64 = 10_000;
/// How exactly they are dated.
const STEP: SignedDuration = SignedDuration::from_mins(1);

/// The series that tells which version runs, and its labels.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuildInfo {
    /// Metric name.
    pub(super) series: String,
    /// The label that names the service.
    #[serde(default = "BuildInfo::service")]
    pub(super) service: String,
    /// The label that names the version.
    #[serde(default = "BuildInfo::version")]
    pub(super) version: String,
}

impl BuildInfo {
    fn service() -> String {
        "service".to_owned()
    }

    fn version() -> String {
        "version".to_owned()
    }

    /// The releases of the last day before a moment, or since another that is asked for; over a long
    /// time they are dated less exactly, as a server answers with 11,000 points.
    pub(super) async fn releases(
        &self,
        api: &Api,
        (at, since): (Timestamp, Option<Timestamp>),
    ) -> Result<Vec<Release>, Fault> {
        let usual = at.saturating_sub(REACH).unwrap_or(at);
        let start = since.map_or(usual, |since| since.min(usual));
        let points = start.duration_until(at).as_secs() / POINTS;
        let step = SignedDuration::from_secs(points.max(STEP.as_secs()));
        let range = Range {
            start: window::align(start, step),
            end: window::align(at, step),
            step,
        };
        let Self {
            series,
            service,
            version,
        } = self;
        let query = format!("count by ({service}, {version}) ({series})");
        Ok(self.read(&api.query_range(&query, range).await?.data))
    }

    fn read(&self, series: &[RangeSeries]) -> Vec<Release> {
        let mut services: BTreeMap<&str, BTreeMap<Timestamp, Vec<&str>>> = BTreeMap::new();
        for series in series {
            let label = |name: &str| series.labels.get(name).filter(|value| !value.is_empty());
            if let (Some(service), Some(version)) = (label(&self.service), label(&self.version)) {
                let moments = services.entry(service).or_default();
                for (at, _) in &series.points {
                    moments.entry(*at).or_default().push(version);
                }
            }
        }
        services
            .iter()
            .flat_map(|(service, moments)| history(service, moments))
            .collect()
    }
}

/// Follows which versions of one service ran at each moment.
fn history(service: &str, moments: &BTreeMap<Timestamp, Vec<&str>>) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    let mut before: Option<&Vec<&str>> = None;
    for (&at, running) in moments {
        if let Some(before) = before {
            for version in running.iter().filter(|version| !before.contains(version)) {
                releases.push(release(service, version, at));
            }
        }
        for release in releases
            .iter_mut()
            .filter(|release| release.finished_at.is_none())
        {
            match running.as_slice() {
                [only] if *only == release.version.raw() => {
                    release.status = ReleaseStatus::Succeeded;
                    release.finished_at = Some(at);
                }
                versions if !versions.contains(&release.version.raw()) => {
                    release.status = ReleaseStatus::RolledBack;
                    release.finished_at = Some(at);
                }
                _ => {}
            }
        }
        before = Some(running);
    }
    releases
}

fn release(service: &str, version: &str, at: Timestamp) -> Release {
    Release {
        id: format!("{service}@{version}@{}", at.as_second()).into(),
        service: service.into(),
        version: version.into(),
        environment: "".into(),
        status: ReleaseStatus::Running,
        started_at: Some(at),
        finished_at: None,
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: crate::domain::Carried::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::prometheus::api::Labels;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// `version` runs in these minutes.
    fn series(version: &str, minutes: impl Iterator<Item = i64>) -> RangeSeries {
        let labels = [("service", "shop"), ("version", version)];
        RangeSeries {
            name: String::new(),
            labels: Labels::from(labels),
            points: minutes.map(|minute| (at(minute), 1.0)).collect(),
        }
    }

    fn read(series: &[RangeSeries]) -> Vec<(String, i64, Option<i64>, ReleaseStatus)> {
        let info = BuildInfo {
            series: "app_build_info".into(),
            service: BuildInfo::service(),
            version: BuildInfo::version(),
        };
        let minute = |at: Timestamp| at.as_second() / 60;
        info.read(series)
            .into_iter()
            .map(|release| {
                (
                    release.version.raw().to_owned(),
                    minute(release.started_at.unwrap()),
                    release.finished_at.map(minute),
                    release.status,
                )
            })
            .collect()
    }

    #[test]
    fn a_new_version_is_a_release_that_arrives_when_the_old_one_is_gone() {
        let found = read(&[series("1", 0..14), series("2", 10..20)]);
        assert_eq!(
            found,
            [("2".into(), 10, Some(14), ReleaseStatus::Succeeded)]
        );
        let running = read(&[series("1", 0..20), series("2", 10..20)]);
        assert_eq!(running, [("2".into(), 10, None, ReleaseStatus::Running)]);
    }

    #[test]
    fn a_gap_or_a_restart_of_the_same_version_is_no_release() {
        assert!(read(&[series("1", (0..5).chain(9..20))]).is_empty());
    }

    #[test]
    fn a_version_taken_back_is_rolled_back_and_its_return_is_a_release() {
        let found = read(&[series("1", (0..10).chain(14..20)), series("2", 10..14)]);
        let expected = [
            ("2".to_owned(), 10, Some(10), ReleaseStatus::Succeeded),
            ("1".to_owned(), 14, Some(14), ReleaseStatus::Succeeded),
        ];
        assert_eq!(found, expected);
        let canary = read(&[series("1", 0..20), series("2", 5..8)]);
        assert_eq!(
            canary,
            [("2".into(), 5, Some(8), ReleaseStatus::RolledBack)]
        );
    }
}
