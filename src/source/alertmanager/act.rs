//! Makes, extends and ends silences: looked at first, then one request to one member.

mod send;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;

use super::Alertmanager;
use super::cluster::{Cluster, told};
use crate::domain::{self, Deed, Done, Fault, FaultKind, IncidentStatus, Matcher, Order, Preview};
use crate::http::Http;
use crate::source::alert::{self, Alert, Silence};
use crate::source::kit::incident_state::moved;
use crate::source::kit::lenient_wire::stamp;
use crate::text::Untrusted;

/// The most alerts that a preview lists; the rest is a number.
const LISTED: usize = 50;

/// What a new silence is to be.
struct Wanted<'a> {
    matchers: &'a [Matcher],
    until: Timestamp,
    comment: &'a str,
}

impl<'a> Wanted<'a> {
    /// What an order wants; the fault is that of any other order.
    fn by(order: &'a Order) -> Result<Self, Fault> {
        match &order.deed {
            Deed::Silence {
                matchers,
                until,
                comment,
            } => Ok(Self {
                matchers,
                until: *until,
                comment,
            }),
            _ => Err(not_offered(order)),
        }
    }
}

/// A silence as members know it.
struct Known {
    /// As it was sent, to be sent back with another end.
    raw: Value,
    wire: Silence,
    silence: domain::Silence,
    /// The members that know it, the one with its newest edit first.
    members: Vec<usize>,
}

impl Alertmanager {
    /// What an order would do, once it is known that it can be done.
    pub(super) async fn previewed(&self, order: &Order) -> Result<Preview, Fault> {
        let lines = match &order.deed {
            Deed::Silence { .. } => {
                let wanted = Wanted::by(order)?;
                let cluster = self.ready_to_silence(order, &wanted).await?;
                let hidden = self.hidden_by(&cluster, wanted.matchers).await?;
                hiding(&hidden, &cluster)
            }
            Deed::Extend { until } => {
                let known = self.ready_to_edit(order).await?;
                still_to_come(*until)?;
                vec![
                    described(&known.silence),
                    format!(
                        "ends {}, then {}",
                        stamp(known.silence.ends_at),
                        stamp(*until)
                    )
                    .into(),
                ]
            }
            Deed::Expire => {
                let known = self.ready_to_edit(order).await?;
                let freed = self.freed_by(&known).await?;
                let mut lines = vec![described(&known.silence)];
                lines.extend(list("would notify again", &freed));
                lines
            }
            _ => return Err(not_offered(order)),
        };
        Ok(Preview { lines })
    }

    /// Looks once more, then sends one request.
    pub(super) async fn carried_out(&self, order: &Order) -> Result<Done, Fault> {
        match &order.deed {
            Deed::Silence { .. } => {
                let wanted = Wanted::by(order)?;
                let cluster = self.ready_to_silence(order, &wanted).await?;
                self.silence(order, &wanted, &cluster.alive).await
            }
            Deed::Extend { until } => {
                let known = self.ready_to_edit(order).await?;
                still_to_come(*until)?;
                self.extend(order, known, *until).await
            }
            Deed::Expire => {
                let known = self.ready_to_edit(order).await?;
                self.expire(order, &known).await
            }
            _ => Err(not_offered(order)),
        }
    }

    /// Checks that a silence may be made and that its incident is as it was seen.
    async fn ready_to_silence(&self, order: &Order, wanted: &Wanted<'_>) -> Result<Cluster, Fault> {
        alert::check(wanted.matchers, &self.names)?;
        still_to_come(wanted.until)?;
        if self.wants_comment && wanted.comment.trim().is_empty() {
            return Err(Fault::new(
                FaultKind::Query,
                "a silence needs a reason here: `require_comment` is set in [actions]",
            ));
        }
        let cluster = self.look().await?;
        if let Some(seen) = order.target.seen {
            self.as_seen(&order.target.id, seen, &cluster)?;
        }
        let same = |silence: &&Silence| {
            let matchers: Vec<Matcher> = silence.matchers.iter().map(Into::into).collect();
            let hides_it = matchers.len() == wanted.matchers.len()
                && wanted.matchers.iter().all(|one| matchers.contains(one));
            hides_it && silence.ends() >= Some(wanted.until) && silence.is_in_force()
        };
        if let Some(silence) = cluster.silences().find(same) {
            let until = silence.ends().map_or_else(String::new, stamp);
            return Err(moved(format!(
                "silence {} of {} hides just this until {until} already",
                silence.id, silence.created_by
            )));
        }
        Ok(cluster)
    }

    /// Refuses when an incident is not as it was when the order was given.
    fn as_seen(
        &self,
        id: &Untrusted,
        seen: IncidentStatus,
        cluster: &Cluster,
    ) -> Result<(), Fault> {
        let known: Vec<Silence> = cluster.silences().cloned().collect();
        let incidents = alert::incidents(&cluster.alerts, &self.names, &known);
        let Some(now) = incidents.iter().find(|incident| incident.id == *id) else {
            return Err(moved(format!("it is over, was {}", seen.word())));
        };
        if now.status == seen {
            return Ok(());
        }
        let by = match (now.suppression, now.silenced_until) {
            (_, Some(until)) => format!("silenced until {}", stamp(until)),
            (Some(by), None) => by.word().to_owned(),
            (None, None) => now.status.word().to_owned(),
        };
        Err(moved(format!("it is {by} now, was {}", seen.word())))
    }

