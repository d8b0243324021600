//! Terminals by their names in `TERM`: no sequence is sent that a terminal lacks, as terminfo has it.

use std::process::Command;

use portable_pty::CommandBuilder;

use crate::pty::Pty;

/// A terminal as terminfo describes it (ncurses 6.5; foot and ghostty by the entries that they bring).
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a terminal has each of them or not, whatever it has else"
)]
struct Terminal {
    name: &'static str,
    /// `smcup`.
    has_alternate_screen: bool,
    /// `BE`.
    has_bracketed_paste: bool,
    /// `Sync`.
    has_synchronised_updates: bool,
    /// `sitm`.
    has_italics: bool,
    /// `fe`.
    has_focus_events: bool,
    /// `colors`; 2^24 with `RGB` or `Tc`.
    colours: u32,
}

const FULL: Terminal = Terminal {
    name: "",
    has_alternate_screen: true,
    has_bracketed_paste: true,
    has_synchronised_updates: true,
    has_italics: true,
    has_focus_events: true,
    colours: 1 << 24,
};

const TERMINALS: [Terminal; 7] = [
    Terminal {
        name: "linux",
        has_alternate_screen: false,
        has_bracketed_paste: false,
        has_synchronised_updates: false,
        has_italics: false,
        has_focus_events: false,
        colours: 8,
    },
    Terminal {
        name: "screen",
        has_bracketed_paste: false,
        has_synchronised_updates: false,
        has_italics: false,
        has_focus_events: false,
        colours: 8,
        ..FULL
    },
    Terminal {
        name: "tmux",
        has_synchronised_updates: false,
        colours: 8,
        ..FULL
    },
    Terminal {
        name: "tmux-256color",
        has_synchronised_updates: false,
        colours: 256,
        ..FULL
    },
    Terminal {
        name: "foot",
        ..FULL
    },
    Terminal {
        name: "alacritty",
        ..FULL
    },
    Terminal {
        name: "xterm-ghostty",
        ..FULL
    },
];

impl Terminal {
    /// Why a sequence that the program sent is none of this terminal; `None` where it is.
    fn lacks(self, sequence: &str) -> Option<&'static str> {
        let Some(body) = sequence.strip_prefix("\u{1b}[") else {
            return Some("no control sequence");
        };
        let (parameters, last) = body.split_at(body.len() - 1);
        match (parameters, last) {
            ("?25", "h" | "l") => None,
            ("?1049", "h" | "l") => (!self.has_alternate_screen).then_some("smcup"),
            ("?2004", "h" | "l") => (!self.has_bracketed_paste).then_some("BE"),
            ("?2026", "h" | "l") => (!self.has_synchronised_updates).then_some("Sync"),
            ("?1004", "h" | "l") => (!self.has_focus_events).then_some("fe"),
            (_, "m") => self.lacks_pen(parameters),
            (_, "H" | "J" | "K" | "G" | "C" | "D") if !parameters.starts_with('?') => None,
            _ => Some("unknown"),
        }
    }

    fn lacks_pen(self, parameters: &str) -> Option<&'static str> {
        let mut numbers = parameters.split(';');
        while let Some(number) = numbers.next() {
            let is_missing = match number {
                "" | "0" | "1" | "2" | "4" | "7" | "22" | "24" | "27" | "39" | "49" => false,
                "3" | "23" => !self.has_italics,
                "38" | "48" => match numbers.next() {
                    Some("5") => {
                        numbers.next();
                        self.colours < 256
                    }
                    Some("2") => {
                        numbers.by_ref().take(3).for_each(drop);
                        self.colours < 1 << 24
                    }
                    _ => true,
                },
                other => match other.parse::<u32>() {
                    Ok(30..=37 | 40..=47) => false,
                    Ok(90..=97 | 100..=107) => self.colours < 16,
                    _ => true,
                },
            };
            if is_missing {
                return Some("a pen");
            }
        }
        None
    }
}

/// Every escape sequence in these bytes; one that is no control sequence is the two bytes that it begins
/// with.
fn sequences(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in text.split('\u{1b}').skip(1) {
        let is_control = part.starts_with('[');
        let end = if is_control {
            part.char_indices()
                .skip(1)
                .find(|(_, letter)| ('@'..='~').contains(letter))
                .map_or(part.len(), |(place, _)| place + 1)
        } else {
            part.chars().next().map_or(0, char::len_utf8)
        };
        all.push(format!("\u{1b}{}", &part[..end]));
    }
    all
}

