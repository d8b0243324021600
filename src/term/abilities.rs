//! Sequences that a terminal understands, by its name in `TERM`, as terminfo has it.

use std::env;

/// Sequences that a terminal understands beside cursor moves, colours and erasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a terminal has each of them or not, whatever it has else"
)]
pub struct Abilities {
    /// A screen of its own for a program (`smcup`).
    pub alternate_screen: bool,
    /// Pasted text in brackets (`BE`).
    pub bracketed_paste: bool,
    /// Frames that appear at once (`Sync`).
    pub synchronised_updates: bool,
    /// Italics (`sitm`).
    pub italics: bool,
    /// Reports that its window has, or no longer has, the keyboard (`fe`).
    pub focus_events: bool,
    /// Reports of mouse buttons in decimal numbers (`XM`).
    pub mouse: bool,
}

impl Abilities {
    /// Those of the terminal of this process.
    pub fn of_this_terminal() -> Self {
        let is_within_tmux = env::var_os("TMUX").is_some_and(|value| !value.is_empty());
        Self::of(&env::var("TERM").unwrap_or_default(), is_within_tmux)
    }

    /// Those of a terminal by its name. tmux is called `screen` unless it is told otherwise, and then knows
    /// what tmux does.
    pub fn of(term: &str, is_within_tmux: bool) -> Self {
        let is_console = term == "linux" || term.starts_with("linux-") || term.starts_with("vt");
        let is_named_screen = term.starts_with("screen");
        let is_tmux = term.starts_with("tmux") || (is_named_screen && is_within_tmux);
        let is_screen = is_named_screen && !is_tmux;
        let is_full = !is_console && !is_screen;
        Self {
            alternate_screen: !is_console,
            bracketed_paste: is_full,
            synchronised_updates: is_full && !is_tmux,
            italics: is_full,
            focus_events: is_full,
            mouse: is_full,
        }
    }
}
