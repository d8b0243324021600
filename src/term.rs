//! The terminal: borrowed, drawn on, and given back whatever happens.
//!
//! Raw mode, size, modes and the types of events are crossterm's. What it cannot do is ours: reading
//! keys (`keyboard`, `keys`), frames of few bytes (`encode`) and a way back after a kill (`guardian`).
//!
//! One routine gives the terminal back (`restore`). It runs on return, on an error, when the guard is
//! dropped, when the thread that draws panics, when a signal ends or stops the program, and from a
//! watchdog when everything else is stuck. A panic in any other thread leaves the terminal alone: the
//! screen lives on and shows a fault. After a kill or an abort, when no code of this process runs any
//! more, a child process does it (`guardian`); where that cannot be started, the screen goes without.
//!
//! Nothing here asks the terminal anything, so no late reply can act as a key.

mod abilities;
mod ansi;
mod backend;
mod clipboard;
mod encode;
pub(crate) mod guardian;
mod keyboard;
mod keys;
mod link;
mod notify;
mod pen;

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode, window_size,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, getpid, getppid, getsid, kill_process};
use rustix::stdio::stdout;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use crate::app::Size;
use crate::text::Shown;

pub use abilities::Abilities;
pub use ansi::ansi;
pub use backend::{Output, Paint, Sent};
pub use clipboard::{MAX_COPY, copy};
pub use encode::Charset;
pub use keyboard::{Button, Input, Keyboard};
pub use link::open;
pub use notify::Notification;

use guardian::{Guardian, Hold};

/// The most columns and rows that are drawn on; the rest of a larger terminal stays blank. Any program
/// may set any size, and each cell takes memory.
const MAX_SIZE: Size = Size {
    width: 1_000,
    height: 500,
};
/// How long a terminal that takes no bytes is waited for, before what it shows is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Undoes what a full-screen program that was killed leaves behind: the modes of cursor keys, keypad, mouse and
/// focus, and a scroll region.
const LEFT_BEHIND: &[u8] =
    b"\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[r";

/// Why there can be no screen here, in a sentence with a way out; `None` when there can.
pub fn obstacle() -> Option<String> {
    if !io::stdout().is_terminal() {
        return Some(
            "the screen needs a terminal, and standard output is none; \
             `watchfire status` prints the same facts"
                .to_owned(),
        );
    }
    if env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Some(
            "TERM=dumb cannot show a screen; `watchfire status` prints the same facts".to_owned(),
        );
    }
    None
}

/// The part of the terminal that is drawn on: as large as the kernel says, up to `MAX_SIZE`; 80x24
/// when it does not say.
pub fn size() -> Size {
    match window_size() {
        Ok(size) if size.columns > 0 && size.rows > 0 => Size {
            width: size.columns.min(MAX_SIZE.width),
            height: size.rows.min(MAX_SIZE.height),
        },
        _ => Size {
            width: 80,
            height: 24,
        },
    }
}

/// The width of a table on standard output: `COLUMNS`, or the terminal's; `None` in a pipe.
pub fn table_width() -> Option<usize> {
    let columns = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let columns = columns.filter(|columns: &usize| *columns > 0);
    columns.or_else(|| {
        io::stdout()
            .is_terminal()
            .then(|| usize::from(size().width))
    })
}

/// Whether what is printed on standard output has colours: on a terminal, unless `NO_COLOR`,
/// `CLICOLOR=0` or `TERM=dumb` say no; elsewhere when `CLICOLOR_FORCE` says so
/// (<https://bixense.com/clicolors/>).
pub fn has_colours() -> bool {
    let is =
        |name: &str, wanted: fn(&str) -> bool| env::var(name).is_ok_and(|value| wanted(&value));
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return false;
    }
    let is_forced = is("CLICOLOR_FORCE", |value| !value.is_empty() && value != "0");
    let is_off = is("CLICOLOR", |value| value == "0") || is("TERM", |term| term == "dumb");
    is_forced || (!is_off && io::stdout().is_terminal())
}

