//! Error budget policies, judged by what is known at a moment: may a service be released?
//!
//! One walk over the past of a service serves the gate, the screen and the report: in steps of five
//! minutes from one period back, a policy with `until` applies from the first step where `when` holds,
//! ends where `until` does, and is not known before either. What cannot be known is never a no.

mod decide;
mod facts;
mod judge;
mod needs;
mod notes;
mod numbers;
mod rows;
mod walk;

pub use decide::{Decision, Outcome, Passed};
pub use facts::{Change, Facts, Input, Rows, STEP, ServiceFacts, SloFacts, SloPast};
pub use needs::{lookback, rows_lookback};
pub use walk::Timeline;
