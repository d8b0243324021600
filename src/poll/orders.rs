//! Orders on their way to a source: its own task carries them out, between polls and in turn.

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::schedule::MAX_RETRY_AFTER;
use super::{guarded, in_time, unsigned};
use crate::act::Leave;
use crate::domain::{Acted, Done, Fault, FaultKind, Order, Preview, Previewed};
use crate::source::Source;

/// The most orders that wait for one source: more than anybody marks.
pub(super) const QUEUE: usize = 256;
/// The longest that an order waits for a server that asked to be left alone. What comes later than
/// that comes as a surprise.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// Asks a source what an order would do, within `limit` and whatever it does.
pub async fn preview_once(
    source: &mut dyn Source,
    order: &Order,
    limit: SignedDuration,
) -> Result<Preview, Fault> {
    in_time(limit, guarded(async { source.preview(order).await })).await
}

/// Has a source carry an order out, likewise. What did not come back in time, or broke on the way,
/// may have been carried out.
///
/// Only [`Leave::order`] may begin this: it has the intent written first.
pub async fn act_once(
    source: &mut dyn Source,
    order: &Order,
    limit: SignedDuration,
) -> Result<Done, Fault> {
    let outcome = in_time(limit, guarded(async { source.act(order).await })).await;
    outcome.map_err(|fault| match fault.kind {
        FaultKind::Timeout | FaultKind::Crash => {
            let said = fault.message.raw();
            let words = format!("it may have been carried out, look before you repeat it: {said}");
            Fault::new(FaultKind::Unsure, words)
        }
        _ => fault,
    })
}

/// What a source is to do besides answering.
#[derive(Debug)]
pub(super) enum Wanted {
    Preview(Box<Order>),
    Act(Box<Order>),
}

/// What became of an order, or of the question what it would do.
#[derive(Debug)]
pub enum Reply {
    /// What it would do.
    Previewed(Box<Previewed>),
    /// What became of it.
    Acted(Box<Acted>),
}

impl Wanted {
    fn order(&self) -> &Order {
        let (Self::Preview(order) | Self::Act(order)) = self;
        order
    }

    /// The reply that it cannot be done.
    fn refused(self, fault: Fault) -> Reply {
        match self {
            Self::Preview(order) => Reply::Previewed(Box::new(Previewed {
                order: *order,
                outcome: Err(fault),
            })),
            Self::Act(order) => Reply::Acted(Box::new(Acted {
                order: *order,
                at: jiff::Timestamp::now(),
                outcome: Err(fault),
            })),
        }
    }
}

impl Reply {
    /// How long the server asked to be left alone in its answer.
    pub(super) fn rest(&self) -> Option<SignedDuration> {
        let fault = match self {
            Self::Previewed(previewed) => previewed.outcome.as_ref().err(),
            Self::Acted(acted) => acted.outcome.as_ref().err(),
        };
        Some(fault?.retry_after?.min(MAX_RETRY_AFTER))
    }

    /// True when what is known of the source's rows is no longer so: they are asked for anew.
    pub(super) fn outdates(&self) -> bool {
        match self {
            Self::Acted(_) => true,
            Self::Previewed(previewed) => {
                matches!(&previewed.outcome, Err(fault) if fault.kind == FaultKind::Moved)
            }
        }
    }
}

/// Carries out what is wanted of a source. `free` is when its server may be asked again.
pub(super) async fn carry_out(
    source: &mut dyn Source,
    wanted: Wanted,
    leave: &Leave,
    limit: SignedDuration,
    free: Instant,
) -> Reply {
    let wait = free.saturating_duration_since(Instant::now());
    if wait > unsigned(PATIENCE) {
        let wait = SignedDuration::from_secs(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
        let words = format!("not sent: the server wants to be left alone for {wait:#}; try then");
        let fault = Fault {
            retry_after: Some(wait),
            ..Fault::new(FaultKind::RateLimited, words)
        };
        return wanted.refused(fault);
    }
    tokio::time::sleep_until(free).await;
    match wanted {
        Wanted::Preview(order) => {
            let outcome = preview_once(source, &order, limit).await;
            Reply::Previewed(Box::new(Previewed {
                order: *order,
                outcome,
            }))
        }
        Wanted::Act(order) => {
            let sending = act_once(source, &order, limit);
            Reply::Acted(Box::new(leave.order(&order, sending).await))
        }
    }
}

/// Hands an order to the task of its source.
///
/// The reply that it is not done, when there is no such source or too many orders wait.
pub(super) fn hand_over(
    line: Option<&mpsc::Sender<Wanted>>,
    wanted: Wanted,
) -> Result<(), Box<Reply>> {
    let Some(line) = line else {
        let words = format!("not done: no source is named `{}`", wanted.order().source);
        let fault = Fault::new(FaultKind::NotOffered, words);
        return Err(Box::new(wanted.refused(fault)));
    };
    line.try_send(wanted).map_err(|refused| {
        let words = "not done: too many orders wait for this source";
        let fault = Fault::new(FaultKind::NotOffered, words);
        Box::new(refused.into_inner().refused(fault))
    })
}
