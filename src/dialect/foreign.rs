//! What is no SLO document that is read here: templates that are not rendered yet, rule files, and
//! the documents of other tools, each with what to do about it.

use super::node::Node;

/// A language that makes documents.
struct Maker {
    /// What a file of it is.
    what: &'static str,
    /// What to do with it.
    advice: &'static str,
    /// What no other file has, in a file that is no YAML.
    marks: &'static [&'static str],
}

const MAKERS: [Maker; 6] = [
    Maker {
        what: "a Jinja template",
        advice: "render it first, and import what comes out",
        marks: &["{%"],
    },
    Maker {
        what: "an ERB template",
        advice: "render it first, and import what comes out",
        marks: &["<%"],
    },
    Maker {
        what: "Terraform",
        advice: "it has no document to import: write the SLO as a `[[slo]]`",
        marks: &[
            "\nresource \"",
            "\nmodule \"",
            "\nvariable \"",
            "\nlocals {",
        ],
    },
    Maker {
        what: "Jsonnet",
        advice: "run `jsonnet` first, and import what it prints",
        marks: &[".libsonnet", "\nlocal ", "std."],
    },
    Maker {
        what: "CUE",
        advice: "run `cue export` first, and import what it prints",
        marks: &["\npackage ", "\nimport ("],
    },
    Maker {
        what: "a configuration of watchfire",
        advice: "it needs no import: name it with `--config`, or under `include`",
        marks: &["\n[[slo]]", "\n[[source]]"],
    },
];

/// What only a chart of Helm says between `{{` and `}}`.
const HELM: [&str; 9] = [
    ".Values",
    ".Release.",
    ".Chart.",
    ".Capabilities.",
    ".Files.",
    "include \"",
    "template \"",
    "define \"",
    "nindent ",
];

/// Where a chart of Helm gives itself away, also where it can be read as YAML, and what it is.
pub(super) fn helm(text: &str) -> Option<(usize, String)> {
    let at = actions(text).find_map(|(at, action)| {
        let is_helms = HELM.iter().any(|mark| action.contains(mark)) || is_quoted(action);
        is_helms.then_some(at)
    })?;
    Some((at, helm_words()))
}

/// What a text is that cannot be read as YAML, where it gives itself away.
pub(super) fn template(text: &str) -> Option<(usize, String)> {
    // A line may be the first.
    let text = format!("\n{text}");
    let found = MAKERS.iter().find_map(|maker| {
        let at = maker.marks.iter().find_map(|mark| text.find(mark))?;
        Some((at, format!("this is {}: {}", maker.what, maker.advice)))
    });
    let of_go = || {
        let mut actions = actions(&text).filter(|(_, action)| action.trim() != ".window");
        let (at, _) = actions.next()?;
        Some((at - 1, helm_words()))
    };
    found.or_else(of_go)
}

fn helm_words() -> String {
    "this is a Helm template: run `helm template` first, and import what it prints (`helm template CHART | watchfire import -`)".to_owned()
}

/// A text of Go in quotes, as Helm's charts write what Sloth shall fill in: `` {{`{{.window}}`}} ``.
fn is_quoted(action: &str) -> bool {
    let action = action.trim_matches(['-', ' ']);
    action.starts_with('`') || action.starts_with("\"{{")
}

/// What stands between `{{` and `}}`, with where it begins; comments of YAML are skipped.
fn actions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("{{").filter_map(|(at, _)| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        if text[line..at].trim_start().starts_with('#') {
            return None;
        }
        let inside = &text[at + 2..];
        Some((
            at,
            inside.split_once("}}").map_or(inside, |(action, _)| action),
        ))
    })
}

/// Documents of others by what their `apiVersion` begins with: what they are, and what to do.
const DOCUMENTS: [(&str, &str, &str); 11] = [
    ("n9/", "Nobl9", AS_OPENSLO),
    ("sre.google.com/", "Google's slo-generator", AS_OPENSLO),
    (
        "datadoghq.com/",
        "Datadog's operator, which asks Datadog",
        AS_TABLE,
    ),
    (
        "monitoring.cnrm.cloud.google.com/",
        "Google Cloud's Config Connector, which asks Cloud Monitoring",
        AS_TABLE,
    ),
    ("lifecycle.keptn.sh/", "Keptn", AS_TABLE),
    ("metrics.keptn.sh/", "Keptn", AS_TABLE),
    ("argoproj.io/", "Argo", AS_TABLE),
    ("grizzly.grafana.com/", "Grafana's Grizzly", AS_GRAFANA),
    ("slo.ext.grafana.app/", "Grafana SLO", AS_GRAFANA),
    (
        "slo.plugins.grafana.crossplane.io/",
        "Grafana SLO",
        AS_GRAFANA,
    ),
    (
        "kustomize.config.k8s.io/",
        "Kustomize",
        "run `kustomize build` first, and import what it prints",
    ),
];

