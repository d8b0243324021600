//! Keys in all their spellings, and everything that only looks like one.

use proptest::prelude::*;

use super::super::keyboard::{Input, input};
use super::*;
use crate::app::key::{Code, Key};

/// What these bytes are, in as many reads, and then silence.
fn inputs(reads: &[&[u8]]) -> Vec<Input> {
    let mut decoder = Decoder::new(false);
    let mut events = Vec::new();
    for read in reads {
        for byte in *read {
            decoder.feed(*byte, &mut events);
        }
    }
    events.extend(decoder.give_up());
    events.into_iter().filter_map(input).collect()
}

#[test]
fn reports_of_focus_and_mouse_are_what_they_say_in_as_many_reads_as_they_come() {
    use super::super::keyboard::Button;
    for (bytes, wanted) in [
        (&b"\x1b[I"[..], vec![Input::Focus(true)]),
        (b"\x1b[O", vec![Input::Focus(false)]),
        (b"\x1b[<0;10;5M", vec![Input::Mouse(Button::Left, (9, 4))]),
        (
            b"\x1b[<64;1;1M",
            vec![Input::Mouse(Button::WheelUp, (0, 0))],
        ),
        (
            b"\x1b[<65;200;50M",
            vec![Input::Mouse(Button::WheelDown, (199, 49))],
        ),
        // A button that is let go, other buttons, and what no terminal sends.
        (b"\x1b[<0;10;5m", vec![]),
        (b"\x1b[<2;10;5M", vec![]),
        (b"\x1b[<0;0;5M", vec![]),
        (b"\x1b[<0;10M", vec![]),
        (b"\x1b[<0;10;5;7M", vec![]),
        (b"\x1b[<0;99999;5M", vec![]),
    ] {
        assert_eq!(inputs(&[bytes]), wanted, "{bytes:?}");
        let parts: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(inputs(&parts), wanted, "{bytes:?}");
    }
}

/// The keys among them.
fn keys(reads: &[&[u8]]) -> Vec<Key> {
    let keys = inputs(reads).into_iter().filter_map(|input| match input {
        Input::Key(key) => Some(key),
        Input::Paste(_) | Input::Mouse(..) | Input::Focus(_) | Input::Gone => None,
    });
    keys.collect()
}

fn codes(bytes: &[u8]) -> Vec<Code> {
    keys(&[bytes])
        .into_iter()
        .map(|key| {
            assert!(!key.ctrl, "{key:?}");
            key.code
        })
        .collect()
}

#[test]
fn every_key_arrives_in_each_of_its_spellings() {
    for (spellings, code) in [
        (&[&b"\r"[..], b"\n", b"\x1bOM"][..], Code::Enter),
        (&[b"\x1b"], Code::Esc),
        (&[b"\t"], Code::Tab),
        (&[b"\x1b[Z", b"\x1b[1;2Z"], Code::BackTab),
        (&[b"\x7f", b"\x08"], Code::Backspace),
        (&[b"\x1b[3~"], Code::Delete),
        (&[b"\x1b[A", b"\x1bOA", b"\x1b[1;2A"], Code::Up),
        (&[b"\x1b[B", b"\x1bOB"], Code::Down),
        (&[b"\x1b[C", b"\x1bOC"], Code::Right),
        (&[b"\x1b[D", b"\x1bOD"], Code::Left),
        (&[b"\x1b[5~"], Code::PageUp),
        (&[b"\x1b[6~"], Code::PageDown),
        (&[b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"\x1b[7~"], Code::Home),
        (&[b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"\x1b[8~"], Code::End),
        (&[b"G"], Code::Char('G')),
        (&["ü".as_bytes()], Code::Char('ü')),
        (&["支".as_bytes()], Code::Char('支')),
        (&["🔥".as_bytes()], Code::Char('🔥')),
    ] {
        for spelling in spellings {
            assert_eq!(codes(spelling), [code], "{spelling:?}");
        }
    }
}

#[test]
fn control_keys_carry_their_letter() {
    for (bytes, c) in [
        (&b"\x03"[..], 'c'),
        (b"\x06", 'f'),
        (b"\x0c", 'l'),
        (b"\x1a", 'z'),
        (b"\x1c", '\\'),
        (b"\0", ' '),
    ] {
        assert_eq!(keys(&[bytes]), [Key::ctrl(c)]);
    }
    let up = Key {
        code: Code::Up,
        ctrl: true,
    };
    assert_eq!(keys(&[b"\x1b[1;5A"]), [up]);
}

#[test]
fn a_sequence_cut_by_a_slow_link_is_still_one_key() {
    assert_eq!(
        keys(&[b"\x1b", b"[", b"1;", b"2B"]),
        [Key::plain(Code::Down)]
    );
    assert_eq!(
        keys(&[b"\xe6", b"\x94", b"\xaf"]),
        [Key::plain(Code::Char('支'))]
    );
}

#[test]
fn function_keys_of_every_terminal_are_keys() {
    for (bytes, number) in [
        (&b"\x1bOP"[..], 1),
        (b"\x1bOS", 4),
        (b"\x1b[[A", 1),
        (b"\x1b[[E", 5),
        (b"\x1b[11~", 1),
        (b"\x1b[15~", 5),
        (b"\x1b[17~", 6),
        (b"\x1b[21~", 10),
        (b"\x1b[23~", 11),
        (b"\x1b[24~", 12),
        (b"\x1b[24;2~", 12),
    ] {
        assert_eq!(codes(bytes), [Code::F(number)], "{bytes:?}");
    }
    assert_eq!(
        keys(&[b"\x1b[15;5~"]),
        [Key {
            code: Code::F(5),
            ctrl: true
        }]
    );
    assert_eq!(
        keys(&[b"\x1b[1;5Q"]),
        [Key {
            code: Code::F(2),
            ctrl: true
        }]
    );
    for gap in [
        &b"\x1b[16~"[..],
        b"\x1b[22~",
        b"\x1b[25~",
        b"\x1b[[F",
        b"\x1bOT",
    ] {
        assert_eq!(codes(gap), [], "{gap:?}");
    }
}

