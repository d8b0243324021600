//! Published shapes of burn-rate alerts, and what is read from them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{AlertSlo, BurnAlerts, Lack, read};
use crate::config::{Part, Sli};
use crate::domain::{Severity, SourceName};
use crate::source::alert::{self, LabelNames};
use crate::source::prometheus::api::RuleGroups;
use crate::source::severity::{Severities, UnknownSeverities};

type Labels<'a> = &'a [(&'a str, &'a str)];

fn rule(kind: &str, name: &str, query: &str, labels: Labels<'_>) -> serde_json::Value {
    let labels: BTreeMap<_, _> = labels.iter().copied().collect();
    json!({"type": kind, "name": name, "query": query, "labels": labels})
}

fn alert(name: &str, query: &str, labels: Labels<'_>) -> serde_json::Value {
    rule("alerting", name, query, labels)
}

fn record(name: &str, query: &str, labels: Labels<'_>) -> serde_json::Value {
    rule("recording", name, query, labels)
}

fn found(rules: &[serde_json::Value]) -> BurnAlerts {
    let groups: RuleGroups =
        serde_json::from_value(json!({"groups": [{"rules": rules}]})).expect("rules");
    let names = LabelNames {
        service: alert::service_labels(),
        severity: alert::severity_labels(),
        severities: Severities::default(),
    };
    let source = SourceName::new("prom");
    read(&groups, &names, &source, &mut UnknownSeverities::default())
}

fn one(rules: &[serde_json::Value]) -> AlertSlo {
    let found = found(rules);
    assert_eq!(found.unread, [], "{found:#?}");
    let [slo] = found.slos.try_into().expect("one SLO");
    slo
}

/// `99.9% 30d page 1h/5m 14.4, …`
fn promise(slo: &AlertSlo) -> String {
    let rules = slo.settings.rules.iter().map(|rule| {
        let (severity, long, short) = (rule.severity.word(), rule.long, rule.short);
        format!("{severity} {long}/{short} {}", rule.factor)
    });
    let objective = crate::domain::slo::rounded(slo.settings.objective * 100.0);
    let rules = rules.collect::<Vec<_>>().join(", ");
    format!("{objective}% {} {rules}", slo.settings.period)
}

fn events(slo: &AlertSlo) -> (&str, &str, &str) {
    match &slo.settings.sli {
        Sli::Events { part, total } => match part {
            Part::Bad(bad) => ("bad", bad, total),
            Part::Good(good) => ("good", good, total),
        },
        Sli::Ratio {
            query,
            success: true,
        } => ("success", query, ""),
        Sli::Ratio {
            query,
            success: false,
        } => ("error", query, ""),
        other => panic!("{other:?}"),
    }
}

const BAD: &str = r#"sum(increase(http_requests_total{code=~"5..",job="api"}[$window]))"#;
const TOTAL: &str = r#"sum(increase(http_requests_total{job="api"}[$window]))"#;

fn ratio(window: &str) -> String {
    format!(
        r#"sum(rate(http_requests_total{{job="api",code=~"5.."}}[{window}])) / sum(rate(http_requests_total{{job="api"}}[{window}]))"#
    )
}

#[test]
fn plain_rates_are_read() {
    let query = format!(
        "({}) > (14.4 * 0.001) and ({}) > (14.4 * 0.001)",
        ratio("1h"),
        ratio("5m")
    );
    let slow = format!(
        "{} > 3 * (1 - 0.999)\nand\n{} > 3 * (1 - 0.999)",
        ratio("1d"),
        ratio("2h")
    );
    let slo = one(&[
        alert("ApiErrorBudgetBurnFast", &query, &[("severity", "page")]),
        alert("ApiErrorBudgetBurnSlow", &slow, &[("severity", "ticket")]),
    ]);
    assert_eq!(promise(&slo), "99.9% 30d page 1h/5m 14.4, ticket 1d/2h 3");
    assert_eq!(events(&slo), ("bad", BAD, TOTAL));
    let (service, name) = (&slo.settings.service, &slo.settings.name);
    assert_eq!(
        (service.as_str(), name.as_str()),
        ("api", "ApiErrorBudgetBurn")
    );
}

#[test]
fn the_label_service_of_the_alert_names_the_service() {
    let query = format!(
        "{} > 14.4 * 0.01 and {} > 14.4 * 0.01",
        ratio("1h"),
        ratio("5m")
    );
    let labels = &[
        ("severity", "critical"),
        ("service", "checkout"),
        ("slo", "availability"),
    ];
    let slo = one(&[alert("Burn", &query, labels)]);
    let (service, name) = (&slo.settings.service, &slo.settings.name);
    assert_eq!(
        (service.as_str(), name.as_str()),
        ("checkout", "availability")
    );
    assert_eq!(promise(&slo), "99% 30d page 1h/5m 14.4");
}

