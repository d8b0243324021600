//! The screen before backends that fail: they alone are marked, keys are answered, rows stay as what
//! they were, and everything heals by itself.

use std::fmt::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::alertmanager::Alertmanager;
use crate::history;
use crate::page::Page;
use crate::program::{peak_memory, row_with, screen};
use crate::proxy::{Proxy, Way};
use crate::pty::Pty;
use crate::rules;
use crate::server::Server;

/// Only on the help screen.
const HELP: &str = "Keys ·";
/// How long a key may take.
const ANSWERED: Duration = Duration::from_millis(500);
/// A source asked each second and failing for some five is asked again within this.
const HEALED: Duration = Duration::from_secs(20);
/// How much a process may grow over whatever a server sends: Prometheus is asked two things at once,
/// and 16 MiB of each answer are read.
const GROWTH: u64 = 48 * 1024 * 1024;

/// Every way to fail, and what the screen says of it.
const FAULTS: [(Way, &str); 9] = [
    (Way::Hang, "no answer within 1s"),
    (Way::Reset, "closed the connection without an answer"),
    (Way::Error, "answered 500"),
    (Way::Limited, "rate limit reached (429), wait 2s"),
    (Way::Html, "answered HTML where JSON was expected"),
    (Way::CutOff, "answer is cut off or not JSON at line"),
    (Way::Trickle, "no answer within 1s"),
    (Way::Endless, "answer exceeds 16 MiB"),
    (Way::Dead, "connection refused at 127.0.0.1:"),
];

/// A backend, as the screen shows it.
struct Backend {
    name: &'static str,
    /// In a row that comes from it.
    row: &'static str,
    /// How many rows its pane counts.
    rows: usize,
}

const BACKENDS: [Backend; 3] = [
    Backend {
        name: "prom",
        row: "cart ",
        rows: 2,
    },
    Backend {
        name: "am",
        row: "fails",
        rows: 1,
    },
    Backend {
        name: "deploys",
        row: "v2.31.0",
        rows: 1,
    },
];

/// One of each, with something to show.
struct World {
    prometheus: Server,
    alertmanager: Alertmanager,
    deploys: Page,
    _data: [TempDir; 2],
}

impl World {
    fn start() -> Self {
        let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let rules = [
            rules::constant("checkout", 0.2),
            rules::constant("cart", 0.001),
        ];
        let rules = format!("groups:\n{}", rules.concat());
        let alertmanager = Alertmanager::start(data[1].path(), "");
        alertmanager.fire(&[(
            json!({"alertname": "Errors", "service": "checkout", "severity": "page"}),
            json!({"summary": "checkout fails"}),
        )]);
        let release = json!([{"id": "7", "service": "checkout", "version": "v2.31.0"}]);
        Self {
            prometheus: history::start(data[0].path(), &rules),
            alertmanager,
            deploys: Page::serve("200 OK", &release.to_string()),
            _data: data,
        }
    }

    /// Where the backends are, in the order of [`BACKENDS`].
    fn urls(&self) -> [String; 3] {
        let (prometheus, deploys) = (&self.prometheus.url, &self.deploys.url);
        [prometheus.clone(), self.alertmanager.url(), deploys.clone()]
    }
}

/// Starts the screen on these backends, asked every second.
fn watch(dir: &Path, urls: &[String; 3]) -> Pty {
    let kinds = ["prometheus", "alertmanager", "json"];
    let mut text = String::new();
    for ((backend, kind), url) in BACKENDS.iter().zip(kinds).zip(urls) {
        let name = backend.name;
        let _ = writeln!(
            text,
            "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n\
             interval = \"1s\"\ntimeout = \"1s\"\nstale_after = \"1m\""
        );
    }
    text.push_str("releases = '.[]'\n");
    std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
    screen(dir, &["--config", "watchfire.toml"])
}

/// True when every backend is live and everything they say is shown as the present.
fn is_well(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    text.contains("1 PAGE")
        && text.contains(" 1 ok")
        && text.contains("prom, am, deploys live")
        && BACKENDS
            .iter()
            .all(|backend| is_shown(screen, backend, false))
}

/// True when a row of this backend is there, and dimmed as `is_old` says.
fn is_shown(screen: &vt100::Screen, backend: &Backend, is_old: bool) -> bool {
    row_with(screen, backend.row).is_some_and(|(row, column)| {
        let cell = screen.cell(row, column);
        cell.is_some_and(|cell| cell.dim() == is_old)
    })
}

