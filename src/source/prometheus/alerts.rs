//! Firing alerts as incidents, where no Alertmanager is there to ask.
//!
//! For the present the server's own list is asked, which has annotations. For a past moment, and
//! of servers without a ruler, the series `ALERTS` and `ALERTS_FOR_STATE` tell what fired since when.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::api::{ALERTS, Api, Labels};
use crate::domain::{Fault, FaultKind, Incident};
use crate::source::Ask;
use crate::source::alert::{self, Alert, LabelNames};
use crate::text::Untrusted;

mod past;

/// The incidents of the moment that is asked for, and what is reported of their severities.
pub(super) async fn incidents(
    api: &Api,
    ask: &Ask,
    names: &LabelNames,
) -> Result<(Vec<Incident>, Vec<Untrusted>), Fault> {
    let listed = match ask.at {
        None => listed(api).await,
        Some(_) => Ok(Vec::new()),
    };
    let alerts = match listed {
        Ok(alerts) if !alerts.is_empty() => alerts,
        Ok(_) => recorded(api, ask.at).await?,
        Err(fault) if fault.kind == FaultKind::NotFound => recorded(api, ask.at).await?,
        Err(fault) => return Err(fault),
    };
    let mut incidents = alert::incidents(&alerts, names, &[]);
    for incident in &mut incidents {
        // Prometheus knows no silences.
        incident.matchers.clear();
    }
    if let Some(since) = ask.since {
        let open: HashSet<_> = incidents
            .iter()
            .map(|row| (row.id.clone(), row.opened_at))
            .collect();
        let over = past::incidents(api, names, (since, ask.moment())).await?;
        let over = over.into_iter();
        incidents.extend(over.filter(|row| !open.contains(&(row.id.clone(), row.opened_at))));
    }
    Ok((incidents, alert::severity_warnings(&alerts, names)))
}

async fn listed(api: &Api) -> Result<Vec<Alert>, Fault> {
    let alerts = api.alerts().await?.into_iter();
    let firing = alerts.filter(|alert| alert.state == "firing");
    Ok(firing
        .map(|alert| Alert::firing(alert.labels, alert.annotations, alert.active_at))
        .collect())
}

async fn recorded(api: &Api, at: Option<Timestamp>) -> Result<Vec<Alert>, Fault> {
    let (firing, since) = futures_util::future::try_join(
        api.query("ALERTS{alertstate=\"firing\"}", at),
        api.query("ALERTS_FOR_STATE", at),
    )
    .await?;
    let since: HashMap<Labels, f64> = since
        .data
        .into_iter()
        .map(|series| (series.labels.clone(), series.value))
        .collect();
    ALERTS.check(firing.data.len())?;
    let alert = |mut labels: Labels| {
        labels.remove("alertstate");
        let began = since.get(&labels).and_then(|&seconds| {
            let since_epoch = SignedDuration::try_from_secs_f64(seconds).ok()?;
            Timestamp::from_duration(since_epoch).ok()
        });
        let labels = labels.iter();
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Alert::firing(labels.collect(), BTreeMap::new(), began)
    };
    Ok(firing
        .data
        .into_iter()
        .map(|series| alert(series.labels.clone()))
        .collect())
}
