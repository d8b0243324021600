//! Where a row leads: its page and its runbook to a browser, its id and its page to the clipboard.

use jiff::Timestamp;

use super::Effect;
use super::action::Action;
use super::model::Model;
use crate::pane::Links;
use crate::text::Untrusted;

/// Opens or copies what the row leads to.
pub(super) fn follow(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    let Some(entry) = model.target() else {
        model.tell("no row is selected", now);
        return Vec::new();
    };
    let Links { id, url, runbook } = model.pane().links(model.sight(now), entry);
    let link = |url: Option<Untrusted>| url.as_ref().and_then(web_address);
    let (effect, message) = match action {
        Action::CopyId => {
            let id = id.shown().to_string();
            let message = format!("copied {id}");
            (Some(Effect::Copy(id)), message)
        }
        Action::CopyUrl => match link(url) {
            Some(url) => {
                let message = format!("copied {url}");
                (Some(Effect::Copy(url)), message)
            }
            None => (None, "this row has no web page".to_owned()),
        },
        Action::Runbook => match link(runbook) {
            Some(url) => {
                let message = format!("opening {url}");
                (Some(Effect::Open(url)), message)
            }
            None => (None, "this row has no runbook".to_owned()),
        },
        _ => match link(url) {
            Some(url) => {
                let message = format!("opening {url}");
                (Some(Effect::Open(url)), message)
            }
            None => (None, "this row has no web page".to_owned()),
        },
    };
    model.tell(message, now);
    effect.into_iter().collect()
}

/// A link that may be handed to a browser: `http` or `https`, and nothing in it but printable
/// ASCII, so that no browser, shell or clipboard can be steered by it.
fn web_address(url: &Untrusted) -> Option<String> {
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
