//! Commands of the user's own: filled from the row, shown, run once, their output harmless.

use jiff::SignedDuration;
use watchfire::app::{Effect, Msg};
use watchfire::config::{CommandScope, UserCommand};
use watchfire::domain::errand::Ending;
use watchfire::domain::{Errand, Ran, ReleaseStatus};

use super::duty::night;
use super::facts::{MINUTE, answer, facts_of_releases, release, releases};
use super::stage::Stage;
use crate::at_every_size;

fn command(key: &str, label: &str, scope: CommandScope, argv: &[&str]) -> UserCommand {
    UserCommand {
        terminal: false,
        key: Some(key.to_owned()),
        label: label.to_owned(),
        scope,
        command: argv.iter().map(|&word| word.to_owned()).collect(),
        confirm: true,
        timeout: SignedDuration::from_secs(60),
    }
}

fn commands() -> Vec<UserCommand> {
    let rollback = [
        "argocd",
        "app",
        "rollback",
        "{service}",
        "--to={previous_version}",
    ];
    let undo = [
        "kubectl",
        "rollout",
        "undo",
        "deployment/{service}",
        "-n",
        "{environment}",
    ];
    vec![
        command("X", "roll back", CommandScope::Release, &rollback),
        command("K", "undo the rollout", CommandScope::Release, &undo),
        command(
            "X",
            "say it",
            CommandScope::Incident,
            &["echo", "{name}", "{id}"],
        ),
    ]
}

fn stage(width: u16, height: u16) -> Stage {
    let mut all = releases();
    let older = release(
        "900",
        "checkout",
        "v2.30.4",
        ReleaseStatus::Succeeded,
        900 * MINUTE,
        "lee",
    );
    all.push(older);
    let stage = Stage::commanding(night(), width, height, &commands());
    stage.report(answer("github", 0, facts_of_releases(all)))
}

/// The release pane with the selection on the newest release of checkout.
fn on_checkout(width: u16, height: u16) -> Stage {
    stage(width, height)
        .keys("2 /")
        .types("v2.31.0")
        .keys("enter")
}

fn ran(mut stage: Stage, ending: &Ending, output: &str) -> Stage {
    let errands: Vec<Errand> = stage
        .effects
        .drain(..)
        .filter_map(|effect| match effect {
            Effect::Run(errand) => Some(*errand),
            _ => None,
        })
        .collect();
    for errand in errands {
        let ran = Ran {
            errand,
            ending: ending.clone(),
            output: output.into(),
        };
        stage.tell(Msg::Ran(Box::new(ran)));
    }
    stage
}

#[test]
fn a_command_is_shown_as_it_would_run_and_runs_once() {
    let shown = on_checkout(120, 40).keys("X");
    assert!(shown.effects.is_empty());
    let text = shown.text();
    assert!(
        text.contains("argocd app rollback checkout --to=v2.30.4"),
        "{text}"
    );
    let run = shown.later(1).keys("enter enter y");
    assert_eq!(run.effects.len(), 1);
    let Effect::Run(errand) = &run.effects[0] else {
        panic!("{:?}", run.effects);
    };
    assert_eq!(errand.argv.len(), 5);
    assert_eq!(errand.target.raw(), "github:acme/checkout:991");
    assert!(run.text().contains("running"));
}

#[test]
fn a_command_and_what_it_said_at_every_size() {
    at_every_size("command_preview", |width, height| {
        on_checkout(width, height).keys("X")
    });
    at_every_size("command_output", |width, height| {
        let run = on_checkout(width, height).keys("X").later(1).keys("enter");
        let lines: Vec<_> = (0..60)
            .map(|number| format!("line {number}: waiting for rollout"))
            .collect();
        let output = format!("{}\n\u{1b}[31mred\u{1b}[0m\u{7}\ttab", lines.join("\n"));
        ran(run, &Ending::Exited(20), &output).keys("j j")
    });
}

#[test]
fn a_missing_value_is_refused_by_its_name() {
    let stage = stage(120, 40).keys("2 /").types("catalog").keys("enter X");
    let text = stage.text();
    assert!(
        text.contains("roll back: this row has no {previous_version}"),
        "{text}"
    );
    assert!(stage.effects.is_empty());
}

#[test]
fn a_key_means_the_command_of_the_rows_it_stands_on() {
    let incident = stage(120, 40).keys("3 /").types("checkout");
    let incident = incident.keys("enter X").text();
    assert!(
        incident.contains("echo 'checkout burns its error budget' PD1"),
        "{incident}"
    );
    let slo = stage(120, 40).keys("1 X");
    assert!(slo.screen().overlay.is_none() && slo.effects.is_empty());
    let palette = stage(120, 40).keys("1 :").types("roll back").keys("enter");
    assert!(palette.text().contains("works on Changes"));
}

#[test]
fn a_row_that_changes_while_its_command_is_shown_is_not_acted_on() {
    let mut rows = releases();
    rows[0].environment = "staging".into();
    let shown = on_checkout(120, 40).keys("K").later(1);
    let changed = shown.report(answer("github", 0, facts_of_releases(rows)));
    assert!(
        changed
            .text()
            .contains("changed: the row has changed meanwhile")
    );
    assert!(changed.keys("enter y").effects.is_empty());
}

#[test]
fn commands_are_off_with_everything_else() {
    let off = Stage::new(night(), 120, 40).keys("3 X : s a y enter enter y");
    let acts = |effect: &&Effect| matches!(effect, Effect::Run(_));
    assert_eq!(off.effects.iter().find(acts), None);
}

#[test]
fn its_end_is_told_when_nobody_looks_and_its_output_is_kept() {
    let left = on_checkout(120, 40).keys("X").later(1).keys("enter esc");
    let ended = ran(left, &Ending::TimedOut, "half of it");
    assert!(ended.text().contains("took too long and was ended"));
    let again = ended.keys(":").types("output").keys("enter").text();
    assert!(again.contains("half of it"), "{again}");
}

#[test]
fn the_help_names_the_keys_of_commands() {
    let text = stage(120, 60).keys("2 ?").text();
    assert!(text.contains("X           roll back"), "{text}");
}
