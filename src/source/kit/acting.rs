//! Acting on an incident: one look at it before the one request, and what a refusal means.

use super::incident_state::{after_sending, is_id, moved};
use crate::domain::{Fault, FaultKind, Order};
use crate::http::{Answer, Request};

/// What to do about a refused change, for people.
pub(in crate::source) struct Refusals {
    /// Why the credential may not do this.
    pub(in crate::source) forbidden: &'static str,
    /// What in the settings may be wrong with the request.
    pub(in crate::source) query: &'static str,
}

/// Requests the target of an order, which is called `noun`: `alert`, or another word with a vowel.
///
/// An id that leads elsewhere is a fault of the kind `odd` and is never sent. The fault of a target
/// that is gone is [`FaultKind::Moved`].
pub(in crate::source) async fn look<'a>(
    order: &Order,
    noun: &str,
    odd: FaultKind,
    request: impl FnOnce(&str) -> Request<'a>,
) -> Result<Answer, Fault> {
    let id = order.target.id.raw();
    if !is_id(id) {
        return Err(Fault::new(odd, format!("that is no id of an {noun}")));
    }
    request(id).send().await.map_err(|fault| match fault.kind {
        FaultKind::NotFound => moved(format!("there is no {noun} {id} any more (404)")),
        _ => fault,
    })
}

/// What a refusal of the one request that changes something means.
pub(in crate::source) fn refused(fault: Fault, refusals: &Refusals) -> Fault {
    let said = fault.message.raw();
    let message = match fault.kind {
        FaultKind::Forbidden => format!("{}: {said}", refusals.forbidden),
        FaultKind::Query => format!("{said}; {}", refusals.query),
        FaultKind::NotFound => return moved("it is gone (404)"),
        _ => return after_sending(fault),
    };
    let message = message.into();
    Fault { message, ..fault }
}

/// Adds the advice for its kind to a fault.
pub(in crate::source) fn advise(fault: Fault, advice: &[(FaultKind, &str)]) -> Fault {
    let Some((_, advice)) = advice.iter().find(|(kind, _)| *kind == fault.kind) else {
        return fault;
    };
    let message = format!("{}; {advice}", fault.message.raw()).into();
    Fault { message, ..fault }
}
