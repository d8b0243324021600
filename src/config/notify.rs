//! `[[notify]]`: where changes of state and releases are sent. None are sent without it.

use super::check::Context;
use super::{HeaderSetting, NotifyKind, NotifyOn, NotifyTarget, Step, read, wire};
use crate::domain::State;
use crate::text::clipped;

/// The names that a template may have in braces.
const FIELDS: [&str; 10] = [
    "state", "was", "slo", "service", "source", "burn", "budget", "since", "suspect", "at",
];
/// The text that is sent without a template.
const TEMPLATE: &str = "{state}: {slo} (was {was}), burn rate {burn}, budget left {budget}, since {since}, suspect {suspect}";
/// The longest template, in characters.
const MAX_TEMPLATE: usize = 1_000;

impl NotifyKind {
    const ALL: [(&'static str, Self); 2] = [("webhook", Self::Webhook), ("grafana", Self::Grafana)];
}

impl NotifyOn {
    const ALL: [(&'static str, Self); 6] = [
        ("page", Self::State(State::Page)),
        ("ticket", Self::State(State::Ticket)),
        ("ok", Self::State(State::Ok)),
        ("no_data", Self::State(State::NoData)),
        ("unknown", Self::State(State::Unknown)),
        ("release", Self::Release),
    ];

    fn of_kind(kind: NotifyKind) -> Vec<Self> {
        let states = [State::Page, State::Ticket, State::Ok].map(Self::State);
        let release = (kind == NotifyKind::Grafana).then_some(Self::Release);
        states.into_iter().chain(release).collect()
    }
}

impl Context<'_> {
    /// `[[notify]]`.
    pub(super) fn notify(&mut self, list: Option<toml::Value>) -> Vec<NotifyTarget> {
        let mut all = Vec::new();
        for (index, table) in self.tables("notify", list) {
            let path = [Step::Key("notify".to_owned()), Step::Index(index)];
            match read::section::<wire::Notify, _>(&path, table) {
                Ok(wire) => all.push(self.notify_target(index, wire)),
                Err(problem) => self.problems.push(problem),
            }
        }
        all
    }

    fn notify_target(&mut self, index: usize, wire: wire::Notify) -> NotifyTarget {
        let word = wire.kind.as_deref().unwrap_or("webhook");
        let kind = NotifyKind::ALL.into_iter().find(|(name, _)| *name == word);
        if kind.is_none() {
            let words = NotifyKind::ALL.map(|(name, _)| name);
            let message = read::unknown_word("kind", word, &words);
            self.refuse("notify", index, &["kind"], message);
        }
        let kind = kind.map_or(NotifyKind::Webhook, |(_, kind)| kind);
        if let HeaderSetting::Plain(url) = &wire.url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            let message = "expected a URL that begins with https:// or http://";
            self.refuse("notify", index, &["url"], message);
        }
        if wire.template.is_some() && kind == NotifyKind::Grafana {
            let message = "is for webhooks: annotations have a text of their own";
            self.refuse("notify", index, &["template"], message);
        }
        let template = wire.template.unwrap_or_else(|| TEMPLATE.to_owned());
        if let Some(message) = template_mistake(&template) {
            self.refuse("notify", index, &["template"], message);
        }
        NotifyTarget {
            kind,
            on: self.notify_on(index, kind, wire.on),
            url: wire.url,
            token: wire.token,
            template,
        }
    }

    fn notify_on(
        &mut self,
        index: usize,
        kind: NotifyKind,
        words: Option<Vec<String>>,
    ) -> Vec<NotifyOn> {
        let Some(words) = words else {
            return NotifyOn::of_kind(kind);
        };
        if words.is_empty() {
            let message = "is empty, so nothing would be sent: leave the [[notify]] out";
            self.refuse("notify", index, &["on"], message);
        }
        let mut on = Vec::new();
        for word in words {
            let known = NotifyOn::ALL.into_iter().find(|(name, _)| *name == word);
            if known.is_none() {
                let words = NotifyOn::ALL.map(|(name, _)| name);
                let message = read::unknown_word("change", &word, &words);
                self.refuse("notify", index, &["on"], message);
            }
            on.extend(known.map(|(_, known)| known));
        }
        on
    }
}

/// Why a template cannot be used.
fn template_mistake(template: &str) -> Option<String> {
    if template.trim().is_empty() {
        return Some("is empty: leave it out for the default text".to_owned());
    }
    if template.chars().count() > MAX_TEMPLATE {
        return Some(format!("has more than {MAX_TEMPLATE} characters"));
    }
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, next) = after.split_once('}').unwrap_or(("{", ""));
        if !FIELDS.contains(&name) {
            return Some(read::unknown_word("field", clipped(name).as_ref(), &FIELDS));
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_only_known_fields() {
        assert_eq!(template_mistake(TEMPLATE), None);
        assert_eq!(template_mistake("<!here> {state} {slo}"), None);
        for wrong in ["", " ", "{burn", "{}", "{password}", "{slo} {{state}}"] {
            assert!(template_mistake(wrong).is_some(), "{wrong:?}");
        }
        assert!(template_mistake(&"x".repeat(1_001)).is_some());
    }
}
