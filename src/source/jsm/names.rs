//! Names of people and teams: the operations API has their ids alone.
//!
//! Teams are named by `GET /v1/teams`, people by Jira's platform API (`GET /rest/api/3/user/bulk`,
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/>), which wants the
//! scope `read:jira-user` besides. An id without a name is shown as it is.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::wire::{Account, Accounts, Teams};
use crate::domain::{Fault, FaultKind};
use crate::http::Http;
use crate::source::kit::incident_state::is_of_all;
use crate::text::Untrusted;

/// How many accounts one request names.
const BATCH: usize = 50;
/// How many accounts are asked for in one poll.
const MAX_ACCOUNTS: usize = 200;
/// How long after a look in vain the next one comes.
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What is known of names.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<String, String>,
    /// When an id was looked for in vain.
    missing: HashMap<String, Timestamp>,
    teams_asked: Option<Timestamp>,
    /// Why names are missing.
    pub(super) note: Option<Untrusted>,
}

impl Names {
    /// What somebody or a team is called; the id where that is not known.
    pub(super) fn called(&self, id: &str) -> Untrusted {
        self.known.get(id).map_or(id, String::as_str).into()
    }

    /// Asks for the names of teams, when one of these is not known.
    pub(super) async fn teams(
        &mut self,
        http: &Http,
        site: &str,
        ids: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let is_due = self
            .teams_asked
            .is_none_or(|asked| now.duration_since(asked) > RETRY_AFTER);
        if !is_due || ids.iter().all(|id| self.known.contains_key(id)) {
            return Ok(());
        }
        self.teams_asked = Some(now);
        let answer = http.get(&format!("{site}/v1/teams")).send().await;
        let teams: Teams = match answer.and_then(|answer| answer.json()) {
            Ok(teams) => teams,
            Err(fault) => return self.unnamed(fault, "teams", "read:ops-config"),
        };
        let named = teams.platform_teams.into_iter();
        self.known
            .extend(named.filter_map(|team| Some((team.team_id?, team.team_name?))));
        Ok(())
    }

    /// Asks for the names of people that are not known.
    pub(super) async fn people(
        &mut self,
        http: &Http,
        cloud_id: &str,
        ids: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.missing
            .retain(|_, asked| now.duration_since(*asked) <= RETRY_AFTER);
        let unknown =
            |id: &&String| !self.known.contains_key(*id) && !self.missing.contains_key(*id);
        let open: Vec<String> = ids
            .iter()
            .filter(unknown)
            .take(MAX_ACCOUNTS)
            .cloned()
            .collect();
        for batch in open.chunks(BATCH) {
            self.missing
                .extend(batch.iter().map(|id| (id.clone(), now)));
            let path = format!("/ex/jira/{cloud_id}/rest/api/3/user/bulk");
            let request = http.get(&path).query("maxResults", &BATCH.to_string());
            let request = batch
                .iter()
                .fold(request, |request, id| request.query("accountId", id));
            let answer = request.send().await;
            let page: Accounts = match answer.and_then(|answer| answer.json()) {
                Ok(page) => page,
                Err(fault) => return self.unnamed(fault, "people", "read:jira-user"),
            };
            let accounts = page.values.into_iter();
            let accounts = accounts.filter_map(|value| serde_json::from_value(value).ok());
            for account in accounts {
                let Account {
                    account_id,
                    display_name,
                } = account;
                if let (Some(id), Some(name)) = (account_id, display_name) {
                    self.missing.remove(&id);
                    self.known.insert(id, name);
                }
            }
        }
        if !open.is_empty() {
            self.note = None;
        }
        Ok(())
    }

    /// A name that cannot be had costs the answer nothing, unless the server wants to be left alone.
    fn unnamed(&mut self, fault: Fault, whose: &str, scope: &str) -> Result<(), Fault> {
        if is_of_all(fault.kind) {
            return Err(fault);
        }
        let why = match fault.kind {
            FaultKind::Auth | FaultKind::Forbidden => {
                format!("the token lacks the scope {scope}")
            }
            _ => fault.message.raw().to_owned(),
        };
        self.note = Some(format!("ids instead of names of {whose}: {why}").into());
        Ok(())
    }
}
