//! The whole program as one pure function: `update` takes a message, `screen` shows the model.

use jiff::{SignedDuration, Timestamp};

use crate::config::{NotifyChoice, ThemeChoice};
use crate::domain::explanation::Told;
use crate::domain::past::{PastQuestion, Recalled};
use crate::domain::{Acted, Burn, Errand, Event, Fault, Order, Previewed, Ran, Report, SourceName};
use crate::store::{Heard, Store, World};
use crate::text::Untrusted;

mod absorb;
pub mod action;
mod alert;
mod around;
mod awake;
mod beside;
mod chart;
mod choose;
mod clamp;
mod clip;

pub mod columns;
mod compose;
pub mod cursor;
mod desk;
mod explain;
mod export;
pub mod filter;
mod fire;
mod follow;
mod footer;
mod growth;
mod handoff;
mod header;
mod help;
mod input;
mod jump;
mod keep;
pub mod key;
pub mod keymap;
pub mod layout;
mod model;
pub mod mouse;
mod opening;
mod overlay;
mod palette;
mod past;
mod possible;
mod prompt;
mod ring;
mod roster;
pub mod screen;
mod scroll;
mod sheet;
mod spent;
mod story;
mod strip;
mod suspect;
mod table;
mod timeline;
mod tour;
mod update;
pub mod wall;
mod zoom;

pub use compose::screen;
pub use export::ExportFormat;
pub use keymap::Keymap;
pub use model::Model;
pub use model::jump::{Copied, CopiedTo};
pub use model::memory::{Memory, Notes, Playback};
pub use spent::Spent;
pub use story::Story;
pub use update::update;

/// Everything that can happen.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(key::Key),
    /// Text was pasted, with whatever control characters it holds.
    Paste(String),
    /// A button of the mouse, at a column and row of the screen.
    Mouse(mouse::Button, (u16, u16)),
    /// The terminal has this size now.
    Resize(Size),
    /// A poll is done.
    Report(Box<Report>),
    /// A source has told the past of an SLO.
    Past(Box<Recalled>),
    /// A source has explained an SLO.
    Told(Box<Told>),
    /// A source has said what an order would do.
    Previewed(Box<Previewed>),
    /// An order has ended.
    Acted(Box<Acted>),
    /// A command of the user's own has ended.
    Ran(Box<Ran>),
    /// What the journal knew before anything was asked.
    Known(Box<World>),
    /// The world at a moment that was asked for, or why it cannot be told.
    Recalled(Timestamp, Box<Result<World, Fault>>),
    /// Something has happened, and is in the journal.
    Happened(Vec<Event>),
    /// How SLOs burned in a time that was asked for.
    Burned(
        (Timestamp, Timestamp),
        Vec<(SourceName, Untrusted, Vec<Burn>)>,
    ),
    /// The hand-over that was asked for, as Markdown, or why there is none.
    HandedOver(Result<Notes, Fault>),
    /// The text of the last [`Effect::Copy`] was copied, or not.
    Copied(Copied),
    /// A browser was started for this address; false where there is none.
    Opened(String, bool),
    /// What keeps the journal from keeping anything; `None` when that is over.
    Forgetful(Option<Fault>),
    /// Something about the program itself that is no trouble.
    Remark(String),
    /// The wall clock was set, or the machine slept: it went on by this much more than time did.
    ClockStepped(SignedDuration),
    /// A fault of the program itself, for the wall; `None` when it is over.
    Notice(Notice, Option<String>),
    /// A second went by.
    Tick,
}

/// Subject of a notice on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A changed configuration that cannot be used.
    Configuration,
    /// A heartbeat that was not received.
    Heartbeat,
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
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask a source now, or all of them.
    Poll(Option<SourceName>),
    /// Ask a source for the past of SLOs, for charts.
    Past(SourceName, PastQuestion),
    /// Have a source explain an SLO: the ids it may go by there, the one on the screen first.
    Explain(SourceName, Vec<Untrusted>),
    /// Ask a source what an order would do. Changes nothing anywhere.
    Preview(Box<Order>),
    /// Have an order carried out, once, and written down.
    Act(Box<Order>),
    /// Run a command of the user's own, once, and write it down.
    Run(Box<Errand>),
    /// Keep in the journal what a source said.
    Keep(Box<Heard>),
    /// Keep in the journal what was done.
    Note(Box<Event>),
    /// Keep in the journal the freezes that began or ended, as far as that is new to it.
    KeepFreezes(Vec<Event>),
    /// Have the journal tell the world as it was at a moment.
    Recall(Timestamp),
    /// Have the journal tell how SLOs burned in a time.
    Burns(Vec<(SourceName, Untrusted)>, (Timestamp, Timestamp)),
    /// Have the journal make the hand-over of a time, of a store that knows the sources.
    HandOver(Box<Store>, (Timestamp, Timestamp)),
    /// Open this URL in a browser, where there is one; [`Msg::Opened`] is its result.
    Open(String),
    /// Put this text on the clipboard; [`Msg::Copied`] is its result.
    Copy(String),
    /// Ring the terminal's bell, with the next frame.
    Ring,
    /// Show a text on the desktop.
    Notify(NotifyChoice, String),
    /// Use this theme from now on.
    Theme(ThemeChoice),
    /// Paint everything anew.
    Repaint,
    /// Append a table to the configuration file, and say so.
    AppendSlo(String),
    /// Write the view into a file, and say where.
    Export(ExportFormat),
    /// Stop like any shell job (`ctrl-z`).
    Suspend,
    /// Leave.
    Quit,
}
