//! watchfire: what is burning, what changed, who has it, in one terminal.

pub mod app;
pub mod cli;
pub mod command;
pub mod config;
pub mod demo;
pub mod domain;
pub mod http;
pub mod poll;
pub mod print;
pub mod source;
pub mod store;
pub mod term;
pub mod text;
pub mod watch;
