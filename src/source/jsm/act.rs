//! What can be done to an alert: looked at first, then changed by one request, then waited for.
//!
//! Actions are asynchronous: they are answered by 202 with a `requestId`, and
//! `GET /v1/alerts/requests/{id}` says what became of it ("Get request status"). It answers 404
//! while the action is still queued.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::wire::{Alert, Escalation, Queued, RequestStatus};
use super::{Jsm, MAX_LIST_TIME, PAGING, rows};
use crate::domain::{Deed, Done, Fault, FaultKind, IncidentStatus, Order, Preview};
use crate::http::Method;
use crate::source::kit::acting::look;
use crate::source::kit::incident_state::{
    IncidentState, after_sending, check, day, is_id, moved, not_offered, unsure,
};
use crate::source::kit::lenient_wire::stamp;

/// How long an action that was accepted is waited for.
pub(super) const ACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between two looks; the last one stays.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_500),
];
/// How many escalations of a team are looked at.
const MAX_ESCALATIONS: usize = 50;

/// An order that can be carried out.
struct Plan {
    alert: Alert,
    standing: IncidentState,
    /// The escalation that it would go through: its id, and what it is called.
    escalation: Option<(String, String)>,
}

impl Jsm {
    /// Says what an order would do.
    pub(super) async fn foresee(&mut self, order: &Order) -> Result<Preview, Fault> {
        let plan = self.plan(order).await?;
        let alert = &plan.alert;
        let number = alert.tiny_id.as_ref().map(|id| match id {
            Value::String(text) => format!("#{text} "),
            other => format!("#{other} "),
        });
        let number = number.unwrap_or_default();
        let title = alert.message.as_deref().unwrap_or(&alert.id);
        let owner = alert.owner.as_deref().filter(|owner| !owner.is_empty());
        let priority = alert.priority.as_deref().unwrap_or("no priority");
        let lines = [
            format!("{number}{title}"),
            format!(
                "{priority}, {}, with {}",
                plan.standing.words(),
                owner.unwrap_or("nobody")
            ),
            consequence(&order.deed, &plan),
        ];
        Ok(Preview::new(lines))
    }

    /// Carries an order out: one look, one request, and looks at what became of it.
    pub(super) async fn carry_out(&mut self, order: &Order) -> Result<Done, Fault> {
        let plan = self.plan(order).await?;
        let path = format!("{}/v1/alerts/{}", self.site, plan.alert.id);
        let (word, body) = wording(&order.deed, &plan)?;
        let mut request = self.http.ask(Method::POST, &format!("{path}/{word}"));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(after_sending)?;
        let queued: Queued = answer.json().unwrap_or_default();
        match queued.request_id {
            Some(id) if is_id(&id) => self.wait_for(&id).await?,
            // A note that was taken at once is answered by the note itself.
            _ if answer.status != 202 => {}
            _ => return Err(unsure("it was accepted without an id to ask for")),
        }
        Ok(Done::new(said(&order.deed, &plan), undo(order)))
    }

    /// Asks what became of an accepted action until that is known.
    async fn wait_for(&self, id: &str) -> Result<(), Fault> {
        let path = format!("{}/v1/alerts/requests/{id}", self.site);
        let began = Instant::now();
        let mut pauses = PAUSES.into_iter();
        let mut pause = PAUSES[0];
        loop {
            let asked = self.http.get(&path).accept(&[404]).send().await;
            let status = match asked {
                // Still queued.
                Ok(answer) if answer.status == 404 => RequestStatus::default(),
                Ok(answer) => answer.json().unwrap_or_default(),
                Err(fault) if fault.kind == FaultKind::RateLimited => {
                    return Err(unsure(&format!(
                        "accepted as request {id}; {}",
                        fault.message.raw()
                    )));
                }
                Err(_) => RequestStatus::default(),
            };
            match status.is_success {
                Some(true) => return Ok(()),
                Some(false) => {
                    let why = status
                        .status
                        .unwrap_or_else(|| "no reason given".to_owned());
                    let message = format!("not done: Jira says \"{why}\"");
                    return Err(Fault::new(FaultKind::Query, message));
                }
                None if began.elapsed() >= self.patience => {
                    let waited = self.patience.as_secs();
                    return Err(unsure(&format!(
                        "accepted as request {id}, and not processed within {waited} s"
                    )));
                }
                None => sleep(pause.min(self.patience)).await,
            }
            pause = pauses.next().unwrap_or(pause);
        }
    }

    /// Looks at the alert, and whether it is as it was seen.
    async fn plan(&self, order: &Order) -> Result<Plan, Fault> {
        check_deed(&order.deed)?;
        let request = |id: &str| self.http.get(&format!("{}/v1/alerts/{id}", self.site));
        let alert: Alert = look(order, "alert", FaultKind::NotOffered, request)
            .await?
            .json()?;
        let standing = rows::standing(&alert, Timestamp::now());
        check(&order.target, standing)?;
        let is_over = standing.status == IncidentStatus::Resolved;
        if is_over && !matches!(order.deed, Deed::Note { .. }) {
            return Err(moved(format!("it is {}, and stays so", standing.words())));
        }
        let escalation = match order.deed {
            Deed::Escalate => Some(self.escalation(&alert).await?),
            _ => None,
        };
        Ok(Plan {
            alert,
            standing,
            escalation,
        })
    }