/// The characters to send: `ascii` as the settings have it, widths by the locale.
pub fn charset(ascii: bool) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    Charset {
        ascii,
        wide_ambiguous: has_wide_ambiguous(&locale.unwrap_or_default()),
        is_unsynchronised: !Abilities::of_this_terminal().synchronised_updates,
    }
}

/// True for the locales of languages whose fonts draw characters of ambiguous width two columns wide.
fn has_wide_ambiguous(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    ["ja", "ko", "zh"]
        .iter()
        .any(|language| locale.starts_with(language))
}

/// True when colours are unwanted: `NO_COLOR` is set and not empty (<https://no-color.org>), or `CLICOLOR` is 0.
pub fn no_color() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || env::var("CLICOLOR").is_ok_and(|value| value == "0")
}

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// 8: no bright ones.
    Eight,
    /// 16.
    Sixteen,
    /// 256.
    Indexed,
    /// Any.
    True,
}

/// How many colours this terminal has, by `TERM` and `COLORTERM`.
pub fn colours() -> Colours {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    colours_of(&variable("TERM"), &variable("COLORTERM"))
}

fn colours_of(term: &str, colorterm: &str) -> Colours {
    const TRUE: [&str; 6] = ["foot", "alacritty", "ghostty", "kitty", "wezterm", "direct"];
    let is_console = term == "linux" || term.starts_with("vt");
    // A multiplexer hands on what the terminal outside set, and may not draw it.
    let is_multiplexer = term.starts_with("screen") || term.starts_with("tmux");
    let is_true = TRUE.iter().any(|name| term.contains(name))
        || (["truecolor", "24bit"].contains(&colorterm) && !is_multiplexer);
    let has_more = ["256color", "16color"]
        .iter()
        .any(|name| term.contains(name));
    if is_console || (is_multiplexer && !has_more && !is_true) {
        Colours::Eight
    } else if term.is_empty() {
        Colours::Sixteen
    } else if is_true {
        Colours::True
    } else if term.contains("256color") {
        Colours::Indexed
    } else {
        Colours::Sixteen
    }
}

/// Where keys come from: the terminal that crossterm sets modes on.
#[derive(Debug)]
enum Keys {
    /// Standard input.
    Stdin,
    /// The controlling terminal, when standard input is something else.
    Tty(File),
}

impl Keys {
    fn find() -> io::Result<Self> {
        if io::stdin().is_terminal() {
            return Ok(Self::Stdin);
        }
        let tty = File::options().read(true).write(true).open("/dev/tty")?;
        Ok(Self::Tty(tty))
    }
}

impl AsFd for Keys {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdin => rustix::stdio::stdin(),
            Self::Tty(file) => file.as_fd(),
        }
    }
}

/// The terminal while it is ours. Clones are handles to the same loan; when the one that
/// [`Tty::enter`] made is dropped, the terminal goes back.
#[derive(Debug)]
pub struct Tty {
    loan: Arc<Loan>,
}

/// A handle that can give the terminal back from anywhere.
#[derive(Clone, Debug)]
pub struct Handle {
    loan: Arc<Loan>,
}

#[derive(Debug)]
struct Loan {
    keys: Keys,
    /// True where the mouse is reported.
    has_mouse: bool,
    /// `None` where it could not be started: then only a kill or an abort leaves the terminal taken.
    guardian: Option<Guardian>,
    /// Its settings before it was taken.
    saved: Termios,
    /// True while the modes are ours.
    is_ours: AtomicBool,
    /// True while a command of the user's own has it.
    is_lent: AtomicBool,
    /// The thread that draws.
    owner: ThreadId,
}

impl Tty {
    /// Takes the terminal over, from the thread that will draw on it. The mouse stays the terminal's.
    pub fn enter() -> io::Result<Self> {
        Self::enter_with_mouse(false)
    }

