//! The watchdog of the service manager: a datagram for each sign of life, as `sd_notify(3)` describes.

use std::env;
use std::os::unix::net::UnixDatagram;

/// The way to the service manager; there is none outside of a service with `NotifyAccess`.
#[derive(Debug)]
pub(super) struct ServiceManager {
    socket: Option<UnixDatagram>,
    is_ready: bool,
}

impl ServiceManager {
    /// The one that `NOTIFY_SOCKET` names.
    pub(super) fn of_environment() -> Self {
        let name = env::var("NOTIFY_SOCKET").ok();
        Self {
            socket: name.and_then(|name| connected(&name)),
            is_ready: false,
        }
    }

    /// Says that the loop goes round, and the first time that the service is up.
    pub(super) fn alive(&mut self) {
        let Some(socket) = &self.socket else { return };
        let message = if self.is_ready {
            "WATCHDOG=1"
        } else {
            "READY=1\nWATCHDOG=1"
        };
        // A manager that takes nothing restarts the service by itself.
        self.is_ready |= socket.send(message.as_bytes()).is_ok();
    }
}

/// A socket to an address: a path, or an abstract name behind `@`.
fn connected(name: &str) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = name.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
        socket.connect_addr(&address).ok()?;
        return Some(socket);
    }
    socket.connect(name).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_that_the_service_is_up_and_then_each_sign_of_life() {
        let folder = env::temp_dir().join(format!("watchfire-notify-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("socket");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut ours = ServiceManager {
            socket: connected(path.to_str().unwrap()),
            is_ready: false,
        };
        ours.alive();
        ours.alive();
        let mut buffer = [0; 64];
        let mut next = || {
            let count = manager.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        };
        assert_eq!(next(), "READY=1\nWATCHDOG=1");
        assert_eq!(next(), "WATCHDOG=1");
        std::fs::remove_dir_all(&folder).unwrap();
        ServiceManager {
            socket: None,
            is_ready: false,
        }
        .alive();
    }
}
