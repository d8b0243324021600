//! What the incidentio source promises, against a stand-in that remembers what was done.

mod acting;
mod reading;
mod stand_in;
