//! The one request that changes something, to the first member that takes the connection.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Known, Wanted, nobody, written};
use crate::domain::{Deed, Done, Fault, FaultKind, Order, Target};
use crate::http::{Http, Method};
use crate::source::alert::WireMatcher;
use crate::source::alertmanager::Alertmanager;
use crate::source::kit::incident_state::moved;
use crate::source::kit::lenient_wire::stamp;
use crate::text::Untrusted;

/// A silence begins so much before now, by the server's clock as we know it, to the half second:
/// Alertmanager moves a begin that is past to its own present, and one to come would wait.
const SOONER: SignedDuration = SignedDuration::from_secs(2);
/// What is said where no reason is given: some versions want one.
const NO_COMMENT: &str = "silenced with watchfire";

impl Alertmanager {
    /// Makes a silence.
    pub(super) async fn silence(
        &self,
        order: &Order,
        wanted: &Wanted<'_>,
        members: &[usize],
    ) -> Result<Done, Fault> {
        let comment = match wanted.comment.trim() {
            "" => NO_COMMENT,
            comment => comment,
        };
        let matchers: Vec<WireMatcher> = wanted.matchers.iter().map(Into::into).collect();
        let body = |member: &Http| {
            let behind = member.skew().unwrap_or_default().min(SignedDuration::ZERO);
            let begin = Timestamp::now() + behind - SOONER;
            json!({
                "matchers": matchers,
                "startsAt": begin.to_string(),
                "endsAt": wanted.until.to_string(),
                "createdBy": self.me,
                "comment": comment,
            })
        };
        let id = self.post_silence(members, body).await?;
        let undo = Order {
            source: self.name.clone(),
            target: Target {
                id: id.as_str().into(),
                name: written(wanted.matchers).into(),
                service: order.target.service.clone(),
                seen: None,
            },
            deed: Deed::Expire,
        };
        Ok(Done {
            said: format!("silence {id} until {}", stamp(wanted.until)).into(),
            undo: Some(Box::new(undo)),
        })
    }

    /// Moves a silence's end.
    pub(super) async fn extend(
        &self,
        order: &Order,
        known: Known,
        until: Timestamp,
    ) -> Result<Done, Fault> {
        let was = known.silence.ends_at;
        let mut raw = known.raw;
        if let Some(fields) = raw.as_object_mut() {
            fields.remove("status");
            fields.remove("updatedAt");
            fields.insert("endsAt".to_owned(), until.to_string().into());
        }
        let id = self.post_silence(&known.members, |_| raw.clone()).await?;
        let undo = (was > Timestamp::now()).then(|| {
            Box::new(Order {
                target: Target {
                    id: id.as_str().into(),
                    ..order.target.clone()
                },
                deed: Deed::Extend { until: was },
                ..order.clone()
            })
        });
        Ok(Done {
            said: format!("silence {id} until {}, was {}", stamp(until), stamp(was)).into(),
            undo,
        })
    }

    /// Ends a silence.
    pub(super) async fn expire(&self, order: &Order, known: &Known) -> Result<Done, Fault> {
        let path = format!("/api/v2/silence/{}", known.wire.id);
        let mut outcome = Err(nobody());
        for member in known.members.iter().filter_map(|at| self.members.get(*at)) {
            outcome = member.ask(Method::DELETE, &path).send().await;
            if !is_unsent(&outcome) {
                break;
            }
        }
        outcome.map_err(|fault| match fault.kind {
            FaultKind::NotFound => moved("the silence is not there any more"),
            _ => fault,
        })?;
        let silence = &known.silence;
        let undo = (silence.ends_at > Timestamp::now()).then(|| {
            Box::new(Order {
                target: Target {
                    id: Untrusted::default(),
                    name: written(&silence.matchers).into(),
                    ..order.target.clone()
                },
                deed: Deed::Silence {
                    matchers: silence.matchers.clone(),
                    until: silence.ends_at,
                    comment: silence.comment.raw().to_owned(),
                },
                ..order.clone()
            })
        });
        let said = format!(
            "silence {} is over, was until {}",
            known.wire.id,
            stamp(silence.ends_at)
        );
        Ok(Done {
            said: said.into(),
            undo,
        })
    }

    /// Gives a silence to the first member that a connection can be made to; its id.
    async fn post_silence(
        &self,
        members: &[usize],
        body: impl Fn(&Http) -> Value,
    ) -> Result<String, Fault> {
        let mut outcome = Err(nobody());
        for member in members.iter().filter_map(|at| self.members.get(*at)) {
            let request = member.ask(Method::POST, "/api/v2/silences");
            outcome = request.json(&body(member)).send().await;
            if !is_unsent(&outcome) {
                break;
            }
        }
        let made: Option<Value> = outcome?.json().ok();
        let id = made.as_ref().and_then(|made| made["silenceID"].as_str());
        id.map(str::to_owned).ok_or_else(|| {
            Fault::new(
                FaultKind::Unsure,
                "taken, but the answer names no silence; look before you repeat it",
            )
        })
    }
}

/// True when no connection was made, so that the request was certainly not sent.
fn is_unsent<T>(outcome: &Result<T, Fault>) -> bool {
    matches!(outcome, Err(fault) if fault.kind == FaultKind::Connect)
}
