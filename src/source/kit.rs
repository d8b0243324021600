//! What the kinds of sources share: lists in pages, conditional requests, cached answers, acting.

pub(super) mod acting;
pub(super) mod cached;
pub(super) mod conditional;
pub(super) mod link;
pub(super) mod list;
pub(super) mod listing;
pub(super) mod names;
pub(super) mod pages;

#[cfg(test)]
mod tests;
