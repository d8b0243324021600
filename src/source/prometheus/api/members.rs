//! Which server of a highly available pair is asked: the one with the freshest samples.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Api, Instant, instant, seconds};
use crate::domain::Fault;
use crate::http::Http;
use crate::source::kit::members::Answers;
use crate::text::Untrusted;

/// Asks how fresh the samples of a server are.
const NEWEST: &str = "max(timestamp(up))";
/// How much fresher the samples of another server have to be for it to be asked instead: less is where
/// scrapes happen to stand.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

impl Api {
    /// The server that is asked.
    pub(in crate::source::prometheus) fn http(&self) -> &Http {
        let chosen = self.chosen.load(Ordering::Relaxed);
        self.members.get(chosen).unwrap_or(&self.members[0])
    }

    /// True where there is another server to fall back to.
    pub(in crate::source::prometheus) fn is_pair(&self) -> bool {
        self.members.len() > 1
    }

    /// Chooses the server to ask from now on: the one that was, while it answers and none is fresher.
    /// With a warning where one of them does not answer.
    pub(in crate::source::prometheus) async fn choose(
        &self,
        at: Option<Timestamp>,
    ) -> Result<Option<Untrusted>, Fault> {
        if !self.is_pair() {
            return Ok(None);
        }
        let asked = self.members.iter().map(|member| self.newest(member, at));
        let answers = Answers::of(join_all(asked).await)?;
        let freshest = answers
            .alive
            .iter()
            .map(|(_, newest)| *newest)
            .max()
            .flatten();
        let is_fresh = |newest: Option<Timestamp>| match (newest, freshest) {
            (Some(newest), Some(freshest)) => newest.duration_until(freshest) <= TOLERANCE,
            (newest, freshest) => newest == freshest,
        };
        let fresh: Vec<_> = answers
            .alive
            .iter()
            .filter(|(_, newest)| is_fresh(*newest))
            .map(|(member, _)| *member)
            .collect();
        let chosen = self.chosen.load(Ordering::Relaxed);
        if let Some(first) = fresh.first().filter(|_| !fresh.contains(&chosen)) {
            self.chosen.store(*first, Ordering::Relaxed);
        }
        Ok(answers.warning)
    }

    /// The date of the newest sample of any target; `None` where there is no target.
    async fn newest(
        &self,
        member: &Http,
        at: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Fault> {
        let time = at.map(seconds);
        let mut form = vec![("query", NEWEST)];
        form.extend(time.as_deref().map(|time| ("time", time)));
        let answer = self.answer_of(member, "/api/v1/query", &form).await?;
        let answer = instant(&answer)?;
        let Instant::Vector(series) = &answer.data else {
            return Ok(None);
        };
        let value = series.first().and_then(|one| one.value.as_ref());
        let seconds = value.and_then(|point| point.number().ok());
        Ok(seconds.and_then(|seconds| {
            let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
            Timestamp::from_duration(since).ok()
        }))
    }
}
