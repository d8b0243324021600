//! Rule files as Sloth and Pyrra generate them, for services of the history.

use std::fmt::Write as _;

const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

fn requests(service: &str, window: &str) -> (String, String) {
    let total = format!("sum(rate(http_requests_total{{service=\"{service}\"}}[{window}]))");
    let bad =
        format!("sum(rate(http_requests_total{{service=\"{service}\",code=~\"5..\"}}[{window}]))");
    (bad, total)
}

/// One recording rule.
fn record(out: &mut String, name: &str, expr: &str, labels: &[(&str, &str)]) {
    let _ = writeln!(
        out,
        "  - record: {name}\n    expr: |\n      {expr}\n    labels:"
    );
    for (label, value) in labels {
        let _ = writeln!(out, "      {label}: \"{value}\"");
    }
}

/// What Sloth writes for an availability SLO of 99 % over 30 days.
pub(crate) fn sloth(service: &str) -> String {
    let id = format!("{service}-availability");
    let common = [
        ("sloth_id", id.as_str()),
        ("sloth_service", service),
        ("sloth_slo", "availability"),
        ("team", "shop"),
    ];
    let with = |label, value| [&common[..], &[(label, value)]].concat();
    let mut out = format!("- name: sloth-slo-sli-recordings-{id}\n  rules:\n");
    for window in WINDOWS {
        let (bad, total) = requests(service, window);
        let name = format!("slo:sli_error:ratio_rate{window}");
        record(
            &mut out,
            &name,
            &format!("({bad}) / ({total})"),
            &with("sloth_window", window),
        );
    }
    let own = format!(
        "slo:sli_error:ratio_rate5m{{sloth_id=\"{id}\", sloth_service=\"{service}\", \
         sloth_slo=\"availability\"}}[30d]"
    );
    let mean = format!("sum_over_time({own}) / ignoring (sloth_window) count_over_time({own})");
    record(
        &mut out,
        "slo:sli_error:ratio_rate30d",
        &mean,
        &with("sloth_window", "30d"),
    );
    let _ = writeln!(out, "- name: sloth-slo-meta-recordings-{id}\n  rules:");
    record(&mut out, "slo:objective:ratio", "vector(0.99)", &common);
    record(
        &mut out,
        "slo:error_budget:ratio",
        "vector(1-0.99)",
        &common,
    );
    record(&mut out, "slo:time_period:days", "vector(30)", &common);
    let current = format!(
        "slo:sli_error:ratio_rate5m{{sloth_id=\"{id}\"}} / on(sloth_id) group_left \
         slo:error_budget:ratio{{sloth_id=\"{id}\"}}"
    );
    record(&mut out, "slo:current_burn_rate:ratio", &current, &common);
    let info = [
        &common[..],
        &[
            ("sloth_mode", "cli-gen-prom"),
            ("sloth_objective", "99"),
            ("sloth_spec", "prometheus/v1"),
            ("sloth_version", "v0.16.0"),
        ],
    ]
    .concat();
    record(&mut out, "sloth_slo_info", "vector(1)", &info);
    out.push_str(&sloth_alerts(service));
    out
}

/// Sloth's two alerts of such an SLO: severity, then short and long window and factor of each rule.
fn sloth_alerts(service: &str) -> String {
    let id = format!("{service}-availability");
    let mut out = format!("- name: sloth-slo-alerts-{id}\n  rules:\n");
    for (severity, rules) in [
        ("page", [("5m", "1h", 14.4), ("30m", "6h", 6.0)]),
        ("ticket", [("2h", "1d", 3.0), ("6h", "3d", 1.0)]),
    ] {
        let above = |window: &str, factor: f64| {
            format!(
                "max(slo:sli_error:ratio_rate{window}{{sloth_id=\"{id}\", \
                 sloth_service=\"{service}\", sloth_slo=\"availability\"}} > ({factor} * \
                 0.010000000000000009)) without (sloth_window)"
            )
        };
        let rules = rules.map(|(short, long, factor)| {
            format!("({} and {})", above(short, factor), above(long, factor))
        });
        let _ = writeln!(
            out,
            "  - alert: HighErrorRate\n    expr: |\n      {}\n    labels:\n      \
             sloth_severity: {severity}",
            rules.join(" or ")
        );
    }
    out
}

/// Pyrra's windows of a 30 d SLO, short and long, with factor and severity.
const PYRRA: [(&str, &str, u8, &str); 4] = [
    ("5m", "1h4m", 14, "critical"),
    ("32m", "6h26m", 7, "critical"),
    ("2h9m", "1d1h43m", 2, "warning"),
    ("6h26m", "4d6h51m", 1, "warning"),
];

