//! Both formats, their corners, and bytes that are neither.

use proptest::prelude::*;

use super::*;

type Read = (String, Vec<(String, String)>, f64, Option<i64>);

fn read(body: &str, format: Format) -> Result<Vec<Read>, Malformed> {
    let mut all = Vec::new();
    parse(body.as_bytes(), format, |sample| {
        let labels = sample.labels.iter();
        let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
        all.push((
            sample.name.to_owned(),
            labels.collect(),
            sample.value,
            sample.at,
        ));
    })?;
    Ok(all)
}

fn one(line: &str, format: Format) -> Read {
    let body = match format {
        Format::OpenMetrics => format!("{line}\n# EOF\n"),
        Format::Text => format!("{line}\n"),
    };
    let mut all = read(&body, format).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
    assert_eq!(all.len(), 1, "{line}");
    all.remove(0)
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn times_are_seconds_in_openmetrics_and_milliseconds_in_text() {
    let found = one("a_total{x=\"1\"} 5 1700000000.25", Format::OpenMetrics);
    assert_eq!(found.3, Some(1_700_000_000_250));
    let found = one("a_total{x=\"1\"} 5 1700000000250", Format::Text);
    assert_eq!(found.3, Some(1_700_000_000_250));
    assert_eq!(one("a 5", Format::Text).3, None);
}

#[test]
fn everything_that_openmetrics_exposes_is_read() {
    let body = "# TYPE acme_requests counter\n# UNIT acme_requests requests\n\
                # HELP acme_requests All of \"them\" \\n and more.\n\
                acme_requests_total{path=\"/a\"} 1e3 1604 # {trace_id=\"K{,\"} 0.67 1604.1\n\
                acme_requests_created{path=\"/a\"} 1605281325.0\n\
                # TYPE state stateset\nstate{state=\"a\"} 1\n\
                # TYPE build info\nbuild_info{version=\"1.2\"} 1\n\
                # TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 3\nh_gcount 3\nh_gsum -2.5\n\
                # EOF\n";
    let found = read(body, Format::OpenMetrics).unwrap();
    let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "acme_requests_total",
            "acme_requests_created",
            "state",
            "build_info",
            "h_bucket",
            "h_gcount",
            "h_gsum"
        ]
    );
    assert_eq!((found[0].2, found[0].3), (1000.0, Some(1_604_000)));
}

#[test]
fn text_allows_blanks_comments_and_a_comma_at_the_end() {
    let body = "\n# a remark\n#TYPE x what is this\n  # TYPE b untyped\n\tb { x = \"1\" , } \t-Inf  \n\
                c\t3\r\n";
    let found = read(body, Format::Text).unwrap();
    assert_eq!(
        found[0],
        ("b".into(), labels(&[("x", "1")]), f64::NEG_INFINITY, None)
    );
    assert_eq!((found[1].0.as_str(), found[1].2), ("c", 3.0));
}

#[test]
fn escapes_quoted_names_and_odd_numbers_are_read_as_they_are_meant() {
    let found = one(
        r#"{"http.requests", "code.x"="a\"b\\n\nc\d", y="}{,= #"} +Inf"#,
        Format::Text,
    );
    assert_eq!(found.0, "http.requests");
    assert_eq!(
        found.1,
        labels(&[("code.x", "a\"b\\n\nc\\d"), ("y", "}{,= #")])
    );
    assert!(found.2.is_infinite());
    assert!(one("x NaN", Format::Text).2.is_nan());
    assert!((one("x{} 007", Format::OpenMetrics).2 - 7.0).abs() < f64::EPSILON);
    assert_eq!(one("rule:x:y 1", Format::Text).0, "rule:x:y");
}

#[test]
fn a_mistake_names_its_line_and_what_is_wrong() {
    for (format, body, line, reason) in [
        (Format::Text, "a 1\nb\n", 2, "no sample"),
        (Format::Text, "a{x=\"1\" 1\n", 1, "not closed"),
        (Format::Text, "a{x=\"1} 1\n", 1, "quote"),
        (Format::Text, "a{x=1} 1\n", 1, "in quotes"),
        (Format::Text, "a{x=\"1\",x=\"2\"} 1\n", 1, "twice"),
        (Format::Text, "a{0x=\"1\"} 1\n", 1, "name of a label"),
        (Format::Text, "{x=\"1\"} 1\n", 1, "name of the series"),
        (Format::Text, "a one\n", 1, "value is no number"),
        (Format::Text, "a 1 2.5\n", 1, "time"),
        (Format::Text, "a 1 2 3\n", 1, "follows the sample"),
        (Format::Text, "a 1 # {x=\"1\"} 2\n", 1, "follows the sample"),
        (Format::Text, "<!DOCTYPE html>\n", 1, "no sample"),
        (Format::Text, "# TYPE a thing\n", 1, "type"),
        (Format::OpenMetrics, "a 1\n", 1, "# EOF"),
        (Format::OpenMetrics, "", 1, "no sample"),
        (Format::OpenMetrics, "# EOF\na 1\n", 2, "follows `# EOF`"),
        (Format::OpenMetrics, "a 1\n\n# EOF\n", 2, "no sample"),
        (Format::OpenMetrics, "# a remark\n# EOF\n", 1, "comment"),
        (Format::OpenMetrics, "a 1 # 3\n# EOF\n", 1, "exemplar"),
    ] {
        let wrong = read(body, format).unwrap_err();
        assert_eq!(wrong.line, line, "{body:?}: {wrong}");
        assert!(wrong.reason.contains(reason), "{body:?}: {wrong}");
    }
    let wrong = parse(b"a 1\nb{x=\"\xff\"} 1\n", Format::Text, |_| {}).unwrap_err();
    assert_eq!((wrong.line, wrong.reason), (2, "this is not UTF-8"));
}

#[test]
fn the_content_type_tells_the_format() {
    for (given, format) in [
        (
            Some("application/openmetrics-text; version=1.0.0"),
            Format::OpenMetrics,
        ),
        (Some("Application/OpenMetrics-Text"), Format::OpenMetrics),
        (Some("text/plain; version=0.0.4"), Format::Text),
        (None, Format::Text),
    ] {
        assert_eq!(Format::of(given), format);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::OpenMetrics, Format::Text] {
            let _ = parse(&body, format, |_| {});
        }
    }

    #[test]
    fn nothing_that_looks_like_metrics_makes_it_panic(
        body in "([a-z_:]{0,3}[{}\"=,# \\\\\n0-9.é+-]{0,6}(NaN|Inf|TYPE|EOF|le)?){0,20}",
    ) {
        for format in [Format::OpenMetrics, Format::Text] {
            let _ = read(&body, format);
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        name in "[a-z_:][a-z0-9_:]{0,9}",
        value in any::<f64>(),
        label in "[^\u{0}]{0,12}",
        at in prop::option::of(0_i64..4_000_000_000_000),
    ) {
        let escaped = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let time = at.map_or_else(String::new, |at| format!(" {at}"));
        let found = one(&format!("{name}{{x=\"{escaped}\"}} {value}{time}"), Format::Text);
        prop_assert_eq!((&found.0, &found.1[0].1, found.3), (&name, &label, at));
        prop_assert!(found.2.to_bits() == value.to_bits() || (found.2.is_nan() && value.is_nan()));
    }
}
