//! One source of every kind, each before a front of its own.

use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use watchfire::config::{Environment, Settings, SourceSettings, load_text};
use watchfire::domain::Report;
use watchfire::poll::poll_once;
use watchfire::source::{Ask, Source, known_kinds};
use watchfire::store::Store;
use watchfire::watch::Watch;

use crate::alertmanager::Alertmanager;
use crate::front::{Behind, Front};
use crate::server::Server;
use crate::{history, rules};

/// What a request may take.
pub(crate) const TIMEOUT: SignedDuration = SignedDuration::from_secs(2);

/// The secret that every source sends.
pub(crate) const CANARY: &str = "CANARY-5f3a9c71e2";

/// Every kind of source, once by each way to reach it.
pub(crate) const NAMES: [(&str, &str); 13] = [
    ("prometheus", "prometheus"),
    ("openmetrics", "openmetrics"),
    ("alertmanager", "alertmanager"),
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("pagerduty", "pagerduty"),
    ("incidentio", "incidentio"),
    ("jsm", "jsm"),
    ("grafana_irm", "grafana_irm"),
    ("argocd", "argocd"),
    ("kubernetes", "kubernetes"),
    ("kubeconfig", "kubernetes"),
    ("json", "json"),
];

/// A real Prometheus and a real Alertmanager.
pub(crate) struct Servers {
    prometheus: Server,
    alertmanager: Alertmanager,
    _data: [TempDir; 2],
}

impl Servers {
    /// Starts both; the Prometheus has one SLO, which is fine.
    pub(crate) fn start() -> Self {
        let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let rules = format!("groups:\n{}", rules::constant("cart", 0.001));
        let alertmanager = Alertmanager::start(data[1].path(), "");
        alertmanager.fire(&[(
            serde_json::json!({"alertname": "Disk", "service": "cart", "severity": "info"}),
            serde_json::json!({"summary": "disk fills"}),
        )]);
        Self {
            prometheus: history::start(data[0].path(), &rules),
            alertmanager,
            _data: data,
        }
    }

    /// What stands behind the front of a kind.
    pub(crate) fn behind(&self, kind: &'static str) -> Behind {
        let address = |url: &str| Behind::Server(url.trim_start_matches("http://").to_owned());
        match kind {
            "prometheus" => address(&self.prometheus.url),
            "alertmanager" => address(&self.alertmanager.url()),
            kind => Behind::StandIn(kind),
        }
    }
}

/// A source, what it is reached by, and its settings.
pub(crate) struct Watched {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) front: Front,
    pub(crate) settings: SourceSettings,
    pub(crate) source: Box<dyn Source>,
}

impl Watched {
    /// Polls it once.
    pub(crate) async fn poll(&mut self) -> Report {
        poll(&self.settings, self.source.as_mut()).await
    }
}

/// Every source, and a store that has not heard of them yet.
pub(crate) struct World {
    pub(crate) watched: Vec<Watched>,
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
}

