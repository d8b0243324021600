//! The whole program as one pure function: `update` takes a message, `screen` shows the model.

use crate::domain::{Report, SourceName};

/// Everything that can happen.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(key::Key),
    /// The terminal has this size now.
    Resize(Size),
    /// A poll is done.
    Report(Box<Report>),
    /// A second went by.
    Tick,
}

/// The terminal's size in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What the outside has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask a source now, or all of them.
    Poll(Option<SourceName>),
    /// Open this URL in a browser, where there is one.
    Open(String),
    /// Put this text on the clipboard (OSC 52).
    Copy(String),
    /// Paint everything anew.
    Repaint,
    /// Stop like any shell job (`ctrl-z`).
    Suspend,
    /// Leave.
    Quit,
}

pub mod key {
    //! Keys as this program names them, without any terminal library.

    /// One key press.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub struct Key {
        /// Which key.
        pub code: Code,
        /// With control held.
        pub ctrl: bool,
    }

    /// Which key.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Code {
        /// A character, as typed.
        Char(char),
        /// Return.
        Enter,
        /// Escape.
        Esc,
        /// Tabulator.
        Tab,
        /// Tabulator with shift.
        BackTab,
        /// Backspace.
        Backspace,
        /// Delete.
        Delete,
        /// Cursor up.
        Up,
        /// Cursor down.
        Down,
        /// Cursor left.
        Left,
        /// Cursor right.
        Right,
        /// A page up.
        PageUp,
        /// A page down.
        PageDown,
        /// To the beginning.
        Home,
        /// To the end.
        End,
    }
}
