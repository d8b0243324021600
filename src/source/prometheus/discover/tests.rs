//! SLOs that are hard to tell apart, or that no recorded series names.

use super::*;
use crate::domain::Reading;
use crate::source::alert;
use crate::source::prometheus::api::RuleGroup;
use crate::source::severity::Severities;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn series(name: &str, value: f64, pairs: &[(&str, &str)]) -> Series {
    Series::new(name, labels(pairs), value)
}

fn rule(kind: &str, name: &str, query: String, pairs: &[(&str, &str)]) -> WireRule {
    WireRule {
        kind: kind.to_owned(),
        name: name.to_owned(),
        query,
        labels: labels(pairs),
    }
}

fn index(rules: Vec<WireRule>) -> Rules {
    let groups = vec![RuleGroup { rules }];
    let names = LabelNames {
        service: alert::service_labels(),
        severity: alert::severity_labels(),
        severities: Severities::default(),
    };
    Rules::index(RuleGroups { groups }, &names)
}

fn found(series: &[Series], rules: &Rules) -> BTreeMap<String, Plan> {
    let source = SourceName::new("prod");
    let service_labels = ["service".to_owned(), "job".to_owned()];
    let context = Context {
        source: &source,
        rules,
        service_labels: &service_labels,
        share: &Share::whole(),
        records: &Records::default(),
        by_hand: &HashSet::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    let found = discover(series, &context);
    assert_eq!(found.left_out, Vec::<String>::new());
    let plans = found.plans.into_iter();
    plans
        .map(|plan| (plan.slo.id().raw().to_owned(), plan))
        .collect()
}

const FIVE: Span = Span::Window(Window::minutes(5));

/// What Pyrra generates for a ratio SLO over 28 d, as far as it is read.
fn pyrra(job: &str, target: &str, by: &str, more: &[(&str, &str)]) -> Vec<WireRule> {
    let own = [&[("slo", "errors"), ("job", job)], more].concat();
    let alert = [&own[..], &[("short", "5m"), ("severity", "critical")]].concat();
    let rate = |code: &str| format!("sum {by} (rate(http_total{{{code}job=\"{job}\"}}[5m]))");
    let above = |window: &str| {
        format!("http:burnrate{window}{{job=\"{job}\",slo=\"errors\"}} > (14 * (1-{target}))")
    };
    vec![
        rule(
            "recording",
            "http:burnrate5m",
            format!("{} / {}", rate("code=~\"5..\","), rate("")),
            &own,
        ),
        rule(
            "alerting",
            "ErrorBudgetBurn",
            format!("{} and {}", above("5m"), above("1h")),
            &alert,
        ),
        rule(
            "recording",
            "http:increase4w",
            format!("sum by (code) (increase(http_total{{job=\"{job}\"}}[4w]))"),
            &own,
        ),
    ]
}

#[test]
fn pyrra_slos_of_one_name_in_two_namespaces_lend_each_other_nothing() {
    let mut both = pyrra("checkout", "0.999", "", &[("namespace", "a")]);
    both.extend(pyrra("cart", "0.9", "", &[("namespace", "b")]));
    let rules = index(both);
    let recorded = series(
        "http:burnrate5m",
        0.5,
        &[("slo", "errors"), ("job", "checkout"), ("namespace", "a")],
    );
    let found = found(&[recorded], &rules);
    let checkout = &found["checkout/errors{job=checkout,namespace=a}"];
    // The other has recorded nothing, since it never failed, and is there all the same.
    let cart = &found["cart/errors{job=cart,namespace=b}"];
    assert_eq!((checkout.slo.objective, cart.slo.objective), (0.999, 0.9));
    assert_eq!((checkout.slo.rules.len(), cart.slo.rules.len()), (1, 1));
    assert_eq!(
        checkout.given.get(FIVE).unwrap().reading(),
        Reading::Ratio(0.5)
    );
    assert!(cart.given.is_empty());
    assert!(cart.asked[&FIVE].queries()[1].contains("job=\"cart\""));
}

#[test]
fn a_group_that_never_failed_is_listed_beside_those_that_did() {
    let mut rules = index(pyrra("api", "0.99", "by (handler)", &[]));
    let asked = pyrra::questions(&rules);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].1,
        r#"sum by (handler) (rate(http_total{job="api"}[5m]))"#
    );
    let group = |handler| pyrra::Group {
        recorder: asked[0].0.clone(),
        labels: labels(&[("slo", "errors"), ("job", "api"), ("handler", handler)]),
    };
    rules.pyrra_groups = vec![group("/pay"), group("/look")];
    // A store of many clusters knows more labels of what is recorded than the rule asks for.
    let failed = series(
        "http:burnrate5m",
        0.5,
        &[
            ("slo", "errors"),
            ("job", "api"),
            ("handler", "/pay"),
            ("cluster", "eu"),
        ],
    );
    let found = found(&[failed], &rules);
    let ids: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        [
            "api/errors{cluster=eu,handler=/pay}",
            "api/errors{handler=/look}"
        ]
    );
    assert!(found["api/errors{handler=/look}"].asked.contains_key(&FIVE));
}

