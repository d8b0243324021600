//! The Alertmanagers that a Prometheus sends its alerts to.

use serde::Deserialize;

use crate::config::SourceSettings;
use crate::domain::{Fault, FaultKind};
use crate::http::Http;

/// The most that are read.
const MAX_MEMBERS: usize = 10;

#[derive(Deserialize)]
struct Envelope {
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    active_alertmanagers: Vec<Active>,
}

#[derive(Deserialize)]
struct Active {
    url: String,
}

/// Asks a Prometheus for their base URLs; one question, which also tells whether it answers.
///
/// # Errors
/// When the server does not answer. One that answers without knowing the question has none.
pub async fn known(settings: &SourceSettings) -> Result<Vec<String>, Fault> {
    let http = Http::new(settings, None)
        .map_err(|problem| Fault::new(FaultKind::Query, problem.message))?;
    let answer = match http.get("/api/v1/alertmanagers").send().await {
        Ok(answer) => answer,
        Err(fault) if [FaultKind::NotFound, FaultKind::Query].contains(&fault.kind) => {
            return Ok(Vec::new());
        }
        Err(fault) => return Err(fault),
    };
    let known: Result<Envelope, _> = answer.whole_json();
    let active = known.map_or_else(|_| Vec::new(), |known| known.data.active_alertmanagers);
    let base = |one: Active| {
        let url = one.url;
        let end = url.find("/api/v").unwrap_or(url.len());
        url[..end].to_owned()
    };
    Ok(active.into_iter().take(MAX_MEMBERS).map(base).collect())
}