/// A kubeconfig of one cluster.
fn kubeconfig(folder: &Path, url: &str, more: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
         clusters:\n- name: lab\n  cluster: {{server: \"{url}\"{more}}}\n\
         users:\n- name: mara\n  user: {{token: \"{CANARY}\"}}\n\
         contexts:\n- name: lab\n  context: {{cluster: lab, user: mara}}\n"
    );
    let path = folder.join("kubeconfig");
    std::fs::write(&path, text).expect("the kubeconfig");
    path.display().to_string()
}

/// The table of one source that is reached at `url`; `more` are lines for every source that makes its
/// own connections, and `cluster` fields of the kubeconfig's cluster.
pub(crate) fn table(
    folder: &Path,
    (name, kind): (&str, &str),
    url: &str,
    (more, cluster): (&str, &str),
) -> String {
    let secret = folder.join("token").display().to_string();
    let login = format!("bearer_token = {{ file = \"{secret}\" }}\n");
    let token = format!("token = {{ file = \"{secret}\" }}\n");
    let own = match name {
        "openmetrics" => {
            let history = folder.join(format!("{name}.db")).display().to_string();
            format!("targets = [\"{url}/metrics\"]\nhistory = \"{history}\"\n{login}")
        }
        "github" => format!(
            "{token}graphql = false\nrepos = [{{ repo = \"acme/checkout\", service = \"checkout\" }}]\n"
        ),
        "gitlab" => format!(
            "{token}projects = [{{ project = \"acme/checkout\", service = \"checkout\" }}]\n"
        ),
        "jsm" => format!("{token}cloud_id = \"site-1\"\nemail = \"mara@acme.example\"\n"),
        "pagerduty" | "incidentio" | "grafana_irm" | "argocd" => token,
        "kubeconfig" => format!("kubeconfig = \"{}\"\n", kubeconfig(folder, url, cluster)),
        "json" => format!(
            "{login}releases = '.deploys[]'\nincidents = '.incidents[]'\nslos = '.slos[]'\n"
        ),
        _ => login,
    };
    let address = if matches!(name, "openmetrics" | "kubeconfig") {
        String::new()
    } else {
        format!("url = \"{url}\"\n")
    };
    let more = if name == "kubeconfig" { "" } else { more };
    format!(
        "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\n{address}{own}{more}\
         interval = \"5s\"\ntimeout = \"2s\"\nstale_after = \"5m\"\n"
    )
}

/// A folder with the token in it, for its owner alone.
pub(crate) fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, CANARY).expect("the token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    folder
}

/// The SLO that the openmetrics source measures.
const SLO: &str = "[[slo]]\nservice = \"search\"\nname = \"availability\"\nobjective = 99\n\
    source = \"openmetrics\"\ntotal = 't_total'\nbad = 't_total{code=\"500\"}'\n";

impl World {
    /// Every source before a front of its own.
    pub(crate) fn new(servers: &Servers) -> Self {
        let folder = folder();
        let mut fronts = Vec::new();
        let mut text = "[journal]\nenabled = false\n".to_owned();
        for (name, kind) in NAMES {
            let front = Front::start(servers.behind(kind));
            let table = table(folder.path(), (name, kind), &front.url(), ("", ""));
            let _ = write!(text, "{table}");
            fronts.push(front);
        }
        text.push_str(SLO);
        let settings = settings(&text);
        let watch = watch(&settings);
        let watched = watch.sources.into_iter().zip(fronts).zip(NAMES);
        let watched = watched.map(|(((settings, source), front), (name, kind))| Watched {
            name,
            kind,
            front,
            settings,
            source,
        });
        Self {
            watched: watched.collect(),
            store: watch.store,
            folder,
        }
    }
}

/// Sources of a configuration of its own, without fronts.
pub(crate) struct Plain(Vec<(SourceSettings, Box<dyn Source>)>);

impl Plain {
    /// The sources of this configuration.
    pub(crate) fn new(text: &str) -> Self {
        Self(watch(&settings(text)).sources)
    }

    /// Polls each of them once.
    pub(crate) async fn poll(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for (settings, source) in &mut self.0 {
            reports.push(poll(settings, source.as_mut()).await);
        }
        reports
    }
}

/// Polls a source once.
async fn poll(settings: &SourceSettings, source: &mut dyn Source) -> Report {
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    };
    poll_once(
        &settings.name,
        source,
        &ask,
        watchfire::poll::limit(settings),
    )
    .await
}

/// The settings of a configuration that is right.
pub(crate) fn settings(text: &str) -> Settings {
    let loaded = load_text(
        "lab.toml",
        text.to_owned(),
        &Environment::default(),
        &known_kinds(),
    );
    loaded.unwrap_or_else(|error| panic!("{error}")).settings
}

/// The watch over settings that are right.
pub(crate) fn watch(settings: &Settings) -> Watch {
    Watch::over(settings).unwrap_or_else(|problems| {
        let words: Vec<_> = problems.iter().map(|problem| &problem.message).collect();
        panic!("{words:?}")
    })
}
