//! Three-valued logic, limits, scopes, calendars and their words.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const ALL: [Truth; 3] = [Truth::No, Truth::Unknown, Truth::Yes];

#[test]
fn conjunction_disjunction_and_negation_are_those_of_kleene() {
    use Truth::{No, Unknown, Yes};
    for (one, other, and, or) in [
        (No, No, No, No),
        (No, Unknown, No, Unknown),
        (No, Yes, No, Yes),
        (Unknown, Unknown, Unknown, Unknown),
        (Unknown, Yes, Unknown, Yes),
        (Yes, Yes, Yes, Yes),
    ] {
        for pair in [[one, other], [other, one]] {
            assert_eq!((Truth::all(pair), Truth::any(pair)), (and, or));
        }
    }
    for one in ALL {
        assert_eq!(one.negated().negated(), one);
        for other in ALL {
            let negated = [one.negated(), other.negated()];
            assert_eq!(Truth::all([one, other]).negated(), Truth::any(negated));
        }
    }
}

proptest! {
    #[test]
    fn a_limit_is_known_to_hold_where_every_number_in_between_keeps_it(
        one in -2.0..2.0_f64,
        other in -2.0..2.0_f64,
        share in 0.0..=1.0_f64,
        limit in -2.0..2.0_f64,
    ) {
        let (least, most) = (one.min(other), one.max(other));
        let between = least + (most - least) * share;
        for bound in [Bound::Below(limit), Bound::Above(limit), Bound::AtMost(limit)] {
            let exact = bound.holds(between, between);
            let known = bound.holds(least, most);
            prop_assert_ne!(exact, Truth::Unknown);
            prop_assert!(known == Truth::Unknown || known == exact);
        }
    }
}

#[test]
fn equal_is_neither_above_nor_below() {
    for value in [0.0, 0.1, 0.25, 0.1 + 0.2 - 0.3] {
        assert_eq!(Bound::Below(value).holds(value, value), Truth::No);
        assert_eq!(Bound::Above(value).holds(value, value), Truth::No);
        assert_eq!(Bound::AtMost(value).holds(value, value), Truth::Yes);
    }
}

