//! Which files are read: those that are named, those that a pattern matches, each once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use watchfire::config::{Environment, Loaded, Overrides, load};
use watchfire::source::known_kinds;

use super::{SOURCE, program, text};

/// Loads a configuration with one source and these tables; `~` is the folder that it lies in.
fn load_with(home: &Path, tables: &str) -> Result<Loaded, String> {
    let path = home.join("config.toml");
    fs::write(&path, format!("{SOURCE}{tables}")).unwrap();
    let overrides = Overrides {
        config: Some(path),
        sources: Vec::new(),
    };
    let loaded = load(&overrides, &Environment::default(), &known_kinds());
    let loaded = loaded.map_err(|error| error.to_string());
    loaded.map_err(|error| error.replace(home.to_str().unwrap(), "~"))
}

#[test]
fn references_are_found_in_any_file_and_stdin_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: { name: i }\nspec: { ratioMetric: { counter: true, bad: { metricSource: { spec: { query: b_total } } }, total: { metricSource: { spec: { query: t_total } } } } }\n";
    let slo = "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: n }\nspec: { service: s, indicatorRef: i, timeWindow: [{ duration: 7d, isRolling: true }], budgetingMethod: Occurrences, objectives: [{ target: 0.99 }] }\n";
    fs::write(folder.path().join("slo.yaml"), slo).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .current_dir(folder.path())
        .args(["import", "slo.yaml", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), sli.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("bad = \"b_total\"\n"));

    let alone = program(&["import", folder.path().join("slo.yaml").to_str().unwrap()]);
    assert_eq!(alone.status.code(), Some(3));
    assert!(text(&alone.stderr).contains("no document of kind SLI has the name `i`"));
    let missing = program(&["import", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("nowhere.yaml: there is no such file"));
}

#[test]
fn files_are_found_by_pattern_from_where_the_configuration_lies() {
    let folder = tempfile::tempdir().unwrap();
    // A folder whose name looks like a pattern.
    let home = folder.path().join("[a]*");
    fs::create_dir_all(home.join("slos/deep/er.yaml")).unwrap();
    let sloth = |service: &str| {
        format!(
            "version: prometheus/v1\nservice: {service}\nslos:\n- name: n\n  objective: 99\n  sli: {{ raw: {{ error_ratio_query: 'avg_over_time(x[{{{{.window}}}}])' }} }}\n"
        )
    };
    fs::write(home.join("slos/b.yaml"), sloth("b")).unwrap();
    fs::write(home.join("slos/deep/a.yaml"), sloth("a")).unwrap();
    fs::write(home.join("slos/c.yml"), sloth("c")).unwrap();
    let load_with = |tables: &str| {
        let other = "[[source]]\nname = 'other'\nkind = 'prometheus'\n";
        load_with(&home, &format!("{other}{tables}"))
    };
    let loaded = load_with(
        "[[slo_files]]\npath = 'slos/**/*.yaml'\nsource = 'other'\n[[slo_files]]\npath = 'slos/c.yml'\nsource = 'prod'\n",
    );
    let loaded = loaded.unwrap();
    let slos = loaded.settings.slos.iter();
    let slos = slos.map(|slo| format!("{} {}", slo.service, slo.source));
    assert_eq!(slos.collect::<Vec<_>>(), ["b other", "a other", "c prod"]);

    for (tables, want) in [
        (
            "[[slo_files]]\npath = 'slo/*.yaml'\nsource = 'prod'\n",
            "config.toml:9:8: slo_files[0].path: `slo/*.yaml` matches no file: correct the path",
        ),
        (
            "[[slo_files]]\npath = 'slos/***'\nsource = 'prod'\n",
            "config.toml:9:8: slo_files[0].path: `slos/***` is no pattern: ",
        ),
        (
            "[[slo_files]]\npath = 'slos/b.yaml'\nsource = 'prod'\n[[slo_files]]\npath = 'slos/*.yaml'\nsource = 'prod'\n",
            "config.toml:12:8: slo_files[1].path: slo_files[0] matches `~/slos/b.yaml` already: a file can be read once",
        ),
        (
            "[[slo_files]]\npath = 'slos/b.yaml'\n",
            "~/slos/b.yaml:4:3: Sloth SLO `b/n`: source: which source measures this? write `source = \"…\"`, one of `prod` or `other`",
        ),
        (
            "[[slo]]\nservice = 'b'\nname = 'n'\nobjective = 99\nsource = 'prod'\ngauge = 'up'\n[[slo_files]]\npath = 'slos/b.yaml'\nsource = 'prod'\n",
            "~/slos/b.yaml:4:9: Sloth SLO `b/n`: name: slo[0] has this service and name already",
        ),
        (
            "[[slo_files]]\npath = 'slos/b.yaml'\npth = ''\n",
            "config.toml:10:1: slo_files[0].pth: unknown key: did you mean `path`?",
        ),
    ] {
        let message = load_with(tables).unwrap_err();
        assert!(message.contains(want), "{want}\n{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_has_several_names_by_links_is_read_once_and_by_the_plainest() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    // As Kubernetes mounts a ConfigMap.
    fs::create_dir_all(home.join("slos/..2026_01")).unwrap();
    let sloth = "version: prometheus/v1\nservice: s\nslos:\n- name: n\n  objective: 99\n  sli: { raw: { error_ratio_query: 'avg_over_time(x[{{.window}}])' } }\n";
    fs::write(home.join("slos/..2026_01/a.yaml"), sloth).unwrap();
    symlink("..2026_01", home.join("slos/..data")).unwrap();
    symlink("..data/a.yaml", home.join("slos/a.yaml")).unwrap();
    for pattern in ["slos/**/*.yaml", "slos/*/*.yaml", "slos/*.yaml"] {
        let loaded = load_with(home, &format!("[[slo_files]]\npath = '{pattern}'\n")).unwrap();
        assert_eq!(loaded.settings.slos.len(), 1, "{pattern}");
    }
    let twice = "[[slo_files]]\npath = 'slos/*.yaml'\n[[slo_files]]\npath = 'slos/..data/*.yaml'\n";
    let message = load_with(home, twice).unwrap_err();
    let want = "slo_files[1].path: slo_files[0] matches `~/slos/a.yaml` already, which is the file that `~/slos/..data/a.yaml` is: a file can be read once";
    assert!(message.contains(want), "{message}");

    let names = ["slos/..2026_01/a.yaml", "slos/a.yaml", "slos/..data/a.yaml"];
    let names = names.map(|name| home.join(name).display().to_string());
    let mut arguments = vec!["import"];
    arguments.extend(names.iter().map(String::as_str));
    let output = program(&arguments);
    assert_eq!(text(&output.stderr), "");
    let want = format!("# {}/slos/a.yaml:4: Sloth SLO `s/n`\n", home.display());
    assert!(
        text(&output.stdout).starts_with(&want),
        "{}",
        text(&output.stdout)
    );
}

#[cfg(unix)]
#[test]
fn a_pattern_does_not_wait_for_a_pipe_and_import_reads_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let pipe = home.join("a.yaml");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let message = load_with(home, "[[slo_files]]\npath = '*.yaml'\n").unwrap_err();
    let want = "a.yaml` is a pipe or a device, which may never end: name regular files only";
    assert!(message.contains(want), "{message}");

    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            fs::write(
                pipe,
                "apiVersion: openslo/v1\nkind: Service\nmetadata: { name: s }\n",
            )
        }
    });
    let output = program(&["import", pipe.to_str().unwrap()]);
    writer.join().unwrap().unwrap();
    assert_eq!(
        text(&output.stderr),
        "watchfire: there is no SLO in these files\n"
    );
}
