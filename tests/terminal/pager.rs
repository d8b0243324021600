//! A server on loopback that tells of incidents, as it is told to.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use portable_pty::CommandBuilder;
#[cfg(target_os = "linux")]
use rustix::process::Pid;

use crate::pty::Pty;

/// What asks it, once a second.
const SOURCE: &str = r#"
[[source]]
name = "pager"
kind = "json"
interval = "1s"
incidents = '.[] | {id, title, service, severity: "page", status: "triggered"}'
"#;

/// A command of the user's own that lives for a minute.
const COMMAND: &str = r#"
[actions]
enabled = true

[[action]]
key = "B"
label = "wait"
scope = "incident"
command = ["sh", "-c", "echo $$ > started && mv started command && exec sleep 60"]
confirm = false
timeout = "2m"
"#;

/// A server of incidents.
pub(crate) struct Pager {
    address: String,
    told: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

impl Pager {
    /// Starts it; it lives as long as the tests.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let told = Arc::new(Mutex::new("[]".to_owned()));
        let tells = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let body = tells.lock().expect("lock").clone();
                // Who hangs up is asked no more.
                let _ = answer(stream, &body);
            }
        });
        Self {
            address,
            told,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// From now on there are these incidents, by id and service.
    pub(crate) fn tell(&self, incidents: &[(&str, &str)]) {
        let mut rows = String::new();
        for (id, service) in incidents {
            let comma = if rows.is_empty() { "" } else { "," };
            let title = format!("{service} is broken {id}");
            let _ = write!(
                rows,
                r#"{comma}{{"id":"{id}","service":"{service}","title":"{title}"}}"#
            );
        }
        *self.told.lock().expect("lock") = format!("[{rows}]");
    }

    /// The program with this source alone.
    pub(crate) fn watched(&self) -> Pty {
        let path = self.folder.path().join("config.toml");
        let settings = format!("{SOURCE}url = \"http://{}/\"\n{COMMAND}", self.address);
        std::fs::write(&path, settings).expect("written");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
        command.arg("--config");
        command.arg(path);
        command.env("HOME", self.folder.path());
        command.cwd(self.folder.path());
        Pty::start(command, 120, 40)
    }

    /// Waits until the command of the key `B` runs.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_for_command(&self) -> Pid {
        let path = self.folder.path().join("command");
        crate::process::wait("the command", || path.exists());
        let text = std::fs::read_to_string(path).expect("written");
        Pid::from_raw(text.trim().parse().expect("a number")).expect("a process")
    }
}

fn answer(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