    /// The same, with reports of the mouse where they are wanted and the terminal has them. Text is then
    /// selected with shift held.
    pub fn enter_with_mouse(is_wanted: bool) -> io::Result<Self> {
        let keys = Keys::find()?;
        let saved = tcgetattr(&keys)?;
        let guardian = Guardian::start(&keys, stdout(), &saved).ok();
        let loan = Arc::new(Loan {
            keys,
            has_mouse: is_wanted && Abilities::of_this_terminal().mouse,
            guardian,
            saved,
            is_ours: AtomicBool::new(false),
            is_lent: AtomicBool::new(false),
            owner: thread::current().id(),
        });
        let tty = Self { loan };
        tty.watch_panics();
        tty.take()?;
        Ok(tty)
    }

    /// Sets the modes: raw, alternate screen, bracketed paste, reports of the focus, no cursor. The mouse
    /// only where the settings say so: it takes selecting text away.
    ///
    /// crossterm sets nothing where it has set raw mode before, and a shell has set its own modes after
    /// a stop that this process could not see coming (SIGSTOP). So raw mode is always left first.
    fn take(&self) -> io::Result<()> {
        self.loan.is_ours.store(true, Ordering::SeqCst);
        self.loan.note(Hold::Taken);
        disable_raw_mode()?;
        enable_raw_mode()?;
        write_all(
            stdout(),
            &entering(Abilities::of_this_terminal(), self.loan.has_mouse)?,
        )
    }

    /// Takes the terminal again after it was given back. False when the program runs in the
    /// background, where it must not touch the terminal: whoever brings it to the front sends
    /// another SIGCONT.
    pub fn resume(&self) -> io::Result<bool> {
        if !self.is_in_front() {
            return Ok(false);
        }
        self.take()?;
        Ok(true)
    }

    /// Gives the terminal back for a command of the user's own: signals that its keys send are for that
    /// command until [`Self::take_back`].
    pub fn lend(&self) {
        self.loan.is_lent.store(true, Ordering::SeqCst);
        self.give_back();
    }

    /// Takes the terminal again after a command had it, whatever that left behind. False when another
    /// process group has it still.
    pub fn take_back(&self) -> io::Result<bool> {
        self.loan.is_lent.store(false, Ordering::SeqCst);
        if !self.is_in_front() {
            return Ok(false);
        }
        // A command that was killed has not restored the settings, and these are what is given back later.
        tcsetattr(&self.loan.keys, OptionalActions::Flush, &self.loan.saved)?;
        write_all(stdout(), LEFT_BEHIND)?;
        self.take()?;
        Ok(true)
    }

    /// True while a command of the user's own has the terminal.
    pub fn is_lent(&self) -> bool {
        self.loan.is_lent.load(Ordering::SeqCst)
    }

    /// Gives the terminal back and stops this process, as a shell job does on `ctrl-z`. Returns
    /// when it is continued.
    pub fn suspend(&self) -> io::Result<()> {
        self.give_back();
        kill_process(getpid(), Signal::STOP)?;
        Ok(())
    }

    /// True when somebody is there to continue this process once it has stopped: a job-control
    /// shell in the same session. POSIX ignores SIGTSTP in an "orphaned process group" as well.
    pub fn can_be_continued() -> bool {
        getppid().is_some_and(|parent| {
            matches!((getsid(Some(parent)), getsid(None)), (Ok(theirs), Ok(ours)) if theirs == ours)
        })
    }

    fn is_in_front(&self) -> bool {
        tcgetpgrp(&self.loan.keys).map_or(true, |group| group == getpgrp())
    }

    /// Gives the terminal back. Safe to call again, and from any thread.
    pub fn give_back(&self) {
        self.loan.give_back();
    }

    /// True where the mouse is reported.
    pub fn has_mouse(&self) -> bool {
        self.loan.has_mouse
    }

    /// A handle for those who may have to give the terminal back in our stead.
    pub fn handle(&self) -> Handle {
        Handle {
            loan: Arc::clone(&self.loan),
        }
    }

