//! Samples too far apart for a window: what holds one sample has no increase.

use jiff::SignedDuration;

use crate::domain::explanation::lasting;
use crate::domain::{Reason, ReasonCode, Slo, Window};

/// The most samples that a series has in some times up to now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// In the window that is asked about,
    pub(super) window: f64,
    /// in the last hour,
    pub(super) hour: f64,
    /// and in the last day.
    pub(super) day: f64,
}

const HOUR: Window = Window::hours(1);
const DAY: Window = Window::days(1);

impl Counts {
    /// The questions for these, of a selector.
    pub(super) fn queries(window: Window, selector: &str) -> [String; 3] {
        [window, HOUR, DAY].map(|window| format!("max(count_over_time({selector}[{window}]))"))
    }

    /// The time between two samples, where it is too long for the window to hold two of them at all
    /// times. Samples that stopped, or began just now, are no such case: the hour or the day holds
    /// more of them, or none.
    pub(super) fn interval(self, window: Window) -> Option<SignedDuration> {
        if self.window > 2.0 {
            return None;
        }
        let (length, count) = if self.hour >= 3.0 && window < HOUR {
            (HOUR, self.hour)
        } else {
            (DAY, self.day)
        };
        if count < 3.0 || length <= window {
            return None;
        }
        let seconds = (f64::from(length.seconds()) / count).round();
        let is_long = 2.0 * seconds > f64::from(window.seconds());
        let interval = SignedDuration::try_from_secs_f64(seconds).ok();
        interval.filter(|_| is_long)
    }
}

/// What samples so far apart mean for an SLO.
pub(super) fn reason(slo: &Slo, window: Window, interval: SignedDuration) -> Reason {
    let is_never = interval >= window.duration();
    let affected = |other: Window| other.duration() < interval * 2;
    let rules: Vec<_> = slo
        .rules
        .iter()
        .filter(|rule| affected(rule.short) || affected(rule.long))
        .map(|rule| {
            let severity = rule.severity.word();
            format!("the {severity} rule of {} and {}", rule.long, rule.short)
        })
        .collect();
    let rules = if rules.is_empty() {
        format!("the window {window}")
    } else {
        rules.join(" and ")
    };
    let (count, when) = if is_never {
        ("one sample", "can never be decided")
    } else {
        ("one or two samples", "cannot always be decided")
    };
    let wanted = window.duration() * 2 / 5;
    let text = format!(
        "{count} in {window}: with a sample every {}, {rules} {when}. Scrape at least every {}, or \
         use longer windows",
        lasting(interval),
        lasting(wanted)
    );
    Reason::new(ReasonCode::TooFewSamples, window.to_string(), text)
}
