//! What can be done to an incident: looked at first, then changed by one request.

mod words;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::words::{consequence, said, standing};
use super::scope::each;
use super::wire::{Incident, Myself, Named, One, Shift};
use super::{MAX_POLL_TIME, PAGING, PagerDuty, options, rows, with_headers};
use crate::domain::{Deed, Done, Fault, FaultKind, IncidentStatus, Order, Preview, Verb};
use crate::http::Method;
use crate::source::kit::acting::{Refusals, look, refused};
use crate::source::kit::incident_state::{moved, not_offered};
use crate::source::kit::partial_fault::is_withheld;

/// The longest that the API snoozes.
const LONGEST_SNOOZE: SignedDuration = SignedDuration::from_secs(604_800);

/// What to do about a refused change.
const REFUSALS: Refusals = Refusals {
    forbidden: "the key is read-only, or its user may not do this; give a key in `token` that may write",
    query: "is `user_email` the address of a user there?",
};

/// An order that can be carried out, with all that it takes.
struct Plan {
    /// The incident as it stands.
    row: Incident,
    /// The present by the server's clock, or by ours where it does not tell.
    now: Timestamp,
    /// The step that an escalation goes to, and who is paged there.
    level: Option<(u32, Vec<String>)>,
    /// Where it stands now.
    level_now: Option<u32>,
}

impl PagerDuty {
    /// Says what an order would do.
    pub(super) async fn foresee(&mut self, order: &Order) -> Result<Preview, Fault> {
        let email = self.acting_as().await?;
        let plan = self.plan(order).await?;
        if let Some((level, _)) = &plan.level {
            self.levels.insert(plan.row.id.clone(), *level);
        }
        let row = &plan.row;
        let title = [&row.title, &row.summary].into_iter().flatten().next();
        let service = row
            .service
            .as_ref()
            .and_then(Named::called)
            .unwrap_or("no service");
        let mut lines = vec![format!("{} {}", row.id, title.map_or("", String::as_str))];
        let who: Vec<_> = row.assignees().filter_map(Named::called).collect();
        let who = if who.is_empty() {
            "nobody".to_owned()
        } else {
            who.join(", ")
        };
        let present = rows::status(row.status.as_deref()).word();
        lines.push(format!("of {service}, {present}, with {who}"));
        lines.push(format!("{}, as {email}", consequence(order, &plan)));
        Ok(Preview::new(lines))
    }

    /// Carries an order out: one look, one request.
    pub(super) async fn carry_out(&mut self, order: &Order) -> Result<Done, Fault> {
        let email = self.acting_as().await?;
        let plan = self.plan(order).await?;
        let id = plan.row.id.clone();
        let foreseen = self.levels.remove(&id);
        if let (Some((level, _)), Some(foreseen)) = (&plan.level, foreseen)
            && *level != foreseen
        {
            let message = format!("it would go to level {level} now, not to level {foreseen}");
            return Err(moved(message));
        }
        let (method, path, body) = wording(order, &plan)?;
        let request = self.http.ask(method, &path).header("From", &email);
        let sent = with_headers(request).json(&body).send().await;
        let answer = sent.map_err(|fault| refused(fault, &REFUSALS))?;
        // What it says is worth reading, but it has been done whatever that is.
        let row = answer.json::<One>().ok().map(|one| one.incident);
        let said = said(order, &plan, row.as_ref(), &email);
        Ok(Done::new(said, undo(order, &plan)))
    }

    /// Looks at the incident, and whether it is as it was seen.
    async fn plan(&self, order: &Order) -> Result<Plan, Fault> {
        check_deed(&order.deed)?;
        let request = |id: &str| with_headers(self.http.get(&format!("/incidents/{id}")));
        let answer = look(order, "incident", FaultKind::NotFound, request).await?;
        let dated = answer.header("date").map(jiff::fmt::rfc2822::parse);
        let now = dated.and_then(Result::ok).map(|date| date.timestamp());
        let row = answer.json::<One>()?.incident;
        check_state(order, &row)?;
        let mut plan = Plan {
            row,
            now: now.unwrap_or_else(Timestamp::now),
            level: None,
            level_now: None,
        };
        if let Deed::Snooze { until } = &order.deed {
            snooze_seconds(*until, plan.now)?;
        }
        if order.deed == Deed::Escalate {
            self.plan_escalation(&mut plan).await?;
        }
        Ok(plan)
    }