    /// Has the thread that draws give the terminal back before its panic is printed, and keeps
    /// every other thread's panic off the screen.
    fn watch_panics(&self) {
        let loan = Arc::clone(&self.loan);
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !loan.is_ours.load(Ordering::SeqCst) {
                usual(info);
            } else if thread::current().id() == loan.owner {
                loan.give_back();
                eprintln!("{}", panic_report(info));
            }
        }));
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.give_back();
        if let Some(guardian) = &self.loan.guardian {
            guardian.dismiss();
        }
    }
}

impl Handle {
    /// True while a command of the user's own has the terminal.
    pub fn is_lent(&self) -> bool {
        self.loan.is_lent.load(Ordering::SeqCst)
    }

    /// Gives the terminal back. Safe to call again, and from any thread.
    pub fn give_back(&self) {
        self.loan.give_back();
    }
}

impl Loan {
    fn give_back(&self) {
        if !self.is_ours.swap(false, Ordering::SeqCst) {
            return;
        }
        // What fails here is tried once more by the guardian when this process ends.
        if restore(disable_raw_mode, stdout(), self.has_mouse).is_ok() {
            self.note(Hold::GivenBack);
        }
    }

    fn note(&self, hold: Hold) {
        if let Some(guardian) = &self.guardian {
            guardian.note(hold);
        }
    }
}

/// Reports buttons of the mouse, with places in decimal numbers, and no longer.
const MOUSE: [&[u8]; 2] = [b"\x1b[?1000h\x1b[?1006h", b"\x1b[?1006l\x1b[?1000l"];

/// Alternate screen, bracketed paste, no cursor, plain pen, nothing on it; as far as the terminal has
/// these.
fn entering(abilities: Abilities, has_mouse: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if abilities.alternate_screen {
        queue!(bytes, EnterAlternateScreen)?;
    }
    if abilities.bracketed_paste {
        queue!(bytes, EnableBracketedPaste)?;
    }
    if abilities.focus_events {
        queue!(bytes, EnableFocusChange)?;
    }
    if has_mouse {
        bytes.extend_from_slice(MOUSE[0]);
    }
    queue!(bytes, Hide)?;
    queue!(
        bytes,
        SetAttribute(Attribute::Reset),
        MoveTo(0, 0),
        Clear(ClearType::All)
    )?;
    Ok(bytes)
}

/// Everything [`entering`] and a half-sent frame can leave behind, undone. Without a screen of its own the
/// program leaves an empty one.
fn leaving(abilities: Abilities, has_mouse: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if abilities.synchronised_updates {
        queue!(bytes, EndSynchronizedUpdate)?;
    }
    queue!(bytes, SetAttribute(Attribute::Reset))?;
    if has_mouse {
        bytes.extend_from_slice(MOUSE[1]);
    }
    if abilities.focus_events {
        queue!(bytes, DisableFocusChange)?;
    }
    if abilities.bracketed_paste {
        queue!(bytes, DisableBracketedPaste)?;
    }
    queue!(bytes, Show)?;
    if abilities.alternate_screen {
        queue!(bytes, LeaveAlternateScreen)?;
    } else {
        queue!(bytes, MoveTo(0, 0), Clear(ClearType::All))?;
    }
    Ok(bytes)
}

/// Undoes what [`Tty::take`] did to a terminal, its settings by `reset`.
///
/// The settings come first: they cannot block, and they matter more than what is shown. What is shown
/// is undone also when the settings are refused. Nothing goes through the lock of standard output,
/// which a thread that is stuck may hold.
fn restore(
    reset: impl FnOnce() -> io::Result<()>,
    screen: BorrowedFd<'_>,
    has_mouse: bool,
) -> io::Result<()> {
    let is_reset = reset();
    let abilities = Abilities::of_this_terminal();
    write_all(screen, &leaving(abilities, has_mouse)?)?;
    is_reset
}

