//! The thread that reads the terminal, and notices when it is gone.

use std::io::{self, PipeWriter};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::keys::Decoder;
use super::{Keys, Tty};
use crate::app::key::{Code, Key};
pub use crate::app::mouse::Button;

/// How long a thread that is told to end may take to read what was typed before.
const LAST_READ: Duration = Duration::from_millis(100);

/// What comes from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted, with whatever control characters it holds.
    Paste(String),
    /// A button of the mouse, at a column and row of the screen.
    Mouse(Button, (u16, u16)),
    /// Whether the window of the terminal has the keyboard.
    Focus(bool),
    /// The terminal is gone, and nothing will come any more.
    Gone,
}

/// Reads the keyboard until it is dropped or the terminal is gone.
#[derive(Debug)]
pub struct Keyboard {
    /// Its closing wakes the thread up and ends it.
    stop: PipeWriter,
    thread: JoinHandle<()>,
}

impl Keyboard {
    /// Starts reading. `sink` takes what comes, may block, and says whether to go on.
    pub fn start(
        tty: &Tty,
        mut sink: impl FnMut(Input) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let loan = tty.handle().loan;
        let thread = thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || {
                let reading = || read(&loan.keys, &stopped, &mut sink);
                // Without a keyboard nobody could leave: a panic here ends the program as well.
                let was_told = catch_unwind(AssertUnwindSafe(reading)).unwrap_or(false);
                if !was_told {
                    sink(Input::Gone);
                }
            })?;
        Ok(Self { stop, thread })
    }

    /// Ends reading: what is typed from now on is for who reads the terminal next. Waits for a moment only, as
    /// the thread may wait for its sink; it reads no more in any case.
    pub fn stop(self) {
        drop(self.stop);
        let until = Instant::now() + LAST_READ;
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(LAST_READ / 100);
        }
    }
}

/// Reads until told to stop, which is true, or until the terminal is gone, which is false.
///
/// A terminal that is gone stays readable for ever, with nothing to read or an error: both end the
/// loop at once, since reading on would burn a core for as long as the process lives.
fn read(keys: &Keys, stopped: impl AsFd, sink: &mut impl FnMut(Input) -> bool) -> bool {
    let mut decoder = Decoder::new(is_remote());
    let mut came = Vec::new();
    let mut buffer = [0; 1024];
    // When a ctrl-c within a paste whose end does not come is taken for a key.
    let mut interrupt: Option<Instant> = None;
    loop {
        let until_interrupt = interrupt.map(|at| at.saturating_duration_since(Instant::now()));
        let patience = decoder.patience().into_iter().chain(until_interrupt).min();
        match wait(keys, &stopped, patience) {
            Waited::Again => {}
            Waited::Silence if interrupt.is_some() => {}
            Waited::Silence => came.extend(decoder.give_up()),
            Waited::Stop => return true,
            Waited::Failure => return false,
            Waited::Ready => match rustix::io::read(keys, &mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    for byte in &buffer[..count] {
                        decoder.feed(*byte, &mut came);
                    }
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return false,
            },
        }
        interrupt = decoder
            .interrupt_time()
            .map(|time| interrupt.unwrap_or_else(|| Instant::now() + time));
        if interrupt.is_some_and(|at| at <= Instant::now()) {
            interrupt = None;
            came.push(decoder.interrupt());
        }
        for input in came.drain(..).filter_map(input) {
            if !sink(input) {
                return true;
            }
        }
    }
}

/// What an event is to this program; `None` for what it has no use for.
pub(super) fn input(event: Event) -> Option<Input> {
    match event {
        Event::Key(pressed) => key(pressed).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Mouse(report) => mouse(report),
        Event::Resize(..) => None,
    }
}

fn mouse(report: MouseEvent) -> Option<Input> {
    let button = match report.kind {
        MouseEventKind::Down(MouseButton::Left) => Button::Left,
        MouseEventKind::ScrollUp => Button::WheelUp,
        MouseEventKind::ScrollDown => Button::WheelDown,
        _ => return None,
    };
    Some(Input::Mouse(button, (report.column, report.row)))
}

/// The key of this program; `None` for keys without a name here. Nothing is bound to alt.
fn key(pressed: KeyEvent) -> Option<Key> {
    let code = match pressed.code {
        KeyCode::Char(letter) => Code::Char(letter),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    let is_alone = !pressed.modifiers.contains(KeyModifiers::ALT);
    let ctrl = pressed.modifiers.contains(KeyModifiers::CONTROL);
    is_alone.then_some(Key { code, ctrl })
}

/// True when the terminal is at the other end of an ssh connection, also from within tmux there.
fn is_remote() -> bool {
    ["SSH_CONNECTION", "SSH_TTY"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

enum Waited {
    Again,
    Ready,
    Silence,
    Stop,
    Failure,
}

fn wait(keys: &Keys, stopped: &impl AsFd, patience: Option<Duration>) -> Waited {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    let mut fds = [
        PollFd::new(keys, PollFlags::IN),
        PollFd::new(stopped, PollFlags::IN),
    ];
    match poll(&mut fds, patience.as_ref()) {
        Ok(0) => return Waited::Silence,
        Ok(_) => {}
        Err(Errno::INTR) => return Waited::Again,
        Err(_) => return Waited::Failure,
    }
    if !fds[1].revents().is_empty() {
        return Waited::Stop;
    }
    let happened = fds[0].revents();
    if happened.contains(PollFlags::IN) {
        Waited::Ready
    } else if happened.is_empty() {
        Waited::Again
    } else {
        Waited::Failure
    }
}