    /// Finds the step after the one whose people have it: the API has no word for "the next".
    async fn plan_escalation(&self, plan: &mut Plan) -> Result<(), Fault> {
        let policy = plan.row.escalation_policy.as_ref();
        let Some(policy) = policy.and_then(|policy| policy.id.clone()) else {
            let message = "it has no escalation policy, so there is no next step";
            return Err(not_offered(message));
        };
        let list = PAGING
            .list("/oncalls", "shifts", 300, Instant::now() + MAX_POLL_TIME)
            .with(each("escalation_policy_ids[]", &[policy]));
        let shifts = list.all::<Shift>(&self.http).await?.rows;
        let via_policy = plan.row.assigned_via.as_deref() != Some("direct_assignment");
        plan.level_now = level(&plan.row, &shifts).filter(|_| via_policy);
        let above = |shift: &&Shift| shift.escalation_level > plan.level_now;
        let next = shifts
            .iter()
            .filter(above)
            .filter_map(|shift| shift.escalation_level)
            .min();
        let Some(next) = next else {
            let message = match plan.level_now {
                Some(level) => format!("it is at level {level}, the last with anybody on call"),
                None => "nobody is on call for its escalation policy".to_owned(),
            };
            return Err(not_offered(message));
        };
        let there = shifts
            .iter()
            .filter(|shift| shift.escalation_level == Some(next));
        let who = there.filter_map(|shift| shift.user.as_ref().and_then(Named::called));
        let mut who: Vec<_> = who.map(str::to_owned).collect();
        who.sort();
        who.dedup();
        plan.level = Some((next, who));
        Ok(())
    }

    /// The address that `PagerDuty` is told: of the settings, else of the key's own user.
    async fn acting_as(&mut self) -> Result<String, Fault> {
        if let Some(email) = &self.email {
            return Ok(email.clone());
        }
        let request = with_headers(self.http.get("/users/me"));
        let email = match request.send().await {
            Ok(answer) => answer.json::<Myself>().ok().and_then(Myself::email),
            Err(fault) if is_withheld(fault.kind) => None,
            Err(fault) => return Err(fault),
        };
        let email = email.filter(|email| options::is_address(email)).ok_or_else(|| {
            let message = "PagerDuty wants to know who acts: set `user_email` here, or `email` in [me], to the address of your user there";
            not_offered(message)
        })?;
        self.email = Some(email.clone());
        Ok(email)
    }
}

/// Refuses what `PagerDuty` has no word for.
fn check_deed(deed: &Deed) -> Result<(), Fault> {
    match deed {
        Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => Err(no_silences()),
        Deed::Note { text } if text.trim().is_empty() => Err(not_offered("a note needs words")),
        _ => Ok(()),
    }
}

fn no_silences() -> Fault {
    not_offered("PagerDuty has no silences; snooze the incident")
}

/// Refuses when it is not as it was seen, or so that the order would do something else.
fn check_state(order: &Order, row: &Incident) -> Result<(), Fault> {
    use IncidentStatus::{Resolved, Triggered};
    let present = rows::status(row.status.as_deref());
    let seen = order.target.seen;
    if let Some(seen) = seen.filter(|seen| *seen != present) {
        let message = format!("it is {}, was {}", standing(row, present), seen.word());
        return Err(moved(message));
    }
    let standing = || standing(row, present);
    let message = match (order.deed.verb(), present) {
        (Verb::Acknowledge | Verb::Snooze | Verb::Escalate, Resolved) => {
            format!("it is {}: that would open it again", standing())
        }
        (Verb::Resolve, Resolved) => format!("it is {} already", standing()),
        // To be opened again must have been meant.
        (Verb::Unacknowledge, Resolved) if seen.is_none() => {
            format!("it is {}: that would open it again", standing())
        }
        (Verb::Unacknowledge | Verb::Unsnooze, Triggered) => {
            format!("it is {} already", standing())
        }
        (Verb::Unsnooze, Resolved) => format!("it is {}", standing()),
        _ => return Ok(()),
    };
    Err(moved(message))
}

