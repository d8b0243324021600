//! Suggested SLOs against a real Prometheus: every family of metrics with the traps it has, and the
//! truth that each series was made with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{status, watchfire};
use crate::server::Server;

/// Minutes of history, and between samples.
const MINUTES: i64 = 3 * 1_440;
const STEP: usize = 2;

/// Series with what each counts a minute.
#[derive(Default)]
struct World(Vec<(String, f64)>);

impl World {
    fn add(mut self, series: &str, per_minute: f64) -> Self {
        self.0.push((series.to_owned(), per_minute));
        self
    }

    /// A classic histogram: of `per_minute` requests so many are within each bucket.
    fn histogram(self, base: &str, labels: &str, per_minute: f64, buckets: &[(&str, f64)]) -> Self {
        let comma = if labels.is_empty() { "" } else { "," };
        let world = buckets.iter().fold(self, |world, (le, within)| {
            world.add(
                &format!("{base}_bucket{{{labels}{comma}le=\"{le}\"}}"),
                *within,
            )
        });
        world
            .add(
                &format!("{base}_bucket{{{labels}{comma}le=\"+Inf\"}}"),
                per_minute,
            )
            .add(&format!("{base}_count{{{labels}}}"), per_minute)
    }

    /// Writes it into `dir` and starts a Prometheus on it.
    fn start(self, dir: &Path) -> Server {
        let end = this_minute();
        let mut text = String::new();
        let mut series = self.0;
        series.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, per_minute) in series {
            let is_gauge = name.starts_with("probe_") || name.starts_with("up{");
            let step = if is_gauge { 1 } else { STEP };
            for minute in (0..=MINUTES).step_by(step) {
                let at = end - (MINUTES - minute) * 60;
                let minutes = f64::from(i32::try_from(minute).expect("small"));
                let value = if is_gauge {
                    gauge(per_minute, minute)
                } else {
                    (per_minute * minutes).floor()
                };
                let _ = writeln!(text, "{name} {value} {at}");
            }
        }
        text.push_str("# EOF\n");
        create_blocks(dir, "world", &text);
        start(dir, "")
    }
}

/// 1, but 0 once in so many samples.
fn gauge(one_in: f64, minute: i64) -> f64 {
    let nth = f64::from(i32::try_from(minute).expect("small"));
    let is_bad = one_in > 0.0 && (nth % one_in - 1.0).abs() < 0.5;
    if is_bad { 0.0 } else { 1.0 }
}

