//! Who is on call by the schedules, who is next, and who was at a past moment.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::wire::{Entries, Schedule};
use super::{IncidentIo, PAGING, rows};
use crate::domain::{Fault, OnCall};
use crate::source::Ask;
use crate::source::kit::cached::Answered;
use crate::source::kit::lenient_wire::stamp;
use crate::source::kit::list::Listed;

/// How many schedules, and how many a page: with more the API leaves out who is next.
const MAX_SCHEDULES: usize = 200;
const SCHEDULES_A_PAGE: usize = 25;
/// How many schedules are asked for a past moment: each is a request.
const MAX_PAST_SCHEDULES: usize = 20;
impl IncidentIo {
    /// Asks who is on call, unless that is known well enough.
    pub(super) async fn ask_rota(&mut self, ask: &Ask, deadline: Instant) -> Result<(), Fault> {
        if ask.at.is_none() && !self.rota.is_due(ask.now) {
            return Ok(());
        }
        let rows = self.read_rota(ask, deadline).await;
        self.rota.take_on_call(rows, ask.now)
    }

    async fn read_rota(&self, ask: &Ask, deadline: Instant) -> Answered<Vec<OnCall>> {
        let list = PAGING.list("/v2/schedules", "schedules", MAX_SCHEDULES, deadline);
        let list = list.size(Some(SCHEDULES_A_PAGE));
        let mut listed = list.all::<Schedule>(&self.http).await?;
        listed
            .rows
            .retain(|schedule| self.is_watched(schedule.team_ids()));
        let rows = match ask.at {
            None => listed.rows.iter().flat_map(rows::on_call).collect(),
            Some(at) => self.past_rota(&mut listed, at, deadline).await?,
        };
        Ok((rows, listed.warnings))
    }

    /// Who had each schedule at a past moment.
    async fn past_rota(
        &self,
        listed: &mut Listed<Schedule>,
        at: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<OnCall>, Fault> {
        let all = listed.rows.len();
        let until = at.checked_add(SignedDuration::from_secs(1)).unwrap_or(at);
        let (mut found, mut asked) = (Vec::new(), 0);
        for schedule in listed.rows.iter().take(MAX_PAST_SCHEDULES) {
            if Instant::now() >= deadline {
                break;
            }
            asked += 1;
            let request = self
                .http
                .get("/v2/schedule_entries")
                .query("schedule_id", &schedule.id)
                .query("entry_window_start", &stamp(at))
                .query("entry_window_end", &stamp(until));
            let entries: Entries = request.send().await?.json()?;
            let had = entries.effective().filter(|shift| {
                shift.start().is_none_or(|start| start <= at)
                    && shift.end().is_none_or(|end| at < end)
            });
            found.extend(had.filter_map(|shift| rows::shift_of(schedule, shift, false)));
        }
        if asked < all {
            let words = format!("who was on call: {asked} of {all} schedules loaded");
            listed.warnings.push(words.into());
        }
        Ok(found)
    }
}
