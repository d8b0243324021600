//! When releases of a service froze, and when that ended: each turn is an event.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Freeze;
use crate::domain::Event;
use crate::store::Store;
use crate::text::Untrusted;

/// The policy that is known to freeze each service, and the turns that were not taken yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turns {
    /// `None` for a service that is known to be free.
    known: HashMap<Untrusted, Option<Untrusted>>,
    turned: Vec<Event>,
}

impl Turns {
    /// Notes a decision on a service. One that is not known changes nothing, and the default policies,
    /// which follow the state of the SLOs, have no events of their own.
    pub(super) fn note(&mut self, service: &Untrusted, freeze: Option<&Freeze>, at: Timestamp) {
        let (policy, cause) = match freeze {
            Some(freeze) if !freeze.is_known || !freeze.is_configured => return,
            Some(freeze) => (Some(&freeze.policy), freeze.cause.clone()),
            None => (None, Untrusted::default()),
        };
        let before = self.known.get(service);
        if before.is_some_and(|before| before.as_ref() == policy) {
            return;
        }
        let ended = before.cloned().flatten().unwrap_or_default();
        let event = match policy {
            Some(policy) => Event::freeze(service, (policy, &cause), true, at),
            None => Event::freeze(service, (&ended, &cause), false, at),
        };
        self.known.insert(service.clone(), policy.cloned());
        self.turned.push(event);
    }
}

impl Store {
    /// The freezes that began or ended since this was called last. The first one of a service says how
    /// it stands: a journal knows whether that is new.
    pub fn take_freeze_turns(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.turns.turned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::What;

    fn freeze(policy: &str, is_known: bool, is_configured: bool) -> Freeze {
        Freeze {
            is_known,
            is_configured,
            policy: policy.into(),
            cause: "budget -4 %".into(),
            line: "releases frozen".into(),
        }
    }

    #[test]
    fn each_turn_is_told_once_and_what_is_not_known_turns_nothing() {
        let at = Timestamp::UNIX_EPOCH;
        let service = Untrusted::from("checkout");
        let mut turns = Turns::default();
        let mut told = |freeze: Option<Freeze>| {
            turns.note(&service, freeze.as_ref(), at);
            let turned = std::mem::take(&mut turns.turned);
            let words = turned.into_iter().map(|event| match event.what {
                What::Freeze {
                    is_frozen, policy, ..
                } => format!("{is_frozen} {}", policy.raw()),
                _ => "other".to_owned(),
            });
            words.collect::<Vec<_>>()
        };
        let none = Vec::<String>::new();
        assert_eq!(told(Some(freeze("budget", false, true))), none);
        assert_eq!(told(None), ["false "], "how it stands at first");
        assert_eq!(told(None), none);
        assert_eq!(told(Some(freeze("budget", true, true))), ["true budget"]);
        assert_eq!(told(Some(freeze("budget", true, true))), none);
        assert_eq!(told(Some(freeze("budget", false, true))), none);
        assert_eq!(
            told(Some(freeze("week end", true, true))),
            ["true week end"]
        );
        assert_eq!(told(None), ["false week end"]);
        assert_eq!(told(Some(freeze("default freeze", true, false))), none);
    }
}
