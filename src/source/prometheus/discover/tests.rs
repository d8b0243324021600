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
    Rules::index(RuleGroups { groups }, &names, &SourceName::new("prod"))
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
    let asked = groups::questions(&rules);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].1,
        r#"sum by (handler) (rate(http_total{job="api"}[5m]))"#
    );
    let group = |handler| grouped::Group {
        recorder: asked[0].0.clone(),
        labels: labels(&[("slo", "errors"), ("job", "api"), ("handler", handler)]),
    };
    rules.groups = vec![group("/pay"), group("/look")];
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

fn doubt_of(plan: &Plan) -> Option<&str> {
    plan.doubt.as_ref().map(|doubt| doubt.words.as_str())
}

/// A rule of Sloth's over both of its sides grouped by host.
fn sloth_by_host(window: &str) -> WireRule {
    let rate = |code| format!("sum by (host) (rate(http_total{{{code}}}[{window}]))");
    rule(
        "recording",
        &format!("slo:sli_error:ratio_rate{window}"),
        format!("({}) / ({})", rate("code=\"500\""), rate("")),
        &[
            ("sloth_id", "shop-pay"),
            ("sloth_service", "shop"),
            ("sloth_slo", "pay"),
            ("sloth_window", window),
            ("team", "pay"),
        ],
    )
}

/// What the server answers to the questions for groups.
fn with_groups(mut rules: Rules, values: &[(&str, &str)]) -> Rules {
    let asked = groups::questions(&rules);
    for (recorder, _) in asked {
        for pair in values {
            let labels = recorder.with([*pair]);
            let recorder = recorder.clone();
            rules.groups.push(grouped::Group { recorder, labels });
        }
    }
    rules
}

#[test]
fn groups_of_sloth_are_asked_for_over_the_longest_window_that_is_counted() {
    let mean = rule(
        "recording",
        "slo:sli_error:ratio_rate30d",
        "sum_over_time(slo:sli_error:ratio_rate5m{sloth_id=\"shop-pay\"}[30d]) / ignoring (sloth_window) count_over_time(slo:sli_error:ratio_rate5m{sloth_id=\"shop-pay\"}[30d])".to_owned(),
        &[("sloth_id", "shop-pay"), ("sloth_window", "30d")],
    );
    let rules = index(vec![
        sloth_by_host("5m"),
        sloth_by_host("3d"),
        mean,
        sloth_rule("eu"),
    ]);
    let asked = groups::questions(&rules);
    let queries: Vec<_> = asked.iter().map(|(_, query)| query.as_str()).collect();
    assert_eq!(queries, ["(sum by (host) (rate(http_total[3d])))"]);
    assert!(!asked[0].0.contains("sloth_window"));
}

#[test]
fn a_group_of_sloth_that_never_failed_is_an_slo_and_one_alone_keeps_its_label() {
    let rules = || index(vec![sloth_by_host("5m"), sloth_by_host("3d")]);
    let both = with_groups(rules(), &[("host", "a"), ("host", "b")]);
    let own = [
        ("sloth_id", "shop-pay"),
        ("sloth_service", "shop"),
        ("sloth_slo", "pay"),
        ("team", "pay"),
    ];
    let mut all = vec![
        series("slo:objective:ratio", 0.99, &own),
        series("slo:time_period:days", 30.0, &own),
    ];
    // Nothing ever failed: no ratio is recorded at all.
    let none = found(&all, &both);
    let ids: Vec<_> = none.keys().map(String::as_str).collect();
    assert_eq!(ids, ["shop/pay{host=a}", "shop/pay{host=b}"]);
    let of_a = [&own[..], &[("host", "a"), ("sloth_window", "5m")]].concat();
    all.push(series("slo:sli_error:ratio_rate5m", 0.25, &of_a));
    let found_both = found(&all, &both);
    let ids: Vec<_> = found_both.keys().map(String::as_str).collect();
    assert_eq!(ids, ["shop/pay{host=a}", "shop/pay{host=b}"]);
    let (a, b) = (
        &found_both["shop/pay{host=a}"],
        &found_both["shop/pay{host=b}"],
    );
    assert_eq!(a.given.get(FIVE).unwrap().reading(), Reading::Ratio(0.25));
    assert!(b.given.is_empty() && b.asked.contains_key(&FIVE));
    assert_eq!((a.slo.objective, b.slo.objective), (0.99, 0.99));
    assert!(b.owns(&labels(&[("host", "b")])) && !b.owns(&labels(&[("host", "a")])));
    let alone = found(&all, &with_groups(rules(), &[("host", "a")]));
    let ids: Vec<_> = alone.keys().map(String::as_str).collect();
    assert_eq!(ids, ["shop/pay{host=a}"]);
}

