//! What the kinds of sources share: lists in pages, conditional requests and cached answers.

pub(super) mod cached;
pub(super) mod conditional;
pub(super) mod link;
pub(super) mod list;
pub(super) mod listing;
pub(super) mod pages;