#[test]
fn the_workbooks_recorded_ratios_are_read_with_or_without_their_rules() {
    let recorded =
        |window: &str| format!(r#"job:slo_errors_per_request:ratio_rate{window}{{job="api"}}"#);
    let both = |long: &str, short: &str, factor: f64| {
        format!(
            "({} > ({factor}*0.001) and {} > ({factor}*0.001))",
            recorded(long),
            recorded(short)
        )
    };
    let query = format!("{} or {}", both("1h", "5m", 14.4), both("6h", "30m", 6.0));
    let page = alert("ErrorBudgetBurn", &query, &[("severity", "page")]);
    let alone = one(std::slice::from_ref(&page));
    assert_eq!(promise(&alone), "99.9% 30d page 1h/5m 14.4, page 6h/30m 6");
    assert_eq!(alone.settings.service, "api");
    let windows: Vec<_> = alone.recorded.keys().map(ToString::to_string).collect();
    assert_eq!(windows, ["5m", "30m", "1h", "6h"]);
    let mean = r#"avg_over_time(job:slo_errors_per_request:ratio_rate5m{job="api"}[$window])"#;
    assert_eq!(events(&alone), ("error", mean, ""));

    let mut rules = vec![page];
    for window in ["5m", "30m", "1h", "6h"] {
        let query = format!(
            r#"sum by (job) (rate(http_requests_total{{code=~"5.."}}[{window}])) / sum by (job) (rate(http_requests_total[{window}]))"#
        );
        let name = format!("job:slo_errors_per_request:ratio_rate{window}");
        rules.push(record(&name, &query, &[]));
    }
    let resolved = one(&rules);
    assert_eq!(promise(&resolved), promise(&alone));
    assert_eq!(events(&resolved), ("bad", BAD, TOTAL));
    assert!(resolved.recorded.is_empty() && resolved.settings.by.is_empty());
}

#[test]
fn a_grouped_ratio_is_an_slo_of_each_group() {
    let ratio = |window: &str| {
        format!(
            "sum by (service, region) (rate(errors_total[{window}])) / sum by (service, region) (rate(requests_total[{window}]))"
        )
    };
    let query = format!(
        "{} > 14.4*0.001 and {} > 14.4*0.001",
        ratio("1h"),
        ratio("5m")
    );
    let slo = one(&[alert("Burn", &query, &[("severity", "page")])]);
    assert_eq!(slo.settings.by, ["region", "service"]);
    assert_eq!(slo.service_label.as_deref(), Some("service"));
    let total = "sum(increase(requests_total[$window]))";
    assert_eq!(
        events(&slo),
        ("bad", "sum(increase(errors_total[$window]))", total)
    );
}

#[test]
fn good_over_all_is_read_in_its_many_forms() {
    let good = |window: &str| {
        format!(
            "sum(sum_over_time(probe_success[{window}])) / sum(count_over_time(probe_success[{window}]))"
        )
    };
    let (long, short) = (good("1h"), good("5m"));
    for query in [
        format!("1 - ({long}) > (14.4 * (1 - 0.983)) and 1 - ({short}) > (14.4 * (1 - 0.983))"),
        format!("{long} < 1 - 14.4 * (1 - 0.983) and {short} < 1 - 14.4 * (1 - 0.983)"),
        format!("1 - 14.4 * 0.017 > {long} and 1 - 14.4 * 0.017 > {short}"),
        format!("100 * ({long}) < 100 - 14.4 * 1.7 and 100 * ({short}) < 100 - 14.4 * 1.7"),
        format!("(1 - {long}) / (1 - 0.983) > 14.4 and (1 - {short}) / (1 - 0.983) > 14.4"),
        format!("100 - 100 * {long} > 14.4 * 1.7 and 100 - 100 * {short} > 14.4 * 1.7"),
    ] {
        let slo = one(&[alert(
            "probe-ErrorBudgetBurn",
            &query,
            &[("severity", "critical")],
        )]);
        assert_eq!(promise(&slo), "98.3% 30d page 1h/5m 14.4", "{query}");
        let good = "sum(sum_over_time(probe_success[$window]))";
        let total = "sum(count_over_time(probe_success[$window]))";
        assert_eq!(events(&slo), ("good", good, total), "{query}");
        assert_eq!(slo.settings.service, "probe_success");
    }
}

#[test]
fn further_conditions_are_no_part_of_the_slo_and_are_noted() {
    let part = |window: &str, least: u32| {
        format!(
            "1 - (sum by (probe_url) (sum_over_time(probe_success[{window}])) / sum by (probe_url) (count_over_time(probe_success[{window}]))) > (14.4 * (1 - 0.9995)) and sum by (probe_url) (count_over_time(probe_success[{window}])) > {least}"
        )
    };
    let query = format!("{} and {}", part("5m", 5), part("1h", 30));
    let slo = one(&[alert(
        "kas-monitor-ErrorBudgetBurn",
        &query,
        &[("severity", "critical")],
    )]);
    assert_eq!(promise(&slo), "99.95% 30d page 1h/5m 14.4");
    assert_eq!(slo.settings.by, ["probe_url"]);
    assert!(
        slo.notes
            .iter()
            .any(|note| note.contains("further conditions")),
        "{:?}",
        slo.notes
    );
}

#[test]
fn a_sum_of_recorded_ratios_is_read_from_its_records() {
    let mut rules = Vec::new();
    for window in ["5m", "1h", "30m", "6h"] {
        for (verb, verbs) in [("read", "LIST|GET"), ("write", "POST|PUT")] {
            let query = format!(
                r#"((sum by (cluster) (rate(slow_count{{job="kube-apiserver",verb=~"{verbs}"}}[{window}])) - (sum by (cluster) (rate(slow_bucket{{job="kube-apiserver",verb=~"{verbs}",le="1"}}[{window}])) or vector(0))) + sum by (cluster) (rate(apiserver_request_total{{job="kube-apiserver",verb=~"{verbs}",code=~"5.."}}[{window}]))) / sum by (cluster) (rate(apiserver_request_total{{job="kube-apiserver",verb=~"{verbs}"}}[{window}]))"#
            );
            rules.push(record(
                &format!("apiserver_request:burnrate{window}"),
                &query,
                &[("verb", verb)],
            ));
        }
    }
    for (long, short, factor) in [("1h", "5m", "14.40"), ("6h", "30m", "6.00")] {
        let query = format!(
            "sum by (cluster) (apiserver_request:burnrate{long}) > ({factor} * 0.01000) and on (cluster) sum by (cluster) (apiserver_request:burnrate{short}) > ({factor} * 0.01000)"
        );
        rules.push(alert(
            "KubeAPIErrorBudgetBurn",
            &query,
            &[("severity", "critical"), ("long", long), ("short", short)],
        ));
    }
    let slo = one(&rules);
    assert_eq!(promise(&slo), "99% 30d page 1h/5m 14.4, page 6h/30m 6");
    assert_eq!(slo.settings.service, "kube-apiserver");
    let (kind, query, _) = events(&slo);
    assert!(
        kind == "error" && query.contains("label_replace") && query.contains("[$window]"),
        "{query}"
    );
    let recorded = slo
        .recorded
        .values()
        .next()
        .map(|(query, success)| (query.as_str(), *success));
    assert_eq!(
        recorded,
        Some(("sum by (cluster) (apiserver_request:burnrate5m)", false))
    );
}

#[test]
fn a_sum_of_one_recorded_ratio_is_that_ratio() {
    let mut rules = Vec::new();
    for window in ["5m", "1h"] {
        rules.push(record(
            &format!("http_requests_total:burnrate{window}"),
            &ratio(window),
            &[("job", "api")],
        ));
    }
    let query = r#"sum(http_requests_total:burnrate5m{job="api"}) > (14.40 * (1-0.99900)) and sum(http_requests_total:burnrate1h{job="api"}) > (14.40 * (1-0.99900))"#;
    rules.push(alert(
        "ErrorBudgetBurn",
        query,
        &[("severity", "critical"), ("job", "api")],
    ));
    let slo = one(&rules);
    assert_eq!(promise(&slo), "99.9% 30d page 1h/5m 14.4");
    assert_eq!(events(&slo), ("bad", BAD, TOTAL));
    assert_eq!(slo.settings.service, "api");
}

#[test]
fn recorded_burn_rates_and_recorded_objectives_are_read() {
    let mut rules = vec![record("checkout:slo:objective", "vector(0.995)", &[])];
    for window in ["5m", "1h"] {
        let query = format!("({}) / (1 - 0.995)", ratio(window));
        rules.push(record(&format!("checkout:burn_rate_{window}"), &query, &[]));
        rules.push(record(
            &format!("checkout:error_ratio_{window}"),
            &ratio(window),
            &[],
        ));
    }
    rules.push(alert(
        "FastBurn",
        "checkout:burn_rate_1h > 14.4 and checkout:burn_rate_5m > 14.4",
        &[("severity", "page")],
    ));
    let slo = one(&rules);
    assert_eq!(promise(&slo), "99.5% 30d page 1h/5m 14.4");
    rules.pop();
    let query = "checkout:error_ratio_1h > on () 14.4 * (1 - checkout:slo:objective)";
    assert!(promql_parser::parser::parse(query).is_ok());
    let query = "checkout:error_ratio_1h > scalar(14.4 * (1 - checkout:slo:objective)) and checkout:error_ratio_5m > scalar(14.4 * (1 - checkout:slo:objective))";
    rules.push(alert("FastBurn", query, &[("severity", "page")]));
    assert_eq!(promise(&one(&rules)), "99.5% 30d page 1h/5m 14.4");
}

#[test]
fn windows_may_be_labels_of_the_record() {
    let query = r#"slo:error_ratio{job="api",window="1h"} > 14.4 * 0.001 and slo:error_ratio{job="api",window="5m"} > 14.4 * 0.001"#;
    let slo = one(&[alert("Burn", query, &[("severity", "page")])]);
    assert_eq!(promise(&slo), "99.9% 30d page 1h/5m 14.4");
    assert_eq!(slo.settings.service, "api");
}

#[test]
fn rules_that_set_different_labels_are_different_slos() {
    let mut rules = Vec::new();
    for service in ["cart", "pay"] {
        for window in ["5m", "1h"] {
            let query = format!(
                r#"sum(rate(errors_total{{app="{service}"}}[{window}])) / sum(rate(requests_total{{app="{service}"}}[{window}]))"#
            );
            rules.push(record(
                &format!("slo:error_ratio:{window}"),
                &query,
                &[("service", service)],
            ));
        }
    }
    rules.push(alert(
        "Burn",
        "slo:error_ratio:1h > 14.4*0.001 and slo:error_ratio:5m > 14.4*0.001",
        &[("severity", "page")],
    ));
    let found = found(&rules);
    let services: Vec<_> = found
        .slos
        .iter()
        .map(|slo| slo.settings.service.as_str())
        .collect();
    assert_eq!(services, ["cart", "pay"], "{found:#?}");
    let total = r#"sum(increase(requests_total{app="cart"}[$window]))"#;
    assert_eq!(events(&found.slos[0]).2, total);
}

#[test]
fn bare_thresholds_are_read_where_several_agree() {
    let both =
        |long, short, limit| format!("{} > {limit} and {} > {limit}", ratio(long), ratio(short));
    let fast = alert(
        "ApiBurnFast",
        &both("1h", "5m", "0.0144"),
        &[("severity", "page")],
    );
    let slow = alert(
        "ApiBurnSlow",
        &both("6h", "30m", "0.006"),
        &[("severity", "page")],
    );
    let slo = one(&[fast.clone(), slow]);
    assert_eq!(promise(&slo), "99.9% 30d page 1h/5m 14.4, page 6h/30m 6");
    let alone = found(&[fast]);
    assert_eq!(alone.slos, []);
    assert_eq!(alone.unread[0].lack, Lack::Factor);
}

#[test]
fn what_cannot_be_read_is_named_with_its_reason_and_other_alerts_are_not() {
    let burn = |query: String| {
        let found = found(&[alert("ErrorBudgetBurn", &query, &[("severity", "page")])]);
        assert_eq!(found.slos, [], "{query}");
        let lacks: Vec<_> = found.unread.into_iter().map(|one| one.lack).collect();
        assert_eq!(lacks.len(), 1, "{query}: {lacks:?}");
        lacks[0]
    };
    let (long, short) = (ratio("1h"), ratio("5m"));
    assert_eq!(
        burn(format!("{long} > 14.4 * 0.001 and {short} > 6 * 0.001")),
        Lack::Numbers
    );
    assert_eq!(
        burn(format!(
            "{long} > on() group_left other_series and {short} > on() group_left other_series"
        )),
        Lack::NoNumber
    );
    assert_eq!(
        burn("my_burn > 14.4 * 0.001 and your_burn > 14.4 * 0.001".to_owned()),
        Lack::NoWindow
    );
    assert_eq!(burn("((".to_owned()), Lack::Syntax);
    assert_eq!(
        burn("sum(rate(a[1h])) > 14.4 * 0.001 and sum(rate(a[5m])) > 14.4 * 0.001".to_owned()),
        Lack::NoRatio
    );
    for (name, query) in [
        ("InstanceDown", "up == 0"),
        (
            "DiskFull",
            "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1",
        ),
        (
            "Slow",
            "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) > 2 and sum(rate(x_count[5m])) > 1",
        ),
        ("ErrorRate", "sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05"),
    ] {
        let found = found(&[alert(name, query, &[("severity", "page")])]);
        assert_eq!(found, BurnAlerts::default(), "{name}");
    }
}

#[test]
fn alerts_of_tools_are_left_to_what_the_tools_record() {
    let query = r#"slo:sli_error:ratio_rate5m{sloth_id="a-b"} > (14.4 * 0.001) and slo:sli_error:ratio_rate1h{sloth_id="a-b"} > (14.4 * 0.001)"#;
    let sloth = alert("A", query, &[("sloth_severity", "page")]);
    let own = alert("MyBurn", query, &[("severity", "page")]);
    let burn =
        r#"m:burnrate5m{slo="x"} > (14 * (1-0.99)) and m:burnrate1h{slo="x"} > (14 * (1-0.99))"#;
    let pyrra = alert(
        "ErrorBudgetBurn",
        burn,
        &[
            ("severity", "critical"),
            ("slo", "x"),
            ("short", "5m"),
            ("long", "1h"),
        ],
    );
    let records = ["5m", "1h"].map(|window| {
        record(
            &format!("m:burnrate{window}"),
            &ratio(window),
            &[("slo", "x")],
        )
    });
    let rules: Vec<_> = [sloth, own, pyrra].into_iter().chain(records).collect();
    assert_eq!(found(&rules), BurnAlerts::default());
}

/// Ways to write a number.
fn number(value: &'static str) -> impl Strategy<Value = String> {
    let half: f64 = value.parse().expect("a number");
    let half = half / 2.0;
    prop_oneof![
        Just(value.to_owned()),
        Just(format!("({value})")),
        Just(format!("(({value}) * 1)")),
        Just(format!("({half} + {half})")),
        Just(format!("({value} / 1)")),
    ]
}

/// Ways to write an error budget of 0.1 %.
fn budget() -> impl Strategy<Value = String> {
    prop_oneof![
        number("0.001"),
        Just("(1 - 0.999)".to_owned()),
        Just("(1-0.99900)".to_owned()),
        Just("((1) - (0.999))".to_owned()),
        Just("(1 - 99.9/100)".to_owned()),
        Just("((100 - 99.9) / 100)".to_owned()),
        Just("0.1 / 100".to_owned()),
        Just("(1 / 1000)".to_owned()),
    ]
}

/// Ways to write a comparison.
fn comparison(window: &'static str) -> impl Strategy<Value = String> {
    (number("14.4"), budget(), 0..6_u8, any::<bool>()).prop_map(
        move |(factor, budget, form, wrap)| {
            let ratio = ratio(window);
            let text = match form {
                0 => format!("{ratio} > {factor} * {budget}"),
                1 => format!("({ratio}) > ({budget} * {factor})"),
                2 => format!("{factor} * {budget} < {ratio}"),
                3 => format!("({ratio}) >= {factor} * {budget}"),
                4 => format!("100 * ({ratio}) > 100 * {factor} * {budget}"),
                _ => format!("({ratio}) / ({budget}) > {factor}"),
            };
            if wrap {
                format!("(\n  ({text})\n)")
            } else {
                text
            }
        },
    )
}

proptest! {
    #[test]
    fn however_an_alert_is_written_it_reads_the_same(
        long in comparison("1h"),
        short in comparison("5m"),
        is_short_first: bool,
        spaces in prop_oneof![Just(" "), Just("\n    "), Just("  # why\n")],
    ) {
        let (one_part, other) = if is_short_first { (short, long) } else { (long, short) };
        let query = format!("{one_part}{spaces}and{spaces}{other}");
        let slo = one(&[alert("Burn", &query, &[("severity", "page")])]);
        prop_assert_eq!(promise(&slo), "99.9% 30d page 1h/5m 14.4", "{}", query);
        prop_assert_eq!(events(&slo), ("bad", BAD, TOTAL), "{}", query);
        let severity = slo.settings.rules[0].severity;
        prop_assert_eq!(severity, Severity::Page);
    }

    #[test]
    fn no_text_makes_it_panic(query in "[-a-z0-9(){}\\[\\]<>=+*/., \"]{0,60}", name in "[a-zA-Z_é]{0,20}") {
        let _ = found(&[alert(&name, &query, &[("severity", "page")]), alert("Burn", &query, &[])]);
    }
}
