//! Where a walk through pages goes, and where it ends.

use serde_json::json;

use super::*;

fn paging(how: How) -> Paging {
    Paging {
        how,
        pages: 5,
        in_body: false,
        total: None,
    }
}

fn page(items: usize, fresh: usize) -> Page {
    Page {
        items: Some(items),
        emitted: items,
        fresh,
        ..Page::default()
    }
}

fn by_cursor(cursor: Option<Value>) -> Page {
    Page {
        cursor,
        ..page(2, 2)
    }
}

fn cursor(parameter: Option<&str>) -> Paging {
    paging(How::Cursor {
        program: Sandboxed::check(".next").unwrap(),
        parameter: parameter.map(str::to_owned),
    })
}

fn with(name: &str, value: impl Into<Value>) -> Turn {
    Turn::On(Step::With(vec![(name.to_owned(), value.into())]))
}

#[test]
fn without_paging_there_is_one_page() {
    let single = Paging::default();
    let mut walk = Walk::new(&single);
    assert_eq!(walk.first(), Step::With(Vec::new()));
    let turn = walk.after(&page(2, 2), Some("/next"));
    assert!(matches!(turn, Turn::Done(End::Whole(_))), "{turn:?}");
}

#[test]
fn a_cursor_is_a_parameter_or_an_address() {
    let named = cursor(Some("after"));
    let mut walk = Walk::new(&named);
    walk.first();
    assert_eq!(
        walk.after(&by_cursor(Some(json!("a/b"))), None),
        with("after", "a/b")
    );
    assert_eq!(
        walk.after(&by_cursor(Some(json!("/x"))), None),
        with("after", "/x")
    );
    assert_eq!(
        walk.after(&by_cursor(Some(json!(7))), None),
        with("after", 7)
    );
    let address = "https://h/next?x=1";
    let turn = walk.after(&by_cursor(Some(json!(address))), None);
    assert_eq!(turn, Turn::On(Step::Address(address.to_owned())));

    let bare = cursor(None);
    let mut walk = Walk::new(&bare);
    walk.first();
    let turn = walk.after(&by_cursor(Some(json!("/next"))), None);
    assert_eq!(turn, Turn::On(Step::Address("/next".to_owned())));
    assert!(matches!(
        walk.after(&by_cursor(None), None),
        Turn::Done(End::Whole("the last one has no cursor"))
    ));
}

#[test]
fn a_page_that_was_there_before_ends_the_walk() {
    let named = cursor(Some("after"));
    let mut walk = Walk::new(&named);
    walk.first();
    let circle = ["a", "b", "a"].map(|cursor| by_cursor(Some(json!(cursor))));
    assert!(matches!(walk.after(&circle[0], None), Turn::On(_)));
    assert!(matches!(walk.after(&circle[1], None), Turn::On(_)));
    assert_eq!(walk.after(&circle[2], None), Turn::Done(End::Repeated));
    assert_eq!(walk.read, 3);

    let linked = paging(How::Link);
    let mut walk = Walk::new(&linked);
    walk.first();
    assert!(matches!(walk.after(&page(1, 1), Some("/2")), Turn::On(_)));
    assert_eq!(
        walk.after(&page(1, 1), Some("/2")),
        Turn::Done(End::Repeated)
    );
}

#[test]
fn counted_pages_end_where_nothing_new_comes() {
    let counted = || How::Page {
        parameter: "page".to_owned(),
        first: 1,
    };
    let plan = paging(counted());
    let mut walk = Walk::new(&plan);
    assert_eq!(
        walk.first(),
        Step::With(vec![("page".to_owned(), json!(1))])
    );
    assert!(!walk.may_be_past_the_end());
    assert_eq!(walk.after(&page(2, 2), None), with("page", 2));
    assert!(walk.may_be_past_the_end());
    // The programs took nothing of it, but the next page may have what they want.
    let unwanted = Page {
        emitted: 0,
        ..page(2, 0)
    };
    assert_eq!(walk.after(&unwanted, None), with("page", 3));
    for last in [page(0, 0), page(2, 0)] {
        let mut walk = Walk::new(&plan);
        walk.first();
        assert!(
            matches!(walk.after(&last, None), Turn::Done(End::Whole(_))),
            "{last:?}"
        );
    }
    // An answer that lists nothing: what the programs emit is all that is known.
    let opaque = Page {
        items: None,
        emitted: 0,
        ..Page::default()
    };
    let mut walk = Walk::new(&plan);
    walk.first();
    assert!(matches!(
        walk.after(&opaque, None),
        Turn::Done(End::Whole(_))
    ));
}

#[test]
fn counted_rows_end_at_the_total_that_the_server_tells() {
    let plan = paging(How::Offset {
        parameter: "start".to_owned(),
        limit: 50,
        limit_parameter: "size".to_owned(),
    });
    let mut walk = Walk::new(&plan);
    let step = |start: u64| {
        let size = ("size".to_owned(), json!(50));
        Step::With(vec![size, ("start".to_owned(), json!(start))])
    };
    assert_eq!(walk.first(), step(0));
    let of = |total| Page {
        total: Some(total),
        ..page(50, 50)
    };
    assert_eq!(walk.after(&of(120), None), Turn::On(step(50)));
    assert_eq!(walk.after(&of(120), None), Turn::On(step(100)));
    assert!(matches!(
        walk.after(&of(120), None),
        Turn::Done(End::Whole(_))
    ));
}

#[test]
fn enough_is_enough() {
    let linked = paging(How::Link);
    let mut walk = Walk::new(&linked);
    walk.first();
    for number in 1..5 {
        let link = format!("/{number}");
        assert!(matches!(walk.after(&page(1, 1), Some(&link)), Turn::On(_)));
    }
    assert_eq!(walk.after(&page(1, 1), Some("/5")), Turn::Done(End::Capped));

    let mut walk = Walk::new(&linked);
    walk.first();
    let full = Page {
        is_full: true,
        ..page(1, 1)
    };
    assert_eq!(walk.after(&full, Some("/1")), Turn::Done(End::Full));
}

#[test]
fn a_parameter_is_put_where_the_body_has_it() {
    let mut body = json!({"query": "q", "variables": {"n": 5}});
    put(&mut body, "variables.after", &json!("c"));
    put(&mut body, "page", &json!(2));
    assert_eq!(
        body,
        json!({"query": "q", "variables": {"n": 5, "after": "c"}, "page": 2})
    );
    let mut none = Value::Null;
    put(&mut none, "a.b", &json!(1));
    assert_eq!(none, json!({"a": {"b": 1}}));
}
