//! Parts of what is counted, asked with it.

use std::cell::Cell;
use std::future::ready;

use jiff::Timestamp;
use promql_parser::parser::{Expr, LabelModifier};
use proptest::prelude::*;

use crate::domain::{Fault, FaultKind};
use crate::source::prometheus::api::{Answered, Labels, Series};
use crate::source::prometheus::planner::{Answers, Planner, Question};
use crate::source::prometheus::promql;

/// A server with series of `x`.
#[derive(Default)]
struct Small {
    /// Values of `s` and `code`, and the value of each.
    series: Vec<(String, String, f64)>,
    /// The most rows that it answers with.
    most: usize,
    sent: Cell<usize>,
}

impl Small {
    /// With the codes of each `s`, by turns, counted from 1.
    fn of(codes: &[&str], count: usize) -> Self {
        let series = (0..count).map(|index| {
            let service = format!("s{}", index / codes.len());
            let code = codes[index % codes.len()].to_owned();
            (
                service,
                code,
                f64::from(u32::try_from(index).unwrap()) + 1.0,
            )
        });
        Self {
            series: series.collect(),
            most: usize::MAX,
            sent: Cell::new(0),
        }
    }

    fn answer(&self, query: &str) -> Result<Answered<Vec<Series>>, Fault> {
        self.sent.set(self.sent.get() + 1);
        let mut rows = Vec::new();
        self.evaluate(&promql_parser::parser::parse(query).unwrap(), &mut rows);
        if rows.len() > self.most {
            return Err(Fault::new(FaultKind::TooLarge, "too many rows"));
        }
        Ok(Answered {
            data: rows,
            warnings: Vec::new(),
            partial: false,
        })
    }

    /// Adds the rows of `label_replace(sum by (…) (x{…}), …) or …`, or of a single sum.
    fn evaluate(&self, expr: &Expr, rows: &mut Vec<Series>) {
        match expr {
            Expr::Binary(or) => {
                self.evaluate(&or.lhs, rows);
                self.evaluate(&or.rhs, rows);
            }
            Expr::Call(call) => {
                let Expr::StringLiteral(tag) = &*call.args.args[2] else {
                    panic!("{expr}");
                };
                let first = rows.len();
                self.evaluate(&call.args.args[0], rows);
                for row in &mut rows[first..] {
                    row.labels = row.labels.with([(promql::TAG, &*tag.val)]);
                }
            }
            Expr::Aggregate(sum) => {
                let by = match &sum.modifier {
                    Some(LabelModifier::Include(labels)) => labels.labels.clone(),
                    _ => Vec::new(),
                };
                rows.extend(self.sums(&sum.expr, &by));
            }
            _ => panic!("{expr}"),
        }
    }

    fn sums(&self, selector: &Expr, by: &[String]) -> Vec<Series> {
        let Expr::VectorSelector(selector) = selector else {
            panic!("{selector}");
        };
        let mut sums: Vec<Series> = Vec::new();
        for (service, code, value) in &self.series {
            let label = |name: &str| if name == "s" { service } else { code };
            let matchers = &selector.matchers.matchers;
            if !matchers.iter().all(|one| one.is_match(label(&one.name))) {
                continue;
            }
            let labels = by.iter().map(|name| (&**name, &**label(name)));
            let labels: Labels = labels.filter(|(_, value)| !value.is_empty()).collect();
            match sums.iter_mut().find(|sum| sum.labels == labels) {
                Some(sum) => sum.value += value,
                None => sums.push(Series::new("", labels, *value)),
            }
        }
        sums
    }
}

fn questions(queries: &[String], class: u64) -> Vec<Question<'_>> {
    let queries = queries.iter();
    queries.map(|query| Question { query, class }).collect()
}

fn asked(small: &Small, planner: &mut Planner, queries: &[String], class: u64) -> Answers<Series> {
    let at = Timestamp::from_second(1_000_000).unwrap();
    let questions = questions(queries, class);
    let asking = planner.ask(&questions, 50, at, |query| ready(small.answer(&query)));
    futures_util::FutureExt::now_or_never(asking)
        .expect("nothing waits")
        .expect("an answer")
}

fn planned(queries: &[&str]) -> String {
    let queries: Vec<_> = queries.iter().map(|&query| query.to_owned()).collect();
    let sent = Planner::default().plan(&questions(&queries, 0), 50);
    let sent: Vec<_> = sent.into_iter().map(|sent| sent.query).collect();
    sent.join("\n")
}

/// For each of some services all that is counted, and what failed.
fn pairs(services: usize) -> Vec<String> {
    let each = (0..services)
        .flat_map(|one| ["", ",code=~\"5..\""].map(|code| format!("sum(x{{s=\"s{one}\"{code}}})")));
    each.collect()
}

#[test]
fn what_is_a_part_of_another_is_read_with_it() {
    let whole = r#"sum by (s, code) (increase(x{s=~"a|b"}[5m]))"#;
    for part in [
        r#"code=~"5..",s="@""#,
        r#"s="@",code!~"2..|3..""#,
        r#"code="500",s="@""#,
    ] {
        let of = |one: &str| format!("sum(increase(x{{{}}}[5m]))", part.replace('@', one));
        let asked = planned(&[
            &of("a"),
            r#"sum(increase(x{s="a"}[5m]))"#,
            r#"sum(increase(x{s="b"}[5m]))"#,
            &of("b"),
        ]);
        assert_eq!(asked, whole);
    }
}

