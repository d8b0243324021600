//! The rule file: groups of rules for every SLO of the configuration, and its YAML.

use std::fmt::Write as _;

use super::expression::{bad, unless};
use super::{
    BAD, Measured, RATIO, Recording, RuleLabels, SHORT, TOTAL, alerts, ids, meta, probe, yaml,
};
use crate::config::{Settings, SloSettings};
use crate::domain::slo::{EVENTS_OF_SLACK, SLACK};
use crate::domain::{Period, Window};

/// How often long windows are evaluated. Below the 5 minutes that a server looks back for the newest
/// sample, so that none ever misses.
const SLOW: Window = Window::minutes(3);

/// The longest expression that `VictoriaMetrics` reads unless told otherwise
/// (`-search.maxQueryLen`), in bytes.
const VICTORIA_METRICS: usize = 16 * 1024;

/// Of which SLOs rules are wanted.
#[derive(Clone, Debug, Default)]
pub struct Choice<'a> {
    /// Only those that these sources measure; of every source when there are none.
    pub sources: &'a [String],
    /// Only those of these services; of every service when there are none.
    pub services: &'a [String],
}

/// Recording and alerting rules of SLOs.
#[derive(Debug)]
pub struct RuleFile {
    slos: Vec<(Recording, Vec<Group>)>,
    /// What a reader should know: what cannot be a rule, and why.
    pub remarks: Vec<String>,
}

/// Rules that are evaluated one after another.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    interval: Option<Window>,
    rules: Vec<Rule>,
}

/// A recording or an alerting rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// `record` or `alert`.
    kind: &'static str,
    pub(super) name: String,
    pub(super) expr: String,
    pub(super) labels: RuleLabels,
    pub(super) annotations: RuleLabels,
}

impl Rule {
    pub(super) fn record(name: &str, expr: String, labels: RuleLabels) -> Self {
        Self {
            kind: "record",
            name: name.to_owned(),
            expr,
            labels,
            annotations: RuleLabels::new(),
        }
    }

    pub(super) fn alert(
        name: &str,
        expr: String,
        labels: RuleLabels,
        annotations: RuleLabels,
    ) -> Self {
        Self {
            kind: "alert",
            name: name.to_owned(),
            expr,
            labels,
            annotations,
        }
    }

    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "  - {}: {}", self.kind, self.name);
        let _ = writeln!(out, "    expr: {}", yaml::block(&self.expr, 6));
        for (key, map) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if map.is_empty() {
                continue;
            }
            let _ = writeln!(out, "    {key}:");
            for (name, value) in map {
                let _ = writeln!(out, "      {name}: {}", yaml::quoted(value));
            }
        }
    }
}

impl RuleFile {
    /// The rules of the chosen SLOs.
    pub fn of(settings: &Settings, choice: &Choice<'_>) -> Self {
        let ids = ids(&settings.slos);
        let mut file = Self {
            slos: Vec::new(),
            remarks: Vec::new(),
        };
        for slo in settings.slos.iter().filter(|slo| choice.includes(slo)) {
            let id = &ids[&(slo.service.as_str(), slo.name.as_str())];
            match Recording::of(slo, id) {
                Ok(recording) => {
                    let groups = groups(&recording);
                    file.remark(&recording, &groups);
                    file.slos.push((recording, groups));
                }
                Err(lack) => file
                    .remarks
                    .push(format!("{}/{} is left out: {lack}", slo.service, slo.name)),
            }
        }
        file
    }

    /// True when it has no rule.
    pub fn is_empty(&self) -> bool {
        self.slos.is_empty()
    }

    fn remark(&mut self, recording: &Recording, groups: &[Group]) {
        let slo = &recording.slo;
        let mut add = |text: String| {
            self.remarks
                .push(format!("{}/{}: {text}", slo.service, slo.name));
        };
        if slo.rules.is_empty() {
            add("alerts nobody, as its `rules` are empty: leave `rules` out for the four default rules".to_owned());
        }
        if !matches!(slo.period, Period::Rolling(_)) {
            add(format!(
                "no rule can look back to the start of the {}: the period's ratio, burn rate and \
                 budget are not recorded, `watchfire status` counts them; slo:time_period:days is \
                 the {} that the factors of its rules are scaled to",
                slo.period,
                slo.period.nominal(),
            ));
        }
        let mut labels = recording.labels.iter();
        if let Some((name, _)) = labels.find(|(_, value)| value.contains("{{")) {
            add(format!(
                "vmalert takes the `{{{{` in the label `{name}` for a template and refuses the file"
            ));
        }
        if slo.min_bad_events > 0.0 && !recording.windows.values().all(Measured::is_counted) {
            add(format!(
                "its queries count no events, so no page waits for {} bad ones",
                slo.min_bad_events
            ));
        }
        for name in &recording.dropped {
            add(format!(
                "the label `{name}` is left out: the rules set it themselves"
            ));
        }
        let longest = groups.iter().flat_map(|group| &group.rules);
        let longest = longest.map(|rule| rule.expr.len()).max().unwrap_or(0);
        if longest > VICTORIA_METRICS {
            add(format!(
                "a rule is {longest} bytes long, more than VictoriaMetrics reads unless \
                 -search.maxQueryLen says so"
            ));
        }
    }

