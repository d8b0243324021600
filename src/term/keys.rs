//! Terminal bytes to crossterm's events, without ever mistaking a paste or a terminal's reply for a key
//! press.
//!
//! crossterm's reader keeps its parser to itself, and both cannot read one terminal. The same bytes to
//! both, in `tests/terminal/plain.rs`: an arrow key that a network parts after its first byte is three
//! keys there and one here, if the rest comes within 110 ms, or 160 ms over ssh. A terminal's late report of
//! its background is 23 keys there and none here; one of its modes stops crossterm's keyboard until a `c`
//! or `u`. After a paste whose end was lost, no ctrl-c gets through there.
//!
//! Bytes arrive in pieces over a slow link, so a sequence is kept until it is whole. What is not a
//! key of ours is swallowed whole: reports of other kinds than focus and mouse, and every control string, since a late
//! reply to another program's question must not act. A bracketed paste is text, never keys.

use std::time::Duration;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// After an ESC, how long the rest of a sequence may take to come: a network or a loaded multiplexer
/// may part the bytes of an arrow key by tens of milliseconds.
const ESCAPE_TIME: Duration = Duration::from_millis(110);
/// The same over ssh.
const REMOTE_ESCAPE_TIME: Duration = Duration::from_millis(160);
/// How long a begun sequence may stay silent before it is given up.
const SEQUENCE_TIME: Duration = Duration::from_secs(1);
/// How long a paste may stay silent before its end counts as lost.
const PASTE_TIME: Duration = Duration::from_secs(5);
/// How long after a ctrl-c within a paste its end may still come. Later, the end is lost and the
/// ctrl-c was a key.
const INTERRUPT_TIME: Duration = Duration::from_secs(2);
/// The most bytes of a paste that are kept; no line of ours takes more.
const MAX_PASTE: usize = 16 * 1024;
/// What a terminal sends for ctrl-c.
const CTRL_C: u8 = 0x03;
/// More parameter bytes than any key has; a longer sequence is still swallowed.
const MAX_PARAMETERS: usize = 32;
/// Ends a bracketed paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Where in a sequence the input is.
#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After `ESC O`.
    Ss3,
    /// After `ESC [`, with what came of it.
    Csi(Vec<u8>),
    /// In a control string; true after an ESC that may end it.
    Text(bool),
    /// In a paste.
    Paste(Paste),
    /// After `ESC [ [`, which the Linux console sends for its first function keys.
    Console,
    /// Bytes that belong to a report and mean nothing.
    Skip(u8),
    /// In a character of several bytes.
    Utf8 {
        bytes: [u8; 4],
        have: usize,
        want: usize,
    },
}

/// A bracketed paste so far.
#[derive(Debug, Default)]
struct Paste {
    /// Its first bytes.
    kept: Vec<u8>,
    /// How many bytes of [`PASTE_END`] have come.
    end: usize,
    /// True once a ctrl-c came.
    is_interrupted: bool,
}

/// Turns input bytes into keys and pasted text.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    escape_time: Duration,
}

impl Decoder {
    /// A decoder for a terminal at the other end of ssh, or for one of this machine.
    pub(super) fn new(is_remote: bool) -> Self {
        Self {
            state: State::Ground,
            escape_time: if is_remote {
                REMOTE_ESCAPE_TIME
            } else {
                ESCAPE_TIME
            },
        }
    }

