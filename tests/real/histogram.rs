//! Latency by a native histogram, scraped by a real Prometheus.
//!
//! Native histograms are scraped as protobuf alone (`io.prometheus.client`, metrics.proto); the
//! exporter here writes the few fields that it takes by hand.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use watchfire::config::Sli;
use watchfire::domain::{Reading, Window};
use watchfire::source::Ask;

use crate::planner::{slo, source};
use crate::request::read_request;
use crate::server::Server;

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(value, out);
}

/// A signed number as protobuf's `sint`.
fn signed(field: u64, value: i64, out: &mut Vec<u8>) {
    number(field, ((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

fn double(field: u64, value: f64, out: &mut Vec<u8>) {
    varint(field << 3 | 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Of `count` times nine requests took up to a second, and `slow` of the count two to four seconds:
/// schema 0, whose bucket `i` ends at 2^i.
fn histogram(service: &str, fast: u64, slow: u64) -> Vec<u8> {
    let mut label = Vec::new();
    bytes(1, b"service", &mut label);
    bytes(2, service.as_bytes(), &mut label);
    let span = |offset: i64| {
        let mut span = Vec::new();
        signed(1, offset, &mut span);
        number(2, 1, &mut span);
        span
    };
    let mut histogram = Vec::new();
    number(1, fast + slow, &mut histogram);
    double(2, 1.0, &mut histogram);
    signed(5, 0, &mut histogram);
    double(6, 1e-9, &mut histogram);
    number(7, 0, &mut histogram);
    bytes(12, &span(0), &mut histogram);
    bytes(12, &span(1), &mut histogram);
    // Each bucket as its difference to the one before.
    signed(13, fast.cast_signed(), &mut histogram);
    signed(13, slow.cast_signed() - fast.cast_signed(), &mut histogram);
    let mut metric = Vec::new();
    bytes(1, &label, &mut metric);
    bytes(7, &histogram, &mut metric);
    metric
}

/// Serves histograms that grow with every scrape.
fn exporter() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let scrapes = Arc::new(AtomicU64::new(0));
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = read_request(&mut client);
            let count = scrapes.fetch_add(1, Ordering::Relaxed) + 1;
            let mut family = Vec::new();
            bytes(1, b"latency_seconds", &mut family);
            number(3, 4, &mut family);
            bytes(
                4,
                &histogram("checkout", 90 * count, 10 * count),
                &mut family,
            );
            bytes(4, &histogram("search", 100 * count, 0), &mut family);
            let mut body = Vec::new();
            varint(family.len() as u64, &mut body);
            body.extend(family);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.google.protobuf; \
                 proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A client that left is nobody's loss.
            let _ = std::io::Write::write_all(&mut client, &[head.into_bytes(), body].concat());
        }
    });
    address
}

#[tokio::test]
async fn latency_by_a_native_histogram_is_the_share_above_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "scrape_configs:\n- job_name: shop\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        exporter()
    );
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let server = Server::start("prometheus", dir.path(), "/-/ready", |address| {
        vec![
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            "--enable-feature=native-histograms".to_owned(),
            format!("--web.listen-address={address}"),
        ]
    });
    let latency = |service: &str, within| {
        let histogram = format!("latency_seconds{{service=\"{service}\"}}");
        slo(service, "latency", Sli::Latency { histogram, within })
    };
    let slos = vec![
        latency("checkout", 1.0),
        latency("search", 1.0),
        latency("nobody", 1.0),
    ];
    let mut source = source(&server.url, slos);
    let began = Instant::now();
    loop {
        let ask = Ask {
            now: Timestamp::now(),
            at: None,
            history: false,
            since: None,
        };
        let facts = source.fetch(&ask).await.unwrap();
        assert_eq!(facts.fault, None);
        let found = facts.slos.unwrap();
        let window = Window::minutes(5);
        if let (Some(slow), Some(well)) = (
            found[0].reading(window).ratio(),
            found[1].reading(window).ratio(),
        ) {
            assert!((slow - 0.1).abs() < 1e-9, "{slow}");
            assert!(well < 1e-9, "{well}");
            let sample = found[0].windows.get(window);
            assert!(sample.is_some_and(|sample| sample.events.is_some()));
            assert_eq!(found[2].reading(window), Reading::NoSeries);
            return;
        }
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{:?}",
            facts.warnings
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
