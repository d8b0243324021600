//! A real server as a child process on a free loopback port, ended with the test.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Its base URL.
    pub(crate) url: String,
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Server {
    /// Starts `program` with arguments made from its address, and waits until `ready` answers 200.
    ///
    /// # Panics
    /// When the program is missing: a test without its real server must fail, not pass.
    pub(crate) fn start(
        program: &str,
        dir: &Path,
        ready: &str,
        args: impl Fn(&str) -> Vec<String>,
    ) -> Self {
        // Another process may take the port first: then the server ends at once, and we try anew.
        for _ in 0..5 {
            let address = format!("127.0.0.1:{}", free_port());
            let mut server = Self::spawn(program, dir, &address, &args(&address));
            if server.wait_until_ready(&address, ready) {
                return server;
            }
        }
        let log = std::fs::read_to_string(dir.join("server.log")).unwrap_or_default();
        panic!("{program} did not become ready: {log}");
    }

    /// Starts `program` at an address that it had before, and waits until `ready` answers 200.
    pub(crate) fn start_at(
        program: &str,
        dir: &Path,
        address: &str,
        ready: &str,
        args: &[String],
    ) -> Self {
        let mut server = Self::spawn(program, dir, address, args);
        assert!(
            server.wait_until_ready(address, ready),
            "{program} did not become ready at {address}"
        );
        server
    }

    fn spawn(program: &str, dir: &Path, address: &str, args: &[String]) -> Self {
        let log = std::fs::File::create(dir.join("server.log")).expect("a log file");
        let child = Command::new(self::program(program))
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}); `./test` installs it")
            });
        Self {
            child,
            url: format!("http://{address}"),
        }
    }

    fn wait_until_ready(&mut self, address: &str, path: &str) -> bool {
        let deadline = Instant::now() + Duration::from_mins(1);
        while Instant::now() < deadline {
            if self.child.try_wait().expect("its state").is_some() {
                return false;
            }
            if get(address, path).is_some_and(|answer| answer.split(' ').nth(1) == Some("200")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program where `./test` unpacks the servers that the system lacks, or else by its name.
pub(crate) fn program(name: &str) -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers/usr/bin");
    let unpacked = unpacked.join(name);
    if unpacked.exists() {
        unpacked
    } else {
        PathBuf::from(name)
    }
}

/// One plain request, its whole answer as text.
pub(crate) fn get(address: &str, path: &str) -> Option<String> {
    request(
        address,
        &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"),
    )
}

/// Asks a server until its answer is as wanted.
pub(crate) fn wait_until(url: &str, path: &str, is_it: impl Fn(&Value) -> bool) {
    let address = url.trim_start_matches("http://");
    let began = Instant::now();
    loop {
        let answer = get(address, path).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        if is_it(&body) {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{path}: {body:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A query as it stands in a URL.
pub(crate) fn encoded(query: &str) -> String {
    let mut out = String::new();
    for byte in query.bytes() {
        let _ = write!(out, "%{byte:02X}");
    }
    out
}

/// One plain JSON POST, its whole answer as text.
pub(crate) fn post(address: &str, path: &str, body: &str) -> Option<String> {
    let length = body.len();
    request(
        address,
        &format!(
            "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn request(address: &str, text: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
