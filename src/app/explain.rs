//! The explanation of one row's numbers: asked for, heard, laid out over the whole body.

use jiff::Timestamp;

use super::layout::{Area, Arrangement, Border, Layout};
use super::model::Model;
use super::model::memory::Inquiry;
use super::model::mode::Mode;
use super::screen::Sheet;
use super::sheet;
use super::{Effect, clip};
use crate::domain::Observation;
use crate::domain::explanation::Told;
use crate::pane::{Detail, Line, Role, RowKey, Said};
use crate::text::Untrusted;

/// Explains the row that keys act on, and asks its source to look behind the numbers.
pub(super) fn open(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    if !model.pane().explains() {
        model.tell("only the numbers of an SLO can be explained", now);
        return Vec::new();
    }
    let Some(key) = model.target().map(|entry| entry.key.clone()) else {
        model.tell("no row is selected", now);
        return Vec::new();
    };
    let ids = ids(model, &key, now);
    if !model
        .inquiry
        .as_ref()
        .is_some_and(|inquiry| inquiry.is_about(&key))
    {
        model.inquiry = Some(Inquiry {
            source: key.source.clone(),
            id: key.id.clone(),
            said: None,
        });
    }
    let source = key.source.clone();
    if model.modes.explained().is_none() {
        model.modes.push(Mode::Explain { key, scroll: 0 });
    }
    vec![Effect::Explain(source, ids)]
}

/// The ids that a row may have at its source.
fn ids(model: &Model, key: &RowKey, now: Timestamp) -> Vec<Untrusted> {
    observation(model, key, now).map_or_else(
        || vec![key.id.clone()],
        |seen| model.sight(now).store.ids_of(&seen.slo),
    )
}

fn observation<'a>(model: &'a Model, key: &RowKey, now: Timestamp) -> Option<&'a Observation> {
    let entry = model.roster()?.find(key)?;
    let feed = model.sight(now).store.feeds().get(entry.feed)?;
    feed.facts.slos.as_ref()?.get(entry.item)
}

/// Takes in what a source said; what nobody asks any more is let go.
pub(super) fn hear(model: &mut Model, told: Told) {
    if let Some(inquiry) = &mut model.inquiry
        && inquiry.source == told.source
        && inquiry.id == told.id
    {
        inquiry.said = Some((told.at, told.outcome));
    }
}

/// Copies the queries of the explained row's shortest window, one a line.
pub(super) fn copy_queries(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let queries = queries(model, now);
    let what = match queries.len() {
        0 => {
            model.tell("the source names no query", now);
            return Vec::new();
        }
        1 => "1 query".to_owned(),
        count => format!("{count} queries"),
    };
    clip::copy(model, what, queries.join("\n"))
}

/// The queries of the explained row's shortest window.
pub(super) fn queries(model: &Model, now: Timestamp) -> Vec<String> {
    let explained = model.modes.explained();
    let seen = explained.and_then(|(key, _)| observation(model, key, now));
    let queries = seen.iter().flat_map(|seen| seen.slo.queries.iter());
    let shown = queries.map(|(_, query)| query.shown_whole().to_string());
    shown.collect()
}

/// The explanation that is open, as much of it as is in view.
pub(super) fn sheet(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Option<Sheet> {
    let (_, scroll) = model.modes.explained()?;
    let (area, border) = place(arrangement);
    let detail = detail(model, now);
    let title = Line::of("explained: ", Role::Dim).join(detail.title);
    let detail = Detail { title, ..detail };
    Some(sheet::in_view(detail, area, border, scroll))
}

/// The furthest the explanation can be scrolled.
pub(super) fn last_scroll(model: &Model, layout: &Layout, now: Timestamp) -> usize {
    let Layout::Panes(arrangement) = layout else {
        return 0;
    };
    let (area, border) = place(arrangement);
    sheet::out_of_view(&detail(model, now), area, border)
}

/// Everything between the header and the last lines; on a small terminal in place of the tabs, so
/// that a line is left for the title.
fn place(arrangement: &Arrangement) -> (Area, Border) {
    let y = arrangement.header.y + arrangement.header.height;
    let end = arrangement.sources.unwrap_or(arrangement.hints).y;
    let area = Area {
        x: arrangement.header.x,
        y,
        width: arrangement.header.width,
        height: end.saturating_sub(y),
    };
    let border = match arrangement.detail_border {
        Border::Bare => Border::Rule,
        border => border,
    };
    (area, border)
}

fn detail(model: &Model, now: Timestamp) -> Detail {
    let sight = model.sight(now);
    let key = model.modes.explained().map(|(key, _)| key);
    let inquiry = model.inquiry.as_ref();
    let inquiry = inquiry.filter(|inquiry| key.is_some_and(|key| inquiry.is_about(key)));
    let said = match inquiry.and_then(|inquiry| inquiry.said.as_ref()) {
        None => Said::Asking,
        Some((at, Ok(explained))) => Said::Told(explained, *at),
        Some((_, Err(fault))) => Said::Failed(fault),
    };
    if let Some(entry) = model.target() {
        return model.pane().explain(sight, entry, said);
    }
    let mut gone = Detail::default();
    if let Some(key) = key {
        gone.title = Line::new().foreign(&key.id, Role::Title);
        let text = format!("{} reports this no more.", key.source);
        gone.line(Line::of(text, Role::Plain));
    }
    gone
}
