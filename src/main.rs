//! The `watchfire` program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    watchfire::command::run(std::env::args_os())
}
