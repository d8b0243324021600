//! What a source sent and what came back, for whoever looks at one poll closely.

use jiff::SignedDuration;

use crate::text::Untrusted;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, `POST`.
    pub method: String,
    /// The address without the values of its query and without any credential.
    pub url: Untrusted,
    /// The bytes of the body that was sent.
    pub sent: usize,
    /// The status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// The decoded bytes of an answer that was good.
    pub bytes: usize,
    /// How long it took, to the end of the answer.
    pub took: SignedDuration,
    /// Why it failed, or that it was given up.
    pub fault: Option<Untrusted>,
}
