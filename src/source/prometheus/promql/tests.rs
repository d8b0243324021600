//! PromQL read and written.

use super::*;

#[test]
fn a_selector_is_counted_and_an_expression_is_filled() {
    let window = "5m";
    assert_eq!(
        over(r#"http{code=~"5.."}"#, window),
        r#"sum(increase(http{code=~"5.."}[5m]))"#
    );
    assert_eq!(over("sum(rate(x[$window]))", window), "sum(rate(x[5m]))");
}

#[test]
fn batches_are_neither_too_many_nor_too_long() {
    let lengths = |texts: &[usize]| -> Vec<usize> {
        let cut = batches(texts.iter().copied(), 3, |&length| length);
        cut.iter().map(Vec::len).collect()
    };
    assert_eq!(lengths(&[10; 7]), [3, 3, 1]);
    assert_eq!(lengths(&[5_000, 5_000, 5_000]), [2, 1]);
    // What is too long by itself is still asked, by itself.
    assert_eq!(lengths(&[10, 50_000, 10]), [1, 1, 1]);
    assert!(lengths(&[]).is_empty());
}

#[test]
fn events_are_counted_by_selectors_and_increases_not_by_rates() {
    assert!(counts_events(r#"http{code="500"}"#));
    assert!(counts_events("sum(increase(http[$window]))"));
    assert!(counts_events(
        "sum(count_over_time(up[$window])) - sum(sum_over_time(up[$window]))"
    ));
    assert!(!counts_events("sum(rate(http[$window]))"));
    assert!(!counts_events("avg_over_time(up[$window])"));
    assert!(!counts_events("((([$window]"));
}

#[test]
fn a_joined_query_parses_and_tags_each_part() {
    let query = joined(["sum(increase(a[5m]))", "1 + 1"].into_iter());
    assert!(parser::parse(&query).is_ok(), "{query}");
    assert!(query.contains(r#""watchfire", "1""#) && query.contains("vector(1 + 1)"));
}

#[test]
fn a_rule_of_sloth_is_taken_apart_and_stretched() {
    let rule = r#"
        (sum(rate(http_requests_total{job="a",code=~"(5..|429)"}[5m])))
        /
        (sum(rate(http_requests_total{job="a"}[5m])))"#;
    let (bad, total) = quotient(rule).unwrap();
    assert_eq!(
        with_range(&bad, Window::days(30)),
        r#"(sum(rate(http_requests_total{code=~"(5..|429)",job="a"}[30d])))"#
    );
    assert_eq!(
        with_range(&total, Window::minutes(64)),
        r#"(sum(rate(http_requests_total{job="a"}[1h4m])))"#
    );
    assert!(quotient("sum_over_time(a[5m])").is_none());
    assert!(quotient("((((").is_none());
}

#[test]
fn a_burn_rate_of_pyrra_is_asked_of_its_recorded_increases() {
    let ratio = r#"sum(rate(http_requests_total{code=~"5..",job="a"}[5m])) / sum(rate(http_requests_total{job="a"}[5m]))"#;
    let (bad, total) = quotient(ratio).unwrap();
    assert_eq!(
        over_recorded_period(&bad, "4w", "errors"),
        r#"sum(http_requests:increase4w{code=~"5..",job="a",slo="errors"})"#
    );
    assert_eq!(
        over_recorded_period(&total, "4w", "errors"),
        r#"sum(http_requests:increase4w{job="a",slo="errors"})"#
    );
    let latency = r#"(sum(rate(h_count{job="a"}[5m])) - sum(rate(h_bucket{job="a",le="1"}[5m]))) / sum(rate(h_count{job="a"}[5m]))"#;
    let (bad, _) = quotient(latency).unwrap();
    assert_eq!(
        over_recorded_period(&bad, "4w", "slow"),
        r#"(sum(h:increase4w{job="a",le="",slo="slow"}) - sum(h:increase4w{job="a",le="1",slo="slow"}))"#
    );
    let gauge = r"(sum(count_over_time(up[5m])) - sum(sum_over_time(up[5m]))) / sum(count_over_time(up[5m]))";
    let (bad, _) = quotient(gauge).unwrap();
    assert_eq!(
        over_recorded_period(&bad, "2w", "up"),
        r#"(sum(up:count2w{slo="up"}) - sum(up:sum2w{slo="up"}))"#
    );
}

#[test]
fn a_constant_is_told_from_a_measurement() {
    assert_eq!(constant("vector(0.999)"), Some(0.999));
    assert_eq!(constant("vector(time())"), None);
    assert_eq!(constant("up"), None);
}

#[test]
fn the_thresholds_of_a_pyrra_alert_name_window_factor_and_objective() {
    let alert = r#"http_requests:burnrate5m{slo="a"} > (14 * (1 - 0.99)) and http_requests:burnrate1h{slo="a"} > (14 * (1 - 0.99))"#;
    let found = thresholds(alert);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].record, "http_requests:burnrate5m");
    assert_eq!((found[1].factor, found[1].objective), (14.0, 0.99));
    assert!(thresholds("up == 0").is_empty());
}

#[test]
fn a_whole_number_in_le_or_quantile_is_matched_however_it_is_spelled() {
    for (query, sent) in [
        (
            r#"x_bucket{le="1",a="1"}"#,
            r#"x_bucket{le=~"1|1\\.0",a="1"}"#,
        ),
        (r"x{le = '10.0'}", r#"x{le =~"10|10\\.0"}"#),
        (r#"x{quantile="0"}"#, r#"x{quantile=~"0|0\\.0"}"#),
        (
            r#"x{le="2500000"}"#,
            r#"x{le=~"2500000|2500000\\.0|2\\.5e\\+06"}"#,
        ),
        // Neither a fraction nor an infinity, no other label, no regular expression, no text.
        (r#"x{le="0.25"}"#, r#"x{le="0.25"}"#),
        (r#"x{le="+Inf"}"#, r#"x{le="+Inf"}"#),
        (r#"x{le=""}"#, r#"x{le=""}"#),
        (
            r#"x{le!="1",le=~"1",handle="1"}"#,
            r#"x{le!="1",le=~"1",handle="1"}"#,
        ),
        (
            r#"label_replace(x, "le", "1", "", "") # le="1""#,
            r#"label_replace(x, "le", "1", "", "") # le="1""#,
        ),
        (r#"x{a="le=\"1\""}"#, r#"x{a="le=\"1\""}"#),
    ] {
        assert_eq!(whichever_spelling(query), sent);
    }
}

proptest::proptest! {
    #[test]
    fn the_pieces_of_a_text_are_the_text(text in "[a-z={}\"'`\\\\!~# \nü]{0,40}") {
        let whole: String = pieces(&text).iter().map(|piece| piece.text).collect();
        proptest::prop_assert_eq!(whole, text);
    }
}
