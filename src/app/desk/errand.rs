//! Commands of the user's own: the row's words put in place, shown, run, and what they printed.

use jiff::Timestamp;

use super::{READ_FOR, rows};
use crate::app::Effect;
use crate::app::action::Action;
use crate::app::key::{Code, Key};
use crate::app::layout::Layout;
use crate::app::model::Model;
use crate::app::model::job::{Job, Step};
use crate::app::model::mode::Mode;
use crate::config::{CommandScope, UserCommand};
use crate::domain::errand::Ending;
use crate::domain::{Errand, Ran};
use crate::pane::{PANES, Pane, RowKey, Sight};
use crate::text::Untrusted;

/// The pane whose rows a command works on.
fn pane_of(scope: CommandScope) -> Option<&'static dyn Pane> {
    let mut panes = PANES.iter();
    panes.find(|pane| pane.scope() == Some(scope)).copied()
}

/// Shows what a command would run for the rows that keys act on; runs it at once where it is
/// configured not to ask.
pub(in crate::app) fn begin(model: &mut Model, command: usize, now: Timestamp) -> Vec<Effect> {
    if let Some(obstacle) = model.desk.obstacle() {
        model.tell(obstacle, now);
        return Vec::new();
    }
    let Some(known) = model.desk.commands.get(command).cloned() else {
        return Vec::new();
    };
    if model.pane().scope() != Some(known.scope) {
        let name = pane_of(known.scope).map_or("other rows", Pane::name);
        model.tell(format!("`{}` works on {name}", known.label), now);
        return Vec::new();
    }
    if model.desk.jobs.iter().any(|job| job.step == Step::Running) {
        model.tell("a command is running still", now);
        return Vec::new();
    }
    let mut jobs = Vec::new();
    for row in rows(model) {
        match errand(model, model.sight(now), &known, &row) {
            Ok(errand) => jobs.push(Job {
                command,
                row,
                errand,
                step: Step::Offered,
                shown_at: now,
            }),
            Err(why) => {
                model.tell(format!("{}: {why}", known.label), now);
                return Vec::new();
            }
        }
    }
    if jobs.is_empty() {
        model.tell("no row is selected", now);
        return Vec::new();
    }
    if known.terminal && jobs.len() > 1 {
        let words = format!("`{}` takes the terminal: one row at a time", known.label);
        model.tell(words, now);
        return Vec::new();
    }
    model.desk.jobs = jobs;
    model.modes.push(Mode::Errands { scroll: 0 });
    if known.confirm {
        Vec::new()
    } else {
        run(model)
    }
}

/// A command with the row's words in place.
fn errand(
    model: &Model,
    sight: Sight<'_>,
    command: &UserCommand,
    row: &RowKey,
) -> Result<Errand, String> {
    let gone = || format!("{} reports the row no more", row.source);
    let pane = pane_of(command.scope).ok_or_else(gone)?;
    let rosters = PANES.iter().zip(&model.rosters);
    let mut rosters = rosters.filter(|(pane, _)| pane.scope() == Some(command.scope));
    let entry = rosters.next().and_then(|(_, roster)| roster.find(row));
    let entry = entry.ok_or_else(gone)?;
    let argv = command
        .command
        .iter()
        .map(|argument| filled(argument, |name| pane.value(sight, entry, name)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Errand {
        label: command.label.clone(),
        target: row.id.clone(),
        argv,
        timeout: command.timeout,
        takes_terminal: command.terminal,
    })
}

/// An argument with every `{name}` replaced; `{{` and `}}` are braces. It stays one argument.
fn filled(argument: &str, value: impl Fn(&str) -> Option<Untrusted>) -> Result<String, String> {
    let mut filled = String::new();
    let mut letters = argument.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let is_double = letters.peek().is_some_and(|(_, next)| *next == letter);
        match letter {
            '{' | '}' if is_double => {
                letters.next();
                filled.push(letter);
            }
            '{' => {
                let rest = &argument[at + 1..];
                let name = rest.split('}').next().unwrap_or(rest);
                let word = value(name).filter(|word| !word.is_empty());
                let word = word.ok_or_else(|| format!("this row has no {{{name}}}"))?;
                filled.push_str(harmless(name, &word, filled.is_empty())?);
                letters.by_ref().find(|(_, letter)| *letter == '}');
            }
            _ => filled.push(letter),
        }
    }
    Ok(filled)
}

/// A row's word that no program takes for anything but a word.
fn harmless<'a>(name: &str, word: &'a Untrusted, is_first: bool) -> Result<&'a str, String> {
    let raw = word.raw();
    if word.shown_whole().as_str() != raw {
        return Err(format!(
            "{{{name}}} holds characters that are not passed on: {}",
            word.shown().fit(40)
        ));
    }
    if is_first && raw.starts_with('-') {
        return Err(format!("{{{name}}} begins with `-` and would be an option"));
    }
    Ok(raw)
}