#[test]
fn a_group_of_pyrra_that_is_alone_keeps_its_label() {
    let rules = index(pyrra("api", "0.99", "by (handler)", &[]));
    let pay = [
        ("slo", "errors"),
        ("job", "api"),
        ("handler", "/pay"),
        ("cluster", "eu"),
    ];
    let found = found(&[series("http:burnrate5m", 0.5, &pay)], &rules);
    let ids: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, ["api/errors{handler=/pay}"]);
}

#[test]
fn of_two_objectives_the_alerts_one_is_taken_and_without_alerts_none() {
    let own = [
        ("sloth_id", "shop-pay"),
        ("sloth_service", "shop"),
        ("sloth_slo", "pay"),
    ];
    let info = |objective| {
        let labels = [&own[..], &[("sloth_objective", objective)]].concat();
        series("sloth_slo_info", 1.0, &labels)
    };
    let days = series("slo:time_period:days", 30.0, &own);
    let ratio = series("slo:sli_error:ratio_rate5m", 0.05, &own);
    let all = [info("99"), info("99.9"), days.clone(), ratio.clone()];
    let alerted = found(
        &all,
        &index(vec![sloth_alert("page", &[("5m", "1h", "14.4")])]),
    );
    let plan = &alerted["shop/pay"];
    assert!((plan.slo.objective - 0.99).abs() < 1e-12 && plan.doubt.is_none());
    assert_eq!(
        plan.given.get(FIVE).unwrap().reading(),
        Reading::Ratio(0.05)
    );
    // The series alone do not tell.
    let silent = found(&all, &Rules::default());
    let words = "two objectives are recorded: 99 and 99.9";
    let plan = &silent["shop/pay"];
    assert_eq!(doubt_of(plan), Some(words));
    assert!(plan.slo.notes.iter().any(|note| note == words));
    assert_eq!(plan.missing().count(), 0);
    // So it is with two periods.
    let other = series("slo:time_period:days", 28.0, &own);
    let silent = found(&[info("99"), days, other, ratio], &Rules::default());
    let doubt = doubt_of(&silent["shop/pay"]);
    assert_eq!(doubt, Some("two periods are recorded: 28d and 30d"));
}

#[test]
fn two_rules_that_record_one_series_take_turns_and_nothing_holds() {
    let mut other = sloth_rule("eu");
    other.query = other.query.replace("code=\"500\"", "code=\"503\"");
    let plan = &found(&sloth("eu", 0.99), &index(vec![sloth_rule("eu"), other]))["shop/pay"];
    let doubt = doubt_of(plan).unwrap_or_default();
    assert!(
        doubt.contains("2 rules record `slo:sli_error:ratio_rate5m`"),
        "{doubt}"
    );
    // The same rule of two replicas is one.
    let both = index(vec![sloth_rule("eu"), sloth_rule("eu")]);
    assert_eq!(found(&sloth("eu", 0.99), &both)["shop/pay"].doubt, None);
}

