//! A `/metrics` endpoint that exposes what a test says, and notes who asked.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With the body.
    Whole,
    /// With half of the body, and then never with the rest.
    Half,
    /// With a status of 500.
    Broken,
}

#[derive(Debug)]
struct State {
    body: String,
    ways: BTreeMap<String, Way>,
    /// How often each has been answered, by the name it asks with.
    answered: BTreeMap<String, usize>,
    is_over: bool,
}

/// An endpoint on a port of its own.
pub(crate) struct Exporter {
    /// Host and port.
    pub(crate) address: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Exporter {
    /// Starts one that exposes nothing yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = State {
            body: "# EOF\n".to_owned(),
            ways: BTreeMap::new(),
            answered: BTreeMap::new(),
            is_over: false,
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let told = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                if told.0.lock().expect("lock").is_over {
                    return;
                }
                std::thread::spawn(move || serve(stream, &told));
            }
        });
        Self { address, shared }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("lock")
    }

    /// Exposes this OpenMetrics text from now on.
    pub(crate) fn expose(&self, body: String) {
        self.state().body = body;
    }

    /// Answers those who ask with a name in this way from now on.
    pub(crate) fn answer(&self, name: &str, way: Way) {
        self.state().ways.insert(name.to_owned(), way);
        self.shared.1.notify_all();
    }

    /// How often those with a name have been answered.
    pub(crate) fn answered(&self, name: &str) -> usize {
        self.state().answered.get(name).copied().unwrap_or(0)
    }

    /// Waits until those with a name have been answered so often.
    pub(crate) fn wait_answered(&self, name: &str, times: usize) {
        let is_short = |state: &mut State| state.answered.get(name).copied().unwrap_or(0) < times;
        let limit = Duration::from_mins(1);
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.state(), limit, is_short);
        let (reached, late) = waited.expect("lock");
        assert!(
            !late.timed_out(),
            "{name} asked only {:?}",
            reached.answered
        );
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.state().is_over = true;
        self.shared.1.notify_all();
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(&self.address);
    }
}

/// Who asks: what `x-name` says, or the product of the user agent.
fn name(head: &str) -> String {
    let value = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let agent = || value("user-agent").and_then(|agent| agent.split('/').next());
    value("x-name")
        .or_else(agent)
        .unwrap_or_default()
        .to_owned()
}

fn serve(mut stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let name = name(&String::from_utf8_lossy(&head));
    let (body, way) = {
        let state = shared.0.lock().expect("lock");
        let way = state.ways.get(&name).copied().unwrap_or(Way::Whole);
        (state.body.clone(), way)
    };
    let status = if way == Way::Broken {
        "500 Broken"
    } else {
        "200 OK"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let sent = match way {
        Way::Half => &body[..body.len() / 2],
        Way::Whole | Way::Broken => &body,
    };
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(sent.as_bytes());
    let _ = stream.flush();
    let mut state = shared.0.lock().expect("lock");
    *state.answered.entry(name.clone()).or_default() += 1;
    shared.1.notify_all();
    let stays = |state: &mut State| state.ways.get(&name) == Some(&Way::Half) && !state.is_over;
    drop(shared.1.wait_while(state, stays));
}