    /// The escalation that "the next step" means, since the API wants one named: the alert's own, or
    /// the only one of the teams that it is for.
    async fn escalation(&self, alert: &Alert) -> Result<(String, String), Fault> {
        let of = |kind: &'static str| {
            let all = alert.responders.iter();
            all.filter(move |one| one.kind.as_deref() == Some(kind))
                .filter_map(|one| one.id.clone())
                .filter(|id| is_id(id))
        };
        let mut found: Vec<(String, String)> =
            of("escalation").map(|id| (id.clone(), id)).collect();
        if found.is_empty() {
            for team in of("team") {
                let path = format!("{}/v1/teams/{team}/escalations", self.site);
                let list = PAGING
                    .list(
                        &path,
                        "escalations",
                        MAX_ESCALATIONS,
                        Instant::now() + MAX_LIST_TIME,
                    )
                    .size(None);
                let listed = list.all::<Escalation>(&self.http).await?;
                let enabled = listed.rows.into_iter();
                let enabled = enabled.filter(|one| one.enabled != Some(false));
                found.extend(enabled.map(|one| (one.id.clone(), one.name.unwrap_or(one.id))));
            }
        }
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(not_offered(
                "its teams have no escalation; add a responder in Jira",
            )),
            several => {
                let names: Vec<_> = several.iter().map(|(_, name)| name.as_str()).collect();
                let names = names.join(", ");
                Err(not_offered(format!(
                    "several escalations may be meant ({names}); escalate it in Jira"
                )))
            }
        }
    }
}

/// Refuses what the API has no word for.
fn check_deed(deed: &Deed) -> Result<(), Fault> {
    match deed {
        Deed::Unsnooze => Err(not_offered(
            "the API has no word for that; a snooze ends at its time, or with an acknowledgement",
        )),
        Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => {
            Err(not_offered("there are no silences here; snooze the alert"))
        }
        Deed::Note { text } if text.trim().is_empty() => Err(not_offered("a note needs words")),
        Deed::Snooze { until } if *until <= Timestamp::now() => {
            Err(not_offered(format!("{} is over already", day(*until))))
        }
        _ => Ok(()),
    }
}

/// The last step of the path, and the body: schemas `AlertSnoozeRequest`, `NoteRequest` and
/// `EscalateToNextRequest`; the others have none.
fn wording(deed: &Deed, plan: &Plan) -> Result<(&'static str, Option<Value>), Fault> {
    Ok(match deed {
        Deed::Acknowledge => ("acknowledge", None),
        Deed::Unacknowledge => ("unacknowledge", None),
        Deed::Resolve => ("close", None),
        Deed::Snooze { until } => {
            let end = stamp(*until);
            ("snooze", Some(json!({ "endTime": end })))
        }
        Deed::Note { text } => ("notes", Some(json!({ "note": text }))),
        Deed::Escalate => {
            let id = plan.escalation.as_ref().map(|(id, _)| id);
            ("escalate", Some(json!({ "escalationId": id })))
        }
        Deed::Unsnooze | Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => {
            check_deed(deed)?;
            return Err(not_offered("there is no such action here"));
        }
    })
}

fn consequence(deed: &Deed, plan: &Plan) -> String {
    match deed {
        Deed::Acknowledge => "stops its escalation: somebody has it".to_owned(),
        Deed::Unacknowledge => "starts its escalation again: somebody is paged".to_owned(),
        Deed::Resolve => "closes it; it cannot be opened again".to_owned(),
        Deed::Snooze { until } => format!("notifies nobody until {}", day(*until)),
        Deed::Escalate => {
            let name = plan.escalation.as_ref().map_or("", |(_, name)| name);
            format!("pages the next step of the escalation {name} now")
        }
        _ => "adds the note to it".to_owned(),
    }
}

fn said(deed: &Deed, plan: &Plan) -> String {
    let id = &plan.alert.id;
    match deed {
        Deed::Acknowledge => format!("acknowledged alert {id}"),
        Deed::Unacknowledge => format!("took back the acknowledgement of alert {id}"),
        Deed::Resolve => format!("closed alert {id}"),
        Deed::Snooze { until } => format!("snoozed alert {id} until {}", day(*until)),
        Deed::Escalate => {
            let name = plan.escalation.as_ref().map_or("", |(_, name)| name);
            format!("escalated alert {id} through {name}")
        }
        _ => format!("added a note to alert {id}"),
    }
}

/// An acknowledgement and its opposite take each other back.
fn undo(order: &Order) -> Option<Order> {
    let (deed, seen) = match order.deed {
        Deed::Acknowledge => (Deed::Unacknowledge, IncidentStatus::Acknowledged),
        Deed::Unacknowledge => (Deed::Acknowledge, IncidentStatus::Triggered),
        _ => return None,
    };
    Some(order.undone_by(deed, seen))
}
