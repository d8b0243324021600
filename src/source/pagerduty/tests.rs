//! What the pagerduty source promises, against a stand-in that remembers what was done.

mod acting;
mod reading;
mod rota;
mod stand_in;
