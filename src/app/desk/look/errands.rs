//! Commands of the user's own: what they would run, and what they printed.

use super::{Look, hint};
use crate::app::desk::errand;
use crate::app::model::Model;
use crate::app::model::job::{Job, Step};
use crate::domain::Ran;
use crate::pane::block::{Block, Detail};
use crate::pane::{Line, Mark, Role};
use crate::text::Untrusted;

/// The most lines of one command's output that are shown.
const MOST_LINES: usize = 2_000;

/// Commands of the user's own: what they would run, or what they said.
pub(in crate::app) fn errands(model: &Model) -> Look {
    let jobs = &model.desk.jobs;
    let mut detail = Detail::default();
    let Some(first) = jobs.first() else {
        return detail.into();
    };
    let is_offered = jobs.iter().any(|job| job.step == Step::Offered);
    let mark = if is_offered { "?" } else { "" };
    detail.title = Line::of(format!("{}{mark}", first.errand.label), Role::Title);
    for job in jobs {
        errand_lines(job, &mut detail);
    }
    detail.blocks.push(Block::Gap);
    let keys: &[(&str, &str)] = if is_offered {
        &[("enter", "run"), ("esc", "leave it")]
    } else {
        &[("esc", "close")]
    };
    let own = |(key, word): &(&str, &str)| ((*key).to_owned(), (*word).to_owned());
    detail.line(hint(&keys.iter().map(own).collect::<Vec<_>>()));
    detail.into()
}

fn errand_lines(job: &Job, detail: &mut Detail) {
    detail.field("row", Line::new().foreign(&job.errand.target, Role::Strong));
    detail.field(
        "runs",
        Line::new().foreign(&typed(&job.errand.argv), Role::Plain),
    );
    match &job.step {
        Step::Offered => {
            let text = "no shell reads it; each word is one argument";
            detail.line(Line::of(text, Role::Dim));
            if job.errand.takes_terminal {
                let text = "it gets the terminal; the screen is back when it ends";
                detail.line(Line::of(text, Role::Dim));
            }
        }
        Step::Changed(how) => {
            detail.field("now", Line::of(format!("changed: {how}"), Role::Ticket));
        }
        Step::Running => detail.field("now", Line::of("running", Role::Accent)),
        Step::Ended(ran) => output(ran, detail),
    }
}

/// How it ended and what it printed, the end of it when that is long.
fn output(ran: &Ran, detail: &mut Detail) {
    let (text, is_well) = errand::ending(&ran.ending);
    let (mark, role) = if is_well {
        (Mark::Succeeded, Role::Plain)
    } else {
        (Mark::Failed, Role::Ticket)
    };
    detail.field("now", Line::new().mark(mark, role).text(text, role));
    let raw = ran.output.raw().replace("\r\n", "\n");
    let lines: Vec<_> = raw.trim_end().split(['\n', '\r']).collect();
    let skipped = lines.len().saturating_sub(MOST_LINES);
    if skipped > 0 {
        detail.line(Line::of(format!("{skipped} lines before these"), Role::Dim));
    }
    if ran.errand.takes_terminal && raw.trim().is_empty() {
        return;
    }
    if raw.trim().is_empty() {
        detail.line(Line::of("it printed nothing", Role::Dim));
        return;
    }
    for line in lines.into_iter().skip(skipped) {
        detail.line(Line::new().foreign(&Untrusted::from(line), Role::Plain));
    }
}

/// A command as a person would type it, so that where an argument ends can be seen.
fn typed(argv: &[String]) -> Untrusted {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    let words = argv.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_shows_where_its_arguments_end() {
        let argv = ["kubectl", "-n", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(typed(&argv).raw(), "kubectl -n 'a b' 'it'\\''s' ''");
    }
}
