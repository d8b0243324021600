//! What goes wrong in a poll of many repositories or projects: with one, or with all of them.

use jiff::SignedDuration;

use crate::domain::{Facts, Fault, FaultKind, Faults};
use crate::text::Untrusted;

/// How long to stay away when a server tells of a limit without saying how long; twice as
/// long with each further time, up to [`LONGEST_WAIT`].
///
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>
const SECONDARY_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// The longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What went wrong, or was left out, in one poll.
#[derive(Default)]
pub(in crate::source) struct PartialFaults {
    pub(in crate::source) faults: Vec<Fault>,
    pub(in crate::source) warnings: Vec<Untrusted>,
}

impl PartialFaults {
    /// Notes what went wrong with one thing; what would go wrong with all ends the poll.
    pub(in crate::source) fn note(
        &mut self,
        noun: Noun,
        name: &str,
        fault: Fault,
    ) -> Result<(), Fault> {
        if is_everywhere(fault.kind) {
            return Err(fault);
        }
        self.faults.push(named(noun, name, &fault));
        Ok(())
    }

    /// The rows of one thing, or none and a note of why.
    pub(in crate::source) fn kept<T>(
        &mut self,
        noun: Noun,
        name: &str,
        rows: Result<Vec<T>, Fault>,
    ) -> Result<Vec<T>, Fault> {
        rows.or_else(|fault| self.note(noun, name, fault).map(|()| Vec::new()))
    }

    /// Notes what the reader should know.
    pub(in crate::source) fn warn(&mut self, words: String) {
        self.warnings.push(words.into());
    }

    /// All faults as one; the others become warnings.
    pub(in crate::source) fn fault(&mut self) -> Option<Fault> {
        let mut all = Faults::default();
        all.extend(self.faults.drain(..));
        let (fault, others) = all.finish();
        self.warnings.extend(others);
        fault
    }
}

/// True for faults that another one would meet just the same.
pub(in crate::source) fn is_everywhere(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Timeout
            | FaultKind::Connect
            | FaultKind::Tls
            | FaultKind::Auth
            | FaultKind::RateLimited
            | FaultKind::Secret
            | FaultKind::Crash
    )
}

/// True for what asking again does not mend: the key, or the account, does not have that.
pub(in crate::source) fn is_withheld(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Forbidden | FaultKind::NotFound | FaultKind::Query
    )
}

/// How often in a row a server has sent us away without saying for how long.
#[derive(Default)]
pub(in crate::source) struct Patience(u32);

impl Patience {
    /// Gives a poll that met such a limit the time to wait.
    pub(in crate::source) fn apply(
        &mut self,
        mut outcome: Result<Facts, Fault>,
    ) -> Result<Facts, Fault> {
        let fault = match &mut outcome {
            Ok(facts) => facts.fault.as_mut(),
            Err(fault) => Some(fault),
        };
        match fault.filter(|fault| fault.kind == FaultKind::RateLimited) {
            Some(fault) if fault.retry_after.is_none() => {
                let wait = SECONDARY_WAIT * (1 << self.0.min(6));
                fault.retry_after = Some(wait.min(LONGEST_WAIT));
                self.0 += 1;
            }
            Some(_) => {}
            None => self.0 = 0,
        }
        outcome
    }
}

/// What a source has many of.
#[derive(Clone, Copy)]
pub(in crate::source) struct Noun {
    /// One of them, `repository` for example.
    pub(in crate::source) one: &'static str,
    /// The setting that names them.
    pub(in crate::source) setting: &'static str,
    /// What a token needs to read them.
    pub(in crate::source) rights: &'static str,
}

/// The fault of one of them.
fn named(noun: Noun, name: &str, fault: &Fault) -> Fault {
    let said = fault.message.raw();
    let words = match fault.kind {
        FaultKind::NotFound => format!("no such {}, or the token may not see it (404)", noun.one),
        FaultKind::Redirect => format!("{said}, or correct its name in `{}`", noun.setting),
        FaultKind::Forbidden => format!("{said}: {}", noun.rights),
        _ => said.to_owned(),
    };
    let message = format!("{name}: {words}").into();
    Fault {
        message,
        ..fault.clone()
    }
}
