//! Questions packed and answers told apart.

use std::cell::{Cell, RefCell};
use std::future::ready;

use proptest::prelude::*;

use super::*;

fn questions(queries: &[String]) -> Vec<Question<'_>> {
    let queries = queries.iter();
    queries.map(|query| Question { query, class: 0 }).collect()
}

fn planned(queries: &[&str]) -> Vec<String> {
    let queries: Vec<_> = queries.iter().map(|&query| query.to_owned()).collect();
    let sent = Planner::default().plan(&questions(&queries), 50);
    sent.into_iter().map(|sent| sent.query).collect()
}

/// What a pair of queries that differ by one value is asked as; empty when they are not merged.
fn merged(query: &str) -> String {
    let pair = [query.replace('@', "a"), query.replace('@', "b")];
    let sent = planned(&[&pair[0], &pair[1]]);
    assert_eq!(sent.len(), 1, "{sent:?}");
    if sent[0].contains(" or label_replace(") {
        return String::new();
    }
    sent[0].clone()
}

#[test]
fn questions_that_differ_in_a_value_are_asked_as_one() {
    for (query, asked) in [
        (
            r#"sum(increase(x{s="@",code=~"5.."}[5m]))"#,
            r#"sum by (s) (increase(x{code=~"5..",s=~"a|b"}[5m]))"#,
        ),
        (
            r#"(1 - avg by (job) (x{s="@"})) * 2"#,
            r#"(1 - avg by (job, s) (x{s=~"a|b"})) * 2"#,
        ),
        (
            r#"sum(count_over_time(x{s="@"}[1h])) - sum(sum_over_time(x{s="@"}[1h]))"#,
            r#"sum by (s) (count_over_time(x{s=~"a|b"}[1h])) - sum by (s) (sum_over_time(x{s=~"a|b"}[1h]))"#,
        ),
        (
            r#"histogram_fraction(-Inf, 0.25, sum(increase(h{s='@'}[1h]))) * histogram_count(sum(increase(h{s="@"}[1h])))"#,
            r#"histogram_fraction(-Inf, 0.25, sum by (s) (increase(h{s=~"a|b"}[1h]))) * histogram_count(sum by (s) (increase(h{s=~"a|b"}[1h])))"#,
        ),
        (
            r#"sum(count_over_time(((sum(rate(x{s="@"}[5m])) / sum(rate(y{s="@"}[5m]))) >= 0)[1h:5m]))"#,
            r#"sum by (s) (count_over_time(((sum by (s) (rate(x{s=~"a|b"}[5m])) / sum by (s) (rate(y{s=~"a|b"}[5m]))) >= 0)[1h:5m]))"#,
        ),
        (
            r#"((sum(x{s="@"})) or (sum(y{s="@"})) * 0) / (sum(y{s="@"}))"#,
            r#"((sum by (s) (x{s=~"a|b"})) or (sum by (s) (y{s=~"a|b"})) * 0) / (sum by (s) (y{s=~"a|b"}))"#,
        ),
        (
            r#"histogram_quantile(0.9, sum by (le) (rate(x{s="@"}[5m]))) > bool 0.5"#,
            r#"histogram_quantile(0.9, sum by (le, s) (rate(x{s=~"a|b"}[5m]))) > bool 0.5"#,
        ),
    ] {
        assert_eq!(merged(query), asked, "{query}");
    }
}

