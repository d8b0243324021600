//! `action.yml` and the examples of `docs/guide/gate.md`, run as their runners would run them, with a gate
//! that passes, one that freezes and one that cannot tell.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::gate::{POLICY, World};

/// The service of the examples; the tests put another one in its place.
const SERVICE: &str = "checkout";
/// Where the examples of Kubernetes have the configuration.
const MOUNT: &str = "/etc/watchfire/config.toml";
/// A service for each verdict, and the exit status of its gate.
const VERDICTS: [(&str, &str, i32); 3] = [
    ("healthy", "yes", 0),
    ("low", "no", 1),
    ("gap", "unknown", 3),
];

/// A folder as a runner checks it out: the configuration, and a deployment that leaves a mark.
struct Checkout {
    world: World,
    config: PathBuf,
}

/// The result of a step.
struct Step {
    exit: i32,
    output: String,
}

impl Checkout {
    fn new() -> Self {
        let world = World::start();
        let name = world.configure("plain", &world.server.url, POLICY);
        let ops = world.path().join("ops");
        std::fs::create_dir(&ops).expect("a folder");
        let config = ops.join("watchfire.toml");
        std::fs::copy(world.path().join(name), &config).expect("a copy");
        std::fs::write(
            world.path().join("deploy.sh"),
            "#!/bin/sh\ntouch deployed\n",
        )
        .expect("a script");
        let mut executable = Command::new("chmod");
        executable.arg("+x").arg(world.path().join("deploy.sh"));
        assert!(executable.status().expect("chmod").success());
        Self { world, config }
    }

    /// Runs a command with `watchfire` on its path and nothing else of this machine's environment.
    fn run(&self, program: &str, arguments: &[&str], variables: &[(String, String)]) -> Step {
        let binary = Path::new(env!("CARGO_BIN_EXE_watchfire"));
        let folder = binary.parent().expect("a folder").display();
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.world.path())
            .env_clear()
            .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", self.world.path())
            .envs(variables.iter().cloned())
            .output()
            .expect("a shell");
        Step {
            exit: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr),
        }
    }

    /// Runs a script as GitHub and GitLab do.
    fn bash(&self, script: &str, variables: &[(String, String)]) -> Step {
        let arguments = [
            "--noprofile",
            "--norc",
            "-e",
            "-o",
            "pipefail",
            "-c",
            script,
        ];
        self.run("bash", &arguments, variables)
    }

    /// True once the deployment has run; the next one begins anew.
    fn was_deployed(&self) -> bool {
        std::fs::remove_file(self.world.path().join("deployed")).is_ok()
    }

    /// Runs the container of a Job, and gives the status of its pod.
    fn pod(&self, job: &Value, service: &str) -> i32 {
        let pod = &job["template"]["spec"];
        assert_eq!(
            job["backoffLimit"], 0,
            "a second try would ask until the answer is yes"
        );
        assert_eq!(pod["restartPolicy"], "Never");
        let container = &pod["containers"][0];
        let mount = &container["volumeMounts"][0];
        assert_eq!(mount["name"], pod["volumes"][0]["name"]);
        let folder = mount["mountPath"].as_str().expect("a folder");
        let words = container["command"].as_array().expect("a command").iter();
        let words = words.map(|word| {
            let word = word.as_str().expect("a word");
            if word.starts_with(folder) {
                self.config.display().to_string()
            } else {
                word.replace(SERVICE, service)
            }
        });
        let words: Vec<_> = words.collect();
        let arguments: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
        self.run(&words[0], &arguments, &[]).exit
    }
}

