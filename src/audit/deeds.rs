//! What was done, for a hand-over.

use super::{Audit, Outcome, Record, records};
use crate::insight::handoff::{Act, Deeds};

impl Audit {
    /// Everything that was done, or why that cannot be told.
    pub fn deeds(&self) -> Deeds {
        // Without a log nothing can have been ordered.
        let Some(path) = self.path() else {
            return Deeds::Known(Vec::new());
        };
        match records(path) {
            Ok(records) => Deeds::Known(records.into_iter().map(act).collect()),
            Err(error) => {
                let path = path.display();
                let words = format!("the audit log {path} cannot be read ({error})");
                Deeds::Unknown(words.into())
            }
        }
    }
}

fn act(record: Record) -> Act {
    let (result, said) = match record.outcome {
        Outcome::Known { result, said } => (result, said),
        Outcome::Unknown => ("unknown".to_owned(), String::new().into()),
    };
    Act {
        at: record.at,
        who: record.who,
        source: record.source,
        verb: record.verb,
        target: record.target,
        name: record.name,
        result,
        said,
    }
}