#[test]
fn a_scope_covers_what_all_of_its_lists_name() {
    let names = |list: &[&str]| list.iter().map(|name| NamePattern::new(name)).collect();
    let production = Production::default();
    let subject = |service, team, tier, environment| Subject {
        service,
        team,
        tier,
        environment,
        production: &production,
    };
    let checkout = |environment| subject("checkout-api", Some("shop"), Some(1), environment);
    let any = PolicyScope::default();
    assert!(any.covers(checkout(None)) && any.covers(subject("x", None, None, Some("test"))));
    let scope = PolicyScope {
        services: names(&["checkout*"]),
        teams: names(&["shop"]),
        tiers: vec![1, 2],
        environments: names(&["production"]),
    };
    for (covered, subject) in [
        (true, checkout(None)),
        (true, checkout(Some("production"))),
        // The names of production mean the same.
        (true, checkout(Some("prod"))),
        (false, checkout(Some("staging"))),
        (false, subject("cart", Some("shop"), Some(1), None)),
        (false, subject("checkout", Some("other"), Some(1), None)),
        (false, subject("checkout", None, Some(1), None)),
        (false, subject("checkout", Some("shop"), Some(3), None)),
        (false, subject("checkout", Some("shop"), None, None)),
    ] {
        assert_eq!(scope.covers(subject), covered, "{subject:?}");
    }
    let staging = PolicyScope {
        environments: names(&["stag*"]),
        ..PolicyScope::default()
    };
    assert!(!staging.covers(checkout(None)) && staging.covers(checkout(Some("staging"))));
    let regional = PolicyScope {
        environments: names(&["prod-eu"]),
        ..PolicyScope::default()
    };
    // Production is said, or nothing is: it may be there.
    assert!(regional.covers(checkout(None)) && !regional.covers(checkout(Some("prod-us"))));
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_week_goes_by_the_clocks_of_its_zone() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let calendar = |text| Calendar {
        weekly: Some(Weekly::parse(text).unwrap()),
        dates: Vec::new(),
        zone: berlin.clone(),
    };
    let weekend = calendar("fri 16:00..mon 08:00");
    for (moment, holds) in [
        ("2026-11-27T14:59:59Z", false),
        ("2026-11-27T15:00:00Z", true),
        ("2026-11-29T12:00:00Z", true),
        ("2026-11-30T06:59:59Z", true),
        ("2026-11-30T07:00:00Z", false),
        // Summer time: 16:00 is 14:00 UTC.
        ("2026-07-03T14:00:00Z", true),
        ("2026-07-03T13:59:59Z", false),
    ] {
        assert_eq!(weekend.holds(at(moment)), holds, "{moment}");
    }
    let ends = weekend.ends_after(at("2026-11-28T00:00:00Z"));
    assert_eq!(ends, Some(at("2026-11-30T07:00:00Z")));
    assert_eq!(weekend.ends_after(at("2026-11-26T00:00:00Z")), None);
    // Whole days, the last one included.
    let days = calendar("sat..sun");
    assert!(days.holds(at("2026-11-28T00:00:00Z")) && days.holds(at("2026-11-29T22:59:00Z")));
    assert!(!days.holds(at("2026-11-29T23:00:00Z")));
    let within = calendar("tue 09:00..tue 17:00");
    assert!(within.holds(at("2026-12-01T08:00:00Z")) && !within.holds(at("2026-12-01T16:00:00Z")));
    for wrong in [
        "",
        "fri",
        "fri 16:00",
        "fri 25:00..mon",
        "mon 08:00..mon 08:00",
        "x..y",
    ] {
        assert!(Weekly::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn days_are_those_of_the_zone_and_the_last_is_one_of_them() {
    let calendar = |text, zone: &str| Calendar {
        weekly: None,
        dates: vec![Dates::parse(text).unwrap()],
        zone: TimeZone::get(zone).unwrap(),
    };
    let holidays = calendar("2026-12-20..2027-01-03", "Europe/Berlin");
    for (moment, holds) in [
        ("2026-12-19T22:59:59Z", false),
        ("2026-12-19T23:00:00Z", true),
        ("2027-01-03T22:59:59Z", true),
        ("2027-01-03T23:00:00Z", false),
    ] {
        assert_eq!(holidays.holds(at(moment)), holds, "{moment}");
    }
    let end = holidays.ends_after(at("2026-12-24T12:00:00Z"));
    assert_eq!(end, Some(at("2027-01-03T23:00:00Z")));
    // The day on which clocks are set forward has 23 hours.
    let short = calendar("2026-03-29", "Europe/Berlin");
    assert!(short.holds(at("2026-03-28T23:00:00Z")) && !short.holds(at("2026-03-29T22:00:00Z")));
    for wrong in ["", "2026-13-01", "2027-01-03..2026-12-20", "2026-12-20.."] {
        assert!(Dates::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn conditions_are_said_in_words() {
    let left = |bound| Condition::BudgetRemaining {
        bound,
        slo: None,
        over: None,
    };
    for (condition, words) in [
        (left(Bound::Above(0.25)), "budget above 25 %"),
        (left(Bound::AtMost(0.0)), "budget spent"),
        (
            Condition::All(vec![
                left(Bound::Above(0.25)),
                Condition::State(vec![State::Ok]),
            ]),
            "budget above 25 % and state ok",
        ),
        (
            Condition::Not(Box::new(Condition::Any(vec![
                Condition::FrozenDependency,
                Condition::RunningRelease,
            ]))),
            "not (dependency frozen or release running)",
        ),
        (
            Condition::BudgetSpent {
                above: 0.2,
                by: Some(Cause::Incident),
                over: Some(Window::days(28)),
            },
            "more than 20 % of the budget over 28d spent by one incident",
        ),
    ] {
        assert_eq!(condition.to_string(), words);
    }
    for (ratio, words) in [
        (-0.04, "-4 %"),
        (0.0, "0 %"),
        (0.0025, "0.25 %"),
        (1.0, "100 %"),
        (0.071, "7.1 %"),
        (-1e-12, "0 %"),
    ] {
        assert_eq!(percent(ratio), words);
    }
}
