//! One line for the incidents that are out of view: the open ones by severity, then the quiet ones.

use super::incident;
use crate::domain::{IncidentStatus, Severity};
use crate::pane::cell::{Line, Mark, Role};
use crate::pane::{Entry, MAX_TAIL_NAMES, Sight};

/// `● 1  ▲ 2  · 2 quiet  stock: silenced till Wed  edge: inhibited`.
pub(super) fn line(sight: Sight<'_>, below: &mut dyn Iterator<Item = &Entry>) -> Line {
    let mut open = [0_usize; 3];
    let mut quiet = 0;
    let mut names = Line::new();
    for row in below.filter_map(|entry| incident(sight, entry)) {
        if row.is_open() && row.status != IncidentStatus::Silenced {
            open[row.severity as usize] += 1;
            continue;
        }
        quiet += 1;
        if quiet <= MAX_TAIL_NAMES {
            let name = if row.service.is_empty() {
                &row.title
            } else {
                &row.service
            };
            names = names
                .text("  ", Role::Plain)
                .foreign(name, Role::Dim)
                .text(" ", Role::Plain)
                .join(super::status(sight, row).faded());
        }
    }
    let mut line = Line::new();
    for severity in [Severity::Page, Severity::Ticket, Severity::Info] {
        let count = open[severity as usize];
        if count > 0 {
            let (mark, role) = Mark::of_severity(severity);
            let gap = if line.is_empty() { "" } else { "  " };
            line = line
                .text(gap, Role::Plain)
                .mark(mark, role)
                .text(count.to_string(), role);
        }
    }
    if quiet > 0 {
        let gap = if line.is_empty() { "" } else { "  " };
        line = line
            .text(format!("{gap}{quiet} quiet"), Role::Dim)
            .join(names);
    }
    line
}
