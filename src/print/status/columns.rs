//! The columns of each table of a status, and how they give way on a narrow terminal.

use crate::print::table::{Column, Give};

/// SLOs with every window.
pub(super) const SLO_COLUMNS: &[Column] = &[
    ("STATE", Give::Never),
    ("SERVICE", Give::Middle(8)),
    ("SLO", Give::Middle(8)),
    ("OBJECTIVE", Give::Out(1)),
    ("BURN", Give::End(10)),
    ("BUDGET", Give::Never),
    ("NOTE", Give::End(8)),
];
/// SLOs fitted to a terminal: the id as other commands take it, the windows of one rule.
pub(super) const FITTED_SLO_COLUMNS: &[Column] = &[
    ("STATE", Give::Never),
    ("SLO", Give::Middle(12)),
    ("BURN", Give::Out(1)),
    ("BUDGET", Give::Out(2)),
    ("NOTE", Give::End(12)),
];
/// Incidents.
pub(super) const INCIDENT_COLUMNS: &[Column] = &[
    ("INCIDENT", Give::Middle(12)),
    ("SEVERITY", Give::Never),
    ("STATUS", Give::Out(1)),
    ("SERVICE", Give::Middle(8)),
    ("AGE", Give::Out(2)),
    ("SOURCE", Give::Out(3)),
];
/// Releases.
pub(super) const RELEASE_COLUMNS: &[Column] = &[
    ("RELEASE", Give::Middle(10)),
    ("SERVICE", Give::Middle(8)),
    ("ENVIRONMENT", Give::Out(2)),
    ("STATUS", Give::Never),
    ("AGE", Give::Out(1)),
    ("BY", Give::Out(3)),
];
/// Who is on call.
pub(super) const ON_CALL_COLUMNS: &[Column] = &[
    ("ON CALL", Give::Middle(8)),
    ("SCHEDULE", Give::Middle(8)),
    ("LEVEL", Give::Out(2)),
    ("FROM", Give::Out(3)),
    ("UNTIL", Give::Out(1)),
    ("SOURCE", Give::Out(4)),
];
/// Sources.
pub(super) const SOURCE_COLUMNS: &[Column] = &[
    ("SOURCE", Give::Middle(8)),
    ("KIND", Give::Out(1)),
    ("FRESHNESS", Give::Never),
    ("FAULT", Give::End(8)),
];
