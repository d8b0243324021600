//! Sloth v1: `version: prometheus/v1`, the Kubernetes form of it, and its alert windows.

use std::collections::BTreeMap;

use super::alerting::{Alert, Limit, WORKBOOK, routing};
use super::draft::{Draft, named};
use super::events::Sides;
use super::kind::{Kind, Spelling};
use super::node::{Node, Wrong};
use super::promql;
use super::{Conversion, Place};
use crate::domain::{Severity, Window};
use crate::text::clipped;

/// The period of Sloth unless it is told otherwise.
const PERIOD: Window = Window::days(30);

/// The period and the alerts of all of Sloth's SLOs: `kind: AlertWindows`.
#[derive(Default)]
pub(super) struct Windows {
    given: Option<(Window, Vec<Alert>)>,
}

impl Windows {
    /// Those of the documents; there can be one only, as Sloth is run with one.
    pub(super) fn of(documents: &[(Kind, &Node)], conversion: &mut Conversion) -> Self {
        let mut windows = Self::default();
        for (_, document) in documents
            .iter()
            .filter(|(kind, _)| *kind == Kind::SlothWindows)
        {
            let origin = "Sloth AlertWindows";
            match read_windows(document) {
                Ok(_) if windows.given.is_some() => {
                    let message = "these are the second alert windows: which of them are meant? Keep one document of them";
                    conversion.refuse(&document.place, origin, message);
                }
                Ok(given) => windows.given = Some(given),
                Err(wrong) => conversion.refuse(&wrong.place, origin, wrong.message),
            }
        }
        windows
    }

    fn period(&self) -> Window {
        self.given.as_ref().map_or(PERIOD, |(period, _)| *period)
    }

    fn alerts(&self) -> &[Alert] {
        self.given.as_ref().map_or(&WORKBOOK, |(_, alerts)| alerts)
    }
}

fn read_windows(document: &Node) -> Result<(Window, Vec<Alert>), Wrong> {
    let spec = document.need("spec")?;
    let mut alerts = Vec::new();
    for (key, severity) in [("page", Severity::Page), ("ticket", Severity::Ticket)] {
        for speed in ["quick", "slow"] {
            let window = spec.need(key)?.need(speed)?;
            alerts.push(Alert {
                severity,
                long: duration(window.need("longWindow")?)?,
                short: duration(window.need("shortWindow")?)?,
                limit: Limit::Budget(window.need("errorBudgetPercent")?.number()?),
            });
        }
    }
    Ok((duration(spec.need("sloPeriod")?)?, alerts))
}

fn duration(node: &Node) -> Result<Window, Wrong> {
    let window = node.text()?.parse();
    window.map_err(|error: crate::domain::window::NotADuration| {
        Wrong::at(&node.place, error.to_string())
    })
}

/// Key names, as the form spells them.
struct Keys {
    plugins: &'static str,
    error_query: &'static str,
    total_query: &'static str,
    error_ratio_query: &'static str,
    page_alert: &'static str,
    ticket_alert: &'static str,
}

impl Spelling {
    fn keys(self) -> Keys {
        match self {
            Self::Snake => Keys {
                plugins: "slo_plugins",
                error_query: "error_query",
                total_query: "total_query",
                error_ratio_query: "error_ratio_query",
                page_alert: "page_alert",
                ticket_alert: "ticket_alert",
            },
            Self::Camel => Keys {
                plugins: "sloPlugins",
                error_query: "errorQuery",
                total_query: "totalQuery",
                error_ratio_query: "errorRatioQuery",
                page_alert: "pageAlert",
                ticket_alert: "ticketAlert",
            },
        }
    }
}

/// All SLOs of a service.
pub(super) fn service(
    document: &Node,
    spelling: Spelling,
    windows: &Windows,
    conversion: &mut Conversion,
) {
    let spec = match spelling {
        Spelling::Snake => Ok(document),
        Spelling::Camel => document.need("spec"),
    };
    let read = spec.and_then(|spec| {
        let service = spec.need("service")?.text()?;
        Ok((spec, service, spec.need("slos")?.list()?))
    });
    let (spec, service, slos) = match read {
        Ok(read) => read,
        Err(wrong) => {
            conversion.refuse(&wrong.place, "Sloth document", wrong.message);
            return;
        }
    };
    let keys = spelling.keys();
    let mut whole = Draft::new(format!("Sloth service `{service}`"), &spec.place);
    let of_all = whole
        .expect_keys(
            spec,
            &["version", "service", "labels", keys.plugins, "slos"],
        )
        .and_then(|()| warn_of_plugins(&mut whole, spec.get(keys.plugins)));
    whole.or_refuse(of_all);
    whole.report(conversion);
    for slo in slos {
        let name = slo.text_of("name").ok().flatten().unwrap_or_default();
        let mut draft = Draft::new(format!("Sloth SLO `{service}/{name}`"), &slo.place);
        if let Err(wrong) = one(&mut draft, spec, slo, &keys, windows) {
            draft.wrong(wrong);
        }
        draft.finish(conversion);
    }
}