/// The families, each with what it is to be: id, objective in percent, error ratio.
fn families() -> (World, Vec<(&'static str, f64, f64)>) {
    let truth = vec![
        // OpenTelemetry: 5xx and requests without an answer, health checks left out.
        ("otel-cart/availability", 99.9, 0.6 / 1000.0),
        ("otel-cart/latency", 99.5, 3.0 / 1000.0),
        ("otel-pay/availability", 99.5, 3.0 / 1000.0),
        ("old-otel/availability", 99.9, 0.5 / 1000.0),
        ("rpc-new/availability", 99.9, 0.5 / 1000.0),
        ("rpc-old/availability", 99.9, 0.5 / 1000.0),
        // Client libraries: by `service` where it is on all, by `job` where it is not.
        ("shop/availability", 99.9, 0.5 / 1000.0),
        ("search/availability", 99.5, 2.0 / 1000.0),
        ("legacy/availability", 99.0, 5.0 / 1000.0),
        ("legacy/latency", 99.5, 4.0 / 1000.0),
        ("gohttp/availability", 99.9, 0.5 / 1000.0),
        ("shop.Cart/availability", 99.9, 0.5 / 1000.0),
        ("shop.Pay/availability", 99.9, 0.5 / 1000.0),
        ("reviews/availability", 99.9, 0.5 / 1000.0),
        ("ratings.a/availability", 99.9, 0.5 / 1000.0),
        ("ratings.b/availability", 99.5, 2.0 / 1000.0),
        ("lnk-web/availability", 99.9, 0.5 / 1000.0),
        ("lnk-api/availability", 99.9, 0.5 / 1000.0),
        ("front/availability", 99.9, 0.5 / 1000.0),
        ("admin/availability", 99.9, 0.5 / 1000.0),
        ("whoami/availability", 99.9, 0.5 / 1000.0),
        ("blog/availability", 99.9, 0.5 / 1000.0),
        ("blog/latency", 99.5, 4.0 / 1000.0),
        ("envoy-a/availability", 99.9, 0.5 / 1000.0),
        ("envoy-b/availability", 99.9, 0.5 / 1000.0),
        ("ha-web/availability", 99.9, 0.5 / 1000.0),
        ("ha-api/availability", 99.9, 0.5 / 1000.0),
        ("srv0/availability", 99.9, 0.5 / 1000.0),
        ("srv1/availability", 99.9, 0.5 / 1000.0),
        ("spring-a/availability", 99.9, 0.5 / 1000.0),
        ("spring-b/availability", 99.9, 0.5 / 1000.0),
        ("dotnet/availability", 99.9, 0.5 / 1000.0),
        ("django/availability", 99.9, 0.5 / 1000.0),
        ("shop.example/availability", 99.5, 1.0 / 480.0),
        ("apiserver/availability", 99.9, 0.5 / 1000.0),
        ("coredns/availability", 99.9, 0.5 / 1000.0),
        ("rules/availability", 99.9, 0.5 / 1000.0),
        ("ctl-a/availability", 99.9, 0.5 / 1000.0),
        ("ctl-b/availability", 99.9, 0.5 / 1000.0),
        ("mail.send/availability", 99.9, 0.5 / 1000.0),
        ("mail.read/availability", 99.9, 0.5 / 1000.0),
        ("rpc.Cart/availability", 99.9, 0.5 / 1000.0),
        ("rpc.Pay/availability", 99.9, 0.5 / 1000.0),
        ("node/availability", 99.5, 1.0 / 720.0),
    ];
    (proxies(applications(World::default())), truth)
}

/// A counter with a good and a bad series of this label.
fn pair(world: World, metric: &str, labels: &str, good: &str, bad: &str) -> World {
    world
        .add(&format!("{metric}{{{labels},{good}}}"), 999.5)
        .add(&format!("{metric}{{{labels},{bad}}}"), 0.5)
}

fn applications(world: World) -> World {
    let otel = "http_server_request_duration_seconds";
    let named =
        |service: &str, more: &str| format!("job=\"otel\",service_name=\"{service}\",{more}");
    let ok = |service: &str| {
        named(
            service,
            "http_response_status_code=\"200\",http_route=\"/cart\"",
        )
    };
    let world = world
        .histogram(
            otel,
            &ok("otel-cart"),
            999.4,
            &[("0.1", 700.0), ("0.25", 996.4), ("0.5", 999.4)],
        )
        .histogram(
            otel,
            &named(
                "otel-cart",
                "http_response_status_code=\"500\",error_type=\"500\",http_route=\"/cart\"",
            ),
            0.3,
            &[("0.1", 0.3), ("0.25", 0.3), ("0.5", 0.3)],
        )
        .histogram(
            otel,
            &named("otel-cart", "error_type=\"timeout\",http_route=\"/cart\""),
            0.3,
            &[("0.1", 0.3), ("0.25", 0.3), ("0.5", 0.3)],
        )
        .histogram(
            otel,
            &named(
                "otel-cart",
                "http_response_status_code=\"200\",http_route=\"/healthz\"",
            ),
            5_000.0,
            &[("0.1", 5_000.0), ("0.25", 5_000.0), ("0.5", 5_000.0)],
        )
        .add(&format!("{otel}_count{{{}}}", ok("otel-pay")), 997.0)
        .add(
            &format!(
                "{otel}_count{{{}}}",
                named(
                    "otel-pay",
                    "http_response_status_code=\"503\",error_type=\"503\",http_route=\"/pay\""
                )
            ),
            3.0,
        )
        .add(
            &format!(
                "{otel}_count{{{}}}",
                named(
                    "otel-pay",
                    "http_response_status_code=\"404\",error_type=\"404\",http_route=\"/pay\""
                )
            ),
            50.0,
        );
    let world = pair(
        world,
        "otel_http_server_duration_milliseconds_count",
        "job=\"old-otel\"",
        "http_status_code=\"200\"",
        "http_status_code=\"500\"",
    );
    let world = world
        .add("rpc_server_call_duration_seconds_count{job=\"rpc-new\"}", 989.5)
        .add("rpc_server_call_duration_seconds_count{job=\"rpc-new\",error_type=\"UNAVAILABLE\"}", 0.5)
        .add("rpc_server_call_duration_seconds_count{job=\"rpc-new\",error_type=\"DEADLINE_EXCEEDED\"}", 10.0);
    let world = pair(
        world,
        "rpc_server_duration_milliseconds_count",
        "job=\"rpc-old\"",
        "rpc_grpc_status_code=\"0\"",
        "rpc_grpc_status_code=\"14\"",
    );
    let world = pair(
        world,
        "http_requests_total",
        "job=\"apps\",service=\"shop\"",
        "code=\"2xx\"",
        "code=\"5xx\"",
    );
    let world = world
        .add("http_requests_total{job=\"apps\",service=\"search\",code=\"200\"}", 998.0)
        .add("http_requests_total{job=\"apps\",service=\"search\",code=\"500\"}", 2.0)
        .add("http_requests_total{job=\"apps\",service=\"search\",code=\"429\"}", 10.0)
        .add("http_requests_total{job=\"apps\",service=\"search\",handler=\"/metrics\",code=\"200\"}", 3_000.0)
        .add("http_requests_total{job=\"legacy\",instance=\"a\",status=\"200\"}", 995.0)
        .add("http_requests_total{job=\"legacy\",instance=\"a\",status=\"502\"}", 5.0)
        .histogram("http_request_duration_seconds", "job=\"legacy\"", 1_000.0, &[("0.5", 900.0), ("1.0", 996.0), ("2.0", 999.0)])
        // No status label, and a label of pods: nothing.
        .add("http_requests_total{job=\"mute\",path=\"/x\"}", 100.0);
    let world = pair(
        world,
        "http_request_duration_seconds_count",
        "job=\"gohttp\"",
        "code=\"200\"",
        "code=\"500\"",
    );
    let world = ["shop.Cart", "shop.Pay"]
        .into_iter()
        .fold(world, |world, service| {
            let labels = format!("job=\"grpc\",grpc_service=\"{service}\",grpc_type=\"unary\"");
            pair(
                world,
                "grpc_server_handled_total",
                &labels,
                "grpc_code=\"NotFound\"",
                "grpc_code=\"Internal\"",
            )
        });
    let world = pair(
        world,
        "grpc_server_handled_total",
        "job=\"grpc\",grpc_service=\"grpc.health.v1.Health\"",
        "grpc_code=\"OK\"",
        "grpc_code=\"Unavailable\"",
    );
    let world = ["spring-a", "spring-b"].into_iter().fold(world, |world, service| {
        let labels = format!("job=\"spring\",application=\"{service}\",uri=\"/a\"");
        let metric = "http_server_requests_seconds_count";
        pair(world, metric, &labels, "outcome=\"SUCCESS\",status=\"200\"", "outcome=\"SERVER_ERROR\",status=\"500\"")
            .add(&format!("{metric}{{job=\"spring\",application=\"{service}\",uri=\"/actuator/health\",outcome=\"SERVER_ERROR\",status=\"503\"}}"), 90.0)
    });
    let world = pair(
        world,
        "http_requests_received_total",
        "job=\"dotnet\"",
        "code=\"200\"",
        "code=\"500\"",
    );
    let world = pair(
        world,
        "django_http_responses_total_by_status_total",
        "job=\"django\"",
        "status=\"200\"",
        "status=\"500\"",
    );
    let world = ["mail.send", "mail.read"].into_iter().fold(world, |world, name| {
        world
            .add(&format!("celery_task_succeeded_total{{job=\"celery\",name=\"{name}\",queue_name=\"q\"}}"), 999.5)
            .add(&format!("celery_task_failed_total{{job=\"celery\",name=\"{name}\",queue_name=\"q\",exception=\"E\"}}"), 0.5)
            .add(&format!("celery_task_retried_total{{job=\"celery\",name=\"{name}\",queue_name=\"q\"}}"), 90.0)
    });
    let world = ["rpc.Cart", "rpc.Pay"]
        .into_iter()
        .fold(world, |world, service| {
            let labels = format!("job=\"connect\",service=\"{service}\",method=\"Get\"");
            pair(
                world,
                "connect_server_requests_total",
                &labels,
                "code=\"not_found\"",
                "code=\"internal\"",
            )
        });
    world
        .add("up{job=\"node\",instance=\"a:9100\"}", 720.0)
        .add("up{job=\"gohttp\",instance=\"b:80\"}", 0.0)
        .add("up{job=\"mute\",instance=\"c:80\"}", 0.0)
        .add(
            "kafka_consumergroup_lag{job=\"kafka\",consumergroup=\"g\",topic=\"t\"}",
            0.0,
        )
        .add(
            "probe_success{job=\"blackbox\",instance=\"https://shop.example/health\"}",
            480.0,
        )
}

fn proxies(world: World) -> World {
    let istio = |world: World, service: &str, namespace: &str, bad: f64| {
        ["source", "destination"].into_iter().fold(world, |world, reporter| {
            let labels = format!("reporter=\"{reporter}\",destination_canonical_service=\"{service}\",destination_service_namespace=\"{namespace}\"");
            world
                .add(&format!("istio_requests_total{{{labels},response_code=\"200\"}}"), 1_000.0 - bad)
                .add(&format!("istio_requests_total{{{labels},response_code=\"0\"}}"), bad)
        })
    };
    let world = istio(world, "reviews", "a", 0.5);
    let world = istio(world, "ratings", "a", 0.5);
    let world = istio(world, "ratings", "b", 2.0);
    let world = ["lnk-web", "lnk-api"]
        .into_iter()
        .fold(world, |world, name| {
            ["inbound", "outbound"]
                .into_iter()
                .fold(world, |world, direction| {
                    let labels =
                        format!("direction=\"{direction}\",deployment=\"{name}\",namespace=\"l\"");
                    pair(
                        world,
                        "response_total",
                        &labels,
                        "classification=\"success\"",
                        "classification=\"failure\"",
                    )
                })
        });
    // The controller's own `service` is the same on all; what it serves is in `exported_service`.
    let world = ["front", "admin"].into_iter().fold(world, |world, name| {
        let labels = format!("job=\"ingress\",service=\"controller\",exported_service=\"{name}\",exported_namespace=\"x\",namespace=\"ingress\"");
        pair(world, "nginx_ingress_controller_requests", &labels, "status=\"499\"", "status=\"502\"")
    });
    // The ingress counts what the application counts again.
    let world = pair(
        world,
        "http_requests_total",
        "job=\"front\"",
        "code=\"200\"",
        "code=\"500\"",
    );
    let world = ["whoami", "blog"].into_iter().fold(world, |world, name| {
        let labels = format!("job=\"traefik\",service=\"{name}@docker\",protocol=\"http\"");
        let world = pair(
            world,
            "traefik_service_requests_total",
            &labels,
            "code=\"200\"",
            "code=\"500\"",
        );
        pair(
            world,
            "traefik_entrypoint_requests_total",
            "job=\"traefik\",entrypoint=\"web\"",
            &format!("code=\"200\",x=\"{name}\""),
            &format!("code=\"500\",x=\"{name}\""),
        )
    });
    let world = world
        .add("traefik_service_requests_total{job=\"traefik\",service=\"dashboard@internal\",protocol=\"http\",code=\"200\"}", 90.0)
        .histogram("traefik_service_request_duration_seconds", "job=\"traefik\",service=\"blog@docker\",protocol=\"http\"", 1_000.0, &[("0.1", 800.0), ("0.3", 985.0), ("1.2", 996.0), ("5.0", 999.0)])
        .histogram("traefik_service_request_duration_seconds", "job=\"traefik\",service=\"blog@docker\",protocol=\"websocket\"", 100.0, &[("0.1", 0.0), ("0.3", 0.0), ("1.2", 0.0), ("5.0", 0.0)])
        .histogram("traefik_service_request_duration_seconds", "job=\"traefik\",service=\"whoami@docker\",protocol=\"http\"", 1_000.0, &[("0.1", 0.0), ("0.3", 0.0), ("1.2", 500.0), ("5.0", 700.0)]);
    let world = ["envoy-a", "envoy-b"]
        .into_iter()
        .fold(world, |world, name| {
            let labels = format!("job=\"envoy\",envoy_cluster_name=\"{name}\"");
            pair(
                world,
                "envoy_cluster_upstream_rq_xx",
                &labels,
                "envoy_response_code_class=\"2\"",
                "envoy_response_code_class=\"5\"",
            )
        });
    let world = ["ha-web", "ha-api"].into_iter().fold(world, |world, name| {
        let labels = format!("job=\"haproxy\",proxy=\"{name}\"");
        let world = pair(
            world,
            "haproxy_frontend_http_responses_total",
            &labels,
            "code=\"2xx\"",
            "code=\"5xx\"",
        );
        pair(
            world,
            "haproxy_backend_http_responses_total",
            &labels,
            "code=\"2xx\"",
            "code=\"5xx\"",
        )
    });
    let world = ["srv0", "srv1"].into_iter().fold(world, |world, name| {
        ["subroute", "reverse_proxy"]
            .into_iter()
            .fold(world, |world, handler| {
                let labels = format!("job=\"caddy\",server=\"{name}\",handler=\"{handler}\"");
                pair(
                    world,
                    "caddy_http_request_duration_seconds_count",
                    &labels,
                    "code=\"200\"",
                    "code=\"500\"",
                )
            })
    });
    let world = pair(
        world,
        "apiserver_request_total",
        "job=\"apiserver\"",
        "verb=\"GET\",code=\"200\"",
        "verb=\"GET\",code=\"500\"",
    );
    let world = pair(
        world,
        "coredns_dns_responses_total",
        "job=\"coredns\"",
        "rcode=\"NXDOMAIN\"",
        "rcode=\"SERVFAIL\"",
    );
    let world = ["ctl-a", "ctl-b"].into_iter().fold(world, |world, name| {
        let labels = format!("job=\"operator\",controller=\"{name}\"");
        pair(
            world,
            "controller_runtime_reconcile_total",
            &labels,
            "result=\"success\"",
            "result=\"error\"",
        )
    });
    world
        .add(
            "prometheus_rule_evaluations_total{job=\"rules\",rule_group=\"g\"}",
            1_000.0,
        )
        .add(
            "prometheus_rule_evaluation_failures_total{job=\"rules\",rule_group=\"g\"}",
            0.5,
        )
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn every_family_is_suggested_as_it_is_meant_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let (world, truth) = families();
    let server = world.start(dir.path());
    let (_, answer) = status(dir.path(), &["--prometheus", &server.url]);
    let slos = answer["slos"].as_array().expect("SLOs");
    let mut found = BTreeMap::new();
    for slo in slos {
        assert_eq!(slo["origin"], "suggested", "{slo:#}");
        assert!(
            slo["suggested_because"]
                .as_str()
                .is_some_and(|why| why.len() > 20)
        );
        found.insert(slo["id"].as_str().expect("an id").to_owned(), slo);
    }
    let wanted: BTreeSet<_> = truth.iter().map(|(id, ..)| (*id).to_owned()).collect();
    let ids: BTreeSet<_> = found.keys().cloned().collect();
    assert_eq!(ids, wanted, "{:#}", answer["sources"]);
    let mut wrong = Vec::new();
    for (id, percent, ratio) in truth {
        let slo = found[id];
        let (objective, day) = (number(&slo["objective"]), number(&slo["error_ratio"]["1d"]));
        let is_right =
            (objective - percent / 100.0).abs() < 1e-9 && (day / ratio - 1.0).abs() < 0.03;
        if !is_right {
            wrong.push(format!(
                "{id}: {objective} {day}, not {percent} % {ratio}: {}",
                slo["notes"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let run = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]);
    assert!(run.stdout.contains("44 SLOs suggested"), "{}", run.stdout);
    for reason in [
        "how much lag is too much",
        "no label says which events are bad",
    ] {
        assert!(run.stdout.contains(reason), "{reason}: {}", run.stdout);
    }
}

/// What a server without any metric that is recognised is told.
#[test]
fn where_nothing_is_recognised_the_next_step_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = World::default()
        .add("cats_total{job=\"a\"}", 1.0)
        .start(dir.path());
    let table = watchfire(dir.path(), &["--prometheus", &server.url, "status"]);
    assert_eq!(table.exit, 3, "{}", table.stdout);
    assert!(
        table.stdout.contains("no SLOs yet: none of"),
        "{}",
        table.stdout
    );
    let doctor = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]);
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    assert!(
        doctor.stdout.contains("watchfire init"),
        "{}",
        doctor.stdout
    );
}

/// Standings: thin, never failed, and too bad for any objective; and what comes of young services.
#[test]
fn what_is_thin_never_failed_or_too_bad_is_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let series = |service: &str, code: &str| {
        format!("http_requests_total{{job=\"apps\",service=\"{service}\",code=\"{code}\"}}")
    };
    let world = World::default()
        .add(&series("good", "200"), 10.0)
        .add(&series("fine", "200"), 999.5)
        .add(&series("fine", "500"), 0.5)
        .add(&series("thin", "200"), 0.5)
        .add(&series("bad", "200"), 95.0)
        .add(&series("bad", "500"), 5.0);
    let server = world.start(dir.path());
    let (_, answer) = status(dir.path(), &["--prometheus", &server.url]);
    let slos = answer["slos"].as_array().expect("SLOs");
    let because = |id: &str| {
        let slo = slos.iter().find(|slo| slo["id"] == id);
        slo.map(|slo| {
            slo["suggested_because"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
    };
    assert!(because("good/availability").is_some_and(|why| why.contains("never failed")));
    assert!(because("fine/availability").is_some_and(|why| why.contains("99.9%")));
    assert_eq!(
        (because("thin/availability"), because("bad/availability")),
        (None, None)
    );
    assert_eq!(answer["verdict"], "ok", "{answer:#}");
    let doctor = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]).stdout;
    assert!(
        doctor.contains("fewer than 1,000 events in the last day: thin/availability"),
        "{doctor}"
    );
    assert!(
        doctor.contains("not even 99%: bad/availability"),
        "{doctor}"
    );
    let off = "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nsuggest = false\nurl = ";
    std::fs::write(
        dir.path().join("off.toml"),
        format!("{off}\"{}\"\n", server.url),
    )
    .expect("a file");
    let (exit, answer) = status(dir.path(), &["--config", "off.toml"]);
    assert_eq!(
        (exit, answer["slos"].as_array().map(Vec::len)),
        (3, Some(0))
    );
}