    /// The file, as Prometheus, Thanos, Mimir and vmalert read it.
    pub fn yaml(&self) -> String {
        let mut out = header(&self.remarks);
        out.push_str("groups:\n");
        for group in self.slos.iter().flat_map(|(_, groups)| groups) {
            let _ = writeln!(out, "- name: {}", yaml::quoted(&group.name));
            if let Some(interval) = group.interval {
                let _ = writeln!(out, "  interval: {interval}");
            }
            out.push_str("  rules:\n");
            for rule in &group.rules {
                rule.write(&mut out);
            }
        }
        out
    }

    /// Unit tests of the rules for `promtool test rules`, and what a reader should know of them;
    /// `rules` is the file that the rules are in.
    pub fn tests(&self, rules: &str) -> (String, Vec<String>) {
        let mut out = header(&[]);
        let _ = writeln!(out, "rule_files:\n- {}", yaml::quoted(rules));
        out.push_str("evaluation_interval: 10m\ngroup_eval_order:\n");
        for group in self.slos.iter().flat_map(|(_, groups)| groups) {
            let _ = writeln!(out, "- {}", yaml::quoted(&group.name));
        }
        out.push_str("tests:\n");
        let each = self.slos.iter();
        let remarks = each.filter_map(|(recording, _)| probe::write(recording, &mut out));
        let remarks = remarks.collect();
        (out, remarks)
    }
}

impl Choice<'_> {
    fn includes(&self, slo: &SloSettings) -> bool {
        let is_among =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        is_among(self.sources, slo.source.as_str()) && is_among(self.services, &slo.service)
    }
}

fn header(remarks: &[String]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!("# Written by watchfire {version}: change the SLOs, not this file.\n");
    for remark in remarks {
        // A line break of a name would end the comment.
        let line: String = remark
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = writeln!(out, "# {line}");
    }
    out
}

fn groups(recording: &Recording) -> Vec<Group> {
    let group = |kind: &str, interval, rules| Group {
        name: format!("sloth-slo-{kind}-{}", recording.id),
        interval,
        rules,
    };
    let windows = |is_in: fn(Window) -> bool| {
        let windows = recording
            .windows
            .iter()
            .filter(move |(window, _)| is_in(**window));
        windows.flat_map(|(&window, measured)| window_rules(recording, window, measured))
    };
    let all = [
        group("sli-recordings", None, windows(|it| it <= SHORT).collect()),
        group(
            "sli-recordings-long",
            Some(SLOW),
            windows(|it| it > SHORT).collect(),
        ),
        group("meta-recordings", None, meta::rules(recording)),
        group("alerts", None, alerts::rules(recording)),
    ];
    all.into_iter()
        .filter(|group| !group.rules.is_empty())
        .collect()
}

/// The ratio comes last: it takes what was recorded before it. The other two ask for everything
/// themselves, since a rule of vmalert sees what another has recorded half a minute late, and bad
/// events must not be taken from a total of another time.
fn window_rules(recording: &Recording, window: Window, measured: &Measured) -> Vec<Rule> {
    let labels = recording.labels_of(window);
    let record = |name: &str, expr| Rule::record(&format!("{name}{window}"), expr, labels.clone());
    let recorded = |name: &str| recording.selector(&format!("{name}{window}"));
    match measured {
        Measured::Ratio(query) => vec![record(RATIO, query.clone())],
        Measured::Counted {
            total,
            part,
            unless: exceptions,
        } => {
            let ratio = possible(&recorded(BAD), &recorded(TOTAL));
            vec![
                record(TOTAL, unless(total, exceptions)),
                record(BAD, unless(&bad(part, &format!("({total})")), exceptions)),
                record(RATIO, ratio),
            ]
        }
    }
}

/// The ratio of recorded events; none where they cannot be those of one SLO: more bad events than all,
/// or more good ones.
fn possible(bad: &str, total: &str) -> String {
    let (most, few) = (1.0 + SLACK, EVENTS_OF_SLACK);
    format!(
        "clamp_max(clamp_min({bad} / {total}, 0), 1)\n\
         unless ({bad} > {total} * {most} and {bad} > {total} + {few})\n\
         unless ({bad} < {total} * -{SLACK} and {bad} < -{few})\n\
         unless ({bad} > 0 and {total} == 0)"
    )
}
