//! Servers that misbehave, and what the client makes of them.

mod answers;
mod changes;
mod identity;
mod refusals;
mod tls;
mod traced;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Http;
use crate::config::{HttpSettings, SecretRef, SourceSettings};
use crate::domain::SourceName;

/// What a server does with a request.
#[derive(Clone)]
enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes, then one byte every 20 ms for ever.
    Trickle(Vec<u8>),
    /// Sends these bytes, then the others for as long as anybody reads.
    Flood(Vec<u8>, Vec<u8>),
    /// Never answers; waits for the other side to go.
    Hang,
    /// Resets the connection.
    Reset,
}

/// A server on loopback that records what it is asked.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
    asked: Arc<Notify>,
    left: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(reply: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let sent: Arc<AtomicUsize> = Arc::default();
        let (asked, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let state = (
            Arc::clone(&seen),
            Arc::clone(&sent),
            Arc::clone(&asked),
            Arc::clone(&left),
        );
        let task = tokio::spawn(async move {
            let (seen, sent, asked, left) = state;
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read_request(&mut stream).await else {
                    continue;
                };
                let answer = reply(&request);
                seen.lock().unwrap().push(request);
                asked.notify_one();
                let (sent, left) = (Arc::clone(&sent), Arc::clone(&left));
                tokio::spawn(async move {
                    answer_with(answer, stream, &sent).await;
                    left.notify_one();
                });
            }
        });
        Self {
            url,
            seen,
            sent,
            asked,
            left,
            task,
        }
    }

    /// A server that always answers these bytes.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_| Reply::Bytes(answer.clone())).await
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}

async fn answer_with(reply: Reply, mut stream: TcpStream, sent: &AtomicUsize) {
    match reply {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Trickle(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Reply::Flood(bytes, rest) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&rest).await.is_ok() {
                sent.fetch_add(rest.len(), Ordering::Relaxed);
            }
        }
        Reply::Hang => {
            let _ = stream.read_u8().await;
        }
        Reply::Reset => stream.set_zero_linger().unwrap(),
    }
}

/// An answer as it goes over the wire.
fn answer(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut wire = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        wire.push_str(header);
        wire.push_str("\r\n");
    }
    wire.push_str("\r\n");
    let mut wire = wire.into_bytes();
    wire.extend_from_slice(body);
    wire
}

fn settings(url: &str) -> SourceSettings {
    SourceSettings {
        name: SourceName::new("prom"),
        kind: "prometheus".to_owned(),
        index: 2,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: Some(url.to_owned()),
            ..HttpSettings::default()
        },
        folder: None,
        table: toml::Table::new(),
    }
}

fn client(server: &Server) -> Http {
    Http::new(&settings(&server.url), None).unwrap()
}

/// A client that waits no longer than `millis`.
fn hasty(server: &Server, millis: i64) -> Http {
    let mut settings = settings(&server.url);
    settings.http.timeout = Some(SignedDuration::from_millis(millis));
    Http::new(&settings, None).unwrap()
}

/// A secret in a file that is for its owner alone.
fn secret_file(folder: &Path, text: &str) -> SecretRef {
    let path = folder.join("secret");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    SecretRef::File(path)
}
