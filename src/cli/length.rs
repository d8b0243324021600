//! Lengths of time on the command line.

use crate::domain::Window;
use crate::domain::window::NotADuration;

/// A length of time.
pub(super) fn length(text: &str) -> Result<Window, String> {
    text.parse()
        .map_err(|error: NotADuration| error.to_string())
}