/// A panic of the thread that draws, for a terminal that was just given back.
fn panic_report(info: &PanicHookInfo<'_>) -> String {
    let what = Shown::new(info.payload_as_str().unwrap_or("no message"));
    match info.location() {
        Some(place) => format!(
            "watchfire failed: {what} ({}:{}). Please report this.",
            Shown::new(place.file()),
            place.line()
        ),
        None => format!("watchfire failed: {what}. Please report this."),
    }
}

/// True when the terminal takes bytes now.
pub fn is_writable() -> bool {
    is_ready(stdout(), PollFlags::OUT, Duration::ZERO)
}

/// Waits until `fd` is ready, or has failed so that the next call will say how.
fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags, patience: Duration) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, flags)];
    let patience = Timespec::try_from(patience).ok();
    matches!(poll(&mut fds, patience.as_ref()), Ok(1..))
}

/// Writes everything, in one call where the terminal takes it in one.
fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                if !is_ready(fd, PollFlags::OUT, PATIENCE) {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn east_asian_locales_draw_ambiguous_characters_wide() {
        for (locale, is_wide) in [
            ("ja_JP.UTF-8", true),
            ("zh_TW", true),
            ("en_US.UTF-8", false),
            ("C", false),
            ("", false),
        ] {
            assert_eq!(has_wide_ambiguous(locale), is_wide, "{locale:?}");
        }
    }

    #[test]
    fn a_terminal_has_the_colours_that_its_name_says() {
        for (term, colorterm, colours) in [
            ("linux", "truecolor", Colours::Eight),
            ("vt220", "", Colours::Eight),
            ("xterm", "", Colours::Sixteen),
            ("screen", "truecolor", Colours::Eight),
            ("xterm-256color", "", Colours::Indexed),
            ("screen-256color", "truecolor", Colours::Indexed),
            ("tmux-256color", "", Colours::Indexed),
            ("xterm-256color", "truecolor", Colours::True),
            ("foot", "", Colours::True),
            ("alacritty", "", Colours::True),
            ("xterm-ghostty", "", Colours::True),
            ("", "", Colours::Sixteen),
        ] {
            assert_eq!(colours_of(term, colorterm), colours, "{term} {colorterm}");
        }
    }

    #[test]
    fn leaving_undoes_every_mode_that_entering_sets() {
        let text = |bytes: io::Result<Vec<u8>>| String::from_utf8(bytes.expect("bytes"));
        let abilities = Abilities::of("xterm-256color", false);
        let enter = text(entering(abilities, true)).expect("ASCII");
        let leave = text(leaving(abilities, true)).expect("ASCII");
        for mode in ["?1049", "?2004", "?1004", "?1000", "?1006"] {
            assert!(enter.contains(&format!("{mode}h")) && leave.contains(&format!("{mode}l")));
        }
        // What is not set is not undone.
        let console = Abilities::of("linux", false);
        for bytes in [entering(console, false), leaving(console, false)] {
            let text = text(bytes).expect("ASCII");
            for mode in ["?1049", "?2004", "?1004", "?1000", "?2026"] {
                assert!(!text.contains(mode), "{text:?}");
            }
        }
        assert!(enter.contains("?25l") && leave.contains("?25h"));
        assert!(leave.starts_with("\u{1b}[?2026l\u{1b}[0m"));
    }

    #[test]
    fn a_full_pipe_is_waited_for_and_a_closed_one_is_an_error() {
        use std::io::Read;
        let (mut reader, writer) = io::pipe().expect("pipe");
        let bytes = vec![b'x'; 1 << 20];
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all.len())
        });
        write_all(writer.as_fd(), &bytes).expect("written");
        drop(writer);
        assert_eq!(reading.join().expect("thread").expect("read"), 1 << 20);
        let (reader, writer) = io::pipe().expect("pipe");
        drop(reader);
        let error = write_all(writer.as_fd(), b"x").expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
