//! What was seen of real servers is there after they are gone: at a start, step by step, recorded.

use portable_pty::CommandBuilder;
use serde_json::json;

use crate::alertmanager::Alertmanager;
use crate::history::{SERVICES, prometheus, this_minute};
use crate::program::{screen, watchfire};
use crate::pty::Pty;

/// A replay of `night.wfr` in `dir`, that stands still.
fn replay(dir: &std::path::Path) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["replay", "night.wfr", "--speed", "0"]);
    command.cwd(dir);
    command.env("HOME", dir);
    command.env_remove("XDG_CONFIG_HOME");
    Pty::start(command, 120, 40)
}

#[test]
fn the_world_before_the_servers_died_is_known_at_the_next_start_and_in_recordings() {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let dir = data[0].path();
    let services: Vec<_> = SERVICES
        .iter()
        .filter(|service| ["steady", "burning"].contains(&service.name))
        .collect();
    let mut server = prometheus(dir, &services, "", this_minute());
    let mut alertmanager = Alertmanager::start(data[1].path(), "");
    let alert = json!({"alertname": "Burns", "service": "burning", "severity": "page"});
    alertmanager.fire(&[(alert, json!({"summary": "everything burns"}))]);
    let slo = |service: &str| {
        format!(
            "[[slo]]\nservice = \"{service}\"\nname = \"availability\"\nobjective = 99.9\nsource = \"prod\"\n\
             total = 'http_requests_total{{service=\"{service}\"}}'\n\
             bad = 'http_requests_total{{service=\"{service}\",code=\"500\"}}'\n"
        )
    };
    let config = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\ninterval = \"2s\"\n\
         [[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\ninterval = \"2s\"\n{}{}",
        server.url,
        alertmanager.url(),
        slo("burning"),
        slo("steady"),
    );
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
    let arguments = ["--config", "watchfire.toml"];

    let mut pty = screen(dir, &arguments);
    pty.wait_for("● burning");
    pty.wait_for("everything burns");
    // Both are in the journal when the next poll is.
    pty.wait_for("prod, am live");
    let seen = std::time::Instant::now();
    pty.wait("some polls", |_| seen.elapsed().as_secs() >= 5);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    server.kill();
    alertmanager.server.kill();

    // With everything dead the last known world is there, and is not taken for the present.
    let mut pty = screen(dir, &arguments);
    pty.wait_for("everything burns");
    pty.wait_for("STALE");
    pty.wait("no verdict of what is old", |screen| {
        let text = screen.contents();
        text.contains("BLIND") && text.contains("was PAGE")
    });
    pty.press("[");
    pty.wait_for("nothing is remembered before");
    // And the moment before is as it was: since then nothing happened but that both stopped
    // answering.
    pty.press("t");
    pty.wait("both losses", |screen| {
        screen.contents().matches(" LOST ").count() == 2
    });
    pty.press("t");
    pty.wait_gone(" LOST ");
    pty.press("{{{");
    pty.wait_for(" PAST ");
    pty.wait_for("● burning");
    pty.press("0");
    pty.wait_gone(" PAST ");
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);

    let run = watchfire(
        dir,
        &[&["record", "night.wfr", "--since", "1h"], &arguments[..]].concat(),
    );
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert!(run.stderr.contains("recorded"), "{}", run.stderr);
    let again = watchfire(
        dir,
        &[&["record", "night.wfr", "--since", "1h"], &arguments[..]].concat(),
    );
    assert_eq!(again.exit, 3);
    assert!(again.stderr.contains("already"), "{}", again.stderr);

    let mut pty = replay(dir);
    pty.wait_for(" REPLAY ");
    // It begins with the first answer; that of the other source comes next.
    pty.wait_for("nothing is remembered of it");
    pty.press("}");
    pty.wait_gone("nothing is remembered of it");
    pty.wait_for("● burning");
    pty.press("0");
    pty.wait_for(" end ");
    pty.wait_for("everything burns");
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();

    std::fs::write(dir.join("night.wfr"), "no recording").expect("written");
    let broken = watchfire(dir, &["replay", "night.wfr"]);
    assert_eq!(broken.exit, 3);
}
