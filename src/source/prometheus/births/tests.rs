//! What an SLO counts, taken apart, and the queries for the first values of its series.

use promql_parser::parser;
use promql_parser::parser::value::ValueType;

use super::*;
use crate::config::Part;
use crate::source::prometheus::planner::Sent;

fn recipe(part: Part, total: &str) -> Option<Recipe> {
    Recipe::of(&Ratio {
        part,
        total: total.to_owned(),
        counts: true,
    })
}

fn bad(query: &str) -> Option<Recipe> {
    recipe(Part::Bad(query.to_owned()), "sum(increase(a[5m]))")
}

#[test]
fn sums_of_increases_are_taken_apart_with_what_they_are_multiplied_by() {
    let hour = Window::hours(1);
    for (query, factors) in [
        ("sum(increase(a{code=~\"5..\"}[5m]))", &[10.0][..]),
        (
            "sum(increase(a[5m])) + (sum(increase(b[5m])))",
            &[10.0, 10.0],
        ),
        (
            "sum(increase(a[5m])) - sum(increase(b[5m]))",
            &[10.0, -10.0],
        ),
        ("2 * sum(increase(a[5m])) / 4", &[5.0]),
        ("sum(rate(a[5m])) * 3600", &[10.0]),
        ("sum(increase(a[5m])) or vector(0)", &[10.0]),
        (
            "(sum(increase(a[5m]))) or (sum(increase(b[5m]))) * 0",
            &[10.0],
        ),
        ("sum by (x) (increase(a[5m]))", &[10.0]),
        ("sum(max without (replica) (increase(a[5m])))", &[10.0]),
    ] {
        let recipe = bad(query).unwrap_or_else(|| panic!("{query}"));
        let found: Vec<_> = recipe
            .part
            .iter()
            .map(|term| term.in_unit(10.0, hour))
            .collect();
        assert_eq!(found, factors, "{query}");
    }
    for query in [
        "sum(increase(a[5m] offset 1m))",
        "sum(increase(a[5m] @ 5))",
        "max(increase(a[5m]))",
        "sum(count_over_time(a[5m]))",
        "sum(increase(a[5m])) * sum(increase(b[5m]))",
        "sum(increase(a[5m])) or sum(increase(b[5m]))",
        "sum(increase(a[5m])) / 0",
        "vector(1)",
        "no query (",
    ] {
        assert_eq!(bad(query), None, "{query}");
    }
}

#[test]
fn every_query_for_first_values_is_promql_and_one_vector() {
    let total = "sum by (x) (increase(a{s=\"1\"}[5m])) + sum by (x) (increase(c{s=\"1\"}[5m]))";
    let part = "sum by (x) (increase(a{s=\"1\",code=~\"5..\",le=\"0.5\"}[5m]))";
    for part in [Part::Bad(part.to_owned()), Part::Good(part.to_owned())] {
        let recipe = recipe(part, total).unwrap();
        for term in recipe.part.iter().chain(&recipe.total) {
            let exact = recipe.certain(term, Window::days(30)).unwrap();
            assert!(exact.contains("ignoring(code,le)"), "{exact}");
            let queries = [
                exact,
                Recipe::most(term, Window::hours(1)),
                Recipe::most_of_living(term, Window::days(1)),
            ];
            for query in queries {
                let read = parser::parse(&query).unwrap_or_else(|why| panic!("{query}: {why}"));
                assert_eq!(read.value_type(), ValueType::Vector, "{query}");
            }
        }
        // Where good events are counted, a series of any event may be a bad one.
        let suspects = recipe.suspects().count();
        assert_eq!(suspects, if recipe.is_good { 2 } else { 1 });
    }
}

#[test]
fn very_many_slos_of_one_shape_are_one_question() {
    let queries: Vec<_> = (0..500)
        .flat_map(|number| {
            let total = format!("sum(increase(a{{s=\"{number}\"}}[5m]))");
            let part = format!("sum(increase(a{{code=~\"5..\",s=\"{number}\"}}[5m]))");
            let recipe = recipe(Part::Bad(part), &total).unwrap();
            let term = recipe.suspects().next().unwrap().clone();
            [
                Recipe::most(&term, HOUR),
                Recipe::most_of_living(&term, DAY),
            ]
        })
        .collect();
    let questions: Vec<_> = queries
        .iter()
        .map(|query| Question { query, class: 0 })
        .collect();
    let sent: Vec<Sent> = Planner::default().plan(&questions, EXPRESSIONS);
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[test]
fn windows_are_looked_at_as_a_whole_where_there_are_few_slos() {
    for (window, looked) in [
        (Window::minutes(5), HOUR),
        (Window::minutes(64), HOUR),
        (Window::hours(2), DAY),
        (Window::days(1), DAY),
        (Window::days(3), Window::days(3)),
    ] {
        assert_eq!(looked_at(window, DAY, false), looked);
        assert_eq!(looked_at(window, DAY, true), window);
    }
    let hours = Window::hours;
    assert_eq!(looked_at(hours(2), hours(6), false), hours(6));
}

#[test]
fn new_series_are_looked_for_no_further_back_than_there_is_data() {
    let hours = SignedDuration::from_hours;
    let month = Window::days(30);
    assert_eq!(
        super::subject::within_data(month, hours(30 * 24)),
        Some(Window::days(28))
    );
    assert_eq!(
        super::subject::within_data(month, hours(15 * 24)),
        Some(Window::days(14))
    );
    assert_eq!(
        super::subject::within_data(Window::days(1), hours(3)),
        Some(Window::hours(2))
    );
    assert_eq!(
        super::subject::within_data(month, SignedDuration::from_mins(7)),
        Some(Window::minutes(5))
    );
    assert_eq!(
        super::subject::within_data(month, SignedDuration::from_mins(5)),
        None
    );
}
