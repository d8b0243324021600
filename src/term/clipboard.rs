//! Text to the clipboard of whoever sits before the terminal, over any number of ssh hops: OSC 52.

use std::env;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::process::{Command, ExitStatus, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::stdio::stdout;

use super::write_all;
use crate::app::{Copied, CopiedTo};

/// The most bytes that are copied: terminals refuse more, and a slow link would feel it.
pub const MAX_COPY: usize = 8 * 1024;

/// Copies `text`, and returns where it is. Never reads the clipboard.
///
/// Within tmux the text goes to its server, which takes it whatever `set-clipboard` says and hands it
/// on to the terminal outside; its exit status says whether it did. Elsewhere, and where tmux fails,
/// the terminal is asked, which confirms nothing.
///
/// # Errors
/// When the terminal cannot be written to.
pub fn copy(text: &str) -> io::Result<Copied> {
    let in_tmux = env::var_os("TMUX").is_some_and(|value| !value.is_empty());
    let is_whole = text.len() <= MAX_COPY;
    let copied = |to| Ok(Copied { to, is_whole });
    if in_tmux && load_buffer(text).is_ok_and(|status| status.success()) {
        return copied(CopiedTo::Clipboard);
    }
    if !has_clipboard(env::var("TERM").as_deref().unwrap_or_default()) {
        return copied(CopiedTo::Nowhere);
    }
    write_all(stdout().as_fd(), &sequence(text, in_tmux))?;
    copied(CopiedTo::Terminal)
}

/// False for terminals that are known to have no clipboard: consoles, and what has no name.
fn has_clipboard(term: &str) -> bool {
    let is_console = [
        "linux", "cons25", "wscons", "vt52", "vt100", "vt102", "vt220",
    ]
    .iter()
    .any(|console| {
        term == *console
            || term
                .strip_prefix(console)
                .is_some_and(|rest| rest.starts_with('-'))
    });
    !matches!(term, "" | "dumb" | "unknown") && !is_console
}

/// Loads tmux' newest buffer, and the clipboard of the terminal outside (`-w`, since tmux 3.2).
fn load_buffer(text: &str) -> io::Result<ExitStatus> {
    let text = &text[..text.floor_char_boundary(MAX_COPY)];
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = tmux.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    tmux.wait()
}

/// OSC 52 with the text in Base64, so that nothing in it can end the sequence.
///
/// tmux takes it for its own clipboard when `set-clipboard` is `on`, and hands it through in a DCS
/// with every ESC doubled when `allow-passthrough` is; it ignores what it does not allow, so it
/// gets both.
fn sequence(text: &str, in_tmux: bool) -> Vec<u8> {
    let text = &text[..text.floor_char_boundary(MAX_COPY)];
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let mut sequence = plain.clone().into_bytes();
    if in_tmux {
        let doubled = plain.replace('\x1b', "\x1b\x1b");
        sequence.extend_from_slice(format!("\x1bPtmux;{doubled}\x1b\\").as_bytes());
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_so_that_it_cannot_end_the_sequence() {
        let bytes = sequence("a\u{7}\u{1b}\\b", false);
        assert_eq!(bytes, b"\x1b]52;c;YQcbXGI=\x07");
    }

    #[test]
    fn tmux_gets_it_plain_and_passed_through() {
        let text = String::from_utf8(sequence("hi", true)).expect("ASCII");
        assert_eq!(
            text,
            "\u{1b}]52;c;aGk=\u{7}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;aGk=\u{7}\u{1b}\\"
        );
    }

    #[test]
    fn a_console_has_no_clipboard() {
        for (term, has) in [
            ("xterm-256color", true),
            ("tmux-256color", true),
            ("screen", true),
            ("foot", true),
            ("linuxish", true),
            ("linux", false),
            ("linux-16color", false),
            ("vt220", false),
            ("dumb", false),
            ("", false),
        ] {
            assert_eq!(has_clipboard(term), has, "{term}");
        }
    }

    #[test]
    fn a_huge_text_is_cut_on_a_character() {
        let bytes = sequence(&"ü".repeat(MAX_COPY), false);
        assert_eq!(
            bytes.len(),
            "\x1b]52;c;\x07".len() + MAX_COPY.div_ceil(3) * 4
        );
    }
}
