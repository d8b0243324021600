//! A server whose every answer is the same bytes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A running server.
pub(crate) struct Served {
    pub(crate) url: String,
    body: Arc<Mutex<Vec<u8>>>,
}

impl Served {
    /// Starts one that calls its answers this type.
    pub(crate) fn start(content_type: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let body = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&body);
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let shared: Arc<Mutex<Vec<u8>>> = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut buffer = [0; 16 * 1024];
                    let mut request = Vec::new();
                    // One request after the other, none of which is longer than a few kilobytes.
                    while let Ok(count) = client.read(&mut buffer) {
                        request.extend_from_slice(&buffer[..count]);
                        if count == 0 {
                            return;
                        }
                        if !is_whole(&request) {
                            continue;
                        }
                        request.clear();
                        let body = shared.lock().expect("lock").clone();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                            body.len()
                        );
                        if client
                            .write_all(&[head.as_bytes(), &body].concat())
                            .is_err()
                        {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, body }
    }

    /// From now on it answers with this.
    pub(crate) fn set(&self, body: &[u8]) {
        *self.body.lock().expect("lock") = body.to_vec();
    }
}

/// True for a request whose body is there.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}
