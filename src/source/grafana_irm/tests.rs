//! What the `grafana_irm` source promises, against a stand-in that keeps state.

mod acting;
mod reading;
mod rota;
mod stand_in;
