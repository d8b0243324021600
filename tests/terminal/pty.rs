//! A program on a pseudo-terminal, with an emulator that shows what a person would see.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take on a machine that does a lot else; nothing waits this long in vain
/// unless a promise is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came from the program so far.
struct Seen {
    terminal: vt100::Parser<Alarms>,
    bytes: Vec<u8>,
    /// Set to have the reader let go of the terminal.
    is_hung_up: bool,
    /// Set to have the reader read no more.
    is_paused: bool,
    /// True once the reader has let go.
    is_closed: bool,
}

/// Things a program can do to a terminal that this one never does unasked.
#[derive(Default)]
struct Alarms {
    seen: Vec<String>,
}

impl vt100::Callbacks for Alarms {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.seen.push("bell".to_owned());
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.seen.push(format!("title {}", title.escape_ascii()));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], _: &[u8]) {
        self.seen.push("copy".to_owned());
    }

    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.seen.push("clipboard read".to_owned());
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.seen.push(format!("control {byte:#x}"));
    }

    fn unhandled_escape(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        byte: u8,
    ) {
        self.seen.push(format!("escape {first:?} {byte:#x}"));
    }

    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        parameters: &[&[u16]],
        command: char,
    ) {
        // The emulator does not know synchronised updates and reports of the focus.
        if parameters != [[2026]] && parameters != [[1004]] {
            self.seen
                .push(format!("csi {first:?} {second:?} {parameters:?} {command}"));
        }
    }
}

/// A program on its own terminal.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    settings: String,
}

impl Pty {
    /// Starts `command` on a terminal of this size.
    pub(crate) fn start(command: CommandBuilder, width: u16, height: u16) -> Self {
        Self::start_as(command, "xterm-256color", width, height)
    }

