//! A server that says what it is told to say: an exporter, or an endpoint that lists deployments.

use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::proxy::answer;
use crate::request::read_request;

/// A server whose every answer is the same text, until it is told another.
pub(crate) struct Page {
    /// Its base URL.
    pub(crate) url: String,
    served: Arc<(Mutex<Served>, Condvar)>,
}

struct Served {
    text: String,
    /// How often it was.
    times: usize,
}

impl Page {
    /// Serves `text` with this status, whatever is asked, for as long as the tests run.
    pub(crate) fn serve(status: &'static str, text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let text = text.to_owned();
        let served = Arc::new((Mutex::new(Served { text, times: 0 }), Condvar::new()));
        let shared = Arc::clone(&served);
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let _ = read_request(&mut client);
                    let mut served = shared.0.lock().expect("lock");
                    let text = served.text.clone();
                    served.times += 1;
                    shared.1.notify_all();
                    drop(served);
                    // A client that left is nobody's loss.
                    let _ = answer(&mut client, status, "", &text);
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            served,
        }
    }

    /// From now on it serves this.
    pub(crate) fn set(&self, text: &str) {
        text.clone_into(&mut self.served.0.lock().expect("lock").text);
    }

    /// Waits until it is asked again, and serves this from the next time on.
    pub(crate) fn set_after_next(&self, text: &str) {
        let served = self.served.0.lock().expect("lock");
        let times = served.times;
        let is_same = |served: &mut Served| served.times == times;
        let mut served = self.served.1.wait_while(served, is_same).expect("lock");
        text.clone_into(&mut served.text);
    }
}