#[test]
fn questions_that_one_answer_could_not_tell_apart_are_not_merged() {
    for query in [
        // Not aggregated, or aggregated in a way that drops or mixes.
        r#"rate(x{s="@"}[5m])"#,
        r#"sum without (s) (x{s="@"})"#,
        r#"topk(1, x{s="@"})"#,
        r#"count_values("v", x{s="@"})"#,
        r#"absent(x{s="@"})"#,
        r#"scalar(sum(x{s="@"}))"#,
        r#"sum(label_replace(x{s="@"}, "s", "z", "", ""))"#,
        // A part that selects something else, or that has other labels.
        r#"sum(x{s="@"}) / sum(y)"#,
        r#"sum(x{s="@"}) or vector(0)"#,
        r#"sum(x{s="@"}) / on() sum(y{s="@"})"#,
        r#"sum(x{s="@"} / ignoring(s) y{s="@"})"#,
        r#"sum by (j) (x{s="@"}) / sum(y{s="@"})"#,
        r#"sum(x{s="@"} * sum(y{s="@"}))"#,
        // The label is told more than once, or not by `=`.
        r#"sum(x{s="@",s="c"})"#,
        r#"sum(x{s=~"@"})"#,
        r#"sum(x{s!="@"})"#,
        r#"sum(x{__name__="@"})"#,
        r#"sum(x{s="@"}) / sum(y{s="c"})"#,
        // A string that servers may read in another way.
        r#"sum(x{s="@\xff"})"#,
        "((sum(x{s=\"@\"})",
    ] {
        assert_eq!(merged(query), "", "{query}");
    }
    // An empty value selects series without the label: no answer carries it.
    let asked = planned(&[r#"sum(x{s=""})"#, r#"sum(x{s="a"})"#, r#"sum(x{s="b"})"#]);
    assert!(asked[0].contains(r#"sum(x{s=""})"#) && asked[0].contains(r#"s=~"a|b""#));
    // Another offset, window or constant is another shape.
    let other = planned(&[
        r#"sum(x{s="a"})"#,
        r#"sum(x{s="b"} offset 5m)"#,
        r#"sum(x{s="c"} @ 5)"#,
        r#"sum(x{s="d"}) * 2"#,
    ]);
    assert!(!other[0].contains("=~"), "{other:?}");
}

#[test]
fn values_are_matched_as_they_are_whatever_they_hold() {
    let hostile = r#"sum(x{s="a.b|c\\d\"e\n*+?()[]{}^$ü#"})"#;
    let asked = planned(&[hostile, r#"sum(x{s='plain"'})"#]);
    let expected = r#"s=~"a\\.b\\|c\\\\d\"e\n\\*\\+\\?\\(\\)\\[\\]\\{\\}\\^\\$ü#|plain\"""#;
    assert!(asked[0].contains(expected), "{}", asked[0]);
}

#[test]
fn a_question_of_several_is_asked_once_and_classes_go_apart() {
    let query = "sum(x)".to_owned();
    let twice = [query.clone(), query.clone(), "sum(y)".to_owned()];
    let sent = Planner::default().plan(&questions(&twice), 50);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].query.matches("sum(x)").count(), 1);
    assert_eq!(sent[0].serves, [0, 1, 2]);
    let classes = [7, 3].map(|class| Question {
        query: if class == 7 { "sum(x)" } else { "sum(y)" },
        class,
    });
    let sent = Planner::default().plan(&classes, 50);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].serves, [1], "the lower class goes first");
}

#[test]
fn a_thousand_slos_of_one_shape_are_few_queries() {
    let queries: Vec<String> = (0..1_000)
        .flat_map(|slo| {
            ["", ",code=~\"5..\""].map(|code| {
                format!(
                    "sum(increase(http_requests_total{{service=\"service-{slo:04}\"{code}}}[5m]))"
                )
            })
        })
        .collect();
    let sent = Planner::default().plan(&questions(&queries), 50);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].serves.len(), 2_000);
    assert!(sent[0].query.len() <= LONGEST, "{}", sent[0].query.len());
}

/// A server that knows `sum(x{s="…"})`: the value is the length of the label's.
struct Tiny {
    /// Values of `s` that have a series.
    known: Vec<String>,
    longest: usize,
    /// A value that spoils every query that holds it, and how.
    poison: Option<(String, FaultKind)>,
    sent: Cell<usize>,
    refusals: RefCell<Vec<usize>>,
}

impl Tiny {
    fn answer(&self, query: &str) -> Result<Answered<Vec<Series>>, Fault> {
        self.sent.set(self.sent.get() + 1);
        let refuse = |kind, message: &str| {
            self.refusals.borrow_mut().push(query.len());
            Err(Fault::new(kind, message))
        };
        if query.len() > self.longest {
            return refuse(FaultKind::Query, "refused the query: too long query");
        }
        let parsed = promql_parser::parser::parse(query).expect("PromQL");
        let mut data = Vec::new();
        let mut poisoned = None;
        evaluate(&parsed, &mut |tag, matcher, is_grouped| {
            let poison = self.poison.as_ref();
            let poison = poison.filter(|(value, _)| matcher.is_match(value));
            poisoned = poisoned.or(poison.map(|(_, kind)| *kind));
            for value in self.known.iter().filter(|value| matcher.is_match(value)) {
                let mut labels = Labels::from([(promql::TAG, tag)]);
                if is_grouped {
                    labels = labels.with([("s", &**value)]);
                }
                let length = f64::from(u32::try_from(value.len()).unwrap());
                data.push(Series::new("", labels, length));
            }
        });
        if let Some(kind) = poisoned {
            return refuse(kind, "refused the query: poison");
        }
        Ok(Answered {
            data,
            warnings: Vec::new(),
            partial: false,
        })
    }
}

