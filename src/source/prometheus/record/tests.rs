//! Names and queries that are hard to write down.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use promql_parser::parser;
use proptest::prelude::*;
use serde_json::Value;

use super::expression::shaped;
use super::file::RuleFile;
use super::*;
use crate::config::{Part, Settings, Sli};
use crate::domain::{Rule, SourceName};

fn slo(service: &str, name: &str, sli: Sli) -> SloSettings {
    let period = "30d".parse().unwrap();
    SloSettings {
        service: service.to_owned(),
        name: name.to_owned(),
        objective: 0.99,
        period,
        timezone: TimeZone::UTC,
        source: SourceName::new("prod"),
        sli,
        rules: Rule::workbook(period),
        min_bad_events: 3.0,
        absent_is_zero: false,
        by: Vec::new(),
        labels: BTreeMap::new(),
        description: String::new(),
    }
}

fn events(total: &str) -> Sli {
    Sli::Events {
        part: Part::Bad("bad_total".to_owned()),
        total: total.to_owned(),
    }
}

fn file(slos: Vec<SloSettings>) -> RuleFile {
    let settings = Settings {
        slos,
        ..Settings::empty()
    };
    RuleFile::of(&settings, &Choice::default())
}

fn read(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"))
}

/// All rules of a file.
fn rules(yaml: &Value) -> Vec<&Value> {
    let groups = yaml["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect()
}

proptest! {
    #[test]
    fn every_text_is_read_back_as_it_was(service in any::<String>(), name in "\\PC*", text in any::<String>()) {
        let mut slo = slo(&service, &name, events("all_total"));
        slo.labels.insert("note".to_owned(), text.clone());
        slo.description.clone_from(&text);
        let yaml = file(vec![slo]).yaml();
        let yaml = read(&yaml);
        for rule in rules(&yaml) {
            if rule["record"].is_string() {
                prop_assert_eq!(rule["labels"]["sloth_service"].as_str(), Some(service.as_str()));
                prop_assert_eq!(rule["labels"]["note"].as_str(), Some(text.as_str()));
            } else if !text.is_empty() {
                let said = rule["annotations"]["description"].as_str().unwrap();
                prop_assert_eq!(said.replace("{{\"{{\"}}", "{{"), text.clone());
            }
            let query = rule["expr"].as_str().unwrap();
            prop_assert!(parser::parse(query).is_ok(), "{}", query);
        }
    }
}

#[test]
fn a_query_gets_exactly_the_labels_that_are_wanted() {
    let by = ["pod".to_owned()];
    for (query, whole, cut) in [
        ("sum(a)", "sum(a)", "sum by (pod) (a)"),
        ("1", "vector(1)", ""),
        (
            "increase(a[5m])",
            "sum(increase(a[5m]))",
            "sum by (pod) (increase(a[5m]))",
        ),
        (
            "sum(a) / sum(b)",
            "sum(a) / sum(b)",
            "sum by (pod) (a) / sum by (pod) (b)",
        ),
        (
            "sum by (le) (a)",
            "sum(sum by (le) (a))",
            "sum by (pod) (sum by (le, pod) (a))",
        ),
        (
            "sum without (pod) (a)",
            "sum(sum without (pod) (a))",
            "sum by (pod) (sum without () (a))",
        ),
        (
            "topk(1, a)",
            "sum(topk(1, a))",
            "sum by (pod) (topk by (pod) (1, a))",
        ),
        (
            r#"sum(a{b="q\"\\"})"#,
            r#"sum(a{b="q\"\\"})"#,
            r#"sum by (pod) (a{b="q\"\\"})"#,
        ),
        (
            "avg(avg_over_time((sum(a) > 0)[1h:5m]))",
            "avg(avg_over_time((sum(a) > 0)[1h:5m]))",
            "avg by (pod) (avg_over_time((sum by (pod) (a) > 0)[1h:5m]))",
        ),
    ] {
        assert_eq!(shaped(query, &[]).as_deref(), Ok(whole));
        match shaped(query, &by) {
            Ok(found) => assert_eq!(found, cut, "{query}"),
            Err(lack) => assert!(cut.is_empty() && lack.contains("no labels"), "{lack}"),
        }
    }
}

/// What is recorded under this name.
fn recorded(sli: Sli, name: &str) -> String {
    let yaml = read(&file(vec![slo("a", "b", sli)]).yaml());
    let mut rules = rules(&yaml).into_iter();
    let rule = rules.find(|rule| rule["record"].as_str() == Some(name));
    let query = rule.unwrap()["expr"].as_str().unwrap().trim().to_owned();
    assert!(parser::parse(&query).is_ok(), "{query}");
    query
}

#[test]
fn nothing_is_recorded_where_a_query_has_several_results() {
    let each = "sum by (pod) (rate(good[5m])) / sum by (pod) (rate(all[5m]))";
    let ratio = Sli::Ratio {
        query: each.replace("5m", "$window"),
        success: true,
    };
    assert_eq!(
        recorded(ratio, "slo:sli_error:ratio_rate5m"),
        format!(
            "(1 - (sum({each}))) unless (count({each}) > 1) unless ((sum({each})) > 1.1) unless ((sum({each})) < -0.1)"
        )
    );
    let counted = Sli::Events {
        part: Part::Bad("sum by (pod) (increase(bad[$window]))".to_owned()),
        total: "sum(increase(all[$window]))".to_owned(),
    };
    let several = "unless (count(sum by (pod) (increase(bad[5m]))) > 1)";
    for name in ["slo:sli_bad:increase5m", "slo:sli_total:increase5m"] {
        let query = recorded(counted.clone(), name);
        assert!(query.ends_with(several), "{query}");
    }
    // A part of a mean that is no error ratio would be lost in it.
    let parts = Sli::Weighted(vec![(
        2.0,
        Sli::Ratio {
            query: "avg(avg_over_time(a[$window]))".to_owned(),
            success: false,
        },
    )]);
    let query = recorded(parts, "slo:sli_error:ratio_rate5m");
    assert!(
        query.ends_with("unless ((avg(avg_over_time(a[5m]))) < -0.1)"),
        "{query}"
    );
}

#[test]
fn a_definition_is_told_by_what_is_counted_and_by_nothing_else() {
    let definition = |slo: &SloSettings| Recording::of(slo, "id").unwrap().definition;
    let one = slo("a", "b", events("all_total"));
    let mut same = slo("c", "d", events("all_total"));
    same.objective = 0.5;
    same.min_bad_events = 0.0;
    same.rules = same.rules[..1].into();
    assert_eq!(definition(&one), definition(&same));
    let mut grouped = one.clone();
    grouped.by = vec!["pod".to_owned()];
    for other in [slo("a", "b", events("some_total")), grouped] {
        assert_ne!(definition(&one), definition(&other));
    }
}

#[test]
fn ids_that_would_be_the_same_are_told_apart() {
    let slos = [
        slo("a-b", "c", events("t")),
        slo("a", "b-c", events("t")),
        slo("a", "d", events("t")),
    ];
    let ids = ids(&slos);
    let id = |service, name| ids[&(service, name)].as_str();
    assert_eq!(id("a-b", "c"), "a-b/c");
    assert_eq!(id("a", "b-c"), "a/b-c");
    assert_eq!(id("a", "d"), "a-d");
}

#[test]
fn labels_that_cannot_be_kept_are_said_and_left_out() {
    let mut mine = slo("a", "b", events("t"));
    mine.by = vec!["pod".to_owned()];
    for name in ["pod", "sloth_id", "team", "9"] {
        mine.labels.insert(name.to_owned(), "x".to_owned());
    }
    let file = file(vec![mine]);
    for name in ["pod", "sloth_id", "9"] {
        let said = format!("the label `{name}` is left out");
        assert!(
            file.remarks.iter().any(|remark| remark.contains(&said)),
            "{name}"
        );
    }
    let yaml = file.yaml();
    let yaml = read(&yaml);
    let rule = rules(&yaml)[0];
    assert_eq!(rule["labels"]["team"], "x");
    assert_eq!(rule["labels"]["sloth_id"], "a-b");
    assert!(rule["labels"]["pod"].is_null());
    assert_eq!(rule["expr"], "sum by (pod) (increase(t[5m]))");
}

#[test]
fn what_cannot_be_a_rule_is_said() {
    let mut wrong = slo("a", "b", events("t"));
    wrong.by = vec!["sloth_id".to_owned()];
    let mut monthly = slo("a", "c", events("t"));
    monthly.period = Period::Month;
    let ratio = Sli::Ratio {
        query: "x".to_owned(),
        success: true,
    };
    let file = file(vec![wrong, monthly, slo("a", "{{", ratio)]);
    let said = file.remarks.join("\n");
    for want in [
        "a/b is left out: `sloth_id`",
        "a/c: no rule can look back to the start of the month",
        "its queries count no events, so no page waits for 3 bad ones",
        "vmalert takes the `{{`",
    ] {
        assert!(said.contains(want), "no {want} in {said}");
    }
    let yaml = file.yaml();
    assert!(
        !yaml.contains("sloth_id: \"a-b\"") && !yaml.contains("ratio_rate30d{sloth_id=\"a-c\"")
    );
}