/// The program on a terminal of this name, with a backend that refuses every connection.
fn started(term: &str, theme: &str, arguments: &[&str]) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(arguments);
    command.args(["--prometheus", "http://127.0.0.1:1"]);
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("HOME", "/nonexistent");
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    command.env("WATCHFIRE__UI__THEME", theme);
    command.env_remove("COLORTERM");
    command.cwd(std::env::temp_dir());
    Pty::start_as(command, term, 120, 40)
}

#[test]
fn no_terminal_gets_a_sequence_that_it_lacks() {
    for terminal in TERMINALS {
        for (theme, face) in [
            ("auto", None),
            ("light", None),
            ("high-contrast", None),
            ("dark", Some("wall")),
        ] {
            let arguments = face.map_or_else(Vec::new, |face| vec![face]);
            let mut pty = started(terminal.name, theme, &arguments);
            if face.is_none() {
                pty.wait_for("PAGE");
                pty.press("?");
                pty.wait_for("Keys ");
                pty.press("\u{1b}");
                pty.wait_gone("Keys ");
                pty.press("4");
                pty.wait_for("next try");
            } else {
                pty.wait_for("BLIND");
            }
            pty.press("q");
            if face.is_none() {
                pty.press("q");
            }
            assert_eq!(pty.wait_exit(), 0, "{}", terminal.name);
            let bytes = pty.take_bytes();
            let text = String::from_utf8_lossy(&bytes);
            let all = sequences(&text);
            assert!(all.len() > 20, "{} {theme}: {text:?}", terminal.name);
            for sequence in &all {
                let lack = terminal.lacks(sequence);
                assert_eq!(lack, None, "{} {theme}: {sequence:?}", terminal.name);
            }
            // What it has is used.
            let has = |sequence: &str| text.contains(sequence);
            assert_eq!(has("\u{1b}[?1049l"), terminal.has_alternate_screen);
            assert_eq!(has("\u{1b}[?2004h"), terminal.has_bracketed_paste);
            assert_eq!(has("\u{1b}[?1004h"), terminal.has_focus_events);
            assert_eq!(has("\u{1b}[?2026h"), terminal.has_synchronised_updates);
        }
    }
}

#[test]
fn a_dumb_terminal_gets_lines_without_any_sequence() {
    let mut screen = started("dumb", "auto", &[]);
    assert_eq!(screen.wait_exit(), 3);
    let mut plain = started("dumb", "auto", &["--plain"]);
    plain.wait_for_bytes("\n");
    plain.press("\u{3}");
    plain.wait_exit();
    for pty in [screen, plain] {
        let bytes = pty.take_bytes();
        assert!(!bytes.is_empty() && !bytes.contains(&0x1b), "{bytes:?}");
    }
}

/// What `infocmp` says of the terminals that this machine knows.
#[test]
fn the_table_of_terminals_is_that_of_terminfo() {
    for terminal in TERMINALS {
        let Ok(output) = Command::new("infocmp")
            .args(["-1", "-x", terminal.name])
            .output()
        else {
            continue;
        };
        if !output.status.success() {
            continue;
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let has = |name: &str| text.lines().any(|line| line.trim().starts_with(name));
        for (name, wanted) in [
            ("smcup=", terminal.has_alternate_screen),
            ("sitm=", terminal.has_italics),
        ] {
            assert_eq!(has(name), wanted, "{} {name}", terminal.name);
        }
        // Older entries of terminfo do not know these two yet.
        assert!(
            terminal.has_bracketed_paste || !has("BE="),
            "{}",
            terminal.name
        );
        assert!(
            terminal.has_focus_events || !has("fe="),
            "{}",
            terminal.name
        );
        let colours = text.lines().find_map(|line| {
            let number = line.trim().strip_prefix("colors#")?.trim_end_matches(',');
            match number.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => number.parse().ok(),
            }
        });
        assert!(
            colours.is_some_and(|known| known <= terminal.colours),
            "{}",
            terminal.name
        );
    }
}
