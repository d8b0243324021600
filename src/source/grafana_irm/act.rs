//! What can be done to an alert group: looked at first, then changed by one request.
//!
//! `alertgroups.md` and `resolution_notes.md` of the API's reference. Actions want the key of a user:
//! those of a service account are refused.

use jiff::Timestamp;
use serde_json::json;

use super::wire::{Group, user_id};
use super::{GrafanaIrm, rows};
use crate::domain::{Deed, Done, Fault, FaultKind, IncidentStatus, Order, Preview};
use crate::http::Method;
use crate::source::kit::acting::look;
use crate::source::kit::incident_state::{
    IncidentState, after_sending, check, day, moved, not_offered,
};

/// An order that can be carried out.
struct Plan {
    group: Group,
    standing: IncidentState,
}

impl GrafanaIrm {
    /// Says what an order would do.
    pub(super) async fn foresee(&mut self, order: &Order) -> Result<Preview, Fault> {
        let Plan { group, standing } = self.plan(order).await?;
        let title = group.title.as_deref().unwrap_or(&group.id);
        let alerts = match group.alerts_count {
            Some(1) => "1 alert".to_owned(),
            Some(count) => format!("{count} alerts"),
            None => "an unknown number of alerts".to_owned(),
        };
        let who = group.acknowledged_by.as_ref().and_then(user_id);
        let who = who.map_or_else(|| "nobody".into(), |id| self.users.called(id));
        let lines = [
            format!("{} {title}", group.id),
            format!("{alerts}, {}, with {}", standing.words(), who.raw()),
            consequence(&order.deed),
        ];
        Ok(Preview::new(lines))
    }

    /// Carries an order out: one look, one request.
    pub(super) async fn carry_out(&mut self, order: &Order) -> Result<Done, Fault> {
        let Plan { group, .. } = self.plan(order).await?;
        let id = &group.id;
        let action = |word: &str| format!("/api/v1/alert_groups/{id}/{word}");
        let (path, body) = match &order.deed {
            Deed::Acknowledge => (action("acknowledge"), None),
            Deed::Unacknowledge => (action("unacknowledge"), None),
            Deed::Resolve => (action("resolve"), None),
            Deed::Snooze { until } => {
                let body = json!({ "delay": delay(*until, self.now())? });
                (action("silence"), Some(body))
            }
            Deed::Unsnooze => (action("unsilence"), None),
            Deed::Note { text } => {
                let body = json!({ "alert_group_id": id, "text": text });
                ("/api/v1/resolution_notes/".to_owned(), Some(body))
            }
            Deed::Escalate | Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => {
                return Err(unknown(&order.deed));
            }
        };
        let request = self.http.ask(Method::POST, &path);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        request
            .send()
            .await
            .map_err(after_sending)
            .map_err(refused)?;
        Ok(Done::new(said(&order.deed, id), undo(order)))
    }

    /// Looks at the group, and whether it is as it was seen.
    async fn plan(&self, order: &Order) -> Result<Plan, Fault> {
        match &order.deed {
            Deed::Note { text } if text.trim().is_empty() => {
                return Err(not_offered("a note needs words"));
            }
            Deed::Escalate | Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => {
                return Err(unknown(&order.deed));
            }
            _ => {}
        }
        let request = |id: &str| self.http.get(&format!("/api/v1/alert_groups/{id}"));
        let group: Group = look(order, "alert group", FaultKind::NotOffered, request)
            .await?
            .json()?;
        let now = self.now();
        let standing = rows::standing(&group, now);
        check(&order.target, standing)?;
        possible(&order.deed, standing)?;
        if let Deed::Snooze { until } = &order.deed {
            delay(*until, now)?;
        }
        Ok(Plan { group, standing })
    }

    /// The present by the server's clock, which the end of a silence is counted from.
    fn now(&self) -> Timestamp {
        let ahead = self.http.skew().unwrap_or_default();
        let now = Timestamp::now();
        now.checked_add(ahead).unwrap_or(now)
    }
}

/// Refuses what the server refuses from this state, by the same rules.
fn possible(deed: &Deed, standing: IncidentState) -> Result<(), Fault> {
    use IncidentStatus::{Acknowledged, Resolved, Silenced};
    let is = |status| standing.status == status;
    let ill = match deed {
        Deed::Note { .. } => false,
        _ if is(Resolved) => true,
        Deed::Acknowledge => is(Acknowledged),
        Deed::Unacknowledge => !is(Acknowledged),
        Deed::Unsnooze => !is(Silenced),
        Deed::Snooze { .. } if is(Acknowledged) => {
            return Err(not_offered(
                "an acknowledged alert group cannot be silenced; take the acknowledgement back first",
            ));
        }
        _ => false,
    };
    if ill {
        return Err(moved(format!("it is {}", standing.words())));
    }
    Ok(())
}

/// For how many seconds; -1, which is for ever, is never sent.
fn delay(until: Timestamp, now: Timestamp) -> Result<i64, Fault> {
    let seconds = until.duration_since(now).as_secs();
    if seconds < 1 {
        return Err(not_offered(format!("{} is over already", day(until))));
    }
    Ok(seconds)
}

fn unknown(deed: &Deed) -> Fault {
    match deed {
        Deed::Escalate => not_offered(
            "the API escalates to people that are named, not to the next step; do it in Grafana",
        ),
        _ => not_offered("there are no silences of labels here; snooze the alert group"),
    }
}

/// A refusal in words that say what to do.
fn refused(fault: Fault) -> Fault {
    let said = fault.message.raw();
    if fault.kind == FaultKind::Forbidden && said.to_ascii_lowercase().contains("service account") {
        let message = format!("{said}; actions want the API key of a user as `token`").into();
        return Fault { message, ..fault };
    }
    fault
}

fn consequence(deed: &Deed) -> String {
    match deed {
        Deed::Acknowledge => "stops its escalation: somebody has it".to_owned(),
        Deed::Unacknowledge => "starts its escalation again: somebody is paged".to_owned(),
        Deed::Resolve => "resolves it".to_owned(),
        Deed::Snooze { until } => format!("notifies nobody until {}", day(*until)),
        Deed::Unsnooze => "notifies again from now on".to_owned(),
        _ => "adds a resolution note to it".to_owned(),
    }
}

fn said(deed: &Deed, id: &str) -> String {
    match deed {
        Deed::Acknowledge => format!("acknowledged alert group {id}"),
        Deed::Unacknowledge => format!("took back the acknowledgement of alert group {id}"),
        Deed::Resolve => format!("resolved alert group {id}"),
        Deed::Snooze { until } => format!("silenced alert group {id} until {}", day(*until)),
        Deed::Unsnooze => format!("ended the silence of alert group {id}"),
        _ => format!("added a resolution note to alert group {id}"),
    }
}

/// What takes an order back, where the API has a word for it.
fn undo(order: &Order) -> Option<Order> {
    let (deed, seen) = match order.deed {
        Deed::Acknowledge => (Deed::Unacknowledge, IncidentStatus::Acknowledged),
        Deed::Unacknowledge => (Deed::Acknowledge, IncidentStatus::Triggered),
        Deed::Snooze { .. } => (Deed::Unsnooze, IncidentStatus::Silenced),
        _ => return None,
    };
    Some(order.undone_by(deed, seen))
}
