//! Who is on call, and who is next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Untrusted;

/// One shift of one person, as a schedule says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnCall {
    /// The rota: a schedule, or an escalation policy where no schedule stands behind a step.
    pub schedule: Untrusted,
    /// The person.
    pub who: Untrusted,
    /// When the shift begins, for who is next; `None` for who has it already.
    pub from: Option<Timestamp>,
    /// When the shift ends; `None` for no end that is known.
    pub until: Option<Timestamp>,
    /// The step of the escalation, 1 for who is paged first; `None` where there are no steps.
    pub level: Option<u32>,
    /// The services that the rota answers for; empty where the source does not say.
    pub services: Vec<Untrusted>,
}

impl OnCall {
    /// True for who has the pager at this moment.
    pub fn is_now(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}
