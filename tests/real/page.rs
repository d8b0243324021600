//! A server that says what it is told to say: an exporter, or an endpoint that lists deployments.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::proxy::{answer, read_request};

/// A server whose every answer is the same text, until it is told another.
pub(crate) struct Page {
    /// Its base URL.
    pub(crate) url: String,
    text: Arc<Mutex<String>>,
}

impl Page {
    /// Serves `text` with this status, whatever is asked, for as long as the tests run.
    pub(crate) fn serve(status: &'static str, text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let text = Arc::new(Mutex::new(text.to_owned()));
        let served = Arc::clone(&text);
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                thread::spawn(move || {
                    let _ = read_request(&mut client);
                    let text = served.lock().expect("lock").clone();
                    // A client that left is nobody's loss.
                    let _ = answer(&mut client, status, "", &text);
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            text,
        }
    }

    /// From now on it serves this.
    pub(crate) fn set(&self, text: &str) {
        text.clone_into(&mut self.text.lock().expect("lock"));
    }
}
