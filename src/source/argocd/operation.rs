//! The newest operation of an application: a sync that is under way, or one that failed.

use super::rows::{Naming, actor, deploy_id, detail, draft, service};
use super::version::Synced;
use super::wire::{Application, OperationState};
use crate::domain::{Release, ReleaseStatus};
use crate::source::status_words;

/// The newest operation, unless the history has it already.
pub(super) fn operation(
    app: &Application,
    naming: &Naming,
    history: &[Synced],
    versions: &[String],
) -> Option<Release> {
    let state = app.status.operation_state.as_ref()?;
    let asked = &state.operation.sync;
    if asked.dry_run || state.phase.is_empty() || state.phase == "Succeeded" {
        return None;
    }
    let is_over = matches!(state.phase.as_str(), "Failed" | "Error");
    let mut unknown = Vec::new();
    let status = match state.phase.as_str() {
        "Running" | "Terminating" => ReleaseStatus::Running,
        _ if is_over => ReleaseStatus::Failed,
        word => status_words::read(word, &mut unknown),
    };
    let synced = target(app, state);
    let twin = history.iter().rposition(|other| *other == synced);
    let version = twin.and_then(|twin| versions.get(twin)).cloned();
    let version = version
        .or_else(|| synced.image_tag(service(app, naming)))
        .unwrap_or_else(|| synced.name());
    let began = state.started();
    let id = if is_over {
        let began = began.map_or(String::new(), |began| began.to_string());
        format!("argocd:{}:failed:{began}", app.key())
    } else {
        // The number that the history will give it.
        let last = app.status.history.iter().map(|deploy| deploy.id).max();
        deploy_id(app, last.map_or(0, |last| last.saturating_add(1)))
    };
    let mut row = Release {
        status,
        started_at: began,
        finished_at: state.finished().filter(|_| is_over),
        actor: actor(&state.operation.initiated_by),
        ..draft(app, naming, id, &synced, &version)
    };
    row.details.append(&mut unknown);
    let mut words = state.phase.clone();
    if !state.message.is_empty() {
        words = format!("{words}: {}", state.message);
    }
    row.details.insert(0, detail("operation", words));
    if state.retry_count > 0 {
        row.details
            .insert(1, detail("retries", state.retry_count.to_string()));
    }
    Some(row)
}

/// What an operation syncs: as it was found, else as it was asked for, else as it is compared to.
fn target(app: &Application, state: &OperationState) -> Synced {
    let mut synced = Synced::of_result(&state.sync_result);
    if synced.is_empty() {
        synced = Synced::of_result(&state.operation.sync);
    }
    if synced.is_empty() {
        let sync = &app.status.sync;
        synced.revisions = match sync.revisions.as_slice() {
            [] if sync.revision.is_empty() => Vec::new(),
            [] => vec![sync.revision.clone()],
            several => several.to_vec(),
        };
    }
    // An operation names sources of its own only when it goes back to them.
    if synced
        .sources
        .iter()
        .all(|origin| origin.repo_url.is_empty())
    {
        synced.sources = match app.spec.sources.as_slice() {
            [] => vec![app.spec.source.clone()],
            several => several.to_vec(),
        };
    }
    synced
}
