//! Which part of an account is watched: teams and services by name or id, and whose rota is whose.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::PAGING;
use super::options::Options;
use super::wire::{Named, Service};
use crate::domain::{Fault, FaultKind};
use crate::http::Http;
use crate::source::kit::names;
use crate::source::kit::partial_fault::is_withheld;
use crate::text::Untrusted;

/// How many teams and services are looked through.
const MAX_NAMES: usize = 2_000;

/// What is asked for, by `PagerDuty`'s ids.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) team_ids: Vec<String>,
    pub(super) service_ids: Vec<String>,
    /// The services that each escalation policy answers for; `None` when they could not be listed.
    pub(super) policies: Option<BTreeMap<String, BTreeSet<String>>>,
    pub(super) warnings: Vec<Untrusted>,
}

impl Scope {
    /// Asks for the names behind the settings.
    pub(super) async fn learn(
        http: &Http,
        options: &Options,
        deadline: Instant,
    ) -> Result<Self, Fault> {
        let mut scope = Self::default();
        if !options.teams.is_empty() {
            let list = PAGING.list("/teams", "teams", MAX_NAMES, deadline);
            let teams = list.all::<Named>(http).await.map(|listed| {
                let ids = |team: &Named| Some((team.id.clone()?, called(team)));
                Some(listed.rows.iter().filter_map(ids).collect())
            });
            let known = scope.or_ids("teams", &options.teams, teams)?;
            scope.team_ids = scope.ids("teams", &options.teams, known)?;
        }
        let list = PAGING
            .list("/services", "services", MAX_NAMES, deadline)
            .with(each("team_ids[]", &scope.team_ids));
        let services = list.all::<Service>(http).await;
        let services = scope.or_ids("services", &options.services, services.map(Some))?;
        let Some(listed) = services else {
            scope.service_ids.clone_from(&options.services);
            return Ok(scope);
        };
        scope.warnings.extend(listed.warnings);
        let known = |service: &Service| (service.id.clone(), service.called().to_owned());
        let known = listed.rows.iter().map(known).collect();
        scope.service_ids = scope.ids("services", &options.services, Some(known))?;
        let mut policies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for service in &listed.rows {
            let is_watched =
                scope.service_ids.is_empty() || scope.service_ids.contains(&service.id);
            let policy = service.escalation_policy.as_ref();
            if let Some(id) = policy
                .and_then(|policy| policy.id.as_ref())
                .filter(|_| is_watched)
            {
                let name = service.called().to_owned();
                policies.entry(id.clone()).or_default().insert(name);
            }
        }
        scope.policies = Some(policies);
        Ok(scope)
    }

    /// A list that a key may not see is done without, if the settings say ids anyway.
    fn or_ids<T>(
        &mut self,
        key: &str,
        words: &[String],
        listed: Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Fault> {
        let fault = match listed {
            Ok(listed) => return Ok(listed),
            Err(fault) => fault,
        };
        let fault = fault.of_part(key);
        if is_withheld(fault.kind) && words.iter().all(|word| is_id(word)) {
            self.warnings.push(fault.message);
            return Ok(None);
        }
        Err(fault)
    }

    /// The ids of what the settings name. An id that is not in the list is asked for all the same.
    fn ids(
        &mut self,
        key: &str,
        words: &[String],
        known: Option<Vec<(String, String)>>,
    ) -> Result<Vec<String>, Fault> {
        let Some(known) = known else {
            return Ok(words.to_vec());
        };
        let (mut ids, unknown) = names::ids(words, &known);
        for word in unknown {
            let words = format!("`{key}`: PagerDuty knows no `{word}`, or the key may not see it");
            if !is_id(&word) {
                let message = format!("{words}; correct its name");
                return Err(Fault::new(FaultKind::NotFound, message));
            }
            self.warnings.push(words.into());
            ids.push(word);
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// A query parameter for each value.
pub(super) fn each(name: &'static str, values: &[String]) -> Vec<(&'static str, String)> {
    values.iter().map(|value| (name, value.clone())).collect()
}

fn called(team: &Named) -> String {
    team.called().unwrap_or_default().to_owned()
}

/// True for what looks like one of `PagerDuty`'s ids.
pub(super) fn is_id(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (6..=32).contains(&word.len()) && word.bytes().all(is_plain)
}
