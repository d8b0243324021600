//! Whether an action can be done here and now: for footer, help and palette alike.

use jiff::Timestamp;

use super::action::Action;
use super::desk::drafts;
use super::follow;
use super::layout::View;
use super::model::Model;
use super::model::ask::Wish;
use super::model::mode::Mode;
use super::{Memory, explain, keep, past, suspect, zoom};
use crate::pane::{SOURCES, fresh};

/// True when an action can be done here and now.
pub(super) fn is_possible(model: &Model, action: Action, now: Timestamp) -> bool {
    obstacle(model, action, now).is_none()
}

/// Why an action cannot be done here and now; `None` when it can.
pub(super) fn obstacle(model: &Model, action: Action, now: Timestamp) -> Option<String> {
    if Wish::of(action).is_some() {
        return order_obstacle(model, action, now);
    }
    let is_row = model.target().is_some();
    let reason = match action {
        Action::Link | Action::Runbook | Action::CopyUrl | Action::CopyId => {
            row_obstacle(model, action, now)
        }
        // In the help its keys are those of what lies below it.
        Action::PageDown | Action::PageUp
            if matches!(
                model.modes.top(),
                Mode::Detail { .. } | Mode::Alert { .. } | Mode::Explain { .. }
            ) =>
        {
            (model.last_scroll(&model.layout(), now) == 0).then_some("all of it is in view")
        }
        Action::Open => (!is_row).then_some("no row is selected"),
        Action::Explain => explain_obstacle(model),
        Action::Suspect => suspect::of_target(model, now)
            .is_none()
            .then_some("no release is a suspect of this"),
        Action::Mark => (model.desk.obstacle()).or((!is_row).then_some("no row is selected")),
        Action::ClearMarks => (model.desk.marks.is_empty()).then_some("no row is marked"),
        Action::Undo => (model.desk.undo.is_none()).then_some("nothing to undo"),
        Action::Results => (model.desk.batches.is_empty()).then_some("nothing was done yet"),
        Action::Output => (model.desk.jobs.is_empty()).then_some("no command was run yet"),
        Action::Poll | Action::PollAll => poll_obstacle(model, action, now),
        Action::Earlier | Action::EventBefore | Action::Handoff if model.memory == Memory::None => {
            Some("there is no journal")
        }
        Action::EventBefore => (past::wanted(model, action, now).is_none())
            .then_some("nothing that is remembered happened before that"),
        Action::Later | Action::EventAfter | Action::Live => {
            (past::is_present(model)).then_some("this is the present")
        }
        Action::Whose => (!model.sight(now).store.me().is_known())
            .then_some("set name and teams under [me] first"),
        Action::Keep => keep::obstacle(model, now),
        Action::ZoomIn | Action::ZoomOut => zoom::obstacle(model),
        Action::NextRow | Action::PreviousRow => {
            let is_detailed = model.modes.detail().is_some();
            (!is_detailed).then_some("no detail is open")
        }
        Action::Back => is_at_the_top(model).then_some("this is the top level"),
        _ => None,
    };
    reason.map(str::to_owned)
}

/// Why a row's source cannot be told to do something now.
fn order_obstacle(model: &Model, action: Action, now: Timestamp) -> Option<String> {
    let wish = Wish::of(action)?;
    if let Some(obstacle) = model.desk.obstacle() {
        return Some(obstacle.to_owned());
    }
    if model.is_past() {
        return Some("this is the past".to_owned());
    }
    let (drafts, left_out) = drafts(model, wish, now);
    let reason = left_out.into_iter().next().map(|(_, reason)| reason);
    drafts
        .is_empty()
        .then(|| reason.unwrap_or_else(|| "no row is selected".to_owned()))
}

fn row_obstacle(model: &Model, action: Action, now: Timestamp) -> Option<&'static str> {
    if action == Action::CopyUrl && model.modes.explained().is_some() {
        let has_queries = !explain::queries(model, now).is_empty();
        return (!has_queries).then_some("the source names no query");
    }
    follow::destination(model, action, now).err()
}

fn explain_obstacle(model: &Model) -> Option<&'static str> {
    if !model.pane().explains() {
        Some("only the numbers of an SLO can be explained")
    } else if model.target().is_none() {
        Some("no row is selected")
    } else {
        (model.is_past()).then_some("this is the past")
    }
}

fn poll_obstacle(model: &Model, action: Action, now: Timestamp) -> Option<&'static str> {
    if matches!(model.memory, Memory::Recording(_)) {
        return Some("a recording polls nothing");
    }
    let store = model.sight(now).store;
    let has_sources = match action {
        Action::PollAll => !store.feeds().is_empty(),
        _ if model.focus == SOURCES => model.target().is_some(),
        _ => !fresh::feeding(model.pane(), store).is_empty(),
    };
    (!has_sources).then_some("there is no source to poll")
}

fn is_at_the_top(model: &Model) -> bool {
    *model.modes.top() == Mode::Browse
        && model.query.filter.text().is_empty()
        && model.jumps.is_empty()
        && model.view == View::Together
}
