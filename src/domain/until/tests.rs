use proptest::prelude::*;

use super::*;

const WORKDAYS: [Weekday; 5] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
];

fn parse_in(zone: &str, now: &str, text: &str) -> Result<String, String> {
    let zone = TimeZone::get(zone).unwrap();
    let until = Until {
        now: now.parse().unwrap(),
        zone: &zone,
        work_days: &WORKDAYS,
        work_start: Time::constant(9, 0, 0, 0),
    };
    until.parse(text).map(|end| end.to_string())
}

/// 15:02 on a Monday in Berlin.
fn parse(text: &str) -> Result<String, String> {
    parse_in("Europe/Berlin", "2026-11-23T14:02:31Z", text)
}

#[test]
fn a_length_counts_from_now() {
    for (text, end) in [
        ("15m", "2026-11-23T14:17:31Z"),
        ("1h", "2026-11-23T15:02:31Z"),
        ("for 4h", "2026-11-23T18:02:31Z"),
        ("1h30m", "2026-11-23T15:32:31Z"),
        ("1h 30min", "2026-11-23T15:32:31Z"),
        ("2D", "2026-11-25T14:02:31Z"),
        (" 1w ", "2026-11-30T14:02:31Z"),
        ("30d", "2026-12-23T14:02:31Z"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(end), "{text}");
    }
}

#[test]
fn a_time_of_day_is_the_next_one_in_the_zone() {
    for (text, end) in [
        ("until 09:00", "2026-11-24T08:00:00Z"),
        ("9:00", "2026-11-24T08:00:00Z"),
        ("15:03", "2026-11-23T14:03:00Z"),
        ("15:02", "2026-11-24T14:02:00Z"),
        ("today 18:00", "2026-11-23T17:00:00Z"),
        ("tomorrow 09:00", "2026-11-24T08:00:00Z"),
        ("until tomorrow", "2026-11-24T08:00:00Z"),
        ("fri 09:00", "2026-11-27T08:00:00Z"),
        ("until Friday at 17:30", "2026-11-27T16:30:00Z"),
        ("fri", "2026-11-27T08:00:00Z"),
        ("mon 16:00", "2026-11-23T15:00:00Z"),
        ("mon 09:00", "2026-11-30T08:00:00Z"),
        ("2026-11-24 09:00", "2026-11-24T08:00:00Z"),
        ("2026-11-24T09:00", "2026-11-24T08:00:00Z"),
        ("until 2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z"),
        ("2026-11-24T09:00:00+05:30", "2026-11-24T03:30:00Z"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(end), "{text}");
    }
}

#[test]
fn until_work_skips_what_is_no_day_of_work() {
    let berlin = |now| parse_in("Europe/Berlin", now, "until work").unwrap();
    assert_eq!(
        berlin("2026-11-23T03:00:00Z"),
        "2026-11-23T08:00:00Z",
        "tonight"
    );
    assert_eq!(
        berlin("2026-11-23T08:00:00Z"),
        "2026-11-24T08:00:00Z",
        "it just began"
    );
    assert_eq!(
        berlin("2026-11-27T20:00:00Z"),
        "2026-11-30T08:00:00Z",
        "a Friday evening"
    );
    assert_eq!(
        berlin("2026-11-28T12:00:00Z"),
        "2026-11-30T08:00:00Z",
        "a Saturday"
    );
}

#[test]
fn a_change_of_the_clock_moves_no_end_into_the_past() {
    let berlin = |now, text| parse_in("Europe/Berlin", now, text).unwrap();
    // 2026-03-29: from 02:00 to 03:00. 2026-10-25: from 03:00 back to 02:00.
    assert_eq!(
        berlin("2026-03-29T00:30:00Z", "02:30"),
        "2026-03-29T01:30:00Z",
        "skipped"
    );
    assert_eq!(
        berlin("2026-03-28T20:00:00Z", "09:00"),
        "2026-03-29T07:00:00Z"
    );
    assert_eq!(
        berlin("2026-03-28T20:00:00Z", "12h"),
        "2026-03-29T08:00:00Z"
    );
    assert_eq!(
        berlin("2026-10-25T00:00:00Z", "02:30"),
        "2026-10-25T00:30:00Z",
        "the first"
    );
    assert_eq!(
        berlin("2026-10-25T00:45:00Z", "02:30"),
        "2026-10-25T01:30:00Z",
        "the second"
    );
    assert_eq!(
        berlin("2026-10-25T01:45:00Z", "02:30"),
        "2026-10-26T01:30:00Z"
    );
    assert_eq!(
        berlin("2026-10-24T20:00:00Z", "sun 09:00"),
        "2026-10-25T08:00:00Z"
    );
}

#[test]
fn what_is_past_too_far_or_unknown_is_refused_with_what_would_be_right() {
    for (text, word) in [
        ("0m", "not after now"),
        ("today 09:00", "not after now"),
        ("2026-11-23T14:02:31Z", "not after now"),
        ("1999-01-01 09:00", "not after now"),
        ("31d", "more than 30 days"),
        ("9999999999d", "more than 30 days"),
        ("2027-11-23T14:02:31Z", "more than 30 days"),
        ("", "an end is needed"),
        ("until", "no end that is known"),
        ("soon", "no end that is known"),
        ("15", "no end that is known"),
        ("-15m", "no end that is known"),
        ("1m1h", "no end that is known"),
        ("1h1h", "no end that is known"),
        ("1.5h", "no end that is known"),
        ("25:00", "no end that is known"),
        ("9:0", "no end that is known"),
        ("fri 9", "no end that is known"),
        ("2026-11-24", "no end that is known"),
        ("\u{1b}[2J", "no end that is known"),
    ] {
        let refused = parse(text).expect_err(text);
        assert!(refused.contains(word), "{text}: {refused}");
        assert!(!refused.contains('\u{1b}'), "{refused:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_typed_an_end_lies_ahead_and_not_too_far(
        now in 0_i64..4_000_000_000,
        text in "(until |for )?([0-9]{1,4}[smhdw]|(mon|sat|today|tomorrow)? ?[0-2]?[0-9]:[0-5][0-9]|work|.{0,12})",
    ) {
        for zone in ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"] {
            let zone = TimeZone::get(zone).unwrap();
            let now = Timestamp::from_second(now).unwrap();
            let until = Until { now, zone: &zone, work_days: &WORKDAYS, work_start: Time::midnight() };
            if let Ok(end) = until.parse(&text) {
                prop_assert!(end > now && end.duration_since(now) <= LONGEST, "{}: {}", text, end);
            }
        }
    }
}
