//! What the kit promises to every kind, without a server.

use jiff::{SignedDuration, Timestamp};

use super::cached::{Cached, CachedOnCall};
use super::pages::{self, End, Limits, Next, Page, Pager, Total};
use crate::domain::{Fault, FaultKind, OnCall};

/// A list whose pages are written down; a page that is not there fails.
struct Script {
    pages: Vec<(Vec<&'static str>, Option<Next>)>,
    read: usize,
    total: Option<Total>,
}

impl Pager for Script {
    type Row = &'static str;

    async fn page(&mut self, _next: Option<&Next>) -> Result<Page<&'static str>, Fault> {
        let page = self.pages.get(self.read).cloned();
        let (rows, next) = page.ok_or_else(|| Fault::new(FaultKind::Server, "down"))?;
        self.read += 1;
        let row = |id: &'static str| (id.to_owned(), Some(id).filter(|id| !id.starts_with('?')));
        Ok(Page {
            rows: rows.into_iter().map(row).collect(),
            total: self.total,
            next: Ok(next),
        })
    }
}

fn link(address: &str) -> Next {
    Next::Link(address.to_owned())
}

async fn read(
    pages: Vec<(Vec<&'static str>, Option<Next>)>,
    rows: usize,
    total: Option<usize>,
) -> Result<(Vec<&'static str>, End, Vec<String>), Fault> {
    let total = total.map(Total::Exactly);
    let mut script = Script {
        pages,
        read: 0,
        total,
    };
    let limits = Limits {
        rows,
        pages: 10,
        deadline: None,
    };
    let found = pages::read(&mut script, &limits, |page| page.contains(&"last")).await?;
    let warnings = found.warnings("rows", "there are more");
    let warnings = warnings
        .iter()
        .map(|words| words.raw().to_owned())
        .collect();
    Ok((found.rows, found.end, warnings))
}

#[tokio::test]
async fn a_list_ends_where_it_says_so_and_has_each_row_once() {
    let pages = vec![
        (vec!["a", "b", "?c"], Some(link("2"))),
        (vec!["b", "d"], Some(link("3"))),
        (vec!["last", "e"], Some(link("4"))),
    ];
    let (rows, end, warnings) = read(pages, 100, None).await.unwrap();
    assert_eq!(rows, ["a", "b", "d", "last", "e"]);
    assert!(matches!(end, End::Whole), "{end:?}");
    assert_eq!(warnings, ["1 of 6 rows could not be read"]);
}

#[tokio::test]
async fn what_ends_a_list_early_is_said_with_what_is_missing() {
    let circle = || vec![(vec!["a"], Some(link("2"))), (vec!["b"], Some(link("2")))];
    let cursor = |name: &str| Some(Next::Cursor(name.to_owned()));
    for (pages, cap, total, want) in [
        (circle(), 9, Some(5), "2 of 5 rows loaded"),
        (circle(), 9, None, "2 rows loaded, and there are more"),
        (circle(), 1, Some(5), "1 of 5 rows loaded"),
        (
            vec![(vec!["a"], cursor("x")), (vec![], cursor("x"))],
            9,
            None,
            "1 rows loaded, and there are more: the same cursor came again",
        ),
        (
            vec![
                (vec!["a"], Some(Next::Offset(1))),
                (vec!["a"], Some(Next::Offset(2))),
            ],
            9,
            None,
            "1 rows loaded, and there are more: the same page came again",
        ),
    ] {
        let (_, _, warnings) = read(pages, cap, total).await.unwrap();
        assert_eq!(warnings, [want]);
    }
}

#[tokio::test]
async fn the_first_page_fails_the_list_and_a_later_one_ends_it() {
    assert_eq!(
        read(vec![], 9, None).await.unwrap_err().kind,
        FaultKind::Server
    );
    let (rows, end, warnings) = read(vec![(vec!["a"], Some(link("2")))], 9, None)
        .await
        .unwrap();
    assert_eq!((rows, warnings), (vec!["a"], vec![]));
    assert!(matches!(end, End::Failed(_)), "{end:?}");
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_cached_answer_stays_while_requests_fail_and_says_so() {
    let (noon, good_for) = (
        moment("2026-11-22T12:00:00Z"),
        SignedDuration::from_mins(15),
    );
    let mut cached: Cached<u8> = Cached::default();
    let down = || Err(Fault::new(FaultKind::Server, "down"));
    assert!(cached.is_due(noon));
    assert!(cached.take(down(), noon, good_for).is_err());
    cached.take(Ok((7, vec![])), noon, good_for).unwrap();
    assert!(!cached.is_due(noon + SignedDuration::from_secs(899)));
    let later = noon + good_for;
    assert!(cached.is_due(later));
    cached.take(down(), later, good_for).unwrap();
    assert_eq!((cached.value, cached.warnings[0].raw()), (Some(7), "down"));
    assert!(
        cached.is_due(later),
        "it is requested again with the next poll"
    );
}

#[test]
fn who_is_on_call_is_good_until_a_shift_changes_and_for_five_minutes_at_most() {
    let noon = moment("2026-11-22T12:00:00Z");
    for (until, seconds) in [("2026-11-22T12:02:00Z", 120), ("2026-11-23T12:00:00Z", 300)] {
        let mut cached = CachedOnCall::default();
        let row = OnCall {
            until: Some(moment(until)),
            ..OnCall::default()
        };
        cached.take_on_call(Ok((vec![row], vec![])), noon).unwrap();
        let due = noon + SignedDuration::from_secs(seconds);
        assert!(
            !cached.is_due(due - SignedDuration::from_secs(1)),
            "{until}"
        );
        assert!(cached.is_due(due), "{until}");
    }
    let mut cached = CachedOnCall::default();
    let withheld = Err(Fault::new(FaultKind::Forbidden, "not allowed"));
    cached.take_on_call(withheld, noon).unwrap();
    assert_eq!(cached.value, Some(None));
    assert_eq!(cached.warnings[0].raw(), "who is on call: not allowed");
}
