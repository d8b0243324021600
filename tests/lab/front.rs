//! A server that answers as a vendor does, or as a real server behind it, and misbehaves on command.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::request::read_request;
use crate::stand_in::{self, Healthy};

/// Where healthy answers come from.
#[derive(Clone, Debug)]
pub(crate) enum Behind {
    /// The stand-in of a vendor, by the kind of source.
    StandIn(&'static str),
    /// A real server at this address.
    Server(String),
}

/// What the threads of a front share.
struct Shared {
    behind: Behind,
    /// `None` once the front is gone.
    behaviour: Mutex<Option<Behaviour>>,
    turned: Condvar,
    heard: Mutex<Vec<String>>,
    /// Where redirects lead.
    away: Mutex<String>,
}

/// A server on a port of its own.
pub(crate) struct Front {
    /// Host and port.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Front {
    /// Starts one that is well.
    pub(crate) fn start(behind: Behind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            behind,
            behaviour: Mutex::new(Some(Behaviour::Healthy)),
            turned: Condvar::new(),
            heard: Mutex::default(),
            away: Mutex::new("http://elsewhere.example{path}".to_owned()),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || listen(listener, address, &own));
        Self { address, shared }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it behaves so, also towards requests that wait.
    pub(crate) fn turn(&self, behaviour: Behaviour) {
        *self.shared.behaviour() = Some(behaviour);
        self.shared.turned.notify_all();
        // Makes the listening thread look; where none listens, nothing has to wake.
        let woken = TcpStream::connect(self.address);
        if behaviour == Behaviour::Dead {
            drop(woken);
            while TcpStream::connect(self.address).is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// From now on redirects lead there; `{path}` is what was asked for.
    pub(crate) fn redirect_to(&self, place: &str) {
        place.clone_into(&mut self.shared.away.lock().expect("lock"));
    }

    /// Every request until now, whole.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().expect("lock").clone()
    }

    /// Waits until it listens: a source of a front that was dead must not be polled before.
    pub(crate) fn wait_until_up(&self) {
        while TcpStream::connect(self.address).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        *self.shared.behaviour() = None;
        self.shared.turned.notify_all();
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn behaviour(&self) -> MutexGuard<'_, Option<Behaviour>> {
        self.behaviour.lock().expect("lock")
    }

    /// Waits while it behaves so.
    fn stay(&self, behaviour: Behaviour) {
        let stays = |now: &mut Option<Behaviour>| *now == Some(behaviour);
        drop(
            self.turned
                .wait_while(self.behaviour(), stays)
                .expect("lock"),
        );
    }

    /// Waits for so long; false once it behaves otherwise.
    fn pause(&self, behaviour: Behaviour, time: Duration) -> bool {
        let stays = |now: &mut Option<Behaviour>| *now == Some(behaviour);
        let waited = self
            .turned
            .wait_timeout_while(self.behaviour(), time, stays);
        waited.expect("lock").1.timed_out()
    }
}

fn listen(mut listener: TcpListener, address: SocketAddr, shared: &Arc<Shared>) {
    loop {
        for client in listener.incoming().flatten() {
            match *shared.behaviour() {
                None => return,
                Some(Behaviour::Dead) => break,
                Some(_) => {}
            }
            let shared = Arc::clone(shared);
            // A client that leaves early ends its thread and nothing else.
            thread::spawn(move || drop(serve(client, &shared)));
        }
        drop(listener);
        shared.stay(Behaviour::Dead);
        listener = loop {
            match TcpListener::bind(address) {
                Ok(listener) => break listener,
                Err(_) if shared.behaviour().is_some() => thread::sleep(Duration::from_millis(5)),
                Err(_) => return,
            }
        };
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    // A connection that only wakes the listening thread sends nothing.
    if client.peek(&mut [0])? == 0 {
        return Ok(());
    }
    let Some(behaviour) = *shared.behaviour() else {
        return Ok(());
    };
    if behaviour == Behaviour::Reset {
        // Closing a connection with unread bytes in it resets it.
        return Ok(());
    }
    let request = read_request(&mut client)?;
    let text = String::from_utf8_lossy(&request).into_owned();
    shared.heard.lock().expect("lock").push(text.clone());
    answer(&mut client, shared, behaviour, &request, &text)
}

/// The healthy answer to a request.
fn healthy(behind: &Behind, request: &[u8], text: &str) -> Option<Healthy> {
    let path = text.split(' ').nth(1).unwrap_or("/");
    match behind {
        Behind::StandIn(kind) => stand_in::answer(kind, path),
        Behind::Server(address) => {
            // In HTTP/1.0 an answer ends with its connection and is not chunked.
            let at = request.windows(8).position(|part| part == b"HTTP/1.1")?;
            let mut request = request.to_vec();
            request[at + 7] = b'0';
            let mut server = TcpStream::connect(address).ok()?;
            server.write_all(&request).ok()?;
            let mut answer = Vec::new();
            server.read_to_end(&mut answer).ok()?;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let (head, body) = answer.split_once("\r\n\r\n")?;
            head.contains(" 200 ").then(|| Healthy {
                content_type: "application/json",
                body: body.to_owned(),
            })
        }
    }
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Sends a whole answer; `headers` end with a line end each.
fn send(client: &mut impl Write, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(&[head.as_bytes(), body].concat())
}

/// The head of an answer that ends with its connection.
fn begin(client: &mut impl Write, headers: &str) -> io::Result<()> {
    client.write_all(format!("HTTP/1.1 200 OK\r\n{headers}Connection: close\r\n\r\n").as_bytes())
}

#[expect(clippy::too_many_lines, reason = "a line or two for each behaviour")]
fn answer(
    client: &mut impl Write,
    shared: &Shared,
    behaviour: Behaviour,
    request: &[u8],
    text: &str,
) -> io::Result<()> {
    use Behaviour as B;
    let well = || healthy(&shared.behind, request, text);
    let path = text.split(' ').nth(1).unwrap_or("/");
    match behaviour {
        B::Healthy | B::Skewed => {
            let ahead = if behaviour == B::Skewed { 24 } else { 0 };
            let date = format!("Date: {}\r\n", date(ahead));
            match well() {
                Some(well) => {
                    let headers = format!("{date}Content-Type: {}\r\n", well.content_type);
                    send(client, "200 OK", &headers, well.body.as_bytes())
                }
                None => send(client, "404 Not Found", JSON, b"{}"),
            }
        }
        B::Hang => {
            shared.stay(behaviour);
            Ok(())
        }
        B::Reset | B::Close | B::Dead => Ok(()),
        B::Html => send(
            client,
            "200 OK",
            "Content-Type: text/html\r\n",
            b"<!doctype html><title>Sign in</title><p>Please sign in.</p>",
        ),
        B::Empty => send(client, "200 OK", JSON, b""),
        B::NoContent => client.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        B::OtherObject => send(client, "200 OK", JSON, b"{\"ok\":true,\"version\":\"1\"}"),
        B::Scalar => send(client, "200 OK", JSON, b"42"),
        B::Null => send(client, "200 OK", JSON, b"null"),
        B::NotANumber => send(
            client,
            "200 OK",
            JSON,
            b"{\"status\":\"success\",\"data\":NaN}",
        ),
        B::Deep => send(client, "200 OK", JSON, "[".repeat(1_000_000).as_bytes()),
        B::NotText => send(client, "200 OK", JSON, b"{\"status\":\"\xff\xfe\"}"),
        B::RedirectLoop => {
            let location = format!("Location: {path}\r\n");
            send(client, "302 Found", &location, b"")
        }
        B::RedirectAway(status) => {
            let away = shared.away.lock().expect("lock").clone();
            let location = away.replace("{path}", path);
            let headers = format!("Location: {location}\r\n");
            send(client, &format!("{status} Moved"), &headers, b"")
        }
        B::NextPageAway => {
            let away = shared.away.lock().expect("lock").clone();
            let headers = format!("{JSON}Link: <{away}>; rel=\"next\"\r\n");
            let body = well().map_or_else(String::new, |well| well.body);
            send(client, "200 OK", &headers, body.as_bytes())
        }
        B::Echo(status) => {
            let mut body = serde_json::Map::new();
            for field in [
                "error", "message", "detail", "warnings", "errors", "title", "reason",
            ] {
                body.insert(field.to_owned(), Value::from(text));
            }
            body.insert("status".to_owned(), Value::from("error"));
            body.insert("deploys".to_owned(), Value::from(vec![Value::from(text)]));
            let body = Value::Object(body).to_string();
            send(client, &format!("{status} Echo"), JSON, body.as_bytes())
        }
        B::Status(status) => send(client, &format!("{status} No"), JSON, b"{}"),
        B::Limited(wait) => refuse(client, "429 Too Many Requests", wait),
        B::Unavailable(wait) => refuse(client, "503 Service Unavailable", wait),
        B::Brotli => send(
            client,
            "200 OK",
            &format!("{JSON}Content-Encoding: br\r\n"),
            b"\x1b\x00\x00",
        ),
        B::Zstd => send(
            client,
            "200 OK",
            &format!("{JSON}Content-Encoding: zstd\r\n"),
            b"\x28\xb5\x2f\xfd\x00\x00",
        ),
        B::DamagedGzip => {
            let headers = format!("{JSON}Content-Encoding: gzip\r\n");
            send(
                client,
                "200 OK",
                &headers,
                b"\x1f\x8b\x08\x00 damaged from here on",
            )
        }
        B::GzipBomb => {
            let headers = format!("{JSON}Content-Encoding: gzip\r\n");
            send(client, "200 OK", &headers, bomb())
        }
        B::AnnouncedHuge => {
            client.write_all(
                format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 10737418240\r\n\r\n").as_bytes(),
            )?;
            endless(client, 10 << 30)
        }
        B::EndlessBody => {
            begin(client, JSON)?;
            endless(client, 10 << 30)
        }
        _ => broken(client, shared, behaviour, well()),
    }
}

/// The answers that break off, come slowly, or are not HTTP.
fn broken(
    client: &mut impl Write,
    shared: &Shared,
    behaviour: Behaviour,
    well: Option<Healthy>,
) -> io::Result<()> {
    use Behaviour as B;
    let body = well.map_or_else(|| "{\"status\":\"success\"}".to_owned(), |well| well.body);
    let half = &body.as_bytes()[..body.len() / 2];
    let announced = format!(
        "HTTP/1.1 200 OK\r\n{JSON}Content-Length: {}\r\n\r\n",
        body.len()
    );
    match behaviour {
        B::Trickle => {
            client.write_all(announced.as_bytes())?;
            for byte in body.as_bytes() {
                client.write_all(&[*byte])?;
                client.flush()?;
                if !shared.pause(behaviour, Duration::from_secs(1)) {
                    break;
                }
            }
            Ok(())
        }
        B::SlowHeader => {
            client.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ")?;
            while shared.pause(behaviour, Duration::from_millis(200)) {
                client.write_all(b"a")?;
                client.flush()?;
            }
            Ok(())
        }
        B::EndlessHeaders => {
            client.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for number in 0.. {
                client.write_all(format!("X-Header-{number}: value\r\n").as_bytes())?;
            }
            Ok(())
        }
        B::HugeHeader => {
            client.write_all(b"HTTP/1.1 200 OK\r\nX-Huge: ")?;
            client.write_all(&vec![b'a'; 1 << 20])?;
            client.write_all(b"\r\nContent-Length: 2\r\n\r\n{}")
        }
        B::Continues => {
            while shared.pause(behaviour, Duration::from_millis(5)) {
                client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            Ok(())
        }
        B::HalfBody => client.write_all(&[announced.as_bytes(), half].concat()),
        B::HalfBodyHang => {
            client.write_all(&[announced.as_bytes(), half].concat())?;
            client.flush()?;
            shared.stay(behaviour);
            Ok(())
        }
        B::BadChunk => client.write_all(
            format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\nmany\r\n{{}}\r\n0\r\n\r\n").as_bytes(),
        ),
        B::Garbage => client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n\x00\x01\x02"),
        B::CutOff => {
            let half = &body[..body.floor_char_boundary(body.len() / 2)];
            send(client, "200 OK", JSON, half.as_bytes())
        }
        B::ManyRows => many_rows(client, &body),
        _ => Ok(()),
    }
}

fn refuse(client: &mut impl Write, status: &str, wait: &str) -> io::Result<()> {
    let headers = format!("{JSON}Retry-After: {wait}\r\n");
    send(client, status, &headers, b"{}")
}

/// The time in so many hours, as HTTP writes it.
fn date(hours: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// So many bytes, until the client has had enough.
fn endless(client: &mut impl Write, bytes: usize) -> io::Result<()> {
    client.write_all(b"{\"status\":\"")?;
    let block = vec![b'a'; 64 * 1024];
    for _ in 0..bytes / block.len() {
        client.write_all(&block)?;
    }
    Ok(())
}

/// 64 MiB of zeros, compressed.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; 64 * 1024];
        for _ in 0..1024 {
            encoder.write_all(&zeros).expect("written to memory");
        }
        encoder.finish().expect("written to memory")
    })
}

/// The same answer with its first row a million times.
fn many_rows(client: &mut impl Write, body: &str) -> io::Result<()> {
    const ROWS: usize = 1_000_000;
    const PLACE: &str = "\u{1}rows\u{1}";
    let Ok(mut value) = serde_json::from_str::<Value>(body) else {
        // Not JSON: an exposition, of which each series is another.
        begin(client, "Content-Type: text/plain; version=0.0.4\r\n")?;
        let mut client = io::BufWriter::new(client);
        for number in 0..ROWS {
            writeln!(client, "t_total{{code=\"500\",instance_id=\"{number}\"}} 1")?;
        }
        return client.flush();
    };
    let row = take_row(&mut value, PLACE).unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let text = value.to_string();
    let place = Value::from(PLACE).to_string();
    let (before, after) = text.split_once(&place).unwrap_or(("{\"values\":[", "]}"));
    begin(client, JSON)?;
    client.write_all(before.as_bytes())?;
    let row = row.to_string();
    client.write_all(row.as_bytes())?;
    let block = format!(",{row}").repeat(1_000);
    for _ in 0..ROWS / 1_000 {
        client.write_all(block.as_bytes())?;
    }
    client.write_all(after.as_bytes())?;
    client.flush()
}

/// Takes the first row of the first list of objects, and marks its place in the list.
fn take_row(value: &mut Value, place: &str) -> Option<Value> {
    match value {
        Value::Array(rows) if rows.first().is_some_and(Value::is_object) => {
            let row = rows.swap_remove(0);
            *rows = vec![place.into()];
            Some(row)
        }
        Value::Array(rows) => rows.iter_mut().find_map(|row| take_row(row, place)),
        Value::Object(fields) => fields.values_mut().find_map(|field| take_row(field, place)),
        _ => None,
    }
}