fn one(
    draft: &mut Draft,
    spec: &Node,
    slo: &Node,
    keys: &Keys,
    windows: &Windows,
) -> Result<(), Wrong> {
    draft.expect_keys(
        slo,
        &[
            "name",
            "description",
            "objective",
            "labels",
            "sli",
            "alerting",
            "plugins",
        ],
    )?;
    warn_of_plugins(draft, slo.get("plugins"))?;
    let service = spec.need("service")?;
    draft.set("service", named(&service.text()?), &service.place);
    let name = slo.need("name")?;
    draft.set("name", named(&name.text()?), &name.place);
    draft.describe(slo.get("description"));
    let objective = slo.need("objective")?;
    let percent = objective.number()?;
    draft.set("objective", percent, &objective.place);
    let mut labels = BTreeMap::new();
    for from in [spec, slo] {
        if let Some(given) = from.get("labels") {
            for (key, _, value) in given.entries()? {
                labels.insert(key.clone(), value.text()?);
            }
        }
    }
    let place = slo.get("labels").or(spec.get("labels"));
    draft.set_labels(labels, place.map_or(&slo.place, |node| &node.place));
    if windows.period() != PERIOD {
        draft.set("period", windows.period().to_string(), &slo.place);
    }
    let alerting = slo.get("alerting");
    rules(draft, alerting, &slo.place, percent / 100.0, keys, windows)?;
    sli(draft, slo.need("sli")?, keys)
}

/// Plugins of the rules change what Sloth writes, not what is measured; those that it always has
/// change nothing.
fn warn_of_plugins(draft: &mut Draft, plugins: Option<&Node>) -> Result<(), Wrong> {
    let Some(plugins) = plugins else {
        return Ok(());
    };
    draft.expect_keys(plugins, &["overridePrevious", "override_previous", "chain"])?;
    for plugin in plugins.get("chain").map_or(Ok(&[][..]), Node::list)? {
        let id = plugin.need("id")?;
        let name = id.text()?;
        if !name.starts_with("sloth.dev/core/") {
            let message = format!(
                "the plugin `{}` changes the rules that Sloth writes, and nothing here",
                clipped(&name)
            );
            draft.warn(&id.place, message);
        }
    }
    Ok(())
}

/// Sets the rules where they are not those that every `[[slo]]` has.
fn rules(
    draft: &mut Draft,
    alerting: Option<&Node>,
    place: &Place,
    objective: f64,
    keys: &Keys,
    windows: &Windows,
) -> Result<(), Wrong> {
    let mut disabled = Vec::new();
    if let Some(alerting) = alerting {
        let known = [
            "name",
            "labels",
            "annotations",
            keys.page_alert,
            keys.ticket_alert,
        ];
        draft.expect_keys(alerting, &known)?;
        let mut routed = routing(alerting, "alerting", &["name", "labels", "annotations"])?;
        for (key, severity) in [
            (keys.page_alert, Severity::Page),
            (keys.ticket_alert, Severity::Ticket),
        ] {
            if let Some(alert) = alerting.get(key) {
                draft.expect_keys(alert, &["disable", "labels", "annotations"])?;
                let own = routing(alert, key, &["labels", "annotations"])?;
                if alert.flag_of("disable")? == Some(true) {
                    disabled.push(severity);
                } else {
                    routed.extend(own);
                }
            }
        }
        if disabled.len() < 2 {
            draft.warn_of_routing(&routed);
        }
    }
    if disabled.is_empty() && windows.given.is_none() {
        return Ok(());
    }
    let alerts = windows.alerts().iter();
    let alerts: Vec<_> = alerts
        .filter(|alert| !disabled.contains(&alert.severity))
        .copied()
        .collect();
    let place = alerting.map_or(place, |alerting| &alerting.place);
    draft.set_rules(&alerts, objective, windows.period(), place);
    Ok(())
}

fn sli(draft: &mut Draft, sli: &Node, keys: &Keys) -> Result<(), Wrong> {
    draft.expect_keys(sli, &["events", "raw", "plugin"])?;
    match (sli.get("events"), sli.get("raw"), sli.get("plugin")) {
        (Some(events), None, None) => {
            draft.expect_keys(events, &[keys.error_query, keys.total_query])?;
            let (errors, total) = (
                events.need(keys.error_query)?,
                events.need(keys.total_query)?,
            );
            let (bad, all) = (query(errors)?, query(total)?);
            let sides = Sides {
                key: "bad",
                part: (&errors.place, bad),
                total: (&total.place, all),
                names: (keys.error_query, keys.total_query),
            };
            if !draft.set_selectors(&sides) {
                draft.set_queries(sides)?;
            }
        }
        (None, Some(raw), None) => {
            draft.expect_keys(raw, &[keys.error_ratio_query])?;
            let ratio = raw.need(keys.error_ratio_query)?;
            draft.set_ratio("error_ratio", query(ratio)?, &ratio.place)?;
        }
        (None, None, Some(plugin)) => {
            let id = plugin.text_of("id")?.unwrap_or_default();
            let message = format!(
                "the plugin `{id}` is a program that makes the queries: run `sloth generate`, and write its queries as `events` or `raw`"
            );
            return Err(Wrong::at(&plugin.place, message));
        }
        (None, None, None) => {
            let message = "measures nothing: add `events` or `raw`";
            return Err(Wrong::at(&sli.place, message));
        }
        _ => {
            let message = "an SLO is measured in one way: keep one of `events` and `raw`";
            return Err(Wrong::at(&sli.place, message));
        }
    }
    Ok(())
}

/// A query with its place for the window, which Sloth demands.
fn query(node: &Node) -> Result<String, Wrong> {
    let query = promql::placeheld(&node.text()?);
    let query = query.map_err(|message| Wrong::at(&node.place, message))?;
    if promql::has_window(&query) {
        return Ok(query);
    }
    let message = "this query has no {{.window}}: put it where the range is, as in `sum(rate(http_requests_total[{{.window}}]))`";
    Err(Wrong::at(&node.place, message))
}