/// Compares what is shown with the newest rows: what would be another command now is not run.
pub(in crate::app) fn compare(model: &mut Model, now: Timestamp) {
    if !matches!(model.modes.top(), Mode::Errands { .. }) || model.frozen.is_some() {
        return;
    }
    let mut jobs = std::mem::take(&mut model.desk.jobs);
    for job in jobs.iter_mut().filter(|job| job.step == Step::Offered) {
        let Some(command) = model.desk.commands.get(job.command) else {
            continue;
        };
        match errand(model, model.sight(now), command, &job.row) {
            Ok(errand) if errand == job.errand => {}
            Ok(_) => job.step = Step::Changed("the row has changed meanwhile".to_owned()),
            Err(why) => job.step = Step::Changed(why),
        }
    }
    model.desk.jobs = jobs;
}

/// A key while commands or their output are shown. Only Enter and `y` run anything.
pub(in crate::app) fn press(model: &mut Model, key: Key, now: Timestamp) -> Vec<Effect> {
    let is_offered = model.desk.jobs.iter().any(|job| job.step == Step::Offered);
    let has_changed = |job: &Job| matches!(job.step, Step::Changed(_));
    let action = model.keymap.resolve(key);
    match (key.code, key.ctrl) {
        (Code::Enter, _) | (Code::Char('y'), false) => {
            if model.layout() == Layout::Line {
                return Vec::new();
            }
            if model.desk.jobs.iter().any(has_changed) {
                model.tell("the row has changed: leave, and look again", now);
            } else if model.desk.jobs.iter().any(|job| job.step == Step::Running) {
                model.tell("it runs", now);
            } else if !is_offered {
                model.modes.pop();
            } else if model
                .desk
                .jobs
                .iter()
                .any(|job| now.duration_since(job.shown_at) < READ_FOR)
            {
                model.tell("look at it first", now);
            } else {
                return run(model);
            }
        }
        (Code::Esc, _) => close(model, now),
        _ => match action {
            Some(Action::Back | Action::Quit) => close(model, now),
            Some(action) => crate::app::scroll::scroll(model, action),
            None => {}
        },
    }
    Vec::new()
}

fn close(model: &mut Model, now: Timestamp) {
    model.modes.pop();
    let jobs = &mut model.desk.jobs;
    let is_over = |job: &Job| matches!(job.step, Step::Offered | Step::Changed(_));
    if jobs.iter().all(is_over) {
        jobs.clear();
        model.tell("nothing was run", now);
    } else if jobs.iter().any(|job| job.step == Step::Running) {
        model.tell("it runs on: its end is told here", now);
    }
}

fn run(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for job in &mut model.desk.jobs {
        if job.step == Step::Offered {
            job.step = Step::Running;
            effects.push(Effect::Run(Box::new(job.errand.clone())));
        }
    }
    effects
}

/// Takes in the end of a command.
pub(in crate::app) fn ran(model: &mut Model, ran: Ran, now: Timestamp) {
    let is_open = matches!(model.modes.top(), Mode::Errands { .. });
    let jobs = &mut model.desk.jobs;
    let running = |job: &&mut Job| job.step == Step::Running && job.errand == ran.errand;
    let Some(job) = jobs.iter_mut().find(running) else {
        return;
    };
    let text = format!("{}: {}", ran.errand.label, ending(&ran.ending).0);
    // Its output was on the terminal: who left it is back where it began.
    let is_over = ran.errand.takes_terminal && ran.ending == Ending::Exited(0);
    job.step = Step::Ended(ran);
    if is_open && is_over {
        model.modes.pop();
        model.tell(text, now);
        return;
    }
    if !is_open {
        model.tell(format!("{text} · : output shows what it said"), now);
    }
}

/// How a command ended, and whether that is well.
pub(super) fn ending(ending: &Ending) -> (String, bool) {
    match ending {
        Ending::Exited(0) => ("done".to_owned(), true),
        Ending::Exited(status) => (format!("exit status {status}"), false),
        Ending::Signalled(signal) => (format!("ended by signal {signal}"), false),
        Ending::TimedOut => ("took too long and was ended".to_owned(), false),
        Ending::NotStarted(why) => (format!("could not be started: {}", why.shown()), false),
    }
}

/// Shows what the last command said.
pub(in crate::app) fn reopen(model: &mut Model, now: Timestamp) {
    if model.desk.jobs.is_empty() {
        model.tell("no command was run yet", now);
    } else {
        model.modes.push(Mode::Errands { scroll: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_stays_within_its_argument_and_a_missing_one_is_named() {
        let row = |name: &str| match name {
            "id" => Some("a b;$(c)".into()),
            "version" => Some("-rf".into()),
            "url" => Some("\u{1b}[31m".into()),
            "commit" => Some("".into()),
            _ => None,
        };
        let fill = |argument| filled(argument, row);
        assert_eq!(fill("--app={id}").as_deref(), Ok("--app=a b;$(c)"));
        assert_eq!(fill("{{{id}}}").as_deref(), Ok("{a b;$(c)}"));
        assert_eq!(fill("v={version}").as_deref(), Ok("v=-rf"));
        for (argument, words) in [
            ("{commit}", "no {commit}"),
            ("{service}", "no {service}"),
            ("{version}", "would be an option"),
            ("{url}", "not passed on"),
        ] {
            let why = fill(argument).expect_err("a refusal");
            assert!(why.contains(words), "{why}");
        }
    }
}