type Seen<'a> = &'a mut dyn FnMut(&str, &promql_parser::label::Matcher, bool);

/// Walks `label_replace(sum(x{s…}), …) or …`, or a single sum.
fn evaluate(expr: &promql_parser::parser::Expr, seen: Seen<'_>) {
    use promql_parser::parser::Expr;
    match expr {
        Expr::Binary(binary) => {
            evaluate(&binary.lhs, seen);
            evaluate(&binary.rhs, seen);
        }
        Expr::Call(call) => {
            let Expr::StringLiteral(tag) = &*call.args.args[2] else {
                panic!("{expr}");
            };
            evaluate(&call.args.args[0], &mut |_, matcher, is_grouped| {
                seen(&tag.val, matcher, is_grouped);
            });
        }
        Expr::Aggregate(sum) => {
            let Expr::VectorSelector(selector) = &*sum.expr else {
                panic!("{expr}");
            };
            seen("", &selector.matchers.matchers[0], sum.modifier.is_some());
        }
        _ => panic!("{expr}"),
    }
}

fn asked(tiny: &Tiny, planner: &mut Planner, queries: &[String]) -> Answers<Series> {
    let at = Timestamp::from_second(1_000_000).unwrap();
    let questions = questions(queries);
    let asking = planner.ask(&questions, 50, at, |query| ready(tiny.answer(&query)));
    futures_util::FutureExt::now_or_never(asking)
        .expect("nothing waits")
        .expect("an answer")
}

fn query(value: &str) -> String {
    let value = promql_parser::util::escape_string(value);
    format!("sum(x{{s=\"{value}\"}})")
}

fn tiny(known: Vec<String>) -> Tiny {
    Tiny {
        known,
        longest: usize::MAX,
        poison: None,
        sent: Cell::new(0),
        refusals: RefCell::default(),
    }
}

proptest! {
    /// Whatever the values are, each question gets the answer it would get by itself.
    #[test]
    fn planned_answers_are_the_answers_one_by_one(
        values in proptest::collection::btree_set("[a-c.|*+()\\[\\]{}^$\\\\\"'`\n#üλ ]{0,6}", 1..40),
        known in proptest::collection::vec(any::<bool>(), 40),
        longest in 150_usize..2_000,
    ) {
        let values: Vec<_> = values.into_iter().collect();
        let present = values.iter().zip(&known).filter(|(value, known)| **known && !value.is_empty());
        let tiny = Tiny { longest: longest.max(SHORTEST), ..tiny(present.map(|(value, _)| value.clone()).collect()) };
        let queries: Vec<_> = values.iter().map(|value| query(value)).collect();
        let mut planner = Planner::default();
        let answers = asked(&tiny, &mut planner, &queries);
        for (index, value) in values.iter().enumerate() {
            let expected: Vec<_> = tiny.known.iter().filter(|known| *known == value).map(String::len).collect();
            let series = answers.get(index).expect("an answer");
            prop_assert_eq!(series.len(), expected.len(), "{:?}", value);
            for (series, expected) in series.iter().zip(expected) {
                prop_assert!(series.labels.is_empty(), "{:?}", series);
                prop_assert_eq!(series.value.to_bits(), f64::from(u32::try_from(expected).unwrap()).to_bits());
            }
        }
    }
}

#[test]
fn a_question_that_spoils_its_query_is_found_and_left_alone_for_a_while() {
    let values: Vec<_> = (0..64).map(|index| format!("v{index}")).collect();
    for kind in [FaultKind::Query, FaultKind::TooLarge] {
        let tiny = Tiny {
            poison: Some(("v17".to_owned(), kind)),
            ..tiny(values.clone())
        };
        let queries: Vec<_> = values.iter().map(|value| query(value)).collect();
        let mut planner = Planner::default();
        let answers = asked(&tiny, &mut planner, &queries);
        for index in 0..64 {
            let fault = answers.get(index).err().map(|fault| fault.kind);
            assert_eq!(fault, (index == 17).then_some(kind));
        }
        assert_eq!(tiny.sent.get(), 13, "halved six times");
        let answers = asked(&tiny, &mut planner, &queries);
        assert!(answers.get(17).is_err() && answers.get(18).is_ok());
        assert_eq!(tiny.sent.get(), 14, "and then not asked again at once");
    }
}