    /// How long to wait for the next byte before [`Decoder::give_up`]; `None` for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Escape => Some(self.escape_time),
            State::Paste(_) => Some(PASTE_TIME),
            _ => Some(SEQUENCE_TIME),
        }
    }

    /// How long after the first ctrl-c in an open paste [`Decoder::interrupt`] is due, whatever else
    /// comes; `None` while there is none.
    pub(super) fn interrupt_time(&self) -> Option<Duration> {
        match &self.state {
            State::Paste(paste) if paste.is_interrupted => Some(INTERRUPT_TIME),
            _ => None,
        }
    }

    /// The end of the paste is lost: the ctrl-c within was the key.
    pub(super) fn interrupt(&mut self) -> Event {
        self.state = State::Ground;
        Event::Key(control('c'))
    }

    /// No further byte came: a lone ESC was the key, anything else was noise.
    pub(super) fn give_up(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.state) {
            State::Escape => Some(Event::Key(KeyCode::Esc.into())),
            _ => None,
        }
    }

    /// Takes the next byte; what is complete now goes to `events`.
    pub(super) fn feed(&mut self, byte: u8, events: &mut Vec<Event>) {
        let mut keys = Vec::new();
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => ground(byte, &mut keys),
            State::Escape => escape(byte, &mut keys),
            State::Ss3 => {
                let code = cursor_key(byte).or_else(|| first_function_key(byte));
                keys.extend(code.map(KeyEvent::from));
                State::Ground
            }
            State::Console => {
                let number = byte.checked_sub(b'A').filter(|number| *number < 5);
                keys.extend(number.map(|number| KeyEvent::from(KeyCode::F(number + 1))));
                State::Ground
            }
            State::Csi(parameters) => {
                events.extend(report(&parameters, byte));
                csi(parameters, byte, &mut keys)
            }
            State::Text(after_escape) => text(after_escape, byte, &mut keys),
            State::Paste(mut paste) => {
                if paste.take(byte) {
                    events.push(Event::Paste(paste.text()));
                    State::Ground
                } else {
                    State::Paste(paste)
                }
            }
            State::Skip(1) => State::Ground,
            State::Skip(left) => State::Skip(left - 1),
            State::Utf8 { bytes, have, want } => utf8(bytes, have, want, byte, &mut keys),
        };
        events.extend(keys.into_iter().map(Event::Key));
    }
}

impl Paste {
    /// Takes the next byte; true when it is the last of the end.
    fn take(&mut self, byte: u8) -> bool {
        self.is_interrupted |= byte == CTRL_C;
        if self.kept.len() < MAX_PASTE + PASTE_END.len() {
            self.kept.push(byte);
        }
        self.end = match byte {
            _ if byte == PASTE_END[self.end] => self.end + 1,
            _ => usize::from(byte == PASTE_END[0]),
        };
        self.end == PASTE_END.len()
    }

    /// The text without the end, cut after [`MAX_PASTE`] bytes.
    fn text(self) -> String {
        let mut kept = self.kept;
        if kept.ends_with(PASTE_END) {
            kept.truncate(kept.len() - PASTE_END.len());
        }
        kept.truncate(MAX_PASTE);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

fn control(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
}

fn ground(byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    let key = match byte {
        0x1b => return State::Escape,
        b'\r' | b'\n' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x08 | 0x7f => KeyCode::Backspace.into(),
        0x00 => control(' '),
        0x01..=0x1a => control(char::from(byte | 0x60)),
        0x1c..=0x1f => control(char::from(byte | 0x40)),
        0x20..=0x7e => KeyCode::Char(char::from(byte)).into(),
        0xc2..=0xf4 => {
            let want = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            return State::Utf8 {
                bytes: [byte, 0, 0, 0],
                have: 1,
                want,
            };
        }
        _ => return State::Ground,
    };
    keys.push(key);
    State::Ground
}

/// After an ESC. Nothing here is bound to Alt, so what is no sequence is two keys.
fn escape(byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    match byte {
        b'[' => State::Csi(Vec::new()),
        b'O' => State::Ss3,
        b']' | b'P' | b'X' | b'^' | b'_' => State::Text(false),
        _ => {
            keys.push(KeyCode::Esc.into());
            ground(byte, keys)
        }
    }
}

fn csi(mut parameters: Vec<u8>, byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    match byte {
        0x1b => State::Escape,
        b'[' if parameters.is_empty() => State::Console,
        // A mouse report of the oldest kind: three more bytes.
        b'M' if parameters.is_empty() => State::Skip(3),
        0x20..=0x3f => {
            if parameters.len() < MAX_PARAMETERS {
                parameters.push(byte);
            }
            State::Csi(parameters)
        }
        b'~' if parameters == b"200" => State::Paste(Paste::default()),
        0x40..=0x7e => {
            keys.extend(function_key(&parameters, byte));
            State::Ground
        }
        _ => ground(byte, keys),
    }
}

/// A report of the focus, or of the mouse in the form of mode 1006: `ESC [ < button ; column ; row M`,
/// with `m` in place of `M` where the button is let go.
fn report(parameters: &[u8], last: u8) -> Option<Event> {
    match last {
        b'I' if parameters.is_empty() => return Some(Event::FocusGained),
        b'O' if parameters.is_empty() => return Some(Event::FocusLost),
        b'M' => {}
        _ => return None,
    }
    let text = std::str::from_utf8(parameters.strip_prefix(b"<")?).ok()?;
    let mut numbers = text.split(';').map(str::parse::<u16>);
    let (button, column, row) = (
        numbers.next()?.ok()?,
        numbers.next()?.ok()?.checked_sub(1)?,
        numbers.next()?.ok()?.checked_sub(1)?,
    );
    let kind = match button {
        0 => MouseEventKind::Down(MouseButton::Left),
        64 => MouseEventKind::ScrollUp,
        65 => MouseEventKind::ScrollDown,
        _ => return None,
    };
    let is_whole = numbers.next().is_none();
    is_whole.then_some(Event::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    }))
}