    /// The same on a terminal of another name.
    pub(crate) fn start_as(
        mut command: CommandBuilder,
        term: &str,
        width: u16,
        height: u16,
    ) -> Self {
        command.env("TERM", term);
        command.env("LC_ALL", "C.UTF-8");
        for name in ["NO_COLOR", "TMUX", "WATCHFIRE_CONFIG", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        let pair = native_pty_system()
            .openpty(size(width, height))
            .expect("pty");
        let settings = settings(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).expect("started");
        let seen = Arc::new((
            Mutex::new(Seen {
                terminal: vt100::Parser::new_with_callbacks(
                    NonZeroU16::new(height).expect("height"),
                    NonZeroU16::new(width).expect("width"),
                    0,
                    Alarms::default(),
                ),
                bytes: Vec::new(),
                is_hung_up: false,
                is_paused: false,
                is_closed: false,
            }),
            Condvar::new(),
        ));
        let reader = pair.master.try_clone_reader().expect("reader");
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            read(reader, &all);
            all.0.lock().expect("lock").is_closed = true;
            all.1.notify_all();
        });
        Self {
            keyboard: pair.master.take_writer().expect("writer"),
            master: pair.master,
            child,
            seen,
            settings,
        }
    }

    /// Waits until the screen is as `wanted`.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let began = Instant::now();
        let mut seen = self.lock();
        while !wanted(seen.terminal.screen()) {
            let left = PATIENCE.checked_sub(began.elapsed()).unwrap_or_default();
            assert!(
                !left.is_zero() && !seen.is_closed,
                "never seen: {what}; the screen is\n{}",
                seen.terminal.screen().contents()
            );
            seen = self.seen.1.wait_timeout(seen, left).expect("lock").0;
        }
    }

    /// Waits until this text is on the screen.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Waits until this text is not on the screen.
    pub(crate) fn wait_gone(&self, text: &str) {
        self.wait(&format!("no {text}"), |screen| {
            !screen.contents().contains(text)
        });
    }

    /// Waits until the program has written this.
    pub(crate) fn wait_for_bytes(&self, text: &str) {
        let began = Instant::now();
        let mut seen = self.lock();
        while !String::from_utf8_lossy(&seen.bytes).contains(text) {
            assert!(began.elapsed() < PATIENCE, "never written: {text:?}");
            seen = self.seen.1.wait_timeout(seen, PATIENCE).expect("lock").0;
        }
    }

    /// Reads no more of what the program writes.
    pub(crate) fn pause(&self) {
        self.lock().is_paused = true;
    }

    /// Makes the terminal take no byte any more, as `ctrl-s` does at a shell.
    #[cfg(target_os = "linux")]
    pub(crate) fn block(&self) {
        let terminal = self.terminal();
        rustix::termios::tcflow(&terminal, rustix::termios::Action::OOff).expect("blocked");
    }

    /// Changes the terminal's settings, as another program on it does.
    #[cfg(target_os = "linux")]
    pub(crate) fn edit_settings(&self, edit: impl FnOnce(&mut rustix::termios::Termios)) {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let terminal = self.terminal();
        let mut settings = tcgetattr(&terminal).expect("settings");
        edit(&mut settings);
        tcsetattr(&terminal, OptionalActions::Now, &settings).expect("set");
    }

    #[cfg(target_os = "linux")]
    fn terminal(&self) -> std::fs::File {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open(self.master.tty_name().expect("a name"))
            .expect("the terminal")
    }

    /// The terminal's settings, to compare.
    #[cfg(target_os = "linux")]
    pub(crate) fn settings(&self) -> String {
        settings(self.master.as_ref())
    }

    /// Its settings before the program came.
    #[cfg(target_os = "linux")]
    pub(crate) fn settings_before(&self) -> String {
        self.settings.clone()
    }

    /// What is on the screen.
    pub(crate) fn contents(&self) -> String {
        self.lock().terminal.screen().contents()
    }

    /// What is in its first row.
    pub(crate) fn first_row(&self) -> String {
        first_row(self.lock().terminal.screen())
    }

    /// Everything the program wrote since the last call.
    pub(crate) fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().bytes)
    }

    /// What the program did that it never does unasked.
    pub(crate) fn alarms(&self) -> Vec<String> {
        self.lock().terminal.callbacks().seen.clone()
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
        self.keyboard.flush().expect("typed");
    }

    /// Gives the terminal another size, as a window manager does.
    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.lock().terminal.screen_mut().set_size(
            NonZeroU16::new(height).expect("height"),
            NonZeroU16::new(width).expect("width"),
        );
        self.master.resize(size(width, height)).expect("resized");
    }

    /// The same without an emulator of that size.
    #[cfg(target_os = "linux")]
    pub(crate) fn resize_unseen(&self, width: u16, height: u16) {
        self.master.resize(size(width, height)).expect("resized");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("signalled");
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> Pid {
        pid(self.child.as_ref())
    }

    /// Waits until the program has stopped, as `ps` would say it.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_stopped(&self) {
        let status = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        let began = Instant::now();
        loop {
            let line = std::fs::read_to_string(&status).expect("status");
            let state = line.rsplit(") ").next().expect("state");
            if state.starts_with('T') {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never stopped: {line}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program to end and gives its exit status.
    pub(crate) fn wait_exit(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("status") {
                self.wait_until_read();
                return status.exit_code();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "never ended: {}",
                self.contents()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until everything the program wrote has been read, unless nobody reads any more.
    fn wait_until_read(&self) {
        let seen = self.lock();
        let is_open = |seen: &mut Seen| !(seen.is_closed || seen.is_paused || seen.is_hung_up);
        drop(self.seen.1.wait_timeout_while(seen, PATIENCE, is_open));
    }

    /// Asserts that the terminal is as it was before the program came.
    pub(crate) fn assert_given_back(&self) {
        self.wait("the shell's screen", |screen| !screen.alternate_screen());
        let seen = self.lock();
        let screen = seen.terminal.screen();
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!screen.application_cursor() && !screen.application_keypad());
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        assert_eq!(screen.bgcolor(), vt100::Color::Default);
        assert!(!screen.bold() && !screen.inverse());
        assert_eq!(settings(self.master.as_ref()), self.settings, "settings");
    }

    /// Takes the terminal away, as a closed window or a cut connection does. Gives how long the
    /// program lived on.
    pub(crate) fn hang_up(self) -> Duration {
        let mut child = self.cut();
        let began = Instant::now();
        while child.try_wait().expect("status").is_none() {
            assert!(began.elapsed() < PATIENCE, "an orphan");
            thread::sleep(Duration::from_millis(5));
        }
        began.elapsed()
    }

    /// Takes the terminal away and gives the program.
    pub(crate) fn cut(mut self) -> Box<dyn Child + Send + Sync> {
        self.lock().is_hung_up = true;
        // The repaint gives the reader something to read, after which it lets go.
        self.press("\u{c}");
        let began = Instant::now();
        let mut seen = self.lock();
        while !seen.is_closed {
            assert!(began.elapsed() < PATIENCE, "never repainted");
            seen = self.seen.1.wait_timeout(seen, PATIENCE).expect("lock").0;
        }
        drop(seen);
        self.child
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().expect("lock")
    }
}

/// A program's process.
pub(crate) fn pid(child: &(dyn Child + Send + Sync)) -> Pid {
    let pid = child.process_id().expect("process");
    Pid::from_raw(pid.try_into().expect("process")).expect("process")
}

fn read(mut reader: Box<dyn Read + Send>, all: &(Mutex<Seen>, Condvar)) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let mut seen = all.0.lock().expect("lock");
        seen.terminal.process(&buffer[..count]);
        seen.bytes.extend_from_slice(&buffer[..count]);
        all.1.notify_all();
        if seen.is_hung_up {
            return;
        }
        while seen.is_paused {
            seen = all.1.wait(seen).expect("lock");
        }
    }
}

/// A screen's first row.
pub(crate) fn first_row(screen: &vt100::Screen) -> String {
    let (_, width) = screen.size();
    screen.rows(0, width.get()).next().unwrap_or_default()
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// The terminal's settings (termios), to compare.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("termios"))
}
