//! How far long commands are, on the stderr of a terminal; nothing in a pipe.

use std::net::TcpListener;
use std::process::Command;

use portable_pty::CommandBuilder;

use crate::pty::Pty;

/// A server that takes connections and never answers, and the configuration of it.
fn silent_server(folder: &std::path::Path) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let configuration = format!(
        "[journal]\nenabled = false\n[[source]]\nname = \"slow\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
         timeout = \"1s\"\n"
    );
    std::fs::write(folder.join("watchfire.toml"), configuration).expect("written");
    listener
}

fn on_a_terminal(folder: &std::path::Path, arguments: &[&str]) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(arguments);
    command.env("HOME", folder);
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.cwd(folder);
    Pty::start(command, 120, 40)
}

/// What a run in a pipe writes to stderr.
fn in_a_pipe(folder: &std::path::Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(arguments)
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .current_dir(folder)
        .output()
        .expect("run");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn doctor_and_init_name_the_sources_that_they_wait_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = silent_server(folder.path());
    let url = format!("http://{}", server.local_addr().expect("an address"));
    let doctor = ["doctor", "--config", "watchfire.toml"];
    let mut pty = on_a_terminal(folder.path(), &doctor);
    pty.wait_for_bytes("looking at the sources: 0 of 1 done, waiting for slow");
    assert_eq!(pty.wait_exit(), 3);
    assert!(
        !pty.contents().contains("waiting for"),
        "{}",
        pty.contents()
    );
    assert!(!in_a_pipe(folder.path(), &doctor).contains("waiting for"));
    let init = ["init", "--prometheus", &url, "--output", "-"];
    let pty = on_a_terminal(folder.path(), &init);
    pty.wait_for_bytes("asking");
    pty.signal(rustix::process::Signal::KILL);
}

#[test]
fn import_says_how_far_it_is_with_many_files_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = "version: prometheus/v1\nservice: checkout\nslos:\n  - name: availability\n    objective: 99.9\n    \
                    sli:\n      events:\n        error_query: sum(rate(e[{{.window}}]))\n        total_query: sum(rate(t[{{.window}}]))\n    \
                    alerting:\n      name: Burn\n";
    let names: Vec<_> = (0..12).map(|number| format!("slo-{number}.yaml")).collect();
    for name in &names {
        std::fs::write(folder.path().join(name), document).expect("written");
    }
    let arguments: Vec<_> = std::iter::once("import")
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut many = on_a_terminal(folder.path(), &arguments);
    many.wait_exit();
    many.wait_for_bytes("of 12");
    assert!(!many.contents().contains("of 12"), "{}", many.contents());
    assert!(!in_a_pipe(folder.path(), &arguments).contains("of 12"));
    let mut few = on_a_terminal(folder.path(), &["import", "slo-0.yaml"]);
    few.wait_exit();
    assert!(!few.contents().contains("reading"), "{}", few.contents());
}