#[test]
fn the_length_that_a_server_takes_is_learned() {
    let values: Vec<_> = (0..4_000)
        .map(|index| format!("service-{index:05}"))
        .collect();
    let tiny = Tiny {
        longest: 16_384,
        ..tiny(values.clone())
    };
    let queries: Vec<_> = values.iter().map(|value| query(value)).collect();
    let mut planner = Planner::default();
    let answers = asked(&tiny, &mut planner, &queries);
    assert!((0..4_000).all(|index| answers.get(index).is_ok_and(|series| series.len() == 1)));
    assert_eq!(tiny.refusals.borrow().len(), 3, "56 kB, and 28 kB twice");
    let (sent, refused) = (tiny.sent.get(), tiny.refusals.borrow().len());
    asked(&tiny, &mut planner, &queries);
    assert_eq!(tiny.refusals.borrow().len(), refused);
    assert!(tiny.sent.get() - sent <= 5, "{}", tiny.sent.get() - sent);
}

#[test]
fn a_server_that_falls_silent_leaves_unanswered_what_it_did_not_answer() {
    let queries: Vec<_> = (0..40).map(|index| format!("sum(x{index})")).collect();
    let questions: Vec<_> = queries
        .iter()
        .zip(0..)
        .map(|(query, class)| Question { query, class })
        .collect();
    let at = Timestamp::from_second(1_000_000).unwrap();
    let sent = Cell::new(0);
    let asking = async |good: usize| {
        sent.set(0);
        let mut planner = Planner::default();
        planner
            .ask::<Series, _>(&questions, 50, at, |_| {
                sent.set(sent.get() + 1);
                ready(if sent.get() <= good {
                    Ok(Answered {
                        data: Vec::new(),
                        warnings: Vec::new(),
                        partial: false,
                    })
                } else {
                    Err(Fault::new(FaultKind::Timeout, "no answer"))
                })
            })
            .await
    };
    let run = |good| futures_util::FutureExt::now_or_never(asking(good)).expect("nothing waits");
    assert_eq!(
        run(0).err().map(|fault| fault.kind),
        Some(FaultKind::Timeout)
    );
    let some = run(3).unwrap();
    assert!((0..3).all(|index| some.get(index).is_ok()));
    assert!((3..40).all(|index| some.get(index).is_err()));
    assert_eq!(
        some.broken.map(|fault| fault.kind),
        Some(FaultKind::Timeout)
    );
    assert!(sent.get() < 40, "a silent server is not asked on and on");
}

#[test]
fn a_shape_whose_answer_holds_far_too_much_is_asked_more_narrowly() {
    let queries: Vec<_> = (0..40)
        .map(|index| format!("sum(x{{s=\"v{index}\",t=\"t{index}\"}})"))
        .collect();
    let mut planner = Planner::default();
    assert_eq!(planner.plan(&questions(&queries), 50).len(), 1);
    let at = Timestamp::from_second(1_000_000).unwrap();
    let all = questions(&queries);
    let asking = planner.ask(&all, 50, at, |_| {
        let pairs = (0..40).flat_map(|s| (0..40).map(move |t| (s, t)));
        let data = pairs.map(|(s, t)| {
            let (one, other) = (format!("v{s}"), format!("t{t}"));
            let labels = [("s", &*one), ("t", &*other), (promql::TAG, "0")];
            Series::new("", labels.into(), f64::from(s))
        });
        ready(Ok(Answered {
            data: data.collect(),
            warnings: Vec::new(),
            partial: false,
        }))
    });
    let answers = futures_util::FutureExt::now_or_never(asking)
        .unwrap()
        .unwrap();
    assert!((0..40).all(|index| answers.get(index).is_ok_and(|series| series.len() == 1)));
    let sent = planner.plan(&questions(&queries), 50);
    assert!(!sent[0].query.contains("=~"), "{}", sent[0].query);
}