/// A control string ends at BEL, ST or a new sequence; `ctrl-c` always gets out.
fn text(after_escape: bool, byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    match (after_escape, byte) {
        (true, b'\\') | (false, 0x07) => State::Ground,
        (true, _) => escape_again(byte, keys),
        (false, 0x1b) => State::Text(true),
        (false, 0x03) => ground(byte, keys),
        (false, _) => State::Text(false),
    }
}

/// An ESC within a control string that did not end it began a new sequence.
fn escape_again(byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    match byte {
        b'[' | b'O' | b']' | b'P' | b'X' | b'^' | b'_' => escape(byte, keys),
        _ => State::Ground,
    }
}

fn utf8(mut bytes: [u8; 4], have: usize, want: usize, byte: u8, keys: &mut Vec<KeyEvent>) -> State {
    if !(0x80..=0xbf).contains(&byte) {
        return ground(byte, keys);
    }
    bytes[have] = byte;
    if have + 1 < want {
        return State::Utf8 {
            bytes,
            have: have + 1,
            want,
        };
    }
    let c = std::str::from_utf8(&bytes[..want])
        .ok()
        .and_then(|text| text.chars().next());
    keys.extend(
        c.filter(|c| !c.is_control())
            .map(|c| KeyEvent::from(KeyCode::Char(c))),
    );
    State::Ground
}

/// A key that ends in a letter, after `ESC [` or `ESC O`.
fn cursor_key(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'Z' => KeyCode::BackTab,
        _ => return None,
    })
}

/// F1 to F4, after `ESC O` or, with a modifier, `ESC [ 1 ;`.
fn first_function_key(byte: u8) -> Option<KeyCode> {
    let number = byte.checked_sub(b'P').filter(|number| *number < 4)?;
    Some(KeyCode::F(number + 1))
}

/// A key as a whole control sequence; `None` for reports and keys without a meaning here.
///
/// The form is that of xterm's "PC-style function keys": a number, then 1 + a bit set of held
/// modifiers (1 shift, 2 alt, 4 control).
fn function_key(parameters: &[u8], last: u8) -> Option<KeyEvent> {
    let text = std::str::from_utf8(parameters).ok()?;
    let mut numbers = text.split(';').map(|number| match number {
        "" => Some(1),
        number => number.parse::<u8>().ok(),
    });
    let number = numbers.next()??;
    let modifiers = match numbers.next() {
        Some(modifiers) => modifiers?.checked_sub(1)?,
        None => 0,
    };
    if numbers.next().is_some() || modifiers & !0b101 != 0 {
        return None;
    }
    let code = match (last, number) {
        (b'~', 1 | 7) => KeyCode::Home,
        (b'~', 3) => KeyCode::Delete,
        (b'~', 4 | 8) => KeyCode::End,
        (b'~', 5) => KeyCode::PageUp,
        (b'~', 6) => KeyCode::PageDown,
        // The numbers leave gaps, as the keys did on a VT220.
        (b'~', number @ 11..=15) => KeyCode::F(number - 10),
        (b'~', number @ 17..=21) => KeyCode::F(number - 11),
        (b'~', number @ (23 | 24)) => KeyCode::F(number - 12),
        (b'~', _) => return None,
        // With a second number alone: a cursor's position is reported as `ESC [ row ; column R`.
        (b'P' | b'Q' | b'S', 1) if text.contains(';') => first_function_key(last)?,
        (letter, 1) => cursor_key(letter).filter(|code| *code != KeyCode::Enter)?,
        _ => return None,
    };
    Some(match modifiers & 0b100 {
        0 => code.into(),
        _ => KeyEvent::new(code, KeyModifiers::CONTROL),
    })
}

#[cfg(test)]
mod tests;
