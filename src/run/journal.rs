//! The journal beside the loop: started with it, and what its thread says as messages.

use std::io;

use tokio::sync::mpsc;

use crate::app::Msg;
use crate::journal::{Clerk, Limits, Place, Said};
use crate::store::Store;

/// Starts the journal of a store's sources; what it says comes as messages.
pub(super) fn start(
    place: Place,
    limits: Limits,
    store: &Store,
    say: mpsc::Sender<Msg>,
) -> io::Result<Clerk> {
    let feeds = store.feeds().to_vec();
    Clerk::start(place, limits, feeds, move |said| {
        say.blocking_send(message(said)).is_ok()
    })
}

fn message(said: Said) -> Msg {
    match said {
        Said::Known(world) => Msg::Known(Box::new(world)),
        Said::Recalled(at, told) => Msg::Recalled(at, Box::new(told)),
        Said::Happened(events) => Msg::Happened(events),
        Said::Burned(time, burns) => Msg::Burned(time, burns),
        Said::Trouble(fault) => Msg::Forgetful(fault),
        Said::Remark(words) => Msg::Remark(words),
    }
}
