//! What the kinds of sources share: pages, caches, partial faults, acting, names, lenient JSON.

pub(super) mod acting;
pub(super) mod budget;
pub(super) mod cached;
pub(super) mod conditional;
pub(super) mod incident_state;
pub(super) mod lenient_wire;
pub(super) mod link;
pub(super) mod list;
pub(super) mod listing;
pub(super) mod members;
pub(super) mod names;
pub(super) mod nearest_name;
pub(super) mod pages;
pub(super) mod partial_fault;

#[cfg(test)]
mod tests;
