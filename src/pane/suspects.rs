//! Since when it burns and which release may be behind it, in words for rows and details.

use super::block::{Block, Detail};
use super::cell::{Line, Role};
use super::{RowKey, Sight, figures};
use crate::domain::{Observation, Release};
use crate::insight::{Insight, Suspect};
use crate::store::{Feed, Store};
use crate::text::{Shown, Untrusted};

/// The shape of a suspicion.
pub(super) const MARK: &str = "◀ ";

/// What is thought about an SLO; nothing of one that does not burn.
pub(super) fn insight<'a>(
    store: &'a Store,
    feed: &Feed,
    seen: &Observation,
) -> Option<&'a Insight> {
    store.insights().slo(&feed.name, &seen.slo.id())
}

/// The release that a burn of this service may come from: the row of it, for the key that leads
/// there.
pub fn row_of(sight: Sight<'_>, service: &Untrusted) -> Option<RowKey> {
    let slos = sight.store.slos();
    let own = slos.filter(|(_, seen)| seen.slo.service == *service);
    let suspects = own.filter_map(|(feed, seen)| insight(sight.store, feed, seen)?.suspect());
    let worst = suspects.max_by(|a, b| a.score.total_cmp(&b.score))?;
    Some(RowKey {
        pane: super::PANES[super::RELEASES].name(),
        source: worst.source.clone(),
        id: worst.release.clone(),
        nth: 0,
    })
}

/// The most telling accusation of a release, with the service that burns.
fn accusation<'a>(
    store: &'a Store,
    feed: &'a Feed,
    release: &'a Release,
) -> Option<(&'a Untrusted, &'a Insight, &'a Suspect)> {
    let insights = store.insights();
    let all = insights.accused(&feed.name, &release.id);
    let all = all.filter_map(|(_, id, insight)| Some((id, insight, insight.suspect()?)));
    all.max_by(|a, b| a.2.score.total_cmp(&b.2.score).then_with(|| b.0.cmp(a.0)))
}

/// `4m before it began`, or `about when it began` for a release within the interval of the onset.
pub(super) fn when(suspect: &Suspect, beginning: &str) -> String {
    if suspect.lead.is_zero() {
        format!("about when {beginning}")
    } else {
        format!("{} before {beginning}", figures::age(suspect.lead))
    }
}

/// True for a release that may be behind a burn.
pub(super) fn is_suspect(store: &Store, feed: &Feed, release: &Release) -> bool {
    !store.insights().is_quiet() && accusation(store, feed, release).is_some()
}

/// `suspect: 4m before checkout burned, errors 0.02% → 2.1%`; empty for a release that is no suspect.
pub(super) fn reason(store: &Store, feed: &Feed, release: &Release) -> Line {
    let Some((id, insight, suspect)) = accusation(store, feed, release) else {
        return Line::new();
    };
    let service = id
        .raw()
        .split_once('/')
        .map_or(id.raw(), |(service, _)| service);
    let burned = format!("{} burned", Untrusted::from(service).shown());
    let line = Line::of("suspect: ", Role::Accent).text(when(suspect, &burned), Role::Plain);
    match &insight.onset {
        Some(onset) => line.text(format!(", {}", onset.errors()), Role::Dim),
        None => line,
    }
}

/// The reason in full, and shorter for less room; none for a release that is no suspect. In a row with the
/// service and the mark of a suspect, the words for both can go.
pub(super) fn reasons(store: &Store, feed: &Feed, release: &Release) -> Vec<Line> {
    let Some((id, insight, suspect)) = accusation(store, feed, release) else {
        return Vec::new();
    };
    let service = Untrusted::from(id.raw().split_once('/').map_or(id.raw(), |(name, _)| name));
    let burned = if service == release.service {
        "it burned".to_owned()
    } else {
        format!("{} burned", service.shown())
    };
    let when = when(suspect, &burned);
    let errors = insight.onset.as_ref().map(crate::insight::Onset::errors);
    let errors = errors.unwrap_or_default();
    let ratios = errors.trim_start_matches("errors ");
    let with = |line: Line, errors: &str| match errors {
        "" => line,
        errors => line.text(format!(", {errors}"), Role::Dim),
    };
    let named = || Line::of("suspect: ", Role::Accent).text(&when, Role::Plain);
    vec![
        reason(store, feed, release),
        with(named(), ratios),
        // As narrow as half of a terminal of 120 columns.
        Line::of(format!("{when} {ratios}").trim_end(), Role::Plain),
        named(),
        Line::of(&when, Role::Plain),
    ]
}

/// In the detail of a release, what it is suspected of.
pub(super) fn of_release(sight: Sight<'_>, feed: &Feed, release: &Release, detail: &mut Detail) {
    let Some((id, _, suspect)) = accusation(sight.store, feed, release) else {
        return;
    };
    detail.field(
        "suspect",
        Line::of(MARK, Role::Accent)
            .text("of ", Role::Plain)
            .foreign(id, Role::Strong)
            .text(format!(", score {:.2}", suspect.score), Role::Dim),
    );
    let reason = suspect.reason.shown();
    detail.blocks.push(Block::Prose(reason, Role::Plain));
}

/// In the detail of an SLO, since when it burns and what may be behind it.
pub(super) fn of_slo(sight: Sight<'_>, feed: &Feed, seen: &Observation, detail: &mut Detail) {
    let Some(insight) = insight(sight.store, feed, seen) else {
        return;
    };
    if let Some(onset) = &insight.onset {
        let text = format!(
            "{} ({}), between {} and {}",
            sight.clock(onset.at),
            sight.ago(Some(onset.at)),
            sight.clock(onset.earliest),
            sight.clock(onset.latest)
        );
        detail.line(Line::of("began ", Role::Dim).text(text, Role::Plain));
    }
    for suspect in &insight.suspects {
        let is_one = suspect.score >= crate::insight::SUSPICION;
        let (mark, role) = if is_one {
            (format!("{MARK}suspect "), Role::Accent)
        } else {
            ("  less likely ".to_owned(), Role::Dim)
        };
        detail.line(
            Line::of(mark, role)
                .foreign(&suspect.service, Role::Strong)
                .text(" ", Role::Plain)
                .foreign(&suspect.version, Role::Strong)
                .text(format!(" {:.2}", suspect.score), Role::Dim),
        );
        let reason = suspect.reason.shown();
        detail.blocks.push(Block::Prose(reason, Role::Plain));
    }
    if let Some(words) = &insight.unexplained {
        let words = Shown::new(words);
        detail.blocks.push(Block::Prose(words, Role::Plain));
    }
}
