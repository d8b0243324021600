//! Alert rules, and what binary fractions do to thresholds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Period, Severity, Window};

/// An alert rule: it fires when both windows burn above the factor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What it does to people.
    pub severity: Severity,
    /// The window that proves the burn matters.
    pub long: Window,
    /// The window that proves it goes on.
    pub short: Window,
    /// Burn rate above which it fires.
    pub factor: f64,
}

/// Severity, long window, short window, percent of the budget that the long window may spend.
const WORKBOOK: [(Severity, Window, Window, f64); 4] = [
    (Severity::Page, Window::hours(1), Window::minutes(5), 2.0),
    (Severity::Page, Window::hours(6), Window::minutes(30), 5.0),
    (Severity::Ticket, Window::days(1), Window::hours(2), 10.0),
    (Severity::Ticket, Window::days(3), Window::hours(6), 10.0),
];

/// What the rounding of binary fractions may add to a number computed here, relative to it.
///
/// 144 of 10,000 events at 99.9 % burn at 14.4x exactly, and the nearest binary fractions of those
/// numbers at a hair more or less. A few operations leave some 1e-15; two ratios of counted events
/// that differ at all are further apart until there are some 1e9 of them.
pub(crate) const ROUNDING: f64 = 1e-12;

impl Rule {
    /// The workbook's rules for a period: factor = share × period / long window, so 14.4, 6, 3, 1
    /// for 30 days.
    pub fn workbook(period: Period) -> Arc<[Self]> {
        let period = f64::from(period.nominal().seconds());
        WORKBOOK
            .iter()
            .map(|&(severity, long, short, percent)| Self {
                severity,
                long,
                short,
                // Both products are whole numbers, so that only the division rounds.
                factor: (percent * period) / (100.0 * f64::from(long.seconds())),
            })
            .collect()
    }

    /// Whether a burn rate is above the factor; one that equals it is not.
    pub fn is_exceeded_by(&self, burn: f64) -> bool {
        burn > self.factor * (1.0 + ROUNDING)
    }
}

/// Takes the noise of binary fractions off a configured or derived number: 12 decimal places.
pub fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}