#[test]
fn of_two_objectives_of_pyrra_the_alerts_one_is_taken_and_two_alerts_are_a_doubt() {
    let own = [("slo", "errors"), ("job", "api")];
    let generic = |objective| series("pyrra_objective", objective, &own);
    let window = series("pyrra_window", 2_419_200.0, &own);
    let ratio = series("http:burnrate5m", 0.5, &own);
    let all = [generic(0.99), generic(0.999), window, ratio];
    let doubt = |rules: &Rules| doubt_of(&found(&all, rules)["api/errors"]).map(str::to_owned);
    let by_rules = index(pyrra("api", "0.999", "", &[]));
    assert_eq!(doubt(&by_rules), None);
    assert!((found(&all, &by_rules)["api/errors"].slo.objective - 0.999).abs() < 1e-12);
    let without = "two objectives are recorded: 99 and 99.9";
    assert_eq!(doubt(&Rules::default()).as_deref(), Some(without));
    let mut two = pyrra("api", "0.999", "", &[]);
    two.push(pyrra("api", "0.99", "", &[]).remove(1));
    let words = "two objectives are in its alerts: 99 and 99.9";
    assert_eq!(doubt(&index(two)).as_deref(), Some(words));
}

/// What Grafana records of an SLO once.
fn grafana(objective: f64) -> Vec<Series> {
    let own = [(grafana::UUID, "u1"), ("grafana_slo_name", "web")];
    vec![
        series("grafana_slo_objective", objective, &own),
        series("grafana_slo_objective_window_seconds", 2_419_200.0, &own),
    ]
}

fn grafana_ratio(success: f64, more: &[(&str, &str)]) -> Series {
    let own = [(grafana::UUID, "u1"), ("grafana_slo_name", "web")];
    series("grafana_slo_sli_5m", success, &[&own[..], more].concat())
}

#[test]
fn grafana_has_an_slo_for_each_group_also_for_one_that_only_failed() {
    let mut all = grafana(0.99);
    all.extend([("a", 1.0), ("b", 0.5)].map(|(zone, it)| grafana_ratio(it, &[("zone", zone)])));
    let by_series = found(&all, &Rules::default());
    for (zone, bad) in [("a", 0.0), ("b", 0.5)] {
        let plan = &by_series[&format!("web/web{{zone={zone}}}")];
        assert_eq!(plan.given.get(FIVE).unwrap().reading(), Reading::Ratio(bad));
        assert!(
            plan.slo.queries[0]
                .1
                .raw()
                .contains(&format!("zone=\"{zone}\""))
        );
    }
    let rate = |code: &str| format!("sum by (zone) (rate(web_total{code}[5m]))");
    let recorder = rule(
        "recording",
        "grafana_slo_sli_5m",
        format!("{} / {}", rate("{code=\"200\"}"), rate("")),
        &[(grafana::UUID, "u1"), ("grafana_slo_name", "web")],
    );
    let zones = ["a", "b", "c"].map(|zone| ("zone", zone));
    let by_rule = found(&all, &with_groups(index(vec![recorder]), &zones));
    assert_eq!(by_rule.len(), 3);
    let only_failed = &by_rule["web/web{zone=c}"];
    assert!(only_failed.asked.contains_key(&FIVE));
    // One alone keeps its label, and one without any has none.
    let mut alone = grafana(0.99);
    alone.push(grafana_ratio(1.0, &[("zone", "a")]));
    assert!(found(&alone, &Rules::default()).contains_key("web/web{zone=a}"));
    alone.pop();
    alone.push(grafana_ratio(1.0, &[]));
    assert!(found(&alone, &Rules::default()).contains_key("web/web"));
}

#[test]
fn two_objectives_of_one_uuid_are_a_doubt() {
    let mut all = grafana(0.99);
    all.extend(grafana(0.999));
    all.push(grafana_ratio(0.95, &[]));
    let doubt = doubt_of(&found(&all, &Rules::default())["web/web"]).map(str::to_owned);
    assert_eq!(
        doubt.as_deref(),
        Some("two objectives are recorded: 99 and 99.9")
    );
}

/// What our own rules record of an SLO, by a definition.
fn ours(definition: &str, ratio: f64) -> Vec<Series> {
    let own = [
        ("sloth_id", "shop-pay"),
        ("sloth_service", "shop"),
        ("sloth_slo", "pay"),
        ("watchfire_definition", definition),
    ];
    let told = [("sloth_objective", "99"), ("watchfire_period", "30d")];
    vec![
        series("sloth_slo_info", 1.0, &[&own[..], &told].concat()),
        series("slo:sli_error:ratio_rate5m", ratio, &own),
    ]
}

