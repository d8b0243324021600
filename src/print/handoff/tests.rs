//! Markdown that says what was known, and that no title can bend.

use jiff::SignedDuration;

use super::words::{length, link, some, text};
use super::*;
use crate::domain::Clock;
use crate::domain::{Facts, Freshness, Incident, Me, SourceName};
use crate::insight::handoff::{Shift, Witness};
use crate::text::Untrusted;

fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

/// The hand-over of a source that said this, eight hours to 14:00.
fn handoff(facts: &Facts, freshness: Freshness, last_success: Option<&str>) -> Handoff {
    let name = SourceName::new("am");
    let topics = Topics {
        slos: false,
        releases: false,
        incidents: true,
    };
    Handoff::of(&Shift {
        since: at("2026-11-22T06:00:00Z"),
        until: at("2026-11-22T14:00:00Z"),
        me: &Me::default(),
        witnesses: vec![Witness {
            name: &name,
            freshness,
            last_success: last_success.map(at),
            fault: None,
            facts,
            topics,
        }],
        events: &[],
        frozen: &[],
        blind: &[],
        balances: &[],
        onsets: &[],
        suspicions: &[],
        last: None,
    })
}

fn written(handoff: &Handoff, zone: &TimeZone) -> String {
    let mut out = Vec::new();
    markdown(&mut out, handoff, zone).expect("Markdown");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn foreign_text_is_text_and_nothing_else() {
    for (raw, want) in [
        ("checkout burns", "checkout burns"),
        ("a | b", r"a \| b"),
        ("`rm -rf`", r"\`rm -rf\`"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y>"),
        (
            "[free](https://evil.example)",
            r"\[free\](`https://evil.example`)",
        ),
        (
            "ask @mara or mara@acme.example",
            "ask `@mara` or `mara@acme.example`",
        ),
        (
            "see https://evil.example now",
            "see `https://evil.example` now",
        ),
        (
            "see WWW.evil.example, or not",
            "see `WWW.evil.example`, or not",
        ),
        ("like #12 or !7", "like `#12` or `!7`"),
        ("a`@b (@c)", "`a'@b` (`@c`)"),
        ("run javascript:alert(1)", "run `javascript:alert`(1)"),
        ("![x](y)", r"!\[x\](y)"),
        ("*b* _i_ ~s~", r"\*b\* \_i\_ \~s\~"),
        ("&lt; $x$ \\", r"\&lt; \$x\$ \\"),
        ("one\n# two", r"one⏎\# two"),
        ("\u{1b}[31mred\u{202e}", "⟦esc⟧red‹U+202E›"),
    ] {
        assert_eq!(text(&raw.into()), want, "{raw}");
    }
}

#[test]
fn only_a_plain_address_of_the_web_is_a_link() {
    let linked = |url: &str| link("open", Some(&Untrusted::from(url)));
    assert_eq!(
        linked("https://pd.example/i/1?a=b&c=d").as_deref(),
        Some("[open](<https://pd.example/i/1?a=b&c=d>)")
    );
    for url in [
        "",
        "javascript:alert(1)",
        "ftp://a",
        "https://a b",
        "https://a>b",
        "https://a\n",
        "https://ä.example",
    ] {
        assert_eq!(linked(url), None, "{url}");
    }
    let long = format!("https://prometheus.example/graph?{}", "x".repeat(300));
    assert_eq!(linked(&long), None);
}

#[test]
fn an_empty_list_is_none_only_where_it_is_known_to_be() {
    let none = Facts {
        incidents: Some(Vec::new()),
        ..Facts::default()
    };
    let live = handoff(&none, Freshness::Live, Some("2026-11-22T13:59:57Z"));
    let live = written(&live, &TimeZone::UTC);
    assert!(live.contains("no incident open; no SLO known"), "{live}");
    assert!(live.contains("## Still open (0)\n\nNone.\n"), "{live}");
    assert!(live.contains("last answers: am 3s before."), "{live}");
    assert!(
        live.contains("## Releases (0)\n\nNo source tells of any.\n"),
        "{live}"
    );

    let stale = handoff(&none, Freshness::Stale, Some("2026-11-22T11:02:10Z"));
    let stale = written(&stale, &TimeZone::UTC);
    for want in [
        "no incident known to be open",
        "am **STALE**, 11:02 (2h 57m before)",
        "None, as far as is known. **Not known** of am since 11:02: there may be more.",
    ] {
        assert!(stale.contains(want), "no {want} in {stale}");
    }

    let never = handoff(&Facts::default(), Freshness::Down, None);
    let never = written(&never, &TimeZone::UTC);
    for want in [
        "am **never**",
        "**Not known** of am at all",
        "since 06:00, and it goes on (8h): nobody watched",
        "**blind** to am for 8h",
    ] {
        assert!(never.contains(want), "no {want} in {never}");
    }
}

#[test]
fn no_title_begins_a_block_of_its_own() {
    let hostile = "# stop\n- [x] <b>all</b> `ok`";
    let facts = Facts {
        incidents: Some(vec![Incident::new(
            "1",
            hostile,
            Severity::Page,
            IncidentStatus::Triggered,
        )]),
        ..Facts::default()
    };
    let handoff = handoff(&facts, Freshness::Live, Some("2026-11-22T14:00:00Z"));
    let text = written(&handoff, &TimeZone::UTC);
    let line = text.lines().find(|line| line.contains("stop")).expect("it");
    assert!(
        line.starts_with(r"- **page** \# stop⏎- \[x\] \<b>all\</b> \`ok\`; open, nobody says"),
        "{line}"
    );
}

#[test]
fn times_are_those_of_the_zone_and_dated_when_they_are_not_of_today() {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let clock = Clock {
        zone: &zone,
        now: at("2026-11-22T23:30:00Z"),
    };
    assert_eq!(clock.short(at("2026-11-22T23:10:00Z")), "00:10");
    assert_eq!(clock.short(at("2026-11-22T22:59:00Z")), "Nov 22 23:59");
    let period = |since, until| clock.period(at(since), at(until));
    assert_eq!(
        period("2026-11-22T06:00:00Z", "2026-11-22T14:00:00Z"),
        "2026-11-22 07:00 to 15:00 CET (8h)"
    );
    assert_eq!(
        period("2026-10-24T22:00:00Z", "2026-10-25T06:30:00Z"),
        "2026-10-25 00:00 CEST to 07:30 CET (8h 30m)"
    );
    assert_eq!(
        period("2026-11-21T20:00:00Z", "2026-11-22T04:00:00Z"),
        "2026-11-21 21:00 to 2026-11-22 05:00 CET (8h)"
    );
    for (seconds, want) in [
        (45, "45s"),
        (4_800, "1h 20m"),
        (28_800, "8h"),
        (259_200, "3d"),
    ] {
        assert_eq!(length(SignedDuration::from_secs(seconds)), want);
    }
    let words = || ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(some(words(), 3), "a, b, c");
    assert_eq!(some(words(), 1), "a and 2 more");
}
