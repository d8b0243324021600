//! Everything that comes in besides keys and signals: what sources, commands and the journal say.

use tokio::sync::mpsc;

use crate::app::Msg;
use crate::domain::explanation::Told;
use crate::domain::past::Recalled;
use crate::domain::{Ran, Report};
use crate::poll::Reply;

/// What sources, commands and the journal say.
pub(super) struct News {
    pub(super) answers: mpsc::Receiver<Report>,
    pub(super) explanations: mpsc::Receiver<Told>,
    pub(super) pasts: mpsc::Receiver<Recalled>,
    pub(super) outcomes: mpsc::Receiver<Reply>,
    pub(super) ended: mpsc::Receiver<Ran>,
    pub(super) memories: mpsc::Receiver<Msg>,
}

impl News {
    /// The next that comes. Cancel-safe, as its channels are.
    pub(super) async fn next(&mut self) -> Option<Msg> {
        tokio::select! {
            Some(report) = self.answers.recv() => Some(Msg::Report(Box::new(report))),
            Some(told) = self.explanations.recv() => Some(Msg::Told(Box::new(told))),
            Some(recalled) = self.pasts.recv() => Some(Msg::Past(Box::new(recalled))),
            Some(reply) = self.outcomes.recv() => Some(said(reply)),
            Some(ran) = self.ended.recv() => Some(Msg::Ran(Box::new(ran))),
            Some(memory) = self.memories.recv() => Some(memory),
            else => None,
        }
    }

    /// The next that waits already.
    pub(super) fn waiting(&mut self) -> Option<Msg> {
        if let Ok(reply) = self.outcomes.try_recv() {
            return Some(said(reply));
        }
        if let Ok(memory) = self.memories.try_recv() {
            return Some(memory);
        }
        if let Ok(report) = self.answers.try_recv() {
            return Some(Msg::Report(Box::new(report)));
        }
        if let Ok(told) = self.explanations.try_recv() {
            return Some(Msg::Told(Box::new(told)));
        }
        if let Ok(recalled) = self.pasts.try_recv() {
            return Some(Msg::Past(Box::new(recalled)));
        }
        let ran = self.ended.try_recv().ok()?;
        Some(Msg::Ran(Box::new(ran)))
    }
}

/// What became of an order, as a message.
pub(super) fn said(reply: Reply) -> Msg {
    match reply {
        Reply::Previewed(previewed) => Msg::Previewed(previewed),
        Reply::Acted(acted) => Msg::Acted(acted),
    }
}
