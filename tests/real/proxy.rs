//! A proxy before one backend that fails, as told while it runs, in the ways that backends fail.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::request::read_request;

/// What the proxy does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Hands it on, and the answer back.
    Pass,
    /// Never answers.
    Hang,
    /// Resets the connection.
    Reset,
    /// Answers 500.
    Error,
    /// Answers 429 and asks for two seconds of rest.
    Limited,
    /// Answers 200 with a login page.
    Html,
    /// Answers with half of the JSON.
    CutOff,
    /// Answers with ten bytes a second.
    Trickle,
    /// Answers with 200 MB.
    Endless,
    /// Says that parts of the data did not answer.
    Partial,
    /// Nobody listens on the port.
    Dead,
}

/// How much [`Way::Endless`] sends.
const ENDLESS: usize = 200 * 1024 * 1024;
/// The time between two bytes of [`Way::Trickle`].
const DRIP: Duration = Duration::from_millis(100);

/// Tells the threads of a proxy what to do; `None` once it is gone.
struct Switch {
    way: Mutex<Option<Way>>,
    turned: Condvar,
    asked: Mutex<Vec<String>>,
    /// How requests begin whose answers are lost; empty for none.
    lost: Mutex<String>,
}

impl Switch {
    fn way(&self) -> MutexGuard<'_, Option<Way>> {
        self.way.lock().expect("lock")
    }

    fn turn(&self, way: Option<Way>) {
        *self.way() = way;
        self.turned.notify_all();
    }

    /// Waits for as long as it stands at `way`.
    fn wait_while(&self, way: Way) {
        let stays = |now: &mut Option<Way>| *now == Some(way);
        drop(self.turned.wait_while(self.way(), stays).expect("lock"));
    }
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    /// Its base URL.
    pub(crate) url: String,
    address: SocketAddr,
    switch: Arc<Switch>,
}

impl Proxy {
    /// What it was asked until now: the first line of each request, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.switch.asked.lock().expect("lock").clone()
    }

    /// Starts one before the server with the base URL `backend`.
    pub(crate) fn before(backend: &str, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let switch = Arc::new(Switch {
            way: Mutex::new(Some(way)),
            turned: Condvar::new(),
            asked: Mutex::default(),
            lost: Mutex::default(),
        });
        let backend = backend.trim_start_matches("http://").to_owned();
        let told = Arc::clone(&switch);
        thread::spawn(move || listen(listener, address, &backend, &told));
        let proxy = Self {
            url: format!("http://{address}"),
            address,
            switch,
        };
        proxy.turn(way);
        proxy
    }

    /// From now on requests that begin so are handed on, and their answers are lost.
    pub(crate) fn lose_answers_to(&self, beginning: &str) {
        beginning.clone_into(&mut self.switch.lost.lock().expect("lock"));
    }

    /// From now on it does this, also with requests that hang.
    pub(crate) fn turn(&self, way: Way) {
        self.switch.turn(Some(way));
        self.wake();
    }

    /// Has the listening thread look at the switch.
    fn wake(&self) {
        // Where nobody listens, nobody has to be woken.
        let _ = TcpStream::connect(self.address);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.switch.turn(None);
        self.wake();
    }
}

fn listen(mut listener: TcpListener, address: SocketAddr, backend: &str, switch: &Arc<Switch>) {
    loop {
        for client in listener.incoming().flatten() {
            let way = *switch.way();
            match way {
                None => return,
                Some(Way::Dead) => break,
                Some(_) => {}
            }
            let (backend, switch) = (backend.to_owned(), Arc::clone(switch));
            // A client that leaves early ends its thread and nothing else.
            thread::spawn(move || drop(serve(client, &backend, &switch)));
        }
        drop(listener);
        switch.wait_while(Way::Dead);
        listener = loop {
            match TcpListener::bind(address) {
                Ok(listener) => break listener,
                // The port is lent to somebody's outgoing connection: it comes back.
                Err(_) if switch.way().is_some() => thread::sleep(Duration::from_millis(20)),
                Err(_) => return,
            }
        };
    }
}