/// The one request that changes something.
fn wording(order: &Order, plan: &Plan) -> Result<(Method, String, Value), Fault> {
    let path = format!("/incidents/{}", plan.row.id);
    let reference = |key: &str, value: Value| {
        let mut incident = json!({"type": "incident_reference"});
        incident[key] = value;
        (Method::PUT, path.clone(), json!({"incident": incident}))
    };
    Ok(match &order.deed {
        Deed::Acknowledge => reference("status", json!("acknowledged")),
        Deed::Unacknowledge | Deed::Unsnooze => reference("status", json!("triggered")),
        Deed::Resolve => reference("status", json!("resolved")),
        Deed::Escalate => {
            let level = plan.level.as_ref().map(|(level, _)| *level);
            reference("escalation_level", json!(level))
        }
        Deed::Snooze { until } => {
            let seconds = snooze_seconds(*until, plan.now)?;
            (
                Method::POST,
                format!("{path}/snooze"),
                json!({"duration": seconds}),
            )
        }
        Deed::Note { text } => {
            let note = json!({"note": {"content": text}});
            (Method::POST, format!("{path}/notes"), note)
        }
        Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => return Err(no_silences()),
    })
}

/// How long to snooze, by the server's clock.
fn snooze_seconds(until: Timestamp, now: Timestamp) -> Result<i64, Fault> {
    let span = until.duration_since(now);
    let message = if span < SignedDuration::from_secs(1) {
        "its end is past already: name a later one"
    } else if span > LONGEST_SNOOZE {
        "PagerDuty snoozes for 7 days at most: name an earlier end"
    } else {
        return Ok(span.as_secs());
    };
    Err(not_offered(message))
}

/// The step that its people are at: the first where all of them are on call, else where any is.
fn level(row: &Incident, shifts: &[Shift]) -> Option<u32> {
    let assigned: Vec<_> = row
        .assignees()
        .filter_map(|who| who.id.as_deref())
        .collect();
    let mut levels: Vec<_> = shifts
        .iter()
        .filter_map(|shift| shift.escalation_level)
        .collect();
    levels.sort_unstable();
    levels.dedup();
    let is_there = |level: u32, id: &str| {
        let mut there = shifts
            .iter()
            .filter(|shift| shift.escalation_level == Some(level));
        there.any(|shift| shift.user.as_ref().and_then(|user| user.id.as_deref()) == Some(id))
    };
    let all = |level: &&u32| assigned.iter().all(|id| is_there(**level, id));
    let any = |level: &&u32| assigned.iter().any(|id| is_there(**level, id));
    if assigned.is_empty() {
        return None;
    }
    levels
        .iter()
        .find(all)
        .or_else(|| levels.iter().find(any))
        .copied()
}

/// The order that takes it back: where nothing but time tells the two states apart.
fn undo(order: &Order, plan: &Plan) -> Option<Order> {
    use IncidentStatus::{Acknowledged, Resolved, Triggered};
    let before = rows::status(plan.row.status.as_deref());
    let (deed, seen) = match (&order.deed, before) {
        (Deed::Acknowledge, Triggered) => (Deed::Unacknowledge, Acknowledged),
        (Deed::Snooze { .. }, Triggered) => (Deed::Unsnooze, Acknowledged),
        (Deed::Resolve, _) => (Deed::Unacknowledge, Resolved),
        _ => return None,
    };
    Some(order.undone_by(deed, seen))
}