const AS_OPENSLO: &str = "write it as OpenSLO v1 (`apiVersion: openslo/v1`) or as a `[[slo]]`; its queries can stay as they are where they ask Prometheus";
const AS_TABLE: &str = "write it as a `[[slo]]` with queries of Prometheus";
const AS_GRAFANA: &str =
    "it needs no import: what Grafana SLO records in Prometheus is discovered (`discover = true`)";

/// Which rules these are, and why they are nothing to import.
const RULES: &str = "these are rules of Prometheus and no SLO document: let Prometheus load them, and watchfire finds the SLOs of Sloth, Pyrra and Grafana by what these record (`discover = true`); to write them anew, import the documents that they were made of";

/// What a document is that is none of those that are read here; `None` where it is nothing known.
pub(super) fn document(document: &Node, api: &str, kind: &str) -> Option<String> {
    if is_rule_file(document) || ["PrometheusRule", "VMRule"].contains(&kind) {
        return Some(RULES.to_owned());
    }
    let known = DOCUMENTS
        .iter()
        .find(|(prefix, ..)| api.starts_with(prefix));
    if let Some((_, tool, advice)) = known {
        return Some(format!("this is a document of {tool}: {advice}"));
    }
    let has = |keys: &[&str]| keys.iter().all(|key| document.get(key).is_some());
    if !api.is_empty() || !kind.is_empty() {
        return None;
    }
    let words = if has(&["service", "slos"]) && document.get("version").is_none() {
        "this looks like Sloth's and does not say its version: add `version: prometheus/v1`"
            .to_owned()
    } else if has(&["spec_version", "objectives"]) {
        format!("this is a document of Keptn: {AS_TABLE}")
    } else if has(&["objectives", "query"]) || has(&["uuid", "objectives"]) {
        format!("this is a document of Grafana SLO: {AS_GRAFANA}")
    } else if has(&["configs"]) {
        format!("this is a configuration of Dynatrace's Monaco: {AS_TABLE}")
    } else {
        return None;
    };
    Some(words)
}

/// True for `groups` of `rules`, as Prometheus, Mimir and Loki load them.
fn is_rule_file(document: &Node) -> bool {
    let groups = document.get("groups").and_then(|groups| groups.list().ok());
    groups.is_some_and(|groups| groups.iter().any(|group| group.get("rules").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_known_by_what_only_it_says() {
        for (text, want) in [
            ("a:\n  {{- include \"x\" . | nindent 4 }}\n", "Helm"),
            ("a: {{ .Values.a }}\n", "Helm"),
            ("{{- range $s := .Values.slos }}\n", "Helm"),
            ("a: {{`sum(x[{{.window}}])`}}\n", "Helm"),
            ("{% for s in slos %}\n", "Jinja"),
            ("name: <%= name %>\n", "ERB"),
            ("resource \"grafana_slo\" \"x\" {\n}\n", "Terraform"),
            ("local sloth = import 'sloth.libsonnet';\n", "Jsonnet"),
            ("[[slo]]\nservice = \"x\"\n", "`--config`"),
        ] {
            let said = helm(text).or_else(|| template(text)).map(|(_, said)| said);
            assert!(said.is_some_and(|said| said.contains(want)), "{text}");
        }
    }

    #[test]
    fn what_sloth_and_prometheus_fill_in_is_no_template_of_helm() {
        for text in [
            "q: 'sum(x[{{.window}}])'\n",
            "summary: '{{ $labels.job }} burns {{ $value | humanize }}'\n",
            "# {{ .Values.a }}\n",
        ] {
            assert_eq!(helm(text), None, "{text}");
        }
        assert_eq!(template("q: [sum(x[{{.window}}])\n"), None);
    }
}