/// The YAML example below a heading of the guide.
fn example(heading: &str) -> Value {
    let guide = include_str!("../../docs/guide/gate.md");
    let section = guide
        .split("\n## ")
        .find(|section| section.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let text = section.split("```yaml\n").nth(1).expect("an example");
    let text = text.split("```").next().expect("its end");
    serde_saphyr::from_str(text).expect("YAML")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn the_action_passes_stops_and_writes_a_summary() {
    let checkout = Checkout::new();
    let action: Value = serde_saphyr::from_str(include_str!("../../action.yml")).expect("YAML");
    let step = &action["runs"]["steps"][0];
    assert_eq!(
        (text(&action["runs"]["using"]), text(&step["shell"])),
        ("composite", "bash")
    );
    let run = |inputs: &[(&str, &str)]| {
        let folder = checkout.world.path();
        let files = [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ];
        let mut variables = Vec::new();
        for (name, file) in files {
            let path = folder.join(file);
            std::fs::write(&path, "").expect("an empty file");
            variables.push((name.to_owned(), path.display().to_string()));
        }
        for (name, value) in step["env"].as_object().expect("variables") {
            let input = text(value).strip_prefix("${{ inputs.").expect("an input");
            let input = input.strip_suffix(" }}").expect("an input");
            let default = action["inputs"][input]["default"].as_str();
            let given = inputs.iter().find(|(known, _)| *known == input);
            let value = given.map(|(_, value)| *value).or(default).expect("a value");
            variables.push((name.clone(), value.to_owned()));
        }
        let ran = checkout.bash(text(&step["run"]), &variables);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a file");
        (ran, read("output"), read("summary"))
    };
    let config = checkout.config.display().to_string();
    for (service, verdict, exit) in VERDICTS {
        let (ran, output, summary) = run(&[("service", service), ("config", &config)]);
        assert_eq!(ran.exit, exit, "{service}: {}", ran.output);
        assert_eq!(output, format!("verdict={verdict}\n"));
        assert!(
            summary.starts_with(&format!("### Release gate: {verdict}\n")),
            "{summary}"
        );
        // The summary has what the log has.
        assert!(summary.contains("policy tier-1 budget"), "{summary}");
        let (ran, output, _) = run(&[
            ("service", service),
            ("config", &config),
            ("dry-run", "true"),
        ]);
        assert_eq!(
            (ran.exit, output),
            (0, format!("verdict={verdict}\n")),
            "{}",
            ran.output
        );
    }
    let all = [
        ("service", "healthy low"),
        ("config", &config),
        ("environment", "production"),
        ("version", "v2.31.1"),
        ("kind", "security"),
        ("wait", "20s"),
    ];
    let (ran, output, summary) = run(&all);
    assert_eq!(
        (ran.exit, output.as_str()),
        (1, "verdict=no\n"),
        "{}",
        ran.output
    );
    assert!(
        summary.contains("NO healthy, low v2.31.1 production security"),
        "{summary}"
    );
    // A mistake is no yes either, and the summary says that nothing is known.
    let (ran, output, summary) = run(&[("service", "healthy"), ("config", "missing.toml")]);
    assert_eq!(
        (ran.exit, output.as_str()),
        (3, "verdict=unknown\n"),
        "{}",
        ran.output
    );
    assert!(
        summary.contains("the log of this step says why"),
        "{summary}"
    );
    assert!(ran.output.contains("missing.toml"), "{}", ran.output);
}

#[test]
fn pipelines_deploy_after_a_yes_and_never_else() {
    let checkout = Checkout::new();
    let github = example("GitHub Actions");
    let gitlab = example("GitLab CI");
    for (service, _, exit) in VERDICTS {
        // A job ends with its first step that fails.
        let steps = github["jobs"]["deploy"]["steps"].as_array().expect("steps");
        let scripts = steps.iter().filter_map(|step| step["run"].as_str());
        let mut exits = Vec::new();
        for script in scripts {
            let script = script
                .replace(SERVICE, service)
                .replace("--wait 20m", "--wait 20s");
            let ran = checkout.bash(&script, &[("PROM_TOKEN".to_owned(), "secret".to_owned())]);
            exits.push(ran.exit);
            if ran.exit != 0 {
                break;
            }
        }
        assert_eq!(exits.last(), Some(&exit), "{service}: {exits:?}");
        assert_eq!(checkout.was_deployed(), exit == 0, "{service}");
        // A job runs once the jobs that it needs have passed.
        let (gate, deploy) = (&gitlab["gate"], &gitlab["deploy"]);
        assert_eq!(
            (&deploy["needs"], &gate["allow_failure"]),
            (&json!(["gate"]), &json!(false))
        );
        let tag = [("CI_COMMIT_TAG".to_owned(), "v2.31.1".to_owned())];
        let script = text(&gate["script"][0]).replace(SERVICE, service);
        let ran = checkout.bash(&script, &tag);
        assert_eq!(ran.exit, exit, "{service}: {}", ran.output);
        if ran.exit == 0 {
            checkout.bash(text(&deploy["script"]), &tag);
        }
        assert_eq!(checkout.was_deployed(), exit == 0, "{service}");
    }
}

#[test]
fn jobs_of_kubernetes_argo_cd_and_argo_rollouts_fail_unless_the_gate_passes() {
    let checkout = Checkout::new();
    let hook = example("Argo CD: a hook before the sync");
    let annotations = &hook["metadata"]["annotations"];
    assert_eq!(annotations["argocd.argoproj.io/hook"], "PreSync");
    let template = example("Argo Rollouts");
    let metric = &template["spec"]["metrics"][0];
    // One answer decides.
    assert_eq!(
        (&metric["count"], &metric["failureLimit"]),
        (&json!(1), &json!(0))
    );
    for (service, _, exit) in VERDICTS {
        for job in [&hook["spec"], &metric["provider"]["job"]["spec"]] {
            assert_eq!(checkout.pod(job, service), exit, "{service}");
        }
    }
}

/// Answers one webhook as Flagger's load tester does for a command of the type `bash`: 200 where the
/// command succeeds, else 500.
fn answer(listener: &TcpListener, checkout: &Checkout) {
    let (mut stream, _) = listener.accept().expect("a caller");
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let call: Value = serde_json::from_slice(&body).expect("JSON");
    let metadata = &call["metadata"];
    assert_eq!(metadata["type"], "bash");
    let ran = checkout.run("bash", &["-c", text(&metadata["cmd"])], &[]);
    let status = if ran.exit == 0 {
        "200 OK"
    } else {
        "500 Internal Server Error"
    };
    let length = ran.output.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{}",
        ran.output
    );
    stream.write_all(head.as_bytes()).expect("an answer");
}

#[test]
fn flagger_goes_on_after_a_yes_alone() {
    let checkout = Checkout::new();
    let webhook = &example("Flagger")["webhooks"][0];
    assert_eq!(webhook["type"], "confirm-rollout");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    for (service, _, exit) in VERDICTS {
        let command = text(&webhook["metadata"]["cmd"]);
        let command = command.replace(MOUNT, &checkout.config.display().to_string());
        let call = json!({
            "name": SERVICE,
            "namespace": "prod",
            "phase": "Progressing",
            "metadata": {
                "type": text(&webhook["metadata"]["type"]),
                "cmd": command.replace(&format!("--service {SERVICE}"), &format!("--service {service}")),
            },
        });
        let answered = std::thread::scope(|scope| {
            scope.spawn(|| answer(&listener, &checkout));
            let mut stream = TcpStream::connect(address).expect("a connection");
            let body = call.to_string();
            let mut request = String::new();
            let _ = write!(
                request,
                "POST / HTTP/1.1\r\nHost: flagger-loadtester.test\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).expect("a request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        });
        let is_passed = answered.starts_with("HTTP/1.1 200");
        assert_eq!(is_passed, exit == 0, "{service}: {answered}");
    }
}
