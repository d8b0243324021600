//! What the server itself says: its version, how long it keeps samples, and what its clock shows.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::super::api::{Api, envelope};
use crate::domain::{Fault, Finding, Grade, Window, window};
use crate::source::prometheus::api::moment;

/// A clock that is off by more makes ages and alerts wrong that a reader would notice.
const OFF: SignedDuration = SignedDuration::from_secs(5);

#[derive(Deserialize)]
struct BuildInfo {
    #[serde(default)]
    version: String,
    #[serde(default)]
    application: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeInfo {
    #[serde(default)]
    storage_retention: String,
}

/// Looks at version, clock and retention; `longest` is the longest period of an SLO.
pub(super) async fn examine(api: &Api, longest: Option<Window>) -> Vec<Finding> {
    let mut found = vec![version(api).await, clock(api).await];
    found.extend(retention(api, longest).await);
    found
}

async fn version(api: &Api) -> Finding {
    let answer = api.http().get("/api/v1/status/buildinfo").send().await;
    let info = answer.and_then(|answer| Ok(envelope::<BuildInfo>(&answer)?.data));
    match info {
        Ok(info) if !info.version.is_empty() => {
            let name = if info.application.is_empty() {
                "version"
            } else {
                &info.application
            };
            Finding::new(Grade::Ok, "version", format!("{name} {}", info.version))
        }
        _ => Finding::new(Grade::Note, "version", "does not tell its version"),
    }
}

/// `time()` is the clock that dates the answers: better than the `Date` of a proxy in between.
async fn clock(api: &Api) -> Finding {
    let before = Timestamp::now();
    let answer = api.query("time()", None).await;
    let after = Timestamp::now();
    let theirs = match answer {
        Ok(answer) => answer.data.first().and_then(|series| moment(series.value)),
        Err(fault) => return clock_unknown(&fault),
    };
    let Some(theirs) = theirs else {
        return Finding::new(Grade::Note, "clock", "does not tell its time");
    };
    let took = before.duration_until(after);
    let ours = before + took / 2;
    judge(ours.duration_until(theirs), took / 2)
}

fn clock_unknown(fault: &Fault) -> Finding {
    let what = format!("does not tell its time: {}", fault.message.raw());
    Finding::new(Grade::Warning, "clock", what)
}

/// What a clock that is `ahead` means; `unsure` is how far the measurement itself may be off.
fn judge(ahead: SignedDuration, unsure: SignedDuration) -> Finding {
    let off = ahead.abs();
    let way = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    if off <= OFF + unsure {
        let what = format!("its clock and ours agree to {}", window::brief(OFF));
        return Finding::new(Grade::Ok, "clock", what);
    }
    let what = format!("its clock is {} {way} ours", window::brief(off));
    Finding::new(Grade::Warning, "clock", what)
        .because(
            "samples are dated by its clock, ages on this screen by ours: releases and alerts of \
             other sources are placed wrongly beside its burns",
        )
        .advise("run NTP on the server and here; `timedatectl` tells whether it is")
}

async fn retention(api: &Api, longest: Option<Window>) -> Option<Finding> {
    let longest = longest?;
    let answer = api.http().get("/api/v1/status/runtimeinfo").send().await;
    let info = answer.and_then(|answer| Ok(envelope::<RuntimeInfo>(&answer)?.data));
    let info = info.ok()?;
    Some(judge_retention(&info.storage_retention, longest))
}

/// `15d`, `15d or 10GiB`, or a size alone.
fn judge_retention(kept: &str, longest: Window) -> Finding {
    let mut parts = kept.split(" or ");
    let time = parts.find_map(|part| part.trim().parse::<Window>().ok());
    match time {
        None => Finding::new(
            Grade::Note,
            "retention",
            "does not tell how long it keeps samples",
        ),
        Some(time) if time < longest => Finding::new(
            Grade::Warning,
            "retention",
            format!("keeps samples for {kept}, and the longest period is {longest}"),
        )
        .because(format!(
            "what is older than {time} is gone, so ratios and budgets over {longest} are \
             estimates of the last {time}"
        ))
        .advise(format!(
            "start Prometheus with --storage.tsdb.retention.time={longest} or more, ask a long-term \
             store, or shorten the period"
        )),
        Some(_) => Finding::new(
            Grade::Ok,
            "retention",
            format!("keeps samples for {kept}, the longest period is {longest}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_shorter_than_the_longest_period_is_a_finding() {
        let month = Window::days(30);
        for (kept, grade) in [
            ("15d", Grade::Warning),
            ("15d or 10GiB", Grade::Warning),
            ("30d", Grade::Ok),
            ("1y", Grade::Ok),
            ("10GiB", Grade::Note),
            ("", Grade::Note),
        ] {
            assert_eq!(judge_retention(kept, month).grade, grade, "{kept}");
        }
    }

    #[test]
    fn a_clock_is_wrong_only_beyond_what_can_be_measured() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(judge(seconds(2), seconds(0)).grade, Grade::Ok);
        assert_eq!(judge(seconds(12), seconds(10)).grade, Grade::Ok);
        let behind = judge(seconds(-90), seconds(0));
        assert_eq!(behind.grade, Grade::Warning);
        assert_eq!(behind.what.raw(), "its clock is 1m behind ours");
    }
}
