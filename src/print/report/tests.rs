//! Numbers and foreign text as reports print them.

use super::*;

#[test]
fn a_share_near_all_has_as_many_decimals_as_tell_it_from_all() {
    for (share, want) in [
        (1.0, "100 %"),
        (0.25, "25 %"),
        (3.0 / 11.0, "27.3 %"),
        (0.99, "99 %"),
        (0.9953, "99.53 %"),
        (0.999, "99.9 %"),
        (0.99953, "99.953 %"),
        (0.99998, "99.998 %"),
        (0.999_995, "99.9995 %"),
        (0.0, "0 %"),
    ] {
        assert_eq!(percent(share), want);
    }
}

#[test]
fn a_length_has_two_units_at_most() {
    for (seconds, want) in [
        (0.0, "0s"),
        (59.0, "59s"),
        (16_200.0, "4h 30m"),
        (8_100.0, "2h 15m"),
        (3_600.0, "1h"),
        (86_400.0, "1d"),
        (212_400.0, "2d 11h"),
    ] {
        assert_eq!(length(seconds), want);
    }
}

#[test]
fn many_ids_are_cut_and_counted() {
    let many: Vec<Untrusted> = (0..15).map(|id| format!("d{id}").into()).collect();
    let parts = ids(&many);
    let words = parts.iter().map(|part| match part {
        Part::Ours(words) => words.as_str(),
        Part::Foreign(text) => text.raw(),
    });
    let words: String = words.collect();
    assert!(words.ends_with("d11 and 3 more"), "{words}");
}