#[test]
fn of_two_definitions_of_ours_the_loaded_one_holds() {
    let all = [ours("one", 0.25), ours("two", 0.5)].concat();
    let recorder = |definition| {
        rule(
            "recording",
            "slo:sli_error:ratio_rate5m",
            "sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))".to_owned(),
            &[
                ("sloth_id", "shop-pay"),
                ("watchfire_definition", definition),
            ],
        )
    };
    let doubt =
        |rules: Vec<WireRule>| doubt_of(&found(&all, &index(rules))["shop/pay"]).map(str::to_owned);
    assert_eq!(doubt(vec![recorder("two")]), None);
    for rules in [vec![], vec![recorder("one"), recorder("two")]] {
        assert!(doubt(rules).is_some_and(|words| words.starts_with("2 definitions")));
    }
}

#[test]
fn a_period_of_records_is_counted_by_the_rule_while_that_reaches_back_further() {
    let own = [
        ("sloth_id", "shop-pay"),
        ("sloth_service", "shop"),
        ("sloth_slo", "pay"),
        ("cluster", "eu"),
    ];
    let mut all = sloth("eu", 0.99);
    all.push(series("slo:sli_error:ratio_rate30d", 0.5, &own));
    all.push(series("slo:sli_error:ratio_rate5m", 0.5, &own));
    let mut plan = found(&all, &index(vec![sloth_rule("eu")]))
        .remove("shop/pay")
        .unwrap();
    assert!(plan.has_period_of_records() && plan.is_dated_by_records());
    // Before the first mean is recorded, the rule counts the period, and its series are older as well.
    all.remove(2);
    let early = found(&all, &index(vec![sloth_rule("eu")]))
        .remove("shop/pay")
        .unwrap();
    assert!(!early.has_period_of_records() && early.is_dated_by_records());
    all.push(series("slo:sli_error:ratio_rate30d", 0.5, &own));
    let first = plan.clone();
    plan.recount(false);
    assert_eq!(plan, first);
    plan.recount(true);
    assert!(plan.given(Span::Period).is_none());
    assert!(plan.missing().any(|span| span == Span::Period));
    let queries = plan.asked[&Span::Period].queries();
    assert!(
        queries.iter().all(|query| query.contains("[30d]")),
        "{queries:?}"
    );
    let told = |plan: &Plan, words: &str| plan.slo.notes.iter().any(|note| note.contains(words));
    assert!(told(&plan, "for less time than") && !told(&plan, "the mean of"));
    plan.recount(true);
    plan.recount(false);
    assert_eq!(
        plan.given(Span::Period).map(Given::reading),
        Some(Reading::Ratio(0.5))
    );
    assert!(told(&plan, "the mean of") && !told(&plan, "for less time than"));
    assert!(!plan.asked.contains_key(&Span::Period));
    // Without a rule to be seen there is nothing to count.
    let mut alone = found(&all, &Rules::default()).remove("shop/pay").unwrap();
    alone.recount(true);
    assert!(!alone.recounted && alone.given(Span::Period).is_some());
}

#[test]
fn two_slos_that_make_one_id_are_two() {
    let of = |service, name, objective, ratio| {
        let own = [
            ("sloth_id", "a-b-c"),
            ("sloth_service", service),
            ("sloth_slo", name),
        ];
        [
            series("slo:objective:ratio", objective, &own),
            series("slo:time_period:days", 30.0, &own),
            series("slo:sli_error:ratio_rate5m", ratio, &own),
        ]
    };
    let all = [of("a", "b-c", 0.99, 0.25), of("a-b", "c", 0.9, 0.5)].concat();
    let found = found(&all, &Rules::default());
    for (id, objective, ratio) in [("a/b-c", 0.99, 0.25), ("a-b/c", 0.9, 0.5)] {
        let plan = &found[id];
        assert!((plan.slo.objective - objective).abs() < 1e-12 && plan.doubt.is_none());
        assert_eq!(
            plan.given.get(FIVE).unwrap().reading(),
            Reading::Ratio(ratio)
        );
    }
}
