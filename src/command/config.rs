//! `watchfire config`: prints the example of the configuration file.

use std::process::ExitCode;

/// The example, as it lies in the repository.
const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Prints the example.
pub fn run() -> ExitCode {
    super::print(EXAMPLE.as_bytes())
}
