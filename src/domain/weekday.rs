//! The days of the week by the words for them.

use jiff::civil::Weekday;

/// Every day: by three letters, and in full.
const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

/// The days by three letters, from Monday on.
pub const SHORT: [&str; 7] = [
    DAYS[0].0, DAYS[1].0, DAYS[2].0, DAYS[3].0, DAYS[4].0, DAYS[5].0, DAYS[6].0,
];

/// A day by its three letters or in full, in lower case.
pub fn named(word: &str) -> Option<Weekday> {
    let mut days = DAYS.iter();
    let found = days.find(|(short, long, _)| *short == word || *long == word);
    found.map(|(_, _, day)| *day)
}

/// A day by its three letters alone, in lower case.
pub fn short(word: &str) -> Option<Weekday> {
    let is_short = SHORT.contains(&word);
    named(word).filter(|_| is_short)
}
