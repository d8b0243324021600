//! Reports of rows and of events in steps.
