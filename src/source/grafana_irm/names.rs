//! Names of users, teams and integrations, by their ids.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::PAGING;
use super::wire::Named;
use crate::domain::Fault;
use crate::http::Http;
use crate::source::kit::incident_state::is_of_all;
use crate::text::Untrusted;

/// How long a list of names is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(30);
/// The most names of a kind.
const MAX_NAMES: usize = 1_000;

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Users,
    Teams,
    Integrations,
}

impl What {
    fn path(self) -> &'static str {
        match self {
            Self::Users => "/api/v1/users/",
            Self::Teams => "/api/v1/teams/",
            Self::Integrations => "/api/v1/integrations/",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Teams => "teams",
            Self::Integrations => "integrations",
        }
    }
}

/// The names of one kind of thing.
pub(super) struct Names {
    what: What,
    known: HashMap<String, String>,
    due: Option<Timestamp>,
    /// Why names are missing.
    note: Option<Untrusted>,
}

impl Names {
    pub(super) fn of(what: What) -> Self {
        Self {
            what,
            known: HashMap::new(),
            due: None,
            note: None,
        }
    }

    /// What it is called; the id where that is not known.
    pub(super) fn called(&self, id: &str) -> Untrusted {
        self.known.get(id).map_or(id, String::as_str).into()
    }

    /// The name, where it is known.
    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.known.get(id).map(String::as_str)
    }

    /// True when the setting `wanted` means this: by its id, or by its name in any case.
    pub(super) fn is(&self, id: &str, wanted: &str) -> bool {
        let is_named = |name: &str| name.eq_ignore_ascii_case(wanted);
        id == wanted || self.name(id).is_some_and(is_named)
    }

    /// The id that a setting means, when it is known.
    pub(super) fn id_of(&self, wanted: &str) -> Option<&str> {
        let mut ids = self.known.keys().map(String::as_str);
        ids.find(|id| self.is(id, wanted))
    }

    /// Why names are missing, told beside the rest.
    pub(super) fn note(&self) -> Option<Untrusted> {
        self.note.clone()
    }

    /// Asks for all names, when it is time to, and gives how many requests that took.
    pub(super) async fn renew(
        &mut self,
        http: &Http,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<u32, Fault> {
        if self.due.is_some_and(|due| now < due) {
            return Ok(0);
        }
        let list = PAGING.list(self.what.path(), self.what.word(), MAX_NAMES, deadline);
        match list.all::<Named>(http).await {
            Ok(found) => {
                let named = found.rows.into_iter().filter_map(|one| {
                    let names = [one.username, one.name, one.email].into_iter().flatten();
                    let name = names.into_iter().find(|name| !name.is_empty())?;
                    Some((one.id, name))
                });
                self.known.extend(named);
                self.due = now.checked_add(GOOD_FOR).ok();
                self.note = None;
                Ok(found.requests)
            }
            Err(fault) if is_of_all(fault.kind) => Err(fault),
            Err(fault) => {
                let said = fault.message.raw();
                let words = format!("ids instead of names of {}: {said}", self.what.word());
                self.note = Some(words.into());
                self.due = now.checked_add(GOOD_FOR / 6).ok();
                Ok(1)
            }
        }
    }
}
