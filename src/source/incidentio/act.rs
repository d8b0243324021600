//! What can be done to an incident there: it can be resolved, and something can be written beside it.
//!
//! The API has no acknowledgements and no snoozing of incidents; those of its escalations have ids of
//! their own, which incidents do not tell.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::{Incident, One, Status, Statuses};
use super::{IncidentIo, rows};
use crate::domain::{Deed, Done, Fault, FaultKind, IncidentStatus, Order, Preview};
use crate::http::Method;
use crate::source::kit::acting::{Refusals, look, refused};
use crate::source::kit::incident_state::{is_id, moved, not_offered};

/// What to do about a refused change.
const REFUSALS: Refusals = Refusals {
    forbidden: "the key may not change incidents; give it the right in incident.io's settings",
    query: "does `resolved_status` name a status that this incident can go to?",
};

/// An order that can be carried out, with all that it takes.
struct Plan {
    row: Incident,
    /// The status that a resolution moves it to.
    to: Option<Status>,
}

impl IncidentIo {
    /// Says what an order would do.
    pub(super) async fn foresee(&self, order: &Order) -> Result<Preview, Fault> {
        let plan = self.plan(order).await?;
        let row = &plan.row;
        let reference = row.reference.as_deref().unwrap_or(&row.id);
        let status = row
            .status
            .as_ref()
            .and_then(|status| status.name.as_deref());
        let consequence = match (&order.deed, &plan.to) {
            (Deed::Note { text }, _) => format!("share an update with it: {text}"),
            (_, Some(to)) => format!(
                "resolve it: move it to `{}` ({}) and tell its channel",
                to.name.as_deref().unwrap_or_default(),
                to.category.as_deref().unwrap_or_default(),
            ),
            (_, None) => String::new(),
        };
        let lines = [
            format!("{reference} {}", row.name.as_deref().unwrap_or_default()),
            format!("now `{}`", status.unwrap_or_default()),
            consequence,
        ];
        Ok(Preview::new(lines))
    }

    /// Carries an order out: one look, one request.
    pub(super) async fn carry_out(&self, order: &Order) -> Result<Done, Fault> {
        let plan = self.plan(order).await?;
        let id = &plan.row.id;
        let (path, body) = wording(order, &plan);
        let request = self.http.ask(Method::POST, &path).json(&body);
        let sent = request.send().await;
        let answer = sent.map_err(|fault| refused(fault, &REFUSALS))?;
        let said = if let Deed::Note { .. } = &order.deed {
            format!("the update is shared with {id}")
        } else {
            let row = answer.json::<One>().ok().map(|one| one.incident);
            let status = row.as_ref().and_then(|row| row.status.as_ref());
            let to = status.or(plan.to.as_ref());
            let to = to.and_then(|status| status.name.as_deref());
            format!("{id} is moved to `{}`", to.unwrap_or_default())
        };
        Ok(Done::new(said, None))
    }

    /// Looks at the incident, and whether it is as it was seen.
    async fn plan(&self, order: &Order) -> Result<Plan, Fault> {
        let message = match &order.deed {
            Deed::Note { text } if text.trim().is_empty() => Some("an update needs words"),
            Deed::Note { .. } | Deed::Resolve => None,
            _ => Some("incident.io's API can resolve incidents and write updates, nothing else"),
        };
        if let Some(message) = message {
            return Err(not_offered(message));
        }
        let request = |id: &str| self.http.get(&format!("/v2/incidents/{id}"));
        let answer = look(order, "incident", FaultKind::NotFound, request).await?;
        let row = answer.json::<One>()?.incident;
        check_state(order, &row)?;
        let to = match &order.deed {
            Deed::Resolve => Some(self.resolved_status().await?),
            _ => None,
        };
        Ok(Plan { row, to })
    }

    /// Where a resolution goes: the status of the settings, else the first after the incident, else
    /// closed.
    async fn resolved_status(&self) -> Result<Status, Fault> {
        let answer = self.http.get("/v1/incident_statuses").send().await?;
        let statuses = answer
            .json::<Statuses>()?
            .incident_statuses
            .unwrap_or_default();
        let mut statuses: Vec<_> = statuses
            .into_iter()
            .flatten()
            .filter(|row| row.id.is_some())
            .collect();
        statuses.sort_by_key(|status| status.rank);
        let wanted = self.options.resolved_status.as_deref();
        let found = if let Some(wanted) = wanted {
            statuses.into_iter().find(|status| {
                let name = status.name.as_deref();
                name.is_some_and(|name| name.eq_ignore_ascii_case(wanted))
            })
        } else {
            let is = |category| {
                let is_it = |status: &&Status| status.category.as_deref() == Some(category);
                statuses.iter().find(is_it).cloned()
            };
            is("learning").or_else(|| is("closed"))
        };
        found.ok_or_else(|| {
            let message = match wanted {
                Some(wanted) => {
                    format!("incident.io has no status `{wanted}`; check `resolved_status`")
                }
                None => {
                    "incident.io has no status for what is over; set `resolved_status`".to_owned()
                }
            };
            not_offered(message)
        })
    }
}

/// True for what looks like one of incident.io's ids.
pub(super) fn looks_like_id(word: &str) -> bool {
    word.len() >= 10 && is_id(word)
}

/// Refuses when it is not as it was seen.
fn check_state(order: &Order, row: &Incident) -> Result<(), Fault> {
    let present = rows::status(row);
    let name = row
        .status
        .as_ref()
        .and_then(|status| status.name.as_deref());
    let since = row.updated().map(|at| at.strftime("%H:%M UTC").to_string());
    let standing = || {
        let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
        let since = since.map_or_else(String::new, |at| format!(", last changed {at}"));
        format!("it is {}{name}{since}", present.word())
    };
    match order.target.seen {
        Some(seen) if seen != present => Err(moved(format!("{}, was {}", standing(), seen.word()))),
        _ if present == IncidentStatus::Resolved && order.deed == Deed::Resolve => {
            Err(moved(format!("{}: over already", standing())))
        }
        _ => Ok(()),
    }
}

/// The one request that changes something.
fn wording(order: &Order, plan: &Plan) -> (String, Value) {
    let id = &plan.row.id;
    if let Deed::Note { text } = &order.deed {
        // The key makes a repetition on the way harmless.
        let key = format!("watchfire-{id}-{}", Timestamp::now().as_nanosecond());
        let body = json!({"incident_id": id, "message": text, "idempotency_key": key});
        return ("/v2/incident_updates".to_owned(), body);
    }
    let to = plan.to.as_ref().and_then(|status| status.id.as_deref());
    let body = json!({
        "incident": {"incident_status_id": to},
        "notify_incident_channel": true,
    });
    (format!("/v2/incidents/{id}/actions/edit"), body)
}