/// What Sloth generates, as far as it is read, and without the measurement.
fn sloth(cluster: &str, objective: f64) -> Vec<Series> {
    let own = [
        ("sloth_id", "shop-pay"),
        ("sloth_service", "shop"),
        ("sloth_slo", "pay"),
        ("cluster", cluster),
    ];
    vec![
        series("slo:objective:ratio", objective, &own),
        series("slo:time_period:days", 30.0, &own),
    ]
}

fn sloth_rule(cluster: &str) -> WireRule {
    let rate = |code| format!("sum(rate(http_total{{{code}cluster=\"{cluster}\"}}[5m]))");
    rule(
        "recording",
        "slo:sli_error:ratio_rate5m",
        format!("({}) / ({})", rate("code=\"500\","), rate("")),
        &[
            ("sloth_id", "shop-pay"),
            ("sloth_window", "5m"),
            ("cluster", cluster),
        ],
    )
}

#[test]
fn clusters_that_share_a_sloth_id_are_asked_by_their_own_rules() {
    let rules = index(vec![sloth_rule("eu"), sloth_rule("us")]);
    let mut all = sloth("eu", 0.99);
    all.extend(sloth("us", 0.9));
    let found = found(&all, &rules);
    let told = |plan: &Plan| plan.slo.notes[1].contains("no alert of it");
    assert!(found.values().all(told));
    for (cluster, objective) in [("eu", 0.99), ("us", 0.9)] {
        let plan = &found[&format!("shop/pay{{cluster={cluster}}}")];
        assert!((plan.slo.objective - objective).abs() < 1e-12);
        assert!(plan.asked[&FIVE].queries()[1].contains(&format!("cluster=\"{cluster}\"")));
    }
}

/// An alert as Sloth writes it: a condition for each pair of windows with its factor.
fn sloth_alert(severity: &str, conditions: &[(&str, &str, &str)]) -> WireRule {
    let condition = |(short, long, factor): &(&str, &str, &str)| {
        let burns = |window: &str| {
            format!(
                "max(slo:sli_error:ratio_rate{window}{{sloth_id=\"shop-pay\", sloth_service=\"shop\", sloth_slo=\"pay\"}} > ({factor} * 0.009999999999999787)) without (sloth_window)"
            )
        };
        format!("(\n    {}\n    and\n    {}\n)", burns(short), burns(long))
    };
    let conditions: Vec<_> = conditions.iter().map(condition).collect();
    rule(
        "alerting",
        "PayIsFailing",
        conditions.join("\nor\n"),
        &[("sloth_severity", severity), ("team", "pay")],
    )
}

#[test]
fn a_sloth_slo_alerts_by_the_rules_of_its_own_alerts() {
    let rules = index(vec![
        sloth_alert("ticket", &[("3h", "1d12h", "1.4000000000000001")]),
        sloth_alert("page", &[("2m", "30m", "13.44"), ("15m", "3h", "3.5")]),
    ]);
    let mut all = sloth("eu", 0.99);
    let own = ["sloth_id", "sloth_service", "sloth_slo", "cluster"];
    let own = own.into_iter().zip(["shop-pay", "shop", "pay", "eu"]);
    let own: Vec<_> = own.collect();
    all.push(series("slo:sli_error:ratio_rate2m", 0.25, &own));
    let found = found(&all, &rules);
    let plan = &found["shop/pay"];
    let told: Vec<_> = plan
        .slo
        .rules
        .iter()
        .map(|rule| {
            let Rule {
                severity,
                long,
                short,
                factor,
            } = rule;
            format!("{} {long} {short} {factor}", severity.word())
        })
        .collect();
    assert_eq!(
        told,
        [
            "page 30m 2m 13.44",
            "page 3h 15m 3.5",
            "ticket 1d12h 3h 1.4"
        ]
    );
    let two = Span::Window(Window::minutes(2));
    assert_eq!(plan.given.get(two).unwrap().reading(), Reading::Ratio(0.25));
    assert!(
        plan.slo.queries[0]
            .1
            .raw()
            .starts_with("slo:sli_error:ratio_rate2m{")
    );
    assert_eq!(plan.slo.notes.len(), 1);
}

#[test]
fn a_sloth_ratio_that_keeps_labels_of_its_own_has_the_constants_of_its_slo() {
    let measured = |target: &str| {
        series(
            "slo:sli_error:ratio_rate5m",
            0.25,
            &[
                ("sloth_id", "shop-pay"),
                ("sloth_service", "shop"),
                ("sloth_slo", "pay"),
                ("sloth_window", "5m"),
                ("cluster", "eu"),
                ("target", target),
            ],
        )
    };
    let mut all = sloth("eu", 0.99);
    all.extend([measured("a"), measured("b")]);
    let found = found(&all, &Rules::default());
    let ids: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, ["shop/pay{target=a}", "shop/pay{target=b}"]);
    let plan = &found["shop/pay{target=a}"];
    assert_eq!(
        plan.given.get(FIVE).unwrap().reading(),
        Reading::Ratio(0.25)
    );
    assert!((plan.slo.objective - 0.99).abs() < 1e-12);
}

#[test]
fn an_slo_without_a_ratio_and_without_a_rule_says_so() {
    let found = found(&sloth("eu", 0.99), &Rules::default());
    let notes = &found["shop/pay"].slo.notes;
    assert!(
        notes.iter().any(|note| note.contains("lists no rule")),
        "{notes:?}"
    );
}
