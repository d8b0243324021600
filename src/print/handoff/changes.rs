//! What has changed since the last hand-over.

use std::io::{self, Write};

use super::rows::named;
use super::words::{percent, text};
use crate::domain::Clock;
use crate::insight::handoff::{Handoff, Turned};

pub(super) fn write(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    let Some(changes) = &handoff.since_last else {
        return Ok(());
    };
    writeln!(
        out,
        "\n## Since the last hand-over ({})\n",
        clock.zoned(changes.at)
    )?;
    if changes.is_empty() {
        return writeln!(out, "Nothing has changed.");
    }
    for one in &changes.new {
        writeln!(out, "- **new** {}; {}", title(one), text(&one.to))?;
    }
    for one in &changes.gone {
        writeln!(out, "- **over** {}; was {}", title(one), text(&one.from))?;
    }
    for one in &changes.changed {
        let (from, to) = (text(&one.from), text(&one.to));
        writeln!(out, "- **changed** {}; was {from}, is {to}", title(one))?;
    }
    for one in &changes.unknown {
        writeln!(
            out,
            "- **not known any more** {}; was {}",
            title(one),
            text(&one.from)
        )?;
    }
    for one in &changes.budgets {
        let (from, to) = (percent(one.from), percent(one.to));
        writeln!(out, "- **budget** {} from {from} to {to}", text(&one.id))?;
    }
    Ok(())
}

fn title(one: &Turned) -> String {
    named(&one.service, &one.title)
}