#[test]
fn what_is_no_part_of_another_is_asked_by_itself() {
    for (part, whole) in [
        // Another metric, window, label, function, or a whole that is no sum.
        (r#"sum(y{s="@",code="5"})"#, r#"sum(x{s="@"})"#),
        (
            r#"sum(rate(x{s="@",code="5"}[5m]))"#,
            r#"sum(rate(x{s="@"}[6m]))"#,
        ),
        (r#"sum(x{s="@",code="5"})"#, r#"sum(x{s="@",pod="1"})"#),
        (r#"max(x{s="@",code="5"})"#, r#"max(x{s="@"})"#),
        (r#"sum(x{s="@",code="5"}) * 2"#, r#"sum(x{s="@"}) * 2"#),
        (
            r#"sum(max by (s) (x{s="@",code="5"}))"#,
            r#"sum(max by (s) (x{s="@"}))"#,
        ),
        // Two labels more.
        (r#"sum(x{s="@",code="5",pod="1"})"#, r#"sum(x{s="@"})"#),
        // A label that is asked for.
        (
            r#"sum by (code) (x{s="@",code="5"})"#,
            r#"sum by (code) (x{s="@"})"#,
        ),
    ] {
        let queries = [part, whole].map(|query| ["a", "b"].map(|one| query.replace('@', one)));
        let queries: Vec<_> = queries.iter().flatten().map(String::as_str).collect();
        let asked = planned(&queries);
        assert_eq!(asked.matches("\"watchfire\"").count(), 2, "{asked}");
    }
}

#[test]
fn a_label_with_many_values_is_asked_apart_from_the_next_time_on() {
    let many: Vec<_> = (0..40).map(|code| (200 + code).to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let small = Small::of(&many, 400);
    let queries = pairs(10);
    let mut planner = Planner::default();
    // Forty rows a service are too many for what is cheap to read, and not for what is dear.
    let rows = |planner: &mut Planner, class| {
        let sent = planner.plan(&questions(&queries, class), 50);
        sent.iter()
            .filter(|one| one.query.contains("(s, code)"))
            .count()
    };
    for class in [0, 3_600] {
        assert_eq!(rows(&mut planner, class), 1);
        let answers = asked(&small, &mut planner, &queries, class);
        assert!((0..20).all(|one| answers.get(one).is_ok_and(|all| all.len() <= 1)));
    }
    assert_eq!((rows(&mut planner, 0), rows(&mut planner, 3_600)), (0, 0));
    let small = Small::of(&many[..20], 200);
    let mut planner = Planner::default();
    for class in [0, 3_600] {
        asked(&small, &mut planner, &queries, class);
    }
    assert_eq!((rows(&mut planner, 0), rows(&mut planner, 3_600)), (0, 1));
}

#[test]
fn rows_that_are_too_many_to_be_read_are_asked_apart_at_once() {
    let small = Small {
        most: 20,
        ..Small::of(&["200", "201", "500"], 30)
    };
    let queries = pairs(10);
    let mut planner = Planner::default();
    for sent in [3, 1] {
        small.sent.set(0);
        let answers = asked(&small, &mut planner, &queries, 0);
        assert_eq!(small.sent.get(), sent);
        for (question, expected) in [(0, 6.0), (1, 3.0), (18, 87.0), (19, 30.0)] {
            let series = answers.get(question).expect("an answer");
            assert_eq!(
                series.iter().map(|one| one.value).collect::<Vec<_>>(),
                [expected]
            );
        }
    }
}

proptest! {
    /// Whatever there is, each question gets the answer it would get by itself.
    #[test]
    fn nested_answers_are_the_answers_one_by_one(
        series in proptest::collection::btree_map(("s[0-4]", "(|[2-5]0[0-2])"), 0_u32..100, 0..30),
        parts in proptest::sample::subsequence(
            vec![r#"code=~"5..""#, r#"code!~"5..""#, r#"code="200""#, r#"code="""#, r#"code!="404""#], 0..4),
        most in 1_usize..200,
    ) {
        let series = series.into_iter().map(|((s, code), value)| (s, code, f64::from(value)));
        let small = Small { series: series.collect(), most: usize::MAX, sent: Cell::new(0) };
        let mut queries = Vec::new();
        for s in 0..5 {
            queries.push(format!("sum(x{{s=\"s{s}\"}})"));
            queries.extend(parts.iter().map(|part| format!("sum(x{{s=\"s{s}\",{part}}})")));
        }
        // By itself each has a row at most.
        let small = Small { most: most.max(queries.len()), ..small };
        let mut planner = Planner::default();
        let answers = asked(&small, &mut planner, &queries, 0);
        for (index, query) in queries.iter().enumerate() {
            let Ok(Expr::Aggregate(sum)) = promql_parser::parser::parse(query) else {
                panic!("{query}");
            };
            prop_assert_eq!(answers.get(index).expect("an answer"), &small.sums(&sum.expr, &[])[..], "{}", query);
        }
    }
}