fn serve(mut client: TcpStream, backend: &str, switch: &Switch) -> io::Result<()> {
    client.peek(&mut [0])?;
    let Some(way) = *switch.way() else {
        return Ok(());
    };
    if matches!(way, Way::Reset | Way::Dead) {
        // Closing a connection with unread bytes in it resets it.
        return Ok(());
    }
    let request = read_request(&mut client)?;
    let line = String::from_utf8_lossy(&request);
    let line = line.lines().next().unwrap_or_default().to_owned();
    let lost = switch.lost.lock().expect("lock").clone();
    let is_lost = !lost.is_empty() && line.starts_with(&lost);
    switch.asked.lock().expect("lock").push(line);
    match way {
        Way::Pass if is_lost => ask(backend, &request).map(drop),
        Way::Pass => client.write_all(&ask(backend, &request)?),
        Way::Hang => {
            switch.wait_while(Way::Hang);
            Ok(())
        }
        Way::Error => answer(&mut client, "500 Internal Server Error", "", "oh no"),
        Way::Limited => answer(
            &mut client,
            "429 Too Many Requests",
            "Retry-After: 2\r\n",
            "",
        ),
        Way::Html => answer(
            &mut client,
            "200 OK",
            "Content-Type: text/html\r\n",
            "<!doctype html><title>Sign in</title><p>Please sign in.</p>",
        ),
        Way::CutOff => {
            let whole = String::from_utf8_lossy(&ask(backend, &request)?).into_owned();
            let (_, body) = whole.split_once("\r\n\r\n").unwrap_or_default();
            let half = body.floor_char_boundary(body.len() / 2);
            let kind = "Content-Type: application/json\r\n";
            answer(&mut client, "200 OK", kind, &body[..half])
        }
        Way::Partial => {
            let whole = ask(backend, &request)?;
            let kind = "Content-Type: application/json\r\n";
            let body = body(&whole).replacen("\"success\"", "\"success\",\"isPartial\":true", 1);
            answer(&mut client, "200 OK", kind, &body)
        }
        Way::Trickle => trickle(&mut client, &ask(backend, &request)?, switch),
        Way::Endless => endless(&mut client),
        Way::Reset | Way::Dead => Ok(()),
    }
}

/// The body of an answer, in one piece.
fn body(answer: &[u8]) -> String {
    let whole = String::from_utf8_lossy(answer).into_owned();
    let (head, body) = whole.split_once("\r\n\r\n").unwrap_or_default();
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return body.to_owned();
    }
    let (mut rest, mut joined) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        joined.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    joined
}

/// Asks the backend, and gives its whole answer. Said in HTTP/1.0, so that it ends with the
/// connection and is not chunked.
fn ask(backend: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let end = request.windows(8).position(|part| part == b"HTTP/1.1");
    let mut request = request.to_vec();
    if let Some(at) = end {
        request[at + 7] = b'0';
    }
    let mut server = TcpStream::connect(backend)?;
    server.write_all(&request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Sends an answer of our own; `headers` end with a line end each.
pub(crate) fn answer(
    client: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &str,
) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(format!("{head}{body}").as_bytes())
}

fn trickle(client: &mut TcpStream, whole: &[u8], switch: &Switch) -> io::Result<()> {
    for byte in whole {
        client.write_all(&[*byte])?;
        let stays = |way: &mut Option<Way>| *way == Some(Way::Trickle);
        let waited = switch.turned.wait_timeout_while(switch.way(), DRIP, stays);
        if !waited.expect("lock").1.timed_out() {
            break;
        }
    }
    Ok(())
}

fn endless(client: &mut TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    client.write_all(head.as_bytes())?;
    client.write_all(b"{\"status\":\"")?;
    let block = vec![b'a'; 64 * 1024];
    for _ in 0..ENDLESS / block.len() {
        client.write_all(&block)?;
    }
    client.write_all(b"\"}")
}