    /// The alerts that notify now and would not any more, as a member that answers says.
    async fn hidden_by(&self, cluster: &Cluster, by: &[Matcher]) -> Result<Vec<Alert>, Fault> {
        let members = cluster.alive.iter().filter_map(|at| self.members.get(*at));
        let mut failed = nobody();
        for member in members {
            let mut request = member.get("/api/v2/alerts");
            for state in ["silenced", "inhibited"] {
                request = request.query(state, "false");
            }
            for matcher in by {
                request = request.query("filter", &matcher.to_string());
            }
            match request.send().await.and_then(|answer| answer.json()) {
                Ok(alerts) => return Ok(alerts),
                Err(fault) => failed = fault,
            }
        }
        Err(failed)
    }

    /// The alerts that nothing but this silence keeps from notifying.
    async fn freed_by(&self, known: &Known) -> Result<Vec<Alert>, Fault> {
        let id = &known.wire.id;
        let mut alerts = self.look().await?.alerts;
        alerts.retain(|alert| {
            let status = &alert.status;
            status.silenced_by == std::slice::from_ref(id) && status.inhibited_by.is_empty()
        });
        Ok(alerts)
    }

    /// The silence that an order is about, if it is there and not over.
    async fn ready_to_edit(&self, order: &Order) -> Result<Known, Fault> {
        let id = order.target.id.raw();
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.is_empty() || !id.chars().all(is_id) {
            return Err(moved("no silence has such an id"));
        }
        let path = format!("/api/v2/silence/{id}");
        let asked = self.members.iter().map(|member| one_silence(member, &path));
        let mut found = Vec::new();
        let (mut answered, mut failed) = (false, None);
        for (member, answer) in join_all(asked).await.into_iter().enumerate() {
            match answer {
                Ok(Some((raw, wire))) => found.push((member, raw, wire)),
                Ok(None) => answered = true,
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        // A stable sort: among equals the order of `urls` stays.
        found.sort_by_key(|(_, _, wire)| std::cmp::Reverse(wire.updated()));
        let members = found.iter().map(|(member, ..)| *member).collect();
        let Some((_, raw, wire)) = found.into_iter().next() else {
            return Err(match failed {
                Some(fault) if !answered => fault,
                _ => moved("the silence is not there any more"),
            });
        };
        let Some(silence) = told(&wire) else {
            return Err(Fault::new(
                FaultKind::Decode,
                "the silence has no end; is `url` an Alertmanager's?",
            ));
        };
        if wire.is_over() {
            let ended = stamp(silence.ends_at);
            return Err(moved(format!("the silence is over since {ended}")));
        }
        Ok(Known {
            raw,
            wire,
            silence,
            members,
        })
    }
}

/// One silence of a member, as it was sent and as it is read; `None` when it has none of that id.
async fn one_silence(member: &Http, path: &str) -> Result<Option<(Value, Silence)>, Fault> {
    let answer = member.get(path).accept(&[404]).send().await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let raw: Value = answer.json()?;
    let wire = Silence::deserialize(&raw).map_err(|_| {
        let words = "the silence is JSON of another shape; is `url` an Alertmanager's?";
        Fault::new(FaultKind::Decode, words)
    })?;
    Ok(Some((raw, wire)))
}

/// What a new silence hides of what notifies now.
fn hiding(hidden: &[Alert], cluster: &Cluster) -> Vec<Untrusted> {
    if hidden.is_empty() {
        return vec!["nothing that notifies now matches: it would hide what comes".into()];
    }
    let notifying = cluster.alerts.iter().filter(|alert| !alert.is_suppressed());
    let mut lines = list("would be hidden", hidden);
    if hidden.len() > 1 && hidden.len() >= notifying.count() {
        lines.push("that is all that notifies now".into());
    }
    lines
}

/// Alerts, one a line, after a line that counts them.
fn list(what: &str, alerts: &[Alert]) -> Vec<Untrusted> {
    let count = alerts.len();
    let noun = if count == 1 { "alert" } else { "alerts" };
    let mut lines = vec![format!("{count} {noun} {what}").into()];
    lines.extend(alerts.iter().take(LISTED).map(alert::listed));
    if let Some(more) = count.checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more").into());
    }
    lines
}

fn described(silence: &domain::Silence) -> Untrusted {
    let comment = match silence.comment.raw() {
        "" => String::new(),
        comment => format!(": {comment}"),
    };
    let (id, by) = (silence.id.raw(), silence.created_by.raw());
    format!(
        "silence {id} of {} by {by}{comment}",
        written(&silence.matchers)
    )
    .into()
}

fn written(matchers: &[Matcher]) -> String {
    let each: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    each.join(" ")
}

fn still_to_come(until: Timestamp) -> Result<(), Fault> {
    if until > Timestamp::now() {
        return Ok(());
    }
    let words = format!("the end is past, {}: give a later one", stamp(until));
    Err(Fault::new(FaultKind::Query, words))
}

fn nobody() -> Fault {
    Fault::new(FaultKind::Connect, "no member could be reached")
}

fn not_offered(order: &Order) -> Fault {
    let verb = order.deed.verb().word();
    Fault::new(
        FaultKind::NotOffered,
        format!("Alertmanager cannot {verb}: it knows silences alone"),
    )
}
