//! Where a row leads: its page and its runbook to a browser, a summary and its page to the clipboard.

use jiff::Timestamp;

use super::action::Action;
use super::model::Model;
use super::{Effect, alert, clip, opening};
use crate::pane::fire::Fire;
use crate::pane::{Links, SLOS};
use crate::text::Untrusted;

/// Target of a key on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A text for the clipboard.
    Copied(String),
    /// An address for a browser.
    Opened(String),
}

/// Opens or copies what the row leads to.
pub(super) fn follow(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    if action == Action::CopyId
        && let Some(link) = opening::link(model)
    {
        return clip::copy_line(model, "link to this moment", link);
    }
    match destination(model, action, now) {
        Ok(Destination::Copied(text)) => {
            // A summary begins with the id of its row.
            let id = text.split(' ').next().unwrap_or_default().to_owned();
            clip::copy_line(model, id, text)
        }
        Ok(Destination::Opened(url)) => vec![Effect::Open(url)],
        Err(reason) => {
            model.tell(reason, now);
            Vec::new()
        }
    }
}

/// Says whether an address was opened; one that was not is shown.
pub(super) fn opened(model: &mut Model, url: &str, is_opened: bool, now: Timestamp) {
    if is_opened {
        model.tell(format!("opening {url}"), now);
    } else {
        model.tell_for(clip::BY_HAND, format!("no browser here: {url}"), now);
    }
}

/// The target of a key on the row that keys act on, or the reason why it has none.
pub(super) fn destination(
    model: &Model,
    action: Action,
    now: Timestamp,
) -> Result<Destination, &'static str> {
    if let Some(page) = alert::page(model, action, now) {
        return page;
    }
    let entry = model.target().ok_or("no row is selected")?;
    let sight = model.sight(now);
    let Links { url, runbook, .. } = model.pane().links(sight, entry);
    let page = |url: Option<Untrusted>, reason| url.as_ref().and_then(web_address).ok_or(reason);
    Ok(match action {
        Action::CopyId => {
            let of_slo = (model.focus == SLOS).then(|| Fire::summary(sight, entry));
            let summary = of_slo.flatten();
            Destination::Copied(summary.unwrap_or_else(|| model.pane().summary(sight, entry)))
        }
        Action::CopyUrl => Destination::Copied(page(url, "this row has no web page")?),
        Action::Runbook => Destination::Opened(page(runbook, "this row has no runbook")?),
        _ => Destination::Opened(page(url, "this row has no web page")?),
    })
}

/// A link that may be handed to a browser: `http` or `https`, and nothing in it but printable
/// ASCII, so that no browser, shell or clipboard can be steered by it.
pub(super) fn web_address(url: &Untrusted) -> Option<String> {
    let url = url.raw();
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_graphic());
    (is_web && is_plain && !rest.is_empty()).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_opened() {
        for (url, is_opened) in [
            ("https://runbooks.example/checkout?x=1#top", true),
            ("HTTP://example", true),
            ("https://", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("https://a b", false),
            ("https://a\u{1b}[31m", false),
            ("https://ex\u{202e}ample", false),
            ("checkout", false),
        ] {
            let found = web_address(&Untrusted::from(url)).is_some();
            assert_eq!(found, is_opened, "{url:?}");
        }
    }
}