/// What Sloth leaves of an SLO of 99 % over 30 days whose ratio is the same in every window.
/// `service` is the inside of a YAML string.
pub(crate) fn constant(service: &str, ratio: f64) -> String {
    let id = format!("{service}-availability");
    let labels = [
        ("sloth_id", id.as_str()),
        ("sloth_service", service),
        ("sloth_slo", "availability"),
    ];
    let mut out = format!("- name: \"{id}\"\n  rules:\n");
    for window in WINDOWS.into_iter().chain(["30d"]) {
        let name = format!("slo:sli_error:ratio_rate{window}");
        record(&mut out, &name, &format!("vector({ratio})"), &labels);
    }
    record(&mut out, "slo:objective:ratio", "vector(0.99)", &labels);
    record(&mut out, "slo:time_period:days", "vector(30)", &labels);
    out
}

/// What Pyrra writes for a ratio SLO of 99 % over 30 days; `generic` as with `--generic-rules`.
pub(crate) fn pyrra(service: &str, generic: bool) -> String {
    let slo = format!("{service}-errors");
    let labels = [("service", service), ("slo", slo.as_str())];
    let total = format!("http_requests_total{{service=\"{service}\"}}");
    let mut out = format!("- name: {slo}-increase\n  rules:\n");
    let increase = format!("sum by (code) (increase({total}[30d]))");
    record(&mut out, "http_requests:increase30d", &increase, &labels);
    let _ = writeln!(out, "- name: {slo}\n  rules:");
    for window in ["5m", "32m", "1h4m", "2h9m", "6h26m", "1d1h43m", "4d6h51m"] {
        let (bad, total) = requests(service, window);
        let name = format!("http_requests:burnrate{window}");
        record(&mut out, &name, &format!("{bad} / {total}"), &labels);
    }
    for (short, long, factor, severity) in PYRRA {
        let above = |window: &str| {
            format!(
                "http_requests:burnrate{window}{{service=\"{service}\",slo=\"{slo}\"}} > \
                 ({factor} * (1-0.99))"
            )
        };
        let _ = writeln!(
            out,
            "  - alert: ErrorBudgetBurn\n    expr: {} and {}\n    for: 2m0s\n    labels:\n      \
             exhaustion: 2d\n      long: {long}\n      service: {service}\n      severity: \
             {severity}\n      short: {short}\n      slo: {slo}",
            above(short),
            above(long)
        );
    }
    if generic {
        let slo_label = [("slo", slo.as_str())];
        let recorded = |code: &str| {
            format!("http_requests:increase30d{{{code}service=\"{service}\",slo=\"{slo}\"}}")
        };
        let availability = format!(
            "1 - sum({} or vector(0)) / sum({})",
            recorded("code=~\"5..\","),
            recorded("")
        );
        let _ = writeln!(out, "- name: {slo}-generic\n  rules:");
        record(&mut out, "pyrra_objective", "0.99", &slo_label);
        record(&mut out, "pyrra_window", "2592000", &slo_label);
        record(&mut out, "pyrra_availability", &availability, &slo_label);
    }
    out
}

/// What Pyrra writes for one ratio SLO over all services that groups by them, 30 days.
pub(crate) fn pyrra_grouped() -> String {
    let labels = [("slo", "grouped")];
    let mut out = String::from("- name: grouped-increase\n  rules:\n");
    let increase = "sum by (code, service) (increase(http_requests_total[30d]))";
    record(&mut out, "http_requests:increase30d", increase, &labels);
    let _ = writeln!(out, "- name: grouped\n  rules:");
    for window in ["5m", "32m", "1h4m", "2h9m", "6h26m", "1d1h43m", "4d6h51m"] {
        let rate =
            |codes: &str| format!("sum by (service) (rate(http_requests_total{codes}[{window}]))");
        let name = format!("http_requests:burnrate{window}");
        let ratio = format!("{} / {}", rate("{code=~\"5..\"}"), rate(""));
        record(&mut out, &name, &ratio, &labels);
    }
    for (short, long, factor, severity) in PYRRA {
        let above = |window: &str| {
            format!("http_requests:burnrate{window}{{slo=\"grouped\"}} > ({factor} * (1-0.99))")
        };
        let _ = writeln!(
            out,
            "  - alert: ErrorBudgetBurn\n    expr: {} and {}\n    labels:\n      severity: \
             {severity}\n      slo: grouped",
            above(short),
            above(long)
        );
    }
    out
}
