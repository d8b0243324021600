//! Links into a browser, where there is one.

use std::env;
use std::thread;

/// Opens a web page with the desktop's browser; false when there is no desktop to open it on, or
/// when `url` is no web page. The screen shows the URL then.
///
/// The browser is a process of its own: it gets no terminal, and nothing waits for it.
pub fn open(url: &str) -> bool {
    if !is_web_page(url) || !has_desktop(|name| env::var_os(name).is_some_and(|v| !v.is_empty())) {
        return false;
    }
    let url = url.to_owned();
    thread::Builder::new()
        .name("open-link".to_owned())
        // A browser that does not start can be told nowhere: the URL stays on the screen.
        .spawn(move || {
            let _ = open::that_detached(url);
        })
        .is_ok()
}

/// True for http and https URLs without anything that a launcher could take for something else.
fn is_web_page(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// True when a browser would appear before the one who pressed the key.
fn has_desktop(is_set: impl Fn(&str) -> bool) -> bool {
    let is_remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]
        .into_iter()
        .any(&is_set);
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(&is_set);
    !is_remote && (has_display || cfg!(target_os = "macos"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        assert!(is_web_page("https://example.com/a?b=c#d"));
        for other in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "-e",
            "https://a b",
            "https://a\nb",
            "HTTPS",
            "",
        ] {
            assert!(!is_web_page(other), "{other:?}");
        }
    }

    #[test]
    fn nothing_is_opened_where_nobody_would_see_it() {
        assert!(has_desktop(|name| name == "WAYLAND_DISPLAY"));
        assert!(!has_desktop(|name| name == "DISPLAY" || name == "SSH_TTY"));
        assert_eq!(has_desktop(|_| false), cfg!(target_os = "macos"));
    }
}