/// True when just this backend is marked, with this sentence, and nothing it said counts as known.
fn is_marked(screen: &vt100::Screen, failing: &Backend, sentence: &str) -> bool {
    let lines: Vec<_> = screen.rows(0, screen.size().1.get()).collect();
    let (header, footer) = (&lines[0], &lines[38]);
    let titles = lines.iter().filter(|line| line.starts_with('─'));
    let titles: String = titles.map(String::as_str).collect();
    let is_told = footer.starts_with(&format!(" {} STALE <10s: ", failing.name))
        && footer.contains(sentence)
        && titles.contains(&format!(" {}+? · ", failing.rows))
        && titles.contains(&format!("{} STALE <10s", failing.name))
        && is_shown(screen, failing, true);
    let others = BACKENDS
        .iter()
        .filter(|backend| backend.name != failing.name);
    let is_harmless = others.into_iter().all(|other| {
        titles.contains(&format!("{} live", other.name)) && is_shown(screen, other, false)
    });
    let counts = if failing.name == "prom" {
        ["BLIND <10s", "last known 1 PAGE", " 0 TICKET", ""]
    } else {
        ["● 1 PAGE", "▲ 0 TICKET", " 1 ok", ""]
    };
    is_told && is_harmless && counts.iter().all(|count| header.contains(count))
}

/// Asserts that keys are answered at once: of three presses, the one in the middle.
fn assert_keys_are_answered(pty: &mut Pty, when: &str) {
    let mut times = [(); 3].map(|()| {
        let began = Instant::now();
        pty.press("?");
        pty.wait_for(HELP);
        let took = began.elapsed();
        pty.press("\u{1b}");
        pty.wait_gone(HELP);
        took
    });
    times.sort_unstable();
    assert!(times[1] < ANSWERED, "{when}: {times:?}");
}

/// Has one backend fail in every way, one after the other.
fn go_through_every_fault(world: &World, number: usize) {
    let backend = &BACKENDS[number];
    let dir = tempfile::tempdir().expect("a folder");
    let mut urls = world.urls();
    let proxy = Proxy::before(&urls[number], Way::Pass);
    urls[number].clone_from(&proxy.url);
    let mut pty = watch(dir.path(), &urls);
    pty.wait("everything live", is_well);
    let memory = peak_memory(pty.pid());
    for (way, sentence) in FAULTS {
        let what = format!("{way:?} of {}", backend.name);
        proxy.turn(way);
        pty.wait(&what, |screen| is_marked(screen, backend, sentence));
        assert_keys_are_answered(&mut pty, &what);
        proxy.turn(Way::Pass);
        let began = Instant::now();
        pty.wait(&format!("the end of {what}"), is_well);
        assert!(began.elapsed() < HEALED, "{what}: {:?}", began.elapsed());
    }
    let growth = peak_memory(pty.pid()).saturating_sub(memory);
    assert!(growth < GROWTH, "{}: {growth} bytes more", backend.name);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    assert_eq!(pty.alarms(), Vec::<String>::new());
}

#[test]
fn a_backend_that_fails_in_any_way_harms_itself_alone_and_heals() {
    let world = World::start();
    thread::scope(|scope| {
        for number in 0..BACKENDS.len() {
            let world = &world;
            scope.spawn(move || go_through_every_fault(world, number));
        }
    });
}

#[test]
fn with_every_backend_dead_the_screen_starts_stays_and_recovers() {
    let world = World::start();
    let dir = tempfile::tempdir().expect("a folder");
    let proxies = world.urls().map(|url| Proxy::before(&url, Way::Dead));
    let mut pty = watch(
        dir.path(),
        &proxies.each_ref().map(|proxy| proxy.url.clone()),
    );
    pty.wait("three dead backends, and nothing known", |screen| {
        let text = screen.contents();
        let names = BACKENDS.iter().map(|backend| backend.name);
        names
            .into_iter()
            .all(|name| text.contains(&format!("not known: {name} DOWN: connection")))
            && ["● ? PAGE", "▲ ? TICKET", " 0 ok"]
                .iter()
                .all(|count| text.contains(count))
    });
    assert_keys_are_answered(&mut pty, "with every backend dead");
    // Later polls fail as well, and change nothing.
    pty.press("4");
    pty.press("\r");
    pty.wait_for("3 polls in a row");
    pty.press("\u{1b}");
    pty.wait_gone("polls in a row");
    pty.press("1");
    pty.wait_for("not known: prom DOWN");
    for proxy in &proxies {
        proxy.turn(Way::Pass);
    }
    let began = Instant::now();
    pty.wait("everything live", is_well);
    assert!(began.elapsed() < HEALED, "{:?}", began.elapsed());
}
