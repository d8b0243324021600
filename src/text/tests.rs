//! No text that is shown can steer a terminal, hide, or flood it.

use proptest::prelude::*;

use super::*;

fn shown(text: &str) -> String {
    Untrusted::from(text).shown().to_string()
}

#[test]
fn plain_text_in_any_script_stays_as_it_is() {
    for text in [
        "checkout v2.31.0",
        "Größe 25 %",
        "支払い",
        "оплата",
        "👩‍💻 ok",
        "e\u{301}",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a_control_sequence_becomes_one_mark_and_leaves_no_debris() {
    for (text, want) in [
        ("a\u{1b}[31mred", "a⟦esc⟧red"),
        ("a\u{1b}]52;c;aGk=\u{7}b", "a⟦esc⟧b"),
        ("a\u{1b}]0;title\u{1b}\\b", "a⟦esc⟧b"),
        ("a\u{9b}2Jb", "a⟦esc⟧b"),
        ("a\u{9d}52;c;x\u{9c}b", "a⟦esc⟧b"),
        ("a\u{1b}Pq#0\u{1b}\\b", "a⟦esc⟧b"),
        ("a\u{1b}cb", "a⟦esc⟧b"),
        ("a\u{1b}(0b", "a⟦esc⟧b"),
        ("end\u{1b}", "end⟦esc⟧"),
        ("a\u{1b}]2;never ends\nnext", "a⟦esc⟧⏎next"),
    ] {
        assert_eq!(shown(text), want, "{text:?}");
    }
}

#[test]
fn controls_are_named_and_words_do_not_join() {
    assert_eq!(shown("a\tb\nc\r\nd\re"), "a b⏎c⏎d⏎e");
    assert_eq!(shown("\u{7}\u{0}\u{7f}\u{85}"), "^G^@^?\\x85");
}

#[test]
fn what_cannot_be_seen_is_made_to_be_seen() {
    assert_eq!(shown("a\u{202e}b"), "a‹U+202E›b");
    assert_eq!(shown("pay\u{200b}ments"), "pay‹U+200B›ments");
    assert_eq!(shown("\u{e0041}"), "‹U+E0041›");
    assert_eq!(shown("\u{301}lone"), "‹U+0301›lone");
}

#[test]
fn no_cluster_can_flood_a_cell() {
    let bomb = format!("a{}", "\u{301}".repeat(100_000));
    let safe = shown(&bomb);
    assert!(safe.len() < 64, "{} bytes", safe.len());
    assert!(safe.ends_with("⟦+⟧…"));
}

#[test]
fn a_long_field_is_cut_with_a_mark() {
    let safe = Untrusted::from("x".repeat(20_000)).shown();
    assert_eq!(safe.width(), MAX_COLUMNS);
    assert!(safe.as_str().ends_with('…'));
    assert_eq!(Shown::new("checkout").fit(5).as_str(), "chec…");
    assert_eq!(Shown::new("支払い").fit(4).as_str(), "支…");
}

#[test]
fn names_with_one_beginning_do_not_look_alike_when_cut() {
    let middle = |text: &str, columns| Shown::new(text).fit_middle(columns).to_string();
    assert_eq!(middle("payments-gateway-eu-west-1", 12), "paymen…est-1");
    assert_eq!(middle("payments-gateway-us-east-2", 12), "paymen…ast-2");
    assert_eq!(middle("checkout", 8), "checkout");
    assert_eq!(middle("checkout", 2), "c…");
    assert_eq!(middle("checkout", 1), "…");
    assert_eq!(middle("checkout", 0), "");
    assert_eq!(middle("支払い決済", 6), "支…済");
    for columns in 0..12 {
        assert!(Shown::new("a支b払c決d済").fit_middle(columns).width() <= columns);
    }
}

proptest! {
    #[test]
    fn nothing_shown_can_steer_a_terminal(text in any::<String>()) {
        let safe = shown(&text);
        prop_assert!(safe.chars().all(is_visible));
        prop_assert!(safe.graphemes(true).all(|cluster| cluster.len() <= 32));
        prop_assert!(safe.width() <= MAX_COLUMNS);
    }

    #[test]
    fn showing_twice_changes_nothing(text in any::<String>()) {
        let once = shown(&text);
        prop_assert_eq!(shown(&once), once);
    }
}
