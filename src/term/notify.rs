//! A notification of the desktop that the terminal runs on, over any number of ssh hops.

use std::env;

/// The sequence that a terminal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// `OSC 9`: iTerm2, Windows Terminal, `WezTerm`, Ghostty.
    Osc9,
    /// `OSC 777`: foot, urxvt, Ghostty.
    Osc777,
    /// `OSC 99`: kitty.
    Osc99,
}

impl Notification {
    /// The bytes that show a text. Within tmux it is handed through, where `allow-passthrough` is on.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        let in_tmux = env::var_os("TMUX").is_some_and(|value| !value.is_empty());
        self.sequence(text, in_tmux)
    }

    fn sequence(self, text: &str, in_tmux: bool) -> Vec<u8> {
        // A semicolon ends a field of 777, and no control character may end the sequence.
        let text: String = text
            .chars()
            .filter(|letter| !letter.is_control())
            .map(|letter| if letter == ';' { ',' } else { letter })
            .collect();
        let body = match self {
            Self::Osc9 => format!("9;{text}"),
            Self::Osc777 => format!("777;notify;watchfire;{text}"),
            Self::Osc99 => format!("99;;{text}"),
        };
        // Not ended by BEL, which would ring in a terminal that does not know the sequence.
        let plain = format!("\x1b]{body}\x1b\\");
        if !in_tmux {
            return plain.into_bytes();
        }
        let doubled = plain.replace('\x1b', "\x1b\x1b");
        format!("\x1bPtmux;{doubled}\x1b\\").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_gets_its_sequence_and_no_text_can_end_it() {
        let text = "PAGE a;b\u{7}\u{1b}\\c";
        for (kind, want) in [
            (Notification::Osc9, "\x1b]9;PAGE a,b\\c\x1b\\"),
            (
                Notification::Osc777,
                "\x1b]777;notify;watchfire;PAGE a,b\\c\x1b\\",
            ),
            (Notification::Osc99, "\x1b]99;;PAGE a,b\\c\x1b\\"),
        ] {
            assert_eq!(kind.sequence(text, false), want.as_bytes());
        }
        let within = Notification::Osc9.sequence("hi", true);
        assert_eq!(within, b"\x1bPtmux;\x1b\x1b]9;hi\x1b\x1b\\\x1b\\");
    }
}