#[test]
fn escape_followed_by_a_letter_is_both_keys() {
    assert_eq!(codes(b"\x1bq"), [Code::Esc, Code::Char('q')]);
    assert_eq!(codes(b"\x1b\x1b"), [Code::Esc, Code::Esc]);
}

#[test]
fn a_paste_never_acts_as_keys() {
    assert_eq!(
        codes(b"\x1b[200~q\x03\r:quit\r\x1b[20\x1b[A\x1b[201~j"),
        [Code::Char('j')]
    );
}

#[test]
fn a_paste_is_its_text_and_the_keys_around_it_stay_in_order() {
    let around = |text: &str| {
        vec![
            Input::Key(Key::plain(Code::Char('/'))),
            Input::Paste(text.to_owned()),
            Input::Key(Key::plain(Code::Enter)),
        ]
    };
    for text in ["svc:checkout", "", "ü\r\nq\u{3}", "\u{1b}[20", "\u{1b}[A"] {
        let bytes = format!("/\u{1b}[200~{text}\u{1b}[201~\r");
        assert_eq!(inputs(&[bytes.as_bytes()]), around(text), "{text:?}");
        for cut in 3..bytes.len() - 1 {
            let (head, tail) = bytes.as_bytes().split_at(cut);
            assert_eq!(inputs(&[head, tail]), around(text), "{text:?} cut at {cut}");
        }
    }
    let long = format!("/\u{1b}[200~{}\u{1b}[201~\r", "x".repeat(3 * MAX_PASTE));
    assert_eq!(inputs(&[long.as_bytes()]), around(&"x".repeat(MAX_PASTE)));
}

#[test]
fn a_ctrl_c_in_a_paste_whose_end_is_lost_is_a_key_after_a_while() {
    let mut decoder = Decoder::new(false);
    let mut events = Vec::new();
    for byte in b"\x1b[200~abc" {
        decoder.feed(*byte, &mut events);
        assert_eq!(decoder.interrupt_time(), None);
    }
    for byte in b"\x03def\x03" {
        decoder.feed(*byte, &mut events);
        assert_eq!(decoder.interrupt_time(), Some(INTERRUPT_TIME));
    }
    assert_eq!(events, []);
    assert_eq!(decoder.interrupt(), Event::Key(control('c')));
    decoder.feed(b'j', &mut events);
    assert_eq!(events, [Event::Key(KeyCode::Char('j').into())]);
}

#[test]
fn an_escape_over_ssh_waits_longer_for_its_rest() {
    for (is_remote, want) in [(false, ESCAPE_TIME), (true, REMOTE_ESCAPE_TIME)] {
        let mut decoder = Decoder::new(is_remote);
        decoder.feed(0x1b, &mut Vec::new());
        assert_eq!(decoder.patience(), Some(want));
    }
}

#[test]
fn replies_and_reports_never_act_as_keys() {
    for reply in [
        &b"\x1b]11;rgb:0000/0000/0000\x07"[..],
        b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]52;c;cQ==\x07",
        b"\x1bP>|XTerm(380)\x1b\\",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[?62;22c",
        b"\x1b[>0;276;0c",
        b"\x1b[12;40R",
        b"\x1b[?2026;2$y",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[M !!",
        b"\x1b[<0;10;5M",
        b"\x1b[<0;10;5m",
        b"\x1b[1;3A",
        b"\x1b[27;5;13~",
        b"\x1b[8;24;80t",
    ] {
        let mut bytes = reply.to_vec();
        bytes.push(b'j');
        assert_eq!(codes(&bytes), [Code::Char('j')], "{reply:?}");
        for cut in 2..reply.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(keys(&[head, tail]), [Key::plain(Code::Char('j'))]);
        }
    }
}

#[test]
fn a_string_that_never_ends_does_not_lock_the_keyboard() {
    let mut decoder = Decoder::new(false);
    let mut keys = Vec::new();
    for byte in b"\x1b]never ends" {
        decoder.feed(*byte, &mut keys);
    }
    assert_eq!(decoder.patience(), Some(SEQUENCE_TIME));
    assert_eq!(decoder.give_up(), None);
    decoder.feed(b'q', &mut keys);
    assert_eq!(keys, [Event::Key(KeyCode::Char('q').into())]);
    assert_eq!(self::keys(&[b"\x1b]x\x03"]), [Key::ctrl('c')]);
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_the_keyboard_comes_back(bytes: Vec<u8>) {
        let mut decoder = Decoder::new(false);
        let mut keys = Vec::new();
        for byte in bytes {
            decoder.feed(byte, &mut keys);
            prop_assert!(keys.len() <= 2);
            keys.clear();
        }
        decoder.give_up();
        prop_assert!(decoder.patience().is_none());
        decoder.feed(b'q', &mut keys);
        prop_assert_eq!(&keys[..], &[Event::Key(KeyCode::Char('q').into())][..]);
    }
}
