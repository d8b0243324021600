//! Asks sources of releases and incidents for as many dated rows as policies look back.

use jiff::{SignedDuration, Timestamp};

use super::facts::Wanted;
use crate::command::status;
use crate::config::SourceSettings;
use crate::insight::policy::rows_lookback;
use crate::source::Ask;
use crate::store::Feed;
use crate::watch::Watch;

/// How far back the rows of these services are needed; `None` where the usual lists are enough. With
/// `from` it is enough to tell what every policy did since then.
fn lookback(watch: &Watch, wanted: &Wanted<'_>, from: Option<Timestamp>) -> Option<SignedDuration> {
    let moment = wanted.at.unwrap_or_else(Timestamp::now);
    let facts = watch.store.policy_facts(wanted.names, moment);
    let services = facts.services.iter();
    let longest = services
        .filter_map(|service| rows_lookback(&facts, service, wanted.environment, from.is_some()))
        .max()?;
    let before = from.map_or(SignedDuration::ZERO, |from| from.duration_until(moment));
    Some(longest + before.max(SignedDuration::ZERO))
}

/// Asks those sources once more that say that their lists begin too late.
pub(super) async fn deepen(watch: &mut Watch, wanted: &Wanted<'_>, from: Option<Timestamp>) {
    let Some(lookback) = lookback(watch, wanted, from) else {
        return;
    };
    let moment = wanted.at.unwrap_or_else(Timestamp::now);
    let begin = moment.checked_sub(lookback).unwrap_or(Timestamp::MIN);
    let is_short = |feed: &&Feed| {
        let has_rows = feed.offers.releases || feed.offers.incidents;
        let begins_late = feed.facts.reach.is_some_and(|reach| reach > begin);
        has_rows && !feed.offers.slos && feed.fault.is_none() && begins_late
    };
    let feeds = watch.store.feeds().iter().filter(is_short);
    let short: Vec<_> = feeds.map(|feed| feed.name.clone()).collect();
    if short.is_empty() {
        return;
    }
    let ask = Ask {
        now: Timestamp::now(),
        at: wanted.at,
        history: false,
        since: Some(begin),
    };
    let question = |settings: &SourceSettings| short.contains(&settings.name).then_some(ask);
    status::ask_some(watch, None, question).await;
}
