//! Where the target of an order stands, and what a fault means once an order was sent.

use jiff::Timestamp;

use crate::domain::{Fault, FaultKind, IncidentStatus, Target};

/// Where an incident stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct IncidentState {
    pub(in crate::source) status: IncidentStatus,
    /// Since when, as far as the vendor tells.
    pub(in crate::source) since: Option<Timestamp>,
}

impl IncidentState {
    /// `resolved since 2026-11-22 14:02 UTC`.
    pub(in crate::source) fn words(self) -> String {
        let word = self.status.word();
        self.since.map_or_else(
            || word.to_owned(),
            |since| format!("{word} since {}", day(since)),
        )
    }
}

/// Refuses when a target is not as it was seen, with the difference.
pub(in crate::source) fn check(target: &Target, now: IncidentState) -> Result<(), Fault> {
    match target.seen {
        Some(seen) if seen != now.status => {
            Err(moved(format!("it is {}, was {}", now.words(), seen.word())))
        }
        _ => Ok(()),
    }
}

/// The fault of an order that was not sent, since its target has changed.
pub(in crate::source) fn moved(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Moved, message)
}

/// The fault of an order that cannot be carried out here.
pub(in crate::source) fn not_offered(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::NotOffered, message)
}

/// What a fault means after a request that changes something. What broke off on the way is known to
/// the client already; what failed inside the server may have been carried out all the same.
pub(in crate::source) fn after_sending(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Server => unsure(fault.message.raw()),
        _ => fault,
    }
}

/// The fault of an order that was sent and whose end is not known.
pub(in crate::source) fn unsure(why: &str) -> Fault {
    let message = format!("sent, and not known to be done: {why}; look before you repeat it");
    Fault::new(FaultKind::Unsure, message)
}

/// True for faults that any other request to the same server would meet as well, now.
pub(in crate::source) fn is_of_all(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::RateLimited
            | FaultKind::Timeout
            | FaultKind::Connect
            | FaultKind::Tls
            | FaultKind::Secret
    )
}

/// A moment as people read it.
pub(in crate::source) fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// True for what can stand in a path as it is, and leads nowhere else.
pub(in crate::source) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    (1..=128).contains(&id.len()) && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(seen: Option<IncidentStatus>) -> Target {
        Target {
            id: "1".into(),
            name: "1".into(),
            service: "checkout".into(),
            seen,
        }
    }

    #[test]
    fn a_target_that_has_moved_is_refused_with_the_difference() {
        let now = IncidentState {
            status: IncidentStatus::Resolved,
            since: "2026-11-22T14:02:31Z".parse().ok(),
        };
        let fault = check(&target(Some(IncidentStatus::Triggered)), now).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Moved);
        assert_eq!(
            fault.message.raw(),
            "it is resolved since 2026-11-22 14:02 UTC, was triggered"
        );
        assert!(check(&target(Some(IncidentStatus::Resolved)), now).is_ok());
        assert!(check(&target(None), now).is_ok());
    }

    #[test]
    fn only_what_a_server_refused_is_known_not_to_be_done() {
        for (kind, want) in [
            (FaultKind::Server, FaultKind::Unsure),
            (FaultKind::Unsure, FaultKind::Unsure),
            (FaultKind::Connect, FaultKind::Connect),
            (FaultKind::Forbidden, FaultKind::Forbidden),
            (FaultKind::RateLimited, FaultKind::RateLimited),
            (FaultKind::Query, FaultKind::Query),
        ] {
            assert_eq!(after_sending(Fault::new(kind, "so it went")).kind, want);
        }
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        for id in [
            "I68T24C13IFW1",
            "712020:9ae5385e-1",
            "9b251e07-73c9-4907-9996-8cb53a6a20d0-17",
        ] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "..", "a/b", "a?b", "a%2fb", "a b", "ä"] {
            assert!(!is_id(id), "{id}");
        }
    }
}
