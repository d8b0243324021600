//! What the jsm source promises, against a stand-in that keeps state.

mod acting;
mod reading;
mod rota;
mod stand_in;
